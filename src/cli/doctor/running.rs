//! A server that runs with these settings, asked at its own endpoints.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::super::context::Context;
use super::super::exit::CliError;
use super::finding::{Finding, Level};
use crate::domain::issuer::Issuer;
use crate::http::listener::SPEAKS_TLS;

/// A server on this machine answers sooner.
const PATIENCE: Duration = Duration::from_secs(3);

/// The largest answer that is read, in bytes: the metadata of a great many scopes.
const LARGEST_ANSWER: u64 = 1024 * 1024;

/// What asking came to.
enum Answer {
    /// Nobody listens.
    Nobody,
    /// A status and a body.
    Given(u16, String),
    /// Neither.
    Broken(String),
}

pub(super) fn examine(context: &Context<'_>, findings: &mut Vec<Finding>) -> Result<(), CliError> {
    let address = context.settings.server.listen;
    let issuer = context.issuer()?;
    if address.port() == 0 {
        let finding = "with port 0 the system picks the port, so it is not known where to ask";
        findings.push(Finding::new("server", Level::Note, finding));
        return Ok(());
    }
    // Behind a proxy the server is asked itself, without the way through the proxy, and it answers at the root as well.
    let (base, path) = if issuer.is_https() {
        (format!("http://{address}"), "")
    } else {
        let origin_end = issuer.as_str().len() - issuer.path().len();
        (issuer.as_str()[..origin_end].to_owned(), issuer.path())
    };
    if context.settings.tls.files().is_some() {
        findings.extend(examine_tls(address, &issuer));
        return Ok(());
    }
    let mut told = |check: &str, level, finding: String, fix: Option<&str>| {
        let finding = Finding::new(check, level, finding);
        findings.push(match fix {
            Some(fix) => finding.fix(fix),
            None => finding,
        });
    };
    match get(&format!("{base}{path}/healthz")) {
        Answer::Nobody => {
            told(
                "server",
                Level::Note,
                format!("none runs at {base}"),
                Some("oauthctl serve"),
            );
            return Ok(());
        }
        Answer::Given(200, _) => told("server", Level::Ok, format!("one runs at {base}"), None),
        Answer::Given(status, _) => {
            let finding =
                format!("what listens at {base} answers /healthz with {status}: is it another program?");
            told(
                "server",
                Level::Fault,
                finding,
                Some("set another listen = \"127.0.0.1:PORT\" under [server]"),
            );
            return Ok(());
        }
        Answer::Broken(error) => {
            let finding = format!("what listens at {base} does not answer /healthz: {error}");
            told(
                "server",
                Level::Fault,
                finding,
                Some("restart the server; its log says what it is busy with"),
            );
            return Ok(());
        }
    }
    match get(&format!("{base}{path}/readyz")) {
        Answer::Given(200, _) => told(
            "server is ready",
            Level::Ok,
            "it reads and writes its database".to_owned(),
            None,
        ),
        Answer::Given(_, body) => told(
            "server is ready",
            Level::Fault,
            body.lines().next().unwrap_or_default().to_owned(),
            Some("look into the log of the server; restart it once the cause is gone"),
        ),
        Answer::Nobody => told(
            "server is ready",
            Level::Fault,
            "it has stopped".to_owned(),
            Some("oauthctl serve"),
        ),
        Answer::Broken(error) => told("server is ready", Level::Fault, error, Some("restart the server")),
    }
    let metadata = get(&format!("{base}/.well-known/oauth-authorization-server{path}"));
    let (level, finding) = judge_metadata(&metadata, &issuer);
    let fix = "restart the server, so that it reads the settings that are in force now";
    told(
        "server's issuer",
        level,
        finding,
        (level != Level::Ok).then_some(fix),
    );
    if issuer.is_https() {
        let finding = "the way through the proxy was not tried".to_owned();
        told(
            "proxy",
            Level::Note,
            finding,
            Some(&format!("curl -fsS {}", issuer.endpoint("/healthz"))),
        );
    }
    Ok(())
}

/// A server that speaks TLS is asked without: what it says to that tells that it runs.
fn examine_tls(address: SocketAddr, issuer: &Issuer) -> Vec<Finding> {
    let base = format!("https://{address}");
    match get(&format!("http://{address}/healthz")) {
        Answer::Given(400, body) if body.starts_with(SPEAKS_TLS) => vec![
            Finding::ok("server", format!("one runs at {base}")),
            Finding::new(
                "server is ready",
                Level::Note,
                "it was not asked, because that takes TLS".to_owned(),
            )
            .fix(format!("curl -fsS {}", issuer.endpoint("/readyz"))),
        ],
        Answer::Nobody => {
            vec![Finding::new("server", Level::Note, format!("none runs at {base}")).fix("oauthctl serve")]
        }
        Answer::Given(..) | Answer::Broken(_) => vec![
            Finding::new(
                "server",
                Level::Fault,
                format!("what listens at {address} does not speak TLS, and the settings say that it should"),
            )
            .fix("restart the server, so that it reads the settings that are in force now"),
        ],
    }
}

/// Whether the server calls itself as the settings do (RFC 8414 §3.3).
fn judge_metadata(answer: &Answer, issuer: &Issuer) -> (Level, String) {
    let stated = match answer {
        Answer::Given(200, body) => serde_json::from_str::<Value>(body)
            .ok()
            .and_then(|metadata| Some(metadata.get("issuer")?.as_str()?.to_owned())),
        _ => None,
    };
    match stated {
        Some(stated) if stated == issuer.as_str() => (Level::Ok, stated),
        Some(stated) => (
            Level::Fault,
            format!("it calls itself {stated}, and the settings say {issuer}"),
        ),
        None => (Level::Fault, "it does not tell its metadata".to_owned()),
    }
}

fn get(url: &str) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut response = match agent.get(url).call() {
        Ok(response) => response,
        Err(ureq::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Answer::Nobody;
        }
        Err(error) => return Answer::Broken(error.to_string()),
    };
    let status = response.status().as_u16();
    match response
        .body_mut()
        .with_config()
        .limit(LARGEST_ANSWER)
        .read_to_string()
    {
        Ok(body) => Answer::Given(status, body),
        Err(error) => Answer::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_to_call_itself_as_the_settings_do() {
        let issuer = Issuer::parse("https://id.example").unwrap();
        for (answer, level) in [
            (
                Answer::Given(200, r#"{"issuer":"https://id.example"}"#.to_owned()),
                Level::Ok,
            ),
            (
                Answer::Given(200, r#"{"issuer":"https://other.example"}"#.to_owned()),
                Level::Fault,
            ),
            (Answer::Given(200, r#"{"issuer":7}"#.to_owned()), Level::Fault),
            (Answer::Given(200, "<html>".to_owned()), Level::Fault),
            (
                Answer::Given(404, r#"{"issuer":"https://id.example"}"#.to_owned()),
                Level::Fault,
            ),
            (Answer::Nobody, Level::Fault),
        ] {
            assert_eq!(judge_metadata(&answer, &issuer).0, level);
        }
    }
}
