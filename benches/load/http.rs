//! A small blocking HTTP/1.1 client that keeps its connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;

/// How long an answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// A connection to one server. Where that closes it, the next request opens another.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// An answer, as it lies in the connection's buffer until the next request.
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    head: &'c [u8],
    pub(crate) body: &'c [u8],
}

impl Connection {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            received: Vec::with_capacity(CHUNK),
        }
    }

    /// Sends a whole request and reads its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address)?,
        };
        stream.write_all(request).context("write a request")?;
        self.received.clear();
        let head = loop {
            if let Some(end) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break 0..end + 2;
            }
            read(&mut stream, &mut self.received)?;
        };
        let fields = &self.received[head.clone()];
        let status = std::str::from_utf8(fields.get(9..12).unwrap_or_default())?
            .parse()
            .context("the status of an answer")?;
        let length: usize = match field(fields, "Content-Length") {
            Some(length) => length.parse().context("the length of an answer")?,
            None => bail!("an answer without a length"),
        };
        let closes = field(fields, "Connection") == Some("close");
        let body: Range<usize> = head.end + 2..head.end + 2 + length;
        while self.received.len() < body.end {
            read(&mut stream, &mut self.received)?;
        }
        if !closes {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status,
            head: &self.received[head],
            body: &self.received[body],
        })
    }
}

impl Answer<'_> {
    /// The value of the first field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(self.head, name)
    }

    /// All fields, as they were sent.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = std::str::from_utf8(self.head).unwrap_or_default().lines();
        lines.skip(1).filter_map(|line| line.split_once(": "))
    }

    /// A text member of a JSON document that has no escapes, as ours have none where this is asked.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        let body = std::str::from_utf8(self.body).ok()?;
        let (_, rest) = body.split_once(&format!("\"{name}\":\""))?;
        Some(rest.split_once('"')?.0)
    }

    /// Refuses every status but this one.
    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        if self.status != status {
            let body = String::from_utf8_lossy(self.body);
            bail!("{} instead of {status}: {body}", self.status);
        }
        Ok(self)
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn read(stream: &mut TcpStream, into: &mut Vec<u8>) -> Result<()> {
    let filled = into.len();
    into.resize(filled + CHUNK, 0);
    let count = stream.read(&mut into[filled..]).context("read an answer")?;
    into.truncate(filled + count);
    if count == 0 {
        bail!("the server closed the connection within an answer");
    }
    Ok(())
}

/// Our own listener writes each name the one way.
fn field<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A request without a body.
pub(crate) fn get(target: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    head("GET", target, fields, None).into_bytes()
}

/// A form.
pub(crate) fn post(target: &str, fields: &[(&str, &str)], form: &[(&str, &str)]) -> Vec<u8> {
    let body = encode(form);
    (head("POST", target, fields, Some(body.len())) + &body).into_bytes()
}

fn head(method: &str, target: &str, fields: &[(&str, &str)], length: Option<usize>) -> String {
    use std::fmt::Write;

    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in fields {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    if let Some(length) = length {
        let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length";
        let _ = write!(text, "{form}: {length}\r\n");
    }
    text + "\r\n"
}

/// Names and values as a query or a form has them.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The value of `Authorization` of whoever has this ID and this secret. Ours need no encoding.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()))
}
