//! How a client wants the resource owner to be asked: the parameters `prompt`, `max_age` and `login_hint` of OpenID
//! Connect Core 1.0 §3.1.2.1, as far as they mean something without ID tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::owner::Username;
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::parameters::{Parameters, without};

/// The parameter that says which pages are to be shown.
pub const PROMPT: &str = "prompt";
/// The parameter that says how long ago the sign-in may be, in seconds.
pub const MAX_AGE: &str = "max_age";
/// The parameter that says who will probably sign in.
pub const LOGIN_HINT: &str = "login_hint";

/// One value of [`PROMPT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prompt {
    /// Show no page at all.
    None,
    /// Have the resource owner sign in, be they signed in or not.
    Login,
    /// Ask the resource owner, be the approval remembered or not.
    Consent,
    /// Let the resource owner say who they are. A browser has one sign-in here, so it is what `login` is.
    SelectAccount,
}

impl Prompt {
    /// Every value, in the order in which they are told (`prompt_values_supported`, Initiating User Registration via
    /// OpenID Connect 1.0 §4.1).
    pub const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    /// As it is written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// How the resource owner is to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompting {
    /// Which pages are to be shown. `none` is alone.
    pub prompts: BTreeSet<Prompt>,
    /// How long ago the sign-in may be.
    pub max_age: Option<Duration>,
    /// Who will probably sign in.
    pub login_hint: Option<Username>,
}

/// Reads the three parameters.
///
/// A value of `prompt` that is not known is refused, as Initiating User Registration via OpenID Connect 1.0 §4.1 has it:
/// a client that asks for a page which nobody shows should learn so. A hint that is no username is no hint.
///
/// # Errors
/// `invalid_request`, also for `none` together with another value.
pub fn asked(parameters: &Parameters) -> Result<Prompting, AuthorizationError> {
    let refuse = |description: &str| {
        let code = AuthorizationErrorCode::InvalidRequest;
        Err(AuthorizationError::new(code, description))
    };
    let mut prompts = BTreeSet::new();
    let words = parameters.get(PROMPT).unwrap_or_default().split(' ');
    for word in words.filter(|word| !word.is_empty()) {
        let Some(prompt) = Prompt::ALL.into_iter().find(|prompt| prompt.as_str() == word) else {
            return refuse("prompt must be none, login, consent or select_account");
        };
        prompts.insert(prompt);
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return refuse("prompt=none goes with no other value");
    }
    let max_age = match parameters.get(MAX_AGE) {
        None => None,
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => return refuse("max_age is too large"),
        },
        Some(_) => return refuse("max_age must be a number of seconds"),
    };
    let login_hint = parameters.get(LOGIN_HINT).and_then(|hint| hint.parse().ok());
    Ok(Prompting {
        prompts,
        max_age,
        login_hint,
    })
}

/// The request `raw` as it goes on after the sign-in that it asked for, so that it does not ask for another one.
pub fn after_sign_in(raw: &str) -> String {
    let parameters = Parameters::parse(raw.as_bytes(), &[PROMPT]);
    let prompt = parameters.get(PROMPT).unwrap_or_default();
    let rest = without(raw, &[PROMPT, MAX_AGE, LOGIN_HINT]);
    if prompt.split(' ').any(|word| word == Prompt::Consent.as_str()) {
        format!("{rest}&{PROMPT}={}", Prompt::Consent.as_str())
    } else {
        rest
    }
}

/// What is known when the next step is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// When the resource owner signed in; `None` where nobody is signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Whether the resource owner has approved all this already, and wants it remembered.
    pub is_remembered: bool,
    /// Whether the request may be answered without a page.
    pub may_be_silent: bool,
}

/// What is done next with a valid request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Have somebody sign in.
    SignIn,
    /// Ask the resource owner.
    Ask,
    /// Approve: the resource owner did.
    Approve,
    /// Tell the client that it cannot be done without a page.
    Refuse(AuthorizationError),
}

impl Prompting {
    /// Decides what is done next.
    pub fn next_step(&self, standing: Standing, now: Timestamp) -> NextStep {
        let has = |prompt| self.prompts.contains(&prompt);
        let refuse = |code, description| NextStep::Refuse(AuthorizationError::new(code, description));
        // `max_age=0` is `prompt=login`, whatever the clock says.
        let is_fresh = |at: Timestamp| {
            self.max_age
                .is_none_or(|most| !most.is_zero() && now.since(at) <= most)
        };
        let is_signed_in = standing.signed_in_at.is_some_and(is_fresh);
        if has(Prompt::None) {
            return if !is_signed_in {
                let description = "the resource owner has to sign in first";
                refuse(AuthorizationErrorCode::LoginRequired, description)
            } else if !standing.is_remembered {
                let description = "the resource owner has to be asked first";
                refuse(AuthorizationErrorCode::ConsentRequired, description)
            } else if !standing.may_be_silent {
                let description = "this request needs state or PKCE, and a redirect URI exactly as registered, to be \
                                   answered without a page";
                refuse(AuthorizationErrorCode::InteractionRequired, description)
            } else {
                NextStep::Approve
            };
        }
        if !is_signed_in || has(Prompt::Login) || has(Prompt::SelectAccount) {
            NextStep::SignIn
        } else if standing.is_remembered && standing.may_be_silent && !has(Prompt::Consent) {
            NextStep::Approve
        } else {
            NextStep::Ask
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);

    fn read(raw: &str) -> Result<Prompting, AuthorizationError> {
        asked(&Parameters::parse(raw.as_bytes(), &[PROMPT, MAX_AGE, LOGIN_HINT]))
    }

    #[test]
    fn the_parameters_are_read() {
        let prompting = read("prompt=login+consent&max_age=300&login_hint=al%40example.org").unwrap();
        assert_eq!(prompting.prompts, [Prompt::Login, Prompt::Consent].into());
        assert_eq!(prompting.max_age, Some(Duration::from_secs(300)));
        assert_eq!(prompting.login_hint, "al@example.org".parse().ok());
        assert_eq!(
            read("prompt=&max_age=&login_hint=").unwrap(),
            Prompting::default()
        );
        for no_hint in ["%3Cb%3E+x", "a%0Ab", "%E2%80%AEa", &"x".repeat(101)] {
            assert_eq!(read(&format!("login_hint={no_hint}")).unwrap().login_hint, None);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in [
            "prompt=none+login",
            "prompt=consent++none",
            "prompt=create",
            "prompt=Login",
            "prompt=login%09consent",
            "max_age=-1",
            "max_age=1.5",
            "max_age=+1",
            "max_age=1h",
            "max_age=99999999999999999999",
        ] {
            let refused = read(bad).unwrap_err();
            assert_eq!(refused.code, AuthorizationErrorCode::InvalidRequest, "{bad}");
        }
    }

    #[test]
    fn the_next_step() {
        use AuthorizationErrorCode::{ConsentRequired, InteractionRequired, LoginRequired};
        #[derive(Debug, PartialEq)]
        enum Step {
            SignIn,
            Ask,
            Approve,
            Refuse(AuthorizationErrorCode),
        }
        // Parameters; seconds since the sign-in; remembered; may be silent.
        for (raw, signed_in, remembered, silent, expected) in [
            ("", None, false, true, Step::SignIn),
            ("", None, true, true, Step::SignIn),
            ("", Some(60), false, true, Step::Ask),
            ("", Some(60), true, true, Step::Approve),
            ("", Some(60), true, false, Step::Ask),
            ("prompt=none", None, true, true, Step::Refuse(LoginRequired)),
            (
                "prompt=none",
                Some(60),
                false,
                true,
                Step::Refuse(ConsentRequired),
            ),
            (
                "prompt=none",
                Some(60),
                true,
                false,
                Step::Refuse(InteractionRequired),
            ),
            ("prompt=none", Some(60), true, true, Step::Approve),
            (
                "prompt=none&max_age=59",
                Some(60),
                true,
                true,
                Step::Refuse(LoginRequired),
            ),
            ("prompt=none&max_age=60", Some(60), true, true, Step::Approve),
            ("prompt=login", Some(0), true, true, Step::SignIn),
            ("prompt=login", None, true, true, Step::SignIn),
            ("prompt=select_account", Some(60), true, true, Step::SignIn),
            ("prompt=consent", None, true, true, Step::SignIn),
            ("prompt=consent", Some(60), true, true, Step::Ask),
            ("prompt=login+consent", Some(60), true, true, Step::SignIn),
            ("max_age=60", Some(60), false, true, Step::Ask),
            ("max_age=60", Some(60), true, true, Step::Approve),
            ("max_age=59", Some(60), true, true, Step::SignIn),
            ("max_age=0", Some(0), true, true, Step::SignIn),
            ("login_hint=bob", Some(60), true, true, Step::Approve),
        ] {
            let standing = Standing {
                signed_in_at: signed_in.map(|seconds| NOW.before(Duration::from_secs(seconds))),
                is_remembered: remembered,
                may_be_silent: silent,
            };
            let found = match read(raw).unwrap().next_step(standing, NOW) {
                NextStep::SignIn => Step::SignIn,
                NextStep::Ask => Step::Ask,
                NextStep::Approve => Step::Approve,
                NextStep::Refuse(error) => Step::Refuse(error.code),
            };
            assert_eq!(found, expected, "{raw} {standing:?}");
        }
    }

    #[test]
    fn after_the_sign_in_nothing_asks_for_another_one() {
        for (raw, expected) in [
            ("a=1&prompt=login&b=%20x", "a=1&b=%20x"),
            ("prompt=login+consent&a=1", "a=1&prompt=consent"),
            ("a=1&prompt=consent&max_age=0&login_hint=x", "a=1&prompt=consent"),
            ("a=1&%70rompt=select_account&max_age=9", "a=1"),
            ("a=1&&b", "a=1&b"),
        ] {
            assert_eq!(after_sign_in(raw), expected);
            assert_eq!(after_sign_in(expected), expected, "once is enough");
        }
    }
}
