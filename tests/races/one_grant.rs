//! One grant as a single thread sees it: a code, the chain of refresh tokens, the access tokens, and whether the client is
//! enabled. Tokens are numbered in the order in which anybody first saw them.

use std::collections::{BTreeMap, BTreeSet};

use crate::linearizable::{Event, Sequential, order};

pub(crate) type Token = u32;

/// What a client gets of the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Tokens { access: Token, refresh: Token },
    InvalidGrant,
    InvalidClient,
}

/// What somebody is told about an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Active,
    Inactive,
    InvalidClient,
}

/// A question with its answer.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Exchange(Answer),
    Refresh(Token, Answer),
    /// Whether the client was let in.
    RevokeAccess(Token, bool),
    RevokeRefresh(Token, bool),
    /// By the client.
    IntrospectAccess(Token, Told),
    IntrospectRefresh(Token, Told),
    Check(Token, Told),
    SetEnabled(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    enabled: bool,
    exchanged: bool,
    ended: bool,
    /// Refresh tokens, each with what took its place.
    chain: BTreeMap<Token, Option<Token>>,
    access: BTreeSet<Token>,
    revoked: BTreeSet<Token>,
}

impl Grant {
    /// Approved, and its code not exchanged yet.
    pub(crate) fn new() -> Self {
        Self {
            enabled: true,
            exchanged: false,
            ended: false,
            chain: BTreeMap::new(),
            access: BTreeSet::new(),
            revoked: BTreeSet::new(),
        }
    }

    fn ended(&self) -> Self {
        Self {
            ended: true,
            ..self.clone()
        }
    }

    fn issued(&self, access: Token, refresh: Token) -> Option<Self> {
        let mut after = self.clone();
        let is_new = after.access.insert(access);
        after.chain.entry(refresh).or_insert(None);
        is_new.then_some(after)
    }

    fn exchange(&self, answer: &Answer) -> Option<Self> {
        match answer {
            Answer::InvalidClient => (!self.enabled).then(|| self.clone()),
            _ if !self.enabled => None,
            Answer::InvalidGrant if self.exchanged => Some(self.ended()),
            Answer::InvalidGrant => self.ended.then(|| self.clone()),
            Answer::Tokens { .. } if self.exchanged || self.ended => None,
            Answer::Tokens { access, refresh } => {
                let mut after = self.issued(*access, *refresh)?;
                after.exchanged = true;
                Some(after)
            }
        }
    }

    fn refresh(&self, token: Token, answer: &Answer) -> Option<Self> {
        let is_used = |token: Token| matches!(self.chain.get(&token), Some(Some(_)));
        match (answer, self.chain.get(&token)) {
            (Answer::InvalidClient, _) => (!self.enabled).then(|| self.clone()),
            // Nobody asks for a token before somebody got it.
            (_, None) => None,
            _ if !self.enabled => None,
            (Answer::InvalidGrant, _) if self.ended => Some(self.clone()),
            (Answer::InvalidGrant, Some(Some(successor))) if is_used(*successor) => Some(self.ended()),
            (Answer::InvalidGrant, _) => None,
            (Answer::Tokens { .. }, _) if self.ended => None,
            (Answer::Tokens { access, refresh }, Some(Some(successor))) => {
                let is_same = refresh == successor && !is_used(*successor);
                is_same.then(|| self.issued(*access, *refresh))?
            }
            (Answer::Tokens { access, refresh }, Some(None)) => {
                if self.chain.contains_key(refresh) {
                    return None;
                }
                let mut after = self.issued(*access, *refresh)?;
                after.chain.insert(token, Some(*refresh));
                Some(after)
            }
        }
    }

    /// Whether the answer about an access token is right.
    fn is_right(&self, token: Token, told: Told) -> bool {
        let works =
            self.enabled && !self.ended && self.access.contains(&token) && !self.revoked.contains(&token);
        told == if works { Told::Active } else { Told::Inactive }
    }
}

impl Sequential for Grant {
    type Operation = Operation;

    fn apply(&self, operation: &Operation) -> Option<Self> {
        let right = |is_right: bool| is_right.then(|| self.clone());
        match operation {
            // The client was not let in.
            Operation::RevokeAccess(_, false)
            | Operation::RevokeRefresh(_, false)
            | Operation::IntrospectAccess(_, Told::InvalidClient)
            | Operation::IntrospectRefresh(_, Told::InvalidClient) => right(!self.enabled),
            Operation::Exchange(answer) => self.exchange(answer),
            Operation::Refresh(token, answer) => self.refresh(*token, answer),
            Operation::RevokeAccess(..)
            | Operation::RevokeRefresh(..)
            | Operation::IntrospectAccess(..)
            | Operation::IntrospectRefresh(..)
                if !self.enabled =>
            {
                None
            }
            Operation::RevokeAccess(token, _) => {
                let mut after = self.clone();
                after.revoked.insert(*token);
                Some(after)
            }
            Operation::RevokeRefresh(token, _) => self.chain.contains_key(token).then(|| self.ended()),
            Operation::IntrospectAccess(token, told) | Operation::Check(token, told) => {
                right(self.is_right(*token, *told))
            }
            Operation::IntrospectRefresh(token, told) => {
                let is_active = !self.ended && self.chain.get(token) == Some(&None);
                right((*told == Told::Active) == is_active)
            }
            Operation::SetEnabled(enabled) => Some(Self {
                enabled: *enabled,
                ..self.clone()
            }),
        }
    }
}

/// Histories that a server must not give.
#[test]
fn wrong_histories_of_a_grant_are_refused() {
    use Operation::{Check, Exchange, IntrospectRefresh, Refresh, RevokeAccess, RevokeRefresh, SetEnabled};
    let got = |access, refresh| Answer::Tokens { access, refresh };
    let begin = || Exchange(got(1, 2));
    for (name, is_right, operations) in [
        (
            "a flow",
            true,
            vec![
                begin(),
                Check(1, Told::Active),
                Refresh(2, got(3, 4)),
                Check(1, Told::Active),
            ],
        ),
        ("a code twice", false, vec![begin(), Exchange(got(3, 4))]),
        (
            "a replay",
            true,
            vec![begin(), Exchange(Answer::InvalidGrant), Check(1, Told::Inactive)],
        ),
        (
            "a replay without an end",
            false,
            vec![begin(), Exchange(Answer::InvalidGrant), Check(1, Told::Active)],
        ),
        (
            "a retry",
            true,
            vec![begin(), Refresh(2, got(3, 4)), Refresh(2, got(5, 4))],
        ),
        (
            "a fork",
            false,
            vec![begin(), Refresh(2, got(3, 4)), Refresh(2, got(5, 6))],
        ),
        (
            "a reuse that is let through",
            false,
            vec![
                begin(),
                Refresh(2, got(3, 4)),
                Refresh(4, got(5, 6)),
                Refresh(2, got(7, 4)),
            ],
        ),
        (
            "a reuse",
            true,
            vec![
                begin(),
                Refresh(2, got(3, 4)),
                Refresh(4, got(5, 6)),
                Refresh(2, Answer::InvalidGrant),
                IntrospectRefresh(6, Told::Inactive),
            ],
        ),
        (
            "a refusal for nothing",
            false,
            vec![begin(), Refresh(2, Answer::InvalidGrant)],
        ),
        (
            "an end that is forgotten",
            false,
            vec![begin(), RevokeRefresh(2, true), Check(1, Told::Active)],
        ),
        (
            "one token's end",
            true,
            vec![begin(), RevokeAccess(1, true), Refresh(2, got(3, 4))],
        ),
        (
            "a disabled client",
            false,
            vec![begin(), SetEnabled(false), Refresh(2, got(3, 4))],
        ),
        (
            "an enabled client",
            true,
            vec![
                begin(),
                SetEnabled(false),
                Check(1, Told::Inactive),
                SetEnabled(true),
                Check(1, Told::Active),
            ],
        ),
    ] {
        let events: Vec<_> = operations
            .into_iter()
            .zip(0..)
            .map(|(operation, at)| Event {
                operation,
                asked: std::time::Duration::from_secs(2 * at),
                answered: std::time::Duration::from_secs(2 * at + 1),
            })
            .collect();
        assert_eq!(order(Grant::new(), &events).is_ok(), is_right, "{name}");
    }
}
