//! What `access check` tells.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::authorization_server::{Explained, ExplainedGrants, ExplainedOwner, Sharers};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::{OutputFormat, Record};
use crate::cli::shell::word;
use crate::domain::client::ClientId;
use crate::domain::coverage::Opening;
use crate::domain::resource::Resource;
use crate::protocol::check::CheckDecision;
use crate::protocol::check_request::Asked;
use crate::protocol::explanation::{Condition, Explanation, Remedy, Rule, Step, requested};
use crate::protocol::liveness::Inactive;

/// What is asked for, as it was typed and as it is understood.
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) service: Option<String>,
    /// Method, and path without its query.
    pub(super) request: Option<(String, String)>,
}

impl Question {
    /// For people.
    fn text(&self) -> String {
        let typed = match (&self.service, &self.request) {
            (Some(service), _) => format!("the service {service}"),
            (None, Some((method, path))) => format!("{method} {path}"),
            (None, None) => String::new(),
        };
        let mut text = String::new();
        for c in typed.chars() {
            // What was typed is shown as it is, but for what a terminal would obey.
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        if let (Some(_), Some(implied)) = (&self.request, self.implied()) {
            let _ = write!(text, ", which asks for the service {implied}");
        }
        text
    }

    /// The service that is asked for, by name or by path.
    fn implied(&self) -> Option<&str> {
        requested(&self.asked)?.service_name().map(|name| name.as_str())
    }

    fn to_json(&self) -> Value {
        let service = self.implied().or(self.service.as_deref());
        json!({
            "service": service,
            "method": self.request.as_ref().map(|(method, _)| method),
            "path": self.request.as_ref().map(|(_, path)| path),
            "normal_form": requested(&self.asked).is_some(),
        })
    }
}

/// Prints what a client or a token may do. Whether it is allowed.
pub(super) fn one(
    explained: &Explained,
    question: &Question,
    context: &mut Context<'_>,
) -> Result<bool, CliError> {
    let explanation = &explained.explanation;
    match context.output {
        OutputFormat::Table => {
            let verdict = Verdict::of(&explanation.decision);
            let facts = Facts {
                explained,
                question,
                asked_for: true,
            };
            let text = verdict.headline(context.colored.stdout) + "\n" + &facts.lines("");
            print(&text, context)?;
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let record = with_details(head_of(explained), explained, question);
            context.print(&record)?;
        }
        OutputFormat::Csv | OutputFormat::Id => context.print(&head_of(explained))?,
    }
    Ok(explanation.is_allowed())
}

/// Prints that what was shown is no access token of ours, and why that may be.
pub(super) fn no_token(why: &str, question: &Question, context: &mut Context<'_>) -> Result<bool, CliError> {
    let verdict = Verdict {
        scope: None,
        reason: Inactive::Unknown.to_string(),
    };
    if context.output == OutputFormat::Table {
        print(&verdict.headline(context.colored.stdout), context)?;
    } else {
        let mut record = verdict.record();
        if is_nested(context.output) {
            record = record.value("asked", question.to_json());
        }
        context.print(&record)?;
    }
    context.say(why)?;
    Ok(false)
}

/// Prints what a resource owner's approvals allow. Whether one does.
pub(super) fn owner(
    explained: &ExplainedOwner,
    client: Option<&ClientId>,
    question: &Question,
    context: &mut Context<'_>,
) -> Result<bool, CliError> {
    let verdict = verdict_of_owner(explained, client);
    match context.output {
        OutputFormat::Table => {
            let text = owner_text(explained, client, &verdict, question, context.colored.stdout);
            print(&text, context)?;
        }
        format => {
            let mut record = verdict.record().text("username", explained.owner.as_str());
            record = record.value("client_id", client.map(ClientId::as_str));
            if is_nested(format) {
                let grants = explained.grants.iter().map(|grants| {
                    let record = head_of(&grants.explained)
                        .value("grants", grants.count)
                        .list("approved", grants.approved.iter());
                    with_details(record, &grants.explained, question).to_json()
                });
                let without = explained
                    .without_approval
                    .as_ref()
                    .map(|explained| with_details(head_of(explained), explained, question).to_json());
                record = record
                    .value("enabled", explained.enabled)
                    .value("asked", question.to_json())
                    .value("grants", Value::Array(grants.collect()))
                    .value("without_approval", without)
                    .list("advice", advice_of_owner(explained));
            }
            context.print(&record)?;
        }
    }
    Ok(verdict.scope.is_some())
}

/// Whether a format has room for more than one level.
fn is_nested(format: OutputFormat) -> bool {
    matches!(format, OutputFormat::Json | OutputFormat::Jsonl)
}

fn print(text: &str, context: &mut Context<'_>) -> Result<(), CliError> {
    write!(context.stdout, "{text}").map_err(CliError::io("write to stdout"))
}

/// Allowed by a scope, or denied.
struct Verdict {
    scope: Option<String>,
    reason: String,
}

impl Verdict {
    fn of(decision: &CheckDecision) -> Self {
        match decision {
            CheckDecision::Allowed { scope, by } => Self {
                scope: Some(scope.to_string()),
                reason: format!("the scope {scope} covers it by the {by}"),
            },
            CheckDecision::Denied { reason } => Self {
                scope: None,
                reason: reason.clone(),
            },
        }
    }

    fn word(&self) -> &'static str {
        if self.scope.is_some() { "allowed" } else { "denied" }
    }

    fn headline(&self, colored: bool) -> String {
        let word = match (colored, self.scope.is_some()) {
            (false, _) => self.word().to_owned(),
            (true, true) => format!("\x1b[1;32m{}\x1b[0m", self.word()),
            (true, false) => format!("\x1b[1;31m{}\x1b[0m", self.word()),
        };
        format!("{word}: {}\n", self.reason)
    }

    fn record(&self) -> Record {
        Record::new()
            .value("allowed", self.scope.is_some())
            .text("reason", self.reason.as_str())
            .value("scope", self.scope.clone())
    }
}

fn verdict_of_owner(explained: &ExplainedOwner, client: Option<&ClientId>) -> Verdict {
    let verdicts = explained
        .grants
        .iter()
        .map(|grants| (grants, Verdict::of(&grants.explained.explanation.decision)));
    let (allowing, denying): (Vec<_>, Vec<_>) = verdicts.partition(|(_, verdict)| verdict.scope.is_some());
    let owner = &explained.owner;
    match (allowing.first(), denying.as_slice()) {
        (Some((grants, verdict)), _) => Verdict {
            scope: verdict.scope.clone(),
            reason: format!(
                "by what {owner} approved for {}: {}",
                grants.explained.client, verdict.reason
            ),
        },
        (None, []) => Verdict {
            scope: None,
            reason: match client {
                Some(client) => format!("{owner} has approved nothing for {client} that can still be used"),
                None => format!("{owner} has approved nothing that can still be used"),
            },
        },
        (None, [(grants, verdict)]) => Verdict {
            scope: None,
            reason: format!(
                "by what {owner} approved for {}: {}",
                grants.explained.client, verdict.reason
            ),
        },
        (None, _) => Verdict {
            scope: None,
            reason: format!("nothing that {owner} approved allows it"),
        },
    }
}

fn owner_text(
    explained: &ExplainedOwner,
    client: Option<&ClientId>,
    verdict: &Verdict,
    question: &Question,
    colored: bool,
) -> String {
    let mut text = verdict.headline(colored);
    let _ = writeln!(text, "\nasked for  {}", question.text());
    let state = enabled(explained.enabled);
    let _ = writeln!(text, "owner      {}, {state}", explained.owner);
    if let (Some(client), true) = (client, explained.grants.is_empty()) {
        let _ = writeln!(text, "client     {client}");
    }
    for grants in &explained.grants {
        let verdict = Verdict::of(&grants.explained.explanation.decision);
        let _ = write!(
            text,
            "\n{}: {}",
            grants.explained.client,
            verdict.headline(colored)
        );
        let _ = writeln!(text, "  grant    {}", grants_text(grants));
        let facts = Facts {
            explained: &grants.explained,
            question,
            asked_for: false,
        };
        text.push_str(&facts.lines("  "));
    }
    for advice in advice_of_owner(explained) {
        let _ = writeln!(text, "\n{advice}");
    }
    if let Some(without) = &explained.without_approval {
        text.push_str(&remedies_text(without, ""));
    }
    text
}

fn grants_text(grants: &ExplainedGrants) -> String {
    let approved = &grants.approved;
    match grants.count {
        1 => format!("{}, of the scope {approved}", grants.newest),
        count => format!(
            "{} and {} more like it, of the scope {approved}",
            grants.newest,
            count - 1
        ),
    }
}

/// What is to be said where nothing was approved.
fn advice_of_owner(explained: &ExplainedOwner) -> Vec<String> {
    let owner = &explained.owner;
    let Some(without) = &explained.without_approval else {
        return Vec::new();
    };
    let verdict = Verdict::of(&without.explanation.decision);
    vec![match &verdict.scope {
        Some(scope) => format!(
            "the client may have the scope {scope}, which covers it: it has to ask for it, and {owner} to approve it"
        ),
        None => format!("an approval would not be enough: {}", verdict.reason),
    }]
}

fn enabled(is_enabled: bool) -> &'static str {
    if is_enabled { "enabled" } else { "disabled" }
}

/// What stands beneath a verdict.
struct Facts<'a> {
    explained: &'a Explained,
    question: &'a Question,
    /// Whether what is asked for stands there too.
    asked_for: bool,
}

impl Facts<'_> {
    fn lines(&self, indent: &str) -> String {
        let explanation = &self.explained.explanation;
        let mut rows: Vec<(&str, String)> = Vec::new();
        if self.asked_for {
            rows.push(("asked for", self.question.text()));
        }
        rows.extend(explanation.conditions.iter().filter_map(|condition| {
            // Of grants there may be several; they stand in a line of their own.
            let is_told = self.asked_for || !matches!(condition, Condition::Grant { .. });
            is_told.then(|| condition_text(condition))
        }));
        let is_looked_at = requested(&self.question.asked).is_some();
        let widest = explanation.rules.iter().map(|rule| rule.scope.as_str().len());
        let widest = widest.max().unwrap_or_default();
        for (position, rule) in explanation.rules.iter().enumerate() {
            let name = if position == 0 { "scopes" } else { "" };
            let text = if is_looked_at {
                rule_text(rule)
            } else {
                "is not looked at".to_owned()
            };
            rows.push((name, format!("{:widest$}  {text}", rule.scope.as_str())));
        }
        if explanation.rules.is_empty() {
            rows.push(("scopes", "none".to_owned()));
        }
        let width = if self.asked_for { 9 } else { 7 };
        let mut text = String::new();
        for (name, value) in rows {
            let _ = writeln!(text, "{indent}{name:width$}  {value}");
        }
        text + &remedies_text(self.explained, indent)
    }
}

fn condition_text(condition: &Condition) -> (&'static str, String) {
    match condition {
        Condition::Token {
            id,
            state,
            expires_at,
        } => ("token", format!("{id}, {state}, expires at {expires_at}")),
        Condition::Grant { id, ended: None } => ("grant", format!("{id}, not revoked")),
        Condition::Grant { id, ended: Some(end) } => (
            "grant",
            format!(
                "{id}, ended at {} ({})",
                end.at,
                end.cause.name().replace('_', " ")
            ),
        ),
        Condition::Client { id, enabled: is } => ("client", format!("{id}, {}", enabled(*is))),
        Condition::Owner {
            username,
            enabled: is,
        } => ("owner", format!("{username}, {}", enabled(*is))),
        Condition::Resource { at, bound_to, .. } if bound_to.is_empty() => {
            ("resource", format!("{at}, and the token is bound to none"))
        }
        Condition::Resource { at, bound_to, .. } => {
            ("resource", format!("{at}, and the token is bound to {bound_to}"))
        }
    }
}

fn rule_text(rule: &Rule) -> String {
    if !rule.is_defined {
        return "is not defined any more".to_owned();
    }
    match (&rule.covered_by, &rule.nearest) {
        (Some(by), _) if rule.is_of_client => format!("covers it by the {by}"),
        (Some(by), _) => {
            format!("is not among the client's scopes any more; it would cover it by the {by}")
        }
        (None, _) if !rule.is_of_client => "is not among the client's scopes any more".to_owned(),
        (None, Some((opening, why))) => {
            format!("does not cover it; the {opening} comes nearest: {why}")
        }
        (None, None) => "does not cover it, nor anything like it".to_owned(),
    }
}

/// Commands and sentences beneath a no.
fn remedies_text(explained: &Explained, indent: &str) -> String {
    let explanation = &explained.explanation;
    let mut text = String::new();
    for (position, remedy) in explanation.remedies.iter().enumerate() {
        let lead = if position == 0 { "to allow it:" } else { "or:" };
        let _ = writeln!(text, "\n{indent}{lead}");
        for step in &remedy.steps {
            let notes = notes(step, explained).join("; ");
            // A comment to a shell, so that the lines can be pasted as they are.
            let _ = match (command(step), notes.as_str()) {
                (Some(command), "") => writeln!(text, "{indent}  {command}"),
                (Some(command), notes) => writeln!(text, "{indent}  {command}  # {notes}"),
                (None, notes) => writeln!(text, "{indent}  # {notes}"),
            };
        }
    }
    for advice in &explanation.advice {
        let _ = writeln!(text, "\n{indent}{advice}");
    }
    text
}

fn others_text(scope: &str, sharers: &Sharers) -> Option<String> {
    match sharers.get(scope).copied().unwrap_or_default() {
        0 => None,
        1 => Some("one other client has this scope too".to_owned()),
        count => Some(format!("{count} other clients have this scope too")),
    }
}

/// What is to be known of a step before it is taken.
fn notes(step: &Step, explained: &Explained) -> Vec<String> {
    match step {
        Step::GiveScope {
            nearly_everything: Some(opening),
            ..
        } => vec![format!("opens nearly everything by the {opening}")],
        Step::Approve { scope } => {
            let owner = match &explained.owner {
                Some(owner) => owner.as_str(),
                None => "the resource owner",
            };
            let client = &explained.client;
            vec![format!(
                "then {client} has to ask for the scope {scope}, and {owner} to approve again"
            )]
        }
        Step::Widen { scope, .. } => {
            let widens = "changes approvals already given".to_owned();
            std::iter::once(widens)
                .chain(others_text(scope.as_str(), &explained.sharers))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// A step as it is typed, where it is a command.
fn command(step: &Step) -> Option<String> {
    let option = |opening: &Opening| {
        let opening = opening.as_ref();
        (opening.kind(), word(opening.pattern()))
    };
    Some(match step {
        Step::Approve { .. } => return None,
        Step::EnableClient(client) => format!("oauthctl client enable {}", word(client.as_str())),
        Step::EnableOwner(owner) => format!("oauthctl owner enable {}", word(owner.as_str())),
        Step::GiveScope { client, scope, .. } => format!(
            "oauthctl client update {} --add-scope {}",
            word(client.as_str()),
            word(scope.as_str())
        ),
        Step::Widen { scope, opening } => {
            let (kind, pattern) = option(opening);
            format!(
                "oauthctl scope update {} --add-{kind} {pattern}",
                word(scope.as_str())
            )
        }
        Step::Define { scope, opening } => {
            let (kind, pattern) = option(opening);
            format!(
                "oauthctl scope define {} --{kind} {pattern}",
                word(scope.as_str())
            )
        }
    })
}

/// The verdict and whose it is: what every format has.
fn head_of(explained: &Explained) -> Record {
    let mut record = Verdict::of(&explained.explanation.decision)
        .record()
        .text("client_id", explained.client.as_str());
    if let Some(owner) = &explained.owner {
        record = record.text("username", owner.as_str());
    }
    if let Some(grant) = &explained.grant {
        record = record.text("grant_id", grant.to_string());
    }
    record.list("scopes", explained.scopes.iter())
}

fn with_details(record: Record, explained: &Explained, question: &Question) -> Record {
    let Explanation {
        conditions,
        rules,
        remedies,
        advice,
        ..
    } = &explained.explanation;
    let remedies = remedies.iter().map(|remedy| remedy_json(remedy, explained));
    record
        .value("asked", question.to_json())
        .value(
            "conditions",
            Value::Array(conditions.iter().map(condition_json).collect()),
        )
        .value("rules", Value::Array(rules.iter().map(rule_json).collect()))
        .value("remedies", Value::Array(remedies.collect()))
        .list("advice", advice)
}

fn condition_json(condition: &Condition) -> Value {
    let holds = condition.holds();
    match condition {
        Condition::Token {
            id,
            state,
            expires_at,
        } => json!({
            "kind": "token", "holds": holds, "token_id": id.to_string(), "state": state.name(),
            "expires_at": expires_at.to_string(),
        }),
        Condition::Grant { id, ended } => json!({
            "kind": "grant", "holds": holds, "grant_id": id.to_string(),
            "ended_at": ended.map(|end| end.at.to_string()), "end_cause": ended.map(|end| end.cause.name()),
        }),
        Condition::Client { id, enabled } => json!({
            "kind": "client", "holds": holds, "client_id": id.as_str(), "enabled": enabled,
        }),
        Condition::Owner { username, enabled } => json!({
            "kind": "owner", "holds": holds, "username": username.as_str(), "enabled": enabled,
        }),
        Condition::Resource { at, bound_to, .. } => json!({
            "kind": "resource", "holds": holds, "resource": at.as_str(),
            "bound_to": bound_to.iter().map(Resource::as_str).collect::<Vec<_>>(),
        }),
    }
}

fn rule_json(rule: &Rule) -> Value {
    let opening = |opening: &Opening| {
        let opening = opening.as_ref();
        json!({ "kind": opening.kind(), "pattern": opening.pattern() })
    };
    let nearest = rule.nearest.as_ref().map(|(near, why)| {
        let mut near = opening(near);
        near["why"] = why.to_string().into();
        near
    });
    json!({
        "scope": rule.scope.as_str(),
        "defined": rule.is_defined,
        "of_client": rule.is_of_client,
        "in_force": rule.is_in_force(),
        "covers": rule.covered_by.is_some(),
        "by": rule.covered_by.as_ref().map(opening),
        "nearest": nearest,
    })
}

fn remedy_json(remedy: &Remedy, explained: &Explained) -> Value {
    let commands: Vec<String> = remedy.steps.iter().filter_map(command).collect();
    let notes: Vec<String> = remedy
        .steps
        .iter()
        .flat_map(|step| notes(step, explained))
        .collect();
    let others = remedy.steps.iter().find_map(|step| match step {
        Step::Widen { scope, .. } => explained.sharers.get(scope.as_str()),
        _ => None,
    });
    json!({ "commands": commands, "other_clients": others.copied().unwrap_or_default(), "notes": notes })
}
