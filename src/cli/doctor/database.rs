//! The database file: its mode and owner, its soundness, the log beside it, the disk that it lies on; and the clock.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use nix::unistd::{Uid, User};

use super::super::context::Context;
use super::super::exit::CliError;
use super::super::shell::word;
use super::finding::{Finding, Level};
use crate::clock::Timestamp;
use crate::domain::span;
use crate::store::{self, SCHEMA_VERSION, StoreError};

/// What to do about a file that is damaged.
pub(super) const RESTORE: &str = "restore a backup: oauthctl backup --help says how";

const MIB: u64 = 1024 * 1024;

/// A log that grew beyond this is not emptied any more, or a reader has held on to it for long.
const LARGEST_LOG: u64 = 64 * MIB;

/// Less than this, and writing fails soon.
const LEAST_FREE: u64 = 32 * MIB;

/// Clocks that are kept in step differ by less.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// What was found of the file; whether its contents can be asked for.
pub(super) fn examine(context: &mut Context<'_>, findings: &mut Vec<Finding>) -> Result<bool, CliError> {
    let path = context.settings.database.path.clone();
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) => {
            findings.push(missing(&path, &error));
            return Ok(false);
        }
    };
    let log = beside(&path, "-wal");
    let log_size = fs::metadata(&log).map_or(0, |metadata| metadata.len());
    findings.extend(access(&path, &metadata));
    let directory = directory(&path);
    findings.extend(
        fs::metadata(directory)
            .ok()
            .and_then(|metadata| open_directory(directory, &metadata)),
    );

    context.say_on_terminal("reading the whole database …")?;
    let size = metadata.len().saturating_add(log_size);
    let is_usable = contents(&path, store::inspect(&context.store_options()), findings);
    findings.push(log_finding(log_size, &path));
    if let Ok(disk) = statvfs(directory) {
        #[expect(
            clippy::useless_conversion,
            reason = "the widths differ from system to system"
        )]
        let free = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
        findings.push(disk_finding(free, size, directory));
    }
    Ok(is_usable)
}

fn missing(path: &Path, error: &io::Error) -> Finding {
    let finding = |what: String| Finding::new("database", Level::Fault, what);
    if error.kind() == io::ErrorKind::NotFound {
        let name = word(&path.display().to_string());
        finding(format!("there is no file {}", path.display())).fix(format!(
            "name it with --database, or begin with: oauthctl --database {name} scope define"
        ))
    } else {
        finding(format!("{} cannot be looked at: {error}", path.display()))
            .fix("run this as the user that the server runs as")
    }
}

/// The file and those beside it.
fn access(path: &Path, metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 != 0 {
            findings.push(
                Finding::new(
                    "permissions",
                    Level::Fault,
                    format!(
                        "{} has mode {mode:04o}, so others on this machine can open it",
                        path.display()
                    ),
                )
                .fix(format!("chmod 600 {}", word(&path.display().to_string()))),
            );
        }
    }
    findings.extend(owner(path, metadata.uid(), Uid::effective()));
    if findings.is_empty() {
        let mode = metadata.mode() & 0o777;
        findings.push(Finding::ok(
            "permissions",
            format!("{} has mode {mode:04o}", path.display()),
        ));
    }
    findings
}

fn owner(path: &Path, owner: u32, me: Uid) -> Option<Finding> {
    if owner == me.as_raw() {
        return None;
    }
    let user = User::from_uid(Uid::from_raw(owner)).ok().flatten();
    let name = user.map_or_else(|| format!("uid {owner}"), |user| user.name);
    // The superuser opens every file, and SQLite then gives what it makes beside it to the file's owner.
    let level = if me.is_root() { Level::Note } else { Level::Warning };
    let finding = format!("{} belongs to {name}", path.display());
    Some(Finding::new("owner", level, finding).fix(format!("sudo -u {} oauthctl doctor", word(&name))))
}

/// Whoever may write to the directory may put another file in the place of the database.
fn open_directory(directory: &Path, metadata: &Metadata) -> Option<Finding> {
    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let is_open = metadata.mode() & WRITABLE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0;
    is_open.then(|| {
        let finding = format!(
            "everybody may replace the database, because of the mode of {}",
            directory.display()
        );
        let fix = format!("chmod o-w {}", word(&directory.display().to_string()));
        Finding::new("permissions", Level::Fault, finding).fix(fix)
    })
}

/// What SQLite says of the file; whether its contents can be asked for.
fn contents(
    path: &Path,
    inspected: Result<store::Inspection, StoreError>,
    findings: &mut Vec<Finding>,
) -> bool {
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(error) => {
            let (level, fix) = match &error {
                StoreError::TooNew { .. } => (Level::Fault, "use the newer oauthctl that made it"),
                StoreError::NotOurs(..) => (Level::Fault, "name another file with --database"),
                StoreError::Busy => (Level::Warning, "try again"),
                StoreError::CannotOpen(..) | StoreError::ReadOnly => {
                    (Level::Fault, "run this as the user that the server runs as")
                }
                _ => (Level::Fault, RESTORE),
            };
            let error = CliError::from(error).of_database(path).to_string();
            findings.push(Finding::new("integrity", level, error).fix(fix));
            return false;
        }
    };
    if inspection.faults.is_empty() {
        let finding = format!("{}, every page and reference is sound", size(inspection.bytes));
        findings.push(Finding::ok("integrity", finding));
    }
    for fault in &inspection.faults {
        findings.push(Finding::new("integrity", Level::Fault, fault).fix(RESTORE));
    }
    let version = inspection.schema_version;
    if version < SCHEMA_VERSION {
        let finding = format!(
            "version {version}, and this oauthctl works with version {SCHEMA_VERSION}; the next command brings it up to \
             date, and an older oauthctl does not open it then; what is in it was not looked at"
        );
        let fix = "oauthctl backup FILE && oauthctl client list";
        findings.push(Finding::new("schema", Level::Note, finding).fix(fix));
        return false;
    }
    findings.push(Finding::ok("schema", format!("version {version}")));
    inspection.faults.is_empty()
}

fn log_finding(bytes: u64, path: &Path) -> Finding {
    if bytes <= LARGEST_LOG {
        return Finding::ok("write-ahead log", size(bytes));
    }
    let finding = format!("{}, more than it needs: it is not emptied", size(bytes));
    let database = word(&path.display().to_string());
    Finding::new("write-ahead log", Level::Warning, finding).fix(format!(
        "stop the server, empty it with: oauthctl --database {database} client list; and start the server"
    ))
}

fn disk_finding(free: u64, database: u64, directory: &Path) -> Finding {
    let place = directory.display();
    let fix = "make room there; `oauthctl token prune` makes room within the database";
    if free < LEAST_FREE {
        let finding = format!("{} are free at {place}: soon nothing can be written", size(free));
        return Finding::new("disk", Level::Fault, finding).fix(fix);
    }
    if free < database {
        let finding = format!(
            "{} are free at {place}, less than the database has, so there is no room for a copy",
            size(free)
        );
        return Finding::new("disk", Level::Warning, finding).fix(fix);
    }
    Finding::ok("disk", format!("{} are free at {place}", size(free)))
}

/// Whether the clock is behind what was written under it.
pub(super) fn clock(newest: Option<Timestamp>, now: Timestamp) -> Option<Finding> {
    let newest = newest?;
    let ahead = newest.since(now);
    if ahead <= CLOCK_TOLERANCE {
        return Some(Finding::ok(
            "clock",
            format!("{now}, after everything that was written down"),
        ));
    }
    let ahead = span::format(Duration::from_secs(ahead.as_secs()));
    let finding = format!(
        "it says {now}, and something was written down {ahead} later, at {newest}: tokens live longer or shorter than \
         they should"
    );
    Some(Finding::new("clock", Level::Fault, finding).fix("timedatectl set-ntp true"))
}

/// A size as people say it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if tenths >= 100 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// The file that SQLite puts beside a database.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(path);
    path.push(suffix);
    path.into()
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_behind_by_a_minute() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let level = |newest| clock(newest, now).map(|finding| finding.level);
        assert_eq!(level(None), None);
        assert_eq!(
            level(Some(now.before(Duration::from_secs(9999)))),
            Some(Level::Ok)
        );
        assert_eq!(level(Some(now.after(CLOCK_TOLERANCE))), Some(Level::Ok));
        let beyond = CLOCK_TOLERANCE + Duration::from_millis(1);
        assert_eq!(level(Some(now.after(beyond))), Some(Level::Fault));
    }

    #[test]
    fn a_disk_has_to_have_room_for_a_copy_and_for_writing() {
        for (free, database, level) in [
            (LEAST_FREE - 1, 0, Level::Fault),
            (LEAST_FREE, LEAST_FREE, Level::Ok),
            (LEAST_FREE, LEAST_FREE + 1, Level::Warning),
            (u64::MAX, 1, Level::Ok),
        ] {
            assert_eq!(
                disk_finding(free, database, Path::new("/x")).level,
                level,
                "{free} {database}"
            );
        }
    }

    #[test]
    fn a_log_has_to_be_emptied_now_and_then() {
        let path = Path::new("a.db");
        assert_eq!(log_finding(LARGEST_LOG, path).level, Level::Ok);
        assert_eq!(log_finding(LARGEST_LOG + 1, path).level, Level::Warning);
    }

    #[test]
    fn a_file_of_somebody_else_is_worth_a_word() {
        let level = |owner_id, me| {
            let finding = owner(Path::new("a.db"), owner_id, Uid::from_raw(me));
            finding.map(|finding| finding.level)
        };
        assert_eq!(level(1000, 1000), None);
        assert_eq!(level(1000, 0), Some(Level::Note));
        assert_eq!(level(0, 1000), Some(Level::Warning));
    }

    #[test]
    fn sizes_as_people_say_them() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (64 * MIB, "64 MiB"),
            (1024 * MIB, "1.0 GiB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}
