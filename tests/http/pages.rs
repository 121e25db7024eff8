//! The pages: their headers, the session cookie, and forms that only the right browser can send, once.

use crate::support::browser::Browser;
use crate::support::flow::{approve, authorize, authorize_with, code, sign_in, signed_in};
use crate::support::form::{Form, unescape};
use crate::support::home::{Home, PASSWORD, REDIRECT_URI};
use crate::support::http::{Answer, encode, send};
use crate::support::server::Server;

/// What every page is sent with.
#[track_caller]
pub(crate) fn assert_page_headers(answer: &Answer) {
    assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("X-Frame-Options"), Some("DENY"));
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    let policy = answer.header("Content-Security-Policy").unwrap();
    let directives: Vec<&str> = policy.split("; ").collect();
    for needed in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(directives.contains(&needed), "{policy}");
    }
    // A browser applies `form-action` to the redirect to the client too, and would block it.
    for refused in ["form-action", "script-src", "unsafe"] {
        assert!(!policy.contains(refused), "{policy}");
    }
    assert!(!answer.body.contains("<script"), "a script");
}

#[test]
fn every_page_is_sent_with_the_headers_that_protect_it() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let mut pages = vec![
        browser.open(&authorize(&client)),
        browser.open("/account"),
        browser.open("/authorize"),
    ];
    let form = Form::with(&pages[0].body, "password").fill("username", "alice");
    pages.push(browser.submit(&form));
    pages.push(sign_in(&mut browser, &authorize(&client), "alice"));
    pages.push(browser.open("/account"));
    let sign_out = Form::with(&pages.last().unwrap().body, "form_token");
    let mut forged = sign_out.clone();
    forged.fields.clear();
    pages.push(browser.submit(&forged));
    pages.push(browser.submit(&sign_out));
    let statuses: Vec<u16> = pages.iter().map(|page| page.status).collect();
    assert_eq!(statuses, [200, 200, 400, 403, 200, 200, 403, 200]);
    for page in &pages {
        assert_page_headers(page);
    }
}

#[test]
fn redirects_are_not_kept_and_name_nobody() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let answer = approve(&mut browser, &authorize(&client));
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
}

#[test]
fn the_session_cookie_is_out_of_reach_and_new_at_sign_in() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let port = server.address().rsplit(':').next().unwrap();

    let page = browser.open(&authorize(&client));
    let before = browser.cookie().to_owned();
    let attributes = "; Path=/; HttpOnly; SameSite=Lax";
    let expected = format!("oauthctl_{port}={before}{attributes}");
    assert_eq!(page.header("Set-Cookie"), Some(expected.as_str()));
    assert_eq!(browser.open(&authorize(&client)).header("Set-Cookie"), None);

    // A cookie that somebody else planted before sign-in is worth nothing after it.
    let planted = browser.clone();
    let form = Form::with(&page.body, "password")
        .fill("username", "alice")
        .fill("password", PASSWORD);
    let answer = browser.submit(&form);
    let after = browser.cookie().to_owned();
    let expected = format!("oauthctl_{port}={after}{attributes}");
    assert_eq!(answer.header("Set-Cookie"), Some(expected.as_str()));
    assert_ne!(before, after);
    assert!(
        browser
            .open("/account")
            .body
            .contains("Your connected applications")
    );
    assert!(!planted.clone().open("/account").body.contains("Your connected"));

    // Signing in again ends the session before it, and signing out the last one.
    let old = browser.clone();
    let path = authorize(&client);
    let page = browser.open(&path);
    let somebody_else = Form::all(&page.body).remove(0);
    assert_eq!(somebody_else.action, "/logout");
    let answer = browser.submit(&somebody_else);
    assert_eq!(answer.location(), path);
    // A fresh cookie that nobody is signed in with: Chromium does not notice that one is taken away, and would show the
    // pages before it when the reader goes back.
    let expected = format!("oauthctl_{port}={}{attributes}", browser.cookie());
    assert_eq!(answer.header("Set-Cookie"), Some(expected.as_str()));
    assert_ne!(browser.cookie(), old.cookie());
    assert!(!browser.open("/account").body.contains("Your connected"));
    assert!(!old.clone().open("/account").body.contains("Your connected"));
}

#[test]
fn on_https_the_cookie_is_secure_and_bound_to_the_host() {
    let server = Server::with(Home::furnished(), |command| {
        command.args(["--issuer", "https://id.example/oauth"])
    });
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let path = format!("/oauth{}", authorize(&client));
    let page = browser.open(&path);
    let value = browser.cookies["__Host-oauthctl"].clone();
    let expected = format!("__Host-oauthctl={value}; Path=/; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(page.header("Set-Cookie"), Some(expected.as_str()));

    // The forms and redirects stay beneath the issuer's path.
    assert_eq!(Form::with(&page.body, "password").action, "/oauth/authorize");
    let page = sign_in(&mut browser, &path, "alice");
    let form = Form::with(&page.body, "decision").press("decision", "approve");
    assert_eq!(form.action, "/oauth/authorize");
    let answer = browser.submit(&form);
    assert_eq!(
        answer.parameter("iss").as_deref(),
        Some("https://id.example/oauth")
    );
    assert!(answer.parameter("code").is_some());
}

#[test]
fn what_is_registered_is_told_on_a_laptop_only() {
    let uris = ["--redirect-uri", REDIRECT_URI, "http://127.0.0.1/cb"];
    let sent = "https://orders.example/new?a='b'&c";
    let [registered_pair, sent_pair] = [REDIRECT_URI, sent].map(|uri| encode(&[("redirect_uri", uri)]));
    let path = |client| authorize(client).replace(&registered_pair, &sent_pair);

    let server = Server::start();
    let client = server.home.client("orders'web", &uris);
    let page = Browser::at(&server).open(&path(&client));
    assert_eq!((page.status, page.header("Location")), (400, None));
    assert_page_headers(&page);
    let text = unescape(&page.body);
    for told in [
        sent,
        REDIRECT_URI,
        "http://127.0.0.1/cb",
        r"oauthctl client update 'orders'\''web' --add-redirect-uri 'https://orders.example/new?a='\''b'\''&c'",
    ] {
        assert!(text.contains(told), "{told} is told: {text}");
    }

    let server = Server::with(Home::furnished(), |command| {
        command.args(["--issuer", "https://id.example"])
    });
    let client = server.home.client("orders'web", &uris);
    let page = Browser::at(&server).open(&path(&client));
    assert_eq!((page.status, page.header("Location")), (400, None));
    let text = unescape(&page.body);
    for kept in [sent, REDIRECT_URI, "http://127.0.0.1/cb", "add-redirect-uri"] {
        assert!(!text.contains(kept), "{kept} is not told");
    }
}

/// Tries a form in a browser, and expects the page for forms that may not be used.
#[track_caller]
fn assert_unusable(browser: &mut Browser, form: &Form) {
    let answer = browser.submit(form);
    assert_eq!(
        (answer.status, answer.header("Location")),
        (403, None),
        "{answer:?}"
    );
    assert_page_headers(&answer);
}

#[test]
fn a_form_is_bound_to_its_session_purpose_and_request() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    server.home.owner("bob");
    let mut alice = signed_in(&server);
    let mut bob = Browser::at(&server);
    sign_in(&mut bob, "/account", "bob");
    let mut stranger = Browser::at(&server);

    let page = alice.open(&authorize(&client));
    let approval = Form::with(&page.body, "decision").press("decision", "approve");
    assert_unusable(&mut bob, &approval);
    assert_unusable(&mut stranger, &approval);

    let another = alice.open(&authorize_with(&client, &[("scope", "stock")])).body;
    let another = Form::with(&another, "decision");
    assert_unusable(
        &mut alice,
        &approval.clone().fill("request", another.value("request")),
    );
    let sign_out = Form::with(&page.body, "request");
    assert_eq!(sign_out.action, "/logout");
    assert_unusable(
        &mut alice,
        &approval.clone().fill("form_token", sign_out.value("form_token")),
    );
    assert_unusable(
        &mut alice,
        &Form {
            action: "/logout".to_owned(),
            ..approval.clone()
        },
    );
    let changed = approval.value("form_token").to_owned();
    let changed = if changed.starts_with('A') {
        changed.replacen('A', "B", 1)
    } else {
        format!("A{}", &changed[1..])
    };
    assert_unusable(&mut alice, &approval.clone().fill("form_token", &changed));
    let mut bare = approval.clone();
    bare.fields.retain(|(name, _)| name != "form_token");
    assert_unusable(&mut alice, &bare);

    // After all that the form still works for her whose it is.
    assert!(alice.submit(&approval).parameter("code").is_some());
}

#[test]
fn a_sign_in_form_is_bound_to_its_browser_and_request() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let fill = |page: &Answer| {
        Form::with(&page.body, "password")
            .fill("username", "alice")
            .fill("password", PASSWORD)
    };
    let form = fill(&browser.open(&authorize(&client)));
    // Nobody can be made to sign in as somebody else from another page.
    assert_unusable(&mut Browser::at(&server), &form);
    let mut other = Browser::at(&server);
    other.open("/account");
    assert_unusable(&mut other, &form);
    let another = fill(&browser.open(&authorize_with(&client, &[("scope", "stock")])));
    assert_unusable(
        &mut browser,
        &form.clone().fill("request", another.value("request")),
    );
    assert_eq!(browser.submit(&form).status, 303);
}

#[test]
fn a_form_ends() {
    let server = Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_SERVER_APPROVAL_TIME", "1s")
    });
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let form = Form::with(&browser.open(&authorize(&client)).body, "password");
    // It is young for a second; what comes of it then is what is waited for. Without a username nothing is counted.
    let answer = loop {
        let answer = browser.submit(&form);
        assert_eq!(answer.status, 403, "{answer:?}");
        if !answer.body.contains("The username or the password is wrong") {
            break answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(answer.body.contains("open for too long"), "{}", answer.body);
    assert_page_headers(&answer);
}

#[test]
fn an_approval_is_given_once() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let page = browser.open(&authorize(&client));
    let form = Form::with(&page.body, "decision");
    let approve = form.clone().press("decision", "approve");
    assert!(browser.submit(&approve).parameter("code").is_some());
    for again in [approve, form.press("decision", "deny")] {
        let answer = browser.submit(&again);
        assert_eq!((answer.status, answer.header("Location")), (409, None));
        assert_page_headers(&answer);
    }
    // Pressed in the same moment from many windows, it is one approval too.
    let page = browser.open(&authorize(&client));
    let form = Form::with(&page.body, "decision").press("decision", "approve");
    let statuses = std::thread::scope(|scope| {
        let press = || scope.spawn(|| browser.clone().submit(&form).status);
        let presses: Vec<_> = (0..8).map(|_| press()).collect();
        let mut statuses: Vec<u16> = presses.into_iter().map(|press| press.join().unwrap()).collect();
        statuses.sort_unstable();
        statuses
    });
    assert_eq!(statuses, [303, 409, 409, 409, 409, 409, 409, 409]);
}

#[test]
fn an_approval_can_be_narrower_and_nothing_else() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let mut form = |path: &str| Form::with(&browser.open(path).body, "decision");
    let all = form(&authorize(&client));
    let ticked: Vec<(String, String)> = all
        .fields
        .iter()
        .filter(|(name, _)| name == "scope")
        .cloned()
        .collect();
    assert_eq!(
        ticked,
        ["orders:read", "stock"].map(|scope| ("scope".to_owned(), scope.to_owned()))
    );
    let stock = form(&authorize_with(&client, &[("scope", "stock")]));

    let mut tampered = stock.clone().press("decision", "approve");
    tampered
        .fields
        .push(("scope".to_owned(), "orders:read".to_owned()));
    let mut malformed = stock.clone().press("decision", "approve");
    malformed.fields.push(("scope".to_owned(), "\"".to_owned()));
    let mut undecided = stock.clone();
    undecided
        .fields
        .push(("decision".to_owned(), "perhaps".to_owned()));
    for form in [tampered, malformed, undecided] {
        let answer = browser.submit(&form);
        assert_eq!((answer.status, answer.header("Location")), (400, None));
        assert_page_headers(&answer);
    }

    let nothing = stock.untick("scope", "stock").press("decision", "approve");
    let denied = all.clone().press("decision", "deny");
    for form in [nothing, denied] {
        let answer = browser.submit(&form);
        assert_eq!(answer.status, 303);
        assert_eq!(answer.parameter("error").as_deref(), Some("access_denied"));
        assert_eq!(answer.parameter("state").as_deref(), Some("xyz"));
        assert_eq!(answer.parameter("iss").as_deref(), Some(server.base.as_str()));
        assert_eq!(answer.parameter("code"), None);
    }
}

#[test]
fn a_wrong_password_shows_the_form_again_and_says_not_which_was_wrong() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = Browser::at(&server);
    let page = browser.open(&authorize(&client));
    let mut try_with = |username: &str, password: &str| {
        let form = Form::with(&page.body, "password");
        let answer = browser.submit(&form.fill("username", username).fill("password", password));
        assert_eq!((answer.status, answer.header("Set-Cookie")), (403, None));
        let form = Form::with(&answer.body, "password");
        assert_eq!(form.value("username"), username);
        assert_eq!(form.value("password"), "");
        answer
            .body
            .replace(form.value("form_token"), "")
            .replace(&format!("value=\"{username}\""), "")
    };
    let known = try_with("alice", "wrong");
    assert!(known.contains("The username or the password is wrong."));
    assert_eq!(known, try_with("zacharias", "wrong"));
    assert_eq!(known, try_with("alice", ""));
    assert_eq!(known, try_with("alice", &"x".repeat(2000)));
    assert_eq!(known, try_with("Alice", PASSWORD));
    server.home.sql("UPDATE resource_owners SET enabled = 0", &[]);
    assert_eq!(known, try_with("alice", "wrong"));
    let page = browser.open(&authorize(&client));
    let form = Form::with(&page.body, "password");
    let answer = browser.submit(&form.fill("username", "alice").fill("password", PASSWORD));
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("This account is disabled"));
}

#[test]
fn a_session_ends_with_the_owner_and_in_time() {
    let server = Server::start();
    let mut browser = signed_in(&server);
    let mut is_signed_in = || browser.open("/account").body.contains("Your connected");
    assert!(is_signed_in());
    server.home.sql("UPDATE resource_owners SET enabled = 0", &[]);
    assert!(!is_signed_in());
    server.home.sql("UPDATE resource_owners SET enabled = 1", &[]);
    assert!(is_signed_in());
    server.home.sql("UPDATE sessions SET expires_at = 0", &[]);
    assert!(!is_signed_in());
}

#[test]
fn whoever_signs_in_ends_the_session_that_the_browser_had() {
    let server = Server::start();
    server.home.owner("bob");
    let mut browser = signed_in(&server);
    let before = browser.clone();
    let disable = |enabled| {
        let statement = "UPDATE resource_owners SET enabled = ? WHERE username = 'alice'";
        server.home.sql(statement, &[enabled]);
    };
    // Her session is there and is not let in: the form that she gets is bound to its cookie.
    disable("0");
    sign_in(&mut browser, "/account", "bob");
    disable("1");
    assert!(browser.open("/account").body.contains("bob"));
    Form::with(&before.clone().open("/account").body, "password");
}

#[test]
fn an_approval_page_that_outlives_its_session_asks_for_the_password_again() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let path = authorize(&client);
    let form = Form::with(&browser.open(&path).body, "decision").press("decision", "approve");
    server.home.sql("UPDATE sessions SET expires_at = 0", &[]);
    let answer = browser.submit(&form);
    assert_eq!((answer.status, answer.location()), (303, path.as_str()));
}

#[test]
fn an_approval_answers_to_the_client_of_that_moment() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let mut form =
        || Form::with(&browser.open(&authorize(&client)).body, "decision").press("decision", "approve");
    let (first, second, third) = (form(), form(), form());
    let sql = |statement| server.home.sql(statement, &[]);

    sql("UPDATE clients SET enabled = 0");
    let answer = browser.submit(&first);
    assert_eq!((answer.status, answer.header("Location")), (400, None));
    sql("UPDATE clients SET enabled = 1");

    sql("DELETE FROM client_scopes");
    let answer = browser.submit(&second);
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_scope"));
    sql("INSERT INTO client_scopes SELECT client_key, scope_key FROM clients, scopes");

    sql("UPDATE client_redirect_uris SET redirect_uri = 'https://orders.example/new'");
    let answer = browser.submit(&third);
    assert_eq!((answer.status, answer.header("Location")), (400, None));
}

#[test]
fn what_others_wrote_is_text_on_every_page() {
    let server = Server::start();
    let script = "<script>alert('1')</script>";
    let client = server.home.client("orders", &["--description", script]);
    let mut browser = Browser::at(&server);
    let page = browser.open(&authorize(&client));
    assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
    assert_page_headers(&page);
    let form = Form::with(&page.body, "password").fill("username", "\"><script>");
    assert_page_headers(&browser.submit(&form));
    let page = browser.open(&format!("/authorize?{}", encode(&[("client_id", script)])));
    assert_page_headers(&page);
    assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
    assert_page_headers(&sign_in(&mut browser, &authorize(&client), "alice"));
}

#[test]
fn forms_are_sent_as_forms_and_a_code_is_never_kept_in_a_page() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let form = Form::with(&browser.open(&authorize(&client)).body, "decision").press("decision", "approve");
    let cookie = format!("{}={}", browser.cookies.keys().next().unwrap(), browser.cookie());
    let headers = [("Cookie", cookie.as_str()), ("Content-Type", "text/plain")];
    let answer = send("POST", &server.url("/authorize"), &headers, Some(&form.body()));
    assert_eq!((answer.status, answer.header("Location")), (400, None));
    let code = code(&mut browser, &client);
    assert!(!browser.open("/account").body.contains(&code));
}

#[test]
fn readers_get_their_language_and_everybody_the_one_that_is_set() {
    let title = |server: &Server, accepted: &str| {
        let page = server.get("/account", &[("Accept-Language", accepted)]);
        assert_page_headers(&page);
        page.body
            .split("<title>")
            .nth(1)
            .unwrap()
            .split(" –")
            .next()
            .unwrap()
            .to_owned()
    };
    let server = Server::start();
    assert_eq!(title(&server, "de-CH, en;q=0.5"), "Anmelden");
    assert_eq!(title(&server, "fr, en;q=0.5"), "Sign in");
    let server = Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_PAGES_LANGUAGE", "de")
    });
    assert_eq!(title(&server, "en"), "Anmelden");
}

#[test]
fn what_is_registered_is_told_to_developers_and_where_that_is_wished() {
    let at = |details: Option<&str>| {
        let server = Server::with(Home::furnished(), |command| {
            command.args(["--issuer", "https://id.example"]);
            details.map(|details| command.env("OAUTHCTL_PAGES_DEVELOPER_DETAILS", details));
            command
        });
        server.home.client("orders", &[]);
        let path = "/authorize?response_type=code&client_id=orders&redirect_uri=https://other.example/cb";
        let page = server.get(path, &[]);
        assert_eq!(page.status, 400);
        let id = page.header("X-Request-Id").unwrap().to_owned();
        assert!(page.body.contains(&id));
        let line = server.line_with(&id);
        assert!(line.contains("unregistered_redirect_uri"), "{line}");
        ["other.example", "client update"].map(|text| page.body.contains(text))
    };
    assert_eq!(at(None), [false, false]);
    assert_eq!(at(Some("true")), [true, true]);
}

#[test]
fn pages_with_a_fault_are_told_once_and_not_shown() {
    let home = Home::furnished();
    let pages = home.database().with_file_name("own");
    std::fs::create_dir(&pages).unwrap();
    std::fs::write(pages.join("sign_in.html"), "<h1>{{ nobody }}</h1>").unwrap();
    std::fs::write(
        pages.join("error.html"),
        "<h1>Oh</h1>{{ explanation }} {{ request_id }}",
    )
    .unwrap();
    let server = Server::with(home, |command| command.env("OAUTHCTL_PAGES_TEMPLATES", &pages));
    for _ in 0..2 {
        assert!(server.get("/account", &[]).body.contains("name=\"password\""));
    }
    let last = server.get("/authorize", &[]);
    assert!(last.body.contains("<h1>Oh</h1>"));
    // What is logged of the last answer comes after all that could be logged of the others.
    server.line_with(last.header("X-Request-Id").unwrap());
    assert_eq!(
        server
            .log()
            .matches("sign_in.html: there is no variable `nobody`")
            .count(),
        1
    );
}
