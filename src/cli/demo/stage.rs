//! What a stage of the story was: who sent what, what came back, and what it proves.

use serde_json::{Value, json};

use super::http_client::Answer;
use crate::cli::output::Record;

/// What stands about a stage before it is played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    /// 1 to 8.
    pub(super) number: u8,
    /// Whether the stage is played once more, in another way.
    pub(super) again: bool,
    pub(super) title: &'static str,
    /// What it proves, once everything went as expected.
    pub(super) proves: &'static str,
}

impl Outline {
    /// `3`, or `3 again`.
    pub(super) fn name(&self) -> String {
        let again = if self.again { " again" } else { "" };
        format!("{}{again}", self.number)
    }
}

/// A stage that was played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) outline: Outline,
    pub(super) exchanges: Vec<Exchange>,
    /// What was expected, and came otherwise.
    pub(super) fault: Option<String>,
}

/// A request and its answer, with the parts of both that matter. Secrets are shortened already.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Who sent the request.
    pub(super) from: &'static str,
    /// Method and path.
    pub(super) request: String,
    pub(super) sent: Vec<String>,
    /// The status with its name.
    pub(super) status: String,
    pub(super) received: Vec<String>,
}

impl Stage {
    /// As programs read it.
    pub(super) fn record(&self) -> Record {
        Record::new()
            .value("stage", self.outline.number)
            .value("again", self.outline.again)
            .text("title", self.outline.title)
            .value("ok", self.fault.is_none())
            .value("proves", self.outline.proves)
            .value("fault", self.fault.clone())
            .value("exchanges", self.exchanges())
    }

    fn exchanges(&self) -> Vec<Value> {
        let value = |exchange: &Exchange| {
            json!({
                "from": exchange.from,
                "request": exchange.request,
                "sent": exchange.sent,
                "status": exchange.status,
                "received": exchange.received,
            })
        };
        self.exchanges.iter().map(value).collect()
    }
}

/// Writes down what happens while a stage is played.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) exchanges: Vec<Exchange>,
}

impl Scene {
    /// A request that was sent and the status of its answer. What matters in the answer follows, once it was looked at.
    pub(super) fn request<S: Into<String>>(
        &mut self,
        from: &'static str,
        request: &str,
        sent: impl IntoIterator<Item = S>,
        answer: &Answer,
    ) {
        self.exchanges.push(Exchange {
            from,
            request: request.to_owned(),
            sent: sent.into_iter().map(Into::into).collect(),
            status: answer.status_line(),
            received: Vec::new(),
        });
    }

    /// Something more that was sent with the last request.
    pub(super) fn sent(&mut self, more: &str) {
        if let Some(last) = self.exchanges.last_mut() {
            last.sent.push(more.to_owned());
        }
    }

    /// What came with the last answer.
    pub(super) fn received<S: Into<String>>(&mut self, received: impl IntoIterator<Item = S>) {
        if let Some(last) = self.exchanges.last_mut() {
            last.received.extend(received.into_iter().map(Into::into));
        }
    }
}
