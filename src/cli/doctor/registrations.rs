//! What is registered and cannot work, or need not be there.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::exit::CliError;
use super::super::shell::word;
use super::finding::{Finding, Level};
use super::settings::Lifetimes;
use crate::authorization_server::{AuthorizationServer, SecretOwner};
use crate::clock::Timestamp;
use crate::domain::client::{Client, StoredSecret};
use crate::domain::scope::{Scope, ScopeToken};
use crate::domain::span;

/// Longer than this a secret is not in overlap but forgotten.
const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn examine(server: &AuthorizationServer, findings: &mut Vec<Finding>) -> Result<(), CliError> {
    let now = server.instant();
    let clients = server.clients()?;
    let mut wrong = Vec::new();
    for client in &clients {
        let secrets = server.secrets_of(&SecretOwner::Client(client.id.clone()))?;
        wrong.extend(client_findings(client, &secrets, now));
    }
    push(findings, "clients", clients.len(), wrong);

    let mut wrong = Vec::new();
    let servers = server.resource_servers()?;
    for registered in &servers {
        let secrets = server.secrets_of(&SecretOwner::ResourceServer(registered.id.clone()))?;
        let id = word(registered.id.as_str());
        let holder = Holder {
            check: format!("resource server {}", registered.id),
            noun: "resource-server",
            id: &id,
        };
        wrong.extend(holder.secret_findings(&secrets, now));
    }
    push(findings, "resource servers", servers.len(), wrong);

    let scopes = server.scopes()?;
    let used = clients
        .iter()
        .flat_map(|client| client.settings.scopes.iter().cloned())
        .collect();
    let wrong = scopes
        .iter()
        .flat_map(|scope| scope_findings(scope, &used))
        .collect();
    push(findings, "scopes", scopes.len(), wrong);
    if server.owners()?.is_empty() {
        let finding = Finding::new(
            "resource owners",
            Level::Note,
            "there are none, so nobody can approve",
        );
        findings.push(finding.fix("oauthctl owner add USERNAME"));
    }
    Ok(())
}

/// What was found of each, or that nothing was.
fn push(findings: &mut Vec<Finding>, what: &str, count: usize, wrong: Vec<Finding>) {
    if wrong.is_empty() {
        findings.push(Finding::ok(what, format!("{count}, nothing is wrong with them")));
    }
    findings.extend(wrong);
}

/// Who holds secrets.
struct Holder<'a> {
    check: String,
    /// As commands name it.
    noun: &'static str,
    /// As a word of a shell.
    id: &'a str,
}

impl Holder<'_> {
    fn secret_findings(&self, secrets: &[StoredSecret], now: Timestamp) -> Vec<Finding> {
        let good: Vec<&StoredSecret> = secrets
            .iter()
            .filter(|secret| secret.expires_at.is_none_or(|end| now < end))
            .collect();
        let Some((newest, older)) = good.split_last() else {
            let finding = Finding::new(
                &self.check,
                Level::Fault,
                "it has no good secret, so it cannot authenticate",
            );
            return vec![finding.fix(format!("oauthctl {} rotate-secret {}", self.noun, self.id))];
        };
        let overlap = now.since(newest.created_at);
        if overlap <= LONGEST_OVERLAP {
            return Vec::new();
        }
        older
            .iter()
            .map(|secret| {
                let used = match secret.last_used_at {
                    Some(at) => format!("it was last used {} ago", span::format(coarse(now.since(at)))),
                    None => "its use was never recorded".to_owned(),
                };
                let finding = format!(
                    "its secret {} is still good {} after the next one was made; {used}",
                    secret.identifier,
                    span::format(coarse(overlap))
                );
                Finding::new(&self.check, Level::Warning, finding).fix(format!(
                    "oauthctl {} rotate-secret {} --retire {}",
                    self.noun, self.id, secret.identifier
                ))
            })
            .collect()
    }
}

/// In whole days where it is one, else in minutes: what lies back that far needs no seconds.
fn coarse(length: Duration) -> Duration {
    let unit = if length.as_secs() >= 86_400 { 86_400 } else { 60 };
    Duration::from_secs(length.as_secs() / unit * unit)
}

fn client_findings(client: &Client, secrets: &[StoredSecret], now: Timestamp) -> Vec<Finding> {
    let check = format!("client {}", client.id);
    let id = word(client.id.as_str());
    if !client.enabled {
        let finding = Finding::new(check, Level::Note, "it is disabled");
        return vec![finding.fix(format!("oauthctl client enable {id}"))];
    }
    let holder = Holder {
        check: check.clone(),
        noun: "client",
        id: &id,
    };
    let mut findings = holder.secret_findings(secrets, now);
    let settings = &client.settings;
    if settings.scopes.is_empty() {
        let finding = Finding::new(&check, Level::Fault, "it has no scope, so it can ask for nothing");
        findings.push(finding.fix(format!("oauthctl client update {id} --add-scope SCOPE")));
    }
    let lifetimes = Lifetimes {
        access_token: settings.access_token_lifetime,
        code: settings.code_lifetime,
        refresh_token: settings.refresh_token_lifetime,
    };
    findings.extend(lifetimes.unwise().map(|unwise| {
        Finding::new(&check, Level::Warning, unwise.finding).fix(format!(
            "oauthctl client update {id} --{} {}",
            unwise.key.replace('_', "-"),
            span::format(unwise.instead)
        ))
    }));
    findings
}

fn scope_findings(scope: &Scope, used: &BTreeSet<ScopeToken>) -> Vec<Finding> {
    let check = format!("scope {}", scope.token);
    let name = word(scope.token.as_str());
    let mut findings = Vec::new();
    if scope.coverage.is_empty() {
        let finding = Finding::new(&check, Level::Note, "it covers nothing, so no check passes by it");
        findings.push(finding.fix(format!("oauthctl scope update {name} --add-folder FOLDER")));
    }
    if !used.contains(&scope.token) {
        let finding = Finding::new(&check, Level::Note, "no client has it");
        findings.push(finding.fix(format!("oauthctl client update ID --add-scope {name}")));
    }
    // That the name of another folder begins with the same letters is told when it is defined: here it would stand for
    // ever, where both are meant.
    let cautions = scope.coverage.cautions([]);
    findings.extend(
        cautions
            .iter()
            .map(|caution| Finding::new(&check, Level::Note, caution.to_string())),
    );
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client::{ClientKey, ClientSettings, RefreshPolicy};
    use crate::domain::consent::ConsentPolicy;
    use crate::domain::identifier::Identifier;
    use crate::domain::secret::SecretHash;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn client() -> Client {
        Client {
            key: ClientKey(1),
            id: "web".parse().unwrap(),
            enabled: true,
            settings: ClientSettings {
                name: "Web".parse().unwrap(),
                description: "".parse().unwrap(),
                redirect_uris: Vec::new(),
                scopes: "orders".parse().unwrap(),
                access_token_lifetime: Duration::from_secs(3600),
                code_lifetime: Duration::from_secs(60),
                refresh: RefreshPolicy::Unlimited,
                refresh_token_lifetime: Duration::from_secs(86_400),
                refresh_token_idle: Duration::from_secs(86_400),
                require_pkce: true,
                consent: ConsentPolicy::Always,
            },
            created_at: NOW,
        }
    }

    fn secret(number: u32, days_old: u64) -> StoredSecret {
        let created_at = NOW.before(Duration::from_secs(days_old * 86_400));
        let identifier = Identifier::at(created_at, number);
        StoredSecret::new(identifier, SecretHash::of_text("x"), created_at)
    }

    fn told(client: &Client, secrets: &[StoredSecret]) -> Vec<(Level, String)> {
        client_findings(client, secrets, NOW)
            .into_iter()
            .map(|finding| (finding.level, finding.fix.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_client_that_works_is_not_mentioned() {
        assert_eq!(told(&client(), &[secret(1, 100)]), []);
    }

    #[test]
    fn a_client_without_a_good_secret_cannot_work() {
        let mut ended = secret(1, 1);
        ended.expires_at = Some(NOW);
        let expected = [(Level::Fault, "oauthctl client rotate-secret web".to_owned())];
        assert_eq!(told(&client(), &[]), expected);
        assert_eq!(told(&client(), std::slice::from_ref(&ended)), expected);
        ended.expires_at = Some(NOW.after(Duration::from_millis(1)));
        assert_eq!(told(&client(), &[ended]), []);
    }

    #[test]
    fn a_secret_that_is_in_overlap_for_more_than_a_week_is_forgotten() {
        assert_eq!(told(&client(), &[secret(1, 100), secret(2, 7)]), []);
        let mut old = secret(1, 100);
        old.last_used_at = Some(NOW.before(Duration::from_secs(3 * 86_400 + 5)));
        let findings = client_findings(&client(), &[old.clone(), secret(2, 8)], NOW);
        let expected = Finding::new(
            "client web",
            Level::Warning,
            format!(
                "its secret {} is still good 8d after the next one was made; it was last used 3d ago",
                old.identifier
            ),
        )
        .fix(format!(
            "oauthctl client rotate-secret web --retire {}",
            old.identifier
        ));
        assert_eq!(findings, [expected]);
    }

    #[test]
    fn a_client_without_a_scope_cannot_work_and_a_disabled_one_is_only_mentioned() {
        let mut client = client();
        client.settings.scopes = "".parse().unwrap();
        client.settings.access_token_lifetime = Duration::from_secs(86_401);
        assert_eq!(
            told(&client, &[secret(1, 1)]),
            [
                (
                    Level::Fault,
                    "oauthctl client update web --add-scope SCOPE".to_owned()
                ),
                (
                    Level::Warning,
                    "oauthctl client update web --access-token-lifetime 1h".to_owned()
                ),
            ]
        );
        client.enabled = false;
        assert_eq!(
            told(&client, &[]),
            [(Level::Note, "oauthctl client enable web".to_owned())]
        );
    }

    #[test]
    fn a_scope_that_covers_nothing_or_that_nobody_has_is_mentioned() {
        let scope = Scope {
            token: "orders".parse().unwrap(),
            description: "".parse().unwrap(),
            coverage: crate::domain::coverage::Coverage::default(),
            created_at: NOW,
        };
        let found = |used: &BTreeSet<ScopeToken>| -> Vec<String> {
            let findings = scope_findings(&scope, used);
            assert!(findings.iter().all(|finding| finding.level == Level::Note));
            findings.into_iter().map(|finding| finding.what).collect()
        };
        let covers_nothing = "it covers nothing, so no check passes by it";
        assert_eq!(found(&BTreeSet::new()), [covers_nothing, "no client has it"]);
        assert_eq!(
            found(&BTreeSet::from(["orders".parse().unwrap()])),
            [covers_nothing]
        );
    }

    #[test]
    fn what_may_not_be_meant_in_a_scope_is_mentioned() {
        let coverage = crate::domain::coverage::Coverage {
            folders: ["orders".parse().unwrap()].into(),
            services: ["orders:list".parse().unwrap()].into(),
            ..Default::default()
        };
        let scope = Scope {
            token: "orders".parse().unwrap(),
            description: "".parse().unwrap(),
            coverage,
            created_at: NOW,
        };
        let used = BTreeSet::from(["orders".parse().unwrap()]);
        let findings = scope_findings(&scope, &used);
        let told: Vec<(Level, &str)> = findings.iter().map(|f| (f.level, f.what.as_str())).collect();
        assert_eq!(
            told,
            [(
                Level::Note,
                "the folder orders covers the service orders:list already; leave it out"
            )]
        );
    }
}
