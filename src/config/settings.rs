//! The settings as types, and their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::domain::issuer::{Issuer, IssuerError};
use crate::domain::network::Networks;
use crate::domain::span::Span;

use super::value::Named;

/// Everything that can be set, in the sections of the configuration file. What each key does stands with its
/// line in [`super::KEYS`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[check]`
    pub check: Check,
    /// `[tls]`
    pub tls: Tls,
    /// `[log]`
    pub log: Log,
    /// `[pages]`
    pub pages: Pages,
    /// `[limits]`
    pub limits: Limits,
}

impl Settings {
    /// The issuer of a server that listens on `bound`: the one that is set, else the address itself.
    ///
    /// # Errors
    /// [`IssuerError::Needed`] where none is set and `bound` is an address by which others reach the server.
    /// [`super::load`] refuses settings for which this fails at `server.listen`.
    pub fn issuer_at(&self, bound: SocketAddr) -> Result<Issuer, IssuerError> {
        match &self.server.issuer {
            Some(issuer) => Ok(issuer.clone()),
            None => Issuer::of_listen_address(bound, self.tls.files().is_some()),
        }
    }

    /// How secrets are kept from whoever listens on the way to `server.listen`; `None` where nothing does, and then
    /// the server must not be started.
    pub fn protection(&self) -> Option<Protection> {
        let server = &self.server;
        if self.tls.files().is_some() {
            Some(Protection::Tls)
        } else if server.listen.ip().is_loopback() {
            Some(Protection::Loopback)
        } else if server.behind_proxy && server.trusted_proxies.reach_beyond_loopback() {
            Some(Protection::Proxy)
        } else {
            None
        }
    }
}

/// How secrets are kept from whoever listens on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// By TLS.
    Tls,
    /// They do not leave this machine.
    Loopback,
    /// By a proxy that speaks TLS with the world; only it may connect.
    Proxy,
}

/// `[server]`: where it listens and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address to listen on; port 0 lets the system pick one.
    pub listen: SocketAddr,
    /// The issuer, where one is set.
    pub issuer: Option<Issuer>,
    /// Whether a proxy stands in front that says who its callers are.
    pub behind_proxy: bool,
    /// Where that proxy's connections come from.
    pub trusted_proxies: Networks,
    /// The address of health and metrics, where they have one of their own.
    pub health_listen: Option<SocketAddr>,
    /// How long a sign-in lasts.
    pub session_lifetime: Span,
    /// How long a sign-in or approval form stays valid.
    pub approval_time: Span,
    /// How long answers that are under way may take after a signal to stop.
    pub shutdown_grace: Span,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8420)),
            issuer: None,
            behind_proxy: false,
            trusted_proxies: Networks::loopback(),
            health_listen: None,
            session_lifetime: Span::from_secs(12 * 60 * 60),
            approval_time: Span::from_secs(10 * 60),
            shutdown_grace: Span::from_secs(5),
        }
    }
}

/// `[database]`: the SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The file, created on first use. A relative path starts from the working directory.
    pub path: PathBuf,
    /// How long to wait for another process that writes.
    pub busy_timeout: Span,
    /// How many connections read at the same time.
    pub readers: usize,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            path: PathBuf::from("./oauthctl.db"),
            busy_timeout: Span::from_secs(5),
            readers: 8,
        }
    }
}

/// `[tokens]`: lifetimes for clients that are registered without their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Of an access token.
    pub access_token_lifetime: Span,
    /// Of an authorization code.
    pub code_lifetime: Span,
    /// Of all refresh tokens of one grant together, from the approval on.
    pub refresh_token_lifetime: Span,
    /// How long a grant may go without a refresh.
    pub refresh_token_idle: Span,
    /// How long a refresh may be repeated.
    pub refresh_retry_window: RefreshRetryWindow,
    /// How long what has ended is kept.
    pub keep_ended: Span,
    /// How often the server prunes by itself; zero: never.
    pub prune_every: Span,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            access_token_lifetime: Span::from_secs(60 * 60),
            code_lifetime: Span::from_secs(60),
            refresh_token_lifetime: Span::from_secs(30 * 24 * 60 * 60),
            refresh_token_idle: Span::from_secs(7 * 24 * 60 * 60),
            refresh_retry_window: RefreshRetryWindow::UntilUsed,
            keep_ended: Span::from_secs(30 * 24 * 60 * 60),
            prune_every: Span::from_secs(60 * 60),
        }
    }
}

/// How long a refresh with the same refresh token may be repeated, and then answers with the same successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRetryWindow {
    /// Until the successor is used for the first time.
    UntilUsed,
    /// So long, and no longer than until the successor is used; zero is strict one-time use.
    For(Span),
}

impl RefreshRetryWindow {
    /// The bound in time, where there is one.
    pub const fn bound(self) -> Option<Span> {
        match self {
            Self::UntilUsed => None,
            Self::For(span) => Some(span),
        }
    }
}

/// `[check]`: the question of a resource server or a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which headers say what the caller of the proxy asked for.
    pub request_from: RequestFrom,
    /// Where connections come from whose headers are believed in this.
    pub trust_forwarded_from: Networks,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            request_from: RequestFrom::default(),
            trust_forwarded_from: Networks::loopback(),
        }
    }
}

/// The pair of headers in which a proxy says what its caller asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum RequestFrom {
    /// Whichever pair there is; a request with headers of both is refused.
    #[default]
    Either,
    /// `X-Original-Method` and `X-Original-URI`, as nginx sends them.
    Original,
    /// `X-Forwarded-Method` and `X-Forwarded-Uri`, as Traefik and Caddy send them.
    Forwarded,
}

impl Named for RequestFrom {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("either", Self::Either),
        ("original", Self::Original),
        ("forwarded", Self::Forwarded),
    ];
}

/// `[tls]`: encryption on the connections of the server itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, PEM, the server's own certificate first. [`super::load`] sees to it that it is there
    /// with the private key or not at all.
    pub certificate: Option<PathBuf>,
    /// The private key that fits the certificate, PEM.
    pub private_key: Option<PathBuf>,
    /// How long browsers are told to come back by `https` only.
    pub hsts_max_age: Span,
}

impl Tls {
    /// The certificate and its private key, where the server speaks TLS.
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.certificate.as_deref().zip(self.private_key.as_deref())
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            certificate: None,
            private_key: None,
            hsts_max_age: Span::from_secs(365 * 24 * 60 * 60),
        }
    }
}

/// `[log]`: what goes to stderr.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Log {
    /// The least important that is logged.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
}

/// How important a line of the log is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What will need someone.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// Why it happened.
    Debug,
    /// Each step.
    Trace,
}

impl Named for LogLevel {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// The form of a line of the log.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Named for LogFormat {
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// `[pages]`: what resource owners see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// The name of the service in the title of each page: 1 to 100 characters on one line.
    pub title: String,
    /// The line at the head of each page; empty for the title.
    pub header: String,
    /// The line at the foot of each page; empty for none.
    pub footer: String,
    /// The picture at the head of each page.
    pub logo: Option<PathBuf>,
    /// The colour of buttons and links, `#rrggbb`; empty for ours.
    pub accent: String,
    /// `auto`, or the tag of the language that everybody gets.
    pub language: String,
    /// The directory of templates, stylesheet and messages that stand in the place of ours.
    pub templates: Option<PathBuf>,
    /// Whether error pages tell everybody what is registered, and not on loopback alone.
    pub developer_details: bool,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            title: "oauthctl".to_owned(),
            header: String::new(),
            footer: String::new(),
            logo: None,
            accent: String::new(),
            language: "auto".to_owned(),
            templates: None,
            developer_details: false,
        }
    }
}

/// `[limits]`: what one caller can take from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Connections at the same time from one address.
    pub connections_per_address: usize,
    /// Requests on one connection, before it is closed.
    pub requests_per_connection: usize,
    /// Bytes of a request line with its headers.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request target: path and query.
    pub target_bytes: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// How long a request line with its headers may take to arrive.
    pub head_time: Span,
    /// How long a request body may take to arrive.
    pub body_time: Span,
    /// How long a connection may wait for its next request.
    pub idle_time: Span,
    /// How long an answer may take to be taken.
    pub write_time: Span,
    /// Changes that wait for the disk at the same time.
    pub waiting_writes: usize,
    /// Passwords that are hashed at the same time.
    pub password_hashes: usize,
    /// Wrong passwords or secrets for one name from one address within a minute, before the next are refused
    /// unseen.
    pub failures: usize,
    /// Wrong passwords for all names from one address within a minute, before the next are refused unseen.
    pub failures_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_address: 64,
            requests_per_connection: 1000,
            head_bytes: 16 * 1024,
            headers: 64,
            target_bytes: 8 * 1024,
            body_bytes: 64 * 1024,
            head_time: Span::from_secs(10),
            body_time: Span::from_secs(10),
            idle_time: Span::from_secs(30),
            write_time: Span::from_secs(10),
            waiting_writes: 256,
            password_hashes: 2,
            failures: 10,
            failures_per_address: 100,
        }
    }
}
