use std::collections::BTreeSet;
use std::fmt::Debug;
use std::str::FromStr;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    case: Vec<Case>,
    path: Vec<PathRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    folders: Vec<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    routes: Vec<String>,
    service: Option<String>,
    method: Option<String>,
    path: Option<String>,
    covered_by: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathRow {
    path: String,
    segments: Option<Vec<String>>,
    refused: Option<String>,
}

fn tables() -> Tables {
    toml::from_str(include_str!("../../../fixtures/coverage.toml")).unwrap()
}

fn parsed<T: FromStr<Err: Debug> + Ord>(texts: &[String]) -> BTreeSet<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn coverage(folders: &[String], services: &[String], routes: &[String]) -> Coverage {
    Coverage {
        folders: parsed(folders),
        services: parsed(services),
        routes: parsed(routes),
    }
}

#[test]
fn the_table_of_what_covers_what() {
    for case in tables().case {
        let requested = match (&case.service, &case.path) {
            (Some(service), None) => Requested::service(service.parse().unwrap()),
            (None, Some(path)) => Requested::request(
                case.method.as_deref().unwrap_or("GET").parse().unwrap(),
                RequestPath::parse(path).unwrap(),
            ),
            _ => panic!("{}: either a service or a path", case.what),
        };
        let coverage = coverage(&case.folders, &case.services, &case.routes);
        let covered_by = coverage.covers(&requested).map(|entry| entry.to_string());
        assert_eq!(covered_by, case.covered_by, "{}", case.what);
    }
}

#[test]
fn the_table_of_paths() {
    for row in tables().path {
        let outcome = RequestPath::parse(&row.path);
        match (row.segments, row.refused) {
            (Some(segments), None) => {
                let path = outcome.unwrap();
                assert_eq!(path.segments(), segments, "{:?}", row.path);
                assert_eq!(path.to_string(), row.path);
            }
            (None, Some(refused)) => {
                assert_eq!(format!("{:?}", outcome.unwrap_err()), refused, "{:?}", row.path);
            }
            _ => panic!("{}: either segments or refused", row.path),
        }
    }
}

#[test]
fn every_byte_on_its_own() {
    for byte in 0..=u8::MAX {
        let expected_raw = match byte {
            b'/' => Some(PathRefusal::EmptySegment),
            b'?' | b'#' => Some(PathRefusal::QueryOrFragment),
            b'%' => Some(PathRefusal::PercentEncoding),
            b'\\' => Some(PathRefusal::Backslash),
            b';' => Some(PathRefusal::Semicolon),
            0..0x20 | 0x7f => Some(PathRefusal::ControlCharacter),
            0x80.. => Some(PathRefusal::NotAscii),
            _ => None,
        };
        assert_eq!(
            RequestPath::parse([b'/', b'a', byte]).err(),
            expected_raw,
            "raw {byte:#x}"
        );
        let expected_encoded = match byte {
            b'/' => Some(PathRefusal::EncodedSlash),
            b'?' | b'#' | b'%' => None,
            0x80.. => Some(PathRefusal::NotUtf8),
            _ => expected_raw,
        };
        for encoded in [format!("/a%{byte:02x}"), format!("/a%{byte:02X}")] {
            assert_eq!(RequestPath::parse(&encoded).err(), expected_encoded, "{encoded}");
        }
    }
}

#[test]
fn lengths_end_where_they_say() {
    let path = |length: usize| RequestPath::parse(format!("/{}", "a".repeat(length - 1)));
    assert!(path(MAX_PATH_BYTES).is_ok());
    assert_eq!(path(MAX_PATH_BYTES + 1), Err(PathRefusal::TooLong));

    let route = |length: usize| format!("GET /{}", "a".repeat(length - 5)).parse::<Route>();
    assert!(route(MAX_ROUTE_BYTES).is_ok());
    assert_eq!(
        route(MAX_ROUTE_BYTES + 1),
        Err(RouteError::Length(MAX_ROUTE_BYTES + 1))
    );
    assert_eq!("".parse::<Route>(), Err(RouteError::Length(0)));

    let folder = |length: usize| "a".repeat(length).parse::<Folder>();
    assert!(folder(MAX_NAME_BYTES).is_ok());
    assert_eq!(
        folder(MAX_NAME_BYTES + 1),
        Err(NameError::Length(MAX_NAME_BYTES + 1))
    );

    let service = |length: usize| format!("a:{}", "b".repeat(length - 2)).parse::<ServiceName>();
    assert!(service(MAX_NAME_BYTES).is_ok());
    assert_eq!(
        service(MAX_NAME_BYTES + 1),
        Err(NameError::Length(MAX_NAME_BYTES + 1))
    );

    assert!("M".repeat(MAX_METHOD_BYTES).parse::<Method>().is_ok());
    assert!("M".repeat(MAX_METHOD_BYTES + 1).parse::<Method>().is_err());
}

#[test]
fn names_of_folders() {
    for good in [
        "orders",
        "orders.eu",
        "a.b.c.d",
        "pub_2-x",
        "!$&'()+=@[]^_|~",
        "0",
    ] {
        assert_eq!(good.parse::<Folder>().unwrap().as_str(), good);
    }
    let refused = [
        ("", NameError::Length(0)),
        (".", NameError::EmptySegment),
        (".orders", NameError::EmptySegment),
        ("orders.", NameError::EmptySegment),
        ("orders..eu", NameError::EmptySegment),
        ("orders:list", NameError::ColonInFolder),
        ("orders eu", NameError::Character(' ')),
        ("orders\n", NameError::Character('\n')),
        ("orders\0", NameError::Character('\0')),
        ("ordérs", NameError::Character('é')),
        ("orders\u{7f}", NameError::Character('\u{7f}')),
    ];
    for (bad, error) in refused {
        assert_eq!(bad.parse::<Folder>(), Err(error), "{bad:?}");
    }
    for character in "/\\;?#%*{},\"<>`".chars() {
        let bad = format!("orders.e{character}u");
        assert_eq!(
            bad.parse::<Folder>(),
            Err(NameError::Character(character)),
            "{bad:?}"
        );
    }
}

#[test]
fn names_of_services() {
    for good in ["orders:list", "orders.eu:list", "a:b", "pub.oauth:getToken"] {
        assert_eq!(good.parse::<ServiceName>().unwrap().as_str(), good);
    }
    let refused = [
        ("", NameError::Length(0)),
        (":", NameError::NotAService),
        ("orders", NameError::NotAService),
        ("orders:", NameError::NotAService),
        (":list", NameError::NotAService),
        ("orders:eu:list", NameError::NotAService),
        ("orders::list", NameError::NotAService),
        ("orders:list.all", NameError::NotAService),
        ("orders.:list", NameError::EmptySegment),
        (".orders:list", NameError::EmptySegment),
        ("orders:li st", NameError::Character(' ')),
        ("orders:list*", NameError::Character('*')),
        ("ord/ers:list", NameError::Character('/')),
    ];
    for (bad, error) in refused {
        assert_eq!(bad.parse::<ServiceName>(), Err(error), "{bad:?}");
    }
}

#[test]
fn methods_are_tokens() {
    for good in ["GET", "get", "M-SEARCH", "!#$%&'*+-.^_`|~09"] {
        assert_eq!(good.parse::<Method>().unwrap().as_str(), good);
    }
    for bad in [
        "", " GET", "GET ", "GET\r", "GE/T", "GET\0", "GÉT", "GET,HEAD", "\"GET\"",
    ] {
        assert_eq!(bad.parse::<Method>(), Err(MethodError), "{bad:?}");
    }
}

#[test]
fn routes_that_are_accepted_stay_as_they_were_given() {
    let accepted = [
        ("GET /orders/{id}", Some("GET")),
        ("/orders/**", None),
        ("/", None),
        ("/**", None),
        ("DELETE /", Some("DELETE")),
        ("M-SEARCH /x", Some("M-SEARCH")),
        ("X_Y /{a-b}/{a_b}/{9}", Some("X_Y")),
        ("/%6frders/caf%C3%A9", None),
        ("/invoke/pub.oauth:getToken", None),
        ("/100%25", None),
    ];
    for (text, method) in accepted {
        let route: Route = text.parse().unwrap();
        assert_eq!(route.as_str(), text);
        assert_eq!(route.to_string(), text);
        assert_eq!(route.method().map(Method::as_str), method, "{text}");
    }
}

#[test]
fn routes_that_are_refused() {
    let refused = [
        ("GET", RouteError::Form),
        ("orders", RouteError::Form),
        ("GET orders", RouteError::Form),
        ("GET  /orders", RouteError::Form),
        ("GET\t/orders", RouteError::Form),
        ("GET ", RouteError::Form),
        ("GET https://api.example/orders", RouteError::Form),
        ("get /orders", RouteError::Method),
        ("Get /orders", RouteError::Method),
        (" /orders", RouteError::Method),
        ("* /orders", RouteError::Method),
        ("GET,POST /orders", RouteError::Method),
        ("GET2 /orders", RouteError::Method),
        ("MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM /orders", RouteError::Method),
        ("/orders ", RouteError::Space),
        ("GET /orders /x", RouteError::Space),
        ("/**/orders", RouteError::BeneathNotLast),
        ("/**/**", RouteError::BeneathNotLast),
        ("/orders/*", RouteError::Star),
        ("/orders/*.json", RouteError::Star),
        ("/orders/a**", RouteError::Star),
        ("/orders/***", RouteError::Star),
        ("/{*}", RouteError::Star),
        ("/{id}.json", RouteError::Brace),
        ("/v{id}", RouteError::Brace),
        ("/{}", RouteError::Brace),
        ("/{id", RouteError::Brace),
        ("/id}", RouteError::Brace),
        ("/{{id}}", RouteError::Brace),
        ("/{a.b}", RouteError::Brace),
        ("/{%69d}", RouteError::Brace),
        ("/}{", RouteError::Brace),
        ("/{id}/lines/{id}", RouteError::RepeatedName("id".to_owned())),
        ("/orders/", PathRefusal::EmptySegment.into()),
        ("//", PathRefusal::EmptySegment.into()),
        ("/orders//{id}", PathRefusal::EmptySegment.into()),
        ("/orders/**/", PathRefusal::EmptySegment.into()),
        ("/orders/../admin", PathRefusal::DotSegment.into()),
        ("/%2e", PathRefusal::DotSegment.into()),
        ("/orders%2Fx", PathRefusal::EncodedSlash.into()),
        ("/orders;x", PathRefusal::Semicolon.into()),
        ("/orders\\x", PathRefusal::Backslash.into()),
        ("/orders?x=1", PathRefusal::QueryOrFragment.into()),
        ("/orders#x", PathRefusal::QueryOrFragment.into()),
        ("/orders\n", PathRefusal::ControlCharacter.into()),
        ("/orders%0a", PathRefusal::ControlCharacter.into()),
        ("/café", PathRefusal::NotAscii.into()),
        ("/%FF", PathRefusal::NotUtf8.into()),
        ("/100%", PathRefusal::PercentEncoding.into()),
        ("/%2541", PathRefusal::EncodedTwice.into()),
    ];
    for (bad, error) in refused {
        assert_eq!(bad.parse::<Route>(), Err(error), "{bad:?}");
    }
}

#[test]
fn what_is_asked_for_and_what_covers_it_are_shown_in_words() {
    let service = Requested::service("orders:list".parse().unwrap());
    assert_eq!(service.to_string(), "service orders:list");
    assert_eq!(service.method_and_path(), None);
    let request = Requested::request(
        "POST".parse().unwrap(),
        RequestPath::parse("/invoke/orders/list").unwrap(),
    );
    assert_eq!(request.to_string(), "POST /invoke/orders/list");
    assert_eq!(
        request.service_name().map(ServiceName::as_str),
        Some("orders:list")
    );

    let route_error = "/a/../b".parse::<Route>().unwrap_err();
    assert_eq!(
        route_error.to_string(),
        "a route for requests that are always denied: the path has a `.` or `..` segment"
    );
    assert_eq!(
        "/{id}.json".parse::<Route>().unwrap_err().to_string(),
        "a brace in a route: `{name}` (letters, digits, `_`, `-`) is a whole segment; literal braces are written %7B and %7D"
    );
    assert_eq!(
        "a\n".parse::<Folder>().unwrap_err().to_string(),
        r#"'\n' in a name: accepted are printable ASCII characters except space and .:/\;?#%*{},"<>`"#
    );
}

#[test]
fn only_nothing_is_empty() {
    let one = |text: &str| vec![text.to_owned()];
    assert!(Coverage::default().is_empty());
    assert!(!coverage(&one("orders"), &[], &[]).is_empty());
    assert!(!coverage(&[], &one("orders:list"), &[]).is_empty());
    assert!(!coverage(&[], &[], &one("/")).is_empty());
}

/// The rules once more, on texts and without regard to speed: the second opinion of the property tests.
mod naive {
    /// The path decoded, or nothing where it is denied.
    pub(super) fn normal(path: &str) -> Option<Vec<String>> {
        let lower = path.to_lowercase();
        let denied_texts = ["?", "#", "\\", ";", "%2f", "%5c", "%3b"];
        if !path.is_ascii() || denied_texts.iter().any(|text| lower.contains(text)) {
            return None;
        }
        let decoded = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .ok()?
            .into_owned();
        // A `%` that the lenient decoder left in place was not followed by two digits.
        if decoded.matches('%').count() != path.matches("%25").count() {
            return None;
        }
        let decodes_again = percent_encoding::percent_decode_str(&decoded).collect::<Vec<u8>>();
        if decodes_again != decoded.as_bytes() || decoded.chars().any(char::is_control) {
            return None;
        }
        if decoded == "/" {
            return Some(Vec::new());
        }
        let segments: Vec<String> = decoded.strip_prefix('/')?.split('/').map(str::to_owned).collect();
        let is_bad = |segment: &String| ["", ".", ".."].contains(&segment.as_str());
        (!segments.iter().any(is_bad)).then_some(segments)
    }

    pub(super) fn folder_covers(folder: &str, service: &str) -> bool {
        service.starts_with(&format!("{folder}.")) || service.starts_with(&format!("{folder}:"))
    }

    /// The service that a path spells.
    pub(super) fn implied(segments: &[String]) -> Option<String> {
        let joined = segments.join("/");
        let rest = joined.strip_prefix("invoke/")?;
        if rest.matches([':', '/']).count() != 1
            || !rest.is_ascii()
            || rest.contains([' ', '%', '*', '?', '{'])
        {
            return None;
        }
        let name = rest.replace('/', ":");
        let dots_are_fine = name.split([':', '.']).all(|segment| !segment.is_empty());
        (dots_are_fine && name.rfind('.') < name.find(':')).then_some(name)
    }

    pub(super) fn route_covers(route: &str, method: &str, segments: &[String]) -> bool {
        let (own, pattern) = match route.split_once(' ') {
            Some((own, pattern)) => (own, pattern),
            None => (method, route),
        };
        let method_fits = own == method || [own, method] == ["GET", "HEAD"];
        let steps: Vec<&str> = pattern.split('/').filter(|step| !step.is_empty()).collect();
        method_fits && path_fits(&steps, segments)
    }

    fn path_fits(steps: &[&str], segments: &[String]) -> bool {
        match (steps, segments) {
            ([], []) | (["**"], [_, ..]) => true,
            ([step, steps @ ..], [segment, segments @ ..]) => {
                let literal = percent_encoding::percent_decode_str(step).decode_utf8().unwrap();
                (step.starts_with('{') || literal == segment.as_str()) && path_fits(steps, segments)
            }
            _ => false,
        }
    }
}

/// A few of these, in order. Few and short, so that what is asked for is often nearly what is open.
fn some_of(
    words: &'static [&'static str],
    count: impl Into<prop::collection::SizeRange>,
) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(words), count)
}

fn folder() -> impl Strategy<Value = String> {
    some_of(&["a", "a", "b", "A", "aa"], 1..4).prop_map(|words| words.join("."))
}

fn service() -> impl Strategy<Value = String> {
    (folder(), some_of(&["a", "b", "x"], 1)).prop_map(|(folder, name)| format!("{folder}:{}", name[0]))
}

fn route() -> impl Strategy<Value = String> {
    let methods = some_of(&["", "", "GET ", "HEAD ", "POST "], 1);
    let steps = some_of(
        &[
            "a", "b", "%61", "A", "%2A", "%7Bx%7D", "{}", "{}", "invoke", "a:b",
        ],
        0..4,
    );
    (methods, steps, any::<bool>()).prop_map(|(method, steps, beneath)| {
        let mut path = String::new();
        for (number, step) in steps.iter().enumerate() {
            path.push('/');
            path.push_str(&step.replace("{}", &format!("{{n{number}}}")));
        }
        if beneath {
            path.push_str("/**");
        }
        if path.is_empty() {
            path.push('/');
        }
        format!("{}{path}", method[0])
    })
}

const PLAIN_SEGMENTS: &[&str] = &[
    "a", "b", "%61", "A", "*", "{x}", "invoke", "a:b", "a.b:a", "a.b", "aa", "a%3ab", "%C3%A9", "%25", "a ",
];

const TRICKS: &[&str] = &[
    "",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "...",
    "%2F",
    "a;b",
    "%3B",
    "\\",
    "%5c",
    "%00",
    "\t",
    "%7f",
    "%C2%85",
    "%",
    "%4",
    "%zz",
    "%FF",
    "é",
    "?",
    "#",
    "%2561",
    "%252e",
    "%25%36%31",
    "%2525",
    "%c0%ae",
];

fn joined(segments: &[&str]) -> String {
    segments
        .iter()
        .fold(String::new(), |path, segment| path + "/" + segment)
}

fn plain_path() -> impl Strategy<Value = String> {
    some_of(PLAIN_SEGMENTS, 1..5).prop_map(|segments| joined(&segments))
}

fn service_path() -> impl Strategy<Value = String> {
    (
        service(),
        prop::sample::select(&[":", "/", "%3A", ".", "//"]),
        prop::sample::select(&["", "", "", "/a", ".a", ":a"]),
    )
        .prop_map(|(service, colon, end)| format!("/invoke/{}{end}", service.replace(':', colon)))
}

fn tricky_path() -> impl Strategy<Value = String> {
    (
        some_of(PLAIN_SEGMENTS, 0..3),
        some_of(TRICKS, 0..3),
        some_of(PLAIN_SEGMENTS, 0..2),
    )
        .prop_map(|(before, tricks, after)| joined(&before) + &joined(&tricks) + &joined(&after))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn services_are_covered_as_the_naive_matcher_says(
        folders in prop::collection::vec(folder(), 0..4),
        services in prop::collection::vec(service(), 0..3),
        asked in service(),
    ) {
        let coverage = coverage(&folders, &services, &[]);
        let requested = Requested::service(asked.parse().unwrap());
        let naive = services.contains(&asked) || folders.iter().any(|own| naive::folder_covers(own, &asked));
        prop_assert_eq!(coverage.covers(&requested).is_some(), naive);
        for own in &coverage.folders {
            let service = asked.parse().unwrap();
            prop_assert_eq!(own.covers(&service), naive::folder_covers(own.as_str(), &asked));
        }
    }

    #[test]
    fn requests_are_covered_as_the_naive_matcher_says(
        folders in prop::collection::vec(folder(), 0..4),
        services in prop::collection::vec(service(), 0..4),
        routes in prop::collection::vec(route(), 0..4),
        method in prop::sample::select(&["GET", "HEAD", "POST", "get"]),
        path in prop_oneof![plain_path(), tricky_path(), service_path()],
    ) {
        let coverage = coverage(&folders, &services, &routes);
        let outcome = RequestPath::parse(&path);
        let naive = naive::normal(&path);
        prop_assert_eq!(outcome.as_ref().ok().map(|path| path.segments().to_vec()), naive.clone());
        if let (Ok(parsed_path), Some(segments)) = (outcome, naive) {
            let requested = Requested::request(method.parse().unwrap(), parsed_path);
            let implied = naive::implied(&segments);
            let by_service = implied.is_some_and(|asked| {
                services.contains(&asked) || folders.iter().any(|own| naive::folder_covers(own, &asked))
            });
            let by_route = routes.iter().any(|own| naive::route_covers(own, method, &segments));
            prop_assert_eq!(coverage.covers(&requested).is_some(), by_service || by_route);
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut path = b"/".to_vec();
        path.extend(&bytes);
        if let Ok(parsed) = RequestPath::parse(&path) {
            prop_assert_eq!(parsed.as_str().as_bytes(), &path[..]);
        }
        let text = String::from_utf8_lossy(&path);
        if let Ok(route) = text.parse::<Route>() {
            prop_assert_eq!(route.as_str(), &text[..]);
        }
    }
}
