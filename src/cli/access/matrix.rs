//! Who can reach what, as a picture or as rows.

use std::collections::BTreeSet;

use crate::authorization_server::Reach;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::domain::coverage::{CoveredBy, Opening};

/// The columns that a picture may take where nobody looks at a screen.
const WIDTH_WITHOUT_SCREEN: usize = 120;

/// Between two columns.
const GAP: &str = "  ";

/// Prints who can reach what.
pub(super) fn print(reaches: &[Reach], context: &mut Context<'_>) -> Result<(), CliError> {
    const NO_CLIENTS: &str = "no clients yet; `oauthctl client register` makes one";
    match context.output {
        OutputFormat::Table => {
            if reaches.is_empty() {
                return context.say(NO_CLIENTS);
            }
            let width = context.width().unwrap_or(WIDTH_WITHOUT_SCREEN);
            let rows = openings(reaches);
            if rows.is_empty() {
                return context.say(
                    "no client can reach anything; `oauthctl client update ID --add-scope SCOPE` lets it",
                );
            }
            let picture = Picture { rows: &rows, reaches };
            match picture.columns(width) {
                Some(text) => write!(context.stdout, "{text}").map_err(CliError::io("write to stdout")),
                None => context.print_list(&picture.lines(), ""),
            }
        }
        OutputFormat::Id => {
            let ids = reaches.iter().filter(|reach| !reach.openings.is_empty());
            let ids: Vec<Record> = ids
                .map(|reach| Record::new().text("client_id", reach.client.as_str()))
                .collect();
            context.print_list(&ids, NO_CLIENTS)
        }
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Csv => {
            let hint = if reaches.is_empty() {
                NO_CLIENTS
            } else {
                "no client can reach anything"
            };
            context.print_list(&records(reaches), hint)
        }
    }
}

/// A row for each client, scope and opening.
fn records(reaches: &[Reach]) -> Vec<Record> {
    let rows = reaches.iter().flat_map(|reach| {
        reach.openings.iter().map(|reached| {
            let opening = reached.opening.as_ref();
            Record::new()
                .text("client_id", reach.client.as_str())
                .text("scope", reached.scope.as_str())
                .text("kind", opening.kind())
                .text("pattern", opening.pattern())
                .value("enabled", reach.enabled)
                .value("covered_by", reached.within.as_ref().map(ToString::to_string))
        })
    });
    rows.collect()
}

/// Every opening once: folders with what lies in them, then routes by their paths.
fn openings(reaches: &[Reach]) -> Vec<Opening> {
    let all = reaches.iter().flat_map(|reach| &reach.openings);
    let distinct: BTreeSet<&Opening> = all.map(|reached| &reached.opening).collect();
    let mut rows: Vec<Opening> = distinct.into_iter().cloned().collect();
    rows.sort_by_cached_key(|opening| match opening {
        // Whatever lies in a folder follows it before any other name that begins with the same letters.
        Opening::Folder(_) | Opening::Service(_) => {
            let name = opening.as_ref().pattern().replace(':', "\u{1}");
            (0, name.replace('.', "\u{2}"), String::new())
        }
        Opening::Route(route) => {
            let method = route.method().map(ToString::to_string);
            (1, route.pattern().to_owned(), method.unwrap_or_default())
        }
    });
    rows
}

/// How a client reaches an opening.
fn mark(reach: &Reach, opening: CoveredBy<'_>) -> &'static str {
    if reach.coverage.has(opening) {
        "yes"
    } else if reach.coverage.covering(opening).is_some() {
        "(yes)"
    } else {
        ""
    }
}

/// The identifier of a client, with a mark where it is disabled.
fn name(reach: &Reach) -> String {
    if reach.enabled {
        reach.client.to_string()
    } else {
        format!("{} (disabled)", reach.client)
    }
}

struct Picture<'a> {
    rows: &'a [Opening],
    reaches: &'a [Reach],
}

impl Picture<'_> {
    /// A column for each client; `None` where they take more than `width`.
    fn columns(&self, width: usize) -> Option<String> {
        let names: Vec<String> = self.reaches.iter().map(name).collect();
        let patterns = self.rows.iter().map(|row| row.as_ref().pattern().len());
        let widest = patterns.chain(["opening".len()]).max().unwrap_or_default();
        let column = |name: &String| name.len().max("(yes)".len());
        let kind = "service".len();
        let total: usize =
            kind + GAP.len() + widest + names.iter().map(|n| GAP.len() + column(n)).sum::<usize>();
        if total > width {
            return None;
        }
        let line = |kind_name: &str, pattern: &str, cells: Vec<&str>| {
            let cells = cells
                .into_iter()
                .zip(&names)
                .map(|(cell, name)| format!("{GAP}{cell:width$}", width = column(name)));
            let cells: String = cells.collect();
            let line = format!("{kind_name:kind$}{GAP}{pattern:widest$}{cells}");
            line.trim_end().to_owned() + "\n"
        };
        let mut text = line("kind", "opening", names.iter().map(String::as_str).collect());
        for row in self.rows {
            let opening = row.as_ref();
            let cells = self.reaches.iter().map(|reach| mark(reach, opening)).collect();
            text.push_str(&line(opening.kind(), opening.pattern(), cells));
        }
        Some(text)
    }

    /// A line for each opening, with the clients that reach it.
    fn lines(&self) -> Vec<Record> {
        let lines = self.rows.iter().map(|row| {
            let opening = row.as_ref();
            let clients: Vec<String> = self
                .reaches
                .iter()
                .filter_map(|reach| match mark(reach, opening) {
                    "" => None,
                    "yes" => Some(name(reach)),
                    _ => Some(format!("({})", name(reach))),
                })
                .collect();
            Record::new()
                .text("opening", opening.pattern())
                .text("kind", opening.kind())
                .value("count", clients.len())
                .text("clients", clients.join(", "))
        });
        lines.collect()
    }
}
