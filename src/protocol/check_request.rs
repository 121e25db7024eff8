//! What a check asks for: from the query of the check's URL, or from one pair of headers that a proxy set.

use crate::domain::coverage::{Method, NameError, RequestPath, Requested, ServiceName};
use crate::protocol::parameters::{self, Parameters};

/// The parameters that the check knows.
pub const KNOWN: [&str; 3] = ["service", "method", "path"];

/// A header as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header<'a> {
    /// Not there.
    Absent,
    /// There once.
    Once(&'a [u8]),
    /// There more than once.
    Repeated,
}

/// Method and path of the request that a proxy asks about.
#[derive(Debug, Clone, Copy)]
pub struct HeaderPair<'a> {
    /// `X-Original-Method` or `X-Forwarded-Method`.
    pub method: Header<'a>,
    /// `X-Original-URI` or `X-Forwarded-Uri`.
    pub uri: Header<'a>,
}

impl HeaderPair<'_> {
    fn is_absent(&self) -> bool {
        self.method == Header::Absent && self.uri == Header::Absent
    }
}

/// Which pair of headers is believed (`check.request_from`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFrom {
    /// Whichever is there; both at once, even one header of each, are refused, because proxies pass on what their
    /// caller sent.
    Either,
    /// `X-Original-Method` and `X-Original-URI` (nginx); the others are not read.
    Original,
    /// `X-Forwarded-Method` and `X-Forwarded-Uri` (Traefik, Caddy); the others are not read.
    Forwarded,
}

/// Who sent the headers, by the address of the connection (`check.trust_forwarded_from`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Somebody whose word counts: a proxy that says what its caller asked for.
    Trusted,
    /// Anybody else. Such a one may ask in its own words, the query; headers that speak for another are refused, and
    /// not ignored, so that a proxy that is not set up yet is noticed.
    Stranger,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Something that a scope may cover.
    For(Requested),
    /// Something that no scope ever covers, and why: it is denied, not repaired.
    ForNothing(String),
}

/// The check cannot be read: whoever set up the proxy has to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckRequestError {
    /// Neither query nor headers.
    #[error(
        "say what is asked for: service=, or method= and path= in the query, or X-Original-Method and X-Original-URI, or X-Forwarded-Method and X-Forwarded-Uri"
    )]
    Nothing,
    /// A parameter is repeated or not text, or both a service and a path are named.
    #[error("the query must hold service= once, or method= and path= once each")]
    Query,
    /// One half of a pair is missing.
    #[error("method and path come as a pair, and one of the two is missing")]
    Half,
    /// A header is repeated.
    #[error("a header that says what is asked for stands there more than once")]
    RepeatedHeader,
    /// The proxy gives its caller's query to the check as its own.
    #[error(
        "the query of the request stands in the URL of the check, where only the proxy's administrator may say what is asked for: end that URL with `?` (in Caddy: `uri /check?`)"
    )]
    ForeignQuery,
    /// Headers from an address that is not trusted.
    #[error(
        "headers say what is asked for, and they come from an address that is not in check.trust_forwarded_from; say it in the query, or add the address of your proxy there"
    )]
    Stranger,
    /// Headers of both pairs.
    #[error(
        "headers of both pairs, X-Original-* and X-Forwarded-*, are there: set check.request_from to the pair that your proxy sets"
    )]
    BothPairs,
}

/// Reads what is asked for. With a query, no header is asked: the proxy's administrator wrote that query. Where a header
/// tells that the proxy's caller wrote it, it is refused.
pub fn read(
    query: &str,
    original: HeaderPair<'_>,
    forwarded: HeaderPair<'_>,
    from: RequestFrom,
    sender: Sender,
) -> Result<Asked, CheckRequestError> {
    if [original.uri, forwarded.uri]
        .iter()
        .any(|uri| holds_query_of(query, *uri))
    {
        return Err(CheckRequestError::ForeignQuery);
    }
    let parameters = Parameters::parse(query.as_bytes(), &KNOWN);
    if parameters.first_flaw().is_some() {
        return Err(CheckRequestError::Query);
    }
    let get = |name| parameters.get(name);
    match (get("service"), get("method"), get("path")) {
        (Some(service), None, None) => return Ok(service_asked(service)),
        (None, Some(method), Some(path)) => {
            return Ok(if reads_in_one_way(query, path) {
                request_asked(method.as_bytes(), path.as_bytes())
            } else {
                Asked::ForNothing(
                    "the path in the query is not percent-encoded as a query needs it".to_owned(),
                )
            });
        }
        // A variable of the proxy that was empty must not leave the decision to headers, which its caller may write.
        (None, None, None) if parameters::names_any(query.as_bytes(), &KNOWN) => {
            return Err(CheckRequestError::Query);
        }
        (None, None, None) => {}
        (Some(_), ..) => return Err(CheckRequestError::Query),
        (None, ..) => return Err(CheckRequestError::Half),
    }
    let speaks_for_another = !(original.is_absent() && forwarded.is_absent());
    if speaks_for_another && sender == Sender::Stranger {
        return Err(CheckRequestError::Stranger);
    }
    let pair = match from {
        RequestFrom::Original => original,
        RequestFrom::Forwarded => forwarded,
        RequestFrom::Either if forwarded.is_absent() => original,
        RequestFrom::Either if original.is_absent() => forwarded,
        RequestFrom::Either => return Err(CheckRequestError::BothPairs),
    };
    match (pair.method, pair.uri) {
        (Header::Absent, Header::Absent) => Err(CheckRequestError::Nothing),
        (Header::Repeated, _) | (_, Header::Repeated) => Err(CheckRequestError::RepeatedHeader),
        (Header::Once(method), Header::Once(uri)) => {
            // The query of the request is not what scopes speak of.
            let path = uri.split(|&byte| byte == b'?').next().unwrap_or_default();
            Ok(request_asked(method, path))
        }
        _ => Err(CheckRequestError::Half),
    }
}

/// Whether the query of the request that a header tells of stands in the query of the check, and says something there.
///
/// Caddy keeps the query of its caller when it is told `uri /check` without a `?`: everybody could ask for what they may
/// have, and be served something else.
fn holds_query_of(query: &str, uri: Header<'_>) -> bool {
    let Header::Once(uri) = uri else { return false };
    let Some(at) = uri.iter().position(|&byte| byte == b'?') else {
        return false;
    };
    let foreign = &uri[at + 1..];
    // Between two `&`, or at an end.
    let whole = |text: &[u8]| [b"&", text, b"&"].concat();
    let (query, wanted) = (whole(query.as_bytes()), whole(foreign));
    parameters::names_any(foreign, &KNOWN) && query.windows(wanted.len()).any(|part| part == wanted)
}

/// Whether `path`, as it stands in the query, means the same to whoever encoded it for the query and to whoever did
/// not.
///
/// A proxy may be set up to write the path of its request into the query as it came (`path=$request_uri`). Then
/// decoding the query is one decoding too many: `/a%2Fb` would arrive as `/a/b`. Where the two readings differ the
/// answer is no.
fn reads_in_one_way(query: &str, path: &str) -> bool {
    let pairs = query.split('&');
    let written = pairs.clone().find_map(|pair| pair.strip_prefix("path="));
    match written {
        // Only what begins with a bare slash can have been written as it came. What follows an `&` in it stands there as
        // a parameter of its own, and the rest of the path would not be looked at.
        Some(written) if written.starts_with('/') => {
            // At which resource is asked (see `check_resource`) can stand in front of it only.
            let mut rest = pairs
                .clone()
                .skip_while(|pair| pair.starts_with("resource=") || pair.starts_with("method="));
            if !rest.all(|pair| pair.starts_with("path=") || pair.starts_with("method=")) {
                return false;
            }
            // A second one counts as absent where it is empty, and is a part of the path all the same.
            let is_there_once =
                |start: &str| pairs.clone().filter(|pair| pair.starts_with(start)).count() == 1;
            if !is_there_once("path=") || !is_there_once("method=") {
                return false;
            }
            // What does not parse is refused with its own reason.
            let Ok(decoded) = RequestPath::parse(path) else {
                return true;
            };
            RequestPath::parse(written).is_ok_and(|as_written| as_written.segments() == decoded.segments())
        }
        _ => true,
    }
}

/// A service by its name.
pub fn service_asked(name: &str) -> Asked {
    match name.parse::<ServiceName>() {
        Ok(service) => Asked::For(Requested::service(service)),
        Err(NameError::NotAService) => Asked::ForNothing(
            "the service name is not one: it is a folder, one `:` and a single segment, as in `orders.eu:list`"
                .to_owned(),
        ),
        Err(error) => Asked::ForNothing(format!("the service name is not one: {error}")),
    }
}

/// A request by its method and path.
pub fn request_asked(method: &[u8], path: &[u8]) -> Asked {
    let method = std::str::from_utf8(method)
        .ok()
        .and_then(|method| method.parse::<Method>().ok());
    let Some(method) = method else {
        return Asked::ForNothing("the method is not one".to_owned());
    };
    match RequestPath::parse(path) {
        Ok(path) => Asked::For(Requested::request(method, path)),
        Err(refusal) => Asked::ForNothing(format!("the path is not in normal form: {refusal}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: HeaderPair<'static> = HeaderPair {
        method: Header::Absent,
        uri: Header::Absent,
    };

    fn pair(method: &'static str, uri: &'static str) -> HeaderPair<'static> {
        HeaderPair {
            method: Header::Once(method.as_bytes()),
            uri: Header::Once(uri.as_bytes()),
        }
    }

    fn outcome(
        query: &str,
        original: HeaderPair<'_>,
        forwarded: HeaderPair<'_>,
        from: RequestFrom,
    ) -> Result<String, CheckRequestError> {
        read(query, original, forwarded, from, Sender::Trusted).map(shown)
    }

    fn shown(asked: Asked) -> String {
        match asked {
            Asked::ForNothing(_) => "nothing".into(),
            Asked::For(requested) => match requested.method_and_path() {
                Some((method, path)) => format!("{} {}", method.as_str(), path.as_str()),
                None => requested
                    .service_name()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            },
        }
    }

    #[test]
    fn the_query_comes_first_and_then_no_header_is_read() {
        let header = pair("GET", "/x");
        let ask = |query: &str| outcome(query, header, header, RequestFrom::Either);
        assert_eq!(ask("service=orders:list").as_deref(), Ok("orders:list"));
        assert_eq!(ask("method=GET&path=/orders/1").as_deref(), Ok("GET /orders/1"));
        assert_eq!(ask("service=orders").as_deref(), Ok("nothing"));
        assert_eq!(ask("method=GET&path=/a/../b").as_deref(), Ok("nothing"));
        assert_eq!(ask("method=G%20T&path=/a").as_deref(), Ok("nothing"));
        assert_eq!(
            ask("method=GET&path=%2Forders%2F1").as_deref(),
            Ok("GET /orders/1")
        );
        assert_eq!(ask("method=GET&path=/a%20b").as_deref(), Ok("GET /a b"));
        for differs in [
            "/a%2Fb",
            "/a+b",
            "/a%252Fb",
            "/a/%2e%2e",
            "/a?b",
            "%2Fa%252Fb",
            "%2Fa%2F..%2Fb",
        ] {
            assert_eq!(
                ask(&format!("method=GET&path={differs}")).as_deref(),
                Ok("nothing"),
                "{differs}"
            );
        }
        assert_eq!(
            ask("resource=https://a.example&method=GET&path=/orders/1").as_deref(),
            Ok("GET /orders/1")
        );
        for rest in [
            "&resource=https://a.example",
            "&/../../admin",
            "&x=1",
            "&service=",
            "&path=",
            "&method=",
            "&",
        ] {
            let query = format!("method=GET&path=/orders/1{rest}");
            assert_eq!(ask(&query).as_deref(), Ok("nothing"), "{query}");
            let query = format!("path=/orders/1{rest}&method=GET");
            assert_eq!(ask(&query).as_deref(), Ok("nothing"), "{query}");
        }
        for empty in ["service=", "method=&path=", "path=", "x=1&service"] {
            assert_eq!(ask(empty), Err(CheckRequestError::Query), "{empty}");
        }
        assert_eq!(ask("method=GET"), Err(CheckRequestError::Half));
        assert_eq!(ask("path=/a"), Err(CheckRequestError::Half));
        assert_eq!(ask("service=a:b&path=/a"), Err(CheckRequestError::Query));
        assert_eq!(ask("service=a:b&service=a:b"), Err(CheckRequestError::Query));
        assert_eq!(ask("path=/a&path=/b&method=GET"), Err(CheckRequestError::Query));
    }

    #[test]
    fn one_pair_of_headers_is_believed() {
        let (a, b) = (pair("GET", "/a?x=/../y"), pair("POST", "/b"));
        let ask = |original, forwarded, from| outcome("", original, forwarded, from);
        assert_eq!(ask(a, NONE, RequestFrom::Either).as_deref(), Ok("GET /a"));
        assert_eq!(ask(NONE, b, RequestFrom::Either).as_deref(), Ok("POST /b"));
        assert_eq!(ask(a, b, RequestFrom::Original).as_deref(), Ok("GET /a"));
        assert_eq!(ask(a, b, RequestFrom::Forwarded).as_deref(), Ok("POST /b"));
        assert_eq!(ask(a, b, RequestFrom::Either), Err(CheckRequestError::BothPairs));
        let half = HeaderPair {
            method: Header::Absent,
            ..b
        };
        assert_eq!(
            ask(a, half, RequestFrom::Either),
            Err(CheckRequestError::BothPairs)
        );
        assert_eq!(ask(NONE, half, RequestFrom::Either), Err(CheckRequestError::Half));
        assert_eq!(
            ask(NONE, b, RequestFrom::Original),
            Err(CheckRequestError::Nothing)
        );
        assert_eq!(
            ask(NONE, NONE, RequestFrom::Either),
            Err(CheckRequestError::Nothing)
        );
        let repeated = HeaderPair {
            uri: Header::Repeated,
            ..a
        };
        assert_eq!(
            ask(repeated, NONE, RequestFrom::Either),
            Err(CheckRequestError::RepeatedHeader)
        );
    }
    #[test]
    fn the_query_of_the_request_is_not_that_of_the_check() {
        for foreign in [
            "service=orders:list",
            "a=1&service=orders:list&b",
            "path=/a&method=GET",
            "service=",
        ] {
            let uri = format!("/admin?{foreign}");
            let told = HeaderPair {
                method: Header::Once(b"GET"),
                uri: Header::Once(uri.as_bytes()),
            };
            for query in [
                foreign.to_owned(),
                format!("{foreign}&x=1"),
                format!("x=1&{foreign}"),
            ] {
                for (original, forwarded) in [(told, NONE), (NONE, told)] {
                    for from in [RequestFrom::Either, RequestFrom::Original, RequestFrom::Forwarded] {
                        assert_eq!(
                            outcome(&query, original, forwarded, from),
                            Err(CheckRequestError::ForeignQuery),
                            "{query} {uri}"
                        );
                    }
                }
            }
            // A query that the administrator wrote, whatever the caller's is.
            let written = outcome("service=stock:count", NONE, told, RequestFrom::Either);
            assert_eq!(written.as_deref(), Ok("stock:count"), "{uri}");
        }
        let harmless = pair("GET", "/orders/1?x=1");
        let asked = outcome("x=1", NONE, harmless, RequestFrom::Either);
        assert_eq!(asked.as_deref(), Ok("GET /orders/1"));
    }

    #[test]
    fn a_stranger_speaks_for_itself_and_for_nobody_else() {
        let ask = |query, original, forwarded, from| {
            read(query, original, forwarded, from, Sender::Stranger).map(shown)
        };
        let (a, b) = (pair("GET", "/a"), pair("GET", "/b"));
        let half = HeaderPair {
            uri: Header::Absent,
            ..a
        };
        let repeated = HeaderPair {
            uri: Header::Repeated,
            ..a
        };
        for from in [RequestFrom::Either, RequestFrom::Original, RequestFrom::Forwarded] {
            for (original, forwarded) in [
                (a, NONE),
                (NONE, b),
                (a, b),
                (half, NONE),
                (NONE, half),
                (repeated, b),
            ] {
                assert_eq!(
                    ask("", original, forwarded, from),
                    Err(CheckRequestError::Stranger)
                );
                assert_eq!(
                    ask("service=orders:list", original, forwarded, from).as_deref(),
                    Ok("orders:list")
                );
                assert_eq!(
                    ask("path=", original, forwarded, from),
                    Err(CheckRequestError::Query)
                );
            }
            assert_eq!(ask("", NONE, NONE, from), Err(CheckRequestError::Nothing));
            assert_eq!(
                ask("method=GET&path=/a", NONE, NONE, from).as_deref(),
                Ok("GET /a")
            );
        }
    }
}
