//! `serve --dev`: what is set up before the server starts, and what it says when it has.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::authorization_server::AuthorizationServer;
use crate::cli::caution;
use crate::cli::context::Context;
use crate::cli::dev::control::Control;
use crate::cli::dev::environment::environment;
use crate::cli::dev::place::Place;
use crate::cli::dev::seed::{GOOD_ON, Seed, Seeded, SeededSecret};
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::cli::scratch_directory::{Purpose, ScratchDirectory};
use crate::cli::secret_output::SecretFile;
use crate::cli::serve::supervision::InheritedSockets;
use crate::cli::shell;
use crate::clock::MovedClock;
use crate::config::{KEYS, Loaded, Origin};
use crate::domain::issuer::Issuer;
use crate::domain::loopback::is_loopback_host;
use crate::domain::scope::Scope;
use crate::domain::span;
use crate::http::app::App;
use crate::http::development::Development;
use crate::store;

/// What the server is to be, before it is.
pub(super) struct Prepared {
    pub(super) clock: Arc<MovedClock>,
    seed: Seed,
    // Fields are dropped in this order.
    place: Place,
    directory: Option<ScratchDirectory>,
}

/// What ends with the server.
pub(super) struct Running {
    control: Control,
    directory: Option<ScratchDirectory>,
    seeded: Seeded,
    is_example: bool,
    /// Of the seed, or of an earlier start.
    has_clients: bool,
    /// What somebody wrote, and may have meant otherwise.
    scopes: Vec<Scope>,
    environment: Vec<(&'static str, String)>,
    /// The same to be read by a shell, while the server runs.
    exports: (PathBuf, SecretFile),
}

/// The file from which a shell takes the variables, so that nobody has to copy them: beside the database, and as closed to
/// others as that.
fn export_file(database: &Path) -> PathBuf {
    let absolute = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    let mut name = absolute.into_os_string();
    name.push("-env");
    PathBuf::from(name)
}

/// What that file begins with.
const EXPORTED: &str = "export OAUTH_ISSUER=";

/// Whether nothing is lost where the file is written anew: it is not there, or a server that was killed left it behind.
fn refuse_to_overwrite(path: &Path) -> Result<(), CliError> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(found) if found.is_file() => {
            let mut head = String::new();
            let read =
                File::open(path).and_then(|file| file.take(EXPORTED.len() as u64).read_to_string(&mut head));
            if read.is_ok() && (head == EXPORTED || head.is_empty()) {
                return Ok(());
            }
        }
        _ => {}
    }
    Err(CliError::Usage(format!(
        "{} is where the variables for a shell would be written, and is somebody's; name another database, or move it away",
        path.display()
    )))
}

/// Writes it.
fn export(
    database: &Path,
    environment: &[(&'static str, String)],
) -> Result<(PathBuf, SecretFile), CliError> {
    let path = export_file(database);
    refuse_to_overwrite(&path)?;
    // What a server that was killed left behind.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CliError::io(format!("remove {}", path.display()))(error));
        }
        _ => {}
    }
    let mut file = SecretFile::create(&path)?;
    let lines: Vec<String> = environment
        .iter()
        .map(|(name, value)| format!("export {name}={}", shell::word(value)))
        .collect();
    file.write_for_now(&lines.join("\n"))?;
    Ok((path, file))
}

/// Reads the seed, and makes the settings those of a server that only this machine reaches.
pub(super) fn prepare(
    file: Option<&Path>,
    loaded: &Loaded,
    sockets: &InheritedSockets,
    context: &mut Context<'_>,
) -> Result<Prepared, CliError> {
    refuse_strangers(sockets, context)?;
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
    let (place, directory) = if is_named {
        // Before anything is seeded: of two servers at once, one changes nothing.
        let place = Place::take(&context.settings.database.path)?;
        refuse_to_overwrite(&export_file(&context.settings.database.path))?;
        // Before it is opened, which would bring the schema of an older one up to date.
        if !store::is_new_or_for_development(&context.store_options())? {
            return Err(of_another_server(&context.settings.database.path));
        }
        (place, None)
    } else {
        let directory = ScratchDirectory::new(Purpose::Development)?;
        context.settings.database.path = directory.path().join("oauthctl.db");
        (Place::take(&context.settings.database.path)?, Some(directory))
    };
    Ok(Prepared {
        clock: Arc::default(),
        seed,
        place,
        directory,
    })
}

/// A server with buttons that sign anybody in is for nobody but whoever sits at this machine.
fn refuse_strangers(sockets: &InheritedSockets, context: &Context<'_>) -> Result<(), CliError> {
    let server = &context.settings.server;
    let refuse = |what: String, advice: &str| {
        Err(CliError::Usage(format!(
            "{what}, and a development server is for this machine only; {advice}"
        )))
    };
    let passed = "have the service manager listen on 127.0.0.1";
    let health = match &sockets.health {
        Some(socket) => Some(socket.local_addr().map_err(CliError::io("find the port"))?),
        None => server.health_listen,
    };
    let listened = [
        (
            Some(server.listen),
            if sockets.server.is_some() {
                passed
            } else {
                "listen on 127.0.0.1, as in `oauthctl serve --dev --listen 127.0.0.1:8420`"
            },
        ),
        (
            health,
            if sockets.health.is_some() {
                passed
            } else {
                "set `health_listen` under [server] to an address such as 127.0.0.1:8421, or leave it out"
            },
        ),
    ];
    for (address, advice) in listened {
        if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
            return refuse(format!("{address} can be reached from other machines"), advice);
        }
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
    host.is_some_and(is_loopback_host)
}

/// Why a database is left alone.
fn of_another_server(database: &Path) -> CliError {
    CliError::Usage(format!(
        "{database} is not a database that `oauthctl serve --dev` made; it would get clients, and resource owners whom a button \
         signs in without a password, for whichever server has it; name a file that is not there yet, or leave --database \
         out for one that goes away with the server",
        database = database.display()
    ))
}

/// Takes the database for development, before anything is put in.
///
/// # Errors
/// It is another server's: it was none a moment ago, when its file was looked at.
pub(super) fn take(server: &AuthorizationServer, context: &Context<'_>) -> Result<(), CliError> {
    if server.begin_development()? {
        Ok(())
    } else {
        Err(of_another_server(&context.settings.database.path))
    }
}

impl Prepared {
    /// Seeds the database, answers on the control socket, and marks the pages.
    pub(super) fn begin(
        self,
        app: App,
        server: &Arc<AuthorizationServer>,
        context: &Context<'_>,
    ) -> Result<(App, Running), CliError> {
        let is_example = self.seed.is_example();
        let seeded = self.seed.sow(server)?;
        let development = Arc::new(Development::new(seeded.buttons(server)?));
        let database = &context.settings.database.path;
        let control = Control::answer(
            self.place,
            Arc::clone(server),
            Arc::clone(&development),
            Arc::clone(&self.clock),
        )?;
        let environment = environment(server.issuer(), &seeded, database)?;
        let exports = export(database, &environment)?;
        let running = Running {
            control,
            directory: self.directory,
            seeded,
            is_example,
            has_clients: !server.clients()?.is_empty(),
            scopes: if is_example { Vec::new() } else { server.scopes()? },
            environment,
            exports,
        };
        Ok((app.for_development(development), running))
    }
}

impl Running {
    /// Prints what a client has to know on stdout, and the rest on stderr.
    pub(super) fn tell(&self, context: &mut Context<'_>) -> Result<(), CliError> {
        for scope in &self.scopes {
            caution::of_scope(scope, &self.scopes, context)?;
        }
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
            let told = match strangers.as_slice() {
                [one] => {
                    format!("{one} was there before and has no button; give the `password` in the file")
                }
                several => format!(
                    "{} were there before and have no button; give each `password` in the file",
                    several.join(", ")
                ),
            };
            lines.push(("owners", told));
        }
        lines.extend(self.about_secrets());
        lines.extend(self.about_redirect().map(|told| ("redirect", told)));
        let file = shell::word(&self.exports.0.display().to_string());
        let next = if self.has_clients {
            "oauthctl login"
        } else {
            lines.push(("client", "none is registered yet".to_owned()));
            "oauthctl client register"
        };
        lines.push(("next", format!("in another terminal: . {file} && {next}")));
        lines.push(("trouble", "there too: `oauthctl dev --help`".to_owned()));
        lines
    }

    /// Where a browser ends that opens the authorize URL as it is, and where it may be sent.
    fn about_redirect(&self) -> Option<String> {
        let client = &self.seeded.clients.first()?.client;
        let uri = client.settings.redirect_uris.first()?;
        let url = url::Url::parse(uri.as_str()).ok()?;
        let port = url.port_or_known_default().filter(|_| uri.is_loopback_http())?;
        Some(format!(
            "{uri}, and the same with any port. OAUTH_AUTHORIZE_URL ends at port {port}: where nobody listens there, the code \
             stands in the address bar"
        ))
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
            would_change |= !matches!(secret, SeededSecret::Declared(_) | SeededSecret::Replaced(_));
            match secret {
                SeededSecret::Renewed(_) => lines.push((
                    what,
                    format!(
                        "{id} was there before and has a new secret; the one before it is good for {} more",
                        span::format(GOOD_ON)
                    ),
                )),
                SeededSecret::Replaced(_) => lines.push((
                    what,
                    format!("{id} was there before and has the secret of the file now; the one before it has ended"),
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
        drop((self.control, self.exports));
        match self.directory {
            Some(directory) => directory
                .close()
                .map_err(CliError::io("remove the scratch directory")),
            None => Ok(()),
        }
    }
}
