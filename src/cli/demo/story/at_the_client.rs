//! Stages 5 to 8: the client, the token endpoint, and the resource server.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Answer, Outline, Scene, SentRequest, Story};
use crate::cli::demo::expect;
use crate::cli::demo::resource_server::Checked;
use crate::cli::demo::scratch::{ORDERS, OWNER, STOCK};
use crate::cli::demo::shorten::shorten;

const CLIENT: &str = "client";
const RESOURCE_SERVER: &str = "resource server";

/// A service in a folder beneath `orders`.
const OPEN_SERVICE: &str = "/invoke/orders.eu:list";
/// A service that only the scope opens that was unticked.
const CLOSED_SERVICE: &str = "/invoke/warehouse.stock:count";

pub(super) const EXCHANGE: Outline = Outline {
    number: 5,
    again: false,
    title: "The client exchanges the code for an access token",
    proves: "Without the verifier the code is worth nothing, and a failed attempt does not use it up.",
};

pub(super) const REFRESH: Outline = Outline {
    number: 6,
    again: false,
    title: "The client refreshes the access token, and nobody has to be asked again",
    proves: "A refresh can be repeated: until the new refresh token is used, each answer has the same one.",
};

pub(super) const USE: Outline = Outline {
    number: 7,
    again: false,
    title: "The client executes a service on a resource server",
    proves: "The access token opens the service, and without one it stays closed.",
};

pub(super) const CHECK: Outline = Outline {
    number: 8,
    again: false,
    title: "The resource server checks each call against the token's scope",
    proves: "orders:read opens its folder, what lies beneath, and its route; stock:read was not granted.",
};

pub(super) const REPLAY: Outline = Outline {
    number: 5,
    again: true,
    title: "The code is presented a second time",
    proves: "A code works once. Its replay ends what came of it: the access token and the refresh token.",
};

/// What a client is given at the token endpoint.
pub(super) struct Tokens {
    pub(super) access: String,
    refresh: String,
}

impl Tokens {
    /// From the answer, which must be for the scope that was approved.
    fn read(answer: &Answer) -> Result<Self> {
        expect::status(answer, 200)?;
        let body = answer.json()?;
        let token = |name, prefix| {
            let token = expect::text(&body, name)?;
            ensure!(
                token.starts_with(prefix),
                "expected a {name} that begins with {prefix}, got another"
            );
            Ok(token)
        };
        expect::same("token_type", &expect::text(&body, "token_type")?, "Bearer")?;
        expect::same("the scope", &expect::text(&body, "scope")?, ORDERS)?;
        ensure!(
            body["expires_in"] == 3600,
            "expected an access token for 3600 seconds, got another span"
        );
        Ok(Self {
            access: token("access_token", "oat_")?,
            refresh: token("refresh_token", "ort_")?,
        })
    }

    fn shown(&self) -> [String; 4] {
        [
            format!("access_token={}", shorten(&self.access)),
            format!("scope={ORDERS}"),
            "expires_in=3600".to_owned(),
            format!("refresh_token={}", shorten(&self.refresh)),
        ]
    }
}

impl Story<'_, '_> {
    /// Stage 5.
    pub(super) fn exchange(
        &mut self,
        scene: &mut Scene,
        request: &SentRequest,
        code: &str,
    ) -> Result<Tokens> {
        let client = &self.scratch.client;
        let wrong = SentRequest::new()?.verifier;
        let answer = client.exchange(code, &wrong)?;
        let sent = [
            format!("code={}", shorten(code)),
            "code_verifier=a wrong one".to_owned(),
        ];
        scene.request(CLIENT, "POST /token", sent, &answer);
        expect::refusal(&answer, 400, "invalid_grant")?;
        scene.received(["invalid_grant"]);

        let answer = client.exchange(code, &request.verifier)?;
        let sent = [
            format!("Basic {}:ocs_…", client.credentials.id),
            "grant_type=authorization_code".to_owned(),
            format!("code={}", shorten(code)),
            format!("code_verifier={}", shorten(&request.verifier)),
            "redirect_uri=…".to_owned(),
        ];
        scene.request(CLIENT, "POST /token", sent, &answer);
        let tokens = Tokens::read(&answer)?;
        scene.received(tokens.shown());
        Ok(tokens)
    }

    /// Stage 6: gives the tokens that are used from now on.
    pub(super) fn refresh(&mut self, scene: &mut Scene, tokens: &Tokens) -> Result<Tokens> {
        let client = &self.scratch.client;
        let sent = [
            "grant_type=refresh_token".to_owned(),
            format!("refresh_token={}", shorten(&tokens.refresh)),
        ];
        let answer = client.refresh(&tokens.refresh)?;
        scene.request(CLIENT, "POST /token", sent, &answer);
        let first = Tokens::read(&answer)?;
        ensure!(
            first.refresh != tokens.refresh,
            "expected a new refresh token, got the old one"
        );
        ensure!(
            first.access != tokens.access,
            "expected a new access token, got the old one"
        );
        scene.received(first.shown());

        let answer = client.refresh(&tokens.refresh)?;
        scene.request(
            CLIENT,
            "POST /token",
            ["the same once more, as if the answer had been lost"],
            &answer,
        );
        let second = Tokens::read(&answer)?;
        ensure!(
            second.refresh == first.refresh,
            "expected the same new refresh token on a retry, got another"
        );
        scene.received([
            format!("access_token={}", shorten(&second.access)),
            format!("refresh_token={}, the same one", shorten(&second.refresh)),
        ]);

        let body = self.introspect(scene, &second.access)?;
        expect::same("`active`", &body["active"].to_string(), "true")?;
        for (name, expected) in [
            ("scope", ORDERS),
            ("username", OWNER),
            ("client_id", client.credentials.id.as_str()),
        ] {
            expect::same(name, &expect::text(&body, name)?, expected)?;
        }
        scene.received([
            "active=true".to_owned(),
            format!("username={OWNER}"),
            format!("client_id={}", client.credentials.id),
        ]);
        Ok(second)
    }

    fn introspect(&self, scene: &mut Scene, token: &str) -> Result<Value> {
        let basic = self.scratch.resource_server.basic();
        let headers = [("Authorization", basic.as_str())];
        let answer = self
            .http
            .post(&self.endpoint("/introspect"), &headers, &[("token", token)])?;
        scene.request(
            RESOURCE_SERVER,
            "POST /introspect",
            [format!("token={}", shorten(token))],
            &answer,
        );
        expect::status(&answer, 200)?;
        answer.json()
    }

    /// Calls the resource server; gives its answer, and what it asked the authorization server about.
    fn call(&self, path: &str, token: Option<&str>) -> Result<(Answer, Checked)> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()))
            .collect();
        let url = format!("http://{}{path}", self.scratch.services_address);
        let answer = self.http.get(&url, &headers)?;
        let checked = self.scratch.services.take_last_check();
        Ok((
            answer,
            checked.context("expected the resource server to ask for a check, it did not")?,
        ))
    }

    /// Stage 7: gives the check that the resource server asked for.
    pub(super) fn use_token(&mut self, scene: &mut Scene, token: &str) -> Result<Checked> {
        let (answer, _) = self.call(OPEN_SERVICE, None)?;
        scene.request(CLIENT, &format!("GET {OPEN_SERVICE}"), ["no token"], &answer);
        expect::status(&answer, 401)?;
        let challenge = expect::header(&answer, "WWW-Authenticate")?;
        ensure!(
            challenge.starts_with("Bearer"),
            "expected a Bearer challenge, got another"
        );
        scene.received([format!("WWW-Authenticate: {challenge}")]);

        let (answer, checked) = self.call(OPEN_SERVICE, Some(token))?;
        scene.request(CLIENT, &format!("GET {OPEN_SERVICE}"), [bearer(token)], &answer);
        expect::status(&answer, 200)?;
        let orders = json!({ "orders": [17, 23] });
        ensure!(
            answer.json()? == orders,
            "expected the orders, got something else"
        );
        scene.received([orders.to_string()]);
        Ok(checked)
    }

    /// Stage 8.
    pub(super) fn check(&mut self, scene: &mut Scene, token: &str, asked: &Checked) -> Result<()> {
        self.expect_allowed(scene, token, asked)?;
        let (answer, checked) = self.call("/orders/17", Some(token))?;
        expect::status(&answer, 200)?;
        self.expect_allowed(scene, token, &checked)?;

        let (answer, checked) = self.call(CLOSED_SERVICE, Some(token))?;
        scene.request(
            RESOURCE_SERVER,
            "GET /check",
            asked_with(&checked, token),
            &checked.answer,
        );
        expect::refusal(&checked.answer, 403, "insufficient_scope")?;
        scene.received(["insufficient_scope"]);
        scene.request(CLIENT, &format!("GET {CLOSED_SERVICE}"), [bearer(token)], &answer);
        expect::refusal(&answer, 403, "insufficient_scope")?;
        scene.received([format!("insufficient_scope: {OWNER} unticked {STOCK}")]);
        Ok(())
    }

    fn expect_allowed(&self, scene: &mut Scene, token: &str, checked: &Checked) -> Result<()> {
        scene.request(
            RESOURCE_SERVER,
            "GET /check",
            asked_with(checked, token),
            &checked.answer,
        );
        expect::status(&checked.answer, 200)?;
        let client = self.scratch.client.credentials.id.as_str();
        let expected = [
            ("X-OAuth-Owner", OWNER),
            ("X-OAuth-Client", client),
            ("X-OAuth-Scope", ORDERS),
        ];
        for (name, expected) in expected {
            expect::same(name, expect::header(&checked.answer, name)?, expected)?;
        }
        let shown = expected.iter().filter(|(name, _)| *name != "X-OAuth-Client");
        scene.received(shown.map(|(name, value)| format!("{name}: {value}")));
        Ok(())
    }

    /// Stage 5 with a code that was used.
    pub(super) fn replay(
        &mut self,
        scene: &mut Scene,
        request: &SentRequest,
        code: &str,
        tokens: &Tokens,
    ) -> Result<()> {
        let answer = self.scratch.client.exchange(code, &request.verifier)?;
        scene.request(
            CLIENT,
            "POST /token",
            [
                format!("code={}", shorten(code)),
                "everything else right".to_owned(),
            ],
            &answer,
        );
        expect::refusal(&answer, 400, "invalid_grant")?;
        scene.received(["invalid_grant"]);

        let body = self.introspect(scene, &tokens.access)?;
        ensure!(
            body == json!({ "active": false }),
            "expected nothing but active=false, got something else"
        );
        scene.received(["active=false"]);

        let (answer, _) = self.call(OPEN_SERVICE, Some(&tokens.access))?;
        scene.request(
            CLIENT,
            &format!("GET {OPEN_SERVICE}"),
            [bearer(&tokens.access)],
            &answer,
        );
        expect::refusal(&answer, 401, "invalid_token")?;
        scene.received(["invalid_token"]);

        let answer = self.scratch.client.refresh(&tokens.refresh)?;
        let sent = format!("refresh_token={}", shorten(&tokens.refresh));
        scene.request(CLIENT, "POST /token", [sent], &answer);
        expect::refusal(&answer, 400, "invalid_grant")?;
        scene.received(["invalid_grant"]);
        Ok(())
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {}", shorten(token))
}

/// The parameters of a check, as they read when they are decoded, and its token.
fn asked_with(checked: &Checked, token: &str) -> Vec<String> {
    let parameters = form_urlencoded::parse(checked.query.as_bytes());
    let shown = parameters.map(|(name, value)| format!("{name}={value}"));
    shown.chain([bearer(token)]).collect()
}
