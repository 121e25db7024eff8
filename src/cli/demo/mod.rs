//! `demo`: the eight stages on real HTTP, against a server of its own on a scratch database.
//!
//! | file | what it holds |
//! |---|---|
//! | `scratch` | directory, database, servers, and who is registered |
//! | `story` | the stages: what is sent, and what has to come back |
//! | `client`, `resource_server` | two of the parties around the authorization server; `cli/parties/` has the browser |
//! | `client_page` | the client as a browser sees it |
//! | `stage`, `print`, `keep` | what was played, and how it is shown |
//! | `expect`, `shorten`, `interrupt` | tools |

mod client;
mod client_page;
mod expect;
mod interrupt;
mod keep;
mod print;
mod resource_server;
mod scratch;
mod shorten;
mod stage;
mod story;

use clap::Args;

use self::interrupt::Interrupt;
use self::keep::Invitation;
use self::print::Printer;
use self::scratch::Scratch;
use self::stage::Stage;
use super::context::Context;
use super::exit::CliError;
use super::log;
use super::output::{OutputFormat, Record};
use super::parties::{browser, form, http_client};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  oauthctl demo\n  \
    oauthctl demo --keep             # then play the resource owner in a browser; Ctrl-C ends it\n  \
    oauthctl demo -o jsonl           # one stage a line, for programs\n\n\
    The settings are the defaults; the database is a scratch one that is removed at the end.")]
pub(super) struct Opts {
    /// Leave the servers up afterwards, to try it in a browser
    #[arg(long)]
    pub(super) keep: bool,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let _log = log::start_quietly(context)?;
    let mut interrupt = Interrupt::watch().map_err(CliError::io("wait for signals"))?;
    let scratch = Scratch::set_up().map_err(|error| error.context("cannot set the demo up"))?;
    let played = if opts.keep {
        keep(&scratch, interrupt, context)
    } else {
        play_once(&scratch, &mut interrupt, context)
    };
    let doing = format!("remove {}", scratch.database.display());
    let removed = scratch.remove().map_err(CliError::io(doing));
    played.and(removed)
}

/// Whether the story is told while it is played.
fn is_told(context: &Context<'_>) -> bool {
    context.output == OutputFormat::Table && !context.quiet
}

fn play_once(
    scratch: &Scratch,
    interrupt: &mut Interrupt,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let (stages, played) = play(scratch, interrupt, context);
    if context.output != OutputFormat::Table {
        // Also where one failed: which it was stands in the list.
        let records: Vec<Record> = stages.iter().map(Stage::record).collect();
        context.print_list(&records, "no stage was played")?;
    }
    played?;
    if is_told(context) {
        let mut printer = printer(context);
        let ended = printer.end().and_then(|()| printer.invitation());
        ended.map_err(CliError::io("write to stdout"))?;
    }
    Ok(())
}

fn keep(scratch: &Scratch, mut interrupt: Interrupt, context: &mut Context<'_>) -> Result<(), CliError> {
    let (stages, played) = play(scratch, &mut interrupt, context);
    played?;
    let invitation = Invitation::new(scratch, &scratch.client_page.begin()?);
    if context.output == OutputFormat::Table {
        let is_told = is_told(context);
        let mut printer = printer(context);
        let ended = if is_told { printer.end() } else { Ok(()) };
        ended
            .and_then(|()| invitation.print(&mut printer))
            .map_err(CliError::io("write to stdout"))?;
    } else {
        context.print(&invitation.record(&stages))?;
        context.stdout.flush().map_err(CliError::io("write to stdout"))?;
    }
    interrupt.wait();
    Ok(())
}

/// Plays the story; gives the stages as far as it came.
fn play(
    scratch: &Scratch,
    interrupt: &mut Interrupt,
    context: &mut Context<'_>,
) -> (Vec<Stage>, Result<(), CliError>) {
    let is_told = is_told(context);
    let mut stages = Vec::new();
    let mut printer = printer(context);
    let introduced = if is_told { printer.cast(scratch) } else { Ok(()) };
    let played = introduced.map_err(anyhow::Error::from).and_then(|()| {
        story::play(scratch, &mut |stage| {
            if is_told {
                printer.stage(&stage)?;
            }
            stages.push(stage);
            interrupt.check()
        })
    });
    (stages, played.map_err(unwrapped))
}

fn printer<'c>(context: &'c mut Context<'_>) -> Printer<'c> {
    Printer {
        out: &mut *context.stdout,
        colored: context.colored.stdout,
    }
}

/// Where stdout failed, that is the error, such that a closed pipe is seen as one.
fn unwrapped(error: anyhow::Error) -> CliError {
    match error.downcast::<std::io::Error>() {
        Ok(error) => CliError::io("write to stdout")(error),
        Err(error) => CliError::Failed(error),
    }
}
