//! Authorization requests that the listener takes, and that are too long for the forms which would carry them.

use serde_json::Value;

use crate::server::Server;

/// The longest that is answered, in bytes of the query.
const LONGEST: usize = 7168;

#[test]
fn a_request_that_is_too_long_is_explained_as_it_is_answered() {
    let server = Server::start(&["--dev"]);
    let good = server.variable("OAUTH_AUTHORIZE_URL");
    let (base, query) = good.split_once('?').unwrap();
    for (length, status) in [(LONGEST, 200), (LONGEST + 1, 400), (8000, 400), (8192, 414)] {
        // What is told of it later has no `state` of that length.
        let query = format!("{query}&ui_locales=");
        let url = format!("{base}?{query}{}", "x".repeat(length - query.len()));
        let answer = server.get(&url, &[]);
        assert_eq!(answer.status, status, "{length}");
        let output = server.command(&["explain", &url, "-o", "json"], "");
        assert_eq!(
            output.status.code(),
            Some(if status == 200 { 0 } else { 6 }),
            "{length}"
        );
        if status == 414 {
            continue;
        }
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = explained["checks"].as_array().unwrap();
        let failed: Vec<&Value> = checks
            .iter()
            .filter(|check| check["verdict"] == "failed")
            .collect();
        let shown = server.command(&["explain", "request", &answer.request_id], "");
        let shown = String::from_utf8(shown.stdout).unwrap();
        if status == 200 {
            assert_eq!(failed, [&Value::Null; 0], "{explained:#}");
            assert!(!shown.contains('✗'), "{shown}");
            continue;
        }
        assert_eq!(explained["outcome"], "page", "{explained:#}");
        assert_eq!(failed.len(), 1, "{explained:#}");
        let told = failed[0]["told"].as_str().unwrap();
        assert!(
            told.contains(&format!("{length} bytes")) && told.contains("7168"),
            "{told}"
        );
        assert!(shown.contains(&format!("✗ {:<22} {told}", "request")), "{shown}");
        assert!(!shown.contains("has the resource owner sign in"), "{shown}");
        let seen = server.told(&["explain", "request", &answer.request_id]);
        assert_eq!(seen["error"], "request_too_long", "{seen:#}");
    }
}
