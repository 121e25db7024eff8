//! `oauthctl demo` as somebody runs it: what it prints, and that nothing of it stays.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;
use tempfile::TempDir;

/// Only keeps a test that fails from hanging.
const PATIENCE: Duration = Duration::from_secs(60);

const TITLES: [(&str, &str); 10] = [
    ("1", "The client sends the browser to the authorization endpoint"),
    ("2", "The resource owner signs in and reads who asks for what"),
    ("3", "The resource owner unticks one scope and approves the other"),
    (
        "4",
        "The server makes a code and redirects the browser to the client with it",
    ),
    ("5", "The client exchanges the code for an access token"),
    (
        "6",
        "The client refreshes the access token, and nobody has to be asked again",
    ),
    ("7", "The client executes a service on a resource server"),
    (
        "8",
        "The resource server checks each call against the token's scope",
    ),
    ("3 again", "The resource owner denies another request"),
    ("5 again", "The code is presented a second time"),
];

/// `oauthctl demo` in a directory of its own, where it also finds its temporary files.
fn demo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
    command
        .arg("demo")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("TMPDIR", directory);
    command
}

fn run(arguments: &[&str]) -> (Output, TempDir) {
    let directory = TempDir::new().unwrap();
    let output = demo(directory.path(), arguments).output().unwrap();
    (output, directory)
}

/// Runs the demo, which must succeed without a word on stderr and without leaving anything behind.
fn printed(arguments: &[&str]) -> String {
    let (output, directory) = run(arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), stderr.as_str()),
        (Some(0), ""),
        "{arguments:?}"
    );
    assert_empty(directory.path());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_no_secrets(&stdout);
    stdout
}

fn assert_empty(directory: &Path) {
    let left: Vec<_> = directory
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// No token, code or client secret stands there with more than a few of its characters.
fn assert_no_secrets(text: &str) {
    let mut shortened = 0;
    for prefix in ["oac_", "oat_", "ort_", "ocs_"] {
        for (start, _) in text.match_indices(prefix) {
            let rest = &text[start + prefix.len()..];
            let length = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                .count();
            assert!(length <= 4, "{}", &text[start..start + prefix.len() + length]);
            shortened += usize::from(rest[length..].starts_with('…'));
        }
    }
    assert!(
        shortened >= 10 || text.is_empty(),
        "only {shortened} shortened secrets were found"
    );
}

#[test]
fn the_stages_are_told_in_order_on_two_screens() {
    let told = printed(&[]);
    let headings: Vec<(&str, &str)> = told
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.split_once("  ").unwrap())
        .collect();
    assert_eq!(headings, TITLES);
    assert_eq!(
        told.lines().filter(|line| line.starts_with("  ✓ ")).count(),
        TITLES.len()
    );
    for expected in [
        "access_denied",
        "insufficient_scope",
        "invalid_grant",
        "active=false",
        "the same one",
    ] {
        assert!(told.contains(expected), "{expected}");
    }
    assert!(told.contains("\nAll eight stages did what they should.\n"));
    assert!(told.lines().count() <= 100, "{} lines", told.lines().count());
    for line in told.lines() {
        assert!(line.chars().count() <= 100 && line == line.trim_end(), "{line:?}");
    }
    assert!(!told.contains('\u{1b}'), "colour without a terminal");
}

#[test]
fn colour_is_added_where_it_is_asked_for_and_changes_no_words() {
    let told = printed(&["--color", "always"]);
    assert!(
        told.contains("\u{1b}[36m1\u{1b}[0m  \u{1b}[1mThe client sends"),
        "{told}"
    );
    assert!(!told.contains('✗'));
}

#[test]
fn quiet_says_nothing() {
    assert_eq!(printed(&["--quiet"]), "");
}

#[test]
fn programs_get_the_stages_as_json() {
    let stages: Vec<Value> = serde_json::from_str(&printed(&["-o", "json"])).unwrap();
    let lines: Vec<Value> = printed(&["-o", "jsonl"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for stages in [stages, lines] {
        assert_eq!(stages.len(), TITLES.len());
        for (stage, (name, title)) in stages.iter().zip(TITLES) {
            let again = if stage["again"] == true { " again" } else { "" };
            assert_eq!(
                (
                    format!("{}{again}", stage["stage"]).as_str(),
                    stage["title"].as_str()
                ),
                (name, Some(title))
            );
            assert_eq!(
                (&stage["ok"], &stage["fault"]),
                (&Value::Bool(true), &Value::Null),
                "{name}"
            );
            assert!(
                stage["proves"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}"
            );
            for exchange in stage["exchanges"].as_array().unwrap() {
                for member in ["from", "request", "status"] {
                    assert!(exchange[member].is_string(), "{name}: {member}");
                }
                for member in ["sent", "received"] {
                    assert!(
                        !exchange[member].as_array().unwrap().is_empty(),
                        "{name}: {member}"
                    );
                }
            }
        }
    }
}

/// `demo --keep` while it is up.
struct Kept {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    directory: TempDir,
}

impl Kept {
    fn start(arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut child = demo(directory.path(), &[&["--keep"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdout,
            directory,
        }
    }

    /// What it says about itself, as JSON.
    fn invitation(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Everything up to the line that says how to stop it.
    fn text(&mut self) -> String {
        let mut text = String::new();
        while !text.contains("Ctrl-C") {
            assert_ne!(self.stdout.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    }

    /// Sends a signal, on which it must end well and leave nothing behind.
    fn stop(mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &pid])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{signal}");
        let mut stderr = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(stderr, "", "{signal}");
        assert_empty(self.directory.path());
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It has ended already, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[test]
fn kept_servers_answer_at_the_printed_addresses_until_they_are_stopped() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut kept = Kept::start(&["-o", "jsonl"]);
        let invitation = kept.invitation();
        assert_eq!(invitation["stages"].as_array().unwrap().len(), TITLES.len());
        assert!(Path::new(text(&invitation, "database")).starts_with(kept.directory.path()));

        let health = format!("{}/healthz", text(&invitation, "issuer"));
        assert_eq!(http().get(&health).call().unwrap().status(), 200);
        for _ in 0..2 {
            let mut page = http().get(text(&invitation, "authorize_url")).call().unwrap();
            assert_eq!(page.status(), 200);
            assert!(
                page.body_mut()
                    .read_to_string()
                    .unwrap()
                    .contains("name=\"password\"")
            );
        }
        // Each visit of the client makes a request of its own.
        let starts: Vec<String> = (0..2)
            .map(|_| {
                let start = http().get(text(&invitation, "client_url")).call().unwrap();
                assert_eq!(start.status(), 302);
                start.headers()["Location"].to_str().unwrap().to_owned()
            })
            .collect();
        assert!(starts[0].starts_with(&format!("{}/authorize?", text(&invitation, "issuer"))));
        assert_ne!(starts[0], starts[1]);
        kept.stop(signal);
    }
}

#[test]
fn the_invitation_says_what_to_open_and_who_to_be() {
    let mut kept = Kept::start(&[]);
    let told = kept.text();
    let value = |label: &str| {
        let line = told.lines().find(|line| line.starts_with(&format!("  {label} ")));
        let value = line.and_then(|line| line[label.len() + 2..].split_whitespace().next());
        value.unwrap_or_else(|| panic!("no {label} in {told}"))
    };
    let headings = told
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(headings.count(), TITLES.len());
    assert_eq!(value("username"), "alice");
    assert!(value("password").len() >= 16);
    assert_eq!(http().get(value("open")).call().unwrap().status(), 302);
    assert_eq!(http().get(value("authorize URL")).call().unwrap().status(), 200);
    kept.stop("TERM");
}

#[test]
fn the_client_page_has_the_headers_of_the_other_pages_and_tries_no_stray_codes() {
    let mut kept = Kept::start(&["-o", "jsonl"]);
    let invitation = kept.invitation();
    let client = text(&invitation, "client_url");

    let mut stray = http()
        .get(format!("{client}cb?code=oac_x&state=stray&iss=http://x"))
        .call()
        .unwrap();
    for (name, expected) in [
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ] {
        assert_eq!(stray.headers()[name], expected);
    }
    let policy = stray.headers()["Content-Security-Policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    let page = stray.body_mut().read_to_string().unwrap();
    assert!(
        page.contains("Not the one that was sent") && !page.contains("Exchange the code"),
        "{page}"
    );

    let form = [("code", "oac_x"), ("state", "stray")];
    let refused = http().post(format!("{client}exchange")).send_form(form).unwrap();
    assert_eq!(refused.status(), 403);
    for (method, path, expected) in [
        ("GET", "exchange", 405),
        ("POST", "cb", 405),
        ("GET", "favicon.ico", 404),
    ] {
        let url = format!("{client}{path}");
        let answer = match method {
            "GET" => http().get(url).call(),
            _ => http().post(url).send_empty(),
        };
        assert_eq!(answer.unwrap().status(), expected, "{method} {path}");
    }
    kept.stop("TERM");
}

/// A browser, or nothing where there is none and none is required.
fn browser() -> Option<Browser> {
    let options = LaunchOptions::default_builder()
        .sandbox(false)
        .window_size(Some((900, 1100)))
        .idle_browser_timeout(PATIENCE)
        .build()
        .unwrap();
    match Browser::new(options) {
        Ok(browser) => Some(browser),
        Err(error) => {
            assert!(
                std::env::var_os("OAUTHCTL_REQUIRE_BROWSER").is_none(),
                "{error:#}"
            );
            eprintln!("skipped, because there is no browser: {error:#}");
            None
        }
    }
}

/// Keeps a picture where `OAUTHCTL_SCREENSHOTS` names a directory, to be looked at.
fn picture(tab: &Tab, name: &str) {
    use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption::Png;
    if let Some(directory) = std::env::var_os("OAUTHCTL_SCREENSHOTS") {
        let png = tab.capture_screenshot(Png, None, None, true).unwrap();
        std::fs::write(Path::new(&directory).join(format!("{name}.png")), png).unwrap();
    }
}

/// The text of the page once it has the heading `heading`.
fn page(tab: &Tab, heading: &str, name: &str) -> String {
    let xpath = format!("//h1[contains(., '{heading}')]");
    if let Err(error) = tab.wait_for_xpath_with_custom_timeout(&xpath, PATIENCE) {
        let shown = tab.get_content().unwrap_or_default();
        panic!("{name}: {heading} does not appear ({error}) in {shown}");
    }
    picture(tab, name);
    tab.find_element("main").unwrap().get_inner_text().unwrap()
}

fn click(tab: &Tab, selector: &str) {
    tab.wait_for_element(selector).unwrap().click().unwrap();
}

#[test]
fn a_browser_goes_from_the_client_to_the_token_with_one_scope_unticked() {
    let Some(browser) = browser() else { return };
    let mut kept = Kept::start(&["-o", "jsonl"]);
    let invitation = kept.invitation();
    let tab: Arc<Tab> = browser.new_tab().unwrap();

    tab.navigate_to(text(&invitation, "client_url")).unwrap();
    page(&tab, "Sign in", "1-sign-in");
    for (field, value) in [
        ("#username", "alice"),
        ("#password", text(&invitation, "password")),
    ] {
        tab.wait_for_element(field).unwrap().click().unwrap();
        tab.type_str(value).unwrap();
    }
    click(&tab, "button.wide");
    page(&tab, "asks for access", "2-approval");
    click(&tab, "input[value='stock:read']");
    picture(&tab, "3-unticked");
    click(&tab, "button[value='approve']");
    let received = page(&tab, "The authorization code is here", "4-code");
    assert!(
        received.contains("The same as was sent") && received.contains("The expected server"),
        "{received}"
    );
    click(&tab, "button.wide");
    let exchanged = page(&tab, "The client has its access token", "5-token");
    assert!(
        exchanged.contains("orders:read") && !exchanged.contains("stock:read"),
        "{exchanged}"
    );
    for received in [&received, &exchanged] {
        assert!(
            received.contains("oac_") || received.contains("oat_"),
            "{received}"
        );
        assert!(
            !received
                .split_whitespace()
                .any(|word| word.starts_with('o') && word.len() > 40),
            "{received}"
        );
    }

    // The same again, with the other button: nobody has to sign in a second time.
    click(&tab, "main a[href='/']");
    page(&tab, "asks for access", "6-approval-again");
    click(&tab, "button[value='deny']");
    let denied = page(&tab, "got no access", "7-denied");
    assert!(denied.contains("access_denied"), "{denied}");

    // The URL that stands on the terminal, in a browser that never was at the client.
    tab.navigate_to(text(&invitation, "authorize_url")).unwrap();
    page(&tab, "asks for access", "8-approval");
    click(&tab, "button[value='approve']");
    page(&tab, "The authorization code is here", "9-code");
    click(&tab, "button.wide");
    let exchanged = page(&tab, "The client has its access token", "10-token");
    assert!(exchanged.contains("orders:read stock:read"), "{exchanged}");
    kept.stop("TERM");
}
