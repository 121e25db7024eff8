//! What a development server begins with: the built-in example, or a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::authorization_server::{
    AdministrationError, ApplyError, AuthorizationServer, Buttons, NewCredential, SecretOrigin, SecretOwner,
};
use crate::cli::exit::CliError;
use crate::config::declaration::{self, DevelopmentFile, DevelopmentOwner, LARGEST};
use crate::config::settings::Tokens;
use crate::domain::client::{Client, ClientId, ClientSecret};
use crate::domain::declaration::Thing;
use crate::domain::owner::Username;
use crate::domain::password::Password;
use crate::entropy::OsEntropy;

/// What the example is called in errors.
const BUILT_IN: &str = "the built-in example";

/// The example.
pub(in crate::cli) const EXAMPLE: &str = include_str!("example.toml");

/// How long a secret of the example is good on where a later start makes another.
pub(in crate::cli) const GOOD_ON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is to be there.
pub(in crate::cli) struct Seed {
    name: String,
    is_example: bool,
    content: DevelopmentFile,
}

/// What is there now.
pub(in crate::cli) struct Seeded {
    /// The clients of the seed.
    pub(in crate::cli) clients: Vec<SeededClient>,
    /// Whose passwords are known.
    pub(in crate::cli) owners: Vec<SeededOwner>,
    /// The resource servers of the seed.
    pub(in crate::cli) resource_servers: Vec<(ClientId, SeededSecret)>,
    /// Resource owners who were there before, with passwords that nobody here knows.
    pub(in crate::cli) strangers: Vec<Username>,
}

impl Seeded {
    /// Buttons for the resource owners of the seed.
    ///
    /// # Errors
    /// The database is not one that development servers began.
    pub(in crate::cli) fn buttons(&self, server: &AuthorizationServer) -> Result<Buttons, CliError> {
        let owners = self.owners.iter().map(|owner| owner.username.clone()).collect();
        server
            .buttons(owners)?
            .ok_or_else(|| CliError::Usage("the database is not one of development servers".to_owned()))
    }
}

/// A client of the seed.
pub(in crate::cli) struct SeededClient {
    /// As it is registered.
    pub(in crate::cli) client: Client,
    /// Its secret.
    pub(in crate::cli) secret: SeededSecret,
}

/// A secret of the seed, and where it comes from.
#[derive(Debug)]
pub(in crate::cli) enum SeededSecret {
    /// The file says it.
    Declared(ClientSecret),
    /// The file says it, and the secrets before it ended now.
    Replaced(ClientSecret),
    /// It was made now, with whom it belongs to.
    Made(ClientSecret),
    /// It was made now for somebody who was there before, whose other secrets are good on for a while.
    Renewed(ClientSecret),
    /// It was made earlier, and nobody here knows it.
    Unknown,
}

impl SeededSecret {
    /// The secret, where it is known.
    pub(in crate::cli) fn known(&self) -> Option<&ClientSecret> {
        match self {
            Self::Declared(secret) | Self::Replaced(secret) | Self::Made(secret) | Self::Renewed(secret) => {
                Some(secret)
            }
            Self::Unknown => None,
        }
    }
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
        let mut seed = Self::parse(BUILT_IN, EXAMPLE.as_bytes(), defaults)?;
        seed.is_example = true;
        Ok(seed)
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

    /// Whether this is the built-in example.
    pub(in crate::cli) fn is_example(&self) -> bool {
        self.is_example
    }

    fn parse(name: &str, bytes: &[u8], defaults: &Tokens) -> Result<Self, CliError> {
        let content = declaration::read_for_development(bytes, defaults)
            .map_err(|error| CliError::Usage(format!("{name}:{error}")))?;
        Ok(Self {
            name: name.to_owned(),
            is_example: false,
            content,
        })
    }

    /// Makes what is not there yet, and changes what is there otherwise, secrets and passwords that the file says among it.
    /// Nothing is removed. What the example made earlier gets new secrets and passwords, which nobody could know otherwise; the
    /// secrets before them are good for a while.
    ///
    /// # Errors
    /// What `apply` and `owner add` refuse.
    pub(in crate::cli) fn sow(self, server: &AuthorizationServer) -> Result<Seeded, CliError> {
        let declared = self.content.file.declaration.clone();
        let mut plan = server.plan(declared, false).map_err(|error| self.place(error))?;
        for (thing, credential) in &self.content.credentials {
            plan.bring(thing, credential.id.clone(), credential.secret.clone());
        }
        let new = plan.credentials().to_vec();
        server.apply(plan).map_err(|error| self.place(error))?;
        let mut things: Vec<&Thing> = self.content.credentials.keys().collect();
        things.sort_by_key(|thing| self.content.file.line_of(thing));
        let (mut clients, mut resource_servers) = (Vec::new(), Vec::new());
        for thing in things {
            let made = new.iter().find(|new| new.thing == *thing);
            match thing {
                Thing::Client(id) => {
                    let client = server.client(id)?;
                    let secret = self.secret(server, thing, SecretOwner::Client(id.clone()), made)?;
                    clients.push(SeededClient { client, secret });
                }
                Thing::ResourceServer(name) => {
                    let mut all = server.resource_servers()?.into_iter();
                    if let Some(found) = all.find(|found| found.name == *name) {
                        let owner = SecretOwner::ResourceServer(found.id.clone());
                        let secret = self.secret(server, thing, owner, made)?;
                        resource_servers.push((found.id, secret));
                    }
                }
                Thing::Scope(_) => {}
            }
        }
        let (mut owners, mut strangers) = (Vec::new(), Vec::new());
        for owner in &self.content.owners {
            match self.add(server, owner, clients.first())? {
                Some(password) => owners.push(SeededOwner {
                    username: owner.username.clone(),
                    password,
                }),
                None => strangers.push(owner.username.clone()),
            }
        }
        Ok(Seeded {
            clients,
            owners,
            resource_servers,
            strangers,
        })
    }

    /// The secret of a client or a resource server that is there now.
    fn secret(
        &self,
        server: &AuthorizationServer,
        thing: &Thing,
        owner: SecretOwner,
        made: Option<&NewCredential>,
    ) -> Result<SeededSecret, CliError> {
        let declared = self.content.credentials.get(thing);
        if let Some(secret) = declared.and_then(|declared| declared.secret.clone()) {
            let is_another = server.bring_secret(owner, secret.clone())?;
            return Ok(if is_another {
                SeededSecret::Replaced(secret)
            } else {
                SeededSecret::Declared(secret)
            });
        }
        if let Some(made) = made {
            return Ok(SeededSecret::Made(made.secret.clone()));
        }
        if !self.is_example {
            return Ok(SeededSecret::Unknown);
        }
        let rotated = server.rotate_secret(owner, GOOD_ON, SecretOrigin::Generate)?;
        Ok(SeededSecret::Renewed(rotated.secret))
    }

    /// Adds a resource owner and gives the password, if it is known: the file says it, or the example has made it.
    fn add(
        &self,
        server: &AuthorizationServer,
        owner: &DevelopmentOwner,
        first: Option<&SeededClient>,
    ) -> Result<Option<Password>, CliError> {
        let password = match &owner.password {
            Some(password) => password.clone(),
            None => Password::generate(&OsEntropy).map_err(anyhow::Error::new)?,
        };
        let name = || owner.username.clone();
        match server.add_owner(name(), &password) {
            Ok(_) => return Ok(Some(password)),
            Err(AdministrationError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if owner.password.is_none() {
            // Whoever is older than the client of the example was not made by the example.
            let found = server.owner(&owner.username)?;
            let is_made = first.is_some_and(|first| first.client.created_at <= found.created_at);
            if !self.is_example || !is_made {
                return Ok(None);
            }
        }
        server.bring_password(name(), &password)?;
        Ok(Some(password))
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
