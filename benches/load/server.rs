//! The server as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use oauthctl::clock::{Deadline, Stopwatch};

use crate::home::Home;
use crate::http::{self, Connection};

/// How long a server may take to start, also under a tool that slows it down.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that answers. Dropped, it is told to stop and waited for.
pub(crate) struct Server {
    child: Child,
    /// Its own number, also where a tool started it.
    pub(crate) process: u32,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
}

/// How often the writer has committed, and how many jobs with it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Commits {
    pub(crate) count: f64,
    pub(crate) jobs: f64,
}

impl Server {
    /// `oauthctl serve` in this home, started by the words `under`, if there are any.
    pub(crate) fn start(home: &Home, under: &[String]) -> Result<Self> {
        let mut command = home.command(under);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Self::spawn(command, !under.is_empty())
    }

    /// A program that writes `listening on http://ADDRESS` to stderr once it answers.
    pub(crate) fn spawn(mut command: Command, is_wrapped: bool) -> Result<Self> {
        let watch = Stopwatch::start();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start a server")?;
        let mut stderr = BufReader::new(child.stderr.take().context("stderr")?);
        let address = address(&mut stderr)?;
        let first = Connection::to(address).send(&http::get("/healthz", &[]))?.status;
        let started_in = watch.elapsed();
        if first != 200 {
            bail!("the first answer of the server is {first}");
        }
        // A log that nobody reads would be lost, which is less work than one that is kept.
        std::thread::spawn(move || drain(stderr));
        let process = if is_wrapped {
            grandchild(child.id())?
        } else {
            child.id()
        };
        Ok(Self {
            child,
            process,
            address,
            started_in,
        })
    }

    /// A figure of `/metrics`.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let mut connection = Connection::to(self.address);
        let answer = connection.send(&http::get("/metrics", &[]))?.expect(200)?;
        let text = std::str::from_utf8(answer.body)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no metric {name}"))?.parse()?)
    }

    pub(crate) fn commits(&self) -> Result<Commits> {
        Ok(Commits {
            count: self.metric("oauthctl_store_batch_jobs_count")?,
            jobs: self.metric("oauthctl_store_batch_jobs_sum")?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever has ended already cannot be told.
        let _ = Command::new("kill")
            .args(["-s", "TERM", &self.process.to_string()])
            .status();
        let _ = self.child.wait();
    }
}

fn address(stderr: &mut BufReader<ChildStderr>) -> Result<SocketAddr> {
    let deadline = Deadline::after(PATIENCE);
    let mut said = String::new();
    while deadline.remaining().is_some() {
        let mut line = String::new();
        if stderr.read_line(&mut line)? == 0 {
            break;
        }
        if let Some(address) = line.strip_prefix("listening on http://") {
            return address.trim().parse().context("the address of the server");
        }
        said += &line;
    }
    bail!("the server did not start: {said}")
}

fn drain(mut stderr: BufReader<ChildStderr>) {
    let mut bytes = vec![0; 64 * 1024];
    while stderr.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

/// The child of `process`, where that is a tool which starts it; `process` itself where it became the program.
fn grandchild(process: u32) -> Result<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    match children.split_whitespace().next() {
        Some(child) => Ok(child.parse()?),
        None => Ok(process),
    }
}
