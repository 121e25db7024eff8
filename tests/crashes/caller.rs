//! Who calls the server: a client and a browser that take it as it comes when there is no answer.

use std::time::Duration;

use ureq::http::{HeaderMap, Request};

use crate::site::{Running, furniture};
use crate::support::flow::{CHALLENGE, VERIFIER};
use crate::support::form::Form;
use crate::support::home::{Client, PASSWORD, REDIRECT_URI};
use crate::support::http::{PATIENCE, encode, pairs};

/// An answer that came whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    fields: HeaderMap,
}

impl Reply {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The tokens of a token response.
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        if self.status != 200 {
            return None;
        }
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Some(Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
        })
    }

    /// It is no success, and no fault of the server's that it does not own up to.
    #[track_caller]
    pub(crate) fn assert_failed_clearly(&self) {
        assert!(matches!(self.status, 500 | 503), "{self:?}");
        let told = ["temporarily_unavailable", "server_error", "<html"];
        assert!(told.iter().any(|told| self.body.contains(told)), "{self:?}");
    }
}

/// What a token response holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Somebody with connections to one server.
pub(crate) struct Caller {
    agent: ureq::Agent,
    base: String,
}

impl Caller {
    pub(crate) fn of(server: &Running) -> Self {
        Self::within(server, PATIENCE)
    }

    /// One that gives up soon, for a server that is not expected to answer.
    pub(crate) fn impatient(server: &Running) -> Self {
        Self::within(server, Duration::from_millis(300))
    }

    fn within(server: &Running, patience: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(patience))
            .build();
        Self {
            agent: config.new_agent(),
            base: server.base.clone(),
        }
    }

    /// Sends a request, the body as a form. `None` where no whole answer came.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        field: (&str, &str),
        form: Option<&str>,
    ) -> Option<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(field.0, field.1);
        if form.is_some() {
            request = request.header("Content-Type", "application/x-www-form-urlencoded");
        }
        let sent = match form {
            Some(form) => self.agent.run(request.body(form).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.ok()?;
        Some(Reply {
            status: response.status().as_u16(),
            fields: response.headers().clone(),
            body: response.body_mut().read_to_string().ok()?,
        })
    }

    fn post(&self, client: &Client, path: &str, form: &[(&str, &str)]) -> Option<Reply> {
        let basic = client.basic();
        self.ask("POST", path, ("Authorization", &basic), Some(&encode(form)))
    }

    /// Signs `alice` in: the value of her session's cookie.
    pub(crate) fn sign_in(&self) -> String {
        let page = self
            .ask("GET", "/account", ("Accept", "text/html"), None)
            .unwrap();
        let cookie = |reply: &Reply| {
            let set = reply.fields.get_all("Set-Cookie").iter();
            let mut set = set.map(|value| value.to_str().unwrap());
            let kept = set.find(|set| !set.contains("Max-Age=0"));
            kept.unwrap().split(';').next().unwrap().to_owned()
        };
        let before = cookie(&page);
        let form = Form::with(&page.body, "password")
            .fill("username", "alice")
            .fill("password", PASSWORD);
        let signed_in = self
            .ask("POST", &form.action, ("Cookie", &before), Some(&form.body()))
            .unwrap();
        assert_eq!(signed_in.status, 303, "{signed_in:?}");
        cookie(&signed_in).split_once('=').unwrap().1.to_owned()
    }

    /// A fresh authorization code, approved by `alice`; otherwise the answer that stood in its way, if there was one.
    pub(crate) fn code(&self, client: &Client) -> Result<String, Option<Box<Reply>>> {
        let request = encode(&[
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        // Servers on one machine have cookies of different names.
        let port = self.base.rsplit_once(':').unwrap().1;
        let cookie = format!("oauthctl_{port}={}", furniture().session);
        let cookie = ("Cookie", cookie.as_str());
        let page = self
            .ask("GET", &format!("/authorize?{request}"), cookie, None)
            .ok_or(None)?;
        if page.status != 200 {
            return Err(Some(Box::new(page)));
        }
        let form = Form::with(&page.body, "decision").press("decision", "approve");
        let answer = self
            .ask("POST", &form.action, cookie, Some(&form.body()))
            .ok_or(None)?;
        let query = answer
            .field("Location")
            .split_once('?')
            .map(|(_, query)| pairs(query));
        let mut parameters = query.unwrap_or_default().into_iter();
        match parameters.find(|(name, _)| name == "code") {
            Some((_, code)) => Ok(code),
            None => Err(Some(Box::new(answer))),
        }
    }

    pub(crate) fn exchange(&self, client: &Client, code: &str) -> Option<Reply> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post(client, "/token", &form)
    }

    pub(crate) fn refresh(&self, client: &Client, token: &str) -> Option<Reply> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(client, "/token", &form)
    }

    pub(crate) fn revoke(&self, client: &Client, token: &str) -> Option<Reply> {
        self.post(client, "/revoke", &[("token", token)])
    }

    /// What `/check` says of a service that the token's scope opens.
    pub(crate) fn check(&self, access_token: &str) -> Option<Reply> {
        let bearer = format!("Bearer {access_token}");
        self.ask(
            "GET",
            "/check?service=orders:list",
            ("Authorization", &bearer),
            None,
        )
    }

    /// Whether the token opens it; the server must answer.
    #[track_caller]
    pub(crate) fn opens(&self, access_token: &str) -> bool {
        let reply = self.check(access_token).unwrap();
        assert!(matches!(reply.status, 200 | 401), "{reply:?}");
        reply.status == 200
    }

    /// The status of `GET path`.
    #[track_caller]
    pub(crate) fn status(&self, path: &str) -> u16 {
        self.ask("GET", path, ("Accept", "*/*"), None).unwrap().status
    }
}
