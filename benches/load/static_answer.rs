//! The ceiling of reads: the program's own listener with an answer that is ready.
//!
//! It runs as a process of its own, as the server does: this program, started again with the answer on its command line.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use oauthctl::http::header_value::HeaderValue;
use oauthctl::http::listener::{Limits, Listener};
use oauthctl::http::request::Request;
use oauthctl::http::response::Response;

use crate::http::Answer;
use crate::server::Server;

/// The word that makes this program such a server.
pub(crate) const WORD: &str = "static-answer";

/// The fields that the listener adds by itself.
const OF_THE_LISTENER: [&str; 5] = ["Server", "Date", "Content-Length", "Connection", "X-Request-Id"];

/// Starts one that gives this answer to whatever is asked.
pub(crate) fn start(answer: &Answer<'_>) -> Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([WORD, std::str::from_utf8(answer.body)?]);
    let fields = answer
        .fields()
        .filter(|(name, _)| !OF_THE_LISTENER.contains(name));
    for (name, value) in fields {
        command.args([name, value]);
    }
    Server::spawn(command, false)
}

/// Is one: the words after [`WORD`] are the body, and a name and a value for each field.
pub(crate) fn serve(words: &[String]) -> Result<()> {
    let (body, fields) = words.split_first().context("an answer")?;
    let mut response = Response::new(200).body(body.as_bytes());
    for field in fields.chunks_exact(2) {
        // A response takes names of the program only, which live as long as it does; so do these few.
        let name: &'static str = field[0].clone().leak();
        response = response.header(name, HeaderValue::new(&field[1])?);
    }
    let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Limits::default())?;
    writeln!(
        std::io::stderr(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    listener.run(Arc::new(move |_: Request| response.clone()));
    Ok(())
}
