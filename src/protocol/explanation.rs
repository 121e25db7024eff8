//! Why a check says yes or no, rule by rule, and what would change it.
//!
//! The verdict is that of [`decide`] and of [`AccessRecord::liveness`], which decide at `/check` too; what is told beside
//! it is derived from the same rows.
//!
//! [`AccessRecord::liveness`]: super::liveness::AccessRecord::liveness

use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId, RefreshPolicy};
use crate::domain::coverage::{Breadth, Difference, Opening, Requested};
use crate::domain::grant::GrantEnd;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::{Resource, ResourceSet};
use crate::domain::scope::{Scope, ScopeSet, ScopeToken};
use crate::domain::token_state::TokenState;
use crate::protocol::check::{CheckDecision, decide};
use crate::protocol::check_request::Asked;
use crate::protocol::liveness::Inactive;

/// How many scopes that cover what is asked for are proposed.
const MOST_PROPOSED: usize = 3;

/// Something that must hold before any scope is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The access token is active.
    Token {
        /// Which.
        id: Identifier,
        /// What has become of it.
        state: TokenState,
        /// End of its life.
        expires_at: Timestamp,
    },
    /// The approval has not ended.
    Grant {
        /// Which.
        id: Identifier,
        /// When and why it ended, if it did.
        ended: Option<GrantEnd>,
    },
    /// The client is enabled.
    Client {
        /// Which.
        id: ClientId,
        /// Whether it is.
        enabled: bool,
    },
    /// The resource owner is enabled.
    Owner {
        /// Which.
        username: Username,
        /// Whether they are.
        enabled: bool,
    },
    /// The access token is good at the resource at which it is shown.
    Resource {
        /// Which.
        at: Resource,
        /// Those that the token is bound to; none means all.
        bound_to: ResourceSet,
        /// Whether it is.
        is_good: bool,
    },
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        match self {
            Self::Token { state, .. } => *state == TokenState::Active,
            Self::Grant { ended, .. } => ended.is_none(),
            Self::Client { enabled, .. } | Self::Owner { enabled, .. } => *enabled,
            Self::Resource { is_good, .. } => *is_good,
        }
    }

    /// What to do where no command makes it hold; `refreshes` is whether a refresh token may still be used.
    fn advice(&self, refreshes: bool) -> &'static str {
        match (self, refreshes) {
            (Self::Resource { .. }, true) => {
                "the client gets an access token for this resource by naming it in `resource`, in its authorization \
                 request or where it refreshes"
            }
            (Self::Resource { .. }, false) => {
                "the client gets an access token for this resource by naming it in `resource`, in its authorization \
                 request"
            }
            (_, true) => {
                "what has ended is not brought back: the client gets another access token with its refresh token, or \
                 asks the resource owner again"
            }
            (_, false) => {
                "what has ended is not brought back: the client has to ask the resource owner again"
            }
        }
    }

    /// What makes it hold; `None` where it holds, or where nothing does any more.
    fn remedy(&self) -> Option<Step> {
        match self {
            Self::Client { id, enabled: false } => Some(Step::EnableClient(id.clone())),
            Self::Owner {
                username,
                enabled: false,
            } => Some(Step::EnableOwner(username.clone())),
            _ => None,
        }
    }
}

/// One scope, as far as it bears on what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The scope.
    pub scope: ScopeToken,
    /// Whether it is still defined.
    pub is_defined: bool,
    /// Whether the client may (still) have it.
    pub is_of_client: bool,
    /// What in it covers what is asked for, whether the scope is in force or not.
    pub covered_by: Option<Opening>,
    /// What in it came nearest, and why it does not cover it.
    pub nearest: Option<(Opening, Difference)>,
}

impl Rule {
    /// Whether the scope counts at all.
    pub fn is_in_force(&self) -> bool {
        self.is_defined && self.is_of_client
    }

    fn of(scope: &ScopeToken, case: &Case<'_>) -> Self {
        let defined = case.defined.iter().find(|defined| defined.token == *scope);
        let requested = requested(case.asked);
        let coverage = defined.map(|defined| &defined.coverage).zip(requested);
        let covered_by = coverage.and_then(|(coverage, requested)| coverage.covers(requested));
        let nearest = coverage
            .filter(|_| covered_by.is_none())
            .and_then(|(coverage, requested)| coverage.nearest(requested));
        Self {
            scope: scope.clone(),
            is_defined: defined.is_some(),
            is_of_client: case.client.settings.scopes.contains(scope),
            covered_by: covered_by.map(Opening::from),
            nearest: nearest.map(|miss| (miss.opening.into(), miss.why)),
        }
    }
}

/// Something an administrator can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Enable a client.
    EnableClient(ClientId),
    /// Enable a resource owner.
    EnableOwner(Username),
    /// Let a client have a scope.
    GiveScope {
        /// The client.
        client: ClientId,
        /// The scope.
        scope: ScopeToken,
        /// What in it opens nearly everything.
        nearly_everything: Option<Opening>,
    },
    /// Have it approved: the client asks for a scope that it may have, and the resource owner approves it. No command
    /// does that.
    Approve {
        /// The scope.
        scope: ScopeToken,
    },
    /// Let a scope open something more, for all that was approved already too.
    Widen {
        /// The scope.
        scope: ScopeToken,
        /// What it is to open.
        opening: Opening,
    },
    /// Define a scope.
    Define {
        /// Its name.
        scope: ScopeToken,
        /// What it is to open.
        opening: Opening,
    },
}

/// What, all of it done, would turn a no into a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// In this order.
    pub steps: Vec<Step>,
}

/// Whose access is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A client's, whatever tokens it has.
    Client,
    /// That of a token or a grant: its scope does not grow with the client's.
    Issued,
}

/// What a check is asked, and over which rows.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// What is asked for.
    pub asked: &'a Asked,
    /// Whose access it is.
    pub holder: Holder,
    /// The scope of the token or of the grant, or the scopes of the client.
    pub scope: &'a ScopeSet,
    /// The client.
    pub client: &'a Client,
    /// All scopes that are defined, by name.
    pub defined: &'a [Scope],
    /// Why nothing is allowed, whatever the scopes say.
    pub inactive: Option<Inactive>,
}

/// A verdict, and what led to it.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The verdict.
    pub decision: CheckDecision,
    /// What must hold before any scope is looked at.
    pub conditions: Vec<Condition>,
    /// The scopes of the token, the grant or the client, by name.
    pub rules: Vec<Rule>,
    /// What would make it a yes, each by itself; empty where it is one, or where no command would.
    pub remedies: Vec<Remedy>,
    /// What else is to be said about a no, in sentences.
    pub advice: Vec<String>,
}

impl Explanation {
    /// Whether it is a yes.
    pub fn is_allowed(&self) -> bool {
        matches!(self.decision, CheckDecision::Allowed { .. })
    }
}

/// What may be covered, where something that may be is asked for.
pub fn requested(asked: &Asked) -> Option<&Requested> {
    match asked {
        Asked::For(requested) => Some(requested),
        Asked::ForNothing(_) => None,
    }
}

/// Decides, and says why.
pub fn explain(case: &Case<'_>, conditions: Vec<Condition>) -> Explanation {
    let client_scopes: Vec<Scope> = case
        .defined
        .iter()
        .filter(|defined| case.client.settings.scopes.contains(&defined.token))
        .cloned()
        .collect();
    let by_scopes = decide(case.scope, &client_scopes, case.asked);
    let rules: Vec<Rule> = case.scope.iter().map(|scope| Rule::of(scope, case)).collect();
    let (remedies, advice) = what_would_help(case, &conditions, &by_scopes, &rules);
    let decision = match case.inactive {
        Some(inactive) => CheckDecision::Denied {
            reason: inactive.to_string(),
        },
        None => by_scopes,
    };
    Explanation {
        decision,
        conditions,
        rules,
        remedies,
        advice,
    }
}

fn what_would_help(
    case: &Case<'_>,
    conditions: &[Condition],
    by_scopes: &CheckDecision,
    rules: &[Rule],
) -> (Vec<Remedy>, Vec<String>) {
    let mut first = Vec::new();
    for condition in conditions.iter().filter(|condition| !condition.holds()) {
        let Some(step) = condition.remedy() else {
            return (
                Vec::new(),
                vec![condition.advice(may_refresh(case, conditions)).to_owned()],
            );
        };
        first.push(step);
    }
    if matches!(by_scopes, CheckDecision::Allowed { .. }) {
        let remedies = if first.is_empty() {
            Vec::new()
        } else {
            vec![Remedy { steps: first }]
        };
        return (remedies, Vec::new());
    }
    let Some(requested) = requested(case.asked) else {
        let advice = "no scope ever covers this: what is asked for has to be written in its normal form";
        return (Vec::new(), vec![advice.to_owned()]);
    };
    let client = &case.client.id;
    let to_give = scopes_to_give(case, requested);
    let mut ways: Vec<Vec<Step>> = to_give
        .iter()
        .take(MOST_PROPOSED)
        .map(|candidate| candidate.steps(client))
        .collect();
    let mut advice = ask_again(case, requested);
    advice.extend(left_out(to_give.len().saturating_sub(MOST_PROPOSED)));
    let rule = rule_to_widen(rules);
    if let Some(Rule {
        nearest: Some((opening, Difference::Case)),
        ..
    }) = rule
    {
        advice.push(format!(
            "if the {opening} is meant, what is asked for has to be written as it is defined"
        ));
    } else if let Some(opening) = Opening::for_request(requested) {
        // A scope that opens nothing like it is not the place, where another one covers it.
        if let Some(rule) = rule.filter(|rule| rule.nearest.is_some() || ways.is_empty()) {
            ways.push(vec![Step::Widen {
                scope: rule.scope.clone(),
                opening: fitting(rule, requested).unwrap_or(opening),
            }]);
        } else if ways.is_empty()
            && case.holder == Holder::Client
            && let Some(scope) = new_name(&opening, case.defined)
        {
            let client = client.clone();
            let define = Step::Define {
                scope: scope.clone(),
                opening,
            };
            let give = Step::GiveScope {
                client,
                scope,
                nearly_everything: None,
            };
            ways.push(vec![define, give]);
        }
    }
    let remedies = ways.into_iter().map(|steps| Remedy {
        steps: first.iter().cloned().chain(steps).collect(),
    });
    (remedies.collect(), advice)
}

/// Whether a refresh token may still bring another access token.
fn may_refresh(case: &Case<'_>, conditions: &[Condition]) -> bool {
    let has_ended = |condition: &Condition| matches!(condition, Condition::Grant { ended: Some(_), .. });
    case.client.settings.refresh != RefreshPolicy::None && !conditions.iter().any(has_ended)
}

/// A scope that a client could be given.
struct Candidate<'a> {
    scope: &'a Scope,
    /// Whether the resource owner has to approve again: what was issued does not grow with what the client may have.
    to_be_approved: bool,
    /// The narrowest of its openings that cover what is asked for.
    narrowest: Breadth,
}

impl Candidate<'_> {
    fn steps(&self, client: &ClientId) -> Vec<Step> {
        let scope = &self.scope.token;
        let give = Step::GiveScope {
            client: client.clone(),
            scope: scope.clone(),
            nearly_everything: self.scope.coverage.nearly_everything().map(Opening::from),
        };
        let approve = self
            .to_be_approved
            .then(|| Step::Approve { scope: scope.clone() });
        std::iter::once(give).chain(approve).collect()
    }
}

/// Scopes that the client has not, and that would cover it: the first gives away the least.
fn scopes_to_give<'a>(case: &Case<'a>, requested: &Requested) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = case
        .defined
        .iter()
        .filter(|defined| !case.client.settings.scopes.contains(&defined.token))
        .filter_map(|scope| {
            Some(Candidate {
                scope,
                to_be_approved: case.holder == Holder::Issued && !case.scope.contains(&scope.token),
                narrowest: scope.coverage.narrowest(requested)?,
            })
        })
        .collect();
    // Stable: of those that are alike the first by name.
    candidates.sort_by_key(|candidate| {
        let coverage = &candidate.scope.coverage;
        (
            coverage.nearly_everything().is_some(),
            candidate.to_be_approved,
            candidate.narrowest,
            coverage.breadth(),
        )
    });
    candidates
}

fn left_out(count: usize) -> Option<String> {
    let what = match count {
        0 => return None,
        1 => "1 more scope covers it, and opens".to_owned(),
        count => format!("{count} more scopes cover it, and open"),
    };
    Some(format!("{what} no less; `oauthctl scope list` shows what"))
}

/// The scope that would have to open more: the one that came nearest, else the only one.
fn rule_to_widen(rules: &[Rule]) -> Option<&Rule> {
    let mut in_force = rules.iter().filter(|rule| rule.is_in_force());
    let near = in_force.clone().find(|rule| rule.nearest.is_some());
    near.or_else(|| in_force.next())
}

/// The pattern that came nearest with the method that is asked with, where only that is missing.
fn fitting(rule: &Rule, requested: &Requested) -> Option<Opening> {
    let Some((Opening::Route(route), Difference::Method { asked, .. })) = &rule.nearest else {
        return None;
    };
    let route: crate::domain::coverage::Route = format!("{asked} {}", route.pattern()).parse().ok()?;
    let (method, path) = requested.method_and_path()?;
    route.covers(method, path).then_some(Opening::Route(route))
}

/// A name for a scope that opens only this: that of the service, or as in `stock:get`.
fn new_name(opening: &Opening, defined: &[Scope]) -> Option<ScopeToken> {
    let name = match opening {
        Opening::Route(route) => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let mut segments = route.pattern().split('/').skip(1);
            let word = segments
                .find(|segment| !segment.is_empty() && segment.chars().all(is_plain))
                .unwrap_or("requests");
            let method = route.method().map_or("any", |method| method.as_str());
            format!("{word}:{}", method.to_ascii_lowercase())
        }
        named => named.as_ref().pattern().to_owned(),
    };
    let name: ScopeToken = name.parse().ok()?;
    let is_taken = defined.iter().any(|scope| scope.token == name);
    (!is_taken).then_some(name)
}

/// What no command does: a token is issued for the scope that was approved.
fn ask_again(case: &Case<'_>, requested: &Requested) -> Vec<String> {
    if case.holder == Holder::Client {
        return Vec::new();
    }
    let others = case.defined.iter().filter(|defined| {
        !case.scope.contains(&defined.token)
            && case.client.settings.scopes.contains(&defined.token)
            && defined.coverage.covers(requested).is_some()
    });
    others
        .take(MOST_PROPOSED)
        .map(|defined| {
            format!(
                "the client may have the scope {}, which covers it, but this was not approved: the client has to ask \
                 for it, and the resource owner to approve it",
                defined.token
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::client::{ClientKey, ClientSettings};
    use crate::domain::consent::ConsentPolicy;
    use crate::domain::coverage::Coverage;
    use crate::protocol::check_request::{request_asked, service_asked};

    /// What there is, as the commands change it.
    #[derive(Debug, Clone)]
    struct World {
        defined: Vec<Scope>,
        client: Client,
        owner_enabled: bool,
        /// The scope of a token; none where the client itself is asked about.
        issued: Option<ScopeSet>,
    }

    fn client(scopes: ScopeSet, enabled: bool) -> Client {
        Client {
            key: ClientKey(1),
            id: "web".parse().unwrap(),
            enabled,
            settings: ClientSettings {
                name: "Web".parse().unwrap(),
                description: "".parse().unwrap(),
                redirect_uris: Vec::new(),
                scopes,
                access_token_lifetime: Duration::from_secs(3600),
                code_lifetime: Duration::from_secs(60),
                refresh: RefreshPolicy::None,
                refresh_token_lifetime: Duration::from_secs(1),
                refresh_token_idle: Duration::from_secs(1),
                require_pkce: true,
                consent: ConsentPolicy::Always,
            },
            created_at: Timestamp::from_millis(0),
        }
    }

    fn scope(name: &str, coverage: Coverage) -> Scope {
        Scope {
            token: name.parse().unwrap(),
            description: "".parse().unwrap(),
            coverage,
            created_at: Timestamp::from_millis(0),
        }
    }

    impl World {
        fn explain(&self, asked: &Asked) -> Explanation {
            let inactive = match (self.client.enabled, self.owner_enabled || self.issued.is_none()) {
                (false, _) => Some(Inactive::ClientDisabled),
                (true, false) => Some(Inactive::OwnerDisabled),
                (true, true) => None,
            };
            let mut conditions = vec![Condition::Client {
                id: self.client.id.clone(),
                enabled: self.client.enabled,
            }];
            if self.issued.is_some() {
                conditions.push(Condition::Owner {
                    username: "alice".parse().unwrap(),
                    enabled: self.owner_enabled,
                });
            }
            let case = Case {
                asked,
                holder: if self.issued.is_some() {
                    Holder::Issued
                } else {
                    Holder::Client
                },
                scope: self.issued.as_ref().unwrap_or(&self.client.settings.scopes),
                client: &self.client,
                defined: &self.defined,
                inactive,
            };
            explain(&case, conditions)
        }

        fn take(&mut self, step: &Step) {
            match step {
                Step::EnableClient(id) => self.client.enabled |= *id == self.client.id,
                Step::EnableOwner(username) => self.owner_enabled |= username.as_str() == "alice",
                Step::GiveScope { scope, .. } => {
                    assert!(
                        self.defined.iter().any(|defined| defined.token == *scope),
                        "{step:?}"
                    );
                    let scopes = &mut self.client.settings.scopes;
                    *scopes = scopes.iter().chain([scope]).cloned().collect();
                }
                Step::Approve { scope } => {
                    let issued = self.issued.as_mut().unwrap();
                    *issued = issued.iter().chain([scope]).cloned().collect();
                }
                Step::Widen { scope, opening } => {
                    let mut defined = self.defined.iter_mut().filter(|defined| defined.token == *scope);
                    defined.next().unwrap().coverage.add(opening.clone());
                }
                Step::Define { scope: name, opening } => {
                    assert!(
                        !self.defined.iter().any(|defined| defined.token == *name),
                        "{step:?}"
                    );
                    let mut coverage = Coverage::default();
                    coverage.add(opening.clone());
                    self.defined.push(scope(name.as_str(), coverage));
                }
            }
        }
    }

    fn coverage() -> impl Strategy<Value = Coverage> {
        let openings = prop::sample::select(&[
            "a",
            "b",
            "a.b",
            "ab",
            "a:x",
            "b:x",
            "GET /a",
            "/a/{id}",
            "GET /b/**",
            "/invoke/{s}",
            "POST /a/1",
        ]);
        prop::collection::vec(openings, 1..4).prop_map(|texts| {
            let mut coverage = Coverage::default();
            for text in texts {
                coverage.add(match (text.contains('/'), text.contains(':')) {
                    (true, _) => Opening::Route(text.parse().unwrap()),
                    (false, true) => Opening::Service(text.parse().unwrap()),
                    (false, false) => Opening::Folder(text.parse().unwrap()),
                });
            }
            coverage
        })
    }

    fn world() -> impl Strategy<Value = World> {
        const NAMES: [&str; 4] = ["one", "two", "three", "a:x"];
        let some = || {
            prop::sample::subsequence(&["one", "two", "three", "a:x", "gone"], 0..4)
                .prop_map(|names| names.join(" ").parse::<ScopeSet>().unwrap())
        };
        let scopes = prop::collection::vec(coverage(), 1..5);
        let enabled = || prop::bool::weighted(0.8);
        (scopes, some(), prop::option::of(some()), enabled(), enabled()).prop_map(
            |(scopes, of_client, issued, client_enabled, owner_enabled)| {
                let mut defined: Vec<Scope> = NAMES
                    .into_iter()
                    .zip(scopes)
                    .map(|(name, coverage)| scope(name, coverage))
                    .collect();
                defined.sort_by(|one, other| one.token.cmp(&other.token));
                // A client has only what is defined; a token may have more.
                let of_client = of_client
                    .iter()
                    .filter(|token| defined.iter().any(|scope| scope.token == **token));
                World {
                    client: client(of_client.cloned().collect(), client_enabled),
                    defined,
                    owner_enabled,
                    issued,
                }
            },
        )
    }

    fn asked() -> impl Strategy<Value = Asked> {
        let texts = prop::sample::select(&[
            "a:x",
            "a.b:y",
            "b:y",
            "ab:x",
            "A:x",
            "c:z",
            "no service",
            "GET /a",
            "POST /a/1",
            "GET /a/../b",
            "GET /b",
            "GET /b/17",
            "POST /invoke/c:z",
            "GET /invoke/a/x",
            "get /a",
            "GET /c/d",
            "GET /",
        ]);
        texts.prop_map(|text| match text.split_once(" /") {
            Some((method, path)) => request_asked(method.as_bytes(), format!("/{path}").as_bytes()),
            None => service_asked(text),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_told_is_what_is_decided_and_every_remedy_helps(world in world(), asked in asked()) {
            let explanation = world.explain(&asked);
            let own = &world.client.settings.scopes;
            let scope = world.issued.as_ref().unwrap_or(own);
            let of_client: Vec<Scope> =
                world.defined.iter().filter(|defined| own.contains(&defined.token)).cloned().collect();
            let by_scopes = decide(scope, &of_client, &asked);
            let covers = matches!(by_scopes, CheckDecision::Allowed { .. });
            let lives = explanation.conditions.iter().all(Condition::holds);
            prop_assert_eq!(explanation.is_allowed(), covers && lives);
            if lives {
                prop_assert_eq!(&explanation.decision, &by_scopes);
            }
            let by_rules = explanation.rules.iter().any(|rule| rule.is_in_force() && rule.covered_by.is_some());
            prop_assert_eq!(by_rules, covers);
            prop_assert_eq!(explanation.rules.len(), scope.iter().count());
            for rule in &explanation.rules {
                prop_assert!(rule.covered_by.is_none() || rule.nearest.is_none());
            }
            if explanation.is_allowed() {
                prop_assert!(explanation.remedies.is_empty() && explanation.advice.is_empty());
            }
            for remedy in &explanation.remedies {
                let mut changed = world.clone();
                remedy.steps.iter().for_each(|step| changed.take(step));
                prop_assert!(changed.explain(&asked).is_allowed(), "{:?}", remedy);
                // No step of it is for nothing.
                for left_out in 0..remedy.steps.len() {
                    let mut changed = world.clone();
                    let kept = remedy.steps.iter().enumerate().filter(|(at, _)| *at != left_out);
                    let is_possible = !matches!(remedy.steps[left_out], Step::Define { .. });
                    if is_possible {
                        kept.for_each(|(_, step)| changed.take(step));
                        prop_assert!(!changed.explain(&asked).is_allowed(), "{:?}", remedy);
                    }
                }
            }
        }
    }

    #[test]
    fn which_commands_are_proposed() {
        let folder = |name: &str| {
            let mut coverage = Coverage::default();
            coverage.add(Opening::Folder(name.parse().unwrap()));
            coverage
        };
        let world = |of_client: &str, issued: Option<&str>| World {
            defined: vec![scope("orders", folder("orders")), scope("stock", folder("stock"))],
            client: client(of_client.parse().unwrap(), true),
            owner_enabled: true,
            issued: issued.map(|scope| scope.parse().unwrap()),
        };
        for (of_client, issued, asked, expected) in [
            // The scope that covers it, and not another one made wider.
            ("orders", None, "stock:count", vec!["give stock"]),
            (
                "orders",
                None,
                "orders2:list",
                vec!["widen orders by service orders2:list"],
            ),
            // What differs in case only is a slip of whoever asks.
            ("orders", None, "Orders:list", vec![]),
            ("", None, "mail:send", vec!["define mail:send, give mail:send"]),
            ("", None, "GET /mail/17", vec!["define mail:get, give mail:get"]),
            // A token does not get what its client gets.
            (
                "orders",
                Some("orders"),
                "stock:count",
                vec!["give stock, approve stock"],
            ),
            ("orders", Some("orders stock"), "stock:count", vec!["give stock"]),
            ("orders stock", Some("gone"), "stock:count", vec![]),
            ("orders", None, "orders", vec![]),
        ] {
            let asked = match asked.split_once(' ') {
                Some((method, path)) => request_asked(method.as_bytes(), path.as_bytes()),
                None => service_asked(asked),
            };
            let explanation = world(of_client, issued).explain(&asked);
            let told = explanation.remedies.iter().map(|remedy| {
                let steps = remedy.steps.iter().map(|step| match step {
                    Step::GiveScope { scope, .. } => format!("give {scope}"),
                    Step::Approve { scope } => format!("approve {scope}"),
                    Step::Widen { scope, opening } => format!("widen {scope} by {opening}"),
                    Step::Define { scope, .. } => format!("define {scope}"),
                    other => format!("{other:?}"),
                });
                steps.collect::<Vec<_>>().join(", ")
            });
            assert_eq!(told.collect::<Vec<_>>(), expected, "{asked:?}");
        }
        let explanation = world("orders stock", Some("orders")).explain(&service_asked("stock:count"));
        assert!(
            explanation.advice[0].starts_with("the client may have the scope stock"),
            "{explanation:?}"
        );
    }

    #[test]
    fn what_gives_away_the_least_is_proposed_first() {
        let of = |openings: &[&str]| {
            let mut coverage = Coverage::default();
            for text in openings {
                coverage.add(match (text.contains('/'), text.contains(':')) {
                    (true, _) => Opening::Route(text.parse().unwrap()),
                    (false, true) => Opening::Service(text.parse().unwrap()),
                    (false, false) => Opening::Folder(text.parse().unwrap()),
                });
            }
            coverage
        };
        let world = |of_client: &str, issued: Option<&str>| World {
            defined: vec![
                scope("all", of(&["/**"])),
                scope("invoke", of(&["orders:list", "POST /invoke/**"])),
                scope("mail", of(&["mail"])),
                scope("mix", of(&["POST /invoke/orders/**"])),
                scope("orders", of(&["orders"])),
                scope("orders:more", of(&["orders:list", "stock"])),
                scope("orders:read", of(&["orders:list"])),
            ],
            client: client(of_client.parse().unwrap(), true),
            owner_enabled: true,
            issued: issued.map(|scope| scope.parse().unwrap()),
        };
        let asked = request_asked(b"POST", b"/invoke/orders/list");
        let told = |world: &World| {
            let explanation = world.explain(&asked);
            let first = explanation.remedies.iter().map(|remedy| match &remedy.steps[..] {
                [
                    Step::GiveScope {
                        scope,
                        nearly_everything,
                        ..
                    },
                ] => (scope.to_string(), nearly_everything.is_some()),
                [Step::GiveScope { scope, .. }, Step::Approve { scope: approved }] if scope == approved => {
                    (format!("{scope} approved"), false)
                }
                [Step::Widen { scope, .. }] => (format!("widen {scope}"), false),
                other => panic!("{other:?}"),
            });
            (first.collect::<Vec<_>>(), explanation.advice)
        };
        let owned = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), false))
                .collect::<Vec<_>>()
        };
        let (first, advice) = told(&world("mail", None));
        assert_eq!(first, owned(&["orders:read", "orders:more", "orders"]));
        assert_eq!(
            advice,
            ["3 more scopes cover it, and open no less; `oauthctl scope list` shows what"]
        );
        let (first, _) = told(&world("mail", Some("mail mix")));
        assert_eq!(
            first,
            owned(&["mix", "orders:read approved", "orders:more approved"])
        );
        // What is nearly everything comes last, and is marked.
        let mut few = world("mail", None);
        few.defined
            .retain(|scope| ["all", "invoke", "mail", "mix"].contains(&scope.token.as_str()));
        let (first, advice) = told(&few);
        let marked = |name: &str| (name.to_owned(), true);
        assert_eq!(
            first,
            [owned(&["mix"]).remove(0), marked("invoke"), marked("all")]
        );
        assert!(advice.is_empty());
    }

    #[test]
    fn only_a_grant_that_lives_brings_another_token() {
        let mut world = World {
            defined: Vec::new(),
            client: client("mail".parse().unwrap(), true),
            owner_enabled: true,
            issued: None,
        };
        let advice = |world: &World, ended: bool| {
            let asked = service_asked("orders:list");
            let at = Timestamp::from_millis(0);
            let id = Identifier::at(at, 1);
            let by_hand = crate::domain::grant::EndCause::Administration;
            let conditions = vec![
                Condition::Token {
                    id,
                    state: TokenState::Revoked,
                    expires_at: at,
                },
                Condition::Grant {
                    id,
                    ended: ended.then_some(GrantEnd { at, cause: by_hand }),
                },
            ];
            let case = Case {
                asked: &asked,
                holder: Holder::Issued,
                scope: &world.client.settings.scopes,
                client: &world.client,
                defined: &[],
                inactive: Some(Inactive::Revoked),
            };
            explain(&case, conditions).advice
        };
        let again = ["what has ended is not brought back: the client has to ask the resource owner again"];
        // A client that gets no refresh tokens.
        assert_eq!(advice(&world, false), again);
        world.client.settings.refresh = RefreshPolicy::Unlimited;
        let refresh = [
            "what has ended is not brought back: the client gets another access token with its refresh token, or asks \
             the resource owner again",
        ];
        assert_eq!(advice(&world, false), refresh);
        assert_eq!(advice(&world, true), again);
    }
}
