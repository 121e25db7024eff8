//! Who logs in where: from the options, the environment, the token file and the database.

use std::fs::File;
use std::io::Read;

use super::endpoint::ServerIssuer;
use super::tokens::Tokens;
use super::{Opts, SecretSource};
use crate::authorization_server::AdministrationError;
use crate::cli::context::Context;
use crate::cli::dev::control::issuer_beside;
use crate::cli::exit::CliError;
use crate::cli::parties::client::Credentials;
use crate::cli::{prompt, shell};
use crate::domain::client::{Client, ClientId, ClientSecret};
use crate::domain::owner::Username;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;

/// The variable that a client secret is taken from.
pub(super) const SECRET_VARIABLE: &str = "OAUTH_CLIENT_SECRET";

/// The variable that a resource owner's password is taken from: those of development servers are in the environment.
pub(super) const PASSWORD_VARIABLE: &str = "OAUTH_PASSWORD";

/// The variable that says whose the password is.
const OWNER_VARIABLE: &str = "OAUTH_USERNAME";

/// The variables that say whose the client secret is, and at which server all of them are good.
const CLIENT_VARIABLE: &str = "OAUTH_CLIENT_ID";
const ISSUER_VARIABLE: &str = "OAUTH_ISSUER";

/// What another server is sent where nothing is said.
const USUAL_REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// The longest line of a secret file, in bytes.
const LONGEST_SECRET: u64 = 4096;

/// Who logs in where.
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) issuer: ServerIssuer,
    pub(super) redirect_uri: RedirectUri,
    /// Whether any port will do, whatever the redirect URI says.
    pub(super) any_port: bool,
    /// Whether the server's database is the one of the settings, and can be looked into.
    pub(super) is_own: bool,
    /// Whether it is a development server, which remembers requests.
    pub(super) is_development: bool,
}

impl Asked {
    /// `old` is what the token file holds, where it is to be refreshed.
    pub(super) fn of(opts: &Opts, old: Option<&Tokens>, context: &Context<'_>) -> Result<Self, CliError> {
        let client = client(opts, old)?;
        let running = issuer_beside(&context.settings.database.path);
        let usage = |error: String| CliError::Usage(error);
        let usual = || {
            USUAL_REDIRECT_URI
                .parse::<RedirectUri>()
                .map_err(|error| usage(error.to_string()))
        };
        if let Some(old) = old {
            let issuer: ServerIssuer = old.issuer.parse().map_err(usage)?;
            // A refresh token is for the server that gave it, and for the client that it was given to.
            if opts.issuer.as_ref().is_some_and(|asked| *asked != issuer) {
                return Err(CliError::Usage(format!(
                    "the token file is of {issuer}, and --issuer or OAUTH_ISSUER names another server"
                )));
            }
            let is_beside = running.is_some();
            let own = running.or_else(|| context.issuer().ok());
            let at_hand = own.map(|own| known_here(Some(&issuer), own.as_str(), &client, context));
            let is_own = matches!(at_hand, Some(Ok(Some(_))));
            return Ok(Self {
                client,
                issuer,
                redirect_uri: usual()?,
                any_port: true,
                is_own,
                is_development: is_own && is_beside,
            });
        }
        let is_development = running.is_some();
        let own = match running {
            Some(issuer) => issuer,
            None => context.issuer()?,
        };
        let at_hand = known_here(opts.issuer.as_ref(), own.as_str(), &client, context)?;
        if let Some(issuer) = &opts.issuer
            && at_hand.is_none()
        {
            if let Some(given) = opts.redirect_uri.as_ref().filter(|_| !opts.owner.headless) {
                refuse_unheard(given, || {
                    format!(
                        "give one that is, such as {USUAL_REDIRECT_URI}, where {client} has it registered"
                    )
                })?;
            }
            return Ok(Self {
                client,
                issuer: issuer.clone(),
                redirect_uri: opts.redirect_uri.clone().map_or_else(usual, Ok)?,
                any_port: opts.owner.headless,
                is_own: false,
                is_development: false,
            });
        }
        let registered = match at_hand {
            Some(registered) => registered,
            None => context.server()?.client(&client)?,
        };
        refuse_disabled(&registered)?;
        Ok(Self {
            client,
            issuer: own.as_str().parse().map_err(usage)?,
            redirect_uri: match &opts.redirect_uri {
                Some(given) => registered_as(given, &registered, opts.owner.headless)?,
                None => registered_redirect_uri(&registered, opts.owner.headless)?,
            },
            // This server does not mind the port.
            any_port: opts.redirect_uri.is_none(),
            is_own: true,
            is_development,
        })
    }
}

fn client(opts: &Opts, old: Option<&Tokens>) -> Result<ClientId, CliError> {
    let of_file = old.and_then(|old| old.client_id.parse::<ClientId>().ok());
    match (&opts.client, of_file) {
        (Some(given), Some(known)) if *given != known => Err(CliError::Usage(format!(
            "the token file is of the client `{known}`, and `{given}` is asked for"
        ))),
        (Some(given), _) => Ok(given.clone()),
        (None, Some(known)) => Ok(known),
        (None, None) => Err(CliError::Usage(
            "say which client: `oauthctl login CLIENT`; `oauthctl client list` shows those that are registered. For a \
             development server set its variables first, as it says at its start"
                .to_owned(),
        )),
    }
}

/// The client, where the issuer that is named is the one of the settings and its database is there, as with the variables of
/// a development server. Nothing is made where there is none: the server may be somebody else's. So it may where the
/// database cannot be looked into, or knows no clients at all.
fn known_here(
    named: Option<&ServerIssuer>,
    own: &str,
    client: &ClientId,
    context: &Context<'_>,
) -> Result<Option<Client>, CliError> {
    let is_named = named.is_some_and(|named| named.as_str() == own);
    if !is_named || !context.settings.database.path.exists() {
        return Ok(None);
    }
    let Ok(server) = context.server() else {
        return Ok(None);
    };
    match server.client(client) {
        Ok(found) => Ok(Some(found)),
        Err(error @ AdministrationError::NotFound { .. })
            if server.clients().is_ok_and(|all| !all.is_empty()) =>
        {
            Err(error.into())
        }
        Err(_) => Ok(None),
    }
}

/// Before anybody is asked: the server would say so to the resource owner only.
fn refuse_disabled(client: &Client) -> Result<(), CliError> {
    if client.enabled {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "`{id}` is disabled; `oauthctl client enable {id}` lets it in again",
        id = shell::word(client.id.as_str())
    )))
}

/// Nobody on this machine would hear an answer that is sent elsewhere.
fn refuse_unheard(given: &RedirectUri, mend: impl FnOnce() -> String) -> Result<(), CliError> {
    if given.is_loopback_http() {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "the answer cannot be waited for at {given} (--redirect-uri or OAUTH_REDIRECT_URI), which is not `http` on this \
         machine; {}",
        mend()
    )))
}

/// The one that was given, where the client has it: or else nobody would come back from the error page of the server.
fn registered_as(given: &RedirectUri, client: &Client, any: bool) -> Result<RedirectUri, CliError> {
    let uris = &client.settings.redirect_uris;
    if !any {
        refuse_unheard(given, || match uris.iter().find(|uri| uri.is_loopback_http()) {
            Some(other) => format!("`{}` has registered {other}: give that", client.id),
            None => format!(
                "`oauthctl client update {} --add-redirect-uri {USUAL_REDIRECT_URI}` adds one that is",
                shell::word(client.id.as_str())
            ),
        })?;
    }
    if uris.iter().any(|uri| uri.matches(given.as_str())) {
        return Ok(given.clone());
    }
    let known: Vec<&str> = uris.iter().map(RedirectUri::as_str).collect();
    Err(CliError::Usage(format!(
        "`{id}` has not registered {given}, but {}; `oauthctl client update {id} --add-redirect-uri {}` adds it",
        known.join(", "),
        shell::word(given.as_str()),
        id = shell::word(client.id.as_str())
    )))
}

/// One that can be listened on; without a browser any will do.
fn registered_redirect_uri(client: &Client, any: bool) -> Result<RedirectUri, CliError> {
    let uris = &client.settings.redirect_uris;
    let on_loopback = uris.iter().find(|uri| uri.is_loopback_http());
    let found = on_loopback.or_else(|| uris.first().filter(|_| any));
    found.cloned().ok_or_else(|| {
        CliError::Usage(format!(
            "`{id}` has no redirect URI on this machine, where the answer could be waited for; \
             `oauthctl client update {id} --add-redirect-uri http://127.0.0.1/callback` adds one",
            id = shell::word(client.id.as_str())
        ))
    })
}

/// The client secret; none where the client has none.
pub(super) fn secret(
    source: &SecretSource,
    client: &ClientId,
    issuer: &ServerIssuer,
    context: &Context<'_>,
) -> Result<Option<Credentials>, CliError> {
    let text = if source.public {
        return Ok(None);
    } else if source.secret_stdin {
        prompt::line_of_stdin("secret")?
    } else if let Some(path) = &source.secret_file {
        let doing = || format!("read {}", path.display());
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST_SECRET).read_to_string(&mut text))
            .map_err(CliError::io(doing()))?;
        let line = text.lines().next().unwrap_or_default().trim_end().to_owned();
        if line.is_empty() {
            return Err(CliError::Usage(format!(
                "there is no secret in {}",
                path.display()
            )));
        }
        line
    } else if let Some(text) = variable(SECRET_VARIABLE).filter(|_| is_of(ISSUER_VARIABLE, issuer.as_str())) {
        text
    } else if context.may_ask {
        prompt::password(&format!("Secret of {client}"))?
    } else {
        return Err(CliError::Usage(format!(
            "the secret of `{client}` is missing; give --secret-file or --secret-stdin, or set {SECRET_VARIABLE}{}",
            of_another(SECRET_VARIABLE)
        )));
    };
    Ok(Some(Credentials {
        id: client.clone(),
        secret: ClientSecret::presented(&text),
    }))
}

/// What a variable of the environment holds, if anything.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Whether the variables may be about this client, owner or server: `name` says so, or says nothing. Those of a development
/// server are in the environment together, and what is secret in them is for nobody else.
fn is_of(name: &str, this: &str) -> bool {
    variable(name).is_none_or(|text| text == this)
}

/// Why the variable of that name was not taken, if it is there.
fn of_another(name: &str) -> String {
    variable(name).map_or_else(String::new, |_| {
        format!("; the one that is set is for the server that {ISSUER_VARIABLE} names")
    })
}

/// Who signs in.
pub(super) fn owner(given: Option<&Username>) -> Result<Username, CliError> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let name = variable(OWNER_VARIABLE).ok_or_else(|| {
        CliError::Usage(format!(
            "--owner is missing: who signs in? Give --owner NAME, or set {OWNER_VARIABLE}"
        ))
    })?;
    name.parse()
        .map_err(|error| CliError::Usage(format!("{OWNER_VARIABLE}: {error}")))
}

/// The password of the resource owner.
pub(super) fn password(
    is_on_stdin: bool,
    owner: &Username,
    issuer: &ServerIssuer,
    context: &Context<'_>,
) -> Result<String, CliError> {
    // The one in the environment is of the owner there, at the server there.
    let is_theirs = is_of(OWNER_VARIABLE, owner.as_str()) && is_of(ISSUER_VARIABLE, issuer.as_str());
    if is_on_stdin {
        prompt::line_of_stdin("password")
    } else if let Some(text) = variable(PASSWORD_VARIABLE).filter(|_| is_theirs) {
        Ok(text)
    } else if context.may_ask {
        prompt::password(&format!("Password of {owner}"))
    } else {
        Err(prompt::missing("--password-stdin"))
    }
}

/// What is asked for, as the parameter is written: the option, else the variable where that is about this client.
pub(super) fn scope(given: &[ScopeSet], client: &ClientId) -> Result<Option<String>, CliError> {
    if !given.is_empty() {
        let all: ScopeSet = given.iter().flat_map(|set| set.iter().cloned()).collect();
        return Ok(Some(all.to_string()));
    }
    if !is_of(CLIENT_VARIABLE, client.as_str()) {
        return Ok(None);
    }
    let Some(text) = variable("OAUTH_SCOPE") else {
        return Ok(None);
    };
    match text.parse::<ScopeSet>() {
        Ok(all) => Ok(Some(all.to_string())),
        Err(error) => Err(CliError::Usage(format!("OAUTH_SCOPE: {error}"))),
    }
}
