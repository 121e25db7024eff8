//! HTTP, as each party around an authorization server sends its requests.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rustls::crypto::ring;
use serde_json::Value;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::{Agent, Proxy};

use crate::domain::span;

/// How long one request may take, all in all; a password hash is the slowest thing that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most bytes of a body that are read. Metadata, token responses and our own pages are far smaller.
const LARGEST_BODY: u64 = 1024 * 1024;

type Builder = ConfigBuilder<AgentScope>;

/// Sends requests and takes what comes: no redirect is followed, no cookie is kept, no status is an error.
#[derive(Clone)]
pub(in crate::cli) struct HttpClient(Agent);

impl HttpClient {
    /// For servers on this machine that do not speak TLS, whatever the environment says about proxies.
    pub(in crate::cli) fn new() -> Self {
        Self::with(|config| config.proxy(None))
    }

    /// For any server: those whose certificates the system trusts, or `SSL_CERT_FILE` (else `SSL_CERT_DIR`) where that
    /// is set. Others than this machine are reached through the proxy that the environment names (`HTTPS_PROXY`).
    pub(in crate::cli) fn to(host: &str) -> Self {
        let trusted = rustls_native_certs::load_native_certs().certs;
        let certificates: Vec<_> = trusted
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::from(certificates))
            .build();
        let proxy = if is_this_machine(host) {
            None
        } else {
            Proxy::try_from_env()
        };
        Self::with(|config| config.proxy(proxy).tls_config(tls))
    }

    fn with(special: impl FnOnce(Builder) -> Builder) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("oauthctl/", env!("CARGO_PKG_VERSION")));
        Self(special(config).build().new_agent())
    }

    pub(in crate::cli) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.0.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .call()
            .map_err(unanswered)
            .and_then(Answer::read)
            .with_context(|| format!("cannot get {}", without_query(url)))
    }

    /// Posts a form.
    pub(in crate::cli) fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = self.0.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .send_form(form.iter().copied())
            .map_err(unanswered)
            .and_then(Answer::read)
            .with_context(|| format!("cannot post to {url}"))
    }
}

/// Why there is no answer, in words for whoever asked.
fn unanswered(error: ureq::Error) -> anyhow::Error {
    match error {
        ureq::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            anyhow!("the connection was closed before the answer had come")
        }
        ureq::Error::Io(error) => anyhow::Error::new(error),
        ureq::Error::Timeout(_) => anyhow!("no answer came within {}", span::format(PATIENCE)),
        other => anyhow::Error::new(other),
    }
}

/// Whether a host, as a URL has it, is the machine itself.
pub(in crate::cli) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Queries hold codes.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}

/// An answer that has been read whole.
pub(in crate::cli) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn read(mut response: Response<ureq::Body>) -> Result<Self> {
        let limited = response.body_mut().with_config().limit(LARGEST_BODY);
        let body = limited.read_to_string().map_err(unanswered)?;
        let (parts, _) = response.into_parts();
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// One that nobody gave.
    #[cfg(test)]
    pub(in crate::cli) fn made(status: StatusCode, body: String) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body,
        }
    }

    pub(in crate::cli) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The status with its name, such as `303 See Other`.
    pub(in crate::cli) fn status_line(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    /// The first field of that name.
    pub(in crate::cli) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the server calls the request, where that is an ID such as this program gives.
    pub(in crate::cli) fn request_id(&self) -> Option<&str> {
        let is_plain = |id: &&str| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.header("X-Request-Id").filter(is_plain)
    }

    pub(in crate::cli) fn body(&self) -> &str {
        &self.body
    }

    /// The body as JSON.
    pub(in crate::cli) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).context("expected a body in JSON, got something else")
    }

    /// `error` and `error_description`, where the body has them (RFC 6749 §5.2).
    pub(in crate::cli) fn error(&self) -> Option<(String, Option<String>)> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("error")?, text("error_description")))
    }
}
