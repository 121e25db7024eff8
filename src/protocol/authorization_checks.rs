//! An authorization request taken apart for people: each check with what was received, what is registered, and what mends
//! it. [`validate`](crate::protocol::authorization_request::validate) decides; this only tells, in the same order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::client::Client;
use crate::domain::likeness::{common, distance, is_near};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeToken;
use crate::domain::shell;
use crate::protocol::authorization_error::AuthorizationError;
use crate::protocol::authorization_request::{
    KNOWN, LONGEST_REQUEST, PageRefusal, client_id, code_challenge, length, redirect_uri, scope,
};
use crate::protocol::parameters::{Flaw, Parameters};
use crate::protocol::prompt;
use crate::protocol::redirect_uri_meant::{difference, meant, nearest_first};
use crate::protocol::resource_indicators::{self, RESOURCE};

/// Scopes of OpenID Connect Core 1.0 §5.4 and §11, which clients ask for by habit.
const OPENID_CONNECT: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// What is registered, as far as it matters to the request.
#[derive(Debug)]
pub struct Registered<'a> {
    /// The client that the request says it comes from, if there is such a one.
    pub client: Option<&'a Client>,
    /// The identifiers of all clients.
    pub clients: &'a [String],
    /// The names of all scopes.
    pub scopes: &'a [String],
    /// The resources that were asked for and exist.
    pub resources: &'a ResourceSet,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// The request is refused for it.
    Failed,
    /// It is not refused for it, and may not be meant.
    Remarked,
}

/// What mends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A command of an administrator: its words after `oauthctl`.
    Command(Vec<String>),
    /// What the client's developer does.
    Client(String),
    /// A command that mends nothing and tells more: its words after `oauthctl`.
    Why(Vec<String>),
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The parameter that it is about.
    pub parameter: String,
    /// How it went.
    pub verdict: Verdict,
    /// What is wrong or right, in a few words.
    pub told: String,
    /// What was received.
    pub received: Option<String>,
    /// What is registered or expected, the nearest first.
    pub expected: Vec<String>,
    /// Whether that is registered here; else the standard says so.
    pub is_registered: bool,
    /// Where the received value begins to differ from the first that is expected, in bytes of it.
    pub differs_at: Option<usize>,
    /// What mends it; the first is what is probably meant.
    pub remedies: Vec<Remedy>,
}

impl Check {
    pub(super) fn new(parameter: &str, verdict: Verdict, told: impl Into<String>) -> Self {
        Self {
            parameter: parameter.to_owned(),
            verdict,
            told: told.into(),
            received: None,
            expected: Vec::new(),
            is_registered: false,
            differs_at: None,
            remedies: Vec::new(),
        }
    }

    pub(super) fn received(mut self, received: Option<&str>) -> Self {
        self.received = received.map(str::to_owned);
        self
    }

    pub(super) fn expected(mut self, expected: &str) -> Self {
        self.expected = vec![expected.to_owned()];
        self
    }

    pub(super) fn registered(mut self, registered: Vec<String>) -> Self {
        self.expected = registered;
        self.is_registered = true;
        self
    }

    pub(super) fn command(mut self, words: &[&str]) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        self.remedies.push(Remedy::Command(words));
        self
    }

    pub(super) fn why(mut self, words: Vec<String>) -> Self {
        self.remedies.push(Remedy::Why(words));
        self
    }

    pub(super) fn client(mut self, advice: impl Into<String>) -> Self {
        self.remedies.push(Remedy::Client(advice.into()));
        self
    }
}

/// Every check of a request, in the order in which the server makes them. Where the client is unknown, what is registered
/// for it cannot be compared with, and those checks are left out; in what is too long nothing else is looked at.
pub fn checks(raw: &str, parameters: &Parameters, registered: &Registered<'_>) -> Vec<Check> {
    if length(raw).is_err() {
        return vec![of_length(raw)];
    }
    let mut checks = vec![of_client(parameters, registered)];
    if let Some(client) = registered.client {
        checks.push(of_redirect_uri(parameters, client));
    }
    checks.extend(flaws(parameters));
    // What has a flaw counts as missing everywhere else; that would be told twice, and wrongly.
    let is_whole = |names: &[&str]| names.iter().all(|name| parameters.flaw(name).is_none());
    if is_whole(&["response_type"]) {
        checks.push(of_response_type(parameters));
    }
    if parameters
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        checks.push(
            Check::new("response_mode", Verdict::Failed, "only `query` is answered")
                .received(parameters.get("response_mode"))
                .expected("query")
                .client("leave it out"),
        );
    }
    if let Some(client) = registered.client {
        if is_whole(&["code_challenge", "code_challenge_method"]) {
            checks.push(of_pkce(parameters, client));
        }
        if is_whole(&["scope"]) {
            checks.push(of_scope(parameters, client, registered));
        }
    }
    checks.extend(of_resources(parameters, registered));
    match prompt::asked(parameters) {
        Err(error) => {
            let (parameter, advice) = if error.description.starts_with(prompt::MAX_AGE) {
                (prompt::MAX_AGE, "send a number of seconds, such as max_age=300, or leave it out")
            } else {
                let advice = "send prompt=login, consent, select_account or none, the last alone, or leave it out";
                (prompt::PROMPT, advice)
            };
            checks.push(refused(parameter, parameters, &error).client(advice));
        }
        Ok(asked) if asked.prompts.contains(&prompt::Prompt::None) => checks.push(
            Check::new(
                prompt::PROMPT,
                Verdict::Remarked,
                "no page may be shown, and nobody is signed in here; a browser in which somebody is may be answered",
            )
            .received(parameters.get(prompt::PROMPT))
            .client("leave `prompt` out, and the resource owner is asked"),
        ),
        Ok(_) => {}
    }
    if is_whole(&["state"]) {
        checks.push(of_state(parameters));
    }
    checks.extend(unknown_names(raw));
    checks
}

fn of_length(raw: &str) -> Check {
    let told = format!(
        "it has {} bytes, and the server answers 400 to more than {LONGEST_REQUEST}",
        raw.len()
    );
    Check::new("request", Verdict::Failed, told)
        .client("keep at the client what `state` stands for, and leave out what the server does not know")
}

fn of_client(parameters: &Parameters, registered: &Registered<'_>) -> Check {
    let received = parameters.get("client_id");
    let check = |told: &str| Check::new("client_id", Verdict::Failed, told).received(received);
    match (client_id(parameters), registered.client) {
        (Err(PageRefusal::NoClientId), _) => check("missing").client("send the client's ID in `client_id`"),
        (Err(PageRefusal::Flawed(_, flaw)), _) => check(&flaw.to_string()).client(unflawed(flaw)),
        (_, None) => {
            let sent = received.unwrap_or_default();
            let mut known = registered.clients.to_vec();
            known.sort_by_cached_key(|known| distance(sent, known));
            known.truncate(5);
            let mut check = check("nobody is registered under it");
            check.differs_at = known.first().map(|known| common(sent, known));
            let is_near = known.first().is_some_and(|known| is_near(sent, known));
            let first = known.first().cloned();
            let check = check.registered(known);
            match first {
                Some(meant) if is_near => check.client(format!("send client_id={meant}")),
                _ => check.command(&["client", "list"]),
            }
        }
        (_, Some(client)) if !client.enabled => {
            check("the client is disabled").command(&["client", "enable", client.id.as_str()])
        }
        (_, Some(client)) => Check::new(
            "client_id",
            Verdict::Passed,
            format!("{}, enabled", client.settings.name),
        )
        .received(received),
    }
}

fn of_redirect_uri(parameters: &Parameters, client: &Client) -> Check {
    let received = parameters.get("redirect_uri");
    let registered = &client.settings.redirect_uris;
    let mut texts: Vec<String> = registered.iter().map(ToString::to_string).collect();
    match redirect_uri(parameters, client) {
        Ok((_, true)) => Check::new("redirect_uri", Verdict::Passed, "registered").received(received),
        Ok((accepted, false)) => Check::new(
            "redirect_uri",
            Verdict::Passed,
            format!("left out, so it is the one that is registered: {accepted}"),
        ),
        Err(PageRefusal::NoRedirectUri { .. }) => {
            let check = |told: &str| Check::new("redirect_uri", Verdict::Failed, told);
            if registered.is_empty() {
                let id = client.id.as_str();
                check("missing, and none is registered").command(&[
                    "client",
                    "update",
                    id,
                    "--add-redirect-uri",
                    "REDIRECT_URI",
                ])
            } else {
                check("missing, and several are registered")
                    .registered(texts)
                    .client("send the one that is meant")
            }
        }
        Err(PageRefusal::UnregisteredRedirectUri { sent, .. }) => {
            nearest_first(&sent, &mut texts);
            let differs_at = texts.first().map(|nearest| difference(&sent, nearest));
            let check = match sent.parse::<RedirectUri>() {
                Ok(_) => Check::new("redirect_uri", Verdict::Failed, "not registered").command(&[
                    "client",
                    "update",
                    client.id.as_str(),
                    "--add-redirect-uri",
                    &sent,
                ]),
                Err(error) => Check::new(
                    "redirect_uri",
                    Verdict::Failed,
                    format!("not registered, and it cannot be: {error}"),
                ),
            };
            let check = match meant(&sent, &texts) {
                Some(meant) => check.client(format!("send redirect_uri={meant}")),
                None if !check.remedies.is_empty() => check,
                None if texts.is_empty() => check.client("send one that can be registered, and register it"),
                None => check.client("send one that is registered"),
            };
            Check {
                differs_at,
                ..check.received(Some(&sent)).registered(texts)
            }
        }
        Err(PageRefusal::Flawed(name, flaw)) => flawed(name, flaw),
        Err(_) => Check::new("redirect_uri", Verdict::Failed, "refused"),
    }
}

/// What is repeated or no text; the two that were looked at before are not told again.
fn flaws(parameters: &Parameters) -> Vec<Check> {
    parameters
        .flaws()
        .filter(|(name, _)| !["client_id", "redirect_uri"].contains(name))
        .map(|(name, flaw)| flawed(name, flaw))
        .collect()
}

pub(super) fn flawed(name: &str, flaw: Flaw) -> Check {
    Check::new(name, Verdict::Failed, flaw.to_string()).client(unflawed(flaw))
}

fn unflawed(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Repeated => "send it once",
        Flaw::NotText => "send it in UTF-8",
    }
}

fn of_response_type(parameters: &Parameters) -> Check {
    let received = parameters.get("response_type");
    match received {
        Some("code") => Check::new("response_type", Verdict::Passed, "code").received(received),
        None => Check::new("response_type", Verdict::Failed, "missing")
            .expected("code")
            .client("send response_type=code"),
        Some(_) => Check::new("response_type", Verdict::Failed, "only `code` is answered")
            .received(received)
            .expected("code")
            .client("send response_type=code"),
    }
}

fn of_pkce(parameters: &Parameters, client: &Client) -> Check {
    let method = parameters.get("code_challenge_method");
    match code_challenge(parameters, client) {
        Ok(Some(_)) => Check::new("code_challenge", Verdict::Passed, "PKCE with S256"),
        Ok(None) => Check::new(
            "code_challenge",
            Verdict::Remarked,
            "no PKCE; this client may leave it out, and then whoever gets at the code can try to use it",
        )
        .command(&["client", "update", client.id.as_str(), "--pkce"]),
        Err(error) => {
            let (parameter, received) = match (parameters.get("code_challenge"), method) {
                (Some(_), method) if method != Some("S256") => ("code_challenge_method", method),
                (challenge, _) => ("code_challenge", challenge),
            };
            let check = Check::new(parameter, Verdict::Failed, error.description)
                .received(received)
                .client(
                    "send the base64url of the SHA-256 of a fresh verifier, and code_challenge_method=S256",
                );
            if parameters.get("code_challenge").is_none() && method.is_none() {
                check.command(&["client", "update", client.id.as_str(), "--no-pkce"])
            } else {
                check
            }
        }
    }
}

fn of_scope(parameters: &Parameters, client: &Client, registered: &Registered<'_>) -> Check {
    let received = parameters.get("scope");
    let allowed: Vec<String> = client.settings.scopes.iter().map(ToString::to_string).collect();
    match scope(parameters, client) {
        Ok(all) if received.is_none() => Check::new(
            "scope",
            Verdict::Passed,
            format!("left out, so all that the client may have is asked for: {all}"),
        ),
        Ok(_) => Check::new("scope", Verdict::Passed, "all of it is the client's").received(received),
        Err(error) => {
            let mut check = Check::new("scope", Verdict::Failed, error.description).received(received);
            let words = received
                .unwrap_or_default()
                .split(' ')
                .filter(|word| !word.is_empty());
            for word in words.filter(|word| !allowed.iter().any(|allowed| allowed == word)) {
                let id = client.id.as_str();
                if registered.scopes.iter().any(|defined| defined == word) {
                    check = check.command(&["client", "update", id, "--add-scope", word]);
                } else if let Some(meant) = registered.scopes.iter().find(|defined| is_near(word, defined)) {
                    check = check.client(format!("send {meant} instead of {word}"));
                } else if word.contains([',', ';']) {
                    check = check.client("put spaces between scopes");
                } else if OPENID_CONNECT.contains(&word) {
                    check = check.client(format!(
                        "leave {word} out: it is of OpenID Connect, which is not spoken here"
                    ));
                } else {
                    check = check.client(format!("leave {word} out"));
                    check.remedies.extend(definition(word, id));
                }
            }
            // Nothing that it names is wrong.
            if check.remedies.is_empty() {
                check = if allowed.is_empty() {
                    check.command(&["client", "update", client.id.as_str(), "--add-scope", "SCOPE"])
                } else {
                    check.client(
                        "name some of those that are registered, or leave `scope` out for all of them",
                    )
                };
            }
            check.registered(allowed)
        }
    }
}

/// How the client `id` gets a scope that is not there; nothing where there can be none of that name, or where a command
/// would take it for an option.
fn definition(name: &str, id: &str) -> Option<Remedy> {
    let may_be = name.parse::<ScopeToken>().is_ok() && !name.starts_with('-');
    may_be.then(|| {
        let (name, id) = (shell::word(name), shell::word(id));
        Remedy::Client(format!(
            "define it with what it opens, and give it to the client: `oauthctl scope define {name} --folder FOLDER`, then \
             `oauthctl client update {id} --add-scope {name}`"
        ))
    })
}

fn of_resources(parameters: &Parameters, registered: &Registered<'_>) -> Option<Check> {
    let received = parameters.values_of(RESOURCE);
    if received.is_empty() {
        return None;
    }
    let all = received.join(" ");
    let asked = resource_indicators::asked(parameters);
    let result =
        asked.and_then(|asked| resource_indicators::refuse_unregistered(&asked, registered.resources));
    Some(match result {
        Ok(()) => Check::new(RESOURCE, Verdict::Passed, "registered").received(Some(&all)),
        Err(error) => Check::new(RESOURCE, Verdict::Failed, error.to_string())
            .received(Some(&all))
            .command(&["resource-server", "list"]),
    })
}

fn of_state(parameters: &Parameters) -> Check {
    match parameters.get("state") {
        Some(_) => Check::new("state", Verdict::Passed, "sent back as it came"),
        None => Check::new(
            "state",
            Verdict::Remarked,
            "missing; it ties the answer to the request, and so keeps others from slipping the client a code of theirs",
        )
        .client("send a fresh random `state`, and compare it with the one in the answer"),
    }
}

fn refused(parameter: &str, parameters: &Parameters, error: &AuthorizationError) -> Check {
    Check::new(parameter, Verdict::Failed, error.description.clone()).received(parameters.get(parameter))
}

/// Names that this server ignores, where they look like one that it knows.
fn unknown_names(raw: &str) -> Vec<Check> {
    let sent: BTreeSet<String> = form_urlencoded::parse(raw.as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect();
    let mut checks = Vec::new();
    for name in sent.iter().filter(|name| !KNOWN.contains(&name.as_str())) {
        let meant = KNOWN
            .into_iter()
            .filter(|known| !sent.contains(*known))
            .find(|known| is_near(name, known));
        if let Some(meant) = meant {
            checks.push(
                Check::new(
                    &name.chars().take(60).collect::<String>(),
                    Verdict::Remarked,
                    "no parameter of this name is known, and so it is ignored",
                )
                .client(format!("is `{meant}` meant?")),
            );
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_pointed_out() {
        let checks = unknown_names("redirect_url=x&client_id=y&nonce=z&scopes=a");
        let told: Vec<(&str, &Remedy)> = checks
            .iter()
            .map(|check| (check.parameter.as_str(), &check.remedies[0]))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "redirect_url",
                    &Remedy::Client("is `redirect_uri` meant?".to_owned())
                ),
                ("scopes", &Remedy::Client("is `scope` meant?".to_owned())),
            ]
        );
    }
}
