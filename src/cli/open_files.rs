//! How many files the process may have open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::settings::Limits;

/// What is open besides: the database, its log and its lock for each reader, sockets, templates, the standard streams.
const BESIDES: usize = 64;

/// How many one reader of the database has open.
const A_READER: usize = 3;

/// Sees to it that all connections can be open at once: asks the system for as many files as that takes, as far as it
/// lets the process have them. Gives a warning where that is not enough.
pub(super) fn provide(limits: &Limits, readers: usize) -> Option<String> {
    let needed = limits.connections + readers * A_READER + BESIDES;
    let needed = u64::try_from(needed).unwrap_or(u64::MAX);
    // Where the system does not say, nothing can be said about it.
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if needed <= soft {
        return None;
    }
    let raised = needed.min(hard);
    let granted = match setrlimit(Resource::RLIMIT_NOFILE, raised, hard) {
        Ok(()) => raised,
        Err(_) => soft,
    };
    (granted < needed).then(|| {
        format!(
            "{} connections need {needed} open files, and the system allows {granted}; raise that (`ulimit -n`, or \
             LimitNOFILE= of systemd), or set connections under [limits] lower",
            limits.connections
        )
    })
}
