//! What the connections do: each kind of request that the server's daily work consists of.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};

use crate::drive::Work;
use crate::fill::{Filled, GRANTS_OF_ONE_CLIENT};
use crate::home::{Home, PASSWORD, REDIRECT_URI, SCOPE};
use crate::http::{self, Connection, basic};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How many different tokens a connection asks about, spread over the whole table.
const TOKENS_OF_A_CONNECTION: u64 = 500;

/// From one grant to the next that is asked about: a large prime, so that they lie far apart, and all have their turn.
const STRIDE: u64 = 15_485_863;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// `POST /introspect` by a resource server.
    Introspect,
    /// `GET /check?service=…` with the token.
    Check,
    /// `POST /token`: each connection follows its own chain of refresh tokens.
    Refresh,
    /// Authorization page, approval, exchange: three requests, two writes.
    Code,
    /// `POST /revoke` of an access token.
    Revoke,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Introspect,
        Self::Check,
        Self::Refresh,
        Self::Code,
        Self::Revoke,
    ];

    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Introspect | Self::Check)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Introspect => "introspection",
            Self::Check => "check",
            Self::Refresh => "refresh",
            Self::Code => "code flow",
            Self::Revoke => "revocation",
        })
    }
}

/// Hands out work on the tokens of a home, so that no two connections use up the same one.
pub(crate) struct Works<'h> {
    home: &'h Home,
    filled: Filled,
    /// Grants whose refresh token has been handed out.
    chains: u64,
    /// How many access tokens have been handed out to be revoked.
    revoked: Arc<AtomicU64>,
    cookie: Option<String>,
}

impl<'h> Works<'h> {
    pub(crate) fn on(home: &'h Home, filled: Filled) -> Self {
        Self {
            home,
            filled,
            chains: 0,
            revoked: Arc::default(),
            cookie: None,
        }
    }

    /// Work for so many connections.
    pub(crate) fn of(
        &mut self,
        kind: Kind,
        connections: u64,
        server: SocketAddr,
    ) -> Result<Vec<Box<dyn Work>>> {
        (0..connections)
            .map(|number| -> Result<Box<dyn Work>> {
                Ok(match kind {
                    Kind::Introspect | Kind::Check => Box::new(self.asking(kind, number, connections)?),
                    Kind::Refresh => Box::new(self.refreshing()?),
                    Kind::Code => Box::new(self.approving(server)?),
                    Kind::Revoke => Box::new(self.revoking()),
                })
            })
            .collect()
    }

    fn basic(&self, client: &str) -> String {
        basic(client, &self.home.template.secret)
    }

    /// One request, to see what is answered.
    pub(crate) fn sample(&self, kind: Kind) -> Result<Vec<u8>> {
        self.question(kind, 0)
    }

    /// A question about the token of a grant; from two layers, so that not all come from the end of the table.
    fn question(&self, kind: Kind, grant: u64) -> Result<Vec<u8>> {
        let token = self.filled.value(grant, 2 + 2 * (grant % 2))?;
        Ok(if kind == Kind::Check {
            let bearer = format!("Bearer {token}");
            http::get("/check?service=orders:list", &[("Authorization", &bearer)])
        } else {
            let caller = &self.home.resource_server;
            let basic = basic(&caller.id, &caller.secret);
            http::post("/introspect", &[("Authorization", &basic)], &[("token", &token)])
        })
    }

    fn asking(&self, kind: Kind, number: u64, connections: u64) -> Result<Asking> {
        // Those of the first client are revoked at some time.
        let first = if self.filled.grants() > GRANTS_OF_ONE_CLIENT {
            GRANTS_OF_ONE_CLIENT
        } else {
            0
        };
        let others = self.filled.grants() - first;
        let requests = (0..TOKENS_OF_A_CONNECTION)
            .map(|n| first + (n * connections + number) * STRIDE % others)
            .map(|grant| self.question(kind, grant))
            .collect::<Result<_>>()?;
        Ok(Asking {
            requests,
            next: 0,
            kind,
        })
    }

    fn refreshing(&mut self) -> Result<Refreshing> {
        let grants = self.filled.grants();
        // The chains of the first client would end where its tokens are revoked.
        let grant = grants - 1 - self.chains % grants;
        self.chains += 1;
        Ok(Refreshing {
            basic: self.basic(&self.filled.client_id(grant)),
            refresh_token: self.filled.value(grant, 9)?,
        })
    }

    fn revoking(&self) -> Revoking {
        Revoking {
            filled: self.filled,
            secret: self.home.template.secret.clone(),
            revoked: Arc::clone(&self.revoked),
        }
    }

    fn approving(&mut self, server: SocketAddr) -> Result<Approving> {
        let cookie = match &self.cookie {
            Some(cookie) => cookie.clone(),
            None => sign_in(server)?,
        };
        self.cookie = Some(cookie.clone());
        let query = http::encode(&[
            ("response_type", "code"),
            ("client_id", "template"),
            ("redirect_uri", REDIRECT_URI),
            ("state", "xyz"),
            ("scope", SCOPE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        Ok(Approving {
            basic: self.basic("template"),
            page: http::get(&format!("/authorize?{query}"), &[("Cookie", &cookie)]),
            cookie,
            query,
        })
    }
}

struct Asking {
    requests: Vec<Vec<u8>>,
    next: usize,
    kind: Kind,
}

impl Work for Asking {
    fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let request = &self.requests[self.next];
        self.next = (self.next + 1) % self.requests.len();
        let answer = connection.send(request)?.expect(200)?;
        let is_active = self.kind == Kind::Check || answer.body.starts_with(b"{\"active\":true,");
        ensure!(is_active, "a token that is good was not told so");
        Ok(())
    }
}

struct Refreshing {
    basic: String,
    refresh_token: String,
}

impl Work for Refreshing {
    fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &self.refresh_token),
        ];
        let request = http::post("/token", &[("Authorization", &self.basic)], &form);
        let answer = connection.send(&request)?.expect(200)?;
        let next = answer.member("refresh_token").context("a refresh token")?;
        ensure!(next != self.refresh_token, "the refresh token did not rotate");
        next.clone_into(&mut self.refresh_token);
        Ok(())
    }
}

struct Revoking {
    filled: Filled,
    secret: String,
    revoked: Arc<AtomicU64>,
}

impl Work for Revoking {
    fn once(&mut self, connection: &mut Connection) -> Result<()> {
        // Two layers that nobody asks about.
        let number = self.revoked.fetch_add(1, Ordering::Relaxed);
        let (grant, layer) = (number / 2, 6 + 2 * (number % 2));
        ensure!(
            grant < self.filled.grants(),
            "no token is left to revoke: fill in more (--tokens)"
        );
        let basic = basic(&self.filled.client_id(grant), &self.secret);
        let token = self.filled.value(grant, layer)?;
        let request = http::post("/revoke", &[("Authorization", &basic)], &[("token", &token)]);
        connection.send(&request)?.expect(200)?;
        Ok(())
    }
}

struct Approving {
    basic: String,
    page: Vec<u8>,
    cookie: String,
    query: String,
}

impl Work for Approving {
    fn once(&mut self, connection: &mut Connection) -> Result<()> {
        let page = connection.send(&self.page)?.expect(200)?;
        let form_token = hidden(page.body, "form_token")?;
        let form = [
            ("request", self.query.as_str()),
            ("form_token", &form_token),
            ("scope", SCOPE),
            ("decision", "approve"),
        ];
        let request = http::post("/authorize", &[("Cookie", &self.cookie)], &form);
        let answer = connection.send(&request)?.expect(303)?;
        let location = answer.field("Location").context("where the browser is sent")?;
        let (_, rest) = location.split_once("code=").context("a code")?;
        let code = rest.split('&').next().unwrap_or(rest);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let request = http::post("/token", &[("Authorization", &self.basic)], &form);
        connection.send(&request)?.expect(200)?;
        Ok(())
    }
}

/// The value of the last hidden field of that name: that of the form that decides. Form tokens need no unescaping.
fn hidden(page: &[u8], name: &str) -> Result<String> {
    let page = std::str::from_utf8(page)?;
    let (_, rest) = page
        .rsplit_once(&format!("name=\"{name}\" value=\""))
        .with_context(|| format!("a field {name}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

/// Signs `owner-0` in. The cookie, as a browser sends it.
fn sign_in(server: SocketAddr) -> Result<String> {
    let mut connection = Connection::to(server);
    let pair = |answer: &http::Answer<'_>| {
        let set = answer.field("Set-Cookie").context("a cookie")?;
        anyhow::Ok(set.split(';').next().unwrap_or(set).to_owned())
    };
    let answer = connection.send(&http::get("/account", &[]))?.expect(200)?;
    let form_token = hidden(answer.body, "form_token")?;
    let cookie = pair(&answer)?;
    let form = [
        ("form_token", form_token.as_str()),
        ("username", "owner-0"),
        ("password", PASSWORD),
    ];
    let request = http::post("/account", &[("Cookie", &cookie)], &form);
    pair(&connection.send(&request)?.expect(303)?)
}
