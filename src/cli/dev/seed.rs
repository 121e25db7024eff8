//! What a development server begins with: the built-in example, or a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::authorization_server::{AdministrationError, ApplyError, AuthorizationServer};
use crate::cli::exit::CliError;
use crate::config::declaration::{self, DevelopmentFile, DevelopmentOwner, LARGEST};
use crate::config::settings::Tokens;
use crate::domain::client::{Client, ClientId, ClientSecret};
use crate::domain::declaration::{Kind, Thing};
use crate::domain::owner::Username;
use crate::domain::password::Password;
use crate::entropy::OsEntropy;

/// What the example is called in errors.
const BUILT_IN: &str = "the built-in example";

/// What is to be there.
pub(in crate::cli) struct Seed {
    name: String,
    content: DevelopmentFile,
}

/// What is there now.
pub(in crate::cli) struct Seeded {
    /// The clients of the seed.
    pub(in crate::cli) clients: Vec<SeededClient>,
    /// Whose passwords are known.
    pub(in crate::cli) owners: Vec<SeededOwner>,
    /// Who could introspect from now on.
    pub(in crate::cli) resource_servers: Vec<(ClientId, ClientSecret)>,
    /// Resource owners who were there before, with passwords that nobody here knows.
    pub(in crate::cli) strangers: Vec<Username>,
}

/// A client of the seed.
pub(in crate::cli) struct SeededClient {
    /// As it is registered.
    pub(in crate::cli) client: Client,
    /// The secret; none where the client was there before.
    pub(in crate::cli) secret: Option<ClientSecret>,
}

/// A resource owner who can be signed in.
#[derive(Debug, Clone)]
pub(in crate::cli) struct SeededOwner {
    pub(in crate::cli) username: Username,
    pub(in crate::cli) password: Password,
}

impl Seed {
    /// The built-in example: three scopes, a client with redirect URIs on any port of this machine, a resource server and
    /// three resource owners.
    ///
    /// # Errors
    /// `Usage` where the settings have lifetimes that no client may have.
    pub(in crate::cli) fn example(defaults: &Tokens) -> Result<Self, CliError> {
        Self::parse(BUILT_IN, include_bytes!("example.toml"), defaults)
    }

    /// A file as `apply` reads it, which may also have resource owners.
    ///
    /// # Errors
    /// `Io` where it cannot be read, `Usage` with the line of the first mistake in it.
    pub(in crate::cli) fn read(path: &Path, defaults: &Tokens) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut bytes))
            .map_err(CliError::io(format!("read {name}")))?;
        Self::parse(&name, &bytes, defaults)
    }

    fn parse(name: &str, bytes: &[u8], defaults: &Tokens) -> Result<Self, CliError> {
        let content = declaration::read_for_development(bytes, defaults)
            .map_err(|error| CliError::Usage(format!("{name}:{error}")))?;
        Ok(Self {
            name: name.to_owned(),
            content,
        })
    }

    /// Makes what is not there yet, and changes what is there otherwise; nothing is removed, and a resource owner who is
    /// there keeps the password.
    ///
    /// # Errors
    /// What `apply` and `owner add` refuse.
    pub(in crate::cli) fn sow(self, server: &AuthorizationServer) -> Result<Seeded, CliError> {
        let declared = self.content.file.declaration.clone();
        let ids: Vec<ClientId> = declared.clients.keys().cloned().collect();
        let plan = server.plan(declared, false).map_err(|error| self.place(error))?;
        let new = plan.credentials().to_vec();
        server.apply(plan).map_err(|error| self.place(error))?;
        let secret_of = |id: &ClientId| {
            let mut made = new.iter();
            made.find(|new| new.thing == Thing::Client(id.clone()))
                .map(|new| new.secret.clone())
        };
        let clients = ids
            .iter()
            .map(|id| {
                Ok(SeededClient {
                    client: server.client(id)?,
                    secret: secret_of(id),
                })
            })
            .collect::<Result<_, CliError>>()?;
        let resource_servers = new
            .iter()
            .filter(|new| new.thing.kind() == Kind::ResourceServer)
            .map(|new| (new.id.clone(), new.secret.clone()))
            .collect();
        let (mut owners, mut strangers) = (Vec::new(), Vec::new());
        for owner in self.content.owners {
            match add(server, &owner)? {
                Some(password) => owners.push(SeededOwner {
                    username: owner.username,
                    password,
                }),
                None => strangers.push(owner.username),
            }
        }
        Ok(Seeded {
            clients,
            owners,
            resource_servers,
            strangers,
        })
    }

    /// An error with the place in the file that it is about.
    fn place(&self, error: ApplyError) -> CliError {
        match error {
            ApplyError::Thing { thing, cause } => match self.content.file.line_of(&thing) {
                Some(line) => CliError::Declared {
                    place: format!("{}:{line}", self.name),
                    error: cause,
                },
                None => cause.into(),
            },
            ApplyError::Failed(failure) => failure.into(),
            ApplyError::Outdated => CliError::Failed(anyhow::Error::new(error)),
        }
    }
}

/// Adds a resource owner and gives the password, if it is known: the file says it, or nobody was there before.
fn add(server: &AuthorizationServer, owner: &DevelopmentOwner) -> Result<Option<Password>, CliError> {
    let password = match &owner.password {
        Some(password) => password.clone(),
        None => Password::generate(&OsEntropy).map_err(anyhow::Error::new)?,
    };
    match server.add_owner(owner.username.clone(), &password) {
        Ok(_) => Ok(Some(password)),
        Err(AdministrationError::Exists { .. }) => Ok(owner.password.clone()),
        Err(error) => Err(error.into()),
    }
}
