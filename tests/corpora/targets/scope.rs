//! The `scope` parameter.

use std::collections::BTreeSet;

use oauthctl::domain::scope::{SCOPE_SET_TOKENS, SCOPE_TOKEN_BYTES, ScopeSet};

pub(super) fn run(input: &[u8]) {
    let Some(text) = super::text(input) else { return };
    let words: BTreeSet<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    // RFC 6749 §3.3, as a list of characters and not of ranges.
    let is_token = |word: &str| {
        let good = |c: char| ('!'..='~').contains(&c) && c != '"' && c != '\\';
        word.len() <= SCOPE_TOKEN_BYTES && word.chars().all(good)
    };
    let fits = words.len() <= SCOPE_SET_TOKENS && words.iter().all(|word| is_token(word));
    let set = match text.parse::<ScopeSet>() {
        Ok(set) => set,
        Err(error) => {
            assert!(!fits, "{text:?}");
            return super::assert_message(&error.to_string());
        }
    };
    assert!(fits, "{text:?}");
    // The normal form: each once, in order, single spaces.
    let normal = set.to_string();
    assert_eq!(normal, words.iter().copied().collect::<Vec<_>>().join(" "));
    let again: ScopeSet = normal.parse().unwrap();
    assert_eq!(again, set);
    assert!(set.is_subset_of(&again) && set.is_empty() == words.is_empty());
    // Half of it is within it, and what both have is the half.
    let half: ScopeSet = set.iter().step_by(2).cloned().collect();
    assert!(half.is_subset_of(&set));
    assert_eq!(set.intersection(&half), half);
    assert_eq!(set.is_subset_of(&half), set == half);
}
