//! A directory of its own with a database, and the command line over it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The password of every resource owner in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Where a client of these tests is sent back to, unless it says otherwise.
pub(crate) const REDIRECT_URI: &str = "https://orders.example/cb";

/// A directory with a database.
pub(crate) struct Home(TempDir);

impl Home {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with the scopes `orders:read` and `stock`, and the resource owner `alice`.
    pub(crate) fn furnished() -> Self {
        let home = Self::empty();
        home.scope(
            "orders:read",
            &[
                "--description",
                "Read your orders",
                "--folder",
                "orders",
                "--route",
                "GET /orders/{id}",
            ],
        );
        home.scope(
            "stock",
            &[
                "--description",
                "Count the stock",
                "--service",
                "warehouse.stock:count",
            ],
        );
        home.owner("alice");
        home
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("oauthctl.db")
    }

    /// The program, with this directory as everything that it reads settings from.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_CONFIG_HOME", self.0.path());
        command
    }

    /// What a command prints as JSON; it must succeed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Value {
        let mut child = self
            .command()
            .args(arguments)
            .args(["--output", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Where the command fails before it reads, its status says more than the pipe.
        let written = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        written.unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Defines a scope.
    pub(crate) fn scope(&self, name: &str, opens: &[&str]) {
        self.run(&[&["scope", "define", name][..], opens].concat(), "");
    }

    /// Adds a resource owner.
    pub(crate) fn owner(&self, username: &str) {
        self.run(
            &["owner", "add", username, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        );
    }

    /// Registers a client, with a redirect URI and both scopes unless `options` name others.
    pub(crate) fn client(&self, id: &str, options: &[&str]) -> Client {
        self.client_with_secret(id, "", options)
    }

    /// As [`client`](Self::client), with a secret that it has already.
    pub(crate) fn client_with_secret(&self, id: &str, secret: &str, options: &[&str]) -> Client {
        let mut arguments = vec!["client", "register", "--name", "Orders Web", "--client-id", id];
        arguments.extend_from_slice(options);
        if !options.contains(&"--redirect-uri") {
            arguments.extend_from_slice(&["--redirect-uri", REDIRECT_URI]);
        }
        if !options.contains(&"--scope") {
            arguments.extend_from_slice(&["--scope", "orders:read", "stock"]);
        }
        if !secret.is_empty() {
            arguments.push("--secret-stdin");
        }
        let printed = self.run(&arguments, secret);
        let secret = printed["client_secret"].as_str().unwrap_or(secret);
        Client::new(id, secret)
    }

    /// Registers a resource server.
    pub(crate) fn resource_server(&self, name: &str) -> Client {
        let printed = self.run(&["resource-server", "register", name], "");
        let text = |key: &str| printed[key].as_str().unwrap().to_owned();
        Client::new(&text("resource_server_id"), &text("resource_server_secret"))
    }

    /// Changes rows behind the back of the program: clocks that run on, and what no command does yet.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str, parameters: &[&str]) -> usize {
        let database = rusqlite::Connection::open(self.database()).unwrap();
        database.busy_timeout(super::http::PATIENCE).unwrap();
        database
            .execute(statement, rusqlite::params_from_iter(parameters))
            .unwrap()
    }
}

/// Who authenticates with an ID and a secret.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client {
    /// With these.
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// The value of its `Authorization` field.
    pub(crate) fn basic(&self) -> String {
        super::http::basic(&self.id, &self.secret)
    }
}
