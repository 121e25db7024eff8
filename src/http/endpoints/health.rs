//! `GET /healthz` and `GET /readyz`.

use crate::http::app::App;
use crate::http::header_value::HeaderValue;
use crate::http::response::Response;

/// The process answers.
pub(crate) fn alive() -> Response {
    Response::text(200, "ok\n")
}

/// The store can be read **and written**: found out by doing both.
pub(crate) fn ready(app: &App) -> Response {
    match app.server.can_read_and_write() {
        Ok(()) => Response::text(200, "ok\n").header("Cache-Control", HeaderValue::from_static("no-store")),
        Err(error) => {
            tracing::error!(%error, "not ready");
            Response::text(503, "the store cannot be read and written; the log says why\n")
                .header("Cache-Control", HeaderValue::from_static("no-store"))
        }
    }
}
