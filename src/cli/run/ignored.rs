//! Signals that whoever started this process had ignored, as `nohup` does with a hangup: they are to stay so, for the command
//! too, which inherits it.

/// The signals that are ignored, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ignored(u64);

impl Ignored {
    /// What the system says of this process. Where there is no `/proc`, nothing can be told, and nothing is taken for ignored.
    pub(super) fn at_start() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self::read(&status).unwrap_or(Self(0))
    }

    fn read(status: &str) -> Option<Self> {
        let mut lines = status.lines();
        let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok().map(Self)
    }

    /// Whether this one is.
    pub(super) fn contains(self, signal: i32) -> bool {
        (1..=64).contains(&signal) && self.0 & (1 << (signal - 1)) != 0
    }
}

#[cfg(test)]
mod tests {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};

    use super::*;

    #[test]
    fn the_mask_of_the_system_is_read() {
        let status = "Name:\toauthctl\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        let ignored = Ignored::read(status).unwrap();
        for (signal, expected) in [
            (SIGHUP, true),
            (SIGPIPE, true),
            (SIGINT, false),
            (SIGTERM, false),
            (0, false),
            (65, false),
        ] {
            assert_eq!(ignored.contains(signal), expected, "{signal}");
        }
        for status in ["", "SigIgn:\tx\n", "SigCgt:\t1\n"] {
            assert_eq!(Ignored::read(status), None);
        }
    }
}
