#![allow(clippy::too_many_lines, reason = "tables are long")]

use proptest::prelude::*;

use super::*;

fn uri(text: &str) -> RedirectUri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn accepted_and_kept_as_given() {
    let accepted = [
        // (URI, loopback http, host, origin)
        (
            "https://app.example/cb",
            false,
            "app.example",
            "https://app.example",
        ),
        ("https://app.example", false, "app.example", "https://app.example"),
        (
            "https://app.example/",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://app.example?from=oauth",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://App.Example/Cb",
            false,
            "App.Example",
            "https://App.Example",
        ),
        (
            "https://app.example:8443/cb?a=b&c=%20d/../e",
            false,
            "app.example",
            "https://app.example:8443",
        ),
        (
            "https://app.example:443/cb",
            false,
            "app.example",
            "https://app.example:443",
        ),
        (
            "https://app.example./cb",
            false,
            "app.example.",
            "https://app.example.",
        ),
        (
            "https://app.example/a%20b/%C3%A9//c/...",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://app.example/cb?x[]=1&y=*",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://app.example/~a-b_c!$&'()*+,;=:@",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://app.example/@evil.example",
            false,
            "app.example",
            "https://app.example",
        ),
        (
            "https://xn--bcher-kva.example/cb",
            false,
            "xn--bcher-kva.example",
            "https://xn--bcher-kva.example",
        ),
        ("https://my_host/cb", false, "my_host", "https://my_host"),
        ("https://192.0.2.1/cb", false, "192.0.2.1", "https://192.0.2.1"),
        (
            "https://[2001:db8::1]:8443/cb",
            false,
            "[2001:db8::1]",
            "https://[2001:db8::1]:8443",
        ),
        ("https://localhost/cb", false, "localhost", "https://localhost"),
        ("http://127.0.0.1/cb", true, "127.0.0.1", "http://127.0.0.1"),
        (
            "http://127.0.0.1:9000",
            true,
            "127.0.0.1",
            "http://127.0.0.1:9000",
        ),
        (
            "http://127.0.0.1:65535/cb",
            true,
            "127.0.0.1",
            "http://127.0.0.1:65535",
        ),
        ("http://[::1]:9/cb", true, "[::1]", "http://[::1]:9"),
        ("http://[::1]/cb", true, "[::1]", "http://[::1]"),
        (
            "http://localhost:3000/cb?x=1",
            true,
            "localhost",
            "http://localhost:3000",
        ),
    ];
    for (text, is_loopback_http, host, origin) in accepted {
        let uri = uri(text);
        assert_eq!(uri.as_str(), text);
        assert_eq!(uri.to_string(), text);
        assert_eq!(uri.is_loopback_http(), is_loopback_http, "{text}");
        assert_eq!(uri.host(), host);
        assert_eq!(uri.origin(), origin);
        assert_eq!(uri.accept(text).unwrap().origin(), origin);
    }
}

#[test]
fn refused() {
    use RedirectUriError as E;
    let host_spelling = |host: &str| E::HostSpelling(host.to_owned());
    let path_spelling = |path: &str| E::PathSpelling(path.to_owned());
    let refused = [
        ("", E::Length(0)),
        ("https://app.example/a b", E::Character(' ')),
        (" https://app.example/", E::Character(' ')),
        ("https://app.example/\r\nX: y", E::Character('\r')),
        ("https://app.example/\t", E::Character('\t')),
        ("https://app.example/\0", E::Character('\0')),
        ("https://app.example/cafe\u{301}", E::Character('\u{301}')),
        ("https://\u{44f}.example/", E::Character('\u{44f}')),
        ("https://app.example\\@evil.example/", E::Character('\\')),
        ("https:\\\\app.example/", E::Character('\\')),
        ("https://app.example/\"><script>", E::Character('"')),
        ("https://app.example/<b>", E::Character('<')),
        ("https://app.example/{id}", E::Character('{')),
        ("https://app.example/a|b", E::Character('|')),
        ("https://app.example/%", E::PercentEncoding),
        ("https://app.example/%4", E::PercentEncoding),
        ("https://app.example/?x=%zz", E::PercentEncoding),
        ("https://app.example/%%41", E::PercentEncoding),
        ("app.example/cb", E::Scheme),
        ("/cb", E::Scheme),
        ("//app.example/cb", E::Scheme),
        ("com.example.app:/cb", E::Scheme),
        ("com.example.app://cb", E::Scheme),
        ("javascript:alert(1)", E::Scheme),
        ("data:text/html,x", E::Scheme),
        ("ftp://app.example/cb", E::Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", E::Scheme),
        ("HTTPS://app.example/cb", E::Scheme),
        ("Http://127.0.0.1/cb", E::Scheme),
        ("https:/app.example/cb", E::Scheme),
        ("https:app.example/cb", E::Scheme),
        ("https://app.example/cb#", E::Fragment),
        ("https://app.example/cb#x", E::Fragment),
        ("https://app.example#x", E::Fragment),
        ("http://localhost:80#x", E::Fragment),
        ("http://127.0.0.1#@evil.example/", E::Fragment),
        ("https://me@app.example/cb", E::UserInformation),
        ("https://me:secret@app.example/cb", E::UserInformation),
        ("https://@app.example/cb", E::UserInformation),
        ("https://:@app.example/cb", E::UserInformation),
        ("https://app.example@evil.example/cb", E::UserInformation),
        ("http://127.0.0.1:9000@evil.example/", E::UserInformation),
        ("http://[::1]@evil.example/", E::UserInformation),
        ("http://[::1]:9@evil.example/", E::UserInformation),
        ("https://*.app.example/cb", E::Wildcard),
        ("https://*/cb", E::Wildcard),
        ("https://", E::Host),
        ("https:///app.example/cb", E::Host),
        ("https://?x", E::Host),
        ("https://:8443/cb", E::Host),
        ("https://app.ex%61mple/cb", E::Host),
        ("https://app,example/cb", E::Host),
        ("https://[::1/cb", E::Host),
        ("https://::1/cb", E::Host),
        ("https://x[::1]/cb", E::Host),
        ("http://app.example/cb", E::HttpBeyondLoopback),
        ("http://127.0.0.1.evil.example/", E::HttpBeyondLoopback),
        ("http://localhost.evil.example/", E::HttpBeyondLoopback),
        ("http://localhost./cb", E::HttpBeyondLoopback),
        ("http://LOCALHOST/cb", E::HttpBeyondLoopback),
        ("http://sub.localhost/cb", E::HttpBeyondLoopback),
        ("http://127.0.0.2/cb", E::HttpBeyondLoopback),
        ("http://127.1/cb", E::HttpBeyondLoopback),
        ("http://0x7f000001/cb", E::HttpBeyondLoopback),
        ("http://2130706433/cb", E::HttpBeyondLoopback),
        ("http://0.0.0.0/cb", E::HttpBeyondLoopback),
        ("http://[::]/cb", E::HttpBeyondLoopback),
        ("http://[0:0:0:0:0:0:0:1]/cb", E::HttpBeyondLoopback),
        ("http://[::ffff:127.0.0.1]/cb", E::HttpBeyondLoopback),
        ("https://127.1/cb", host_spelling("127.0.0.1")),
        ("https://0x7f.1/cb", host_spelling("127.0.0.1")),
        ("https://[2001:DB8:0::1]/cb", host_spelling("[2001:db8::1]")),
        ("http://127.0.0.1:/", E::Port),
        ("http://127.0.0.1:0/", E::Port),
        ("http://127.0.0.1:0080/", E::Port),
        ("http://127.0.0.1:65536/", E::Port),
        ("http://127.0.0.1:+80/", E::Port),
        ("http://127.0.0.1:-1/", E::Port),
        ("http://127.0.0.1:80a/", E::Port),
        ("http://127.0.0.1:80:90/", E::Port),
        ("http://127.0.0.1:99999999999999999999/", E::Port),
        ("http://[::1]9/cb", E::Host),
        ("https://app.example:*/cb", E::Port),
        ("https://app.example/a/../b", path_spelling("/b")),
        ("https://app.example/a/./b", path_spelling("/a/b")),
        ("https://app.example/..", path_spelling("/")),
        ("https://app.example/a/.", path_spelling("/a/")),
        ("https://app.example/a/%2e%2E/b", path_spelling("/b")),
        ("https://app.example/a/.%2e/b?x=1", path_spelling("/b")),
        (
            "https://256.1.1.1/cb",
            E::Malformed(url::ParseError::InvalidIpv4Address),
        ),
        (
            "https://[::g]/cb",
            E::Malformed(url::ParseError::InvalidIpv6Address),
        ),
        ("https://xn--zzzzzz/cb", E::Malformed(url::ParseError::IdnaError)),
    ];
    for (text, error) in refused {
        assert_eq!(text.parse::<RedirectUri>(), Err(error), "{text:?}");
    }
}

#[test]
fn the_length_ends_where_it_says() {
    let of = |length: usize| format!("https://a/{}", "b".repeat(length - 10)).parse::<RedirectUri>();
    assert!(of(MAX_REDIRECT_URI_BYTES).is_ok());
    assert_eq!(
        of(MAX_REDIRECT_URI_BYTES + 1),
        Err(RedirectUriError::Length(MAX_REDIRECT_URI_BYTES + 1))
    );
}

#[test]
fn errors_say_what_is_accepted() {
    let said = |text: &str| text.parse::<RedirectUri>().unwrap_err().to_string();
    assert_eq!(
        said("http://app.example/cb"),
        "http is accepted for 127.0.0.1, [::1] and localhost only, exactly so spelled; use https"
    );
    assert_eq!(
        said("https://app.example/a/../b"),
        "a browser reads the path of this redirect URI as `/b`: write it so, without `.` and `..` segments"
    );
    assert_eq!(
        said("https://app.example/{id}"),
        "'{' in a redirect URI: accepted are the characters of RFC 3986, so no spaces, quotes, backslashes, `<>^`{|}` or letters beyond ASCII; anything else is percent-encoded"
    );
}

#[test]
fn what_is_presented_is_compared_as_a_string() {
    let registered = uri("https://app.example/cb?x=1");
    let different = [
        "",
        "https://app.example/cb",
        "https://app.example/cb?x=1&y=2",
        "https://app.example/cb?x=2",
        "https://app.example/cb?X=1",
        "https://app.example/cb/?x=1",
        "https://app.example/cb?x=1#",
        "https://app.example/cb?x=1 ",
        " https://app.example/cb?x=1",
        "https://app.example/%63b?x=1",
        "https://app.example/./cb?x=1",
        "https://app.example:443/cb?x=1",
        "https://app.example:8443/cb?x=1",
        "https://App.example/cb?x=1",
        "https://app.example./cb?x=1",
        "HTTPS://app.example/cb?x=1",
        "http://app.example/cb?x=1",
        "https://app.example@evil.example/cb?x=1",
        "https://app.example.evil.example/cb?x=1",
    ];
    for presented in different {
        assert!(!registered.matches(presented), "{presented:?}");
    }
    assert!(registered.matches("https://app.example/cb?x=1"));
}

#[test]
fn on_loopback_http_the_port_may_differ_and_nothing_else() {
    for registered in ["http://127.0.0.1/cb?x=1", "http://127.0.0.1:9000/cb?x=1"] {
        let registered = uri(registered);
        let accepted = [
            "http://127.0.0.1/cb?x=1",
            "http://127.0.0.1:1/cb?x=1",
            "http://127.0.0.1:80/cb?x=1",
            "http://127.0.0.1:9000/cb?x=1",
            "http://127.0.0.1:65535/cb?x=1",
        ];
        for presented in accepted {
            assert_eq!(registered.accept(presented).unwrap().as_str(), presented);
        }
        let refused = [
            "http://127.0.0.1:/cb?x=1",
            "http://127.0.0.1:0/cb?x=1",
            "http://127.0.0.1:0080/cb?x=1",
            "http://127.0.0.1:65536/cb?x=1",
            "http://127.0.0.1:+80/cb?x=1",
            "http://127.0.0.1: 80/cb?x=1",
            "http://127.0.0.1:8\u{663}/cb?x=1",
            "http://127.0.0.1:80:90/cb?x=1",
            "http://127.0.0.1:9000@evil.example/cb?x=1",
            "http://127.0.0.1:9000\\@evil.example/cb?x=1",
            "http://127.0.0.1@evil.example/cb?x=1",
            "http://me@127.0.0.1:9000/cb?x=1",
            "http://127.0.0.1.evil.example/cb?x=1",
            "http://127.0.0.1.evil.example:9000/cb?x=1",
            "http://127.0.0.1:9000/cb",
            "http://127.0.0.1:9000/cb?x=2",
            "http://127.0.0.1:9000/cb?x=1#",
            "http://127.0.0.1:9000/cb/?x=1",
            "http://127.0.0.1:9000/../cb?x=1",
            "http://127.0.0.1:9000//cb?x=1",
            "http://127.0.0.1:9000/CB?x=1",
            "http://127.1:9000/cb?x=1",
            "http://127.0.0.2:9000/cb?x=1",
            "http://localhost:9000/cb?x=1",
            "http://[::1]:9000/cb?x=1",
            "https://127.0.0.1:9000/cb?x=1",
            "HTTP://127.0.0.1:9000/cb?x=1",
            "http:/127.0.0.1:9000/cb?x=1",
        ];
        for presented in refused {
            assert!(!registered.matches(presented), "{presented:?}");
        }
    }
}

#[test]
fn on_every_loopback_host_the_port_may_differ() {
    let rows = [
        ("http://[::1]:9/cb", "http://[::1]:4000/cb", true),
        ("http://[::1]/cb", "http://[::1]:9/cb", true),
        ("http://[::1]:9/cb", "http://[::1]9/cb", false),
        ("http://[::1]:9/cb", "http://[::1:9]/cb", false),
        ("http://localhost/cb", "http://localhost:3000/cb", true),
        ("http://localhost/cb", "http://Localhost:3000/cb", false),
        ("http://localhost", "http://localhost:3000", true),
        ("http://localhost", "http://localhost:3000/", false),
        ("http://localhost", "http://localhost:3000@evil.example", false),
        ("http://localhost", "http://localhost.evil.example", false),
        ("http://localhost?x", "http://localhost:1?x", true),
        ("https://localhost/cb", "https://localhost:3000/cb", false),
        ("https://127.0.0.1:8443/cb", "https://127.0.0.1:9443/cb", false),
    ];
    for (registered, presented, matches) in rows {
        assert_eq!(
            uri(registered).matches(presented),
            matches,
            "{registered} {presented}"
        );
    }
}

#[test]
fn parameters_are_appended_to_whatever_is_there() {
    let rows = [
        (
            "https://app.example/cb",
            "https://app.example/cb?code=oac_1&state=a+b",
        ),
        ("https://app.example", "https://app.example?code=oac_1&state=a+b"),
        (
            "https://app.example/cb?",
            "https://app.example/cb?code=oac_1&state=a+b",
        ),
        (
            "https://app.example/cb?x=%2f+y",
            "https://app.example/cb?x=%2f+y&code=oac_1&state=a+b",
        ),
        (
            "https://app.example/cb?x&",
            "https://app.example/cb?x&code=oac_1&state=a+b",
        ),
        (
            "https://app.example/cb?x?",
            "https://app.example/cb?x?&code=oac_1&state=a+b",
        ),
    ];
    for (registered, expected) in rows {
        let accepted = uri(registered).accept(registered).unwrap();
        assert_eq!(
            accepted.with_parameters(&[("code", "oac_1"), ("state", "a b")]),
            expected
        );
        assert_eq!(accepted.with_parameters(&[]), registered);
        assert_eq!(accepted.to_string(), registered);
    }
    let accepted = uri("http://127.0.0.1/cb")
        .accept("http://127.0.0.1:4711/cb")
        .unwrap();
    assert_eq!(
        accepted.with_parameters(&[("state", "&=#?%\r\n\"é"), ("iss", "https://as.example")]),
        "http://127.0.0.1:4711/cb?state=%26%3D%23%3F%25%0D%0A%22%C3%A9&iss=https%3A%2F%2Fas.example"
    );
}

/// Texts that are redirect URIs, or nearly: mostly good parts, so that the whole is often good.
fn nearly() -> impl Strategy<Value = String> {
    let one_of = |good: &'static [&'static str], odd: &'static [&'static str]| prop_oneof![9 => prop::sample::select(good), 1 => prop::sample::select(odd)];
    let origin = one_of(
        &[
            "http://127.0.0.1",
            "http://[::1]",
            "http://localhost",
            "https://app.example",
            "https://App.Example",
        ],
        &[
            "HTTP://127.0.0.1",
            "https:/app.example",
            "http://app.example",
            "https://",
            "https://127.1",
            "http://[::1",
        ],
    );
    let port = one_of(&["", ":1", ":9000", ":65535"], &[":0", ":080", ":", ":1@x", "@x"]);
    let path = one_of(
        &["", "/", "/cb", "/%63b", "/a//b", "/...", "/a'*@:"],
        &["a", "/..", "/a/%2e/b", "/<"],
    );
    let query = one_of(
        &["", "?", "?x=1", "?x&", "?a=/../b?", "?x='", "?[]=*"],
        &["#", "?x#y", "?{}", "?%"],
    );
    (origin, port, path, query).prop_map(|(origin, port, path, query)| format!("{origin}{port}{path}{query}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_parsed_is_kept_matches_itself_and_reads_as_it_is_written(text in nearly()) {
        if let Ok(uri) = text.parse::<RedirectUri>() {
            prop_assert_eq!(uri.as_str(), &text);
            prop_assert!(uri.matches(&text));
            let read = Url::parse(&text).unwrap();
            prop_assert_eq!(read.host_str().unwrap(), uri.host().to_lowercase());
            prop_assert!(read.fragment().is_none() && read.username().is_empty() && read.password().is_none());
            prop_assert!(text.starts_with(uri.origin()));
            let read_origin = Url::parse(uri.origin()).unwrap().origin();
            prop_assert_eq!(read_origin, read.origin());
        }
    }

    #[test]
    fn what_matches_is_a_redirect_uri_to_the_same_place(
        registered in nearly(),
        other in nearly(),
        port in "(:[0-9@+]{0,6})?",
    ) {
        if let Ok(uri) = registered.parse::<RedirectUri>() {
            let parts = |text: &str| {
                let mut url = Url::parse(text).unwrap();
                url.set_port(None).unwrap();
                url
            };
            // Some other URI, and this one with another port.
            let (before, rest) = registered.split_at(uri.origin().len());
            let host_end = before.rfind(uri.host()).unwrap() + uri.host().len();
            for presented in [other, format!("{}{port}{rest}", &before[..host_end])] {
                if uri.matches(&presented) {
                    prop_assert!(presented.parse::<RedirectUri>().is_ok(), "{presented}");
                    prop_assert_eq!(parts(&registered), parts(&presented));
                    prop_assert!(uri.is_loopback_http() || presented == registered);
                } else {
                    // What is refused on loopback is no URI at all, or another host, scheme, path or query.
                    let port_alone = presented.parse::<RedirectUri>().is_ok_and(|it| {
                        it.is_loopback_http() && it.host() == uri.host() && &presented[it.origin().len()..] == rest
                    });
                    prop_assert!(!(uri.is_loopback_http() && port_alone), "{presented}");
                }
            }
        }
    }

    #[test]
    fn parameters_come_back_and_the_registered_part_stays(
        text in nearly(),
        parameters in prop::collection::vec(("[a-z_]{1,8}", any::<String>()), 0..4),
    ) {
        if let Some(accepted) = text.parse::<RedirectUri>().ok().and_then(|uri| uri.accept(&text)) {
            let borrowed: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let target = accepted.with_parameters(&borrowed);
            prop_assert!(target.starts_with(&text));
            prop_assert!(target.bytes().all(|b| b.is_ascii_graphic()));
            let read = Url::parse(&target).unwrap();
            prop_assert!(read.fragment().is_none());
            let mut expected: Vec<_> = Url::parse(&text).unwrap().query_pairs().into_owned().collect();
            expected.extend(parameters);
            prop_assert_eq!(read.query_pairs().into_owned().collect::<Vec<_>>(), expected);
        }
    }
}
