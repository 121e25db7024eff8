//! Definitions of scopes and requests for services, against the naive matcher.
//!
//! A line each: `f` a folder, `s` a service, `r` a route, `=` a service that is asked for, and everything else a request,
//! `METHOD /path`.

use oauthctl::domain::coverage::{Coverage, Method, Opening, RequestPath, Requested, Route, ServiceName};

use super::naive;

/// More lines say nothing new and cost time.
const MOST_LINES: usize = 12;

pub(super) fn run(input: &[u8]) {
    let mut coverage = Coverage::default();
    let mut texts: (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
    for line in input.split(|byte| *byte == b'\n').take(MOST_LINES) {
        match (super::text(line), line.split_first()) {
            (Some(line), Some((b'f', _))) => match line[1..].parse() {
                Ok(folder) => {
                    assert_eq!(format!("{folder}"), line[1..]);
                    coverage.folders.insert(folder);
                    texts.0.push(&line[1..]);
                }
                Err(error) => assert_refused(&error),
            },
            (Some(line), Some((b's', _))) => {
                if let Some(service) = service(&line[1..]) {
                    coverage.services.insert(service);
                    texts.1.push(&line[1..]);
                }
            }
            (Some(line), Some((b'r', _))) => match line[1..].parse::<Route>() {
                Ok(route) => {
                    assert_route(&route, &line[1..]);
                    coverage.routes.insert(route);
                    texts.2.push(&line[1..]);
                }
                Err(error) => assert_refused(&error),
            },
            (Some(line), Some((b'=', _))) => {
                if let Some(service) = service(&line[1..]) {
                    let requested = Requested::service(service);
                    assert_agree(&coverage, &texts, &requested, &line[1..]);
                }
            }
            _ => request(&coverage, &texts, line),
        }
    }
    assert_openings(&coverage);
}

type Texts<'t> = (Vec<&'t str>, Vec<&'t str>, Vec<&'t str>);

fn assert_refused(error: &impl ToString) {
    super::assert_message(&error.to_string());
}

fn service(text: &str) -> Option<ServiceName> {
    let parsed = text.parse::<ServiceName>();
    assert_eq!(parsed.is_ok(), naive::is_service(text), "{text:?}");
    if let Err(error) = &parsed {
        assert_refused(error);
    }
    parsed.ok()
}

fn assert_route(route: &Route, text: &str) {
    assert_eq!(route.as_str(), text);
    assert_eq!(&text.parse::<Route>().unwrap(), route);
    assert!(route.pattern().starts_with('/') && text.ends_with(route.pattern()));
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
}

fn covers_service((folders, services, _): &Texts<'_>, asked: &str) -> bool {
    services.contains(&asked) || folders.iter().any(|own| naive::folder_covers(own, asked))
}

fn assert_agree(coverage: &Coverage, texts: &Texts<'_>, requested: &Requested, service: &str) {
    let expected = covers_service(texts, service);
    assert_eq!(
        coverage.covers(requested).is_some(),
        expected,
        "{texts:?}: {requested}"
    );
}

/// `METHOD /path`.
fn request(coverage: &Coverage, texts: &Texts<'_>, line: &[u8]) {
    let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (method, path) = (&line[..space], line.get(space + 1..).unwrap_or_default());
    let parsed = RequestPath::parse(path);
    let segments = naive::normal(path);
    assert_eq!(
        parsed.as_ref().ok().map(|path| path.segments().to_vec()),
        segments,
        "{path:?}"
    );
    let (path, segments) = match (parsed, segments) {
        (Ok(path), Some(segments)) => (path, segments),
        (Err(refusal), _) => return assert_refused(&refusal),
        (Ok(_), None) => return,
    };
    let Some(method) = super::text(method).and_then(|method| method.parse::<Method>().ok()) else {
        return;
    };
    assert!(path.as_str().bytes().all(|byte| matches!(byte, b' '..=b'~')));
    let requested = Requested::request(method.clone(), path);
    let service = naive::asks_for(&segments);
    assert_eq!(
        requested.service_name().map(|name| name.as_str().to_owned()),
        service
    );
    let by_route = texts
        .2
        .iter()
        .any(|own| naive::route_covers(own, method.as_str(), &segments));
    let expected = by_route || service.is_some_and(|service| covers_service(texts, &service));
    let covered = coverage.covers(&requested);
    assert_eq!(covered.is_some(), expected, "{texts:?}: {requested}");
    // What came nearest does not cover it; what is proposed does.
    if let (None, Some(miss)) = (covered, coverage.nearest(&requested)) {
        let mut alone = Coverage::default();
        alone.add(miss.opening.into());
        assert!(alone.covers(&requested).is_none(), "{miss:?}");
    }
    if let Some(opening) = Opening::for_request(&requested) {
        let mut alone = Coverage::default();
        alone.add(opening.as_ref().into());
        assert!(alone.covers(&requested).is_some(), "{opening}: {requested}");
    }
}

/// What is said to be covered by another opening is; the warnings about a definition can be made for any.
fn assert_openings(coverage: &Coverage) {
    for opening in coverage.openings() {
        if let Some(by) = coverage.covering(opening) {
            assert!(by != opening && by.subsumes(opening), "{by}: {opening}");
        }
        assert!(coverage.has(opening));
    }
    for caution in coverage.cautions(["orders", "orders:read"]) {
        super::assert_message(&caution.to_string());
    }
}
