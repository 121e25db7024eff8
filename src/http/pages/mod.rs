//! The pages that the resource owner sees: sign-in, approval, account, signed-out, error; and the demo's client page.
//!
//! One stylesheet of our own stands in each page and is named by its hash in the `Content-Security-Policy`; there is no
//! script, nothing is loaded from anywhere, and no element has a `style` attribute (the policy would ignore it).
//! A page template renders what stands in `<main>`; `layout.html` puts the frame around it. Values are escaped by the
//! engine; text that others wrote is also isolated and bounded by the filter `isolated`.

mod isolate;
mod respond;
#[cfg(test)]
mod tests;
mod view;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::view::{
    Account, Approval, ClientView, DemoClient, DemoStep, Detail, ErrorPage, GrantView, HiddenField,
    PasswordForm, RememberedView, ScopeView, SignIn, SignOut, SignedOut,
};

/// The stylesheet that stands in every page.
const STYLE: &str = include_str!("style.css");

const LAYOUT: &str = "layout.html";

/// The templates by name.
const TEMPLATES: [(&str, &str); 7] = [
    (LAYOUT, include_str!("layout.html")),
    ("sign_in.html", include_str!("sign_in.html")),
    ("approval.html", include_str!("approval.html")),
    ("error.html", include_str!("error.html")),
    ("account.html", include_str!("account.html")),
    ("signed_out.html", include_str!("signed_out.html")),
    ("demo_client.html", include_str!("demo_client.html")),
];

/// A name in `<title>` is cut to this many characters: a tab shows fewer.
const TITLE_NAME: usize = 60;

/// A page could not be rendered. That is a fault of a template and never of a request; the answer is a plain 500.
#[derive(Debug, thiserror::Error)]
#[error("the template `{template}` could not be rendered")]
pub struct RenderError {
    template: &'static str,
    source: minijinja::Error,
}

/// Renders the pages. Made once, shared by all connections.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    site: String,
    content_security_policy: String,
}

impl Pages {
    /// Compiles the templates. `title` is what the pages call this server (`pages.title`).
    pub fn new(title: &str) -> Self {
        let hash = data_encoding::BASE64.encode(&Sha256::digest(STYLE));
        Self {
            environment: environment(),
            site: title.to_owned(),
            // No `form-action`: Chromium applies it to the redirects after a form post too, and so would block the way
            // back to the client once the resource owner has decided. `default-src` covers scripts and images.
            content_security_policy: format!(
                "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'"
            ),
        }
    }

    /// The value of the header `Content-Security-Policy` for every page of this renderer.
    pub fn content_security_policy(&self) -> &str {
        &self.content_security_policy
    }

    /// The page on which the resource owner signs in.
    pub fn sign_in(&self, page: &SignIn) -> Result<String, RenderError> {
        let error = if page.error.is_some() { "Error: " } else { "" };
        let title = match &page.client {
            Some(client) => format!(
                "{error}Sign in to continue to {}",
                isolate::plain(&client.name, TITLE_NAME)
            ),
            None => format!("{error}Sign in"),
        };
        self.render("sign_in.html", &title, page)
    }

    /// The page on which the resource owner approves or denies.
    pub fn approval(&self, page: &Approval) -> Result<String, RenderError> {
        let title = format!(
            "{} asks for access",
            isolate::plain(&page.client.name, TITLE_NAME)
        );
        self.render("approval.html", &title, page)
    }

    /// The page for a request that cannot be answered by a redirect to a client.
    pub fn error(&self, page: &ErrorPage) -> Result<String, RenderError> {
        let title = format!(
            "Error {}: {}",
            page.status,
            isolate::plain(&page.headline, TITLE_NAME)
        );
        self.render("error.html", &title, page)
    }

    /// The page that lists what the resource owner has approved.
    pub fn account(&self, page: &Account) -> Result<String, RenderError> {
        let error = if page.password.error.is_some() {
            "Error: "
        } else {
            ""
        };
        let title = format!("{error}Your connected applications");
        self.render("account.html", &title, page)
    }

    /// The page after signing out.
    pub fn signed_out(&self, page: &SignedOut) -> Result<String, RenderError> {
        self.render("signed_out.html", "Signed out", page)
    }

    /// The page of the demo's client. It is another party than this server, so it bears the client's name and colour.
    pub fn demo_client(&self, page: &DemoClient) -> Result<String, RenderError> {
        let title = match page.step {
            DemoStep::Received { .. } => "Authorization code received",
            DemoStep::Exchanged { .. } => "Access token received",
            DemoStep::Refused { .. } => "No access",
        };
        let site = format!("{} (demo client)", isolate::plain(&page.client, TITLE_NAME));
        self.render_framed("demo_client.html", title, &site, true, page)
    }

    fn render(
        &self,
        template: &'static str,
        title: &str,
        page: &impl Serialize,
    ) -> Result<String, RenderError> {
        self.render_framed(template, title, &self.site, false, page)
    }

    fn render_framed(
        &self,
        template: &'static str,
        title: &str,
        site: &str,
        demo: bool,
        page: &impl Serialize,
    ) -> Result<String, RenderError> {
        let content = self.render_template(template, Serde(page).into())?;
        let frame = context! {
            title => format!("{title} – {}", isolate::plain(site, TITLE_NAME)),
            style => Value::from_safe_string(STYLE.to_owned()),
            site,
            demo,
            content => Value::from_safe_string(content),
        };
        self.render_template(LAYOUT, frame)
    }

    fn render_template(&self, template: &'static str, context: Value) -> Result<String, RenderError> {
        self.environment
            .get_template(template)
            .and_then(|found| found.render(context))
            .map_err(|source| RenderError { template, source })
    }
}

/// The template engine with the built-in templates.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A misspelt field is an error, and so seen by the tests, rather than an empty place in a page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("isolated", isolate::isolated);
    for (name, source) in TEMPLATES {
        environment
            .add_template(name, source)
            .expect("the templates are part of the program, and the tests compile each of them");
    }
    environment
}
