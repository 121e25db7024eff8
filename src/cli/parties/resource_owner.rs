//! A resource owner who signs in, and approves or denies, at a server of this program.

use anyhow::{Context as _, Result, bail, ensure};
use url::Url;

use super::browser::Browser;
use super::form::{Form, unescape};
use super::http_client::{Answer, HttpClient};
use crate::domain::text::is_hidden;
use crate::http::pages::development::OWNER;

/// More pages than signing in and approving takes.
const MOST_PAGES: usize = 8;

/// The most characters of a page that are said.
const LONGEST_TEXT: usize = 300;

/// What a resource owner answers.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "testing"),
    expect(
        dead_code,
        reason = "at the command line all is approved; tests may say otherwise"
    )
)]
pub(in crate::cli) enum Decision<'a> {
    /// Everything that is asked for.
    Approve,
    /// Only these scopes of what is asked for.
    ApproveOnly(&'a [&'a str]),
    /// Nothing.
    Deny,
}

/// A page that refuses the request, where one with a form was expected.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses the request: {status}{said}{}", .request_id.as_ref().map_or_else(String::new, |id| format!(" (request {id})")))]
pub(in crate::cli) struct ErrorPage {
    status: String,
    /// The words of the page, if it has some at its head.
    said: String,
    /// What the server calls the request.
    pub(in crate::cli) request_id: Option<String>,
}

impl ErrorPage {
    fn of(answer: &Answer) -> Self {
        Self {
            status: answer.status_line(),
            said: headline(answer.body()),
            request_id: answer.request_id().map(str::to_owned),
        }
    }
}

/// Who answers.
pub(in crate::cli) struct ResourceOwner<'a> {
    pub(in crate::cli) username: &'a str,
    /// With none, by the button that a development server has for them.
    pub(in crate::cli) password: Option<&'a str>,
    /// Whether the button is pressed also where there is a password, if they have one.
    pub(in crate::cli) prefers_button: bool,
}

impl Decision<'_> {
    /// The fields of the form by which it is made.
    fn fields(self, form: &Form) -> Result<Vec<(&'static str, String)>> {
        let (button, scopes) = match self {
            Self::Approve => ("approve", form.scopes.clone()),
            Self::ApproveOnly(some) => {
                for scope in some {
                    ensure!(
                        form.scopes.iter().any(|asked| asked == scope),
                        "`{scope}` is not asked for; asked for is {}",
                        form.scopes.join(" ")
                    );
                }
                ("approve", some.iter().map(|scope| (*scope).to_owned()).collect())
            }
            Self::Deny => ("deny", Vec::new()),
        };
        let scopes = scopes.into_iter().map(|scope| ("scope", scope));
        Ok(std::iter::once(("decision", button.to_owned()))
            .chain(scopes)
            .collect())
    }
}

impl ResourceOwner<'_> {
    /// Plays an authorization request from the browser's first request on; gives the URL that the browser is sent to in the
    /// end, which begins with the redirect URI. It is not asked for.
    pub(in crate::cli) fn answer(
        &self,
        decision: Decision<'_>,
        http: HttpClient,
        authorization_url: &str,
        redirect_uri: &str,
    ) -> Result<String> {
        let mut browser = Browser::new(http);
        let mut at = Url::parse(authorization_url).context("the authorization URL is none")?;
        let mut answer = browser.get(at.as_str())?;
        let mut has_signed_in = false;
        for _ in 0..MOST_PAGES {
            if let Some(location) = answer.header("Location").map(str::to_owned) {
                if is_at(&location, redirect_uri) {
                    return Ok(location);
                }
                let next = at.join(&location).context("the server redirects to no URL")?;
                same_server(&at, &next)?;
                answer = browser.get(next.as_str())?;
                at = next;
                continue;
            }
            let (form, more): (_, Vec<(&str, String)>) = if let Some(by_password) =
                Form::find(answer.body(), "name=\"password\"")
            {
                ensure!(answer.status() != 429, "{}", too_many(&answer));
                ensure!(
                    !has_signed_in,
                    "the server does not let {} in: the name or the password is wrong, or they are disabled",
                    self.username
                );
                has_signed_in = true;
                let button = match self.password {
                    None => Some(self.button(answer.body())?),
                    Some(_) if self.prefers_button => self.button(answer.body()).ok(),
                    Some(_) => None,
                };
                match button {
                    Some(form) => (form, vec![(OWNER, self.username.to_owned())]),
                    None => (
                        by_password,
                        vec![
                            ("username", self.username.to_owned()),
                            ("password", self.password.unwrap_or_default().to_owned()),
                        ],
                    ),
                }
            } else if let Some(form) = Form::find(answer.body(), "name=\"decision\"") {
                let fields = decision.fields(&form)?;
                (form, fields)
            } else {
                if answer.status() >= 400 {
                    return Err(ErrorPage::of(&answer).into());
                }
                bail!(
                    "the server answered {} with a page that has no form to sign in or to approve{}; without a browser \
                     this works with the forms of this program only",
                    answer.status_line(),
                    headline(answer.body())
                );
            };
            let action = at.join(&form.action).context("the form is posted to no URL")?;
            same_server(&at, &action)?;
            let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
            answer = browser.post(action.as_str(), &form.filled(&more))?;
            at = action;
        }
        bail!("the server shows page after page and does not come to an end")
    }

    /// The form with the button that signs them in.
    fn button(&self, page: &str) -> Result<Form> {
        let button = format!("name=\"{OWNER}\" value=\"");
        let mut values = page
            .split(&button)
            .skip(1)
            .filter_map(|rest| Some(rest.split_once('"')?.0));
        let is_there = values.any(|value| unescape(value) == self.username);
        let form = Form::find(page, &button).filter(|_| is_there);
        form.with_context(|| {
            format!(
                "the sign-in page has no button for {}; give their password with --password-stdin",
                self.username
            )
        })
    }
}

/// Whether `location` is the redirect URI with an answer added to it.
fn is_at(location: &str, redirect_uri: &str) -> bool {
    location
        .strip_prefix(redirect_uri)
        .is_some_and(|rest| rest.starts_with(['?', '&']))
}

/// A password goes where the request went, and nowhere else.
fn same_server(from: &Url, to: &Url) -> Result<()> {
    ensure!(
        from.origin() == to.origin(),
        "the server leads on to {}, another server; nothing was sent there",
        to.origin().ascii_serialization()
    );
    Ok(())
}

fn too_many(answer: &Answer) -> String {
    let wait = answer
        .header("Retry-After")
        .and_then(|seconds| seconds.parse::<u32>().ok());
    match wait {
        Some(seconds) => {
            format!("there were too many wrong passwords; the server takes another one in {seconds} s")
        }
        None => "there were too many wrong passwords; wait a minute".to_owned(),
    }
}

/// What an error page says at its head: the heading, and the sentence beneath it.
fn headline(html: &str) -> String {
    let Some((_, rest)) = html.split_once("<h1>") else {
        return String::new();
    };
    let Some((heading, rest)) = rest.split_once("</h1>") else {
        return String::new();
    };
    let sentence = rest
        .trim_start()
        .strip_prefix("<p>")
        .and_then(|rest| rest.split_once("</p>"))
        .map_or("", |(sentence, _)| sentence);
    match (text(heading), text(sentence)) {
        (heading, _) if heading.is_empty() => String::new(),
        (heading, sentence) if sentence.is_empty() => format!(" (“{heading}”)"),
        (heading, sentence) => format!(" (“{heading}”: {sentence})"),
    }
}

/// The text of a piece of a page, such that it does nothing to a terminal.
fn text(html: &str) -> String {
    let mut pieces = html.split('<');
    let first = pieces.next().unwrap_or_default();
    let after_tags = pieces.filter_map(|piece| Some(piece.split_once('>')?.1));
    let text: String = std::iter::once(first).chain(after_tags).collect();
    unescape(&text)
        .chars()
        .filter(|&c| !is_hidden(c))
        .take(LONGEST_TEXT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uri_is_compared_whole() {
        let uri = "http://127.0.0.1:9000/cb";
        for (location, expected) in [
            ("http://127.0.0.1:9000/cb?code=a", true),
            ("http://127.0.0.1:9000/cb&code=a", true),
            ("http://127.0.0.1:9000/cb2?code=a", false),
            ("http://127.0.0.1:9000/cb", false),
            ("/authorize?redirect_uri=http://127.0.0.1:9000/cb?code=a", false),
        ] {
            assert_eq!(is_at(location, uri), expected, "{location}");
        }
    }

    #[test]
    fn a_page_is_named_by_its_head() {
        assert_eq!(
            headline("<h1>This link does not work</h1>"),
            " (“This link does not work”)"
        );
        assert_eq!(
            headline(
                "<h1><bdi>A &amp; B</bdi></h1>\n<p><bdi>It is \u{1b}[31mnot&#x20;there.</bdi></p><p>x</p>"
            ),
            " (“A & B”: It is [31mnot there.)"
        );
        for html in ["<html>", "<h1>", "<h1></h1><p>x</p>", "<h1><b"] {
            assert_eq!(headline(html), "", "{html}");
        }
    }
}
