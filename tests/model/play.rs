//! Plays a history on the model and on the use cases.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::Model;
use crate::operation::{History, Op, Step};
use crate::stage::Stage;

/// Where the two differ.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) step: Step,
    pub(crate) what: String,
}

/// Plays it; the first difference, if there is one. A panic is one.
pub(crate) fn play(history: &History) -> Option<Difference> {
    let mut step = 0;
    let played = catch_unwind(AssertUnwindSafe(|| play_on(history, &mut step)));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        let what = format!("panicked: {}", text.unwrap_or_default());
        Some(Difference { step, what })
    })
}

fn play_on(history: &History, at: &mut Step) -> Option<Difference> {
    let mut model = Model::new(history.window);
    let mut stage = Stage::new(history.window);
    let last = (Step::MAX, Op::Look);
    for (step, op) in history.steps.iter().chain([&last]) {
        *at = *step;
        let Some(expected) = model.step(*step, op) else {
            continue;
        };
        let found = stage.step(*step, op);
        if found != expected {
            let what = difference(&expected, &found);
            return Some(Difference { step: *step, what });
        }
    }
    stage.assert_whole();
    None
}

/// The lines that only one of them has.
fn difference(expected: &str, found: &str) -> String {
    let only = |all: &str, others: &str, sign: &str| {
        let of_one = all
            .lines()
            .filter(|line| others.lines().all(|other| other != *line));
        let lines: Vec<String> = of_one
            .map(|line| {
                format!(
                    "  {sign} {line}
"
                )
            })
            .collect();
        lines.concat()
    };
    format!(
        "{}{}",
        only(expected, found, "model:"),
        only(found, expected, "found:")
    )
}
