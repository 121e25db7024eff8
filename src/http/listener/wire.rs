//! A connection on which everything ends in time, with TLS or without.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::session::{NoTls, Session};
use super::socket::{Socket, Time};
use crate::clock::Deadline;

pub(super) use super::socket::Broken;

/// How much is read at once.
const CHUNK: usize = 8 * 1024;

/// How long, and for how many bytes, a connection is read from after its last answer.
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// How long a peer may take to take the word that TLS ends; it fits into every buffer that is not full.
const FAREWELL_TIME: Duration = Duration::from_millis(100);

/// The two directions of a connection.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    socket: Socket<'a>,
    session: Option<Session>,
}

impl<'a> Wire<'a> {
    /// Without TLS.
    pub(super) fn plain(stream: &'a TcpStream) -> Self {
        Self {
            socket: Socket::new(stream),
            session: None,
        }
    }

    /// Shakes hands, within `span` from now.
    ///
    /// # Errors
    /// With the reason comes the connection as it is without TLS.
    pub(super) fn encrypted(
        stream: &'a TcpStream,
        config: Arc<ServerConfig>,
        span: Duration,
    ) -> Result<Self, (NoTls, Self)> {
        let mut socket = Socket::new(stream);
        match Session::begin(&mut socket, config, Time::span(span)) {
            Ok(session) => Ok(Self {
                socket,
                session: Some(session),
            }),
            Err(reason) => Err((
                reason,
                Self {
                    socket,
                    session: None,
                },
            )),
        }
    }

    /// Appends to `buffer` what arrives next: at least one byte, at most `most`, within `span` from now.
    pub(super) fn read_for(
        &mut self,
        span: Duration,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Broken> {
        self.read(Time::span(span), buffer, most)
    }

    /// As [`read_for`](Self::read_for), until the deadline.
    pub(super) fn read_until(
        &mut self,
        deadline: Deadline,
        buffer: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Broken> {
        self.read(Time::until(deadline)?, buffer, most)
    }

    fn read(&mut self, time: Time, buffer: &mut Vec<u8>, most: usize) -> Result<(), Broken> {
        let mut chunk = [0; CHUNK];
        let room = chunk.get_mut(..most.min(CHUNK)).unwrap_or_default();
        let count = match &mut self.session {
            None => self.socket.read(time, room)?,
            Some(session) => session.read(&mut self.socket, time, room)?,
        };
        buffer.extend_from_slice(room.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Writes all of `bytes` within `span` from now.
    pub(super) fn write(&mut self, span: Duration, bytes: &[u8]) -> Result<(), Broken> {
        let mut time = Time::span(span);
        if let Some(session) = &mut self.session {
            return session.write(&mut self.socket, time, bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.socket.write(time, rest)?;
            rest = rest.get(count..).unwrap_or_default();
            if !rest.is_empty() {
                time.go_on()?;
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
        self.say_farewell();
        if self.socket.end().is_err() {
            return;
        }
        let deadline = Deadline::after(LINGER_TIME);
        let mut thrown_away = 0;
        let mut chunk = [0; CHUNK];
        // As it arrives: there is no need to decrypt what nobody looks at.
        while thrown_away < LINGER_BYTES
            && let Ok(time) = Time::until(deadline)
            && let Ok(count) = self.socket.read(time, &mut chunk)
        {
            thrown_away += count;
        }
    }

    /// Ends a connection on which nothing is under way.
    pub(super) fn close(mut self) {
        self.say_farewell();
    }

    /// Where the peer cannot take it, it is no matter.
    fn say_farewell(&mut self) {
        if let Some(session) = &mut self.session {
            let _ = session.end(&mut self.socket, Time::span(FAREWELL_TIME));
        }
    }
}
