//! What every page is sent with, and the error pages.

use crate::authorization_server::{Failure, FormError, noted};
use crate::domain::redirect_uri::RedirectUri;
use crate::http::app::App;
use crate::http::error::status_of;
use crate::http::pages::{Detail, ErrorPage, RenderError};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::authorization_request::PageRefusal;

/// A page of this server.
pub(super) fn page(app: &App, status: u16, html: Result<String, RenderError>) -> Response {
    app.pages.respond(status, html)
}

/// An error page without details.
pub(super) fn error(
    app: &App,
    request: &Request,
    status: u16,
    headline: &str,
    explanation: &str,
    advice: &str,
) -> Response {
    let view = ErrorPage {
        status,
        headline: headline.to_owned(),
        explanation: explanation.to_owned(),
        advice: Some(advice.to_owned()).filter(|advice| !advice.is_empty()),
        details: Vec::new(),
        command: None,
        request_id: request.id().to_string(),
    };
    page(app, status, app.pages.error(&view))
}

/// The server failed.
pub(super) fn failure(app: &App, request: &Request, failure: &Failure) -> Response {
    tracing::error!(error = %failure, "a request failed");
    noted::error("server_error");
    let explanation = "Something went wrong on this server. Nothing was approved and nothing was changed.";
    error(
        app,
        request,
        status_of(failure),
        "This did not work",
        explanation,
        "Please try again in a moment.",
    )
}

/// A form that may not be answered.
pub(super) fn stale_form(app: &App, request: &Request, form: FormError) -> Response {
    let explanation = match form {
        FormError::Expired => "This page was open for too long, so its form is no longer accepted.",
        FormError::Forged => {
            "This form was not opened in this browser, or cookies are blocked. To protect you, it was not accepted."
        }
    };
    let advice = "Go back to the application that sent you here and start again.";
    noted::outcome("form not accepted");
    error(
        app,
        request,
        403,
        "This form cannot be used any more",
        explanation,
        advice,
    )
}

/// A request whose browser may not be redirected anywhere.
pub(super) fn refused_request(app: &App, request: &Request, refusal: &PageRefusal) -> Response {
    noted::outcome("request refused");
    let view = ErrorPage {
        request_id: request.id().to_string(),
        ..refusal_view(refusal, app.developer_details)
    };
    page(app, 400, app.pages.error(&view))
}

fn refusal_view(refusal: &PageRefusal, developer: bool) -> ErrorPage {
    let mut view = ErrorPage {
        status: 400,
        headline: "This link does not work".to_owned(),
        explanation: String::new(),
        advice: Some(
            "The fault is probably in the application that sent you here. Its operator can mend it."
                .to_owned(),
        ),
        details: Vec::new(),
        command: None,
        request_id: String::new(),
    };
    let sent = |label: &str, value: &str| Detail {
        label: label.to_owned(),
        values: vec![value.to_owned()],
    };
    match refusal {
        PageRefusal::NoClientId => {
            "The request does not say which application it comes from: client_id is missing."
                .clone_into(&mut view.explanation);
        }
        PageRefusal::Flawed(name, flaw) => view.explanation = format!("The parameter {name} {flaw}."),
        PageRefusal::UnknownClient(id) => {
            "The request comes from an application that is not registered here."
                .clone_into(&mut view.explanation);
            view.details.push(sent("client_id that was sent", id));
            if developer {
                view.command = Some("oauthctl client list".to_owned());
            }
        }
        PageRefusal::DisabledClient(id) => {
            "The application that sent you here has been disabled.".clone_into(&mut view.explanation);
            view.advice =
                Some("Ask the operator of this server if you think that this is a mistake.".to_owned());
            view.details.push(sent("client_id", id.as_str()));
        }
        PageRefusal::NoRedirectUri { client, registered } => {
            "The application did not say where to send you back to, and it has registered several places."
                .clone_into(&mut view.explanation);
            view.details.push(sent("client_id", client.as_str()));
            if developer {
                view.details.push(registered_uris(registered));
            }
        }
        PageRefusal::UnregisteredRedirectUri {
            client,
            sent: uri,
            registered,
        } => {
            "The application asked to send you back to an address that it has not registered. You were not sent there."
                .clone_into(&mut view.explanation);
            view.details.push(sent("client_id", client.as_str()));
            view.details.push(sent("redirect_uri that was sent", uri));
            if developer {
                view.details.push(registered_uris(registered));
                match uri.parse::<RedirectUri>() {
                    Ok(_) => {
                        view.command = Some(format!(
                            "oauthctl client update {} --add-redirect-uri {}",
                            shell_word(client.as_str()),
                            shell_word(uri)
                        ));
                    }
                    Err(error) => view
                        .details
                        .push(sent("Why it cannot be registered", &error.to_string())),
                }
            }
        }
    }
    view
}

fn registered_uris(registered: &[RedirectUri]) -> Detail {
    Detail {
        label: "Registered redirect URIs".to_owned(),
        values: registered.iter().map(|uri| uri.as_str().to_owned()).collect(),
    }
}

/// A text as one word of a shell, whatever is in it.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_quotes_what_a_stranger_sent() {
        assert_eq!(shell_word("http://127.0.0.1:9/cb"), "http://127.0.0.1:9/cb");
        assert_eq!(shell_word("http://x/?a=b&c"), "'http://x/?a=b&c'");
        assert_eq!(shell_word("a';rm -rf ~'"), r"'a'\'';rm -rf ~'\'''");
    }

    #[test]
    fn what_is_registered_is_told_to_developers_only() {
        let refusal = PageRefusal::UnregisteredRedirectUri {
            client: "orders".parse().unwrap(),
            sent: "http://127.0.0.1:9000/other".to_owned(),
            registered: vec!["http://127.0.0.1:9000/cb".parse().unwrap()],
        };
        let developer = refusal_view(&refusal, true);
        let command = "oauthctl client update orders --add-redirect-uri http://127.0.0.1:9000/other";
        assert_eq!(developer.command.as_deref(), Some(command));
        assert!(
            developer
                .details
                .iter()
                .any(|detail| detail.values == ["http://127.0.0.1:9000/cb"])
        );
        let stranger = refusal_view(&refusal, false);
        assert_eq!(stranger.command, None);
        assert!(
            !stranger
                .details
                .iter()
                .any(|detail| detail.values == ["http://127.0.0.1:9000/cb"])
        );
    }
}
