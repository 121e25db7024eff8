//! Tries an administrator's templates with hostile data, before anybody sees them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::languages::Languages;
use super::markup::{Tag, tags};
use super::messages::Messages;
use super::overrides::{Fault, MESSAGES, Overrides, STYLE_FILE};
use super::samples::{self, Sample};
use super::templates::{LAYOUT, Templates, said};
use super::{HiddenField, Look, Pages, STYLE};

/// What hostile texts have in them: it closes what it can, and opens a tag and attributes.
const HOSTILE: &str = " x=y --></script></title></style></textarea>\"'`<xss-probe onload=z>";

/// The tag that stands in a page where a text was not escaped.
const PROBE: &str = "xss-probe";

/// What a page was made of that works, and what is wrong with the rest.
pub(super) struct Checked {
    pub(super) languages: Arc<Languages>,
    pub(super) templates: Templates,
    pub(super) style: String,
    pub(super) faults: Vec<Fault>,
}

/// Reads the files of `directory` and tries each. One with a fault is left out, and the built-in one stands in its
/// place.
pub(super) fn checked(directory: &Path) -> io::Result<Checked> {
    let mut faults = Vec::new();
    let overrides = Overrides::read(directory, &mut faults)?;
    let languages = Arc::new(Languages::new(messages(&overrides.messages, &mut faults)));
    let style = match overrides.style {
        Some(style) => style_faults(&style, &mut faults).then_some(style),
        None => None,
    };
    let templates = templates(&overrides.templates, &languages, &mut faults);
    Ok(Checked {
        languages,
        templates,
        style: style.unwrap_or_else(|| STYLE.to_owned()),
        faults,
    })
}

fn messages(files: &BTreeMap<String, String>, faults: &mut Vec<Fault>) -> BTreeMap<String, Messages> {
    let english = Messages::english();
    let mut good = BTreeMap::new();
    for (tag, text) in files {
        let file = format!("{MESSAGES}/{tag}.toml");
        match Messages::parse(text) {
            Err(reason) => faults.push(Fault::of(&file, reason)),
            Ok(messages) => {
                let found = messages.faults_against(&english);
                if found.is_empty() {
                    good.insert(tag.clone(), messages);
                }
                faults.extend(found.into_iter().map(|what| Fault::of(&file, what)));
            }
        }
    }
    good
}

/// Whether the stylesheet can stand in a page.
fn style_faults(style: &str, faults: &mut Vec<Fault>) -> bool {
    let before = faults.len();
    for (text, what) in [
        ("</", "`</` would end the style element of the page"),
        ("<!--", "`<!--` does not belong into a stylesheet"),
        (
            "@import",
            "`@import` loads from elsewhere, which the pages do not allow",
        ),
        (
            "url(",
            "`url(` loads from elsewhere, which the pages do not allow",
        ),
    ] {
        if let Some(at) = style.to_ascii_lowercase().find(text) {
            faults.push(Fault {
                line: Some(line_at(style, at)),
                ..Fault::of(STYLE_FILE, what)
            });
        }
    }
    faults.len() == before
}

fn line_at(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1
}

fn templates(
    files: &BTreeMap<String, String>,
    languages: &Arc<Languages>,
    faults: &mut Vec<Fault>,
) -> Templates {
    let mut templates = Templates::new(languages);
    let mut tried: Vec<&str> = Vec::new();
    for (name, source) in files {
        let found = source_faults(name, source);
        let sound = found.is_empty();
        faults.extend(found);
        if !sound {
            continue;
        }
        match templates.replace(name, source) {
            Ok(()) => tried.push(name),
            Err(error) => faults.push(Fault {
                line: error.line(),
                ..Fault::of(name, said(&error))
            }),
        }
    }
    // A page of the sort that is asked for: with its texts as they are, and with hostile ones.
    let pages = Pages::assemble(
        Templates::new(languages),
        Arc::clone(languages),
        Look::titled("Example"),
        STYLE.to_owned(),
    );
    for name in tried {
        let mut found = page_faults(&templates, &pages, name);
        found.sort_unstable();
        found.dedup();
        if !found.is_empty() {
            templates.restore(name);
            faults.extend(found);
        }
    }
    templates
}

/// What can be seen without rendering: nobody needs to switch escaping off.
fn source_faults(name: &str, source: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        let mut fault = |what: &str| {
            faults.push(Fault {
                line: Some(number + 1),
                ..Fault::of(name, what)
            });
        };
        if ["{%autoescape", "{%-autoescape", "{%+autoescape"]
            .iter()
            .any(|tag| squeezed.contains(tag))
        {
            fault("`autoescape` is refused: what is shown is always escaped");
        }
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if squeezed.split("|safe").skip(1).any(ends) {
            fault("`|safe` is refused: what is shown is always escaped");
        }
    }
    faults
}

/// What is wrong with a page once it is rendered.
fn page_faults(templates: &Templates, pages: &Pages, name: &str) -> Vec<Fault> {
    let spoken = pages.spoken(None);
    let mut faults = Vec::new();
    let usual = samples::all(&|field| format!("the-{field}"));
    let hostile = samples::all(&|field| format!("the-{field}{HOSTILE}"));
    for ((_, usual), (_, hostile)) in usual.iter().zip(&hostile) {
        let (context, hostile) = if name == LAYOUT {
            let frame = |text: &str| {
                spoken.frame_context(
                    &format!("the-title{text}"),
                    "Example",
                    &format!("the-header{text}"),
                    false,
                    "<p id=\"the-content\"></p>".to_owned(),
                )
            };
            (frame(""), frame(HOSTILE))
        } else if usual.template() == name {
            (usual.context(spoken), hostile.context(spoken))
        } else {
            continue;
        };
        for unset in templates.unset(name) {
            if context.get_attr(&unset).is_ok_and(|value| value.is_undefined()) {
                faults.push(Fault::of(name, format!("there is no variable `{unset}`")));
            }
        }
        let rendered = (templates.render_own(name, &context))
            .and_then(|plain| Ok((plain, templates.render_own(name, &hostile)?)));
        let (plain, attacked) = match rendered {
            Ok(both) => both,
            Err(error) => {
                // What is unset is named above, with its name.
                let seen = error.kind() == minijinja::ErrorKind::UndefinedError && !faults.is_empty();
                if !seen {
                    faults.push(Fault {
                        line: error.line(),
                        ..Fault::of(name, said(&error))
                    });
                }
                continue;
            }
        };
        faults.extend(escaping_faults(name, &plain, &attacked));
        let missing = if name == LAYOUT {
            missing_in_frame(&plain)
        } else {
            missing_in_page(usual, &plain)
        };
        faults.extend(missing.into_iter().map(|what| Fault::of(name, what)));
        faults.extend(blocked(&plain).into_iter().map(|what| Fault::of(name, what)));
    }
    faults
}

/// Where hostile texts change the shape of a page, one of them was not escaped.
fn escaping_faults(name: &str, plain: &str, attacked: &str) -> Option<Fault> {
    let shape = |html: &str| -> Vec<(String, Vec<String>)> {
        let names = |tag: Tag| tag.attributes.into_iter().map(|(name, _)| name).collect();
        tags(html)
            .into_iter()
            .map(|tag| (tag.name.clone(), names(tag)))
            .collect()
    };
    let (plain, attacked) = (shape(plain), shape(attacked));
    if plain == attacked {
        return None;
    }
    let place = plain
        .iter()
        .zip(&attacked)
        .find(|(before, after)| before != after)
        .map_or_else(String::new, |((tag, _), _)| format!(" at `<{tag}>`"));
    let probe = attacked.iter().any(|(tag, _)| tag == PROBE);
    let how = if probe {
        "is not escaped"
    } else {
        "breaks out of where it stands; put attribute values in double quotes"
    };
    Some(Fault::of(name, format!("a text of somebody else {how}{place}")))
}

fn missing_in_frame(html: &str) -> Vec<String> {
    let found = tags(html);
    let has = |name: &str| found.iter().any(|tag| tag.name == name);
    let mut missing = Vec::new();
    if !html
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("<!doctype html>")
    {
        missing.push("it does not begin with `<!DOCTYPE html>`".to_owned());
    }
    if !found
        .iter()
        .any(|tag| tag.name == "html" && tag.attribute("lang").is_some_and(|lang| !lang.is_empty()))
    {
        missing.push("`<html>` does not say its language: `lang=\"{{ lang }}\"`".to_owned());
    }
    for (there, what) in [
        (
            has("title") && html.contains("the-title"),
            "`<title>` with `{{ title }}`",
        ),
        (html.contains(STYLE), "`<style>{{ style }}</style>`"),
        (html.contains("the-content"), "`{{ content }}`"),
        (has("main"), "`<main>`"),
    ] {
        if !there {
            missing.push(format!("it leaves out {what}"));
        }
    }
    missing
}

/// What the page cannot do without, or the resource owner cannot decide without.
fn missing_in_page(page: &Sample, html: &str) -> Vec<String> {
    let found = tags(html);
    let mut missing = Vec::new();
    let field = |name: &str, value: Option<&str>| {
        found.iter().any(|tag| {
            ["input", "button"].contains(&tag.name.as_str())
                && tag.attribute("name") == Some(name)
                && (value.is_none() || tag.attribute("value") == value)
        })
    };
    let mut need = |there: bool, what: &str| {
        if !there {
            missing.push(format!("it leaves out {what}"));
        }
    };
    need(
        found.iter().filter(|tag| tag.name == "h1").count() == 1,
        "its one `<h1>`",
    );
    for (action, hidden) in page.forms() {
        let form = action.trim_start_matches("the-");
        need(
            found
                .iter()
                .any(|tag| tag.name == "form" && tag.attribute("action") == Some(action)),
            &format!("the form with `{form}`"),
        );
        for HiddenField { name, value } in hidden {
            need(
                field(name, Some(value)),
                &format!("the hidden fields of the form with `{form}`"),
            );
        }
    }
    let shown = |text: &str| html.contains(text);
    match page {
        Sample::SignIn(page) => {
            need(field("username", None), "the field `username`");
            need(field("password", None), "the field `password`");
            for text in page
                .error
                .iter()
                .chain(page.client.iter().map(|client| &client.name))
            {
                need(shown(text), &format!("`{}`", text.trim_start_matches("the-")));
            }
        }
        Sample::Approval(page) => {
            need(
                field("decision", Some("approve")),
                "the button `decision=approve`",
            );
            need(field("decision", Some("deny")), "the button `decision=deny`");
            for scope in &page.scopes {
                need(
                    field("scope", Some(&scope.scope)),
                    "a checkbox `scope` for each scope",
                );
                need(shown(&scope.description), "the descriptions of the scopes");
                let opened = [&scope.folders, &scope.services, &scope.routes];
                need(
                    opened.into_iter().flatten().all(|text| shown(text)),
                    "what the scopes open",
                );
            }
            need(page.resources.iter().all(|text| shown(text)), "`resources`");
            for (text, what) in [
                (&page.client.name, "`client.name`"),
                (&page.client.return_to, "`client.return_to`"),
                (&page.username, "`username`"),
            ] {
                need(shown(text), what);
            }
        }
        Sample::Error(page) => {
            need(shown(&page.explanation), "`explanation`");
            need(shown(&page.request_id), "`request_id`");
        }
        Sample::Account(page) => {
            for name in ["old_password", "new_password", "new_password_again"] {
                need(field(name, None), &format!("the field `{name}`"));
            }
            for grant in &page.grants {
                need(shown(&grant.client), "the names of the clients");
            }
        }
        Sample::SignedOut(_) | Sample::DemoClient(_) => {}
    }
    missing
}

/// What the policy of the pages ignores, and whoever wrote it should know.
fn blocked(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in tags(html) {
        let loads = ["script", "iframe", "object", "embed", "base"].contains(&tag.name.as_str());
        let sheet = tag.name == "link" && tag.attribute("rel") == Some("stylesheet");
        if loads || sheet {
            found.push(format!("`<{}>` is blocked by the policy of the pages", tag.name));
        }
        for (attribute, _) in &tag.attributes {
            if attribute == "style" || attribute.starts_with("on") {
                found.push(format!(
                    "the attribute `{attribute}` of `<{}>` is blocked by the policy of the pages; use `{STYLE_FILE}`",
                    tag.name
                ));
            }
        }
        if tag.name == "img"
            && let Some(source) = tag.attribute("src")
            && !source.starts_with("data:")
        {
            found.push(
                "an image from elsewhere is blocked by the policy of the pages; use `pages.logo`".to_owned(),
            );
        }
    }
    found
}
