//! `grant list|show|revoke`.

use clap::{Args, Subcommand};

use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::prompt;
use super::stream::{Paging, Stream};
use crate::authorization_server::AuthorizationServer;
use crate::domain::client::ClientId;
use crate::domain::grant::GrantState;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeToken;
use crate::store::{GrantListing, GrantSelector};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List grants, the oldest first
    #[command(after_help = "Examples:\n  \
        oauthctl grant list --owner alice --state active\n  \
        oauthctl grant list -o jsonl | jq .client_id")]
    List(ListOpts),
    /// Show one grant
    #[command(after_help = "Example:\n  oauthctl grant show 38g61gjnf1de5")]
    Show {
        /// The grant's ID
        id: Identifier,
    },
    /// Revoke grants: all their tokens stop working at once
    #[command(after_help = "Example:\n  oauthctl grant revoke 38g61gjnf1de5 --yes")]
    Revoke {
        /// The grants' IDs
        #[arg(required = true)]
        ids: Vec<Identifier>,
        /// Say what would be revoked, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct ListOpts {
    /// Of this client
    #[arg(long, value_name = "ID", add = complete::any_of(&[complete::Kind::Client]))]
    client: Option<ClientId>,
    /// Approved by this resource owner
    #[arg(long, value_name = "USERNAME", add = complete::any_of(&[complete::Kind::Owner]))]
    owner: Option<Username>,
    /// With this scope
    #[arg(long, add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Option<ScopeToken>,
    /// In this state: active, expired or revoked
    #[arg(long)]
    state: Option<GrantState>,
    #[command(flatten)]
    paging: Paging,
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::List(opts) => list(opts, context),
        Command::Show { id } => {
            let grant = context.server()?.grant(id)?;
            context.print(&with_resources(record(&grant), &grant.resources))
        }
        Command::Revoke { ids, dry_run, yes } => revoke(ids, dry_run, yes, context),
    }
}

fn list(opts: ListOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let server = context.server()?;
    refuse_unknown(
        &server,
        opts.client.as_ref(),
        opts.owner.as_ref(),
        opts.scope.as_ref(),
    )?;
    let selector = GrantSelector {
        identifier: None,
        client: opts.client,
        owner: opts.owner,
        scope: opts.scope,
        state: opts.state,
    };
    let mut after = opts.paging.after;
    let mut stream = Stream::begin(&opts.paging, context)?;
    while let Some(room) = stream.room() {
        let page = server.grants(&selector, after, room)?;
        let Some(last) = page.last() else { break };
        after = Some(last.identifier);
        stream.page(page.iter().map(record).collect(), context)?;
    }
    stream.end("no grants; one is made when a resource owner approves", context)
}

/// A mistyped name must not look like one that has nothing.
pub(super) fn refuse_unknown(
    server: &AuthorizationServer,
    client: Option<&ClientId>,
    owner: Option<&Username>,
    scope: Option<&ScopeToken>,
) -> Result<(), CliError> {
    if let Some(client) = client {
        server.client(client)?;
    }
    if let Some(owner) = owner {
        server.owner(owner)?;
    }
    if let Some(scope) = scope
        && let Err(unknown) = server.scope(scope)
    {
        // One that is not defined any more may still stand in grants.
        let selector = GrantSelector {
            scope: Some(scope.clone()),
            ..GrantSelector::default()
        };
        if server.grants(&selector, None, 1)?.is_empty() {
            return Err(unknown.into());
        }
    }
    Ok(())
}

fn revoke(ids: Vec<Identifier>, dry_run: bool, yes: bool, context: &mut Context<'_>) -> Result<(), CliError> {
    let server = context.server()?;
    let found: Vec<GrantListing> = ids.iter().map(|&id| server.grant(id)).collect::<Result<_, _>>()?;
    let (matched, revoked) = if dry_run {
        (found.len(), 0)
    } else {
        let question = match found.as_slice() {
            [one] => format!("Revoke the grant of `{}` to `{}`?", one.owner, one.client),
            several => format!("Revoke {} grants?", several.len()),
        };
        prompt::confirm(context, yes, &question)?;
        let tally = server.revoke_grants(ids)?;
        (tally.matched, tally.changed)
    };
    context.print(
        &Record::new()
            .value("matched", matched)
            .value("revoked", revoked)
            .value("dry_run", dry_run),
    )
}

/// `show` adds the resources that something is bound to, where it is bound to any.
pub(super) fn with_resources(record: Record, resources: &ResourceSet) -> Record {
    if resources.is_empty() {
        record
    } else {
        record.list("resources", resources.iter())
    }
}

/// A grant as every command prints it.
fn record(grant: &GrantListing) -> Record {
    let record = Record::new()
        .text("grant_id", grant.identifier.to_string())
        .text("client_id", grant.client.as_str())
        .text("username", grant.owner.as_str())
        .text("scope", grant.scope.to_string())
        .text("state", grant.state.name())
        .value("refreshes", grant.refreshes)
        .instant("created_at", grant.created_at);
    let record = record.optional_instant("ended_at", grant.ended_at).not_in_list();
    record.value("end_cause", grant.end_cause.clone()).not_in_list()
}
