//! `pages export|check`: templates, stylesheet and words of an administrator's own.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueHint};

use super::context::Context;
use super::exit::CliError;
use super::output::Record;
use super::shell;
use crate::config;
use crate::http::pages::{Fault, Pages, exported};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the built-in templates, stylesheet and words into a directory
    #[command(
        after_help = "What you do not change, delete: only the files that are there stand in the place of the \
        built-in ones. A language is a file in messages/, named after it.\n\nExamples:\n  \
        oauthctl pages export /etc/oauthctl/pages\n  \
        oauthctl pages check /etc/oauthctl/pages\n  \
        OAUTHCTL_PAGES_TEMPLATES=/etc/oauthctl/pages oauthctl serve"
    )]
    Export(Export),
    /// Try each file of a directory with hostile data; exit code 6 where one would not be used
    #[command(
        after_help = "Without a directory: everything that [pages] sets.\n\nExamples:\n  \
        oauthctl pages check /etc/oauthctl/pages\n  \
        oauthctl pages check -o json | jq -r '.[].file'"
    )]
    Check(Check),
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The directory; made where there is none
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The directory [default: pages.templates, with the other settings of the pages]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
}

pub(super) fn run(command: &Command, context: &mut Context<'_>) -> Result<(), CliError> {
    match command {
        Command::Export(opts) => export(opts, context),
        Command::Check(opts) => check(opts, context),
    }
}

fn export(opts: &Export, context: &mut Context<'_>) -> Result<(), CliError> {
    let files = exported();
    if !opts.force {
        // Nothing is written where something would be lost.
        for (name, _) in &files {
            let path = opts.directory.join(name);
            if fs::symlink_metadata(&path).is_ok() {
                return Err(CliError::PageExists(path));
            }
        }
    }
    for (name, text) in &files {
        let path = opts.directory.join(name);
        let doing = || format!("write {}", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(CliError::io(format!("make {}", parent.display())))?;
        }
        write(&path, text, opts.force).map_err(CliError::io(doing()))?;
    }
    let records: Vec<Record> = files
        .iter()
        .map(|(name, _)| Record::new().text("file", opts.directory.join(name).display().to_string()))
        .collect();
    context.print_list(&records, "")?;
    let directory = opts.directory.display();
    context.say(&format!(
        "delete what you do not change; then `oauthctl pages check {}`, and templates = \"{directory}\" under [pages]",
        shell::word(&directory.to_string())
    ))
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = File::options();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}

fn check(opts: &Check, context: &mut Context<'_>) -> Result<(), CliError> {
    let settings = match &opts.directory {
        None => context.settings.pages.clone(),
        Some(directory) => {
            fs::read_dir(directory).map_err(CliError::io(format!("read {}", directory.display())))?;
            config::Pages {
                templates: Some(directory.clone()),
                ..config::Pages::default()
            }
        }
    };
    let (_, faults) = Pages::open(&settings);
    let records: Vec<Record> = faults.iter().map(record).collect();
    context.print_list(&records, "nothing is wrong")?;
    match faults.len() {
        0 => Ok(()),
        1 => Err(CliError::CheckFailed(
            "one fault; the built-in stands in the place of what cannot be used".to_owned(),
        )),
        many => Err(CliError::CheckFailed(format!(
            "{many} faults; the built-in stands in the place of what cannot be used"
        ))),
    }
}

fn record(fault: &Fault) -> Record {
    Record::new()
        .text("file", fault.file.clone())
        .value("line", fault.line)
        .text("fault", fault.what.clone())
}
