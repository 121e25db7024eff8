//! The sign-in form, wherever it is shown.

use crate::authorization_server::{Failure, Purpose, SignInError};
use crate::domain::session::SessionCookie;
use crate::http::app::App;
use crate::http::endpoints::page::{failure, page, stale_form};
use crate::http::header_value::HeaderValue;
use crate::http::pages::{ClientView, HiddenField, SignIn};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

/// A sign-in form, before it is sealed for a browser.
pub(super) struct SignInForm<'a> {
    /// Where the form is posted to.
    pub(super) action: String,
    /// The authorization request that it leads to; empty on the way to the account page.
    pub(super) about: &'a str,
    /// For which client.
    pub(super) client: Option<ClientView>,
    /// Who will probably sign in.
    pub(super) username: Option<String>,
}

impl SignInForm<'_> {
    /// The page for somebody who has not tried yet.
    pub(super) fn show(self, app: &App, request: &Request, cookie: Option<SessionCookie>) -> Response {
        let username = self.username.clone().unwrap_or_default();
        self.render(app, request, cookie, 200, &username, None)
    }

    fn render(
        self,
        app: &App,
        request: &Request,
        cookie: Option<SessionCookie>,
        status: u16,
        username: &str,
        error: Option<String>,
    ) -> Response {
        match self.try_render(app, request, cookie, status, username, error) {
            Ok(response) => response,
            Err(error) => failure(app, request, &error),
        }
    }

    fn try_render(
        self,
        app: &App,
        request: &Request,
        cookie: Option<SessionCookie>,
        status: u16,
        username: &str,
        error: Option<String>,
    ) -> Result<Response, Failure> {
        let (cookie, is_new) = match cookie {
            Some(cookie) => (cookie, false),
            None => (app.server.new_cookie()?, true),
        };
        let token = app.server.seal_form(&cookie, Purpose::SignIn, self.about)?;
        let view = SignIn {
            action: self.action,
            hidden: hidden_fields(&[("request", self.about), ("form_token", &token)]),
            client: self.client,
            username: username.to_owned(),
            error,
        };
        let owners = app
            .development
            .as_ref()
            .map(|development| development.owners(request));
        let response = page(
            app,
            status,
            app.spoken(request).sign_in_as(&view, &owners.unwrap_or_default()),
        );
        Ok(if is_new {
            response.header("Set-Cookie", app.cookies.set(&cookie))
        } else {
            response
        })
    }

    /// Takes the form that came back: redirects to `next` with a new cookie, or shows the form again.
    pub(super) fn submit(self, app: &App, request: &Request, fields: &Parameters, next: &str) -> Response {
        let cookie = app.cookies.read(request);
        let form_token = fields.get("form_token").unwrap_or_default();
        if let Err(error) = app
            .server
            .open_form(form_token, cookie.as_ref(), Purpose::SignIn, self.about)
        {
            // Two tabs: somebody signed in at the other one, and with that the browser got another cookie.
            return match app.server.signed_in(cookie.as_ref()) {
                Ok(Some(_)) => {
                    let query = if self.about.is_empty() { "" } else { "?" };
                    see_other(&format!("{}{query}{}", self.action, self.about))
                }
                Ok(None) => stale_form(app, request, error),
                Err(error) => failure(app, request, &error.into()),
            };
        }
        let development = app.development.as_ref();
        let pressed = development.and_then(|development| development.pressed(request));
        let username = pressed.map_or_else(
            || fields.get("username").unwrap_or_default(),
            |(_, username)| username.as_str(),
        );
        let from = app.client_address(request);
        let signed_in = if let Some((buttons, owner)) = pressed {
            app.server
                .sign_in_by_button(buttons, owner, cookie.as_ref(), from)
        } else {
            let password = fields.get("password").unwrap_or_default();
            app.server.sign_in(username, password, cookie.as_ref(), from)
        };
        let text = |key: &str, fill: &[(&str, &str)]| app.spoken(request).text(key, fill);
        let again = |status, message: String| {
            // What was typed is shown again, but not a page full of it.
            let typed: String = username.chars().take(100).collect();
            self.render(app, request, cookie.clone(), status, &typed, Some(message))
        };
        match signed_in {
            Ok(session) => see_other(next).header("Set-Cookie", app.cookies.set(&session)),
            Err(SignInError::Wrong) => again(403, text("sign_in.wrong", &[])),
            Err(SignInError::Disabled) => again(403, text("sign_in.disabled", &[])),
            Err(SignInError::Throttled(seconds)) => {
                let message = text("sign_in.throttled", &[("seconds", &seconds.to_string())]);
                again(429, message).header("Retry-After", HeaderValue::seconds(seconds))
            }
            Err(SignInError::Busy) => {
                again(503, text("sign_in.busy", &[])).header("Retry-After", HeaderValue::seconds(1))
            }
            Err(SignInError::Failed(error)) => failure(app, request, &error),
        }
    }
}

/// On to another page of this server, after a form.
pub(super) fn see_other(path: &str) -> Response {
    Response::redirect(303, HeaderValue::encoded(path))
        .header("Cache-Control", HeaderValue::from_static("no-store"))
        .header("Referrer-Policy", HeaderValue::from_static("no-referrer"))
}

/// Hidden fields of a form.
pub(super) fn hidden_fields(fields: &[(&str, &str)]) -> Vec<HiddenField> {
    let field = |(name, value): &(&str, &str)| HiddenField {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    fields.iter().map(field).collect()
}
