//! Floor 1: the store. All SQL is here.
//!
//! SQLite with a write-ahead log, `synchronous=FULL` and foreign keys. [`Store::write`] runs a use case's one
//! transaction on the one writer, [`Store::read`] runs questions on a snapshot. Tables and their methods stand in a
//! file each; the schema is in `schema/`, its history in `migrations`.

mod audit_rows;
mod backup;
mod client_rows;
mod definitions;
mod error;
mod family_rows;
mod figures;
mod file;
mod grant_rows;
mod grant_selection;
mod inspection;
mod migrations;
mod name_rows;
mod open_files;
mod owner_rows;
mod probe_rows;
mod prune;
mod readers;
mod remembered_rows;
mod resource_server_rows;
mod row;
mod scope_rows;
mod secret_rows;
mod session_rows;
mod soundness;
mod statement;
mod token_rows;
mod token_selection;
mod transaction;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use audit_rows::{AuditSelector, StoredAuditEntry};
pub use backup::{BackedUp, BackupError, back_up};
pub use error::StoreError;
pub use family_rows::{Relative, Relatives};
pub use figures::Figures;
pub use file::StoreOptions;
pub use grant_rows::{GrantHolder, GrantOverview, NewGrant};
pub use grant_selection::{GrantListing, GrantSelector};
pub use inspection::{Inspection, inspect, is_empty, is_new_or_for_development, is_up_to_date};
pub use migrations::SCHEMA_VERSION;
pub use name_rows::NameKind;
pub use open_files::StoreBytes;
pub use prune::{PruneCursor, PruneStep};
pub use remembered_rows::RememberedOverview;
pub use secret_rows::SecretHolder;
pub use token_rows::IssuedToken;
pub use token_selection::{FoundToken, TokenCursor, TokenOverview, TokenSelector};
pub use transaction::{ReadTransaction, WriteTransaction};

/// An open database.
#[derive(Debug)]
pub struct Store {
    path: std::path::PathBuf,
    files: Arc<open_files::OpenFiles>,
    writer: writer::Writer,
    readers: readers::Readers,
}

impl Store {
    /// Opens the file, makes it (mode 0600) where it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// A file that is not a database, that another program or a newer version of this one made, that misses a
    /// table, or that cannot be written. Such a file is left as it was.
    pub fn open(options: StoreOptions) -> Result<Self, StoreError> {
        file::create_if_missing(&options.path)?;
        file::check_is_file(&options.path)?;
        let connection = file::open_writer(&options)?;
        let files = Arc::new(open_files::OpenFiles::at(&options.path));
        let definitions = Arc::default();
        let writer =
            writer::Writer::start(connection, &options, Arc::clone(&definitions), Arc::clone(&files))
                .map_err(|error| StoreError::CannotOpen(options.path.clone(), error))?;
        Ok(Self {
            files,
            path: options.path.clone(),
            writer,
            readers: readers::Readers::new(options, definitions),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the files that are open, and the disk has room.
    ///
    /// # Errors
    /// [`StoreError::Replaced`], [`StoreError::Full`].
    pub fn check_files(&self) -> Result<(), StoreError> {
        self.files.check()
    }

    /// How large the files are.
    pub fn bytes(&self) -> StoreBytes {
        self.files.bytes()
    }

    /// What the writer is seen doing.
    pub fn figures(&self) -> &Figures {
        self.writer.figures()
    }

    /// Runs `work` in a write transaction and returns once it is on disk. `Err` undoes what `work` wrote. Where the path
    /// leads to other files by now, nothing is run.
    ///
    /// To refuse **and** keep what was written, return `Ok` of a value that says so.
    pub fn write<T, E>(
        &self,
        work: impl FnOnce(&WriteTransaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(work)
    }

    /// Runs `work` on a snapshot of what is committed, unless the path leads to another file by now.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTransaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.files.is_database_in_place()?;
        self.readers.read(work)
    }
}
