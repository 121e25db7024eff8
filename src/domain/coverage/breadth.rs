//! How much an opening opens, and a scope with all of them, as far as that can be told from what they say.

use std::cmp::Reverse;

use super::caution::{is_any_path, opens_every_service};
use super::requested::Requested;
use super::route::Step;
use super::{Coverage, CoveredBy};

/// How much one opening opens. The narrower is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breadth {
    /// A route without a method is wider than anything with one.
    any_method: bool,
    shape: Shape,
}

/// From narrow to wide; of two alike the deeper is the narrower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Service,
    OnePath,
    /// With so many segments that may be anything.
    Pattern(usize),
    /// Of so many segments.
    Folder(Reverse<usize>),
    /// Beneath so many segments that say what they are.
    Beneath(Reverse<usize>),
}

impl CoveredBy<'_> {
    /// How much it opens.
    pub fn breadth(self) -> Breadth {
        let shape = match self {
            Self::Service(_) => Shape::Service,
            Self::Folder(folder) => Shape::Folder(Reverse(folder.as_str().split('.').count())),
            Self::Route(route) => {
                let literals = route
                    .steps()
                    .iter()
                    .filter(|step| matches!(step, Step::Literal(_)));
                let literals = literals.count();
                if route.is_beneath() {
                    Shape::Beneath(Reverse(literals))
                } else {
                    match route.steps().len() - literals {
                        0 => Shape::OnePath,
                        placeholders => Shape::Pattern(placeholders),
                    }
                }
            }
        };
        let any_method = matches!(self, Self::Route(route) if route.method().is_none());
        Breadth { any_method, shape }
    }

    /// Whether it does not say what it opens: every path, or every service by its path.
    pub fn is_nearly_everything(self) -> bool {
        matches!(self, Self::Route(route) if is_any_path(route) || opens_every_service(route))
    }

    fn covers(self, requested: &Requested) -> bool {
        match self {
            Self::Folder(folder) => requested.service_name().is_some_and(|name| folder.covers(name)),
            Self::Service(service) => requested.service_name() == Some(service),
            Self::Route(route) => requested
                .method_and_path()
                .is_some_and(|(method, path)| route.covers(method, path)),
        }
    }
}

impl Coverage {
    /// The narrowest of its entries that cover what is asked for.
    pub fn narrowest(&self, requested: &Requested) -> Option<Breadth> {
        let covering = self.openings().filter(|opening| opening.covers(requested));
        covering.map(CoveredBy::breadth).min()
    }

    /// The widest of its entries, and how many there are; the narrower scope is the smaller.
    pub fn breadth(&self) -> (Option<Breadth>, usize) {
        (
            self.openings().map(CoveredBy::breadth).max(),
            self.openings().count(),
        )
    }

    /// The first entry that opens nearly everything.
    pub fn nearly_everything(&self) -> Option<CoveredBy<'_>> {
        self.openings().find(|opening| opening.is_nearly_everything())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Opening;
    use super::*;

    fn opening(text: &str) -> Opening {
        match (text.contains('/'), text.contains(':')) {
            (true, _) => Opening::Route(text.parse().unwrap()),
            (false, true) => Opening::Service(text.parse().unwrap()),
            (false, false) => Opening::Folder(text.parse().unwrap()),
        }
    }

    #[test]
    fn from_narrow_to_wide() {
        let ordered = [
            "orders:list",
            "POST /invoke/orders/list",
            "POST /invoke/orders/{service}",
            "POST /{a}/{b}",
            "orders.eu.north",
            "orders.eu",
            "orders",
            "POST /invoke/orders/**",
            "POST /invoke/**",
            "POST /**",
            "/invoke/orders/list",
            "/invoke/orders/{service}",
            "/invoke/**",
            "/**",
        ]
        .map(opening);
        for pair in ordered.windows(2) {
            let [narrow, wide] = pair else { unreachable!() };
            assert!(
                narrow.as_ref().breadth() < wide.as_ref().breadth(),
                "{narrow} {wide}"
            );
        }
    }

    #[test]
    fn what_does_not_say_what_it_opens() {
        for (text, expected) in [
            ("/**", true),
            ("GET /{a}/**", true),
            ("POST /invoke/**", true),
            ("POST /invoke/{service}", true),
            ("POST /invoke/{folder}/{service}", true),
            ("POST /invoke/orders/{service}", false),
            ("GET /orders/**", false),
            ("/invoke", false),
            ("GET /", false),
            ("orders", false),
            ("orders:list", false),
        ] {
            assert_eq!(opening(text).as_ref().is_nearly_everything(), expected, "{text}");
        }
    }

    #[test]
    fn the_narrowest_that_covers() {
        let mut coverage = Coverage::default();
        for text in ["/**", "orders", "stock:count"] {
            coverage.add(opening(text));
        }
        let narrowest = |requested: &Requested| coverage.narrowest(requested);
        let service = |name: &str| Requested::service(name.parse().unwrap());
        assert_eq!(
            narrowest(&service("orders:list")),
            Some(opening("orders").as_ref().breadth())
        );
        assert_eq!(narrowest(&service("mail:send")), None);
        let path = super::super::RequestPath::parse("/invoke/mail/send").unwrap();
        let request = Requested::request("POST".parse().unwrap(), path);
        assert_eq!(narrowest(&request), Some(opening("/**").as_ref().breadth()));
        assert_eq!(coverage.nearly_everything(), Some(opening("/**").as_ref()));
        assert_eq!(coverage.breadth(), (Some(opening("/**").as_ref().breadth()), 3));
    }
}
