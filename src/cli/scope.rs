//! `scope define|list|show|update|delete`.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};

use super::caution;
use super::complete;
use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::prompt;
use crate::authorization_server::{ListChange, ScopeChange};
use crate::domain::coverage::{Coverage, Folder, Route, ServiceName};
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::text::Description;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Define a scope: its name and what it opens
    #[command(
        after_help = "A folder opens every service in it and in folders beneath, a service opens one thing, a route opens \
        requests by their method and path. In a route `{name}` stands for any one segment, and `**` at its end for one \
        segment or more: `GET /orders/**` opens /orders/17 and /orders/17/lines, and not /orders itself, which is a route \
        of its own. GET opens HEAD too; a route without a method opens all of them.\n\nExamples:\n  \
        oauthctl scope define orders:read --description 'Read your orders' --folder orders --route 'GET /orders/{id}'\n  \
        oauthctl scope define orders:all --route 'GET /orders' 'GET /orders/**'\n  \
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
        /// Routes that it opens, such as `GET /orders/{id}` or `GET /orders/**`
        #[arg(long, value_name = "ROUTE", num_args = 1..)]
        route: Vec<Route>,
    },
    /// List the scopes
    #[command(after_help = "Example:\n  oauthctl scope list -o json")]
    List,
    /// Show one scope
    #[command(after_help = "Example:\n  oauthctl scope show orders:read")]
    Show {
        /// The scope's name
        #[arg(add = complete::any_of(&[complete::Kind::Scope]))]
        scope: ScopeToken,
    },
    /// Change a scope: what is not named stays, a list that is named is replaced. It works at once, for tokens that
    /// are out too
    #[command(
        after_help = "Example:\n  oauthctl scope update orders:read --add-service archive.orders:list --remove-folder orders.old"
    )]
    Update(Box<UpdateOpts>),
    /// Delete a scope that no client has
    #[command(after_help = "Example:\n  oauthctl scope delete orders:read")]
    Delete {
        /// The scope's name
        #[arg(add = complete::any_of(&[complete::Kind::Scope]))]
        scope: ScopeToken,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct UpdateOpts {
    /// The scope's name
    #[arg(add = complete::any_of(&[complete::Kind::Scope]))]
    scope: ScopeToken,
    /// What the resource owner reads on the approval page
    #[arg(long)]
    description: Option<Description>,
    /// Folders that it opens: replaces all
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    folder: Vec<Folder>,
    /// Folders that it opens as well
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    add_folder: Vec<Folder>,
    /// Folders that it opens no more
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    remove_folder: Vec<Folder>,
    /// Services that it opens: replaces all
    #[arg(long, value_name = "SERVICE", num_args = 1..)]
    service: Vec<ServiceName>,
    /// Services that it opens as well
    #[arg(long, value_name = "SERVICE", num_args = 1..)]
    add_service: Vec<ServiceName>,
    /// Services that it opens no more
    #[arg(long, value_name = "SERVICE", num_args = 1..)]
    remove_service: Vec<ServiceName>,
    /// Routes that it opens: replaces all
    #[arg(long, value_name = "ROUTE", num_args = 1..)]
    route: Vec<Route>,
    /// Routes that it opens as well
    #[arg(long, value_name = "ROUTE", num_args = 1..)]
    add_route: Vec<Route>,
    /// Routes that it opens no more
    #[arg(long, value_name = "ROUTE", num_args = 1..)]
    remove_route: Vec<Route>,
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
            context.print(&record(&defined))?;
            caution::of_scope(&defined, &server.scopes()?, context)
        }
        Command::List => {
            let records: Vec<Record> = context.server()?.scopes()?.iter().map(record).collect();
            context.print_list(&records, "no scopes yet; `oauthctl scope define` makes one")
        }
        Command::Show { scope } => {
            let scope = context.server()?.scope(&scope)?;
            context.print(&record(&scope))
        }
        Command::Update(opts) => update(*opts, context),
        Command::Delete { scope, yes } => {
            let server = context.server()?;
            server.scope(&scope)?;
            prompt::confirm(context, yes, &format!("Delete the scope `{scope}`?"))?;
            server.delete_scope(scope.clone())?;
            context.print(&Record::new().text("scope", scope.as_str()).value("deleted", true))
        }
    }
}

fn update(opts: UpdateOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let change = ScopeChange {
        description: opts.description,
        folders: ListChange {
            replace: opts.folder,
            add: opts.add_folder,
            remove: opts.remove_folder,
        },
        services: ListChange {
            replace: opts.service,
            add: opts.add_service,
            remove: opts.remove_service,
        },
        routes: ListChange {
            replace: opts.route,
            add: opts.add_route,
            remove: opts.remove_route,
        },
    };
    if change.is_empty() {
        let advice = "nothing to change was named; `oauthctl scope update --help` shows what can be";
        return Err(CliError::Usage(advice.to_owned()));
    }
    let opens_otherwise =
        !(change.folders.is_empty() && change.services.is_empty() && change.routes.is_empty());
    let server = context.server()?;
    let scope = server.update_scope(opts.scope, change)?;
    context.print(&record(&scope))?;
    if opens_otherwise {
        caution::of_scope(&scope, &server.scopes()?, context)?;
    }
    Ok(())
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
