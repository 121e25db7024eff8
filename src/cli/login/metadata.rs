//! What a server says about itself (RFC 8414).

use std::io::{self, ErrorKind};

use serde::Deserialize;

use super::endpoint::{ServerIssuer, safe_url};
use crate::cli::exit::CliError;
use crate::cli::parties::http_client::{HttpClient, is_this_machine};
use crate::domain::excerpt::excerpt;

/// How a client with a secret authenticates itself (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Authentication {
    /// `Authorization: Basic`.
    Basic,
    /// In the body.
    Post,
}

/// What a login needs of the metadata.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) authentication: Authentication,
    /// Whether each authorization response has `iss` (RFC 9207 §3).
    pub(super) sends_issuer: bool,
}

/// The members of the document that are looked at (RFC 8414 §2).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Asks the server for its metadata.
pub(super) fn fetch(http: &HttpClient, issuer: &ServerIssuer) -> Result<Metadata, CliError> {
    let (mut tried, mut is_broken) = (Vec::new(), false);
    for url in issuer.metadata_urls() {
        let asked = http.get(&url, &[("Accept", "application/json")]);
        let answer = asked.map_err(|error| unreached(error, issuer))?;
        is_broken |= answer.status() >= 500;
        if answer.status() != 200 {
            tried.push(format!("{url} ({})", answer.status_line()));
            continue;
        }
        // There are servers that answer with a page whatever they are asked for.
        let Ok(document) = answer.json() else {
            tried.push(format!("{url} (no JSON)"));
            continue;
        };
        let document: Document = serde_json::from_value(document)
            .map_err(|error| failed(format!("the metadata at {url} cannot be read: {error}")))?;
        return judge(document, issuer).map_err(failed);
    }
    let tried = tried.join(", ");
    Err(failed(if is_broken {
        format!("the server at {issuer} cannot tell its metadata now: {tried}")
    } else {
        format!("{issuer} has no metadata: {tried}; is that the issuer, as the server calls itself?")
    }))
}

/// Why the server was not reached, and what may help.
fn unreached(error: anyhow::Error, issuer: &ServerIssuer) -> CliError {
    let is_refused = error.chain().any(|cause| {
        let error: Option<&io::Error> = cause.downcast_ref();
        error.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    let of_tls = error.chain().find_map(|cause| {
        let outer: Option<&io::Error> = cause.downcast_ref();
        let inner = outer.and_then(|error| error.get_ref()?.downcast_ref());
        let alone = || match cause.downcast_ref() {
            Some(ureq::Error::Rustls(error)) => Some(error),
            _ => None,
        };
        inner.or_else(alone)
    });
    if let Some(rustls::Error::InvalidCertificate(why)) = of_tls {
        return failed(format!(
            "the certificate of {issuer} is not accepted: {why}; the variable SSL_CERT_FILE names a file with those to trust \
             instead of the system's"
        ));
    }
    if let Some(rustls::Error::InvalidMessage(_)) = of_tls {
        let meant = match issuer.as_str().strip_prefix("https") {
            Some(rest) if is_this_machine(issuer.host()) => format!("; did you mean --issuer http{rest}?"),
            _ => String::new(),
        };
        return failed(format!("what answers at {issuer} does not speak TLS{meant}"));
    }
    if is_refused {
        return failed(format!(
            "nothing answers at {issuer}; `oauthctl serve` starts the server of the settings, `oauthctl serve --dev` one to \
             develop with, and --issuer names another"
        ));
    }
    CliError::Failed(error)
}

fn failed(message: String) -> CliError {
    CliError::Failed(anyhow::Error::msg(message))
}

/// What of the document can be used.
fn judge(document: Document, issuer: &ServerIssuer) -> Result<Metadata, String> {
    // RFC 8414 §3.3: or else somebody could pass another server's endpoints off as his own.
    if document.issuer != issuer.as_str() {
        return Err(format!(
            "the server at {issuer} calls itself {}; give that as --issuer if it is the one that you mean",
            excerpt(&document.issuer)
        ));
    }
    for endpoint in [&document.authorization_endpoint, &document.token_endpoint] {
        let flaw = match safe_url(endpoint) {
            Ok(url) if url.scheme() == issuer.scheme() || url.scheme() == "https" => continue,
            // What is on this machine is not for a server elsewhere to name.
            Ok(_) => format!("{} is not `https`, as its issuer is", excerpt(endpoint)),
            Err(flaw) => flaw,
        };
        return Err(format!(
            "{issuer} names an endpoint that no secret is sent to: {flaw}"
        ));
    }
    if let Some(methods) = &document.code_challenge_methods_supported
        && !methods.iter().any(|method| method == "S256")
    {
        return Err(format!("{issuer} does not know PKCE with S256"));
    }
    Ok(Metadata {
        authentication: authentication(document.token_endpoint_auth_methods_supported.as_deref())
            .ok_or_else(|| format!("{issuer} takes no client secret in a way that is known here"))?,
        authorization_endpoint: document.authorization_endpoint,
        token_endpoint: document.token_endpoint,
        sends_issuer: document.authorization_response_iss_parameter_supported,
    })
}

/// The first way that both know; where the server does not say, `client_secret_basic` (RFC 8414 §2).
fn authentication(supported: Option<&[String]>) -> Option<Authentication> {
    let Some(supported) = supported else {
        return Some(Authentication::Basic);
    };
    let knows = |method: &str| supported.iter().any(|known| known == method);
    if knows("client_secret_basic") {
        Some(Authentication::Basic)
    } else if knows("client_secret_post") || knows("none") {
        Some(Authentication::Post)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(change: impl FnOnce(&mut Value)) -> Result<Metadata, String> {
        let mut document = json!({
            "issuer": "https://id.example/",
            "authorization_endpoint": "https://id.example/authorize?tenant=a",
            "token_endpoint": "https://id.example/token",
        });
        change(&mut document);
        let document = serde_json::from_value(document).map_err(|error| error.to_string())?;
        judge(document, &"https://id.example/".parse().unwrap())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let metadata = judged(|_| ()).unwrap();
        assert_eq!(metadata.authentication, Authentication::Basic);
        assert!(!metadata.sends_issuer);
        let metadata = judged(|document| {
            document["token_endpoint_auth_methods_supported"] =
                json!(["private_key_jwt", "client_secret_post"]);
            document["authorization_response_iss_parameter_supported"] = json!(true);
        });
        let metadata = metadata.unwrap();
        assert_eq!(metadata.authentication, Authentication::Post);
        assert!(metadata.sends_issuer);
    }

    #[test]
    fn metadata_of_another_server_or_of_a_weak_one_is_refused() {
        for (name, value, reason) in [
            (
                "issuer",
                json!("https://id.example"),
                "calls itself `https://id.example`",
            ),
            ("issuer", json!("https://evil.example/"), "calls itself"),
            ("token_endpoint", json!("http://id.example/token"), "not `https`"),
            (
                "token_endpoint",
                json!("http://id.example/token"),
                "https://id.example/ names an endpoint",
            ),
            (
                "token_endpoint",
                json!("http://127.0.0.1:6379/"),
                "as its issuer is",
            ),
            ("authorization_endpoint", json!("javascript:alert(1)"), "not"),
            ("authorization_endpoint", json!(null), "string"),
            ("code_challenge_methods_supported", json!(["plain"]), "PKCE"),
            (
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"]),
                "client secret",
            ),
        ] {
            let error = judged(|document| document[name] = value).unwrap_err();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }
}
