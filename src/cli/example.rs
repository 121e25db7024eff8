//! `example cron|systemd`: the housekeeping of every night, with the database and the configuration in force.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::context::Context;
use super::document::{self, Document};
use super::exit::CliError;
use super::{operator, shell};
use crate::config::Loaded;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lines for a crontab
    #[command(after_help = "Examples:\n  oauthctl example cron\n  \
        (crontab -l; oauthctl example cron) | crontab -")]
    Cron,
    /// A service and a timer for systemd
    #[command(after_help = "Examples:\n  oauthctl example systemd\n  \
        oauthctl example systemd -o json | jq -r '.[] | select(.file | endswith(\".timer\")).content'")]
    Systemd,
}

/// What is done every night, and why.
const TASKS: [(&str, &[&str]); 2] = [
    (
        "Revoke what nobody has used for 90 days",
        &["token", "revoke", "--unused-for", "90d", "--yes"],
    ),
    (
        "Remove tokens that ended longer ago than they are kept",
        &["token", "prune", "--yes"],
    ),
];

pub(super) fn run(command: &Command, loaded: &Loaded, context: &mut Context<'_>) -> Result<(), CliError> {
    let program = std::env::current_exe().map_err(CliError::io("find this program"))?;
    let here = std::env::current_dir().map_err(CliError::io("find the working directory"))?;
    // Neither cron nor systemd starts in this directory.
    let database = here.join(&context.settings.database.path);
    let mut start = vec![program.display().to_string()];
    if let Some(file) = &loaded.file {
        start.extend(["--config".to_owned(), plain(&here.join(file))]);
    }
    start.extend(["--database".to_owned(), plain(&database)]);
    let lines = TASKS.map(|(what, words)| {
        let words = words.iter().map(|word| (*word).to_owned());
        (what, start.iter().cloned().chain(words).collect::<Vec<_>>())
    });
    match command {
        Command::Cron => document::print(&cron(&lines), context),
        Command::Systemd => document::print_all(&systemd(&lines), context),
    }
}

/// A path without the `.` in its middle.
fn plain(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

fn cron(lines: &[(&str, Vec<String>)]) -> Document {
    let mut content =
        "# oauthctl, every night. It works while the server runs. Errors come by mail; what was done is in\n\
                       # `oauthctl audit list --action token.`.\n"
            .to_owned();
    for ((what, words), minute) in lines.iter().zip(["17", "27"]) {
        let words: Vec<String> = words.iter().map(|word| shell::word(word)).collect();
        // cron takes a bare % for the end of the line.
        let line = words.join(" ").replace('%', r"\%");
        content += &["# ", what, ".\n", minute, " 3 * * *  ", &line, " >/dev/null\n"].concat();
    }
    Document {
        file: "crontab".to_owned(),
        content,
    }
}

fn systemd(lines: &[(&str, Vec<String>)]) -> [Document; 2] {
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

    fn lines() -> Vec<(&'static str, Vec<String>)> {
        let words = ["/opt/o ctl", "--database", "/srv/50%$x\"/a.db"];
        vec![("Do", words.map(str::to_owned).to_vec())]
    }

    #[test]
    fn a_path_with_odd_characters_is_one_word_for_cron_and_for_systemd() {
        let cron = cron(&lines()).content;
        assert!(
            cron.contains("\n17 3 * * *  '/opt/o ctl' --database '/srv/50\\%$x\"/a.db' >/dev/null\n"),
            "{cron}"
        );
        let [service, _] = systemd(&lines());
        let expected = r#"ExecStart="/opt/o ctl" --database "/srv/50%%$$x\"/a.db""#;
        assert!(service.content.contains(expected), "{}", service.content);
    }
}
