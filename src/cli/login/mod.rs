//! `login`: the whole authorization code grant from the terminal, as a client of this server or of any other.
//!
//! | file | what it holds |
//! |---|---|
//! | `asked` | who logs in where: from options, environment, token file and database |
//! | `endpoint`, `metadata` | the server: its issuer, and what it says about itself |
//! | `receiver`, `browser` | where the browser brings the answer, and how it is opened |
//! | `answer` | whether an authorization response is to be believed |
//! | `tokens` | the token response, and the file that it is kept in |

mod answer;
mod asked;
mod browser;
mod endpoint;
mod metadata;
mod receiver;
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use self::answer::Expected;
use self::asked::Asked;
use self::endpoint::ServerIssuer;
use self::metadata::{Authentication, Metadata};
use self::receiver::Answered;
use self::tokens::{TokenFile, Tokens};
use super::complete;
use super::context::Context;
use super::dev::control::clock_beside;
use super::exit::CliError;
use super::output::OutputFormat;
use super::parties::client::{Credentials, SentRequest, url};
use super::parties::http_client::{Answer, HttpClient};
use super::parties::resource_owner::{Decision, ErrorPage, ResourceOwner};
use super::{shell, variables};
use crate::clock::{Clock, SystemClock};
use crate::domain::client::ClientId;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;
use crate::domain::span::Span;
use crate::domain::token::TokenValue;
use crate::protocol::parameters::Parameters;

#[derive(Debug, Args)]
// Beside a mistake the library would take for required whatever was given.
#[command(override_usage = "oauthctl login [OPTIONS] [CLIENT]")]
#[command(after_help = "Examples:\n  \
    oauthctl login orders-web --secret-file orders-web.secret\n  \
    oauthctl login orders-web --secret-file orders-web.secret --token-file tokens.json\n  \
    oauthctl login --refresh --token-file tokens.json --secret-file orders-web.secret\n  \
    oauthctl login orders-web --secret-file orders-web.secret \\\n    \
    --headless --owner alice --password-stdin <password.txt\n  \
    oauthctl login app --issuer https://id.example.com --redirect-uri http://127.0.0.1/callback\n\n\
    The secret comes from --secret-file, --secret-stdin or the variable OAUTH_CLIENT_SECRET;\n\
    on a terminal it is asked for; the password likewise, from OAUTH_PASSWORD, but for those who have a button at a\n\
    development server. Certificates are judged by what the system trusts, or by\n\
    the file that the variable SSL_CERT_FILE names.")]
pub(super) struct Opts {
    // Variables are read by hand: they are about one client, and about no other.
    #[arg(help = "Who asks for authorization [env: OAUTH_CLIENT_ID] [default: the one in the token file]")]
    #[arg(value_name = "CLIENT", add = complete::any_of(&[complete::Kind::Client]))]
    client: Option<ClientId>,
    #[arg(
        help = "What to ask for, separated by spaces [env: OAUTH_SCOPE] [default: whatever the server gives]"
    )]
    #[arg(long, value_name = "SCOPE", add = complete::any_of(&[complete::Kind::Scope]))]
    scope: Vec<ScopeSet>,
    #[arg(help = "Any server that has metadata [env: OAUTH_ISSUER] [default: the server of the settings]")]
    #[arg(long, value_name = "URL")]
    issuer: Option<ServerIssuer>,
    #[arg(
        help = "Where the browser brings the answer: http on loopback, with a port if the server insists on it [env: OAUTH_REDIRECT_URI] [default: one that the client has registered, else `http://127.0.0.1/callback`]"
    )]
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<RedirectUri>,
    /// What the access token is to be good at, by its URI [default: everything]; may be repeated (RFC 8707)
    #[arg(long, value_name = "URI", value_parser = endpoint::resource_uri)]
    resource: Vec<String>,
    #[command(flatten)]
    secret: SecretSource,
    /// Write the tokens to this new file (mode 0600) instead of printing them
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Ask nobody: use the refresh token in the token file, and replace that
    #[arg(long, requires = "token_file", conflicts_with_all = ["headless", "no_browser", "timeout"])]
    refresh: bool,
    /// Print the URL, and open no browser
    #[arg(long)]
    no_browser: bool,
    /// How long to wait for the answer
    #[arg(long, value_name = "SPAN", default_value = "10m")]
    timeout: Span,
    #[command(flatten)]
    owner: OwnerHere,
}

/// Where the client secret comes from.
#[derive(Debug, Args)]
struct SecretSource {
    /// Read the client secret from this file
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Read the client secret from the first line of stdin
    #[arg(long)]
    secret_stdin: bool,
    /// The client has no secret; there are other servers that register such
    #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file"])]
    public: bool,
}

/// A resource owner who is played from here.
#[derive(Debug, Args)]
struct OwnerHere {
    /// Sign in and approve without a browser, at a server of this program: for scripts and tests
    #[arg(long, conflicts_with_all = ["no_browser", "timeout"])]
    headless: bool,
    #[arg(help = "Who signs in [env: OAUTH_USERNAME]")]
    #[arg(long, value_name = "NAME", requires = "headless", add = complete::any_of(&[complete::Kind::Owner]))]
    owner: Option<Username>,
    /// Read the owner's password from the first line of stdin instead of asking for it
    #[arg(long, requires = "headless", conflicts_with = "secret_stdin")]
    password_stdin: bool,
}

pub(super) fn run(opts: &Opts, context: &mut Context<'_>) -> Result<(), CliError> {
    if context.output == OutputFormat::Id && opts.token_file.is_none() {
        return Err(CliError::Usage(
            "-o id would lose the tokens; add --token-file FILE to keep them".to_owned(),
        ));
    }
    if opts.timeout.duration().is_zero() {
        return Err(CliError::Usage(
            "--timeout 0s would wait for nobody; leave it out to wait for ten minutes".to_owned(),
        ));
    }
    let (file, old) = match &opts.token_file {
        Some(path) if opts.refresh => {
            let (file, tokens) = TokenFile::to_replace(path, context)?;
            (Some(file), Some(tokens))
        }
        Some(path) => (Some(TokenFile::to_create(path)?), None),
        None => (None, None),
    };
    let asked = Asked::of(opts, old.as_ref(), context)?;
    let refresh_token = match (&old, &file) {
        (Some(old), Some(file)) => Some(old.refresh_token.as_deref().ok_or_else(|| {
            CliError::Usage(format!(
                "{} holds no refresh token; log in again",
                file.path().display()
            ))
        })?),
        _ => None,
    };
    let secret = asked::secret(&opts.secret, &asked.client, &asked.issuer, context)?;
    // A refresh token is good for what was granted, whatever the environment says.
    let scope = match old {
        Some(_) if opts.scope.is_empty() => None,
        _ => variables::scope(&opts.scope, &asked.client)?.map(|scope| scope.to_string()),
    };
    let http = HttpClient::to(asked.issuer.host());
    let login = Login {
        resources: opts.resource.clone(),
        metadata: metadata::fetch(&http, &asked.issuer)?,
        scope,
        http,
        clock: if asked.is_development {
            clock_beside(&context.settings.database.path)?
        } else {
            Arc::new(SystemClock)
        },
        asked,
        secret,
    };
    let tokens = match refresh_token {
        Some(refresh_token) => login.refresh(refresh_token, old.as_ref())?,
        None => login.authorize(opts, context)?,
    };
    let record = match file {
        None => tokens.record(),
        Some(file) => {
            let path = file.write(&tokens)?;
            tokens.record_of_file(&path)
        }
    };
    let grant = grant_here(&tokens, login.asked.is_own, context);
    context.print(&match grant {
        Some(grant) => record.text("grant_id", grant.to_string()),
        None => record,
    })
}

/// The grant, which `grant` and `dev` take by its ID, where the server's database is here.
fn grant_here(tokens: &Tokens, is_own: bool, context: &Context<'_>) -> Option<Identifier> {
    let token = TokenValue::parse(&tokens.access_token).filter(|_| is_own)?;
    let family = context.server().ok()?.family(&token).ok()?;
    Some(family.grant.identifier)
}

/// A client that is about to be given tokens.
struct Login {
    asked: Asked,
    secret: Option<Credentials>,
    metadata: Metadata,
    scope: Option<String>,
    /// What the tokens are to be good at; none for everything.
    resources: Vec<String>,
    http: HttpClient,
    /// By which the server issues, where that is known.
    clock: Arc<dyn Clock>,
}

impl Login {
    /// The grant from its beginning (RFC 6749 §4.1).
    fn authorize(&self, opts: &Opts, context: &mut Context<'_>) -> Result<Tokens, CliError> {
        let sent = SentRequest::new()?;
        let expected = Expected {
            state: sent.state.clone(),
            issuer: self.asked.issuer.as_str().to_owned(),
            sends_issuer: self.metadata.sends_issuer,
        };
        // The browser is shown its last page meanwhile.
        let (code, redirect_uri, _page) = if opts.owner.headless {
            let (code, redirect_uri) = self.without_browser(&sent, &expected, opts, context)?;
            (code, redirect_uri, None)
        } else {
            let (code, redirect_uri, page) = self.in_browser(&sent, &expected, opts, context)?;
            (code, redirect_uri, Some(page))
        };
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &sent.verifier),
        ];
        form.extend(self.asked_resources());
        let answer = self.token(&mut form)?;
        self.read(&answer, self.scope.as_deref())
    }

    /// A new access token (RFC 6749 §6).
    fn refresh(&self, refresh_token: &str, old: Option<&Tokens>) -> Result<Tokens, CliError> {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        form.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        form.extend(self.asked_resources());
        let answer = self.token(&mut form)?;
        let before = old.and_then(|old| old.scope.as_deref());
        let read = self.read(&answer, self.scope.as_deref().or(before));
        let mut tokens = read.map_err(|error| match answer.error() {
            Some((code, _)) if code == "invalid_grant" => CliError::Failed(anyhow::anyhow!(
                "{error}; log in again, with a --token-file that is not there yet"
            )),
            _ => error,
        })?;
        // A server that does not rotate sends none: the old one stays good.
        tokens
            .refresh_token
            .get_or_insert_with(|| refresh_token.to_owned());
        Ok(tokens)
    }

    /// The code and the redirect URI, with the resource owner at a browser, which is shown that it is done.
    fn in_browser(
        &self,
        sent: &SentRequest,
        expected: &Expected,
        opts: &Opts,
        context: &mut Context<'_>,
    ) -> Result<(String, String, Answered), CliError> {
        let bound = receiver::bind(&self.asked.redirect_uri, self.asked.any_port)?;
        let redirect_uri = bound.redirect_uri.clone();
        let address = self.authorization_url(sent, &redirect_uri);
        let opened = !opts.no_browser && browser::open(&address);
        let say = if opened {
            "the browser was asked to open this; if it does not, open it yourself:"
        } else {
            "open this in a browser on this machine, sign in and approve:"
        };
        // Whoever is quiet needs the URL all the same where no browser has it.
        if !(opened && context.quiet) {
            writeln!(context.stderr, "{say}\n{address}").map_err(CliError::io("write to stderr"))?;
        }
        let answered = receiver::wait(bound, expected.clone(), opts.timeout.duration())?;
        let code = expected
            .code(&answered.parameters)
            .map_err(|error| self.explained(error, &answered.parameters, &address))?;
        Ok((code, redirect_uri, answered))
    }

    /// The code and the redirect URI, with the resource owner played from here. Nobody listens at the redirect URI, and
    /// so it may be any that is registered.
    fn without_browser(
        &self,
        sent: &SentRequest,
        expected: &Expected,
        opts: &Opts,
        context: &Context<'_>,
    ) -> Result<(String, String), CliError> {
        let owner = asked::owner(opts.owner.owner.as_ref())?;
        let password = asked::password(opts.owner.password_stdin, &owner, &self.asked, context)?;
        let redirect_uri = self.asked.redirect_uri.as_str().to_owned();
        let owner = ResourceOwner {
            username: owner.as_str(),
            password: password.as_deref(),
            // A password of the environment may be that of an earlier start.
            prefers_button: self.asked.is_development && !opts.owner.password_stdin,
        };
        let address = self.authorization_url(sent, &redirect_uri);
        let location = owner
            .answer(Decision::Approve, self.http.clone(), &address, &redirect_uri)
            .map_err(|error| self.explained_page(error, &address))?;
        let query = location.split_once('?').map_or("", |(_, query)| query);
        let answer = expected.own(query).ok_or_else(|| {
            CliError::Failed(anyhow::anyhow!(
                "the answer does not have the state that was sent"
            ))
        })?;
        let code = expected
            .code(&answer)
            .map_err(|error| self.explained(error, &answer, &address))?;
        Ok((code, redirect_uri))
    }

    /// What the server refused, with the command that says why where its database is here, and where the request decides
    /// that and not the resource owner or the moment.
    fn explained(&self, error: CliError, answer: &Parameters, address: &str) -> CliError {
        let is_decided_by_request = |error| {
            matches!(
                error,
                "invalid_request"
                    | "invalid_scope"
                    | "invalid_target"
                    | "unauthorized_client"
                    | "unsupported_response_type"
            )
        };
        if !self.asked.is_own || !answer.get("error").is_some_and(is_decided_by_request) {
            return error;
        }
        let command = format!("oauthctl explain {}", shell::word(address));
        CliError::Failed(anyhow::anyhow!("{error}; `{command}` says why"))
    }

    /// An error page, with the command that says why it was shown where the server is here, and else with what was asked
    /// for: a server does not say much on a page.
    fn explained_page(&self, error: anyhow::Error, address: &str) -> CliError {
        let Some(page) = error.downcast_ref::<ErrorPage>() else {
            return CliError::Failed(error);
        };
        if !self.asked.is_own {
            return CliError::Failed(anyhow::anyhow!(
                "{page}; it was asked by `{}` with the redirect URI {}, and --redirect-uri gives another",
                self.asked.client,
                self.asked.redirect_uri
            ));
        }
        let command = match &page.request_id {
            Some(id) if self.asked.is_development => format!("oauthctl explain request {id}"),
            _ => format!("oauthctl explain {}", shell::word(address)),
        };
        CliError::Failed(anyhow::anyhow!("{page}; `{command}` says why"))
    }

    fn authorization_url(&self, sent: &SentRequest, redirect_uri: &str) -> String {
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", self.asked.client.as_str()),
            ("redirect_uri", redirect_uri),
            ("state", &sent.state),
            ("code_challenge", &sent.challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        parameters.extend(self.asked_resources());
        url(&self.metadata.authorization_endpoint, &parameters)
    }

    /// As parameters, which stand in both requests (RFC 8707 §2.1, §2.2).
    fn asked_resources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resources.iter().map(|uri| ("resource", uri.as_str()))
    }

    /// Asks the token endpoint, authenticated as it wants it (RFC 6749 §2.3.1).
    fn token<'f>(&'f self, form: &mut Vec<(&'f str, &'f str)>) -> Result<Answer, CliError> {
        let mut headers = vec![("Accept", "application/json")];
        let basic;
        match (&self.secret, self.metadata.authentication) {
            (Some(credentials), Authentication::Basic) => {
                basic = credentials.basic();
                headers.push(("Authorization", &basic));
            }
            (Some(credentials), Authentication::Post) => {
                form.push(("client_id", credentials.id.as_str()));
                form.push(("client_secret", credentials.secret.reveal()));
            }
            (None, _) => form.push(("client_id", self.asked.client.as_str())),
        }
        Ok(self.http.post(&self.metadata.token_endpoint, &headers, form)?)
    }

    fn read(&self, answer: &Answer, asked_scope: Option<&str>) -> Result<Tokens, CliError> {
        let now = self.clock.now();
        let client = self.asked.client.as_str();
        Tokens::read(answer, client, self.asked.issuer.as_str(), asked_scope, now).map_err(|error| {
            match answer.request_id().filter(|_| self.asked.is_development) {
                Some(id) => CliError::Failed(anyhow::anyhow!(
                    "{error}; `oauthctl explain request {id}` says why"
                )),
                None => error,
            }
        })
    }
}
