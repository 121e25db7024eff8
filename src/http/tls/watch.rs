//! Notices that the certificate or its key was replaced.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::Tls;
use crate::clock::Deadline;

/// How long the directory has to be quiet before the files are read: both are to be in place.
const QUIET: Duration = Duration::from_millis(300);

/// How long at most a directory that is never quiet puts the reading off.
const LONGEST: Duration = Duration::from_secs(5);

/// Reads the files again whenever they have changed, until it is dropped.
///
/// It is the directories that are watched, as they are named and as they lie behind links: whoever renews a
/// certificate puts a new file, or a link to one, in the place of the old, and a watch on the file itself would stay
/// with the old. Nothing wakes up while nothing changes.
#[derive(Debug)]
pub struct Watch {
    /// Dropping it ends the thread, which then has nobody to hear from.
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch the directories of the files of `tls`.
    ///
    /// # Errors
    /// The system's, such as for too many watches.
    pub fn start(tls: Arc<Tls>) -> io::Result<Self> {
        let (tell, changes) = channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error, such as a queue that ran over, may stand for a change that was missed.
            if event.is_ok_and(|event| !is_change(event.kind)) {
                return;
            }
            // The thread goes away after this does.
            let _ = tell.send(());
        })
        .map_err(io::Error::other)?;
        for directory in directories(&[&tls.files().certificate, &tls.files().private_key]) {
            watcher
                .watch(&directory, RecursiveMode::NonRecursive)
                .map_err(io::Error::other)?;
        }
        thread::Builder::new()
            .name("certificate".to_owned())
            .spawn(move || {
                // What changed before the watch began.
                tls.follow();
                while changes.recv().is_ok() && is_quiet(&changes) {
                    tls.follow();
                }
            })?;
        Ok(Self { _watcher: watcher })
    }
}

/// Whether an event is one. To read a file is none: the server does that itself.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// Waits until nothing more changes. `false` where nobody watches any more.
fn is_quiet(changes: &Receiver<()>) -> bool {
    let deadline = Deadline::after(LONGEST);
    while let Some(left) = deadline.remaining() {
        match changes.recv_timeout(QUIET.min(left)) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// The directories in which `files` lie, by name and behind links.
fn directories(files: &[&Path]) -> BTreeSet<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    files
        .iter()
        .flat_map(|file| {
            [
                Some(parent(file)),
                file.canonicalize().ok().as_deref().map(parent),
            ]
        })
        .flatten()
        .collect()
}
