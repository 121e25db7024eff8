//! An access token request that was refused, taken apart for its developer: what was sent against what is known, and what
//! mends it. [`exchange::decide`](crate::protocol::exchange::decide) and
//! [`refresh::decide`](crate::protocol::refresh::decide) decide; this only tells. No secret, code or token is in what it says.

use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId, RefreshPolicy};
use crate::domain::grant::{Grant, GrantEnd};
use crate::domain::likeness::common;
use crate::domain::pkce::CodeVerifier;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::token::{AuthorizationCode, RefreshToken, TokenKind, TokenValue};
use crate::protocol::authorization_checks::{Check, Verdict, flawed};
use crate::protocol::caller_checks::{AskedOf, Presented, of_client};
use crate::protocol::parameters::{Parameters, names_any};
use crate::protocol::refresh::RetryWindow;
use crate::protocol::resource_indicators::{self, RESOURCE, TargetError};
use crate::protocol::token_request::GrantType;

/// A code or refresh token as it is stored, with what hangs on it.
#[derive(Debug)]
pub struct Known<T> {
    /// The row; none where there is none of that identifier.
    pub row: T,
    /// Its grant.
    pub grant: Grant,
    /// The client that it was issued to.
    pub client: ClientId,
    /// The username of its resource owner, and whether they are enabled.
    pub owner: (String, bool),
    /// Where the access token may be used, of what the request asks for.
    pub resources: Result<ResourceSet, TargetError>,
}

/// What is stored about the code or refresh token that was presented.
#[derive(Debug)]
pub enum Stored {
    /// None was presented, or none has its identifier.
    Nothing,
    /// An authorization code.
    Code(Known<AuthorizationCode>),
    /// A refresh token.
    Refresh(Known<RefreshToken>),
}

/// Every check of a request that was refused, in the order in which the server makes them.
///
/// `implied` is the grant type that the endpoint's name already says, and `window` how long the server lets a refresh token be
/// repeated.
pub fn checks(
    parameters: &Parameters,
    implied: Option<GrantType>,
    presented: &Presented,
    stored: &Stored,
    window: RetryWindow,
    now: Timestamp,
) -> Vec<Check> {
    if let Some((name, flaw)) = parameters.first_flaw() {
        return vec![flawed(name, flaw)];
    }
    let mut checks = vec![of_client(parameters, presented, AskedOf::Token)];
    let Presented::Good(client) = presented else {
        return checks;
    };
    match (parameters.get("grant_type"), implied) {
        (Some(sent @ "authorization_code"), Some(GrantType::RefreshToken)) => {
            checks.push(of_another_endpoint(sent, "refresh_token"));
        }
        (Some(sent @ "refresh_token"), Some(GrantType::AuthorizationCode)) => {
            checks.push(of_another_endpoint(sent, "authorization_code"));
        }
        (Some("authorization_code"), _) | (None, Some(GrantType::AuthorizationCode)) => {
            checks.extend(of_exchange(parameters, client, stored, now));
        }
        (Some("refresh_token"), _) | (None, Some(GrantType::RefreshToken)) => {
            checks.extend(of_refresh(parameters, client, stored, window, now));
        }
        (other, _) => checks.push(
            Check::new(
                "grant_type",
                Verdict::Failed,
                if other.is_some() {
                    "not answered"
                } else {
                    "missing"
                },
            )
            .received(other)
            .expected("authorization_code")
            .client("send grant_type=authorization_code, or refresh_token; there is no other grant here"),
        ),
    }
    checks
}

/// Of a request whose parameters do not arrive: what its body is, where it is no form.
pub fn of_content_type(received: Option<&str>) -> Check {
    let told = match received {
        Some(_) => "the body is read as a form only",
        None => "missing; the body is read as a form only",
    };
    failed("Content-Type", told)
        .received(received)
        .expected("application/x-www-form-urlencoded")
        .client("send the parameters as a form, as curl does with `-d`")
}

/// Of a form whose parameters do not arrive: where they are instead, as far as that can be seen.
pub fn of_misplaced(query: &str, body: &[u8], known: &[&str]) -> Option<Check> {
    if names_any(query.as_bytes(), known) {
        let told = "its parameters stand in the URL, where they get into logs; here only the body is read";
        return Some(failed("body", told).client("send them in the body"));
    }
    body.trim_ascii_start().starts_with(b"{").then(|| {
        failed(
            "body",
            "it is JSON, though its Content-Type says that it is a form",
        )
        .client("send the parameters as a form, as curl does with `-d`")
    })
}

/// Of a request with another method than the endpoint has.
pub fn of_method(received: &str) -> Check {
    failed(
        "method",
        "this endpoint is asked by POST, with the parameters in the body",
    )
    .received(Some(received))
    .expected("POST")
    .client("send a POST; what stands in a URL gets into logs")
}

pub(super) fn failed(parameter: &str, told: impl Into<String>) -> Check {
    Check::new(parameter, Verdict::Failed, told)
}

/// There are endpoints for one grant type each.
fn of_another_endpoint(sent: &str, expected: &str) -> Check {
    failed("grant_type", "this endpoint is for another")
        .received(Some(sent))
        .expected(expected)
        .client("ask the token endpoint of the metadata, which answers both")
}

pub(super) fn passed(parameter: &str, told: impl Into<String>) -> Check {
    Check::new(parameter, Verdict::Passed, told)
}

/// The value of `parameter`, where it has the form of one of ours of that kind; else what it is.
fn value(parameters: &Parameters, parameter: &str, kind: TokenKind) -> Result<TokenValue, Box<Check>> {
    let Some(text) = parameters.get(parameter) else {
        let check = failed(parameter, "missing").client(format!("send it in `{parameter}`"));
        return Err(Box::new(check));
    };
    match TokenValue::parse(text) {
        Some(value) if value.kind() == kind => Ok(value),
        Some(other) => {
            let told = format!(
                "that is no {}, but the value of another kind: {}",
                named(kind),
                named(other.kind())
            );
            let advice = format!("send it as what it is, and the {} here", named(kind));
            Err(Box::new(failed(parameter, told).client(advice)))
        }
        None => {
            let told = format!(
                "it has a length of {}, and is not what this server writes: that begins with {}, and has a length of 60",
                text.chars().count(),
                kind.prefix()
            );
            Err(Box::new(
                failed(parameter, told).client("send it as it came, decoded once"),
            ))
        }
    }
}

pub(super) fn named(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::AuthorizationCode => "code",
        TokenKind::AccessToken => "access token",
        TokenKind::RefreshToken => "refresh token",
    }
}

/// What is wrong with a code or refresh token whoever presents it; `None` where nothing is.
fn stranger<T>(parameter: &str, is_genuine: bool, known: &Known<T>, client: &Client) -> Option<Check> {
    if !is_genuine {
        let told = "its first part is known, and the rest is another: cut or changed on the way";
        return Some(failed(parameter, told).client("send it as it came, decoded once"));
    }
    (known.grant.client != client.key).then(|| {
        let told = format!("it was issued to {}", known.client);
        failed(parameter, told).client(format!("send it as {}", known.client))
    })
}

fn of_exchange(parameters: &Parameters, client: &Client, stored: &Stored, now: Timestamp) -> Vec<Check> {
    let value = match value(parameters, "code", TokenKind::AuthorizationCode) {
        Ok(value) => value,
        Err(check) => return vec![*check],
    };
    let Stored::Code(known) = stored else {
        let told = "no code is known that begins so: it was pruned, or another server issued it";
        return vec![failed("code", told).client(
            "begin again with an authorization request to this server, and exchange the code at once",
        )];
    };
    let code = &known.row;
    let is_genuine = code.secret_hash.matches(&value.secret().hash());
    if let Some(check) = stranger("code", is_genuine, known, client) {
        return vec![check];
    }
    let mut checks = vec![
        of_sent_redirect_uri(parameters, code),
        of_verifier(parameters, code),
    ];
    checks.push(match code.exchanged_at {
        Some(at) => failed("code", format!("exchanged at {at} already; each is good once"))
            .client("begin again with an authorization request, and exchange each code once"),
        None if now >= code.expires_at => {
            failed("code", format!("expired at {}", code.expires_at)).client("exchange it at once")
        }
        None => passed("code", format!("good until {}", code.expires_at)),
    });
    checks.extend(of_resources(parameters, &known.resources));
    checks.extend(of_grant(known));
    checks.extend(of_scope_left(client, &known.grant));
    checks
}

fn of_sent_redirect_uri(parameters: &Parameters, code: &AuthorizationCode) -> Check {
    let name = "redirect_uri";
    let expected = &code.redirect_uri;
    match parameters.get(name) {
        None if code.redirect_uri_was_sent => failed(name, "missing; the authorization request had one")
            .expected(expected)
            .client(format!("send redirect_uri={expected}")),
        None => passed(name, "left out, as in the authorization request"),
        Some(sent) if sent == expected => passed(name, "that of the authorization request"),
        Some(sent) => {
            let mut check = failed(name, "not that of the authorization request")
                .received(Some(sent))
                .expected(expected)
                .client(format!("send redirect_uri={expected}"));
            check.differs_at = Some(common(sent, expected));
            check
        }
    }
}

fn of_verifier(parameters: &Parameters, code: &AuthorizationCode) -> Check {
    let name = "code_verifier";
    let again = "keep the verifier with the `state` of its request, and send that one";
    let Some(sent) = parameters.get(name) else {
        return match code.code_challenge {
            Some(_) => failed(name, "missing; the authorization request had a code_challenge").client(again),
            None => passed(name, "left out, as the code_challenge was"),
        };
    };
    let Some(challenge) = &code.code_challenge else {
        let told = "there, though the authorization request had no code_challenge";
        return failed(name, told).client("send a code_challenge with the authorization request");
    };
    if sent == challenge.to_text() {
        let told = "that is the code_challenge itself";
        return failed(name, told).client("send what the challenge was made of");
    }
    let Some(verifier) = CodeVerifier::parse(sent) else {
        let told = format!(
            "it has a length of {}; a verifier has 43 to 128 characters, of A-Z, a-z, 0-9 and -._~ (RFC 7636 §4.1)",
            sent.chars().count()
        );
        return failed(name, told).client("send the base64url of 32 random bytes, without `=`");
    };
    if challenge.is_answered_by(&verifier) {
        return passed(name, "answers the code_challenge");
    }
    failed(
        name,
        "its SHA-256 is not the code_challenge: it is of another request, or the challenge was made otherwise",
    )
    .client(again)
}

fn of_refresh(
    parameters: &Parameters,
    client: &Client,
    stored: &Stored,
    window: RetryWindow,
    now: Timestamp,
) -> Vec<Check> {
    let name = "refresh_token";
    let policy = client.settings.refresh;
    let unlimited = ["client", "update", client.id.as_str(), "--refresh", "unlimited"];
    if policy == RefreshPolicy::None {
        return vec![failed("grant_type", "this client may not refresh").command(&unlimited)];
    }
    let value = match value(parameters, name, TokenKind::RefreshToken) {
        Ok(value) => value,
        Err(check) => return vec![*check],
    };
    let Stored::Refresh(known) = stored else {
        let told = "none is known that begins so: it was pruned, or another server issued it";
        return vec![failed(name, told).client("begin again with an authorization request to this server")];
    };
    let token = &known.row;
    let is_genuine = token.secret_hash.matches(&value.secret().hash());
    if let Some(check) = stranger(name, is_genuine, known, client) {
        return vec![check];
    }
    // Repeated by a client that may refresh so many times, it gives nothing that lives longer than the first answer.
    let repeated_in_vain = |rotated_at: Timestamp| {
        matches!(policy, RefreshPolicy::Limited(_))
            && now >= rotated_at.after(client.settings.access_token_lifetime)
    };
    let ends_at = known
        .grant
        .refresh_ends_at
        .map_or(token.expires_at, |end| end.min(token.expires_at));
    let mut checks = vec![match &token.rotation {
        Some(rotation)
            if !window.is_open(rotation, now) || (now < ends_at && repeated_in_vain(rotation.rotated_at)) =>
        {
            failed(
                name,
                format!(
                    "used at {}; {} took its place{}",
                    rotation.rotated_at,
                    rotation.successor,
                    if rotation.successor_used {
                        ", and has been used too"
                    } else {
                        ""
                    }
                ),
            )
            .client("keep the refresh token of each answer, and send the newest")
        }
        _ if now >= ends_at => failed(name, format!("expired at {ends_at}"))
            .client("begin again with an authorization request")
            .command(&[
                "client",
                "update",
                client.id.as_str(),
                "--refresh-token-idle",
                "30d",
            ]),
        Some(rotation) => passed(
            name,
            format!(
                "used at {}, and may be sent again until {} is used",
                rotation.rotated_at, rotation.successor
            ),
        ),
        None => passed(name, format!("good until {ends_at}")),
    }];
    let refreshes = known.grant.refreshes;
    if !policy.allows_another(refreshes) && token.rotation.is_none() {
        let told = format!("this grant was refreshed {refreshes} times, which is all that the client may");
        checks.push(failed(name, told).command(&unlimited));
    }
    checks.extend(of_grant(known));
    checks.extend(
        of_narrower_scope(parameters, client, &known.grant).or_else(|| of_scope_left(client, &known.grant)),
    );
    checks.extend(of_resources(parameters, &known.resources));
    checks
}

fn of_narrower_scope(parameters: &Parameters, client: &Client, grant: &Grant) -> Option<Check> {
    let sent = parameters.get("scope")?;
    let in_force = grant.scope.intersection(&client.settings.scopes);
    let asked = sent.parse::<ScopeSet>();
    if asked.as_ref().is_ok_and(ScopeSet::is_empty) {
        // Nothing but spaces asks for nothing in particular.
        return None;
    }
    Some(if asked.is_ok_and(|asked| asked.is_subset_of(&in_force)) {
        passed("scope", "within what was approved")
    } else {
        failed("scope", "more than was approved, or than the client may have now")
            .received(Some(sent))
            .expected(&in_force.to_string())
            .client("ask for what was approved, or leave it out")
    })
}

/// That the client may have nothing any more of what was approved, where that is so.
fn of_scope_left(client: &Client, grant: &Grant) -> Option<Check> {
    let in_force = grant.scope.intersection(&client.settings.scopes);
    in_force.is_empty().then(|| {
        let told = "nothing is left of what was approved that the client may have now";
        failed("scope", told)
            .client("begin again with an authorization request")
            .command(&["client", "show", client.id.as_str()])
    })
}

fn of_resources(parameters: &Parameters, resources: &Result<ResourceSet, TargetError>) -> Option<Check> {
    let sent = parameters.values_of(RESOURCE);
    match resources {
        Ok(_) if resource_indicators::asked(parameters).is_ok_and(|asked| asked.is_empty()) => None,
        Ok(_) => Some(passed(RESOURCE, "within what was approved")),
        Err(error) => Some(
            failed(RESOURCE, error.to_string())
                .received(sent.first().filter(|_| sent.len() == 1).map(String::as_str))
                .client("ask for what was approved, or leave it out")
                .command(&["resource-server", "list"]),
        ),
    }
}

/// What of the grant stands in the way.
fn of_grant<T>(known: &Known<T>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(GrantEnd { at, cause }) = known.grant.ended {
        let told = format!("the grant ended at {at}: {}", cause.name());
        checks.push(
            failed("grant", told)
                .client("begin again; `oauthctl explain token` tells what became of each token of it"),
        );
    }
    let (username, is_enabled) = &known.owner;
    if !is_enabled {
        let told = format!("the resource owner {username} is disabled");
        checks.push(failed("grant", told).command(&["owner", "enable", username]));
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::client::{ClientKey, ClientSettings};
    use crate::domain::consent::ConsentPolicy;
    use crate::domain::grant::EndCause;
    use crate::domain::identifier::Identifier;
    use crate::domain::owner::OwnerKey;
    use crate::domain::pkce::CodeChallenge;
    use crate::domain::resource::Resource;
    use crate::domain::secret::Secret;
    use crate::domain::token::Rotation;
    use crate::entropy::SeededEntropy;
    use crate::protocol::exchange::{self, CodeRecord, ExchangeDecision};
    use crate::protocol::refresh::{self, RefreshDecision, RefreshRecord};
    use crate::protocol::token_request::{KNOWN, TokenRequest, parse};

    const NOW: Timestamp = Timestamp::from_millis(100_000_000);
    const HOUR: Duration = Duration::from_secs(3600);
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// Choices from a number: which is taken of so many.
    struct Choices(u64);

    impl Choices {
        /// Of the first more than of all others.
        fn of<T: Clone>(&mut self, some: &[T]) -> T {
            // Knuth's.
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(self.0 >> 33).unwrap();
            let at = if at.is_multiple_of(3) {
                at / 3 % some.len()
            } else {
                0
            };
            some[at].clone()
        }
    }

    fn value(kind: TokenKind, seed: u64) -> TokenValue {
        let secret = Secret::generate(&SeededEntropy::new(seed)).unwrap();
        TokenValue::new(kind, Identifier::at(NOW, 1), secret)
    }

    fn client(choices: &mut Choices) -> Client {
        Client {
            key: ClientKey(1),
            id: "c".parse().unwrap(),
            enabled: true,
            created_at: NOW,
            settings: ClientSettings {
                name: "n".parse().unwrap(),
                description: "".parse().unwrap(),
                redirect_uris: vec![],
                scopes: choices.of(&["a b c", "c d", "d"]).parse().unwrap(),
                access_token_lifetime: HOUR,
                code_lifetime: HOUR,
                refresh: choices.of(&[
                    RefreshPolicy::Unlimited,
                    RefreshPolicy::Limited(2),
                    RefreshPolicy::None,
                ]),
                refresh_token_lifetime: HOUR,
                refresh_token_idle: HOUR,
                require_pkce: true,
                consent: ConsentPolicy::Always,
            },
        }
    }

    fn grant(choices: &mut Choices) -> Grant {
        let end = GrantEnd {
            at: NOW,
            cause: EndCause::CodeReplayed,
        };
        Grant {
            identifier: Identifier::at(NOW, 1),
            client: choices.of(&[ClientKey(1), ClientKey(2)]),
            owner: OwnerKey(1),
            scope: "a b".parse().unwrap(),
            resources: ResourceSet::default(),
            created_at: NOW,
            refreshes: choices.of(&[0, 2]),
            refresh_ends_at: choices.of(&[Some(NOW.after(HOUR)), Some(NOW)]),
            ended: choices.of(&[None, Some(end)]),
        }
    }

    fn form(choices: &mut Choices, pairs: &[(&str, &[&str])]) -> Parameters {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, values) in pairs {
            let value = choices.of(values);
            if !value.is_empty() {
                form.append_pair(name, value);
            }
        }
        Parameters::parse(form.finish().as_bytes(), &KNOWN)
    }

    /// Whether it is told what is wrong, and how it is decided.
    fn exchanged(choices: &mut Choices) -> (Vec<Check>, bool) {
        let client = client(choices);
        let (right, wrong) = (
            value(TokenKind::AuthorizationCode, 1),
            value(TokenKind::AuthorizationCode, 2),
        );
        let other = value(TokenKind::RefreshToken, 1);
        let parameters = form(
            choices,
            &[
                ("grant_type", &["authorization_code", "x", ""]),
                (
                    "code",
                    &[&right.reveal(), &wrong.reveal(), &other.reveal(), "x", ""],
                ),
                (
                    "redirect_uri",
                    &["https://c.example/cb", "https://c.example/", "ü", ""],
                ),
                ("code_verifier", &[VERIFIER, CHALLENGE, "short", "ü", ""]),
                ("scope", &["", "a", "\""]),
            ],
        );
        let owner_is_enabled = choices.of(&[true, false]);
        let resource: Resource = "https://r.example".parse().unwrap();
        let known = Known {
            row: AuthorizationCode {
                identifier: right.identifier(),
                grant: right.identifier(),
                secret_hash: right.secret().hash(),
                redirect_uri: "https://c.example/cb".into(),
                redirect_uri_was_sent: choices.of(&[true, false]),
                code_challenge: choices
                    .of(&[Some(CHALLENGE), None])
                    .and_then(CodeChallenge::parse),
                expires_at: choices.of(&[NOW.after(HOUR), NOW]),
                exchanged_at: choices.of(&[None, Some(NOW)]),
            },
            grant: grant(choices),
            client: client.id.clone(),
            owner: ("o".to_owned(), owner_is_enabled),
            resources: choices.of(&[Ok(ResourceSet::default()), Err(TargetError::NotGranted(resource))]),
        };
        let implied = choices.of(&[
            None,
            Some(GrantType::AuthorizationCode),
            Some(GrantType::RefreshToken),
        ]);
        let record = CodeRecord {
            code: known.row.clone(),
            grant: known.grant.clone(),
            owner_is_enabled,
            resources: known.resources.clone(),
        };
        let is_issued = match parse(&parameters, implied) {
            Ok(TokenRequest::Exchange(request)) => {
                let decision = exchange::decide(client.key, &request, Some(&record), NOW);
                // What is issued then is not for nothing.
                let scope = record.grant.scope.intersection(&client.settings.scopes);
                matches!(decision, ExchangeDecision::Issue { .. }) && !scope.is_empty()
            }
            _ => false,
        };
        let window = RetryWindow::UntilSuccessorIsUsed;
        let presented = Presented::Good(client);
        (
            checks(
                &parameters,
                implied,
                &presented,
                &Stored::Code(known),
                window,
                NOW,
            ),
            is_issued,
        )
    }

    fn refreshed(choices: &mut Choices) -> (Vec<Check>, bool) {
        let client = client(choices);
        let (right, wrong) = (
            value(TokenKind::RefreshToken, 1),
            value(TokenKind::RefreshToken, 2),
        );
        let parameters = form(
            choices,
            &[
                ("grant_type", &["refresh_token", "x", ""]),
                ("refresh_token", &[&right.reveal(), &wrong.reveal(), "ü", ""]),
                ("scope", &["", "a", " b  a ", " ", "a c", "d", "\""]),
            ],
        );
        let owner_is_enabled = choices.of(&[true, false]);
        let resource: Resource = "https://r.example".parse().unwrap();
        let rotation = Rotation {
            rotated_at: choices.of(&[NOW, Timestamp::from_millis(100_000_000 - 3_600_000)]),
            successor: Identifier::at(NOW, 2),
            successor_salt: [0; 32],
            successor_used: choices.of(&[false, true]),
        };
        let known = Known {
            row: RefreshToken {
                identifier: right.identifier(),
                grant: right.identifier(),
                secret_hash: right.secret().hash(),
                issued_at: NOW,
                expires_at: choices.of(&[NOW.after(HOUR), NOW]),
                rotation: choices.of(&[None, Some(rotation)]),
            },
            grant: grant(choices),
            client: client.id.clone(),
            owner: ("o".to_owned(), owner_is_enabled),
            resources: choices.of(&[Ok(ResourceSet::default()), Err(TargetError::NotGranted(resource))]),
        };
        let implied = choices.of(&[
            None,
            Some(GrantType::RefreshToken),
            Some(GrantType::AuthorizationCode),
        ]);
        let window = choices.of(&[
            RetryWindow::UntilSuccessorIsUsed,
            RetryWindow::AtMost(Duration::ZERO),
        ]);
        let record = RefreshRecord {
            token: known.row.clone(),
            grant: known.grant.clone(),
            owner_is_enabled,
            resources: known.resources.clone(),
        };
        let is_issued = match parse(&parameters, implied) {
            Ok(TokenRequest::Refresh(request)) => matches!(
                refresh::decide(&client, &request, Some(&record), window, NOW),
                RefreshDecision::Rotate { .. } | RefreshDecision::Repeat { .. }
            ),
            _ => false,
        };
        let presented = Presented::Good(client);
        (
            checks(
                &parameters,
                implied,
                &presented,
                &Stored::Refresh(known),
                window,
                NOW,
            ),
            is_issued,
        )
    }

    #[test]
    fn something_is_told_to_be_wrong_where_it_is_refused_and_nowhere_else() {
        for (name, ask) in [
            ("exchange", exchanged as fn(&mut Choices) -> (Vec<Check>, bool)),
            ("refresh", refreshed),
        ] {
            let mut issued = 0;
            for seed in 0..5_000 {
                let (checks, is_issued) = ask(&mut Choices(seed));
                let is_told = checks.iter().any(|check| check.verdict == Verdict::Failed);
                assert_ne!(is_told, is_issued, "{name} {seed}: {checks:#?}");
                issued += usize::from(is_issued);
            }
            assert!((100..4_900).contains(&issued), "{name}: {issued}");
        }
    }
}
