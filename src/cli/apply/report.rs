//! What is or was changed, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::authorization_server::{NewCredential, Plan};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::domain::declaration::{Change, FieldValue, Kind, Thing};

/// What would be done.
pub(super) fn dry_run(plan: &Plan, context: &mut Context<'_>) -> Result<(), CliError> {
    Report {
        changes: plan.changes(),
        credentials: BTreeMap::new(),
        secrets_are_shown: false,
        is_dry_run: true,
    }
    .print(context)
}

/// What was done.
pub(super) fn done(
    changes: &[Change],
    credentials: &[NewCredential],
    secrets_are_shown: bool,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    Report {
        changes,
        credentials: credentials.iter().map(|new| (&new.thing, new)).collect(),
        secrets_are_shown,
        is_dry_run: false,
    }
    .print(context)
}

struct Report<'a> {
    changes: &'a [Change],
    credentials: BTreeMap<&'a Thing, &'a NewCredential>,
    secrets_are_shown: bool,
    is_dry_run: bool,
}

impl Report<'_> {
    fn print(&self, context: &mut Context<'_>) -> Result<(), CliError> {
        match context.output {
            OutputFormat::Table => {
                self.diff(context)?;
                context.say(&self.summary())
            }
            OutputFormat::Json | OutputFormat::Jsonl => context.print(&self.record()),
            OutputFormat::Csv => print_rows(&self.rows(), context),
            OutputFormat::Id => print_rows(&self.ids(), context),
        }
    }

    fn credential(&self, thing: &Thing) -> Option<&NewCredential> {
        self.credentials.get(thing).copied()
    }

    /// A line for each thing, and for each field of it that changes.
    fn diff(&self, context: &mut Context<'_>) -> Result<(), CliError> {
        let colored = context.colored.stdout;
        let mut lines = Vec::new();
        for change in self.changes {
            let (sign, color) = match change {
                Change::Added(_) => ('+', "32"),
                Change::Changed(..) => ('~', "33"),
                Change::Removed(_) => ('-', "31"),
            };
            let thing = change.thing();
            let head = format!("{sign} {} {}", thing.kind(), thing.id());
            let head = if colored {
                format!("\x1b[{color}m{head}\x1b[0m")
            } else {
                head
            };
            match change {
                Change::Changed(_, fields) => {
                    lines.extend(
                        fields
                            .iter()
                            .map(|field| format!("{head}  {}: {} → {}", field.name, field.from, field.to)),
                    );
                }
                Change::Added(_) | Change::Removed(_) => lines.push(head),
            }
            if let Some(new) = self.credential(thing) {
                lines.extend(self.credential_lines(new));
            }
        }
        for line in lines {
            writeln!(context.stdout, "{line}").map_err(CliError::io("write to stdout"))?;
        }
        Ok(())
    }

    fn credential_lines(&self, new: &NewCredential) -> Vec<String> {
        let (is_made, id, secret) = match new.thing.kind() {
            Kind::ResourceServer => (true, "resource_server_id", "resource_server_secret"),
            Kind::Scope | Kind::Client => (false, "client_id", "client_secret"),
        };
        let mut lines = Vec::new();
        if is_made {
            lines.push(format!("    {id}  {}", new.id));
        }
        if self.secrets_are_shown {
            lines.push(format!("    {secret}  {}", new.secret.reveal()));
        }
        lines
    }

    fn record(&self) -> Record {
        let mut added = Vec::new();
        let mut changed = Vec::new();
        let mut removed = Vec::new();
        for change in self.changes {
            let thing = change.thing();
            let mut entry = Map::new();
            entry.insert("kind".to_owned(), thing.kind().name().into());
            entry.insert("id".to_owned(), thing.id().into());
            match change {
                Change::Added(_) => {
                    if let Some(new) = self.credential(thing)
                        && thing.kind() == Kind::ResourceServer
                    {
                        entry.insert("resource_server_id".to_owned(), new.id.as_str().into());
                    }
                    added.push(Value::Object(entry));
                }
                Change::Changed(_, fields) => {
                    let fields = fields.iter().map(|field| {
                        let values = json!({ "from": to_json(&field.from), "to": to_json(&field.to) });
                        (field.name.to_owned(), values)
                    });
                    entry.insert("fields".to_owned(), Value::Object(fields.collect()));
                    changed.push(Value::Object(entry));
                }
                Change::Removed(_) => removed.push(Value::Object(entry)),
            }
        }
        let shown = self.credentials.values().filter(|_| self.secrets_are_shown);
        let secrets = shown.map(|new| (new.id.to_string(), Value::from(new.secret.reveal())));
        Record::new()
            .value("added", added)
            .value("changed", changed)
            .value("removed", removed)
            .value("dry_run", self.is_dry_run)
            .value("secrets", Value::Object(secrets.collect()))
    }

    fn rows(&self) -> Vec<Record> {
        let row = |change: &str, thing: &Thing, field: &str, from: Value, to: Value| {
            Record::new()
                .text("id", thing.id())
                .text("kind", thing.kind().name())
                .text("change", change)
                .text("field", field)
                .value("from", from)
                .value("to", to)
        };
        let rows = self.changes.iter().flat_map(|change| match change {
            Change::Added(thing) => vec![row("added", thing, "", Value::Null, Value::Null)],
            Change::Removed(thing) => vec![row("removed", thing, "", Value::Null, Value::Null)],
            Change::Changed(thing, fields) => fields
                .iter()
                .map(|field| {
                    let (from, to) = (to_json(&field.from), to_json(&field.to));
                    row("changed", thing, field.name, from, to)
                })
                .collect(),
        });
        rows.collect()
    }

    fn ids(&self) -> Vec<Record> {
        let things = self.changes.iter().map(Change::thing);
        things.map(|thing| Record::new().text("id", thing.id())).collect()
    }

    fn summary(&self) -> String {
        if self.changes.is_empty() {
            return "nothing to do: everything is as the file declares it".to_owned();
        }
        let count = |counted: fn(&Change) -> bool| self.changes.iter().filter(|c| counted(c)).count();
        let added = count(|change| matches!(change, Change::Added(_)));
        let changed = count(|change| matches!(change, Change::Changed(..)));
        let removed = count(|change| matches!(change, Change::Removed(_)));
        if self.is_dry_run {
            format!("dry run, nothing was changed: {added} to add, {changed} to change, {removed} to remove")
        } else {
            format!("{added} added, {changed} changed, {removed} removed")
        }
    }
}

fn print_rows(rows: &[Record], context: &mut Context<'_>) -> Result<(), CliError> {
    context
        .output
        .print_list(rows, None, context.stdout)
        .map_err(CliError::io("write to stdout"))
}

/// A value under the rules of the contract: spans are seconds.
fn to_json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => text.as_str().into(),
        FieldValue::List(items) => items.as_slice().into(),
        FieldValue::Span(length) => length.as_secs().into(),
        FieldValue::Count(count) => (*count).into(),
        FieldValue::Flag(flag) => (*flag).into(),
    }
}
