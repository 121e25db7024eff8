//! Why a request was refused, check by check. Secrets may stand in it, until `shown` has cut them.

use super::shown;
use crate::authorization_server::Failure;
use crate::http::app::App;
use crate::http::endpoints::{check, form_body, introspect, revoke};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::http::router::Endpoint;
use crate::protocol::access_token_checks::{of_missing, option};
use crate::protocol::authorization_checks::Check;
use crate::protocol::bearer;
use crate::protocol::caller_checks::AskedOf;
use crate::protocol::check_request::{self, Asked, request_asked};
use crate::protocol::check_resource;
use crate::protocol::parameters::{Parameters, names_any};
use crate::protocol::token_request::{self, GrantType};
use crate::protocol::token_request_checks::{of_content_type, of_method, of_misplaced};

/// Why a request was refused, where somebody may wonder. What cannot be told here, the answer has told.
pub(super) fn explained(
    app: &App,
    request: &Request,
    endpoint: Option<Endpoint>,
    response: &Response,
) -> Vec<Check> {
    let is_refused = matches!(response.status(), 400 | 401 | 405);
    match endpoint {
        Some(Endpoint::Token(implied)) if is_refused => refused_token(app, request, implied),
        Some(Endpoint::Introspect) if is_refused || is_inactive(response) => {
            refused_caller(app, request, AskedOf::Introspection, &introspect::KNOWN)
        }
        Some(Endpoint::Revoke) if is_refused => {
            refused_caller(app, request, AskedOf::Revocation, &revoke::KNOWN)
        }
        Some(Endpoint::Check) if matches!(response.status(), 401 | 403) => refused_check(app, request),
        Some(Endpoint::Authorize) if request.method() == "GET" && !request.query().is_empty() => {
            let explained = app.server.explain_request(request.query());
            explained.map(|explained| explained.checks).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Whether an introspection says that the token is not active (RFC 7662 §2.2).
fn is_inactive(response: &Response) -> bool {
    let body = serde_json::from_slice::<serde_json::Value>(response.body_bytes());
    response.status() == 200 && body.is_ok_and(|body| body["active"] == false)
}

fn refused_token(app: &App, request: &Request, implied: Option<GrantType>) -> Vec<Check> {
    explained_form(
        request,
        &token_request::KNOWN,
        "grant_type",
        |authorization, body| app.server.explain_token_request(authorization, body, implied),
    )
}

fn refused_caller(app: &App, request: &Request, of: AskedOf, known: &[&'static str]) -> Vec<Check> {
    explained_form(request, known, "token", |authorization, body| {
        app.server.explain_caller(authorization, body, of)
    })
}

/// Of a request that is a form: `first` is what must be in it.
fn explained_form(
    request: &Request,
    known: &[&'static str],
    first: &str,
    explain: impl FnOnce(Option<&str>, &Parameters) -> Result<Vec<Check>, Failure>,
) -> Vec<Check> {
    if request.method() != "POST" {
        return vec![of_method(request.method())];
    }
    if !form_body::is_form(request) {
        return vec![of_content_type(request.header("Content-Type"))];
    }
    let body = Parameters::parse(request.body(), known);
    if body.get(first).is_none()
        && let Some(misplaced) = of_misplaced(request.query(), request.body(), known)
    {
        return vec![misplaced];
    }
    explain(request.header("Authorization"), &body).unwrap_or_default()
}

fn refused_check(app: &App, request: &Request) -> Vec<Check> {
    let authorization = request.header("Authorization");
    let Some(token) = authorization.and_then(bearer::token) else {
        let scheme = authorization.map(shown::scheme);
        let is_in_url = names_any(request.query().as_bytes(), &["access_token"]);
        return vec![of_missing(scheme.as_deref(), is_in_url)];
    };
    let Ok(asked) = check::asked(app, request) else {
        return Vec::new();
    };
    let resource = check_resource::read(request.query()).ok().flatten();
    let question = question(request, &asked);
    let explained = app
        .server
        .explain_refused_check(resource.as_ref(), token, &asked, question);
    explained.unwrap_or_default()
}

/// The options of `access check` that ask for the same; none where there are no such, or a secret would stand among them.
fn question(request: &Request, asked: &Asked) -> Option<Vec<String>> {
    let (method, path) = match asked {
        Asked::For(requested) => match requested.method_and_path() {
            Some((method, path)) => (method.to_string(), path.to_string()),
            None => return of_service(requested.service_name()?.as_str()),
        },
        Asked::ForNothing(reason) => {
            let parameters = Parameters::parse(request.query().as_bytes(), &check_request::KNOWN);
            let from_query = |name| parameters.get(name).map(str::to_owned);
            if let Some(service) = from_query("service") {
                return of_service(&service);
            }
            let from_header = |name: &str| {
                ["X-Original", "X-Forwarded"]
                    .into_iter()
                    .find_map(|pair| request.header(&format!("{pair}-{name}")))
                    .map(str::to_owned)
            };
            let method = from_query("method").or_else(|| from_header("Method"))?;
            let path = from_query("path").or_else(|| from_header("URI"))?;
            let path = path.split('?').next().unwrap_or_default().to_owned();
            // Which pair of headers counts, and how the query is encoded, no option says.
            match request_asked(method.as_bytes(), path.as_bytes()) {
                Asked::ForNothing(same) if same == *reason => (method, path),
                _ => return None,
            }
        }
    };
    let is_open = is_open("method", &method) && is_open("path", &path) && shown::path(&path) == path;
    is_open.then(|| [option("--method", &method), option("--path", &path)].concat())
}

fn of_service(service: &str) -> Option<Vec<String>> {
    is_open("service", service).then(|| option("--service", service))
}

/// Whether a value may be shown as it is, and typed.
fn is_open(name: &str, value: &str) -> bool {
    shown::shown(name, value) == value && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
