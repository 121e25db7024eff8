//! `backup`: a copy of the database, while it is in use.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::progress;
use crate::store;

#[derive(Debug, Args)]
#[command(
    after_help = "The copy shows one moment, whatever is written meanwhile. It is checked (pages, indexes, \
    references) and flushed to the disk before it gets its name; what is interrupted leaves nothing behind. While \
    it is made, the write-ahead log of the database grows.\n\n\
    Restore, with the database /var/lib/oauthctl/oauthctl.db:\n  \
    1. stop the server\n  \
    2. cd /var/lib/oauthctl && mkdir old && mv oauthctl.db* old/    (also oauthctl.db-wal and oauthctl.db-shm)\n  \
    3. install -m 600 /backup/oauthctl.db oauthctl.db               (as the user that the server runs as)\n  \
    4. oauthctl --database oauthctl.db doctor, and start the server\n\
    What was revoked or disabled since the backup is good again; what that was says\n  \
    oauthctl --database old/oauthctl.db audit list\n\n\
    Examples:\n  oauthctl backup /backup/oauthctl-$(date +%F).db\n  \
    oauthctl backup new.db -o json | jq .bytes"
)]
pub(super) struct Opts {
    /// The file to make; it must be new
    file: PathBuf,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let bar = progress::bar(context, "copying", 0);
    let signalled = Arc::new(AtomicUsize::new(0));
    let mut handlers = Vec::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let value = usize::try_from(signal).unwrap_or_default();
        let handler = signal_hook::flag::register_usize(signal, signalled.clone(), value);
        handlers.push(handler.map_err(CliError::io("wait for signals"))?);
    }
    let outcome = store::back_up(&context.store_options(), &opts.file, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        if done == total {
            bar.set_message("checking");
        }
        match signalled.load(Ordering::Relaxed) {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    });
    bar.finish_and_clear();
    for handler in handlers {
        signal_hook::low_level::unregister(handler);
    }
    let Some(backup) = outcome? else {
        // Everything is tidied up: now what the signal asks for.
        let signal = i32::try_from(signalled.load(Ordering::Relaxed)).unwrap_or(SIGINT);
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        return Err(CliError::Declined);
    };
    let record = Record::new()
        .text("file", opts.file.display().to_string())
        .value("bytes", backup.bytes)
        .value("pages", backup.pages)
        .value("checked", true);
    context.print(&record)
}
