//! Which routes reach services by their paths, without naming them.

use super::folder::Folder;
use super::route::{Route, Step};
use super::service::ServiceName;
use super::{Coverage, CoveredBy};

impl Coverage {
    /// The first route that covers a path, `/invoke/…`, of the service, or of a service in the folder or beneath it: of
    /// one at least, with some method. `None` for a route.
    pub fn reaches_by_path(&self, opening: CoveredBy<'_>) -> Option<&Route> {
        let mut routes = self.routes.iter();
        match opening {
            CoveredBy::Folder(folder) => routes.find(|route| reaches_folder(route, folder)),
            CoveredBy::Service(service) => routes.find(|route| reaches_service(route, service)),
            CoveredBy::Route(_) => None,
        }
    }
}

fn reaches_service(route: &Route, service: &ServiceName) -> bool {
    let name = service.as_str();
    let one = ["invoke", name].map(str::to_owned);
    let parts = name.split_once(':');
    let two = parts.map(|(folder, last)| ["invoke", folder, last].map(str::to_owned));
    route.covers_path(&one) || two.is_some_and(|segments| route.covers_path(&segments))
}

/// Whether there could be a service in the folder that the route reaches: one that is named as the route has it, where
/// the route says a name, and anyhow where it does not.
fn reaches_folder(route: &Route, folder: &Folder) -> bool {
    let said = |position: usize| match route.steps().get(position) {
        Some(Step::Literal(literal)) => Some(literal.as_str()),
        Some(Step::Any) | None => None,
    };
    let own = folder.as_str();
    let whole = said(1).map_or_else(|| format!("{own}:x"), str::to_owned);
    let in_parts = format!("{}:{}", said(1).unwrap_or(own), said(2).unwrap_or("x"));
    [whole, in_parts]
        .iter()
        .filter_map(|name| name.parse::<ServiceName>().ok())
        .any(|service| folder.covers(&service) && reaches_service(route, &service))
}

#[cfg(test)]
mod tests {
    use super::super::Opening;
    use super::*;

    #[test]
    fn a_route_reaches_what_it_does_not_name() {
        for (route, opening, expected) in [
            ("/**", "orders", true),
            ("GET /**", "orders.eu:list", true),
            ("POST /invoke/**", "orders", true),
            ("POST /invoke/{service}", "orders:list", true),
            ("POST /invoke/{folder}/{service}", "orders.eu", true),
            ("POST /{a}/{b}/{c}", "orders", true),
            ("POST /invoke/orders/**", "orders", true),
            ("POST /invoke/orders/{service}", "orders:list", true),
            ("POST /invoke/orders/list", "orders:list", true),
            ("POST /invoke/orders:list", "orders:list", true),
            // One service of the folder is enough, however deep it lies.
            ("POST /invoke/orders/list", "orders", true),
            ("POST /invoke/orders.eu:list", "orders", true),
            ("POST /invoke/orders.eu/{service}", "orders", true),
            ("POST /invoke/{folder}/list", "orders", true),
            ("POST /invoke/{folder}/list", "orders:count", false),
            ("POST /invoke/orders/**", "orders.eu", false),
            ("POST /invoke/orders2/**", "orders", false),
            ("POST /invoke/orders/list", "orders:count", false),
            ("POST /invoke/{a}/{b}/{c}", "orders", false),
            ("POST /invoke/{a}/{b}/**", "orders", false),
            ("POST /invoke", "orders", false),
            ("GET /orders/**", "orders", false),
            ("GET /{a}", "orders", false),
        ] {
            let mut coverage = Coverage::default();
            coverage.add(Opening::Route(route.parse().unwrap()));
            let opening = if opening.contains(':') {
                Opening::Service(opening.parse().unwrap())
            } else {
                Opening::Folder(opening.parse().unwrap())
            };
            let reached = coverage.reaches_by_path(opening.as_ref());
            assert_eq!(reached.is_some(), expected, "{route} {opening}");
        }
    }
}
