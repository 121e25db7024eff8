//! Text that others wrote (clients, administrators, senders of requests), made safe to stand among our own words.

use minijinja::{HtmlEscape, Value};

/// The template filter `isolated` and `isolated(limit)`: escapes `text` and puts it into `<bdi>`, so that its writing
/// direction ends where it ends. With a limit, what is longer than that many characters is cut and marked with `…`.
///
/// Every text that is shown goes through it; only attribute values, which must stay exact, do not.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the template engine hands arguments over by value"
)]
pub(super) fn isolated(text: String, limit: Option<usize>) -> Value {
    Value::from_safe_string(format!(
        "<bdi>{}</bdi>",
        HtmlEscape(&plain(&text, limit.unwrap_or(usize::MAX)))
    ))
}

/// How many combining marks one character may carry: more than any writing needs, too few to cover other lines.
const MOST_MARKS: usize = 4;

/// `text` for a place that holds no markup, such as `<title>`: at most `limit` characters and the `…` after them,
/// line breaks as spaces, what cannot be seen (or reorders its neighbours) as `U+FFFD`, and without the combining marks
/// that would pile up over other lines.
pub(super) fn plain(text: &str, limit: usize) -> String {
    let mut marks = 0;
    let mut characters = text.chars().filter(|&character| {
        marks = if is_stacking_mark(character) { marks + 1 } else { 0 };
        marks <= MOST_MARKS
    });
    let mut out: String = characters.by_ref().take(limit).map(visible).collect();
    if characters.next().is_some() {
        out.push('…');
    }
    out
}

/// `character`, or what stands for it where it would not be seen.
fn visible(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        hidden if hidden.is_control() || is_invisible(hidden) => char::REPLACEMENT_CHARACTER,
        seen => seen,
    }
}

/// Whether `character` is one that reorders text (bidirectional marks, embeddings, overrides, isolates) or takes part
/// in it without being seen (zero-width and filler characters, tags).
///
/// The joiners U+200C and U+200D are left: Persian, Indic scripts and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Whether `character` is drawn above or below the one before it, and further out each time it is repeated.
fn is_stacking_mark(character: char) -> bool {
    matches!(character,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{0E31}' | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}'
        | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reorders_or_hides_is_made_visible_and_the_rest_stays() {
        let cases = [
            ("Orders Web", "Orders Web"),
            ("Bestellungen für Köln", "Bestellungen für Köln"),
            ("הזמנות", "הזמנות"),
            ("👩\u{200D}💻", "👩\u{200D}💻"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            ("\u{202E}beW sredrO", "\u{FFFD}beW sredrO"),
            ("a\u{2066}b\u{2069}c", "a\u{FFFD}b\u{FFFD}c"),
            ("a\u{200F}b\u{061C}c\u{200E}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}"),
            ("a\u{200B}b\u{FEFF}\u{E0041}", "a\u{FFFD}b\u{FFFD}\u{FFFD}"),
            ("a\0b\u{7F}\u{85}", "a\u{FFFD}b\u{FFFD}\u{FFFD}"),
            ("two\r\nlines\u{2028}three", "two  lines three"),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text, usize::MAX), shown, "{text:?}");
        }
    }

    #[test]
    fn marks_stack_no_higher_than_a_writing_needs() {
        let cases = [
            ("e\u{0302}\u{0301}", "e\u{0302}\u{0301}".to_owned()),
            (
                &format!("Z{}a\u{0301}", "\u{0301}".repeat(60)),
                format!("Z{}a\u{0301}", "\u{0301}".repeat(4)),
            ),
            (
                &format!("\u{0E01}{}", "\u{0E47}".repeat(9)),
                format!("\u{0E01}{}", "\u{0E47}".repeat(4)),
            ),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text, usize::MAX), shown, "{text:?}");
        }
    }

    #[test]
    fn a_limit_counts_characters_and_marks_the_cut() {
        let cases = [("äöü", 3, "äöü"), ("äöüß", 3, "äöü…"), ("", 0, ""), ("a", 0, "…")];
        for (text, limit, shown) in cases {
            assert_eq!(plain(text, limit), shown, "{text:?} at {limit}");
        }
    }

    #[test]
    fn markup_is_escaped_after_the_cut() {
        assert_eq!(
            isolated("<b>".to_owned(), Some(1)).to_string(),
            "<bdi>&lt;…</bdi>"
        );
    }
}
