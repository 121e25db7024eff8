//! What to do with a refresh token that a client presents (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! Rotation is idempotent: until the successor is first used, each refresh with its predecessor is answered with the
//! same successor, so that a lost answer or a second tab costs nobody a login. Use of a predecessor whose successor
//! has been used means that two parties hold the chain; then the whole grant ends.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::client::{Client, RefreshPolicy};
use crate::domain::grant::Grant;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::token::{RefreshToken, Rotation};
use crate::protocol::resource_indicators::TargetError;
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::protocol::token_request::RefreshRequest;

/// How long a refresh token may be repeated after its first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryWindow {
    /// Until its successor is used.
    UntilSuccessorIsUsed,
    /// As above, and no longer than this. Zero is strict one-time use.
    AtMost(Duration),
}

impl RetryWindow {
    /// Whether a refresh token that was rotated so may be repeated.
    pub(super) fn is_open(self, rotation: &Rotation, now: Timestamp) -> bool {
        match self {
            _ if rotation.successor_used => false,
            Self::UntilSuccessorIsUsed => true,
            Self::AtMost(span) => now < rotation.rotated_at.after(span),
        }
    }
}

/// A refresh token with what hangs on it, read in the transaction that will rotate it.
#[derive(Debug, Clone)]
pub struct RefreshRecord {
    /// The refresh token.
    pub token: RefreshToken,
    /// The grant that it came of.
    pub grant: Grant,
    /// Whether the resource owner who approved is enabled.
    pub owner_is_enabled: bool,
    /// Where the access token may be used, of what the request asks for.
    pub resources: Result<ResourceSet, TargetError>,
}

/// The decision.
#[derive(Debug, Clone)]
pub enum RefreshDecision {
    /// First use: issue an access token and a successor, and count one refresh.
    Rotate {
        /// For the access token.
        scope: ScopeSet,
        /// For the access token.
        resources: ResourceSet,
    },
    /// Repeated: issue an access token, and give the same successor again.
    Repeat {
        /// For the access token.
        scope: ScopeSet,
        /// For the access token.
        resources: ResourceSet,
        /// What to derive the successor from.
        rotation: Rotation,
        /// The instant from which the access token's life is counted.
        access_from: Timestamp,
    },
    /// Used after its successor was: refuse, **and** end the grant with all that came of it.
    Reuse(TokenError),
    /// Refuse, and change nothing.
    Refuse(TokenError),
}

/// Decides. `record` is `None` where there is no such refresh token; `client` has authenticated.
pub fn decide(
    client: &Client,
    request: &RefreshRequest,
    record: Option<&RefreshRecord>,
    window: RetryWindow,
    now: Timestamp,
) -> RefreshDecision {
    let refuse = |description| RefreshDecision::Refuse(TokenError::invalid_grant(description));
    let unknown = "the refresh token is not valid: it is unknown, expired, or was issued to another client";
    if client.settings.refresh == RefreshPolicy::None {
        let never = "this client may not use refresh tokens";
        return RefreshDecision::Refuse(TokenError::new(TokenErrorCode::UnauthorizedClient, never));
    }
    let (Some(value), Some(record)) = (&request.refresh_token, record) else {
        return refuse(unknown);
    };
    let RefreshRecord {
        token,
        grant,
        owner_is_enabled,
        resources,
    } = record;
    if !token.secret_hash.matches(&value.secret().hash()) || grant.client != client.key {
        return refuse(unknown);
    }
    if grant.ended.is_some() {
        return refuse("the refresh token has been revoked");
    }
    // Before its age: a stolen token does not become harmless to use by being old.
    if token
        .rotation
        .as_ref()
        .is_some_and(|rotation| !window.is_open(rotation, now))
    {
        let used_before = "the refresh token was used before; all tokens of this approval are revoked";
        return RefreshDecision::Reuse(TokenError::invalid_grant(used_before));
    }
    if now >= token.expires_at || grant.refresh_ends_at.is_none_or(|end| now >= end) {
        return refuse(unknown);
    }
    if !owner_is_enabled {
        return refuse("the resource owner is disabled");
    }
    let scope = match narrowed(request.scope.as_ref(), &grant.scope, &client.settings.scopes) {
        Ok(scope) => scope,
        Err(error) => return RefreshDecision::Refuse(error),
    };
    let resources = match resources {
        Ok(resources) => resources.clone(),
        Err(error) => return RefreshDecision::Refuse(error.clone().into()),
    };
    let Some(rotation) = &token.rotation else {
        return if client.settings.refresh.allows_another(grant.refreshes) {
            RefreshDecision::Rotate { scope, resources }
        } else {
            refuse("this approval has been refreshed as often as the client may")
        };
    };
    // Repeating is counted once. Without this bound a client that may refresh N times could repeat the last time for
    // ever; so what it gets by repeating lives no longer than the first answer.
    let access_from = match client.settings.refresh {
        RefreshPolicy::Limited(_) => rotation.rotated_at.min(now),
        RefreshPolicy::None | RefreshPolicy::Unlimited => now,
    };
    if now >= access_from.after(client.settings.access_token_lifetime) {
        return refuse("the refresh token was used before; use its successor");
    }
    RefreshDecision::Repeat {
        scope,
        resources,
        rotation: rotation.clone(),
        access_from,
    }
}

/// The scope of the access token: what is asked for of the grant's, without what the client may not have any more.
fn narrowed(
    asked: Option<&ScopeSet>,
    granted: &ScopeSet,
    allowed: &ScopeSet,
) -> Result<ScopeSet, TokenError> {
    let refuse = |description| Err(TokenError::new(TokenErrorCode::InvalidScope, description));
    let in_force = granted.intersection(allowed);
    match asked {
        Some(asked) if !asked.is_subset_of(granted) => {
            refuse("scope is more than the resource owner approved")
        }
        Some(asked) if !asked.is_subset_of(&in_force) => {
            refuse("scope holds what this client may not have any more")
        }
        Some(asked) => Ok(asked.clone()),
        None if in_force.is_empty() => {
            refuse("nothing is left of the approved scope that this client may have")
        }
        None => Ok(in_force),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client::{ClientKey, ClientSettings};
    use crate::domain::consent::ConsentPolicy;
    use crate::domain::grant::{EndCause, GrantEnd};
    use crate::domain::identifier::Identifier;
    use crate::domain::owner::OwnerKey;
    use crate::domain::secret::Secret;
    use crate::domain::token::{TokenKind, TokenValue};
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    /// All that a decision rests on.
    struct Case {
        client: Client,
        request: RefreshRequest,
        record: RefreshRecord,
        window: RetryWindow,
        now: Timestamp,
    }

    fn value(seed: u64) -> TokenValue {
        let secret = Secret::generate(&SeededEntropy::new(seed)).unwrap();
        TokenValue::new(TokenKind::RefreshToken, Identifier::at(NOW, 1), secret)
    }

    fn case() -> Case {
        let settings = ClientSettings {
            name: "n".parse().unwrap(),
            description: "".parse().unwrap(),
            redirect_uris: vec![],
            scopes: "a b c".parse().unwrap(),
            access_token_lifetime: HOUR,
            code_lifetime: HOUR,
            refresh: RefreshPolicy::Limited(2),
            refresh_token_lifetime: HOUR,
            refresh_token_idle: HOUR,
            require_pkce: true,
            consent: ConsentPolicy::Always,
        };
        let id = "c".parse().unwrap();
        let identifier = Identifier::at(NOW, 1);
        Case {
            client: Client {
                key: ClientKey(1),
                id,
                enabled: true,
                settings,
                created_at: NOW,
            },
            request: RefreshRequest {
                refresh_token: Some(value(1)),
                scope: None,
                resources: ResourceSet::default(),
            },
            record: RefreshRecord {
                token: RefreshToken {
                    identifier,
                    grant: identifier,
                    secret_hash: value(1).secret().hash(),
                    issued_at: NOW,
                    expires_at: NOW.after(8 * HOUR),
                    rotation: None,
                },
                grant: Grant {
                    identifier,
                    client: ClientKey(1),
                    owner: OwnerKey(1),
                    scope: "a b".parse().unwrap(),
                    resources: ResourceSet::default(),
                    created_at: NOW,
                    refreshes: 1,
                    refresh_ends_at: Some(NOW.after(9 * HOUR)),
                    ended: None,
                },
                owner_is_enabled: true,
                resources: Ok(ResourceSet::default()),
            },
            window: RetryWindow::UntilSuccessorIsUsed,
            now: NOW,
        }
    }

    fn outcome(change: impl FnOnce(&mut Case)) -> String {
        let mut case = case();
        change(&mut case);
        match decide(
            &case.client,
            &case.request,
            Some(&case.record),
            case.window,
            case.now,
        ) {
            RefreshDecision::Rotate { scope, .. } => format!("rotate {scope}"),
            RefreshDecision::Repeat {
                scope, access_from, ..
            } => {
                format!("repeat {scope} from {}", access_from.as_millis())
            }
            RefreshDecision::Reuse(error) => format!("reuse {}", error.code.as_str()),
            RefreshDecision::Refuse(error) => format!("refuse {}", error.code.as_str()),
        }
    }

    /// The token was used `span` ago.
    fn rotated(case: &mut Case, span: Duration, successor_used: bool) {
        case.record.token.rotation = Some(Rotation {
            rotated_at: NOW.before(span),
            successor: Identifier::at(NOW, 2),
            successor_salt: [0; 32],
            successor_used,
        });
    }

    #[test]
    fn a_token_that_was_not_used() {
        type Row = (&'static str, fn(&mut Case), &'static str);
        let table: [Row; 15] = [
            ("all right", |_| {}, "rotate a b"),
            ("narrower", |c| c.request.scope = "b".parse().ok(), "rotate b"),
            (
                "wider",
                |c| c.request.scope = "a c".parse().ok(),
                "refuse invalid_scope",
            ),
            (
                "a scope was taken from the client",
                |c| c.client.settings.scopes = "b".parse().unwrap(),
                "rotate b",
            ),
            (
                "all scopes were taken",
                |c| c.client.settings.scopes = ScopeSet::default(),
                "refuse invalid_scope",
            ),
            (
                "a taken scope is asked for",
                |c| {
                    c.client.settings.scopes = "b".parse().unwrap();
                    c.request.scope = "a".parse().ok();
                },
                "refuse invalid_scope",
            ),
            (
                "a resource that was not granted",
                |c| {
                    let foreign = "https://a.example".parse().unwrap();
                    c.record.resources = Err(TargetError::NotGranted(foreign));
                },
                "refuse invalid_target",
            ),
            (
                "text that is no token",
                |c| c.request.refresh_token = None,
                "refuse invalid_grant",
            ),
            (
                "a wrong secret",
                |c| c.request.refresh_token = Some(value(2)),
                "refuse invalid_grant",
            ),
            (
                "another client's",
                |c| c.record.grant.client = ClientKey(2),
                "refuse invalid_grant",
            ),
            (
                "idle too long",
                |c| c.now = NOW.after(8 * HOUR),
                "refuse invalid_grant",
            ),
            (
                "the grant is too old",
                |c| c.record.grant.refresh_ends_at = Some(NOW),
                "refuse invalid_grant",
            ),
            (
                "revoked",
                |c| {
                    c.record.grant.ended = Some(GrantEnd {
                        at: NOW,
                        cause: EndCause::TakenBack,
                    });
                },
                "refuse invalid_grant",
            ),
            (
                "owner disabled",
                |c| c.record.owner_is_enabled = false,
                "refuse invalid_grant",
            ),
            (
                "as often as it may",
                |c| c.record.grant.refreshes = 2,
                "refuse invalid_grant",
            ),
        ];
        for (name, change, expected) in table {
            assert_eq!(outcome(change), expected, "{name}");
        }
        assert_eq!(
            outcome(|c| c.client.settings.refresh = RefreshPolicy::None),
            "refuse unauthorized_client"
        );
        let case = case();
        let unknown = decide(&case.client, &case.request, None, case.window, NOW);
        assert!(matches!(unknown, RefreshDecision::Refuse(_)));
    }

    #[test]
    fn a_token_that_was_used_may_be_repeated_until_its_successor_is_used() {
        let minute = Duration::from_secs(60);
        assert_eq!(outcome(|c| rotated(c, minute, false)), "repeat a b from 940000");
        assert_eq!(
            outcome(|c| {
                rotated(c, minute, false);
                c.record.grant.refreshes = 2;
            }),
            "repeat a b from 940000",
            "repeating counts once"
        );
        assert_eq!(
            outcome(|c| {
                rotated(c, minute, false);
                c.client.settings.refresh = RefreshPolicy::Unlimited;
            }),
            "repeat a b from 1000000"
        );
        assert_eq!(outcome(|c| rotated(c, minute, true)), "reuse invalid_grant");
        assert_eq!(
            outcome(|c| {
                rotated(c, minute, true);
                c.now = NOW.after(8 * HOUR);
            }),
            "reuse invalid_grant",
            "also when it has expired"
        );
        assert_eq!(
            outcome(|c| {
                rotated(c, minute, true);
                c.record.grant.client = ClientKey(2);
            }),
            "refuse invalid_grant",
            "another client revokes nothing"
        );
        assert_eq!(
            outcome(|c| {
                rotated(c, minute, true);
                c.request.refresh_token = Some(value(2));
            }),
            "refuse invalid_grant",
            "a wrong secret revokes nothing"
        );
    }

    #[test]
    fn a_window_bounds_repeating() {
        let minute = Duration::from_secs(60);
        for (window, age, expected) in [
            (Duration::ZERO, Duration::ZERO, "reuse invalid_grant"),
            (minute, Duration::from_millis(59_999), "repeat a b from 940001"),
            (minute, minute, "reuse invalid_grant"),
        ] {
            let found = outcome(|c| {
                rotated(c, age, false);
                c.window = RetryWindow::AtMost(window);
            });
            assert_eq!(found, expected, "{window:?} {age:?}");
        }
    }

    #[test]
    fn with_a_limit_repeating_does_not_outlive_the_first_answer() {
        assert_eq!(outcome(|c| rotated(c, HOUR, false)), "refuse invalid_grant");
        assert_eq!(
            outcome(|c| {
                rotated(c, HOUR, false);
                c.client.settings.refresh = RefreshPolicy::Unlimited;
            }),
            "repeat a b from 1000000"
        );
    }
}
