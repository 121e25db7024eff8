//! `example cron`: lines for a crontab.

use super::housekeeping::Line;
use crate::cli::document::Document;
use crate::cli::shell;

pub(super) fn document(lines: &[Line]) -> Document {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_is_one_word() {
        let words = ["/opt/o ctl", "--database", "/srv/50%$x\"/a.db"];
        let lines = [("Do", words.map(str::to_owned).to_vec())];
        let cron = document(&lines).content;
        assert!(
            cron.contains("\n17 3 * * *  '/opt/o ctl' --database '/srv/50\\%$x\"/a.db' >/dev/null\n"),
            "{cron}"
        );
    }
}
