//! Scripts of other origins: nothing that is answered is for them.

use crate::support::flow::{authorize, signed_in, tokens};
use crate::support::http::{agent, encode};
use crate::support::server::Server;

const ELSEWHERE: &str = "https://evil.example";

/// A browser shows a script of another origin an answer only where `Access-Control-*` allows it. There is no client in
/// a browser here (every client is confidential), so nothing does, whoever asks and whatever is asked for.
#[test]
fn no_answer_may_be_read_by_a_script_of_another_origin() {
    let server = Server::start();
    let client = server.home.client("orders", &[]);
    let mut browser = signed_in(&server);
    let tokens = tokens(&server, &mut browser, &client);
    let (bearer, basic) = (format!("Bearer {}", tokens.access), client.basic());
    let pairs: Vec<String> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = pairs.join("; ");
    let token = encode(&[("token", tokens.access.as_str())]);
    let authorize = authorize(&client);
    for (path, body, with) in [
        (authorize.as_str(), "", ("Cookie", cookies.as_str())),
        ("/account", "", ("Cookie", &cookies)),
        ("/token", "grant_type=refresh_token", ("Authorization", &basic)),
        ("/introspect", &token, ("Authorization", &basic)),
        ("/revoke", &token, ("Authorization", &basic)),
        ("/check?service=orders:list", "", ("Authorization", &bearer)),
        (
            "/.well-known/oauth-authorization-server",
            "",
            ("Cookie", &cookies),
        ),
        ("/healthz", "", ("Cookie", &cookies)),
        ("/nothing", "", ("Cookie", &cookies)),
    ] {
        let asked = [
            ("Origin", ELSEWHERE),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization"),
            with,
        ];
        for method in ["GET", "POST", "OPTIONS"] {
            let body = (method != "GET").then_some(body);
            let answer = agent().send(method, &server.url(path), &asked, body);
            for allows in ["Origin", "Credentials", "Headers", "Methods"] {
                let allowed = answer.header(&format!("Access-Control-Allow-{allows}"));
                assert_eq!(allowed, None, "{method} {path}");
            }
            assert!(
                method != "OPTIONS" || answer.status >= 400,
                "{method} {path}: {}",
                answer.status
            );
        }
    }
}
