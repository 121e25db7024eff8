//! A text that is made to be put into a file: a script, a unit, a manual page.

use super::context::Context;
use super::exit::CliError;
use super::output::{OutputFormat, Record};

/// A text, and the name of the file that it is for.
pub(super) struct Document {
    pub(super) file: String,
    pub(super) content: String,
}

impl Document {
    fn record(&self) -> Record {
        Record::new()
            .text("file", self.file.as_str())
            .text("content", self.content.as_str())
    }
}

/// Prints the text as it is; as one object where a program asks.
pub(super) fn print(document: &Document, context: &mut Context<'_>) -> Result<(), CliError> {
    match context.output {
        OutputFormat::Table => write(&document.content, context),
        _ => context.print(&document.record()),
    }
}

/// Prints the texts after each other; as a list where a program asks.
pub(super) fn print_all(documents: &[Document], context: &mut Context<'_>) -> Result<(), CliError> {
    if context.output == OutputFormat::Table {
        return documents
            .iter()
            .try_for_each(|document| write(&document.content, context));
    }
    let records: Vec<Record> = documents.iter().map(Document::record).collect();
    context.print_list(&records, "")
}

fn write(text: &str, context: &mut Context<'_>) -> Result<(), CliError> {
    context
        .stdout
        .write_all(text.as_bytes())
        .map_err(CliError::io("write to stdout"))
}
