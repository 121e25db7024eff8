//! What signals do to a server that runs.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::reload::Reload;
use super::supervision;
use crate::cli::exit::CliError;
use crate::http::listener::Stop;

/// Signals that end the process no more, and wait to be handled.
pub(super) struct Caught(Signals);

/// Catches them from now on.
pub(super) fn catch() -> Result<Caught, CliError> {
    Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map(Caught)
        .map_err(CliError::io("wait for signals"))
}

/// SIGTERM and SIGINT let requests in flight finish; a second one does not wait. SIGHUP has the certificate and the
/// settings read again, and ends nothing.
pub(super) fn handle(Caught(mut signals): Caught, stop: Stop, mut reload: Reload) -> Result<(), CliError> {
    let mut is_stopping = false;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGHUP if is_stopping => {}
                    SIGHUP => reload.run(),
                    _ if is_stopping => std::process::exit(128 + signal),
                    _ => {
                        is_stopping = true;
                        supervision::stopping();
                        stop.stop();
                    }
                }
            }
        })
        .map_err(CliError::io("start a thread"))?;
    Ok(())
}
