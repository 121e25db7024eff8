//! Why a check, an introspection or a revocation was refused, check by check: at a development server.

use super::check::access_record;
use super::explain_caller::presented;
use super::{AuthorizationServer, Failure};
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::resource::Resource;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::access_token_checks::{Shown, of_access_token, of_foreign, of_uncovered, option};
use crate::protocol::authorization_checks::{Check, Verdict};
use crate::protocol::caller_checks::{AskedOf, Presented, caller_checks};
use crate::protocol::check::{CheckDecision, decide};
use crate::protocol::check_request::Asked;
use crate::protocol::liveness::AccessRecord;
use crate::protocol::parameters::Parameters;
use crate::store::{ReadTransaction, StoreError};

impl AuthorizationServer {
    /// Explains a check that showed this token, with what is stored after it was answered. Nothing is changed, and the token
    /// does not count as used.
    ///
    /// `question` are the options of `access check` that ask for the same, where there are such.
    pub fn explain_refused_check(
        &self,
        resource: Option<&Resource>,
        token: &str,
        asked: &Asked,
        question: Option<Vec<String>>,
    ) -> Result<Vec<Check>, StoreError> {
        let now = self.now();
        self.store.read(|tx| {
            let value = TokenValue::parse(token);
            let record = known(tx, value.as_ref())?;
            let shown = shown(value.as_ref(), token, record.as_ref(), resource, now);
            let mut checks = vec![of_access_token("access token", &shown, resource)];
            let (Shown::Known { inactive: None, .. }, Some(record)) = (&shown, &record) else {
                return Ok(checks);
            };
            if let CheckDecision::Denied { reason } =
                decide(&record.token.scope, &record.client.scopes, asked)
            {
                let question = question.map(|question| words(record, resource, asked, question));
                checks.push(of_uncovered(&reason, question));
            }
            Ok(checks)
        })
    }

    /// Explains who introspected or revoked, and why nothing is told of the token that was introspected.
    pub fn explain_caller(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        of: AskedOf,
    ) -> Result<Vec<Check>, Failure> {
        let now = self.now();
        self.store.read(|tx| {
            let presented = presented(tx, authorization, body, now)?;
            let mut checks = caller_checks(body, &presented, of);
            let is_right = checks.iter().all(|check| check.verdict == Verdict::Passed);
            if of == AskedOf::Introspection
                && is_right
                && let Some(token) = body.get("token")
            {
                checks.extend(introspected(tx, token, &presented, now)?);
            }
            Ok(checks)
        })
    }
}

/// Why nothing is told of a token to whoever may introspect.
fn introspected(
    tx: &ReadTransaction<'_>,
    token: &str,
    presented: &Presented,
    now: Timestamp,
) -> Result<Option<Check>, StoreError> {
    let value = TokenValue::parse(token);
    let is_refresh = |value: &TokenValue| value.kind() == TokenKind::RefreshToken;
    if value.as_ref().is_some_and(is_refresh) && matches!(presented, Presented::Good(_)) {
        // What becomes of it stands with its grant.
        return Ok(None);
    }
    let record = known(tx, value.as_ref())?;
    if let (Presented::Good(client), Some(record)) = (presented, &record)
        && client.key != record.client.key
    {
        return Ok(Some(of_foreign(&record.client.id)));
    }
    let resource = match presented {
        Presented::ResourceServer { id, .. } => resource_of(tx, id)?,
        _ => None,
    };
    let shown = shown(value.as_ref(), token, record.as_ref(), resource.as_ref(), now);
    Ok(Some(of_access_token("token", &shown, resource.as_ref())))
}

fn resource_of(tx: &ReadTransaction<'_>, server: &ClientId) -> Result<Option<Resource>, StoreError> {
    Ok(tx.resource_server(server)?.and_then(|server| server.resource))
}

fn known(tx: &ReadTransaction<'_>, value: Option<&TokenValue>) -> Result<Option<AccessRecord>, StoreError> {
    match value {
        Some(value) if value.kind() == TokenKind::AccessToken => access_record(tx, value),
        _ => Ok(None),
    }
}

fn shown<'a>(
    value: Option<&TokenValue>,
    text: &str,
    record: Option<&'a AccessRecord>,
    resource: Option<&Resource>,
    now: Timestamp,
) -> Shown<'a> {
    match (value, record) {
        (None, _) => Shown::NotOne(text.chars().count()),
        (Some(value), _) if value.kind() != TokenKind::AccessToken => Shown::Other(value.kind()),
        (Some(_), None) => Shown::Unknown,
        (Some(value), Some(record)) => {
            let liveness = record.liveness(&value.secret().hash(), now);
            let inactive = liveness.and_then(|()| record.good_at(resource)).err();
            Shown::Known { record, inactive }
        }
    }
}

/// The words of the command that decides the same: about the client, where no token of it could do that, and else about this
/// token.
fn words(
    record: &AccessRecord,
    resource: Option<&Resource>,
    asked: &Asked,
    question: Vec<String>,
) -> Vec<String> {
    let client = &record.client;
    let mut words = vec!["access".to_owned(), "check".to_owned()];
    let of_client = decide(&client.settings.scopes, &client.scopes, asked);
    if matches!(of_client, CheckDecision::Denied { .. }) {
        words.extend(option("--client", client.id.as_str()));
    } else {
        words.push("--token-stdin".to_owned());
        words.extend(
            resource
                .into_iter()
                .flat_map(|at| option("--resource", at.as_str())),
        );
    }
    words.extend(question);
    words
}
