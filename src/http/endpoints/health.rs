//! `GET /healthz` and `GET /readyz`.

use crate::http::app::App;
use crate::http::header_value::HeaderValue;
use crate::http::response::Response;

/// The process answers.
pub(crate) fn alive() -> Response {
    Response::text(200, "ok\n")
}

/// The store can be read **and written**: found out by doing both. Why it cannot is for the log, not for whoever asks.
pub(crate) fn ready(app: &App) -> Response {
    if app.listeners.iter().any(|(_, traffic)| traffic.is_stopping()) {
        return Response::text(503, "not ready: the server stops\n")
            .header("Cache-Control", HeaderValue::from_static("no-store"));
    }
    let response = match app.server.is_ready() {
        Ok(()) => Response::text(200, "ok\n"),
        Err(_) => Response::text(
            503,
            "not ready: the store cannot be read and written; the log says why\n",
        ),
    };
    response.header("Cache-Control", HeaderValue::from_static("no-store"))
}
