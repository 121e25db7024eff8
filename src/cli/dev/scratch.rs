//! The real server in this process: on a database of its own and a free port of 127.0.0.1.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::control::Control;
use super::place::Place;
use super::seed::{Seed, Seeded};
use crate::authorization_server::AuthorizationServer;
use crate::cli::context::authorization_server_at;
use crate::cli::exit::CliError;
use crate::cli::hosted::{Hosted, bind};
use crate::cli::scratch_directory::{Purpose, ScratchDirectory};
use crate::cli::{listening, operator, serve};
use crate::clock::MovedClock;
use crate::config::Settings;
use crate::domain::issuer::Issuer;
use crate::http::development::Development;
use crate::store::{Store, StoreOptions};

/// A server that answers until this is dropped; then its database goes away.
pub(in crate::cli) struct Scratch {
    // Fields are dropped in this order.
    host: Hosted,
    /// The use cases of the server.
    pub(in crate::cli) server: Arc<AuthorizationServer>,
    /// By which it issues and validates.
    pub(in crate::cli) clock: Arc<MovedClock>,
    /// How its answers fail on demand.
    pub(in crate::cli) development: Arc<Development>,
    /// Clients, secrets, resource owners and their passwords.
    pub(in crate::cli) seeded: Seeded,
    /// The database, for commands that look into it.
    pub(in crate::cli) database: PathBuf,
    directory: ScratchDirectory,
}

impl Scratch {
    /// Starts a server with the default settings.
    ///
    /// # Errors
    /// What [`Seed::sow`] refuses, and whatever keeps a server from starting.
    pub(in crate::cli) fn start(seed: Seed) -> Result<Self, CliError> {
        let clock = Arc::<MovedClock>::default();
        let directory = ScratchDirectory::new(Purpose::Scratch)?;
        let mut settings = Settings::default();
        settings.database.path = directory.path().join("oauthctl.db");
        let (listener, address) =
            bind(listening::limits(&settings)).map_err(CliError::io("listen on 127.0.0.1"))?;
        let issuer = settings
            .issuer_at(address)
            .map_err(|error| CliError::Usage(error.to_string()))?;
        let store = Store::open(StoreOptions {
            path: settings.database.path.clone(),
            busy_timeout: settings.database.busy_timeout.duration(),
            readers: settings.database.readers,
            waiting_writes: settings.limits.waiting_writes,
        })?;
        let server = authorization_server_at(Arc::clone(&clock) as _, store, issuer, &settings);
        let server = Arc::new(server.operated_by(operator::name()));
        // It is new.
        server.begin_development()?;
        let seeded = seed.sow(&server)?;
        let development = Arc::new(Development::new(seeded.buttons(&server)?));
        let app =
            serve::app(&settings, Arc::clone(&server), address).for_development(Arc::clone(&development));
        let host = Hosted::start(listener, Arc::new(app)).map_err(CliError::io("start a thread"))?;
        Ok(Self {
            host,
            server,
            clock,
            development,
            seeded,
            database: settings.database.path,
            directory,
        })
    }

    /// What the server calls itself.
    pub(in crate::cli) fn issuer(&self) -> &Issuer {
        self.server.issuer()
    }

    /// Lets `oauthctl dev` command it, until what is given is dropped.
    ///
    /// # Errors
    /// The system does not give a socket.
    pub(in crate::cli) fn open_control(&self) -> Result<Control, CliError> {
        Control::answer(
            Place::take(&self.database)?,
            Arc::clone(&self.server),
            Arc::clone(&self.development),
            Arc::clone(&self.clock),
        )
    }

    /// Stops the server and removes its database.
    ///
    /// # Errors
    /// The directory could not be removed.
    pub(in crate::cli) fn remove(self) -> io::Result<()> {
        drop(self.host);
        drop(self.server);
        self.directory.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Tokens;

    #[test]
    fn a_scratch_server_answers_and_leaves_nothing_behind() {
        let scratch = Scratch::start(Seed::example(&Tokens::default()).unwrap()).unwrap();
        let url = scratch.issuer().endpoint("/healthz");
        let answer = ureq::get(&url).config().proxy(None).build().call().unwrap();
        assert_eq!(answer.status(), 200);
        let client = &scratch.seeded.clients[0];
        assert_eq!(client.client.id.as_str(), "dev-client");
        assert!(client.secret.known().is_some());
        assert_eq!(scratch.seeded.owners.len(), 3);
        assert_eq!(scratch.seeded.resource_servers.len(), 1);
        let database = scratch.database.clone();
        assert!(database.exists());
        scratch.remove().unwrap();
        assert!(!database.exists());
    }
}
