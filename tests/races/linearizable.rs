//! Whether a concurrent history is linearizable: whether there is an order of its operations, each somewhere between its
//! question and its answer, in which one after the other would have been answered as they were.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with what Lowe adds ("Testing
//! for linearizability", 2017): which operations are placed, and the state that they led to, are remembered, so that
//! nothing is searched twice. Histories here have up to 256 operations.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

/// What was asked and answered, and when.
#[derive(Debug, Clone)]
pub(crate) struct Event<O> {
    pub(crate) operation: O,
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
}

/// What one thread alone would see.
pub(crate) trait Sequential: Clone + Eq + Hash {
    /// A question with its answer.
    type Operation;

    /// The states after this operation, where it may be answered so.
    fn apply(&self, operation: &Self::Operation) -> Option<Self>;
}

/// The most operations of a history.
pub(crate) const MOST: usize = 256;

/// Of the operations, which: a bit each.
type Placed = [u64; MOST / 64];

fn has(placed: &Placed, number: usize) -> bool {
    placed[number / 64] & (1 << (number % 64)) != 0
}

fn with(mut placed: Placed, number: usize) -> Placed {
    placed[number / 64] |= 1 << (number % 64);
    placed
}

/// An order in which all would have been answered so, or else the longest beginning of one that was found.
pub(crate) fn order<S: Sequential>(
    start: S,
    events: &[Event<S::Operation>],
) -> Result<Vec<usize>, Vec<usize>> {
    assert!(events.len() <= MOST, "{} operations are too many", events.len());
    let mut seen = HashSet::new();
    let mut longest = Vec::new();
    // Where the search stands: what is placed, the state, the order, and who may come next.
    let mut stack = vec![(Placed::default(), start, Vec::new())];
    while let Some((placed, state, order)) = stack.pop() {
        if order.len() == events.len() {
            return Ok(order);
        }
        if !seen.insert((placed, state.clone())) {
            continue;
        }
        let waiting = || (0..events.len()).filter(|number| !has(&placed, *number));
        // Nobody comes after somebody who was answered before they asked.
        let first = waiting().map(|number| events[number].answered).min();
        let mut next: Vec<usize> = waiting()
            .filter(|number| first.is_some_and(|first| events[*number].asked <= first))
            .collect();
        // Whoever was answered first is tried first: that is the right order as a rule.
        next.sort_by_key(|number| std::cmp::Reverse(events[*number].answered));
        for number in next {
            if let Some(state) = state.apply(&events[number].operation) {
                let mut order = order.clone();
                order.push(number);
                stack.push((with(placed, number), state, order));
            }
        }
        if order.len() > longest.len() {
            longest = order;
        }
    }
    Err(longest)
}

/// A register: the smallest thing with a state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Register(u32);

#[derive(Debug, Clone)]
enum Access {
    Write(u32),
    Read(u32),
}

impl Sequential for Register {
    type Operation = Access;

    fn apply(&self, operation: &Access) -> Option<Self> {
        match operation {
            Access::Write(value) => Some(Self(*value)),
            Access::Read(value) => (self.0 == *value).then(|| self.clone()),
        }
    }
}

fn event(operation: Access, asked: u64, answered: u64) -> Event<Access> {
    Event {
        operation,
        asked: Duration::from_nanos(asked),
        answered: Duration::from_nanos(answered),
    }
}

#[test]
fn what_one_thread_could_have_seen_is_accepted() {
    use Access::{Read, Write};
    for history in [
        vec![],
        vec![event(Write(1), 0, 1), event(Read(1), 2, 3)],
        // Beside a write both answers are right, in this order.
        vec![event(Write(1), 0, 9), event(Read(0), 1, 2), event(Read(1), 3, 4)],
        // Two writes at once: the reads say which came last.
        vec![
            event(Write(1), 0, 9),
            event(Write(2), 0, 9),
            event(Read(2), 3, 4),
            event(Read(1), 5, 6),
        ],
    ] {
        assert_eq!(
            order(Register(0), &history).unwrap().len(),
            history.len(),
            "{history:?}"
        );
    }
}

#[test]
fn what_no_thread_could_have_seen_is_refused() {
    use Access::{Read, Write};
    for history in [
        // What was never written.
        vec![event(Read(1), 0, 1)],
        // What was acknowledged before the question is not known.
        vec![event(Write(1), 0, 1), event(Read(0), 2, 3)],
        // Seen, and then unseen.
        vec![event(Write(1), 0, 9), event(Read(1), 1, 2), event(Read(0), 3, 4)],
        // Each read could be right, but not both of them and the last.
        vec![
            event(Write(1), 0, 4),
            event(Write(2), 0, 4),
            event(Read(1), 5, 6),
            event(Read(2), 7, 8),
        ],
    ] {
        assert!(order(Register(0), &history).is_err(), "{history:?}");
    }
}

#[test]
fn many_at_once_are_searched_in_time() {
    let writes = (1..=12).map(|value| event(Access::Write(value), 0, 100));
    let reads = [event(Access::Read(7), 101, 102), event(Access::Read(8), 103, 104)];
    let history: Vec<_> = writes.chain(reads).collect();
    assert!(order(Register(0), &history).is_err());
    assert!(order(Register(0), &history[..13]).is_ok());
}
