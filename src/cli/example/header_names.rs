//! Header fields that a client must not be able to say to a protected service.

/// Who the client is; a proxy sets them from the answer of the check.
pub(super) const IDENTITY: [&str; 4] = [
    "X-OAuth-Client",
    "X-OAuth-Owner",
    "X-OAuth-Scope",
    "X-OAuth-Grant",
];

/// By which services may be talked into another method or path than the one that was checked.
pub(super) const ANOTHER_REQUEST: [&str; 12] = [
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Original-Method",
    "X-Original-URI",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-Path",
    "X-Envoy-Original-Path",
    "X-Forwarded-Method",
    "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
];

/// What only a proxy may say of the sender and of the way that the request took, and no proxy here says by itself.
pub(super) const ANOTHER_SENDER: [&str; 6] = [
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Server",
    "X-Forwarded-Port",
    "X-Forwarded-User",
    "Remote-User",
];

/// What proxies say by themselves; Apache appends it to what the client said.
pub(super) const PROXYS_OWN: [&str; 3] = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"];

/// What a name may hold beside letters, digits, `-` and `_` (RFC 9110 §5.6.2). Services that know fields as variables may
/// take each of these for a hyphen, too.
pub(super) const PUNCTUATION: [char; 13] = ['!', '#', '$', '%', '&', '\'', '*', '+', '.', '^', '`', '|', '~'];

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
