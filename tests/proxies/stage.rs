//! A server of ours, a service, and a token for part of it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::raw::{Answer, send};
use crate::service::{Seen, Service};
use crate::support::flow::{signed_in, tokens};
use crate::support::home::Home;
use crate::support::server::Server;

/// What the token may.
pub(crate) const ROUTES: [&str; 2] = ["GET /orders/{id}", "/files/**"];

/// Everything that a proxy stands between.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) service: Service,
    settings: Vec<(&'static str, &'static str)>,
    /// For `orders:read` and `files`.
    pub(crate) token: String,
}

impl Stage {
    pub(crate) fn set() -> Self {
        Self::with(&[])
    }

    /// With these variables of the environment as settings.
    pub(crate) fn with(settings: &[(&'static str, &'static str)]) -> Self {
        let home = Home::furnished();
        home.scope("files", &["--description", "Your files", "--route", ROUTES[1]]);
        let server = Server::with(home, |command| command.envs(settings.iter().copied()));
        let client = server
            .home
            .client("orders-web", &["--scope", "orders:read", "files"]);
        let token = tokens(&server, &mut signed_in(&server), &client).access;
        Self {
            server,
            service: Service::start(),
            settings: settings.to_vec(),
            token,
        }
    }

    /// The configuration that our program prints for this stage.
    #[track_caller]
    pub(crate) fn example(&self, proxy: &str, listen: SocketAddr, more: &[&str]) -> String {
        let mut command = self.server.home.command();
        command.args(["example", proxy, "--listen", &listen.to_string()]);
        self.printed(command.args(more))
    }

    /// What an `example` prints where the server listens as it does here.
    #[track_caller]
    pub(crate) fn printed(&self, command: &mut Command) -> String {
        let output = command
            .args(["--service", &format!("http://{}", self.service.address)])
            .env("OAUTHCTL_SERVER_LISTEN", self.server.address())
            .envs(self.settings.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a line of a shell in which `oauthctl` is our program.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) {
        let program = Path::new(env!("CARGO_BIN_EXE_oauthctl"));
        let mut search = program.parent().unwrap().as_os_str().to_owned();
        search.push(":/usr/bin:/bin");
        let home = self.server.home.database();
        let output = Command::new("sh")
            .args(["-euc", line])
            .env_clear()
            .env("PATH", search)
            .current_dir(home.parent().unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        assert!(output.stdout.is_empty(), "{line}: {output:?}");
    }

    /// Sends a request with the token through a proxy; the answer, and what reached the service.
    #[track_caller]
    pub(crate) fn ask(&self, proxy: SocketAddr, request: &str, more: &[&str]) -> (Answer, Vec<Seen>) {
        let authorization = format!("Authorization: Bearer {}", self.token);
        self.send(proxy, request, &[&[authorization.as_str()], more].concat(), "")
    }

    /// Sends a request; `request` is method and target.
    #[track_caller]
    pub(crate) fn send(
        &self,
        proxy: SocketAddr,
        request: &str,
        fields: &[&str],
        body: &str,
    ) -> (Answer, Vec<Seen>) {
        let (line, host) = (format!("{request} HTTP/1.1"), format!("Host: {proxy}"));
        self.service.take();
        let answer = send(proxy, &[&[line.as_str(), host.as_str()], fields].concat(), body);
        (answer, self.service.take())
    }

    /// What `access check` says of the token.
    pub(crate) fn access_check(&self, method: &str, path: &str) -> bool {
        use std::io::Write;
        let mut child = self
            .server
            .home
            .command()
            .args([
                "access",
                "check",
                "--token-stdin",
                "--method",
                method,
                "--path",
                path,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", self.token).unwrap();
        drop(stdin);
        match child.wait().unwrap().code() {
            Some(0) => true,
            Some(6) => false,
            other => panic!("access check ended with {other:?}"),
        }
    }
}
