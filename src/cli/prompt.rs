//! Asking for what is missing, where somebody is there to answer.

use std::fmt::Display;
use std::io::{self, BufRead, Read};
use std::str::FromStr;

use dialoguer::{Input, MultiSelect, Password as PasswordPrompt};

use super::context::Context;
use super::exit::CliError;

/// The longest line that is read from stdin, in bytes.
const LONGEST_LINE: u64 = 4096;

fn failed(error: dialoguer::Error) -> CliError {
    let dialoguer::Error::IO(error) = error;
    CliError::Io {
        doing: "ask on the terminal".to_owned(),
        error,
    }
}

/// What an option needs that is neither given nor can be asked for.
pub(super) fn missing(option: &str) -> CliError {
    CliError::Usage(format!(
        "{option} is missing; give it, or run this on a terminal to be asked"
    ))
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

/// Several of what there is to choose from.
pub(super) fn choose(question: &str, items: &[String]) -> Result<Vec<usize>, CliError> {
    MultiSelect::new()
        .with_prompt(question)
        .items(items)
        .interact()
        .map_err(failed)
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

/// The first line of stdin, without its end: how secrets come in, for they have no place among the arguments.
pub(super) fn line_of_stdin(what: &str) -> Result<String, CliError> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(LONGEST_LINE)
        .read_line(&mut line)
        .map_err(CliError::io(format!("read {what} from stdin")))?;
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(CliError::Usage(format!("stdin holds no {what}")));
    }
    Ok(text.to_owned())
}
