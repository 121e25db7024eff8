//! `GET, POST /authorize` (RFC 6749 §3.1): stages 1 to 4.
//!
//! A form that comes back carries the authorization request as it was in the hidden field `request`, and
//! `form_token`, which ties the form to the browser and to that request. Without `form_token` a POST is an
//! authorization request itself (RFC 6749 §3.1 allows it).

use super::form_body::is_form;
use super::page::{Problem, error, failure, page, refused_request, stale_form};
use super::sign_in::{SignInForm, hidden_fields};
use crate::authorization_server::{Answer, Answered, Considered, Failure, Purpose, SignedIn, noted};
use crate::domain::client::RefreshPolicy;
use crate::domain::scope::{Scope, ScopeSet, ScopeToken};
use crate::domain::session::SessionCookie;
use crate::http::app::App;
use crate::http::header_value::HeaderValue;
use crate::http::pages::{Approval, ClientView, ScopeView, SignOut, Spoken};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::authorization_error::AuthorizationErrorCode;
use crate::protocol::authorization_request::{AuthorizationRequest, RedirectRefusal};
use crate::protocol::parameters::{Parameters, values_of};
use crate::protocol::prompt::after_sign_in;

const FIELDS: [&str; 6] = [
    "request",
    "form_token",
    "username",
    "password",
    "decision",
    "remember",
];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    if request.method() != "POST" {
        return consider(app, request, request.query());
    }
    let Some(body) = std::str::from_utf8(request.body())
        .ok()
        .filter(|_| is_form(request))
    else {
        return error(app, request, 400, Problem("not_a_form"));
    };
    let fields = Parameters::parse(request.body(), &FIELDS);
    if fields.get("form_token").is_none()
        && fields.get("decision").is_none()
        && fields.get("username").is_none()
    {
        return posted(app, request, body);
    }
    let about = fields.get("request").unwrap_or_default();
    if fields.get("decision").is_some() {
        answer(app, request, about, &fields)
    } else {
        sign_in(app, request, about, &fields)
    }
}

/// An authorization request that was posted. A browser sends no cookie (`SameSite=Lax`) with what another site makes it
/// post. Where the answer hangs on who is signed in, it is therefore asked again by a GET, which has the cookie: nobody is
/// asked to sign in who is signed in, and no site can have the cookie of another's session replaced by a fresh one.
fn posted(app: &App, request: &Request, raw: &str) -> Response {
    if app.cookies.read(request).is_none()
        && let Ok(considered) = app.server.consider(raw, None)
        && hangs_on_session(&considered)
    {
        // The same to whoever reads it as a form; in a URI they would end it.
        let query = raw.replace('#', "%23").replace(' ', "+");
        return redirect(303, &format!("{}?{query}", app.path("/authorize")));
    }
    consider(app, request, raw)
}

fn hangs_on_session(considered: &Considered) -> bool {
    match considered {
        Considered::SignIn(_) => true,
        Considered::Redirect(refusal) => refusal.error.code == AuthorizationErrorCode::LoginRequired,
        _ => false,
    }
}

/// Stages 1 and 2: validates, and asks the resource owner.
fn consider(app: &App, request: &Request, raw: &str) -> Response {
    let cookie = app.cookies.read(request);
    let considered = app.server.consider(raw, cookie.as_ref()).map_err(Failure::from);
    let considered = considered.and_then(|considered| match (&considered, &cookie) {
        // HEAD changes nothing.
        (Considered::Remembered { .. }, Some(cookie)) if request.method() != "HEAD" => {
            let from = app.client_address(request);
            app.server.approve_remembered(raw, cookie, from)
        }
        _ => Ok(considered),
    });
    match considered {
        Err(error) => failure(app, request, &error),
        Ok(Considered::Page(refusal)) => refused_request(app, request, &refusal),
        Ok(Considered::Redirect(refusal)) => refuse(app, 302, &refusal),
        Ok(Considered::Approved { to, .. }) => redirect(303, &to),
        Ok(Considered::Remembered { .. }) => {
            Response::new(200).header("Cache-Control", HeaderValue::from_static("no-store"))
        }
        Ok(Considered::SignIn(asking)) => sign_in_form(app, raw, &asking).show(app, request, cookie),
        Ok(Considered::Ask {
            request: asking,
            signed_in,
            scopes,
            remember,
        }) => {
            // Somebody is signed in, so there is a cookie.
            let Some(cookie) = cookie else {
                return sign_in_form(app, raw, &asking).show(app, request, None);
            };
            let spoken = app.spoken(request);
            match approval(app, spoken, &cookie, raw, &asking, &signed_in, scopes) {
                Ok(view) => {
                    let view = Approval { remember, ..view };
                    page(app, 200, spoken.approval(&view))
                }
                Err(error) => failure(app, request, &error),
            }
        }
    }
}

/// Sends the browser back with an error.
fn refuse(app: &App, status: u16, refusal: &RedirectRefusal) -> Response {
    noted::outcome("request refused");
    noted::error(refusal.error.code.as_str());
    redirect(status, &refusal.response(app.server.issuer().as_str()))
}

fn redirect(status: u16, to: &str) -> Response {
    Response::redirect(status, HeaderValue::encoded(to))
        .header("Cache-Control", HeaderValue::from_static("no-store"))
        .header("Referrer-Policy", HeaderValue::from_static("no-referrer"))
}

fn client_view(request: &AuthorizationRequest) -> ClientView {
    let settings = &request.client.settings;
    ClientView {
        name: settings.name.to_string(),
        description: Some(settings.description.to_string()).filter(|text| !text.is_empty()),
        return_to: request.redirect_uri.origin().to_owned(),
    }
}

fn sign_in_form<'r>(app: &App, raw: &'r str, request: &AuthorizationRequest) -> SignInForm<'r> {
    SignInForm {
        action: app.path("/authorize"),
        about: raw,
        client: Some(client_view(request)),
        username: request.prompting.login_hint.as_ref().map(ToString::to_string),
    }
}

/// The sign-in form came back.
fn sign_in(app: &App, request: &Request, about: &str, fields: &Parameters) -> Response {
    // The client's name is shown again, unless the client is gone by now.
    match app.server.consider(about, None) {
        Err(error) => failure(app, request, &error.into()),
        Ok(Considered::Page(refusal)) => refused_request(app, request, &refusal),
        Ok(Considered::Redirect(refusal)) => refuse(app, 303, &refusal),
        Ok(Considered::Approved { to, .. }) => redirect(303, &to),
        Ok(
            Considered::SignIn(considered)
            | Considered::Ask {
                request: considered, ..
            }
            | Considered::Remembered {
                request: considered, ..
            },
        ) => {
            // Redirected, so that reloading the next page does not send the password again.
            let next = format!("{}?{}", app.path("/authorize"), after_sign_in(about));
            sign_in_form(app, about, &considered).submit(app, request, fields, &next)
        }
    }
}

fn approval(
    app: &App,
    spoken: Spoken<'_>,
    cookie: &SessionCookie,
    raw: &str,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
    scopes: Vec<Scope>,
) -> Result<Approval, Failure> {
    let settings = &request.client.settings;
    let form_token = app.server.seal_form(cookie, Purpose::Answer, raw)?;
    let sign_out_token = app.server.seal_form(cookie, Purpose::SignOut, raw)?;
    let refreshes = settings.refresh != RefreshPolicy::None;
    Ok(Approval {
        action: app.path("/authorize"),
        hidden: hidden_fields(&[("request", raw), ("form_token", &form_token)]),
        client: client_view(request),
        username: signed_in.owner.username.to_string(),
        scopes: scopes.into_iter().map(scope_view).collect(),
        resources: request.resources.iter().map(ToString::to_string).collect(),
        access_for: spoken.span(settings.access_token_lifetime),
        remember: None,
        refresh: refreshes.then(|| spoken.span(settings.refresh_token_lifetime)),
        account_url: app.path("/account"),
        sign_out: SignOut {
            action: app.path("/logout"),
            hidden: hidden_fields(&[("request", raw), ("form_token", &sign_out_token)]),
        },
    })
}

pub(super) fn scope_view(scope: Scope) -> ScopeView {
    fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
        items.into_iter().map(|item| item.to_string()).collect()
    }
    ScopeView {
        scope: scope.token.to_string(),
        description: scope.description.to_string(),
        folders: texts(scope.coverage.folders),
        services: texts(scope.coverage.services),
        routes: texts(scope.coverage.routes),
    }
}

/// Stages 3 and 4: the approval form came back.
fn answer(app: &App, request: &Request, about: &str, fields: &Parameters) -> Response {
    let answer = match fields.get("decision") {
        Some("approve") => {
            let ticked = values_of(request.body(), "scope");
            let tokens: Result<Vec<ScopeToken>, _> = ticked.iter().map(|text| text.parse()).collect();
            match tokens {
                Ok(tokens) => {
                    let scope = tokens.into_iter().collect::<ScopeSet>();
                    match fields.get("remember") {
                        Some(shown) => Answer::Remember {
                            scope,
                            shown: shown.to_owned(),
                        },
                        None => Answer::Approve(scope),
                    }
                }
                Err(_) => return tampered(app, request),
            }
        }
        Some("deny") => Answer::Deny,
        _ => return tampered(app, request),
    };
    let cookie = app.cookies.read(request);
    let form_token = fields.get("form_token").unwrap_or_default();
    match app.server.answer(
        about,
        cookie.as_ref(),
        form_token,
        answer,
        app.client_address(request),
    ) {
        Err(error) => failure(app, request, &error),
        Ok(Answered::Redirect(to)) => redirect(303, &to),
        Ok(Answered::Page(refusal)) => refused_request(app, request, &refusal),
        Ok(Answered::Form(error)) => stale_form(app, request, error),
        Ok(Answered::NotAsked) => tampered(app, request),
        Ok(Answered::Twice) => error(app, request, 409, Problem("answered_already")),
        // The session ended while the page was open: sign in again, for the same request.
        Ok(Answered::SignedOut) => redirect(303, &format!("{}?{about}", app.path("/authorize"))),
    }
}

fn tampered(app: &App, request: &Request) -> Response {
    noted::outcome("form not accepted");
    error(app, request, 400, Problem("answer_tampered"))
}
