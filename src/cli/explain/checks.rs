//! Checks of a request, as people read them.

use crate::cli::shell;
use crate::domain::text::visible;
use crate::protocol::authorization_checks::{Check, Remedy, Verdict};

pub(super) const GREEN: &str = "32";
pub(super) const RED: &str = "31";
pub(super) const YELLOW: &str = "33";

pub(super) fn paint(colored: bool, color: &str, text: &str) -> String {
    if colored {
        format!("\x1b[{color}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// A line for each check, and what there is to say where it did not pass.
pub(in crate::cli) fn lines(checks: &[Check], colored: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for check in checks {
        let mark = match check.verdict {
            Verdict::Passed => paint(colored, GREEN, "✓"),
            Verdict::Failed => paint(colored, RED, "✗"),
            Verdict::Remarked => paint(colored, YELLOW, "!"),
        };
        lines.push(format!(
            "{mark} {:<22} {}",
            visible(&check.parameter),
            visible(&check.told)
        ));
        if check.verdict != Verdict::Passed {
            lines.extend(details(check));
        }
    }
    lines
}

/// What was received, what is registered, and what mends it.
fn details(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(received) = &check.received {
        lines.push(format!("    received    {}", visible(received)));
    }
    for (number, expected) in check.expected.iter().enumerate() {
        let label = match (number, check.is_registered) {
            (0, true) => "registered",
            (0, false) => "expected",
            _ => "",
        };
        lines.push(format!("    {label:<11} {}", visible(expected)));
        if let (0, Some(at), Some(received)) = (number, check.differs_at, &check.received) {
            let place = received
                .get(..at)
                .map_or(0, |alike| visible(alike).chars().count());
            // Between the two, under the first.
            lines.insert(
                1,
                format!("    {:<11} {}^ differs from here on", "", " ".repeat(place)),
            );
        }
    }
    for (number, remedy) in check.remedies.iter().enumerate() {
        let label = match remedy {
            Remedy::Why(_) => "why",
            _ if number == 0 => "mend",
            _ => "or",
        };
        lines.push(format!("    {label:<11} {}", visible(&remedy_text(remedy))));
    }
    lines
}

pub(super) fn remedy_text(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Client(advice) => advice.clone(),
        Remedy::Command(words) | Remedy::Why(words) => {
            let words: Vec<String> = words.iter().map(|word| shell::word(word)).collect();
            format!("oauthctl {}", words.join(" "))
        }
    }
}
