//! Holds a record of what was acknowledged against what a server says now.

use crate::caller::{Caller, Tokens};
use crate::load::{Asked, Deed, Family, Record};
use crate::site::furniture;
use crate::support::home::Client;

/// What became of a deed by a cut of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It was acknowledged before.
    Done,
    /// It had begun.
    Unknown,
    /// It had not begun.
    NotYet,
}

fn outcome(asked: &Asked, cut: u64) -> Outcome {
    match asked.acknowledged {
        Some(acknowledged) if acknowledged <= cut => Outcome::Done,
        _ if asked.begun >= cut && cut != NO_CUT => Outcome::NotYet,
        _ => Outcome::Unknown,
    }
}

/// Nothing was cut off.
pub(crate) const NO_CUT: u64 = u64::MAX;

/// How many things were held against the server, and what did not hold.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) held: usize,
    pub(crate) broken: Vec<String>,
}

impl Verdict {
    fn hold(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.held += 1;
        if !holds {
            self.broken.push(what());
        }
    }

    #[track_caller]
    pub(crate) fn assert(&self, about: &str) {
        let broken = self.broken.join("\n");
        assert!(self.broken.is_empty(), "{about}:\n{broken}");
    }
}

/// How thoroughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What leaves every family as it is.
    Gently,
    /// Reuses old refresh tokens and codes too, which ends the families.
    ToTheEnd,
}

/// Everything that `record` says was acknowledged by the length `cut` of the journal.
pub(crate) fn verify(caller: &Caller, record: &Record, cut: u64, depth: Depth) -> Verdict {
    let mut verdict = Verdict::default();
    for (number, family) in record.families.iter().enumerate() {
        if family.from <= cut {
            let mut state = State::of(family, cut);
            state.verify(caller, number, depth, &mut verdict);
        }
    }
    for asked in &record.registrations {
        let Deed::Register(client) = &asked.deed else {
            continue;
        };
        if outcome(asked, cut) == Outcome::Done {
            let reply = caller.revoke(client, "x").unwrap();
            verdict.hold(reply.status == 200, || {
                format!("the client {} is lost: {reply:?}", client.id)
            });
        }
    }
    verdict
}

/// What a family must be like.
struct State<'f> {
    family: &'f Family,
    /// What the exchange and each refresh gave.
    chain: Vec<&'f Tokens>,
    revoked: Vec<&'f str>,
    is_ended: bool,
    /// What may have happened or not.
    unknown: Option<&'f Deed>,
}

impl<'f> State<'f> {
    fn of(family: &'f Family, cut: u64) -> Self {
        let mut state = Self {
            family,
            chain: Vec::new(),
            revoked: Vec::new(),
            is_ended: false,
            unknown: None,
        };
        for asked in &family.asked {
            match (outcome(asked, cut), &asked.deed) {
                (Outcome::NotYet, _) => break,
                (Outcome::Unknown, deed) => {
                    state.unknown = Some(deed);
                    break;
                }
                (Outcome::Done, Deed::Exchange(tokens) | Deed::Refresh(tokens)) => state.chain.push(tokens),
                (Outcome::Done, Deed::RevokeAccess(token)) => state.revoked.push(token),
                (Outcome::Done, Deed::End) => state.is_ended = true,
                (Outcome::Done, Deed::Register(_)) => unreachable!("no family has one"),
            }
        }
        state
    }

    fn verify(&mut self, caller: &Caller, number: usize, depth: Depth, verdict: &mut Verdict) {
        let client = &furniture().client;
        let may_have_ended = matches!(self.unknown, Some(Deed::End));
        for tokens in &self.chain {
            let token = tokens.access.as_str();
            let is_unknown = may_have_ended
                || matches!(self.unknown, Some(Deed::RevokeAccess(revoked)) if revoked == token);
            if is_unknown && !self.is_ended && !self.revoked.contains(&token) {
                continue;
            }
            let due = !self.is_ended && !self.revoked.contains(&token);
            verdict.hold(caller.opens(token) == due, || {
                format!(
                    "family {number}: an access token should be active: {due}; {:?}",
                    self.family
                )
            });
        }
        let Some(last) = self.chain.last() else {
            if depth == Depth::ToTheEnd {
                self.verify_code(caller, client, number, verdict);
            }
            return;
        };
        if depth == Depth::ToTheEnd {
            if !may_have_ended || self.is_ended {
                self.verify_refresh(caller, client, number, verdict, last);
            }
            self.verify_reuse(caller, client, number, verdict);
        }
    }

    /// A code whose exchange is not known to have happened: it can be exchanged once at most.
    fn verify_code(&self, caller: &Caller, client: &Client, number: usize, verdict: &mut Verdict) {
        let first = caller.exchange(client, &self.family.code).unwrap();
        let is_right = match self.unknown {
            None => first.status == 200,
            Some(_) => matches!(first.status, 200 | 400),
        };
        verdict.hold(is_right, || {
            format!("family {number}: its code is lost: {first:?}; {:?}", self.family)
        });
        // What an answer held that is not known of must not be active beside what the code was exchanged for now.
        if first.status == 200
            && let Some(Deed::Exchange(tokens)) = self.unknown
            && !tokens.access.is_empty()
        {
            verdict.hold(!caller.opens(&tokens.access), || {
                format!("family {number}: a code was exchanged twice; {:?}", self.family)
            });
        }
        let again = caller.exchange(client, &self.family.code).unwrap();
        verdict.hold(again.status == 400, || {
            format!("family {number}: a code was exchanged twice; {again:?}")
        });
    }

    fn verify_refresh(
        &self,
        caller: &Caller,
        client: &Client,
        number: usize,
        verdict: &mut Verdict,
        last: &Tokens,
    ) {
        if self.is_ended {
            let reply = caller.refresh(client, &last.refresh).unwrap();
            verdict.hold(reply.status == 400, || {
                format!(
                    "family {number}: it should have ended: {reply:?}; {:?}",
                    self.family
                )
            });
            return;
        }
        // The predecessor of a token that was not used yet gives the same one again: the rotation was kept.
        if let [.., before, _] = self.chain.as_slice()
            && !matches!(self.unknown, Some(Deed::Refresh(_)))
        {
            let repeated = caller.refresh(client, &before.refresh).unwrap();
            let tokens = repeated.tokens();
            verdict.hold(
                tokens.is_some_and(|tokens| tokens.refresh == last.refresh),
                || {
                    format!(
                        "family {number}: a rotation is lost: {repeated:?}; {:?}",
                        self.family
                    )
                },
            );
        }
        let reply = caller.refresh(client, &last.refresh).unwrap();
        let tokens = reply.tokens();
        verdict.hold(tokens.is_some(), || {
            format!(
                "family {number}: its refresh token is lost: {reply:?}; {:?}",
                self.family
            )
        });
        if let Some(tokens) = tokens {
            verdict.hold(caller.opens(&tokens.access), || {
                format!("family {number}: a fresh access token does not open")
            });
        }
    }

    /// Reuse of what was used up is refused, and ends all that came of the code.
    fn verify_reuse(&self, caller: &Caller, client: &Client, number: usize, verdict: &mut Verdict) {
        let used = match self.chain.as_slice() {
            [.., used, _, _] if number.is_multiple_of(2) => Some(used),
            _ => None,
        };
        let reply = match used {
            Some(used) => caller.refresh(client, &used.refresh),
            None => caller.exchange(client, &self.family.code),
        }
        .unwrap();
        verdict.hold(reply.status == 400, || {
            format!("family {number}: used twice: {reply:?}; {:?}", self.family)
        });
        for tokens in &self.chain {
            verdict.hold(!caller.opens(&tokens.access), || {
                format!("family {number}: reuse did not end it; {:?}", self.family)
            });
        }
    }
}
