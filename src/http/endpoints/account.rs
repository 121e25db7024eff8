//! `GET /account`: what the signed-in resource owner has approved, each with a button to take it back; and their
//! password.
//!
//! A form that comes back is told by its fields: `grant` takes an approval back, `approval` has a remembered one
//! forgotten, `old_password` changes the password, and anything else signs in.

use crate::authorization_server::{
    Account, ChangePasswordError, Failure, FormError, Purpose, TypedPasswords,
};
use crate::clock::Timestamp;
use crate::domain::password::{LONGEST_PASSWORD, PasswordError, SHORTEST_PASSWORD};
use crate::domain::session::SessionCookie;
use crate::http::app::App;
use crate::http::endpoints::authorize::scope_view;
use crate::http::endpoints::page::{failure, page, stale_form};
use crate::http::endpoints::sign_in::{SignInForm, hidden_fields, see_other};
use crate::http::header_value::HeaderValue;
use crate::http::pages::{Account as AccountView, GrantView, PasswordForm, RememberedView, SignOut, Spoken};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;
use crate::store::StoreError;

const FIELDS: [&str; 8] = [
    "form_token",
    "username",
    "password",
    "grant",
    "approval",
    "old_password",
    "new_password",
    "new_password_again",
];

/// The parameter of the page's own query: that the password was changed, sealed for this browser.
const CHANGED: &str = "password_changed";

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let cookie = app.cookies.read(request);
    if request.method() == "POST" {
        let fields = Parameters::parse(request.body(), &FIELDS);
        let form_token = fields.get("form_token").unwrap_or_default();
        let from = app.client_address(request);
        return if let Some(grant) = fields.get("grant") {
            let done = app.server.take_back(grant, cookie.as_ref(), form_token, from);
            answered(app, request, done)
        } else if let Some(approval) = fields.get("approval") {
            let done = app.server.forget(approval, cookie.as_ref(), form_token, from);
            answered(app, request, done)
        } else if fields.get("old_password").is_some() || fields.get("new_password").is_some() {
            change_password(app, request, cookie.as_ref(), &fields)
        } else {
            sign_in_form(app).submit(app, request, &fields, &app.path("/account"))
        };
    }
    let query = Parameters::parse(request.query().as_bytes(), &[CHANGED]);
    let is_changed = query.get(CHANGED).is_some_and(|token| {
        let opened = app
            .server
            .open_form(token, cookie.as_ref(), Purpose::PasswordChanged, "");
        opened.is_ok()
    });
    let notice = is_changed.then(|| app.spoken(request).text("account.password_changed", &[]));
    show(app, request, cookie, 200, notice, None)
}

fn sign_in_form(app: &App) -> SignInForm<'static> {
    SignInForm {
        action: app.path("/account"),
        about: "",
        client: None,
        username: None,
    }
}

/// Why a password was not changed, and the name of the field that is to blame; empty where none is.
type Refused = (String, &'static str);

/// The page, or the sign-in form where nobody is signed in.
fn show(
    app: &App,
    request: &Request,
    cookie: Option<SessionCookie>,
    status: u16,
    notice: Option<String>,
    error: Option<Refused>,
) -> Response {
    let spoken = app.spoken(request);
    match (app.server.account(cookie.as_ref()), cookie) {
        (Err(error), _) => failure(app, request, &error.into()),
        (Ok(Some(account)), Some(cookie)) => match view(app, spoken, &cookie, account, notice, error) {
            Ok(view) => page(app, status, spoken.account(&view)),
            Err(error) => failure(app, request, &error),
        },
        (Ok(_), cookie) => sign_in_form(app).show(app, request, cookie),
    }
}

/// A button was pressed.
fn answered(app: &App, request: &Request, done: Result<Result<(), FormError>, StoreError>) -> Response {
    match done {
        Ok(Ok(())) => see_other(&app.path("/account")),
        Ok(Err(error)) => stale_form(app, request, error),
        Err(error) => failure(app, request, &error.into()),
    }
}

fn change_password(
    app: &App,
    request: &Request,
    cookie: Option<&SessionCookie>,
    fields: &Parameters,
) -> Response {
    let field = |name| fields.get(name).unwrap_or_default();
    let typed = TypedPasswords {
        old: field("old_password"),
        new: field("new_password"),
        again: field("new_password_again"),
    };
    let from = app.client_address(request);
    let result = app
        .server
        .change_password(typed, cookie, field("form_token"), from);
    let text = |key: &str, fill: &[(&str, &str)]| app.spoken(request).text(key, fill);
    let again = |status, message: String, field| {
        let refused = Some((message, field));
        show(app, request, cookie.cloned(), status, None, refused)
    };
    match result {
        Ok(()) => changed(app, request, cookie),
        Err(ChangePasswordError::Form(error)) => stale_form(app, request, error),
        Err(ChangePasswordError::SignedOut) => see_other(&app.path("/account")),
        Err(ChangePasswordError::Unfit(error)) => {
            let (key, count) = match error {
                PasswordError::TooShort => ("account.password_short", SHORTEST_PASSWORD),
                PasswordError::TooLong => ("account.password_long", LONGEST_PASSWORD),
            };
            let message = text(key, &[("count", &count.to_string())]);
            again(400, message, "new_password")
        }
        Err(ChangePasswordError::Different) => {
            let message = text("account.password_different", &[]);
            again(400, message, "new_password_again")
        }
        Err(ChangePasswordError::Wrong) => {
            let message = text("account.password_wrong", &[]);
            again(403, message, "old_password")
        }
        Err(ChangePasswordError::Throttled(seconds)) => {
            let message = text("sign_in.throttled", &[("seconds", &seconds.to_string())]);
            again(429, message, "").header("Retry-After", HeaderValue::seconds(seconds))
        }
        Err(ChangePasswordError::Busy) => {
            again(503, text("sign_in.busy", &[]), "").header("Retry-After", HeaderValue::seconds(1))
        }
        Err(ChangePasswordError::Failed(error)) => failure(app, request, &error),
    }
}

/// Redirected, so that reloading the page does not send the passwords again. What the next page says is sealed, so that
/// no link from elsewhere makes it say so.
fn changed(app: &App, request: &Request, cookie: Option<&SessionCookie>) -> Response {
    let account = app.path("/account");
    let Some(cookie) = cookie else {
        return see_other(&account);
    };
    match app.server.seal_form(cookie, Purpose::PasswordChanged, "") {
        Ok(token) => see_other(&format!("{account}?{CHANGED}={token}")),
        Err(error) => failure(app, request, &error),
    }
}

fn view(
    app: &App,
    spoken: Spoken<'_>,
    cookie: &SessionCookie,
    account: Account,
    notice: Option<String>,
    error: Option<Refused>,
) -> Result<AccountView, Failure> {
    fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
        items.into_iter().map(|item| item.to_string()).collect()
    }
    let seal = |purpose, about: &str| app.server.seal_form(cookie, purpose, about);
    let on = |key: &str, at: Timestamp| spoken.text(key, &[("date", &at.date())]);
    let action = app.path("/account");
    let (error, wrong) = error.map_or((None, ""), |(message, field)| (Some(message), field));
    let mut grants = Vec::new();
    for approved in account.approved {
        let grant_id = approved.grant.to_string();
        let token = seal(Purpose::TakeBack, &grant_id)?;
        grants.push(GrantView {
            client: approved.client_name.to_string(),
            scopes: approved.opens.into_iter().map(scope_view).collect(),
            resources: texts(approved.resources.iter()),
            since: on("account.since", approved.since),
            last_used: approved.last_used.map(|at| on("account.last_used_on", at)),
            until: on("account.until", approved.until),
            action: action.clone(),
            hidden: hidden_fields(&[("grant", &grant_id), ("form_token", &token)]),
            grant_id,
        });
    }
    let mut remembered = Vec::new();
    for approval in account.remembered {
        let id = approval.approval.to_string();
        let token = seal(Purpose::Forget, &id)?;
        remembered.push(RememberedView {
            client: approval.client_name.to_string(),
            scopes: approval.opens.into_iter().map(scope_view).collect(),
            resources: texts(approval.resources.iter()),
            since: on("account.since", approval.since),
            action: action.clone(),
            hidden: hidden_fields(&[("approval", &id), ("form_token", &token)]),
        });
    }
    let sign_out = |purpose, everywhere: &[(&str, &str)]| {
        let token = seal(purpose, "")?;
        let hidden = [everywhere, &[("form_token", &token)]].concat();
        Ok::<_, Failure>(SignOut {
            action: app.path("/logout"),
            hidden: hidden_fields(&hidden),
        })
    };
    Ok(AccountView {
        username: account.username.to_string(),
        notice,
        grants,
        remembered,
        password: PasswordForm {
            action,
            hidden: hidden_fields(&[("form_token", &seal(Purpose::ChangePassword, "")?)]),
            shortest: SHORTEST_PASSWORD,
            error,
            wrong,
        },
        sign_out: sign_out(Purpose::SignOut, &[])?,
        sign_out_everywhere: sign_out(Purpose::SignOutEverywhere, &[("everywhere", "yes")])?,
    })
}
