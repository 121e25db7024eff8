//! The certificate, as the settings name it.

use std::sync::Arc;

use crate::cli::exit::CliError;
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::domain::issuer::Issuer;
use crate::http::tls::{Files, Tls, Watch};

/// The certificate for a server of that name, where the settings ask for TLS.
pub(in crate::cli) fn load(settings: &Settings, issuer: &Issuer) -> Result<Option<Arc<Tls>>, CliError> {
    let Some((certificate, private_key)) = settings.tls.files() else {
        return Ok(None);
    };
    let files = Files {
        certificate: certificate.to_owned(),
        private_key: private_key.to_owned(),
    };
    let hsts_max_age = settings.tls.hsts_max_age.duration();
    let tls = Tls::load(files, issuer, hsts_max_age, Arc::new(SystemClock))?;
    Ok(Some(Arc::new(tls)))
}

/// Has the certificate read again when its files change, for as long as the answer is held. Where that is not to be
/// had, there still is SIGHUP.
pub(super) fn watch(tls: &Arc<Tls>) -> Option<Watch> {
    Watch::start(Arc::clone(tls))
        .inspect_err(|error| {
            tracing::warn!(%error, "it will not be noticed when the certificate changes; send SIGHUP then");
        })
        .ok()
}
