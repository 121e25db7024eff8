//! Which opening came nearest to something that is not covered, and why it does not cover it.

use std::fmt;

use super::folder::Folder;
use super::method::Method;
use super::request_path::RequestPath;
use super::requested::Requested;
use super::route::{Route, Step};
use super::service::ServiceName;
use super::{Coverage, CoveredBy};

/// An opening that nearly covers what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<'a> {
    /// The opening.
    pub opening: CoveredBy<'a>,
    /// Why it does not.
    pub why: Difference,
}

/// Why an opening does not cover what is asked for; shown in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Upper and lower case.
    Case,
    /// The folder and the name of another begin with the same letters.
    LettersOnly {
        /// The segment of the opening.
        own: String,
        /// The segment of what is asked for.
        asked: String,
    },
    /// The folder lies beneath the one in which the service is.
    Beneath(String),
    /// A segment of the folder's name or of the path is another one.
    Segment {
        /// Which, from 1.
        position: usize,
        /// What the opening has there.
        own: String,
        /// What is asked for.
        asked: String,
    },
    /// Another service of the same folder.
    OtherService,
    /// A service of the same name in another folder.
    OtherFolder,
    /// The path fits, and the method is another one.
    Method {
        /// The method of the route.
        own: String,
        /// The method that is asked with.
        asked: String,
    },
    /// The path has so many segments more than the route.
    TooManySegments(usize),
    /// The path has so many segments fewer than the route.
    TooFewSegments(usize),
    /// `**` stands for what is beneath.
    NotItself,
    /// A route covers requests, and a service is asked for by its name.
    ByName,
    /// A folder or service, and the path asks for no service.
    NoService,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case => f.write_str("only upper and lower case differ, and they count"),
            Self::LettersOnly { own, asked } => write!(
                f,
                "`{own}` and `{asked}` only begin with the same letters; segments are compared whole"
            ),
            Self::Beneath(folder) => write!(f, "it lies beneath `{folder}`, where the service is"),
            Self::Segment { position, own, asked } => {
                write!(f, "segment {position} is `{own}`, and `{asked}` is asked for")
            }
            Self::OtherService => f.write_str("it is another service of the same folder"),
            Self::OtherFolder => f.write_str("it is a service of that name in another folder"),
            Self::Method { own, asked } => {
                write!(
                    f,
                    "the path fits, but the method is {own}, and {asked} is asked with"
                )
            }
            Self::TooManySegments(1) => f.write_str("the path has one segment too many"),
            Self::TooManySegments(count) => write!(f, "the path has {count} segments too many"),
            Self::TooFewSegments(1) => f.write_str("the path has one segment too few"),
            Self::TooFewSegments(count) => write!(f, "the path has {count} segments too few"),
            Self::NotItself => f.write_str("`**` covers what is beneath the path, not the path itself"),
            Self::ByName => {
                f.write_str("it covers a request with that path, and no service asked for by name")
            }
            Self::NoService => f.write_str("the path asks for no service; `/invoke/FOLDER:SERVICE` would"),
        }
    }
}

/// How near it came, and why it does not cover: the more the nearer.
type Miss = (usize, Difference);

impl Coverage {
    /// The opening that came nearest to something that nothing here covers; `None` where none is like it.
    pub fn nearest(&self, requested: &Requested) -> Option<NearMiss<'_>> {
        let misses = self.openings().filter_map(|opening| {
            let (nearness, why) = miss(opening, requested)?;
            Some((nearness, NearMiss { opening, why }))
        });
        // The first of several that are equally near.
        misses
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, miss)| miss)
    }
}

fn miss(opening: CoveredBy<'_>, requested: &Requested) -> Option<Miss> {
    match (opening, requested.service_name(), requested.method_and_path()) {
        (CoveredBy::Folder(folder), Some(service), _) => folder_miss(folder, service),
        (CoveredBy::Service(own), Some(service), _) => service_miss(own, service),
        (CoveredBy::Folder(folder), None, Some((_, path))) => no_service(folder.as_str(), path),
        (CoveredBy::Service(service), None, Some((_, path))) => no_service(service.as_str(), path),
        (CoveredBy::Route(route), _, Some((method, path))) => route_miss(route, method, path.segments()),
        (CoveredBy::Route(route), Some(service), None) => by_name(route, service),
        (_, None, None) => None,
    }
}

fn folder_miss(own: &Folder, service: &ServiceName) -> Option<Miss> {
    if service
        .folders()
        .any(|folder| folder.eq_ignore_ascii_case(own.as_str()))
    {
        return Some((95, Difference::Case));
    }
    let innermost = service.folders().next()?;
    let mut pairs = own.as_str().split('.').zip(innermost.split('.')).enumerate();
    match pairs.find(|(_, (own, asked))| own != asked) {
        None => Some((70, Difference::Beneath(innermost.to_owned()))),
        Some((_, (own, asked))) if begin_alike(own, asked) => Some((
            80,
            Difference::LettersOnly {
                own: own.to_owned(),
                asked: asked.to_owned(),
            },
        )),
        Some((0, _)) => None,
        Some((common, (own, asked))) => Some((
            40 + common,
            Difference::Segment {
                position: common + 1,
                own: own.to_owned(),
                asked: asked.to_owned(),
            },
        )),
    }
}

fn service_miss(own: &ServiceName, service: &ServiceName) -> Option<Miss> {
    let (own_folder, own_name) = own.as_str().split_once(':')?;
    let (folder, name) = service.as_str().split_once(':')?;
    if own.as_str().eq_ignore_ascii_case(service.as_str()) {
        Some((100, Difference::Case))
    } else if own_folder == folder {
        Some((60, Difference::OtherService))
    } else if own_name == name {
        Some((30, Difference::OtherFolder))
    } else {
        None
    }
}

fn no_service(name: &str, path: &RequestPath) -> Option<Miss> {
    let first = name.split(['.', ':']).next()?;
    let is_named = path
        .segments()
        .iter()
        .any(|segment| segment.split(['.', ':']).next() == Some(first));
    is_named.then_some((25, Difference::NoService))
}

fn by_name(route: &Route, service: &ServiceName) -> Option<Miss> {
    let paths = [service.as_str().to_owned(), service.as_str().replace(':', "/")];
    let fits = paths.iter().any(|name| {
        let path = RequestPath::parse(format!("/invoke/{name}"));
        path.is_ok_and(|path| route.covers_path(path.segments()))
    });
    fits.then_some((50, Difference::ByName))
}

fn route_miss(route: &Route, method: &Method, segments: &[String]) -> Option<Miss> {
    if route.covers_path(segments) {
        let own = route.method()?.as_str();
        let asked = method.as_str();
        return Some(if own.eq_ignore_ascii_case(asked) {
            (98, Difference::Case)
        } else {
            let (own, asked) = (own.to_owned(), asked.to_owned());
            (90, Difference::Method { own, asked })
        });
    }
    // Of two routes the one whose method fits too is the nearer.
    let bonus = usize::from(route.covers_method(method));
    path_miss(route, segments).map(|(nearness, why)| (nearness + bonus, why))
}

fn path_miss(route: &Route, segments: &[String]) -> Option<Miss> {
    let steps = route.steps();
    let parting = steps
        .iter()
        .zip(segments)
        .position(|(step, segment)| !step.fits(segment));
    let is_long_enough = if route.is_beneath() {
        segments.len() > steps.len()
    } else {
        segments.len() == steps.len()
    };
    let literals = |count: usize| {
        let leading = steps.iter().take(count);
        leading.filter(|step| matches!(step, Step::Literal(_))).count()
    };
    let Some(parting) = parting else {
        // All that there is fits, and the length does not.
        if literals(steps.len().min(segments.len())) == 0 {
            return None;
        }
        return Some(match segments.len().checked_sub(steps.len()) {
            Some(0) => (85, Difference::NotItself),
            Some(more) => (75_usize.saturating_sub(more), Difference::TooManySegments(more)),
            None => {
                let fewer = steps.len() - segments.len() + usize::from(route.is_beneath());
                (75_usize.saturating_sub(fewer), Difference::TooFewSegments(fewer))
            }
        });
    };
    let (Step::Literal(own), asked) = (&steps[parting], &segments[parting]) else {
        return None;
    };
    let differs_in_case_only = steps.iter().zip(segments).all(|(step, segment)| match step {
        Step::Literal(own) => own.eq_ignore_ascii_case(segment),
        Step::Any => true,
    });
    if is_long_enough && differs_in_case_only {
        return Some((88, Difference::Case));
    }
    let common = literals(parting);
    if begin_alike(own, asked) && is_long_enough {
        let (own, asked) = (own.clone(), asked.clone());
        return Some((60 + common, Difference::LettersOnly { own, asked }));
    }
    (common > 0).then(|| {
        let why = Difference::Segment {
            position: parting + 1,
            own: own.clone(),
            asked: asked.clone(),
        };
        (20 + 2 * common + usize::from(is_long_enough), why)
    })
}

/// Whether one of two different texts is the beginning of the other.
fn begin_alike(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
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

    fn requested(text: &str) -> Requested {
        match text.split_once(' ') {
            Some((method, path)) => {
                Requested::request(method.parse().unwrap(), RequestPath::parse(path).unwrap())
            }
            None => Requested::service(text.parse().unwrap()),
        }
    }

    #[test]
    fn what_came_nearest_and_why_it_does_not_cover() {
        let letters = |own, asked| {
            format!("`{own}` and `{asked}` only begin with the same letters; segments are compared whole")
        };
        let segment =
            |position, own, asked| format!("segment {position} is `{own}`, and `{asked}` is asked for");
        let case = "only upper and lower case differ, and they count".to_owned();
        let method =
            |own, asked| format!("the path fits, but the method is {own}, and {asked} is asked with");
        for (openings, asked, nearest, why) in [
            (
                &["mail", "orders"][..],
                "orders2:list",
                "folder orders",
                letters("orders", "orders2"),
            ),
            (
                &["mail", "orders2"],
                "orders:list",
                "folder orders2",
                letters("orders2", "orders"),
            ),
            (
                &["orders.eu"],
                "orders:list",
                "folder orders.eu",
                "it lies beneath `orders`, where the service is".into(),
            ),
            (
                &["orders.eu.north"],
                "orders.eu:list",
                "folder orders.eu.north",
                "it lies beneath `orders.eu`, where the service is".into(),
            ),
            (
                &["orders.eu", "orders.asia"],
                "orders.us:list",
                "folder orders.asia",
                segment(2, "asia", "us"),
            ),
            (&["orders"], "Orders.eu:list", "folder orders", case.clone()),
            (
                &["orders:list"],
                "orders:List",
                "service orders:list",
                case.clone(),
            ),
            (
                &["orders:list", "mail"],
                "orders:count",
                "service orders:list",
                "it is another service of the same folder".into(),
            ),
            (
                &["orders:list"],
                "archive:list",
                "service orders:list",
                "it is a service of that name in another folder".into(),
            ),
            (
                &["/invoke/{s}"],
                "orders:list",
                "route /invoke/{s}",
                "it covers a request with that path, and no service asked for by name".into(),
            ),
            (
                &["/invoke/orders/{s}"],
                "orders:list",
                "route /invoke/orders/{s}",
                "it covers a request with that path, and no service asked for by name".into(),
            ),
            // Requests that ask for a service are measured by both.
            (
                &["orders", "/x"],
                "GET /invoke/orders2/list",
                "folder orders",
                letters("orders", "orders2"),
            ),
            (
                &["GET /invoke/{s}"],
                "POST /invoke/orders:list",
                "route GET /invoke/{s}",
                method("GET", "POST"),
            ),
            // Routes.
            (
                &["GET /orders/{id}", "GET /stock"],
                "POST /orders/17",
                "route GET /orders/{id}",
                method("GET", "POST"),
            ),
            (
                &["HEAD /orders"],
                "GET /orders",
                "route HEAD /orders",
                method("HEAD", "GET"),
            ),
            (&["GET /orders"], "get /orders", "route GET /orders", case.clone()),
            (&["/orders/{id}"], "GET /Orders/17", "route /orders/{id}", case),
            (
                &["/orders/**"],
                "GET /orders",
                "route /orders/**",
                "`**` covers what is beneath the path, not the path itself".into(),
            ),
            (
                &["/orders/{id}"],
                "GET /orders/1/lines",
                "route /orders/{id}",
                "the path has one segment too many".into(),
            ),
            (
                &["/orders"],
                "GET /orders/1/lines",
                "route /orders",
                "the path has 2 segments too many".into(),
            ),
            (
                &["/orders/{id}/lines"],
                "GET /orders/1",
                "route /orders/{id}/lines",
                "the path has one segment too few".into(),
            ),
            (
                &["/orders/{id}/lines/**"],
                "GET /orders",
                "route /orders/{id}/lines/**",
                "the path has 3 segments too few".into(),
            ),
            (
                &["/orders/{id}/lines"],
                "GET /orders/1/notes",
                "route /orders/{id}/lines",
                segment(3, "lines", "notes"),
            ),
            (
                &["/order"],
                "GET /orders",
                "route /order",
                letters("order", "orders"),
            ),
            (
                &["POST /a/b", "GET /a/b"],
                "GET /a/c",
                "route GET /a/b",
                segment(2, "b", "c"),
            ),
            (
                &["orders"],
                "GET /orders/list",
                "folder orders",
                "the path asks for no service; `/invoke/FOLDER:SERVICE` would".into(),
            ),
        ] {
            let (coverage, requested) = (coverage(openings), requested(asked));
            assert_eq!(coverage.covers(&requested), None, "{openings:?}: {asked}");
            let miss = coverage
                .nearest(&requested)
                .unwrap_or_else(|| panic!("{openings:?}: {asked}"));
            assert_eq!(
                (miss.opening.to_string(), miss.why.to_string()),
                (nearest.to_owned(), why),
                "{openings:?}: {asked}"
            );
        }
    }

    #[test]
    fn what_is_not_alike_is_not_near() {
        for (openings, asked) in [
            (&[][..], "orders:list"),
            (&["mail", "stock:count", "/orders"], "orders:list"),
            (
                &["orders", "orders:list", "/x/{id}", "/{id}/x", "/{id}", "/**"],
                "GET /",
            ),
            (&["GET /stock/{id}"], "GET /orders/17"),
        ] {
            assert_eq!(
                coverage(openings).nearest(&requested(asked)),
                None,
                "{openings:?}: {asked}"
            );
        }
    }

    #[test]
    fn what_would_have_to_be_opened() {
        for (asked, opening) in [
            ("orders:list", "service orders:list"),
            ("POST /invoke/orders/list", "service orders:list"),
            ("GET /orders", "route GET /orders"),
            ("HEAD /", "route HEAD /"),
            ("GET /orders/17/lines/2", "route GET /orders/{id}/lines/{id2}"),
            ("GET /a/9f8e7d6c-5b4a-3210-9f8e-7d6c5b4a3210", "route GET /a/{id}"),
            ("GET /a/decade/face", "route GET /a/decade/face"),
            ("GET /v2/a b/{x}/*", "route GET /v2/a%20b/%7Bx%7D/%2A"),
            ("GET /caf%C3%A9", "route GET /caf%C3%A9"),
        ] {
            let requested = requested(asked);
            let found = Opening::for_request(&requested).unwrap();
            assert_eq!(found.to_string(), opening, "{asked}");
            let mut alone = Coverage::default();
            alone.add(found);
            assert!(alone.covers(&requested).is_some(), "{asked}");
        }
        for asked in [
            "get /orders",
            "G3T /orders",
            &format!("GET /{}", "a".repeat(1024)),
        ] {
            assert_eq!(Opening::for_request(&requested(asked)), None, "{asked}");
        }
    }
}
