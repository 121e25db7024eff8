//! Apache with `mod_auth_openidc`, by introspection.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::confusion::{FORMS, TARGETS};
use crate::program::{Reserved, Running, find, missing};
use crate::raw::send;
use crate::stage::Stage;
use crate::story::{FORGED, SENDERS, assert_own_words};
use crate::support::browser::Browser;
use crate::support::flow::{sign_in, tokens};

/// Where Debian has the modules.
const MODULES: &str = "/usr/lib/apache2/modules";

/// Fields in which a client asks for the removal of others, or for another request than the one it sends.
const FORGETS: [&str; 5] = [
    "Connection: close, X-OAuth-Client, X-OAuth-Owner, X-OAuth-Scope, Upgrade",
    "Upgrade: h2c",
    "X-HTTP-Method-Override: DELETE",
    "X_Original_URL: /admin",
    "OIDC_CLAIM_scope: everything",
];

/// Apache, or `None` where its tests may be skipped.
fn apache() -> Option<PathBuf> {
    let program = find("apache2")?;
    if Path::new(MODULES).join("mod_auth_openidc.so").is_file() {
        return Some(program);
    }
    missing("mod_auth_openidc");
    None
}

/// Apache with the printed configuration, and with the credentials that the command in its comment makes.
fn started(program: &Path, stage: &Stage, more: &[&str]) -> Running {
    let (directory, reserved) = (TempDir::new().unwrap(), Reserved::new());
    let path = |name: &str| directory.path().join(name);
    let credentials = path("credentials.conf");
    let arguments = [&["--credentials", credentials.to_str().unwrap()][..], more].concat();
    let printed = stage.example("apache", reserved.address, &arguments);
    let register = printed
        .lines()
        .find_map(|line| line.strip_prefix("#   (umask"))
        .map(|rest| format!("(umask{rest}"))
        .unwrap();
    stage.shell(&register);
    fs::write(path("oauthctl.conf"), printed).unwrap();

    let mut around = format!(
        "ServerRoot {directory}\nDefaultRuntimeDir {directory}\nPidFile {directory}/pid\nErrorLog {directory}/error.log\n\
         ServerName localhost\nUser www-data\nGroup www-data\n",
        directory = directory.path().display()
    );
    for module in [
        "mpm_event",
        "authn_core",
        "authz_core",
        "headers",
        "proxy",
        "proxy_http",
        "auth_openidc",
    ] {
        around += &[
            "LoadModule ",
            module,
            "_module ",
            MODULES,
            "/mod_",
            module,
            ".so\n",
        ]
        .concat();
    }
    around += "Include oauthctl.conf\n";
    fs::write(path("apache2.conf"), around).unwrap();
    let mut command = Command::new(program);
    // One process, which keeps the rights that the test has to its directory.
    command.arg("-X").arg("-f").arg(path("apache2.conf"));
    Running::start(command, directory, reserved)
}

#[test]
fn the_life_of_a_token() {
    let Some(program) = apache() else { return };
    let stage = Stage::set();
    let apache = started(&program, &stage, &["--scope", "orders:read"]);
    let at = apache.address();
    for request in ["GET /a/b?c=d", "HEAD /a", "DELETE /a%20b", "OPTIONS /a"] {
        for forged in [&[][..], &FORGED, &FORGETS, &SENDERS] {
            let (answer, seen) = stage.ask(at, request, forged);
            assert_eq!(answer.status, 200, "{request}: {answer:?}");
            let [seen] = seen.as_slice() else {
                panic!("{request}: {seen:?}")
            };
            assert_eq!(format!("{} {}", seen.method, seen.target), request);
            assert_eq!(seen.variable("X-OAuth-Client"), ["orders-web"], "{forged:?}");
            assert_eq!(seen.variable("X-OAuth-Owner"), ["alice"], "{forged:?}");
            assert_eq!(
                seen.variable("X-OAuth-Scope"),
                ["files orders:read"],
                "{forged:?}"
            );
            for name in [
                "X-OAuth-Grant",
                "X-HTTP-Method-Override",
                "X-Original-URL",
                "Upgrade",
                "OIDC-CLAIM-scope",
            ] {
                assert!(seen.variable(name).is_empty(), "{name} {forged:?}: {seen:?}");
            }
            assert_own_words(seen);
            assert_eq!(seen.variable("X-Forwarded-Proto"), ["http"]);
        }
    }
    let authorization = format!("Authorization: Bearer {}", stage.token);
    for (field, body) in [
        ("Content-Length: 5", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let (answer, seen) = stage.send(at, "POST /new", &[authorization.as_str(), field], body);
        assert_eq!((answer.status, seen[0].body.as_str()), (200, "hello"), "{field}");
    }

    let unknown = format!("{authorization}x");
    for fields in [
        vec![],
        FORGED.to_vec(),
        vec!["Authorization: Basic YTpi"],
        vec![unknown.as_str()],
    ] {
        let (answer, seen) = stage.send(at, "GET /a", &fields, "");
        assert_eq!(answer.status, 401, "{fields:?}: {answer:?}");
        assert!(
            answer.header("WWW-Authenticate").unwrap().starts_with("Bearer"),
            "{answer:?}"
        );
        assert!(seen.is_empty(), "{fields:?}: {seen:?}");
    }

    let home = &stage.server.home;
    let status = || stage.ask(at, "GET /a", &[]).0.status;
    let (scope, client) = (
        ["client", "update", "orders-web"],
        ["client", "disable", "orders-web", "--yes"],
    );
    home.run(&[&scope[..], &["--remove-scope", "orders:read"]].concat(), "");
    let (answer, seen) = stage.ask(at, "GET /a", &FORGED);
    assert_eq!(answer.status, 403, "{answer:?}");
    let challenge = answer.header("WWW-Authenticate").unwrap();
    assert!(
        challenge.starts_with("Bearer ") && challenge.contains("insufficient_scope"),
        "{challenge}"
    );
    assert!(seen.is_empty(), "{seen:?}");
    home.run(&[&scope[..], &["--add-scope", "orders:read"]].concat(), "");
    assert_eq!(status(), 200);
    home.run(&client, "");
    assert_eq!(status(), 401);
    home.run(&["client", "enable", "orders-web"], "");
    assert_eq!(status(), 200);

    // And when there is nobody to ask, nobody gets in.
    let Stage { server, service, .. } = stage;
    drop(server);
    for fields in [&[authorization.as_str()][..], &[]] {
        let host = format!("Host: {at}");
        let lines = [&["GET /a HTTP/1.1", host.as_str()], fields].concat();
        let answer = send(at, &lines, "");
        assert!(answer.status >= 400, "{answer:?}");
        assert!(service.take().is_empty());
    }
}

#[test]
fn no_spelling_of_a_target_gets_around_the_location() {
    let Some(program) = apache() else { return };
    let stage = Stage::set();
    // A scope that the token does not have.
    let apache = started(&program, &stage, &["--scope", "stock"]);
    let at = apache.address();
    for target in TARGETS.iter().chain(&FORMS) {
        for method in ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "CONNECT", "get"] {
            let (answer, seen) = stage.ask(at, &format!("{method} {target}"), &["Content-Length: 0"]);
            assert!(seen.is_empty(), "{method} {target}: {answer:?} {seen:?}");
        }
    }
}

#[test]
fn a_scope_is_compared_as_a_word_and_an_owner_is_told_as_the_check_tells_it() {
    let Some(program) = apache() else { return };
    for (scope, other) in [("a.b*$%{HOST}", "axb*$%{HOST}"), ("read", "read:all")] {
        let stage = Stage::set();
        let home = &stage.server.home;
        home.owner(OWNER);
        let mut browser = Browser::at(&stage.server);
        sign_in(&mut browser, "/account", OWNER);
        for scope in [scope, other] {
            home.scope(scope, &["--description", "A scope", "--folder", "orders"]);
        }
        let apache = started(&program, &stage, &["--scope", scope]);
        let mut ask = |id: &str, has: &str| {
            let client = home.client(id, &["--scope", has]);
            let held = tokens(&stage.server, &mut browser, &client);
            let authorization = format!("Bearer {}", held.access);
            let field = format!("Authorization: {authorization}");
            let (answer, seen) = stage.send(apache.address(), "GET /a", &[&field], "");
            (answer.status, seen, authorization)
        };
        assert_eq!(ask("has-another", other).0, 403, "{scope} {other}");
        let (status, seen, authorization) = ask("has-it", scope);
        assert_eq!(status, 200, "{scope}");
        let fields = [("Authorization", authorization.as_str())];
        let told = stage.server.get("/check?service=orders:list", &fields);
        let owner = told.header("X-OAuth-Owner").unwrap();
        assert_eq!(owner, "%C3%A5l%2541ice@example.org");
        assert_eq!(decoded(seen[0].variable("X-OAuth-Owner")[0]), decoded(owner));
    }
}

/// A username with what a header must encode.
const OWNER: &str = "\u{e5}l%41ice@example.org";

fn decoded(text: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(text);
    decoded.decode_utf8().unwrap().into_owned()
}
