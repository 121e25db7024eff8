//! Pages of an administrator's own: what is used, what is refused and why.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::overrides::exported;
use super::super::samples;
use super::super::{Fault, Pages};
use crate::config;

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("messages")).unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn open(files: &[(&str, &str)]) -> (Pages, Vec<String>) {
    let directory = directory(files);
    let (pages, faults) = Pages::open(&config::Pages {
        templates: Some(directory.path().to_owned()),
        ..config::Pages::default()
    });
    (pages, faults.iter().map(Fault::to_string).collect())
}

/// The built-in template of that name, with `from` as `to`.
fn changed(name: &str, from: &str, to: &str) -> String {
    let (_, text) = exported().into_iter().find(|(found, _)| found == name).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    text.replace(from, to)
}

#[test]
fn what_is_exported_is_without_a_fault_and_changes_nothing() {
    let files = exported();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let (own, faults) = open(&files);
    assert_eq!(faults, [""; 0]);
    let ours = Pages::new("oauthctl");
    assert_eq!(own.content_security_policy(), ours.content_security_policy());
    for (name, sample) in samples::all(&|field| format!("{field}<i>")) {
        let rendered = |pages: &Pages| sample.render(pages.spoken(Some("de"))).unwrap();
        assert_eq!(rendered(&own), rendered(&ours), "{name}");
    }
}

#[test]
fn a_template_of_ones_own_is_shown_with_what_it_includes() {
    let sign_out = "{% include \"_notice.html\" %}<h1>{{ t(\"signed_out.heading\") }}</h1>";
    let (pages, faults) = open(&[
        ("signed_out.html", sign_out),
        ("_notice.html", "<p>Mind the gap</p>"),
    ]);
    assert_eq!(faults, [""; 0]);
    let html = pages
        .spoken(Some("de"))
        .signed_out(&super::SignedOut::default())
        .unwrap();
    assert!(
        html.contains("<p>Mind the gap</p><h1>Sie sind abgemeldet</h1>"),
        "{html}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each fault")]
fn a_template_with_a_fault_is_named_with_it_and_ours_is_shown() {
    let cases: [(&str, String, &str); 18] = [
        (
            "approval.html",
            "<h1>{{ client.name }".to_owned(),
            "approval.html:1: syntax error",
        ),
        (
            "approval.html",
            "<h1>\n{{ clientt.name }}</h1>".to_owned(),
            "approval.html: there is no variable `clientt`",
        ),
        (
            "approval.html",
            "<h1>\n{{ client.nam }}</h1>".to_owned(),
            "approval.html:2: undefined value",
        ),
        (
            "approval.html",
            "<h1>{{ client.name|shout }}</h1>".to_owned(),
            "approval.html:1: unknown filter",
        ),
        (
            "approval.html",
            changed(
                "approval.html",
                "{{ client.name|isolated(100) }}",
                "{{ client.name|safe }}",
            ),
            "approval.html:1: `|safe` is refused",
        ),
        (
            "approval.html",
            changed(
                "approval.html",
                "{% set owner",
                "{%- autoescape false %}{% endautoescape %}{% set owner",
            ),
            "approval.html:2: `autoescape` is refused",
        ),
        (
            "approval.html",
            changed(
                "approval.html",
                "name=\"decision\" value=\"deny\"",
                "name=\"decision\" value=\"no\"",
            ),
            "approval.html: it leaves out the button `decision=deny`",
        ),
        (
            "approval.html",
            changed(
                "approval.html",
                "<input type=\"checkbox\"",
                "<input type=\"checkbox\" title={{ client.name }}",
            ),
            "approval.html: a text of somebody else breaks out of where it stands",
        ),
        (
            "approval.html",
            changed("approval.html", "name=\"scope\"", "name=\"scopes\""),
            "approval.html: it leaves out a checkbox `scope` for each scope",
        ),
        (
            "approval.html",
            changed("approval.html", "{{ client.return_to|isolated }}", ""),
            "approval.html: it leaves out `client.return_to`",
        ),
        (
            "approval.html",
            changed(
                "approval.html",
                "{% for field in hidden %}",
                "{% for field in [] %}",
            ),
            "approval.html: it leaves out the hidden fields of the form with `action`",
        ),
        (
            "sign_in.html",
            changed("sign_in.html", "name=\"password\"", "name=\"pass\""),
            "sign_in.html: it leaves out the field `password`",
        ),
        (
            "signed_out.html",
            "<h1>x</h1>{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"
                .to_owned(),
            "signed_out.html:1: it takes too many steps",
        ),
        (
            "signed_out.html",
            "<h1 onclick=\"x()\" style=\"color: red\">x</h1>".to_owned(),
            "signed_out.html: the attribute `onclick` of `<h1>` is blocked",
        ),
        (
            "signed_out.html",
            "{{ t(\"sign_in.nothing\") }}".to_owned(),
            "signed_out.html:1: invalid operation: there is no message",
        ),
        (
            "layout.html",
            changed("layout.html", "{{ content }}", ""),
            "layout.html: it leaves out `{{ content }}`",
        ),
        (
            "layout.html",
            changed("layout.html", "<style>{{ style }}</style>", ""),
            "layout.html: it leaves out `<style>{{ style }}</style>`",
        ),
        (
            "approvel.html",
            String::new(),
            "approvel.html: there is no page of that name; did you mean `approval.html`?",
        ),
    ];
    let ours = Pages::new("oauthctl");
    for (name, text, fault) in cases {
        let (pages, faults) = open(&[(name, &text)]);
        assert!(
            faults.iter().any(|found| found.starts_with(fault)),
            "{fault} is not among {faults:#?}"
        );
        for (sample_name, sample) in samples::all(&str::to_owned) {
            assert_eq!(
                sample.render(pages.spoken(None)).unwrap(),
                sample.render(ours.spoken(None)).unwrap(),
                "{sample_name} with {fault}"
            );
        }
    }
}

#[test]
fn escaping_cannot_be_switched_off_where_nobody_has_looked() {
    let languages = std::sync::Arc::new(super::Languages::new(std::collections::BTreeMap::new()));
    let mut templates = super::Templates::new(&languages);
    let context = minijinja::context! { name => "<b>" };
    for source in [
        "{% autoescape false %}{{ name }}{% endautoescape %}",
        "{% autoescape false %}{% set x %}{{ name }}{% endset %}{{ x }}{% endautoescape %}",
        "{% autoescape none %}{{ name|upper }}{% endautoescape %}",
    ] {
        templates.replace("_x.html", source).unwrap();
        let html = templates.render_own("_x.html", &context).unwrap();
        assert!(!html.contains('<') && html.contains("lt;"), "{source}: {html}");
    }
    templates.replace("_x.html", "{{ name|safe }}").unwrap();
    assert!(templates.render_own("_x.html", &context).is_err());
}

#[test]
fn a_template_that_fails_when_nobody_expected_it_gives_way_to_ours() {
    // It works for every sample, and not for an empty list.
    let text = changed("account.html", "{% else %}", "{% else %}{{ grants[0].client }}");
    let (pages, _) = open(&[]);
    let languages = std::sync::Arc::clone(&pages.languages);
    let mut templates = super::Templates::new(&languages);
    templates.replace("account.html", &text).unwrap();
    let nothing = super::SignOut {
        action: String::new(),
        hidden: Vec::new(),
    };
    let account = super::Account {
        username: "alice".to_owned(),
        grants: Vec::new(),
        notice: None,
        remembered: Vec::new(),
        password: super::PasswordForm {
            action: String::new(),
            hidden: Vec::new(),
            shortest: 8,
            error: None,
            wrong: "",
        },
        sign_out: nothing.clone(),
        sign_out_everywhere: nothing,
    };
    let context = pages.spoken(None).context(&account);
    assert!(templates.render_own("account.html", &context).is_err());
    assert!(
        templates
            .render("account.html", &context)
            .unwrap()
            .contains("No application has access")
    );
}

#[test]
fn words_and_stylesheets_are_tried_too() {
    let (pages, faults) = open(&[
        ("messages/fr.toml", "[sign_in]\nbutton = \"Se connecter <ici>\""),
        ("messages/de.toml", "[approval]\nheading = \"Zugriff?\""),
        ("messages/French.toml", ""),
        ("style.css", "p { background: red }\np { background: url(//x) }"),
    ]);
    assert_eq!(
        faults,
        [
            "messages/French.toml: a message file is named after its language, such as `fr.toml` or `pt-BR.toml`",
            "messages/de.toml: `approval.heading` fills in nothing, not {client}",
            "style.css:2: `url(` loads from elsewhere, which the pages do not allow",
        ]
    );
    let html = pages
        .spoken(Some("fr-CA"))
        .sign_in(&samples::refused_sign_in(&str::to_owned))
        .unwrap();
    assert!(html.contains("<html lang=\"fr\"") && html.contains("Se connecter &lt;ici&gt;"));
    assert!(html.contains("Password"), "what is not translated is English");
    let (pages, faults) = open(&[("style.css", "p { color: red }")]);
    assert_eq!(faults, [""; 0]);
    let html = pages
        .spoken(None)
        .signed_out(&super::SignedOut::default())
        .unwrap();
    assert!(html.contains("<style>p { color: red }</style>"));
}

#[test]
fn what_the_settings_ask_for_is_on_every_page() {
    let directory = directory(&[("logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>")]);
    let (pages, faults) = Pages::open(&config::Pages {
        title: "Example".to_owned(),
        header: "Example <Ltd>".to_owned(),
        footer: "Imprint & privacy".to_owned(),
        logo: Some(directory.path().join("logo.svg")),
        accent: "#0b6e4f".to_owned(),
        language: "de".to_owned(),
        ..config::Pages::default()
    });
    assert_eq!(faults, []);
    assert!(pages.content_security_policy().contains("; img-src data:;"));
    for (name, sample) in samples::all(&str::to_owned) {
        let html = sample.render(pages.spoken(Some("en"))).unwrap();
        assert!(html.contains("<html lang=\"de\""), "{name}");
        assert!(
            html.contains("--accent: #0b6e4f; --on-accent: #ffffff;"),
            "{name}"
        );
        let ours = !name.starts_with("demo");
        assert_eq!(
            html.contains("<img src=\"data:image&#x2f;svg+xml;base64,"),
            ours,
            "{name}"
        );
        assert_eq!(
            html.contains("<footer><bdi>Imprint &amp; privacy</bdi></footer>"),
            ours,
            "{name}"
        );
        assert_eq!(html.contains("<bdi>Example &lt;Ltd&gt;</bdi>"), ours, "{name}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_named_and_left_out() {
    let (pages, faults) = Pages::open(&config::Pages {
        logo: Some(PathBuf::from("/nowhere/logo.png")),
        accent: "#ffcc00".to_owned(),
        language: "fr".to_owned(),
        templates: Some(PathBuf::from("/nowhere/pages")),
        ..config::Pages::default()
    });
    let starts = [
        "pages.templates: /nowhere/pages: No such file",
        "pages.accent: #ffcc00 has a contrast of 1.4 to 1 with the light pages, where text needs 4.5; they use #",
        "pages.language: there is no language `fr`; there are de, en",
        "pages.logo: /nowhere/logo.png: No such file",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.to_string().starts_with(start), "{fault}");
    }
    let html = pages
        .spoken(Some("de"))
        .signed_out(&super::SignedOut::default())
        .unwrap();
    assert!(html.contains("<html lang=\"de\"") && !html.contains("<img"));
}
