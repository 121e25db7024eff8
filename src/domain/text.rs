//! Short texts that people read: names and descriptions.

use std::fmt;
use std::str::FromStr;

/// The longest name, in characters.
pub const NAME_CHARS: usize = 100;

/// The longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 500;

/// The text cannot be shown safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space, where something is needed.
    #[error("it is empty")]
    Empty,
    /// Longer than what a page or a table has room for.
    #[error("it is longer than {0} characters")]
    TooLong(usize),
    /// It could rewrite a terminal, or reorder a page.
    #[error("it holds the control character U+{0:04X}")]
    Control(u32),
}

/// Whether a character could rewrite a terminal or reorder a page: control characters, line separators, and the
/// bidirectional controls of Unicode.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}')
}

/// A text of others, such that it moves nothing on a terminal: what is hidden is written out as `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            visible.extend(character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// Refuses what is hidden.
fn check(text: &str, longest: usize) -> Result<(), TextError> {
    if text.chars().count() > longest {
        return Err(TextError::TooLong(longest));
    }
    match text.chars().find(|&c| is_hidden(c)) {
        Some(c) => Err(TextError::Control(c.into())),
        None => Ok(()),
    }
}

/// A name that people read: 1 to [`NAME_CHARS`] characters, not all of them white space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

/// A sentence that people read, or nothing: up to [`DESCRIPTION_CHARS`] characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// The description as text; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        check(text, NAME_CHARS)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Description {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        check(text, DESCRIPTION_CHARS)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_is_dropped_and_letters_of_any_script_are_kept() {
        assert_eq!(
            " Bestellungen für 東京 ".parse::<Name>().unwrap().as_str(),
            "Bestellungen für 東京"
        );
        assert_eq!("  ".parse::<Description>().unwrap().as_str(), "");
    }

    #[test]
    fn what_cannot_be_shown_safely_is_refused() {
        assert_eq!(" ".parse::<Name>(), Err(TextError::Empty));
        assert_eq!("x".repeat(101).parse::<Name>(), Err(TextError::TooLong(100)));
        assert_eq!(
            "x".repeat(501).parse::<Description>(),
            Err(TextError::TooLong(500))
        );
        for c in [
            '\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}',
        ] {
            assert_eq!(
                format!("a{c}b").parse::<Name>(),
                Err(TextError::Control(c.into()))
            );
        }
    }
}
