//! A directory that lasts as long as the process needs it.
//!
//! A process that is killed leaves its directory behind. So each holds a lock on a file in its own, which the system lets go
//! of when the process ends, however it ends; and whoever makes a directory first removes those on whose file nobody has a
//! lock. What has no such file is left alone: it is not ours, or is being made just now.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use nix::unistd::Uid;
use tempfile::TempDir;

use super::exit::CliError;

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `demo`.
    Demo,
    /// `serve --dev`.
    Development,
    /// `run`, and servers in tests.
    Scratch,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Demo, Self::Development, Self::Scratch];

    /// What the name of its directories begins with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Demo => "oauthctl-demo-",
            Self::Development => "oauthctl-dev-",
            Self::Scratch => "oauthctl-scratch-",
        }
    }

    /// The server that has such a directory, for people.
    pub(super) fn server(self) -> &'static str {
        match self {
            Self::Demo => "the server of `oauthctl demo`",
            Self::Development => "the development server",
            Self::Scratch => "the server of `oauthctl run`",
        }
    }

    /// What to do where it has ended.
    pub(super) fn next(self) -> &'static str {
        match self {
            Self::Demo | Self::Scratch => "unset OAUTHCTL_DATABASE, or set it to another database",
            Self::Development => {
                "start one with `oauthctl serve --dev`, and set OAUTHCTL_DATABASE and its other variables anew as it says"
            }
        }
    }
}

/// How many characters the name of a directory has after its prefix.
const RANDOM: usize = 8;

/// The most names in the directory for temporary files that are looked at.
const MOST_LOOKED_AT: usize = 10_000;

/// The file that is locked, and what it is called until it is.
const LOCK: &str = "in-use";
const LOCK_TO_BE: &str = "in-use.new";

/// A new directory, nobody else's business (mode 0700), wherever temporary files lie. It goes away when it is dropped.
#[derive(Debug)]
pub(super) struct ScratchDirectory {
    // Fields are dropped in this order: the lock goes last.
    directory: TempDir,
    _lock: Option<File>,
}

impl ScratchDirectory {
    /// Makes a directory, and removes those that processes of ours left behind when they were killed.
    ///
    /// # Errors
    /// The system makes none where TMPDIR says.
    pub(super) fn new(purpose: Purpose) -> Result<Self, CliError> {
        let place = std::env::temp_dir();
        remove_abandoned(&place);
        Self::new_in(&place, purpose).map_err(|error| {
            let place = place.display();
            CliError::io(format!(
                "make a scratch directory in {place} (TMPDIR names a directory for such)"
            ))(error)
        })
    }

    fn new_in(place: &Path, purpose: Purpose) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder
            .prefix(purpose.prefix())
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(0o700));
        let directory = builder.tempdir_in(place)?;
        // Where the system has no locks, nobody takes it for abandoned: the file is not there under its name.
        let lock = lock(directory.path()).ok();
        Ok(Self {
            directory,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Removes it.
    pub(super) fn close(self) -> io::Result<()> {
        self.directory.close()
    }
}

/// Locks the file, which has its name only then: whoever sees it unlocked sees one that nobody holds any more.
fn lock(directory: &Path) -> io::Result<File> {
    let to_be = directory.join(LOCK_TO_BE);
    let file = File::create_new(&to_be)?;
    file.try_lock().map_err(io::Error::from)?;
    fs::rename(to_be, directory.join(LOCK))?;
    Ok(file)
}

/// Removes what was left behind. What cannot be looked at or removed stays: that keeps nobody from working.
fn remove_abandoned(place: &Path) {
    if !is_safe(place) {
        return;
    }
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.take(MOST_LOOKED_AT).flatten() {
        if entry.file_name().to_str().is_some_and(is_named_as_ours) {
            let _ = remove_if_abandoned(&entry.path());
        }
    }
}

/// Whether nobody else can put something in the place of what was looked at: a directory of one's own or of root, to which
/// others may not write or which has the sticky bit. Whoever has the directory may rename all that is in it.
fn is_safe(place: &Path) -> bool {
    fs::metadata(place).is_ok_and(|found| is_closed(found.uid(), found.mode(), Uid::effective().as_raw()))
}

fn is_closed(owner: u32, mode: u32, own: u32) -> bool {
    (owner == own || owner == 0) && (mode & 0o022 == 0 || mode & 0o1000 != 0)
}

fn is_named_as_ours(name: &str) -> bool {
    purpose_of(name).is_some()
}

/// What a directory of this name is for, if the name is one of ours.
fn purpose_of(name: &str) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| {
        let rest = name.strip_prefix(purpose.prefix());
        rest.is_some_and(|rest| rest.len() == RANDOM && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    })
}

/// What the directory of this database was for, where its name is one of ours and it is not there any more.
pub(super) fn ended(database: &Path) -> Option<Purpose> {
    let directory = database.parent()?;
    let purpose = purpose_of(directory.file_name()?.to_str()?)?;
    let found = fs::symlink_metadata(directory);
    found
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        .then_some(purpose)
}

/// Whether it belongs to the user that this process belongs to, links not followed.
fn is_own(found: &Metadata) -> bool {
    found.uid() == Uid::effective().as_raw()
}

fn remove_if_abandoned(directory: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() || !is_own(&found) || found.mode() & 0o777 != 0o700 {
        return Ok(());
    }
    // Nobody else gets into it from here on.
    let path = directory.join(LOCK);
    let found = fs::symlink_metadata(&path)?;
    if !found.is_file() || !is_own(&found) {
        return Ok(());
    }
    let file = File::open(path)?;
    if file.try_lock().is_err() {
        return Ok(());
    }
    fs::remove_dir_all(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_as_ours_and_gone_has_ended() {
        let place = tempfile::tempdir().unwrap();
        let there = ScratchDirectory::new_in(place.path(), Purpose::Development).unwrap();
        let database = there.path().join("oauthctl.db");
        assert_eq!(ended(&database), None, "it is there");
        there.close().unwrap();
        assert_eq!(ended(&database), Some(Purpose::Development));
        for (name, expected) in [
            ("oauthctl-scratch-abcDEF12", Some(Purpose::Scratch)),
            ("oauthctl-dev-notes", None),
            ("elsewhere", None),
        ] {
            let database = place.path().join(name).join("oauthctl.db");
            assert_eq!(ended(&database), expected, "{name}");
        }
        assert_eq!(ended(Path::new("oauthctl.db")), None);
    }

    fn names(place: &Path) -> Vec<String> {
        let entries = fs::read_dir(place).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// A directory as a process leaves it that is killed.
    fn abandon(place: &Path) -> String {
        let made = ScratchDirectory::new_in(place, Purpose::Scratch).unwrap();
        fs::write(made.path().join("oauthctl.db"), "x").unwrap();
        let path = made.directory.keep();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn what_nobody_has_any_more_goes_and_everything_else_stays() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        let held = ScratchDirectory::new_in(place, Purpose::Development).unwrap();
        let held_name = held.path().file_name().unwrap().to_str().unwrap().to_owned();
        let [gone, open_to_others, not_locked_yet, linked] = [(); 4].map(|()| abandon(place));
        let at = |name: &str| place.join(name);
        fs::set_permissions(at(&open_to_others), fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(
            at(&not_locked_yet).join(LOCK),
            at(&not_locked_yet).join(LOCK_TO_BE),
        )
        .unwrap();
        fs::rename(at(&linked), at("elsewhere")).unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at(&linked)).unwrap();
        let other = "oauthctl-dev-notes".to_owned();
        fs::rename(at(&abandon(place)), at(&other)).unwrap();

        remove_abandoned(place);
        let mut expected = vec![
            "elsewhere".to_owned(),
            held_name,
            linked,
            not_locked_yet,
            open_to_others,
            other,
        ];
        expected.sort_unstable();
        assert_eq!(names(place), expected);
        assert!(!at(&gone).exists());
        assert_eq!(names(&at("elsewhere")).len(), 2, "a link is not followed");
        held.close().unwrap();
        assert_eq!(names(place).len(), 5);
    }

    #[test]
    fn nothing_is_removed_where_others_could_put_something_else_in_its_place() {
        let place = tempfile::tempdir().unwrap();
        abandon(place.path());
        for (mode, left) in [(0o777, 1), (0o770, 1), (0o1777, 0)] {
            fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
            remove_abandoned(place.path());
            assert_eq!(names(place.path()).len(), left, "{mode:o}");
        }
        for (owner, mode, own, closed) in [
            (1000, 0o700, 1000, true),
            (0, 0o41777, 1000, true),
            (1000, 0o755, 0, false),
            (1001, 0o41777, 1000, false),
        ] {
            assert_eq!(is_closed(owner, mode, own), closed, "{owner} {mode:o} {own}");
        }
    }
}
