//! What to do with an authorization code that a client presents (RFC 6749 §4.1.3, RFC 7636 §4.6).

use crate::clock::Timestamp;
use crate::domain::client::ClientKey;
use crate::domain::grant::Grant;
use crate::domain::resource::ResourceSet;
use crate::domain::token::AuthorizationCode;
use crate::protocol::resource_indicators::TargetError;
use crate::protocol::token_error::TokenError;
use crate::protocol::token_request::{ExchangeRequest, Verifier};

/// A code with what hangs on it, read in the transaction that will use it up.
#[derive(Debug, Clone)]
pub struct CodeRecord {
    /// The code.
    pub code: AuthorizationCode,
    /// The grant that it stands for.
    pub grant: Grant,
    /// Whether the resource owner who approved is enabled.
    pub owner_is_enabled: bool,
    /// Where the access token may be used, of what the request asks for.
    pub resources: Result<ResourceSet, TargetError>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeDecision {
    /// Issue tokens and use the code up.
    Issue {
        /// Where the access token may be used.
        resources: ResourceSet,
    },
    /// The code was exchanged before: refuse, **and** end the grant with all that came of it.
    Replay(TokenError),
    /// Refuse, and change nothing: a failed attempt does not use the code up.
    Refuse(TokenError),
}

/// Decides. `record` is `None` where there is no such code.
///
/// The order matters: whether the code was used is asked last but for its age, so that only the client that holds
/// everything can end a grant by a replay.
pub fn decide(
    client: ClientKey,
    request: &ExchangeRequest,
    record: Option<&CodeRecord>,
    now: Timestamp,
) -> ExchangeDecision {
    let refuse = |description| ExchangeDecision::Refuse(TokenError::invalid_grant(description));
    let unknown = "the code is not valid: it is unknown, expired, or was issued to another client";
    let (
        Some(value),
        Some(CodeRecord {
            code,
            grant,
            owner_is_enabled,
            resources,
        }),
    ) = (&request.code, record)
    else {
        return refuse(unknown);
    };
    if !code.secret_hash.matches(&value.secret().hash()) || grant.client != client {
        return refuse(unknown);
    }
    match &request.redirect_uri {
        None if code.redirect_uri_was_sent => {
            return refuse("redirect_uri is missing: it must be the one of the authorization request");
        }
        Some(sent) if *sent != code.redirect_uri => {
            return refuse("redirect_uri is not the one of the authorization request");
        }
        _ => {}
    }
    match (&code.code_challenge, &request.code_verifier) {
        (None, Verifier::Missing) => {}
        (Some(_), Verifier::Missing) => return refuse("code_verifier is missing"),
        // Accepting it would hide that somebody stripped the challenge from the request (RFC 9700 §2.1.1).
        (None, _) => {
            return refuse("code_verifier is given, but the authorization request had no code_challenge");
        }
        (Some(challenge), Verifier::Given(verifier)) if challenge.is_answered_by(verifier) => {}
        (Some(_), _) => return refuse("code_verifier does not answer the code_challenge"),
    }
    let resources = match resources {
        Ok(resources) => resources,
        Err(error) => return ExchangeDecision::Refuse(error.clone().into()),
    };
    if code.exchanged_at.is_some() {
        let replay = "the code was exchanged before; all tokens that came of it are revoked";
        return ExchangeDecision::Replay(TokenError::invalid_grant(replay));
    }
    if now >= code.expires_at {
        return refuse(unknown);
    }
    if grant.ended.is_some() {
        return refuse("the approval has been revoked");
    }
    if !owner_is_enabled {
        return refuse("the resource owner is disabled");
    }
    ExchangeDecision::Issue {
        resources: resources.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::grant::{EndCause, GrantEnd};
    use crate::domain::identifier::Identifier;
    use crate::domain::owner::OwnerKey;
    use crate::domain::pkce::{CodeChallenge, CodeVerifier};
    use crate::domain::secret::Secret;
    use crate::domain::token::{TokenKind, TokenValue};
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn value(seed: u64) -> TokenValue {
        let secret = Secret::generate(&SeededEntropy::new(seed)).unwrap();
        TokenValue::new(TokenKind::AuthorizationCode, Identifier::at(NOW, 1), secret)
    }

    fn verifier() -> Verifier {
        Verifier::Given(CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap())
    }

    fn request() -> ExchangeRequest {
        let redirect_uri = Some("https://c.example/cb".to_owned());
        ExchangeRequest {
            code: Some(value(1)),
            redirect_uri,
            code_verifier: verifier(),
            resources: ResourceSet::default(),
        }
    }

    fn record() -> CodeRecord {
        let identifier = Identifier::at(NOW, 1);
        CodeRecord {
            code: AuthorizationCode {
                identifier,
                grant: identifier,
                secret_hash: value(1).secret().hash(),
                redirect_uri: "https://c.example/cb".into(),
                redirect_uri_was_sent: true,
                code_challenge: CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                expires_at: Timestamp::from_millis(1_000_001),
                exchanged_at: None,
            },
            grant: Grant {
                identifier,
                client: ClientKey(1),
                owner: OwnerKey(1),
                scope: "a".parse().unwrap(),
                resources: ResourceSet::default(),
                created_at: NOW,
                refreshes: 0,
                refresh_ends_at: None,
                ended: None,
            },
            owner_is_enabled: true,
            resources: Ok(ResourceSet::default()),
        }
    }

    /// A name, what is changed about a right exchange, and how it ends.
    type Case = (
        &'static str,
        fn(&mut ExchangeRequest, &mut CodeRecord),
        &'static str,
    );

    const CASES: [Case; 15] = [
        ("all right", |_, _| {}, "issue"),
        (
            "no redirect URI in either request",
            |q, r| {
                q.redirect_uri = None;
                r.code.redirect_uri_was_sent = false;
            },
            "issue",
        ),
        ("text that is no code", |q, _| q.code = None, "refuse"),
        ("a wrong secret", |q, _| q.code = Some(value(2)), "refuse"),
        ("another client's", |_, r| r.grant.client = ClientKey(2), "refuse"),
        ("no redirect URI", |q, _| q.redirect_uri = None, "refuse"),
        (
            "another redirect URI",
            |q, _| q.redirect_uri = Some("https://c.example/cb/".into()),
            "refuse",
        ),
        (
            "no verifier",
            |q, _| q.code_verifier = Verifier::Missing,
            "refuse",
        ),
        (
            "a malformed verifier",
            |q, _| q.code_verifier = Verifier::Malformed,
            "refuse",
        ),
        (
            "another verifier",
            |q, _| {
                q.code_verifier = Verifier::Given(CodeVerifier::parse(&"x".repeat(43)).unwrap());
            },
            "refuse",
        ),
        (
            "a verifier without a challenge",
            |_, r| r.code.code_challenge = None,
            "refuse",
        ),
        (
            "a resource that was not granted",
            |_, r| r.resources = Err(TargetError::NotGranted("https://a.example".parse().unwrap())),
            "refuse",
        ),
        ("expired", |_, r| r.code.expires_at = NOW, "refuse"),
        (
            "revoked",
            |_, r| {
                r.grant.ended = Some(GrantEnd {
                    at: NOW,
                    cause: EndCause::TakenBack,
                });
            },
            "refuse",
        ),
        ("owner disabled", |_, r| r.owner_is_enabled = false, "refuse"),
    ];

    fn outcome(change: fn(&mut ExchangeRequest, &mut CodeRecord), used: bool) -> &'static str {
        let (mut request, mut record) = (request(), record());
        record.code.exchanged_at = used.then_some(NOW);
        change(&mut request, &mut record);
        match decide(ClientKey(1), &request, Some(&record), NOW) {
            ExchangeDecision::Issue { .. } => "issue",
            ExchangeDecision::Replay(_) => "replay",
            ExchangeDecision::Refuse(_) => "refuse",
        }
    }

    #[test]
    fn a_code_that_was_not_used() {
        for (name, change, expected) in CASES {
            assert_eq!(outcome(change, false), expected, "{name}");
        }
        let unknown = decide(ClientKey(1), &request(), None, NOW);
        assert!(matches!(unknown, ExchangeDecision::Refuse(_)));
    }

    #[test]
    fn a_replay_revokes_only_with_everything_right() {
        for (name, change, fresh) in CASES {
            // What is asked after the use of the code does not protect a replay.
            let late = matches!(name, "expired" | "revoked" | "owner disabled");
            let expected = if fresh == "issue" || late {
                "replay"
            } else {
                "refuse"
            };
            assert_eq!(outcome(change, true), expected, "{name}");
        }
    }
}
