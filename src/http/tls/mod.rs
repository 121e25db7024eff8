//! TLS: the certificate and its private key, and how they are replaced while the server runs.
//!
//! rustls with the cryptography of ring; TLS 1.2 and 1.3; no early data, which whoever recorded it could send again
//! (RFC 8446 §8); by ALPN nothing but `http/1.1`. The bytes are moved by [`crate::http::listener`], under its bounds.
//!
//! | file | what it holds |
//! |---|---|
//! | `pair.rs` | reads the two files, and says what is wrong with them |
//! | `fitness.rs` | what is unwise about a certificate: its time, its names |
//! | `watch.rs` | notices that the files have changed |

mod fitness;
mod pair;
mod watch;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;

pub use pair::PairError;
pub use watch::Watch;

use self::pair::Pair;
use super::header_value::HeaderValue;
use crate::clock::Clock;
use crate::domain::issuer::Issuer;

/// The files that TLS needs, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, and after it those that lead to one which the clients know.
    pub certificate: PathBuf,
    /// The private key that fits the first certificate.
    pub private_key: PathBuf,
}

/// The certificate in force.
pub struct Tls {
    files: Files,
    /// The name by which clients reach the server.
    host: String,
    /// What browsers are told, where they are told.
    strict_transport_security: Option<HeaderValue>,
    clock: Arc<dyn Clock>,
    in_force: RwLock<Arc<ServerConfig>>,
    last: Mutex<LastRead>,
}

/// What the files held when they were last read.
#[derive(Debug)]
struct LastRead {
    /// The digest of what is in force.
    in_force: [u8; 32],
    /// Why the newer content is not in force.
    refused: Option<String>,
}

/// What a [`Tls::reload`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// New connections get another certificate from now on.
    Replaced,
    /// The files have the content that is in force.
    Unchanged,
    /// The files are refused; the log says why, and the certificate in force stays.
    Refused,
}

impl Tls {
    /// Reads the files.
    ///
    /// `issuer` is what the server calls itself: the certificate should be for its host. `hsts_max_age` is what
    /// browsers are told about coming back by `https` only (RFC 6797), in whole seconds. They are told nothing by a
    /// server that is called `localhost`, because there they would hold every other program to it.
    ///
    /// # Errors
    /// [`PairError`] where the files cannot be used.
    pub fn load(
        files: Files,
        issuer: &Issuer,
        hsts_max_age: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PairError> {
        let pair = Pair::read(&files)?;
        let host = issuer.host().to_owned();
        let config = Arc::new(pair.config(&files)?);
        let strict_transport_security = (host != "localhost")
            .then(|| HeaderValue::encoded(&format!("max-age={}", hsts_max_age.as_secs())));
        Ok(Self {
            strict_transport_security,
            in_force: RwLock::new(config),
            last: Mutex::new(LastRead {
                in_force: pair.digest(),
                refused: None,
            }),
            files,
            host,
            clock,
        })
    }

    /// What is unwise about the certificate in the files, in words.
    ///
    /// # Errors
    /// [`PairError`] where the files cannot be read any more.
    pub fn concerns(&self) -> Result<Vec<String>, PairError> {
        Ok(self.concerns_about(&Pair::read(&self.files)?))
    }

    /// Logs what is unwise about the certificate in force; a new one is looked at when it comes.
    pub fn warn(&self) {
        self.log(self.concerns().unwrap_or_default());
    }

    /// Reads the files again, because somebody asked for it. Connections that are open keep what they began with.
    /// What comes of it is logged.
    pub fn reload(&self) -> Reloaded {
        self.last().refused = None;
        let reloaded = self.follow();
        if reloaded == Reloaded::Unchanged {
            tracing::info!(certificate = %self.files.certificate.display(), "the certificate is the same as before");
        }
        reloaded
    }

    /// Reads the files again, because something changed near them. What was logged already is not said again.
    fn follow(&self) -> Reloaded {
        // Held to the end, so that of two attempts at once the later one counts.
        let mut last = self.last();
        let read = Pair::read(&self.files).and_then(|pair| {
            let config = (pair.digest() != last.in_force)
                .then(|| pair.config(&self.files))
                .transpose()?;
            Ok((pair, config))
        });
        match read {
            Ok((_, None)) => {
                last.refused = None;
                Reloaded::Unchanged
            }
            Ok((pair, Some(config))) => {
                *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                *last = LastRead {
                    in_force: pair.digest(),
                    refused: None,
                };
                tracing::info!(certificate = %self.files.certificate.display(), "the certificate was replaced");
                self.log(self.concerns_about(&pair));
                Reloaded::Replaced
            }
            Err(error) => {
                let refused = Some(error.to_string());
                if last.refused != refused {
                    tracing::error!(%error, "the certificate in force stays, because the new one cannot be used");
                }
                last.refused = refused;
                Reloaded::Refused
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, LastRead> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files it is read from.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The `Strict-Transport-Security` of every answer, where there is one.
    pub(super) fn strict_transport_security(&self) -> Option<&HeaderValue> {
        self.strict_transport_security.as_ref()
    }

    /// What a new connection begins with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force)
    }

    fn concerns_about(&self, pair: &Pair) -> Vec<String> {
        fitness::concerns(pair.chain(), &self.host, self.clock.now())
    }

    fn log(&self, concerns: Vec<String>) {
        for concern in concerns {
            tracing::warn!(certificate = %self.files.certificate.display(), "{concern}");
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}
