//! Queries and bodies in `application/x-www-form-urlencoded`, against the `form_urlencoded` crate.

use form_urlencoded::Serializer;
use oauthctl::protocol::parameters::{Flaw, Parameters, names_any, values_of, without};

const KNOWN: [&str; 4] = ["a", "scope", "client_id", "resource"];

pub(super) fn run(input: &[u8]) {
    let parameters = Parameters::parse(input, &KNOWN);
    // Bytes that are no text are replaced in these.
    let pairs: Vec<(String, String)> = form_urlencoded::parse(input)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    for name in KNOWN {
        let values: Vec<&str> = pairs
            .iter()
            .filter(|(own, value)| own == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(
            names_any(input, &[name]),
            pairs.iter().any(|(own, _)| own == name),
            "{name}"
        );
        if name == "resource" {
            assert_eq!(parameters.values_of(name), values);
            assert_eq!((parameters.get(name), parameters.flaw(name)), (None, None));
            continue;
        }
        let may_be_no_text = values.iter().any(|value| value.contains('\u{fffd}'));
        match (parameters.get(name), parameters.flaw(name), values.as_slice()) {
            (None, None, []) | (None, Some(Flaw::Repeated), [_, _, ..]) => {}
            (Some(value), None, [only]) => assert_eq!(value, *only),
            (None, Some(Flaw::NotText), _) => assert!(may_be_no_text, "{values:?}"),
            other => panic!("{name}: {other:?}"),
        }
        let texts = values_of(input, name);
        let lossless = pairs
            .iter()
            .filter(|(own, value)| own == name && !value.contains('\u{fffd}'));
        assert!(lossless.clone().count() <= texts.len());
    }
    assert_eq!(
        parameters.first_flaw().is_some(),
        KNOWN.iter().any(|name| parameters.flaw(name).is_some())
    );
    assert_written_again(&parameters);
    if let Some(raw) = super::text(input) {
        assert_without(raw, &pairs);
    }
}

/// What was read is read again when it is written.
fn assert_written_again(parameters: &Parameters) {
    let mut written = Serializer::new(String::new());
    for name in KNOWN {
        written.extend_pairs(parameters.get(name).map(|value| (name, value)));
        written.extend_pairs(parameters.values_of(name).iter().map(|value| (name, value)));
    }
    let again = Parameters::parse(written.finish().as_bytes(), &KNOWN);
    assert_eq!(again.first_flaw(), None);
    for name in KNOWN {
        assert_eq!(again.get(name), parameters.get(name));
        assert_eq!(again.values_of(name), parameters.values_of(name));
    }
}

/// Leaving parameters out leaves the others as they were.
fn assert_without(raw: &str, pairs: &[(String, String)]) {
    let rest = without(raw, &["a", "scope"]);
    assert!(!names_any(rest.as_bytes(), &["a", "scope"]), "{rest:?}");
    let kept = pairs.iter().filter(|(name, _)| name != "a" && name != "scope");
    let found = form_urlencoded::parse(rest.as_bytes()).into_owned();
    assert!(found.eq(kept.cloned()), "{rest:?}");
}
