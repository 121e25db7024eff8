//! The pages as people see them, and with names that somebody chose to deceive.

use oauthctl::http::pages::{
    Account, Approval, ClientView, DemoClient, DemoStep, Detail, ErrorPage, GrantView, HiddenField, Pages,
    PasswordForm, RememberedView, ScopeView, SignIn, SignOut, SignedOut, Spoken,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn hidden() -> Vec<HiddenField> {
    vec![HiddenField {
        name: text("form_token"),
        value: text("token"),
    }]
}

fn sign_out() -> SignOut {
    SignOut {
        action: text("/logout"),
        hidden: hidden(),
    }
}

fn client() -> ClientView {
    ClientView {
        name: text("Orders Web"),
        description: Some(text("Shows the orders of your shop, and prints their invoices.")),
        return_to: text("https://orders.example.com"),
    }
}

fn sign_in() -> SignIn {
    SignIn {
        action: text("/authorize"),
        hidden: hidden(),
        client: Some(client()),
        username: String::new(),
        error: None,
    }
}

fn scope(scope: &str, description: &str, opened: [&[&str]; 3]) -> ScopeView {
    let [folders, services, routes] = opened.map(|names| names.iter().copied().map(text).collect());
    ScopeView {
        scope: text(scope),
        description: text(description),
        folders,
        services,
        routes,
    }
}

fn approval(spoken: Spoken<'_>) -> Approval {
    let days = |days: u64| spoken.span(std::time::Duration::from_secs(days * 86_400));
    Approval {
        action: text("/authorize"),
        hidden: hidden(),
        client: client(),
        username: text("alice"),
        scopes: vec![
            scope(
                "orders:read",
                "Read your orders",
                [&["orders", "archive.orders"], &[], &["GET /orders/**"]],
            ),
            scope(
                "invoices:print",
                "Print your invoices",
                [&[], &["billing.invoice:print"], &[]],
            ),
            scope("stock", "See what is in stock", [&["warehouse.stock"], &[], &[]]),
        ],
        resources: Vec::new(),
        remember: Some(text("token")),
        access_for: spoken.span(std::time::Duration::from_secs(3600)),
        refresh: Some(days(30)),
        account_url: text("/account"),
        sign_out: sign_out(),
    }
}

/// Names that are long, run the other way, or look like markup.
fn hostile(spoken: Spoken<'_>) -> Approval {
    Approval {
        client: ClientView {
            name: format!("{}\u{202E}<b>bank</b>", "Wichtig".repeat(40)),
            description: Some("דף כניסה של הבנק שלך ".repeat(40)),
            return_to: format!("https://bank.example.com.{}attacker.example", "a.".repeat(60)),
        },
        username: "x".repeat(255),
        scopes: vec![scope(
            &"scope".repeat(40),
            &"Everything ".repeat(80),
            [&[&"folder".repeat(40)], &[], &[]],
        )],
        resources: vec![format!("https://api.example.com/{}", "path/".repeat(40)); 3],
        refresh: None,
        ..approval(spoken)
    }
}

/// A client that asks for a lot.
fn crowded(spoken: Spoken<'_>) -> Approval {
    let folders: Vec<String> = (1..=12).map(|year| format!("archive.year{year:02}")).collect();
    let scopes = (1..=20).map(|number| ScopeView {
        scope: format!("archive:{number}"),
        description: format!("Read shelf {number} of the archive"),
        folders: folders.clone(),
        services: vec![format!("archive.shelf{number}:list")],
        routes: vec![format!("GET /archive/{number}/**")],
    });
    Approval {
        scopes: scopes.collect(),
        ..approval(spoken)
    }
}

fn error(spoken: Spoken<'_>) -> ErrorPage {
    let problem = |part: &str| spoken.text(&format!("problem.unregistered_redirect_uri{part}"), &[]);
    let sent = |name: &str, value: &str| Detail {
        label: spoken.text("detail.sent", &[("name", name)]),
        values: vec![text(value)],
    };
    ErrorPage {
        status: 400,
        headline: problem(""),
        explanation: problem("_what"),
        fault: problem("_fault"),
        advice: problem("_advice"),
        details: vec![
            sent("client_id", "orders-web-7k3m9q2x"),
            sent("redirect_uri", "https://orders.example.com/callback"),
            Detail {
                label: spoken.text("detail.registered", &[]),
                values: vec![
                    text("https://orders.example.com/cb"),
                    text("http://127.0.0.1:3000/cb"),
                ],
            },
        ],
        instead: Some(text("redirect_uri=http://127.0.0.1:9000/callback")),
        command_shows: false,
        explain: None,
        command: Some(text(
            "oauthctl client update orders-web-7k3m9q2x --add-redirect-uri https://orders.example.com/callback",
        )),
        request_id: text("01k3v9zq4m7h2"),
    }
}

fn grant(spoken: Spoken<'_>, client: &str, scopes: Vec<ScopeView>, date: &str) -> GrantView {
    let on = |key: &str, date: &str| spoken.text(key, &[("date", date)]);
    GrantView {
        grant_id: text("01k3v9zq4m7h2"),
        client: text(client),
        scopes,
        resources: Vec::new(),
        since: on("account.since", date),
        last_used: Some(on("account.last_used_on", "2026-11-22")),
        until: on("account.until", "2026-12-22"),
        action: text("/account"),
        hidden: hidden(),
    }
}

fn account(spoken: Spoken<'_>) -> Account {
    let mut scopes = approval(spoken).scopes;
    let stock = scopes.split_off(2);
    let on = |date: &str| spoken.text("account.since", &[("date", date)]);
    Account {
        username: text("alice"),
        notice: Some(spoken.text("account.password_changed", &[])),
        grants: vec![
            grant(spoken, "Orders Web", scopes, "2026-05-03"),
            GrantView {
                last_used: None,
                resources: vec![text("https://stock.example.com")],
                ..grant(spoken, "Stock Watch", stock, "2025-11-21")
            },
        ],
        remembered: vec![RememberedView {
            client: text("Orders Web"),
            scopes: approval(spoken).scopes[..2].to_vec(),
            resources: Vec::new(),
            since: on("2026-05-03"),
            action: text("/account"),
            hidden: hidden(),
        }],
        password: PasswordForm {
            action: text("/account"),
            hidden: hidden(),
            shortest: 8,
            error: None,
            wrong: "",
        },
        sign_out: sign_out(),
        sign_out_everywhere: sign_out(),
    }
}

/// Somebody who has approved a lot.
fn crowded_account(spoken: Spoken<'_>) -> Account {
    let grants = (1..=25).map(|number| {
        let scopes = approval(spoken).scopes;
        grant(spoken, &format!("Application {number}"), scopes, "2026-05-03")
    });
    Account {
        notice: None,
        grants: grants.collect(),
        ..account(spoken)
    }
}

fn demo(step: DemoStep) -> DemoClient {
    DemoClient {
        client: text("Orders Web"),
        step,
        again_url: Some(text("/")),
    }
}

/// Each page by a name for its picture, rendered in a language.
pub(crate) fn all(lang: &str) -> Vec<(&'static str, String)> {
    let pages = Pages::new("Example Sign-in");
    let mut all = samples(pages.spoken(Some(lang)));
    all.extend(marked(pages.for_development().spoken(Some(lang))));
    all
}

/// Pages of a development server.
fn marked(spoken: Spoken<'_>) -> Vec<(&'static str, String)> {
    let owners = ["alice", "bob", "somebody.with.a.long.name@department.example"].map(text);
    vec![
        ("development-sign-in", spoken.sign_in_as(&sign_in(), &owners)),
        ("development-approval", spoken.approval(&approval(spoken))),
        (
            "development-error",
            spoken.error(&ErrorPage {
                explain: Some(text("oauthctl explain request 38g61gjnf1de5")),
                ..error(spoken)
            }),
        ),
    ]
    .into_iter()
    .map(|(name, html)| (name, html.unwrap()))
    .collect()
}

/// Pages of any other server.
fn samples(spoken: Spoken<'_>) -> Vec<(&'static str, String)> {
    let refused = SignIn {
        username: text("alice"),
        error: Some(spoken.text("sign_in.wrong", &[])),
        ..sign_in()
    };
    let to_account = SignIn {
        client: None,
        ..sign_in()
    };
    let at_resources = Approval {
        resources: vec![
            text("https://api.example.com/orders"),
            text("https://stock.example.com"),
        ],
        refresh: None,
        ..approval(spoken)
    };
    let for_strangers = ErrorPage {
        details: Vec::new(),
        instead: None,
        command: None,
        ..error(spoken)
    };
    let refused_password = Account {
        notice: None,
        grants: Vec::new(),
        remembered: Vec::new(),
        password: PasswordForm {
            error: Some(spoken.text("account.password_different", &[])),
            wrong: "new_password_again",
            ..account(spoken).password
        },
        ..account(spoken)
    };
    let empty = Account {
        notice: None,
        grants: Vec::new(),
        remembered: Vec::new(),
        ..account(spoken)
    };
    let received = DemoStep::Received {
        code: text("oac_01k3v9zq…"),
        state_matches: true,
        issuer: text("http://127.0.0.1:8420"),
        issuer_matches: true,
        action: text("/exchange"),
        hidden: hidden(),
    };
    let exchanged = DemoStep::Exchanged {
        answer: [
            ("access_token", "oat_01k3v9…"),
            ("token_type", "Bearer"),
            ("expires_in", "3600"),
        ]
        .map(|(label, value)| Detail {
            label: text(label),
            values: vec![text(value)],
        })
        .into(),
    };
    let denied = DemoStep::Refused {
        error: text("access_denied"),
        description: Some(text("the resource owner denied the request")),
    };
    vec![
        ("sign-in", spoken.sign_in(&sign_in())),
        ("sign-in-refused", spoken.sign_in(&refused)),
        ("sign-in-account", spoken.sign_in(&to_account)),
        ("approval", spoken.approval(&approval(spoken))),
        ("approval-resources", spoken.approval(&at_resources)),
        ("approval-crowded", spoken.approval(&crowded(spoken))),
        ("approval-hostile", spoken.approval(&hostile(spoken))),
        ("error-developer", spoken.error(&error(spoken))),
        ("error", spoken.error(&for_strangers)),
        ("account", spoken.account(&account(spoken))),
        ("account-crowded", spoken.account(&crowded_account(spoken))),
        ("account-password", spoken.account(&refused_password)),
        ("account-empty", spoken.account(&empty)),
        (
            "signed-out",
            spoken.signed_out(&SignedOut {
                account_url: text("/account"),
            }),
        ),
        ("demo-code", spoken.demo_client(&demo(received))),
        ("demo-tokens", spoken.demo_client(&demo(exchanged))),
        ("demo-refused", spoken.demo_client(&demo(denied))),
    ]
    .into_iter()
    .map(|(name, html)| (name, html.unwrap()))
    .collect()
}
