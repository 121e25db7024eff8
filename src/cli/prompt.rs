//! Asking for what is missing, where somebody is there to answer.

use std::fmt::Display;
use std::io::{self, BufRead, Read};
use std::str::FromStr;
use std::thread::JoinHandle;

use dialoguer::console::{Term, truncate_str};
use dialoguer::{Confirm, Input, MultiSelect, Password as PasswordPrompt};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::exit::CliError;

/// The longest line that is read from stdin, in bytes.
const LONGEST_LINE: u64 = 4096;

/// What stands before a label: the arrow and the box; and a column that stays free.
const LABEL_MARGIN: usize = 8;

fn failed(error: dialoguer::Error) -> CliError {
    let dialoguer::Error::IO(error) = error;
    CliError::Io {
        doing: "ask on the terminal".to_owned(),
        error,
    }
}

/// What is neither given nor can be asked for.
pub(super) fn missing(what: &str) -> CliError {
    all_missing(&[what])
}

/// As [`missing`], for several at once; none is no error.
pub(super) fn refuse_missing(context: &Context<'_>, options: &[(&str, bool)]) -> Result<(), CliError> {
    let missing: Vec<&str> = options
        .iter()
        .filter_map(|(option, is_given)| (!is_given).then_some(*option))
        .collect();
    if context.may_ask || missing.is_empty() {
        Ok(())
    } else {
        Err(all_missing(&missing))
    }
}

fn all_missing(options: &[&str]) -> CliError {
    let (names, verb, them) = match options {
        [one] => ((*one).to_owned(), "is", "it"),
        [first @ .., last] => (format!("{} and {last}", first.join(", ")), "are", "them"),
        [] => (String::new(), "is", "it"),
    };
    CliError::Usage(format!(
        "{names} {verb} missing; give {them}, or run this on a terminal without --no-input to be asked"
    ))
}

/// Asks before something that cannot be undone; `yes` is the answer that an option gave.
pub(super) fn confirm(context: &Context<'_>, yes: bool, question: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !context.may_ask {
        return Err(CliError::NotConfirmed(question.to_owned()));
    }
    let answer = Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(failed)?;
    if answer { Ok(()) } else { Err(CliError::Declined) }
}

/// The value of an option, asked for where it is missing.
pub(super) fn value<T>(
    context: &Context<'_>,
    given: Option<T>,
    option: &str,
    question: &str,
) -> Result<T, CliError>
where
    T: FromStr<Err: Display>,
{
    match given {
        Some(value) => Ok(value),
        None if context.may_ask => ask(question, false)?.ok_or_else(|| missing(option)),
        None => Err(missing(option)),
    }
}

/// As [`value`], for options that may be repeated: asks until the answer is empty.
pub(super) fn values<T>(
    context: &Context<'_>,
    given: Vec<T>,
    option: &str,
    question: &str,
) -> Result<Vec<T>, CliError>
where
    T: FromStr<Err: Display>,
{
    if !given.is_empty() {
        return Ok(given);
    }
    if !context.may_ask {
        return Err(missing(option));
    }
    let mut values: Vec<T> = ask(question, false)?.into_iter().collect();
    while let Some(another) = ask("Another one (empty for no more)", true)? {
        values.push(another);
    }
    Ok(values)
}

/// One or several of what there is to choose from.
pub(super) fn choose(question: &str, items: &[String]) -> Result<Vec<usize>, CliError> {
    let terminal = Term::stderr();
    // A label that wraps would take more lines than are cleared when it is drawn again.
    let room = usize::from(terminal.size().1).saturating_sub(LABEL_MARGIN);
    let labels: Vec<_> = items.iter().map(|item| truncate_str(item, room, "…")).collect();
    let interrupt = show_cursor_on_interrupt()?;
    loop {
        let list = MultiSelect::new().with_prompt(question).items(&labels);
        // What was chosen is seen in what is printed then; the labels once more would fill the screen.
        match list.report(false).interact() {
            Ok(chosen) if chosen.is_empty() => terminal
                .write_line("mark one at least")
                .map_err(CliError::io("write to stderr"))?,
            Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => {
                // The thread ends the process.
                let _ = interrupt.join();
                return Err(failed(error.into()));
            }
            answer => return answer.map_err(failed),
        }
    }
}

/// From now on an interrupt shows the cursor, which a list hides, before it ends the process.
fn show_cursor_on_interrupt() -> Result<JoinHandle<()>, CliError> {
    let mut signals = Signals::new([SIGINT]).map_err(CliError::io("wait for signals"))?;
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            if signals.forever().next().is_some() {
                // Where either fails there is nobody to tell.
                let _ = Term::stderr().show_cursor();
                let _ = signal_hook::low_level::emulate_default_handler(SIGINT);
            }
        })
        .map_err(CliError::io("start a thread"))
}

fn ask<T: FromStr<Err: Display>>(question: &str, may_be_empty: bool) -> Result<Option<T>, CliError> {
    let text: String = Input::new()
        .with_prompt(question)
        .allow_empty(may_be_empty)
        .validate_with(|text: &String| {
            if text.is_empty() && may_be_empty {
                return Ok(());
            }
            text.parse::<T>().map(drop).map_err(|error| error.to_string())
        })
        .interact_text()
        .map_err(failed)?;
    // It was validated; what does not parse is the empty text that ends a list.
    Ok(text.parse().ok().filter(|_| !text.is_empty()))
}

/// A new password, typed twice and not shown.
pub(super) fn new_password(question: &str) -> Result<String, CliError> {
    echo_on_interrupt()?;
    PasswordPrompt::new()
        .with_prompt(question)
        .with_confirmation("Once more", "the two are not the same")
        .validate_with(|text: &String| {
            crate::domain::password::Password::choose(text)
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .interact()
        .map_err(failed)
}

/// A password or a secret that there is, typed once and not shown.
pub(super) fn password(question: &str) -> Result<String, CliError> {
    echo_on_interrupt()?;
    PasswordPrompt::new()
        .with_prompt(question)
        .interact()
        .map_err(failed)
}

/// From now on a signal that ends the process first has the terminal show again what is typed, as it does now.
fn echo_on_interrupt() -> Result<(), CliError> {
    let shown = tcgetattr(io::stdin()).map_err(|error| CliError::io("ask on the terminal")(error.into()))?;
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).map_err(CliError::io("wait for signals"))?;
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            if let Some(signal) = signals.forever().next() {
                // Where one of these fails there is nobody to tell.
                let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &shown);
                let _ = Term::stderr().write_line("");
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        })
        .map_err(CliError::io("start a thread"))?;
    Ok(())
}

/// The first line of stdin, without its end: how secrets come in, for they have no place among the arguments.
pub(super) fn line_of_stdin(what: &str) -> Result<String, CliError> {
    let mut line = String::new();
    let read = io::stdin().lock().take(LONGEST_LINE).read_line(&mut line);
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => CliError::Usage(format!("the {what} on stdin is not text in UTF-8")),
        _ => CliError::io(format!("read the {what} from stdin"))(error),
    })?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(CliError::Usage(format!(
            "there is no {what} on stdin; it is expected on the first line"
        )));
    }
    Ok(text.to_owned())
}
