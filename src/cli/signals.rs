//! What signals do to a server that runs.

use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exit::CliError;
use crate::http::listener::Stop;
use crate::http::tls::Tls;

/// SIGTERM and SIGINT let requests in flight finish; a second one does not wait. SIGHUP has the certificate read
/// again, and ends nothing.
pub(super) fn handle(stop: Stop, tls: Option<Arc<Tls>>) -> Result<(), CliError> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(CliError::io("wait for signals"))?;
    let mut is_stopping = false;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                match (signal, &tls) {
                    (SIGHUP, Some(tls)) => {
                        tls.reload();
                    }
                    (SIGHUP, None) => tracing::info!("there is no certificate to read again"),
                    _ if is_stopping => std::process::exit(128 + signal),
                    _ => {
                        is_stopping = true;
                        stop.stop();
                    }
                }
            }
        })
        .map_err(CliError::io("start a thread"))?;
    Ok(())
}
