//! Why an access token request was refused: told by `explain request` and `dev watch`, check by check, and never with a
//! secret.

use std::sync::Barrier;

use serde_json::Value;

use crate::server::Server;

/// The checks that failed of the request with that ID: parameter, what is told, and the first remedy.
fn failed(server: &Server, request_id: &str) -> Vec<(String, String, String)> {
    let seen = server.told(&["explain", "request", request_id]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = seen["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["verdict"] == "failed")
        .map(|check| {
            let remedy = match &check["remedies"][0] {
                Value::Object(remedy) if remedy.contains_key("command") => {
                    let words = remedy["command"].as_array().unwrap();
                    words.iter().map(text).collect::<Vec<_>>().join(" ")
                }
                remedy => text(&remedy["client"]),
            };
            (text(&check["parameter"]), text(&check["told"]), remedy)
        })
        .collect()
}

/// Of a request that is right but for one parameter: which, its value, and then about which parameter what is told, and what
/// mends it. What stands in braces is known at the time only.
const MISTAKES: [[&str; 5]; 19] = [
    [
        "grant_type",
        "password",
        "grant_type",
        "not answered",
        "grant_type=authorization_code",
    ],
    [
        "grant_type",
        "",
        "grant_type",
        "missing",
        "grant_type=authorization_code",
    ],
    ["code", "", "code", "missing", "send it in `code`"],
    ["code", "abc", "code", "length of 3", "as it came"],
    ["code", "{cut}", "code", "the rest is another", "as it came"],
    ["redirect_uri", "", "redirect_uri", "missing", "{uri}"],
    [
        "redirect_uri",
        "http://127.0.0.1/",
        "redirect_uri",
        "not that of",
        "{uri}",
    ],
    ["code_verifier", "", "code_verifier", "missing", "`state`"],
    [
        "code_verifier",
        "{challenge}",
        "code_verifier",
        "the code_challenge itself",
        "made of",
    ],
    [
        "code_verifier",
        "short",
        "code_verifier",
        "length of 5",
        "32 random bytes",
    ],
    [
        "code_verifier",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "code_verifier",
        "of another request",
        "`state`",
    ],
    [
        "client_secret",
        "wrong",
        "client_secret",
        "not the secret of",
        "was printed",
    ],
    [
        "client_secret",
        "{secret}\n",
        "client_secret",
        "line break",
        "without",
    ],
    [
        "client_secret",
        "",
        "client_secret",
        "missing",
        "client_secret too",
    ],
    [
        "client_id",
        "dev-clent",
        "client_id",
        "nobody",
        "client_id=dev-client",
    ],
    ["client_id", "somebody", "client_id", "nobody", "client list"],
    ["client_id", "{secret}", "client_id", "nobody", "client list"],
    [
        "client_id",
        "dev-api",
        "client_id",
        "a resource server",
        "client list",
    ],
    [
        "grant_type",
        "refresh_token",
        "refresh_token",
        "missing",
        "send it in",
    ],
];

#[test]
fn each_mistake_is_named_with_what_mends_it_and_without_a_secret() {
    let server = Server::start(&["--dev"]);
    let (uri, verifier) = (
        server.variable("OAUTH_REDIRECT_URI").to_owned(),
        server.variable("OAUTH_CODE_VERIFIER").to_owned(),
    );
    let url = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    let challenge = form_urlencoded::parse(url.split_once('?').unwrap().1.as_bytes())
        .find(|(name, _)| name == "code_challenge")
        .unwrap()
        .1
        .into_owned();
    let (id, secret) = (
        server.variable("OAUTH_CLIENT_ID").to_owned(),
        server.variable("OAUTH_CLIENT_SECRET").to_owned(),
    );
    let code = server.code("alice");
    let cut = format!("{}AAAA", &code[..code.len() - 4]);
    let right = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &uri),
        ("code_verifier", &verifier),
        ("client_id", &id),
        ("client_secret", &secret),
    ];
    for [name, value, parameter, told, remedy] in MISTAKES {
        let filled = |text: &str| {
            let known = [
                ("{challenge}", &challenge),
                ("{cut}", &cut),
                ("{secret}", &secret),
                ("{uri}", &uri),
            ];
            known
                .into_iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        let (value, remedy) = (filled(value), filled(remedy));
        let form: Vec<(String, String)> = right
            .iter()
            .map(|(known, right)| {
                let value = if *known == name { value.as_str() } else { right };
                ((*known).to_owned(), value.to_owned())
            })
            .collect();
        let answer = server.post("/token", &[], &form);
        assert!(answer.status >= 400, "{name}={value}");
        let failed = failed(&server, &answer.request_id);
        let [(on, said, mend)] = failed.as_slice() else {
            panic!("{name}={value}: {failed:?}")
        };
        assert_eq!(on, parameter, "{name}={value}: {failed:?}");
        assert!(said.contains(told), "{name}={value}: {failed:?}");
        assert!(mend.contains(&remedy), "{name}={value}: {failed:?}");
        let shown = server.command(&["explain", "request", &answer.request_id], "");
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&format!("✗ {parameter}")), "{shown}");
        for hidden in [&code[17..], verifier.as_str(), &secret[4..]] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
    // Nothing of all that used the code up.
    let tokens = server.exchange(&code).json();
    let again = server.exchange(&code);
    let told = failed(&server, &again.request_id);
    assert!(told[0].1.contains("exchanged at"), "{told:?}");
    assert!(told[1].1.contains("code_replayed"), "{told:?}");
    let refreshed = server.refresh(&tokens["refresh_token"]);
    let told = failed(&server, &refreshed.request_id);
    assert!(told[0].1.contains("the grant ended"), "{told:?}");
}

#[test]
fn what_became_of_a_refresh_token_is_told() {
    let server = Server::start(&["--dev"]);
    let first = server.exchange(&server.code("alice")).json();
    let second = server.refresh(&first["refresh_token"]).json();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", second["refresh_token"].as_str().unwrap()),
        ("scope", "orders:read admin"),
    ];
    let answer = server.token(&form);
    let told = failed(&server, &answer.request_id);
    assert_eq!(told[0].0, "scope", "{told:?}");
    server.refresh(&second["refresh_token"]);
    let reused = server.refresh(&first["refresh_token"]);
    let told = failed(&server, &reused.request_id);
    assert!(told[0].1.contains("has been used too"), "{told:?}");
    assert!(told[1].1.contains("refresh_token_reused"), "{told:?}");

    let tokens = server.exchange(&server.code("bob")).json();
    server.told(&["client", "update", "dev-client", "--refresh", "none"]);
    let answer = server.refresh(&tokens["refresh_token"]);
    let told = failed(&server, &answer.request_id);
    assert_eq!(
        told[0].2, "client update dev-client --refresh unlimited",
        "{told:?}"
    );
    server.told(&["client", "update", "dev-client", "--refresh", "unlimited"]);
    server.told(&["dev", "clock", "advance", "8d"]);
    let answer = server.refresh(&tokens["refresh_token"]);
    let told = failed(&server, &answer.request_id);
    assert!(told[0].1.contains("expired at"), "{told:?}");
}

#[test]
fn what_does_not_arrive_is_found_where_it_is() {
    let server = Server::start(&["--dev"]);
    let told = |method: &str, path: &str, kind: Option<&str>, body: &str| {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", server.issuer));
        let request = kind
            .into_iter()
            .fold(request, |request, kind| request.header("Content-Type", kind));
        let answer = server.agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let id = answer.headers()["X-Request-Id"].to_str().unwrap().to_owned();
        failed(&server, &id)
    };
    let form = Some("application/x-www-form-urlencoded");
    for (method, path, kind, body, parameter, mend) in [
        (
            "POST",
            "/token?grant_type=authorization_code&code=x",
            form,
            "",
            "body",
            "in the body",
        ),
        (
            "POST",
            "/token",
            form,
            "{\"grant_type\": \"authorization_code\"}",
            "body",
            "as a form",
        ),
        (
            "POST",
            "/token",
            Some("application/json"),
            "{}",
            "Content-Type",
            "as a form",
        ),
        (
            "POST",
            "/token",
            None,
            "grant_type=refresh_token",
            "Content-Type",
            "as a form",
        ),
        ("DELETE", "/token", form, "", "method", "POST"),
    ] {
        let told = told(method, path, kind, body);
        assert_eq!(told.len(), 1, "{method} {path} {body}: {told:?}");
        assert_eq!(told[0].0, parameter, "{method} {path} {body}: {told:?}");
        assert!(told[0].2.contains(mend), "{method} {path} {body}: {told:?}");
    }
    let swapped = [
        ("grant_type", "refresh_token"),
        ("client_id", server.variable("OAUTH_CLIENT_SECRET")),
        ("client_secret", server.variable("OAUTH_CLIENT_ID")),
    ];
    let form: Vec<_> = swapped
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let told = failed(&server, &server.post("/token", &[], &form).request_id);
    assert!(told[0].1.contains("changed places"), "{told:?}");
    // A posted authorization request is read from its body, and so the query says nothing of it.
    let url = server
        .variable("OAUTH_AUTHORIZE_URL")
        .split_once("/authorize")
        .unwrap()
        .1;
    let posted = server.post(&format!("/authorize{url}"), &[], &[]);
    let seen = server.told(&["explain", "request", &posted.request_id]);
    assert!(seen["authorization_request"].is_null(), "{seen}");
}

/// The parameter of each failed check, where there is one for each refused request.
fn about(server: &Server, request_id: &str) -> Vec<String> {
    let failed = failed(server, request_id);
    failed.into_iter().map(|(parameter, _, _)| parameter).collect()
}

#[test]
fn what_no_token_is_wrong_about_is_told_too() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let right = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    for (name, value) in [
        ("resource", "https://nobody.example"),
        ("resource", "nonsense"),
        ("scope", "admin"),
    ] {
        let answer = server.token(&[&right[..], &[(name, value)]].concat());
        assert_eq!(about(&server, &answer.request_id), [name], "{value}");
    }

    // The first use was answered, and until its successor is used it may be repeated: that is not what is wrong.
    assert_eq!(server.refresh(&tokens["refresh_token"]).status, 200);
    let answer = server.token(&[&right[..], &[("scope", "orders:read admin ")]].concat());
    assert_eq!(about(&server, &answer.request_id), ["scope"]);
    let answer = server.token(&[&right[..], &[("scope", " profile "), ("resource", "x")]].concat());
    assert_eq!(about(&server, &answer.request_id), ["resource"]);

    let code = server.code("bob");
    server.told(&["scope", "define", "other", "--service", "other:list"]);
    server.told(&["client", "update", "dev-client", "--scope", "other"]);
    let answer = server.exchange(&code);
    assert_eq!(answer.json()["error"], "invalid_scope");
    assert_eq!(about(&server, &answer.request_id), ["scope"]);
    let answer = server.refresh(&tokens["refresh_token"]);
    assert_eq!(about(&server, &answer.request_id), ["scope"]);
    server.told(&["client", "update", "dev-client", "--refresh", "none"]);
    let answer = server.refresh(&tokens["refresh_token"]);
    assert_eq!(answer.json()["error"], "unauthorized_client");
    assert_eq!(about(&server, &answer.request_id), ["grant_type"]);

    // What is no access token request at all has nothing else to check.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = server.get("/token", &form);
    assert_eq!(answer.status, 405);
    assert_eq!(about(&server, &answer.request_id), ["method"]);
}

#[test]
fn a_port_that_differs_is_pointed_at_and_a_token_in_an_odd_place_is_cut() {
    let server = Server::start(&["--dev"]);
    let code = server.code("alice");
    let registered = server.variable("OAUTH_REDIRECT_URI");
    let sent = registered.replace("127.0.0.1", "127.0.0.1:3000");
    let answer = server.token(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &sent),
        ("code_verifier", server.variable("OAUTH_CODE_VERIFIER")),
    ]);
    let seen = server.told(&["explain", "request", &answer.request_id]);
    let check = &seen["checks"][1];
    assert_eq!(check["received"], sent);
    assert_eq!(check["differs_at"], "http://127.0.0.1".len());

    for name in ["grant_type", "redirect_uri"] {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        form.retain(|(known, _)| *known != name);
        form.push((name, &code));
        let answer = server.token(&form);
        let shown = server.command(&["explain", "request", &answer.request_id], "");
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&format!("✗ {name}")), "{shown}");
        assert!(!shown.contains(&code[17..]), "{shown}");
    }
}

const TOGETHER: usize = 12;

#[test]
fn of_many_requests_at_once_as_many_fail_as_are_to() {
    let server = Server::start(&["--dev"]);
    for _ in 0..5 {
        server.told(&["dev", "fail", "next", "healthz", "503", "--times", "2"]);
        let barrier = Barrier::new(TOGETHER);
        let failed = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..TOGETHER)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        server.get("/healthz", &[]).status
                    })
                })
                .collect();
            let answers = asked.into_iter().map(|asked| asked.join().unwrap());
            answers.filter(|status| *status == 503).count()
        });
        assert_eq!(failed, 2);
    }
}

#[test]
fn what_is_no_request_is_not_taken_for_one() {
    let server = Server::start(&["--dev"]);
    let url = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    let answer = "http://127.0.0.1:9000/callback?error=invalid_scope&error_description=none+such&state=x";
    for (url, told) in [
        (answer, "the error invalid_scope (none such), and not the request"),
        (
            "http://127.0.0.1:9000/callback?code=oac_x&state=x",
            "explain token",
        ),
        (
            "https://other.example/token",
            "no authorization endpoint; that is",
        ),
    ] {
        let output = server.command(&["explain", url], "");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(told), "{stderr}");
    }
    let output = server.command(&["explain", &format!("{url}&state=again")], "");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("✗ state ") && !told.contains("! state "), "{told}");
    assert!(told.contains("send it once\n"), "{told}");
    let other = url.replace(
        "http%3A%2F%2F127.0.0.1%2Fcallback",
        "https%3A%2F%2F127.0.0.1%3A3000%2Fcallback",
    );
    let output = server.command(&["explain", &other], "");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("send redirect_uri=http://127.0.0.1:3000/callback\n"),
        "{told}"
    );
}
