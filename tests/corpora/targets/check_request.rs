//! What a check asks for: the query on the first line, then a header a line, `om`, `ou`, `fm` or `fu` and its value
//! (`X-Original-Method`, `X-Original-URI`, `X-Forwarded-Method`, `X-Forwarded-Uri`).

use oauthctl::domain::coverage::RequestPath;
use oauthctl::protocol::check_request::{
    Asked, CheckRequestError, Header, HeaderPair, KNOWN, RequestFrom, Sender, read,
};
use oauthctl::protocol::parameters::{Parameters, names_any};

use super::naive;

pub(super) fn run(input: &[u8]) {
    let (query, rest) = super::first_line(input);
    let Some(query) = super::text(query) else { return };
    let mut headers = [Header::Absent; 4];
    for line in rest.split(|byte| *byte == b'\n') {
        let at = match line {
            [b'o', b'm', ..] => 0,
            [b'o', b'u', ..] => 1,
            [b'f', b'm', ..] => 2,
            [b'f', b'u', ..] => 3,
            _ => continue,
        };
        headers[at] = match headers[at] {
            Header::Absent => Header::Once(&line[2..]),
            _ => Header::Repeated,
        };
    }
    let original = HeaderPair {
        method: headers[0],
        uri: headers[1],
    };
    let forwarded = HeaderPair {
        method: headers[2],
        uri: headers[3],
    };
    let none = HeaderPair {
        method: Header::Absent,
        uri: Header::Absent,
    };
    let speaks = headers.iter().any(|header| *header != Header::Absent);
    let in_query = names_any(query.as_bytes(), &KNOWN);
    let asked = |original, forwarded, from, sender| read(query, original, forwarded, from, sender);

    for from in [RequestFrom::Either, RequestFrom::Original, RequestFrom::Forwarded] {
        let found = asked(original, forwarded, from, Sender::Trusted);
        let stranger = asked(original, forwarded, from, Sender::Stranger);
        match &found {
            Ok(asked) => assert_asked(asked),
            Err(error) => super::assert_message(&error.to_string()),
        }
        if in_query {
            // The query is the administrator's: headers can make it refused, and never anything else.
            let alone = asked(none, none, from, Sender::Stranger);
            assert!(shown(&found) == shown(&alone) || matches!(found, Err(CheckRequestError::ForeignQuery)));
            assert_eq!(shown(&stranger), shown(&found));
        } else if speaks {
            assert!(stranger.is_err(), "a stranger's header is believed: {stranger:?}");
        } else {
            assert!(matches!(found, Err(CheckRequestError::Nothing)), "{found:?}");
        }
    }
    // Headers of both pairs are never chosen between, unless somebody has chosen.
    let both = [original, forwarded]
        .iter()
        .all(|pair| (pair.method, pair.uri) != (Header::Absent, Header::Absent));
    if both && !in_query {
        assert!(asked(original, forwarded, RequestFrom::Either, Sender::Trusted).is_err());
    }
    if let (false, (Header::Once(_), Header::Once(uri))) = (in_query, (original.method, original.uri)) {
        let path = uri.split(|byte| *byte == b'?').next().unwrap();
        let found = asked(original, forwarded, RequestFrom::Original, Sender::Trusted);
        if let Ok(Asked::For(requested)) = &found {
            let (_, found) = requested.method_and_path().unwrap();
            assert_eq!(found.as_str().as_bytes(), path);
            assert_eq!(Some(found.segments().to_vec()), naive::normal(path));
        }
    }
    assert_no_decoding_too_many(query);
}

fn shown(found: &Result<Asked, CheckRequestError>) -> String {
    match found {
        Ok(Asked::For(requested)) => requested.to_string(),
        Ok(Asked::ForNothing(_)) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn assert_asked(asked: &Asked) {
    match asked {
        Asked::ForNothing(why) => super::assert_message(why),
        Asked::For(requested) => {
            if let Some((method, path)) = requested.method_and_path() {
                assert!(RequestPath::parse(path.as_str()).as_ref() == Ok(path));
                assert!(!method.as_str().is_empty());
            }
        }
    }
}

/// A path that a proxy writes into the query as it came is taken for what it is, or for nothing.
fn assert_no_decoding_too_many(path: &str) {
    if !path.starts_with('/') || path.contains(['\r', '\n']) {
        return;
    }
    let none = HeaderPair {
        method: Header::Absent,
        uri: Header::Absent,
    };
    let query = format!("method=GET&path={path}");
    let found = read(&query, none, none, RequestFrom::Either, Sender::Stranger);
    let Ok(Asked::For(requested)) = found else { return };
    let (_, found) = requested.method_and_path().unwrap();
    // One more decoding, as the query has it, made no difference.
    let parameters = Parameters::parse(query.as_bytes(), &KNOWN);
    assert_eq!(parameters.get("path"), Some(found.as_str()));
    assert_eq!(
        Some(found.segments().to_vec()),
        naive::normal(path.as_bytes()),
        "{path:?}"
    );
}
