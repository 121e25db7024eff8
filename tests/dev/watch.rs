//! `dev watch`.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::server::Server;

#[test]
fn who_watches_sees_requests_and_no_secret() {
    let server = Server::start(&["--dev"]);
    let mut watching = server.watching(&["dev", "watch", "-o", "jsonl"]);
    let code = server.code("alice");
    let tokens = server.exchange(&code).json();
    let mut seen = Vec::new();
    for line in BufReader::new(watching.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let is_last = line.contains("\"endpoint\":\"token\"");
        seen.push(line);
        if is_last {
            break;
        }
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
    let text = seen.join("\n");
    let secrets = [
        &code[17..],
        &tokens["access_token"].as_str().unwrap()[17..],
        &tokens["refresh_token"].as_str().unwrap()[17..],
        server.variable("OAUTH_CLIENT_SECRET"),
        server.variable("OAUTH_CODE_VERIFIER"),
        server.variable("OAUTH_PASSWORD"),
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains(&code[..17]), "the ID of the code is told: {text}");
    assert!(
        text.contains("\"owner\":\"alice\"") && text.contains("\"outcome\":\"approved\""),
        "{text}"
    );
}

#[test]
fn what_goes_well_is_one_line_to_who_watches() {
    let server = Server::start(&["--dev"]);
    let (mut brief, mut whole) = (
        server.watching(&["dev", "watch"]),
        server.watching(&["dev", "watch", "--all"]),
    );
    let url = server.variable("OAUTH_AUTHORIZE_URL");
    server.get(url, &[]);
    server.get(&url.replace("response_type=code", "response_type=token"), &[]);
    let form = [
        ("client_id", server.variable("OAUTH_RESOURCE_SERVER_ID")),
        ("client_secret", server.variable("OAUTH_RESOURCE_SERVER_SECRET")),
        ("token", "abc"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(server.post("/introspect", &[], &form).json()["active"], false);
    server.get("/healthz", &[]);
    let read = |child: &mut Child| {
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        for line in stdout.lines() {
            lines.push(line.unwrap());
            if lines.last().is_some_and(|line| line.contains("GET /healthz")) {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines
    };
    let (brief, whole) = (read(&mut brief), read(&mut whole));
    let details = |lines: &[String], from: usize| {
        let rest = lines.iter().skip(from + 1);
        rest.take_while(|line| line.starts_with("    ")).count()
    };
    assert_eq!(details(&brief, 0), 0, "{brief:#?}");
    assert!(details(&brief, 1) > 5, "{brief:#?}");
    assert!(
        brief
            .iter()
            .any(|line| line.contains("← error: unsupported_response_type")),
        "{brief:#?}"
    );
    assert!(
        brief
            .iter()
            .any(|line| line.contains("✗ token") && line.contains("a length of 3")),
        "a token that is not active is wondered about: {brief:#?}"
    );
    assert!(details(&whole, 0) > 5, "{whole:#?}");
    let (at, _) = brief[0].split_once("  ").unwrap();
    assert_eq!(at.len(), "2026-01-01T00:00:00.000Z".len(), "{at}");
}
