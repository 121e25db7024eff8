//! Asks everything that can be asked.

use oauthctl::domain::token::TokenKind;
use oauthctl::store::{GrantSelector, TokenSelector};

use crate::operation::{Caller, Client, Owner, SCOPES, SERVICES, Set, Token, Wrong, words};
use crate::stage::{Stage, at};

impl Stage {
    /// The lines, in order.
    pub(super) fn view(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for grant in self
            .server()
            .grants(&GrantSelector::default(), None, 1000)
            .unwrap()
        {
            let end = grant.ended_at.zip(grant.end_cause.as_deref());
            let end = end.map(|(instant, cause)| (at(instant), cause));
            lines.push(words::grant(
                self.grants[&grant.identifier.to_string()],
                grant.client.as_str(),
                grant.owner.as_str(),
                &grant.scope.to_string(),
                (grant.state.name(), grant.refreshes, end),
            ));
        }
        for token in self
            .server()
            .tokens(&TokenSelector::default(), None, 1000)
            .unwrap()
        {
            let name = self.tokens[&token.identifier.to_string()];
            assert_eq!(
                matches!(name, Token::Refresh(_)),
                token.kind == TokenKind::RefreshToken
            );
            lines.push(words::token(
                name,
                self.grants[&token.grant.to_string()],
                (token.client.as_str(), token.owner.as_str()),
                &token.scope.to_string(),
                (at(token.issued_at), at(token.expires_at), token.state.name()),
            ));
        }
        let clients = Client::ALL.map(Caller::Client);
        for token in self.values.keys() {
            for caller in clients.into_iter().chain([Caller::ResourceServer]) {
                let told = self.introspect(*token, caller, Wrong::Nothing);
                lines.push(format!("{caller:?} asks for {token:?}: {told}"));
            }
            if let Token::Access(step) = token {
                for (service, name) in SERVICES.iter().enumerate() {
                    lines.push(format!("{token:?} at {name}: {}", self.check(*step, service)));
                }
            }
        }
        for client in self.server().clients().unwrap() {
            let named = Client::ALL
                .into_iter()
                .find(|named| named.id() == client.id.as_str());
            let scopes = client.settings.scopes.to_string();
            lines.push(words::client(named.unwrap(), &scopes, client.enabled));
        }
        for scope in self.server().scopes().unwrap() {
            let position = |all: &[&str], name: &str| all.iter().position(|known| *known == name).unwrap();
            let services = scope.coverage.services.iter();
            let opens = services.fold(Set::NONE, |all, service| {
                all.or(Set::of(position(&SERVICES, service.as_str())))
            });
            lines.push(words::scope(position(&SCOPES, scope.token.as_str()), opens));
        }
        for owner in Owner::ALL {
            let page = self.server().account(self.cookies.get(&owner)).unwrap();
            if let Some(page) = page {
                let approved = page.approved.iter();
                lines.extend(
                    approved.map(|grant| words::approved(owner, self.grants[&grant.grant.to_string()])),
                );
                lines.extend(page.remembered.iter().map(|approval| {
                    let step = self.approvals[&approval.approval.to_string()];
                    words::remembered(owner, step, &approval.scope.to_string())
                }));
            }
        }
        lines.sort();
        lines
    }
}
