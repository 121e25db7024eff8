//! A route: an HTTP method and a pattern of paths.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::method::{MAX_METHOD_BYTES, Method};
use super::request_path::{PathRefusal, RequestPath};

/// The longest route, in bytes.
pub const MAX_ROUTE_BYTES: usize = 1024;

/// A method and a pattern of paths, such as `GET /orders/{id}`, or a pattern alone, such as `/orders/**`.
///
/// Without a method it covers all of them; `GET` covers `HEAD` too. A segment `{name}` stands for exactly one
/// segment; `**`, at the end only, for one or more. Other segments are compared after one percent-decoding.
/// Routes are equal, ordered and hashed by their text.
#[derive(Debug, Clone)]
pub struct Route {
    /// As it was given.
    text: String,
    method: Option<Method>,
    steps: Vec<Step>,
    /// Whether `**` follows the steps.
    beneath: bool,
}

/// What one segment of a path must be.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// These characters, after decoding.
    Literal(String),
    /// Any one segment.
    Any,
}

/// Why a text is not a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Empty or too long.
    #[error("a route of {0} bytes: a route has 1 to {MAX_ROUTE_BYTES}")]
    Length(usize),
    /// Neither `/path` nor `METHOD /path`.
    #[error("not a route: write `METHOD /path` with one space between, or `/path` for any method")]
    Form,
    /// The method of a route.
    #[error(
        "not the method of a route: accepted are 1 to {MAX_METHOD_BYTES} of A to Z, `-` and `_`, as in `GET`"
    )]
    Method,
    /// A space in the path.
    #[error("a space in the path of a route: write it as %20")]
    Space,
    /// The path would never match, since such requests are denied.
    #[error("a route for requests that are always denied: {0}")]
    NotNormal(#[from] PathRefusal),
    /// `**` before the end.
    #[error("`**` stands for everything beneath and may only be the last segment of a route")]
    BeneathNotLast,
    /// `*` within a segment.
    #[error(
        "`*` in a route: a single segment is written `{{name}}`, everything beneath as a last segment `**`, a literal star as %2A"
    )]
    Star,
    /// A brace in what is not `{name}`.
    #[error(
        "a brace in a route: `{{name}}` (letters, digits, `_`, `-`) is a whole segment; literal braces are written %7B and %7D"
    )]
    Brace,
    /// One name for two segments.
    #[error("`{{{0}}}` stands twice in a route: give each segment a name of its own")]
    RepeatedName(String),
}

impl Route {
    /// The route as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The method; none where the route covers all of them.
    pub fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// The pattern of paths, without the method.
    pub fn pattern(&self) -> &str {
        self.text
            .split_once(' ')
            .map_or(self.text.as_str(), |(_, path)| path)
    }

    /// What the segments of a path must be, from the first one on.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether `**` follows the steps.
    pub(super) fn is_beneath(&self) -> bool {
        self.beneath
    }

    /// Whether a request with this method and path matches.
    pub fn covers(&self, method: &Method, path: &RequestPath) -> bool {
        self.covers_method(method) && self.covers_path(path.segments())
    }

    pub(super) fn covers_method(&self, asked: &Method) -> bool {
        self.method
            .as_ref()
            .is_none_or(|own| own == asked || (own.as_str() == "GET" && asked.as_str() == "HEAD"))
    }

    pub(super) fn covers_path(&self, segments: &[String]) -> bool {
        let fits = if self.beneath {
            segments.len() > self.steps.len()
        } else {
            segments.len() == self.steps.len()
        };
        fits && self
            .steps
            .iter()
            .zip(segments)
            .all(|(step, segment)| step.fits(segment))
    }
}

impl Step {
    /// Whether a decoded segment is what it must be.
    pub(super) fn fits(&self, segment: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == segment,
            Self::Any => true,
        }
    }
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        if text.is_empty() || text.len() > MAX_ROUTE_BYTES {
            return Err(RouteError::Length(text.len()));
        }
        let (method, path) = if text.starts_with('/') {
            (None, text)
        } else {
            let (method, path) = text.split_once(' ').ok_or(RouteError::Form)?;
            (Some(parse_method(method)?), path)
        };
        if !path.starts_with('/') {
            return Err(RouteError::Form);
        }
        if path.contains(' ') {
            return Err(RouteError::Space);
        }
        let (steps, beneath) = parse_pattern(path)?;
        Ok(Self {
            text: text.to_owned(),
            method,
            steps,
            beneath,
        })
    }
}

/// The method of a route. RFC 9110 tokens may be lower case too, but a route `get /` would look like `GET /` and
/// never match a request.
fn parse_method(text: &str) -> Result<Method, RouteError> {
    if !text
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b == b'-' || b == b'_')
    {
        return Err(RouteError::Method);
    }
    text.parse().map_err(|_| RouteError::Method)
}

/// The steps of a path pattern, and whether `**` follows them.
fn parse_pattern(path: &str) -> Result<(Vec<Step>, bool), RouteError> {
    let normal = RequestPath::parse(path)?;
    // Both lists have the same length: no encoded slash came through, and `/` has no segments.
    let mut pairs = path.split('/').skip(1).zip(normal.segments()).peekable();
    let mut steps = Vec::with_capacity(normal.segments().len());
    let mut names = Vec::new();
    // What stands raw is syntax, what was encoded is literal: `%2A` is a star.
    while let Some((raw, decoded)) = pairs.next() {
        if raw == "**" {
            return if pairs.peek().is_none() {
                Ok((steps, true))
            } else {
                Err(RouteError::BeneathNotLast)
            };
        }
        if raw.contains('*') {
            return Err(RouteError::Star);
        }
        if !raw.contains(['{', '}']) {
            steps.push(Step::Literal(decoded.clone()));
            continue;
        }
        let name = segment_name(raw).ok_or(RouteError::Brace)?;
        if names.contains(&name) {
            return Err(RouteError::RepeatedName(name.to_owned()));
        }
        names.push(name);
        steps.push(Step::Any);
    }
    Ok((steps, false))
}

/// The name in a segment `{name}`.
fn segment_name(raw: &str) -> Option<&str> {
    let name = raw.strip_prefix('{')?.strip_suffix('}')?;
    let accepted = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (!name.is_empty() && name.bytes().all(accepted)).then_some(name)
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Route {}

impl PartialOrd for Route {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Route {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
