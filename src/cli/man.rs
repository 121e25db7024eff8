//! `man`: manual pages, made of what `--help` says.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::context::Context;
use super::document::{self, Document};
use super::exit::CliError;
use super::output::Record;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  oauthctl man | man -l -\n  \
    oauthctl man --dir ~/.local/share/man/man1 && man oauthctl-client-register")]
pub(super) struct Opts {
    /// Write a page for each command into this directory, over those that are there; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    let command = super::Cli::command();
    let Some(directory) = &opts.dir else {
        return document::print(&page(&Man::new(command))?, context);
    };
    fs::create_dir_all(directory).map_err(CliError::io(format!("create {}", directory.display())))?;
    let mut written = Vec::new();
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write_all(&command, directory, &mut written)?;
    context.print_list(&written, "")
}

fn page(man: &Man) -> Result<Document, CliError> {
    let mut content = Vec::new();
    man.render(&mut content)
        .map_err(CliError::io("make the manual page"))?;
    Ok(Document {
        file: man.get_filename(),
        content: String::from_utf8_lossy(&content).into_owned(),
    })
}

fn write_all(command: &clap::Command, directory: &Path, written: &mut Vec<Record>) -> Result<(), CliError> {
    let page = page(&Man::new(command.clone()))?;
    let path = directory.join(&page.file);
    fs::write(&path, &page.content).map_err(CliError::io(format!("write {}", path.display())))?;
    written.push(Record::new().text("file", path.display().to_string()));
    command
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .try_for_each(|command| write_all(command, directory, written))
}
