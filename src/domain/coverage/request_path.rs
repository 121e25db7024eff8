//! The path of a request, in the one form in which paths are compared.

use std::fmt;

/// The longest request path, in bytes before decoding.
pub const MAX_PATH_BYTES: usize = 8192;

/// The path of a request in normal form, without its query.
///
/// It is decoded once. Whatever two programs might read differently (dot segments, empty segments, an encoded
/// slash, a backslash, `;`, control characters, a second encoding) is refused and not repaired: the resource
/// server behind the check sees the path as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestPath {
    /// As it was sent; ASCII without control characters.
    text: String,
    /// Decoded, never empty; none at all for `/`.
    segments: Vec<String>,
}

/// Why a path is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathRefusal {
    /// More than [`MAX_PATH_BYTES`].
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// Empty, relative, `*`, or a whole URI.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// `?` or `#`; encoded they are characters like others.
    #[error("the path holds `?` or `#`: a path is given without query and fragment")]
    QueryOrFragment,
    /// A byte beyond ASCII that is not percent-encoded.
    #[error("the path holds a character outside ASCII that is not percent-encoded")]
    NotAscii,
    /// `%` without two hexadecimal digits.
    #[error("the path holds a `%` that is not followed by two hexadecimal digits")]
    PercentEncoding,
    /// `%2F`.
    #[error("the path holds an encoded slash (`%2F`)")]
    EncodedSlash,
    /// The percent-encoded bytes are not UTF-8.
    #[error("the path is not UTF-8 after percent-decoding")]
    NotUtf8,
    /// C0 (NUL among them), DEL or C1, raw or encoded.
    #[error("the path holds a control character")]
    ControlCharacter,
    /// `\`, raw or encoded.
    #[error("the path holds a backslash")]
    Backslash,
    /// `;`, raw or encoded.
    #[error("the path holds a `;`")]
    Semicolon,
    /// Two slashes together, or one at the end.
    #[error("the path has an empty segment or a trailing slash")]
    EmptySegment,
    /// `.` or `..`, raw or encoded.
    #[error("the path has a `.` or `..` segment")]
    DotSegment,
    /// After one decoding there is something left to decode.
    #[error("the path is percent-encoded twice")]
    EncodedTwice,
}

impl RequestPath {
    /// The path of a request as it was sent, still percent-encoded and without its query.
    ///
    /// # Errors
    /// [`PathRefusal`] where it is not in normal form.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, PathRefusal> {
        let raw = raw.as_ref();
        if raw.len() > MAX_PATH_BYTES {
            return Err(PathRefusal::TooLong);
        }
        let segments = match raw.strip_prefix(b"/") {
            None => return Err(PathRefusal::NotAbsolute),
            Some([]) => Vec::new(),
            Some(beneath) => beneath
                .split(|b| *b == b'/')
                .map(decode_segment)
                .collect::<Result<_, _>>()?,
        };
        // Each byte is ASCII by now, and so a character.
        Ok(Self {
            text: raw.iter().copied().map(char::from).collect(),
            segments,
        })
    }

    /// The path as it was sent: printable ASCII and spaces, safe to show and to log.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments, decoded; none for `/`.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// One segment after one percent-decoding.
fn decode_segment(raw: &[u8]) -> Result<String, PathRefusal> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'?' | b'#' => return Err(PathRefusal::QueryOrFragment),
            0x80.. => return Err(PathRefusal::NotAscii),
            b'%' => match (rest.next().and_then(hex_digit), rest.next().and_then(hex_digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(PathRefusal::PercentEncoding),
            },
            plain => plain,
        });
    }
    // The raw path was split at its slashes; one that is here now was encoded.
    if decoded.contains(&b'/') {
        return Err(PathRefusal::EncodedSlash);
    }
    let segment = String::from_utf8(decoded).map_err(|_| PathRefusal::NotUtf8)?;
    let refusal = match segment.as_str() {
        "" => PathRefusal::EmptySegment,
        "." | ".." => PathRefusal::DotSegment,
        text if text.contains(char::is_control) => PathRefusal::ControlCharacter,
        text if text.contains('\\') => PathRefusal::Backslash,
        text if text.contains(';') => PathRefusal::Semicolon,
        text if is_encoded(text) => PathRefusal::EncodedTwice,
        _ => return Ok(segment),
    };
    Err(refusal)
}

/// Whether there is a `%` with two hexadecimal digits.
fn is_encoded(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|three| three[0] == b'%' && three[1].is_ascii_hexdigit() && three[2].is_ascii_hexdigit())
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
