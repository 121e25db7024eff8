//! What a service manager and the server tell each other: sockets that it has opened for us, readiness, and that we are
//! alive. All of it is silent where there is none.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::worker::Worker;
use crate::authorization_server::AuthorizationServer;
use crate::cli::exit::CliError;

/// Sockets that the service manager has opened and listens on.
#[derive(Debug, Default)]
pub(super) struct InheritedSockets {
    /// For the server.
    pub(super) server: Option<TcpListener>,
    /// For health and metrics.
    pub(super) health: Option<TcpListener>,
}

/// Takes the sockets: the first is the server's, the second that of health and metrics.
///
/// # Errors
/// A third socket, or one that is no TCP socket which listens.
pub(super) fn inherited_sockets() -> Result<InheritedSockets, CliError> {
    let mut inherited = ListenFd::from_env();
    if inherited.len() > 2 {
        return Err(CliError::Usage(format!(
            "the service manager passes {} sockets; two at most are of use: one for the server, one for health and metrics",
            inherited.len()
        )));
    }
    let mut take = |index| {
        if index < inherited.len() {
            inherited
                .take_tcp_listener(index)
                .map_err(CliError::io("take the socket that the service manager passes"))
        } else {
            Ok(None)
        }
    };
    Ok(InheritedSockets {
        server: take(0)?,
        health: take(1)?,
    })
}

/// Tells that the server answers.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells that the settings are read anew; [`ready`] follows.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager could not be told of the reload"),
    }
}

/// Tells that the server finishes what is under way.
pub(super) fn stopping() {
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing requests in flight"),
    ]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told how the server is");
    }
}

/// Where the service manager watches, tells it twice in each of its spans that the server is alive: that the store's
/// writer comes round. Whether it *succeeds* is not asked: a restart does not mend a full disk.
///
/// # Errors
/// The system has no thread to give.
pub(super) fn keep_watched(server: &Arc<AuthorizationServer>) -> io::Result<Option<Worker>> {
    let Some(span) = sd_notify::watchdog_enabled().filter(|span| !span.is_zero()) else {
        return Ok(None);
    };
    let server = Arc::clone(server);
    let pause: Duration = span / 2;
    Worker::start("watchdog", move |ended| {
        loop {
            server.wait_for_writer();
            tell(&[NotifyState::Watchdog]);
            if ended.within(pause) {
                break;
            }
        }
    })
    .map(Some)
}
