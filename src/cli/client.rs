//! `client …`: the subcommands, and how a client is printed.

mod update;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::complete;
use super::context::Context;
use super::dev::control::uses_are_written;
use super::exit::CliError;
use super::output::{OutputFormat, Record};
use super::rotate_secret::{self, with_secrets};
use super::secret_output::SecretFile;
use super::{progress, prompt};
use crate::authorization_server::{AuthorizationServer, ClientRegistration, SecretOrigin, SecretOwner};
use crate::domain::client::{Client, ClientId, ClientSecret, ClientSettings, RefreshPolicy};
use crate::domain::consent::ConsentPolicy;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::span::Span;
use crate::domain::text::{Description, Name};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a confidential client; its secret is shown once
    #[command(after_help = "Examples:\n  \
        oauthctl client register --name 'Orders Web' --redirect-uri https://orders.example/cb --scope orders:read\n  \
        oauthctl client register --name CI --client-id ci --redirect-uri http://127.0.0.1/cb --scope orders:read \\\n    \
        --secret-file ci.secret --if-not-exists")]
    Register(Box<RegisterOpts>),
    /// List the clients
    #[command(after_help = "Example:\n  oauthctl client list -o json")]
    List,
    /// Show one client, with its secrets: never themselves, but when each was made, ends and was last used
    #[command(
        after_help = "The last use of a secret is written every 10 seconds while the server runs, and when it stops.\n\nExample:\n  oauthctl client show orders-web"
    )]
    Show {
        /// The client's ID
        #[arg(add = complete::any_of(&[complete::Kind::Client]))]
        id: ClientId,
    },
    /// Change a client: what is not named stays, a list that is named is replaced
    #[command(after_help = "Examples:\n  \
        oauthctl client update orders-web --add-redirect-uri https://new.example/cb\n  \
        oauthctl client update orders-web --remove-scope orders:write   # at once, for tokens that are out too")]
    Update(Box<update::UpdateOpts>),
    /// Make a new secret; those before it stay good for a while
    #[command(after_help = "Examples:\n  \
        oauthctl client rotate-secret orders-web                # the old secret stays good for 24 hours\n  \
        oauthctl client show orders-web                         # when was the old one last used?\n  \
        oauthctl client rotate-secret orders-web --retire 38g61gjnf1de5")]
    RotateSecret(super::rotate_secret::RotateOpts),
    /// Enable a client again
    #[command(after_help = "Example:\n  oauthctl client enable orders-web")]
    Enable {
        /// The client's ID
        #[arg(add = complete::any_of(&[complete::Kind::Client]))]
        id: ClientId,
    },
    /// Disable a client: it and all its tokens stop working at once, and work again once it is enabled
    #[command(after_help = "Example:\n  oauthctl client disable orders-web")]
    Disable {
        /// The client's ID
        #[arg(add = complete::any_of(&[complete::Kind::Client]))]
        id: ClientId,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Delete a client with all its grants and tokens
    #[command(after_help = "Example:\n  oauthctl client delete orders-web")]
    Delete {
        /// The client's ID
        #[arg(add = complete::any_of(&[complete::Kind::Client]))]
        id: ClientId,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct RegisterOpts {
    /// What people see
    #[arg(long)]
    name: Option<Name>,
    /// Where codes may be sent: https, or http on loopback (there any port is accepted)
    #[arg(long, value_name = "URI", num_args = 1..)]
    redirect_uri: Vec<RedirectUri>,
    /// Scopes that it may ask for; they must be defined
    #[arg(long, value_name = "SCOPE", num_args = 1.., add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Vec<ScopeSet>,
    /// Its ID [default: made from the name and random characters]
    #[arg(long, value_name = "ID")]
    client_id: Option<ClientId>,
    /// A sentence for the approval page
    #[arg(long, default_value = "", hide_default_value = true)]
    description: Description,
    /// How long its access tokens live, such as 1h [default: from the settings]
    #[arg(long, value_name = "SPAN")]
    access_token_lifetime: Option<Span>,
    /// How long its authorization codes live, such as 60s [default: from the settings]
    #[arg(long, value_name = "SPAN")]
    code_lifetime: Option<Span>,
    /// How many times it may refresh one grant: none, unlimited or a number
    #[arg(long, value_name = "TIMES", default_value = "unlimited")]
    refresh: RefreshPolicy,
    /// How long a grant may be refreshed at all, such as 30d [default: from the settings]
    #[arg(long, value_name = "SPAN")]
    refresh_token_lifetime: Option<Span>,
    /// How long a refresh token lives unused, such as 7d [default: from the settings]
    #[arg(long, value_name = "SPAN")]
    refresh_token_idle: Option<Span>,
    /// Let it leave PKCE out, for clients that cannot do it
    #[arg(long)]
    no_pkce: bool,
    /// Whether its resource owners are asked each time (always), or may tick not to be asked again for what they approve
    /// (remember)
    #[arg(long, value_name = "WHEN", default_value = "always", value_parser = consent_policy())]
    consent: ConsentPolicy,
    /// Bring an existing secret of at least 32 characters along: the first line of stdin
    #[arg(long)]
    secret_stdin: bool,
    /// Write the secret to this new file (mode 0600) instead of printing it
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Where there is such a client already (by ID, or by name where no ID is given), leave it and succeed
    #[arg(long)]
    if_not_exists: bool,
}

pub(super) fn run(command: Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Register(opts) => register(*opts, context),
        Command::List => {
            let records: Vec<Record> = context.server()?.clients()?.iter().map(record).collect();
            context.print_list(&records, "no clients yet; `oauthctl client register` makes one")
        }
        Command::Show { id } => {
            uses_are_written(&context.settings.database.path);
            let server = context.server()?;
            let client = server.client(&id)?;
            let secrets = server.secrets_of(&SecretOwner::Client(id))?;
            context.print(&with_secrets(record(&client), &secrets))
        }
        Command::Update(opts) => update::run(*opts, context),
        Command::RotateSecret(opts) => {
            rotate_secret::run(&opts, SecretOwner::Client, "client_id", "client_secret", context)
        }
        Command::Enable { id } => {
            let client = context.server()?.set_client_enabled(id, true)?;
            context.print(&record(&client))
        }
        Command::Disable { id, yes } => {
            let server = context.server()?;
            server.client(&id)?;
            prompt::confirm(
                context,
                yes,
                &format!("Disable the client `{id}`, and with it all its tokens?"),
            )?;
            let client = server.set_client_enabled(id, false)?;
            context.print(&record(&client))
        }
        Command::Delete { id, yes } => {
            let server = context.server()?;
            server.client(&id)?;
            prompt::confirm(
                context,
                yes,
                &format!("Delete the client `{id}` with all its grants and tokens?"),
            )?;
            let spinner = progress::counter(context, "grants removed");
            server.delete_client(&id, |removed| progress::to(&spinner, removed))?;
            spinner.finish_and_clear();
            context.print(
                &Record::new()
                    .text("client_id", id.as_str())
                    .value("deleted", true),
            )
        }
    }
}

/// Reads a consent policy; help and completions name the two that there are.
fn consent_policy() -> impl TypedValueParser<Value = ConsentPolicy> {
    let policies = [ConsentPolicy::Always, ConsentPolicy::Remember];
    PossibleValuesParser::new(policies.map(ConsentPolicy::as_str))
        .try_map(|text| text.parse::<ConsentPolicy>())
}

/// A client as every command prints it.
fn record(client: &Client) -> Record {
    record_with(client, None)
}

fn record_with(client: &Client, secret: Option<&ClientSecret>) -> Record {
    let settings = &client.settings;
    let refresh = match settings.refresh {
        RefreshPolicy::Limited(limit) => limit.into(),
        policy => serde_json::Value::String(policy.to_string()),
    };
    let record = Record::new().text("client_id", client.id.as_str());
    let record = match secret {
        Some(secret) => record.text("client_secret", secret.reveal()),
        None => record,
    };
    record
        .text("name", settings.name.as_str())
        .text("description", settings.description.as_str())
        .not_in_list()
        .value("enabled", client.enabled)
        .list("redirect_uris", &settings.redirect_uris)
        .list("scopes", settings.scopes.iter())
        .span("access_token_lifetime", settings.access_token_lifetime)
        .not_in_list()
        .span("code_lifetime", settings.code_lifetime)
        .not_in_list()
        .value("refresh", refresh)
        .not_in_list()
        .span("refresh_token_lifetime", settings.refresh_token_lifetime)
        .not_in_list()
        .span("refresh_token_idle", settings.refresh_token_idle)
        .not_in_list()
        .value("require_pkce", settings.require_pkce)
        .not_in_list()
        .text("consent", settings.consent.as_str())
        .not_in_list()
        .instant("created_at", client.created_at)
}

fn register(opts: RegisterOpts, context: &mut Context<'_>) -> Result<(), CliError> {
    let loses_secret = context.output == OutputFormat::Id && opts.secret_file.is_none() && !opts.secret_stdin;
    if loses_secret {
        return Err(CliError::id_loses_secret());
    }
    let given = [
        ("--name", opts.name.is_some()),
        ("--redirect-uri", !opts.redirect_uri.is_empty()),
        ("--scope", !scopes_given(&opts).is_empty()),
    ];
    prompt::refuse_missing(context, &given)?;
    let server = context.server()?;
    let settings = settings(&opts, context, &server)?;
    // Before the file for the secret is made: where a script runs again, it is there from the first time.
    if opts.if_not_exists
        && let Some(client) = server.registered_client(opts.client_id.as_ref(), &settings.name)?
    {
        return print_unchanged(&client, context);
    }
    let secret = if opts.secret_stdin {
        let text = prompt::line_of_stdin("secret")?;
        SecretOrigin::Import(ClientSecret::import(&text).map_err(|error| CliError::Usage(error.to_string()))?)
    } else {
        SecretOrigin::Generate
    };
    let secret_file = opts.secret_file.as_deref().map(SecretFile::create).transpose()?;
    let registered = server.register_client(ClientRegistration {
        id: opts.client_id,
        settings,
        secret,
        if_not_exists: opts.if_not_exists,
    })?;
    let Some(secret) = registered.secret else {
        return print_unchanged(&registered.client, context);
    };
    let client = &registered.client;
    let is_printed = secret_file.is_none() && !opts.secret_stdin;
    if let Some(file) = secret_file {
        file.write(secret.reveal())
            .map_err(|error| error.loses_secret_of(client.id.as_str()))?;
    }
    let printed = context.print(&record_with(client, is_printed.then_some(&secret)));
    printed.map_err(|error| {
        if is_printed {
            error.loses_secret_of(client.id.as_str())
        } else {
            error
        }
    })?;
    let (kept, secret) = match &opts.secret_file {
        Some(file) => {
            let file = file.display().to_string();
            (
                format!("The secret is in {file} and nowhere else."),
                format!("\"$(cat {})\"", quoted(&file)),
            )
        }
        None if is_printed => (
            "The secret is shown this once; only its hash is stored.".to_owned(),
            quoted(secret.reveal()),
        ),
        None => (
            "Only a hash of the secret is stored.".to_owned(),
            "'THE-SECRET'".to_owned(),
        ),
    };
    let next = next_steps(client, &secret, context)?;
    context.say_on_terminal(&format!("\n{kept} Next:\n\n{next}"))
}

fn print_unchanged(client: &Client, context: &mut Context<'_>) -> Result<(), CliError> {
    context.say(&format!(
        "the client `{}` is registered already; nothing was changed",
        client.id
    ))?;
    context.print(&record(client))
}

fn scopes_given(opts: &RegisterOpts) -> ScopeSet {
    opts.scope.iter().flat_map(ScopeSet::iter).cloned().collect()
}

fn settings(
    opts: &RegisterOpts,
    context: &Context<'_>,
    server: &AuthorizationServer,
) -> Result<ClientSettings, CliError> {
    let defaults = &context.settings.tokens;
    let or_default = |given: Option<Span>, default: Span| given.unwrap_or(default).duration();
    let given = scopes_given(opts);
    let to_choose_from = if given.is_empty() {
        scopes_defined(server)?
    } else {
        Vec::new()
    };
    let name = prompt::value(context, opts.name.clone(), "--name", "Name of the client")?;
    let redirect_uris = prompt::values(
        context,
        opts.redirect_uri.clone(),
        "--redirect-uri",
        "Redirect URI",
    )?;
    let scopes = if given.is_empty() {
        ask_for_scopes(context, &to_choose_from)?
    } else {
        given
    };
    Ok(ClientSettings {
        name,
        description: opts.description.clone(),
        redirect_uris,
        scopes,
        access_token_lifetime: or_default(opts.access_token_lifetime, defaults.access_token_lifetime),
        code_lifetime: or_default(opts.code_lifetime, defaults.code_lifetime),
        refresh: opts.refresh,
        refresh_token_lifetime: or_default(opts.refresh_token_lifetime, defaults.refresh_token_lifetime),
        refresh_token_idle: or_default(opts.refresh_token_idle, defaults.refresh_token_idle),
        require_pkce: !opts.no_pkce,
        consent: opts.consent,
    })
}

/// What can be chosen from, found out before anything is asked: answers that lead nowhere are not asked for.
fn scopes_defined(server: &AuthorizationServer) -> Result<Vec<Scope>, CliError> {
    let defined = server.scopes()?;
    if defined.is_empty() {
        let advice = "no scope is defined yet; begin with `oauthctl scope define`";
        return Err(CliError::Usage(advice.to_owned()));
    }
    Ok(defined)
}

fn ask_for_scopes(context: &Context<'_>, defined: &[Scope]) -> Result<ScopeSet, CliError> {
    if !context.may_ask {
        return Err(prompt::missing("--scope"));
    }
    let labels: Vec<String> = defined
        .iter()
        .map(|scope| format!("{}  {}", scope.token, scope.description))
        .collect();
    let chosen = prompt::choose("Scopes (space marks, enter ends)", &labels)?;
    let tokens = chosen.into_iter().filter_map(|position| defined.get(position));
    Ok(tokens.map(|scope| scope.token.clone()).collect())
}

/// What a person needs after registering: endpoints, an environment block, and a request that works.
fn next_steps(client: &Client, secret: &str, context: &Context<'_>) -> Result<String, CliError> {
    let issuer = context.issuer()?;
    let redirect_uri = client
        .settings
        .redirect_uris
        .first()
        .map(RedirectUri::as_str)
        .unwrap_or_default();
    let authorize = issuer.endpoint("/authorize");
    let token = issuer.endpoint("/token");
    Ok(format!(
        "# for the client's environment\n\
         export OAUTH_ISSUER={}\n\
         export OAUTH_AUTHORIZATION_ENDPOINT={authorize}\n\
         export OAUTH_TOKEN_ENDPOINT={token}\n\
         export OAUTH_CLIENT_ID={}\n\
         export OAUTH_CLIENT_SECRET={secret}\n\
         \n\
         # to exchange a code (the secret stays out of the process list)\n\
         printf 'user = \"%s:%s\"' \"$OAUTH_CLIENT_ID\" \"$OAUTH_CLIENT_SECRET\" | curl -K - \\\n  \
           -d grant_type=authorization_code -d code=CODE -d code_verifier=VERIFIER \\\n  \
           --data-urlencode redirect_uri={} {token}",
        issuer.as_str(),
        quoted(client.id.as_str()),
        quoted(redirect_uri),
    ))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
