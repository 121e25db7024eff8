//! What somebody sent, as it may stand in a message.

/// How many characters of a text are shown.
const SHOWN: usize = 60;

/// `text` in backquotes, with control characters escaped and at most 60 of its characters, so that a message
/// stays on one line and does nothing to the terminal on which it is read.
pub fn excerpt(text: &str) -> String {
    let mut shown = String::from("`");
    let mut characters = text.chars();
    for character in characters.by_ref().take(SHOWN) {
        if character.is_control() || is_bidirectional(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Whether this reorders the text around it: invisible, and able to make a message read as another one.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn a_text_is_shown_on_one_line_and_no_longer_than_it_helps() {
        for (text, shown) in [
            ("", "``".to_owned()),
            ("orders-web", "`orders-web`".to_owned()),
            ("naïve", "`naïve`".to_owned()),
            ("a\nb\u{1b}[31m", "`a\\nb\\u{1b}[31m`".to_owned()),
            ("a\u{202e}b", "`a\\u{202e}b`".to_owned()),
            (&"x".repeat(60), format!("`{}`", "x".repeat(60))),
            (&"x".repeat(61), format!("`{}…`", "x".repeat(60))),
        ] {
            assert_eq!(excerpt(text), shown);
        }
    }
}
