//! What every page is sent with, and the error pages.

use crate::authorization_server::{Failure, FormError, noted};
use crate::domain::likeness::{distance, is_near};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::shell;
use crate::http::app::App;
use crate::http::development::is_asked_here;
use crate::http::error::status_of;
use crate::http::pages::{Detail, ErrorPage, RenderError, Spoken};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::authorization_request::PageRefusal;
use crate::protocol::parameters::Flaw;
use crate::protocol::redirect_uri_meant::meant;

/// A page of this server.
pub(super) fn page(app: &App, status: u16, html: Result<String, RenderError>) -> Response {
    app.pages.respond(status, html)
}

/// What an error page tells of: the messages `NAME`, `NAME_what`, `NAME_fault` and `NAME_advice` in the section
/// `problem` of the message files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem(pub(super) &'static str);

/// An error page without details.
pub(super) fn error(app: &App, request: &Request, status: u16, problem: Problem) -> Response {
    let spoken = app.spoken(request);
    page(
        app,
        status,
        spoken.error(&view(app, request, status, problem, &[])),
    )
}

fn view(
    app: &App,
    request: &Request,
    status: u16,
    Problem(name): Problem,
    fill: &[(&str, &str)],
) -> ErrorPage {
    let spoken = app.spoken(request);
    let text = |part: &str| spoken.text(&format!("problem.{name}{part}"), fill);
    ErrorPage {
        status,
        headline: text(""),
        explanation: text("_what"),
        fault: text("_fault"),
        advice: text("_advice"),
        details: Vec::new(),
        instead: None,
        command: None,
        command_shows: false,
        explain: app.development.is_some().then(|| {
            format!(
                "oauthctl explain request {}",
                shell::word(&request.id().to_string())
            )
        }),
        request_id: request.id().to_string(),
    }
}

/// The server failed.
pub(super) fn failure(app: &App, request: &Request, failure: &Failure) -> Response {
    tracing::error!(error = %failure, "a request failed");
    noted::error("server_error");
    error(app, request, status_of(failure), Problem("server_error"))
}

/// The page of a server that failed with this status, where a development server is to fail.
pub(in crate::http) fn on_demand(app: &App, request: &Request, status: u16) -> Response {
    error(app, request, status, Problem("server_error"))
}

/// A form that may not be answered.
pub(super) fn stale_form(app: &App, request: &Request, form: FormError) -> Response {
    let problem = match form {
        FormError::Expired => Problem("form_expired"),
        FormError::Forged => Problem("form_forged"),
    };
    noted::outcome("form not accepted");
    error(app, request, 403, problem)
}

/// A request whose browser may not be redirected anywhere.
pub(super) fn refused_request(app: &App, request: &Request, refusal: &PageRefusal) -> Response {
    noted::outcome("request refused");
    let (Problem(name), fill) = problem_of(refusal);
    // The reader reads the request ID to the operator, who finds the reason by it.
    noted::error(name);
    let spoken = app.spoken(request);
    let mut view = view(app, request, 400, Problem(name), fill.as_slice());
    if app.developer_details {
        (view.details, view.command) = for_developers(spoken, refusal);
        view.instead = instead(app, request, refusal);
        if let PageRefusal::UnknownClient(_) = refusal {
            view.command_shows = true;
            // What is meant is known already.
            view.command = view.command.filter(|_| view.instead.is_none());
        }
    }
    page(app, 400, spoken.error(&view))
}

fn problem_of(refusal: &PageRefusal) -> (Problem, Option<(&'static str, &'static str)>) {
    let problem = match refusal {
        PageRefusal::TooLong(_) => "request_too_long",
        PageRefusal::NoClientId => "no_client_id",
        PageRefusal::Flawed(name, Flaw::Repeated) => return (Problem("repeated"), Some(("name", name))),
        PageRefusal::Flawed(name, Flaw::NotText) => return (Problem("not_text"), Some(("name", name))),
        PageRefusal::UnknownClient(_) => "unknown_client",
        PageRefusal::DisabledClient(_) => "disabled_client",
        PageRefusal::NoRedirectUri { .. } => "no_redirect_uri",
        PageRefusal::UnregisteredRedirectUri { .. } => "unregistered_redirect_uri",
    };
    (Problem(problem), None)
}

/// What the client probably means to send.
fn instead(app: &App, request: &Request, refusal: &PageRefusal) -> Option<String> {
    match refusal {
        // Whoever asks from elsewhere, at once or by way of a proxy or tunnel, learns of no client that they have not named.
        PageRefusal::UnknownClient(sent) if is_asked_here(request, app.client_address(request)) => {
            // Where they cannot be read, nothing is proposed.
            let clients = app.server.clients().ok()?;
            let known = clients.iter().map(|client| client.id.as_str());
            let nearest = known.min_by_key(|known| distance(sent, known))?;
            is_near(sent, nearest).then(|| format!("client_id={nearest}"))
        }
        PageRefusal::UnregisteredRedirectUri { sent, registered, .. } => {
            let registered: Vec<String> = registered.iter().map(ToString::to_string).collect();
            meant(sent, &registered).map(|meant| format!("redirect_uri={meant}"))
        }
        _ => None,
    }
}

/// What was sent and what was expected, and the command that mends it.
fn for_developers(spoken: Spoken<'_>, refusal: &PageRefusal) -> (Vec<Detail>, Option<String>) {
    let detail = |label: String, value: &str| Detail {
        label,
        values: vec![value.to_owned()],
    };
    let sent = |name: &str, value: &str| detail(spoken.text("detail.sent", &[("name", name)]), value);
    let missing = |name: &str| Detail {
        label: spoken.text("detail.missing", &[("name", name)]),
        values: Vec::new(),
    };
    let registered = |uris: &[RedirectUri]| Detail {
        label: spoken.text("detail.registered", &[]),
        values: uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
    };
    match refusal {
        PageRefusal::NoClientId => (vec![missing("client_id")], None),
        PageRefusal::TooLong(_) | PageRefusal::Flawed(..) => (Vec::new(), None),
        PageRefusal::UnknownClient(id) => (
            vec![sent("client_id", id)],
            Some("oauthctl client list".to_owned()),
        ),
        PageRefusal::DisabledClient(id) => (
            vec![sent("client_id", id.as_str())],
            Some(format!("oauthctl client enable {}", shell::word(id.as_str()))),
        ),
        PageRefusal::NoRedirectUri {
            client,
            registered: uris,
        } => (
            vec![
                sent("client_id", client.as_str()),
                missing("redirect_uri"),
                registered(uris),
            ],
            None,
        ),
        PageRefusal::UnregisteredRedirectUri {
            client,
            sent: uri,
            registered: uris,
        } => {
            let mut details = vec![
                sent("client_id", client.as_str()),
                sent("redirect_uri", uri),
                registered(uris),
            ];
            let command = match uri.parse::<RedirectUri>() {
                Ok(_) => Some(format!(
                    "oauthctl client update {} --add-redirect-uri {}",
                    shell::word(client.as_str()),
                    shell::word(uri)
                )),
                Err(error) => {
                    details.push(detail(spoken.text("detail.why_not", &[]), &error.to_string()));
                    None
                }
            };
            (details, command)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::Pages;

    #[test]
    fn a_developer_reads_what_was_sent_what_is_expected_and_what_mends_it() {
        let pages = Pages::new("Example");
        let refusal = |uri: &str| PageRefusal::UnregisteredRedirectUri {
            client: "orders".parse().unwrap(),
            sent: uri.to_owned(),
            registered: vec!["http://127.0.0.1:9000/cb".parse().unwrap()],
        };
        let (details, command) = for_developers(pages.spoken(None), &refusal("http://127.0.0.1:9000/other"));
        let mends = "oauthctl client update orders --add-redirect-uri http://127.0.0.1:9000/other";
        assert_eq!(command.as_deref(), Some(mends));
        let told: Vec<(&str, &str)> = details
            .iter()
            .map(|detail| (detail.label.as_str(), detail.values[0].as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("client_id that was sent", "orders"),
                ("redirect_uri that was sent", "http://127.0.0.1:9000/other"),
                ("Registered redirect URIs", "http://127.0.0.1:9000/cb"),
            ]
        );
        let (details, command) = for_developers(pages.spoken(None), &refusal("http://example.com/cb"));
        assert_eq!(command, None, "what cannot be registered is not advised");
        assert_eq!(details[3].label, "Why it cannot be registered");
    }
}
