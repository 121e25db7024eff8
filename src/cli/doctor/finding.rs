//! What `doctor` finds, and how it tells it.

use std::io::{self, Write};

use super::super::output::Record;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, and is unwise.
    Warning,
    /// Something does not work, or is open to others.
    Fault,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }

    /// How a terminal shows it (ECMA-48 §8.3.117).
    fn color(self) -> &'static str {
        match self {
            Self::Ok => "32",
            Self::Note => "36",
            Self::Warning => "33",
            Self::Fault => "1;31",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: String,
    /// How bad it is.
    pub(super) level: Level,
    /// What was found.
    pub(super) what: String,
    /// What to type, or else to do.
    pub(super) fix: Option<String>,
}

impl Finding {
    /// A finding without a remedy.
    pub(super) fn new(check: impl Into<String>, level: Level, what: impl Into<String>) -> Self {
        Self {
            check: check.into(),
            level,
            what: what.into(),
            fix: None,
        }
    }

    /// As it should be.
    pub(super) fn ok(check: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, what)
    }

    /// This finding with what mends it.
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// For programs.
    pub(super) fn record(&self) -> Record {
        Record::new()
            .text("check", self.check.as_str())
            .text("level", self.level.name())
            .text("finding", self.what.as_str())
            .value("fix", self.fix.clone())
    }
}

/// For people: a line for each, and beneath it what mends it. Lines are not cut, for they are to be copied.
pub(super) fn print(findings: &[Finding], colored: bool, out: &mut dyn Write) -> io::Result<()> {
    let width = |text: &str| text.chars().count();
    let widest = findings.iter().map(|f| width(&f.check)).max().unwrap_or_default();
    for finding in findings {
        let level = format!("{:<7}", finding.level.name());
        let level = if colored {
            format!("\x1b[{}m{level}\x1b[0m", finding.level.color())
        } else {
            level
        };
        let padding = " ".repeat(widest - width(&finding.check));
        writeln!(out, "{level}  {}{padding}  {}", finding.check, finding.what)?;
        if let Some(fix) = &finding.fix {
            writeln!(out, "{:>9}-> {fix}", "")?;
        }
    }
    Ok(())
}

/// How many there are of a level, in words; `None` where there are none.
pub(super) fn count(findings: &[Finding], level: Level) -> Option<String> {
    match findings.iter().filter(|finding| finding.level == level).count() {
        0 => None,
        1 => Some(format!("1 {}", level.name())),
        count => Some(format!("{count} {}s", level.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::ok("disk", "60 GiB are free"),
            Finding::new("client é", Level::Fault, "it has no good secret")
                .fix("oauthctl client rotate-secret é"),
        ]
    }

    #[test]
    fn a_person_reads_a_line_for_each_and_the_remedy_beneath() {
        let mut out = Vec::new();
        print(&findings(), false, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ok       disk      60 GiB are free\n\
             fault    client é  it has no good secret\n         -> oauthctl client rotate-secret é\n"
        );
        let mut out = Vec::new();
        print(&findings()[..1], true, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\x1b[32mok     \x1b[0m  disk  60 GiB are free\n"
        );
    }

    #[test]
    fn what_there_is_of_a_level_is_counted() {
        let mut findings = findings();
        assert_eq!(count(&findings, Level::Fault).as_deref(), Some("1 fault"));
        assert_eq!(count(&findings, Level::Warning), None);
        findings.push(findings[1].clone());
        assert_eq!(count(&findings, Level::Fault).as_deref(), Some("2 faults"));
    }
}
