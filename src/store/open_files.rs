//! Whether the files that are open are still the ones that are found at the path, and whether there is room for them.
//!
//! SQLite notices neither by itself: it goes on writing to a file that was deleted or replaced, and everything that it
//! acknowledges then is lost with the process; the command line, on the file that is at the path now, revokes what the
//! server goes on honouring. So nothing is written, and nothing answered, from files that are not the ones at the path.
//! Put back, they serve on. The server does not end by itself: started anew where the file is gone, it would make an empty
//! one, and which file is the right one only an administrator knows.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::file::log_of;

/// With less room than this on the disk, in bytes, the store counts as full. SQLite overwrites its log where it can, so
/// a full disk shows late, and then in the middle of a burst.
const LEAST_ROOM: u64 = 1024 * 1024;

/// The database and its write-ahead log, as they were when they were opened.
#[derive(Debug)]
pub(super) struct OpenFiles {
    database: OpenFile,
    log: OpenFile,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    /// Device and inode; `None` where the file was not there.
    identity: Option<(u64, u64)>,
}

/// How large the files are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreBytes {
    /// The database.
    pub database: u64,
    /// Its write-ahead log.
    pub log: u64,
}

impl OpenFiles {
    /// To be called once the files are open. The files are looked at and not opened: see [`super::file::check_is_file`].
    pub(super) fn at(database: &Path) -> Self {
        Self {
            database: OpenFile::at(database.to_owned()),
            log: OpenFile::at(log_of(database)),
        }
    }

    /// Whether the paths still lead to the same files. Looked at before each commit.
    pub(super) fn are_in_place(&self) -> Result<(), StoreError> {
        self.database.check()?;
        self.log.check()
    }

    /// Whether the path still leads to the same database. Looked at before each time of reading.
    pub(super) fn is_database_in_place(&self) -> Result<(), StoreError> {
        self.database.check()
    }

    /// Whether the paths still lead to the same files, on a disk with room.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.are_in_place()?;
        match room(&self.database.path) {
            Ok(bytes) if bytes < LEAST_ROOM => Err(StoreError::Full),
            // A file system that does not know how much room it has is asked by writing only.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// How large they are; 0 for one that is not there.
    pub(super) fn bytes(&self) -> StoreBytes {
        let bytes = |file: &OpenFile| std::fs::metadata(&file.path).map_or(0, |metadata| metadata.len());
        StoreBytes {
            database: bytes(&self.database),
            log: bytes(&self.log),
        }
    }
}

impl OpenFile {
    fn at(path: PathBuf) -> Self {
        let metadata = std::fs::metadata(&path);
        Self {
            identity: metadata.ok().as_ref().and_then(identity),
            path,
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        let Some(opened) = self.identity else {
            return Ok(());
        };
        match std::fs::metadata(&self.path) {
            Ok(metadata) if identity(&metadata) == Some(opened) => Ok(()),
            Ok(_) => Err(StoreError::Replaced(
                self.path.clone(),
                "another file is in its place",
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Replaced(self.path.clone(), "it is gone"))
            }
            Err(error) => Err(StoreError::CannotOpen(self.path.clone(), error)),
        }
    }
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere the system does not tell files apart like this"
)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The room that is left where `path` lies, in bytes.
#[cfg(unix)]
fn room(path: &Path) -> io::Result<u64> {
    let disk = nix::sys::statvfs::statvfs(path).map_err(io::Error::from)?;
    if disk.blocks() == 0 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

#[cfg(not(unix))]
fn room(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_or_replaced_is_noticed_and_one_that_is_back_is_right_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.db");
        let (log, aside) = (directory.path().join("t.db-wal"), directory.path().join("aside"));
        for file in [&path, &log] {
            std::fs::write(file, "12345").unwrap();
        }
        let files = OpenFiles::at(&path);
        assert_eq!(files.bytes(), StoreBytes { database: 5, log: 5 });
        for file in [&path, &log] {
            files.check().unwrap();
            std::fs::rename(file, &aside).unwrap();
            let gone = files.check().unwrap_err().to_string();
            assert!(gone.contains("it is gone"), "{gone}");
            std::fs::write(file, "").unwrap();
            let replaced = files.check().unwrap_err().to_string();
            assert!(replaced.contains("another file is in its place"), "{replaced}");
            std::fs::rename(&aside, file).unwrap();
        }
        files.check().unwrap();
    }
}
