//! What may happen, as a history writes it down.
//!
//! Everything that comes of a step is called by that step: the code of step 7, the access token of step 9. So a step
//! means the same when others before it are left out, which is what makes a history that fails small.

use std::fmt;

/// The number of an operation in the history as it was made.
pub(crate) type Step = u32;

/// Milliseconds; an instant counts from the beginning of the history.
pub(crate) type Millis = i64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Client {
    Shop,
    Desk,
    Till,
}

impl Client {
    pub(crate) const ALL: [Self; 3] = [Self::Shop, Self::Desk, Self::Till];

    pub(crate) fn id(self) -> &'static str {
        ["shop", "desk", "till"][self as usize]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Alice,
    Bob,
}

impl Owner {
    pub(crate) const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    pub(crate) fn username(self) -> &'static str {
        ["alice", "bob"][self as usize]
    }
}

/// Of the scopes, or of the services, which: a bit each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Set(pub(crate) u8);

/// The scopes, by bit.
pub(crate) const SCOPES: [&str; 3] = ["orders", "place", "stock"];
/// The services, by bit.
pub(crate) const SERVICES: [&str; 3] = ["orders:list", "orders.new:place", "stock:count"];

impl Set {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(7);

    pub(crate) fn of(member: usize) -> Self {
        Self(1 << member)
    }

    pub(crate) fn has(self, member: usize) -> bool {
        self.0 & (1 << member) != 0
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_in(self, other: Self) -> bool {
        self.without(other).is_empty()
    }

    pub(crate) fn members(self) -> impl Iterator<Item = usize> {
        (0..3).filter(move |&member| self.has(member))
    }

    /// As a scope is written.
    pub(crate) fn scope(self) -> String {
        let names: Vec<&str> = self.members().map(|member| SCOPES[member]).collect();
        names.join(" ")
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Set({})", self.0)
    }
}

/// A token by the step that issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    Code(Step),
    Access(Step),
    Refresh(Step),
}

/// Who asks about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Client(Client),
    ResourceServer,
}

/// What is wrong about a request of a client, which else has everything right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    /// Another client secret.
    Secret,
    /// The client secret before the last one; it may still be good.
    OldSecret,
    /// The identifier of the token, and another secret.
    Forged,
    /// Of the exchange: another redirect URI, or none; another verifier, or none.
    Redirect,
    NoRedirect,
    Verifier,
    NoVerifier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    Absent,
    None,
    Login,
    Consent,
}

/// An authorization request; `scope` of none asks for nothing in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) client: Client,
    pub(crate) scope: Set,
    pub(crate) pkce: bool,
    pub(crate) names_redirect: bool,
    pub(crate) prompt: Prompt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    Approve(Set),
    Remember(Set),
    Deny,
}

/// How often a client may refresh a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Never,
    Times(u32),
    Unlimited,
}

/// One setting of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Scopes(Set),
    AddScope(usize),
    RemoveScope(usize),
    AccessLifetime(Millis),
    CodeLifetime(Millis),
    Refresh(Limit),
    RefreshLifetime(Millis),
    RefreshIdle(Millis),
    RequirePkce(bool),
    Remember(bool),
}

/// The selectors of `token list` and `token revoke`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) tokens: Vec<Token>,
    pub(crate) client: Option<Client>,
    pub(crate) owner: Option<Owner>,
    pub(crate) scope: Option<usize>,
    pub(crate) refresh_only: bool,
    pub(crate) access_only: bool,
    pub(crate) older_than: Option<Millis>,
    pub(crate) expired: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// The clock shows this, if it does not show more already.
    Clock(Millis),
    SignIn(Owner),
    SignOut(Owner),
    /// In this owner's browser; a form comes of it.
    Ask(Owner, Request),
    /// The form of a step is answered in this owner's browser.
    Answer(Owner, Step, Press),
    /// The request of a step is approved without a page.
    Silent(Owner, Step),
    Exchange {
        code: Step,
        client: Client,
        wrong: Wrong,
    },
    /// `scope` of none asks for nothing in particular.
    Refresh {
        token: Step,
        client: Client,
        scope: Set,
        wrong: Wrong,
    },
    Revoke {
        token: Token,
        client: Client,
        wrong: Wrong,
    },
    Introspect {
        token: Token,
        caller: Caller,
        wrong: Wrong,
    },
    Check {
        token: Step,
        service: usize,
    },
    TakeBack(Owner, Step),
    Forget(Owner, Step),
    Register(Client),
    DeleteClient(Client),
    EnableClient(Client, bool),
    UpdateClient(Client, Setting),
    /// With this overlap.
    RotateSecret(Client, Millis),
    AddOwner(Owner),
    DeleteOwner(Owner),
    EnableOwner(Owner, bool),
    /// A scope, and the services that it opens.
    DefineScope(usize, Set),
    UpdateScope(usize, Set),
    DeleteScope(usize),
    RevokeTokens {
        selector: Selector,
        dry_run: bool,
    },
    RevokeGrants(Vec<Step>),
    /// Removes what ended so long ago.
    Prune {
        keep: Millis,
        dry_run: bool,
    },
    /// A file in which this client is so, or is missing, and all else is as it is.
    Apply {
        client: Client,
        wanted: Option<Wanted>,
        prune: bool,
    },
    RegisterServer,
    DeleteServer,
    /// Server and command line start anew; it takes a millisecond.
    Restart,
    /// Everything that can be asked is asked and compared.
    Look,
}

/// What a file says about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) scopes: Set,
    pub(crate) enabled: bool,
    pub(crate) access_lifetime: Millis,
}

/// What is set for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    UntilSuccessorIsUsed,
    AtMost(Millis),
}

/// Operations, each with its step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) window: Window,
    pub(crate) steps: Vec<(Step, Op)>,
}

impl fmt::Display for History {
    /// As Rust, so that it can be kept in `known.rs` as it stands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "History {{ window: {:?}, steps: vec![", self.window)?;
        for (step, op) in &self.steps {
            writeln!(f, "    ({step}, {op:?}),")?;
        }
        write!(f, "] }}")
    }
}

/// The texts in which an answer is written down and compared.
pub(crate) mod words {
    use super::{Client, Millis, Owner, Set, Step, Token};

    pub(crate) fn tokens(scope: &str, lives: Millis, refresh: Option<Step>) -> String {
        format!("tokens for {lives} ms, scope {scope}, refresh token {refresh:?}")
    }

    pub(crate) fn active(scope: &str, client: &str, owner: &str, issued: Millis, expires: Millis) -> String {
        format!("active: {client} for {owner}, scope {scope}, from {issued} to {expires}")
    }

    pub(crate) fn allowed(client: &str, owner: &str, in_force: &str, grant: Step) -> String {
        format!("allowed: {client} for {owner}, scope {in_force}, grant {grant}")
    }

    pub(crate) fn tally(matched: usize, changed: usize) -> String {
        format!("{matched} matched, {changed} changed")
    }

    pub(crate) fn grant(
        step: Step,
        client: &str,
        owner: &str,
        scope: &str,
        state: (&str, u32, Option<(Millis, &str)>),
    ) -> String {
        let (state, refreshes, end) = state;
        format!(
            "grant {step}: {client} for {owner}, scope {scope}, {state}, {refreshes} refreshes, end {end:?}"
        )
    }

    pub(crate) fn token(
        token: Token,
        grant: Step,
        holders: (&str, &str),
        scope: &str,
        life: (Millis, Millis, &str),
    ) -> String {
        let ((client, owner), (issued, expires, state)) = (holders, life);
        format!(
            "{token:?}: grant {grant}, {client} for {owner}, scope {scope}, from {issued} to {expires}, {state}"
        )
    }

    pub(crate) fn client(client: Client, scopes: &str, enabled: bool) -> String {
        format!("client {}: scope {scopes}, enabled {enabled}", client.id())
    }

    pub(crate) fn scope(scope: usize, opens: Set) -> String {
        format!("scope {}: {opens:?}", super::SCOPES[scope])
    }

    pub(crate) fn approved(owner: Owner, grant: Step) -> String {
        format!("page of {}: grant {grant}", owner.username())
    }

    pub(crate) fn remembered(owner: Owner, approval: Step, scope: &str) -> String {
        format!(
            "page of {}: remembered {approval}, scope {scope}",
            owner.username()
        )
    }
}
