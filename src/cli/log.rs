//! The log: lines on stderr.
//!
//! Written by a thread of its own from a queue that is bounded: whoever reads stderr slowly, or not at all, costs lines
//! and nothing else. Lines that found the queue full are counted, and told once there is room. A stderr that is closed
//! or fails is ignored.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use super::context::Context;
use super::exit::CliError;
use crate::clock::Deadline;
use crate::config::{LogFormat, LogLevel};
use crate::domain::text::is_hidden;

/// The most lines that wait to be written; more are lost.
const WAITING: usize = 4096;

/// How many bytes are written at once.
const AT_ONCE: usize = 64 * 1024;

/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How long to wait before asking again for room in the queue, at the end of the program.
const ASK_AGAIN: Duration = Duration::from_millis(10);

enum Message {
    Line(String),
    /// To be answered once everything before it is written.
    Flush(SyncSender<()>),
}

/// The log while it is kept. Dropped, it sees to it that the last lines are written.
#[must_use]
pub(super) struct Log {
    lines: SyncSender<Message>,
    pub(super) levels: Levels,
}

/// Starts logging as the settings say. The first call counts.
pub(super) fn start(context: &Context<'_>) -> Result<Log, CliError> {
    start_at(context, context.settings.log.level)
}

/// As [`start`], with nothing less important than a warning: where other things are told on the same screen.
pub(super) fn start_quietly(context: &Context<'_>) -> Result<Log, CliError> {
    let level = context.settings.log.level;
    start_at(
        context,
        match level {
            LogLevel::Info => LogLevel::Warn,
            other => other,
        },
    )
}

fn start_at(context: &Context<'_>, level: LogLevel) -> Result<Log, CliError> {
    let (levels, handle) = reload::Layer::new(levels_of(level));
    let lost = Arc::new(AtomicU64::new(0));
    let (sender, receiver) = sync_channel(WAITING);
    let format = context.settings.log.format;
    let colored = context.colored.stderr && format == LogFormat::Text;
    let lines = Lines {
        sender: sender.clone(),
        lost: Arc::clone(&lost),
        form: match format {
            LogFormat::Json => Form::Json,
            LogFormat::Text if colored => Form::ColoredText,
            LogFormat::Text => Form::Text,
        },
    };
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_lines(&receiver, &lost, format, &mut io::stderr()))
        .map_err(CliError::io("start a thread"))?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(lines)
        .with_ansi(false);
    let layer = match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    // Whoever started logging before keeps it.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(levels))
        .try_init();
    Ok(Log {
        lines: sender,
        levels: Levels(Arc::new(move |level| handle.reload(levels_of(level)).is_ok())),
    })
}

fn levels_of(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    // What libraries tell of their inside may hold what they were given.
    Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_default(LevelFilter::WARN.min(LevelFilter::from_level(level)))
}

/// Changes what is logged while the log is kept.
#[derive(Clone)]
pub(super) struct Levels(Arc<dyn Fn(LogLevel) -> bool + Send + Sync>);

impl Levels {
    /// From now on `level` is the least important that is logged. Whether that could be done.
    pub(super) fn set(&self, level: LogLevel) -> bool {
        (self.0)(level)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let deadline = Deadline::after(LAST_LINES);
        let (written, all_written) = sync_channel(1);
        let mut flush = Message::Flush(written);
        while let Err(std::sync::mpsc::TrySendError::Full(again)) = self.lines.try_send(flush) {
            if deadline.remaining().is_none() {
                return;
            }
            flush = again;
            std::thread::sleep(ASK_AGAIN);
        }
        // Where nobody reads stderr, the last lines stay unwritten.
        let _ = all_written.recv_timeout(deadline.remaining().unwrap_or_default());
    }
}

fn write_lines(messages: &Receiver<Message>, lost: &AtomicU64, format: LogFormat, stderr: &mut dyn Write) {
    while let Ok(first) = messages.recv() {
        let mut text = String::new();
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => text.push_str(&line),
                Message::Flush(written) => flushed.push(written),
            }
            next = (text.len() < AT_ONCE).then(|| messages.try_recv().ok()).flatten();
        }
        match lost.swap(0, Ordering::Relaxed) {
            0 => {}
            count => text.push_str(&lines_lost(count, format)),
        }
        // Nobody is left to whom a failure could be told.
        let _ = stderr.write_all(text.as_bytes());
        for written in flushed {
            let _ = written.try_send(());
        }
    }
}

fn lines_lost(count: u64, format: LogFormat) -> String {
    let message = "lines of the log were lost: stderr is read too slowly";
    match format {
        LogFormat::Text => format!("WARN {message} lines={count}\n"),
        LogFormat::Json => format!(
            "{}\n",
            serde_json::json!({ "level": "WARN", "message": message, "lines": count })
        ),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// Coloured here, once the rest is escaped: the library's own colours cannot be told from those of a value.
    ColoredText,
    Json,
}

/// Puts lines into the queue.
struct Lines {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    form: Form,
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line(self)
    }
}

/// Takes one line, whole: the formatter writes it at once.
struct Line<'l>(&'l Lines);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = escape(&String::from_utf8_lossy(line), self.0.form);
        if self.0.sender.try_send(Message::Line(text)).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line in which nothing ends it early, moves on the terminal, or reorders what stands around it.
fn escape(line: &str, form: Form) -> String {
    use std::fmt::Write;

    let text = line.strip_suffix('\n').unwrap_or(line);
    let mut escaped = String::with_capacity(line.len());
    for character in text.chars() {
        match form {
            _ if !is_hidden(character) => escaped.push(character),
            // All that is hidden has four digits at most, and can stand in a JSON document within strings only.
            Form::Json => {
                // A `String` takes whatever is written.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            Form::Text | Form::ColoredText => escaped.extend(character.escape_default()),
        }
    }
    escaped.push('\n');
    if form == Form::ColoredText {
        color_level(&mut escaped);
    }
    escaped
}

/// Colours the level, which is the second word of a line.
fn color_level(line: &mut String) {
    let levels = [
        ("ERROR", "31"),
        ("WARN", "33"),
        ("INFO", "32"),
        ("DEBUG", "34"),
        ("TRACE", "35"),
    ];
    let Some((instant, rest)) = line.split_once(' ') else {
        return;
    };
    let rest = rest.trim_start();
    let found = levels.iter().find(|(level, _)| rest.starts_with(level));
    if let Some((level, color)) = found {
        let rest = rest.get(level.len()..).unwrap_or_default();
        let padding = " ".repeat(6 - level.len());
        *line = format!("{instant}{padding}\u{1b}[{color}m{level}\u{1b}[0m{rest}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}[31mb\nc\rd\u{7f}\u{85}\u{9b}\u{202e}\u{2066}\u{2028}\u{feff}\u{200f}\u{61c}é";

    #[test]
    fn nothing_ends_a_line_early_or_reorders_it() {
        let line = escape(&format!("{HOSTILE}\n"), Form::Text);
        assert_eq!(
            line,
            "a\\u{1b}[31mb\\nc\\rd\\u{7f}\\u{85}\\u{9b}\\u{202e}\\u{2066}\\u{2028}\\u{feff}\\u{200f}\\u{61c}é\n"
        );
        let document = serde_json::json!({ "message": HOSTILE }).to_string();
        let line = escape(&format!("{document}\n"), Form::Json);
        assert!(!line.trim_end().chars().any(is_hidden), "{line:?}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["message"], HOSTILE);
    }

    #[test]
    fn what_is_formatted_is_escaped_also_where_the_library_does_not() {
        for form in [Form::Text, Form::ColoredText, Form::Json] {
            let (sender, receiver) = sync_channel(8);
            let lines = Lines {
                sender,
                lost: Arc::default(),
                form,
            };
            let layer = tracing_subscriber::fmt::layer()
                .with_writer(lines)
                .with_ansi(false);
            let layer = match form {
                Form::Json => layer.json().flatten_event(true).boxed(),
                Form::Text | Form::ColoredText => layer.boxed(),
            };
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
                let span = tracing::error_span!("request", client = HOSTILE, owner = tracing::field::Empty);
                span.record("owner", HOSTILE);
                span.in_scope(|| tracing::info!(debug = ?HOSTILE, display = %HOSTILE, "{HOSTILE}"));
            });
            let Ok(Message::Line(line)) = receiver.try_recv() else {
                panic!("no line")
            };
            let text = line.strip_suffix('\n').unwrap();
            let own = "\u{1b}[32mINFO\u{1b}[0m";
            assert_eq!(text.contains(own), form == Form::ColoredText, "{text}");
            let text = text.replacen(own, "INFO", 1);
            assert!(!text.chars().any(is_hidden), "{form:?}: {text:?}");
            assert!(receiver.try_recv().is_err(), "one line");
        }
    }

    #[test]
    fn a_queue_that_is_full_costs_lines_and_tells_so() {
        let (sender, receiver) = sync_channel(2);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Lines {
            sender,
            lost: Arc::clone(&lost),
            form: Form::Text,
        };
        for n in 0..5 {
            lines
                .make_writer()
                .write_all(format!("{n}\n").as_bytes())
                .unwrap();
        }
        drop(lines);
        let mut written = Vec::new();
        write_lines(&receiver, &lost, LogFormat::Text, &mut written);
        let written = String::from_utf8(written).unwrap();
        assert_eq!(
            written,
            format!("0\n1\n{}", lines_lost(3, LogFormat::Text)),
            "{written}"
        );
    }

    #[test]
    fn a_stderr_that_fails_is_ignored() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let (sender, receiver) = sync_channel(2);
        let (written, all_written) = sync_channel(1);
        sender.try_send(Message::Line("a\n".to_owned())).ok().unwrap();
        sender.try_send(Message::Flush(written)).ok().unwrap();
        drop(sender);
        write_lines(&receiver, &AtomicU64::new(0), LogFormat::Json, &mut Broken);
        all_written.try_recv().unwrap();
    }
}
