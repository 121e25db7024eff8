//! What holds for every page, whatever stands in it.

mod contrast;
mod markup;
mod own;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use self::markup::{Tag, tags};
use super::samples;
use super::*;

fn pages() -> Pages {
    Pages::new("Example Sign-in")
}

/// Every page in every shape, with `write` having written each of its texts.
fn rendered(write: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
    samples::all(write)
        .into_iter()
        .map(|(name, sample)| (name, sample.render(pages().spoken(None)).expect(name)))
        .collect()
}

fn usual() -> Vec<(&'static str, String)> {
    rendered(&|field| format!("the {field}"))
}

fn hostile() -> Vec<(&'static str, String)> {
    rendered(&|field| {
        format!("{field}<script>alert(1)</script></title></style></textarea>\"'`&amp; onload=x\u{202E}")
    })
}

#[test]
fn each_text_of_each_page_is_shown_and_escaped() {
    for (name, sample) in samples::all(&str::to_owned) {
        let html = sample.render(pages().spoken(None)).expect(name);
        for field in sample.fields() {
            assert!(html.contains(&field), "{name} does not show {field}");
        }
    }
    for (name, sample) in samples::all(&|field| format!("{field}<i>\"'&")) {
        let html = sample.render(pages().spoken(None)).expect(name);
        for field in sample.fields() {
            let bare = field.strip_suffix("<i>\"'&").expect("every text is hostile");
            assert!(
                html.contains(&format!("{bare}&lt;i&gt;&quot;&#x27;&amp;")),
                "{name} does not escape {bare}"
            );
        }
    }
}

#[test]
fn hostile_text_adds_no_tag_and_no_attribute() {
    for ((name, usual), (_, hostile)) in usual().iter().zip(&hostile()) {
        let shape = |html| -> Vec<(String, Vec<String>)> {
            tags(html)
                .into_iter()
                .map(|tag| (tag.name.clone(), tag.attribute_names()))
                .collect()
        };
        assert_eq!(shape(usual), shape(hostile), "{name}");
        let title = |html: &str| html.matches("<title>").count() + html.matches("</title>").count();
        assert_eq!(title(hostile), 2, "{name}");
    }
}

#[test]
fn text_of_others_stands_in_its_own_isolate_without_characters_that_reorder() {
    for (name, html) in hostile() {
        let (_, main) = html.split_once("<header>").expect(name);
        let mut before = String::new();
        for (tag, text) in markup::texts(main) {
            assert!(
                !text.contains("&lt;script") || tag == "bdi",
                "{name}: {text} stands in <{tag}> after {before}"
            );
            // An attribute value is sent back as it is, and a field isolates what it shows by itself; a text is not.
            assert!(!text.contains('\u{202E}'), "{name}: {text}");
            text.clone_into(&mut before);
        }
    }
}

#[test]
fn a_long_name_does_not_crowd_out_the_page() {
    let long = "x".repeat(300);
    for (name, sample) in samples::all(&|_| long.clone()) {
        let html = sample.render(pages().spoken(None)).expect(name);
        let title = html
            .split("<title>")
            .nth(1)
            .and_then(|rest| rest.split("</title>").next())
            .expect(name);
        assert!(title.chars().count() < 130, "{name}: {title}");
        let headline = html
            .split("<h1>")
            .nth(1)
            .and_then(|rest| rest.split("</h1>").next())
            .expect(name);
        assert!(headline.chars().count() < 260, "{name}: {headline}");
    }
}

#[test]
fn where_the_browser_goes_next_is_never_cut() {
    let host = format!(
        "https://accounts.example.com.{}.attacker.example",
        "a.".repeat(100)
    );
    let mut approval = samples::approval(&str::to_owned);
    approval.client.return_to.clone_from(&host);
    let sign_in = SignIn {
        action: String::new(),
        hidden: Vec::new(),
        client: Some(approval.client.clone()),
        username: String::new(),
        error: None,
    };
    let shown = format!("<bdi>{}</bdi>", host.replace('/', "&#x2f;"));
    assert!(
        pages()
            .spoken(None)
            .approval(&approval)
            .expect("approval")
            .contains(&shown)
    );
    assert!(
        pages()
            .spoken(None)
            .sign_in(&sign_in)
            .expect("sign-in")
            .contains(&shown)
    );
}

#[test]
fn no_page_has_a_script_a_style_attribute_or_a_resource_to_load() {
    const LOADING: [&str; 11] = [
        "script", "link", "img", "iframe", "object", "embed", "audio", "video", "base", "use", "image",
    ];
    for (name, html) in hostile() {
        for tag in tags(&html) {
            assert!(!LOADING.contains(&tag.name.as_str()), "{name} has <{}>", tag.name);
            for (attribute, _) in &tag.attributes {
                let refused = attribute == "style" || attribute == "src" || attribute.starts_with("on");
                assert!(!refused, "{name} has {attribute} in <{}>", tag.name);
            }
        }
        assert!(!html.contains("<script"), "{name}");
    }
    for loading in ["url(", "@import", "http", "</"] {
        assert!(!STYLE.contains(loading), "the stylesheet has {loading}");
    }
}

#[test]
fn the_policy_names_the_hash_of_the_style_that_stands_in_each_page() {
    let policy = pages().content_security_policy().to_owned();
    for (name, html) in usual() {
        let styles: Vec<&str> = html
            .split("<style>")
            .skip(1)
            .filter_map(|rest| rest.split("</style>").next())
            .collect();
        assert_eq!(styles.len(), 1, "{name}");
        let hash = data_encoding::BASE64.encode(&Sha256::digest(styles[0]));
        assert!(
            policy.contains(&format!("style-src 'sha256-{hash}';")),
            "{name}: {policy}"
        );
    }
}

#[test]
fn the_policy_allows_nothing_else_and_does_not_stop_the_redirect_to_the_client() {
    let pages = pages();
    let names: BTreeSet<&str> = pages
        .content_security_policy()
        .split("; ")
        .filter_map(|directive| directive.split(' ').next())
        .collect();
    assert_eq!(
        names,
        BTreeSet::from(["default-src", "style-src", "base-uri", "frame-ancestors"])
    );
    assert!(pages.content_security_policy().contains("default-src 'none'"));
    assert!(!pages.content_security_policy().contains("unsafe"));
}

#[test]
fn every_field_that_is_seen_has_a_label_and_every_reference_its_target() {
    for (name, html) in usual() {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        assert_eq!(
            ids.len(),
            ids.iter().collect::<BTreeSet<_>>().len(),
            "{name} repeats an id: {ids:?}"
        );
        let labelled: Vec<&str> = tags
            .iter()
            .filter(|tag| tag.name == "label")
            .filter_map(|tag| tag.attribute("for"))
            .collect();
        for input in tags
            .iter()
            .filter(|tag| tag.name == "input" && tag.attribute("type") != Some("hidden"))
        {
            let id = input.attribute("id").unwrap_or_default();
            assert!(labelled.contains(&id), "{name}: no label for {input:?}");
        }
        for tag in &tags {
            for reference in ["for", "aria-describedby", "aria-labelledby"]
                .iter()
                .filter_map(|by| tag.attribute(by))
            {
                for id in reference.split(' ') {
                    assert!(ids.contains(&id), "{name}: {id} is referred to and not there");
                }
            }
        }
    }
}

#[test]
fn every_page_is_well_formed_and_says_its_language() {
    for (name, html) in hostile() {
        assert!(
            html.starts_with("<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">"),
            "{name}"
        );
        assert_eq!(markup::unbalanced(&html), None, "{name}");
        let tags = tags(&html);
        for once in ["title", "h1", "main"] {
            assert_eq!(
                tags.iter().filter(|tag| tag.name == once).count(),
                1,
                "{name}: <{once}>"
            );
        }
    }
}

#[test]
fn titles_tell_the_pages_apart() {
    let titles: BTreeSet<String> = usual()
        .iter()
        .filter_map(|(_, html)| {
            html.split("<title>")
                .nth(1)?
                .split("</title>")
                .next()
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(
        titles.into_iter().collect::<Vec<_>>(),
        [
            "Access token received – the client (demo client)",
            "Authorization code received – the client (demo client)",
            "Error 400: the headline – Example Sign-in",
            "Error: Sign in to continue to the client.name – Example Sign-in",
            "Error: Your connected applications – Example Sign-in",
            "No access – the client (demo client)",
            "Sign in – Example Sign-in",
            "Signed out – Example Sign-in",
            "Your connected applications – Example Sign-in",
            "the client.name asks for access – Example Sign-in",
        ]
    );
}

#[test]
fn the_approval_form_carries_the_scopes_and_both_decisions() {
    let html = pages()
        .spoken(None)
        .approval(&samples::approval(&str::to_owned))
        .expect("approval");
    let tags = tags(&html);
    let of = |name: &str, value: &str| -> Vec<&Tag> {
        tags.iter()
            .filter(|tag| tag.attribute("name") == Some(name) && tag.attribute("value") == Some(value))
            .collect()
    };
    for scope in ["scope0.scope", "scope1.scope"] {
        let boxes = of("scope", scope);
        assert_eq!(boxes.len(), 1, "{scope}");
        assert_eq!(boxes[0].attribute("type"), Some("checkbox"));
        assert!(boxes[0].attribute("checked").is_some(), "{scope}");
    }
    for decision in ["deny", "approve"] {
        assert_eq!(of("decision", decision).len(), 1, "{decision}");
    }
    // The first button is the one that the Enter key presses.
    assert!(html.find("value=\"deny\"") < html.find("value=\"approve\""));
    assert_eq!(of("hidden.name", "hidden.value").len(), 1);
    assert_eq!(of("sign_out.hidden.name", "sign_out.hidden.value").len(), 1);
}

#[test]
fn a_scope_without_a_description_is_shown_by_its_token() {
    let mut approval = samples::approval(&str::to_owned);
    approval.scopes[1].description.clear();
    let html = pages().spoken(None).approval(&approval).expect("approval");
    assert!(html.contains("<span><bdi>scope1.scope</bdi></span>"));
}

#[test]
fn the_approval_page_says_how_long_with_and_without_refresh() {
    let mut approval = samples::approval(&str::to_owned);
    let renewed = pages().spoken(None).approval(&approval).expect("approval");
    assert!(renewed.contains(
        "Up to <bdi>refresh</bdi> in all. Within that time each access ends after <bdi>access_for</bdi>"
    ));
    approval.refresh = None;
    let once = pages().spoken(None).approval(&approval).expect("approval");
    assert!(once.contains("<bdi>access_for</bdi>. After that, <bdi>client.name</bdi> has to ask you again."));
    assert!(!once.contains("renew"));
}

#[test]
fn a_refused_sign_in_ties_the_reason_to_both_fields() {
    let html = pages()
        .spoken(None)
        .sign_in(&samples::refused_sign_in(&str::to_owned))
        .expect("sign-in");
    let tags = tags(&html);
    let alert = tags
        .iter()
        .find(|tag| tag.attribute("role") == Some("alert"))
        .expect("an alert");
    for field in ["username", "password"] {
        let input = tags
            .iter()
            .find(|tag| tag.attribute("name") == Some(field))
            .expect(field);
        assert_eq!(input.attribute("aria-describedby"), alert.attribute("id"));
        assert_eq!(input.attribute("aria-invalid"), Some("true"));
    }
}

#[test]
fn the_demo_offers_the_exchange_only_for_an_answer_that_is_its_own() {
    for (state_matches, issuer_matches, offered) in [
        (true, true, true),
        (false, true, false),
        (true, false, false),
        (false, false, false),
    ] {
        let mut page = samples::received(&str::to_owned);
        if let DemoStep::Received {
            state_matches: state,
            issuer_matches: issuer,
            ..
        } = &mut page.step
        {
            (*state, *issuer) = (state_matches, issuer_matches);
        }
        let html = pages().spoken(None).demo_client(&page).expect("demo client");
        assert_eq!(
            html.contains("Exchange the code"),
            offered,
            "{state_matches} {issuer_matches}"
        );
    }
}

#[test]
fn debug_output_of_a_form_leaves_its_token_out() {
    let field = HiddenField {
        name: "form_token".to_owned(),
        value: "secret".to_owned(),
    };
    assert!(!format!("{field:?}").contains("secret"));
}
