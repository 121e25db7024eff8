//! Header fields that a client must not be able to say to a protected service.

/// Who the client is; a proxy sets them from the answer of the check.
pub(super) const IDENTITY: [&str; 4] = [
    "X-OAuth-Client",
    "X-OAuth-Owner",
    "X-OAuth-Scope",
    "X-OAuth-Grant",
];

/// By which services may be talked into another method or path than the one that was checked.
pub(super) const ANOTHER_REQUEST: [&str; 9] = [
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Original-Method",
    "X-Original-URI",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Forwarded-Method",
    "X-Forwarded-Uri",
];

/// The other spellings of a name: a service that knows fields as variables (CGI, WSGI, PHP) takes `_` for `-`.
pub(super) fn underscored(name: &str) -> Vec<String> {
    let mut spellings = vec![String::new()];
    for character in name.chars() {
        let mut both = Vec::new();
        for spelling in &spellings {
            both.push(format!("{spelling}{character}"));
            if character == '-' {
                both.push(format!("{spelling}_"));
            }
        }
        spellings = both;
    }
    spellings.retain(|spelling| spelling != name);
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hyphen_may_be_an_underscore() {
        assert_eq!(underscored("X-A-B"), ["X-A_B", "X_A-B", "X_A_B"]);
        assert_eq!(underscored("Connection"), [""; 0]);
    }
}
