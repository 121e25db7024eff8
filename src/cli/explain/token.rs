//! `explain token`: a grant with all that came of it.

use serde_json::{Value, json};

use super::descent::descent;
use super::standing::{Hindrance, hindrances, refusal};
use crate::authorization_server::{AdministrationError, Family};
use crate::cli::bareness::Bareness;
use crate::cli::context::Context;
use crate::cli::dev::control;
use crate::cli::exit::CliError;
use crate::cli::output::OutputFormat;
use crate::cli::serve::WRITE_EVERY;
use crate::cli::token_input;
use crate::clock::Timestamp;
use crate::domain::audit::Action;
use crate::domain::span;
use crate::domain::text::visible;
use crate::domain::token::TokenKind;
use crate::store::Relative;

pub(super) fn run(context: &mut Context<'_>) -> Result<(), CliError> {
    if context.terminals.stdin {
        context.say("paste the token, then press Enter")?;
    }
    let value = token_input::from_stdin()?;
    let uses_are_written = control::uses_are_written(&context.settings.database.path);
    let found = context.server_of_existing()?.family(&value);
    let family = found.map_err(|error| not_found(error, context))?;
    let told = if context.output == OutputFormat::Table {
        lines(&family, uses_are_written).join("\n")
    } else {
        json(&family, uses_are_written).to_string()
    };
    writeln!(context.stdout, "{told}").map_err(CliError::io("write to stdout"))?;
    let mut relatives = family.relatives.iter();
    if !uses_are_written && relatives.any(|one| one.kind == TokenKind::AccessToken) {
        context.say(&format!(
            "a server writes the use of an access token down {} after it at the latest: what is told of that here can be \
             as old",
            span::format(WRITE_EVERY)
        ))?;
    }
    Ok(())
}

/// Where a token is not there that has the form of one, in a database that holds something.
fn not_found(error: AdministrationError, context: &Context<'_>) -> CliError {
    let is_not_found = matches!(error, AdministrationError::NotFound { .. });
    if !is_not_found || Bareness::of(&context.store_options(), context.is_new_database).is_some() {
        return error.into();
    }
    CliError::NotRemembered(format!(
        "{error} in {}; it can be of another server, of an earlier start of this one with another database, or pruned; \
         `oauthctl token list` shows those that there are",
        context.settings.database.path.display()
    ))
}

/// What ended a code or token, if anything did.
fn end(one: &Relative, family: &Family) -> (&'static str, Option<Timestamp>, String) {
    let grant = &family.grant;
    if let Some(at) = one.revoked_at {
        let told = match whose(family, at, &[Action::TokenRevoked]) {
            Some(who) => format!("revoked at {at} by {who}"),
            None => format!("revoked at {at}"),
        };
        return ("revoked", Some(at), told);
    }
    if let Some((at, successor)) = one.rotated {
        let told = if family.successors.contains(&successor) {
            format!("used at {at}, and rotated into {successor}")
        } else if let Some(who) = whose(family, at, &[Action::GrantRotated]) {
            format!("used up at {at} with `oauthctl dev rotate` by {who}")
        } else {
            format!("used at {at}; its successor is not there, and counts as used")
        };
        return ("rotated", Some(at), told);
    }
    if one.kind == TokenKind::AuthorizationCode
        && let Some(at) = one.last_used_at
    {
        let replayed = grant.end_cause.as_deref() == Some("code_replayed");
        let told = if replayed {
            format!("exchanged at {at}, and then once more, which ended the grant")
        } else {
            format!("exchanged at {at}")
        };
        return ("exchanged", Some(at), told);
    }
    // What came first counts.
    if let Some(at) = grant.ended_at.filter(|at| *at < one.expires_at) {
        let told = format!("ended with its grant at {at}: {}", because(family));
        return ("revoked", Some(at), told);
    }
    if one.expires_at <= family.now {
        let at = one.expires_at;
        let told = match whose(family, at, &[Action::GrantExpired]) {
            Some(who) => format!("expired at {at} with `oauthctl dev expire` by {who}"),
            None => format!("expired at {at}"),
        };
        return ("expired", Some(at), told);
    }
    let lives = format!("lives until {}", one.expires_at);
    match refusal(one, family) {
        Some(why) => ("refused", None, format!("{lives}, and is refused: {why}")),
        None if one.kind == TokenKind::AccessToken
            && one.identifier == family.asked
            && family.standing.scope_in_force.is_empty() =>
        {
            (
                "active",
                None,
                format!("{lives}, and opens nothing: no scope is in force"),
            )
        }
        None => ("active", None, lives),
    }
}

/// Who did one of these at that instant, as it is written down.
fn whose(family: &Family, at: Timestamp, actions: &[Action]) -> Option<String> {
    let mut events = family.events.iter();
    let event =
        events.find(|event| event.at == at && actions.iter().any(|action| action.name() == event.action))?;
    Some(format!("{} {}", event.actor_kind.replace('_', " "), event.actor))
}

/// `uses_are_written` says whether every use up to now is.
fn lines(family: &Family, uses_are_written: bool) -> Vec<String> {
    let grant = &family.grant;
    let mut lines = Vec::new();
    if !family.is_genuine {
        lines.push(
            "This is not the token that was issued: the identifier in it is known, and the secret is another."
                .to_owned(),
        );
    }
    lines.push(format!(
        "grant {}: {} approved {} for {} at {}",
        grant.identifier, grant.owner, grant.scope, grant.client, grant.created_at
    ));
    lines.push(match grant.ended_at {
        Some(at) => format!("  {}: ended at {at}: {}", grant.state.name(), because(family)),
        None => format!("  {}, {}", grant.state.name(), refreshed(grant.refreshes)),
    });
    lines.extend(hindrances(family).iter().map(Hindrance::line));
    if family.left_out > 0 {
        lines.push(format!(
            "  {} of {} are left out: older ones that did not lead to this one, or long before it",
            family.left_out,
            family.left_out + family.relatives.len()
        ));
    }
    for (depth, one) in descent(&family.relatives, family.left_out > 0) {
        let used = match (one.kind, one.last_used_at) {
            (TokenKind::AccessToken, Some(at)) => format!(", last used at {at}"),
            (TokenKind::AccessToken, None) if uses_are_written => ", not used".to_owned(),
            (TokenKind::AccessToken, None) => ", no use written down".to_owned(),
            _ => String::new(),
        };
        let asked = if one.identifier == family.asked {
            "   <- this one"
        } else {
            ""
        };
        let (_, _, told) = end(one, family);
        lines.push(format!(
            "{}└ {} {}  issued at {}{used}; {told}{asked}",
            "  ".repeat((depth + 1).min(20)),
            one.kind.name(),
            one.identifier,
            one.issued_at,
        ));
    }
    if !family.events.is_empty() {
        lines.push("written down about it:".to_owned());
    }
    for event in &family.events {
        lines.push(format!(
            "  {}  {} by {} {}, {}",
            event.at, event.action, event.actor_kind, event.actor, event.source
        ));
    }
    if family.unsearched > 0 {
        lines.push(format!(
            "who revoked tokens at {} other instants was not looked up; `oauthctl audit list --action token.revoke` has it",
            family.unsearched
        ));
    }
    lines.iter().map(|line| visible(line)).collect()
}

fn refreshed(times: u32) -> String {
    match times {
        0 => "never refreshed".to_owned(),
        1 => "refreshed once".to_owned(),
        times => format!("refreshed {times} times"),
    }
}

/// Why the grant ended.
fn because(family: &Family) -> String {
    let grant = &family.grant;
    let cause = grant.end_cause.as_deref().unwrap_or_default();
    let told = match cause {
        "refresh_token_revoked" => "the client revoked its refresh token",
        "code_replayed" => "its code was exchanged a second time",
        "refresh_token_reused" => "a refresh token was used again after its successor had been",
        "taken_back" => {
            let revoked = [Action::GrantRevoked];
            let who = grant.ended_at.and_then(|at| whose(family, at, &revoked));
            // Who is no resource owner did it in the place of one.
            return match who.filter(|who| who.starts_with("operator ")) {
                Some(who) => {
                    format!("taken back as by the resource owner, with `oauthctl dev revoke` by {who}")
                }
                None => "the resource owner took it back".to_owned(),
            };
        }
        "administration" => {
            let revoked = [Action::GrantRevoked, Action::TokenRevoked];
            let who = grant.ended_at.and_then(|at| whose(family, at, &revoked));
            return format!("{} revoked it", who.as_deref().unwrap_or("an administrator"));
        }
        other => other,
    };
    told.to_owned()
}

fn json(family: &Family, uses_are_written: bool) -> Value {
    let grant = &family.grant;
    let relative = |one: &Relative| {
        let (state, ended_at, told) = end(one, family);
        json!({
            "token_id": one.identifier.to_string(),
            "kind": one.kind.name(),
            "issued_at": one.issued_at,
            "expires_at": one.expires_at,
            "last_used_at": one.last_used_at,
            "state": state,
            "ended_at": ended_at,
            "told": told,
            "successor": one.rotated.map(|(_, successor)| successor.to_string()),
            "asked": one.identifier == family.asked,
        })
    };
    let descent = descent(&family.relatives, family.left_out > 0).into_iter();
    let relatives: Vec<Value> = descent.map(|(_, one)| relative(one)).collect();
    let events: Vec<Value> = family
        .events
        .iter()
        .map(|event| {
            json!({
                "at": event.at,
                "actor_kind": event.actor_kind,
                "actor": event.actor,
                "source": event.source,
                "action": event.action,
            })
        })
        .collect();
    json!({
        "grant_id": grant.identifier.to_string(),
        "client_id": grant.client.as_str(),
        "username": grant.owner.as_str(),
        "scope": grant.scope.to_string(),
        "state": grant.state.name(),
        "created_at": grant.created_at,
        "ended_at": grant.ended_at,
        "end_cause": grant.end_cause,
        "genuine": family.is_genuine,
        "client_enabled": family.standing.client_enabled,
        "owner_enabled": family.standing.owner_enabled,
        "scope_in_force": family.standing.scope_in_force.to_string(),
        "hindrances": hindrances(family).iter().map(Hindrance::json).collect::<Vec<_>>(),
        "left_out": family.left_out,
        "uses_are_written": uses_are_written,
        "tokens": relatives,
        "events": events,
    })
}
