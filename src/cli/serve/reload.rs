//! SIGHUP: the certificate and the settings are read again, without ending anything.

use std::sync::Arc;

use crate::cli::exit::CliError;
use crate::cli::log::Levels;
use crate::config::{ConfigError, KEYS, Loaded, Settings};
use crate::http::tls::Tls;

use super::supervision;

/// Reads the settings from where they came from.
pub(super) type Reread = Box<dyn Fn() -> Result<Result<Loaded, ConfigError>, CliError> + Send>;

/// What is read again.
pub(super) struct Reload {
    pub(super) reread: Reread,
    pub(super) in_force: Settings,
    pub(super) levels: Levels,
    pub(super) tls: Option<Arc<Tls>>,
    /// What the service manager shows, once it is done.
    pub(super) status: String,
}

impl Reload {
    /// Reads everything again. What cannot be read, or cannot change now, stays as it is and is logged.
    pub(super) fn run(&mut self) {
        supervision::reloading();
        match (self.reread)() {
            Ok(Ok(loaded)) => self.follow(&loaded.settings),
            Ok(Err(refusal)) => {
                tracing::warn!("the settings are refused, and those in force stay: {refusal}");
            }
            Err(error) => tracing::warn!("the settings could not be read, and those in force stay: {error}"),
        }
        if let Some(tls) = &self.tls {
            tls.reload();
        }
        supervision::ready(&self.status);
    }

    fn follow(&mut self, settings: &Settings) {
        if settings.log.level != self.in_force.log.level && self.levels.set(settings.log.level) {
            self.in_force.log.level = settings.log.level;
        }
        let changed: Vec<String> = KEYS
            .iter()
            .filter(|key| key.value(settings) != key.value(&self.in_force))
            .map(ToString::to_string)
            .collect();
        if changed.is_empty() {
            tracing::info!("the settings have been read again");
        } else {
            tracing::warn!(
                settings = changed.join(", "),
                "the settings have been read again; these changed, and count from the next start on"
            );
        }
    }
}
