//! Client authentication with a secret: Basic, or in the body (RFC 6749 §2.3.1).

use data_encoding::BASE64;
use percent_encoding::percent_decode_str;

use crate::domain::client::{ClientId, ClientSecret};
use crate::protocol::parameters::Parameters;

/// What a client or a resource server presents.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// What it says that it is.
    pub id: ClientId,
    /// What it proves it with.
    pub secret: ClientSecret,
    /// The same as it stands in the header, before decoding.
    ///
    /// §2.3.1 wants identifier and secret form-encoded within Basic; many clients do not do it. Either is right.
    pub undecoded: Option<(ClientId, ClientSecret)>,
}

/// Why there are no credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Nothing that authenticates.
    #[error("client authentication is missing: use HTTP Basic, or client_id and client_secret in the body")]
    Missing,
    /// An `Authorization` header that is not Basic, or does not decode.
    #[error("the Authorization header does not hold credentials for HTTP Basic")]
    Malformed,
    /// Basic and body at once (§2.3: "MUST NOT use more than one authentication method in each request").
    #[error("client authentication is given in the Authorization header and in the body; use one of them")]
    Twice,
}

/// Reads the credentials of a request to an endpoint that authenticates clients.
pub fn credentials(
    authorization: Option<&str>,
    body: &Parameters,
) -> Result<ClientCredentials, CredentialsError> {
    let (id, secret) = (body.get("client_id"), body.get("client_secret"));
    match (authorization, id, secret) {
        (Some(_), _, Some(_)) => Err(CredentialsError::Twice),
        (Some(header), id, None) => {
            let credentials = basic(header).ok_or(CredentialsError::Malformed)?;
            // A `client_id` beside Basic is common, and harmless where it says the same.
            match id {
                Some(id) if id != credentials.id.as_str() => Err(CredentialsError::Twice),
                _ => Ok(credentials),
            }
        }
        (None, Some(id), Some(secret)) => Ok(ClientCredentials {
            id: id.parse().map_err(|_| CredentialsError::Malformed)?,
            secret: ClientSecret::presented(secret),
            undecoded: None,
        }),
        (None, _, _) => Err(CredentialsError::Missing),
    }
}

fn basic(header: &str) -> Option<ClientCredentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim_matches(' ').as_bytes()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let credentials =
        |id: &str, secret: &str| Some((id.parse::<ClientId>().ok()?, ClientSecret::presented(secret)));
    let undecoded = credentials(id, secret);
    let decoded = form_decode(id).zip(form_decode(secret));
    let (id, secret) = decoded
        .and_then(|(id, secret)| credentials(&id, &secret))
        .or_else(|| undecoded.clone())?;
    Some(ClientCredentials {
        id,
        secret,
        undecoded,
    })
}

fn form_decode(text: &str) -> Option<String> {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .ok()
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: Option<&str>, body: &str) -> Result<(String, String), CredentialsError> {
        let body = Parameters::parse(body.as_bytes(), &["client_id", "client_secret"]);
        credentials(authorization, &body).map(|c| (c.id.to_string(), c.secret.reveal().to_owned()))
    }

    fn pair(id: &str, secret: &str) -> (String, String) {
        (id.to_owned(), secret.to_owned())
    }

    /// RFC 6749 §2.3.1: the example's client in both ways.
    #[test]
    fn the_examples_of_rfc_6749() {
        let expected = pair("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
        let header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        assert_eq!(read(Some(header), ""), Ok(expected.clone()));
        assert_eq!(
            read(None, "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw"),
            Ok(expected)
        );
    }

    #[test]
    fn basic_is_form_decoded_and_kept_as_it_stands_too() {
        let header = format!("bAsIc {}", BASE64.encode(b"a%3Ab:p+q%25"));
        assert_eq!(read(Some(&header), "client_id=a%3Ab"), Ok(pair("a:b", "p q%")));
        let read = credentials(Some(&header), &Parameters::default()).unwrap();
        let (id, secret) = read.undecoded.unwrap();
        assert_eq!((id.as_str(), secret.reveal()), ("a%3Ab", "p+q%25"));
    }

    #[test]
    fn what_is_no_authentication_and_what_is_too_much() {
        let header = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        for (authorization, body, expected) in [
            (None, "", CredentialsError::Missing),
            (None, "client_id=a", CredentialsError::Missing),
            (None, "client_secret=a", CredentialsError::Missing),
            (None, "client_id=%20&client_secret=s", CredentialsError::Malformed),
            (Some(header), "client_secret=x", CredentialsError::Twice),
            (Some(header), "client_id=other", CredentialsError::Twice),
            (Some("Bearer x"), "", CredentialsError::Malformed),
            (Some("Basic"), "", CredentialsError::Malformed),
            (Some("Basic !!"), "", CredentialsError::Malformed),
            (Some("Basic bm9jb2xvbg=="), "", CredentialsError::Malformed),
            (Some("Basic Onh4"), "", CredentialsError::Malformed),
        ] {
            assert_eq!(
                read(authorization, body),
                Err(expected),
                "{authorization:?} {body}"
            );
        }
    }
}
