//! `serve --dev`: what is set up before the server starts, and what it says when it has.

use std::path::Path;
use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::cli::context::Context;
use crate::cli::dev::control::{Control, refuse_second};
use crate::cli::dev::environment::environment;
use crate::cli::dev::seed::{GOOD_ON, Seed, Seeded, SeededSecret};
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::cli::scratch_directory::{Purpose, ScratchDirectory};
use crate::cli::shell;
use crate::clock::MovedClock;
use crate::config::{KEYS, Loaded, Origin};
use crate::domain::issuer::Issuer;
use crate::domain::span;
use crate::http::app::App;
use crate::http::development::Development;

/// What the server is to be, before it is.
pub(super) struct Prepared {
    pub(super) clock: Arc<MovedClock>,
    seed: Seed,
    directory: Option<ScratchDirectory>,
}

/// What ends with the server.
pub(super) struct Running {
    control: Control,
    directory: Option<ScratchDirectory>,
    seeded: Seeded,
    is_example: bool,
    environment: Vec<(&'static str, String)>,
}

/// Reads the seed, and makes the settings those of a server that only this machine reaches.
pub(super) fn prepare(
    file: Option<&Path>,
    loaded: &Loaded,
    context: &mut Context<'_>,
) -> Result<Prepared, CliError> {
    refuse_strangers(context)?;
    let tokens = &context.settings.tokens;
    let seed = match file {
        Some(file) => Seed::read(file, tokens)?,
        None => Seed::example(tokens)?,
    };
    // Only an option names a database for this: what a file or the environment names is somebody's.
    let is_named = KEYS
        .iter()
        .find(|key| (key.section, key.name) == ("database", "path"))
        .is_some_and(|key| matches!(loaded.origin(key), Origin::Option(_)));
    let directory = if is_named {
        // Before anything is seeded.
        refuse_second(&context.settings.database.path)?;
        None
    } else {
        let directory =
            ScratchDirectory::new(Purpose::Development).map_err(CliError::io("make a scratch directory"))?;
        context.settings.database.path = directory.path().join("oauthctl.db");
        Some(directory)
    };
    Ok(Prepared {
        clock: Arc::default(),
        seed,
        directory,
    })
}

/// A server with buttons that sign anybody in is for nobody but whoever sits at this machine.
fn refuse_strangers(context: &Context<'_>) -> Result<(), CliError> {
    let server = &context.settings.server;
    let refuse = |what: String, advice: &str| {
        Err(CliError::Usage(format!(
            "{what}, and a development server is for this machine only; {advice}"
        )))
    };
    let listened = [Some(server.listen), server.health_listen];
    if let Some(address) = listened
        .into_iter()
        .flatten()
        .find(|address| !address.ip().is_loopback())
    {
        return refuse(
            format!("{address} can be reached from other machines"),
            "listen on 127.0.0.1, as in `oauthctl serve --dev --listen 127.0.0.1:8420`",
        );
    }
    if server.behind_proxy {
        return refuse(
            "`behind_proxy` under [server] lets others in through a proxy".to_owned(),
            "give it a settings file of its own with --config",
        );
    }
    if let Some(issuer) = &server.issuer
        && !is_here(issuer)
    {
        return refuse(
            format!("the issuer {issuer} is a name for other machines"),
            "leave `issuer` out, or give `--issuer http://127.0.0.1:8420`",
        );
    }
    Ok(())
}

fn is_here(issuer: &Issuer) -> bool {
    let url = url::Url::parse(issuer.as_str()).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    host.is_some_and(|host| ["127.0.0.1", "[::1]", "localhost"].contains(&host))
}

impl Prepared {
    /// Seeds the database, opens the control socket, and marks the pages.
    pub(super) fn begin(
        self,
        app: App,
        server: &Arc<AuthorizationServer>,
        context: &Context<'_>,
    ) -> Result<(App, Running), CliError> {
        let is_example = self.seed.is_example();
        let seeded = self.seed.sow(server)?;
        let development = Arc::new(Development::new(seeded.known_owners()));
        let database = &context.settings.database.path;
        let control = Control::open(
            database,
            Arc::clone(server),
            Arc::clone(&development),
            Arc::clone(&self.clock),
        )?;
        let environment = environment(server.issuer(), &seeded, database)?;
        let running = Running {
            control,
            directory: self.directory,
            seeded,
            is_example,
            environment,
        };
        Ok((app.for_development(development), running))
    }
}

impl Running {
    /// Prints what a client has to know on stdout, and the rest on stderr.
    pub(super) fn tell(&self, context: &mut Context<'_>) -> Result<(), CliError> {
        if !context.quiet {
            for (name, value) in self.lines() {
                // A stderr that is closed keeps nobody from being served.
                let _ = writeln!(context.stderr, "  {name:<9} {value}");
            }
        }
        if context.output == OutputFormat::Table {
            for (name, value) in &self.environment {
                writeln!(context.stdout, "{name}={}", shell::word(value))
                    .map_err(CliError::io("write to stdout"))?;
            }
        } else {
            let record = self
                .environment
                .iter()
                .fold(Record::new(), |record, (name, value)| record.text(name, value));
            context.print(&record)?;
        }
        context.stdout.flush().map_err(CliError::io("write to stdout"))
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![("dev", "a development server: no secret in it is one".to_owned())];
        let owners = self.seeded.owners.iter();
        let owners: Vec<String> = owners.map(|owner| owner.username.to_string()).collect();
        if !owners.is_empty() {
            let buttons = format!("{}: buttons on the sign-in page sign them in", owners.join(", "));
            lines.push(("owners", buttons));
        }
        let strangers: Vec<&str> = self.seeded.strangers.iter().map(|name| name.as_str()).collect();
        if !strangers.is_empty() {
            let told = format!(
                "{} were there before and have no button; give their `password` in the file",
                strangers.join(", ")
            );
            lines.push(("owners", told));
        }
        lines.extend(self.about_secrets());
        lines.push((
            "trouble",
            "`oauthctl dev --help`, with OAUTHCTL_DATABASE set as below".to_owned(),
        ));
        lines
    }

    /// Whose secret is another one now, or is not known, and how one stays as it is.
    fn about_secrets(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let clients = self.seeded.clients.iter();
        let clients = clients.map(|known| ("client", &known.client.id, "client_secret", &known.secret));
        let servers = self.seeded.resource_servers.iter();
        let servers = servers.map(|(id, secret)| ("api", id, "resource_server_secret", secret));
        let mut would_change = false;
        for (what, id, key, secret) in clients.chain(servers) {
            would_change |= !matches!(secret, SeededSecret::Declared(_));
            match secret {
                SeededSecret::Renewed(_) => lines.push((
                    what,
                    format!(
                        "{id} was there before and has a new secret; the one before it is good for {} more",
                        span::format(GOOD_ON)
                    ),
                )),
                SeededSecret::Unknown => lines.push((
                    what,
                    format!(
                        "{id} was there before and keeps its secret; give another as `{key}` in the file"
                    ),
                )),
                SeededSecret::Declared(_) | SeededSecret::Made(_) => {}
            }
        }
        if would_change && self.is_example {
            lines.push((
                "keep",
                "`oauthctl example development >dev.toml` and `oauthctl serve --dev dev.toml`: the same secrets at \
                 each start; with `--database dev.db` the same tokens too"
                    .to_owned(),
            ));
        } else if would_change {
            lines.push((
                "keep",
                "with `client_secret` and `resource_server_secret` in the file they are the same at each start"
                    .to_owned(),
            ));
        }
        lines
    }

    /// Closes the control socket and removes the scratch database.
    pub(super) fn end(self) -> Result<(), CliError> {
        drop(self.control);
        match self.directory {
            Some(directory) => directory
                .close()
                .map_err(CliError::io("remove the scratch directory")),
            None => Ok(()),
        }
    }
}
