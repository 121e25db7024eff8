//! What somebody meant who misspelt a name.

use crate::domain::likeness::{distance, is_near};

/// The longest name for which a near one is looked for, in bytes; nothing that exists is as long.
const LONGEST: usize = 64;

/// The name among `known` that is nearest to `name`, where one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase().replace('-', "_");
    known
        .filter(|candidate| is_near(&name, candidate))
        .min_by_key(|candidate| distance(&name, candidate))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["listen", "session_lifetime", "issuer"];
        for (name, meant) in [
            ("lisetn", Some("listen")),
            ("session-lifetime", Some("session_lifetime")),
            ("SESSION_LIFETIME", Some("session_lifetime")),
            ("sesion_lifetme", Some("session_lifetime")),
            ("port", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), meant, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), known.into_iter()), None);
    }
}
