//! The pages that the resource owner sees: sign-in, approval, account, signed-out, error; and the demo's client page.
//!
//! One stylesheet of our own stands in each page and is named by its hash in the `Content-Security-Policy`; there is no
//! script, nothing is loaded from anywhere, and no element has a `style` attribute (the policy would ignore it).
//! A page template renders what stands in `<main>`; `layout.html` puts the frame around it. Values are escaped by the
//! engine; text that others wrote is also isolated and bounded by the filter `isolated`. The words stand in
//! `messages/`, a file a language; the function `t` of the templates says them.
//!
//! An administrator can set a [`Look`], and replace templates, stylesheet and words one by one. Each replacement is
//! tried with hostile data before it is used (`check.rs`); one with a fault is left out, and ours stands in its place.

mod check;
mod colour;
pub(crate) mod development;
mod isolate;
mod languages;
mod logo;
mod look;
mod markup;
mod messages;
mod open;
mod overrides;
mod respond;
mod samples;
mod spoken;
mod templates;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use self::look::Look;
pub use self::overrides::{Fault, exported};
pub use self::spoken::Spoken;
pub use self::view::{
    Account, Approval, ClientView, DemoClient, DemoStep, Detail, ErrorPage, GrantView, HiddenField,
    LoginAnswer, PasswordForm, RememberedView, ScopeView, SignIn, SignOut, SignedOut,
};

use self::languages::Languages;
use self::templates::Templates;

/// The stylesheet that stands in every page.
const STYLE: &str = include_str!("style.css");

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
    templates: Templates,
    languages: Arc<Languages>,
    look: Look,
    style: String,
    content_security_policy: String,
    is_for_development: bool,
}

impl Pages {
    /// Compiles the templates. `title` is what the pages call this server (`pages.title`).
    pub fn new(title: &str) -> Self {
        let languages = Arc::new(Languages::new(BTreeMap::new()));
        Self::assemble(
            Templates::new(&languages),
            languages,
            Look::titled(title),
            STYLE.to_owned(),
        )
    }

    fn assemble(templates: Templates, languages: Arc<Languages>, look: Look, style: String) -> Self {
        Self {
            content_security_policy: content_security_policy(&style, look.logo.is_some()),
            templates,
            languages,
            look,
            style,
            is_for_development: false,
        }
    }

    /// The same pages with a mark that says that this is a development server.
    #[must_use]
    pub fn for_development(mut self) -> Self {
        self.style.push_str(development::STYLE);
        self.content_security_policy = content_security_policy(&self.style, self.look.logo.is_some());
        self.is_for_development = true;
        self
    }

    /// The value of the header `Content-Security-Policy` for every page of this renderer.
    pub fn content_security_policy(&self) -> &str {
        &self.content_security_policy
    }

    /// The pages in a language for a reader who sends this `Accept-Language`.
    pub fn spoken(&self, accept_language: Option<&str>) -> Spoken<'_> {
        let chosen = self.look.language.as_deref();
        Spoken::new(
            self,
            chosen.unwrap_or_else(|| self.languages.choose(accept_language)),
        )
    }
}

fn content_security_policy(style: &str, has_logo: bool) -> String {
    let hash = data_encoding::BASE64.encode(&Sha256::digest(style));
    let images = if has_logo { " img-src data:;" } else { "" };
    // No `form-action`: Chromium applies it to the redirects after a form post too, and so would block the way back to
    // the client once the resource owner has decided. `default-src` covers scripts and images.
    format!("default-src 'none'; style-src 'sha256-{hash}';{images} base-uri 'none'; frame-ancestors 'none'")
}
