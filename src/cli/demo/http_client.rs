//! Plain HTTP: what each party of the demo sends its requests with.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Response, StatusCode};

/// How long one request may take, all in all; a password hash is the slowest thing that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends requests and takes what comes: no redirect is followed, no cookie is kept, no status is an error.
#[derive(Clone)]
pub(super) struct HttpClient(Agent);

impl HttpClient {
    pub(super) fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // Everything is on this machine, whatever the environment says about proxies.
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .user_agent("oauthctl-demo")
            .build();
        Self(config.new_agent())
    }

    pub(super) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.0.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .call()
            .map_err(anyhow::Error::from)
            .and_then(Answer::read)
            .with_context(|| format!("cannot get {}", without_query(url)))
    }

    /// Posts a form.
    pub(super) fn post(&self, url: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Result<Answer> {
        let mut request = self.0.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .send_form(form.iter().copied())
            .map_err(anyhow::Error::from)
            .and_then(Answer::read)
            .with_context(|| format!("cannot post to {url}"))
    }
}

/// Queries hold codes.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}

/// An answer that has been read whole.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn read(mut response: Response<ureq::Body>) -> Result<Self> {
        let body = response.body_mut().read_to_string()?;
        let (parts, _) = response.into_parts();
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The status with its name, such as `303 See Other`.
    pub(super) fn status_line(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    /// The first field of that name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).context("expected a body in JSON, got something else")
    }

    /// `error` and `error_description`, where the body has them (RFC 6749 §5.2).
    pub(super) fn error(&self) -> Option<(String, Option<String>)> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text("error")?, text("error_description")))
    }
}
