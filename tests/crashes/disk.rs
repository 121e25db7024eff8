//! What a disk would hold, had the power failed.
//!
//! What was done to a file before a flush of it began is on the disk once the flush has ended. Of what came later any part
//! may be: nothing, all, the first of it, some writes of it, or some sectors of some writes. The name of a file is on the
//! disk once its *directory* was flushed; until then a file that was made may be absent, and one that was removed may be
//! there again, each name by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::journal::{Call, Entry};
use crate::random::Random;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// How good the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushes {
    /// What it says is flushed, is flushed.
    Kept,
    /// It forgets every flush of a write-ahead log.
    LogForgotten,
    /// It forgets every flush.
    AllForgotten,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate(length) => content.resize(*length, 0),
        }
    }

    /// Some of its sectors.
    fn tear(&self, random: &mut Random) -> Vec<Self> {
        let Self::Write { at, bytes } = self else {
            return vec![self.clone()];
        };
        let mut torn = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            // Up to the next boundary on the disk.
            let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
            if random.once_in(2) {
                torn.push(Self::Write {
                    at: at + from,
                    bytes: bytes[from..to].to_vec(),
                });
            }
            from = to;
        }
        torn
    }
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    /// Not flushed yet.
    pending: Vec<Change>,
    /// How many changes were flushed.
    flushed: usize,
    /// Flushes under way, with the number of changes that they are about.
    flushing: BTreeMap<u64, usize>,
}

/// What a name may lead to, the oldest first; the first one is on the disk.
type Name = Vec<Option<usize>>;

/// A disk that follows a journal.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    flushes: Flushes,
    directory: PathBuf,
    files: Vec<File>,
    names: BTreeMap<PathBuf, Name>,
    /// Flushes of the directory under way, with the number of states that each name had.
    flushing: BTreeMap<u64, BTreeMap<PathBuf, usize>>,
}

impl Disk {
    /// With these files, which are on it for good.
    pub(crate) fn with(directory: &Path, files: &[(PathBuf, Vec<u8>)], flushes: Flushes) -> Self {
        let mut disk = Self {
            flushes,
            directory: directory.to_owned(),
            files: Vec::new(),
            names: BTreeMap::new(),
            flushing: BTreeMap::new(),
        };
        for (path, content) in files {
            disk.names.insert(path.clone(), vec![Some(disk.files.len())]);
            disk.files.push(File {
                durable: content.clone(),
                ..File::default()
            });
        }
        disk
    }

    fn file(&mut self, path: &Path) -> &mut File {
        let index = self.names[path].last().copied().flatten();
        &mut self.files[index.unwrap_or_else(|| panic!("{} is not there", path.display()))]
    }

    fn name(&mut self, path: &Path, leads_to: Option<usize>) {
        let name = self.names.entry(path.to_owned()).or_insert_with(|| vec![None]);
        name.push(leads_to);
    }

    pub(crate) fn follow(&mut self, entry: &Entry) {
        let path = &entry.path;
        match &entry.call {
            Call::Create => {
                self.files.push(File::default());
                self.name(path, Some(self.files.len() - 1));
            }
            Call::Write { at, bytes } => self.file(path).pending.push(Change::Write {
                at: *at,
                bytes: bytes.clone(),
            }),
            Call::Truncate(length) => self.file(path).pending.push(Change::Truncate(*length)),
            Call::Unlink => self.name(path, None),
            Call::Rename(to) => {
                let moved = self.names[path].last().copied().flatten();
                self.name(path, None);
                self.name(to, moved);
            }
            Call::SyncBegins(number) | Call::SyncEnded(number) => self.sync(path, &entry.call, *number),
        }
    }

    fn sync(&mut self, path: &Path, call: &Call, number: u64) {
        let is_forgotten = match self.flushes {
            Flushes::Kept => false,
            Flushes::LogForgotten => path.to_string_lossy().ends_with("-wal"),
            Flushes::AllForgotten => true,
        };
        let begins = matches!(call, Call::SyncBegins(_));
        if is_forgotten {
            return;
        }
        if path == self.directory {
            if begins {
                let lengths = self.names.iter().map(|(path, name)| (path.clone(), name.len()));
                self.flushing.insert(number, lengths.collect());
            } else {
                for (path, length) in self.flushing.remove(&number).unwrap_or_default() {
                    let name = self.names.get_mut(&path).unwrap();
                    // Another flush may have ended meanwhile; the last state that this one is about stays.
                    name.drain(..length.saturating_sub(1).min(name.len() - 1));
                }
            }
            return;
        }
        let file = self.file(path);
        if begins {
            file.flushing.insert(number, file.flushed + file.pending.len());
        } else if let Some(until) = file.flushing.remove(&number) {
            let count = until.saturating_sub(file.flushed);
            for change in file.pending.drain(..count) {
                change.apply(&mut file.durable);
            }
            file.flushed += count;
        }
    }

    /// How many changes are not flushed.
    pub(crate) fn pending(&self) -> usize {
        self.files.iter().map(|file| file.pending.len()).sum()
    }

    /// The files after the power failed now.
    pub(crate) fn after_power_cut(&self, random: &mut Random) -> Vec<(PathBuf, Vec<u8>)> {
        let mut left = Vec::new();
        for (path, states) in &self.names {
            let Some(file) = states[random.below(states.len())] else {
                continue;
            };
            left.push((path.clone(), self.files[file].after_power_cut(random)));
        }
        left
    }
}

impl File {
    fn after_power_cut(&self, random: &mut Random) -> Vec<u8> {
        let mut content = self.durable.clone();
        let kept: Vec<Change> = match random.below(5) {
            0 => Vec::new(),
            1 => self.pending.clone(),
            2 => {
                let whole = random.below(self.pending.len() + 1);
                let mut kept = self.pending[..whole].to_vec();
                // The write that was under way.
                kept.extend(
                    self.pending[whole..]
                        .iter()
                        .take(1)
                        .flat_map(|last| last.tear(random)),
                );
                kept
            }
            3 => {
                let mut kept = self.pending.clone();
                kept.retain(|_| random.once_in(2));
                kept
            }
            _ => self
                .pending
                .iter()
                .flat_map(|change| change.tear(random))
                .collect(),
        };
        for change in kept {
            change.apply(&mut content);
        }
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, call: Call) -> Entry {
        Entry {
            end: 0,
            path: path.into(),
            call,
        }
    }

    fn write(path: &str, at: usize, bytes: &[u8]) -> Entry {
        let bytes = bytes.to_vec();
        entry(path, Call::Write { at, bytes })
    }

    /// Everything that can be left, in a hundred tries.
    fn left(disk: &Disk) -> std::collections::BTreeSet<Vec<(PathBuf, Vec<u8>)>> {
        let mut random = Random::new(1);
        (0..200).map(|_| disk.after_power_cut(&mut random)).collect()
    }

    #[test]
    fn what_was_flushed_stays_and_what_was_not_may_be_there_or_not() {
        let files = [("/d/a".into(), b"old".to_vec())];
        let mut disk = Disk::with(Path::new("/d"), &files, Flushes::Kept);
        disk.follow(&write("/d/a", 0, b"new"));
        assert_eq!(left(&disk).len(), 2);
        disk.follow(&entry("/d/a", Call::SyncBegins(1)));
        disk.follow(&write("/d/a", 3, b"er"));
        disk.follow(&entry("/d/a", Call::SyncEnded(1)));
        let contents: Vec<Vec<u8>> = left(&disk)
            .into_iter()
            .map(|mut files| files.remove(0).1)
            .collect();
        assert_eq!(contents, [b"new".to_vec(), b"newer".to_vec()]);
    }

    #[test]
    fn a_name_stays_once_its_directory_was_flushed() {
        let mut disk = Disk::with(Path::new("/d"), &[], Flushes::Kept);
        disk.follow(&entry("/d/a", Call::Create));
        assert_eq!(left(&disk).len(), 2, "there or not");
        disk.follow(&entry("/d", Call::SyncBegins(1)));
        disk.follow(&entry("/d", Call::SyncEnded(1)));
        assert_eq!(left(&disk).len(), 1, "there");
        disk.follow(&entry("/d/a", Call::Unlink));
        assert_eq!(left(&disk).len(), 2, "gone or back");
    }

    #[test]
    fn a_write_is_torn_at_the_sectors_of_the_disk() {
        let mut disk = Disk::with(Path::new("/d"), &[("/d/a".into(), Vec::new())], Flushes::Kept);
        disk.follow(&write("/d/a", 500, &[1; 1000]));
        let contents = left(&disk);
        assert!(contents.len() > 4, "{}", contents.len());
        for files in contents {
            let content = &files[0].1;
            for bounds in [500..512, 512..1024, 1024..1500] {
                let sector: Vec<u8> = bounds.filter_map(|at| content.get(at).copied()).collect();
                assert!(
                    sector.windows(2).all(|pair| pair[0] == pair[1]),
                    "torn within a sector"
                );
            }
        }
    }
}
