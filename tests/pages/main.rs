//! The pages in a real browser: axe finds nothing grave, and nothing sticks out of a narrow window.
//!
//! Where there is no Chromium, or no axe-core in `target/axe`, the tests say so and pass; with
//! `OAUTHCTL_REQUIRE_BROWSER` and `OAUTHCTL_REQUIRE_AXE` set they fail. `OAUTHCTL_SCREENSHOTS=DIR` has a picture of each
//! page written into a directory, and the one of the README: `approval.webp`, which stands in `fixtures/`.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod samples;
mod window;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::samples::all;
use self::window::{Scheme, Window};

/// What axe is asked for: WCAG 2.2 AA, and what its makers advise.
const RUN: &str = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', \
    'best-practice'], resultTypes: ['violations'] }).then(found => JSON.stringify({ rules: found.passes.length, \
    violations: found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html).join(' ')]) }))";

/// The words on buttons that go on in the next line.
const BROKEN: &str = "[...document.querySelectorAll('button')].flatMap(button => {
    const text = button.firstChild, range = document.createRange();
    return [...text.data.matchAll(/\\S+/g)].filter(word => {
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        return range.getClientRects().length > 1;
    }).map(word => word[0]);
}).join(' ')";

/// The languages in which each page is tried.
const LANGUAGES: [&str; 2] = ["en", "de"];

#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn skipped(what: &str, required_by: &str) {
    assert!(
        env::var_os(required_by).is_none(),
        "{required_by} is set, and there is no {what}"
    );
    eprintln!("SKIPPED: there is no {what}");
}

/// The source of axe-core, where it is installed.
fn axe() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/node_modules/axe-core/axe.min.js");
    let found = fs::read_to_string(path).ok();
    if found.is_none() {
        skipped(
            "axe-core; `npm install --prefix target/axe axe-core` installs it",
            "OAUTHCTL_REQUIRE_AXE",
        );
    }
    found
}

fn window() -> Option<Window> {
    let window = Window::open();
    if window.is_none() {
        skipped("`chromium`", "OAUTHCTL_REQUIRE_BROWSER");
    }
    window
}

#[test]
fn axe_finds_nothing_serious_or_critical_on_any_page() {
    let (Some(axe), Some(window)) = (axe(), window()) else {
        return;
    };
    let mut grave = Vec::new();
    for lang in LANGUAGES {
        for (name, html) in all(lang) {
            for scheme in [Scheme::Light, Scheme::Dark] {
                window.look(scheme, 900);
                window.show(&html);
                window.evaluate(&axe);
                let found: Value = serde_json::from_str(&window.evaluate(RUN)).unwrap();
                // A run in which no rule applied has found nothing because it has looked at nothing.
                assert!(found["rules"].as_u64().unwrap() > 10, "{name}: {found}");
                for violation in found["violations"].as_array().unwrap() {
                    if ["serious", "critical"].contains(&violation[0].as_str().unwrap_or("serious")) {
                        grave.push(format!("{name}, {lang}, {scheme:?}: {violation}"));
                    }
                }
            }
        }
    }
    assert!(grave.is_empty(), "{}", grave.join("\n"));
}

#[test]
fn axe_sees_what_is_wrong() {
    let (Some(axe), Some(window)) = (axe(), window()) else {
        return;
    };
    window.show("<html><body><p style=\"color: #ccc\">pale</p><input></body></html>");
    window.evaluate(&axe);
    let found = window.evaluate(RUN);
    for rule in ["color-contrast", "label", "html-has-lang"] {
        assert!(found.contains(rule), "{rule}: {found}");
    }
}

#[test]
fn no_page_has_to_be_moved_sideways_at_320_pixels() {
    // Which is also what a window of 640 pixels has left at 200 % zoom.
    let Some(window) = window() else { return };
    for lang in LANGUAGES {
        for (name, html) in all(lang) {
            window.look(Scheme::Light, 320);
            window.show(&html);
            let width = window.evaluate("String(document.documentElement.scrollWidth)");
            assert_eq!(width, "320", "{name}, {lang}");
            assert_eq!(window.evaluate(BROKEN), "", "{name}, {lang}");
        }
    }
}

#[test]
fn pictures_of_each_page_are_written_where_they_are_asked_for() {
    let Some(directory) = env::var_os("OAUTHCTL_SCREENSHOTS").map(PathBuf::from) else {
        return;
    };
    let Some(window) = window() else { return };
    fs::create_dir_all(&directory).unwrap();
    for lang in LANGUAGES {
        for (name, html) in all(lang) {
            for scheme in [Scheme::Light, Scheme::Dark] {
                for width in [320, 1000] {
                    window.look(scheme, width);
                    window.show(&html);
                    let file = format!("{name}-{lang}-{scheme:?}-{width}.png").to_lowercase();
                    fs::write(directory.join(file), window.picture()).unwrap();
                }
            }
            window.look(Scheme::Light, 700);
            window.print();
            window.show(&html);
            fs::write(
                directory.join(format!("{name}-{lang}-print.png")),
                window.picture(),
            )
            .unwrap();
            if (name, lang) == ("approval", "en") {
                window.look(Scheme::Light, 720);
                window.show(&html);
                fs::write(directory.join("approval.webp"), window.small_picture()).unwrap();
            }
        }
    }
}
