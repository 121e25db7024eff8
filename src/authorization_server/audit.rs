//! The audit trail: events are appended in the transaction that they are about.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::AuthorizationServer;
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, AuditEntry, CHAIN_START, Event, Source, Subject};
use crate::store::{AuditSelector, StoreError, StoredAuditEntry, WriteTransaction};

/// How many entries are read at a time.
const PAGE: u32 = 1000;

/// What verifying the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainVerdict {
    /// Each of so many entries is as it was written, and none is missing.
    Whole {
        /// How many.
        entries: i64,
    },
    /// The chain is broken at this entry.
    Broken {
        /// The first entry that does not fit.
        entry: i64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl AuthorizationServer {
    /// What writes down what whoever sits at the command line does.
    pub(super) fn operator(&self, now: Timestamp) -> Recorder {
        Recorder {
            at: now,
            actor: Actor::Operator(self.operator.clone()),
            source: Source::CommandLine,
        }
    }

    /// Writes down a wrong secret or password for somebody who exists. (For somebody who does not, a stranger could
    /// fill the store; they are counted, and have to wait, all the same.)
    ///
    /// Where it cannot be written the log says so, and the answer stays what it is: another one would tell a stranger
    /// that there is somebody of that name.
    pub(super) fn record_failure(&self, claimed: Actor, from: IpAddr, action: Action, is_throttled: bool) {
        let subject = Subject::new(claimed.kind(), claimed.name());
        let recorder = Recorder::network(self.now(), claimed, from);
        let written: Result<(), StoreError> = self.store.write(move |tx| {
            recorder.record(tx, action, subject.clone(), Value::Null)?;
            if is_throttled {
                recorder.record(tx, Action::Throttled, subject, Value::Null)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            tracing::error!(%error, "a failure could not be written to the audit trail");
        }
    }

    /// Entries after the place `after` in the chain, the oldest first, at most `limit`.
    pub fn audit_entries(
        &self,
        selector: &AuditSelector,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let entries = self.store.read(|tx| tx.audit_entries(selector, after, limit))?;
        Ok(entries.into_iter().map(|stored| stored.entry).collect())
    }

    /// The place of the newest entry; 0 where there is none.
    pub fn last_audit_entry(&self) -> Result<i64, StoreError> {
        Ok(self.store.read(|tx| tx.audit_head())?.0)
    }

    /// Walks the whole chain. Calls `progress` with the number of entries behind it.
    pub fn verify_audit(&self, mut progress: impl FnMut(i64)) -> Result<ChainVerdict, StoreError> {
        // The head first: entries that come while the walk goes on are not missed.
        let ((last, head), last_row) = self
            .store
            .read(|tx| Ok::<_, StoreError>((tx.audit_head()?, tx.last_audit_row()?)))?;
        let (mut place, mut previous) = (0, CHAIN_START);
        while place < last {
            let page = self
                .store
                .read(|tx| tx.audit_entries(&AuditSelector::default(), place, PAGE))?;
            if page.is_empty() {
                break;
            }
            for StoredAuditEntry { entry, hash } in page {
                if entry.entry > last {
                    break;
                }
                place += 1;
                if entry.entry != place {
                    return Ok(ChainVerdict::Broken {
                        entry: place,
                        reason: "it is missing",
                    });
                }
                if entry.hash_after(&previous) != hash {
                    return Ok(ChainVerdict::Broken {
                        entry: place,
                        reason: "it is not as it was written",
                    });
                }
                previous = hash;
            }
            progress(place);
        }
        Ok(if place < last {
            ChainVerdict::Broken {
                entry: place + 1,
                reason: "it is missing",
            }
        } else if previous != head {
            ChainVerdict::Broken {
                entry: last,
                reason: "it is not the one that was written last",
            }
        } else if last_row > last {
            ChainVerdict::Broken {
                entry: last + 1,
                reason: "it was not written by the program",
            }
        } else {
            ChainVerdict::Whole { entries: last }
        })
    }
}

/// Who does something now, and from where. Goes with a use case into its transaction.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    at: Timestamp,
    actor: Actor,
    source: Source,
}

impl Recorder {
    /// For something that came in over the network.
    pub(super) fn network(at: Timestamp, actor: Actor, from: IpAddr) -> Self {
        Self {
            at,
            actor,
            source: Source::Address(from),
        }
    }

    /// For what the program does by itself.
    pub(super) fn program(at: Timestamp) -> Self {
        Self {
            at,
            actor: Actor::Program,
            source: Source::CommandLine,
        }
    }

    /// Writes down what was done. `detail` is a JSON object, or null; never a secret.
    pub(super) fn record(
        &self,
        tx: &WriteTransaction<'_>,
        action: Action,
        subject: Subject,
        detail: Value,
    ) -> Result<(), StoreError> {
        let detail = match detail {
            Value::Object(members) => members,
            Value::Null => Map::new(),
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        let Self { at, actor, source } = self.clone();
        tx.append_audit(&Event {
            at,
            actor,
            source,
            action,
            subject,
            detail,
        })
    }
}
