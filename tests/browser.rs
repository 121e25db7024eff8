//! A person in a real browser: signs in, approves or denies, and is back at the client, which is another site.
//!
//! Where there is no Chromium the tests say so and pass; with `OAUTHCTL_REQUIRE_BROWSER` set they fail.

#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

#[path = "http/support/mod.rs"]
#[expect(dead_code, reason = "the tests over HTTP use more of it")]
mod support;

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use headless_chrome::protocol::cdp::{DOM, Emulation};
use headless_chrome::{Browser, LaunchOptions, Tab};
use tempfile::TempDir;

use self::support::flow::{CHALLENGE, Tokens, VERIFIER};
use self::support::home::{Client, PASSWORD};
use self::support::http::{PATIENCE, encode, pairs};
use self::support::server::Server;

/// A Chromium, or `None` where the test may be skipped.
fn chromium() -> Option<PathBuf> {
    let search = env::var_os("PATH").unwrap_or_default();
    let found = ["/usr/bin".into()]
        .into_iter()
        .chain(env::split_paths(&search))
        .map(|directory: PathBuf| directory.join("chromium"))
        .find(|path| path.is_file());
    if found.is_none() {
        assert!(
            env::var_os("OAUTHCTL_REQUIRE_BROWSER").is_none(),
            "OAUTHCTL_REQUIRE_BROWSER is set, and there is no `chromium`"
        );
        skipped();
    }
    found
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn skipped() {
    eprintln!("SKIPPED: there is no `chromium` in /usr/bin or in PATH");
}

/// A browser with a profile of its own.
struct Window {
    tab: Arc<Tab>,
    browser: Arc<Browser>,
    profile: Arc<TempDir>,
}

impl Window {
    fn open(chromium: PathBuf) -> Self {
        let profile = TempDir::new().unwrap();
        let arguments = [
            "--no-first-run",
            "--no-proxy-server",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--disable-background-networking",
            "--disable-component-update",
        ];
        let options = LaunchOptions {
            // Where tests run there is often no user namespace for a sandbox; the pages are ours.
            sandbox: false,
            path: Some(chromium),
            user_data_dir: Some(profile.path().to_owned()),
            args: arguments.map(OsStr::new).into(),
            idle_browser_timeout: PATIENCE,
            window_size: Some((900, 1200)),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(PATIENCE);
        Self {
            tab,
            browser: Arc::new(browser),
            profile: Arc::new(profile),
        }
    }

    /// Another tab of the same browser.
    fn second(&self) -> Self {
        let tab = self.browser.new_tab().unwrap();
        tab.set_default_timeout(PATIENCE);
        Self {
            tab,
            browser: Arc::clone(&self.browser),
            profile: Arc::clone(&self.profile),
        }
    }

    /// From the client to the sign-in form.
    fn begin(&self, site: &ClientSite) {
        self.tab.navigate_to(&site.origin).unwrap();
        self.click("#begin");
    }

    /// Fills the sign-in form in, rightly.
    fn fill_in(&self) {
        self.type_into("input[name=username]", "alice");
        self.type_into("input[name=password]", PASSWORD);
        self.click("button.wide");
    }

    /// Presses Tab until the element that matches `selector` has the focus.
    fn tab_to(&self, selector: &str) {
        let script = format!("document.activeElement.matches('{selector}')");
        let has_focus = || self.tab.evaluate(&script, false).unwrap().value == Some(true.into());
        for _ in 0..40 {
            if has_focus() {
                return;
            }
            self.tab.press_key("Tab").unwrap();
        }
        panic!("{selector} cannot be reached by Tab");
    }

    /// As the button of the browser does. Not at once: whoever asks for it is to have the answer before the page is gone.
    fn goes_back(&self) {
        let later = "setTimeout(() => history.back(), 50)";
        self.tab.evaluate(later, false).unwrap();
    }

    fn click(&self, selector: &str) {
        let element = self.tab.wait_for_element(selector).unwrap();
        // Without a script: the driver's own way to scroll needs one, and a tab in the foreground.
        let scroll = DOM::ScrollIntoViewIfNeeded {
            node_id: None,
            backend_node_id: Some(element.backend_node_id),
            object_id: None,
            rect: None,
        };
        self.tab.call_method(scroll).unwrap();
        let middle = element.get_midpoint().unwrap();
        self.tab.click_point(middle).unwrap();
    }

    fn type_into(&self, selector: &str, text: &str) {
        self.click(selector);
        self.tab.send_character(text).unwrap();
    }

    /// Waits until an element with this text is there, on whichever page comes.
    fn sees(&self, element: &str, text: &str) {
        let path = format!("//{element}[contains(., '{text}')]");
        if let Err(error) = self.tab.wait_for_xpath(&path) {
            panic!("{error}: {}", self.tab.get_content().unwrap_or_default());
        }
    }

    /// Begins at the client, signs in with a wrong and then with the right password, and stands at the approval page.
    fn sign_in(&self, site: &ClientSite) {
        self.begin(site);
        self.type_into("input[name=username]", "alice");
        self.type_into("input[name=password]", "wrong password");
        self.click("button.wide");
        self.sees("p[@id='error']", "The username or the password is wrong.");
        self.type_into("input[name=password]", PASSWORD);
        self.click("button.wide");
        self.sees("h1", "Orders Web asks for access");
    }
}

/// The client's site: a page with a link to the authorization endpoint, and the redirect URI.
struct ClientSite {
    origin: String,
    /// The queries that arrived at the redirect URI.
    arrivals: Receiver<String>,
}

impl ClientSite {
    /// `authorize` gives the URL of the link for a redirect URI. The site is there until the test process ends.
    fn start(authorize: impl FnOnce(&str) -> String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        // The server is at 127.0.0.1: for a browser this is another site, not only another port.
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let link = authorize(&format!("{origin}/cb")).replace('&', "&amp;");
        let (sender, arrivals) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (link, sender) = (link.clone(), sender.clone());
                // A thread each: a browser opens connections that it may not use.
                thread::spawn(move || answer(&stream.unwrap(), &link, &sender));
            }
        });
        Self { origin, arrivals }
    }

    /// The parameters that arrived at the redirect URI, in their order.
    fn arrival(&self) -> Vec<(String, String)> {
        pairs(&self.arrivals.recv_timeout(PATIENCE).unwrap())
    }
}

/// Answers one request.
fn answer(mut stream: &TcpStream, link: &str, arrivals: &Sender<String>) {
    let mut lines = BufReader::new(stream).lines();
    let Some(Ok(request)) = lines.next() else { return };
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let target = request.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, body) = match path {
        "/" => (
            "200 OK",
            format!("<noscript><p>Without scripts</p></noscript><a id=begin href=\"{link}\">Connect</a>"),
        ),
        "/cb" => ("200 OK", "<h1>Back at the client</h1>".to_owned()),
        _ => ("404 Not Found", String::new()),
    };
    // Where the browser, or the test, has gone away there is nobody to tell.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    if path == "/cb" {
        let _ = arrivals.send(query.to_owned());
    }
}

/// A server with a client, and the client's site.
fn stage() -> (Server, Client, ClientSite) {
    let server = Server::start();
    let (client, site) = client_of(&server, "orders", &[]);
    (server, client, site)
}

/// A client with these options, and its site.
fn client_of(server: &Server, id: &str, options: &[&str]) -> (Client, ClientSite) {
    let mut client = None;
    let site = ClientSite::start(|redirect_uri| {
        let options = [&["--redirect-uri", redirect_uri], options].concat();
        client = Some(server.home.client(id, &options));
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", redirect_uri),
            ("state", "a state & more"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        server.url(&format!("/authorize?{query}"))
    });
    (client.unwrap(), site)
}

#[test]
fn a_person_approves_less_than_was_asked_for() {
    let Some(chromium) = chromium() else { return };
    let (server, client, site) = stage();
    let window = Window::open(chromium);
    window.sign_in(&site);
    window.click("input[name=scope][value=stock]");
    window.click("button[value=approve]");
    window.sees("h1", "Back at the client");

    let arrived = site.arrival();
    let [(code_name, code), (state_name, state), (iss_name, iss)] = arrived.as_slice() else {
        panic!("{arrived:?}")
    };
    assert_eq!([code_name, state_name, iss_name], ["code", "state", "iss"]);
    assert_eq!((state.as_str(), iss), ("a state & more", &server.base));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &format!("{}/cb", site.origin)),
        ("code_verifier", VERIFIER),
    ];
    let tokens = Tokens::of(&server.post("/token", &client, &form));
    assert_eq!(tokens.scope, "orders:read");
    let bearer = format!("Bearer {}", tokens.access);
    for (service, status) in [("orders:list", 200), ("warehouse.stock:count", 403)] {
        let answer = server.get(
            &format!("/check?service={service}"),
            &[("Authorization", &bearer)],
        );
        assert_eq!(answer.status, status, "{service}");
    }

    // Still signed in, the person takes it back.
    window.tab.navigate_to(&server.url("/account")).unwrap();
    window.click("button.line");
    window.sees("p", "No application has access.");
    assert!(!server.opens(&tokens.access));
}

#[test]
fn a_person_denies() {
    let Some(chromium) = chromium() else { return };
    let (server, _, site) = stage();
    let window = Window::open(chromium);
    window.sign_in(&site);
    window.click("button[value=deny]");
    window.sees("h1", "Back at the client");
    let arrived = site.arrival();
    let names: Vec<&str> = arrived.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["error", "error_description", "state", "iss"]);
    assert_eq!(arrived[0].1, "access_denied");
    assert_eq!(
        (arrived[2].1.as_str(), &arrived[3].1),
        ("a state & more", &server.base)
    );
}

#[test]
fn a_person_who_ticked_it_is_not_asked_again() {
    let Some(chromium) = chromium() else { return };
    let server = Server::start();
    let (_, site) = client_of(&server, "orders", &["--consent", "remember"]);
    let window = Window::open(chromium);
    window.sign_in(&site);
    window.click("input[name=remember]");
    window.click("button[value=approve]");
    window.sees("h1", "Back at the client");
    let first = site.arrival();
    // From the client straight back to it.
    window.begin(&site);
    window.sees("h1", "Back at the client");
    let second = site.arrival();
    assert_eq!((first[0].0.as_str(), second[0].0.as_str()), ("code", "code"));
    assert_ne!(first[0].1, second[0].1);

    window.tab.navigate_to(&server.url("/account")).unwrap();
    window.sees("h2", "Not asked again");
    window.click("#forget-1");
    window.begin(&site);
    window.sees("h1", "Orders Web asks for access");
}

#[test]
fn a_form_that_was_open_for_too_long() {
    let Some(chromium) = chromium() else { return };
    let server = Server::with(support::home::Home::furnished(), |command| {
        command.env("OAUTHCTL_SERVER_APPROVAL_TIME", "1s")
    });
    let (_, site) = client_of(&server, "orders", &[]);
    let window = Window::open(chromium);
    window.begin(&site);
    window.tab.wait_for_element("input[name=username]").unwrap();
    // It may be longer: the form only gets older.
    thread::sleep(Duration::from_millis(1100));
    window.fill_in();
    window.sees("h1", "This form cannot be used any more");
}

#[test]
fn going_back_after_signing_out_shows_nothing() {
    let Some(chromium) = chromium() else { return };
    let (server, _, site) = stage();
    let window = Window::open(chromium);
    window.sign_in(&site);
    window.click("a[href='/account']");
    window.sees("h1", "Your connected applications");
    window.click("section summary");
    window.type_into("#old-password", "wrong password");
    window.type_into("#new-password", "another one");
    window.type_into("#new-password-again", "another one");
    window.click("section button.wide");
    window.sees("p[@id='error']", "Your password was not changed");
    window.click("form[action='/logout'] button.plain");
    window.sees("h1", "You are signed out");
    // The answer to the form of the password, the account page, and the approval page.
    for shown in [
        "Confirm Form Resubmission",
        "Sign in",
        "Sign in to continue to Orders Web",
    ] {
        window.goes_back();
        window.sees("h1", shown);
        let page = window.tab.get_content().unwrap();
        assert!(!page.contains("Signed in as"), "{page}");
    }

    // Somebody else wants to answer.
    window.fill_in();
    window.sees("h1", "Orders Web asks for access");
    window.click("form[action='/logout'] button.plain");
    window.sees("h1", "Sign in to continue to Orders Web");
    window.tab.navigate_to(&server.url("/account")).unwrap();
    window.sees("h1", "Sign in");
    for _ in 0..2 {
        window.goes_back();
        window.sees("h1", "Sign in to continue to Orders Web");
        let page = window.tab.get_content().unwrap();
        assert!(!page.contains("Signed in as"), "{page}");
    }
}

#[test]
fn two_tabs_with_two_clients() {
    let Some(chromium) = chromium() else { return };
    let server = Server::start();
    let (_, orders) = client_of(&server, "orders", &[]);
    let (_, billing) = client_of(&server, "billing", &[]);
    let first = Window::open(chromium);
    let second = first.second();
    first.begin(&orders);
    first.tab.wait_for_element("input[name=username]").unwrap();
    second.tab.activate().unwrap();
    second.begin(&billing);
    second.fill_in();
    second.sees("h1", "Orders Web asks for access");
    // The form of the first tab is older than the sign-in at the second.
    first.tab.activate().unwrap();
    first.fill_in();
    first.sees("h1", "Orders Web asks for access");
    first.click("button[value=approve]");
    first.sees("h1", "Back at the client");
    second.tab.activate().unwrap();
    second.click("button[value=deny]");
    second.sees("h1", "Back at the client");
    assert_eq!(orders.arrival()[0].0, "code");
    assert_eq!(billing.arrival()[0].0, "error");
}

#[test]
fn without_scripts() {
    let Some(chromium) = chromium() else { return };
    let (server, _, site) = stage();
    let window = Window::open(chromium);
    let off = Emulation::SetScriptExecutionDisabled { value: true };
    window.tab.call_method(off).unwrap();
    window.tab.navigate_to(&site.origin).unwrap();
    window.sees("p", "Without scripts");
    window.sign_in(&site);
    window.click("input[name=scope][value=stock]");
    window.click("button[value=approve]");
    window.sees("h1", "Back at the client");
    assert_eq!(site.arrival()[0].0, "code");
    window.tab.navigate_to(&server.url("/account")).unwrap();
    window.sees("h1", "Your connected applications");
}

#[test]
fn with_the_keyboard_alone() {
    let Some(chromium) = chromium() else { return };
    let (_server, _, site) = stage();
    let window = Window::open(chromium);
    window.tab.navigate_to(&site.origin).unwrap();
    window.tab_to("#begin");
    window.tab.press_key("Enter").unwrap();
    window.sees("h1", "Sign in to continue");
    window.tab_to("#username");
    window.tab.send_character("alice").unwrap();
    window.tab_to("#password");
    window.tab.send_character(PASSWORD).unwrap();
    window.tab.press_key("Enter").unwrap();
    window.sees("h1", "Orders Web asks for access");
    window.tab_to("input[name=scope][value=stock]");
    window.tab.press_key(" ").unwrap();
    window.tab_to("summary");
    window.tab_to("button[value=approve]");
    window.tab.press_key("Enter").unwrap();
    window.sees("h1", "Back at the client");
    assert_eq!(site.arrival()[0].0, "code");
}
