//! Stages 1 to 4: the resource owner's browser between the client and the authorization server.

use anyhow::{Context as _, Result, ensure};

use super::{Answer, Form, Outline, Scene, SentRequest, Story};
use crate::cli::demo::client::url;
use crate::cli::demo::expect;
use crate::cli::demo::scratch::{CLIENT_NAME, ORDERS, OWNER, STOCK};
use crate::cli::demo::shorten::shorten;
use crate::protocol::parameters::Parameters;

const BROWSER: &str = "browser";

pub(super) const ASK: Outline = Outline {
    number: 1,
    again: false,
    title: "The client sends the browser to the authorization endpoint",
    proves: "Nobody is redirected to an address that the client has not registered.",
};

pub(super) const SIGN_IN: Outline = Outline {
    number: 2,
    again: false,
    title: "The resource owner signs in and reads who asks for what",
    proves: "The page names the client and shows what each scope opens; signing in made a new session.",
};

pub(super) const APPROVE: Outline = Outline {
    number: 3,
    again: false,
    title: "The resource owner unticks one scope and approves the other",
    proves: "An owner may grant less than was asked for, and an approval counts once.",
};

pub(super) const REDIRECT: Outline = Outline {
    number: 4,
    again: false,
    title: "The server makes a code and redirects the browser to the client with it",
    proves: "state says that the answer belongs to the client's request, iss says which server gave it.",
};

pub(super) const DENY: Outline = Outline {
    number: 3,
    again: true,
    title: "The resource owner denies another request",
    proves: "The client learns that it was denied, and is given no code.",
};

impl Story<'_, '_> {
    /// Stage 1: gives the request that was sent, and the sign-in form.
    pub(super) fn ask(&mut self, scene: &mut Scene) -> Result<(SentRequest, Form)> {
        let client = &self.scratch.client;
        let request = self.scratch.client_page.begin()?;

        let answer = self.browser.get(&client.authorization_url(&request))?;
        let sent = client.parameters(&request).map(|(name, value)| match name {
            "state" | "code_challenge" => format!("{name}={}", shorten(value)),
            _ => format!("{name}={value}"),
        });
        scene.request(BROWSER, "GET /authorize", sent, &answer);
        expect::status(&answer, 200)?;
        let form =
            Form::find(answer.body(), "name=\"password\"").context("expected a sign-in form, got none")?;
        expect::shows(&answer, CLIENT_NAME)?;
        scene.received([format!("a page to sign in and continue to {CLIENT_NAME}")]);

        let elsewhere = client.redirect_uri.replace("/cb", "/elsewhere");
        let mut parameters = client.parameters(&request);
        for parameter in parameters.iter_mut().filter(|(name, _)| *name == "redirect_uri") {
            parameter.1 = &elsewhere;
        }
        let answer = self
            .browser
            .get(&url(&self.endpoint("/authorize"), &parameters))?;
        let sent = format!("the same with redirect_uri={elsewhere}");
        scene.request(BROWSER, "GET /authorize", [sent], &answer);
        expect::status(&answer, 400)?;
        ensure!(
            answer.header("Location").is_none(),
            "expected an error page, got a redirect"
        );
        expect::shows(&answer, "This link does not work")?;
        scene.received(["an error page, and no redirect"]);
        Ok((request, form))
    }

    /// Stage 2: gives the approval form.
    pub(super) fn sign_in(&mut self, scene: &mut Scene, request: &SentRequest, form: &Form) -> Result<Form> {
        let before = self.browser.cookie().map(str::to_owned);
        let credentials = [("username", OWNER), ("password", self.scratch.password.as_str())];
        let answer = self
            .browser
            .post(&self.endpoint(&form.action), &form.filled(&credentials))?;
        let sent = [
            format!("username={OWNER}"),
            "password=…".to_owned(),
            "form_token=…".to_owned(),
        ];
        scene.request(BROWSER, &format!("POST {}", form.action), sent, &answer);
        expect::status(&answer, 303)?;
        let cookie = expect::header(&answer, "Set-Cookie")?;
        for attribute in ["HttpOnly", "SameSite=Lax"] {
            let is_set = cookie.split("; ").any(|found| found == attribute);
            ensure!(
                is_set,
                "expected a session cookie with {attribute}, got one without"
            );
        }
        let after = self.browser.cookie().map(str::to_owned);
        ensure!(
            before.is_some() && before != after,
            "expected a session ID that is new, got the old one"
        );
        scene.received(["a new session cookie, HttpOnly and SameSite=Lax"]);

        let next = expect::header(&answer, "Location")?;
        ensure!(
            next.starts_with("/authorize?"),
            "expected to go on at /authorize, got another address"
        );
        let answer = self.browser.get(&self.endpoint(next))?;
        scene.request(
            BROWSER,
            "GET /authorize",
            [format!("the same request, state={}", shorten(&request.state))],
            &answer,
        );
        let form = approval_form(&answer)?;
        let boxes = form.scopes.iter().map(|scope| format!("[x] {scope}"));
        scene.received([format!("{CLIENT_NAME} wants to use")].into_iter().chain(boxes));
        Ok(form)
    }

    /// Stage 3: gives where the browser is sent.
    pub(super) fn approve(&mut self, scene: &mut Scene, form: &Form) -> Result<String> {
        let decision = [("scope", ORDERS), ("decision", "approve")];
        let answer = self.decide(form, &decision)?;
        let sent = decision.map(|(name, value)| format!("{name}={value}"));
        scene.request(BROWSER, &format!("POST {}", form.action), sent, &answer);
        scene.sent("form_token=…");
        expect::status(&answer, 303)?;
        let location = expect::header(&answer, "Location")?.to_owned();
        scene.received(["to the client's redirect URI"]);

        let answer = self.decide(form, &decision)?;
        scene.request(
            BROWSER,
            &format!("POST {}", form.action),
            ["the same form once more"],
            &answer,
        );
        expect::status(&answer, 409)?;
        expect::shows(&answer, "Answered already")?;
        scene.received(["a page that says: answered already"]);
        Ok(location)
    }

    fn decide(&mut self, form: &Form, decision: &[(&str, &str)]) -> Result<Answer> {
        self.browser
            .post(&self.endpoint(&form.action), &form.filled(decision))
    }

    /// Stage 4: gives the code.
    pub(super) fn redirect(
        &mut self,
        scene: &mut Scene,
        request: &SentRequest,
        location: &str,
    ) -> Result<String> {
        let parameters = self.parameters_of(location)?;
        let answer = self.http.get(location, &[])?;
        let sent = ["code", "state", "iss"].map(|name| {
            let value = parameters.get(name).unwrap_or_default();
            match name {
                "iss" => format!("iss={value}"),
                _ => format!("{name}={}", shorten(value)),
            }
        });
        scene.request(BROWSER, "GET /cb", sent, &answer);
        self.expect_own(&parameters, request)?;
        let code = parameters
            .get("code")
            .context("expected a code in the redirect, got none")?;
        ensure!(
            code.starts_with("oac_"),
            "expected a code that begins with oac_, got another"
        );
        expect::status(&answer, 200)?;
        expect::shows(&answer, "Exchange the code</button>")?;
        scene.received(["the client's page: state and iss are the expected ones"]);
        Ok(code.to_owned())
    }

    /// The parameters that were added to the redirect URI, which must be the registered one.
    fn parameters_of(&self, location: &str) -> Result<Parameters> {
        let redirect_uri = &self.scratch.client.redirect_uri;
        let (before, query) = location.split_once('?').unwrap_or((location, ""));
        expect::same("the address of the redirect", before, redirect_uri)?;
        let known = ["code", "state", "iss", "error", "error_description"];
        Ok(Parameters::parse(query.as_bytes(), &known))
    }

    /// What a client has to look at first (RFC 6749 §10.12, RFC 9207 §2.4).
    fn expect_own(&self, parameters: &Parameters, request: &SentRequest) -> Result<()> {
        ensure!(
            parameters.get("state") == Some(&request.state),
            "expected the state that was sent, got another or none"
        );
        let issuer = self.scratch.client.issuer.as_str();
        expect::same("iss", parameters.get("iss").unwrap_or_default(), issuer)
    }

    /// Stage 3 with the other button.
    pub(super) fn deny(&mut self, scene: &mut Scene) -> Result<()> {
        let request = self.scratch.client_page.begin()?;
        let answer = self
            .browser
            .get(&self.scratch.client.authorization_url(&request))?;
        let sent = format!("another request, state={}", shorten(&request.state));
        scene.request(BROWSER, "GET /authorize", [sent], &answer);
        let form = approval_form(&answer)?;
        scene.received([format!("the approval page at once: {OWNER} is signed in")]);

        let answer = self.decide(
            &form,
            &[("scope", ORDERS), ("scope", STOCK), ("decision", "deny")],
        )?;
        scene.request(
            BROWSER,
            &format!("POST {}", form.action),
            ["both scopes ticked", "decision=deny", "form_token=…"],
            &answer,
        );
        expect::status(&answer, 303)?;
        let parameters = self.parameters_of(expect::header(&answer, "Location")?)?;
        self.expect_own(&parameters, &request)?;
        let error = parameters.get("error").unwrap_or_default();
        expect::same("the error", error, "access_denied")?;
        ensure!(parameters.get("code").is_none(), "expected no code, got one");
        let state = format!("state={}", shorten(&request.state));
        scene.received([
            "to the client's redirect URI".to_owned(),
            format!("error={error}"),
            state,
        ]);
        Ok(())
    }
}

/// The approval form, in which both scopes are to be ticked.
fn approval_form(answer: &Answer) -> Result<Form> {
    expect::status(answer, 200)?;
    for text in [
        CLIENT_NAME,
        "<bdi>orders</bdi>",
        "<bdi>warehouse.stock:count</bdi>",
    ] {
        expect::shows(answer, text)?;
    }
    let form =
        Form::find(answer.body(), "name=\"decision\"").context("expected an approval form, got none")?;
    expect::same(
        "the scopes of the approval form",
        &form.scopes.join(" "),
        &format!("{ORDERS} {STOCK}"),
    )?;
    Ok(form)
}
