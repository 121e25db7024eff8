//! The service behind the proxy: it answers everything, and records what reached it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it reached the service.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The request target, byte for byte.
    pub(crate) target: String,
    fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    /// The values of a field, by a name in which `_` and all other punctuation stands for `-`, as services do that know
    /// fields as variables.
    pub(crate) fn variable(&self, name: &str) -> Vec<&str> {
        let hyphen = |character: char| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        };
        let plain = |name: &str| name.to_ascii_lowercase().chars().map(hyphen).collect::<String>();
        let fields = self.fields.iter();
        fields
            .filter(|(found, _)| plain(found) == plain(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// A service on a port of its own. Its thread ends with the process.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let record = Arc::clone(&record);
                // A proxy may open a connection and think better of it.
                thread::spawn(move || stream.ok().and_then(|stream| answer(stream, &record)));
            }
        });
        Self { address, seen }
    }

    /// What has reached it since the last time this was asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Answers one request, and closes.
fn answer(stream: TcpStream, record: &Mutex<Vec<Seen>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut words = lines.first()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let fields: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen {
        method,
        target,
        fields,
        body: String::new(),
    };
    let length = seen.variable("Content-Length").first().map(|text| text.parse());
    if seen.variable("Transfer-Encoding") == ["chunked"] {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let length = u64::from_str_radix(line.trim_end(), 16).ok()?;
            stream.by_ref().take(length).read_to_string(&mut seen.body).ok()?;
            stream.read_line(&mut line).ok()?;
            if length == 0 {
                break;
            }
        }
    } else if let Some(Ok(length)) = length {
        stream.by_ref().take(length).read_to_string(&mut seen.body).ok()?;
    }
    let body = if seen.method == "HEAD" { "" } else { "served\n" };
    record.lock().unwrap().push(seen);
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\n";
    stream
        .get_mut()
        .write_all(format!("{head}{body}").as_bytes())
        .ok()
}
