//! One development server on a database.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::{Server, oauthctl};

/// A server on a database of this name.
const SERVE: [&str; 6] = [
    "serve",
    "--dev",
    "--database",
    "kept.db",
    "--listen",
    "127.0.0.1:0",
];

/// Whoever was started, ended.
struct Started(Vec<Child>);

impl Drop for Started {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended cannot be ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts these at once, and gives the first line that each says; it runs as long as what is given.
fn first_lines<const N: usize>(commands: [Command; N]) -> (Started, Vec<String>) {
    let start = |mut command: Command| {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut started = Started(commands.map(start).into());
    let first_line = |child: &mut Child| {
        let mut line = String::new();
        let stderr = child.stderr.as_mut().unwrap();
        BufReader::new(stderr).read_line(&mut line).unwrap();
        line
    };
    let lines = started.0.iter_mut().map(first_line).collect();
    (started, lines)
}

fn count(server: &Server, action: &str) -> usize {
    let trail = server.told(&["audit", "list", "--action", action]);
    trail.as_array().unwrap().len()
}

#[test]
fn of_those_started_at_once_one_runs_and_the_others_change_nothing() {
    let mut first = Server::start(&["--dev", "--database", "kept.db"]);
    let before = count(&first, "secret.rotate");
    first.stop();
    let commands = [(); 4].map(|()| oauthctl(first.directory.path(), &SERVE));
    let (_running, first_lines) = first_lines(commands);
    let (running, refused): (Vec<&String>, Vec<&String>) = first_lines
        .iter()
        .partition(|line| line.starts_with("listening on "));
    assert_eq!(running.len(), 1, "{first_lines:?}");
    for line in refused {
        assert!(
            line.contains("another development server runs on kept.db"),
            "{line}"
        );
    }
    // Answered once the secrets of the one that runs are written.
    first.told(&["dev", "clock"]);
    // A client and a resource server.
    assert_eq!(count(&first, "secret.rotate"), before + 2);
}

#[test]
fn a_link_to_a_database_is_that_database() {
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real/x.db", directory.path().join("l.db")).unwrap();
    let mut server = Server::start_in(directory, &["--dev", "--database", "real/x.db"]);
    let listen = ["--listen", "127.0.0.1:0"];
    let second = ["serve", "--dev", "--database", "l.db", listen[0], listen[1]];
    let (_, lines) = first_lines([oauthctl(server.directory.path(), &second)]);
    assert!(
        lines[0].contains("another development server runs on l.db"),
        "{lines:?}"
    );
    let advance = ["dev", "clock", "advance", "2h", "--database", "l.db"];
    assert!(server.told(&advance)["offset"].as_i64().unwrap() >= 7200);
    server.stop();
    let mut left: Vec<_> = std::fs::read_dir(server.directory.path().join("real"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("-dev"))
        .collect();
    left.sort_unstable();
    assert_eq!(left, [""; 0]);
}

#[test]
fn where_no_scratch_directory_can_be_made_the_variable_is_named() {
    let directory = TempDir::new().unwrap();
    let output = oauthctl(directory.path(), &["serve", "--dev"])
        .env("TMPDIR", directory.path().join("missing"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(told.contains("missing (TMPDIR "), "{told}");
}

#[test]
fn where_the_database_cannot_be_is_told_as_ever() {
    let directory = TempDir::new().unwrap();
    for command in [
        &["serve", "--dev", "--listen", "127.0.0.1:0"][..],
        &["client", "list"],
    ] {
        let mut words = command.to_vec();
        words.extend(["--database", "nowhere/x.db"]);
        let (_, lines) = first_lines([oauthctl(directory.path(), &words)]);
        assert!(
            lines[0].contains("nowhere/x.db: the directory nowhere does not exist; create it"),
            "{command:?}: {lines:?}"
        );
    }
}

#[test]
fn a_signal_while_it_starts_leaves_nothing_of_it_behind() {
    let directory = TempDir::new().unwrap();
    let mut started = Started(vec![
        oauthctl(directory.path(), &SERVE)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    ]);
    let child = &mut started.0[0];
    // Before it has put anything in, which takes longer than this does.
    while !directory.path().join("kept.db-dev").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let left: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["kept.db"]);
}
