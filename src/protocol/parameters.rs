//! Parameters in `application/x-www-form-urlencoded`, as queries and bodies carry them.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode;

/// The parameters that may be repeated (RFC 8707 §2).
const REPEATABLE: [&str; 1] = ["resource"];

/// What is wrong with a known parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It stands there more than once (RFC 6749 §3.1 and §3.2).
    Repeated,
    /// Its bytes are not UTF-8.
    NotText,
}

/// The known parameters of a request. Unknown ones are ignored, repeated or not; an empty value counts as absent.
#[derive(Clone, Default)]
pub struct Parameters {
    values: BTreeMap<&'static str, String>,
    repeatable: BTreeMap<&'static str, Vec<String>>,
    flaws: BTreeMap<&'static str, Flaw>,
}

impl Parameters {
    /// Reads `raw`, keeping what is in `known`.
    pub fn parse(raw: &[u8], known: &[&'static str]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs(raw) {
            let Some(name) = known.iter().find(|known| known.as_bytes() == name) else {
                continue;
            };
            if value.is_empty() {
                continue;
            }
            if REPEATABLE.contains(name) {
                // Bytes that are no text make a value that nothing equals.
                let value = String::from_utf8_lossy(&value).into_owned();
                parameters.repeatable.entry(name).or_default().push(value);
                continue;
            }
            match String::from_utf8(value) {
                Err(_) => {
                    parameters.flaws.insert(name, Flaw::NotText);
                }
                Ok(text) => {
                    if parameters.values.insert(name, text).is_some() {
                        parameters.flaws.insert(name, Flaw::Repeated);
                    }
                }
            }
        }
        parameters
    }

    /// The value of a parameter that is there once.
    pub fn get(&self, name: &str) -> Option<&str> {
        if self.flaws.contains_key(name) {
            return None;
        }
        self.values.get(name).map(String::as_str)
    }

    /// The values of a parameter that may be repeated, in their order.
    pub fn values_of(&self, name: &str) -> &[String] {
        self.repeatable.get(name).map_or(&[], Vec::as_slice)
    }

    /// What is wrong with a parameter, if anything.
    pub fn flaw(&self, name: &str) -> Option<Flaw> {
        self.flaws.get(name).copied()
    }

    /// The parameters with a flaw, by name.
    pub fn flaws(&self) -> impl Iterator<Item = (&'static str, Flaw)> {
        self.flaws.iter().map(|(&name, &flaw)| (name, flaw))
    }

    /// The first of them.
    pub fn first_flaw(&self) -> Option<(&'static str, Flaw)> {
        self.flaws().next()
    }
}

impl fmt::Debug for Parameters {
    /// The names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values.keys().chain(self.repeatable.keys());
        f.debug_set().entries(names).finish()
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "stands there more than once",
            Self::NotText => "is not UTF-8 text",
        })
    }
}

/// All values of one parameter that may be repeated, as checkboxes are.
pub fn values_of(raw: &[u8], name: &str) -> Vec<String> {
    pairs(raw)
        .filter(|(found, _)| found == name.as_bytes())
        .filter_map(|(_, value)| String::from_utf8(value).ok())
        .collect()
}

/// The same parameters without those of these names, the others as they were.
pub fn without(raw: &str, names: &[&str]) -> String {
    let kept = raw.split('&').filter(|pair| {
        let name = decode(pair.split('=').next().unwrap_or_default().as_bytes());
        !pair.is_empty() && !names.iter().any(|gone| gone.as_bytes() == name)
    });
    kept.collect::<Vec<_>>().join("&")
}

/// Whether one of `names` stands there, be its value empty.
pub fn names_any(raw: &[u8], names: &[&str]) -> bool {
    pairs(raw).any(|(found, _)| names.iter().any(|name| name.as_bytes() == found))
}

fn pairs(raw: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    raw.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            (half(), half())
        })
}

/// One decoding: `+` is a space, `%XX` a byte.
fn decode(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|&byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_parameters_are_decoded_once() {
        let parameters = Parameters::parse(b"a=x+y%2Bz%2525&b=&c&d=1&=&&e%20=2", &["a", "b", "c", "e "]);
        assert_eq!(parameters.get("a"), Some("x y+z%25"));
        assert_eq!(parameters.get("e "), Some("2"));
        for absent in ["b", "c", "d", "f"] {
            assert_eq!(parameters.get(absent), None, "{absent}");
        }
        assert_eq!(parameters.first_flaw(), None);
    }

    #[test]
    fn a_repeated_known_parameter_is_a_flaw_and_an_unknown_one_is_not() {
        let parameters = Parameters::parse(b"a=1&a=1&x=1&x=2&b=&b=2&c=%ff", &["a", "b", "c"]);
        assert_eq!(
            (parameters.get("a"), parameters.flaw("a")),
            (None, Some(Flaw::Repeated))
        );
        assert_eq!((parameters.get("b"), parameters.flaw("b")), (Some("2"), None));
        assert_eq!(
            (parameters.get("c"), parameters.flaw("c")),
            (None, Some(Flaw::NotText))
        );
        assert_eq!(parameters.first_flaw(), Some(("a", Flaw::Repeated)));
    }

    #[test]
    fn a_resource_may_be_repeated() {
        let parameters =
            Parameters::parse(b"resource=a&resource=&x=1&resource=b&resource=%ff", &["resource"]);
        assert_eq!(parameters.values_of("resource"), ["a", "b", "\u{fffd}"]);
        assert_eq!(
            (parameters.get("resource"), parameters.first_flaw()),
            (None, None)
        );
        assert!(
            Parameters::parse(b"resource=a", &["x"])
                .values_of("resource")
                .is_empty()
        );
    }

    #[test]
    fn checkboxes_repeat() {
        assert_eq!(values_of(b"scope=a&x=1&scope=b", "scope"), ["a", "b"]);
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(
            format!("{:?}", Parameters::parse(b"code=secret", &["code"])),
            r#"{"code"}"#
        );
    }
}
