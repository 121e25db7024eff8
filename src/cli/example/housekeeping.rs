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
    let program = std::env::current_exe().map_err(CliError::io("find this program"))?;
    let here = std::env::current_dir().map_err(CliError::io("find the working directory"))?;
    // Neither cron nor systemd starts in this directory.
    let database = here.join(&context.settings.database.path);
    let mut start = vec![program.display().to_string()];
    if let Some(file) = &loaded.file {
        start.extend(["--config".to_owned(), plain(&here.join(file))]);
    }
    start.extend(["--database".to_owned(), plain(&database)]);
    let line = |(what, words): (&'static str, &[&str])| {
        let words = words.iter().map(|word| (*word).to_owned());
        (what, start.iter().cloned().chain(words).collect())
    };
    Ok(TASKS.map(line).into())
}

/// A path without the `.` in its middle.
fn plain(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}
