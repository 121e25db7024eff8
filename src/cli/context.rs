//! What a command works with.

use std::cell::Cell;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use dialoguer::console::Term;

use super::bareness::{ANOTHER, Bareness};
use super::exit::CliError;
use super::output::{OutputFormat, Record, Screen};
use crate::authorization_server::{AuthorizationServer, Rules};
use crate::clock::{Clock, SystemClock};
use crate::config::{RefreshRetryWindow, Settings};
use crate::domain::issuer::Issuer;
use crate::entropy::OsEntropy;
use crate::protocol::refresh::RetryWindow;
use crate::store::{Store, StoreOptions};

/// Which streams are terminals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminals {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

/// Which streams may have colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colored {
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

/// What a command works with: the settings in force, and where it writes.
pub(super) struct Context<'io> {
    pub(super) settings: Settings,
    /// Whether the database of the settings was not there when the command began.
    pub(super) is_new_database: bool,
    /// Whether the command has looked into the database.
    pub(super) has_opened_database: Cell<bool>,
    pub(super) output: OutputFormat,
    pub(super) quiet: bool,
    /// Whether somebody is there who can be asked.
    pub(super) may_ask: bool,
    pub(super) terminals: Terminals,
    pub(super) colored: Colored,
    pub(super) stdout: &'io mut dyn Write,
    pub(super) stderr: &'io mut dyn Write,
}

impl Context<'_> {
    /// The use cases, over the database of the settings; by the clock of the development server that runs on it, if one does.
    pub(super) fn server(&self) -> Result<AuthorizationServer, CliError> {
        let clock = super::dev::control::clock_beside(&self.settings.database.path)?;
        self.server_by(clock, self.issuer()?)
    }

    /// As [`server`](Self::server), for a command that only looks: it makes no database where there is none.
    pub(super) fn server_of_existing(&self) -> Result<AuthorizationServer, CliError> {
        if self.is_new_database {
            return Err(CliError::NoDatabase(self.settings.database.path.clone()));
        }
        self.server()
    }

    /// For a server that is bound to `bound` and is there for its clients: by the clock of the machine, whatever runs beside.
    pub(super) fn server_at(&self, bound: SocketAddr) -> Result<AuthorizationServer, CliError> {
        self.server_by(Arc::new(SystemClock), self.issuer_at(bound)?)
    }

    /// As [`server`](Self::server), by another clock.
    pub(super) fn server_by(
        &self,
        clock: Arc<dyn Clock>,
        issuer: Issuer,
    ) -> Result<AuthorizationServer, CliError> {
        Ok(
            authorization_server_at(clock, self.open_store()?, issuer, &self.settings)
                .operated_by(super::operator::name()),
        )
    }

    /// What the server calls itself.
    pub(super) fn issuer(&self) -> Result<Issuer, CliError> {
        self.issuer_at(self.settings.server.listen)
    }

    /// What a server that is bound to `bound` calls itself.
    pub(super) fn issuer_at(&self, bound: SocketAddr) -> Result<Issuer, CliError> {
        self.settings
            .issuer_at(bound)
            .map_err(|error| CliError::Usage(error.to_string()))
    }

    fn open_store(&self) -> Result<Store, CliError> {
        self.has_opened_database.set(true);
        Ok(Store::open(self.store_options())?)
    }

    /// The database of the settings.
    pub(super) fn store_options(&self) -> StoreOptions {
        let database = &self.settings.database;
        StoreOptions {
            path: database.path.clone(),
            busy_timeout: database.busy_timeout.duration(),
            readers: database.readers,
            waiting_writes: self.settings.limits.waiting_writes,
        }
    }

    /// Where stdout is looked at, if it is a terminal.
    fn screen(&self) -> Option<Screen> {
        let terminal = self.terminals.stdout.then(Term::stdout)?;
        Some(Screen {
            width: usize::from(terminal.size().1),
            now: SystemClock.now(),
        })
    }

    /// How many columns there are where stdout is a terminal.
    pub(super) fn width(&self) -> Option<usize> {
        self.screen().map(|screen| screen.width)
    }

    /// Prints one thing.
    pub(super) fn print(&mut self, record: &Record) -> Result<(), CliError> {
        self.output
            .print_one(record, self.screen().as_ref(), self.stdout)
            .map_err(CliError::io("write to stdout"))
    }

    /// Prints a list; where it is empty, `hint` says on stderr what makes the first entry.
    pub(super) fn print_list(&mut self, records: &[Record], hint: &str) -> Result<(), CliError> {
        self.output
            .print_list(records, self.screen().as_ref(), self.stdout)
            .map_err(CliError::io("write to stdout"))?;
        if records.is_empty() {
            return self.say_empty(hint);
        }
        Ok(())
    }

    /// Says what makes the first entry of a list that is empty, and which database it is where nothing at all is in it.
    pub(super) fn say_empty(&mut self, hint: &str) -> Result<(), CliError> {
        self.say(hint)?;
        self.say_bare()
    }

    /// Says which database was looked into, where nothing at all is in it: perhaps another is meant.
    pub(super) fn say_bare(&mut self) -> Result<(), CliError> {
        if !self.has_opened_database.get() {
            return Ok(());
        }
        match Bareness::of(&self.store_options(), self.is_new_database) {
            Some(bareness) => {
                let path = self.settings.database.path.display();
                self.say(&format!("looked into {path}, which {bareness}; {ANOTHER}"))
            }
            None => Ok(()),
        }
    }

    /// Tells a person something beside the data; not with `--quiet`.
    pub(super) fn say(&mut self, text: &str) -> Result<(), CliError> {
        if self.quiet {
            return Ok(());
        }
        writeln!(self.stderr, "{text}").map_err(CliError::io("write to stderr"))
    }

    /// As [`say`](Self::say), where a person is looking.
    pub(super) fn say_on_terminal(&mut self, text: &str) -> Result<(), CliError> {
        if self.terminals.stderr {
            self.say(text)
        } else {
            Ok(())
        }
    }
}

/// The use cases over a store, under the rules of the settings.
pub(super) fn authorization_server(store: Store, issuer: Issuer, settings: &Settings) -> AuthorizationServer {
    authorization_server_at(Arc::new(SystemClock), store, issuer, settings)
}

/// As [`authorization_server`], by another clock.
pub(super) fn authorization_server_at(
    clock: Arc<dyn Clock>,
    store: Store,
    issuer: Issuer,
    settings: &Settings,
) -> AuthorizationServer {
    let rules = Rules {
        session_lifetime: settings.server.session_lifetime.duration(),
        form_lifetime: settings.server.approval_time.duration(),
        refresh_retry_window: match settings.tokens.refresh_retry_window {
            RefreshRetryWindow::UntilUsed => RetryWindow::UntilSuccessorIsUsed,
            RefreshRetryWindow::For(span) => RetryWindow::AtMost(span.duration()),
        },
        failures: settings.limits.failures,
        failures_per_address: settings.limits.failures_per_address,
        password_hashes: settings.limits.password_hashes,
    };
    AuthorizationServer::new(store, clock, Arc::new(OsEntropy), rules, issuer)
}
