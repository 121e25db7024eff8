//! Texts that others wrote, on the pages: whatever they are, the elements and attributes of a page stay what they are.

use std::sync::LazyLock;

use oauthctl::http::header_value::HeaderValue;
use oauthctl::http::pages::{
    Approval, ClientView, Detail, ErrorPage, HiddenField, Pages, ScopeView, SignOut,
};

/// Compiled once: that takes longer than all else here.
static PAGES: LazyLock<Pages> = LazyLock::new(|| Pages::new("Example"));
static SKELETONS: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| rendered("x").map(|page| skeleton(&page)));

fn rendered(text: &str) -> [String; 2] {
    let spoken = PAGES.spoken(None);
    [
        spoken.error(&error(text)).unwrap(),
        spoken.approval(&approval(text)).unwrap(),
    ]
}

pub(super) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    // An empty text is left out on some pages, and then its element is too.
    let text = format!("x{text}");
    assert_eq!(rendered(&text).map(|page| skeleton(&page)), *SKELETONS);
    // In a header the same text stays within its line.
    let value = HeaderValue::encoded(&text);
    assert!(value.as_str().bytes().all(|byte| matches!(byte, b' '..=b'~')));
    assert!(HeaderValue::new(value.as_str()).is_ok());
    assert_eq!(HeaderValue::new(&text).is_ok(), text == value.as_str());
}

fn error(text: &str) -> ErrorPage {
    ErrorPage {
        status: 400,
        headline: text.to_owned(),
        explanation: text.to_owned(),
        fault: text.to_owned(),
        advice: text.to_owned(),
        details: vec![Detail {
            label: text.to_owned(),
            values: vec![text.to_owned()],
        }],
        instead: Some(text.to_owned()),
        command: Some(text.to_owned()),
        command_shows: false,
        explain: Some(text.to_owned()),
        request_id: text.to_owned(),
    }
}

fn approval(text: &str) -> Approval {
    let hidden = || {
        vec![HiddenField {
            name: "form_token".to_owned(),
            value: text.to_owned(),
        }]
    };
    Approval {
        action: "/authorize".to_owned(),
        hidden: hidden(),
        client: ClientView {
            name: text.to_owned(),
            description: Some(text.to_owned()),
            return_to: text.to_owned(),
        },
        username: text.to_owned(),
        scopes: vec![ScopeView {
            scope: text.to_owned(),
            description: text.to_owned(),
            folders: vec![text.to_owned()],
            services: vec![text.to_owned()],
            routes: vec![text.to_owned()],
        }],
        resources: vec![text.to_owned()],
        access_for: text.to_owned(),
        remember: Some(text.to_owned()),
        refresh: Some(text.to_owned()),
        account_url: "/account".to_owned(),
        sign_out: SignOut {
            action: "/logout".to_owned(),
            hidden: hidden(),
        },
    }
}

/// The tags of a page with the names of their attributes and without the values, as an HTML parser would find them:
/// a `<` begins a tag, a `>` outside of quotes ends it.
fn skeleton(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let mut quoted = false;
        let mut tag = String::new();
        let mut end = rest.len();
        for (at, c) in rest[start..].char_indices() {
            match c {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = start + at;
                    break;
                }
                c if !quoted => tag.push(c),
                _ => {}
            }
        }
        assert!(end < rest.len(), "a tag does not end: {tag}");
        tags.push(tag);
        rest = &rest[end..];
    }
    tags
}
