//! Secrets, as they may stand on a screen.

/// How many characters stay at the end of a token.
const END: usize = 4;

/// A secret of at least 20 characters, such that it can be told from others and opens nothing: `oat_38g6…x4Qz`, or
/// `Yt3k…x4Qz` where it has no prefix that says its kind.
///
/// The beginning of a token is its identifier, which grows with time; only the end differs between two that were issued
/// in one second.
pub(super) fn shorten(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let has_prefix = characters.get(3) == Some(&'_') && secret.starts_with('o');
    let start = if has_prefix { 8 } else { 4 };
    let shown = |part: &[char]| part.iter().collect::<String>();
    match (characters.first_chunk::<20>(), characters.last_chunk::<END>()) {
        (Some(beginning), Some(end)) => format!("{}…{}", shown(&beginning[..start]), shown(end)),
        // Too short to show a part of it.
        _ => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_of_a_secret() {
        for (secret, shown) in [
            ("oat_38g6abcdefghijklmnopqrstuvx4Qz", "oat_38g6…x4Qz"),
            ("Yt3kabcdefghijklmnopqrstuvx4Qz", "Yt3k…x4Qz"),
            ("correct horse", "…"),
            ("", "…"),
        ] {
            assert_eq!(shorten(secret), shown);
        }
    }
}
