//! The settings: the issuer, the address, lifetimes.

use std::time::Duration;

use super::finding::{Finding, Level};
use crate::cli::serve::tls;
use crate::config::{KEYS, Loaded, Origin, Protection, Settings};
use crate::domain::span;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Longer than this an access token is a standing key for whoever finds it.
pub(super) const LONGEST_ACCESS_TOKEN: Duration = DAY;

/// A code travels through a browser and is exchanged within seconds (RFC 6749 §4.1.2 allows ten minutes).
pub(super) const LONGEST_CODE: Duration = Duration::from_secs(120);

/// Longer than this nobody remembers having approved.
pub(super) const LONGEST_REFRESH: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Lifetimes that are unwise: what it is, how long, how long it should be at most, and the key and the option for it.
pub(super) struct Lifetimes {
    pub(super) access_token: Duration,
    pub(super) code: Duration,
    pub(super) refresh_token: Duration,
}

/// One lifetime that is unwise.
pub(super) struct Unwise {
    /// In words.
    pub(super) finding: String,
    /// The key of the settings; the option of a client is the same with hyphens.
    pub(super) key: &'static str,
    /// What to set instead.
    pub(super) instead: Duration,
}

impl Lifetimes {
    pub(super) fn unwise(&self) -> impl Iterator<Item = Unwise> {
        [
            (
                "an access token lives",
                self.access_token,
                LONGEST_ACCESS_TOKEN,
                "access_token_lifetime",
                HOUR,
            ),
            (
                "an authorization code lives",
                self.code,
                LONGEST_CODE,
                "code_lifetime",
                Duration::from_secs(60),
            ),
            (
                "one approval can be refreshed for",
                self.refresh_token,
                LONGEST_REFRESH,
                "refresh_token_lifetime",
                30 * DAY,
            ),
        ]
        .into_iter()
        .filter(|(_, length, longest, ..)| length > longest)
        .map(|(what, length, longest, key, instead)| Unwise {
            finding: format!(
                "{what} {}, which is longer than {}",
                span::format(length),
                span::format(longest)
            ),
            key,
            instead,
        })
    }
}

pub(super) fn examine(loaded: &Loaded) -> Vec<Finding> {
    let read = match &loaded.file {
        Some(path) => format!("read from {}", path.display()),
        None => "no configuration file; defaults and the environment are in force".to_owned(),
    };
    let mut findings = vec![Finding::ok("settings", read)];
    findings.extend(address(&loaded.settings));
    findings.push(issuer(&loaded.settings));
    findings.extend(certificate(&loaded.settings));
    let tokens = &loaded.settings.tokens;
    let lifetimes = Lifetimes {
        access_token: tokens.access_token_lifetime.duration(),
        code: tokens.code_lifetime.duration(),
        refresh_token: tokens.refresh_token_lifetime.duration(),
    };
    let unwise: Vec<Finding> = lifetimes
        .unwise()
        .map(|unwise| {
            let finding = format!("where a client has none of its own, {}", unwise.finding);
            Finding::new("lifetimes", Level::Warning, finding).fix(set(
                loaded,
                "tokens",
                unwise.key,
                &span::format(unwise.instead),
            ))
        })
        .collect();
    if unwise.is_empty() {
        findings.push(Finding::ok("lifetimes", "the defaults for clients are wise"));
    }
    findings.extend(unwise);
    findings
}

/// Where to set a key, and to what.
fn set(loaded: &Loaded, section: &str, name: &str, value: &str) -> String {
    let key = KEYS.iter().find(|key| key.section == section && key.name == name);
    match key.map(|key| loaded.origin(key)) {
        Some(Origin::Environment(variable)) => format!("export {variable}={value}"),
        Some(origin @ Origin::File { .. }) => {
            format!("set {name} = \"{value}\" under [{section}], {origin}")
        }
        _ => format!("set {name} = \"{value}\" under [{section}] in the configuration file"),
    }
}

fn address(settings: &Settings) -> Option<Finding> {
    let server = &settings.server;
    let address = server.listen;
    match settings.protection() {
        Some(Protection::Tls | Protection::Loopback) => None,
        Some(Protection::Proxy) => {
            let proxies: Vec<String> = server.trusted_proxies.iter().map(ToString::to_string).collect();
            let finding = format!(
                "{address} is without TLS, for proxies at {} only: what they send travels in clear",
                proxies.join(", ")
            );
            Some(Finding::new("address", Level::Note, finding))
        }
        None => Some(
            Finding::new(
                "address",
                Level::Fault,
                format!(
                    "{address} can be reached from other machines, and without TLS secrets would travel in clear"
                ),
            )
            .fix(format!(
                "set certificate and private_key under [tls]; or set listen = \"127.0.0.1:{}\" under [server], and \
                 put a TLS proxy in front",
                address.port()
            )),
        ),
    }
}

/// The certificate, where there is one.
fn certificate(settings: &Settings) -> Vec<Finding> {
    let fault = |finding: String| Finding::new("certificate", Level::Fault, finding).fix(RENEW);
    let Ok(issuer) = settings.issuer_at(settings.server.listen) else {
        return Vec::new();
    };
    let concerns = match tls::load(settings, &issuer) {
        Ok(None) => return Vec::new(),
        Ok(Some(tls)) => tls.concerns().map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match concerns {
        Err(error) => vec![fault(error)],
        Ok(concerns) if concerns.is_empty() => {
            vec![Finding::ok("certificate", format!("it is for {}", issuer.host()))]
        }
        Ok(concerns) => concerns
            .into_iter()
            .map(|concern| Finding::new("certificate", Level::Warning, concern).fix(RENEW))
            .collect(),
    }
}

/// What mends a certificate.
const RENEW: &str = "put a certificate for the host of the issuer into the files under [tls]; a server that runs reads \
                     them by itself";

fn issuer(settings: &Settings) -> Finding {
    match settings.issuer_at(settings.server.listen) {
        Ok(issuer) if issuer.is_https() => Finding::ok("issuer", issuer.as_str()),
        Ok(issuer) => Finding::new(
            "issuer",
            Level::Note,
            format!("{issuer} is for programs on this machine only"),
        )
        .fix("for others: set issuer = \"https://HOST\" under [server], and put a TLS proxy in front"),
        Err(error) => Finding::new("issuer", Level::Fault, error.to_string())
            .fix("set issuer = \"https://HOST\" under [server]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_unwise_from_a_millisecond_beyond_the_bound() {
        let unwise = |access_token, code, refresh_token| -> Vec<&'static str> {
            let lifetimes = Lifetimes {
                access_token,
                code,
                refresh_token,
            };
            lifetimes.unwise().map(|unwise| unwise.key).collect()
        };
        let more = Duration::from_millis(1);
        assert_eq!(
            unwise(LONGEST_ACCESS_TOKEN, LONGEST_CODE, LONGEST_REFRESH),
            [""; 0]
        );
        assert_eq!(
            unwise(LONGEST_ACCESS_TOKEN + more, LONGEST_CODE, LONGEST_REFRESH),
            ["access_token_lifetime"]
        );
        assert_eq!(
            unwise(HOUR, LONGEST_CODE + more, LONGEST_REFRESH + more),
            ["code_lifetime", "refresh_token_lifetime"]
        );
    }
}
