//! `example systemd`: a service and a timer.

use super::housekeeping::Line;
use crate::cli::document::Document;
use crate::cli::{operator, shell};

pub(super) fn documents(lines: &[Line]) -> [Document; 2] {
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

    #[test]
    fn a_path_with_odd_characters_is_one_word() {
        let words = ["/opt/o ctl", "--database", "/srv/50%$x\"/a.db"];
        let lines = [("Do", words.map(str::to_owned).to_vec())];
        let [service, _] = documents(&lines);
        let expected = r#"ExecStart="/opt/o ctl" --database "/srv/50%%$$x\"/a.db""#;
        assert!(service.content.contains(expected), "{}", service.content);
    }
}
