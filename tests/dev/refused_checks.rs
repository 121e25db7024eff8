//! Why a check, an introspection or a revocation was refused: told by `explain request`, and never with a secret.

use data_encoding::BASE64;
use serde_json::Value;

use crate::server::{Answer, Server};

/// The checks that failed: parameter and what is told.
fn failed(server: &Server, answer: &Answer) -> Vec<(String, String, Vec<Value>)> {
    let seen = server.told(&["explain", "request", &answer.request_id]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = seen["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["verdict"] == "failed")
        .map(|check| {
            let remedies = check["remedies"].as_array().unwrap().clone();
            (text(&check["parameter"]), text(&check["told"]), remedies)
        })
        .collect()
}

/// The words of the command that tells more.
fn why(remedies: &[Value]) -> Vec<String> {
    let words = remedies.iter().find_map(|remedy| remedy["why"].as_array());
    let words = words.unwrap_or_else(|| panic!("{remedies:?}"));
    words
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

fn check(server: &Server, token: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut all = vec![("Authorization", bearer.as_str())];
    all.extend_from_slice(headers);
    server.get(&format!("/check{query}"), &all)
}

fn token(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap().to_owned()
}

#[test]
fn the_command_that_is_named_decides_as_the_check_did() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let narrow = server.token(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "profile"),
    ]);
    let (wide, narrow) = (
        token(&tokens, "access_token"),
        token(&narrow.json(), "access_token"),
    );
    let pair = |method: &'static str, uri: &'static str| {
        vec![("X-Original-Method", method), ("X-Original-URI", uri)]
    };
    let client = ["access", "check", "--client", "dev-client"].as_slice();
    let stdin = ["access", "check", "--token-stdin"].as_slice();
    for (token, query, headers, whose, question) in [
        (
            &wide,
            "?service=stock:count",
            vec![],
            client,
            vec!["--service", "stock:count"],
        ),
        (&wide, "?service=-a:b", vec![], client, vec!["--service=-a:b"]),
        (
            &wide,
            "?service=stock",
            vec![],
            client,
            vec!["--service", "stock"],
        ),
        (
            &wide,
            "?method=GET&path=%2Fit%27s%2Fa%2520b%24%28x%29",
            vec![],
            client,
            vec!["--method", "GET", "--path", "/it's/a%20b$(x)"],
        ),
        (
            &wide,
            "",
            pair("DELETE", "/orders/7?x=1"),
            client,
            vec!["--method", "DELETE", "--path", "/orders/7"],
        ),
        (
            &wide,
            "",
            pair("GET", "/orders/../x"),
            client,
            vec!["--method", "GET", "--path", "/orders/../x"],
        ),
        (
            &narrow,
            "?service=orders:list",
            vec![],
            stdin,
            vec!["--service", "orders:list"],
        ),
    ] {
        let refused = check(&server, token, query, &headers);
        assert_eq!(refused.status, 403, "{query} {headers:?}");
        let told = failed(&server, &refused);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, "scope");
        let words = why(&told[0].2);
        assert_eq!(
            words,
            [whose, question.as_slice()].concat(),
            "{query} {headers:?}"
        );
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = server.command(&words, token);
        let verdict = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(6), "{words:?}: {verdict}");
        let reason = refused.json()["error_description"].as_str().unwrap().to_owned();
        if whose == stdin {
            assert!(verdict.starts_with(&format!("denied: {reason}\n")), "{verdict}");
        } else {
            assert!(verdict.starts_with("denied: "), "{verdict}");
        }
    }
    // As it is printed a shell takes it.
    let refused = check(&server, &wide, "?method=GET&path=%2Fit%27s", &[]);
    let output = server.command(&["explain", "request", &refused.request_id], "");
    let shown = String::from_utf8(output.stdout).unwrap();
    let line = r"why         oauthctl access check --client dev-client --method GET --path '/it'\''s'";
    assert!(shown.contains(line), "{shown}");
    // How it is encoded no option says, and a token is not to be typed.
    for query in ["?method=GET&path=/a%2Fb".to_owned(), format!("?service={wide}")] {
        let refused = check(&server, &wide, &query, &[]);
        assert_eq!(refused.status, 403, "{query}");
        assert_eq!(failed(&server, &refused)[0].2, [] as [Value; 0], "{query}");
    }
}

#[test]
fn what_is_the_matter_with_an_access_token_is_told() {
    let server = Server::start(&["--dev"]);
    let tokens = |owner: &str| server.exchange(&server.code(owner)).json();
    let (expired, revoked, disabled) = (tokens("alice"), tokens("bob"), tokens("carol"));
    for (owner, verb) in [("alice", "expire"), ("bob", "revoke")] {
        let grants = server.told(&["grant", "list", "--owner", owner]);
        server.told(&["dev", verb, grants[0]["grant_id"].as_str().unwrap()]);
    }
    server.told(&["owner", "disable", "carol", "--yes"]);
    let unknown = format!("oat_{}{}", "0".repeat(13), "A".repeat(43));
    let good = token(&tokens("alice"), "access_token");
    let changed = format!("{}{}", &good[..20], "A".repeat(40));
    for (token, told, explains) in [
        (token(&expired, "access_token"), "expired at ", true),
        (token(&revoked, "access_token"), "its grant ended at ", true),
        (
            token(&disabled, "access_token"),
            "its resource owner carol is disabled",
            false,
        ),
        (token(&expired, "refresh_token"), "but a refresh token", false),
        (unknown.clone(), "another server or of an earlier start", true),
        (changed, "the rest is another", true),
        ("abc".to_owned(), "a length of 3", false),
    ] {
        let refused = check(&server, &token, "?service=orders:list", &[]);
        assert_eq!(refused.status, 401, "{told}");
        let failed = failed(&server, &refused);
        assert_eq!(failed[0].0, "access token");
        assert!(failed[0].1.contains(told), "{failed:?}");
        if explains {
            let words = why(&failed[0].2);
            assert_eq!(words, ["explain", "token"]);
            let code = if token == unknown { 3 } else { 0 };
            let explained = server.command(&["explain", "token"], &token);
            assert_eq!(explained.status.code(), Some(code), "{told}");
        } else {
            assert!(
                failed[0].2.iter().all(|remedy| remedy["why"].is_null()),
                "{failed:?}"
            );
        }
    }
    let basic = [("Authorization", "Basic YTpi")];
    let in_url = format!("/check?service=orders:list&access_token={good}");
    for (answer, told) in [
        (server.get("/check?service=orders:list", &[]), "missing"),
        (
            server.get("/check?service=orders:list", &basic),
            "no bearer token",
        ),
        (server.get(&in_url, &[]), "in the URL"),
    ] {
        assert_eq!(answer.status, 401);
        let failed = failed(&server, &answer);
        assert_eq!(failed[0].0, "Authorization");
        assert!(failed[0].1.contains(told), "{failed:?}");
    }
}

/// A form, with the caller in a header.
fn ask(server: &Server, path: &str, caller: Option<(&str, &str)>, form: &[(&str, &str)]) -> Answer {
    let header = caller.map(|(id, secret)| {
        let pair = format!("{id}:{secret}");
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    });
    let headers: Vec<(&str, &str)> = header
        .iter()
        .map(|value| ("Authorization", value.as_str()))
        .collect();
    let form: Vec<(String, String)> = form
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    server.post(path, &headers, &form)
}

#[test]
fn whose_secret_is_wrong_missing_or_misplaced_at_introspection_and_revocation() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let access = token(&tokens, "access_token");
    let client = (
        server.variable("OAUTH_CLIENT_ID"),
        server.variable("OAUTH_CLIENT_SECRET"),
    );
    let api = (
        server.variable("OAUTH_RESOURCE_SERVER_ID"),
        server.variable("OAUTH_RESOURCE_SERVER_SECRET"),
    );
    let padded = format!("{}\n", api.1);
    let good = [("token", access.as_str())];
    let alone = [("token", access.as_str()), ("client_id", client.0)];
    let mistakes = [
        (
            "/introspect",
            Some((api.0, "wrong")),
            &good[..],
            "not the secret of dev-api",
            "resource-server rotate-secret dev-api",
        ),
        (
            "/introspect",
            Some((api.0, padded.as_str())),
            &good,
            "white space",
            "send it without",
        ),
        (
            "/introspect",
            Some((client.0, "wrong")),
            &good,
            "not the secret of dev-client",
            "client rotate-secret dev-client",
        ),
        (
            "/introspect",
            Some((api.1, api.0)),
            &good,
            "have changed places",
            "client_id=dev-api",
        ),
        (
            "/introspect",
            Some(("dev-apo", api.1)),
            &good,
            "nobody is registered",
            "resource-server list",
        ),
        ("/introspect", None, &good, "is missing", "Authorization: Basic"),
        (
            "/introspect",
            None,
            &alone,
            "client_id alone proves nothing",
            "send client_secret too",
        ),
        ("/introspect", Some(api), &[], "missing", "send it in `token`"),
        (
            "/revoke",
            Some((client.0, "wrong")),
            &good,
            "not the secret of dev-client",
            "client rotate-secret dev-client",
        ),
        ("/revoke", Some(api), &good, "those revoke none", "client list"),
        (
            "/revoke",
            Some((client.1, client.0)),
            &good,
            "have changed places",
            "client_id=dev-client",
        ),
        ("/revoke", None, &good, "is missing", "Authorization: Basic"),
        ("/revoke", Some(client), &[], "missing", "send it in `token`"),
    ];
    for (path, caller, form, told, mends) in mistakes {
        let refused = ask(&server, path, caller, form);
        assert!(matches!(refused.status, 400 | 401), "{path} {told}");
        let failed = failed(&server, &refused);
        assert_eq!(failed.len(), 1, "{path} {told}: {failed:?}");
        assert!(failed[0].1.contains(told), "{path}: {failed:?}");
        let remedies = serde_json::to_string(&failed[0].2).unwrap().replace("\",\"", " ");
        assert!(remedies.contains(mends), "{path} {told}: {remedies}");
    }
}

#[test]
fn what_does_not_arrive_and_why_a_token_is_not_active_are_told_without_a_secret() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let access = token(&tokens, "access_token");
    let client = (
        server.variable("OAUTH_CLIENT_ID"),
        server.variable("OAUTH_CLIENT_SECRET"),
    );
    let api = (
        server.variable("OAUTH_RESOURCE_SERVER_ID"),
        server.variable("OAUTH_RESOURCE_SERVER_SECRET"),
    );
    let good = [("token", access.as_str())];
    for path in ["/introspect", "/revoke"] {
        let refused = server.get(path, &[]);
        assert_eq!(refused.status, 405);
        assert_eq!(failed(&server, &refused)[0].0, "method", "{path}");
    }
    let misplaced = ask(&server, &format!("/introspect?token={access}"), Some(api), &[]);
    assert!(failed(&server, &misplaced)[0].1.contains("stand in the URL"));
    // Nothing of a token that is not active is answered, and here it is told why.
    let inactive = ask(&server, "/introspect", Some(api), &[("token", "abc")]);
    assert_eq!(inactive.json()["active"], false);
    assert!(failed(&server, &inactive)[0].1.contains("a length of 3"));
    server.told(&["dev", "expire"]);
    let inactive = ask(&server, "/introspect", Some(client), &good);
    let told = failed(&server, &inactive);
    assert!(told[0].1.contains("expired at "), "{told:?}");
    assert_eq!(why(&told[0].2), ["explain", "token"]);
    // What opens something stands nowhere in all that.
    let secrets = [&access[20..], &client.1[8..], &api.1[8..]];
    for id in [&misplaced.request_id, &inactive.request_id] {
        let output = server.command(&["explain", "request", id], "");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}

#[test]
fn at_which_resource_a_token_was_shown_is_told_and_asked_again() {
    let mut server = Server::start(&["--dev"]);
    let (here, there) = ("https://here.example", "https://there.example");
    server.told(&["resource-server", "update", "dev-api", "--resource", here]);
    server.told(&["resource-server", "register", "There", "--resource", there]);
    let tokens = server.exchange(&server.code("alice")).json();
    let narrow = server.token(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("scope", "profile"),
    ]);
    let narrow = token(&narrow.json(), "access_token");
    let query = format!("?resource={here}&service=orders:list");
    let refused = check(&server, &narrow, &query, &[]);
    let words = why(&failed(&server, &refused)[0].2);
    assert_eq!(words[2..5], ["--token-stdin", "--resource", here]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(server.command(&words, &narrow).status.code(), Some(6));
    let url = format!("{}&resource={there}", server.variable("OAUTH_AUTHORIZE_URL"));
    server.variables.insert("OAUTH_AUTHORIZE_URL".to_owned(), url);
    let bound = server.exchange(&server.code("bob")).json();
    let refused = check(&server, &token(&bound, "access_token"), &query, &[]);
    assert_eq!(refused.status, 401);
    let seen = server.told(&["explain", "request", &refused.request_id]);
    let told = &seen["checks"][0];
    assert_eq!(told["told"], "the token is bound to others");
    assert_eq!(
        (&told["received"], &told["expected"][0]),
        (&Value::from(here), &Value::from(there))
    );
    let inactive = ask(
        &server,
        "/introspect",
        Some(("dev-api", server.variable("OAUTH_RESOURCE_SERVER_SECRET"))),
        &[("token", bound["access_token"].as_str().unwrap())],
    );
    assert_eq!(failed(&server, &inactive)[0].1, "the token is bound to others");
}
