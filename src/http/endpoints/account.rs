//! `GET /account`: what the signed-in resource owner has approved, each with a button to take it back.

use crate::authorization_server::{Account, Failure, Purpose};
use crate::domain::session::SessionCookie;
use crate::http::app::App;
use crate::http::endpoints::page::{failure, page, stale_form};
use crate::http::endpoints::sign_in::{SignInForm, hidden_fields};
use crate::http::header_value::HeaderValue;
use crate::http::pages::{Account as AccountView, GrantView, SignOut, Spoken};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

const FIELDS: [&str; 4] = ["form_token", "username", "password", "grant"];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let cookie = app.cookies.read(request);
    if request.method() == "POST" {
        let fields = Parameters::parse(request.body(), &FIELDS);
        return match fields.get("grant") {
            Some(grant) => take_back(app, request, cookie.as_ref(), grant, &fields),
            None => sign_in_form(app).submit(app, request, &fields, &app.path("/account")),
        };
    }
    match app.server.account(cookie.as_ref()) {
        Err(error) => failure(app, request, &error.into()),
        Ok(None) => sign_in_form(app).show(app, request, cookie),
        Ok(Some(account)) => {
            // Somebody is signed in, so there is a cookie.
            let Some(cookie) = cookie else {
                return sign_in_form(app).show(app, request, None);
            };
            let spoken = app.spoken(request);
            match view(app, spoken, &cookie, account) {
                Ok(view) => page(app, 200, spoken.account(&view)),
                Err(error) => failure(app, request, &error),
            }
        }
    }
}

fn sign_in_form(app: &App) -> SignInForm<'static> {
    SignInForm {
        action: app.path("/account"),
        about: "",
        client: None,
    }
}

fn take_back(
    app: &App,
    request: &Request,
    cookie: Option<&SessionCookie>,
    grant: &str,
    fields: &Parameters,
) -> Response {
    let form_token = fields.get("form_token").unwrap_or_default();
    match app
        .server
        .take_back(grant, cookie, form_token, app.client_address(request))
    {
        Ok(Ok(())) => Response::redirect(303, HeaderValue::encoded(&app.path("/account"))),
        Ok(Err(error)) => stale_form(app, request, error),
        Err(error) => failure(app, request, &error.into()),
    }
}

fn view(
    app: &App,
    spoken: Spoken<'_>,
    cookie: &SessionCookie,
    account: Account,
) -> Result<AccountView, Failure> {
    let seal = |purpose, about: &str| app.server.seal_form(cookie, purpose, about);
    let mut grants = Vec::new();
    for approved in account.approved {
        let grant_id = approved.grant.to_string();
        let token = seal(Purpose::TakeBack, &grant_id)?;
        grants.push(GrantView {
            client: approved.client_name.to_string(),
            scopes: approved.scope.iter().map(ToString::to_string).collect(),
            since: spoken.text("account.since", &[("date", &approved.since.date())]),
            action: app.path("/account"),
            hidden: hidden_fields(&[("grant", &grant_id), ("form_token", &token)]),
            grant_id,
        });
    }
    let token = seal(Purpose::SignOut, "")?;
    let sign_out = SignOut {
        action: app.path("/logout"),
        hidden: hidden_fields(&[("form_token", &token)]),
    };
    Ok(AccountView {
        username: account.username.to_string(),
        grants,
        sign_out,
    })
}
