//! The files of `apply`.

use oauthctl::config::declaration::{read, write};
use oauthctl::config::settings::Tokens;
use oauthctl::domain::declaration::changes;
use oauthctl::domain::span::Span;

pub(super) fn run(input: &[u8]) {
    let file = match read(input, &Tokens::default()) {
        Ok(file) => file,
        Err(error) => {
            super::assert_message(&error.reason);
            let lines = input.split(|byte| *byte == b'\n').count();
            assert!((1..=lines).contains(&error.line), "{error}");
            return;
        }
    };
    let declared = &file.declaration;
    let text = write(declared);
    // What is written says everything: other defaults make no difference, and it is written in one way only.
    let others = Tokens {
        access_token_lifetime: Span::from_secs(77),
        code_lifetime: Span::from_secs(7),
        ..Tokens::default()
    };
    let again = read(text.as_bytes(), &others).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(&again.declaration, declared, "{text}");
    assert_eq!(write(&again.declaration), text);
    // Applied twice it changes nothing the second time.
    assert!(changes(declared, &again.declaration, true).is_empty());
    for client in declared.clients.values() {
        assert!(client.settings.code_lifetime.as_secs() <= 600);
    }
}
