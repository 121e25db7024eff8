//! `access check|matrix`: stage 8 from the command line, and why.

mod matrix;
mod report;

use clap::{Args, Subcommand};

use self::report::Question;
use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::token_input::{self, NoToken};
use crate::domain::client::ClientId;
use crate::domain::owner::Username;
use crate::domain::resource::Resource;
use crate::domain::token::TokenKind;
use crate::protocol::check_request::{request_asked, service_asked};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Whether a client, a resource owner's approvals or a token may use a service, or make a request, and why; exit
    /// code 6 where it may not
    #[command(
        override_usage = "oauthctl access check [OPTIONS] <--client ID|--owner USERNAME|--token-stdin>\n\
                          \x20                            <--service SERVICE|--method METHOD --path PATH>",
        after_help = "\
A client is allowed what any token of it could do. A resource owner is allowed what a token of an approval that can \
still be used could do, client by client; with --client only those for that client count. What is printed says of each \
scope what covered it or came nearest, and which command would turn a no into a yes.\n\nExamples:\n  \
        oauthctl access check --client orders-web --service orders.eu:list\n  \
        oauthctl access check --owner alice --method DELETE --path /orders/17\n  \
        oauthctl access check --owner alice --client orders-web --service orders:list -o json\n  \
        oauthctl access check --token-stdin --method GET --path /orders/17 < token.txt"
    )]
    Check(Box<CheckOpts>),
    /// Who can reach what: clients by folders, services and routes
    #[command(after_help = "\
`yes` is what a scope of the client opens, `(yes)` what lies within something else that it opens, `by path` what no \
scope of it names and a route of it reaches at /invoke/…, in part at least. Where the clients do not fit beside each \
other, each line names those that there are. The other formats have a row for each client, scope and opening; \
`covered_by` is what else the client has that covers all of it, `by_path` the route that reaches it.\n\nExamples:\n  \
        oauthctl access matrix\n  \
        oauthctl access matrix --client orders-web\n  \
        oauthctl access matrix -o csv > access.csv\n  \
        oauthctl access matrix -o json | jq -r '.[] | select(.pattern == \"orders\") | .client_id'")]
    Matrix {
        /// This client only
        #[arg(long, value_name = "ID", add = complete::any_of(&[complete::Kind::Client]))]
        client: Option<ClientId>,
    },
}

#[derive(Debug, Args)]
pub(super) struct CheckOpts {
    /// What any token of this client could do
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "token_stdin",
        add = complete::any_of(&[complete::Kind::Client])
    )]
    client: Option<ClientId>,
    /// What the tokens of this resource owner's approvals can do; with --client, of those for that client
    #[arg(
        long,
        value_name = "USERNAME",
        conflicts_with = "token_stdin",
        add = complete::any_of(&[complete::Kind::Owner])
    )]
    owner: Option<Username>,
    /// What the access token on stdin can do: alone, in its header, or in the JSON of its answer
    #[arg(long)]
    token_stdin: bool,
    /// The resource at which the token is shown; one that is bound to others is denied there
    #[arg(long, value_name = "URL", conflicts_with_all = ["client", "owner"])]
    resource: Option<Resource>,
    /// The service, such as `orders.eu:list`
    #[arg(long, conflicts_with_all = ["method", "path"])]
    service: Option<String>,
    /// The method of a request
    #[arg(long)]
    method: Option<String>,
    /// The path of a request, as it stands in the request line
    #[arg(long)]
    path: Option<String>,
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Check(opts) => check(&opts, context),
        Command::Matrix { client } => {
            let reaches = context.server()?.access_matrix(client.as_ref())?;
            matrix::print(&reaches, context)
        }
    }
}

fn check(opts: &CheckOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let question = question(opts)?;
    if opts.owner.is_none() && opts.client.is_none() && !opts.token_stdin {
        return Err(incomplete("whose access"));
    }
    let server = context.server()?;
    let allowed = match (&opts.owner, &opts.client) {
        (Some(owner), client) => {
            let explained = server.explain_owner(owner, client.as_ref(), &question.asked)?;
            report::owner(&explained, client.as_ref(), &question, context)?
        }
        (None, Some(client)) => {
            let explained = server.explain_client(client, &question.asked)?;
            report::one(&explained, &question, context)?
        }
        (None, None) => {
            if let Some(resource) = &opts.resource
                && !server.is_registered(resource)?
            {
                return Err(CliError::Usage(format!(
                    "the resource {resource} is not registered, and a check there is refused; \
                     `oauthctl resource-server update NAME --resource URL` registers it"
                )));
            }
            match token_input::from_stdin() {
                Ok(token) if token.kind() == TokenKind::AccessToken => {
                    let resource = opts.resource.as_ref();
                    match server.explain_token(resource, &token.reveal(), &question.asked)? {
                        Some(explained) => report::one(&explained, &question, context)?,
                        None => report::no_token(ELSEWHERE, &question, context)?,
                    }
                }
                Ok(token) => {
                    let why = format!(
                        "this is no access token, which begins with oat_: what begins with {} opens nothing at a resource \
                         server",
                        token.kind().prefix()
                    );
                    report::no_token(&why, &question, context)?
                }
                // A resource server would be told the same of it.
                Err(NoToken::Other(why)) => report::no_token(&why, &question, context)?,
                Err(NoToken::Failed(error)) => return Err(error),
            }
        }
    };
    if allowed { Ok(()) } else { Err(CliError::Denied) }
}

/// Of a token that is not there.
const ELSEWHERE: &str = "a token of this form can be of another server, of an earlier start of this one with another database, cut, or pruned";

fn question(opts: &CheckOpts) -> Result<Question, CliError> {
    match (&opts.service, &opts.method, &opts.path) {
        (Some(service), _, _) => Ok(Question {
            asked: service_asked(service),
            service: Some(service.clone()),
            request: None,
        }),
        (None, Some(method), Some(path)) => {
            // As in a request that a proxy forwards: the query is not what scopes speak of.
            let path = path.split('?').next().unwrap_or_default();
            Ok(Question {
                asked: request_asked(method.as_bytes(), path.as_bytes()),
                service: None,
                request: Some((method.clone(), path.to_owned())),
            })
        }
        (None, None, None) => Err(incomplete("what is asked for")),
        (None, Some(_), None) => Err(incomplete("the path")),
        (None, None, Some(_)) => Err(incomplete("the method")),
    }
}

fn incomplete(missing: &str) -> CliError {
    CliError::Usage(format!(
        "{missing} is missing; accepted are `--client ID`, `--owner USERNAME`, both, or `--token-stdin`, each with \
         `--service SERVICE` or with `--method METHOD --path PATH`"
    ))
}
