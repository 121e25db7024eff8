//! Who can reach what, as a picture or as rows.

use std::collections::BTreeSet;

use crate::authorization_server::Reach;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::domain::coverage::{CoveredBy, Opening};
use crate::domain::scope::ScopeToken;

/// The columns that a picture may take where nobody looks at a screen.
const WIDTH_WITHOUT_SCREEN: usize = 120;

/// Between two columns.
const GAP: &str = "  ";

/// The column of the kinds.
const KIND: usize = "service".len();

/// The column of how many clients there are.
const COUNT: usize = "count".len();

/// Clients have this many columns beside an opening, or stand beneath it.
const NARROWEST: usize = 24;

/// Before what stands beneath an opening.
const INDENT: usize = 4;

/// A mark: the client reaches it without having it by name.
const BY_PATH: &str = "by path";

/// A mark behind a client that is disabled.
const DISABLED: &str = " [disabled]";

/// Prints who can reach what.
pub(super) fn print(reaches: &[Reach], context: &mut Context<'_>) -> Result<(), CliError> {
    const NO_CLIENTS: &str = "no clients yet; `oauthctl client register` makes one";
    match context.output {
        OutputFormat::Table => {
            if reaches.is_empty() {
                return context.say_empty(NO_CLIENTS);
            }
            let width = context.width().unwrap_or(WIDTH_WITHOUT_SCREEN);
            let rows = openings(reaches);
            if rows.is_empty() {
                return context.say(
                    "no client can reach anything; `oauthctl client update ID --add-scope SCOPE` lets it",
                );
            }
            let picture = Picture { rows: &rows, reaches };
            let (text, legend) = match picture.columns(width) {
                Some(text) => (text, picture.legend("(yes)")),
                None => (picture.lines(context.width()), picture.legend("(client)")),
            };
            write!(context.stdout, "{text}").map_err(CliError::io("write to stdout"))?;
            legend.iter().try_for_each(|line| context.say(line))
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
        let by_name = reach.openings.iter().map(|reached| {
            let within = reached.within.as_ref().map(ToString::to_string);
            record(reach, &reached.scope, &reached.opening, within, None)
        });
        let by_path = reach.by_path.iter().map(|reached| {
            record(
                reach,
                &reached.scope,
                &reached.opening,
                None,
                Some(reached.by.as_str()),
            )
        });
        by_name.chain(by_path)
    });
    rows.collect()
}

fn record(
    reach: &Reach,
    scope: &ScopeToken,
    opening: &Opening,
    covered_by: Option<String>,
    by_path: Option<&str>,
) -> Record {
    let opening = opening.as_ref();
    Record::new()
        .text("client_id", reach.client.as_str())
        .text("scope", scope.as_str())
        .text("kind", opening.kind())
        .text("pattern", opening.pattern())
        .value("enabled", reach.enabled)
        .value("covered_by", covered_by)
        .value("by_path", by_path)
}

/// Every opening once: folders with what lies in them, then routes by their paths.
fn openings(reaches: &[Reach]) -> Vec<Opening> {
    let all = reaches.iter().flat_map(|reach| {
        let by_name = reach.openings.iter().map(|reached| &reached.opening);
        by_name.chain(reach.by_path.iter().map(|reached| &reached.opening))
    });
    let distinct: BTreeSet<&Opening> = all.collect();
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Not,
    Opens,
    Within,
    ByPath,
}

impl Mark {
    fn of(reach: &Reach, opening: CoveredBy<'_>) -> Self {
        if reach.coverage.has(opening) {
            Self::Opens
        } else if reach.coverage.covering(opening).is_some() {
            Self::Within
        } else if reach.coverage.reaches_by_path(opening).is_some() {
            Self::ByPath
        } else {
            Self::Not
        }
    }

    /// In the column of a client.
    fn cell(self) -> &'static str {
        match self {
            Self::Not => "",
            Self::Opens => "yes",
            Self::Within => "(yes)",
            Self::ByPath => BY_PATH,
        }
    }

    /// In a line that names the clients.
    fn named(self, reach: &Reach) -> Option<String> {
        let mark = if reach.enabled { "" } else { DISABLED };
        let client = &reach.client;
        match self {
            Self::Not => None,
            Self::Opens => Some(format!("{client}{mark}")),
            Self::Within => Some(format!("({client}){mark}")),
            Self::ByPath => Some(format!("{client} {BY_PATH}{mark}")),
        }
    }
}

/// The identifier of a client, with a mark where it is disabled.
fn name(reach: &Reach) -> String {
    let mark = if reach.enabled { "" } else { DISABLED };
    format!("{}{mark}", reach.client)
}

struct Picture<'a> {
    rows: &'a [Opening],
    reaches: &'a [Reach],
}

impl Picture<'_> {
    /// The widest pattern.
    fn widest(&self) -> usize {
        let patterns = self.rows.iter().map(|row| row.as_ref().pattern().len());
        patterns.chain(["opening".len()]).max().unwrap_or_default()
    }

    /// A column for each client; `None` where they take more than `width`.
    fn columns(&self, width: usize) -> Option<String> {
        let names: Vec<String> = self.reaches.iter().map(name).collect();
        let widest = self.widest();
        let column = |name: &String| name.len().max(BY_PATH.len());
        let total: usize =
            KIND + GAP.len() + widest + names.iter().map(|n| GAP.len() + column(n)).sum::<usize>();
        if total > width {
            return None;
        }
        let line = |kind: &str, pattern: &str, cells: Vec<&str>| {
            let cells = cells
                .into_iter()
                .zip(&names)
                .map(|(cell, name)| format!("{GAP}{cell:width$}", width = column(name)));
            let cells: String = cells.collect();
            let line = format!("{kind:KIND$}{GAP}{pattern:widest$}{cells}");
            line.trim_end().to_owned() + "\n"
        };
        let mut text = line("kind", "opening", names.iter().map(String::as_str).collect());
        for row in self.rows {
            let opening = row.as_ref();
            let cells = self.reaches.iter().map(|reach| Mark::of(reach, opening).cell());
            text.push_str(&line(opening.kind(), opening.pattern(), cells.collect()));
        }
        Some(text)
    }

    /// Each opening with the clients that reach it, all of them: in one line, or in as many as they take on a screen of
    /// `width`.
    fn lines(&self, width: Option<usize>) -> String {
        let widest = self.widest();
        let before = KIND + GAP.len() + widest + GAP.len() + COUNT + GAP.len();
        // Where a long pattern leaves them too little room they stand beneath it.
        let is_beneath = width.is_some_and(|width| before + NARROWEST > width);
        let indent = if is_beneath { INDENT } else { before };
        let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(1));
        let mut text = format!(
            "{:KIND$}{GAP}{:widest$}{GAP}{:COUNT$}",
            "kind", "opening", "count"
        );
        if is_beneath {
            text.truncate(text.trim_end().len());
        } else {
            text += GAP;
            text += "clients";
        }
        text.push('\n');
        for row in self.rows {
            let opening = row.as_ref();
            let clients: Vec<String> = self
                .reaches
                .iter()
                .filter_map(|reach| Mark::of(reach, opening).named(reach))
                .collect();
            let (kind, pattern, count) = (opening.kind(), opening.pattern(), clients.len());
            let line = format!("{kind:KIND$}{GAP}{pattern:widest$}{GAP}{count:<COUNT$}");
            let mut wrapped = wrapped(&clients, room).into_iter();
            if is_beneath {
                text += line.trim_end();
            } else {
                text = text + &line + GAP + &wrapped.next().unwrap_or_default();
            }
            text.push('\n');
            for more in wrapped {
                text = text + &" ".repeat(indent) + &more + "\n";
            }
        }
        text
    }

    /// What the marks mean that are used. `within` is how one is written that lies within another opening.
    fn legend(&self, within: &str) -> Vec<String> {
        let is_used = |mark: Mark| {
            let mut cells = self.rows.iter().flat_map(|row| {
                self.reaches
                    .iter()
                    .map(move |reach| Mark::of(reach, row.as_ref()))
            });
            cells.any(|used| used == mark)
        };
        let marks = [
            (
                is_used(Mark::Within),
                within,
                "it lies within something else that the client's scopes open",
            ),
            (
                is_used(Mark::ByPath),
                BY_PATH,
                "a route of the client reaches it, or a service in it, at /invoke/…",
            ),
            (
                self.reaches.iter().any(|reach| !reach.enabled),
                DISABLED.trim_start(),
                "the client is disabled, and reaches nothing as long as it is",
            ),
        ];
        let used = marks.into_iter().filter(|(is_used, ..)| *is_used);
        used.map(|(_, mark, meaning)| format!("{mark:10}  {meaning}"))
            .collect()
    }
}

/// Names with commas between them, in lines of `room` at most; a name is never broken.
fn wrapped(names: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let comma = if position + 1 < names.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.len() + 1 + name.len() + comma.len() <= room => {
                *line = format!("{line} {name}{comma}");
            }
            _ => lines.push(format!("{name}{comma}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_wrapped_and_never_cut() {
        let names = ["web", "shop", "warehouse-of-europe", "x"].map(str::to_owned);
        assert_eq!(wrapped(&names, usize::MAX), ["web, shop, warehouse-of-europe, x"]);
        assert_eq!(wrapped(&names, 10), ["web, shop,", "warehouse-of-europe,", "x"]);
        assert_eq!(wrapped(&names, 9), ["web,", "shop,", "warehouse-of-europe,", "x"]);
        assert!(wrapped(&[], 10).is_empty());
    }
}
