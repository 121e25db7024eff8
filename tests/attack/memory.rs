//! All attacks at once, over and over: afterwards the program serves, and has the memory that it had.

use std::net::TcpStream;
use std::thread;

use crate::attacks::list;
use crate::server::Server;

/// How much more memory may be resident after the attacks.
const BOUND: u64 = 64 * 1024 * 1024;

/// Runs every attack `rounds` times from each of `attackers` threads, and holds the connections that stay.
fn attack(attackers: usize, rounds: usize) {
    let mut server = Server::start();
    for path in ["/healthz", "/readyz", "/.well-known/oauth-authorization-server"] {
        assert!(server.serves(path));
    }
    let before = server.resident();
    let mut held: Vec<TcpStream> = thread::scope(|scope| {
        let attackers: Vec<_> = (0..attackers)
            .map(|_| {
                scope.spawn(|| {
                    let attacks = list();
                    let all = (0..rounds).flat_map(|_| &attacks);
                    all.filter_map(|attack| attack.run(&server)).collect::<Vec<_>>()
                })
            })
            .collect();
        attackers
            .into_iter()
            .flat_map(|attacker| attacker.join().unwrap())
            .collect()
    });
    assert!(server.is_running());
    // With all that stayed still there.
    assert!(server.serves("/healthz"));
    assert!(server.serves("/readyz"));
    let during = server.resident();
    let count = held.len();
    held.clear();
    assert!(server.serves("/readyz"));
    let after = server.resident();
    let mib = |bytes: u64| bytes / (1024 * 1024);
    eprintln!(
        "resident MiB: {} before, {} with {count} connections held, {} after",
        mib(before),
        mib(during),
        mib(after)
    );
    assert!(
        after <= before + BOUND,
        "from {} to {} MiB",
        mib(before),
        mib(after)
    );
}

#[test]
fn a_few_attackers_leave_it_serving_with_the_memory_that_it_had() {
    attack(8, 3);
}

#[test]
#[ignore = "many connections; run it by its name"]
fn many_attackers_leave_it_serving_with_the_memory_that_it_had() {
    attack(48, 20);
}
