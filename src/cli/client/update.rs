//! `client update`.

use clap::Args;

use super::{consent_policy, record};
use crate::authorization_server::{ClientChange, ListChange};
use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::domain::client::{ClientId, RefreshPolicy};
use crate::domain::consent::ConsentPolicy;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::{ScopeSet, ScopeToken};
use crate::domain::span::Span;
use crate::domain::text::{Description, Name};

#[derive(Debug, Args)]
pub(in crate::cli) struct UpdateOpts {
    /// The client's ID
    #[arg(add = complete::any_of(&[complete::Kind::Client]))]
    id: ClientId,
    /// What people see
    #[arg(long)]
    name: Option<Name>,
    /// A sentence for the approval page
    #[arg(long)]
    description: Option<Description>,
    /// Where codes may be sent: replaces all
    #[arg(long, value_name = "URI", num_args = 1..)]
    redirect_uri: Vec<RedirectUri>,
    /// Where codes may be sent as well
    #[arg(long, value_name = "URI", num_args = 1..)]
    add_redirect_uri: Vec<RedirectUri>,
    /// Where codes may not be sent any more
    #[arg(long, value_name = "URI", num_args = 1..)]
    remove_redirect_uri: Vec<RedirectUri>,
    /// What it may ask for: replaces all
    #[arg(long, value_name = "SCOPE", num_args = 1.., add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Vec<ScopeSet>,
    /// What it may ask for as well
    #[arg(long, value_name = "SCOPE", num_args = 1.., add = complete::any_of(&[complete::Kind::Scope]))]
    add_scope: Vec<ScopeSet>,
    /// What it may not ask for any more, and its tokens may not do any more
    #[arg(long, value_name = "SCOPE", num_args = 1.., add = complete::any_of(&[complete::Kind::Scope]))]
    remove_scope: Vec<ScopeSet>,
    /// How long access tokens live that are issued from now on
    #[arg(long, value_name = "SPAN")]
    access_token_lifetime: Option<Span>,
    /// How long authorization codes live that are issued from now on
    #[arg(long, value_name = "SPAN")]
    code_lifetime: Option<Span>,
    /// How many times it may refresh one grant: none, unlimited or a number
    #[arg(long, value_name = "TIMES")]
    refresh: Option<RefreshPolicy>,
    /// How long grants may be refreshed that begin from now on
    #[arg(long, value_name = "SPAN")]
    refresh_token_lifetime: Option<Span>,
    /// How long refresh tokens live unused that are issued from now on
    #[arg(long, value_name = "SPAN")]
    refresh_token_idle: Option<Span>,
    /// Let it leave PKCE out
    #[arg(long, conflicts_with = "pkce")]
    no_pkce: bool,
    /// Require PKCE again
    #[arg(long)]
    pkce: bool,
    /// Whether its resource owners are asked each time (always), or may tick not to be asked again for what they approve
    /// (remember)
    #[arg(long, value_name = "WHEN", value_parser = consent_policy())]
    consent: Option<ConsentPolicy>,
}

pub(super) fn run(opts: UpdateOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let tokens =
        |sets: &[ScopeSet]| -> Vec<ScopeToken> { sets.iter().flat_map(ScopeSet::iter).cloned().collect() };
    let change = ClientChange {
        name: opts.name,
        description: opts.description,
        redirect_uris: ListChange {
            replace: opts.redirect_uri,
            add: opts.add_redirect_uri,
            remove: opts.remove_redirect_uri,
        },
        scopes: ListChange {
            replace: tokens(&opts.scope),
            add: tokens(&opts.add_scope),
            remove: tokens(&opts.remove_scope),
        },
        access_token_lifetime: opts.access_token_lifetime.map(Span::duration),
        code_lifetime: opts.code_lifetime.map(Span::duration),
        refresh: opts.refresh,
        refresh_token_lifetime: opts.refresh_token_lifetime.map(Span::duration),
        refresh_token_idle: opts.refresh_token_idle.map(Span::duration),
        require_pkce: match (opts.pkce, opts.no_pkce) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        consent: opts.consent,
    };
    if change.is_empty() {
        return Err(CliError::Usage(
            "nothing to change was named; `oauthctl client update --help` shows what can be".to_owned(),
        ));
    }
    let client = context.server()?.update_client(opts.id, change)?;
    context.print(&record(&client))
}
