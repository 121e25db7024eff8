//! `run` where whoever started it had a signal ignored.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use tempfile::TempDir;

#[test]
fn a_hangup_that_was_ignored_at_the_start_ends_neither_it_nor_the_command() {
    let directory = TempDir::new().unwrap();
    // As `nohup` does.
    let script = "trap '' HUP; exec \"$0\" run -- sh -c 'echo ready; read x; echo \"$x\"'";
    let mut child = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_oauthctl")])
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", "HUP", &id]).status().unwrap();
    assert!(sent.success());
    // It may be gone already where it did not ignore it.
    let _ = child.stdin.take().unwrap().write_all(b"still here\n");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "still here\n");
    assert!(child.wait().unwrap().success());
}
