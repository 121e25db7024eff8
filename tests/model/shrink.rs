//! Makes a history that fails small: leaves out as much as can be left out.

use crate::operation::History;

/// The smallest history found that still fails, when `fails` says which do: none of its steps can be left out alone.
pub(crate) fn shrink(mut history: History, fails: impl Fn(&History) -> bool) -> History {
    let mut size = history.steps.len().div_ceil(2);
    while size > 0 {
        let (mut start, mut shorter) = (0, false);
        while start < history.steps.len() {
            let mut without = history.clone();
            without
                .steps
                .drain(start..(start + size).min(without.steps.len()));
            if fails(&without) {
                history = without;
                shorter = true;
            } else {
                start += size;
            }
        }
        if size > 1 || !shorter {
            size /= 2;
        }
    }
    history
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Op, Window};

    #[test]
    fn what_is_left_is_what_it_takes() {
        let history = History {
            window: Window::UntilSuccessorIsUsed,
            steps: (0..50).map(|step| (step, Op::Look)).collect(),
        };
        let needs = |history: &History| {
            let has = |wanted| history.steps.iter().any(|(step, _)| *step == wanted);
            has(3) && has(31) && has(32)
        };
        let left: Vec<_> = shrink(history, needs)
            .steps
            .iter()
            .map(|(step, _)| *step)
            .collect();
        assert_eq!(left, [3, 31, 32]);
    }
}
