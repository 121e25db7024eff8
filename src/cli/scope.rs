//! `scope define|list|show`.

use std::collections::BTreeSet;

use clap::Subcommand;

use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::prompt;
use crate::domain::coverage::{Coverage, Folder, Route, ServiceName};
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::text::Description;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Define a scope: its name and what it opens
    #[command(
        after_help = "A folder opens everything beneath it, a service opens one thing, a route opens a method and \
        path.\n\nExamples:\n  \
        oauthctl scope define orders:read --description 'Read your orders' --folder orders --route 'GET /orders/{id}'\n  \
        oauthctl scope define stock --description 'Count the stock' --service warehouse.stock:count"
    )]
    Define {
        /// What clients ask for
        scope: Option<ScopeToken>,
        /// What the resource owner reads on the approval page
        #[arg(long)]
        description: Option<Description>,
        /// Folders that it opens, such as `orders.eu`
        #[arg(long, value_name = "FOLDER", num_args = 1..)]
        folder: Vec<Folder>,
        /// Services that it opens, such as `orders.eu:list`
        #[arg(long, value_name = "SERVICE", num_args = 1..)]
        service: Vec<ServiceName>,
        /// Routes that it opens, such as `GET /orders/{id}` or `/orders/**`
        #[arg(long, value_name = "ROUTE", num_args = 1..)]
        route: Vec<Route>,
    },
    /// List the scopes
    List,
    /// Show one scope
    Show {
        /// The scope's name
        scope: ScopeToken,
    },
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Define {
            scope,
            description,
            folder,
            service,
            route,
        } => {
            let opens = !(folder.is_empty() && service.is_empty() && route.is_empty());
            let given = [
                ("the name of the scope", scope.is_some()),
                ("what it opens (--folder, --service or --route)", opens),
            ];
            prompt::refuse_missing(context, &given)?;
            let server = context.server()?;
            let scope = prompt::value(context, scope, "the name of the scope", "Name of the scope")?;
            let question = "What the resource owner reads (a sentence)";
            let description = match description {
                Some(description) => description,
                None if context.may_ask => prompt::value(context, None, "--description", question)?,
                None => Description::default(),
            };
            let mut folders: BTreeSet<Folder> = folder.into_iter().collect();
            if !opens {
                folders.extend(prompt::values(
                    context,
                    Vec::new(),
                    "--folder",
                    "Folder that it opens",
                )?);
            }
            let coverage = Coverage {
                folders,
                services: service.into_iter().collect(),
                routes: route.into_iter().collect(),
            };
            let defined = server.define_scope(scope, description, coverage)?;
            context.print(&record(&defined))
        }
        Command::List => {
            let records: Vec<Record> = context.server()?.scopes()?.iter().map(record).collect();
            context.print_list(&records, "no scopes yet; `oauthctl scope define` makes one")
        }
        Command::Show { scope } => {
            let scope = context.server()?.scope(&scope)?;
            context.print(&record(&scope))
        }
    }
}

/// A scope as every command prints it.
fn record(scope: &Scope) -> Record {
    Record::new()
        .text("scope", scope.token.as_str())
        .text("description", scope.description.as_str())
        .list("folders", &scope.coverage.folders)
        .list("services", &scope.coverage.services)
        .list("routes", &scope.coverage.routes)
        .instant("created_at", scope.created_at)
        .not_in_list()
}
