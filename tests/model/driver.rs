//! Does what a history says with the real use cases, and writes down the answers in the words of the model.

mod administration;
mod view;

use std::net::{IpAddr, Ipv4Addr};

use oauthctl::authorization_server::{
    Answer, Answered, CallerError, CheckRefusal, Considered, FormError, Introspection, Passed, Purpose,
    SignInError,
};
use oauthctl::clock::Timestamp;
use oauthctl::protocol::check_request::service_asked;
use oauthctl::protocol::parameters::Parameters;
use oauthctl::protocol::token_request::KNOWN;
use oauthctl::store::GrantSelector;

use crate::operation::{Caller, Client, Op, Owner, Press, Request, SERVICES, Set, Step, Token, Wrong, words};
use crate::stage::{Asked, Credentials, PASSWORD, REDIRECT_URI, START, Stage, at, millis};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7636 appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The parameters that the revocation and introspection endpoints know.
const TOKEN_PARAMETERS: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// The characters of a token that are its identifier.
const IDENTIFIER: std::ops::Range<usize> = 4..17;

fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn refused(error: &CallerError) -> String {
    match error {
        CallerError::Refused(error) => error.code.as_str().to_owned(),
        other => format!("{other}"),
    }
}

/// The same token with another secret.
fn forged(value: &str) -> String {
    let last = if value.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &value[..value.len() - 1])
}

impl Stage {
    /// Does one operation; what was answered.
    pub(crate) fn step(&mut self, step: Step, op: &Op) -> String {
        match op {
            Op::Clock(to) => {
                let now = self.server().instant();
                self.clock.set(now.max(START.after(millis(*to))));
                String::new()
            }
            Op::SignIn(owner) => self.sign_in(*owner),
            Op::SignOut(owner) => {
                self.server().sign_out(&self.cookies[owner]).unwrap();
                String::new()
            }
            Op::Ask(owner, request) => self.ask(step, *owner, *request),
            Op::Answer(owner, form, press) => self.answer(step, *owner, *form, *press),
            Op::Silent(owner, form) => self.silent(step, *owner, *form),
            Op::Exchange { code, client, wrong } => self.exchange(step, *code, *client, *wrong),
            Op::Refresh {
                token,
                client,
                scope,
                wrong,
            } => self.refresh(step, *token, *client, *scope, *wrong),
            Op::Revoke { token, client, wrong } => self.revoke(*token, *client, *wrong),
            Op::Introspect { token, caller, wrong } => self.introspect(*token, *caller, *wrong),
            Op::Check { token, service } => self.check(*token, *service),
            Op::TakeBack(owner, grant) => self.take_back(*owner, *grant),
            Op::Forget(owner, approval) => self.forget(*owner, *approval),
            Op::Restart => {
                self.restart();
                String::new()
            }
            Op::Look => self.view().join("\n"),
            other => self.administer(other),
        }
    }

    fn sign_in(&mut self, owner: Owner) -> String {
        let old = self.cookies.get(&owner);
        match self.server().sign_in(owner.username(), PASSWORD, old, HERE) {
            Ok(cookie) => {
                self.cookies.insert(owner, cookie);
                "signed in".to_owned()
            }
            Err(SignInError::Wrong) => "wrong".to_owned(),
            Err(SignInError::Disabled) => "disabled".to_owned(),
            Err(other) => other.to_string(),
        }
    }

    fn ask(&mut self, step: Step, owner: Owner, request: Request) -> String {
        let scope = request.scope.scope();
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", request.client.id()),
            ("state", "a state & more"),
        ];
        if !scope.is_empty() {
            pairs.push(("scope", &scope));
        }
        if request.names_redirect {
            pairs.push(("redirect_uri", REDIRECT_URI));
        }
        if request.pkce {
            pairs.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        pairs.extend(request.prompt.as_str().map(|prompt| ("prompt", prompt)));
        let raw = encode(&pairs);
        let cookie = self.cookies.get(&owner);
        let considered = self.server().consider(&raw, cookie).unwrap();
        let shown = match &considered {
            Considered::Ask { remember, .. } => remember.clone(),
            _ => None,
        };
        let token = cookie.map(|cookie| self.server().seal_form(cookie, Purpose::Answer, &raw).unwrap());
        self.asked.insert(step, Asked { raw, token, shown });
        self.requests.insert(step, request);
        said(considered)
    }

    fn answer(&mut self, step: Step, owner: Owner, form: Step, press: Press) -> String {
        let asked = &self.asked[&form];
        let answer = match press {
            Press::Approve(scope) => Answer::Approve(scope.scope().parse().unwrap()),
            Press::Remember(scope) => Answer::Remember {
                scope: scope.scope().parse().unwrap(),
                shown: asked.shown.clone().unwrap_or_else(|| "made up".to_owned()),
            },
            Press::Deny => Answer::Deny,
        };
        let (cookie, token) = (self.cookies.get(&owner), asked.token.as_deref().unwrap());
        let answered = self
            .server()
            .answer(&asked.raw, cookie, token, answer, HERE)
            .unwrap();
        match answered {
            Answered::Redirect(to) => self.redirected(step, form, owner, &to),
            Answered::Page(_) => "page".to_owned(),
            Answered::Form(FormError::Forged) => "forged".to_owned(),
            Answered::Form(FormError::Expired) => "expired".to_owned(),
            Answered::Twice => "twice".to_owned(),
            Answered::NotAsked => "not asked".to_owned(),
            Answered::SignedOut => "signed out".to_owned(),
        }
    }

    /// Takes the code out of a redirect, and finds out what the grant is called.
    fn redirected(&mut self, step: Step, form: Step, owner: Owner, to: &str) -> String {
        let (_, query) = to.split_once('?').unwrap();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let find = |name: &str| {
            pairs
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(find("state").as_deref(), Some("a state & more"));
        assert_eq!(find("iss").as_deref(), Some("https://id.example"));
        let Some(code) = find("code") else {
            return find("error").unwrap_or_default();
        };
        self.values.insert(Token::Code(step), code);
        self.requests.insert(step, self.requests[&form]);
        let listed = self
            .server()
            .grants(&GrantSelector::default(), None, 1000)
            .unwrap();
        for grant in listed {
            self.grants.entry(grant.identifier.to_string()).or_insert(step);
        }
        let page = self.server().account(self.cookies.get(&owner)).unwrap();
        for approval in page.into_iter().flat_map(|page| page.remembered) {
            self.approvals
                .entry(approval.approval.to_string())
                .or_insert(step);
        }
        "code".to_owned()
    }

    fn silent(&mut self, step: Step, owner: Owner, form: Step) -> String {
        let considered = self
            .server()
            .approve_remembered(&self.asked[&form].raw, &self.cookies[&owner], HERE)
            .unwrap();
        match considered {
            Considered::Approved { to, .. } => self.redirected(step, form, owner, &to),
            other => said(other),
        }
    }

    /// A body with client authentication.
    fn body(&self, caller: Caller, wrong: Wrong, pairs: &[(&str, &str)]) -> String {
        let Credentials { id, secret } = match caller {
            Caller::ResourceServer => self.resource_server.clone(),
            Caller::Client(client) => {
                let secrets = self.secrets.get(&client).map_or(&[][..], Vec::as_slice);
                let nth = usize::from(wrong == Wrong::OldSecret);
                let secret = secrets.iter().rev().nth(nth);
                Credentials {
                    id: client.id().to_owned(),
                    secret: secret.map_or("none", String::as_str).to_owned(),
                }
            }
        };
        let secret = if wrong == Wrong::Secret { "wrong" } else { &secret };
        let mut all = vec![("client_id", id.as_str()), ("client_secret", secret)];
        all.extend_from_slice(pairs);
        encode(&all)
    }

    fn presented(&self, token: Token, wrong: Wrong) -> String {
        let value = &self.values[&token];
        if wrong == Wrong::Forged {
            forged(value)
        } else {
            value.clone()
        }
    }

    fn exchange(&mut self, step: Step, code: Step, client: Client, wrong: Wrong) -> String {
        let (request, code) = (self.requests[&code], self.presented(Token::Code(code), wrong));
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", code.as_str())];
        match wrong {
            Wrong::Redirect => pairs.push(("redirect_uri", "https://shop.example/back")),
            Wrong::NoRedirect => {}
            _ => pairs.push(("redirect_uri", REDIRECT_URI)),
        }
        match wrong {
            Wrong::Verifier => pairs.push(("code_verifier", CHALLENGE)),
            Wrong::NoVerifier => {}
            _ if request.pkce => pairs.push(("code_verifier", VERIFIER)),
            _ => {}
        }
        self.token(step, &self.body(Caller::Client(client), wrong, &pairs))
    }

    fn refresh(&mut self, step: Step, token: Step, client: Client, scope: Set, wrong: Wrong) -> String {
        let (value, scope) = (self.presented(Token::Refresh(token), wrong), scope.scope());
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", value.as_str()),
            ("scope", &scope),
        ];
        self.token(step, &self.body(Caller::Client(client), wrong, &pairs))
    }

    fn token(&mut self, step: Step, body: &str) -> String {
        let body = Parameters::parse(body.as_bytes(), &KNOWN);
        let response = match self.server().token(None, &body, None, HERE) {
            Ok(response) => response,
            Err(error) => return refused(&error),
        };
        let access = response.access_token.reveal();
        self.call(Token::Access(step), access);
        let refresh = response.refresh_token.map(|token| token.reveal());
        let refresh = refresh.map(|value| match self.tokens.get(&value[IDENTIFIER]) {
            Some(Token::Refresh(known)) => {
                let known = *known;
                assert_eq!(
                    self.values[&Token::Refresh(known)],
                    value,
                    "the same, and another secret"
                );
                known
            }
            Some(other) => panic!("the identifier of {other:?} is used again"),
            None => {
                self.call(Token::Refresh(step), value);
                step
            }
        });
        let lives = i64::try_from(response.expires_in.as_millis()).unwrap();
        words::tokens(&response.scope.to_string(), lives, refresh)
    }

    fn call(&mut self, token: Token, value: String) {
        let before = self.tokens.insert(value[IDENTIFIER].to_owned(), token);
        assert_eq!(before, None, "the identifier of {before:?} is used again");
        self.values.insert(token, value);
    }

    fn revoke(&self, token: Token, client: Client, wrong: Wrong) -> String {
        let value = self.presented(token, wrong);
        let body = self.body(Caller::Client(client), wrong, &[("token", &value)]);
        let body = Parameters::parse(body.as_bytes(), &TOKEN_PARAMETERS);
        match self.server().revoke(None, &body, HERE) {
            Ok(()) => "done".to_owned(),
            Err(error) => refused(&error),
        }
    }

    fn introspect(&self, token: Token, caller: Caller, wrong: Wrong) -> String {
        let value = self.presented(token, wrong);
        let body = self.body(caller, wrong, &[("token", &value)]);
        let body = Parameters::parse(body.as_bytes(), &TOKEN_PARAMETERS);
        match self.server().introspect(None, &body, HERE) {
            Ok(None) => "inactive".to_owned(),
            Ok(Some(Introspection {
                scope,
                client,
                username,
                issued_at,
                expires_at,
                ..
            })) => words::active(
                &scope.to_string(),
                client.as_str(),
                username.as_str(),
                at(issued_at),
                at(expires_at),
            ),
            Err(error) => refused(&error),
        }
    }

    fn check(&self, token: Step, service: usize) -> String {
        let value = &self.values[&Token::Access(token)];
        let asked = service_asked(SERVICES[service]);
        match self.server().check_token(value, &asked).unwrap() {
            Ok(Passed {
                client,
                owner,
                grant,
                scope_in_force,
                ..
            }) => {
                let grant = self.grants[&grant.to_string()];
                words::allowed(
                    client.as_str(),
                    owner.as_str(),
                    &scope_in_force.to_string(),
                    grant,
                )
            }
            Err(CheckRefusal::Inactive(_)) => "inactive".to_owned(),
            Err(CheckRefusal::Denied(_)) => "denied".to_owned(),
        }
    }

    fn take_back(&self, owner: Owner, grant: Step) -> String {
        let find = |(id, step): (&String, &Step)| (*step == grant).then(|| id.clone());
        let id = self.grants.iter().find_map(find).unwrap();
        let cookie = &self.cookies[&owner];
        let token = self.server().seal_form(cookie, Purpose::TakeBack, &id).unwrap();
        form(self.server().take_back(&id, Some(cookie), &token, HERE).unwrap())
    }

    fn forget(&self, owner: Owner, approval: Step) -> String {
        let find = |(id, step): (&String, &Step)| (*step == approval).then(|| id.clone());
        let id = self.approvals.iter().find_map(find).unwrap();
        let cookie = &self.cookies[&owner];
        let token = self.server().seal_form(cookie, Purpose::Forget, &id).unwrap();
        form(self.server().forget(&id, Some(cookie), &token, HERE).unwrap())
    }

    fn now(&self) -> Timestamp {
        self.server().instant()
    }
}

fn form(result: Result<(), FormError>) -> String {
    match result {
        Ok(()) => "done",
        Err(FormError::Expired) => "expired",
        Err(FormError::Forged) => "forged",
    }
    .to_owned()
}

fn said(considered: Considered) -> String {
    match considered {
        Considered::Page(_) => "page".to_owned(),
        Considered::Redirect(refusal) => refusal.error.code.as_str().to_owned(),
        Considered::SignIn(_) => "sign in".to_owned(),
        Considered::Ask { scopes, .. } => {
            let names: Vec<&str> = scopes.iter().map(|scope| scope.token.as_str()).collect();
            format!("ask for {}", names.join(" "))
        }
        Considered::Remembered { .. } => "remembered".to_owned(),
        Considered::Approved { .. } => "approved".to_owned(),
    }
}
