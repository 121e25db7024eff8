//! Everything that can be asked, one line each.

use super::Model;
use crate::operation::{Caller, Client, Owner, SERVICES, Token, Wrong, words};

impl Model {
    /// What `token list` says of a token.
    pub(super) fn state(&self, token: Token) -> &'static str {
        let (grant, expires, revoked, rotated) = match token {
            Token::Access(step) => {
                let token = &self.access[&step];
                (token.grant, token.expires, token.revoked.is_some(), false)
            }
            Token::Refresh(step) => {
                let token = &self.refresh[&step];
                (token.grant, token.expires, false, token.rotated.is_some())
            }
            Token::Code(_) => unreachable!("a code is not listed"),
        };
        if revoked || self.grants[&grant].ended.is_some() {
            "revoked"
        } else if rotated {
            "rotated"
        } else if self.now >= expires {
            "expired"
        } else {
            "active"
        }
    }

    fn has_live_token(&self, grant: u32) -> bool {
        self.stored().any(|token| {
            let of = match token {
                Token::Access(step) => self.access[&step].grant,
                Token::Refresh(step) => self.refresh[&step].grant,
                Token::Code(_) => return false,
            };
            of == grant && self.state(token) == "active"
        })
    }

    /// The lines, in order.
    pub(super) fn view(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (step, grant) in &self.grants {
            let has_live_code = !grant.exchanged && self.now < grant.code_expires;
            let state = match grant.ended {
                Some(_) => "revoked",
                None if has_live_code || self.has_live_token(*step) => "active",
                None => "expired",
            };
            let state = (state, grant.refreshes, grant.ended);
            let (client, owner) = (grant.client.id(), grant.owner.username());
            lines.push(words::grant(*step, client, owner, &grant.scope.scope(), state));
        }
        for token in self.stored() {
            let (step, scope, issued, expires) = match token {
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
                Token::Code(_) => continue,
            };
            let grant = &self.grants[&step];
            let holders = (grant.client.id(), grant.owner.username());
            let life = (issued, expires, self.state(token));
            lines.push(words::token(token, step, holders, &scope.scope(), life));
        }
        self.view_of_seen(&mut lines);
        for (client, state) in &self.clients {
            lines.push(words::client(*client, &state.scopes.scope(), state.enabled));
        }
        lines.extend(
            self.scopes
                .iter()
                .map(|(scope, opens)| words::scope(*scope, *opens)),
        );
        for owner in Owner::ALL.into_iter().filter(|owner| self.is_signed_in(*owner)) {
            self.view_of_page(owner, &mut lines);
        }
        lines.sort();
        lines
    }

    fn view_of_seen(&self, lines: &mut Vec<String>) {
        let clients = Client::ALL.map(Caller::Client);
        for token in &self.seen {
            for caller in clients.into_iter().chain([Caller::ResourceServer]) {
                let told = self.introspect(*token, caller, Wrong::Nothing);
                lines.extend(told.map(|told| format!("{caller:?} asks for {token:?}: {told}")));
            }
            if let Token::Access(step) = token {
                for (service, name) in SERVICES.iter().enumerate() {
                    let told = self.check(*step, service);
                    lines.extend(told.map(|told| format!("{token:?} at {name}: {told}")));
                }
            }
        }
    }

    fn view_of_page(&self, owner: Owner, lines: &mut Vec<String>) {
        for (step, grant) in &self.grants {
            if grant.owner == owner && grant.ended.is_none() && self.has_live_token(*step) {
                lines.push(words::approved(owner, *step));
            }
        }
        for approval in &self.remembered {
            if approval.owner == owner && self.clients[&approval.client].remember {
                let scope = approval
                    .scopes
                    .iter()
                    .fold(crate::operation::Set::NONE, |all, (scope, _)| {
                        all.or(crate::operation::Set::of(*scope))
                    });
                lines.push(words::remembered(owner, approval.step, &scope.scope()));
            }
        }
    }
}
