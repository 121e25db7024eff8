//! Long lists, page by page: memory does not grow with what there is.

use clap::Args;

use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record, print_csv_rows};
use crate::domain::identifier::Identifier;

/// How many rows a table has where no limit is given: it is laid out as a whole.
const TABLE_ROWS: usize = 200;

/// How many rows are asked for at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Paging {
    /// At most so many [default: all; 200 in a table]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Those after this one, in the order of the list
    #[arg(long, value_name = "ID")]
    pub(super) after: Option<Identifier>,
}

/// A list that is being printed.
pub(super) struct Stream {
    left: Option<usize>,
    printed: usize,
    /// Whether the limit is the one of a table, and not the caller's.
    is_cut: bool,
    last: String,
    rows: Vec<Record>,
}

impl Stream {
    /// Begins a list.
    pub(super) fn begin(paging: &Paging, context: &mut Context<'_>) -> Result<Self, CliError> {
        let limit = paging.limit.and_then(|limit| usize::try_from(limit).ok());
        let is_cut = limit.is_none() && context.output == OutputFormat::Table;
        let left = if is_cut { Some(TABLE_ROWS) } else { limit };
        if context.output == OutputFormat::Json {
            write(context, "[")?;
        }
        Ok(Self {
            left,
            printed: 0,
            is_cut,
            last: String::new(),
            rows: Vec::new(),
        })
    }

    /// How many rows to ask for next; `None` where the list is long enough.
    pub(super) fn room(&self) -> Option<u32> {
        match self.left {
            Some(0) => None,
            left => u32::try_from(left.unwrap_or(PAGE).min(PAGE)).ok(),
        }
    }

    /// Prints the next rows.
    pub(super) fn page(&mut self, records: Vec<Record>, context: &mut Context<'_>) -> Result<(), CliError> {
        self.left = self.left.map(|left| left.saturating_sub(records.len()));
        if let Some(last) = records.last() {
            self.last = last.id();
        }
        let is_first = self.printed == 0;
        self.printed += records.len();
        match context.output {
            OutputFormat::Table => self.rows.extend(records),
            OutputFormat::Json => {
                for (position, record) in records.iter().enumerate() {
                    let separator = if is_first && position == 0 { "\n" } else { ",\n" };
                    let element = format!("{:#}", record.to_json()).replace('\n', "\n  ");
                    write(context, &format!("{separator}  {element}"))?;
                }
            }
            OutputFormat::Csv if !is_first => {
                print_csv_rows(&records, context.stdout).map_err(CliError::io("write to stdout"))?;
            }
            OutputFormat::Jsonl | OutputFormat::Csv | OutputFormat::Id => context.print_list(&records, "")?,
        }
        Ok(())
    }

    /// Ends the list. `hint` says on stderr what there would be to do where it is empty.
    pub(super) fn end(self, hint: &str, context: &mut Context<'_>) -> Result<(), CliError> {
        match context.output {
            OutputFormat::Table if self.printed > 0 => context.print_list(&self.rows, "")?,
            OutputFormat::Json => write(context, if self.printed == 0 { "]\n" } else { "\n]\n" })?,
            _ => {}
        }
        if self.printed == 0 {
            return context.say_empty(hint);
        }
        if self.is_cut && self.left == Some(0) {
            let more = format!(
                "there may be more: --after {} goes on, and -o jsonl prints all",
                self.last
            );
            return context.say(&more);
        }
        Ok(())
    }
}

fn write(context: &mut Context<'_>, text: &str) -> Result<(), CliError> {
    context
        .stdout
        .write_all(text.as_bytes())
        .map_err(CliError::io("write to stdout"))
}
