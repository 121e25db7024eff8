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
    /// The route opens every service by its path.
    EveryService(&'a Route),
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
    /// The name begins with the letters of a folder that exists elsewhere, and is not in it.
    NotWithin {
        /// What is opened by name.
        opening: CoveredBy<'a>,
        /// The folder.
        folder: &'a str,
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
            Self::EveryService(route) => write!(
                f,
                "the route {route} opens every service by its path; name those that are meant with --folder and \
                 --service instead"
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
            Self::NotWithin { opening, folder } => write!(
                f,
                "the {opening} only begins with the same letters as the folder {folder} of another scope, which does not \
                 cover it"
            ),
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

    /// What may be taken to be open already by those who have one of the names of folders and services that `exist`:
    /// each such folder, with the first opening that begins with its letters and is not in it. What exists already
    /// itself, or lies in a folder that does, is no surprise.
    pub fn look_alikes<'a>(&'a self, exist: impl IntoIterator<Item = &'a str>) -> Vec<Caution<'a>> {
        let exist: std::collections::BTreeSet<&str> = exist.into_iter().collect();
        let exists = |name: &str| {
            let mut outer = std::iter::successors(Some(name), |name| {
                name.rsplit_once(['.', ':']).map(|(outer, _)| outer)
            });
            outer.any(|name| exist.contains(name))
        };
        let named = |opening: &CoveredBy<'a>| !matches!(opening, CoveredBy::Route(_));
        let new: Vec<CoveredBy<'a>> = self
            .openings()
            .filter(named)
            .filter(|opening| !exists(opening.pattern()))
            .collect();
        let folders = exist
            .iter()
            .filter(|name| !name.contains(':') && !self.names(name));
        let alike = folders.filter_map(|folder| {
            let opening = new.iter().find(|opening| opening.pattern().starts_with(folder))?;
            Some(Caution::NotWithin {
                opening: *opening,
                folder,
            })
        });
        alike.collect()
    }

    fn add_cautions_of<'a>(&'a self, route: &'a Route, cautions: &mut Vec<Caution<'a>>) {
        if is_any_path(route) {
            cautions.push(Caution::AnyPath(route));
        } else if opens_every_service(route) {
            cautions.push(Caution::EveryService(route));
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
pub(super) fn is_any_path(route: &Route) -> bool {
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

/// Whether it covers a path of every service: `/invoke/**`, `/invoke/{service}` or `/invoke/{folder}/{service}`, or
/// any path at all of as many segments.
pub(super) fn opens_every_service(route: &Route) -> bool {
    let says_which = route
        .steps()
        .iter()
        .skip(1)
        .any(|step| matches!(step, Step::Literal(_)));
    let may_be_left_out = route.is_beneath() && route.steps().is_empty();
    !says_which && (may_be_left_out || reaches_services(route))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Opening;

    fn coverage(openings: &[&str]) -> Coverage {
        let mut coverage = Coverage::default();
        for text in openings {
            coverage.add(match (text.contains('/'), text.contains(':')) {
                (true, _) => Opening::Route(text.parse().unwrap()),
                (false, true) => Opening::Service(text.parse().unwrap()),
                (false, false) => Opening::Folder(text.parse().unwrap()),
            });
        }
        coverage
    }

    fn cautions(openings: &[&str], known: &[&str]) -> Vec<String> {
        let coverage = coverage(openings);
        let cautions = coverage.cautions(known.iter().copied());
        cautions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_may_not_be_meant_is_said_with_what_to_write_instead() {
        let covered =
            |by: &str, opening: &str| format!("the {by} covers the {opening} already; leave it out");
        for (openings, expected) in [
            // One opening within another.
            (&["orders", "orders.eu"][..], vec![covered("folder orders", "folder orders.eu")]),
            (
                &["orders", "orders.eu.north:list"],
                vec![covered("folder orders", "service orders.eu.north:list")],
            ),
            (&["GET /a/**", "GET /a/b"], vec![covered("route GET /a/**", "route GET /a/b")]),
            (&["GET /a/{x}", "GET /a/b"], vec![covered("route GET /a/{x}", "route GET /a/b")]),
            (&["GET /a/**", "HEAD /a/{x}/**"], vec![covered("route GET /a/**", "route HEAD /a/{x}/**")]),
            (&["GET /a", "HEAD /a"], vec![covered("route GET /a", "route HEAD /a")]),
            (
                &["orders", "POST /invoke/orders/list"],
                vec![covered("folder orders", "route POST /invoke/orders/list")],
            ),
            (
                &["orders:list", "POST /invoke/orders:list"],
                vec![covered("service orders:list", "route POST /invoke/orders:list")],
            ),
            (
                &["GET /a/{x}", "GET /a/{y}"],
                vec![
                    "the route GET /a/{x} covers the same requests as the route GET /a/{y}; leave one of them out"
                        .to_owned(),
                ],
            ),
            // Wider than it looks.
            (
                &["POST /**"],
                vec![
                    "the route POST /** opens every path but `/` itself, the `/invoke/…` of every service among them; \
                     name what is meant, as in `POST /orders/**`"
                        .to_owned(),
                ],
            ),
            (
                &["GET /{a}/**"],
                vec![
                    "the route GET /{a}/** opens every path of more than 1 segment, the `/invoke/…` of every service \
                     among them; name what is meant, as in `GET /orders/**`"
                        .to_owned(),
                ],
            ),
            (
                &["GET /{a}"],
                vec![
                    "the route GET /{a} opens every path of one segment; name what is meant, as in `GET /orders/**`"
                        .to_owned(),
                ],
            ),
            (
                &["orders", "GET /invoke/**"],
                vec![
                    "the route GET /invoke/** opens every service by its path; name those that are meant with \
                     --folder and --service instead"
                        .to_owned(),
                ],
            ),
            (
                &["POST /invoke/{folder}/{service}"],
                vec![
                    "the route POST /invoke/{folder}/{service} opens every service by its path; name those that are \
                     meant with --folder and --service instead"
                        .to_owned(),
                ],
            ),
            (
                &["orders", "GET /invoke/stock/{service}"],
                vec![
                    "the route GET /invoke/stock/{service} opens services by their paths, whatever folders and services \
                     are named; name those that are meant with --folder and --service instead"
                        .to_owned(),
                ],
            ),
            (
                &["/a", "/b", "GET /c"],
                vec![
                    "the route /a and another one open every method, DELETE among them; write `GET /a` where it is \
                     only to be read"
                        .to_owned(),
                ],
            ),
            // Never, or nearly never.
            (
                &["CONNECT /a"],
                vec!["the route CONNECT /a never matches: a CONNECT request has no path; leave it out".to_owned()],
            ),
            (
                &["GTE /a"],
                vec![
                    "the route GTE /a has a method that HTTP does not know, and covers only requests with that very \
                     one; write `GET /a` if that is meant"
                        .to_owned(),
                ],
            ),
            (
                &["BREW /a"],
                vec![
                    "the route BREW /a has a method that HTTP does not know, and covers only requests with that very \
                     one"
                        .to_owned(),
                ],
            ),
            (
                &["GET /a/:id"],
                vec!["`:id` in the route GET /a/:id stands for itself, letter by letter; write `{id}` for any one segment".to_owned()],
            ),
            (
                &["GET /a/<order-id>"],
                vec![
                    "`<order-id>` in the route GET /a/<order-id> stands for itself, letter by letter; write \
                     `{order-id}` for any one segment"
                        .to_owned(),
                ],
            ),
            (&["GET /%41/%7Bb%7D"], vec!["the route GET /%41/%7Bb%7D means `GET /A/%7Bb%7D`; write it so".to_owned()]),
            (
                &["GET /caf%C3%A9"],
                vec![
                    "the route GET /caf%C3%A9 holds letters beyond ASCII, which programs compose in more than one way, \
                     and only these bytes match; write `{name}` for that segment if others may come"
                        .to_owned(),
                ],
            ),
        ] {
            assert_eq!(cautions(openings, &[]), expected, "{openings:?}");
        }
    }

    #[test]
    fn a_folder_that_begins_another_name_by_its_letters_only() {
        let letters = |folder: &str, name: &str, wanted: &str| {
            vec![format!(
                "the folder {folder} does not cover {name}, which only begins with the same letters; add the folder \
                 {wanted} if it is meant too"
            )]
        };
        for (openings, known, expected) in [
            (
                &["orders"][..],
                &["orders2:list"][..],
                letters("orders", "orders2:list", "orders2"),
            ),
            (
                &["orders"],
                &["orders.eu", "orders:list", "orders-old"],
                letters("orders", "orders-old", "orders-old"),
            ),
            (
                &["orders"],
                &["orders2", "orders3"],
                letters("orders", "orders2", "orders2"),
            ),
            (
                &["orders.e"],
                &["orders.eu:list"],
                letters("orders.e", "orders.eu:list", "orders.eu"),
            ),
            (
                &["orders"],
                &["orders", "orders.eu", "orders:list", "order", "Orders2", "mail"],
                Vec::new(),
            ),
            // What is open anyway is no surprise.
            (
                &["orders", "orders2"],
                &["orders2", "orders2.eu:list"],
                Vec::new(),
            ),
            (&["orders", "orders2:list"], &["orders2:list"], Vec::new()),
        ] {
            assert_eq!(
                cautions(openings, known),
                expected,
                "{openings:?} beside {known:?}"
            );
        }
    }

    #[test]
    fn a_name_that_begins_with_the_letters_of_a_folder_elsewhere() {
        let told = |openings: &[&str], exist: &[&str]| {
            let coverage = coverage(openings);
            let alike = coverage.look_alikes(exist.iter().copied());
            alike.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let within = |opening: &str, folder: &str| {
            vec![format!(
                "the {opening} only begins with the same letters as the folder {folder} of another scope, which does not \
                 cover it"
            )]
        };
        for (openings, exist, expected) in [
            (
                &["orders2"][..],
                &["orders"][..],
                within("folder orders2", "orders"),
            ),
            (
                &["orders2:list"],
                &["orders"],
                within("service orders2:list", "orders"),
            ),
            (
                &["orders2", "orders3"],
                &["orders"],
                within("folder orders2", "orders"),
            ),
            (
                &["orders.eu2"],
                &["orders.eu"],
                within("folder orders.eu2", "orders.eu"),
            ),
            // In it, longer than it, a service, or not new.
            (&["orders.eu", "orders:list"], &["orders"], Vec::new()),
            (&["order"], &["orders"], Vec::new()),
            (&["orders2"], &["orders:list"], Vec::new()),
            (&["orders2"], &["orders", "orders2"], Vec::new()),
            (&["orders2.eu"], &["orders", "orders2"], Vec::new()),
            // Both are open here.
            (&["orders", "orders2"], &["orders"], Vec::new()),
            (&["GET /orders2"], &["orders"], Vec::new()),
        ] {
            assert_eq!(told(openings, exist), expected, "{openings:?} beside {exist:?}");
        }
    }

    #[test]
    fn a_plain_definition_is_not_worth_a_word() {
        for openings in [
            &["orders", "mail.in", "stock:count"][..],
            &[
                "GET /orders",
                "POST /orders",
                "GET /orders/{id}",
                "DELETE /orders/{id}",
                "GET /orders/{id}/lines/**",
            ],
            &["HEAD /a", "POST /a", "GET /", "PROPFIND /dav/**"],
            &[
                "orders",
                "GET /orders/**",
                "GET /invoke/{s}/status/{id}",
                "GET /invoke",
            ],
            &["GET /a/%20", "GET /a/b:c", "GET /$", "GET /:"],
            &["GET /a/**", "GET /a", "GET /{x}/a"],
        ] {
            assert_eq!(cautions(openings, &[]), Vec::<String>::new(), "{openings:?}");
        }
    }
}
