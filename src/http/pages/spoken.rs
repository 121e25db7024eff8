//! The pages in one language.

use std::time::Duration;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::messages::{DIRECTION, Messages};
use super::templates::{DEMO_CLIENT, DEVELOPMENT, LAYOUT, LOGIN_ANSWER};
use super::{
    Account, Approval, DemoClient, DemoStep, ErrorPage, LoginAnswer, Pages, RenderError, SignIn, SignedOut,
    development, isolate,
};

/// A name in `<title>` is cut to this many characters: a tab shows fewer.
const TITLE_NAME: usize = 60;

/// What the page of `login` calls the program that waits for it.
const TERMINAL: &str = "oauthctl login";

/// The pages in the language of a reader.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'p> {
    pages: &'p Pages,
    lang: &'p str,
    messages: &'p Messages,
}

impl<'p> Spoken<'p> {
    pub(super) fn new(pages: &'p Pages, lang: &'p str) -> Self {
        Self {
            pages,
            lang,
            messages: pages.languages.messages(lang),
        }
    }

    /// The message `key` (`section.name` in the message files) as text, with `fill` in its places.
    pub fn text(&self, key: &str, fill: &[(&str, &str)]) -> String {
        self.messages.text(key, fill)
    }

    /// A length of time in words: `1 hour`, `30 days`.
    pub fn span(&self, length: Duration) -> String {
        self.messages.span(length)
    }

    /// The page on which the resource owner signs in.
    pub fn sign_in(&self, page: &SignIn) -> Result<String, RenderError> {
        self.sign_in_as(page, &[])
    }

    /// As [`sign_in`](Self::sign_in); a development server has a button for each of `owners`.
    pub fn sign_in_as(&self, page: &SignIn, owners: &[String]) -> Result<String, RenderError> {
        let title = match &page.client {
            Some(client) => self.named("sign_in.title_for", &client.name),
            None => self.text("sign_in.title", &[]),
        };
        let title = match page.error {
            Some(_) => self.text("sign_in.title_error", &[("title", &title)]),
            None => title,
        };
        let html = self.unmarked("sign_in.html", &title, page)?;
        self.marked(html, Some((page, owners)))
    }

    /// The page on which the resource owner approves or denies.
    pub fn approval(&self, page: &Approval) -> Result<String, RenderError> {
        let title = self.named("approval.title", &page.client.name);
        self.render("approval.html", &title, page)
    }

    /// The page for a request that cannot be answered by a redirect to a client.
    pub fn error(&self, page: &ErrorPage) -> Result<String, RenderError> {
        let title = self.text(
            "error.title",
            &[
                ("status", &page.status.to_string()),
                ("headline", &isolate::plain(&page.headline, TITLE_NAME)),
            ],
        );
        self.render("error.html", &title, page)
    }

    /// The page that lists what the resource owner has approved.
    pub fn account(&self, page: &Account) -> Result<String, RenderError> {
        let title = self.text("account.title", &[]);
        let title = match page.password.error {
            Some(_) => self.text("account.title_error", &[("title", &title)]),
            None => title,
        };
        self.render("account.html", &title, page)
    }

    /// The page after signing out.
    pub fn signed_out(&self, page: &SignedOut) -> Result<String, RenderError> {
        self.render("signed_out.html", &self.text("signed_out.title", &[]), page)
    }

    /// The page of the demo's client. It is another party than this server, so it bears the client's name and colour.
    pub fn demo_client(&self, page: &DemoClient) -> Result<String, RenderError> {
        let title = match page.step {
            DemoStep::Received { .. } => "demo.received_title",
            DemoStep::Exchanged { .. } => "demo.exchanged_title",
            DemoStep::Refused { .. } => "demo.refused_title",
        };
        let site = self.named("demo.site", &page.client);
        let content = self.content(DEMO_CLIENT, page)?;
        self.frame(&self.text(title, &[]), &site, &site, true, content)
    }

    /// The page at which a browser ends that `login` waits for. It has nothing in it that was sent.
    pub fn login_answer(&self, answer: LoginAnswer) -> Result<String, RenderError> {
        let (headline, explanation) = match answer {
            LoginAnswer::Approved => ("login.approved", "login.goes_on"),
            LoginAnswer::Refused => ("login.refused", "login.says_why"),
            LoginAnswer::Unusable => ("login.unusable", "login.says_why"),
            LoginAnswer::Foreign => ("login.foreign", "login.foreign_what"),
            LoginAnswer::Repeated => ("login.repeated", "login.repeated_what"),
        };
        let headline = self.text(headline, &[]);
        let page = context! { headline => headline.as_str(), explanation => self.text(explanation, &[]) };
        let content = self.content(LOGIN_ANSWER, &page)?;
        self.frame(&headline, TERMINAL, TERMINAL, true, content)
    }

    /// A message about somebody, cut for a title.
    fn named(&self, key: &str, name: &str) -> String {
        self.text(key, &[("client", &isolate::plain(name, TITLE_NAME))])
    }

    fn render(
        &self,
        template: &'static str,
        title: &str,
        page: &impl Serialize,
    ) -> Result<String, RenderError> {
        self.marked(self.unmarked(template, title, page)?, None)
    }

    /// A page, with the mark on it where this is a development server.
    fn marked(&self, html: String, sign_in: Option<(&SignIn, &[String])>) -> Result<String, RenderError> {
        if !self.pages.is_for_development {
            return Ok(html);
        }
        let (form, owners) = sign_in.unzip();
        let mark = context! {
            lang => self.lang,
            form => form.map(|form| Value::from(Serde(form))),
            owners => owners.unwrap_or_default().to_vec(),
            button => development::OWNER,
        };
        let mark = self.pages.templates.render(DEVELOPMENT, &mark)?;
        Ok(development::put(&mark, html))
    }

    fn unmarked(
        &self,
        template: &'static str,
        title: &str,
        page: &impl Serialize,
    ) -> Result<String, RenderError> {
        let content = self.content(template, page)?;
        let look = &self.pages.look;
        self.frame(title, &look.title, &look.header, false, content)
    }

    /// What stands in `<main>`.
    fn content(&self, template: &'static str, page: &impl Serialize) -> Result<String, RenderError> {
        self.pages.templates.render(template, &self.context(page))
    }

    /// What the template of a page is given.
    pub(super) fn context(&self, page: &impl Serialize) -> Value {
        context! { lang => self.lang, ..Value::from(Serde(page)) }
    }

    fn frame(
        &self,
        title: &str,
        site: &str,
        header: &str,
        demo: bool,
        content: String,
    ) -> Result<String, RenderError> {
        let frame = self.frame_context(title, site, header, demo, content);
        self.pages.templates.render(LAYOUT, &frame)
    }

    /// What the frame is given.
    pub(super) fn frame_context(
        &self,
        title: &str,
        site: &str,
        header: &str,
        demo: bool,
        content: String,
    ) -> Value {
        let look = &self.pages.look;
        context! {
            lang => self.lang,
            direction => self.text(DIRECTION, &[]),
            title => format!("{title} – {}", isolate::plain(site, TITLE_NAME)),
            style => Value::from_safe_string(self.pages.style.clone()),
            header,
            footer => if demo { None } else { look.footer.as_deref() },
            logo => if demo { None } else { look.logo.as_deref() },
            demo,
            content => Value::from_safe_string(content),
        }
    }
}
