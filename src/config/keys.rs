//! The one list of what can be set.

use std::fmt;

use crate::domain::span::Span;

use super::nearest::nearest;
use super::settings::Settings;
use super::value::{Given, Shown, Value};

/// A key of the configuration file, which is also a variable of the environment.
#[derive(Debug)]
pub struct Key {
    /// The section it stands in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    get: fn(&Settings) -> Value,
    set: fn(&mut Settings, Given<'_>) -> Result<(), String>,
}

impl Key {
    /// The value in `settings`.
    pub fn value(&self, settings: &Settings) -> Value {
        (self.get)(settings)
    }

    /// The variable of the environment that sets it.
    pub fn variable(&self) -> String {
        format!(
            "{}{}_{}",
            PREFIX,
            self.section.to_ascii_uppercase(),
            self.name.to_ascii_uppercase()
        )
    }

    pub(super) fn set(&self, settings: &mut Settings, given: Given<'_>) -> Result<(), String> {
        (self.set)(settings, given)
    }
}

/// As messages name it: `tokens.code_lifetime`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.name)
    }
}

/// What every variable of the environment starts with.
pub(super) const PREFIX: &str = "OAUTHCTL_";

/// The sections, in the order in which they are shown.
pub const SECTIONS: [&str; 8] = [
    "server", "database", "tokens", "check", "tls", "log", "pages", "limits",
];

const SECOND: Span = Span::from_secs(1);
const MINUTE: Span = Span::from_secs(60);
const HOUR: Span = Span::from_secs(60 * 60);
const DAY: Span = Span::from_secs(24 * 60 * 60);
const YEAR: Span = Span::from_secs(365 * 24 * 60 * 60);
/// Shorter than this, a limit on time refuses callers on ordinary networks.
const TENTH: Span = Span::from_millis(100);

/// A [`Key`] of which the value is read by a method of [`Given`].
macro_rules! key {
    ($section:ident . $name:ident, $about:literal, $read:expr) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            about: $about,
            get: |settings| settings.$section.$name.shown(),
            set: |settings, given| {
                settings.$section.$name = $read(given)?;
                Ok(())
            },
        }
    };
}

/// Every key, by section, in the order in which they are shown.
pub static KEYS: &[Key] = &[
    key!(
        server.listen,
        "The IP address and port to listen on; port 0 lets the system pick one.",
        Given::address
    ),
    key!(
        server.issuer,
        "The URL by which clients know this server, without a slash at the end; empty means `http://`, or \
         `https://` with TLS, and the address it listens on.",
        Given::issuer
    ),
    key!(
        server.behind_proxy,
        "Whether a proxy stands in front that names its caller in `X-Forwarded-For`.",
        Given::boolean
    ),
    key!(
        server.trusted_proxies,
        "Where that proxy connects from: IP addresses and networks, from which alone the header is believed.",
        Given::networks
    ),
    key!(
        server.health_listen,
        "The IP address and port at which `/healthz`, `/readyz` and `/metrics` are answered, in plain HTTP; empty \
         means none of their own, and metrics for programs on this machine only.",
        Given::address_or_none
    ),
    key!(
        server.session_lifetime,
        "How long a resource owner stays signed in.",
        |given: Given<'_>| given.span(MINUTE..=YEAR)
    ),
    key!(
        server.approval_time,
        "How long a sign-in or approval form stays valid.",
        |given: Given<'_>| given.span(SECOND..=DAY)
    ),
    key!(
        server.shutdown_grace,
        "How long answers that are under way may take after a signal to stop.",
        |given: Given<'_>| given.span(Span::ZERO..=HOUR)
    ),
    key!(
        database.path,
        "The SQLite file, created on first use; a relative path starts from the working directory.",
        Given::database_path
    ),
    key!(
        database.busy_timeout,
        "How long to wait for another process that writes.",
        |given: Given<'_>| given.span(Span::ZERO..=HOUR)
    ),
    key!(
        database.readers,
        "How many connections read at the same time.",
        |given: Given<'_>| given.integer(1..=256)
    ),
    key!(
        tokens.access_token_lifetime,
        "How long an access token lives, for clients registered without their own lifetime.",
        |given: Given<'_>| given.span(SECOND..=YEAR)
    ),
    key!(
        tokens.code_lifetime,
        "How long an authorization code lives, for clients registered without their own lifetime.",
        // RFC 6749 §4.1.2 recommends ten minutes at most.
        |given: Given<'_>| given.span(SECOND..=Span::from_secs(10 * 60))
    ),
    key!(
        tokens.refresh_token_lifetime,
        "How long one approval can be refreshed in all, for clients registered without their own lifetime.",
        |given: Given<'_>| given.span(SECOND..=Span::MAX)
    ),
    key!(
        tokens.refresh_token_idle,
        "How long one approval may go without a refresh, for clients registered without their own span.",
        |given: Given<'_>| given.span(SECOND..=Span::MAX)
    ),
    key!(
        tokens.refresh_retry_window,
        "How long a refresh may be repeated and gets the same answer: `until-used` (until the new \
         token is used), or a span; `0s` is strict one-time use.",
        |given: Given<'_>| given.refresh_retry_window(DAY)
    ),
    key!(
        tokens.keep_ended,
        "How long what has ended is kept, before it is pruned.",
        |given: Given<'_>| given.span(Span::ZERO..=Span::MAX)
    ),
    key!(
        tokens.prune_every,
        "How often the server prunes by itself; `0s` leaves that to `token prune`.",
        |given: Given<'_>| given.span(Span::ZERO..=DAY)
    ),
    key!(
        check.request_from,
        "Which pair of headers of a proxy is believed: `original` (nginx), `forwarded` (Traefik, \
         Caddy), or `either`, which refuses both at once.",
        Given::choice
    ),
    key!(
        check.trust_forwarded_from,
        "Where a proxy connects from whose headers say what is asked for: IP addresses and networks; from \
         elsewhere such headers are refused.",
        Given::networks
    ),
    key!(
        tls.certificate,
        "The certificate chain, a PEM file with the server's own certificate first; empty means no TLS.",
        Given::file
    ),
    key!(
        tls.private_key,
        "The private key that fits the certificate, a PEM file that only the server's account may read.",
        Given::file
    ),
    key!(
        tls.hsts_max_age,
        "How long browsers come back by `https` only, once they have been here by TLS; `0s` takes it back.",
        |given: Given<'_>| given.span(Span::ZERO..=Span::MAX)
    ),
    key!(
        log.level,
        "The least important that is logged: `error`, `warn`, `info`, `debug` or `trace`.",
        Given::choice
    ),
    key!(
        log.format,
        "The form of a line of the log: `text`, or `json` for one object a line.",
        Given::choice
    ),
    key!(
        pages.title,
        "The name at the head of the pages that resource owners see.",
        Given::title
    ),
    key!(
        pages.header,
        "The line at the head of each page, beside the logo; empty means the title.",
        |given: Given<'_>| given.line(100)
    ),
    key!(
        pages.footer,
        "The line at the foot of each page; empty means none.",
        |given: Given<'_>| given.line(500)
    ),
    key!(
        pages.logo,
        "The picture at the head of each page: a PNG, JPEG, WebP or SVG file of at most 64 KiB; empty means ours.",
        Given::file
    ),
    key!(
        pages.accent,
        "The colour of buttons and links, as `#rrggbb`; each page uses the nearest shade of it that can be read; \
         empty means ours.",
        Given::colour
    ),
    key!(
        pages.language,
        "The language of the pages: `auto` for the reader's own, or the tag of one, such as `en` or `de`.",
        Given::language
    ),
    key!(
        pages.templates,
        "The directory of templates, stylesheet and messages that stand in the place of ours, one by one; \
         `oauthctl pages export` makes one; empty means none.",
        Given::file
    ),
    key!(
        pages.developer_details,
        "Whether error pages tell everybody what was sent and what is registered; on loopback without TLS they always \
         do.",
        Given::boolean
    ),
    key!(
        limits.connections,
        "How many connections are open at the same time.",
        |given: Given<'_>| given.integer(1..=65_536)
    ),
    key!(
        limits.connections_per_address,
        "How many connections are open at the same time from one IPv4 address or IPv6 /64 network; loopback \
         and trusted proxies are not counted.",
        |given: Given<'_>| given.integer(1..=65_536)
    ),
    key!(
        limits.requests_per_connection,
        "How many requests one connection carries before it is closed.",
        |given: Given<'_>| given.integer(1..=1_000_000)
    ),
    key!(
        limits.head_bytes,
        "How many bytes a request line may have together with its headers.",
        |given: Given<'_>| given.integer(1024..=1_048_576)
    ),
    key!(
        limits.headers,
        "How many headers a request may have.",
        |given: Given<'_>| given.integer(16..=1024)
    ),
    key!(
        limits.target_bytes,
        "How many bytes the path and query of a request may have.",
        |given: Given<'_>| given.integer(1024..=1_048_576)
    ),
    key!(
        limits.body_bytes,
        "How many bytes a request body may have.",
        |given: Given<'_>| given.integer(1024..=16_777_216)
    ),
    key!(
        limits.head_time,
        "How long a request line and its headers may take to arrive, and before them the TLS handshake.",
        |given: Given<'_>| given.span(TENTH..=HOUR)
    ),
    key!(
        limits.body_time,
        "How long a request body may take to arrive.",
        |given: Given<'_>| given.span(TENTH..=HOUR)
    ),
    key!(
        limits.idle_time,
        "How long a connection may wait for its next request.",
        |given: Given<'_>| given.span(TENTH..=HOUR)
    ),
    key!(
        limits.write_time,
        "How long an answer may take to be taken.",
        |given: Given<'_>| given.span(TENTH..=HOUR)
    ),
    key!(
        limits.waiting_writes,
        "How many changes wait for the disk at the same time; who comes beyond that gets `503`.",
        |given: Given<'_>| given.integer(16..=65_536)
    ),
    key!(
        limits.password_hashes,
        "How many passwords are hashed at the same time; each takes memory and a processor.",
        |given: Given<'_>| given.integer(1..=256)
    ),
    key!(
        limits.failures,
        "How many wrong passwords or secrets for one name from one address within a minute are \
         answered before `429`.",
        |given: Given<'_>| given.integer(1..=1000)
    ),
    key!(
        limits.failures_per_address,
        "How many wrong passwords for all names together from one address, which is not loopback, within a minute; \
         names that got in there within the last day are spared.",
        |given: Given<'_>| given.integer(1..=100_000)
    ),
];

/// The key of that name in that section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

/// What to write instead of a name that is not a key of `section`.
pub(super) fn advice(section: &str, name: &str) -> String {
    let here = || KEYS.iter().filter(|key| key.section == section);
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return format!("`{}` stands in section `{}`", key.name, key.section);
    }
    if let Some(meant) = nearest(name, here().map(|key| key.name)) {
        return format!("did you mean `{meant}`?");
    }
    let names: Vec<_> = here().map(|key| key.name).collect();
    format!("the keys of `{section}` are {}", names.join(", "))
}
