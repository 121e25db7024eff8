//! `POST /logout`: the resource owner signs out, here or everywhere.

use crate::authorization_server::{Purpose, noted};
use crate::http::app::App;
use crate::http::endpoints::page::{failure, page, stale_form};
use crate::http::endpoints::sign_in::see_other;
use crate::http::pages::SignedOut;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

const FIELDS: [&str; 3] = ["request", "form_token", "everywhere"];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let fields = Parameters::parse(request.body(), &FIELDS);
    let about = fields.get("request").unwrap_or_default();
    let everywhere = fields.get("everywhere").is_some();
    let purpose = if everywhere {
        Purpose::SignOutEverywhere
    } else {
        Purpose::SignOut
    };
    let cookie = app.cookies.read(request);
    let form_token = fields.get("form_token").unwrap_or_default();
    if let Err(error) = app.server.open_form(form_token, cookie.as_ref(), purpose, about) {
        return stale_form(app, request, error);
    }
    // Another cookie, and not none: Chromium keeps pages for its Back button in spite of `no-store`, and drops them only
    // where an HTTP-only cookie was set since. That one was taken away, or `Clear-Site-Data: "cache"`, it does not notice.
    let fresh = match app.server.new_cookie() {
        Ok(fresh) => fresh,
        Err(error) => return failure(app, request, &error),
    };
    if let Some(cookie) = cookie {
        let done = if everywhere {
            app.server
                .sign_out_everywhere(&cookie, app.client_address(request))
        } else {
            app.server.sign_out(&cookie)
        };
        if let Err(error) = done {
            return failure(app, request, &error.into());
        }
    }
    noted::outcome(if everywhere {
        "signed out everywhere"
    } else {
        "signed out"
    });
    let response = if about.is_empty() {
        let view = SignedOut {
            account_url: app.path("/account"),
        };
        page(app, 200, app.spoken(request).signed_out(&view))
    } else {
        // Somebody else wants to answer the same request.
        see_other(&format!("{}?{about}", app.path("/authorize")))
    };
    response.header("Set-Cookie", app.cookies.set(&fresh))
}
