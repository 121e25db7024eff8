//! `token list|show|revoke|prune`.

use std::io::{self, BufRead, Read};
use std::str::FromStr;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use super::complete;
use super::context::Context;
use super::dev::control::uses_are_written;
use super::exit::CliError;
use super::grant::{refuse_unknown, with_resources};
use super::output::{OutputFormat, Record};
use super::stream::{Paging, Stream};
use super::{progress, prompt};
use crate::authorization_server::AuthorizationServer;
use crate::domain::client::ClientId;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::scope::ScopeToken;
use crate::domain::span::Span;
use crate::domain::token::{TokenKind, TokenValue};
use crate::domain::token_state::TokenState;
use crate::store::{TokenOverview, TokenSelector};

/// How many tokens a dry run shows.
const SAMPLE: usize = 10;

/// The most bytes of tokens and IDs on stdin: a hundred thousand tokens.
const LONGEST_STDIN: u64 = 8 * 1024 * 1024;

const EXACTNESS: &str = "The last use of a token is gathered in memory and written every 10 seconds while the server \
    runs, and when it stops; what a killed server had gathered is lost.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List tokens by ID, client, resource owner, scope, kind, age, disuse, expiry and state; several are joined by *and*
    #[command(after_help = format!("{EXACTNESS}\n\nExamples:\n  \
        oauthctl token list --client orders-web --state active\n  \
        oauthctl token list --unused-for 90d -o jsonl --limit 1000"))]
    List(ListOpts),
    /// Show one token
    #[command(after_help = "Example:\n  oauthctl token show 38g61gjnwdega")]
    Show {
        /// The token's ID
        id: Identifier,
    },
    /// Revoke tokens at once; revoking a refresh token ends its grant and all that came of it
    #[command(after_help = format!("A token never goes on the command line: give its ID, or the token itself on stdin with \
        `-`.\nInterrupted, the command can be repeated: it goes on where it was.\n\n{EXACTNESS}\n\nExamples:\n  \
        oauthctl token revoke --client orders-web --dry-run\n  \
        oauthctl token revoke --unused-for 90d --yes\n  \
        oauthctl token revoke - --yes < leaked-tokens.txt"))]
    Revoke(RevokeOpts),
    /// Remove what ended long ago: tokens, codes, grants, sessions
    #[command(
        after_help = "Refresh tokens are kept as long as their grant lives, so that reuse of an old one is noticed.\n\n\
        Example:\n  oauthctl token prune --older-than 30d --yes"
    )]
    Prune {
        /// What ended longer ago than this [default: `tokens.keep_ended` of the settings]
        #[arg(long, value_name = "SPAN")]
        older_than: Option<Span>,
        /// Say how many tokens would be removed, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

/// Which kind of token.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Access tokens.
    Access,
    /// Refresh tokens.
    Refresh,
}

#[derive(Debug, Args)]
struct Selectors {
    /// Of this grant
    #[arg(long, value_name = "ID")]
    grant: Option<Identifier>,
    /// Of this client
    #[arg(long, value_name = "ID", add = complete::any_of(&[complete::Kind::Client]))]
    client: Option<ClientId>,
    /// Approved by this resource owner
    #[arg(long, value_name = "USERNAME", add = complete::any_of(&[complete::Kind::Owner]))]
    owner: Option<Username>,
    /// With this scope
    #[arg(long, add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Option<ScopeToken>,
    /// Of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Issued longer ago than this, such as 30d
    #[arg(long, value_name = "SPAN")]
    older_than: Option<Span>,
    /// Not used for this long, such as 90d; one that was never used counts from its issue
    #[arg(long, value_name = "SPAN")]
    unused_for: Option<Span>,
    /// With a life that has ended
    #[arg(long)]
    expired: bool,
    /// In this state: active, expired, revoked or rotated
    #[arg(long)]
    state: Option<TokenState>,
}

#[derive(Debug, Args)]
pub(super) struct ListOpts {
    /// These tokens, by ID
    ids: Vec<Identifier>,
    #[command(flatten)]
    selectors: Selectors,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, Args)]
pub(super) struct RevokeOpts {
    /// These tokens, by ID; `-` reads tokens or IDs from stdin, one a line
    ids: Vec<Named>,
    #[command(flatten)]
    selectors: Selectors,
    /// Say what would be revoked, with a sample, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    yes: bool,
}

/// A token as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// By its ID.
    Id(Identifier),
    /// On stdin.
    Stdin,
}

/// The text names no token. (One that is a token itself is never shown: see `cli::main`.)
#[derive(Debug, thiserror::Error)]
#[error("an ID of 13 characters is expected, or `-` for stdin")]
struct NotNamed;

impl FromStr for Named {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        text.parse().map(Self::Id).map_err(|_| NotNamed)
    }
}

impl Selectors {
    fn into_selector(
        self,
        identifiers: Vec<Identifier>,
        server: &AuthorizationServer,
    ) -> Result<TokenSelector, CliError> {
        refuse_unknown(
            server,
            self.client.as_ref(),
            self.owner.as_ref(),
            self.scope.as_ref(),
        )?;
        let now = server.instant();
        let selector = TokenSelector {
            identifiers,
            grant: self.grant,
            client: self.client,
            owner: self.owner,
            scope: self.scope,
            kind: self.kind.map(|kind| match kind {
                Kind::Access => TokenKind::AccessToken,
                Kind::Refresh => TokenKind::RefreshToken,
            }),
            issued_before: self.older_than.map(|span| now.before(span.duration())),
            unused_since: self.unused_for.map(|span| now.before(span.duration())),
            expired: self.expired,
            state: self.state,
        };
        server.refuse_unknown_tokens(&selector)?;
        Ok(selector)
    }
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    // What is shown and selected by last use is to be of this moment, where a development server can see to that.
    uses_are_written(&context.settings.database.path);
    match command {
        Command::List(opts) => list(opts, context),
        Command::Show { id } => {
            let token = context.server()?.token_by_id(id)?;
            context.print(&with_resources(record(&token), &token.resources))
        }
        Command::Revoke(opts) => revoke(opts, context),
        Command::Prune {
            older_than,
            dry_run,
            yes,
        } => prune(older_than, dry_run, yes, context),
    }
}

fn list(opts: ListOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let server = context.server()?;
    let selector = opts.selectors.into_selector(opts.ids, &server)?;
    let mut after = opts
        .paging
        .after
        .map(|token| server.token_cursor(&selector, token))
        .transpose()?;
    let mut stream = Stream::begin(&opts.paging, context)?;
    while let Some(room) = stream.room() {
        let page = server.tokens(&selector, after, room)?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        stream.page(page.iter().map(record).collect(), context)?;
    }
    stream.end("no such tokens", context)
}

fn revoke(opts: RevokeOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let reads_stdin = opts.ids.contains(&Named::Stdin);
    let mut identifiers: Vec<Identifier> = opts
        .ids
        .iter()
        .filter_map(|named| match named {
            Named::Id(identifier) => Some(*identifier),
            Named::Stdin => None,
        })
        .collect();
    if reads_stdin {
        identifiers.extend(identifiers_of_stdin()?);
    }
    let server = context.server()?;
    let selector = opts.selectors.into_selector(identifiers, &server)?;
    if selector == TokenSelector::default() {
        return Err(CliError::Usage(
            "say which tokens: give IDs or selectors, such as --client or --unused-for; `token list` takes the same"
                .to_owned(),
        ));
    }
    if opts.yes && !opts.dry_run {
        // Nobody is asked, so nobody has to be told first how many there are: counting them costs as much as finding them.
        let counter = progress::counter(context, "tokens revoked");
        return revoke_all(&server, &selector, &counter, context);
    }
    let (matched, sample) = server.count_tokens(&selector, SAMPLE)?;
    if opts.dry_run {
        if context.output == OutputFormat::Table {
            let records: Vec<Record> = sample.iter().map(record).collect();
            context.print_list(&records, "no such tokens")?;
        }
        return print_tally(context, "revoked", matched, 0, true);
    }
    if matched > 0 {
        prompt::confirm(context, false, &format!("Revoke {}?", counted(matched)))?;
    }
    let bar = progress::bar(context, "revoking", matched);
    revoke_all(&server, &selector, &bar, context)
}

fn revoke_all(
    server: &AuthorizationServer,
    selector: &TokenSelector,
    bar: &ProgressBar,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let tally = server.revoke_tokens(selector, |behind| progress::to(bar, behind))?;
    bar.finish_and_clear();
    print_tally(context, "revoked", tally.matched, tally.changed, false)
}

fn counted(tokens: usize) -> String {
    if tokens == 1 {
        "1 token".to_owned()
    } else {
        format!("{tokens} tokens")
    }
}

fn print_tally(
    context: &mut Context<'_>,
    verb: &'static str,
    matched: usize,
    changed: usize,
    dry_run: bool,
) -> Result<(), CliError> {
    context.print(
        &Record::new()
            .value("matched", matched)
            .value(verb, changed)
            .value("dry_run", dry_run),
    )
}

/// Tokens or IDs, one a line.
fn identifiers_of_stdin() -> Result<Vec<Identifier>, CliError> {
    let read = CliError::io("read tokens from stdin");
    let mut identifiers = Vec::new();
    let lines: Vec<String> = io::stdin()
        .lock()
        .take(LONGEST_STDIN)
        .lines()
        .collect::<Result<_, _>>()
        .map_err(read)?;
    for (number, line) in (1..).zip(lines) {
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        let value = TokenValue::parse(text).filter(|value| value.kind() != TokenKind::AuthorizationCode);
        let identifier = value
            .map(|value| value.identifier())
            .or_else(|| text.parse().ok());
        // What stands there may be a secret: it is not shown.
        let identifier = identifier.ok_or_else(|| {
            CliError::Usage(format!(
                "line {number} of stdin is neither a token nor the ID of one"
            ))
        })?;
        identifiers.push(identifier);
    }
    if identifiers.is_empty() {
        return Err(CliError::Usage("stdin holds no tokens".to_owned()));
    }
    Ok(identifiers)
}

fn prune(
    older_than: Option<Span>,
    dry_run: bool,
    yes: bool,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let server = context.server()?;
    let keep = older_than.unwrap_or(context.settings.tokens.keep_ended);
    let cutoff = server.instant().before(keep.duration());
    let matched = server.count_prunable(cutoff)?;
    let removed = if dry_run {
        0
    } else {
        // Where nothing matches there is nothing to lose; sessions and codes that ended go without a word.
        prompt::confirm(
            context,
            yes || matched == 0,
            &format!("Remove {} that ended before {cutoff}?", counted(matched)),
        )?;
        let bar = progress::bar(context, "removing", matched);
        let tally = server.prune(cutoff, |behind| progress::to(&bar, behind))?;
        bar.finish_and_clear();
        tally.changed
    };
    print_tally(context, "pruned", matched, removed, dry_run)
}

/// A token as every command prints it.
fn record(token: &TokenOverview) -> Record {
    Record::new()
        .text("token_id", token.identifier.to_string())
        .text("kind", token.kind.name())
        .text("state", token.state.name())
        .text("grant_id", token.grant.to_string())
        .not_in_list()
        .text("client_id", token.client.as_str())
        .text("username", token.owner.as_str())
        .text("scope", token.scope.to_string())
        .instant("issued_at", token.issued_at)
        .not_in_list()
        .instant("expires_at", token.expires_at)
        .optional_instant("last_used_at", token.last_used_at)
}
