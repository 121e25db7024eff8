//! Generated definitions, and requests that nearly or just match them, against the naive matcher.

use std::cell::Cell;

use oauthctl::domain::coverage::{Coverage, CoveredBy, Opening, RequestPath, Requested, ServiceName};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::naive;

/// What a scope opens, as texts.
#[derive(Debug, Clone)]
struct Texts {
    folders: Vec<String>,
    services: Vec<String>,
    routes: Vec<String>,
}

impl Texts {
    fn parsed(&self) -> Coverage {
        Coverage {
            folders: self.folders.iter().map(|text| text.parse().unwrap()).collect(),
            services: self.services.iter().map(|text| text.parse().unwrap()).collect(),
            routes: self.routes.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn covers_service(&self, asked: &str) -> bool {
        self.services.iter().any(|own| own == asked)
            || self.folders.iter().any(|own| naive::folder_covers(own, asked))
    }

    fn covers_request(&self, method: &str, segments: &[String]) -> bool {
        naive::asks_for(segments).is_some_and(|service| self.covers_service(&service))
            || self
                .routes
                .iter()
                .any(|own| naive::route_covers(own, method, segments))
    }
}

/// Few and short words, so that what is asked for is often nearly what is open.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "ab", "A", "a-b", "x"])
}

fn folder() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..4).prop_map(|words| words.join("."))
}

fn service() -> impl Strategy<Value = String> {
    (folder(), word()).prop_map(|(folder, name)| format!("{folder}:{name}"))
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["GET", "GET", "HEAD", "POST"])
}

fn route() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        5 => word().prop_map(str::to_owned),
        3 => Just("{}".to_owned()),
        1 => prop::sample::select(&["%61", "%7Bx%7D", "%2A%2A", "caf%C3%A9", "a%20b", "%25"]).prop_map(str::to_owned),
        1 => service(),
    ];
    let steps = prop::collection::vec(step, 0..4);
    let before = prop::sample::select(&["", "", "", "/invoke"]);
    let after = prop::sample::select(&["", "", "/**"]);
    (prop::option::of(method()), before, steps, after).prop_map(|(method, before, steps, after)| {
        let mut path = before.to_owned();
        for (number, step) in steps.iter().enumerate() {
            path = path + "/" + &step.replace("{}", &format!("{{n{number}}}"));
        }
        path += after;
        if path.is_empty() {
            path.push('/');
        }
        method.map_or(path.clone(), |method| format!("{method} {path}"))
    })
}

fn texts() -> impl Strategy<Value = Texts> {
    let folders = prop::collection::vec(folder(), 0..3);
    let services = prop::collection::vec(service(), 0..3);
    let routes = prop::collection::vec(route(), 0..4);
    (folders, services, routes).prop_map(|(folders, services, routes)| Texts {
        folders,
        services,
        routes,
    })
}

/// A slip or a trick: what is done to a text, and where.
type Mutation = (usize, prop::sample::Index);

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    prop::collection::vec((0..22_usize, any::<prop::sample::Index>()), 0..3)
}

fn mutated(text: &str, mutations: &[Mutation]) -> String {
    let mut text = text.to_owned();
    for (kind, place) in mutations {
        let mut characters: Vec<char> = text.chars().collect();
        if characters.is_empty() {
            return text;
        }
        let at = place.index(characters.len());
        let c = characters[at];
        let put = |characters: &mut Vec<char>, piece: &str| {
            characters.splice(at..=at, piece.chars());
        };
        match kind {
            0 if c.is_ascii_lowercase() => characters[at] = c.to_ascii_uppercase(),
            0 | 1 => characters[at] = c.to_ascii_lowercase(),
            2 => drop(characters.remove(at)),
            3 => characters.insert(at, 'a'),
            4 => characters.push('b'),
            5 => characters.extend("/a".chars()),
            6 => characters.push('/'),
            7 => characters.insert(at, '/'),
            8 => put(&mut characters, &format!("%{:02x}", c as u32 & 0xff)),
            9 => put(&mut characters, &format!("%{:02X}", c as u32 & 0xff)),
            10 => put(&mut characters, &format!("%25{:02X}", c as u32 & 0xff)),
            11 if c == ':' => characters[at] = '/',
            12 if c == '/' => characters[at] = ':',
            13 if c == '/' => characters[at] = '.',
            14 if c == '.' => characters[at] = '/',
            15 => characters.extend("/..".chars()),
            16 => characters.extend("/%2e".chars()),
            17 => characters.insert(at, ';'),
            18 => characters.insert(at, '\\'),
            19 => characters.push('.'),
            20 => characters.insert(at, '\u{0}'),
            21 => characters.truncate(at + 1),
            _ => characters.insert(at, c),
        }
        text = characters.into_iter().collect();
    }
    text
}

/// A path that one of the definitions covers.
fn path_of(texts: &Texts, which: usize, fill: &[&str], spelling: bool) -> String {
    let mut fill = fill.iter().cycle();
    let mut paths: Vec<String> = texts
        .routes
        .iter()
        .map(|route| {
            let pattern = route
                .split_once(' ')
                .map_or(route.as_str(), |(_, pattern)| pattern);
            let steps = pattern.split('/').map(|step| match step {
                "**" => "a/b".to_owned(),
                step if step.starts_with('{') => (*fill.next().unwrap()).to_owned(),
                step => step.to_owned(),
            });
            steps.collect::<Vec<_>>().join("/")
        })
        .collect();
    let services = texts.services.iter().cloned();
    let services = services.chain(texts.folders.iter().map(|folder| format!("{folder}:a")));
    paths.extend(services.map(|service| {
        let service = if spelling {
            service.replace(':', "/")
        } else {
            service
        };
        format!("/invoke/{service}")
    }));
    paths
        .get(which % paths.len().max(1))
        .cloned()
        .unwrap_or_else(|| "/a".to_owned())
}

/// Runs `test` on many values; what it answers has to be yes and no often, or the values say nothing.
fn often<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> bool) {
    let (yes, all) = (Cell::new(0_u32), Cell::new(0_u32));
    let mut runner = TestRunner::new(Config {
        cases: 6000,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(strategy, |value| {
        all.set(all.get() + 1);
        yes.set(yes.get() + u32::from(test(value)));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (yes, all) = (yes.get(), all.get());
    assert!(yes > all / 20 && yes < all / 20 * 19, "{yes} of {all}");
}

#[test]
fn services_by_name() {
    let asked = (texts(), any::<prop::sample::Index>(), service(), mutations());
    often(&asked, |(texts, which, other, mutations)| {
        let of_folders = texts.folders.iter().map(|folder| format!("{folder}:a"));
        let mut names: Vec<String> = texts.services.iter().cloned().chain(of_folders).collect();
        names.push(other);
        let asked = mutated(&names[which.index(names.len())], &mutations);
        let parsed = asked.parse::<ServiceName>();
        assert_eq!(parsed.is_ok(), naive::is_service(&asked), "{asked:?}");
        let Ok(name) = parsed else { return false };
        let naive = texts.covers_service(&asked);
        let coverage = texts.parsed();
        let requested = Requested::service(name);
        assert_eq!(coverage.covers(&requested).is_some(), naive, "{texts:?}: {asked}");
        naive
    });
}

#[test]
fn requests() {
    let fill = prop::collection::vec(word(), 3);
    let asked = (
        texts(),
        any::<usize>(),
        fill,
        any::<bool>(),
        mutations(),
        prop_oneof![method(), prop::sample::select(&["get", "OPTIONS", "HEADS"])],
    );
    often(&asked, |(texts, which, fill, spelling, mutations, method)| {
        let path = mutated(&path_of(&texts, which, &fill, spelling), &mutations);
        let parsed = RequestPath::parse(&path);
        let segments = naive::normal(path.as_bytes());
        let own = parsed.as_ref().ok().map(|path| path.segments().to_vec());
        assert_eq!(own, segments, "{path:?}");
        let (Ok(path), Some(segments)) = (parsed, segments) else {
            return false;
        };
        let naive = texts.covers_request(method, &segments);
        let requested = Requested::request(method.parse().unwrap(), path);
        let service = requested.service_name().map(|name| name.as_str().to_owned());
        assert_eq!(service, naive::asks_for(&segments), "{requested}");
        let coverage = texts.parsed();
        let covered = coverage.covers(&requested);
        assert_eq!(covered.is_some(), naive, "{texts:?}: {requested}");
        // What came nearest is never what covers, and is told only where nothing does.
        if covered.is_none()
            && let Some(miss) = coverage.nearest(&requested)
        {
            assert!(alone(miss.opening).covers(&requested).is_none(), "{miss:?}");
        }
        // What is proposed to be opened covers it.
        if let Some(opening) = Opening::for_request(&requested) {
            assert!(
                alone(opening.as_ref()).covers(&requested).is_some(),
                "{opening}: {requested}"
            );
        }
        naive
    });
}

fn alone(opening: CoveredBy<'_>) -> Coverage {
    let mut alone = Coverage::default();
    alone.add(opening.into());
    alone
}

#[test]
fn any_bytes_are_denied_or_mean_the_same_to_both() {
    let byte = prop_oneof![
        4 => prop::sample::select(b"/%.aA25eE;\\:".as_slice()),
        1 => any::<u8>(),
    ];
    often(&prop::collection::vec(byte, 0..10), |bytes| {
        let mut path = b"/".to_vec();
        path.extend(bytes);
        let parsed = RequestPath::parse(&path).ok();
        let segments = parsed.map(|path| path.segments().to_vec());
        assert_eq!(segments, naive::normal(&path), "{path:?}");
        segments.is_some()
    });
}

/// What is said to be covered already can be left out: no request, and no service, is covered by it alone.
#[test]
fn what_is_said_to_be_superfluous_is() {
    let fill = prop::collection::vec(word(), 3);
    let asked = (texts(), fill, any::<bool>(), mutations(), method(), service());
    often(&asked, |(texts, fill, spelling, mutations, method, service)| {
        let coverage = texts.parsed();
        let mut found = false;
        for opening in coverage.openings() {
            let Some(by) = coverage.covering(opening) else {
                continue;
            };
            found = true;
            assert_ne!(opening, by);
            assert!(by.subsumes(opening), "{by}: {opening}");
            let (own, covering) = (alone(opening), alone(by));
            let own_texts = Texts {
                folders: own.folders.iter().map(ToString::to_string).collect(),
                services: own.services.iter().map(ToString::to_string).collect(),
                routes: own.routes.iter().map(ToString::to_string).collect(),
            };
            for path in [
                path_of(&own_texts, 0, &fill, spelling),
                mutated(&path_of(&own_texts, 0, &fill, spelling), &mutations),
            ] {
                let Ok(path) = RequestPath::parse(path) else {
                    continue;
                };
                let requested = Requested::request(method.parse().unwrap(), path);
                let is_covered = covering.covers(&requested).is_some();
                assert!(
                    own.covers(&requested).is_none() || is_covered,
                    "{by}: {opening}: {requested}"
                );
            }
            let by_name = Requested::service(service.parse().unwrap());
            assert!(own.covers(&by_name).is_none() || covering.covers(&by_name).is_some());
        }
        // Together they cover the same without them, whichever of two that are alike is left out.
        let mut less = Coverage::default();
        for opening in coverage
            .openings()
            .filter(|opening| coverage.covering(*opening).is_none())
        {
            less.add(opening.into());
        }
        let path = mutated(&path_of(&texts, 0, &fill, spelling), &mutations);
        if let Ok(path) = RequestPath::parse(path) {
            let requested = Requested::request(method.parse().unwrap(), path);
            assert_eq!(
                coverage.covers(&requested).is_some(),
                less.covers(&requested).is_some(),
                "{texts:?}: {requested}"
            );
        }
        found
    });
}
