//! A socket on which everything ends in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::clock::Deadline;

/// How much is read at once.
const CHUNK: usize = 8 * 1024;

/// How long, and for how many bytes, a connection is read from after its last answer.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// Why nothing more was read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The time was up.
    TimedOut,
    /// The peer has sent its last byte.
    Ended,
    /// The connection failed.
    Failed,
}

/// The two directions of a connection.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    stream: &'a TcpStream,
    /// The limits that the socket has now: setting them costs a system call.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self {
            stream,
            read_limit: None,
            write_limit: None,
        }
    }

    /// Appends to `buffer` what arrives next: at least one byte, at most `most`, within `span` from now.
    pub(super) fn read_for(
        &mut self,
        span: Duration,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Broken> {
        let mut chunk = [0; CHUNK];
        let room = chunk.get_mut(..most.min(CHUNK)).unwrap_or_default();
        let deadline = Deadline::after(span);
        let mut limit = span;
        loop {
            if self.read_limit != Some(limit) {
                self.stream
                    .set_read_timeout(Some(limit))
                    .map_err(|_| Broken::Failed)?;
                self.read_limit = Some(limit);
            }
            match self.stream.read(room) {
                Ok(0) => return Err(Broken::Ended),
                Ok(count) => {
                    buffer.extend_from_slice(room.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) => limit = after_error(&error, deadline)?,
            }
        }
    }

    /// As [`read_for`](Self::read_for), until the deadline.
    pub(super) fn read_until(
        &mut self,
        deadline: Deadline,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Broken> {
        let left = deadline.remaining().ok_or(Broken::TimedOut)?;
        self.read_for(left, buffer, most)
    }

    /// Writes all of `bytes` within `span` from now.
    pub(super) fn write(&mut self, span: Duration, bytes: &[u8]) -> Result<(), Broken> {
        let deadline = Deadline::after(span);
        let mut limit = span;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.write_limit != Some(limit) {
                self.stream
                    .set_write_timeout(Some(limit))
                    .map_err(|_| Broken::Failed)?;
                self.write_limit = Some(limit);
            }
            match self.stream.write(rest) {
                Ok(0) => return Err(Broken::Failed),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or_default();
                    if !rest.is_empty() {
                        limit = deadline.remaining().ok_or(Broken::TimedOut)?;
                    }
                }
                Err(error) => limit = after_error(&error, deadline)?,
            }
        }
        Ok(())
    }

    /// Ends the connection so that the peer can still read the last answer.
    ///
    /// To close a socket on which bytes arrive makes the system send a reset, upon which the peer's system throws
    /// away what its program has not read yet: the answer (RFC 9112 §9.6). So first only our direction is closed, and
    /// for a short while whatever comes is read and thrown away.
    pub(super) fn linger(mut self) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = Deadline::after(LINGER_TIME);
        let mut thrown_away = 0;
        let mut chunk = Vec::with_capacity(CHUNK);
        while thrown_away < LINGER_BYTES && self.read_until(deadline, &mut chunk, CHUNK).is_ok() {
            thrown_away += chunk.len();
            chunk.clear();
        }
    }
}

/// How long to try on after an error that is none, such as a signal.
fn after_error(error: &io::Error, deadline: Deadline) -> Result<Duration, Broken> {
    match error.kind() {
        ErrorKind::Interrupted => deadline.remaining().ok_or(Broken::TimedOut),
        // Which of the two a time limit gives depends on the system.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Broken::TimedOut),
        _ => Err(Broken::Failed),
    }
}
