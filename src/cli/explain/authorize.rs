//! `explain 'URL'`.

use serde_json::{Value, json};

use super::checks::{self, GREEN, RED, YELLOW, paint, remedy_text};
use crate::authorization_server::{ExplainedOutcome, ExplainedRequest};
use crate::cli::context::Context;
use crate::cli::dev::control::issuer_beside;
use crate::cli::exit::CliError;
use crate::cli::output::OutputFormat;
use crate::domain::issuer::Issuer;
use crate::domain::text::visible;
use crate::http::router::{Endpoint, endpoint};
use crate::protocol::authorization_checks::{Check, Verdict};
use crate::protocol::parameters::Parameters;

pub(super) fn run(url: &str, context: &mut Context<'_>) -> Result<(), CliError> {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    // What follows `#` stays in the browser.
    let query = query.split('#').next().unwrap_or_default();
    let issuer = match issuer_beside(&context.settings.database.path) {
        Some(running) => running,
        None => context.issuer()?,
    };
    let parameters = Parameters::parse(
        query.as_bytes(),
        &["client_id", "response_type", "code", "error", "error_description"],
    );
    refuse_other_urls(before, &parameters, &issuer)?;
    let remark = remark_on(before, &issuer);
    refuse_too_long(before, query, context)?;
    let explained = context.server_of_existing()?.explain_request(query)?;
    print(&explained, remark.as_deref(), &issuer, context)?;
    context.say_bare()?;
    match explained.outcome {
        ExplainedOutcome::Page | ExplainedOutcome::Redirect(_) => Err(CliError::Denied),
        ExplainedOutcome::SignIn(_) => Ok(()),
    }
}

/// What somebody may have in hand in place of an authorization request: the answer to one, or another address.
fn refuse_other_urls(before: &str, parameters: &Parameters, issuer: &Issuer) -> Result<(), CliError> {
    let named = |name| parameters.get(name).or_else(|| parameters.flaw(name).map(|_| ""));
    if named("client_id").is_some() || named("response_type").is_some() {
        return Ok(());
    }
    let wanted = "`explain` takes the URL to which the client sends the browser first";
    if let Some(error) = named("error") {
        let description = named("error_description").map(|text| format!(" ({})", visible(text)));
        return Err(CliError::Usage(format!(
            "this is the answer to an authorization request, the error {}{}, and not the request; {wanted}",
            visible(error),
            description.unwrap_or_default()
        )));
    }
    if named("code").is_some() {
        return Err(CliError::Usage(format!(
            "this is the answer to an authorization request, with a code, and not the request; {wanted}; \
             `oauthctl explain token` takes the code, on stdin"
        )));
    }
    if before.contains("://") && !leads_to_authorize(before, issuer) {
        return Err(CliError::Usage(format!(
            "{} is no authorization endpoint; that is {}",
            visible(before),
            issuer.endpoint("/authorize")
        )));
    }
    Ok(())
}

fn leads_to_authorize(before: &str, issuer: &Issuer) -> bool {
    let after_host = before.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_host
        .find('/')
        .and_then(|at| after_host.get(at..))
        .unwrap_or("/");
    endpoint(path, issuer) == Some(Endpoint::Authorize)
}

/// The listener does not take every URL, and a browser that followed it would see nothing of what is said here.
fn refuse_too_long(before: &str, query: &str, context: &Context<'_>) -> Result<(), CliError> {
    let after_scheme = before.split_once("://").map_or(before, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or(0, |at| after_scheme.len() - at);
    let length = path + 1 + query.len();
    let most = context.settings.limits.target_bytes;
    if length <= most {
        return Ok(());
    }
    Err(CliError::CheckFailed(format!(
        "the server answers 414: path and query have {length} bytes, and it takes {most}; `target_bytes` under [limits] \
         is that bound"
    )))
}

/// Where the URL does not lead to the authorization endpoint of this server, as far as its settings tell.
fn remark_on(before: &str, issuer: &Issuer) -> Option<String> {
    let expected = issuer.endpoint("/authorize");
    if before == expected || !before.contains("://") {
        return None;
    }
    if leads_to_authorize(before, issuer) {
        Some(format!(
            "the URL leads to {}, and the settings here say {expected}",
            visible(before)
        ))
    } else {
        Some(format!(
            "{} is no authorization endpoint; that is {expected}",
            visible(before)
        ))
    }
}

/// Prints an explanation. The database alone decides; `remark` is about the address.
pub(super) fn print(
    explained: &ExplainedRequest,
    remark: Option<&str>,
    issuer: &Issuer,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let text = if context.output == OutputFormat::Table {
        table(explained, remark, issuer, context.colored.stdout)
    } else {
        format!("{}\n", json(explained, remark, issuer))
    };
    context
        .stdout
        .write_all(text.as_bytes())
        .map_err(CliError::io("write to stdout"))
}

fn table(explained: &ExplainedRequest, remark: Option<&str>, issuer: &Issuer, colored: bool) -> String {
    let mut lines = Vec::new();
    if let Some(remark) = remark {
        lines.push(format!("{} {remark}", paint(colored, YELLOW, "!")));
    }
    lines.extend(checks::lines(&explained.checks, colored));
    let outcome = Outcome::of(&explained.outcome, issuer);
    let color = if outcome.is_good { GREEN } else { RED };
    lines.push(String::new());
    lines.push(paint(colored, color, &visible(&outcome.told)));
    lines.extend(outcome.location.iter().map(|to| format!("    {}", visible(to))));
    lines.join("\n") + "\n"
}

/// What the server does.
struct Outcome {
    is_good: bool,
    name: &'static str,
    told: String,
    /// Where it sends the browser at once.
    location: Option<String>,
}

impl Outcome {
    fn of(outcome: &ExplainedOutcome, issuer: &Issuer) -> Self {
        match outcome {
            ExplainedOutcome::Page => Self {
                is_good: false,
                name: "page",
                told: "The server shows an error page (400), and sends the browser nowhere.".to_owned(),
                location: None,
            },
            ExplainedOutcome::Redirect(refusal) => Self {
                is_good: false,
                name: "redirect",
                told: format!(
                    "The server sends the browser back with error={}: {}",
                    refusal.error.code.as_str(),
                    refusal.error.description
                ),
                location: Some(refusal.response(issuer.as_str())),
            },
            ExplainedOutcome::SignIn(request) => Self {
                is_good: true,
                name: "sign_in",
                told: format!(
                    "The server has the resource owner sign in, asks whether {} may have {}, and sends the browser to {}.",
                    request.client.settings.name, request.scope, request.redirect_uri
                ),
                location: None,
            },
        }
    }
}

fn json(explained: &ExplainedRequest, remark: Option<&str>, issuer: &Issuer) -> Value {
    let outcome = Outcome::of(&explained.outcome, issuer);
    let (error, description) = match &explained.outcome {
        ExplainedOutcome::Redirect(refusal) => (
            Some(refusal.error.code.as_str()),
            Some(refusal.error.description.as_str()),
        ),
        _ => (None, None),
    };
    let checks: Vec<Value> = explained.checks.iter().map(check_json).collect();
    json!({
        "allowed": outcome.is_good,
        "outcome": outcome.name,
        "told": outcome.told,
        "location": outcome.location,
        "error": error,
        "error_description": description,
        "remark": remark,
        "checks": checks,
    })
}

fn check_json(check: &Check) -> Value {
    let remedies: Vec<String> = check.remedies.iter().map(remedy_text).collect();
    json!({
        "parameter": check.parameter,
        "verdict": match check.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Remarked => "remarked",
        },
        "told": check.told,
        "received": check.received,
        "registered": check.expected,
        "differs_at": check.differs_at,
        "remedies": remedies,
    })
}
