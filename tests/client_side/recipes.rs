//! The programs of `example client`, each with the library that it is for.
//!
//! ```sh
//! python3 -m venv target/recipes/python && target/recipes/python/bin/pip install authlib requests
//! npm install --prefix target/recipes/node openid-client oauth4webapi
//! cargo vendor --locked --manifest-path tests/client_side/oauth2/Cargo.toml target/recipes/rust/crates
//! cp tests/client_side/oauth2/Cargo.lock target/recipes/rust/
//! ```

use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::program::{Waiting, output};
use crate::support::flow::{approve, signed_in};
use crate::support::form::Form;
use crate::support::home::{Client, Home};
use crate::support::http::send;
use crate::support::server::{Server, wait_for};

/// What libraries are for, and where they come from: each kind may be missing alone.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Python,
    Node,
    Rust,
    Curl,
}

impl Kind {
    /// As `OAUTHCTL_REQUIRE_RECIPES` and directories name it.
    fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Rust => "rust",
            Self::Curl => "curl",
        }
    }

    /// Where libraries are installed that are not ours.
    pub(crate) fn installed(self, path: &str) -> Option<PathBuf> {
        let within = Path::new("target/recipes").join(self.name()).join(path);
        let found = Path::new(env!("CARGO_MANIFEST_DIR")).join(&within);
        if found.exists() {
            return Some(found);
        }
        self.missing(&format!("{}; .ci/run installs it", within.display()));
        None
    }

    /// Where a program is that the system has.
    pub(crate) fn program(self, name: &str) -> Option<PathBuf> {
        let search = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&search)
            .map(|directory| directory.join(name))
            .find(|path| path.is_file());
        if found.is_none() {
            self.missing(&format!("`{name}`"));
        }
        found
    }

    #[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
    fn missing(self, what: &str) {
        let required = env::var("OAUTHCTL_REQUIRE_RECIPES").unwrap_or_default();
        assert!(
            !required.split_whitespace().any(|kind| kind == self.name()),
            "OAUTHCTL_REQUIRE_RECIPES has `{}`, and there is no {what}",
            self.name()
        );
        eprintln!("SKIPPED: there is no {what}");
    }
}

/// What is said of a denial.
const DENIED: &str = "refused: access_denied: the resource owner denied the request\n";

/// A server with a client whose ID means something in every language.
struct Stage {
    server: Server,
    client: Client,
    directory: TempDir,
}

impl Stage {
    fn new() -> Self {
        let home = Home::furnished();
        let client = home.client(r#"a"b\c'd$e"#, &["--redirect-uri", "http://127.0.0.1/call/back"]);
        Self {
            server: Server::over(home),
            client,
            directory: TempDir::new().unwrap(),
        }
    }

    /// Writes the program into a file, of the name that is proposed or another one.
    fn write(&self, library: &str, name: Option<&str>) -> PathBuf {
        let mut command = self.server.home.command();
        command
            .args(["example", "client", "--for", library, "-o", "json"])
            .env("OAUTHCTL_SERVER_ISSUER", &self.server.base);
        let ended = output(&mut command, "");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let content = document["content"].as_str().unwrap();
        assert!(!content.contains(&self.client.secret));
        let path = self
            .directory
            .path()
            .join(name.unwrap_or(document["file"].as_str().unwrap()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The command with the secret, in an environment that sends nothing through a proxy.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .env("OAUTH_CLIENT_SECRET", &self.client.secret);
        for name in [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Plays the resource owner, who approves or denies.
    #[track_caller]
    fn answer(&self, waiting: &Waiting, is_approved: bool) -> String {
        let (mut browser, path) = (signed_in(&self.server), waiting.path(&self.server.base));
        if is_approved {
            return approve(&mut browser, path).location().to_owned();
        }
        let page = browser.open(path);
        let form = Form::with(&page.body, "decision").press("decision", "deny");
        browser.submit(&form).location().to_owned()
    }

    /// Plays the resource owner, and looks whether the program has an access token in the end; and whether it says what
    /// is missing, denied, or another server's.
    #[track_caller]
    fn play(&self, command: impl Fn() -> Command) {
        let without = output(command().env_remove("OAUTH_CLIENT_SECRET"), "");
        assert_eq!(
            (without.code, without.stderr.as_str()),
            (Some(1), "OAUTH_CLIENT_SECRET is not set\n")
        );

        let waiting = Waiting::start(&mut command());
        let back = waiting.redirect_uri();
        // What a browser opens ahead, and sends nothing on.
        let _silent = TcpStream::connect(back.socket_addrs(|| None).unwrap()[0]).unwrap();
        let mut foreign = back.clone();
        for query in ["", "code=evil", "code=evil&state=other", "error=x&state=other"] {
            foreign.set_query(Some(query));
            assert_eq!(send("GET", foreign.as_str(), &[], None).status, 404, "{query}");
        }
        let shown = send("GET", &self.answer(&waiting, true), &[], None);
        assert_eq!(
            (shown.status, shown.body.as_str()),
            (200, "Done. This window can be closed.\n")
        );
        let ended = waiting.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(self.server.opens(ended.stdout.trim()), "{ended:?}");
        assert!(ended.stderr.contains("refreshed"), "{ended:?}");

        let waiting = Waiting::start(&mut command());
        let shown = send("GET", &self.answer(&waiting, false), &[], None);
        assert_eq!(
            (shown.status, shown.body.as_str()),
            (200, "Not approved. This window can be closed.\n")
        );
        let ended = waiting.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.stderr, DENIED);

        // Somebody else's denial is not this server's.
        let waiting = Waiting::start(&mut command());
        let issuer: String = form_urlencoded::byte_serialize(self.server.base.as_bytes()).collect();
        let forged = self
            .answer(&waiting, false)
            .replace(&issuer, "https%3A%2F%2Fevil.example");
        assert_eq!(send("GET", &forged, &[], None).status, 200);
        let ended = waiting.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(!ended.stderr.contains("refused"), "{ended:?}");

        let waiting = Waiting::start(command().env("OAUTH_CLIENT_SECRET", "wrong"));
        assert_eq!(send("GET", &self.answer(&waiting, true), &[], None).status, 200);
        let ended = waiting.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(
            ended
                .stderr
                .ends_with("invalid_client: client authentication failed\n"),
            "{ended:?}"
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");

        // The server goes away before the exchange.
        let waiting = Waiting::start(&mut command());
        let location = self.answer(&waiting, true);
        self.server.signal("TERM");
        wait_for(|| TcpStream::connect(self.server.address()).err());
        assert_eq!(send("GET", &location, &[], None).status, 200);
        let ended = waiting.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }

    /// As [`play`](Self::play), with a program that asks for the metadata first.
    #[track_caller]
    fn play_with_metadata(&self, command: impl Fn() -> Command) {
        self.play(&command);
        let ended = output(&mut command(), "");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.starts_with("failed: "), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn authlib() {
    let Some(python) = Kind::Python.installed("bin/python") else {
        return;
    };
    let stage = Stage::new();
    let file = stage.write("authlib", None);
    stage.play_with_metadata(|| {
        let mut command = stage.command(&python);
        command.arg(&file);
        command
    });
}

/// A program beside which its libraries are found.
fn node(library: &str) {
    let Some(node) = Kind::Node.program("node") else {
        return;
    };
    let Some(found) = Kind::Node.installed(&format!("node_modules/{library}")) else {
        return;
    };
    let modules = found.parent().unwrap();
    let stage = Stage::new();
    let file = stage.write(library, None);
    std::os::unix::fs::symlink(modules, stage.directory.path().join("node_modules")).unwrap();
    stage.play_with_metadata(|| {
        let mut command = stage.command(&node);
        command.arg(&file);
        command
    });
}

#[test]
fn openid_client() {
    node("openid-client");
}

#[test]
fn oauth4webapi() {
    node("oauth4webapi");
}

#[test]
fn curl() {
    let (Some(_), Some(_)) = (Kind::Curl.program("curl"), Kind::Curl.program("openssl")) else {
        return;
    };
    let stage = Stage::new();
    let file = stage.write("curl", None);
    let command = || {
        let mut command = stage.command(Path::new("sh"));
        command.arg(&file);
        command
    };
    let without = output(command().env_remove("OAUTH_CLIENT_SECRET"), "");
    assert_ne!(without.code, Some(0));
    assert!(
        without.stderr.contains("OAUTH_CLIENT_SECRET: is not set"),
        "{without:?}"
    );
    let end = |is_approved: bool, change: &dyn Fn(String) -> String| {
        let mut waiting = Waiting::start(&mut command());
        let location = stage.answer(&waiting, is_approved);
        waiting.type_line(&change(location));
        waiting.end()
    };
    let ended = end(true, &|location| location);
    let response: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(stage.server.opens(response["access_token"].as_str().unwrap()));
    let long = "error_description=50%25%20of%3A%20%1B%5B31ma%5Cb+%C3%A9%2B";
    for (is_approved, before, after, said) in [
        (
            true,
            "state=",
            "state=x",
            "the answer belongs to another request\n",
        ),
        (true, "iss=http", "iss=ftp", "the answer is another server's\n"),
        (false, "iss=http", "iss=ftp", "the answer is another server's\n"),
        (false, "", "", DENIED),
        (
            false,
            "error_description=the+resource+owner+denied+the+request",
            long,
            "refused: access_denied: 50% of: [31ma\\b é+\n",
        ),
        (
            false,
            "error=access_denied&",
            "",
            "the answer has neither a code nor an error\n",
        ),
    ] {
        let ended = end(is_approved, &|location| {
            assert!(location.contains(before), "{location}");
            location.replace(before, after)
        });
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.ends_with(said), "{ended:?}");
    }
}

/// Compiled with the versions of a lock file of its own, from crates that lie beside the other libraries: neither a registry
/// nor its cache is asked.
#[test]
fn the_crate_oauth2() {
    let lock = include_str!("oauth2/Cargo.lock");
    let Some(crates) = Kind::Rust.installed("crates/oauth2") else {
        return;
    };
    let of = crates.ancestors().nth(2).unwrap().join("Cargo.lock");
    if fs::read_to_string(of).ok().as_deref() != Some(lock) {
        return Kind::Rust.missing("target/recipes/rust for the lock file in force; .ci/run installs it");
    }
    let stage = Stage::new();
    stage.write("oauth2", Some("src/main.rs"));
    let file = |name: &str| stage.directory.path().join(name);
    fs::write(file("Cargo.toml"), include_str!("oauth2/Cargo.toml")).unwrap();
    fs::write(file("Cargo.lock"), lock).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipe");
    let built = output(
        stage
            .command(Path::new(env!("CARGO")))
            .args(["build", "--quiet", "--offline", "--locked"])
            .args(["--config", "source.crates-io.replace-with='recipes'"])
            .arg("--config")
            .arg(format!("source.recipes.directory={:?}", crates.parent().unwrap()))
            .env("CARGO_TARGET_DIR", &target),
        "",
    );
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    stage.play(|| stage.command(&target.join("debug/recipe")));
}

#[test]
fn the_port_is_the_one_that_was_asked_for_or_a_free_one() {
    let home = Home::furnished();
    home.client("near", &["--redirect-uri", "http://127.0.0.1:18080/cb"]);
    for (library, free, fixed) in [
        ("authlib", r#"("127.0.0.1", 0)"#, r#"("127.0.0.1", 9999)"#),
        ("oauth2", r#"("127.0.0.1", 0)"#, r#"("127.0.0.1", 9999)"#),
        (
            "openid-client",
            r#"listen(0, "127.0.0.1","#,
            r#"listen(9999, "127.0.0.1","#,
        ),
        (
            "oauth4webapi",
            r#"listen(0, "127.0.0.1","#,
            r#"listen(9999, "127.0.0.1","#,
        ),
    ] {
        let written = |args: &[&str]| {
            let mut command = home.command();
            command.args(["example", "client", "--for", library]).args(args);
            output(&mut command, "").stdout
        };
        assert!(written(&[]).contains(free), "{library}");
        let asked = written(&["--redirect-uri", "http://127.0.0.1:9999/x"]);
        assert!(asked.contains(fixed), "{asked}");
        // Python has to be told what the others find out.
        let sixth = written(&["--redirect-uri", "http://[::1]:9999/x"]);
        assert!(sixth.contains(&fixed.replace("127.0.0.1", "::1")), "{sixth}");
        assert!(!asked.contains("AF_INET6"), "{asked}");
        assert_eq!(sixth.contains("AF_INET6"), library == "authlib", "{sixth}");
    }
}

#[test]
fn a_client_that_cannot_be_waited_for_here_is_said() {
    let home = Home::furnished();
    home.client("far", &[]);
    let example = |args: &[&str]| output(home.command().args(["example", "client"]).args(args), "");
    let refused = example(&["--for", "authlib"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("oauthctl client update far --add-redirect-uri"),
        "{refused:?}"
    );
    assert_eq!(example(&["--for", "curl"]).code, Some(0));
    home.client("near", &["--redirect-uri", "http://127.0.0.1/cb"]);
    let refused = example(&["--for", "curl"]);
    assert!(
        refused.stderr.contains("2 clients are registered; say which"),
        "{refused:?}"
    );
    assert_eq!(example(&["near", "--for", "oauth2"]).code, Some(0));
    assert_eq!(example(&["nobody", "--for", "curl"]).code, Some(3));
}
