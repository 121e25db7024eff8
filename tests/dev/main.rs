//! `serve --dev`, `dev` and `explain` as a developer uses them: the real server over HTTP, commanded from the command line.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod refused_token_requests;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;
use ureq::Agent;

/// RFC 6749 §4.1.2.1.
const AUTHORIZATION_ERRORS: [&str; 7] = [
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
];

/// RFC 6749 §5.2.
const TOKEN_ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

fn oauthctl(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("TMPDIR", directory);
    command
}

/// An answer: status, `Location`, `Set-Cookie`, body.
struct Answer {
    status: u16,
    location: String,
    cookie: String,
    request_id: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A parameter of the redirect.
    fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The hidden fields of the form in which `mark` stands.
    fn hidden(&self, mark: &str) -> Vec<(String, String)> {
        let forms = self.body.split("<form").skip(1);
        let form = forms
            .map(|rest| rest.split("</form>").next().unwrap())
            .find(|form| form.contains(mark))
            .unwrap_or_else(|| panic!("no form with {mark}:\n{}", self.body));
        let fields = form.split("type=\"hidden\" name=\"").skip(1);
        fields
            .map(|rest| {
                let (name, rest) = rest.split_once("\" value=\"").unwrap();
                let value = rest.split_once('"').unwrap().0;
                let value = value.replace("&#x2f;", "/").replace("&amp;", "&");
                (name.to_owned(), value)
            })
            .collect()
    }
}

/// A server that runs until this is dropped.
struct Server {
    child: Child,
    directory: TempDir,
    variables: BTreeMap<String, String>,
    issuer: String,
    /// What stderr says up to the variables.
    told_at_start: String,
    agent: Agent,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), arguments)
    }

    fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend_from_slice(arguments);
        let mut child = oauthctl(directory.path(), &all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let issuer = first
            .trim()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{first}"));
        let issuer = issuer.to_owned();
        let mut told_at_start = String::new();
        while arguments.contains(&"--dev") && !told_at_start.contains("\n  trouble ") {
            assert_ne!(
                stderr.read_line(&mut told_at_start).unwrap(),
                0,
                "{told_at_start}"
            );
        }
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let mut variables = BTreeMap::new();
        if arguments.contains(&"--dev") {
            for line in BufReader::new(child.stdout.take().unwrap()).lines() {
                let line = line.unwrap();
                let (name, value) = line.split_once('=').unwrap();
                variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
                if name == "OAUTHCTL_DATABASE" {
                    break;
                }
            }
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build();
        Self {
            child,
            directory,
            variables,
            issuer,
            told_at_start,
            agent: config.new_agent(),
        }
    }

    fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let (location, cookie, request_id) =
            (header("Location"), header("Set-Cookie"), header("X-Request-Id"));
        Answer {
            status: response.status().as_u16(),
            location,
            cookie: cookie.split(';').next().unwrap().to_owned(),
            request_id,
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.issuer)
        } else {
            path.to_owned()
        };
        let request = self.agent.get(&url);
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        Self::read(request.call().unwrap())
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(String, String)]) -> Answer {
        let request = self.agent.post(&format!("{}{path}", self.issuer));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let form = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self::read(request.send_form(form).unwrap())
    }

    /// A code: the button of `owner` is pressed, and everything is approved.
    fn code(&self, owner: &str) -> String {
        let page = self.get(self.variable("OAUTH_AUTHORIZE_URL"), &[]);
        let mut form = page.hidden("development_owner");
        form.push(("development_owner".to_owned(), owner.to_owned()));
        let signed_in = self.post("/authorize", &[("Cookie", &page.cookie)], &form);
        assert_eq!(signed_in.status, 303, "{}", signed_in.body);
        let cookie = [("Cookie", signed_in.cookie.as_str())];
        let page = self.get(&signed_in.location, &cookie);
        assert!(page.body.contains("Development server"));
        let mut form = page.hidden("name=\"decision\"");
        form.push(("decision".to_owned(), "approve".to_owned()));
        for scope in self.variable("OAUTH_SCOPE").split(' ') {
            form.push(("scope".to_owned(), scope.to_owned()));
        }
        let approved = self.post("/authorize", &cookie, &form);
        approved.parameter("code").unwrap()
    }

    fn token(&self, form: &[(&str, &str)]) -> Answer {
        let pair = format!(
            "{}:{}",
            self.variable("OAUTH_CLIENT_ID"),
            self.variable("OAUTH_CLIENT_SECRET")
        );
        let basic = format!("Basic {}", BASE64.encode(pair.as_bytes()));
        let form: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.post("/token", &[("Authorization", &basic)], &form)
    }

    fn exchange(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.variable("OAUTH_REDIRECT_URI")),
            ("code_verifier", self.variable("OAUTH_CODE_VERIFIER")),
        ])
    }

    fn refresh(&self, token: &Value) -> Answer {
        let token = token.as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// What arrives on a connection of its own after a refresh, until the server closes it.
    fn bytes_of_refresh(&self, token: &Value) -> Vec<u8> {
        let form = format!(
            "grant_type=refresh_token&refresh_token={}&client_id={}&client_secret={}",
            token.as_str().unwrap(),
            self.variable("OAUTH_CLIENT_ID"),
            self.variable("OAUTH_CLIENT_SECRET")
        );
        let mut stream = TcpStream::connect(self.issuer.strip_prefix("http://").unwrap()).unwrap();
        write!(
            stream,
            "POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
        .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn check(&self, token: &Value) -> u16 {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let path = "/check?service=orders:list";
        self.get(path, &[("Authorization", &bearer)]).status
    }

    /// A command on the server's database.
    fn command(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = oauthctl(self.directory.path(), arguments);
        if let Some(database) = self.variables.get("OAUTHCTL_DATABASE") {
            command.env("OAUTHCTL_DATABASE", database);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn told(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend_from_slice(&["-o", "json"]);
        let output = self.command(&all, "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn stop(&mut self) {
        let id = self.child.id().to_string();
        Command::new("kill").arg(&id).status().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn grant_of(server: &Server) -> String {
    let grants = server.told(&["grant", "list"]);
    grants[0]["grant_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_button_leads_to_a_token_and_nothing_stays_behind() {
    let mut server = Server::start(&["--dev"]);
    let database = Path::new(server.variable("OAUTHCTL_DATABASE")).to_owned();
    let socket = format!("{}-dev", database.display());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let page = server.get(server.variable("OAUTH_AUTHORIZE_URL"), &[]);
    for owner in ["alice", "bob", "carol"] {
        assert!(page.body.contains(&format!("value=\"{owner}\"")), "{owner}");
    }
    let password = server.variable("OAUTH_PASSWORD");
    assert!(!page.body.contains(password), "a password stands in the page");
    let tokens = server.exchange(&server.code("bob")).json();
    assert_eq!(server.check(&tokens["access_token"]), 200);
    assert_eq!(server.told(&["grant", "list"])[0]["username"], "bob");
    let german = server.get("/account", &[("Accept-Language", "de")]);
    assert!(german.body.contains("Entwicklungsserver"));
    server.stop();
    assert_eq!(server.directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn the_mark_stands_on_pages_of_ones_own_too() {
    let directory = TempDir::new().unwrap();
    let own = directory.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let layout = "<!DOCTYPE html>\n<html lang=\"{{ lang }}\" dir=\"{{ direction }}\">\n<head>\n<meta charset=\"utf-8\">\n\
                  <title>{{ title }}</title>\n<style>{{ style }}</style>\n</head>\n<body class=\"own\">\n<main>\n\
                  {{ content }}</main>\n</body>\n</html>\n";
    std::fs::write(own.join("layout.html"), layout).unwrap();
    std::fs::write(
        directory.path().join("oauthctl.toml"),
        "[pages]\ntemplates = \"own\"\n",
    )
    .unwrap();
    let server = Server::start_in(directory, &["--dev"]);
    for path in ["/account", "/authorize"] {
        let page = server.get(path, &[]);
        let (_, body) = page.body.split_once("<body class=\"own\">").unwrap();
        assert!(body.starts_with("<aside class=\"development"), "{body}");
        assert!(
            body.starts_with("<aside class=\"development short\">") == (path == "/authorize"),
            "{body}"
        );
    }
    assert!(server.get("/account", &[]).body.contains("value=\"alice\""));
}

#[test]
fn every_error_of_the_standard_comes_on_demand_and_once() {
    let server = Server::start(&["--dev"]);
    let code = server.code("alice");
    for error in AUTHORIZATION_ERRORS {
        server.told(&["dev", "fail", "next", "authorize", error]);
        let refused = server.get(server.variable("OAUTH_AUTHORIZE_URL"), &[]);
        assert_eq!(refused.status, 302);
        assert_eq!(refused.parameter("error").as_deref(), Some(error));
        assert_eq!(refused.parameter("iss"), Some(server.issuer.clone()));
        assert!(refused.parameter("state").is_some());
    }
    for error in TOKEN_ERRORS {
        server.told(&["dev", "fail", "next", "token", error]);
        let refused = server.exchange(&code);
        let status = if error == "invalid_client" { 401 } else { 400 };
        assert_eq!(refused.status, status, "{error}");
        assert_eq!(refused.json()["error"], error);
    }
    server.told(&["dev", "fail", "next", "token", "503", "--times", "2"]);
    assert_eq!(server.told(&["dev", "fail", "list"])[0]["times"], 2);
    assert_eq!(server.exchange(&code).status, 503);
    assert_eq!(server.exchange(&code).status, 503);
    let tokens = server.exchange(&code);
    assert_eq!(tokens.status, 200, "no fault has used the code up");
    server.told(&["dev", "fail", "next", "token", "lost"]);
    let refresh_token = &tokens.json()["refresh_token"];
    let lost = server.bytes_of_refresh(refresh_token);
    assert_eq!(
        String::from_utf8(lost).unwrap(),
        "",
        "the connection closes without a word"
    );
    let audited = server.told(&["token", "list", "--kind", "refresh"]);
    let mut states: Vec<&str> = audited
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["state"].as_str().unwrap())
        .collect();
    states.sort_unstable();
    assert_eq!(states, ["active", "rotated"], "and yet the work is done");
    let again = server.refresh(refresh_token);
    assert_eq!(again.status, 200, "an answer that was lost costs nobody a login");
    let answered = server.bytes_of_refresh(&again.json()["refresh_token"]);
    assert!(answered.starts_with(b"HTTP/1.1 200 "), "the next one arrives");
    let refused = server.command(&["dev", "fail", "next", "token", "access_denied"], "");
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn one_clock_issues_and_validates_and_commands_see_it() {
    let server = Server::start(&["--dev"]);
    let tokens = server.exchange(&server.code("alice")).json();
    assert_eq!(server.check(&tokens["access_token"]), 200);
    server.told(&["dev", "clock", "advance", "2h"]);
    assert_eq!(server.check(&tokens["access_token"]), 401);
    let listed = server.told(&["token", "list", "--kind", "access"]);
    assert_eq!(listed[0]["state"], "expired");
    let fresh = server.refresh(&tokens["refresh_token"]).json();
    assert_eq!(server.check(&fresh["access_token"]), 200);
    server.told(&["dev", "clock", "set", "2035-01-01T00:00:00Z"]);
    assert_eq!(
        server.refresh(&fresh["refresh_token"]).json()["error"],
        "invalid_grant"
    );
    assert_eq!(server.told(&["dev", "clock", "reset"])["offset"], 0);
    assert_eq!(server.check(&tokens["access_token"]), 200);
}

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
fn what_is_done_to_a_grant_is_seen_by_its_client_and_told_of_its_tokens() {
    let server = Server::start(&["--dev"]);
    let first = server.exchange(&server.code("alice")).json();
    let grant = grant_of(&server);
    server.told(&["dev", "expire", &grant]);
    assert_eq!(server.check(&first["access_token"]), 401);
    let second = server.refresh(&first["refresh_token"]).json();
    assert_eq!(server.check(&second["access_token"]), 200);
    server.told(&["dev", "rotate", &grant]);
    assert_eq!(
        server.refresh(&second["refresh_token"]).json()["error"],
        "invalid_grant"
    );
    assert_eq!(
        server.check(&second["access_token"]),
        401,
        "a reuse ends the grant"
    );
    let token = second["access_token"].as_str().unwrap();
    let output = server.command(&["explain", "token", "-o", "json"], token);
    let family: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(family["grant_id"], grant.as_str());
    assert_eq!(family["end_cause"], "refresh_token_reused");
    assert_eq!(family["genuine"], true);
    let told: Vec<(&str, &str, bool)> = family["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            (text("kind"), text("state"), one["asked"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("code", "exchanged", false),
            ("refresh", "rotated", false),
            ("access", "expired", false),
            ("refresh", "rotated", false),
            ("access", "revoked", true),
        ]
    );
    let told = server.command(&["explain", "token"], token);
    let told = String::from_utf8(told.stdout).unwrap();
    for (command, kind) in [("expire", "access"), ("rotate", "refresh")] {
        let line = told
            .lines()
            .find(|line| line.contains(&format!("`oauthctl dev {command}` by operator ")));
        assert!(
            line.is_some_and(|line| line.contains(&format!("└ {kind} "))),
            "{told}"
        );
    }
    let forged = format!("{}{}", &token[..17], "A".repeat(token.len() - 17));
    let output = server.command(&["explain", "token", "-o", "json"], &forged);
    let family: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(family["genuine"], false);
    let third = server.exchange(&server.code("carol")).json();
    let grants = server.told(&["grant", "list", "--owner", "carol"]);
    server.told(&["dev", "revoke", grants[0]["grant_id"].as_str().unwrap()]);
    assert_eq!(server.check(&third["access_token"]), 401);
    server.told(&["dev", "clock", "advance", "1h"]);
    let trail = server.told(&["audit", "list"]);
    let trail = trail.as_array().unwrap();
    let operator = trail
        .iter()
        .find(|entry| entry["action"] == "client.register")
        .unwrap();
    for action in ["grant.expire", "grant.rotate", "grant.revoke", "clock.move"] {
        let mut found = trail.iter().filter(|entry| entry["action"] == action);
        let entry = found.next().unwrap_or_else(|| panic!("{action}: {trail:?}"));
        assert_eq!(entry["actor"], operator["actor"], "{action}");
        assert!(found.next().is_none(), "{action} is written down once");
    }
}

#[test]
fn who_revoked_a_token_is_told() {
    let server = Server::start(&["--dev"]);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(server.exchange(&server.code("alice")).json());
    }
    server.told(&["token", "revoke", "--kind", "access", "--yes"]);
    let explain = |token: &Value| {
        let output = server.command(&["explain", "token"], token.as_str().unwrap());
        String::from_utf8(output.stdout).unwrap()
    };
    for tokens in &tokens {
        let told = explain(&tokens["access_token"]);
        let line = told.lines().find(|line| line.contains("<- this one")).unwrap();
        assert!(
            line.contains(" by operator "),
            "revoked together with others: {told}"
        );
    }
    let refresh_token = tokens[0]["refresh_token"].as_str().unwrap();
    let revoked = server.command(&["token", "revoke", "-", "--yes"], refresh_token);
    assert!(revoked.status.success());
    let told = explain(&tokens[0]["access_token"]);
    let grant = told.lines().nth(1).unwrap();
    assert!(
        grant.contains(": operator ") && grant.ends_with(" revoked it"),
        "{told}"
    );
}

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
const DEVIATIONS: [(&str, &str); 34] = [
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
}

#[test]
fn who_watches_sees_requests_and_no_secret() {
    let server = Server::start(&["--dev"]);
    let mut watching = oauthctl(server.directory.path(), &["dev", "watch", "-o", "jsonl"])
        .env("OAUTHCTL_DATABASE", server.variable("OAUTHCTL_DATABASE"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(watching.stderr.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with("watching"), "{first}");
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
fn nothing_of_it_is_there_without_dev() {
    let server = Server::start(&[]);
    let directory = server.directory.path();
    assert!(!directory.join("oauthctl.db-dev").exists());
    let added = server.command(&["owner", "add", "alice", "--password-stdin"], "long enough\n");
    assert!(added.status.success());
    let page = server.get("/account", &[]);
    assert!(!page.body.contains("evelopment"), "{}", page.body);
    let mut form = page.hidden("username");
    form.push(("development_owner".to_owned(), "alice".to_owned()));
    let refused = server.post("/account", &[("Cookie", &page.cookie)], &form);
    assert_eq!(refused.status, 403);
    for path in ["/dev", "/dev/clock", "/dev/fail", "/dev/watch", "/control"] {
        assert_eq!(server.get(path, &[]).status, 404, "{path}");
    }
    for arguments in [
        &["dev", "clock"][..],
        &["dev", "clock", "advance", "1h"],
        &["dev", "fail", "next", "token", "500"],
        &["dev", "watch"],
        &["dev", "expire", "38g61gjnf1de5"],
    ] {
        let output = server.command(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("`oauthctl serve --dev`"), "{told}");
    }
}

#[test]
fn it_is_for_this_machine_only() {
    let directory = TempDir::new().unwrap();
    for arguments in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "[::]:0"],
        &["--listen", "127.0.0.1:0", "--issuer", "https://id.example"],
    ] {
        let mut all = vec!["serve", "--dev"];
        all.extend_from_slice(arguments);
        let output = oauthctl(directory.path(), &all).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("a development server is for this machine only"),
            "{told}"
        );
    }
    let behind = oauthctl(directory.path(), &["serve", "--dev", "--listen", "127.0.0.1:0"])
        .env("OAUTHCTL_SERVER_BEHIND_PROXY", "true")
        .output()
        .unwrap();
    assert_eq!(behind.status.code(), Some(2));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_file_seeds_it_and_a_database_that_is_named_stays() {
    let directory = TempDir::new().unwrap();
    let file = "[[scope]]\nname = \"a\"\nfolders = [\"a\"]\n[[client]]\nclient_id = \"mine\"\nscopes = [\"a\"]\n\
                redirect_uris = [\"http://127.0.0.1/back\"]\n\
                [[owner]]\nusername = \"zoe\"\npassword = \"long enough\"\n";
    std::fs::write(directory.path().join("my.toml"), file).unwrap();
    let applied = oauthctl(directory.path(), &["apply", "-f", "my.toml"])
        .output()
        .unwrap();
    assert_eq!(applied.status.code(), Some(2), "owners are for development");
    let database = directory.path().join("kept.db");
    let arguments = ["--dev", "my.toml", "--database", "kept.db"];
    let mut first = Server::start_in(directory, &arguments);
    assert_eq!(first.variable("OAUTH_CLIENT_ID"), "mine");
    assert_eq!(first.variable("OAUTH_PASSWORD"), "long enough");
    first.code("zoe");
    let second = first.command(
        &[
            "serve",
            "--dev",
            "--database",
            "kept.db",
            "--listen",
            "127.0.0.1:0",
        ],
        "",
    );
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2), "{told}");
    assert!(told.contains("another development server runs"), "{told}");
    first.stop();
    assert!(database.exists());
    assert!(!database.with_file_name("kept.db-dev").exists());
}

/// The variables that a developer keeps, without those that are new at each start: a port, a `state`, a verifier.
fn kept(server: &Server) -> Vec<(String, String)> {
    let names = [
        "OAUTH_CLIENT_ID",
        "OAUTH_CLIENT_SECRET",
        "OAUTH_PASSWORD",
        "OAUTH_RESOURCE_SERVER_ID",
        "OAUTH_RESOURCE_SERVER_SECRET",
        "OAUTH_USERNAME",
    ];
    let value = |name: &str| (name.to_owned(), server.variable(name).to_owned());
    names.map(value).into()
}

/// Whether the server takes the client's secret.
fn admits(server: &Server, id: &str, secret: &str) -> bool {
    let basic = format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()));
    let form = [("token".to_owned(), "x".to_owned())];
    match server
        .post("/introspect", &[("Authorization", &basic)], &form)
        .status
    {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

/// Another server with what the last one left in its directory.
fn again(mut last: Server, arguments: &[&str]) -> Server {
    last.stop();
    let directory = std::mem::replace(&mut last.directory, TempDir::new().unwrap());
    Server::start_in(directory, arguments)
}

#[test]
fn a_file_of_ones_own_makes_every_start_the_same() {
    let directory = TempDir::new().unwrap();
    let file = oauthctl(directory.path(), &["example", "development"])
        .output()
        .unwrap();
    assert!(file.status.success());
    std::fs::write(directory.path().join("dev.toml"), &file.stdout).unwrap();
    let applied = oauthctl(directory.path(), &["apply", "-f", "dev.toml"])
        .output()
        .unwrap();
    let told = String::from_utf8(applied.stderr).unwrap();
    assert_eq!(applied.status.code(), Some(2), "{told}");
    assert!(
        told.contains("`client_secret` is for `oauthctl serve --dev` only"),
        "{told}"
    );
    assert!(told.contains("rotate-secret ID --secret-stdin"), "{told}");

    let first = Server::start_in(directory, &["--dev", "dev.toml"]);
    let expected = kept(&first);
    assert!(
        !first.told_at_start.contains("  keep "),
        "{}",
        first.told_at_start
    );
    let second = again(first, &["--dev", "dev.toml"]);
    assert_eq!(kept(&second), expected, "on another scratch database");
    assert_eq!(second.exchange(&second.code("bob")).status, 200);

    // A database with other secrets, as an earlier start has made it.
    let third = again(second, &["--dev", "--database", "dev.db"]);
    let (old_id, old) = (
        third.variable("OAUTH_CLIENT_ID").to_owned(),
        third.variable("OAUTH_CLIENT_SECRET").to_owned(),
    );
    assert!(admits(&third, &old_id, &old));
    let fourth = again(third, &["--dev", "dev.toml", "--database", "dev.db"]);
    assert_eq!(kept(&fourth), expected);
    let tokens = fourth.exchange(&fourth.code("carol")).json();
    assert!(
        !admits(&fourth, &old_id, &old),
        "what the file says is what there is"
    );
    let server = |name: &str| fourth.variable(name).to_owned();
    assert!(admits(
        &fourth,
        &server("OAUTH_RESOURCE_SERVER_ID"),
        &server("OAUTH_RESOURCE_SERVER_SECRET")
    ));
    let fifth = again(fourth, &["--dev", "dev.toml", "--database", "dev.db"]);
    assert_eq!(kept(&fifth), expected);
    assert_eq!(fifth.check(&tokens["access_token"]), 200, "tokens are kept");
    let trail = fifth.told(&["audit", "list", "--action", "secret.rotate"]);
    assert_eq!(trail.as_array().unwrap().len(), 2, "only once for each");
}

#[test]
fn the_example_on_a_database_that_stays_knows_new_secrets_and_lets_the_old_ones_in() {
    let first = Server::start(&["--dev", "--database", "dev.db"]);
    assert!(
        first.told_at_start.contains("oauthctl example development"),
        "{}",
        first.told_at_start
    );
    let old = kept(&first);
    let tokens = first.exchange(&first.code("alice")).json();
    let second = again(first, &["--dev", "--database", "dev.db"]);
    let told = &second.told_at_start;
    assert!(
        told.contains("dev-client was there before and has a new secret"),
        "{told}"
    );
    assert!(
        told.contains("dev-api was there before and has a new secret"),
        "{told}"
    );
    for ((name, old), (_, new)) in old.iter().zip(kept(&second)) {
        let is_secret = name.ends_with("SECRET") || name.ends_with("PASSWORD");
        assert_eq!(*old == new, !is_secret, "{name}");
    }
    assert!(
        admits(&second, &old[0].1, &old[1].1),
        "an .env file outlives the start"
    );
    assert!(admits(&second, &old[3].1, &old[4].1));
    assert_eq!(
        second.exchange(&second.code("alice")).status,
        200,
        "the buttons work"
    );
    assert_eq!(second.check(&tokens["access_token"]), 200);

    // Somebody who was there before the example keeps the password.
    std::fs::write(second.directory.path().join("empty.toml"), "").unwrap();
    let without_example = again(second, &["--dev", "empty.toml", "--database", "own.db"]);
    let added = without_example.command(&["owner", "add", "alice", "--password-stdin"], "correct horse\n");
    assert!(added.status.success());
    let mut last = without_example;
    for _ in 0..2 {
        last = again(last, &["--dev", "--database", "own.db"]);
        assert!(
            last.told_at_start.contains("alice was there before"),
            "{}",
            last.told_at_start
        );
        assert_eq!(last.variable("OAUTH_USERNAME"), "bob");
    }
    let trail = last.told(&["audit", "list", "--action", "owner.set_password"]);
    let subjects: Vec<&Value> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["subject"])
        .collect();
    assert_eq!(subjects, ["bob", "carol"]);
}

#[test]
fn what_a_server_that_was_killed_left_behind_goes_at_the_next_start() {
    let mut killed = Server::start(&["--dev"]);
    let scratch = |server: &Server| {
        Path::new(server.variable("OAUTHCTL_DATABASE"))
            .parent()
            .unwrap()
            .to_owned()
    };
    let left = scratch(&killed);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(left.join("oauthctl.db").exists());
    let directory = std::mem::replace(&mut killed.directory, TempDir::new().unwrap());
    let place = directory.path().to_owned();
    let first = Server::start_in(directory, &["--dev"]);
    assert!(!left.exists(), "nobody has it any more");
    let ran = oauthctl(&place, &["run", "--", "true"]).status().unwrap();
    assert!(ran.success());
    assert!(scratch(&first).join("oauthctl.db").exists(), "somebody has it");
    assert_eq!(first.exchange(&first.code("alice")).status, 200);
    assert_eq!(place.read_dir().unwrap().count(), 1);
}

#[test]
fn a_second_server_on_the_same_port_is_told_how_to_have_another() {
    let first = Server::start(&["--dev"]);
    let address = first.issuer.strip_prefix("http://").unwrap();
    let second = first.command(&["serve", "--dev", "--listen", address], "");
    assert_eq!(second.status.code(), Some(1));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains(&format!("cannot listen on {address}")), "{told}");
    assert!(
        told.contains("`--listen 127.0.0.1:0` takes a free port"),
        "{told}"
    );
    let directory = first.directory.path();
    assert_eq!(
        directory.read_dir().unwrap().count(),
        1,
        "the second leaves nothing behind"
    );
    assert_eq!(first.exchange(&first.code("alice")).status, 200);
}

/// All that the database of a directory has to say.
fn content(directory: &Path, database: &str) -> Vec<String> {
    let lists = [
        &["client", "list"][..],
        &["owner", "list"],
        &["scope", "list"],
        &["audit", "list"],
    ];
    let told = lists.map(|list| {
        let mut arguments = list.to_vec();
        arguments.extend_from_slice(&["-o", "json", "--database", database]);
        let output = oauthctl(directory, &arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    });
    told.into()
}

#[test]
fn the_database_of_another_server_is_left_alone() {
    let mut running = Server::start(&[]);
    let directory = std::mem::replace(&mut running.directory, TempDir::new().unwrap());
    let place = directory.path();
    let added = oauthctl(
        place,
        &["scope", "define", "a", "--folder", "a", "--database", "real.db"],
    )
    .output()
    .unwrap();
    assert!(added.status.success());
    // An ordinary server has this one at this moment, and nothing is in it yet.
    for database in ["real.db", "oauthctl.db"] {
        let before = content(place, database);
        let refused = oauthctl(
            place,
            &[
                "serve",
                "--dev",
                "--database",
                database,
                "--listen",
                "127.0.0.1:0",
            ],
        )
        .output()
        .unwrap();
        assert_eq!(refused.status.code(), Some(2), "{database}");
        assert_eq!(refused.stdout, b"");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(
            told.contains(&format!(
                "{database} is not a database that `oauthctl serve --dev` made"
            )),
            "{told}"
        );
        assert!(told.contains("name a file that is not there yet"), "{told}");
        assert_eq!(content(place, database), before);
    }
    // One that it made is taken again, also once others were put in; an ordinary server says whose it is.
    let server = Server::start_in(directory, &["--dev", "--database", "new.db"]);
    let trail = server.told(&["audit", "list"]);
    assert!(
        trail
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["action"] == "development.begin"),
        "{trail}"
    );
    let server = again(server, &["--dev", "--database", "new.db"]);
    let place = server.directory.path();
    let mut ordinary = oauthctl(
        place,
        &["serve", "--listen", "127.0.0.1:0", "--database", "new.db"],
    )
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stderr = BufReader::new(ordinary.stderr.take().unwrap());
    let mut told = String::new();
    stderr.read_line(&mut told).unwrap();
    // What it says at the start it says, whenever it is to end.
    Command::new("kill")
        .arg(ordinary.id().to_string())
        .status()
        .unwrap();
    stderr.read_to_string(&mut told).unwrap();
    assert!(ordinary.wait().unwrap().success());
    assert!(told.contains("`serve --dev` made the database"), "{told}");
}

#[test]
fn another_terminal_reads_the_variables_from_a_file_that_ends_with_the_server() {
    let mut server = Server::start(&["--dev", "--database", "it's mine.db"]);
    let file = server.directory.path().join("it's mine.db-env");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let told = &server.told_at_start;
    let next = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("next      in another terminal: "))
        .unwrap();
    let (read_it, rest) = next.rsplit_once(" && ").unwrap();
    assert_eq!(rest, "oauthctl login");
    let shell = Command::new("sh")
        .args([
            "-c",
            &format!("{read_it} && exec sh -c 'echo \"$OAUTH_CLIENT_SECRET $OAUTH_METADATA_URL\"'"),
        ])
        .current_dir("/")
        .output()
        .unwrap();
    let read = String::from_utf8(shell.stdout).unwrap();
    let metadata = format!("{}/.well-known/oauth-authorization-server", server.issuer);
    assert_eq!(
        read.trim(),
        format!("{} {metadata}", server.variable("OAUTH_CLIENT_SECRET"))
    );
    assert_eq!(server.variable("OAUTH_METADATA_URL"), metadata);
    assert!(
        told.contains("http://127.0.0.1/callback, and the same with any port"),
        "{told}"
    );
    assert!(told.contains("ends at port 80"), "{told}");
    server.stop();
    assert!(!file.exists());
    // One that was killed leaves it, and somebody may have put something else there.
    std::fs::write(&file, "export OAUTH_ISSUER=old\n").unwrap();
    let directory = std::mem::replace(&mut server.directory, TempDir::new().unwrap());
    let server = Server::start_in(directory, &["--dev", "--database", "it's mine.db"]);
    let file = server.directory.path().join("it's mine.db-env");
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        content.contains(server.variable("OAUTH_CLIENT_SECRET")),
        "{content}"
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_file_of_somebody_is_not_taken_for_that_of_the_variables() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("dev-env");
    std::fs::write(&file, "PRECIOUS=1\n").unwrap();
    let start = ["serve", "--listen", "127.0.0.1:0", "--dev", "--database", "dev"];
    let refused = oauthctl(directory.path(), &start).output().unwrap();
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("dev-env is where the variables"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "PRECIOUS=1\n");
    assert!(!directory.path().join("dev").exists(), "nothing is made before");
}

#[test]
fn without_an_id_the_newest_grant_is_meant_and_one_that_ended_is_left_alone() {
    let server = Server::start(&["--dev"]);
    let none = server.command(&["dev", "revoke"], "");
    assert_eq!(none.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no grant yet"));
    for id in ["nonsense", "38g61gjnf1de5"] {
        let output = server.command(&["dev", "expire", id], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(if id == "nonsense" { 2 } else { 3 }),
            "{told}"
        );
        assert!(told.contains("`oauthctl grant list`"), "{told}");
    }
    server.exchange(&server.code("alice"));
    let newest = server.exchange(&server.code("bob")).json();
    let grants = server.told(&["grant", "list", "--owner", "bob"]);
    assert_eq!(server.told(&["dev", "expire"])["grant_id"], grants[0]["grant_id"]);
    assert_eq!(server.check(&newest["access_token"]), 401);
    let revoked = server.told(&["dev", "revoke"]);
    assert_eq!(revoked["grant_id"], grants[0]["grant_id"]);
    assert_eq!(revoked["changed"], 1);
    let ended = server.told(&["grant", "show", grants[0]["grant_id"].as_str().unwrap()])["ended_at"].clone();
    for verb in ["expire", "rotate", "revoke"] {
        let told = server.told(&["dev", verb]);
        assert_eq!(told["changed"], 0, "{verb}");
        assert!(told["ended_at"].is_string(), "{verb}: {told}");
        assert!(
            ended.is_null() || ended == told["ended_at"],
            "{verb}: {told} {ended}"
        );
        let output = server.command(&["dev", verb], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("already; nothing was changed"), "{told}");
    }
    let token = newest["refresh_token"].as_str().unwrap();
    let told = server.command(&["explain", "token"], token);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("taken back as by the resource owner, with `oauthctl dev revoke` by operator "),
        "{told}"
    );
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
}

#[test]
fn what_goes_well_is_one_line_to_who_watches() {
    let server = Server::start(&["--dev"]);
    let watch = |arguments: &[&str]| {
        let mut child = oauthctl(server.directory.path(), arguments)
            .env("OAUTHCTL_DATABASE", server.variable("OAUTHCTL_DATABASE"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut first)
            .unwrap();
        assert!(first.starts_with("watching"), "{first}");
        child
    };
    let (mut brief, mut whole) = (watch(&["dev", "watch"]), watch(&["dev", "watch", "--all"]));
    let url = server.variable("OAUTH_AUTHORIZE_URL");
    server.get(url, &[]);
    server.get(&url.replace("response_type=code", "response_type=token"), &[]);
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
    assert!(details(&whole, 0) > 5, "{whole:#?}");
    let (at, _) = brief[0].split_once("  ").unwrap();
    assert_eq!(at.len(), "2026-01-01T00:00:00.000Z".len(), "{at}");
}

#[test]
fn the_clock_only_advances_and_tells_roughly_how_far_it_is() {
    let server = Server::start(&["--dev"]);
    let refused = server.command(&["dev", "clock", "advance", "-2h"], "");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("`oauthctl dev clock set` with an instant goes back"),
        "{told}"
    );
    let shown = |arguments: &[&str]| String::from_utf8(server.command(arguments, "").stdout).unwrap();
    let told = shown(&["dev", "clock", "advance", "90061s"]);
    assert!(told.contains("1d1h ahead"), "{told}");
    let told = shown(&["dev", "clock", "set", "2000-01-01T00:00:00Z"]);
    assert!(told.contains("d behind"), "{told}");
}

#[test]
fn each_endpoint_fails_as_its_own_standard_has_it() {
    let server = Server::start(&["--dev"]);
    server.told(&["dev", "fail", "next", "revoke", "unsupported_token_type"]);
    let form = [("token".to_owned(), "x".to_owned())];
    let refused = server.post("/revoke", &[], &form);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"], "unsupported_token_type");
    let output = server.command(&["dev", "fail", "next", "introspect", "invalid_scope"], "");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("it can by invalid_request, invalid_client, 429"),
        "{told}"
    );
    for (arguments, told) in [
        (
            &["dev", "fail", "--help"][..],
            "oauthctl dev fail next token invalid_grant",
        ),
        (&["dev", "fail", "next", "--help"], "nothing is done"),
        (
            &["dev", "rotate", "--help"],
            "the same successor answers with 200",
        ),
        (
            &["run", "--help"],
            "OAUTH_AUTHORIZE_URL; its code is exchanged with OAUTH_CODE_VERIFIER",
        ),
    ] {
        let help = String::from_utf8(server.command(arguments, "").stdout).unwrap();
        assert!(help.contains(told), "{arguments:?}: {help}");
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
fn the_wrong_terminal_is_told_which_database_it_looks_into() {
    let directory = TempDir::new().unwrap();
    let told = |arguments: &[&str]| {
        let output = oauthctl(directory.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let another = "OAUTHCTL_DATABASE or --database names another database";
    let (code, first) = told(&["client", "show", "dev-client"]);
    assert_eq!(code, Some(3));
    assert!(
        first.contains("no client `dev-client` in ./oauthctl.db, which is new") && first.contains(another),
        "{first}"
    );
    let (code, second) = told(&["client", "show", "dev-client"]);
    assert_eq!(code, Some(3));
    assert!(second.contains("in ./oauthctl.db, which is empty"), "{second}");
    let (code, listed) = told(&["grant", "list"]);
    assert_eq!(code, Some(0));
    assert!(
        listed.contains("looked into ./oauthctl.db, which is empty") && listed.contains(another),
        "{listed}"
    );
    assert_eq!(told(&["grant", "list", "--quiet"]), (Some(0), String::new()));
    told(&["scope", "define", "a", "--folder", "a", "--description", "a"]);
    told(&[
        "client",
        "register",
        "--name",
        "a",
        "--client-id",
        "a",
        "--scope",
        "a",
        "--redirect-uri",
        "http://127.0.0.1/",
        "--secret-file",
        "secret",
    ]);
    let (_, third) = told(&["client", "show", "other"]);
    assert!(
        third.contains("no client `other`") && !third.contains("oauthctl.db"),
        "{third}"
    );
}
