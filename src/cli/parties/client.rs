//! What a client does, whichever it is.

use anyhow::{Context as _, Result};
use data_encoding::BASE64;

use crate::domain::client::{ClientId, ClientSecret};
use crate::domain::pkce::CodeVerifier;
use crate::domain::secret::Secret;
use crate::entropy::OsEntropy;

/// What somebody authenticates with at the token endpoint and its siblings.
pub(in crate::cli) struct Credentials {
    pub(in crate::cli) id: ClientId,
    pub(in crate::cli) secret: ClientSecret,
}

impl Credentials {
    /// The value of `Authorization` (RFC 6749 §2.3.1).
    pub(in crate::cli) fn basic(&self) -> String {
        let encoded = |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encoded(self.id.as_str()), encoded(self.secret.reveal()));
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    }
}

/// `base` with a query.
pub(in crate::cli) fn url(base: &str, parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    // The URL of an endpoint may have a query of its own (RFC 6749 §3.1).
    let separator = if base.contains('?') { '&' } else { '?' };
    format!("{base}{separator}{query}")
}

/// What the client keeps of an authorization request until the answer comes.
#[derive(Clone)]
pub(in crate::cli) struct SentRequest {
    /// Ties the answer to the request.
    pub(in crate::cli) state: String,
    /// Proves at the token endpoint who sent the request (RFC 7636 §4.1).
    pub(in crate::cli) verifier: String,
    /// What is sent of the verifier.
    pub(in crate::cli) challenge: String,
}

impl SentRequest {
    /// A new state and a new verifier, of 256 random bits each.
    pub(in crate::cli) fn new() -> Result<Self> {
        // The 43 characters of a secret have the form of a verifier.
        let verifier = Secret::generate(&OsEntropy)?.reveal();
        let challenge = CodeVerifier::parse(&verifier)
            .context("a random secret is no code verifier")?
            .challenge()
            .to_text();
        Ok(Self {
            state: Secret::generate(&OsEntropy)?.reveal(),
            verifier,
            challenge,
        })
    }
}
