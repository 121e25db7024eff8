//! The templates: those that come with the program, and an administrator's own over them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::Kwargs;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, State, UndefinedBehavior, Value};

use super::RenderError;
use super::isolate;
use super::languages::Languages;

/// The frame around every page.
pub(super) const LAYOUT: &str = "layout.html";

/// The page of the demo's client. It is another party than this server, and so nothing that an administrator changes.
pub(super) const DEMO_CLIENT: &str = "demo_client.html";

/// The page at which a browser ends that `login` waits for. It is the terminal's, and no server's.
pub(super) const LOGIN_ANSWER: &str = "login_answer.html";

/// The mark of a development server. It stands on each page whatever an administrator changes.
pub(super) const DEVELOPMENT: &str = "development.html";

/// The templates that come with the program, by name.
pub(super) const BUILT_IN: [(&str, &str); 9] = [
    (LAYOUT, include_str!("layout.html")),
    ("sign_in.html", include_str!("sign_in.html")),
    ("approval.html", include_str!("approval.html")),
    ("error.html", include_str!("error.html")),
    ("account.html", include_str!("account.html")),
    ("signed_out.html", include_str!("signed_out.html")),
    (DEMO_CLIENT, include_str!("demo_client.html")),
    (LOGIN_ANSWER, include_str!("login_answer.html")),
    (DEVELOPMENT, include_str!("development.html")),
];

/// The templates that an administrator may replace.
pub(super) fn replaceable() -> impl Iterator<Item = (&'static str, &'static str)> {
    BUILT_IN
        .into_iter()
        .filter(|(name, _)| ![DEMO_CLIENT, LOGIN_ANSWER, DEVELOPMENT].contains(name))
}

/// How many steps a template of an administrator may take: a page of ours takes some thousands.
const FUEL: u64 = 1_000_000;

/// The templates, compiled once.
#[derive(Debug)]
pub(super) struct Templates {
    built_in: Environment<'static>,
    own: Environment<'static>,
    /// The pages that are an administrator's own, and whether it was said that one failed.
    replaced: BTreeMap<String, AtomicBool>,
}

impl Templates {
    /// The templates that come with the program.
    pub(super) fn new(languages: &Arc<Languages>) -> Self {
        let mut built_in = environment(languages);
        for (name, source) in BUILT_IN {
            built_in
                .add_template(name, source)
                .expect("the templates are part of the program, and the tests compile each of them");
        }
        Self {
            built_in,
            own: own_environment(languages),
            replaced: BTreeMap::new(),
        }
    }

    /// Puts a template of an administrator in the place of ours, or beside them where its name is none of ours.
    pub(super) fn replace(&mut self, name: &str, source: &str) -> Result<(), Error> {
        self.own.add_template_owned(name.to_owned(), source.to_owned())?;
        if replaceable().any(|(ours, _)| ours == name) {
            self.replaced.insert(name.to_owned(), AtomicBool::new(false));
        }
        Ok(())
    }

    /// Goes back to ours.
    pub(super) fn restore(&mut self, name: &str) {
        self.own.remove_template(name);
        self.replaced.remove(name);
    }

    /// Renders the template of that name; an administrator's own where there is one and it works.
    pub(super) fn render(&self, name: &'static str, context: &Value) -> Result<String, RenderError> {
        if let Some(told) = self.replaced.get(name) {
            match self.render_own(name, context) {
                Ok(html) => return Ok(html),
                Err(error) if !told.swap(true, Ordering::Relaxed) => {
                    tracing::error!(
                        template = name,
                        error = %said(&error),
                        "a template of your own failed; the built-in one is shown in its place, now and whenever it \
                         fails again"
                    );
                }
                Err(_) => {}
            }
        }
        self.built_in
            .get_template(name)
            .and_then(|found| found.render(context))
            .map_err(|source| RenderError {
                template: name,
                source,
            })
    }

    /// Renders an administrator's own, and nothing in its place.
    pub(super) fn render_own(&self, name: &str, context: &Value) -> Result<String, Error> {
        self.own.get_template(name)?.render(context)
    }

    /// The names that an administrator's template uses without having set them.
    pub(super) fn unset(&self, name: &str) -> Vec<String> {
        let Ok(template) = self.own.get_template(name) else {
            return Vec::new();
        };
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.retain(|name| !self.own.globals().any(|(global, _)| global == name));
        names.sort_unstable();
        names
    }
}

/// An error of the engine in one line, without the name of the template.
pub(super) fn said(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}"));
    let kind = match error.kind() {
        ErrorKind::OutOfFuel => "it takes too many steps; is there a loop without an end?".to_owned(),
        kind => kind.to_string(),
    };
    format!("{kind}{}", detail.unwrap_or_default())
}

/// The template engine with what every template can use.
fn environment(languages: &Arc<Languages>) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A misspelt field is an error, and so seen by the tests, rather than an empty place in a page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("isolated", isolate::isolated);
    let languages = Arc::clone(languages);
    environment.add_function("t", move |state: &State<'_, '_>, key: &str, fill: Kwargs| {
        say(&languages, state, key, &fill)
    });
    environment
}

/// The template engine for templates of an administrator: bounded, and nothing in it switches escaping off.
fn own_environment(languages: &Arc<Languages>) -> Environment<'static> {
    let mut environment = environment(languages);
    environment.set_fuel(Some(FUEL));
    environment.remove_filter("safe");
    // `{% autoescape false %}` changes what the engine's own formatter does, and this one does not ask.
    environment.set_formatter(|out, _, value| {
        let written = if value.is_safe() {
            write!(out, "{value}")
        } else {
            write!(out, "{}", HtmlEscape(&value.to_string()))
        };
        written.map_err(Error::from)
    });
    environment
}

/// The function `t`: the message `key` in the language of the page, with `fill` in its places.
fn say(languages: &Languages, state: &State<'_, '_>, key: &str, fill: &Kwargs) -> Result<Value, Error> {
    let lang = state.lookup("lang");
    let tag = lang.as_ref().and_then(Value::as_str).unwrap_or_default();
    let message = languages.messages(tag).get(key).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("there is no message `{key}`"),
        )
    })?;
    let html = message.html(|place| {
        let value: Value = fill.get(place)?;
        Ok::<_, Error>(if value.is_safe() {
            value.to_string()
        } else {
            HtmlEscape(&value.to_string()).to_string()
        })
    })?;
    fill.assert_all_used()?;
    Ok(Value::from_safe_string(html))
}
