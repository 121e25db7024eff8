//! The buttons of the sign-in page, which sign a resource owner of the seed in.

use crate::server::{Answer, Server};

/// Presses the button of `owner` on the page at `path`.
fn press(server: &Server, path: &str, owner: &str) -> Answer {
    let page = server.get(path, &[]);
    let mut form = page.hidden("development_owner");
    form.push(("development_owner".to_owned(), owner.to_owned()));
    let action = if path == "/account" { path } else { "/authorize" };
    server.post(action, &[("Cookie", &page.cookie)], &form)
}

#[test]
fn a_button_signs_in_whatever_the_password_is_now() {
    let server = Server::start(&["--dev"]);
    let url = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    let changed = server.command(
        &["owner", "set-password", "bob", "--password-stdin"],
        "another one entirely",
    );
    assert!(changed.status.success(), "{changed:?}");
    // More than it takes for a wrong password to be throttled.
    for path in [url.as_str(), "/account"].into_iter().cycle().take(14) {
        let signed_in = press(&server, path, "bob");
        assert_eq!(signed_in.status, 303, "{}", signed_in.body);
        let account = server.get("/account", &[("Cookie", &signed_in.cookie)]);
        assert!(account.body.contains("bob"), "{}", account.body);
    }
    let entries = server.told(&["audit", "list"]);
    let entries = entries.as_array().unwrap();
    assert!(
        entries
            .iter()
            .all(|entry| entry["action"] != "refused.wrong_password"),
        "{entries:#?}"
    );
    let signed_in: Vec<_> = entries
        .iter()
        .filter(|entry| entry["action"] == "owner.sign_in")
        .collect();
    assert_eq!(signed_in.len(), 14, "{entries:#?}");
    for entry in signed_in {
        assert_eq!(
            entry["detail"]["by"], "button of a development server",
            "{entry:#}"
        );
    }
}

#[test]
fn a_disabled_resource_owner_is_not_signed_in_by_a_button_either() {
    let server = Server::start(&["--dev"]);
    let url = server.variable("OAUTH_AUTHORIZE_URL").to_owned();
    server.told(&["owner", "disable", "carol", "--yes"]);
    for path in [&url, "/account"] {
        let refused = press(&server, path, "carol");
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert_eq!(refused.cookie, "");
    }
    server.told(&["owner", "enable", "carol"]);
    assert_eq!(press(&server, &url, "carol").status, 303);
    // Who has no button is nobody to it.
    let added = server.command(
        &["owner", "add", "dave", "--password-stdin"],
        "long enough for it",
    );
    assert!(added.status.success(), "{added:?}");
    assert_ne!(press(&server, &url, "dave").status, 303);
}
