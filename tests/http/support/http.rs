//! An HTTP client that hides nothing: no redirect is followed, no status is an error, no cookie is kept.

use std::time::Duration;

use data_encoding::BASE64;
use serde_json::Value;

/// Keeps a test that fails from hanging; no verdict depends on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a field that may be there once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers_named(name);
        let value = values.next();
        assert_eq!(values.next(), None, "a second {name}");
        value
    }

    /// The values of all fields of that name.
    pub(crate) fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        let fields = self.fields.iter();
        fields
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("Content-Type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Where a redirect leads.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert!(matches!(self.status, 302 | 303), "no redirect: {self:?}");
        self.header("Location").unwrap()
    }

    /// A parameter in the query of the redirect.
    #[track_caller]
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.location().split_once('?').unwrap();
        let mut values = pairs(query).into_iter().filter(|(found, _)| found == name);
        let value = values.next();
        assert_eq!(values.next(), None, "a second {name}");
        value.map(|(_, value)| value)
    }
}

/// Sends a request; the body, if there is one, as a form.
#[track_caller]
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
    agent().send(method, url, headers, body)
}

/// A client that keeps its connections, for tests that send much.
pub(crate) struct Agent(ureq::Agent);

/// A new client.
pub(crate) fn agent() -> Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build();
    Agent(config.new_agent())
}

impl Agent {
    /// Sends a request; the body, if there is one, as a form.
    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        let says_type = headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("Content-Type"));
        if body.is_some() && !says_type {
            request = request.header("Content-Type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(body) => self.0.run(request.body(body).unwrap()),
            None => self.0.run(request.body(()).unwrap()),
        };
        let mut response = sent.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let fields = response.headers().iter();
        Answer {
            status: response.status().as_u16(),
            fields: fields
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }
}

/// The value of an `Authorization` field for HTTP Basic; neither part is encoded first.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()))
}

/// Pairs as a form or a query carries them.
pub(crate) fn encode(pairs: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        encoder.append_pair(name.as_ref(), value.as_ref());
    }
    encoder.finish()
}

/// What [`encode`] encoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
