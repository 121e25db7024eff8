//! `/readyz` tells the truth: about a writer that is stuck, a disk that is full, a file that is gone, and that it is over.

use std::fs::{File, rename};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::support::home::Home;
use crate::support::http::PATIENCE;
use crate::support::server::{Server, wait_for};

/// Red, and the log says why; then green, and the log says that.
#[track_caller]
fn red(server: &Server, why: &str) {
    let answer = server.get_until("/readyz", 503);
    assert_eq!(
        answer.body,
        "not ready: the store cannot be read and written; the log says why\n"
    );
    assert_eq!(server.get("/healthz", &[]).status, 200, "alive all the same");
    wait_for(|| {
        // What nobody asks for is not looked at.
        assert_eq!(server.get("/readyz", &[]).status, 503);
        let log = server.log();
        let told = |line: &str| line.contains("not ready") && line.contains(why);
        log.lines().any(told).then_some(())
    });
}

#[track_caller]
fn green_again(server: &Server) {
    server.get_until("/readyz", 200);
    wait_for(|| server.log().contains("ready again").then_some(()));
}

#[test]
fn a_writer_that_another_process_holds_up() {
    let server = Server::start();
    assert_eq!(server.get("/readyz", &[]).status, 200);
    let other = rusqlite::Connection::open(server.home.database()).unwrap();
    other.busy_timeout(PATIENCE).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    red(&server, "the store did not answer within 2s");
    // However many ask: they get their answer, and nothing piles up behind the writer.
    thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| assert_eq!(server.get("/readyz", &[]).status, 503));
        }
    });
    other.execute_batch("ROLLBACK").unwrap();
    green_again(&server);
}

#[test]
fn a_file_that_is_gone_or_replaced() {
    let server = Server::start();
    let database = server.home.database();
    let log = database.with_extension("db-wal");
    let aside = database.with_extension("aside");
    for file in [&database, &log] {
        assert_eq!(server.get_until("/readyz", 200).body, "ok\n");
        rename(file, &aside).unwrap();
        red(&server, "it is gone");
        std::fs::copy(&aside, file).unwrap();
        red(&server, "another file is in its place");
        rename(&aside, file).unwrap();
        green_again(&server);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_disk_that_is_full() {
    let home = Home::empty();
    let directory = home.database().parent().unwrap().to_owned();
    let Some(_disk) = Disk::mount(&directory) else {
        eprintln!("skipped: a file system of 4 MiB cannot be mounted here, which takes root");
        return;
    };
    let server = Server::over(home);
    assert_eq!(server.get("/readyz", &[]).status, 200);
    for _ in 0..2 {
        let ballast = directory.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        red(&server, "the disk is full");
        std::fs::remove_file(&ballast).unwrap();
        drop(file);
        green_again(&server);
    }
}

/// A small file system in memory, over a directory.
struct Disk(PathBuf);

impl Disk {
    fn mount(directory: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"]);
        let mounted = mount.arg(directory).output().ok()?;
        mounted.status.success().then(|| Self(directory.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The server, and with it the home, went before.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
