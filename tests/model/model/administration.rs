//! What administrators do.

use super::{ClientState, Model, Said, said};
use crate::operation::{Client, Millis, Op, Selector, Set, Setting, Step, Token, Wanted, words};

const NOT_FOUND: &str = "not found";
const EXISTS: &str = "exists";
const IN_USE: &str = "in use";
const REFUSED: &str = "refused";

impl Model {
    pub(super) fn administer(&mut self, op: &Op) -> Said {
        let result = match op {
            Op::Register(client) => self.register(*client),
            Op::DeleteClient(client) => self.delete_client(*client),
            Op::EnableClient(client, enabled) => {
                self.client_mut(*client).map(|state| state.enabled = *enabled)
            }
            Op::UpdateClient(client, setting) => self.update_client(*client, *setting),
            Op::RotateSecret(client, overlap) => self.rotate_secret(*client, *overlap),
            Op::AddOwner(owner) if self.owners.contains_key(owner) => Err(EXISTS),
            Op::AddOwner(owner) => {
                self.owners.insert(*owner, true);
                Ok(())
            }
            Op::DeleteOwner(owner) | Op::EnableOwner(owner, _) if !self.owners.contains_key(owner) => {
                Err(NOT_FOUND)
            }
            Op::DeleteOwner(owner) => {
                self.owners.remove(owner);
                self.browser(*owner).session = None;
                self.remove_grants(|grant| grant.owner == *owner);
                self.remembered.retain(|approval| approval.owner != *owner);
                Ok(())
            }
            Op::EnableOwner(owner, enabled) => {
                self.owners.insert(*owner, *enabled);
                if !enabled {
                    self.browser(*owner).session = None;
                }
                Ok(())
            }
            Op::DefineScope(scope, _) if self.scopes.contains_key(scope) => Err(EXISTS),
            Op::UpdateScope(scope, _) | Op::DeleteScope(scope) if !self.scopes.contains_key(scope) => {
                Err(NOT_FOUND)
            }
            Op::DefineScope(scope, opens) | Op::UpdateScope(scope, opens) => {
                self.scopes.insert(*scope, *opens);
                Ok(())
            }
            Op::DeleteScope(scope) if self.clients.values().any(|client| client.scopes.has(*scope)) => {
                Err(IN_USE)
            }
            Op::DeleteScope(scope) => {
                self.scopes.remove(scope);
                Ok(())
            }
            Op::RevokeTokens { selector, dry_run } => return self.revoke_tokens(selector, *dry_run),
            Op::RevokeGrants(grants) => return self.revoke_grants(grants),
            Op::Prune { keep, dry_run } => return self.prune(*keep, *dry_run),
            Op::Apply {
                client,
                wanted,
                prune,
            } => self.apply(*client, *wanted, *prune),
            Op::RegisterServer if self.has_server => Err(EXISTS),
            Op::DeleteServer if !self.has_server => Err(NOT_FOUND),
            Op::RegisterServer | Op::DeleteServer => {
                self.has_server = *op == Op::RegisterServer;
                Ok(())
            }
            other => unreachable!("{other:?} is not for administrators"),
        };
        said(result.err().unwrap_or("done"))
    }

    fn client_mut(&mut self, client: Client) -> Result<&mut ClientState, &'static str> {
        self.clients.get_mut(&client).ok_or(NOT_FOUND)
    }

    fn defined(&self) -> Set {
        self.scopes
            .keys()
            .fold(Set::NONE, |all, scope| all.or(Set::of(*scope)))
    }

    fn register(&mut self, client: Client) -> Result<(), &'static str> {
        if self.clients.contains_key(&client) {
            return Err(EXISTS);
        }
        if !Set::ALL.is_in(self.defined()) {
            return Err(NOT_FOUND);
        }
        self.clients.insert(client, ClientState::new(Set::ALL));
        Ok(())
    }

    fn delete_client(&mut self, client: Client) -> Result<(), &'static str> {
        self.clients.remove(&client).ok_or(NOT_FOUND)?;
        self.remove_grants(|grant| grant.client == client);
        self.remembered.retain(|approval| approval.client != client);
        Ok(())
    }

    fn update_client(&mut self, client: Client, setting: Setting) -> Result<(), &'static str> {
        let defined = self.defined();
        let state = self.client_mut(client)?;
        let mut scopes = state.scopes;
        match setting {
            Setting::Scopes(wanted) => scopes = wanted,
            Setting::AddScope(scope) => scopes = scopes.or(Set::of(scope)),
            Setting::RemoveScope(scope) if !scopes.has(scope) => return Err(NOT_FOUND),
            Setting::RemoveScope(scope) => scopes = scopes.without(Set::of(scope)),
            Setting::AccessLifetime(span) => state.access_lifetime = span,
            Setting::CodeLifetime(span) => state.code_lifetime = span,
            Setting::Refresh(limit) => state.refresh = limit,
            Setting::RefreshLifetime(span) => state.refresh_lifetime = span,
            Setting::RefreshIdle(span) => state.refresh_idle = span,
            Setting::RequirePkce(required) => state.require_pkce = required,
            Setting::Remember(remember) => state.remember = remember,
        }
        if scopes.is_empty() {
            return Err(REFUSED);
        }
        if !scopes.is_in(defined) {
            return Err(NOT_FOUND);
        }
        state.scopes = scopes;
        Ok(())
    }

    fn rotate_secret(&mut self, client: Client, overlap: Millis) -> Result<(), &'static str> {
        let end = self.now + overlap;
        let state = self.client_mut(client)?;
        for secret in &mut state.secrets {
            *secret = Some(secret.map_or(end, |earlier| earlier.min(end)));
        }
        state.secrets.push(None);
        Ok(())
    }

    fn apply(&mut self, client: Client, wanted: Option<Wanted>, prune: bool) -> Result<(), &'static str> {
        let Some(wanted) = wanted else {
            return if prune && self.clients.contains_key(&client) {
                self.delete_client(client)
            } else {
                Ok(())
            };
        };
        if wanted.scopes.is_empty() {
            return Err(REFUSED);
        }
        if !wanted.scopes.is_in(self.defined()) {
            return Err(NOT_FOUND);
        }
        let state = self
            .clients
            .entry(client)
            .or_insert_with(|| ClientState::new(Set::ALL));
        state.scopes = wanted.scopes;
        state.enabled = wanted.enabled;
        state.access_lifetime = wanted.access_lifetime;
        Ok(())
    }

    fn means(&self, selector: &Selector, token: Token) -> bool {
        let (grant, scope, issued, expires) = match token {
            Token::Code(_) => return false,
            Token::Access(step) => {
                let token = &self.access[&step];
                (token.grant, token.scope, token.issued, token.expires)
            }
            Token::Refresh(step) => {
                let token = &self.refresh[&step];
                (
                    token.grant,
                    self.grants[&token.grant].scope,
                    token.issued,
                    token.expires,
                )
            }
        };
        let grant = &self.grants[&grant];
        let is_access = matches!(token, Token::Access(_));
        (selector.tokens.is_empty() || selector.tokens.contains(&token))
            && selector.client.is_none_or(|client| grant.client == client)
            && selector.owner.is_none_or(|owner| grant.owner == owner)
            && selector.scope.is_none_or(|wanted| scope.has(wanted))
            && !(selector.refresh_only && is_access)
            && (is_access || !selector.access_only)
            && selector.older_than.is_none_or(|span| issued < self.now - span)
            && (!selector.expired || expires <= self.now)
    }

    /// Those of `tokens list`.
    pub(super) fn stored(&self) -> impl Iterator<Item = Token> {
        let access = self.access.keys().map(|step| Token::Access(*step));
        access.chain(self.refresh.keys().map(|step| Token::Refresh(*step)))
    }

    fn revoke_tokens(&mut self, selector: &Selector, dry_run: bool) -> Said {
        if selector.tokens.iter().any(|token| !self.seen.contains(token)) {
            return None;
        }
        let is_gone = |token: &Token| self.stored().all(|stored| stored != *token);
        if selector.tokens.iter().any(is_gone) {
            return said(NOT_FOUND);
        }
        let meant: Vec<Token> = self
            .stored()
            .filter(|token| self.means(selector, *token))
            .collect();
        if dry_run {
            return said(words::tally(meant.len(), 0));
        }
        // As they are before the first of them is revoked.
        let states: Vec<_> = meant.iter().map(|token| (*token, self.state(*token))).collect();
        let (now, mut changed) = (self.now, 0);
        for (token, state) in states {
            let is_changed = match token {
                _ if state == "revoked" => false,
                Token::Access(step) => self
                    .access
                    .get_mut(&step)
                    .is_some_and(|token| token.revoked.replace(now).is_none()),
                // One that was used or has expired ends its grant only where somebody names it.
                Token::Refresh(_) if state != "active" && selector.tokens.is_empty() => false,
                Token::Refresh(step) => self.end_grant(self.refresh[&step].grant, "administration"),
                Token::Code(_) => false,
            };
            changed += usize::from(is_changed);
        }
        said(words::tally(meant.len(), changed))
    }

    fn revoke_grants(&mut self, grants: &[Step]) -> Said {
        if grants
            .iter()
            .any(|grant| !self.seen.contains(&Token::Code(*grant)))
        {
            return None;
        }
        // Where one does not exist, none is ended.
        if grants.iter().any(|grant| !self.grants.contains_key(grant)) {
            return said(NOT_FOUND);
        }
        let ended = grants
            .iter()
            .filter(|grant| self.end_grant(**grant, "administration"))
            .count();
        said(words::tally(grants.len(), ended))
    }

    /// Removes what ended longer ago than `keep`. A refresh token and a code are kept as long as anything of their grant
    /// is, so that a replay is noticed.
    fn prune(&mut self, keep: Millis, dry_run: bool) -> Said {
        if dry_run {
            return self.clone().prune(keep, false);
        }
        let cutoff = self.now - keep;
        let before = self.access.len() + self.refresh.len();
        self.access.retain(|_, token| {
            token.expires > cutoff && token.revoked.is_none_or(|revoked| revoked > cutoff)
        });
        let dead: Vec<Step> = self
            .grants
            .iter()
            .filter(|(step, grant)| {
                let mut tokens = self.access.values().map(|token| (token.grant, token.expires));
                let mut refresh = self.refresh.values().map(|token| (token.grant, token.expires));
                let lives = |(of, expires): (Step, Millis)| of == **step && expires > cutoff;
                grant.ended.is_some_and(|(at, _)| at <= cutoff)
                    || !(grant.code_expires > cutoff || tokens.any(lives) || refresh.any(lives))
            })
            .map(|(step, _)| *step)
            .collect();
        for grant in dead {
            self.remove_grant(grant);
        }
        let removed = before - self.access.len() - self.refresh.len();
        said(words::tally(removed, removed))
    }
}
