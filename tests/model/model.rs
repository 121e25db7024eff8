//! What the contract promises, in memory and one thing at a time: no SQL, no transactions, no hashes, no indexes.
//!
//! It is written from the contract and not from the code; where the two differ, one of them is wrong.

mod administration;
mod authorization;
mod tokens;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use crate::operation::{Client, Limit, Millis, Op, Owner, Prompt, Request, Set, Step, Token, Window};

pub(crate) const SECOND: Millis = 1000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
pub(crate) const DAY: Millis = 24 * HOUR;
/// How long a resource owner stays signed in.
pub(crate) const SESSION: Millis = 8 * HOUR;
/// How long a form may be answered.
pub(crate) const FORM: Millis = 10 * MINUTE;
/// How many approvals of one resource owner for one client are remembered.
const MOST_REMEMBERED: usize = 20;

#[derive(Debug, Clone)]
pub(crate) struct ClientState {
    pub(crate) enabled: bool,
    pub(crate) scopes: Set,
    pub(crate) access_lifetime: Millis,
    pub(crate) code_lifetime: Millis,
    pub(crate) refresh: Limit,
    pub(crate) refresh_lifetime: Millis,
    pub(crate) refresh_idle: Millis,
    pub(crate) require_pkce: bool,
    pub(crate) remember: bool,
    /// The end of each secret that it ever had, the newest last; the newest has none.
    pub(crate) secrets: Vec<Option<Millis>>,
}

impl ClientState {
    /// As registered with the scopes that it needs.
    pub(crate) fn new(scopes: Set) -> Self {
        Self {
            enabled: true,
            scopes,
            access_lifetime: HOUR,
            code_lifetime: MINUTE,
            refresh: Limit::Unlimited,
            refresh_lifetime: 30 * DAY,
            refresh_idle: 7 * DAY,
            require_pkce: true,
            remember: false,
            secrets: vec![None],
        }
    }
}

/// The browser of a resource owner.
#[derive(Debug, Clone, Default)]
pub(crate) struct Browser {
    /// The sign-in that its cookie came of.
    pub(crate) cookie: Option<Step>,
    /// The end of the session, while there is one.
    pub(crate) session: Option<Millis>,
}

#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) request: Request,
    /// The cookie for which it was made; without one, there is no form.
    pub(crate) cookie: Option<Step>,
    pub(crate) made_at: Millis,
    /// The scopes on the page and what they opened, where the approval may be remembered.
    pub(crate) shown: Option<Vec<(usize, Set)>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) client: Client,
    pub(crate) owner: Owner,
    pub(crate) scope: Set,
    /// The form that approved it.
    pub(crate) form: Option<Step>,
    pub(crate) refreshes: u32,
    pub(crate) refresh_end: Option<Millis>,
    pub(crate) ended: Option<(Millis, &'static str)>,
    pub(crate) code_expires: Millis,
    pub(crate) exchanged: bool,
    pub(crate) pkce: bool,
    pub(crate) names_redirect: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) grant: Step,
    pub(crate) scope: Set,
    pub(crate) issued: Millis,
    pub(crate) expires: Millis,
    pub(crate) revoked: Option<Millis>,
}

#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) grant: Step,
    pub(crate) issued: Millis,
    pub(crate) expires: Millis,
    /// When it was first used, and what took its place.
    pub(crate) rotated: Option<(Millis, Step)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) step: Step,
    pub(crate) owner: Owner,
    pub(crate) client: Client,
    /// The scopes, and what they opened.
    pub(crate) scopes: Vec<(usize, Set)>,
}

/// All that there is.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) now: Millis,
    pub(crate) window: Window,
    pub(crate) clients: BTreeMap<Client, ClientState>,
    /// Whether they are enabled.
    pub(crate) owners: BTreeMap<Owner, bool>,
    /// What they open.
    pub(crate) scopes: BTreeMap<usize, Set>,
    pub(crate) has_server: bool,
    pub(crate) browsers: BTreeMap<Owner, Browser>,
    pub(crate) forms: BTreeMap<Step, Form>,
    /// By the step that approved; its code has the same name.
    pub(crate) grants: BTreeMap<Step, Grant>,
    pub(crate) access: BTreeMap<Step, Access>,
    pub(crate) refresh: BTreeMap<Step, Refresh>,
    pub(crate) remembered: Vec<Remembered>,
    /// Every token that was ever issued.
    pub(crate) seen: BTreeSet<Token>,
}

/// An answer, or `None` where the operation speaks of what never was.
pub(crate) type Said = Option<String>;

#[expect(clippy::unnecessary_wraps, reason = "it is the answer of an operation")]
fn said(text: impl Into<String>) -> Said {
    Some(text.into())
}

impl Model {
    /// As the stage is set: see `stage.rs`.
    pub(crate) fn new(window: Window) -> Self {
        Self {
            now: 0,
            window,
            clients: [Client::Shop, Client::Desk]
                .map(|client| (client, ClientState::new(Set::ALL)))
                .into(),
            owners: Owner::ALL.map(|owner| (owner, true)).into(),
            scopes: (0..3).map(|scope| (scope, Set::of(scope))).collect(),
            has_server: true,
            browsers: Owner::ALL.map(|owner| (owner, Browser::default())).into(),
            forms: BTreeMap::new(),
            grants: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            remembered: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    /// Does one operation; what has to be answered.
    pub(crate) fn step(&mut self, step: Step, op: &Op) -> Said {
        match op {
            Op::Clock(at) => {
                self.now = self.now.max(*at);
                said("")
            }
            Op::SignIn(owner) => self.sign_in(step, *owner),
            Op::SignOut(owner) => self.sign_out(*owner),
            Op::Ask(owner, request) => self.ask(step, *owner, *request),
            Op::Answer(owner, form, press) => self.answer(step, *owner, *form, *press),
            Op::Silent(owner, form) => self.silent(step, *owner, *form),
            Op::Exchange { code, client, wrong } => self.exchange(step, *code, *client, *wrong),
            Op::Refresh {
                token,
                client,
                scope,
                wrong,
            } => self.refresh(step, *token, *client, *scope, *wrong),
            Op::Revoke { token, client, wrong } => self.revoke(*token, *client, *wrong),
            Op::Introspect { token, caller, wrong } => self.introspect(*token, *caller, *wrong),
            Op::Check { token, service } => self.check(*token, *service),
            Op::TakeBack(owner, grant) => self.take_back(*owner, *grant),
            Op::Forget(owner, approval) => self.forget(*owner, *approval),
            Op::Restart => {
                self.now += 1;
                said("")
            }
            Op::Look => Some(self.view().join("\n")),
            other => self.administer(other),
        }
    }

    fn is_signed_in(&self, owner: Owner) -> bool {
        self.owners.get(&owner) == Some(&true)
            && self.browsers[&owner].session.is_some_and(|end| self.now < end)
    }

    fn browser(&mut self, owner: Owner) -> &mut Browser {
        self.browsers.entry(owner).or_default()
    }

    /// What a client may have of a scope now. (A scope that a client has is defined: it cannot be deleted.)
    fn in_force(&self, client: Client, scope: Set) -> Set {
        self.clients
            .get(&client)
            .map_or(Set::NONE, |client| client.scopes.and(scope))
    }

    /// All that a resource owner is shown when a client asks for a scope.
    fn shown(&self, scope: Set) -> Vec<(usize, Set)> {
        scope
            .members()
            .filter_map(|member| Some((member, *self.scopes.get(&member)?)))
            .collect()
    }

    fn end_grant(&mut self, grant: Step, cause: &'static str) -> bool {
        let now = self.now;
        match self.grants.get_mut(&grant) {
            Some(grant) if grant.ended.is_none() => {
                grant.ended = Some((now, cause));
                true
            }
            _ => false,
        }
    }

    /// Removes a grant with all that came of it; how many tokens those were.
    fn remove_grant(&mut self, step: Step) -> usize {
        let before = self.access.len() + self.refresh.len();
        self.grants.remove(&step);
        self.access.retain(|_, token| token.grant != step);
        self.refresh.retain(|_, token| token.grant != step);
        before - self.access.len() - self.refresh.len()
    }

    fn remove_grants(&mut self, of: impl Fn(&Grant) -> bool) {
        let steps: Vec<Step> = self
            .grants
            .iter()
            .filter(|(_, grant)| of(grant))
            .map(|(step, _)| *step)
            .collect();
        for step in steps {
            self.remove_grant(step);
        }
    }

    fn is_used(&self, refresh: Step) -> bool {
        self.refresh
            .get(&refresh)
            .is_some_and(|token| token.rotated.is_some())
    }
}

impl Prompt {
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::None => Some("none"),
            Self::Login => Some("login"),
            Self::Consent => Some("consent"),
        }
    }
}
