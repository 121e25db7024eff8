//! One folder, service or route by itself, and the one that something asked for would need.

use std::fmt;

use super::folder::Folder;
use super::method::Method;
use super::request_path::RequestPath;
use super::requested::Requested;
use super::route::Route;
use super::service::ServiceName;
use super::{Coverage, CoveredBy};

/// A folder, a service or a route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// It opens every service in it and in folders beneath.
    Folder(Folder),
    /// It opens itself.
    Service(ServiceName),
    /// It opens the requests that it matches.
    Route(Route),
}

impl Opening {
    /// As an entry of a [`Coverage`].
    pub fn as_ref(&self) -> CoveredBy<'_> {
        match self {
            Self::Folder(folder) => CoveredBy::Folder(folder),
            Self::Service(service) => CoveredBy::Service(service),
            Self::Route(route) => CoveredBy::Route(route),
        }
    }

    /// The opening that has to be added so that `requested` is covered, and not much more.
    ///
    /// A service is opened by its name, also where a path asks for it. For another request it is a route with its
    /// method, in which what looks like the number of a thing stands for any: `GET /orders/{id}` for
    /// `GET /orders/17`. `None` where no route can be written for it: a method in lower case, a path too long.
    pub fn for_request(requested: &Requested) -> Option<Self> {
        if let Some(service) = requested.service_name() {
            return Some(Self::Service(service.clone()));
        }
        let (method, path) = requested.method_and_path()?;
        route_for(method, path).map(Self::Route)
    }
}

impl From<CoveredBy<'_>> for Opening {
    fn from(entry: CoveredBy<'_>) -> Self {
        match entry {
            CoveredBy::Folder(folder) => Self::Folder(folder.clone()),
            CoveredBy::Service(service) => Self::Service(service.clone()),
            CoveredBy::Route(route) => Self::Route(route.clone()),
        }
    }
}

/// Shown as `folder orders`.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Coverage {
    /// Opens one thing more.
    pub fn add(&mut self, opening: Opening) {
        match opening {
            Opening::Folder(folder) => drop(self.folders.insert(folder)),
            Opening::Service(service) => drop(self.services.insert(service)),
            Opening::Route(route) => drop(self.routes.insert(route)),
        }
    }
}

fn route_for(method: &Method, path: &RequestPath) -> Option<Route> {
    let mut names = 0;
    let segments = path.as_str().split('/').skip(1).map(|raw| {
        if is_number_of_a_thing(raw) {
            names += 1;
            match names {
                1 => "{id}".to_owned(),
                n => format!("{{id{n}}}"),
            }
        } else {
            as_literal(raw)
        }
    });
    let segments: Vec<String> = segments.collect();
    let route: Route = format!("{method} /{}", segments.join("/")).parse().ok()?;
    route.covers(method, path).then_some(route)
}

/// A segment of a request as a route writes it: what is syntax there is encoded.
fn as_literal(raw: &str) -> String {
    let mut literal = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '*' => literal.push_str("%2A"),
            '{' => literal.push_str("%7B"),
            '}' => literal.push_str("%7D"),
            ' ' => literal.push_str("%20"),
            other => literal.push(other),
        }
    }
    literal
}

/// Whether a segment is digits only, or a UUID or another long number in hexadecimal digits.
fn is_number_of_a_thing(raw: &str) -> bool {
    let digits = raw.bytes().filter(u8::is_ascii_digit).count();
    let is_hexadecimal = raw.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    digits > 0 && (digits == raw.len() || (raw.len() >= 12 && is_hexadecimal))
}
