//! The log: lines on stderr.

use tracing_subscriber::fmt::format::FmtSpan;

use super::context::Context;
use crate::config::{LogFormat, LogLevel};

/// Starts logging as the settings say. The first call counts.
pub(super) fn start(context: &Context<'_>) {
    let level = match context.settings.log.level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(context.colored.stderr)
        .with_max_level(level)
        .with_span_events(FmtSpan::NONE);
    // Whoever started logging before keeps it.
    let _ = match context.settings.log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
}
