//! A list that fits into a terminal: long cells are cut, and columns that do not fit at all are left out.
//!
//! Only a terminal has a width. In a pipe or a file everything stands in full, and `show` and the other formats tell
//! everything on a terminal too.

use dialoguer::console::{measure_text_width, truncate_str};

/// Columns between two cells.
const GAP: usize = 2;

/// A cell that may be cut keeps this many columns, or its column is left out.
const NARROWEST: usize = 12;

/// A cell of a list keeps this many lines.
const MOST_LINES: usize = 4;

/// A column of a list.
pub(super) struct Column {
    /// Its name and then its cells, each of them one or more lines.
    pub(super) cells: Vec<String>,
    /// Whether what it says is still of use when its end is cut off. An identifier is not.
    pub(super) may_be_cut: bool,
}

impl Column {
    /// The widest line.
    fn width(&self) -> usize {
        let lines = self.cells.iter().flat_map(|cell| cell.lines());
        lines.map(measure_text_width).max().unwrap_or_default()
    }

    /// The width, and as narrow as it may become.
    fn widths(&self) -> (usize, usize) {
        let width = self.width();
        let heading = self.cells.first().map_or(0, |name| measure_text_width(name));
        if self.may_be_cut {
            (width, width.min(heading.max(NARROWEST)))
        } else {
            (width, width)
        }
    }

    fn cut(&mut self, width: usize) {
        for cell in &mut self.cells {
            let lines: Vec<_> = cell
                .lines()
                .map(|line| truncate_str(line, width, "…").into_owned())
                .collect();
            *cell = lines.join("\n");
        }
    }

    fn shorten(&mut self) {
        for cell in &mut self.cells {
            let count = cell.lines().count();
            if count > MOST_LINES {
                let kept: Vec<&str> = cell.lines().take(MOST_LINES - 1).collect();
                *cell = format!("{}\n… {} more", kept.join("\n"), count - kept.len());
            }
        }
    }
}

fn total(widths: impl ExactSizeIterator<Item = usize>) -> usize {
    let gaps = GAP * widths.len().saturating_sub(1);
    widths.sum::<usize>() + gaps
}

/// The columns, the more important first, as they fit into `width`. The first one always stays as it is.
pub(super) fn fit(mut columns: Vec<Column>, width: usize) -> Vec<Column> {
    columns.iter_mut().for_each(Column::shorten);
    let mut widths: Vec<(usize, usize)> = columns.iter().map(Column::widths).collect();
    while widths.len() > 1 && total(widths.iter().map(|(_, narrowest)| *narrowest)) > width {
        widths.pop();
    }
    columns.truncate(widths.len());
    // The widest cells lose first: all that are cut end up with the same width.
    let capped = |cap: usize| {
        widths
            .iter()
            .map(move |&(full, narrowest)| full.min(cap.max(narrowest)))
    };
    let cap = (0..=width)
        .rev()
        .find(|&cap| total(capped(cap)) <= width)
        .unwrap_or(0);
    for (column, width) in columns.iter_mut().zip(capped(cap)) {
        if column.may_be_cut {
            column.cut(width);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(width: usize) -> Vec<Vec<String>> {
        let column = |cells: &[&str], may_be_cut| Column {
            cells: cells.iter().map(|&cell| cell.to_owned()).collect(),
            may_be_cut,
        };
        let columns = vec![
            column(&["id", "warehouse-7k3m9q2x"], false),
            column(&["name", "The Warehouse of Europe"], true),
            column(
                &["uris", "https://warehouse.example/cb\nhttp://127.0.0.1/cb"],
                true,
            ),
            column(&["enabled", "yes"], false),
        ];
        fit(columns, width)
            .into_iter()
            .map(|column| column.cells)
            .collect()
    }

    #[test]
    fn what_fits_stays_whole() {
        let whole = fitted(usize::from(u16::MAX));
        assert_eq!(whole[1][1], "The Warehouse of Europe");
        assert_eq!(fitted(18 + 23 + 28 + 7 + 6), whole);
    }

    #[test]
    fn the_widest_cells_are_cut_first() {
        let cells = fitted(80);
        assert_eq!(cells[1][1], "The Warehouse of Europe");
        assert_eq!(cells[2][1], "https://warehouse.example…\nhttp://127.0.0.1/cb");
        let cells = fitted(60);
        assert_eq!(cells[1][1], "The Warehouse…");
        assert_eq!(cells[2][1], "https://wareh…\nhttp://127.0.…");
        assert_eq!(
            (cells[0][1].as_str(), cells[3][1].as_str()),
            ("warehouse-7k3m9q2x", "yes")
        );
    }

    #[test]
    fn the_last_columns_go_where_there_is_no_room_and_the_first_one_never() {
        for (width, left) in [
            (55, 4),
            (54, 3),
            (46, 3),
            (45, 2),
            (32, 2),
            (31, 1),
            (3, 1),
            (0, 1),
        ] {
            let cells = fitted(width);
            assert_eq!(cells.len(), left, "{width}");
            assert_eq!(cells[0][1], "warehouse-7k3m9q2x");
        }
    }

    #[test]
    fn many_lines_become_few() {
        let column = Column {
            cells: vec![
                "scopes".to_owned(),
                "a\nb\nc\nd".to_owned(),
                "a\nb\nc\nd\ne".to_owned(),
            ],
            may_be_cut: true,
        };
        let fitted = fit(vec![column], 80);
        assert_eq!(fitted[0].cells[1..], ["a\nb\nc\nd", "a\nb\nc\n… 2 more"]);
    }
}
