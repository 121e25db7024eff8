//! `access check`: stage 8 from the command line.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::prompt;
use crate::authorization_server::CheckRefusal;
use crate::domain::client::ClientId;
use crate::protocol::check::CheckDecision;
use crate::protocol::check_request::{Asked, request_asked, service_asked};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Whether a client or a token may use a service, or make a request; exit code 6 where it may not
    #[command(after_help = "Examples:\n  \
        oauthctl access check --client orders-web --service orders.eu:list\n  \
        oauthctl access check --token-stdin --method GET --path /orders/17 < token.txt")]
    Check(CheckOpts),
}

#[derive(Debug, Args)]
pub(super) struct CheckOpts {
    /// What any token of this client could do
    #[arg(
        long,
        value_name = "ID",
        required_unless_present = "token_stdin",
        conflicts_with = "token_stdin",
        add = complete::any_of(&[complete::Kind::Client])
    )]
    client: Option<ClientId>,
    /// What the access token on the first line of stdin can do
    #[arg(long)]
    token_stdin: bool,
    /// The service, such as `orders.eu:list`
    #[arg(long, required_unless_present = "path", conflicts_with_all = ["method", "path"])]
    service: Option<String>,
    /// The method of a request
    #[arg(long, requires = "path")]
    method: Option<String>,
    /// The path of a request, as it stands in the request line
    #[arg(long, requires = "method")]
    path: Option<String>,
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    let Command::Check(opts) = command;
    let asked = asked(&opts)?;
    let server = context.server()?;
    let (record, allowed) = match &opts.client {
        Some(id) => {
            let checked = server.check_client(id, &asked)?;
            let (head, allowed) = match checked.decision {
                CheckDecision::Allowed { scope, by } => (allowed_record(scope.as_str(), &by), true),
                CheckDecision::Denied { reason } => (denied_record(&reason), false),
            };
            (
                head.text("client_id", id.as_str())
                    .list("scopes", checked.scopes.iter()),
                allowed,
            )
        }
        None => match server.check_token(&prompt::line_of_stdin("access token")?, &asked)? {
            Ok(passed) => {
                let record = allowed_record(passed.scope.as_str(), &passed.by)
                    .text("client_id", passed.client.as_str())
                    .text("username", passed.owner.as_str())
                    .text("grant_id", passed.grant.to_string())
                    .list("scopes", passed.scope_in_force.iter());
                (record, true)
            }
            Err(CheckRefusal::Denied(reason)) => (denied_record(&reason), false),
            Err(CheckRefusal::Inactive(inactive)) => (denied_record(&inactive.to_string()), false),
        },
    };
    context.print(&record)?;
    if allowed { Ok(()) } else { Err(CliError::Denied) }
}

fn asked(opts: &CheckOpts) -> Result<Asked, CliError> {
    match (&opts.service, &opts.method, &opts.path) {
        (Some(service), _, _) => Ok(service_asked(service)),
        (None, Some(method), Some(path)) => {
            // As in a request that a proxy forwards: the query is not what scopes speak of.
            let path = path.split('?').next().unwrap_or_default();
            Ok(request_asked(method.as_bytes(), path.as_bytes()))
        }
        _ => Err(CliError::Usage(
            "give --service, or --method and --path".to_owned(),
        )),
    }
}

fn allowed_record(scope: &str, by: &str) -> Record {
    Record::new()
        .value("allowed", true)
        .text("reason", format!("the scope {scope} covers it by the {by}"))
        .text("scope", scope)
}

fn denied_record(reason: &str) -> Record {
    Record::new()
        .value("allowed", false)
        .text("reason", reason)
        .value("scope", Value::Null)
}
