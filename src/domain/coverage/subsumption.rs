//! Whether one opening covers all that another one covers.

use super::request_path::RequestPath;
use super::requested::Requested;
use super::route::{Route, Step};
use super::{Coverage, CoveredBy};

impl CoveredBy<'_> {
    /// Whether everything that `other` covers is covered by this too.
    ///
    /// A route never covers a folder or a service: those can be asked for by name, without a request. A folder or a
    /// service covers a route only where that is the one path that asks for a service.
    pub fn subsumes(self, other: CoveredBy<'_>) -> bool {
        match (self, other) {
            (CoveredBy::Folder(own), CoveredBy::Folder(other)) => {
                let beneath = other.as_str().strip_prefix(own.as_str());
                beneath.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            (CoveredBy::Folder(own), CoveredBy::Service(other)) => own.covers(other),
            (CoveredBy::Service(own), CoveredBy::Service(other)) => own == other,
            (CoveredBy::Route(own), CoveredBy::Route(other)) => own.subsumes(other),
            (CoveredBy::Folder(_) | CoveredBy::Service(_), CoveredBy::Route(route)) => {
                let mut alone = Coverage::default();
                alone.add(self.into());
                sole_request(route).is_some_and(|requested| alone.covers(&requested).is_some())
            }
            (CoveredBy::Service(_), CoveredBy::Folder(_))
            | (CoveredBy::Route(_), CoveredBy::Folder(_) | CoveredBy::Service(_)) => false,
        }
    }
}

impl Coverage {
    /// The entry, other than `opening` itself, that covers all that it covers: the innermost folder, else the first
    /// route. Of two routes in it that cover the same the one with the later text is covered by the other.
    pub fn covering<'a>(&'a self, opening: CoveredBy<'_>) -> Option<CoveredBy<'a>> {
        let folder_of = |name: &str| {
            let mut outer = std::iter::successors(Some(name), |name| {
                name.rsplit_once(['.', ':']).map(|(outer, _)| outer)
            });
            outer
                .find_map(|name| self.folders.get(name))
                .map(CoveredBy::Folder)
        };
        match opening {
            CoveredBy::Folder(folder) => folder
                .as_str()
                .rsplit_once('.')
                .and_then(|(outer, _)| folder_of(outer)),
            CoveredBy::Service(service) => folder_of(service.as_str()),
            CoveredBy::Route(route) => {
                let by_name = || sole_request(route).and_then(|requested| self.covers_by_name(&requested));
                let is_entry = self.routes.contains(route);
                let comes_first = |other: &&Route| !is_entry || !route.subsumes(other) || *other < route;
                let others = self.routes.iter().filter(|other| *other != route);
                by_name().or_else(|| {
                    let mut covering = others.filter(|other| other.subsumes(route)).filter(comes_first);
                    covering.next().map(CoveredBy::Route)
                })
            }
        }
    }

    fn covers_by_name(&self, requested: &Requested) -> Option<CoveredBy<'_>> {
        self.covers_service(requested.service_name()?)
    }
}

impl Route {
    /// Whether every request that `other` covers is covered by this route too.
    fn subsumes(&self, other: &Self) -> bool {
        let methods = match (self.method(), other.method()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(method)) => self.covers_method(method),
        };
        let (own, theirs) = (self.steps(), other.steps());
        let lengths = match (self.is_beneath(), other.is_beneath()) {
            (true, true) => own.len() <= theirs.len(),
            (true, false) => own.len() < theirs.len(),
            (false, true) => false,
            (false, false) => own.len() == theirs.len(),
        };
        let steps = || {
            own.iter().zip(theirs).all(|pair| match pair {
                (Step::Any, _) => true,
                (Step::Literal(own), Step::Literal(theirs)) => own == theirs,
                (Step::Literal(_), Step::Any) => false,
            })
        };
        methods && lengths && steps()
    }
}

/// What a route without placeholders asks for; its method does not matter to the service that a path asks for.
fn sole_request(route: &Route) -> Option<Requested> {
    let is_literal = route.steps().iter().all(|step| matches!(step, Step::Literal(_)));
    if route.is_beneath() || !is_literal {
        return None;
    }
    let path = RequestPath::parse(route.pattern()).ok()?;
    let method = route.method().map_or("GET", |method| method.as_str());
    Some(Requested::request(method.parse().ok()?, path))
}
