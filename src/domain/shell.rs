//! Texts as words of a shell.

/// A text as one word of a POSIX shell, in quotes only where it needs them.
pub fn word(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Whether every shell takes the text as it stands for one word. (Zsh reads `=ls` as the path of `ls`.)
pub fn is_plain(text: &str) -> bool {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '+' | ',' | '=');
    !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_it_needs_it() {
        for (text, expected) in [
            ("orders-web", "orders-web"),
            ("/var/lib/a.db", "/var/lib/a.db"),
            ("http://127.0.0.1:9/cb", "http://127.0.0.1:9/cb"),
            ("ålice@example.org", "ålice@example.org"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(rm)", "'$(rm)'"),
            ("http://x/?a=b&c", "'http://x/?a=b&c'"),
            ("O'Neil", r"'O'\''Neil'"),
            ("a';rm -rf ~'", r"'a'\'';rm -rf ~'\'''"),
            ("50%", "'50%'"),
            ("=ls", "'=ls'"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
