//! A bar for work that takes a while, where somebody is looking.

use indicatif::{ProgressBar, ProgressStyle};

use super::context::Context;

/// A bar on stderr that goes up to `total`; nothing where stderr is no terminal, or with `--quiet`.
pub(super) fn bar(context: &Context<'_>, what: &str, total: usize) -> ProgressBar {
    if context.quiet || !context.terminals.stderr {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    // The template is fixed; were it wrong, the bar would look plain.
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.with_message(what.to_owned())
}

/// Moves a bar to a place.
pub(super) fn to(bar: &ProgressBar, place: usize) {
    bar.set_position(u64::try_from(place).unwrap_or(u64::MAX));
}

/// A counter on stderr where the total is not known; nothing where stderr is no terminal, or with `--quiet`.
pub(super) fn counter(context: &Context<'_>, what: &str) -> ProgressBar {
    if context.quiet || !context.terminals.stderr {
        return ProgressBar::hidden();
    }
    let counter = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} {msg}") {
        counter.set_style(style);
    }
    counter.with_message(what.to_owned())
}
