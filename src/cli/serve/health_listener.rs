//! The address of health and metrics, where the settings ask for one.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::cli::exit::CliError;
use crate::cli::listening;
use crate::config::Settings;
use crate::http::app::App;
use crate::http::health_app::HealthApp;
use crate::http::listener::{Listener, Stop};

/// Bound, and not serving yet.
pub(super) struct HealthListener {
    listener: Listener,
    address: SocketAddr,
}

/// Serving until it is dropped: longer than the main address, so that the end can be watched.
pub(super) struct Serving {
    pub(super) address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl HealthListener {
    /// Takes the socket of the service manager, or binds the address, if there is one of both; then the main address tells
    /// no metrics any more.
    pub(super) fn open(
        inherited: Option<TcpListener>,
        settings: &Settings,
        app: &mut App,
    ) -> Result<Option<Self>, CliError> {
        let limits = HealthApp::limits(&listening::limits(settings));
        let listener = match (inherited, settings.server.health_listen) {
            (Some(socket), _) => Listener::from_socket(socket, limits).map_err(CliError::io(
                "use the second socket that the service manager passes",
            ))?,
            (None, Some(address)) => Listener::bind(address, limits).map_err(|error| {
                // As a text: the advice for an address that is taken is about the main one.
                let error = std::io::Error::other(error.to_string());
                CliError::io(format!("listen on {address}, as `server.health_listen` says"))(error)
            })?,
            (None, None) => return Ok(None),
        };
        let address = listener.local_addr().map_err(CliError::io("find the port"))?;
        app.listeners.push(("health", listener.traffic()));
        app.metrics_are_elsewhere = true;
        Ok(Some(Self { listener, address }))
    }

    /// Serves in a thread.
    pub(super) fn start(self, app: &Arc<App>) -> Result<Serving, CliError> {
        let Self { listener, address } = self;
        let handler = Arc::new(HealthApp(Arc::clone(app)));
        let stop = listener.stop_handle();
        let thread = std::thread::Builder::new()
            .name("health".to_owned())
            .spawn(move || listener.run(handler))
            .map_err(CliError::io("start a thread"))?;
        Ok(Serving {
            address,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // One that panicked has stopped too.
            let _ = thread.join();
        }
    }
}
