//! Why a server with TLS, or without, is not started.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{Certificate, Home, Server, write_private};

/// What a command that fails says.
fn refusal(mut command: Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

#[test]
fn files_that_cannot_be_used() {
    let other = Certificate::new();
    let der = other.der();
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let large = vec![b'a'; 1024 * 1024 + 1];
    let table: &[(&str, Option<&[u8]>, &str)] = &[
        (
            "fullchain.pem",
            None,
            "fullchain.pem: the certificate cannot be read: No such file or directory (os error 2)",
        ),
        (
            "privkey.pem",
            None,
            "privkey.pem: the private key cannot be read: No such file or directory (os error 2)",
        ),
        (
            "fullchain.pem",
            Some(b""),
            "fullchain.pem: there is no certificate; a PEM file is expected, with the line `-----BEGIN CERTIFICATE-----`",
        ),
        (
            "fullchain.pem",
            Some(b"hello\n"),
            "fullchain.pem: there is no certificate; a PEM file is expected, with the line `-----BEGIN CERTIFICATE-----`",
        ),
        (
            "fullchain.pem",
            Some(der),
            "fullchain.pem: this is DER; PEM is expected, which `openssl` writes with `-outform PEM`",
        ),
        (
            "fullchain.pem",
            Some(broken.as_bytes()),
            "fullchain.pem: this is not PEM: ",
        ),
        (
            "fullchain.pem",
            Some(no_certificate.as_bytes()),
            "fullchain.pem: the first certificate cannot be used: ",
        ),
        (
            "fullchain.pem",
            Some(other.key_pem().leak().as_bytes()),
            "fullchain.pem: there is a private key and no certificate; are the two files interchanged?",
        ),
        (
            "fullchain.pem",
            Some(other.pem().leak().as_bytes()),
            "privkey.pem: the private key does not fit the first certificate in fullchain.pem",
        ),
        (
            "fullchain.pem",
            Some(&large),
            "fullchain.pem: the certificate is larger than 1 MiB",
        ),
        (
            "privkey.pem",
            Some(b""),
            "privkey.pem: there is no private key; a PEM file is expected, with a line such as `-----BEGIN PRIVATE KEY-----`",
        ),
        (
            "privkey.pem",
            Some(other.pem().leak().as_bytes()),
            "privkey.pem: there is a certificate and no private key; are the two files interchanged?",
        ),
        (
            "privkey.pem",
            Some(locked.as_bytes()),
            "privkey.pem: the private key is locked with a passphrase, which nobody is there to give; `openssl pkey` writes it without one",
        ),
        (
            "privkey.pem",
            Some(other.key_pem().leak().as_bytes()),
            "privkey.pem: the private key does not fit the first certificate in fullchain.pem",
        ),
    ];
    for (name, content, message) in table {
        let home = Home::new();
        match content {
            Some(content) => write_private(&home.join(name), content),
            None => fs::remove_file(home.join(name)).unwrap(),
        }
        let stderr = refusal(home.serve());
        assert!(
            stderr.starts_with(&format!("error: {message}")),
            "{stderr}\n{message}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(!home.join("oauthctl.db").exists(), "{name}");
    }
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    for (mode, is_accepted) in [
        (0o600, true),
        (0o400, true),
        (0o640, true),
        (0o644, false),
        (0o604, false),
        (0o660, false),
        (0o602, false),
    ] {
        let home = Home::new();
        fs::set_permissions(home.join("privkey.pem"), fs::Permissions::from_mode(mode)).unwrap();
        if is_accepted {
            drop(Server::start(home.serve()));
            continue;
        }
        assert_eq!(
            refusal(home.serve()),
            format!(
                "error: privkey.pem: the private key can be read or replaced by others (mode {mode:04o}); `chmod 600 \
                 privkey.pem`, or 640 for a group that may read it\n"
            )
        );
    }
}

#[test]
fn a_certificate_for_another_host_is_a_warning() {
    let home = Home::new();
    let mut command = home.serve();
    command.args(["--issuer", "https://id.example"]);
    let server = Server::start(command);
    server.logs("the certificate is not for `id.example`, the host of the issuer: clients will refuse it");
    let right = Server::start(home.serve());
    home.certificate.connect(right.address).unwrap();
    // Nothing but the block at the start.
    let logged = right.logged();
    assert!(logged.iter().all(|line| line.starts_with("  ")), "{logged:?}");
}

#[test]
fn an_address_that_others_reach_needs_tls_or_a_proxy() {
    let home = Home::new();
    let clear = "error: 0.0.0.0:0 can be reached from other machines, and without TLS secrets would travel in clear; ";
    let without_tls = |variables: &[(&str, &str)]| {
        let mut command = home.command();
        command.args(["serve", "--listen", "0.0.0.0:0", "--issuer", "https://id.example"]);
        command.envs(variables.iter().copied());
        command
    };
    assert_eq!(
        refusal(without_tls(&[])),
        format!(
            "{clear}set `certificate` and `private_key` under [tls], or listen on 127.0.0.1 and put a TLS proxy in front\n"
        )
    );
    // Proxies that are trusted, and none in front.
    let named = ("OAUTHCTL_SERVER_TRUSTED_PROXIES", "10.0.0.7");
    refusal(without_tls(&[named]));
    // A proxy in front, and nobody has said where.
    let behind = ("OAUTHCTL_SERVER_BEHIND_PROXY", "true");
    assert_eq!(
        refusal(without_tls(&[behind])),
        format!(
            "{clear}name the address of the proxy in `trusted_proxies` under [server], or set `certificate` and \
             `private_key` under [tls]\n"
        )
    );
    let server = Server::start(without_tls(&[behind, named]));
    assert!(server.base.starts_with("http://0.0.0.0:"), "{}", server.base);

    let mut command = home.serve();
    command.args(["--issuer", "https://id.example"]);
    command.env("OAUTHCTL_SERVER_LISTEN", "0.0.0.0:0");
    let server = Server::start(command);
    assert!(server.base.starts_with("https://127.0.0.1:"), "{}", server.base);
}
