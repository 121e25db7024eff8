//! `explain`: what the server would do with an authorization request, what became of a token, and what was the matter with
//! a request.

mod authorize;
pub(super) mod checks;
mod descent;
mod request;
mod standing;
mod token;

use clap::Args;

use super::context::Context;
use super::exit::CliError;
use super::output::OutputFormat;

#[derive(Debug, Args)]
#[command(
    override_usage = "oauthctl explain 'URL'\n       oauthctl explain token\n       oauthctl explain request ID"
)]
#[command(after_help = "\
`explain 'URL'` takes an authorization URL, as a client sends the browser to it, and says check by check what this server \
makes of it: what was received, what is registered, where they differ, and what mends it. Exit code 6 where the server \
would refuse it.

`explain token` reads a code, an access token or a refresh token from stdin (alone, in its header, in the JSON of its answer, \
or in the URL to which the browser was sent), and shows all that came of its grant, and \
what ended it.

`explain request ID` takes the ID from an error page (or from the header X-Request-Id), and needs a server that was \
started with `serve --dev`: no other remembers requests, but its log has the ID.

Examples:
  oauthctl explain 'http://127.0.0.1:8420/authorize?response_type=code&client_id=dev-client'
  oauthctl explain token < token.txt
  oauthctl explain request 38g61gjnf1de5")]
pub(super) struct Opts {
    /// An authorization URL in quotes, `token`, or `request`
    #[arg(value_name = "WHAT")]
    what: String,
    /// The ID of a request
    #[arg(value_name = "ID")]
    id: Option<String>,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    refuse_columns(&opts.what, context.output)?;
    match (opts.what.as_str(), &opts.id) {
        ("token", None) => token::run(context),
        ("request", Some(id)) => request::run(id, context),
        ("request", None) => Err(CliError::Usage(
            "which request? give the ID that its error page shows: `oauthctl explain request ID`".to_owned(),
        )),
        ("token", Some(_)) => Err(CliError::Usage(
            "a token never goes on the command line; give it on stdin: `oauthctl explain token < token.txt`"
                .to_owned(),
        )),
        (url, None) if url.contains('?') || url.contains("://") => authorize::run(url, context),
        (_, Some(_)) => Err(CliError::Usage(
            "one thing at a time; put the URL in quotes, such that the shell leaves `&` alone".to_owned(),
        )),
        _ => Err(CliError::Usage(
            "an authorization URL in quotes, `token` or `request ID` is expected".to_owned(),
        )),
    }
}

/// What is explained has parts of its own, which are no columns; and only a request has an ID by which it is found again.
fn refuse_columns(what: &str, output: OutputFormat) -> Result<(), CliError> {
    let refused = match output {
        OutputFormat::Csv => {
            "-o csv: what is explained has parts of its own, which no column holds; -o json has them"
        }
        OutputFormat::Id if what != "request" => {
            "-o id: what is explained has more to it than an ID; -o json has it"
        }
        _ => return Ok(()),
    };
    Err(CliError::Usage(refused.to_owned()))
}
