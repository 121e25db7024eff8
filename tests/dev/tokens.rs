//! What `explain token` says of tokens that live and are refused, and of a long history.

use serde_json::Value;

use crate::server::Server;

fn explained(server: &Server, token: &Value) -> (Value, String) {
    let token = token.as_str().unwrap();
    let json = server.command(&["explain", "token", "-o", "json"], token);
    let text = server.command(&["explain", "token"], token);
    assert!(text.status.success(), "{text:?}");
    (
        serde_json::from_slice(&json.stdout).unwrap(),
        String::from_utf8(text.stdout).unwrap(),
    )
}

fn of(explained: &Value) -> Value {
    let all = explained["tokens"].as_array().unwrap();
    let mut asked = all.iter().filter(|one| one["asked"] == true);
    asked.next().unwrap().clone()
}

fn is_active(server: &Server, token: &Value) -> bool {
    let form = [
        ("token", token.as_str().unwrap()),
        ("client_id", server.variable("OAUTH_CLIENT_ID")),
        ("client_secret", server.variable("OAUTH_CLIENT_SECRET")),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answer = server.post("/introspect", &[], &form);
    answer.status == 200 && answer.json()["active"] == true
}

#[test]
fn a_token_that_lives_and_is_refused_is_not_told_to_be_good() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let (access, refresh) = (&tokens["access_token"], &tokens["refresh_token"]);
    for (change, mend) in [
        ("owner disable alice --yes", "owner enable alice"),
        ("client disable dev-client --yes", "client enable dev-client"),
    ] {
        let words: Vec<&str> = change.split(' ').collect();
        let done = server.command(&words, "");
        assert!(done.status.success(), "{done:?}");
        for token in [access, refresh] {
            assert!(!is_active(&server, token));
            let (json, text) = explained(&server, token);
            assert_eq!(of(&json)["state"], "refused", "{text}");
            assert_eq!(json["hindrances"][0]["remedies"][0], format!("oauthctl {mend}"));
            assert!(text.contains(&format!("`oauthctl {mend}`")), "{text}");
        }
        // As it is printed, it mends.
        let words: Vec<&str> = mend.split(' ').collect();
        assert!(server.command(&words, "").status.success());
        assert!(is_active(&server, access));
        assert_eq!(of(&explained(&server, access).0)["state"], "active");
    }
}

#[test]
fn a_scope_that_the_client_lost_is_told_with_what_gives_it_back() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let scopes: Vec<&str> = server.variable("OAUTH_SCOPE").split(' ').collect();
    let (json, text) = explained(&server, &tokens["access_token"]);
    assert_eq!(json["scope_in_force"], json["scope"], "{text}");
    assert_eq!(json["hindrances"], serde_json::json!([]));
    let defined = server.command(&["scope", "define", "other", "--folder", "other"], "");
    assert!(defined.status.success(), "{defined:?}");
    for scope in &scopes {
        let update = [
            "client",
            "update",
            "dev-client",
            "--add-scope",
            "other",
            "--remove-scope",
            scope,
        ];
        let done = server.command(&update, "");
        assert!(done.status.success(), "{done:?}");
    }
    assert_eq!(server.check(&tokens["access_token"]), 403);
    let (json, text) = explained(&server, &tokens["access_token"]);
    assert_eq!(json["scope_in_force"], "");
    assert!(text.contains("and opens nothing: no scope is in force"), "{text}");
    for hindrance in json["hindrances"].as_array().unwrap() {
        let mend = hindrance["remedies"][0].as_str().unwrap();
        let words: Vec<&str> = mend.split(' ').skip(1).collect();
        let done = server.command(&words, "");
        assert!(done.status.success(), "{done:?}");
    }
    assert_eq!(server.check(&tokens["access_token"]), 200);
}

#[test]
fn columns_and_ids_are_refused_where_there_is_more_to_tell() {
    let server = Server::start(&["--dev"]);
    let request_id = server.get("/authorize?client_id=nobody", &[]).request_id;
    let url = server.variable("OAUTH_AUTHORIZE_URL");
    for (what, formats) in [
        (&["explain", url][..], &["csv", "id"][..]),
        (&["explain", "token"], &["csv", "id"]),
        (&["explain", "request", &request_id], &["csv"]),
    ] {
        for format in formats {
            let mut words = what.to_vec();
            words.extend(["-o", format]);
            // Before anything is read.
            let refused = server.command(&words, "");
            assert_eq!(refused.status.code(), Some(2), "{words:?}: {refused:?}");
            assert!(refused.stdout.is_empty(), "{refused:?}");
            let told = String::from_utf8(refused.stderr).unwrap();
            assert!(
                told.contains(&format!("-o {format}: ")) && told.contains("-o json"),
                "{told}"
            );
        }
    }
    let id = server.command(&["explain", "request", &request_id, "-o", "id"], "");
    assert_eq!(String::from_utf8(id.stdout).unwrap().trim(), request_id);
}
