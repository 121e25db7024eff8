//! A scratch directory with a database, beside what the compiler makes: on a disk, where `fsync` costs what it costs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

/// The password of every resource owner.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Where every client is sent back to.
pub(crate) const REDIRECT_URI: &str = "https://app.example/cb";

/// The scope of every token.
pub(crate) const SCOPE: &str = "orders:read";

/// Who authenticates with an ID and a secret.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// The directory. It goes when this does.
pub(crate) struct Home {
    directory: TempDir,
    /// A resource server, which may introspect every token.
    pub(crate) resource_server: Credentials,
    /// The client `template`, whose settings and secret all that are filled in later share.
    pub(crate) template: Credentials,
}

impl Home {
    /// A database with one of each: a scope, a client, a resource owner, a resource server.
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("load-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let nobody = Credentials {
            id: String::new(),
            secret: String::new(),
        };
        let mut home = Self {
            directory,
            resource_server: nobody.clone(),
            template: nobody,
        };
        let opens = ["--folder", "orders", "--route", "GET /orders/{id}"];
        home.run(
            &[
                &["scope", "define", SCOPE, "--description", "Read your orders"],
                &opens[..],
            ]
            .concat(),
            "",
        )?;
        home.run(&["owner", "add", "template", "--password-stdin"], PASSWORD)?;
        let client = "client register --name Template --client-id template --scope";
        let client: Vec<&str> = client
            .split(' ')
            .chain([SCOPE, "--redirect-uri", REDIRECT_URI])
            .collect();
        home.template = credentials(&home.run(&client, "")?, "client")?;
        let server = home.run(&["resource-server", "register", "measured"], "")?;
        home.resource_server = credentials(&server, "resource_server")?;
        Ok(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("oauthctl.db")
    }

    /// The program, with this directory as everything that it reads settings from. `under` goes before it: `strace -f`.
    pub(crate) fn command(&self, under: &[String]) -> Command {
        let program = env!("CARGO_BIN_EXE_oauthctl").to_owned();
        let mut words = under.iter().cloned().chain([program]);
        // There is one at least.
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .current_dir(self.path())
            .env_remove("OAUTHCTL_CONFIG")
            .env_remove("OAUTHCTL_DATABASE")
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path());
        command
    }

    /// What a command prints as JSON; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Result<Value> {
        let mut child = self
            .command(&[])
            .args(arguments)
            .args(["--output", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start the program")?;
        // Where the command fails before it reads, its status says more than the pipe.
        let _ = child.stdin.take().context("stdin")?.write_all(stdin.as_bytes());
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Settings for the servers that are started from now on.
    pub(crate) fn settings(&self, toml: &str) -> Result<()> {
        Ok(std::fs::write(self.path().join("oauthctl.toml"), toml)?)
    }
}

fn credentials(printed: &Value, noun: &str) -> Result<Credentials> {
    let text = |what: &str| {
        let name = format!("{noun}_{what}");
        printed[&name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{name} in {printed}"))
    };
    Ok(Credentials {
        id: text("id")?,
        secret: text("secret")?,
    })
}
