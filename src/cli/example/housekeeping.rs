//! The housekeeping of every night, as lines of a command each.

use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::config::Loaded;

/// What is done every night, and why.
const TASKS: [(&str, &[&str]); 2] = [
    (
        "Revoke what nobody has used for 90 days",
        &["token", "revoke", "--unused-for", "90d", "--yes"],
    ),
    (
        "Remove tokens that ended longer ago than they are kept",
        &["token", "prune", "--yes"],
    ),
];

/// What is done, and the words of the command line that does it.
pub(super) type Line = (&'static str, Vec<String>);

/// The tasks, with this program, the database and the configuration in force.
pub(super) fn lines(loaded: &Loaded, context: &Context<'_>) -> Result<Vec<Line>, CliError> {
    let start = start(loaded, context)?;
    let line = |(what, words): (&'static str, &[&str])| {
        let words = words.iter().map(|word| (*word).to_owned());
        (what, start.iter().cloned().chain(words).collect())
    };
    Ok(TASKS.map(line).into())
}

/// This program with the database and the configuration in force: neither cron nor systemd starts in this directory.
pub(super) fn start(loaded: &Loaded, context: &Context<'_>) -> Result<Vec<String>, CliError> {
    let program = std::env::current_exe().map_err(CliError::io("find this program"))?;
    let mut start = vec![program.display().to_string()];
    if let Some(file) = &loaded.file {
        start.extend(["--config".to_owned(), absolute(file)?.display().to_string()]);
    }
    let database = absolute(&context.settings.database.path)?;
    start.extend(["--database".to_owned(), database.display().to_string()]);
    Ok(start)
}

/// A path from the root, without the `.` in its middle.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let here = std::env::current_dir().map_err(CliError::io("find the working directory"))?;
    Ok(here.join(path).components().collect())
}
