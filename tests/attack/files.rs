//! File descriptors that run out.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use crate::server::Server;

/// Connections that send this and nothing more.
fn hold(server: &Server, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    (0..count)
        .map(|_| {
            let mut stream = server.connect();
            // It may have been turned away already.
            let _ = stream.write_all(bytes);
            stream
        })
        .collect()
}

#[test]
fn with_few_files_there_are_fewer_connections_and_the_database_keeps_its_own() {
    let server = Server::with(|command| command.env("OPEN_FILES", "64"));
    let warning = "8 connections instead of 512 can be open at once: that takes 568 open files, and the system allows 64";
    for bytes in [
        b"".as_slice(),
        b"GET / HTTP/1.1\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let held = hold(&server, 200, bytes);
        assert!(server.serves("/healthz"), "{}", bytes.escape_ascii());
        assert!(server.serves("/readyz"), "{}", bytes.escape_ascii());
        drop(held);
    }
    server.logs(warning);
}

#[test]
fn after_a_time_without_files_it_goes_on_by_itself() {
    let mut server = Server::start();
    assert!(server.serves("/readyz"));
    // The limit is on the numbers of files, so there must be no gap: that of a connection which is not quite closed.
    let at_rest = server.open_files_at_rest();
    let idle = hold(&server, 20, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    while server.open_files() < at_rest + idle.len() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // No file more than there are now, and a few less.
    let files = at_rest + idle.len() - 10;
    let id = server.id().to_string();
    let set = Command::new("prlimit")
        .args(["--pid", &id, &format!("--nofile={files}:4096")])
        .status();
    if !set.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no prlimit, which lowers the limit of another process");
        return;
    }
    // Idle connections are given up for the next ones.
    assert!(server.serves("/healthz"));
    server.logs("a connection could not be accepted; trying on error=Too many open files");
    let held = hold(&server, 100, b"GET / HTTP/1.1\r\n");
    assert!(server.serves("/healthz"));
    drop((idle, held));
    assert!(server.serves("/readyz"));
    assert!(server.is_running());
}
