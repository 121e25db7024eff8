//! What is fuzzed: a function a target, which takes any bytes and panics where something does not hold.
//!
//! Two programs are built of this module: the test beside it, and the fuzzer in `tests/fuzz`. None of the functions
//! reads a file, a clock or a socket; the same bytes always do the same.
//!
//! They hold more than that nothing panics. Where there is a second way to the same answer (the naive matcher of
//! `tests/coverage`, the `url` and `form_urlencoded` crates, arithmetic on addresses), both must agree; what is
//! accepted is in its normal form and within its bounds, and reads the same when it is written again; what is refused
//! is refused for a reason that can be shown.

mod authorization_request;
mod check_request;
mod client_address;
mod client_authentication;
mod configuration;
mod coverage;
mod declaration;
mod form;
mod issuer;
#[path = "../../coverage/naive.rs"]
mod naive;
mod page;
mod redirect_uri;
mod request_head;
mod resource;
mod scope;
mod span;
mod token;

/// A target: its name, which is that of its corpus, and the function.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    ("authorization_request", authorization_request::run),
    ("check_request", check_request::run),
    ("client_address", client_address::run),
    ("client_authentication", client_authentication::run),
    ("configuration", configuration::run),
    ("coverage", coverage::run),
    ("declaration", declaration::run),
    ("form", form::run),
    ("issuer", issuer::run),
    ("page", page::run),
    ("redirect_uri", redirect_uri::run),
    ("request_head", request_head::run),
    ("resource", resource::run),
    ("scope", scope::run),
    ("span", span::run),
    ("token", token::run),
];

/// The input as text, where it is.
fn text(input: &[u8]) -> Option<&str> {
    str::from_utf8(input).ok()
}

/// The input cut at its first line feed; the second half is empty where there is none.
fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[]),
    }
}

/// Holds that a message says something, on one line, that a terminal can be given.
fn assert_message(message: &str) {
    assert!(!message.trim().is_empty(), "an empty message");
    assert!(!message.contains(char::is_control), "{message:?}");
}
