//! `POST /logout`: the resource owner signs out.

use crate::authorization_server::{Purpose, noted};
use crate::http::app::App;
use crate::http::endpoints::page::{failure, page, stale_form};
use crate::http::header_value::HeaderValue;
use crate::http::pages::SignedOut;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;

const FIELDS: [&str; 2] = ["request", "form_token"];

pub(crate) fn handle(app: &App, request: &Request) -> Response {
    let fields = Parameters::parse(request.body(), &FIELDS);
    let about = fields.get("request").unwrap_or_default();
    let cookie = app.cookies.read(request);
    let form_token = fields.get("form_token").unwrap_or_default();
    if let Err(error) = app
        .server
        .open_form(form_token, cookie.as_ref(), Purpose::SignOut, about)
    {
        return stale_form(app, request, error);
    }
    if let Some(cookie) = cookie
        && let Err(error) = app.server.sign_out(&cookie)
    {
        return failure(app, request, &error.into());
    }
    noted::outcome("signed out");
    let response = if about.is_empty() {
        page(app, 200, app.spoken(request).signed_out(&SignedOut {}))
    } else {
        // Somebody else wants to answer the same request.
        let next = format!("{}?{about}", app.path("/authorize"));
        Response::redirect(303, HeaderValue::encoded(&next))
    };
    response.header("Set-Cookie", app.cookies.clear())
}
