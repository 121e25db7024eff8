//! A browser without a window: it keeps cookies and sends forms, and follows nothing by itself.

use std::collections::BTreeMap;

use super::form::Form;
use super::http::{Answer, send};
use super::server::Server;

/// A browser at one server.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    base: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A new one, with no cookies.
    pub(crate) fn at(server: &Server) -> Self {
        Self {
            base: server.base.clone(),
            cookies: BTreeMap::new(),
        }
    }

    /// Opens a page.
    #[track_caller]
    pub(crate) fn open(&mut self, path: &str) -> Answer {
        self.send("GET", path, None)
    }

    /// Sends a form.
    #[track_caller]
    pub(crate) fn submit(&mut self, form: &Form) -> Answer {
        self.send("POST", &form.action, Some(&form.body()))
    }

    #[track_caller]
    fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Answer {
        assert!(path.starts_with('/'), "another origin: {path}");
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = Vec::new();
        if !cookies.is_empty() {
            headers.push(("Cookie", cookies.as_str()));
        }
        let answer = send(method, &format!("{}{path}", self.base), &headers, body);
        for cookie in answer.headers_named("Set-Cookie") {
            let (pair, _) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Its only cookie.
    #[track_caller]
    pub(crate) fn cookie(&self) -> &str {
        assert_eq!(self.cookies.len(), 1);
        self.cookies.values().next().unwrap()
    }
}
