//! The control socket.

use std::os::unix::net::{UnixListener, UnixStream};

use tempfile::TempDir;

use crate::server::{Server, oauthctl};

#[test]
fn a_server_for_clients_on_the_same_database_goes_by_the_clock_of_the_machine() {
    let development = Server::start(&["--dev"]);
    let token = development.exchange(&development.code("alice")).json()["access_token"].clone();
    development.told(&["dev", "clock", "advance", "2h"]);
    let database = development.variable("OAUTHCTL_DATABASE");
    let server = Server::start(&["--database", database]);
    assert_eq!(development.check(&token), 401);
    assert_eq!(server.check(&token), 200);
}

#[test]
fn an_order_that_is_not_heard_is_an_error() {
    let server = Server::start(&["--dev"]);
    let socket = format!("{}-dev", server.variable("OAUTHCTL_DATABASE"));
    let silent: Vec<UnixStream> = (0..40).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    let output = server.command(&["dev", "clock"], "");
    assert_eq!(output.status.success(), !output.stdout.is_empty(), "{output:?}");
    drop(silent);
    server.told(&["dev", "clock"]);
}

#[test]
fn a_path_that_no_socket_has_is_refused_before_anything_is_seeded() {
    let directory = TempDir::new().unwrap();
    let database = format!("{}.db", "a".repeat(120));
    let output = oauthctl(
        directory.path(),
        &[
            "serve",
            "--dev",
            "--database",
            &database,
            "--listen",
            "127.0.0.1:0",
        ],
    )
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("too long"));
    assert!(!directory.path().join(database).exists());
}

#[test]
fn a_link_in_place_of_the_socket_is_not_followed() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("oauthctl.db");
    let socket = directory.path().join("oauthctl.db-dev");
    // Whoever may write to the directory could make it; the owner of the socket alone says who answers.
    let elsewhere = directory.path().join("elsewhere");
    let listener = UnixListener::bind(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &socket).unwrap();
    let database = database.to_str().unwrap();
    let output = oauthctl(directory.path(), &["client", "list", "--database", database])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    listener.set_nonblocking(true).unwrap();
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn in_a_shell_with_the_variables_of_a_server_that_has_ended_that_is_said() {
    let mut server = Server::start(&["--dev"]);
    server.stop();
    let url = server.variable("OAUTH_AUTHORIZE_URL");
    for arguments in [
        vec!["client", "list"],
        vec!["explain", url],
        vec!["explain", "request", "38g61gjnf1de5"],
        vec!["dev", "clock"],
        vec!["token", "list"],
    ] {
        let output = server.command(&arguments, "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        for part in [
            "the development server",
            "has ended",
            "oauthctl serve --dev",
            "OAUTHCTL_DATABASE",
        ] {
            assert!(told.contains(part), "{arguments:?}: {told}");
        }
    }
    // Only where the name is one of ours.
    let output = server.command(
        &["--database", "oauthctl-dev-x/oauthctl.db", "client", "list"],
        "",
    );
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("does not exist; create it"), "{told}");
}
