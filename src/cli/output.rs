//! Data on stdout: tables for people, JSON, JSON lines and CSV for programs, identifiers for pipes.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use super::ago::as_seen;
use super::fit::{Column, fit};
use crate::clock::Timestamp;
use crate::domain::span;

/// How data is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// One JSON value: an array for a list, an object for one thing.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// A line of names, then a line for each.
    Csv,
    /// Identifiers only, one a line.
    Id,
}

/// Where a person looks at a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// How many columns there are.
    pub(super) width: usize,
    /// When they look.
    pub(super) now: Timestamp,
}

/// One thing to print: its fields in order, the identifier first. The names are the contract's.
#[derive(Debug, Default)]
pub(super) struct Record {
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    value: Value,
    /// What the table shows instead, where people read it otherwise.
    shown: Option<String>,
    /// Whether a list in a table has a column for it.
    in_list: bool,
    instant: Option<Timestamp>,
}

impl Record {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn with(mut self, name: &'static str, value: Value, shown: Option<String>) -> Self {
        self.fields.push(Field {
            name,
            value,
            shown,
            in_list: true,
            instant: None,
        });
        self
    }

    /// A text.
    pub(super) fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.with(name, Value::String(text.into()), None)
    }

    /// Any JSON value.
    pub(super) fn value(self, name: &'static str, value: impl Into<Value>) -> Self {
        self.with(name, value.into(), None)
    }

    /// Any JSON value, with what a table shows instead.
    pub(super) fn shown_as(self, name: &'static str, value: Value, shown: String) -> Self {
        self.with(name, value, Some(shown))
    }

    /// Several texts.
    pub(super) fn list<T: ToString>(self, name: &'static str, items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|item| Value::String(item.to_string()));
        self.with(name, Value::Array(items.collect()), None)
    }

    /// A span: seconds for programs, `1h` for people.
    pub(super) fn span(self, name: &'static str, length: Duration) -> Self {
        self.with(name, length.as_secs().into(), Some(span::format(length)))
    }

    /// An instant: RFC 3339 in UTC, and `3 minutes ago` on a screen.
    pub(super) fn instant(self, name: &'static str, instant: Timestamp) -> Self {
        let mut record = self.with(name, Value::String(instant.to_string()), None);
        if let Some(field) = record.fields.last_mut() {
            field.instant = Some(instant);
        }
        record
    }

    /// An instant, or null.
    pub(super) fn optional_instant(self, name: &'static str, instant: Option<Timestamp>) -> Self {
        match instant {
            Some(instant) => self.instant(name, instant),
            None => self.value(name, Value::Null),
        }
    }

    /// Leaves the field that was added last out of the table of a list, where there is no room for everything.
    pub(super) fn not_in_list(mut self) -> Self {
        if let Some(field) = self.fields.last_mut() {
            field.in_list = false;
        }
        self
    }

    /// All fields, under the contract's names.
    pub(super) fn to_json(&self) -> Value {
        let members: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), field.value.clone()))
            .collect();
        Value::Object(members)
    }

    /// The identifier.
    pub(super) fn id(&self) -> String {
        self.fields
            .first()
            .map(|field| cell(&field.value, " "))
            .unwrap_or_default()
    }
}

impl OutputFormat {
    /// Prints one thing.
    pub(super) fn print_one(
        self,
        record: &Record,
        screen: Option<&Screen>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::Table => {
                let mut table = plain_table();
                for field in &record.fields {
                    table.add_row([field.name.to_owned(), shown(field, screen)]);
                }
                print_table(&table, out)
            }
            Self::Json => writeln!(out, "{:#}", record.to_json()),
            Self::Jsonl | Self::Csv | Self::Id => self.print_list(std::slice::from_ref(record), None, out),
        }
    }

    /// Prints a list; a table fits into the screen, where there is one.
    pub(super) fn print_list(
        self,
        records: &[Record],
        screen: Option<&Screen>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::Table => {
                let columns = columns(records, screen);
                if columns.is_empty() {
                    return Ok(());
                }
                let columns = match screen {
                    Some(screen) => fit(columns, screen.width),
                    None => columns,
                };
                print_columns(&columns, out)
            }
            Self::Json => {
                writeln!(
                    out,
                    "{:#}",
                    Value::Array(records.iter().map(Record::to_json).collect())
                )
            }
            Self::Jsonl => records
                .iter()
                .try_for_each(|record| writeln!(out, "{}", record.to_json())),
            Self::Csv => {
                if let Some(first) = records.first() {
                    let mut writer = csv::Writer::from_writer(&mut *out);
                    writer.write_record(first.fields.iter().map(|field| field.name))?;
                    writer.flush()?;
                }
                print_csv_rows(records, out)
            }
            Self::Id => records
                .iter()
                .try_for_each(|record| writeln!(out, "{}", record.id())),
        }
    }
}

/// Rows of CSV, without the line of names.
pub(super) fn print_csv_rows(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    for record in records {
        writer.write_record(record.fields.iter().map(|field| cell(&field.value, " ")))?;
    }
    writer.flush()
}

/// The fields that stand in a list, each with its name and then what it holds in each record.
fn columns(records: &[Record], screen: Option<&Screen>) -> Vec<Column> {
    let Some(first) = records.first() else {
        return Vec::new();
    };
    let listed = first.fields.iter().enumerate().filter(|(_, field)| field.in_list);
    listed
        .map(|(position, field)| {
            let fields = records.iter().filter_map(|record| record.fields.get(position));
            Column {
                cells: std::iter::once(field.name.to_owned())
                    .chain(fields.map(|field| shown(field, screen)))
                    .collect(),
                // The first is what every other command takes, and the beginning of an instant is another instant.
                may_be_cut: position > 0 && field.instant.is_none(),
            }
        })
        .collect()
}

fn print_columns(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let mut table = plain_table();
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.add_row(columns.iter().filter_map(|column| column.cells.get(row)));
    }
    print_table(&table, out)
}

/// No lines around the cells: a table is also read by `grep` and `awk`. Nothing is broken into pieces, so that what
/// is copied from a terminal is whole.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn print_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    // The padding of the first column and of the last one is nobody's.
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end())?;
    }
    Ok(())
}

fn shown(field: &Field, screen: Option<&Screen>) -> String {
    if let (Some(instant), Some(screen)) = (field.instant, screen) {
        return as_seen(instant, screen.now);
    }
    field.shown.clone().unwrap_or_else(|| cell(&field.value, "\n"))
}

/// A value as text; the items of a list are joined by `separator`.
fn cell(value: &Value, separator: &str) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items
            .iter()
            .map(|item| cell(item, separator))
            .collect::<Vec<_>>()
            .join(separator),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let record = |id: &str, uris: &[&str], seconds| {
            Record::new()
                .text("client_id", id)
                .list("redirect_uris", uris)
                .span("access_token_lifetime", Duration::from_secs(seconds))
                .value("enabled", true)
                .not_in_list()
        };
        vec![
            record("orders", &["http://a/cb", "http://b/cb"], 3600),
            record("stock, \"x\"", &[], 90),
        ]
    }

    fn printed(format: OutputFormat) -> String {
        let mut out = Vec::new();
        format.print_list(&records(), None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_list_in_each_format() {
        assert_eq!(
            printed(OutputFormat::Table),
            "client_id   redirect_uris  access_token_lifetime\n\
             orders      http://a/cb    1h\n            http://b/cb\n\
             stock, \"x\"                 1m30s\n"
        );
        assert_eq!(
            printed(OutputFormat::Jsonl),
            "{\"client_id\":\"orders\",\"redirect_uris\":[\"http://a/cb\",\"http://b/cb\"],\"access_token_lifetime\":3600,\"enabled\":true}\n\
             {\"client_id\":\"stock, \\\"x\\\"\",\"redirect_uris\":[],\"access_token_lifetime\":90,\"enabled\":true}\n"
        );
        assert_eq!(
            serde_json::from_str::<Value>(&printed(OutputFormat::Json))
                .unwrap()
                .as_array()
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            printed(OutputFormat::Csv),
            "client_id,redirect_uris,access_token_lifetime,enabled\n\
             orders,http://a/cb http://b/cb,3600,yes\n\
             \"stock, \"\"x\"\"\",,90,yes\n"
        );
        assert_eq!(printed(OutputFormat::Id), "orders\nstock, \"x\"\n");
    }

    #[test]
    fn an_empty_list_is_an_empty_list() {
        for (format, expected) in [
            (OutputFormat::Table, ""),
            (OutputFormat::Json, "[]\n"),
            (OutputFormat::Jsonl, ""),
            (OutputFormat::Csv, ""),
            (OutputFormat::Id, ""),
        ] {
            let mut out = Vec::new();
            format.print_list(&[], None, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{format:?}");
        }
    }

    #[test]
    fn one_thing_is_an_object_or_a_table_of_its_fields() {
        let print = |format: OutputFormat| {
            let mut out = Vec::new();
            format.print_one(&records()[0], None, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            print(OutputFormat::Table),
            "client_id              orders\n\
             redirect_uris          http://a/cb\n                       http://b/cb\n\
             access_token_lifetime  1h\n\
             enabled                yes\n"
        );
        assert!(
            serde_json::from_str::<Value>(&print(OutputFormat::Json))
                .unwrap()
                .is_object()
        );
        assert_eq!(print(OutputFormat::Id), "orders\n");
    }
}
