//! Which languages there are, and which of them a reader gets.

use std::collections::BTreeMap;

use super::messages::{BUILT_IN, FALLBACK, Messages};

/// The most languages of an `Accept-Language` that are looked at.
const MOST_RANGES: usize = 20;

/// The words of the pages in every language there is.
#[derive(Debug)]
pub(super) struct Languages {
    /// By language tag, as its file is named.
    by_tag: BTreeMap<String, Messages>,
}

impl Languages {
    /// The languages that come with the program, and `own` over them: by tag, each held against English before.
    pub(super) fn new(own: BTreeMap<String, Messages>) -> Self {
        let english = Messages::english();
        let mut by_tag = BTreeMap::new();
        for (tag, text) in BUILT_IN {
            let messages = Messages::parse(text)
                .expect("the messages are part of the program, and the tests read each of them");
            by_tag.insert(tag.to_owned(), messages);
        }
        for (tag, messages) in own {
            let messages = match by_tag.get(&tag) {
                Some(below) => messages.or(below),
                None => messages,
            };
            by_tag.insert(tag, messages);
        }
        // English words of the administrator's own stand in wherever a translation has none.
        let english = by_tag.get(FALLBACK).cloned().unwrap_or(english);
        by_tag = by_tag
            .into_iter()
            .map(|(tag, messages)| (tag, messages.or(&english)))
            .collect();
        Self { by_tag }
    }

    /// The tags of all languages.
    pub(super) fn tags(&self) -> Vec<&str> {
        self.by_tag.keys().map(String::as_str).collect()
    }

    /// The words of `tag`; English where there are none.
    pub(super) fn messages(&self, tag: &str) -> &Messages {
        self.by_tag
            .get(tag)
            .or_else(|| self.by_tag.get(FALLBACK))
            .expect("English is always there")
    }

    /// The tag of the language for a reader who sends this `Accept-Language` (RFC 9110 §12.5.4): the best liked that
    /// there is, found as RFC 4647 §3.4 looks one up.
    pub(super) fn choose(&self, accept_language: Option<&str>) -> &str {
        let mut ranges: Vec<(&str, u16)> = accept_language
            .unwrap_or_default()
            .split(',')
            .take(MOST_RANGES)
            .filter_map(range)
            .filter(|(_, weight)| *weight > 0)
            .collect();
        // Stable: of equals, the first is liked best.
        ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        ranges
            .into_iter()
            .find_map(|(range, _)| self.find(range))
            .unwrap_or(FALLBACK)
    }

    /// The language that `range` names, or the next more general one that there is.
    pub(super) fn find(&self, range: &str) -> Option<&str> {
        let mut range = range;
        loop {
            if let Some(tag) = self.by_tag.keys().find(|tag| tag.eq_ignore_ascii_case(range)) {
                return Some(tag);
            }
            (range, _) = range.rsplit_once('-')?;
        }
    }
}

/// One member of `Accept-Language`: a language range and its weight in thousandths.
fn range(member: &str) -> Option<(&str, u16)> {
    let (range, parameters) = member.split_once(';').unwrap_or((member, "q=1"));
    let (_, weight) = parameters.trim().split_once("q=")?;
    let weight: f32 = weight.trim().parse().ok()?;
    if !(0.0..=1.0).contains(&weight) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is at most 1000, and not negative"
    )]
    let thousandths = (weight * 1000.0) as u16;
    Some((range.trim(), thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_the_best_liked_language_that_there_is() {
        let languages = Languages::new(BTreeMap::from([(
            "pt-BR".to_owned(),
            Messages::parse("").unwrap(),
        )]));
        let cases = [
            (None, "en"),
            (Some(""), "en"),
            (Some("de"), "de"),
            (Some("DE-at, en;q=0.8"), "de"),
            (Some("fr, de;q=0.3, en;q=0.7"), "en"),
            (Some("fr;q=1.0, it, *;q=0.1"), "en"),
            (Some("de;q=0, en;q=0.1"), "en"),
            (Some("pt-br"), "pt-BR"),
            (Some("pt"), "en"),
            (Some("de;q=nonsense, en;q=7, ;;,,=,"), "en"),
            (Some("en;q=0.5,de ; q=0.5"), "en"),
        ];
        for (accepted, chosen) in cases {
            assert_eq!(languages.choose(accepted), chosen, "{accepted:?}");
        }
        let long = format!("{}de", "fr,".repeat(MOST_RANGES));
        assert_eq!(
            languages.choose(Some(&long)),
            "en",
            "what comes late is not looked at"
        );
    }

    #[test]
    fn what_a_translation_leaves_out_is_english() {
        let french = Messages::parse("[sign_in]\nbutton = \"Se connecter\"").unwrap();
        let english = Messages::parse("[sign_in]\npassword = \"Pass phrase\"").unwrap();
        let languages = Languages::new(BTreeMap::from([
            ("fr".to_owned(), french),
            ("en".to_owned(), english),
        ]));
        let french = languages.messages("fr");
        assert_eq!(french.text("sign_in.button", &[]), "Se connecter");
        assert_eq!(french.text("sign_in.username", &[]), "Username");
        assert_eq!(french.text("sign_in.password", &[]), "Pass phrase");
        assert_eq!(languages.messages("de").text("sign_in.password", &[]), "Passwort");
    }
}
