//! TLS over a socket on which everything ends in time.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};

use super::socket::{Broken, Socket, Time};

/// The type of the first record of a client that speaks TLS (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// Why there is no TLS on a connection.
#[derive(Debug)]
pub(super) enum NoTls {
    /// The peer speaks something else.
    Spoken,
    /// The two did not come to terms; the peer was told why.
    Refused(rustls::Error),
    /// The connection came to its end before.
    Broken(Broken),
}

impl From<Broken> for NoTls {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// A connection after its handshake. What it holds of either direction is bounded by rustls: some tens of KiB.
#[derive(Debug)]
pub(super) struct Session(Box<ServerConnection>);

impl Session {
    /// Shakes hands within `time`, from the first byte to the last.
    pub(super) fn begin(
        socket: &mut Socket<'_>,
        config: Arc<ServerConfig>,
        time: Time,
    ) -> Result<Self, NoTls> {
        if socket.peek(time)? != HANDSHAKE_RECORD {
            return Err(NoTls::Spoken);
        }
        let mut connection = ServerConnection::new(config).map_err(NoTls::Refused)?;
        let mut time = time;
        while connection.is_handshaking() {
            time.go_on()?;
            receive(&mut connection, socket, time)?;
        }
        Ok(Self(Box::new(connection)))
    }

    /// Reads what arrives next: at least one byte.
    pub(super) fn read(
        &mut self,
        socket: &mut Socket<'_>,
        mut time: Time,
        room: &mut [u8],
    ) -> Result<usize, Broken> {
        loop {
            match self.0.reader().read(room) {
                Ok(0) => return Err(Broken::Ended),
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The stream ended without the word that it may: somebody may have cut it.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(Broken::Ended),
                Err(_) => return Err(Broken::Failed),
            }
            match receive(&mut self.0, socket, time) {
                Ok(()) => time.go_on()?,
                Err(NoTls::Broken(broken)) => return Err(broken),
                Err(NoTls::Spoken | NoTls::Refused(_)) => return Err(Broken::Failed),
            }
        }
    }

    /// Writes all of `bytes`.
    pub(super) fn write(
        &mut self,
        socket: &mut Socket<'_>,
        mut time: Time,
        bytes: &[u8],
    ) -> Result<(), Broken> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.0.writer().write(rest).map_err(|_| Broken::Failed)?;
            rest = rest.get(taken..).unwrap_or_default();
            flush(&mut self.0, socket, time)?;
            if !rest.is_empty() {
                time.go_on()?;
            }
        }
        Ok(())
    }

    /// Says that nothing more comes (`close_notify`, RFC 8446 §6.1), so that the peer knows that nothing was cut off.
    pub(super) fn end(&mut self, socket: &mut Socket<'_>, time: Time) -> Result<(), Broken> {
        self.0.send_close_notify();
        flush(&mut self.0, socket, time)
    }
}

/// Reads once from the socket, and answers what TLS itself has to answer: a handshake, an alert.
fn receive(connection: &mut ServerConnection, socket: &mut Socket<'_>, time: Time) -> Result<(), NoTls> {
    let mut incoming = Incoming {
        socket: &mut *socket,
        time,
        broken: None,
    };
    let count = connection.read_tls(&mut incoming);
    match (incoming.broken, count) {
        // The connection is told of the end as well: with it may come to light what is in its buffers.
        (None | Some(Broken::Ended), Ok(_)) => {}
        (Some(broken), _) => return Err(broken.into()),
        (None, Err(_)) => return Err(Broken::Failed.into()),
    }
    let ended = incoming.broken;
    let processed = connection.process_new_packets();
    let flushed = if connection.wants_write() {
        let mut time = time;
        time.go_on().and_then(|()| flush(connection, socket, time))
    } else {
        Ok(())
    };
    processed.map_err(NoTls::Refused)?;
    flushed?;
    match ended {
        Some(broken) if connection.is_handshaking() => Err(broken.into()),
        _ => Ok(()),
    }
}

/// Writes what TLS has to send.
fn flush(connection: &mut ServerConnection, socket: &mut Socket<'_>, mut time: Time) -> Result<(), Broken> {
    while connection.wants_write() {
        let mut outgoing = Outgoing {
            socket: &mut *socket,
            time,
            broken: None,
        };
        if connection.write_tls(&mut outgoing).is_err() {
            return Err(outgoing.broken.unwrap_or(Broken::Failed));
        }
        if connection.wants_write() {
            time.go_on()?;
        }
    }
    Ok(())
}

/// The socket as rustls reads from it.
struct Incoming<'a, 's> {
    socket: &'a mut Socket<'s>,
    time: Time,
    broken: Option<Broken>,
}

impl Read for Incoming<'_, '_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.socket.read(self.time, room) {
            Ok(count) => Ok(count),
            Err(broken) => {
                self.broken = Some(broken);
                match broken {
                    Broken::Ended => Ok(0),
                    Broken::TimedOut => Err(ErrorKind::TimedOut.into()),
                    Broken::Failed => Err(ErrorKind::ConnectionAborted.into()),
                }
            }
        }
    }
}

/// The socket as rustls writes to it.
struct Outgoing<'a, 's> {
    socket: &'a mut Socket<'s>,
    time: Time,
    broken: Option<Broken>,
}

impl Write for Outgoing<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(self.time, bytes).map_err(|broken| {
            self.broken = Some(broken);
            ErrorKind::ConnectionAborted.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
