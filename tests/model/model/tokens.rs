//! Stages 5 to 8: exchange, refresh, revocation, introspection, check.

use super::{Access, ClientState, Model, Refresh, Said, said};
use crate::operation::{Caller, Client, Limit, Set, Step, Token, Window, Wrong, words};

impl Model {
    /// The client, if it shows that it is the one.
    fn authenticated(&self, client: Client, wrong: Wrong) -> Option<&ClientState> {
        let client = self.clients.get(&client).filter(|client| client.enabled)?;
        let secret = match wrong {
            Wrong::Secret => return None,
            Wrong::OldSecret => client.secrets.iter().rev().nth(1)?,
            _ => client.secrets.last()?,
        };
        secret.is_none_or(|end| self.now < end).then_some(client)
    }

    pub(super) fn exchange(&mut self, step: Step, code: Step, client: Client, wrong: Wrong) -> Said {
        if !self.seen.contains(&Token::Code(code)) {
            return None;
        }
        let Some(settings) = self.authenticated(client, wrong).cloned() else {
            return said("invalid_client");
        };
        let Some(grant) = self.grants.get(&code) else {
            return said("invalid_grant");
        };
        let is_wrong = match wrong {
            Wrong::Forged | Wrong::Redirect | Wrong::Verifier => true,
            Wrong::NoRedirect => grant.names_redirect,
            Wrong::NoVerifier => grant.pkce,
            Wrong::Nothing | Wrong::Secret | Wrong::OldSecret => false,
        };
        if grant.client != client || is_wrong {
            return said("invalid_grant");
        }
        // A replay with everything right revokes all that came of it, however old the code is.
        if grant.exchanged {
            self.end_grant(code, "code_replayed");
            return said("invalid_grant");
        }
        let owner_enabled = self.owners.get(&grant.owner) == Some(&true);
        if self.now >= grant.code_expires || grant.ended.is_some() || !owner_enabled {
            return said("invalid_grant");
        }
        let scope = grant.scope.and(settings.scopes);
        if scope.is_empty() {
            return said("invalid_scope");
        }
        let now = self.now;
        let end = now + settings.refresh_lifetime;
        let refreshes = settings.refresh != Limit::Never;
        if let Some(grant) = self.grants.get_mut(&code) {
            grant.exchanged = true;
            grant.refresh_end = refreshes.then_some(end);
        }
        self.issue_access(step, code, scope, now + settings.access_lifetime);
        if refreshes {
            self.issue_refresh(step, code, end.min(now + settings.refresh_idle));
        }
        said(words::tokens(
            &scope.scope(),
            settings.access_lifetime,
            refreshes.then_some(step),
        ))
    }

    fn issue_access(&mut self, step: Step, grant: Step, scope: Set, expires: i64) {
        let issued = self.now;
        let token = Access {
            grant,
            scope,
            issued,
            expires,
            revoked: None,
        };
        self.access.insert(step, token);
        self.seen.insert(Token::Access(step));
    }

    fn issue_refresh(&mut self, step: Step, grant: Step, expires: i64) {
        let issued = self.now;
        let token = Refresh {
            grant,
            issued,
            expires,
            rotated: None,
        };
        self.refresh.insert(step, token);
        self.seen.insert(Token::Refresh(step));
    }

    pub(super) fn refresh(
        &mut self,
        step: Step,
        token: Step,
        client: Client,
        asked: Set,
        wrong: Wrong,
    ) -> Said {
        if !self.seen.contains(&Token::Refresh(token)) {
            return None;
        }
        let Some(settings) = self.authenticated(client, wrong).cloned() else {
            return said("invalid_client");
        };
        if settings.refresh == Limit::Never {
            return said("unauthorized_client");
        }
        let (name, Some(token)) = (token, self.refresh.get(&token).cloned()) else {
            return said("invalid_grant");
        };
        let grant = self.grants[&token.grant].clone();
        if wrong == Wrong::Forged || grant.client != client || grant.ended.is_some() {
            return said("invalid_grant");
        }
        let now = self.now;
        if let Some((rotated, successor)) = token.rotated {
            let may_repeat = match self.window {
                Window::UntilSuccessorIsUsed => true,
                Window::AtMost(span) => now < rotated + span,
            };
            if self.is_used(successor) || !may_repeat {
                self.end_grant(token.grant, "refresh_token_reused");
                return said("invalid_grant");
            }
        }
        let is_over = now >= token.expires || grant.refresh_end.is_none_or(|end| now >= end);
        if is_over || self.owners.get(&grant.owner) != Some(&true) {
            return said("invalid_grant");
        }
        let in_force = grant.scope.and(settings.scopes);
        let scope = if asked.is_empty() { in_force } else { asked };
        if scope.is_empty() || !scope.is_in(in_force) {
            return said("invalid_scope");
        }
        // Retries count once; so what a client with a limit gets by them lives no longer than the first answer.
        let (from, successor) = match (token.rotated, settings.refresh) {
            (Some((rotated, successor)), Limit::Times(_)) => (rotated, successor),
            (Some((_, successor)), _) => (now, successor),
            (None, Limit::Times(most)) if grant.refreshes >= most => return said("invalid_grant"),
            (None, _) => (now, step),
        };
        let expires = from + settings.access_lifetime;
        if now >= expires {
            return said("invalid_grant");
        }
        if token.rotated.is_none() {
            let end = grant.refresh_end.unwrap_or(now);
            self.issue_refresh(step, token.grant, end.min(now + settings.refresh_idle));
            if let Some(token) = self.refresh.get_mut(&name) {
                token.rotated = Some((now, step));
            }
            if let Some(grant) = self.grants.get_mut(&token.grant) {
                grant.refreshes += 1;
            }
        }
        self.issue_access(step, token.grant, scope, expires);
        said(words::tokens(&scope.scope(), expires - now, Some(successor)))
    }

    pub(super) fn revoke(&mut self, token: Token, client: Client, wrong: Wrong) -> Said {
        if !self.seen.contains(&token) {
            return None;
        }
        if self.authenticated(client, wrong).is_none() {
            return said("invalid_client");
        }
        let grant = match token {
            Token::Code(_) => None,
            Token::Access(step) => self.access.get(&step).map(|token| token.grant),
            Token::Refresh(step) => self.refresh.get(&step).map(|token| token.grant),
        };
        let own = grant.filter(|grant| self.grants[grant].client == client && wrong != Wrong::Forged);
        let now = self.now;
        match (token, own) {
            (Token::Access(step), Some(_)) => {
                if let Some(token) = self.access.get_mut(&step) {
                    token.revoked.get_or_insert(now);
                }
            }
            (Token::Refresh(_), Some(grant)) => {
                self.end_grant(grant, "refresh_token_revoked");
            }
            _ => {}
        }
        said("done")
    }

    /// Whether an access token is active, with its grant.
    fn active(&self, step: Step) -> Option<(&Access, Step)> {
        let token = self.access.get(&step)?;
        let grant = &self.grants[&token.grant];
        let is_active = token.revoked.is_none()
            && grant.ended.is_none()
            && self.now < token.expires
            && self
                .clients
                .get(&grant.client)
                .is_some_and(|client| client.enabled)
            && self.owners.get(&grant.owner) == Some(&true);
        is_active.then_some((token, token.grant))
    }

    pub(super) fn introspect(&self, token: Token, caller: Caller, wrong: Wrong) -> Said {
        if !self.seen.contains(&token) {
            return None;
        }
        let is_authenticated = match caller {
            Caller::Client(client) => self.authenticated(client, wrong).is_some(),
            Caller::ResourceServer => self.has_server && wrong != Wrong::Secret,
        };
        if !is_authenticated {
            return said("invalid_client");
        }
        let told = match token {
            _ if wrong == Wrong::Forged => None,
            Token::Code(_) => None,
            Token::Access(step) => self.introspect_access(step, caller),
            Token::Refresh(step) => self.introspect_refresh(step, caller),
        };
        said(told.unwrap_or_else(|| "inactive".to_owned()))
    }

    fn introspect_access(&self, step: Step, caller: Caller) -> Option<String> {
        let (token, grant) = self.active(step)?;
        let grant = &self.grants[&grant];
        if matches!(caller, Caller::Client(client) if client != grant.client) {
            return None;
        }
        let scope = self.in_force(grant.client, token.scope).scope();
        let (client, owner) = (grant.client.id(), grant.owner.username());
        Some(words::active(&scope, client, owner, token.issued, token.expires))
    }

    fn introspect_refresh(&self, step: Step, caller: Caller) -> Option<String> {
        let token = self.refresh.get(&step)?;
        let grant = &self.grants[&token.grant];
        // A resource server is never told that a refresh token is active.
        if caller != Caller::Client(grant.client) {
            return None;
        }
        let may_refresh = match self.clients[&grant.client].refresh {
            Limit::Never => false,
            Limit::Times(most) => grant.refreshes < most,
            Limit::Unlimited => true,
        };
        let is_active = may_refresh
            && token.rotated.is_none()
            && self.now < token.expires
            && grant.ended.is_none()
            && self.owners.get(&grant.owner) == Some(&true);
        let scope = self.in_force(grant.client, grant.scope).scope();
        let (client, owner) = (grant.client.id(), grant.owner.username());
        is_active.then(|| words::active(&scope, client, owner, token.issued, token.expires))
    }

    pub(super) fn check(&self, step: Step, service: usize) -> Said {
        if !self.seen.contains(&Token::Access(step)) {
            return None;
        }
        let Some((token, name)) = self.active(step) else {
            return said("inactive");
        };
        let grant = &self.grants[&name];
        let in_force = self.in_force(grant.client, token.scope);
        let mut open = in_force
            .members()
            .filter(|scope| self.scopes.get(scope).is_some_and(|opens| opens.has(service)));
        if open.next().is_none() {
            return said("denied");
        }
        let (client, owner) = (grant.client.id(), grant.owner.username());
        said(words::allowed(client, owner, &in_force.scope(), name))
    }
}
