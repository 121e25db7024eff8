//! Which calls fail: eight numbers in a file that the shim has mapped.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::NamedTempFile;

/// Kinds of calls, as bits.
pub(crate) const OPEN: i64 = 1;
pub(crate) const READ: i64 = 2;
pub(crate) const WRITE: i64 = 4;
pub(crate) const SYNC: i64 = 8;
pub(crate) const TRUNCATE: i64 = 16;
pub(crate) const UNLINK: i64 = 32;
pub(crate) const THREAD: i64 = 64;
pub(crate) const ACCEPT: i64 = 128;
/// What changes a file.
pub(crate) const CHANGES: i64 = OPEN | WRITE | SYNC | TRUNCATE | UNLINK;
/// Every call on a file.
pub(crate) const ALL: i64 = CHANGES | READ;

/// What the numbers mean, by place.
#[derive(Clone, Copy)]
enum Field {
    Kinds,
    Errno,
    First,
    Count,
    Calls,
    Failed,
    Clock,
    Action,
}

/// How a call fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    /// With this error.
    Error(nix::errno::Errno),
    /// A write of half of it, as on a disk that runs full; what is no write fails with this error.
    Short(nix::errno::Errno),
    /// The process is killed in its place.
    Kill,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Control(NamedTempFile);

impl Control {
    pub(crate) fn new() -> Self {
        let file = NamedTempFile::new().unwrap();
        file.as_file().set_len(64).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self) -> &File {
        self.0.as_file()
    }

    fn set(&self, field: Field, value: i64) {
        let at = field as u64 * 8;
        self.file().write_all_at(&value.to_ne_bytes(), at).unwrap();
    }

    fn get(&self, field: Field) -> u64 {
        let mut bytes = [0; 8];
        self.file().read_exact_at(&mut bytes, field as u64 * 8).unwrap();
        u64::from_ne_bytes(bytes)
    }

    /// From the call number `first` of these kinds on, counted from now and from 1, `count` of them fail.
    pub(crate) fn fail(&self, kinds: i64, failure: Failure, first: u64, count: u64) {
        self.set(Field::Kinds, 0);
        let (action, errno) = match failure {
            Failure::Error(errno) => (0, errno as i32),
            Failure::Kill => (1, 0),
            Failure::Short(errno) => (2, errno as i32),
        };
        self.set(Field::Action, action);
        self.set(Field::Errno, i64::from(errno));
        self.set(Field::First, i64::try_from(first).unwrap());
        self.set(Field::Count, i64::try_from(count).unwrap());
        self.set(Field::Calls, 0);
        self.set(Field::Failed, 0);
        self.set(Field::Kinds, kinds);
    }

    /// Counts calls of these kinds, and lets them be.
    pub(crate) fn count(&self, kinds: i64) {
        self.fail(kinds, Failure::Kill, 1, 0);
    }

    /// Nothing fails from now on.
    pub(crate) fn heal(&self) {
        self.set(Field::Kinds, 0);
    }

    /// How many calls there have been.
    pub(crate) fn calls(&self) -> u64 {
        self.get(Field::Calls)
    }

    /// How many of them failed.
    pub(crate) fn failed(&self) -> u64 {
        self.get(Field::Failed)
    }

    /// Puts the clock of the program by so many seconds.
    pub(crate) fn clock(&self, seconds: i64) {
        self.set(Field::Clock, seconds);
    }
}
