//! What an administrator should know about a definition that is accepted and may not be what was meant.

use std::fmt;

use super::folder::Folder;
use super::route::{Route, Step};
use super::{Coverage, CoveredBy};

/// The methods of HTTP that are registered (IANA HTTP Method Registry), but for `CONNECT`, which has no path, and `PRI`,
/// which is no request.
const METHODS: [&str; 38] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Something about a definition that may not be what was meant. Shown as a sentence with what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caution<'a> {
    /// Another opening of the same scope covers all of it.
    Covered {
        /// What could be left out.
        opening: CoveredBy<'a>,
        /// What covers it.
        by: CoveredBy<'a>,
    },
    /// Two routes match the same requests.
    Same {
        /// The first in order.
        one: &'a Route,
        /// The one that could be left out.
        other: &'a Route,
    },
    /// No segment of the route says which paths.
    AnyPath(&'a Route),
    /// The route opens services by their paths, whatever folders and services the scope names.
    AnyService(&'a Route),
    /// Routes have no method.
    AnyMethod {
        /// The first.
        route: &'a Route,
        /// How many more there are.
        more: usize,
    },
    /// `CONNECT` requests have no path (RFC 9110 §9.3.6).
    NoPath(&'a Route),
    /// The method is not registered.
    UnknownMethod {
        /// The route.
        route: &'a Route,
        /// The registered method that is most like it.
        nearest: Option<&'static str>,
    },
    /// A segment looks like the placeholder of another program's notation.
    Placeholder {
        /// The route.
        route: &'a Route,
        /// The segment, as it stands there.
        segment: &'a str,
    },
    /// A letter, a digit or one of `-._~` is percent-encoded.
    NeedlesslyEncoded {
        /// The route.
        route: &'a Route,
        /// The same route without.
        instead: String,
    },
    /// Letters that may be composed in more than one way.
    BeyondAscii(&'a Route),
    /// A name begins with the letters of the folder, and is not in it.
    LettersOnly {
        /// The folder.
        folder: &'a Folder,
        /// The name of another folder or service.
        name: &'a str,
    },
}

impl fmt::Display for Caution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Covered { opening, by } => {
                write!(f, "the {by} covers the {opening} already; leave it out")
            }
            Self::Same { one, other } => write!(
                f,
                "the route {one} covers the same requests as the route {other}; leave one of them out"
            ),
            Self::AnyPath(route) => {
                write!(f, "the route {route} opens every path")?;
                match (route.steps().len(), route.is_beneath()) {
                    (0, _) => f.write_str(" but `/` itself")?,
                    (1, false) => f.write_str(" of one segment")?,
                    (count, false) => write!(f, " of {count} segments")?,
                    (count, true) => write!(f, " of more than {count} segment{}", plural(count))?,
                }
                if reaches_services(route) {
                    f.write_str(", the `/invoke/…` of every service among them")?;
                }
                let method = route.method().map_or("GET", |method| method.as_str());
                write!(f, "; name what is meant, as in `{method} /orders/**`")
            }
            Self::AnyService(route) => write!(
                f,
                "the route {route} opens services by their paths, whatever folders and services are named; name those \
                 that are meant with --folder and --service instead"
            ),
            Self::AnyMethod { route, more } => {
                match more {
                    0 => write!(f, "the route {route} opens")?,
                    1 => write!(f, "the route {route} and another one open")?,
                    more => write!(f, "the route {route} and {more} more open")?,
                }
                write!(
                    f,
                    " every method, DELETE among them; write `GET {route}` where it is only to be read"
                )
            }
            Self::NoPath(route) => {
                write!(
                    f,
                    "the route {route} never matches: a CONNECT request has no path; leave it out"
                )
            }
            Self::UnknownMethod { route, nearest } => {
                write!(
                    f,
                    "the route {route} has a method that HTTP does not know, and covers only requests with that very one"
                )?;
                match nearest {
                    Some(nearest) => write!(f, "; write `{nearest} {}` if that is meant", route.pattern()),
                    None => Ok(()),
                }
            }
            Self::Placeholder { route, segment } => write!(
                f,
                "`{segment}` in the route {route} stands for itself, letter by letter; write `{{{}}}` for any one segment",
                placeholder_name(segment).unwrap_or("id")
            ),
            Self::NeedlesslyEncoded { route, instead } => {
                write!(f, "the route {route} means `{instead}`; write it so")
            }
            Self::BeyondAscii(route) => write!(
                f,
                "the route {route} holds letters beyond ASCII, which programs compose in more than one way, and only \
                 these bytes match; write `{{name}}` for that segment if others may come"
            ),
            Self::LettersOnly { folder, name } => {
                let wanted = name.split(':').next().unwrap_or(name);
                write!(
                    f,
                    "the folder {folder} does not cover {name}, which only begins with the same letters; add the folder \
                     {wanted} if it is meant too"
                )
            }
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl Coverage {
    /// What may not be meant in a definition: first what opens more than it seems or nothing, then what is superfluous.
    /// `known` are names of folders and
    /// services that exist elsewhere.
    pub fn cautions<'a>(&'a self, known: impl IntoIterator<Item = &'a str>) -> Vec<Caution<'a>> {
        let mut cautions = Vec::new();
        for route in &self.routes {
            self.add_cautions_of(route, &mut cautions);
        }
        let mut any_method = self
            .routes
            .iter()
            .filter(|route| route.method().is_none() && !is_any_path(route));
        if let Some(route) = any_method.next() {
            let more = any_method.count();
            cautions.push(Caution::AnyMethod { route, more });
        }
        self.add_letters_only(known, &mut cautions);
        let superfluous = self.openings().filter_map(|opening| {
            let by = self.covering(opening)?;
            Some(match (opening, by) {
                (CoveredBy::Route(other), CoveredBy::Route(one)) if opening.subsumes(by) => {
                    Caution::Same { one, other }
                }
                _ => Caution::Covered { opening, by },
            })
        });
        cautions.extend(superfluous);
        cautions
    }

    fn add_cautions_of<'a>(&'a self, route: &'a Route, cautions: &mut Vec<Caution<'a>>) {
        if is_any_path(route) {
            cautions.push(Caution::AnyPath(route));
        } else {
            let names_services = !(self.folders.is_empty() && self.services.is_empty());
            if names_services && reaches_services(route) {
                cautions.push(Caution::AnyService(route));
            }
        }
        match route.method().map(|method| method.as_str()) {
            Some("CONNECT") => cautions.push(Caution::NoPath(route)),
            Some(method) if !METHODS.contains(&method) => cautions.push(Caution::UnknownMethod {
                route,
                nearest: METHODS
                    .into_iter()
                    .find(|known| strsim::damerau_levenshtein(known, method) == 1),
            }),
            _ => {}
        }
        let mut segments = route.pattern().split('/');
        if let Some(segment) = segments.find(|segment| placeholder_name(segment).is_some()) {
            cautions.push(Caution::Placeholder { route, segment });
        }
        if let Some(instead) = decoded_where_needless(route) {
            cautions.push(Caution::NeedlesslyEncoded { route, instead });
        }
        let is_beyond = |step: &Step| matches!(step, Step::Literal(literal) if !literal.is_ascii());
        if route.steps().iter().any(is_beyond) {
            cautions.push(Caution::BeyondAscii(route));
        }
    }

    fn add_letters_only<'a>(
        &'a self,
        known: impl IntoIterator<Item = &'a str>,
        cautions: &mut Vec<Caution<'a>>,
    ) {
        let own = self.folders.iter().map(Folder::as_str);
        let own = own.chain(self.services.iter().map(|service| service.as_str()));
        // A folder that is named twice is told once, and the shortest name first.
        let names: std::collections::BTreeSet<&str> = own.chain(known).collect();
        for folder in &self.folders {
            let misleading = names
                .range(folder.as_str()..)
                .take_while(|name| name.starts_with(folder.as_str()))
                .find(|name| {
                    let rest = &name[folder.as_str().len()..];
                    !rest.is_empty() && !rest.starts_with(['.', ':']) && !self.names(name)
                });
            if let Some(name) = misleading {
                cautions.push(Caution::LettersOnly { folder, name });
            }
        }
    }

    /// Whether the folder or service of this name is open.
    fn names(&self, name: &str) -> bool {
        let within = |folder: &Folder| {
            let rest = name.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
        };
        self.folders.iter().any(within) || self.services.iter().any(|service| service.as_str() == name)
    }
}

/// Whether no segment says which paths; `/` says it.
fn is_any_path(route: &Route) -> bool {
    let says_nothing = !route.steps().iter().any(|step| matches!(step, Step::Literal(_)));
    says_nothing && (route.is_beneath() || !route.steps().is_empty())
}

/// Whether it covers the path of a service that it does not name.
fn reaches_services(route: &Route) -> bool {
    let Some((first, rest)) = route.steps().split_first() else {
        return route.is_beneath();
    };
    let is_invoke = first.fits("invoke");
    let leaves_open = route.is_beneath() || rest.iter().any(|step| matches!(step, Step::Any));
    let fits = if route.is_beneath() {
        rest.len() < 2
    } else {
        rest.len() == 1 || rest.len() == 2
    };
    is_invoke && leaves_open && fits
}

/// The name in `:name`, `<name>`, `[name]` or `$name`, as other programs write placeholders.
fn placeholder_name(segment: &str) -> Option<&str> {
    let within = |open, close| segment.strip_prefix(open)?.strip_suffix(close);
    let name = segment
        .strip_prefix(':')
        .or_else(|| segment.strip_prefix('$'))
        .or_else(|| within('<', '>'))
        .or_else(|| within('[', ']'))?;
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (!name.is_empty() && name.bytes().all(is_word)).then_some(name)
}

/// The route with unreserved characters (RFC 3986 §2.3) as themselves, where one of them is encoded.
fn decoded_where_needless(route: &Route) -> Option<String> {
    let mut instead = String::new();
    let mut rest = route.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        instead.push_str(before);
        let (digits, end) = after.split_at_checked(2)?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            instead.push(char::from(byte));
        } else {
            instead.push('%');
            instead.push_str(digits);
        }
        rest = end;
    }
    instead.push_str(rest);
    (instead != route.as_str()).then_some(instead)
}
