//! What each page shows: plain text in, as it is. Escaping and isolating is the templates' part.

use serde::Serialize;

/// A hidden field of a form. The value is sent back exactly as it is here.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct HiddenField {
    /// The field's name.
    pub name: String,
    /// The field's value.
    pub value: String,
}

/// The value is left out: it is what makes a form unguessable.
impl std::fmt::Debug for HiddenField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HiddenField")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The client that asks for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientView {
    /// The name under which the client is registered.
    pub name: String,
    /// What the client is registered to be for.
    pub description: Option<String>,
    /// The origin of the redirect URI (`https://orders.example.com`): where the browser goes afterwards.
    pub return_to: String,
}

/// A form with one button that signs the resource owner out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignOut {
    /// Where the form is posted to.
    pub action: String,
    /// The hidden fields that the form carries.
    pub hidden: Vec<HiddenField>,
}

/// The sign-in page: fields `username` and `password`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignIn {
    /// Where the form is posted to.
    pub action: String,
    /// The hidden fields that the form carries.
    pub hidden: Vec<HiddenField>,
    /// The client for which the resource owner signs in; none on the way to the account page.
    pub client: Option<ClientView>,
    /// The username that stands in the field already; may be empty.
    pub username: String,
    /// Why the last attempt was refused.
    pub error: Option<String>,
}

/// One scope of an authorization request, and what it opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeView {
    /// The scope token; the value of the checkbox.
    pub scope: String,
    /// What the scope allows, in words that complete "wants to:". Where it is empty, the scope token stands instead.
    pub description: String,
    /// The folders that the scope opens.
    pub folders: Vec<String>,
    /// The services that the scope opens.
    pub services: Vec<String>,
    /// The routes that the scope opens, as `METHOD /path` or `/path`.
    pub routes: Vec<String>,
}

/// The approval page: a checkbox `scope` a scope, buttons `decision=deny` and `decision=approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// Where the form is posted to.
    pub action: String,
    /// The hidden fields that the form carries.
    pub hidden: Vec<HiddenField>,
    /// The client that asks.
    pub client: ClientView,
    /// The username of the resource owner who is signed in.
    pub username: String,
    /// What the client asks for.
    pub scopes: Vec<ScopeView>,
    /// The resources where the client wants to use its access; none where it may use it everywhere.
    pub resources: Vec<String>,
    /// How long an access token lives, in words (`1 hour`).
    pub access_for: String,
    /// The value of the checkbox `remember`, by which the resource owner need not be asked again for what they approve;
    /// none where they always are.
    pub remember: Option<String>,
    /// How long the client can renew its access, in words (`30 days`); none where it gets no refresh token.
    pub refresh: Option<String>,
    /// Where the resource owner can take the approval back.
    pub account_url: String,
    /// The form for somebody else to sign in.
    pub sign_out: SignOut,
}

/// A labelled list of values, such as the redirect URIs that are registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// What the values are.
    pub label: String,
    /// The values.
    pub values: Vec<String>,
}

/// The page for a request that cannot be sent back to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorPage {
    /// The HTTP status with which the page is sent.
    pub status: u16,
    /// What happened, in a few words.
    pub headline: String,
    /// What happened, in a sentence or two.
    pub explanation: String,
    /// Whose fault it probably is.
    pub fault: String,
    /// What the reader can do.
    pub advice: String,
    /// What a developer needs to see; empty where it may not be told.
    pub details: Vec<Detail>,
    /// The parameter with the value that the client probably means.
    pub instead: Option<String>,
    /// A command, in one line, that an administrator can run to mend it.
    pub command: Option<String>,
    /// Whether the command mends nothing, and only shows what there is.
    pub command_shows: bool,
    /// A command, in one line, that tells more of the request. Only a development server remembers it.
    pub explain: Option<String>,
    /// What the request is called in the log.
    pub request_id: String,
}

/// One approval by the resource owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantView {
    /// The ID by which an administrator knows the grant.
    pub grant_id: String,
    /// The name of the client.
    pub client: String,
    /// What is allowed, with what it opens now.
    pub scopes: Vec<ScopeView>,
    /// The resources where the client may use its access; none where it may use it everywhere.
    pub resources: Vec<String>,
    /// When it was approved, in words (`on 2026-05-03`).
    pub since: String,
    /// When the client last used it, in words; none where it has not.
    pub last_used: Option<String>,
    /// When it ends by itself, at the latest, in words.
    pub until: String,
    /// Where the form that takes it back is posted to.
    pub action: String,
    /// The hidden fields of that form.
    pub hidden: Vec<HiddenField>,
}

/// One approval that the resource owner is not asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RememberedView {
    /// The name of the client.
    pub client: String,
    /// What is allowed, with what it opens now.
    pub scopes: Vec<ScopeView>,
    /// The resources where the client may use its access; none where it may use it everywhere.
    pub resources: Vec<String>,
    /// When it was approved, in words (`on 2026-05-03`).
    pub since: String,
    /// Where the form is posted to that has the client ask again.
    pub action: String,
    /// The hidden fields of that form.
    pub hidden: Vec<HiddenField>,
}

/// The form that changes the password: fields `old_password`, `new_password` and `new_password_again`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PasswordForm {
    /// Where the form is posted to.
    pub action: String,
    /// The hidden fields that the form carries.
    pub hidden: Vec<HiddenField>,
    /// The fewest characters of a new password.
    pub shortest: usize,
    /// Why the last attempt was refused.
    pub error: Option<String>,
    /// The name of the field that is to blame for it; empty where none is.
    pub wrong: &'static str,
}

/// The account page: what the resource owner has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The username of the resource owner who is signed in.
    pub username: String,
    /// What has just been done, in a sentence.
    pub notice: Option<String>,
    /// The approvals that are in force.
    pub grants: Vec<GrantView>,
    /// The approvals that are remembered.
    pub remembered: Vec<RememberedView>,
    /// The form that changes the password.
    pub password: PasswordForm,
    /// The form that signs out.
    pub sign_out: SignOut,
    /// The form that signs out of every browser.
    pub sign_out_everywhere: SignOut,
}

/// The page after signing out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SignedOut {
    /// Where the resource owner can sign in again.
    pub account_url: String,
}

/// What became of the answer that a browser brings to `login`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginAnswer {
    /// It has a code.
    Approved,
    /// It has an error.
    Refused,
    /// It cannot be believed or understood.
    Unusable,
    /// Its state is none that was sent.
    Foreign,
    /// There was one already.
    Repeated,
}

/// The page of the demo's client, to which the authorization server redirects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DemoClient {
    /// The name of the client.
    pub client: String,
    /// How far the client has come.
    pub step: DemoStep,
    /// Where the flow starts over.
    pub again_url: Option<String>,
}

/// How far the demo's client has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DemoStep {
    /// The redirect brought an authorization code.
    Received {
        /// The authorization code, shortened by the caller.
        code: String,
        /// Whether `state` is the one that was sent.
        state_matches: bool,
        /// The `iss` of the redirect (RFC 9207).
        issuer: String,
        /// Whether `iss` is the expected issuer.
        issuer_matches: bool,
        /// Where the form that exchanges the code is posted to.
        action: String,
        /// The hidden fields of that form.
        hidden: Vec<HiddenField>,
    },
    /// The token endpoint answered with tokens.
    Exchanged {
        /// The members of the answer in their order, with secrets shortened by the caller.
        answer: Vec<Detail>,
    },
    /// The redirect or the token endpoint brought an error.
    Refused {
        /// The error code, such as `access_denied`.
        error: String,
        /// The `error_description`.
        description: Option<String>,
    },
}
