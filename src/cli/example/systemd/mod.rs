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
    documents.extend(nightly(&housekeeping::lines(loaded, context)?));
    Ok(documents)
}

fn server(loaded: &Loaded, context: &Context<'_>) -> Result<Document, CliError> {
    let settings = &context.settings;
    let mut words = housekeeping::start(loaded, context)?;
    words.push("serve".to_owned());
    let words: Vec<String> = words.iter().map(|word| systemd_word(word)).collect();
    let database = housekeeping::absolute(&settings.database.path)?;
    let health_port = settings.server.health_listen.map(|address| address.port());
    let is_low = |port| (1..FIRST_FREE_PORT).contains(&port);
    let needs_capability = is_low(settings.server.listen.port()) || health_port.is_some_and(is_low);
    let grace = settings.server.shutdown_grace.duration().as_secs();
    template::fill(
        "oauthctl.service",
        include_str!("server.service"),
        values! {
            start => words.join(" "),
            stop => format!("{}s", grace.saturating_add(STOP_BESIDES)),
            user => operator::name(),
            directory => systemd_path(database.parent().unwrap_or(&database)),
            capability => if needs_capability { "CAP_NET_BIND_SERVICE" } else { "" },
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

fn nightly(lines: &[Line]) -> [Document; 2] {
    let mut service = format!(
        "# /etc/systemd/system/oauthctl-housekeeping.service\n\
         [Unit]\n\
         Description=Housekeeping of oauthctl: revokes what is unused, removes what has ended\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         # Whose the database is.\n\
         User={}\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         # It works while the server runs.\n",
        operator::name()
    );
    for (what, words) in lines {
        let words: Vec<String> = words.iter().map(|word| systemd_word(word)).collect();
        service += &["# ", what, ".\nExecStart=", &words.join(" "), "\n"].concat();
    }
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
    [
        ("oauthctl-housekeeping.service", service + "\n"),
        ("oauthctl-housekeeping.timer", timer.to_owned()),
    ]
    .map(|(file, content)| Document {
        file: file.to_owned(),
        content,
    })
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
        let [service, _] = nightly(&lines);
        let expected = r#"ExecStart="/opt/o ctl" --database "/srv/50%%$$x\"/a.db""#;
        assert!(service.content.contains(expected), "{}", service.content);
    }
}
