//! `resource-server register|list|show|update|rotate-secret|delete`.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::complete;
use super::context::Context;
use super::dev::control::uses_are_written;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use super::secret_output::SecretFile;
use super::{prompt, rotate_secret};
use crate::authorization_server::SecretOwner;
use crate::domain::client::ClientId;
use crate::domain::resource::Resource;
use crate::domain::resource_server::ResourceServer;
use crate::domain::text::Name;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a resource server, which may then introspect tokens; its secret is shown once
    #[command(
        after_help = "With --resource, give the same URL to what stands in front of the service, as\n\
        `oauthctl example nginx|caddy|traefik|apache --resource URL` prints it: else its check looks at no resource.\n\n\
        Examples:\n  oauthctl resource-server register Warehouse --secret-file warehouse.secret\n  \
        oauthctl resource-server register Warehouse --resource https://api.example.com/warehouse"
    )]
    Register {
        /// What people call it
        name: Option<Name>,
        /// The URL that it serves: clients can then ask for tokens that are good there only, and find out where to get
        /// them; tokens for other resources are not told to it
        #[arg(long, value_name = "URL")]
        resource: Option<Resource>,
        /// Write the secret to this new file (mode 0600) instead of printing it
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
    },
    /// List the resource servers
    #[command(after_help = "Example:\n  oauthctl resource-server list -o json")]
    List,
    /// Show one resource server, with its secrets: never themselves, but when each was made, ends and was last used
    #[command(after_help = "Example:\n  oauthctl resource-server show Warehouse")]
    Show {
        /// Its ID, or its name
        id: ClientId,
    },
    /// Name the resource that it serves, or none any more; tokens that are bound to a resource stay bound to it
    #[command(after_help = "Examples:\n  \
        oauthctl resource-server update Warehouse --resource https://api.example.com/warehouse\n  \
        oauthctl resource-server update Warehouse --no-resource")]
    #[command(group = clap::ArgGroup::new("change").required(true).args(["resource", "no_resource"]))]
    Update {
        /// Its ID, or its name
        #[arg(add = complete::any_of(&[complete::Kind::ResourceServer]))]
        id: ClientId,
        /// The URL that it serves
        #[arg(long, value_name = "URL")]
        resource: Option<Resource>,
        /// It serves no resource in particular: every token is told to it
        #[arg(long)]
        no_resource: bool,
    },
    /// Make a new secret; those before it stay good for a while
    #[command(after_help = "Example:\n  oauthctl resource-server rotate-secret Warehouse --overlap 24h")]
    RotateSecret(rotate_secret::RotateOpts),
    /// Delete a resource server: it may not introspect any more
    #[command(after_help = "Example:\n  oauthctl resource-server delete Warehouse")]
    Delete {
        /// Its ID, or its name
        #[arg(add = complete::any_of(&[complete::Kind::ResourceServer]))]
        id: ClientId,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Register {
            name,
            resource,
            secret_file,
        } => register(name, resource, secret_file.as_deref(), context),
        Command::List => {
            let records: Vec<Record> = context
                .server()?
                .resource_servers()?
                .iter()
                .map(list_record)
                .collect();
            context.print_list(
                &records,
                "no resource servers yet; `oauthctl resource-server register` makes one",
            )
        }
        Command::Show { id } => {
            uses_are_written(&context.settings.database.path);
            let server = context.server()?;
            let found = server.resource_server(&id)?;
            let secrets = server.secrets_of(&SecretOwner::ResourceServer(id))?;
            context.print(&rotate_secret::with_secrets(list_record(&found), &secrets))
        }
        Command::Update { id, resource, .. } => {
            let updated = context.server()?.update_resource_server(id, resource)?;
            context.print(&list_record(&updated))
        }
        Command::RotateSecret(opts) => rotate_secret::run(
            &opts,
            SecretOwner::ResourceServer,
            "resource_server_id",
            "resource_server_secret",
            context,
        ),
        Command::Delete { id, yes } => {
            let server = context.server()?;
            server.secrets_of(&SecretOwner::ResourceServer(id.clone()))?;
            prompt::confirm(context, yes, &format!("Delete the resource server `{id}`?"))?;
            let deleted = server.delete_resource_server(id)?;
            let record = Record::new().text("resource_server_id", deleted.id.as_str());
            context.print(&record.value("deleted", true))
        }
    }
}

fn register(
    name: Option<Name>,
    resource: Option<Resource>,
    secret_file: Option<&Path>,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    if context.output == OutputFormat::Id && secret_file.is_none() {
        return Err(CliError::id_loses_secret());
    }
    prompt::refuse_missing(context, &[("the name", name.is_some())])?;
    let server = context.server()?;
    let name = prompt::value(context, name, "the name", "Name of the resource server")?;
    let file = secret_file.map(SecretFile::create).transpose()?;
    let registered = server.register_resource_server(name, resource)?;
    let mut record = Record::new().text("resource_server_id", registered.resource_server.id.as_str());
    let is_printed = file.is_none();
    let id = registered.resource_server.id.as_str();
    match file {
        Some(file) => file
            .write(registered.secret.reveal())
            .map_err(|error| error.loses_secret_of(id))?,
        None => record = record.text("resource_server_secret", registered.secret.reveal()),
    }
    let printed = context.print(&rest(record, &registered.resource_server));
    printed.map_err(|error| {
        if is_printed {
            error.loses_secret_of(id)
        } else {
            error
        }
    })
}

fn list_record(server: &ResourceServer) -> Record {
    rest(
        Record::new().text("resource_server_id", server.id.as_str()),
        server,
    )
}

fn rest(record: Record, server: &ResourceServer) -> Record {
    record
        .text("name", server.name.as_str())
        .value("resource", server.resource.as_ref().map(Resource::as_str))
        .instant("created_at", server.created_at)
}
