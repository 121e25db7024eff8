//! Spans of time.

use std::time::Duration;

use oauthctl::domain::span::{LONGEST, format, in_words, parse};

pub(super) fn run(input: &[u8]) {
    let Some(text) = super::text(input) else { return };
    match parse(text) {
        Err(error) => super::assert_message(&error.to_string()),
        Ok(length) => {
            assert!(length <= LONGEST && length.subsec_nanos().is_multiple_of(1_000_000));
            let written = format(length);
            assert_eq!(parse(&written), Ok(length), "{written}");
            assert_eq!(format(parse(&written).unwrap()), written);
            super::assert_message(&in_words(length));
            // A moment more is never written like it.
            assert_ne!(format(length + Duration::from_millis(1)), written);
        }
    }
}
