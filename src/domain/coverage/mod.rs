//! What a scope opens, and whether that covers what is asked for.
//!
//! A scope names folders, services and routes ([`Coverage`]). A resource server asks for a service, or for a
//! method and path ([`Requested`]). Matching is exact bytes and case-sensitive, without Unicode normalisation;
//! what is not in normal form is refused where it is parsed ([`RequestPath`]) and never repaired, so nothing
//! here has to guess how the resource server would read it.
//!
//! The path of a route is read by the same parser as the path of a request, so what is registered can be asked for.
//! Names and routes are printable ASCII, and a route is kept as it was given. Letters beyond ASCII stand in it
//! percent-encoded, and match the same bytes only: composed and decomposed letters (NFC, NFD) differ. In a request
//! they are exact where they are percent-encoded, and denied where they are not.

mod breadth;
mod by_path;
mod caution;
mod digest;
mod folder;
mod method;
mod name;
mod nearest;
mod opening;
mod request_path;
mod requested;
mod route;
mod service;
mod subsumption;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use breadth::Breadth;
pub use caution::Caution;
pub use digest::CoverageDigest;
pub use folder::Folder;
pub use method::{MAX_METHOD_BYTES, Method, MethodError};
pub use name::{MAX_NAME_BYTES, NameError};
pub use nearest::{Difference, NearMiss};
pub use opening::Opening;
pub use request_path::{MAX_PATH_BYTES, PathRefusal, RequestPath};
pub use requested::Requested;
pub use route::{MAX_ROUTE_BYTES, Route, RouteError};
pub use service::ServiceName;

/// The folders, services and routes that a scope opens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Each opens every service in it and in folders beneath.
    pub folders: BTreeSet<Folder>,
    /// Each opens itself.
    pub services: BTreeSet<ServiceName>,
    /// Each opens the requests that it matches.
    pub routes: BTreeSet<Route>,
}

impl Coverage {
    /// Whether it opens nothing at all.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty() && self.services.is_empty() && self.routes.is_empty()
    }

    /// Its entries: folders, then services, then routes, each in the order of the text.
    pub fn openings(&self) -> impl Iterator<Item = CoveredBy<'_>> {
        let folders = self.folders.iter().map(CoveredBy::Folder);
        let services = self.services.iter().map(CoveredBy::Service);
        folders
            .chain(services)
            .chain(self.routes.iter().map(CoveredBy::Route))
    }

    /// Whether the opening itself is one of its entries.
    pub fn has(&self, opening: CoveredBy<'_>) -> bool {
        match opening {
            CoveredBy::Folder(folder) => self.folders.contains(folder),
            CoveredBy::Service(service) => self.services.contains(service),
            CoveredBy::Route(route) => self.routes.contains(route),
        }
    }

    /// The entry that covers what is asked for, if one does.
    ///
    /// Where several do it is the closest: the service itself, else the innermost folder, else the first route
    /// in the order of the text.
    pub fn covers(&self, requested: &Requested) -> Option<CoveredBy<'_>> {
        requested
            .service_name()
            .and_then(|service| self.covers_service(service))
            .or_else(|| {
                let (method, path) = requested.method_and_path()?;
                self.routes
                    .iter()
                    .find(|route| route.covers(method, path))
                    .map(CoveredBy::Route)
            })
    }

    fn covers_service(&self, service: &ServiceName) -> Option<CoveredBy<'_>> {
        self.services.get(service).map(CoveredBy::Service).or_else(|| {
            service
                .folders()
                .find_map(|folder| self.folders.get(folder))
                .map(CoveredBy::Folder)
        })
    }
}

/// The entry of a [`Coverage`] that covers what was asked for; shown as `folder orders`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoveredBy<'a> {
    /// The service lies in this folder or beneath it.
    Folder(&'a Folder),
    /// The service is this one.
    Service(&'a ServiceName),
    /// The request matches this route.
    Route(&'a Route),
}

impl<'a> CoveredBy<'a> {
    /// `folder`, `service` or `route`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Service(_) => "service",
            Self::Route(_) => "route",
        }
    }

    /// The name or the route, as it was given.
    pub fn pattern(self) -> &'a str {
        match self {
            Self::Folder(folder) => folder.as_str(),
            Self::Service(service) => service.as_str(),
            Self::Route(route) => route.as_str(),
        }
    }
}

impl fmt::Display for CoveredBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.pattern())
    }
}
