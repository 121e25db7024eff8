//! Forms that only the browser they were shown in can answer.
//!
//! Each form carries a token: a nonce, the instant at which the form was made, and an HMAC over these, the purpose
//! and what the form is about, keyed with the secret of the browser's cookie. So the server keeps nothing for a form
//! that nobody answers (a stranger who asks for a million sign-in pages leaves no row behind), and a page of another
//! site, which does not know the cookie, cannot make one.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;

use crate::clock::Timestamp;
use crate::domain::secret::equal_in_constant_time;
use crate::domain::session::SessionCookie;

/// What a form does. A token for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs in; about an authorization request, or about nothing.
    SignIn,
    /// Approves or denies an authorization request.
    Answer,
    /// Takes an approval back; about its grant.
    TakeBack,
    /// Has a remembered approval forgotten; about that.
    Forget,
    /// Changes the password; about nothing.
    ChangePassword,
    /// Says on the next page that the password was changed; about nothing. Not a form, but a link that nobody else can
    /// make.
    PasswordChanged,
    /// Signs out; about nothing, or about the authorization request that somebody else is to answer.
    SignOut,
    /// Signs out of every browser; about nothing.
    SignOutEverywhere,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::SignIn => b"sign in",
            Self::Answer => b"answer",
            Self::TakeBack => b"take back",
            Self::Forget => b"forget",
            Self::ChangePassword => b"change password",
            Self::PasswordChanged => b"password changed",
            Self::SignOut => b"sign out",
            Self::SignOutEverywhere => b"sign out everywhere",
        }
    }
}

/// Why a form is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormError {
    /// It was not made for this browser, purpose and subject.
    Forged,
    /// It is too old.
    Expired,
}

/// The token for a form.
pub(super) fn seal(
    cookie: &SessionCookie,
    purpose: Purpose,
    about: &str,
    nonce: [u8; 16],
    now: Timestamp,
) -> String {
    let made_at = now.as_millis().to_be_bytes();
    let signature = cookie
        .secret()
        .sign_parts(&[purpose.label(), about.as_bytes(), &nonce, &made_at]);
    let mut token = Vec::with_capacity(56);
    token.extend_from_slice(&nonce);
    token.extend_from_slice(&made_at);
    token.extend_from_slice(&signature);
    BASE64URL_NOPAD.encode(&token)
}

/// Checks a token; its nonce, if it is right.
pub(super) fn open(
    token: &str,
    cookie: &SessionCookie,
    purpose: Purpose,
    about: &str,
    lifetime: Duration,
    now: Timestamp,
) -> Result<[u8; 16], FormError> {
    let bytes = BASE64URL_NOPAD
        .decode(token.as_bytes())
        .map_err(|_| FormError::Forged)?;
    let (Some(nonce), Some(made_at)) = (bytes.first_chunk::<16>(), bytes.get(16..24)) else {
        return Err(FormError::Forged);
    };
    let made_at: [u8; 8] = made_at.try_into().map_err(|_| FormError::Forged)?;
    let made_at = Timestamp::from_millis(i64::from_be_bytes(made_at));
    let expected = seal(cookie, purpose, about, *nonce, made_at);
    if !equal_in_constant_time(expected.as_bytes(), token.as_bytes()) {
        return Err(FormError::Forged);
    }
    if now >= made_at.after(lifetime) {
        return Err(FormError::Expired);
    }
    Ok(*nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identifier::Identifier;
    use crate::domain::secret::Secret;
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn cookie(seed: u64) -> SessionCookie {
        SessionCookie::new(
            Identifier::at(NOW, 1),
            Secret::generate(&SeededEntropy::new(seed)).unwrap(),
        )
    }

    #[test]
    fn a_token_is_for_one_browser_one_purpose_one_subject_and_a_while() {
        let token = seal(&cookie(1), Purpose::Answer, "client_id=a", [7; 16], NOW);
        let open =
            |token: &str, seed, purpose, about, now| open(token, &cookie(seed), purpose, about, MINUTE, now);
        assert_eq!(open(&token, 1, Purpose::Answer, "client_id=a", NOW), Ok([7; 16]));
        assert_eq!(
            open(&token, 2, Purpose::Answer, "client_id=a", NOW),
            Err(FormError::Forged)
        );
        assert_eq!(
            open(&token, 1, Purpose::SignIn, "client_id=a", NOW),
            Err(FormError::Forged)
        );
        assert_eq!(
            open(&token, 1, Purpose::Answer, "client_id=b", NOW),
            Err(FormError::Forged)
        );
        assert_eq!(
            open(&token, 1, Purpose::Answer, "client_id=a", NOW.after(MINUTE)),
            Err(FormError::Expired)
        );
        for bad in ["", "AAAA", &token[1..], &format!("{token}A"), "é"] {
            assert_eq!(
                open(bad, 1, Purpose::Answer, "client_id=a", NOW),
                Err(FormError::Forged),
                "{bad}"
            );
        }
    }
}
