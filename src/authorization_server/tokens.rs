//! `token list|show|revoke|prune`.

use serde_json::json;

use super::{AdministrationError, AuthorizationServer, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Subject};
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::token::TokenKind;
use crate::domain::token_state::TokenState;
use crate::store::{FoundToken, StoreError, TokenCursor, TokenOverview, TokenSelector};

/// How many tokens are revoked in one transaction: some milliseconds' work, so that the server is not held up.
const REVOKED_AT_ONCE: u32 = 500;

/// How many tokens are read at a time.
const READ_AT_ONCE: u32 = 1000;

/// What came of revoking or pruning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many tokens the selector meant.
    pub matched: usize,
    /// How many of them were revoked, or removed, now.
    pub changed: usize,
}

impl AuthorizationServer {
    /// Where the list after `token` begins, for a selector.
    ///
    /// # Errors
    /// `NotFound` where there is no such token.
    pub fn token_cursor(
        &self,
        selector: &TokenSelector,
        token: Identifier,
    ) -> Result<TokenCursor, AdministrationError> {
        let cursor = self.store.read(|tx| tx.token_cursor(selector, token))?;
        cursor.ok_or_else(|| unknown(token))
    }

    /// A page of tokens, at most 1000.
    pub fn tokens(
        &self,
        selector: &TokenSelector,
        after: Option<TokenCursor>,
        limit: u32,
    ) -> Result<Vec<TokenOverview>, StoreError> {
        let now = self.now();
        self.store
            .read(|tx| tx.tokens(selector, after, limit.min(READ_AT_ONCE), now))
    }

    /// One token.
    pub fn token_by_id(&self, token: Identifier) -> Result<TokenOverview, AdministrationError> {
        let selector = TokenSelector {
            identifiers: vec![token],
            ..TokenSelector::default()
        };
        self.tokens(&selector, None, 1)?
            .pop()
            .ok_or_else(|| unknown(token))
    }

    /// Refuses where one of the tokens that a selector names does not exist: then nothing is to be changed.
    pub fn refuse_unknown_tokens(&self, selector: &TokenSelector) -> Result<(), AdministrationError> {
        for &token in &selector.identifiers {
            self.token_by_id(token)?;
        }
        Ok(())
    }

    /// How many tokens a selector means, and the first of them.
    pub fn count_tokens(
        &self,
        selector: &TokenSelector,
        sample: usize,
    ) -> Result<(usize, Vec<TokenOverview>), StoreError> {
        let first = self.tokens(selector, None, u32::try_from(sample).unwrap_or(READ_AT_ONCE))?;
        let now = self.now();
        let (mut count, mut after) = (0, None);
        loop {
            let page = self
                .store
                .read(|tx| tx.found_tokens(selector, after, READ_AT_ONCE, now))?;
            let Some(last) = page.last() else {
                return Ok((count, first));
            };
            count += page.len();
            after = Some(last.cursor());
        }
    }

    /// Revokes the tokens that a selector means, in small transactions. Revoking a refresh token ends its grant; one
    /// that has been used or has expired ends it only where it is named by its identifier.
    /// Interrupted, it can be repeated. Calls `progress` with the number of tokens behind it.
    pub fn revoke_tokens(
        &self,
        selector: &TokenSelector,
        mut progress: impl FnMut(usize),
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut after = None;
        loop {
            let (step, next) = self.revoke_some(selector.clone(), after)?;
            tally.matched += step.matched;
            tally.changed += step.changed;
            progress(tally.matched);
            match next {
                Some(_) => after = next,
                None => return Ok(tally),
            }
        }
    }

    fn revoke_some(
        &self,
        selector: TokenSelector,
        after: Option<TokenCursor>,
    ) -> Result<(Tally, Option<TokenCursor>), StoreError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let page = tx.found_tokens(&selector, after, REVOKED_AT_ONCE, now)?;
            let mut revoked = Vec::new();
            for token in &page {
                let is_changed = match (token.kind, token.state) {
                    (_, TokenState::Revoked) => false,
                    // An older link of the chain, or one that has run out, matches by its age while the grant is in
                    // use: only whoever names it means the grant.
                    (TokenKind::RefreshToken, TokenState::Rotated | TokenState::Expired)
                        if selector.identifiers.is_empty() =>
                    {
                        false
                    }
                    (TokenKind::RefreshToken, _) => tx.end_grant(
                        token.grant,
                        GrantEnd {
                            at: now,
                            cause: EndCause::Administration,
                        },
                    )?,
                    (TokenKind::AccessToken | TokenKind::AuthorizationCode, _) => {
                        tx.revoke_access_token(token.identifier, now)?
                    }
                };
                if is_changed {
                    revoked.push(token.identifier);
                }
            }
            let subject = match revoked.as_slice() {
                [] => None,
                [one] => Some(Subject::new("token", one)),
                _ => Some(Subject::new("store", "tokens")),
            };
            if let Some(subject) = subject {
                operator.record(tx, Action::TokenRevoked, subject, json!({ "tokens": revoked }))?;
            }
            let tally = Tally {
                matched: page.len(),
                changed: revoked.len(),
            };
            Ok((tally, page.last().map(FoundToken::cursor)))
        })
    }

    /// The instant of the clock, for selectors that speak of ages.
    pub fn instant(&self) -> Timestamp {
        self.now()
    }
}

fn unknown(token: Identifier) -> AdministrationError {
    AdministrationError::not_found(Noun::Token, &token.to_string(), [])
}
