//! Who logs in where: from the options, the environment, the token file and the database.

use std::fs::File;
use std::io::Read;

use super::endpoint::ServerIssuer;
use super::tokens::Tokens;
use super::{Opts, SecretSource};
use crate::cli::at_hand::{self, OwnServer, USUAL_REDIRECT_URI};
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::parties::client::Credentials;
use crate::cli::{prompt, shell, variables};
use crate::domain::client::{Client, ClientId, ClientSecret};
use crate::domain::owner::Username;
use crate::domain::redirect_uri::RedirectUri;

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
        let named = match &opts.issuer {
            Some(issuer) => Some(issuer.clone()),
            None => variables::read(variables::ISSUER)?,
        };
        let usage = |error: String| CliError::Usage(error);
        if let Some(old) = old {
            let issuer: ServerIssuer = old.issuer.parse().map_err(usage)?;
            // A refresh token is for the server that gave it, and for the client that it was given to.
            if named.is_some_and(|named| named != issuer) {
                return Err(CliError::Usage(format!(
                    "the token file is of {issuer}, and --issuer or {} names another server",
                    variables::ISSUER
                )));
            }
            let own = OwnServer::of(context).ok();
            let own = own.filter(|own| matches!(own.client(issuer.as_str(), &client, context), Ok(Some(_))));
            return Ok(Self {
                client,
                issuer,
                redirect_uri: at_hand::usual_redirect_uri()?,
                any_port: true,
                is_own: own.is_some(),
                is_development: own.is_some_and(|own| own.is_development),
            });
        }
        let given = variables::redirect_uri(opts.redirect_uri.as_ref(), &client)?;
        let own = OwnServer::of(context)?;
        let or_scope = |error| at_hand::or_scope(error, &opts.scope, &client, context);
        let registered = match &named {
            None => {
                let found = context.server()?.client(&client);
                found.map_err(|error| or_scope(error.into()))?
            }
            Some(issuer) => match own.client(issuer.as_str(), &client, context).map_err(or_scope)? {
                Some(registered) => registered,
                None => return Self::elsewhere(client, issuer, given, opts),
            },
        };
        refuse_disabled(&registered)?;
        Ok(Self {
            client,
            issuer: own.issuer.as_str().parse().map_err(usage)?,
            // This server does not mind the port.
            any_port: given.is_none(),
            redirect_uri: match given {
                Some(given) => registered_as(given, &registered, opts.owner.headless)?,
                None => registered_redirect_uri(&registered, opts.owner.headless)?,
            },
            is_own: true,
            is_development: own.is_development,
        })
    }

    /// At a server of which only its metadata is known.
    fn elsewhere(
        client: ClientId,
        issuer: &ServerIssuer,
        given: Option<RedirectUri>,
        opts: &Opts,
    ) -> Result<Self, CliError> {
        if let Some(given) = given.as_ref().filter(|_| !opts.owner.headless) {
            refuse_unheard(given, || {
                format!("give one that is, such as {USUAL_REDIRECT_URI}, where {client} has it registered")
            })?;
        }
        Ok(Self {
            client,
            issuer: issuer.clone(),
            redirect_uri: given.map_or_else(at_hand::usual_redirect_uri, Ok)?,
            any_port: opts.owner.headless,
            is_own: false,
            is_development: false,
        })
    }
}

fn client(opts: &Opts, old: Option<&Tokens>) -> Result<ClientId, CliError> {
    let of_file = old.and_then(|old| old.client_id.parse::<ClientId>().ok());
    let given = match &opts.client {
        Some(given) => Some(given.clone()),
        None => variables::read(variables::CLIENT)?,
    };
    match (given, of_file) {
        (Some(given), Some(known)) if given != known => Err(CliError::Usage(format!(
            "the token file is of the client `{known}`, and `{given}` is asked for"
        ))),
        (Some(given), _) => Ok(given),
        (None, Some(known)) => Ok(known),
        (None, None) => Err(CliError::Usage(
            "say which client: `oauthctl login CLIENT`; `oauthctl client list` shows those that are registered. For a \
             development server set its variables first, as it says at its start"
                .to_owned(),
        )),
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
fn registered_as(given: RedirectUri, client: &Client, any: bool) -> Result<RedirectUri, CliError> {
    let uris = &client.settings.redirect_uris;
    if !any {
        refuse_unheard(&given, || match uris.iter().find(|uri| uri.is_loopback_http()) {
            Some(other) => format!("`{}` has registered {other}: give that", client.id),
            None => format!(
                "`oauthctl client update {} --add-redirect-uri {USUAL_REDIRECT_URI}` adds one that is",
                shell::word(client.id.as_str())
            ),
        })?;
    }
    if uris.iter().any(|uri| uri.matches(given.as_str())) {
        return Ok(given);
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
             `oauthctl client update {id} --add-redirect-uri {USUAL_REDIRECT_URI}` adds one",
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
    } else if let Some(text) = variables::text(variables::SECRET)
        .filter(|_| variables::may_be_of(variables::ISSUER, issuer.as_str()))
        .filter(|_| variables::may_be_of(variables::CLIENT, client.as_str()))
    {
        text
    } else if context.may_ask {
        prompt::password(&format!("Secret of {client}"))?
    } else {
        return Err(CliError::Usage(format!(
            "the secret of `{client}` is missing; give --secret-file or --secret-stdin, or set {}{}",
            variables::SECRET,
            of_another(client)
        )));
    };
    Ok(Some(Credentials {
        id: client.clone(),
        secret: ClientSecret::presented(&text),
    }))
}

/// Why the secret of the environment was not taken, if there is one.
fn of_another(client: &ClientId) -> String {
    let told = if variables::text(variables::SECRET).is_none() {
        return String::new();
    } else if variables::may_be_of(variables::CLIENT, client.as_str()) {
        ("server", variables::ISSUER)
    } else {
        ("client", variables::CLIENT)
    };
    let (what, name) = told;
    format!("; the one that is set is for the {what} that {name} names")
}

/// Who signs in.
pub(super) fn owner(given: Option<&Username>) -> Result<Username, CliError> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    variables::read(variables::OWNER)?.ok_or_else(|| {
        CliError::Usage(format!(
            "--owner is missing: who signs in? Give --owner NAME, or set {}",
            variables::OWNER
        ))
    })
}

/// The password of the resource owner; none at a development server that need not be told one.
pub(super) fn password(
    is_on_stdin: bool,
    owner: &Username,
    asked: &Asked,
    context: &Context<'_>,
) -> Result<Option<String>, CliError> {
    if is_on_stdin {
        return prompt::line_of_stdin("password").map(Some);
    }
    // The one in the environment is of the owner there, at the server there.
    let is_theirs = variables::may_be_of(variables::OWNER, owner.as_str())
        && variables::may_be_of(variables::ISSUER, asked.issuer.as_str());
    if let Some(text) = variables::text(variables::PASSWORD).filter(|_| is_theirs) {
        return Ok(Some(text));
    }
    // A button does it, whoever it is.
    if asked.is_development {
        return Ok(None);
    }
    if context.may_ask {
        return prompt::password(&format!("Password of {owner}")).map(Some);
    }
    Err(prompt::missing("--password-stdin"))
}
