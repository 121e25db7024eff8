//! Certificates that are replaced while the server runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Duration;

use crate::support::{Certificate, Home, Server, healthy, write_private};

const REPLACED: &str = "the certificate was replaced";
const STAYS: &str = "the certificate in force stays, because the new one cannot be used";

#[test]
fn a_new_pair_is_taken_without_being_asked() {
    let home = Home::new();
    let server = Server::start(home.serve());
    let mut old = home.certificate.connect(server.address).unwrap();
    healthy(&mut old);

    let renewed = Certificate::new();
    renewed.write_to(home.path());
    server.logs(REPLACED);
    healthy(&mut renewed.connect(server.address).unwrap());
    assert!(home.certificate.connect(server.address).is_err());
    healthy(&mut old);
}

/// As certbot does it: `live/` has links into `archive/`, and is given others.
#[test]
fn links_that_are_exchanged_are_noticed() {
    let home = Home::new();
    for directory in ["archive", "live"] {
        fs::create_dir(home.join(directory)).unwrap();
    }
    let publish = |certificate: &Certificate, number: u32| {
        for (name, content) in [
            ("privkey", certificate.key_pem()),
            ("fullchain", certificate.pem()),
        ] {
            let file = format!("archive/{name}{number}.pem");
            write_private(&home.join(&file), content);
            let link = home.join(&format!("live/{name}.pem"));
            let _ = fs::remove_file(&link);
            symlink(home.join(&file), link).unwrap();
        }
    };
    publish(&home.certificate, 1);
    let mut command = home.serve();
    command
        .env("OAUTHCTL_TLS_CERTIFICATE", "live/fullchain.pem")
        .env("OAUTHCTL_TLS_PRIVATE_KEY", "live/privkey.pem");
    let server = Server::start(command);
    healthy(&mut home.certificate.connect(server.address).unwrap());
    for number in 2..4 {
        let renewed = Certificate::new();
        publish(&renewed, number);
        server.logs(REPLACED);
        healthy(&mut renewed.connect(server.address).unwrap());
    }
}

#[test]
fn a_pair_that_cannot_be_used_leaves_the_old_one_in_force() {
    let home = Home::new();
    let server = Server::start(home.serve());
    let other = Certificate::new();
    fs::write(home.join("fullchain.pem"), other.pem()).unwrap();
    let line = server.logs(STAYS);
    assert!(line.contains("ERROR"), "{line}");
    assert!(
        line.contains("privkey.pem: the private key does not fit the first certificate in fullchain.pem"),
        "{line}"
    );
    healthy(&mut home.certificate.connect(server.address).unwrap());

    fs::remove_file(home.join("fullchain.pem")).unwrap();
    server.logs("fullchain.pem: the certificate cannot be read");
    healthy(&mut home.certificate.connect(server.address).unwrap());

    other.write_to(home.path());
    server.logs(REPLACED);
    healthy(&mut other.connect(server.address).unwrap());
}

#[test]
fn sighup_reads_the_files_and_ends_nothing() {
    let home = Home::new();
    let server = Server::start(home.serve());
    let mut stream = home.certificate.connect(server.address).unwrap();
    healthy(&mut stream);
    server.signal("HUP");
    server.logs("the certificate is the same as before");
    fs::write(home.join("fullchain.pem"), "").unwrap();
    server.logs(STAYS);
    // Whoever asks is told again.
    server.signal("HUP");
    server.logs(STAYS);
    healthy(&mut stream);

    let plain = {
        let mut command = home.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Server::start(command)
    };
    plain.signal("HUP");
    plain.logs("the settings have been read again");
    healthy(&mut crate::support::connect(plain.address));
}

#[test]
fn other_files_in_the_directory_are_nothing_to_talk_about() {
    let home = Home::new();
    let server = Server::start(home.serve());
    for number in 0..3 {
        fs::write(home.join("other.pem"), [number]).unwrap();
        // Longer than the directory has to be quiet; a line that were written too late would be missed, not invented.
        thread::sleep(Duration::from_millis(400));
    }
    server.signal("HUP");
    server.logs("the certificate is the same as before");
    assert_eq!(server.logged(), [""; 0]);
}
