//! A certificate and its private key, as two files hold them.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, ServerConfig};
use sha2::{Digest, Sha256};

use super::Files;

/// The largest file that is read, in bytes; a chain has some thousand.
const LARGEST: usize = 1024 * 1024;

/// Why TLS cannot be had with the files. Each message names the file and what is expected.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file that is not there, or cannot be read.
    #[error("{path}: the {what} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// Which of the two.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that is larger than any certificate chain.
    #[error("{path}: the {what} is larger than 1 MiB", path = path.display())]
    TooLarge {
        /// Which of the two.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A private key that others may read or replace.
    #[error(
        "{path}: the private key can be read or replaced by others (mode {mode:04o}); `chmod 600 {path}`, or 640 for a \
         group that may read it",
        path = path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file without what it should hold.
    #[error("{path}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// Two files that do not belong together.
    #[error(
        "{private_key}: the private key does not fit the first certificate in {certificate}",
        private_key = private_key.display(),
        certificate = certificate.display()
    )]
    Mismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The private key.
        private_key: PathBuf,
    },
}

/// The content of the two files.
pub(super) struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    digest: [u8; 32],
}

impl Pair {
    /// Reads both files and takes the PEM apart.
    pub(super) fn read(files: &Files) -> Result<Self, PairError> {
        let certificate = read(&files.certificate, "certificate", |_| Ok(()))?;
        let private_key = read(&files.private_key, "private key", |file| {
            refuse_exposed(&files.private_key, file)
        })?;
        let digest = Sha256::new()
            .chain_update(certificate.len().to_be_bytes())
            .chain_update(&certificate)
            .chain_update(&private_key)
            .finalize()
            .into();
        Ok(Self {
            chain: chain(&certificate).map_err(|reason| content(&files.certificate, reason))?,
            key: key(&private_key).map_err(|reason| content(&files.private_key, reason))?,
            digest,
        })
    }

    /// What the server needs for a handshake.
    pub(super) fn config(&self, files: &Files) -> Result<ServerConfig, PairError> {
        let unusable = |error: rustls::Error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => PairError::Mismatch {
                certificate: files.certificate.clone(),
                private_key: files.private_key.clone(),
            },
            rustls::Error::InvalidCertificate(why) => content(
                &files.certificate,
                format!("the first certificate cannot be used: {why}"),
            ),
            error => content(
                &files.private_key,
                format!(
                    "the private key cannot be used: {error}; accepted are RSA from 2048 bits, ECDSA on P-256 and P-384, and Ed25519"
                ),
            ),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The certificates, the server's own first.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The SHA-256 of both files.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

fn content(path: &Path, reason: String) -> PairError {
    PairError::Content {
        path: path.to_owned(),
        reason,
    }
}

/// The content of a file that `accept` has nothing against.
fn read(
    path: &Path,
    what: &'static str,
    accept: impl FnOnce(&File) -> Result<(), PairError>,
) -> Result<Vec<u8>, PairError> {
    let unreadable = |source| PairError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    };
    // A pipe would keep the server waiting, here already, and then have nothing more to say at the next reading.
    let file = File::options()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(content(path, format!("the {what} must be in a plain file")));
    }
    accept(&file)?;
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > LARGEST {
        return Err(PairError::TooLarge {
            what,
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Refuses a private key that everybody may read, or anybody but its owner may write. Its group may read it: that is
/// how Debian lets servers that are not root have `/etc/ssl/private`.
fn refuse_exposed(path: &Path, file: &File) -> Result<(), PairError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let metadata = file.metadata().map_err(|source| PairError::Unreadable {
            what: "private key",
            path: path.to_owned(),
            source,
        })?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o027 != 0 {
            return Err(PairError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
    }
    Ok(())
}

/// The certificates in a PEM file.
fn chain(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| malformed(bytes, &error))?;
    if chain.is_empty() {
        return Err(if holds(bytes, "PRIVATE KEY-----") {
            "there is a private key and no certificate; are the two files interchanged?".to_owned()
        } else {
            malformed(bytes, &pem::Error::NoItemsFound)
        });
    }
    Ok(chain)
}

/// The private key in a PEM file.
fn key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound if holds(bytes, "-----BEGIN ENCRYPTED PRIVATE KEY-----") => {
            "the private key is locked with a passphrase, which nobody is there to give; `openssl pkey` writes it \
             without one"
                .to_owned()
        }
        pem::Error::NoItemsFound if holds(bytes, "-----BEGIN CERTIFICATE-----") => {
            "there is a certificate and no private key; are the two files interchanged?".to_owned()
        }
        pem::Error::NoItemsFound if bytes.first() != Some(&DER_SEQUENCE) => {
            "there is no private key; a PEM file is expected, with a line such as `-----BEGIN PRIVATE KEY-----`"
                .to_owned()
        }
        error => malformed(bytes, &error),
    })
}

/// What a DER file begins with.
const DER_SEQUENCE: u8 = 0x30;

fn malformed(bytes: &[u8], error: &pem::Error) -> String {
    match error {
        _ if bytes.first() == Some(&DER_SEQUENCE) => {
            "this is DER; PEM is expected, which `openssl` writes with `-outform PEM`".to_owned()
        }
        pem::Error::NoItemsFound => {
            "there is no certificate; a PEM file is expected, with the line `-----BEGIN CERTIFICATE-----`"
                .to_owned()
        }
        error => format!("this is not PEM: {error}"),
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
