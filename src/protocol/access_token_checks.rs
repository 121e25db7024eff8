//! An access token that was shown, taken apart for people: why it opens nothing, and what tells more.
//! [`liveness`](crate::protocol::liveness) and [`check`](crate::protocol::check) decide; this only tells. No token is in what
//! it says.

use crate::domain::client::ClientId;
use crate::domain::grant::GrantEnd;
use crate::domain::resource::Resource;
use crate::domain::token::TokenKind;
use crate::protocol::authorization_checks::{Check, Verdict};
use crate::protocol::liveness::{AccessRecord, Inactive};
use crate::protocol::token_request_checks::named;

/// What is known of what was shown as an access token.
#[derive(Debug)]
pub enum Shown<'a> {
    /// It has not the form of one; how many characters it has.
    NotOne(usize),
    /// It is something else.
    Other(TokenKind),
    /// None of that identifier is stored.
    Unknown,
    /// It is stored.
    Known {
        /// The token.
        record: &'a AccessRecord,
        /// Why it is not active, if it is not.
        inactive: Option<Inactive>,
    },
}

fn failed(parameter: &str, told: impl Into<String>) -> Check {
    Check::new(parameter, Verdict::Failed, told)
}

/// Where a check has no access token.
///
/// `received` is the scheme of the header that is there, and `is_in_url` says whether a token stands in the query.
pub fn of_missing(received: Option<&str>, is_in_url: bool) -> Check {
    let told = match received {
        Some(_) => "it holds no bearer token",
        None if is_in_url => "missing; a token in the URL gets into logs, and is not read there",
        None => "missing",
    };
    failed("Authorization", told)
        .received(received)
        .client("send `Authorization: Bearer`, a space, and the access_token of the token response")
}

/// Whether it is active. `parameter` is where it was shown, and `resource` at which resource.
pub fn of_access_token(parameter: &str, shown: &Shown<'_>, resource: Option<&Resource>) -> Check {
    let explain = || vec!["explain".to_owned(), "token".to_owned()];
    let (record, inactive) = match shown {
        Shown::NotOne(length) => {
            let told = format!(
                "it has a length of {length}, and is not what this server writes: that begins with oat_, and has a length \
                 of 60"
            );
            return failed(parameter, told).client("send the access_token of the token response as it came");
        }
        Shown::Other(kind) => {
            let told = format!("that is no access token, but a {}", named(*kind));
            return failed(parameter, told).client("send the access_token of the token response");
        }
        Shown::Unknown => {
            let told = "no access token is known that begins so: it was pruned, or is of another server or of an earlier \
                        start of this one";
            return failed(parameter, told).client("get a new one").why(explain());
        }
        Shown::Known { record, inactive } => (record, inactive),
    };
    let token = &record.token;
    match inactive {
        None => Check::new(
            parameter,
            Verdict::Passed,
            format!("good until {}", token.expires_at),
        ),
        Some(Inactive::Unknown) => {
            let told = "its first part is known, and the rest is another: cut or changed on the way";
            failed(parameter, told)
                .client("send it as it came, decoded once")
                .why(explain())
        }
        Some(Inactive::Expired) => failed(parameter, format!("expired at {}", token.expires_at))
            .client("refresh it")
            .why(explain()),
        Some(Inactive::Revoked) => {
            let told = match (token.revoked_at, record.grant_end) {
                (Some(at), _) => format!("revoked at {at}"),
                (None, Some(GrantEnd { at, cause })) => {
                    format!("its grant ended at {at}: {}", cause.name())
                }
                (None, None) => "revoked".to_owned(),
            };
            failed(parameter, told)
                .client("begin again with an authorization request")
                .why(explain())
        }
        Some(Inactive::ClientDisabled) => {
            let id = record.client.id.as_str();
            failed(parameter, format!("its client {id} is disabled")).command(&["client", "enable", id])
        }
        Some(Inactive::OwnerDisabled) => {
            let owner = record.owner.as_str();
            failed(parameter, format!("its resource owner {owner} is disabled"))
                .command(&["owner", "enable", owner])
        }
        Some(Inactive::AnotherResource) => {
            let bound = token.resources.iter().map(ToString::to_string).collect();
            failed("resource", "the token is bound to others")
                .received(resource.map(Resource::as_str))
                .registered(bound)
                .client("get one for this resource, with `resource` in the authorization request")
        }
    }
}

/// That a client introspects the token of another.
pub fn of_foreign(holder: &ClientId) -> Check {
    let told = format!("it was issued to {holder}, and a client is told of its own tokens only");
    failed("token", told).client(format!("ask as {holder}, or as a resource server"))
}

/// An option of a command with its value, which may begin like an option itself.
pub fn option(name: &str, value: &str) -> Vec<String> {
    if value.starts_with('-') {
        vec![format!("{name}={value}")]
    } else {
        vec![name.to_owned(), value.to_owned()]
    }
}

/// That its scope does not cover what is asked for. `question` are the words of a command that says what would.
pub fn of_uncovered(reason: &str, question: Option<Vec<String>>) -> Check {
    let check = failed("scope", reason);
    match question {
        Some(words) => check.why(words),
        None => check,
    }
}
