//! Tables on stdout, as Markdown: they read well as they are, and can be pasted.

use std::io::Write;
use std::time::Duration;

/// A table that is printed at once, when it is whole.
pub(crate) struct Table {
    title: &'static str,
    lines: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &'static str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self {
            title,
            lines: vec![columns],
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.lines.push(cells);
    }

    pub(crate) fn print(&self) {
        let columns = self.lines[0].len();
        let width = |column: usize| self.lines.iter().map(|line| line[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = format!("\n## {}\n\n", self.title);
        for (number, line) in self.lines.iter().enumerate() {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"))
                .collect();
            text += &framed(&cells);
            if number == 0 {
                let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
                text += &framed(&rule);
            }
        }
        // Whoever has stopped reading needs no table.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
}

fn framed(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A span in milliseconds.
pub(crate) fn millis(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1000.0)
}

/// The least and the most of several figures.
pub(crate) fn range(figures: &[f64]) -> String {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(0.0, f64::max);
    if format!("{least:.2}") == format!("{most:.2}") {
        format!("{least:.2}")
    } else {
        format!("{least:.2}–{most:.2}")
    }
}
