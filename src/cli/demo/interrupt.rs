//! SIGINT, SIGTERM and SIGHUP, which must not leave the scratch database behind.

use std::io;

use anyhow::{Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Catches these signals from the moment it is made.
pub(super) struct Interrupt(Signals);

impl Interrupt {
    pub(super) fn watch() -> io::Result<Self> {
        Signals::new([SIGHUP, SIGINT, SIGTERM]).map(Self)
    }

    /// An error where one of them has come.
    pub(super) fn check(&mut self) -> Result<()> {
        ensure!(self.0.pending().next().is_none(), "interrupted");
        Ok(())
    }

    /// Waits for one of them.
    pub(super) fn wait(mut self) {
        self.0.forever().next();
    }
}
