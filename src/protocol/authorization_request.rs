//! The authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3), validated in the contract's order.

use crate::domain::client::{Client, ClientId};
use crate::domain::pkce::CodeChallenge;
use crate::domain::redirect_uri::{AcceptedRedirectUri, RedirectUri};
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::parameters::{Flaw, Parameters};
use crate::protocol::prompt::{self, LOGIN_HINT, MAX_AGE, PROMPT, Prompting};
use crate::protocol::resource_indicators::{self, RESOURCE};

/// The parameters that the authorization endpoint knows.
pub const KNOWN: [&str; 12] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    RESOURCE,
    PROMPT,
    MAX_AGE,
    LOGIN_HINT,
];

/// The longest request, in bytes as it came: it travels in a query again after sign-in, within the bound for a request
/// target.
pub const LONGEST_REQUEST: usize = 7 * 1024;

/// A request that a resource owner may be asked about.
#[derive(Debug, Clone)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Client,
    /// Where the answer goes.
    pub redirect_uri: AcceptedRedirectUri,
    /// Whether the request named the redirect URI, or left it to the registration.
    pub redirect_uri_was_sent: bool,
    /// What is asked for; all the client's scopes where nothing was.
    pub scope: ScopeSet,
    /// Where the tokens are to be used (RFC 8707); nowhere in particular where nothing was asked for.
    pub resources: ResourceSet,
    /// To be sent back as it came.
    pub state: Option<String>,
    /// The PKCE challenge.
    pub code_challenge: Option<CodeChallenge>,
    /// How the resource owner is to be asked.
    pub prompting: Prompting,
}

/// Why a request is refused, and how: the type says whether redirecting is safe.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// By a page, because it is not known where the browser may be sent.
    Page(PageRefusal),
    /// By a redirect to the client.
    Redirect(RedirectRefusal),
}

/// Why the browser may not be redirected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRefusal {
    /// It has more than [`LONGEST_REQUEST`] bytes: so many.
    TooLong(usize),
    /// There is no `client_id`.
    NoClientId,
    /// `client_id` or `redirect_uri` is repeated or not text.
    Flawed(&'static str, Flaw),
    /// Nobody is registered under this identifier.
    UnknownClient(String),
    /// The client is disabled.
    DisabledClient(ClientId),
    /// There is no `redirect_uri`, and several are registered.
    NoRedirectUri {
        /// Who asked.
        client: ClientId,
        /// What is registered.
        registered: Vec<RedirectUri>,
    },
    /// The `redirect_uri` is not registered.
    UnregisteredRedirectUri {
        /// Who asked.
        client: ClientId,
        /// What was sent.
        sent: String,
        /// What is registered.
        registered: Vec<RedirectUri>,
    },
}

impl PageRefusal {
    /// The registered client that the request says it comes from.
    pub fn client(&self) -> Option<&ClientId> {
        match self {
            Self::TooLong(_) | Self::NoClientId | Self::Flawed(..) | Self::UnknownClient(_) => None,
            Self::DisabledClient(client)
            | Self::NoRedirectUri { client, .. }
            | Self::UnregisteredRedirectUri { client, .. } => Some(client),
        }
    }
}

/// An error that goes back to the client.
#[derive(Debug, Clone)]
pub struct RedirectRefusal {
    /// The client that the request says it comes from.
    pub client: ClientId,
    /// Where the answer goes.
    pub redirect_uri: AcceptedRedirectUri,
    /// What is wrong.
    pub error: AuthorizationError,
    /// To be sent back as it came.
    pub state: Option<String>,
}

/// Refuses what is too long, before anything in it is looked at.
pub fn length(raw: &str) -> Result<(), PageRefusal> {
    if raw.len() > LONGEST_REQUEST {
        return Err(PageRefusal::TooLong(raw.len()));
    }
    Ok(())
}

/// The `client_id` to look up, before anything else is validated.
pub fn client_id(parameters: &Parameters) -> Result<ClientId, PageRefusal> {
    if let Some(flaw) = parameters.flaw("client_id") {
        return Err(PageRefusal::Flawed("client_id", flaw));
    }
    let text = parameters.get("client_id").ok_or(PageRefusal::NoClientId)?;
    text.parse()
        .map_err(|_| PageRefusal::UnknownClient(text.to_owned()))
}

/// Validates everything after the look-up of the client. `registered` are the resources that may be asked for.
///
/// # Errors
/// What concerns the client or the redirect URI is refused by a page; everything after that by a redirect.
pub fn validate(
    parameters: &Parameters,
    client: Option<Client>,
    registered: &ResourceSet,
) -> Result<AuthorizationRequest, Refusal> {
    let page = Refusal::Page;
    let id = client_id(parameters).map_err(page)?;
    let client = client.ok_or_else(|| page(PageRefusal::UnknownClient(id.to_string())))?;
    if !client.enabled {
        return Err(page(PageRefusal::DisabledClient(client.id)));
    }
    let (redirect_uri, redirect_uri_was_sent) = redirect_uri(parameters, &client).map_err(page)?;
    let state = parameters.get("state").map(str::to_owned);
    match after_redirect_uri(parameters, &client, registered) {
        Ok(rest) => Ok(AuthorizationRequest {
            client,
            redirect_uri,
            redirect_uri_was_sent,
            scope: rest.scope,
            resources: rest.resources,
            state,
            code_challenge: rest.code_challenge,
            prompting: rest.prompting,
        }),
        Err(error) => Err(Refusal::Redirect(RedirectRefusal {
            client: client.id,
            redirect_uri,
            error,
            state,
        })),
    }
}

/// "If multiple redirection URIs have been registered … the client MUST include a redirection URI" (§3.1.2.3).
pub(super) fn redirect_uri(
    parameters: &Parameters,
    client: &Client,
) -> Result<(AcceptedRedirectUri, bool), PageRefusal> {
    if let Some(flaw) = parameters.flaw("redirect_uri") {
        return Err(PageRefusal::Flawed("redirect_uri", flaw));
    }
    let registered = &client.settings.redirect_uris;
    let (sent, was_sent) = match (parameters.get("redirect_uri"), registered.as_slice()) {
        (Some(sent), _) => (sent, true),
        (None, [only]) => (only.as_str(), false),
        (None, _) => {
            return Err(PageRefusal::NoRedirectUri {
                client: client.id.clone(),
                registered: registered.clone(),
            });
        }
    };
    match registered.iter().find_map(|uri| uri.accept(sent)) {
        Some(accepted) => Ok((accepted, was_sent)),
        None => Err(PageRefusal::UnregisteredRedirectUri {
            client: client.id.clone(),
            sent: sent.to_owned(),
            registered: registered.clone(),
        }),
    }
}

/// What comes after the redirect URI.
struct Rest {
    scope: ScopeSet,
    resources: ResourceSet,
    code_challenge: Option<CodeChallenge>,
    prompting: Prompting,
}

fn after_redirect_uri(
    parameters: &Parameters,
    client: &Client,
    registered: &ResourceSet,
) -> Result<Rest, AuthorizationError> {
    use AuthorizationErrorCode::{InvalidRequest, UnsupportedResponseType};
    let refuse = |code, description: &str| Err(AuthorizationError::new(code, description));
    if let Some((name, flaw)) = parameters.first_flaw() {
        return refuse(InvalidRequest, &format!("{name} {flaw}"));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        None => return refuse(InvalidRequest, "response_type is missing; it must be code"),
        Some(_) => return refuse(UnsupportedResponseType, "response_type must be code"),
    }
    if parameters
        .get("response_mode")
        .is_some_and(|mode| mode != "query")
    {
        return refuse(InvalidRequest, "response_mode must be query, or left out");
    }
    let code_challenge = code_challenge(parameters, client)?;
    let scope = scope(parameters, client)?;
    let resources = resource_indicators::asked(parameters)?;
    resource_indicators::refuse_unregistered(&resources, registered)?;
    Ok(Rest {
        scope,
        resources,
        code_challenge,
        prompting: prompt::asked(parameters)?,
    })
}

/// S256 is required: `plain`, which is also what a challenge without a method means, is refused (RFC 9700 §2.1.1).
pub(super) fn code_challenge(
    parameters: &Parameters,
    client: &Client,
) -> Result<Option<CodeChallenge>, AuthorizationError> {
    let refuse = |description| {
        Err(AuthorizationError::new(
            AuthorizationErrorCode::InvalidRequest,
            description,
        ))
    };
    match (
        parameters.get("code_challenge"),
        parameters.get("code_challenge_method"),
    ) {
        (Some(challenge), Some("S256")) => match CodeChallenge::parse(challenge) {
            Some(challenge) => Ok(Some(challenge)),
            None => refuse("code_challenge must be the base64url of a SHA-256: 43 characters"),
        },
        (Some(_), _) => refuse("code_challenge_method must be S256"),
        (None, Some(_)) => refuse("code_challenge is missing"),
        (None, None) if client.settings.require_pkce => {
            refuse("code_challenge is missing: this client must use PKCE with S256")
        }
        (None, None) => Ok(None),
    }
}

pub(super) fn scope(parameters: &Parameters, client: &Client) -> Result<ScopeSet, AuthorizationError> {
    let refuse = |description: &str| {
        Err(AuthorizationError::new(
            AuthorizationErrorCode::InvalidScope,
            description,
        ))
    };
    let allowed = &client.settings.scopes;
    let Some(asked) = parameters.get("scope") else {
        return if allowed.is_empty() {
            refuse("this client has no scopes")
        } else {
            Ok(allowed.clone())
        };
    };
    let asked: ScopeSet = match asked.parse() {
        Ok(asked) => asked,
        Err(error) => return refuse(&format!("scope: {error}")),
    };
    if asked.is_empty() {
        return refuse("scope holds no scope token");
    }
    if let Some(token) = asked.iter().find(|token| !allowed.contains(token)) {
        return refuse(&format!(
            "the scope {token} does not exist, or this client may not have it"
        ));
    }
    Ok(asked)
}

impl AuthorizationRequest {
    /// Whether it may be answered without a page, given that the resource owner approved it before.
    ///
    /// Nobody looks at such an answer, so the client must be able to tell it from one that somebody else began, by
    /// `state` or PKCE (RFC 9700 §2.1); and the redirect URI must be registered as it is: at another port of a loopback
    /// address there may be another program (RFC 8252 §8.6).
    pub fn may_be_silent(&self) -> bool {
        let registered = &self.client.settings.redirect_uris;
        (self.state.is_some() || self.code_challenge.is_some())
            && registered
                .iter()
                .any(|uri| uri.as_str() == self.redirect_uri.as_str())
    }

    /// The authorization response (RFC 6749 §4.1.2) with `iss` (RFC 9207 §2).
    pub fn response(&self, code: &str, issuer: &str) -> String {
        respond(
            &self.redirect_uri,
            &[("code", code)],
            self.state.as_deref(),
            issuer,
        )
    }

    /// The same request, refused.
    pub fn refuse(&self, error: AuthorizationError) -> RedirectRefusal {
        RedirectRefusal {
            client: self.client.id.clone(),
            redirect_uri: self.redirect_uri.clone(),
            error,
            state: self.state.clone(),
        }
    }
}

impl RedirectRefusal {
    /// The error response (RFC 6749 §4.1.2.1) with `iss` (RFC 9207 §2).
    pub fn response(&self, issuer: &str) -> String {
        let parameters = [
            ("error", self.error.code.as_str()),
            ("error_description", self.error.description.as_str()),
        ];
        respond(&self.redirect_uri, &parameters, self.state.as_deref(), issuer)
    }
}

fn respond(
    to: &AcceptedRedirectUri,
    parameters: &[(&str, &str)],
    state: Option<&str>,
    issuer: &str,
) -> String {
    let mut all = parameters.to_vec();
    all.extend(state.map(|state| ("state", state)));
    all.push(("iss", issuer));
    to.with_parameters(&all)
}
