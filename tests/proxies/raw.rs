//! Requests as bytes: what a client may send that no library would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::http::PATIENCE;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a field that may be there once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .fields
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name));
        let value = values.next();
        assert!(values.next().is_none(), "a second {name}: {self:?}");
        value.map(|(_, value)| value.as_str())
    }
}

/// Sends a request line and header fields, each a line, and `Connection: close` unless they say something of it.
#[track_caller]
pub(crate) fn send(to: SocketAddr, lines: &[&str], body: &str) -> Answer {
    let mut head = lines.join("\r\n");
    if !head.to_ascii_lowercase().contains("\r\nconnection:") {
        head.push_str("\r\nConnection: close");
    }
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .unwrap();
    let mut bytes = Vec::new();
    // A peer that refuses before it has read all may reset the connection after its answer.
    let read = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer to {lines:?}: {text:?} {read:?}"));
    let mut head = head.split("\r\n");
    let status = head.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields = head.map(|line| line.split_once(':').unwrap());
    Answer {
        status,
        fields: fields
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}
