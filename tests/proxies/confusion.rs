//! What a client may send to have one thing checked and another one served.

use std::net::SocketAddr;

use oauthctl::domain::coverage::{Coverage, Method, RequestPath, Requested};

use crate::service::Seen;
use crate::stage::{ROUTES, Stage};

/// Fields in which a client says that it asks for something else, or that the proxy should forget something.
const CLAIMS: [&str; 18] = [
    "X-Original-URI: /orders/17",
    "X-Original-Method: GET",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "X-Forwarded-Uri: /orders/17",
    "X-Forwarded-Method: GET",
    "X-Forwarded-Prefix: /orders",
    "X_Original_URI: /orders/17",
    "X_Forwarded_Uri: /orders/17",
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: DELETE",
    "Connection: close, X-OAuth-Client, X-Forwarded-Uri, X-Forwarded-Method, Authorization",
    "Connection: close, X-Original-URI, X-Original-Method, X-OAuth-Owner, X-OAuth-Scope, X-OAuth-Grant",
    "Upgrade: h2c",
    "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Forwarded: for=127.0.0.1;host=admin",
    "X-Forwarded-For: 127.0.0.1",
];

/// Fields of which nothing may reach the service.
const NEVER: [&str; 10] = [
    "X-Original-URI",
    "X-Original-Method",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Forwarded-Uri",
    "X-Forwarded-Method",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "Upgrade",
];

/// Targets that two programs may read in two ways.
pub(crate) const TARGETS: [&str; 50] = [
    "/files/../admin",
    "/files/%2e%2e/admin",
    "/files/%2E%2E%2Fadmin",
    "/files/..%2fadmin",
    "/files/..%5cadmin",
    "/files/..\\admin",
    "/files/.%2e/admin",
    "/files/a/../../admin",
    "/files/..;/admin",
    "/files/;/../admin",
    "/files/a;b",
    "/files/a%3bb",
    "//files/a",
    "/files//a",
    "/files/a/",
    "/files/./a",
    "/files/%2e/a",
    "/files/a%2fb",
    "/files/%252e%252e/admin",
    "/files/%00",
    "/files/a%00.txt",
    "/files/%0d%0aX-OAuth-Client:%20root",
    "/files/%c0%ae%c0%ae/admin",
    "/files/%ff",
    "/files/%",
    "/files/%zz",
    "/files/a%",
    "/files/a#b",
    "/files/a?/../../admin",
    "/files/a?path=/admin&method=GET&service=orders:list",
    "/files/a??x",
    "/files/%3f/../admin",
    "/files/a%3f/b",
    "/files/a%23/b",
    "/FILES/a",
    "/%66iles/a",
    "/files%2fa",
    "/admin?/files/a",
    "/admin#/files/a",
    "/admin/..;/files/a",
    "/admin/../files/a",
    "/admin/%2e%2e/files/a",
    "/./files/a",
    "/admin",
    "/orders/17/../../admin",
    "/orders/..",
    "/orders/%2e%2e",
    "/orders/17?_method=DELETE",
    "/_oauthctl_check",
    "/check?service=orders:list",
];

/// Targets that are no path, or that are a path after a host.
pub(crate) const FORMS: [&str; 9] = [
    "http://orders.example/files/a",
    "http://orders.example/admin",
    "http://orders.example/files/../admin",
    "http://orders.example",
    "http://orders.example?/files/a",
    "http://orders.example//files/a",
    "files/a",
    "*",
    "orders.example:443",
];

/// Whatever is sent: what reaches the service is what the scopes of the token cover, as the service reads it.
pub(crate) fn try_everything(stage: &Stage, at: SocketAddr) {
    let mut reached = 0;
    let mut send = |request: &str, fields: &[&str]| {
        let (answer, seen) = stage.ask(at, request, fields);
        assert!(seen.len() <= 1, "{request} {fields:?}: {seen:?}");
        // Go answers `OPTIONS *` by itself.
        let answered_itself = request == "OPTIONS *" && answer.body.is_empty();
        assert!(
            (answer.status == 200) == (seen.len() == 1) || answered_itself,
            "{request} {fields:?}: {answer:?} {seen:?}"
        );
        for seen in &seen {
            assert_covered(seen, &format!("{request} {fields:?}"));
        }
        reached += seen.len();
        answer.status
    };
    for target in TARGETS.iter().chain(&FORMS) {
        for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
            send(&format!("{method} {target}"), &[]);
        }
    }
    // Methods that no route of the token names, or that are none.
    for method in [
        "POST", "PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "GETT",
    ] {
        let status = send(&format!("{method} /orders/17"), &["Content-Length: 0"]);
        assert_ne!(status, 200, "{method}");
    }
    for claim in CLAIMS {
        let status = send("GET /admin", &[claim]);
        assert!(status >= 400, "{claim}: {status}");
        let status = send("DELETE /orders/17", &[claim]);
        assert!(status >= 400, "{claim}: {status}");
        // It takes nothing away from who may.
        assert_eq!(send("GET /orders/17", &[claim]), 200, "{claim}");
    }
    assert!(reached > CLAIMS.len(), "some of it is in order");
}

/// A service that decodes once, and one that decodes and tidies up until nothing changes, stay within the scope.
#[track_caller]
fn assert_covered(seen: &Seen, sent: &str) {
    let path = seen.target.split('?').next().unwrap();
    let parsed = RequestPath::parse(path).unwrap_or_else(|refusal| panic!("{sent}: {seen:?}: {refusal}"));
    let method: Method = seen.method.parse().unwrap();
    let coverage = Coverage {
        routes: ROUTES.iter().map(|route| route.parse().unwrap()).collect(),
        ..Coverage::default()
    };
    assert!(
        coverage.covers(&Requested::request(method, parsed)).is_some(),
        "{sent}: {seen:?}"
    );
    let tidy = tidied(path);
    assert!(
        tidy.starts_with("/files/") || tidy.starts_with("/orders/"),
        "{sent}: {seen:?}: {tidy}"
    );
    for name in NEVER {
        assert!(seen.variable(name).is_empty(), "{sent}: {name}: {seen:?}");
    }
    assert_eq!(
        seen.variable("X-OAuth-Client"),
        ["orders-web"],
        "{sent}: {seen:?}"
    );
    assert_eq!(seen.variable("X-OAuth-Owner"), ["alice"], "{sent}: {seen:?}");
    assert_eq!(seen.variable("X-OAuth-Scope").len(), 1, "{sent}: {seen:?}");
    assert_eq!(seen.variable("X-OAuth-Grant").len(), 1, "{sent}: {seen:?}");
}

/// The path as the most obliging of all services reads it.
fn tidied(path: &str) -> String {
    let mut text = path.to_owned();
    loop {
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
        let decoded = decoded.replace('\\', "/");
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in text.split('/') {
        match segment.split(';').next().unwrap() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}
