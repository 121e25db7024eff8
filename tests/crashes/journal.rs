//! What the shim wrote down.

use std::fs;
use std::path::{Path, PathBuf};

/// A record, and where it ends.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The length of the journal with it.
    pub(crate) end: u64,
    pub(crate) path: PathBuf,
    pub(crate) call: Call,
}

/// What was done.
#[derive(Debug)]
pub(crate) enum Call {
    /// A file was made.
    Create,
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate(usize),
    /// A flush with this number began: what was done before is on the disk once it has ended.
    SyncBegins(u64),
    SyncEnded(u64),
    Unlink,
    Rename(PathBuf),
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().unwrap())
}

/// Reads what is there; a record that was cut off by a kill of the program is none.
pub(crate) fn read(path: &Path) -> Vec<Entry> {
    const HEAD: usize = 24;
    let bytes = fs::read(path).unwrap();
    let mut entries = Vec::new();
    let mut from = 0;
    while let Some(head) = bytes.get(from..from + HEAD) {
        let small = |range: std::ops::Range<usize>| u32::from_ne_bytes(head[range].try_into().unwrap());
        let size = |value: u64| usize::try_from(value).unwrap();
        let (kind, name) = (small(0..4), size(u64::from(small(4..8))));
        let (at, length) = (number(&head[8..16]), size(number(&head[16..24])));
        let name_from = from + HEAD;
        let Some(record) = bytes.get(name_from..name_from + name + length) else {
            break;
        };
        let (name, content) = record.split_at(name);
        let path_of = |name: &[u8]| PathBuf::from(std::str::from_utf8(name).unwrap());
        from = name_from + record.len();
        entries.push(Entry {
            end: from as u64,
            path: path_of(name),
            call: match char::from_u32(kind).unwrap() {
                'C' => Call::Create,
                'W' => Call::Write {
                    at: size(at),
                    bytes: content.to_vec(),
                },
                'T' => Call::Truncate(size(at)),
                's' => Call::SyncBegins(at),
                'S' => Call::SyncEnded(at),
                'U' => Call::Unlink,
                'R' => Call::Rename(path_of(content)),
                other => panic!("an unknown record {other}"),
            },
        });
    }
    entries
}
