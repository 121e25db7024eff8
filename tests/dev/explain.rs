//! `explain` of URLs and requests.

use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Server, oauthctl};

#[test]
fn what_is_explained_is_what_the_server_does() {
    let server = Server::start(&["--dev"]);
    let good = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    let without = |name: &str| {
        let (base, query) = good.split_once('?').unwrap();
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(name)).collect();
        format!("{base}?{}", kept.join("&"))
    };
    let mut urls = vec![
        good.clone(),
        format!("{good}&client_id=other"),
        format!("{good}&scope=orders:read"),
        format!("{good}&scope=orders:reed"),
        format!("{good}&scope=%20"),
        format!("{good}&response_mode=fragment"),
        format!("{good}&resource=https://nowhere.example"),
        format!("{good}&prompt=sometimes"),
        format!("{good}&max_age=soon"),
        format!("{good}&state=again"),
        format!("{good}&code_challenge=again"),
        format!("{good}&nonce=1&unknown=2"),
        good.replace("dev-client", "dev-clint"),
        good.replace("callback", "calback"),
        good.replace("127.0.0.1%2Fcallback", "127.0.0.1%3A9000%2Fcallback"),
        good.replace("http%3A", "ftp%3A"),
        good.replace("S256", "plain"),
        good.replace("response_type=code", "response_type=token"),
    ];
    for name in [
        "client_id",
        "redirect_uri",
        "state",
        "response_type",
        "code_challenge=",
        "code_challenge_method",
        "code_challenge",
    ] {
        urls.push(without(name));
    }
    for url in urls {
        let answer = server.get(&url, &[]);
        let output = server.command(&["explain", &url, "-o", "json"], "");
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        let expected = match answer.status {
            200 => "sign_in",
            302 => "redirect",
            _ => "page",
        };
        assert_eq!(explained["outcome"], expected, "{url}");
        assert_eq!(
            explained["error"].as_str(),
            answer.parameter("error").as_deref(),
            "{url}"
        );
        assert_eq!(explained["remark"], Value::Null, "{url}");
        let checks = explained["checks"].as_array().unwrap();
        let all_pass = checks.iter().all(|check| check["verdict"] != "failed");
        assert_eq!(all_pass, expected == "sign_in", "{url}: {explained:#}");
        let code = if expected == "sign_in" { 0 } else { 6 };
        assert_eq!(output.status.code(), Some(code), "{url}");
    }
}

/// What can be wrong with a request: a parameter, and what stands in its place; nothing where it is left out.
const DEVIATIONS: [(&str, &str); 37] = [
    ("client_id", ""),
    ("client_id", "client_id=Dev-Client"),
    ("client_id", "client_id=%ff"),
    ("redirect_uri", ""),
    ("redirect_uri", "redirect_uri=http://127.0.0.1:99999/callback"),
    ("redirect_uri", "redirect_uri=http://127.0.0.1:/callback"),
    ("redirect_uri", "redirect_uri=http://127.0.0.1:080/callback"),
    ("redirect_uri", "redirect_uri=HTTP://127.0.0.1/callback"),
    ("redirect_uri", "redirect_uri=http://[::1]:5/callback"),
    ("redirect_uri", "redirect_uri=http://127.0.0.1/callback%23"),
    ("redirect_uri", "redirect_uri=http://127.0.0.1/callback%0d%0a"),
    ("response_type", ""),
    ("response_type", "response_type=code+token"),
    ("response_type", "response_type=%63ode"),
    ("scope", "scope=profile++orders:read"),
    ("scope", "scope=+profile"),
    ("scope", "scope="),
    ("scope", "scope=nothing"),
    ("scope", "scope=%1b"),
    ("state", ""),
    ("state", "state=%ff"),
    ("state", "state=%00"),
    ("code_challenge", ""),
    ("code_challenge", "code_challenge=short"),
    ("code_challenge_method", ""),
    ("code_challenge_method", "code_challenge_method=s256"),
    ("response_mode", "response_mode=form_post"),
    ("response_mode", "response_mode="),
    ("resource", "resource=https://a.example%23f"),
    ("prompt", "prompt=none"),
    ("prompt", "prompt=login+none"),
    ("max_age", "max_age=-1"),
    ("login_hint", "login_hint=%ff"),
    ("x", "x=%ff&&=&%zz=1&;"),
    ("redirect_uri", "redirect_uri=callback"),
    ("scope", "scope=%20"),
    ("state", "state=%ff&login_hint=%ff"),
];

/// The request with all of it wrong.
fn with_deviations(url: &str, deviations: &[(&str, &str)]) -> String {
    let (base, query) = url.split_once('?').unwrap();
    let mut pairs: Vec<&str> = query.split('&').collect();
    for (name, instead) in deviations {
        pairs.retain(|pair| pair.split('=').next() != Some(*name));
        pairs.extend(Some(*instead).filter(|pair| !pair.is_empty()));
    }
    format!("{base}?{}", pairs.join("&"))
}

#[test]
fn whatever_is_wrong_at_once_is_explained_as_the_server_answers_it() {
    let server = Server::start(&["--dev"]);
    let good = server.variable("OAUTH_AUTHORIZE_URL");
    let mut urls: Vec<String> = DEVIATIONS
        .iter()
        .map(|one| with_deviations(good, &[*one]))
        .collect();
    for (at, first) in DEVIATIONS.iter().enumerate() {
        for step in [5, 11, 17] {
            let second = DEVIATIONS[(at + step) % DEVIATIONS.len()];
            urls.push(with_deviations(good, &[*first, second]));
        }
        // A parameter that stands there twice.
        urls.push(format!("{good}&{}", first.1));
    }
    urls.push(format!("{good}&x={}", "a".repeat(9000)));
    for url in urls {
        let answer = server.get(&url, &[]);
        let output = server.command(&["explain", &url, "-o", "json"], "");
        if answer.status == 414 {
            assert_eq!(output.status.code(), Some(6), "{url}");
            continue;
        }
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        let outcome = match answer.status {
            200 => "sign_in",
            302 => "redirect",
            400 => "page",
            other => panic!("{other}: {url}"),
        };
        let told = |name: &str| explained[name].as_str().map(str::to_owned);
        assert_eq!(told("outcome").as_deref(), Some(outcome), "{url}");
        assert_eq!(told("error"), answer.parameter("error"), "{url}");
        assert_eq!(
            told("error_description"),
            answer.parameter("error_description"),
            "{url}"
        );
        let checks = explained["checks"].as_array().unwrap();
        let failed: Vec<&Value> = checks
            .iter()
            .filter(|check| check["verdict"] == "failed")
            .collect();
        // Whoever may not be asked is no fault of the request.
        let is_good = outcome == "sign_in" || told("error").as_deref() == Some("login_required");
        assert_eq!(failed.is_empty(), is_good, "{url}: {explained:#}");
        for check in &failed {
            assert_ne!(check["remedies"].as_array().unwrap().len(), 0, "{url}: {check:#}");
        }
        // What the server tells is the first thing that is wrong.
        if let (Some(first), Some(description)) = (failed.first(), told("error_description")) {
            let begins = |name: &str| description.starts_with(first[name].as_str().unwrap());
            assert!(begins("parameter") || begins("told"), "{url}: {explained:#}");
        }
    }
}

#[test]
fn a_request_is_found_by_the_id_on_its_page_and_the_remedy_mends_it() {
    let server = Server::start(&["--dev"]);
    let url = server
        .variable("OAUTH_AUTHORIZE_URL")
        .replace("callback", "elsewhere");
    let refused = server.get(&url, &[]);
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains(&refused.request_id),
        "the page shows the ID"
    );
    let output = server.command(&["explain", "request", &refused.request_id], "");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("unregistered_redirect_uri"), "{told}");
    assert!(told.contains("^ differs from here on"), "{told}");
    let remedy = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("mend"))
        .unwrap()
        .trim();
    let words: Vec<&str> = remedy.split(' ').skip(1).collect();
    assert!(server.command(&words, "").status.success(), "{remedy}");
    assert_eq!(server.get(&url, &[]).status, 200);
    let unknown = server.command(&["explain", "request", "nothing"], "");
    assert_eq!(unknown.status.code(), Some(3));
    let told = String::from_utf8(unknown.stderr).unwrap();
    for part in [
        "no request `nothing`",
        "all 2 that it has read and answered",
        "error page",
        "X-Request-Id",
        "`oauthctl dev watch`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn a_database_with_nothing_in_it_is_named_and_none_is_made() {
    let directory = TempDir::new().unwrap();
    let url = "http://127.0.0.1:8420/authorize?client_id=dev-client";
    let run = |arguments: &[&str]| oauthctl(directory.path(), arguments).output().unwrap();
    let explained = run(&["explain", url]);
    let told = String::from_utf8(explained.stderr).unwrap();
    assert_eq!(explained.status.code(), Some(3), "{told}");
    assert!(told.contains("there is no database ./oauthctl.db"), "{told}");
    assert!(told.contains("OAUTHCTL_DATABASE"), "{told}");
    assert!(explained.stdout.is_empty());
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "nothing was made"
    );
    assert!(run(&["client", "list"]).status.success());
    let explained = run(&["explain", url]);
    let told = String::from_utf8(explained.stderr).unwrap();
    assert_eq!(explained.status.code(), Some(6));
    assert!(
        told.contains("looked into ./oauthctl.db, which is empty; OAUTHCTL_DATABASE"),
        "{told}"
    );
    // What needs no database is told without one.
    let answer = run(&["explain", "http://127.0.0.1/callback?code=x"]);
    assert_eq!(answer.status.code(), Some(2));
}

#[test]
fn an_error_page_says_what_is_probably_meant() {
    let server = Server::start(&["--dev"]);
    let url = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    let text = |url: &str, language: &str| {
        let page = server.get(url, &[("Accept-Language", language)]);
        assert_eq!(page.status, 400);
        let explain = format!("oauthctl explain request {}", page.request_id);
        assert!(page.body.contains(&explain), "{}", page.body);
        page.body
            .replace("&#x2f;", "/")
            .replace("<bdi>", "")
            .replace("</bdi>", "")
    };
    let (meant, shows) = (
        "<code>client_id=dev-client</code>",
        "<code>oauthctl client list</code>",
    );
    let near = text(&url.replace("dev-client", "dev-cliemt"), "en");
    assert!(
        near.contains("What the client could send instead:") && near.contains(meant),
        "{near}"
    );
    assert!(
        !near.contains(shows) && !near.contains("This command mends it"),
        "{near}"
    );
    let far = text(&url.replace("dev-client", "somebody-else"), "en");
    assert!(
        far.contains("This command shows the clients that are registered:"),
        "{far}"
    );
    assert!(far.contains(shows) && !far.contains(meant), "{far}");
    assert!(!far.contains("This command mends it"), "{far}");
    let sent = url.replace("127.0.0.1%2Fcallback", "localhost%3A3000%2Fcallback%2F");
    let wrong = text(&sent, "de");
    assert!(
        wrong.contains("Was die Anwendung stattdessen senden könnte:"),
        "{wrong}"
    );
    assert!(
        wrong.contains("<code>redirect_uri=http://localhost:3000/callback</code>"),
        "{wrong}"
    );
    assert!(wrong.contains("Dieser Befehl behebt es:"), "{wrong}");
    assert!(wrong.contains("Dieser Befehl sagt, was mit ihr war:"), "{wrong}");
    // Not to whoever asks by way of a proxy or tunnel.
    let misspelt = server
        .variable("OAUTH_AUTHORIZE_URL")
        .replace("dev-client", "dev-clent");
    for (headers, is_told) in [
        (vec![], true),
        (vec![("X-Forwarded-For", "203.0.113.7")], false),
        (vec![("Host", "evil.example")], false),
    ] {
        let page = server.get(&misspelt, &headers);
        assert_eq!(page.body.contains("client_id=dev-client"), is_told, "{headers:?}");
    }
}

#[test]
fn a_request_has_an_id_and_no_more_with_o_id() {
    let server = Server::start(&["--dev"]);
    let id = server.get("/healthz", &[]).request_id;
    let output = server.command(&["explain", "request", &id, "-o", "id"], "");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{id}\n"));
}

#[test]
fn what_is_asked_for_by_habit_is_told_from_what_can_be_had() {
    let server = Server::start(&["--dev"]);
    let url = server.variable("OAUTH_AUTHORIZE_URL");
    for (added, told) in [
        (
            "scope=openid+orders:read",
            "leave openid out: it is of OpenID Connect",
        ),
        ("scope=orders:read,orders:write", "put spaces between scopes"),
        (
            "scope=nope",
            "`oauthctl client update dev-client --add-scope nope`",
        ),
        ("prompt=none", "! prompt"),
        ("prompt=none&max_age=x", "✗ max_age"),
    ] {
        let output = server.command(&["explain", &format!("{url}&{added}")], "");
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains(told), "{added}: {shown}");
        assert_eq!(output.status.code(), Some(6), "{added}");
    }
}

#[test]
fn a_code_or_refresh_token_that_nobody_knows_has_something_that_mends_it() {
    let server = Server::start(&["--dev"]);
    for (grant_type, name, prefix) in [
        ("authorization_code", "code", "oac_"),
        ("refresh_token", "refresh_token", "ort_"),
    ] {
        let value = format!("{prefix}{}{}", "0".repeat(13), "A".repeat(43));
        let refused = server.token(&[("grant_type", grant_type), (name, &value)]);
        let seen = server.told(&["explain", "request", &refused.request_id]);
        let checks = seen["checks"].as_array().unwrap();
        let failed: Vec<&Value> = checks
            .iter()
            .filter(|check| check["verdict"] == "failed")
            .collect();
        assert_eq!(failed.len(), 1, "{seen:#}");
        let told = failed[0]["told"].as_str().unwrap();
        assert!(told.contains("known that begins so"), "{seen:#}");
        let mend = failed[0]["remedies"][0]["client"].as_str().unwrap();
        assert!(
            mend.contains("begin again with an authorization request"),
            "{seen:#}"
        );
    }
}
