//! A run of the program, and what is expected of it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A directory to work in, with nothing in it.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With the scope `orders:read`.
    pub(crate) fn with_scope() -> Self {
        let home = Self::new();
        let args = "scope define orders:read --folder orders --route /orders/{id} -q -o id --description";
        let args = args.split(' ').chain(["Read your orders"]);
        Cli::new(&home).args(args).stdout("orders:read\n").run();
        home
    }

    /// With the client `orders-web`, which may have `orders:read`, and its secret in `orders-web.secret`.
    pub(crate) fn with_client() -> Self {
        let home = Self::with_scope();
        Cli::new(&home)
            .args(REGISTER.split(' '))
            .args([
                "--client-id",
                "orders-web",
                "--secret-file",
                "orders-web.secret",
                "-o",
                "id",
            ])
            .stdout("orders-web\n")
            .run();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.join(name), content).unwrap();
    }

    /// The names of all files, in alphabetical order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What `args` print as one JSON value.
    pub(crate) fn json(&self, args: &str) -> Value {
        let output = Cli::new(self).args(args.split(' ')).args(["-o", "json"]).output();
        assert!(output.status.success(), "{args}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The program in this directory, in an environment that says nothing about it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        command.current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OAUTHCTL_") {
                command.env_remove(name);
            }
        }
        for name in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "XDG_CONFIG_HOME",
            "COLUMNS",
            "LINES",
        ] {
            command.env_remove(name);
        }
        command.env("HOME", self.join("home"));
        command
    }
}

/// A registration in which nothing is missing.
pub(crate) const REGISTER: &str =
    "client register --name Orders --redirect-uri https://orders.example/cb --scope orders:read";

/// A run of the program, and what is expected: nothing on either stream and exit code 0, where nothing else is said.
#[must_use]
pub(crate) struct Cli {
    command: Command,
    args: Vec<String>,
    stdin: Vec<u8>,
    stdout: String,
    stderr: String,
    code: i32,
}

impl Cli {
    pub(crate) fn new(home: &Home) -> Self {
        Self {
            command: home.command(),
            args: Vec::new(),
            stdin: Vec::new(),
            stdout: String::new(),
            stderr: String::new(),
            code: 0,
        }
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<str>>>(mut self, args: I) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    pub(crate) fn stdout(mut self, expected: &str) -> Self {
        expected.clone_into(&mut self.stdout);
        self
    }

    pub(crate) fn stderr(mut self, expected: &str) -> Self {
        expected.clone_into(&mut self.stderr);
        self
    }

    pub(crate) fn code(mut self, expected: i32) -> Self {
        self.code = expected;
        self
    }

    /// Runs the program, and compares.
    #[track_caller]
    pub(crate) fn run(mut self) {
        let output = self.output();
        let text = |bytes| with_placeholders(&String::from_utf8(bytes).unwrap());
        let actual = (text(output.stdout), text(output.stderr), output.status.code());
        let expected = (self.stdout, self.stderr, Some(self.code));
        assert!(
            actual == expected,
            "oauthctl {}\n--- stdout\n{}--- stderr\n{}--- code {:?}\n=== expected: stdout\n{}--- stderr\n{}--- code {:?}",
            self.args.join(" "),
            actual.0,
            actual.1,
            actual.2,
            expected.0,
            expected.1,
            expected.2
        );
    }

    /// Runs the program.
    pub(crate) fn output(&mut self) -> std::process::Output {
        let mut child = self
            .command
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read it may have ended.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        child.wait_with_output().unwrap()
    }
}

/// `text` with what differs from run to run replaced: `<secret>`, `<instant>` and, after the hyphen of an
/// identifier that was made from a name, `<suffix>`, which has as many characters as what it stands for.
pub(crate) fn with_placeholders(text: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = PATTERNS.iter().find_map(|(placeholder, may_follow, pattern)| {
            let length = matched(rest, pattern)?;
            let follows = rest[length..].chars().next().unwrap_or(' ');
            let stands_alone = !follows.is_ascii_alphanumeric() && !matches!(follows, '-' | '_');
            (may_follow(&replaced) && stands_alone).then_some((placeholder, length))
        });
        if let Some((placeholder, length)) = found {
            replaced.push_str(placeholder);
            rest = &rest[length..];
        } else {
            replaced.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    replaced
}

/// A placeholder, what may stand before it, and what it stands for: `0` a digit, `?` a character of Crockford's
/// base32, `*` one of base64url, anything else itself.
type Pattern = (&'static str, fn(&str) -> bool, &'static str);

const PATTERNS: [Pattern; 3] = [
    ("<instant>", starts_a_word, "0000-00-00T00:00:00Z"),
    (
        "<secret>",
        starts_a_word,
        "ocs_*******************************************",
    ),
    (
        "<suffix>",
        |before| before.strip_suffix('-').is_some_and(|name| !starts_a_word(name)),
        "????????",
    ),
];

fn starts_a_word(before: &str) -> bool {
    !before.ends_with(|last: char| last.is_ascii_alphanumeric())
}

/// How many bytes at the beginning of `text` are as `pattern` says.
fn matched(text: &str, pattern: &str) -> Option<usize> {
    let mut bytes = text.bytes();
    let fits = pattern.bytes().all(|expected| {
        bytes.next().is_some_and(|byte| match expected {
            b'0' => byte.is_ascii_digit(),
            b'?' => b"0123456789abcdefghjkmnpqrstvwxyz".contains(&byte),
            b'*' => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            other => byte == other,
        })
    });
    fits.then_some(pattern.len())
}

#[test]
fn placeholders_stand_for_whole_values_only() {
    let secret = format!("ocs_{}", "aB3-_".repeat(9).get(..43).unwrap());
    for (text, expected) in [
        (format!("client_secret {secret}\n"), "client_secret <secret>\n"),
        (format!("x{secret}"), &*format!("x{secret}")),
        (format!("{secret}x"), &format!("{secret}x")),
        ("at 2026-11-23T01:40:19Z.".to_owned(), "at <instant>."),
        ("2026-11-23T01:40:19.5Z".to_owned(), "2026-11-23T01:40:19.5Z"),
        ("orders-web-7k3m9q2x yes".to_owned(), "orders-web-<suffix> yes"),
        ("orders-web-7k3m9q2xx".to_owned(), "orders-web-7k3m9q2xx"),
        ("--database".to_owned(), "--database"),
        ("7k3m9q2x orders-register".to_owned(), "7k3m9q2x orders-register"),
    ] {
        assert_eq!(with_placeholders(&text), expected);
    }
}
