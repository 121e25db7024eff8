use super::super::*;
fn s(t: &str) -> String {
    t.to_owned()
}
fn h() -> Vec<HiddenField> {
    vec![HiddenField {
        name: s("request"),
        value: s("k3m9"),
    }]
}
fn so() -> SignOut {
    SignOut {
        action: s("/logout"),
        hidden: h(),
    }
}
fn out(name: &str, html: Result<String, RenderError>) {
    std::fs::create_dir_all("/tmp/pages").unwrap();
    std::fs::write(format!("/tmp/pages/{name}.html"), html.unwrap()).unwrap();
}
#[test]
#[ignore]
fn write() {
    let p = Pages::new("Example Sign-in");
    let c = ClientView {
        name: s("Orders Web"),
        description: Some(s(
            "The order desk of Example GmbH: see, change and send orders from your browser.",
        )),
        return_to: s("https://orders.example.com"),
    };
    let scope = |n: &str, d: &str, f: &[&str], sv: &[&str], r: &[&str]| ScopeView {
        scope: s(n),
        description: s(d),
        folders: f.iter().map(|x| s(x)).collect(),
        services: sv.iter().map(|x| s(x)).collect(),
        routes: r.iter().map(|x| s(x)).collect(),
    };
    let si = SignIn {
        action: s("/authorize"),
        hidden: h(),
        client: Some(c.clone()),
        username: s(""),
        error: None,
    };
    out("signin", p.sign_in(&si));
    out(
        "signin_error",
        p.sign_in(&SignIn {
            username: s("alice"),
            error: Some(s("The username or the password is not right. Try again.")),
            ..si.clone()
        }),
    );
    out(
        "signin_account",
        p.sign_in(&SignIn {
            client: None,
            ..si.clone()
        }),
    );
    let ap = Approval {
        action: s("/approve"),
        hidden: h(),
        client: c.clone(),
        username: s("alice"),
        scopes: vec![
            scope(
                "orders.read",
                "Read your orders and their status",
                &["orders", "orders.eu"],
                &["shipping:track"],
                &["GET /orders/{id}", "GET /orders/**"],
            ),
            scope(
                "orders.write",
                "Place and change orders in your name",
                &[],
                &["orders:place", "orders:change"],
                &[],
            ),
            scope("profile", "", &[], &[], &[]),
        ],
        access_for: s("1 hour"),
        refresh: Some(s("30 days")),
        account_url: s("/account"),
        sign_out: so(),
    };
    out("approval", p.approval(&ap));
    out(
        "approval_open",
        p.approval(&ap).map(|x| x.replace("<details>", "<details open>")),
    );
    out(
        "approval_one",
        p.approval(&Approval {
            scopes: ap.scopes[..1].to_vec(),
            refresh: None,
            ..ap.clone()
        }),
    );
    let er = ErrorPage {
        status: 400,
        headline: s("This link does not lead back to a known place"),
        explanation: s(
            "Orders Web asked to be answered at an address that is not registered for it, so the request ends here. You did nothing wrong.",
        ),
        advice: Some(s(
            "Go back to Orders Web and tell the people who run it. If you are one of them, register the address or correct the request.",
        )),
        details: vec![
            Detail {
                label: s("Redirect URI that was sent"),
                values: vec![s("https://orders.example.com/oauth/callback/")],
            },
            Detail {
                label: s("Redirect URIs that are registered"),
                values: vec![
                    s("https://orders.example.com/oauth/callback"),
                    s("http://127.0.0.1:8080/callback"),
                ],
            },
        ],
        command: Some(s(
            "oauthctl client update orders-web-7k3m9q2x --add-redirect-uri 'https://orders.example.com/oauth/callback/'",
        )),
    };
    out("error", p.error(&er));
    out(
        "error_short",
        p.error(&ErrorPage {
            details: vec![],
            command: None,
            ..er.clone()
        }),
    );
    let g = |c: &str| GrantView {
        grant_id: s("01JD3K7M9Q2XA"),
        client: s(c),
        scopes: vec![
            s("Read your orders and their status"),
            s("Place and change orders in your name"),
        ],
        since: s("on 3 May 2026"),
        action: s("/account/revoke"),
        hidden: h(),
    };
    let ac = Account {
        username: s("alice"),
        grants: vec![g("Orders Web"), g("Warehouse Scanner")],
        sign_out: so(),
    };
    out("account", p.account(&ac));
    out(
        "account_empty",
        p.account(&Account {
            grants: vec![],
            ..ac.clone()
        }),
    );
    out("signed_out", p.signed_out(&SignedOut {}));
    let d = |st| DemoClient {
        client: s("Orders Web"),
        step: st,
        again_url: Some(s("/")),
    };
    let rc = |a, b| DemoStep::Received {
        code: s("oac_01JD3K7M9Q2XA…x7Qf"),
        state_matches: a,
        issuer: s("http://127.0.0.1:38211"),
        issuer_matches: b,
        action: s("/exchange"),
        hidden: h(),
    };
    out("demo_code", p.demo_client(&d(rc(true, true))));
    out("demo_code_bad", p.demo_client(&d(rc(false, false))));
    let kv = |k: &str, v: &str| Detail {
        label: s(k),
        values: vec![s(v)],
    };
    out(
        "demo_tokens",
        p.demo_client(&d(DemoStep::Exchanged {
            answer: vec![
                kv("access_token", "oat_01JD3K7M9Q2XA…x7Qf"),
                kv("token_type", "Bearer"),
                kv("expires_in", "3600"),
                kv("refresh_token", "ort_01JD3K7M9Q2XB…b21k"),
                kv("scope", "orders.read"),
            ],
        })),
    );
    out(
        "demo_refused",
        p.demo_client(&d(DemoStep::Refused {
            error: s("access_denied"),
            description: Some(s("the resource owner denied the request")),
        })),
    );
    // hostile
    let zalgo: String = "Z"
        .chars()
        .chain(std::iter::repeat_n('\u{0301}', 60))
        .chain("algo".chars())
        .collect();
    let hostile = |f: &str| {
        format!(
            "{f}<script>alert(1)</script>\u{202E}gnol \u{2067}אבג {zalgo} {}",
            "x".repeat(300)
        )
    };
    for (name, sample) in super::samples::all(&hostile) {
        out(
            &format!("hostile_{}", name.replace([',', ' '], "")),
            sample.render(&p),
        );
    }
    std::fs::write("/tmp/pages/csp.txt", p.content_security_policy()).unwrap();
}
