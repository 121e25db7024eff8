//! A development server, and what a developer does with it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;
use ureq::Agent;

pub(crate) fn oauthctl(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("TMPDIR", directory);
    command
}

/// An answer: status, `Location`, `Set-Cookie`, body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) cookie: String,
    pub(crate) request_id: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A parameter of the redirect.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The hidden fields of the form in which `mark` stands.
    pub(crate) fn hidden(&self, mark: &str) -> Vec<(String, String)> {
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
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) directory: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) issuer: String,
    /// What stderr says up to the variables.
    pub(crate) told_at_start: String,
    pub(crate) agent: Agent,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), arguments)
    }

    pub(crate) fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
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

    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.variables[name]
    }

    pub(crate) fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
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

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
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

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(String, String)]) -> Answer {
        let request = self.agent.post(&format!("{}{path}", self.issuer));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let form = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self::read(request.send_form(form).unwrap())
    }

    /// A code: the button of `owner` is pressed, and everything is approved.
    pub(crate) fn code(&self, owner: &str) -> String {
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

    pub(crate) fn token(&self, form: &[(&str, &str)]) -> Answer {
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

    pub(crate) fn exchange(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.variable("OAUTH_REDIRECT_URI")),
            ("code_verifier", self.variable("OAUTH_CODE_VERIFIER")),
        ])
    }

    pub(crate) fn refresh(&self, token: &Value) -> Answer {
        let token = token.as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// What arrives on a connection of its own after a refresh, until the server closes it.
    pub(crate) fn bytes_of_refresh(&self, token: &Value) -> Vec<u8> {
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

    pub(crate) fn check(&self, token: &Value) -> u16 {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let path = "/check?service=orders:list";
        self.get(path, &[("Authorization", &bearer)]).status
    }

    /// A command on the server's database.
    pub(crate) fn command(&self, arguments: &[&str], stdin: &str) -> Output {
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

    /// A command that watches, and has begun to; killed by whoever started it.
    pub(crate) fn watching(&self, arguments: &[&str]) -> Child {
        let mut child = oauthctl(self.directory.path(), arguments)
            .env("OAUTHCTL_DATABASE", self.variable("OAUTHCTL_DATABASE"))
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
    }

    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend_from_slice(&["-o", "json"]);
        let output = self.command(&all, "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn stop(&mut self) {
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

pub(crate) fn grant_of(server: &Server) -> String {
    let grants = server.told(&["grant", "list"]);
    grants[0]["grant_id"].as_str().unwrap().to_owned()
}
