//! Bodies in `application/x-www-form-urlencoded`.

use crate::http::error::token_error;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};

/// The parameters in the body; in another content type there are none (RFC 6749 §4.1.3, appendix B).
pub(super) fn parameters(request: &Request, known: &[&'static str]) -> Result<Parameters, Box<Response>> {
    if !is_form(request) {
        let description = "the body must be application/x-www-form-urlencoded";
        let error = TokenError::new(TokenErrorCode::InvalidRequest, description);
        return Err(Box::new(token_error(&error)));
    }
    Ok(Parameters::parse(request.body(), known))
}

/// Whether the body says that it is a form.
pub(crate) fn is_form(request: &Request) -> bool {
    let media_type = request
        .header("Content-Type")
        .and_then(|value| value.split(';').next());
    media_type.is_some_and(|found| {
        found
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}
