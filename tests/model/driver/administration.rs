//! The use cases of the command line.

use std::fmt::Display;

use oauthctl::authorization_server::{
    AdministrationError, ApplyError, ClientChange, ListChange, ScopeChange, SecretOrigin, SecretOwner, Tally,
};
use oauthctl::domain::client::RefreshPolicy;
use oauthctl::domain::consent::ConsentPolicy;
use oauthctl::domain::declaration::{Declaration, DeclaredClient, Thing};
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::token::TokenKind;
use oauthctl::store::TokenSelector;

use crate::operation::{
    Client, Limit, Millis, Op, SCOPES, SERVICES, Selector, Set, Setting, Step, Token, Wanted, words,
};
use crate::stage::{Stage, millis, opens, registration, settings};

type Done = Result<(), AdministrationError>;

fn word(error: &AdministrationError) -> String {
    match error {
        AdministrationError::NotFound { .. } => "not found".to_owned(),
        AdministrationError::Exists { .. } => "exists".to_owned(),
        AdministrationError::InUse { .. } => "in use".to_owned(),
        AdministrationError::Refused(_) => "refused".to_owned(),
        AdministrationError::Failed(failure) => failure.to_string(),
    }
}

fn parsed<T: std::str::FromStr<Err: Display>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn tally(tally: Tally) -> String {
    words::tally(tally.matched, tally.changed)
}

impl Stage {
    pub(super) fn administer(&mut self, op: &Op) -> String {
        let done = match op {
            Op::Register(client) => self.register(*client),
            Op::DeleteClient(client) => self.cli().delete_client(&parsed(client.id()), |_| {}),
            Op::EnableClient(client, enabled) => self
                .cli()
                .set_client_enabled(parsed(client.id()), *enabled)
                .map(drop),
            Op::UpdateClient(client, setting) => self
                .cli()
                .update_client(parsed(client.id()), change(*setting))
                .map(drop),
            Op::RotateSecret(client, overlap) => self.rotate_secret(*client, *overlap),
            Op::AddOwner(owner) => self.add_owner(*owner),
            Op::DeleteOwner(owner) => self.cli().delete_owner(&parsed(owner.username()), |_| {}),
            Op::EnableOwner(owner, enabled) => self
                .cli()
                .set_owner_enabled(parsed(owner.username()), *enabled)
                .map(drop),
            Op::DefineScope(scope, services) => {
                let (name, description) = (parsed(SCOPES[*scope]), parsed("What it opens"));
                self.cli()
                    .define_scope(name, description, opens(*services))
                    .map(drop)
            }
            Op::UpdateScope(scope, services) => {
                let services = ListChange {
                    replace: services
                        .members()
                        .map(|service| parsed(SERVICES[service]))
                        .collect(),
                    ..ListChange::default()
                };
                let change = ScopeChange {
                    services,
                    ..ScopeChange::default()
                };
                self.cli().update_scope(parsed(SCOPES[*scope]), change).map(drop)
            }
            Op::DeleteScope(scope) => self.cli().delete_scope(parsed(SCOPES[*scope])),
            Op::RevokeTokens { selector, dry_run } => return self.revoke_tokens(selector, *dry_run),
            Op::RevokeGrants(grants) => return self.revoke_grants(grants),
            Op::Prune { keep, dry_run } => return self.prune(*keep, *dry_run),
            Op::Apply {
                client,
                wanted,
                prune,
            } => return self.apply(*client, *wanted, *prune),
            Op::RegisterServer => self.register_server(),
            Op::DeleteServer => self.delete_server(),
            other => unreachable!("{other:?} is not for administrators"),
        };
        done.map_or_else(|error| word(&error), |()| "done".to_owned())
    }

    fn register(&mut self, client: Client) -> Done {
        let registered = self.cli().register_client(registration(client))?;
        let secret = registered.secret.unwrap().reveal().to_owned();
        self.secrets.insert(client, vec![secret]);
        Ok(())
    }

    fn rotate_secret(&mut self, client: Client, overlap: Millis) -> Done {
        let owner = SecretOwner::Client(parsed(client.id()));
        let rotated = self
            .cli()
            .rotate_secret(owner, millis(overlap), SecretOrigin::Generate)?;
        let secrets = self.secrets.entry(client).or_default();
        secrets.push(rotated.secret.reveal().to_owned());
        Ok(())
    }

    fn identifier(&self, token: Token) -> Identifier {
        self.values[&token][super::IDENTIFIER].parse().unwrap()
    }

    fn selector(&self, selector: &Selector) -> TokenSelector {
        let kind = match (selector.access_only, selector.refresh_only) {
            (true, _) => Some(TokenKind::AccessToken),
            (false, true) => Some(TokenKind::RefreshToken),
            (false, false) => None,
        };
        TokenSelector {
            identifiers: selector
                .tokens
                .iter()
                .map(|token| self.identifier(*token))
                .collect(),
            client: selector.client.map(|client| parsed(client.id())),
            owner: selector.owner.map(|owner| parsed(owner.username())),
            scope: selector.scope.map(|scope| parsed(SCOPES[scope])),
            kind,
            issued_before: selector.older_than.map(|span| self.now().before(millis(span))),
            expired: selector.expired,
            ..TokenSelector::default()
        }
    }

    fn revoke_tokens(&self, selector: &Selector, dry_run: bool) -> String {
        let (cli, selector) = (self.cli(), self.selector(selector));
        if let Err(error) = cli.refuse_unknown_tokens(&selector) {
            return word(&error);
        }
        if dry_run {
            let (count, _) = cli.count_tokens(&selector, 0).unwrap();
            return words::tally(count, 0);
        }
        tally(cli.revoke_tokens(&selector, |_| {}).unwrap())
    }

    fn revoke_grants(&self, grants: &[Step]) -> String {
        let find = |wanted: &Step| {
            let mut all = self.grants.iter();
            all.find_map(|(id, step)| (step == wanted).then(|| parsed(id)))
                .unwrap()
        };
        match self.cli().revoke_grants(grants.iter().map(find).collect()) {
            Ok(done) => tally(done),
            Err(error) => word(&error),
        }
    }

    fn prune(&self, keep: Millis, dry_run: bool) -> String {
        let cutoff = self.now().before(millis(keep));
        if dry_run {
            let count = self.cli().count_prunable(cutoff).unwrap();
            return words::tally(count, count);
        }
        tally(self.cli().prune(cutoff, |_| {}).unwrap())
    }

    fn apply(&mut self, client: Client, wanted: Option<Wanted>, prune: bool) -> String {
        let id = parsed(client.id());
        let mut declaration: Declaration = self.cli().export().unwrap();
        match wanted {
            None => drop(declaration.clients.remove(&id)),
            Some(wanted) => {
                let declared = declaration.clients.entry(id).or_insert_with(|| DeclaredClient {
                    settings: settings(client),
                    enabled: true,
                });
                declared.enabled = wanted.enabled;
                declared.settings.scopes = parsed(&wanted.scopes.scope());
                declared.settings.access_token_lifetime = millis(wanted.access_lifetime);
            }
        }
        let plan = match self.cli().plan(declaration, prune) {
            Ok(plan) => plan,
            Err(ApplyError::Thing { cause, .. }) => return word(&cause),
            Err(other) => return other.to_string(),
        };
        let new: Vec<String> = plan
            .credentials()
            .iter()
            .filter(|new| matches!(new.thing, Thing::Client(_)))
            .map(|new| new.secret.reveal().to_owned())
            .collect();
        if let Err(error) = self.cli().apply(plan) {
            return error.to_string();
        }
        if !new.is_empty() {
            self.secrets.insert(client, new);
        }
        "done".to_owned()
    }
}

fn change(setting: Setting) -> ClientChange {
    let mut change = ClientChange::default();
    match setting {
        Setting::Scopes(scopes) => change.scopes.replace = named(scopes),
        Setting::AddScope(scope) => change.scopes.add = named(Set::of(scope)),
        Setting::RemoveScope(scope) => change.scopes.remove = named(Set::of(scope)),
        Setting::AccessLifetime(span) => change.access_token_lifetime = Some(millis(span)),
        Setting::CodeLifetime(span) => change.code_lifetime = Some(millis(span)),
        Setting::Refresh(limit) => {
            change.refresh = Some(match limit {
                Limit::Never => RefreshPolicy::None,
                Limit::Times(most) => RefreshPolicy::Limited(most),
                Limit::Unlimited => RefreshPolicy::Unlimited,
            });
        }
        Setting::RefreshLifetime(span) => change.refresh_token_lifetime = Some(millis(span)),
        Setting::RefreshIdle(span) => change.refresh_token_idle = Some(millis(span)),
        Setting::RequirePkce(required) => change.require_pkce = Some(required),
        Setting::Remember(true) => change.consent = Some(ConsentPolicy::Remember),
        Setting::Remember(false) => change.consent = Some(ConsentPolicy::Always),
    }
    change
}

fn named<T: std::str::FromStr<Err: Display>>(scopes: Set) -> Vec<T> {
    scopes.members().map(|scope| parsed(SCOPES[scope])).collect()
}
