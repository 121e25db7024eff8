//! How many files the process may have open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::settings::Limits;

/// What is open besides: the writer of the database, sockets, what is watched, the standard streams.
const BESIDES: u64 = 32;

/// How many one reader of the database has open: the database, its log and its index.
const A_READER: u64 = 3;

/// With fewer connections there is no serving.
const FEWEST: u64 = 4;

/// Connections for which there are files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Provided {
    /// How many: those of the settings, or fewer.
    pub(super) connections: usize,
    /// Where they are fewer, what to do about it.
    pub(super) warning: Option<String>,
}

/// Asks the system for as many files as the connections of the settings take, and gives as many connections as there
/// are files for then: the database needs its own when connections have taken all they may.
pub(super) fn provide(limits: &Limits, readers: usize) -> Provided {
    let besides = BESIDES.saturating_add(count(readers).saturating_mul(A_READER));
    let needed = besides.saturating_add(count(limits.connections));
    // Where the system does not say, there is nothing to go by.
    let granted = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, hard)| {
        let raised = needed.min(hard);
        if soft < raised && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
            raised
        } else {
            soft
        }
    });
    settle(limits.connections, besides, granted)
}

fn settle(connections: usize, besides: u64, granted: u64) -> Provided {
    let left = granted.saturating_sub(besides).max(FEWEST);
    let fitting = usize::try_from(left).unwrap_or(usize::MAX);
    if connections <= fitting {
        return Provided {
            connections,
            warning: None,
        };
    }
    let needed = besides.saturating_add(count(connections));
    Provided {
        connections: fitting,
        warning: Some(format!(
            "{fitting} connections instead of {connections} can be open at once: that takes {needed} open files, and \
             the system allows {granted}; raise it (`ulimit -n`, or LimitNOFILE= of systemd), or set connections under \
             [limits] lower"
        )),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_connections_as_there_are_files_for() {
        for (connections, granted, expected) in [
            (512, 1024, 512),
            (512, 568, 512),
            (512, 567, 511),
            (512, 64, 8),
            (512, 10, 4),
            (2, 10, 2),
            (512, u64::MAX, 512),
        ] {
            let provided = settle(connections, 56, granted);
            assert_eq!(provided.connections, expected, "{connections} {granted}");
            assert_eq!(
                provided.warning.is_some(),
                expected < connections,
                "{connections} {granted}"
            );
        }
        assert_eq!(
            settle(512, 56, 64).warning.unwrap(),
            "8 connections instead of 512 can be open at once: that takes 568 open files, and the system allows 64; \
             raise it (`ulimit -n`, or LimitNOFILE= of systemd), or set connections under [limits] lower"
        );
    }
}
