//! The story as people read it: plain text that is at most 100 columns wide, a little colour where that is wanted.

use std::io::{self, Write};

use super::scratch::{OWNER, Scratch};
use super::stage::{Exchange, Stage};
use crate::domain::scope::Scope;

/// The widest line.
const WIDTH: usize = 100;
/// Where what was sent and received begins.
const DETAIL: usize = 38;
/// How wide the names of the parties are.
const PARTY: usize = 15;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "31";
const CYAN: &str = "36";

/// Writes on `out`.
pub(super) struct Printer<'io> {
    pub(super) out: &'io mut dyn Write,
    pub(super) colored: bool,
}

impl Printer<'_> {
    /// Who takes part.
    pub(super) fn cast(&mut self, scratch: &Scratch) -> io::Result<()> {
        let client = &scratch.client;
        let heading = self.paint(
            BOLD,
            "The authorization code grant in eight stages, over HTTP on this machine",
        );
        writeln!(self.out, "{heading}\n")?;
        let services = format!("http://{}", scratch.services_address);
        let may_ask = format!("may ask for {}", client.scope);
        for (party, first, second) in [
            ("server", client.issuer.as_str(), "oauthctl on a scratch database"),
            ("resource server", &services, "asks the server before it answers"),
            ("client", client.credentials.id.as_str(), &may_ask),
            ("resource owner", OWNER, "decides"),
        ] {
            writeln!(self.out, "  {party:PARTY$}  {first:25}  {second}")?;
        }
        for scope in &scratch.scopes {
            writeln!(
                self.out,
                "  {:PARTY$}  {:25}  opens {}",
                "scope",
                scope.token.as_str(),
                opens(scope)
            )?;
        }
        Ok(())
    }

    /// A stage that was played.
    pub(super) fn stage(&mut self, stage: &Stage) -> io::Result<()> {
        let name = self.paint(CYAN, &stage.outline.name());
        let title = self.paint(BOLD, stage.outline.title);
        writeln!(self.out, "\n{name}  {title}")?;
        for exchange in &stage.exchanges {
            self.exchange(exchange)?;
        }
        let (mark, text) = match &stage.fault {
            None => (self.paint(GREEN, "✓"), stage.outline.proves),
            Some(fault) => (self.paint(RED, "✗"), fault.as_str()),
        };
        let words: Vec<&str> = text.split(' ').collect();
        let mut lines = wrap(&words, " ", WIDTH - 4).into_iter();
        writeln!(self.out, "  {mark} {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(self.out, "    {line}"))
    }

    fn exchange(&mut self, exchange: &Exchange) -> io::Result<()> {
        self.half(exchange.from, "→", &exchange.request, &exchange.sent)?;
        self.half("", "←", &exchange.status, &exchange.received)
    }

    fn half(&mut self, party: &str, arrow: &str, head: &str, details: &[String]) -> io::Result<()> {
        let arrow = self.paint(DIM, arrow);
        // What is longer than its column pushes the details of its line to the right.
        let column = DETAIL - PARTY - 7;
        let start = format!("  {party:PARTY$} {arrow} {head:column$}  ");
        let pushed = head.chars().count().saturating_sub(column);
        let details: Vec<&str> = details.iter().map(String::as_str).collect();
        let mut lines = wrap(&details, "  ", WIDTH - DETAIL - pushed).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(self.out, "{}", format!("{start}{first}").trim_end())?;
        lines.try_for_each(|line| writeln!(self.out, "{:DETAIL$}{line}", ""))
    }

    /// After the last stage.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let done = self.paint(GREEN, "All eight stages did what they should.");
        writeln!(self.out, "\n{done}\n")
    }

    /// How to look for oneself.
    pub(super) fn invitation(&mut self) -> io::Result<()> {
        writeln!(
            self.out,
            "To play the resource owner in a browser: oauthctl demo --keep"
        )
    }

    pub(super) fn paint(&self, code: &str, text: &str) -> String {
        if self.colored {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What a scope opens, in words.
fn opens(scope: &Scope) -> String {
    let coverage = &scope.coverage;
    let folders = coverage.folders.iter().map(|folder| format!("folder {folder}"));
    let services = coverage
        .services
        .iter()
        .map(|service| format!("service {service}"));
    let routes = coverage.routes.iter().map(|route| format!("route {route}"));
    folders
        .chain(services)
        .chain(routes)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Puts items on lines of at most `width` characters. An item that is longer has a line of its own.
fn wrap(items: &[&str], separator: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        let length = |text: &str| text.chars().count();
        match lines.last_mut() {
            Some(line) if length(line) + length(separator) + length(item) <= width => {
                line.push_str(separator);
                line.push_str(item);
            }
            _ => lines.push((*item).to_owned()),
        }
    }
    lines
}
