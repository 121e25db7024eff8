//! A socket on which every read and write ends in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::clock::Deadline;

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

/// By when something has to happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    /// What is left of it as the socket is told; for the first try the whole span, so that a socket that waits for
    /// the same span again need not be told again.
    left: Duration,
    deadline: Deadline,
}

impl Time {
    pub(super) fn span(span: Duration) -> Self {
        Self {
            left: span,
            deadline: Deadline::after(span),
        }
    }

    pub(super) fn until(deadline: Deadline) -> Result<Self, Broken> {
        let left = deadline.remaining().ok_or(Broken::TimedOut)?;
        Ok(Self { left, deadline })
    }

    /// Looks at the clock again, after a part of the time has gone by.
    pub(super) fn go_on(&mut self) -> Result<(), Broken> {
        *self = Self::until(self.deadline)?;
        Ok(())
    }
}

/// The two directions of a connection.
#[derive(Debug)]
pub(super) struct Socket<'a> {
    stream: &'a TcpStream,
    /// The limits that the socket has now: setting them costs a system call.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl<'a> Socket<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self {
            stream,
            read_limit: None,
            write_limit: None,
        }
    }

    /// Reads what arrives next: at least one byte.
    pub(super) fn read(&mut self, time: Time, room: &mut [u8]) -> Result<usize, Broken> {
        self.receive(time, |mut stream| stream.read(room))
    }

    /// The next byte, which stays unread.
    pub(super) fn peek(&mut self, time: Time) -> Result<u8, Broken> {
        let mut byte = [0];
        self.receive(time, |stream| stream.peek(&mut byte))?;
        let [byte] = byte;
        Ok(byte)
    }

    fn receive(
        &mut self,
        mut time: Time,
        mut receive: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Result<usize, Broken> {
        loop {
            if self.read_limit != Some(time.left) {
                self.stream
                    .set_read_timeout(Some(time.left))
                    .map_err(|_| Broken::Failed)?;
                self.read_limit = Some(time.left);
            }
            match receive(self.stream) {
                Ok(0) => return Err(Broken::Ended),
                Ok(count) => return Ok(count),
                Err(error) => after_error(&error, &mut time)?,
            }
        }
    }

    /// Writes some of `bytes`, at least one.
    pub(super) fn write(&mut self, mut time: Time, bytes: &[u8]) -> Result<usize, Broken> {
        loop {
            if self.write_limit != Some(time.left) {
                self.stream
                    .set_write_timeout(Some(time.left))
                    .map_err(|_| Broken::Failed)?;
                self.write_limit = Some(time.left);
            }
            let mut stream = self.stream;
            match stream.write(bytes) {
                Ok(0) => return Err(Broken::Failed),
                Ok(count) => return Ok(count),
                Err(error) => after_error(&error, &mut time)?,
            }
        }
    }

    /// Tells the peer that nothing more comes.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        self.stream.shutdown(Shutdown::Write).map_err(|_| Broken::Failed)
    }
}

/// Whether to try on after an error that is none, such as a signal.
fn after_error(error: &io::Error, time: &mut Time) -> Result<(), Broken> {
    match error.kind() {
        ErrorKind::Interrupted => time.go_on(),
        // Which of the two a time limit gives depends on the system.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Err(Broken::TimedOut),
        _ => Err(Broken::Failed),
    }
}
