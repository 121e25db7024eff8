//! The words of the pages in one language: a message file, read and held against the English one.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Value;

/// The words in English, which know every message there is.
pub(super) const ENGLISH: &str = include_str!("messages/en.toml");

/// The words that come with the program, by language tag.
pub(super) const BUILT_IN: [(&str, &str); 2] =
    [(FALLBACK, ENGLISH), ("de", include_str!("messages/de.toml"))];

/// The language of what a translation leaves out, and of a reader whose languages there are not.
pub(super) const FALLBACK: &str = "en";

/// A sentence with places that are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Words, and the same escaped.
    Words { plain: String, html: String },
    /// The name of what is filled in.
    Place(String),
}

impl Message {
    /// Reads `text`: what stands in braces is a place, anything else are words.
    fn parse(text: &str) -> Result<Self, String> {
        let words = |text: &str| Piece::Words {
            plain: text.to_owned(),
            html: escape(text),
        };
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err("a brace is opened and not closed".to_owned());
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                return Err(format!("`{{{name}}}` is not the name of a place"));
            }
            if !before.is_empty() {
                pieces.push(words(before));
            }
            pieces.push(Piece::Place(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(words(rest));
        }
        Ok(Self(pieces))
    }

    /// The names of the places, each once, in alphabetical order.
    fn places(&self) -> Vec<&str> {
        let mut places: Vec<&str> = self
            .0
            .iter()
            .filter_map(|piece| match piece {
                Piece::Place(name) => Some(name.as_str()),
                Piece::Words { .. } => None,
            })
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The sentence as text. A place for which there is nothing stays empty.
    pub(super) fn plain(&self, fill: &[(&str, &str)]) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Words { plain, .. } => plain.as_str(),
                Piece::Place(name) => fill
                    .iter()
                    .find(|(to, _)| to == name)
                    .map_or("", |(_, with)| *with),
            })
            .collect()
    }

    /// The sentence as markup, where `fill` gives markup for the name of a place.
    pub(super) fn html<E>(&self, mut fill: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Words { html, .. } => out.push_str(html),
                Piece::Place(name) => out.push_str(&fill(name)?),
            }
        }
        Ok(out)
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The messages of one language by `section.name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Messages(BTreeMap<String, Message>);

impl Messages {
    /// The words that come with the program in English.
    pub(super) fn english() -> Self {
        Self::parse(ENGLISH).expect("the messages are part of the program, and the tests read each of them")
    }

    /// Reads a message file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start)
                    .map_or(1, |before| before.matches('\n').count() + 1)
            });
            format!("line {line}: {}", error.message())
        })?;
        let mut messages = BTreeMap::new();
        for (section, members) in table {
            let Value::Table(members) = members else {
                return Err(format!("`{section}` stands in no section"));
            };
            for (name, value) in members {
                let key = format!("{section}.{name}");
                let Value::String(text) = value else {
                    return Err(format!("`{key}` is not a string"));
                };
                let message = Message::parse(&text).map_err(|reason| format!("`{key}`: {reason}"))?;
                messages.insert(key, message);
            }
        }
        Ok(Self(messages))
    }

    /// What these messages have that `known` does not, and where they fill in other things.
    pub(super) fn faults_against(&self, known: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        for (key, message) in &self.0 {
            let Some(expected) = known.0.get(key) else {
                faults.push(format!("`{key}` is no message of the pages"));
                continue;
            };
            let (there, wanted) = (message.places(), expected.places());
            if there != wanted {
                faults.push(format!(
                    "`{key}` fills in {}, not {}",
                    braced(&there),
                    braced(&wanted)
                ));
            }
        }
        if let Some(direction) = self.0.get(DIRECTION)
            && !["ltr", "rtl"].contains(&direction.plain(&[]).as_str())
        {
            faults.push(format!("`{DIRECTION}` is neither `ltr` nor `rtl`"));
        }
        faults
    }

    /// These, and those of `other` where there is none of that name.
    #[must_use]
    pub(super) fn or(mut self, other: &Self) -> Self {
        for (key, message) in &other.0 {
            self.0.entry(key.clone()).or_insert_with(|| message.clone());
        }
        self
    }

    /// The message of that name.
    pub(super) fn get(&self, key: &str) -> Option<&Message> {
        self.0.get(key)
    }

    /// The message of that name as text.
    pub(super) fn text(&self, key: &str, fill: &[(&str, &str)]) -> String {
        // A name that there is not is shown as it is: a page with an odd word in it is better than none.
        self.get(key)
            .map_or_else(|| key.to_owned(), |message| message.plain(fill))
    }

    /// A length of time in its largest whole unit.
    pub(super) fn span(&self, length: Duration) -> String {
        let seconds = length.as_secs();
        let (unit, name) = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
            .into_iter()
            .find(|&(unit, _)| seconds > 0 && seconds.is_multiple_of(unit))
            .unwrap_or((1, "second"));
        match seconds / unit {
            1 => self.text(&format!("span.{name}_one"), &[]),
            count => self.text(&format!("span.{name}_other"), &[("count", &count.to_string())]),
        }
    }

    /// The names of all messages.
    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The message that says how the language is written.
pub(super) const DIRECTION: &str = "language.direction";

fn braced(places: &[&str]) -> String {
    if places.is_empty() {
        return "nothing".to_owned();
    }
    places
        .iter()
        .map(|place| format!("{{{place}}}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_messages_of_english_and_fills_in_the_same() {
        let english = Messages::english();
        let expected: Vec<&str> = english.keys().collect();
        assert!(expected.len() > 100, "only {} messages were read", expected.len());
        for (tag, text) in BUILT_IN {
            let messages = Messages::parse(text).expect(tag);
            assert_eq!(messages.faults_against(&english), [""; 0], "{tag}");
            assert_eq!(messages.keys().collect::<Vec<_>>(), expected, "{tag}");
        }
    }

    #[test]
    fn places_are_filled_and_words_are_escaped() {
        let message = Message::parse("{b} & <i> {a}, {b}").unwrap();
        assert_eq!(message.places(), ["a", "b"]);
        assert_eq!(message.plain(&[("a", "1"), ("b", "{a}")]), "{a} & <i> 1, {a}");
        let html = message.html(|place| Ok::<_, ()>(format!("<{place}>")));
        assert_eq!(html.unwrap(), "<b> &amp; &lt;i&gt; <a>, <b>");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let english = Messages::parse("[a]\nb = \"{x} is {y}\"").unwrap();
        let cases = [
            ("[a]\nb = \"{y} ist {x}\"", ""),
            ("[a]\nb = \"{y}\"", "`a.b` fills in {y}, not {x} {y}"),
            ("[a]\nc = \"\"", "`a.c` is no message of the pages"),
            ("b = \"\"", "`b` stands in no section"),
            ("[a]\nb = 1", "`a.b` is not a string"),
            ("[a]\nb = \"{x\"", "`a.b`: a brace is opened and not closed"),
            ("[a]\nb = \"{X y}\"", "`a.b`: `{X y}` is not the name of a place"),
        ];
        for (text, expected) in cases {
            let found = match Messages::parse(text) {
                Ok(messages) => messages.faults_against(&english).join("; "),
                Err(reason) => reason,
            };
            assert_eq!(found, expected, "{text}");
        }
        assert!(
            Messages::parse("[a]\nb = \"x\n")
                .unwrap_err()
                .starts_with("line 2: ")
        );
    }

    #[test]
    fn a_length_of_time_is_said_in_each_language() {
        for (tag, expected) in [
            ("en", ["1 second", "90 minutes", "1 hour", "30 days"]),
            ("de", ["1 Sekunde", "90 Minuten", "1 Stunde", "30 Tage"]),
        ] {
            let (_, text) = BUILT_IN.into_iter().find(|(found, _)| *found == tag).unwrap();
            let messages = Messages::parse(text).unwrap();
            let said =
                [1, 5_400, 3_600, 30 * 86_400].map(|seconds| messages.span(Duration::from_secs(seconds)));
            assert_eq!(said, expected);
        }
    }
}
