//! The resource owner's browser, as far as this server needs one: it keeps a cookie and sends forms back.

use anyhow::Result;

use super::http_client::{Answer, HttpClient};

/// A browser that looks at one server.
pub(in crate::cli) struct Browser {
    http: HttpClient,
    /// `name=value`; the server sets one cookie.
    cookie: Option<String>,
}

impl Browser {
    pub(in crate::cli) fn new(http: HttpClient) -> Self {
        Self { http, cookie: None }
    }

    /// `name=value`, as it goes with each request.
    pub(in crate::cli) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    pub(in crate::cli) fn get(&mut self, url: &str) -> Result<Answer> {
        let answer = self.http.get(url, &self.headers())?;
        Ok(self.keep_cookie(answer))
    }

    pub(in crate::cli) fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let answer = self.http.post(url, &self.headers(), form)?;
        Ok(self.keep_cookie(answer))
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.cookie()
            .map(|cookie| ("Cookie", cookie))
            .into_iter()
            .collect()
    }

    fn keep_cookie(&mut self, answer: Answer) -> Answer {
        if let Some(set) = answer.header("Set-Cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        answer
    }
}
