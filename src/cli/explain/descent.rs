//! Which code or token came of which. Clocks do not tell: that of a development server goes back too.

use crate::domain::identifier::Identifier;
use crate::domain::token::TokenKind;
use crate::store::Relative;

/// The relatives, each after the one that it came of, with how many stand above it.
///
/// A refresh token comes of the one that it took the place of, the first one of the code; an access token is issued together
/// with a refresh token, and stands beneath that. Where some are left out (`is_cut`), one that has none of its instant stands
/// beneath the code: the one that it came of may be missing.
pub(super) fn descent(relatives: &[Relative], is_cut: bool) -> Vec<(usize, &Relative)> {
    let mut told = Vec::with_capacity(relatives.len());
    let of = |kind| relatives.iter().filter(move |one| one.kind == kind);
    let issued: Vec<(Option<Identifier>, &Relative)> = of(TokenKind::AccessToken)
        .map(|token| (parent(token, relatives, is_cut), token))
        .collect();
    let issued_with = |parent| {
        let of_parent = issued.iter().filter(move |(found, _)| *found == parent);
        of_parent.map(|(_, token)| *token)
    };
    let mut above = 0;
    for code in of(TokenKind::AuthorizationCode) {
        told.push((0, code));
        above = 1;
    }
    told.extend(issued_with(None).map(|one| (above, one)));
    let is_successor = |one: &Relative| relatives.iter().any(|other| succeeds(one, other));
    for first in of(TokenKind::RefreshToken).filter(|one| !is_successor(one)) {
        let mut depth = above;
        let mut next = Some(first);
        while let Some(one) = next {
            told.push((depth, one));
            told.extend(issued_with(Some(one.identifier)).map(|token| (depth + 1, token)));
            depth += 1;
            // A row that names one before it would have no end.
            let successor = of(TokenKind::RefreshToken).find(|other| succeeds(other, one));
            next = successor.filter(|_| depth <= above + relatives.len());
        }
    }
    told
}

fn succeeds(one: &Relative, other: &Relative) -> bool {
    other
        .rotated
        .is_some_and(|(_, successor)| successor == one.identifier)
}

/// The refresh token with which an access token was issued: that of the same instant whose key comes next, else the newest
/// one before, if none is left out. Keys grow with each row that a server makes, whatever its clock shows.
fn parent(token: &Relative, relatives: &[Relative], is_cut: bool) -> Option<Identifier> {
    let refresh = || relatives.iter().filter(|one| one.kind == TokenKind::RefreshToken);
    let together = refresh()
        .filter(|one| one.issued_at == token.issued_at && one.identifier > token.identifier)
        .min_by_key(|one| one.identifier);
    let before = || {
        refresh()
            .filter(|one| !is_cut && one.identifier < token.identifier)
            .max_by_key(|one| one.identifier)
    };
    together.or_else(before).map(|one| one.identifier)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::domain::token::TokenKind::{AccessToken, AuthorizationCode, RefreshToken};

    fn one(kind: TokenKind, key: i64, issued_at: i64, successor: Option<i64>) -> Relative {
        let identifier = |key| Identifier::from_i64(key).unwrap();
        let issued_at = Timestamp::from_millis(issued_at);
        Relative {
            identifier: identifier(key),
            kind,
            issued_at,
            expires_at: issued_at,
            last_used_at: None,
            revoked_at: None,
            rotated: successor.map(|key| (issued_at, identifier(key))),
        }
    }

    fn told(relatives: &[Relative], is_cut: bool) -> Vec<(usize, i64)> {
        let told = descent(relatives, is_cut);
        told.iter()
            .map(|(depth, one)| (*depth, one.identifier.as_i64()))
            .collect()
    }

    #[test]
    fn each_stands_beneath_what_it_came_of_whatever_the_clock_said() {
        for later in [1_000, -1_000, 0] {
            let mut family = vec![
                one(AuthorizationCode, 1, 50, None),
                one(AccessToken, 2, 50, None),
                one(RefreshToken, 3, 50, Some(5)),
                one(AccessToken, 4, 50 + later, None),
                one(RefreshToken, 5, 50 + later, Some(9)),
                // The answer was asked for again.
                one(AccessToken, 6, 57 + later, None),
            ];
            for _ in 0..family.len() {
                family.rotate_left(1);
                let mut told = told(&family, false);
                // Those of one refresh token in any order.
                told[4..].sort_unstable();
                assert_eq!(told, [(0, 1), (1, 3), (2, 2), (2, 5), (3, 4), (3, 6)], "{later}");
            }
        }
    }

    #[test]
    fn where_some_are_left_out_no_token_is_given_a_parent_that_may_be_wrong() {
        let family = [
            one(RefreshToken, 3, 50, Some(5)),
            one(AccessToken, 2, 50, None),
            // Issued with 5, which is left out.
            one(AccessToken, 6, 57, None),
        ];
        assert_eq!(told(&family, true), [(0, 6), (0, 3), (1, 2)]);
        assert_eq!(told(&family, false), [(0, 3), (1, 2), (1, 6)]);
    }

    #[test]
    fn without_refresh_tokens_all_come_of_the_code_and_without_it_of_nothing() {
        let mut family = vec![one(AuthorizationCode, 1, 0, None), one(AccessToken, 2, 9, None)];
        assert_eq!(told(&family, false), [(0, 1), (1, 2)]);
        family.remove(0);
        assert_eq!(told(&family, false), [(0, 2)]);
    }
}
