//! `example systemd`: the server, its socket, and the housekeeping of every night.

use std::path::Path;

use minijinja::context as values;

use super::housekeeping::{self, Line};
use super::template;
use crate::cli::context::Context;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::cli::{operator, shell};
use crate::config::Loaded;

/// Ports below this need a capability.
const FIRST_FREE_PORT: u16 = 1024;

/// What stopping takes beside the requests in flight, in seconds.
const STOP_BESIDES: u64 = 10;

pub(super) fn documents(loaded: &Loaded, context: &Context<'_>) -> Result<Vec<Document>, CliError> {
    let mut documents = vec![server(loaded, context)?, socket(context)?];
    documents.extend(nightly(
        &housekeeping::lines(loaded, context)?,
        &hardening(context, "AF_UNIX", "")?,
    )?);
    Ok(documents)
}

fn server(loaded: &Loaded, context: &Context<'_>) -> Result<Document, CliError> {
    let settings = &context.settings;
    let mut words = housekeeping::start(loaded, context)?;
    words.push("serve".to_owned());
    let health_port = settings.server.health_listen.map(|address| address.port());
    let is_low = |port| (1..FIRST_FREE_PORT).contains(&port);
    let needs_capability = is_low(settings.server.listen.port()) || health_port.is_some_and(is_low);
    let capability = if needs_capability {
        "CAP_NET_BIND_SERVICE"
    } else {
        ""
    };
    let grace = settings.server.shutdown_grace.duration().as_secs();
    template::fill(
        "oauthctl.service",
        include_str!("server.service"),
        values! {
            start => line(&words),
            stop => format!("{}s", grace.saturating_add(STOP_BESIDES)),
            hardening => hardening(context, "AF_INET AF_INET6 AF_UNIX", capability)?,
        },
    )
}

fn socket(context: &Context<'_>) -> Result<Document, CliError> {
    let server = &context.settings.server;
    template::fill(
        "oauthctl.socket",
        include_str!("server.socket"),
        values! {
            listen => server.listen.to_string(),
            health => server.health_listen.map(|address| address.to_string()),
        },
    )
}

fn nightly(lines: &[Line], hardening: &str) -> Result<[Document; 2], CliError> {
    let tasks: Vec<_> = lines
        .iter()
        .map(|(what, words)| values! { what => *what, line => line(words) })
        .collect();
    let service = template::fill(
        "oauthctl-housekeeping.service",
        include_str!("housekeeping.service"),
        values! { tasks, hardening },
    )?;
    let timer = "# /etc/systemd/system/oauthctl-housekeeping.timer\n\
                 # systemctl daemon-reload && systemctl enable --now oauthctl-housekeeping.timer\n\
                 [Unit]\n\
                 Description=Housekeeping of oauthctl, every night\n\
                 \n\
                 [Timer]\n\
                 OnCalendar=*-*-* 03:17:00\n\
                 RandomizedDelaySec=10min\n\
                 Persistent=true\n\
                 \n\
                 [Install]\n\
                 WantedBy=timers.target\n";
    let timer = Document {
        file: "oauthctl-housekeeping.timer".to_owned(),
        content: timer.to_owned(),
    };
    Ok([service, timer])
}

/// What both services are allowed, which is little; the housekeeping needs no network and no low port.
fn hardening(context: &Context<'_>, families: &str, capability: &str) -> Result<String, CliError> {
    let settings = &context.settings;
    let database = housekeeping::absolute(&settings.database.path)?;
    let directory = database.parent().unwrap_or(&database);
    let state = directory
        .strip_prefix("/var/lib")
        .ok()
        .filter(|rest| !rest.as_os_str().is_empty());
    // The database and the configuration are given from the root.
    let has_relative = [&settings.tls.certificate, &settings.tls.private_key]
        .into_iter()
        .flatten()
        .any(|path| path.is_relative());
    let here = housekeeping::absolute(Path::new(""))?;
    let filled = template::fill(
        "hardening",
        include_str!("hardening"),
        values! {
            user => operator::name(),
            directory => systemd_path(directory),
            state => state.map(systemd_path),
            working_directory => has_relative.then(|| here.display().to_string().replace('%', "%%")),
            families, capability,
        },
    )?;
    Ok(filled.content)
}

/// A line of a command.
fn line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| systemd_word(word)).collect();
    words.join(" ")
}

/// A path as a setting of a unit: `%` means something there, and a space ends it.
fn systemd_path(path: &Path) -> String {
    let escaped = path.display().to_string().replace('%', "%%");
    if shell::is_plain(&escaped) {
        return escaped;
    }
    format!("\"{}\"", escaped.replace('\\', r"\\").replace('"', "\\\""))
}

/// A text as one word of a line of a unit (systemd.syntax, systemd.service): `%` and `$` mean something there.
fn systemd_word(text: &str) -> String {
    let escaped = text.replace('%', "%%").replace('$', "$$");
    if shell::is_plain(text) {
        return escaped;
    }
    format!("\"{}\"", escaped.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_is_one_word() {
        let words = ["/opt/o ctl", "--database", "/srv/50%$x\"/a.db"];
        let lines = [("Do", words.map(str::to_owned).to_vec())];
        let [service, _] = nightly(&lines, "").unwrap();
        let expected = r#"ExecStart="/opt/o ctl" --database "/srv/50%%$$x\"/a.db""#;
        assert!(service.content.contains(expected), "{}", service.content);
    }
}
