//! Where a secret goes that is shown once.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::exit::CliError;

/// A new file of mode 0600 that waits for a secret, or nothing.
///
/// It is made before anything is registered, so that no secret is made that then has no place to go; and it goes away
/// again if nothing comes of it.
pub(super) struct SecretFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl SecretFile {
    /// Makes the file, which must be new.
    pub(super) fn create(path: &Path) -> Result<Self, CliError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(path) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
                is_kept: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(CliError::FileExists(path.to_owned()))
            }
            Err(error) => Err(CliError::io(format!("create {}", path.display()))(error)),
        }
    }

    /// Writes the secret, and waits until it is on disk.
    pub(super) fn write(mut self, secret: &str) -> Result<(), CliError> {
        self.write_for_now(secret)?;
        self.keep();
        Ok(())
    }

    /// As [`write`](Self::write), of a secret that is yet to be registered: the file goes away again without
    /// [`keep`](Self::keep).
    pub(super) fn write_for_now(&mut self, secret: &str) -> Result<(), CliError> {
        let doing = format!("write {}", self.path.display());
        writeln!(self.file, "{secret}")
            .and_then(|()| self.file.sync_all())
            .map_err(CliError::io(doing))
    }

    /// Says that the secret in it is good.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What is in it opens nothing, and if it cannot be removed there is nobody to tell.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
