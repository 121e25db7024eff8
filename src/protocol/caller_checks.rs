//! Whoever calls the token endpoint or one of its siblings, taken apart for its developer: whose credentials were presented,
//! and what mends it. [`client_authentication`](crate::protocol::client_authentication) decides; this only tells. No secret is in
//! what it says.

use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId};
use crate::domain::likeness::{distance, is_near};
use crate::protocol::authorization_checks::{Check, flawed};
use crate::protocol::client_authentication::CredentialsError;
use crate::protocol::parameters::Parameters;
use crate::protocol::token_request_checks::{failed, passed};

/// Which endpoint a caller authenticates at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedOf {
    /// RFC 6749 §3.2.
    Token,
    /// RFC 7009.
    Revocation,
    /// RFC 7662.
    Introspection,
}

/// Whom the presented credentials are of.
#[derive(Debug)]
pub enum Presented {
    /// There are none that can be read.
    None(CredentialsError),
    /// The client's own.
    Good(Client),
    /// The client is disabled.
    Disabled(ClientId),
    /// Another secret than the client's.
    WrongSecret {
        /// Who it is said to be.
        client: ClientId,
        /// What is known about the secret.
        secret: WrongSecret,
    },
    /// A resource server, which may introspect and nothing else.
    ResourceServer {
        /// Which.
        id: ClientId,
        /// Whether the secret is its own.
        secret: Result<(), WrongSecret>,
    },
    /// The client's identifier stands where its secret belongs.
    Swapped {
        /// Whose it is.
        id: ClientId,
        /// Whether that is a resource server.
        is_resource_server: bool,
    },
    /// Nobody has this identifier.
    Unknown {
        /// The identifiers of all clients.
        clients: Vec<String>,
        /// What was sent.
        sent: ClientId,
    },
}

/// What is known about a secret that is not the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongSecret {
    /// It was the client's until then.
    Ended(Timestamp),
    /// It would be the one without the white space around it.
    Padded,
    /// Nothing.
    Unknown,
}

/// Every check of whoever introspects or revokes, and of the token that is missing.
pub fn caller_checks(parameters: &Parameters, presented: &Presented, of: AskedOf) -> Vec<Check> {
    if let Some((name, flaw)) = parameters.first_flaw() {
        return vec![flawed(name, flaw)];
    }
    let mut checks = vec![of_client(parameters, presented, of)];
    if parameters.get("token").is_none() {
        checks.push(failed("token", "missing").client("send it in `token`"));
    }
    checks
}

/// Who asks, and with which secret.
pub(super) fn of_client(parameters: &Parameters, presented: &Presented, of: AskedOf) -> Check {
    match presented {
        Presented::None(CredentialsError::Missing) if parameters.get("client_id").is_some() => {
            failed("client_secret", "missing, and client_id alone proves nothing")
                .client("send client_secret too, or both as HTTP Basic")
        }
        Presented::None(error) => failed("client authentication", error.to_string())
            .client("send `Authorization: Basic` with the base64 of `client_id:client_secret`"),
        Presented::Good(client) => passed(
            "client authentication",
            format!("{}, and the secret is the right one", client.id),
        ),
        Presented::Disabled(client) => failed("client_id", format!("the client {client} is disabled"))
            .command(&["client", "enable", client.as_str()]),
        Presented::ResourceServer { id, secret } => of_resource_server(id, secret, of),
        Presented::WrongSecret { client, secret } => of_wrong_secret("client", client, secret),
        Presented::Swapped {
            id,
            is_resource_server: true,
        } if of != AskedOf::Introspection => of_resource_server(id, &Ok(()), of),
        Presented::Swapped { id, .. } => {
            failed("client_id", "client_id and client_secret have changed places")
                .client(format!("send client_id={id}, and the secret as client_secret"))
        }
        Presented::Unknown { clients, sent } => {
            // Not shown: people swap identifier and secret.
            let check = failed("client_id", "nobody is registered under what was sent");
            let nearest = clients.iter().min_by_key(|known| distance(sent.as_str(), known));
            match nearest.filter(|known| is_near(sent.as_str(), known)) {
                Some(meant) => check.client(format!("send client_id={meant}")),
                None if of == AskedOf::Introspection => check
                    .command(&["resource-server", "list"])
                    .command(&["client", "list"]),
                None => check.command(&["client", "list"]),
            }
        }
    }
}

fn of_resource_server(id: &ClientId, secret: &Result<(), WrongSecret>, of: AskedOf) -> Check {
    let may_not = match (of, secret) {
        (AskedOf::Token, _) => "get no tokens",
        (AskedOf::Revocation, _) => "revoke none",
        (AskedOf::Introspection, Ok(())) => {
            let told = format!("the resource server {id}, and the secret is the right one");
            return passed("client authentication", told);
        }
        (AskedOf::Introspection, Err(secret)) => return of_wrong_secret("resource-server", id, secret),
    };
    failed(
        "client_id",
        format!("{id} is a resource server, and those {may_not}"),
    )
    .command(&["client", "list"])
}

/// `noun` is the one whose commands it has.
fn of_wrong_secret(noun: &str, id: &ClientId, secret: &WrongSecret) -> Check {
    let (told, mend) = match secret {
        WrongSecret::Ended(at) => (
            format!("it was the secret of {id} until {at}"),
            "send the newer one, which the rotation printed",
        ),
        WrongSecret::Padded => {
            let told = format!("the secret of {id} with white space or a line break around it");
            return failed("client_secret", told).client("send it without");
        }
        WrongSecret::Unknown => (
            format!("not the secret of {id}"),
            "send the one that was printed when it was registered or the secret was made",
        ),
    };
    failed("client_secret", told)
        .client(mend)
        .command(&[noun, "rotate-secret", id.as_str()])
}
