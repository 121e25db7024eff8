//! The headers that go with every page.

use super::{Pages, RenderError};
use crate::http::header_value::HeaderValue;
use crate::http::response::Response;

impl Pages {
    /// A rendered page with the headers that keep it from being framed, sniffed, kept, or named to other sites.
    /// Where it could not be rendered: a plain 500.
    ///
    /// # Panics
    /// Where `status` is not that of a final answer, 200 to 599.
    pub fn respond(&self, status: u16, html: Result<String, RenderError>) -> Response {
        let html = match html {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                return Response::text(500, "the server failed; its log says why\n");
            }
        };
        Response::html(status, html)
            .header(
                "Content-Security-Policy",
                HeaderValue::encoded(self.content_security_policy()),
            )
            .header("X-Frame-Options", HeaderValue::from_static("DENY"))
            .header("Referrer-Policy", HeaderValue::from_static("no-referrer"))
            .header("X-Content-Type-Options", HeaderValue::from_static("nosniff"))
            .header("Cache-Control", HeaderValue::from_static("no-store"))
    }
}
