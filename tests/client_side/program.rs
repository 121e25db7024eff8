//! A program that asks for authorization: it prints a URL on stderr, and waits.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};

use oauth2::url::Url;

/// A program that waits for its answer; killed when the test ends.
pub(crate) struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it asks to be opened.
    pub(crate) url: String,
}

/// What a program has left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Waiting {
    /// Starts it, and reads up to the URL.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let url = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {said}");
            if line.starts_with("http") {
                break line.trim().to_owned();
            }
            said.push_str(&line);
        };
        Self { child, stderr, url }
    }

    /// The path of the authorization request, for a browser at this server.
    #[track_caller]
    pub(crate) fn path(&self, base: &str) -> &str {
        self.url.strip_prefix(base).unwrap()
    }

    /// Where it waits for the answer.
    #[track_caller]
    pub(crate) fn redirect_uri(&self) -> Url {
        let url = Url::parse(&self.url).unwrap();
        let mut pairs = url.query_pairs();
        let (_, back) = pairs.find(|(name, _)| name == "redirect_uri").unwrap();
        Url::parse(&back).unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Writes a line to its stdin.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let out = self.child.stdout.as_mut().unwrap();
        out.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, with this on stdin.
pub(crate) fn output(command: &mut Command, stdin: &str) -> Ended {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read it may have ended.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}
