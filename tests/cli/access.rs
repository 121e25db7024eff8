//! `access check`.

use std::time::Duration;

use serde_json::{Value, json};

use oauthctl::clock::{Clock, SystemClock, Timestamp};
use oauthctl::domain::identifier::Identifier;
use oauthctl::domain::resource::ResourceSet;
use oauthctl::domain::secret::Secret;
use oauthctl::domain::token::{AccessToken, TokenKind, TokenValue};
use oauthctl::entropy::OsEntropy;
use oauthctl::store::{NewGrant, Store, StoreError, StoreOptions};

use crate::harness::{Cli, Home};

#[test]
fn a_client_in_each_format() {
    let home = Home::with_client();
    let allowed = "allowed: the scope orders:read covers it by the folder orders\n\n\
                   asked for  the service orders.eu:list\n\
                   client     orders-web, enabled\n\
                   scopes     orders:read  covers it by the folder orders\n";
    let denied = "denied: the scope orders:read does not cover it\n\n\
                  asked for  the service stock:count\n\
                  client     orders-web, enabled\n\
                  scopes     orders:read  does not cover it, nor anything like it\n\n\
                  to allow it:\n  \
                  oauthctl scope update orders:read --add-service stock:count  # changes approvals already given\n";
    let denied_csv = "allowed,reason,scope,client_id,scopes\n\
                      no,the scope orders:read does not cover it,,orders-web,orders:read\n";
    for (service, format, shown, code) in [
        ("orders.eu:list", "table", allowed, 0),
        ("stock:count", "table", denied, 6),
        ("stock:count", "csv", denied_csv, 6),
        ("orders.eu:list", "id", "yes\n", 0),
        ("stock:count", "id", "no\n", 6),
    ] {
        Cli::new(&home)
            .args("access check --client orders-web --service".split(' '))
            .args([service, "-o", format])
            .stdout(shown)
            .code(code)
            .run();
    }
}

#[test]
fn the_same_facts_as_json() {
    let home = Home::with_client();
    let told = home.json("access check --client orders-web --service orders.eu:list");
    let fields: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "allowed",
            "reason",
            "scope",
            "client_id",
            "scopes",
            "asked",
            "conditions",
            "rules",
            "remedies",
            "advice"
        ]
    );
    assert_eq!(
        told,
        json!({
            "allowed": true,
            "reason": "the scope orders:read covers it by the folder orders",
            "scope": "orders:read",
            "client_id": "orders-web",
            "scopes": ["orders:read"],
            "asked": { "service": "orders.eu:list", "method": null, "path": null, "normal_form": true },
            "conditions": [{ "kind": "client", "holds": true, "client_id": "orders-web", "enabled": true }],
            "rules": [{
                "scope": "orders:read", "defined": true, "of_client": true, "in_force": true, "covers": true,
                "by": { "kind": "folder", "pattern": "orders" }, "nearest": null,
            }],
            "remedies": [],
            "advice": [],
        })
    );
    let told = denied(
        &home,
        "access check --client orders-web --method GET --path /invoke/orders2/list?x -o jsonl",
        "",
    );
    assert_eq!(told["scope"], Value::Null);
    assert_eq!(
        told["asked"],
        json!({
            "service": "orders2:list", "method": "GET", "path": "/invoke/orders2/list", "normal_form": true,
        })
    );
    assert_eq!(
        told["rules"][0]["nearest"],
        json!({
            "kind": "folder", "pattern": "orders",
            "why": "`orders` and `orders2` only begin with the same letters; segments are compared whole",
        })
    );
    assert_eq!(
        told["remedies"],
        json!([{
            "commands": ["oauthctl scope update orders:read --add-service orders2:list"], "other_clients": 0,
            "notes": ["changes approvals already given"],
        }])
    );
}

/// What a check that says no prints as JSON.
#[track_caller]
fn denied(home: &Home, args: &str, stdin: &str) -> Value {
    let output = Cli::new(home).args(args.split(' ')).stdin(stdin).output();
    assert_eq!(output.status.code(), Some(6), "{args}: {output:?}");
    assert!(output.stderr.is_empty(), "{args}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_request() {
    let home = Home::with_client();
    for (method, path, asked, verdict, rule, rest) in [
        (
            "GET",
            "/orders/17",
            "GET /orders/17",
            "allowed: the scope orders:read covers it by the route /orders/{id}",
            "covers it by the route /orders/{id}",
            "",
        ),
        (
            "POST",
            "/orders/17?x=1",
            "POST /orders/17",
            "allowed: the scope orders:read covers it by the route /orders/{id}",
            "covers it by the route /orders/{id}",
            "",
        ),
        (
            "GET",
            "/invoke/orders.eu/list",
            "GET /invoke/orders.eu/list, which asks for the service orders.eu:list",
            "allowed: the scope orders:read covers it by the folder orders",
            "covers it by the folder orders",
            "",
        ),
        (
            "GET",
            "/stock",
            "GET /stock",
            "denied: the scope orders:read does not cover it",
            "does not cover it, nor anything like it",
            "\nto allow it:\n  oauthctl scope update orders:read --add-route 'GET /stock'  # changes approvals already given\n",
        ),
        (
            "DELETE",
            "/orders/17/lines/2",
            "DELETE /orders/17/lines/2",
            "denied: the scope orders:read does not cover it",
            "does not cover it; the route /orders/{id} comes nearest: the path has 2 segments too many",
            "\nto allow it:\n  oauthctl scope update orders:read --add-route 'DELETE /orders/{id}/lines/{id2}'  # changes approvals already given\n",
        ),
        (
            "GET",
            "/Orders/17",
            "GET /Orders/17",
            "denied: the scope orders:read does not cover it",
            "does not cover it; the route /orders/{id} comes nearest: only upper and lower case differ, and they count",
            "\nif the route /orders/{id} is meant, what is asked for has to be written as it is defined\n",
        ),
        (
            "GET",
            "/orders/../17",
            "GET /orders/../17",
            "denied: the path is not in normal form: the path has a `.` or `..` segment",
            "is not looked at",
            "\nno scope ever covers this: what is asked for has to be written in its normal form\n",
        ),
        (
            "GET",
            "/a\u{1b}[31m",
            "GET /a\\u{1b}[31m",
            "denied: the path is not in normal form: the path holds a control character",
            "is not looked at",
            "\nno scope ever covers this: what is asked for has to be written in its normal form\n",
        ),
    ] {
        Cli::new(&home)
            .args(["access", "check", "--client", "orders-web", "--method", method, "--path", path])
            .stdout(&format!(
                "{verdict}\n\nasked for  {asked}\nclient     orders-web, enabled\nscopes     orders:read  {rule}\n{rest}"
            ))
            .code(if rest.is_empty() { 0 } else { 6 })
            .run();
    }
}

#[test]
fn every_command_that_is_printed_does_what_it_says() {
    let home = Home::with_client();
    home.json("scope define stock --folder stock");
    for (asked, enabled) in [
        ("--service stock:count", true),
        ("--service mail:send", true),
        ("--method POST --path /mail/17", true),
        ("--method POST --path /invoke/mail/send", true),
        ("--service stock:count", false),
    ] {
        let check = format!("access check --client orders-web {asked}");
        if !enabled {
            home.json("client disable orders-web --yes");
        }
        let told = denied(&home, &format!("{check} -o json"), "");
        let remedies = told["remedies"].as_array().unwrap();
        assert!(!remedies.is_empty(), "{asked}");
        for remedy in remedies {
            let copy = Home::new();
            std::fs::copy(home.join("oauthctl.db"), copy.join("oauthctl.db")).unwrap();
            for command in remedy["commands"].as_array().unwrap() {
                let words = command.as_str().unwrap().strip_prefix("oauthctl ").unwrap();
                // As a shell takes them apart, which is enough of one for these.
                let mut words: Vec<String> = words.split('\'').map(str::to_owned).collect();
                let quoted = if words.len() > 1 {
                    words.drain(1..).next()
                } else {
                    None
                };
                let plain = words[0].split_whitespace().map(str::to_owned);
                let output = Cli::new(&copy).args(plain.chain(quoted)).output();
                assert!(output.status.success(), "{command}: {output:?}");
            }
            assert_eq!(copy.json(&check)["allowed"], true, "{remedy}");
        }
    }
}

#[test]
fn a_client_that_is_not_there() {
    let home = Home::with_client();
    Cli::new(&home)
        .args("access check --client orders-wbe --service orders:list".split(' '))
        .stderr("error: no client `orders-wbe`; did you mean `orders-web`?\n")
        .code(3)
        .run();
}

#[test]
fn wrong_usage() {
    let home = Home::with_client();
    for args in [
        "access",
        "access check --client orders-web --path /orders --method GET --service orders:list",
        "access check --client orders-web --token-stdin --service orders:list",
        "access check --owner alice --token-stdin --service orders:list",
        // It is the token that is bound to a resource.
        "access check --client orders-web --service orders:list --resource https://api.example/",
        // A token never goes on the command line.
        "access check --token oat_x --service orders:list",
    ] {
        let output = Cli::new(&home).args(args.split(' ')).output();
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert!(output.stdout.is_empty(), "{args}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("Usage: oauthctl access"), "{args}: {message}");
    }
    for (args, missing) in [
        ("", "what is asked for"),
        ("--client orders-web", "what is asked for"),
        ("--service orders:list", "whose access"),
        ("--client orders-web --method GET", "the path"),
        ("--client orders-web --path /orders", "the method"),
        (
            "--resource https://a.example --service orders:list",
            "whose access",
        ),
    ] {
        Cli::new(&home)
            .args(["access", "check"])
            .args(args.split_whitespace())
            .stderr(&format!(
                "error: {missing} is missing; accepted are `--client ID`, `--owner USERNAME`, both, or `--token-stdin`, \
                 each with `--service SERVICE` or with `--method METHOD --path PATH`\n"
            ))
            .code(2)
            .run();
    }
    Cli::new(&home)
        .args("access check --token-stdin --service orders:list".split(' '))
        .stderr("error: there is no token on stdin; it is expected on the first line\n")
        .code(2)
        .run();
}

#[test]
fn a_token() {
    let home = Home::with_client();
    add_alice(&home);
    let hour = Duration::from_secs(3600);
    let now = SystemClock.now();
    let (token, grant) = issue(&home, now.after(hour));
    let (expired, old_grant) = issue(&home, now.before(hour));
    // A token of these tests and its grant have one number.
    let facts = |asked: &str, rule: &str| {
        format!(
            "\nasked for  the service {asked}\n\
             token      {grant}, active, expires at <instant>\n\
             grant      {grant}, not revoked\n\
             client     orders-web, enabled\n\
             owner      alice, enabled\n\
             scopes     orders:read  {rule}\n"
        )
    };
    let covers = "covers it by the folder orders";
    let allowed = format!(
        "allowed: the scope orders:read covers it by the folder orders\n{}",
        facts("orders:list", covers)
    );
    let uncovered = format!(
        "denied: the scope orders:read does not cover it\n{}\nto allow it:\n  \
         oauthctl scope update orders:read --add-service stock:count  # changes approvals already given\n",
        facts("stock:count", "does not cover it, nor anything like it")
    );
    let ended = format!(
        "denied: the access token has expired\n{}\nwhat has ended is not brought back: the client gets another access \
         token with its refresh token, or asks the resource owner again\n",
        facts("orders:list", covers)
            .replace("active, expires", "expired, expires")
            .replace(&grant.to_string(), &old_grant.to_string())
    );
    let unknown = "denied: the access token is not one of ours\n".to_owned();
    let stranger = TokenValue::new(
        TokenKind::AccessToken,
        grant,
        Secret::generate(&OsEntropy).unwrap(),
    );
    let refresh = token.replacen("oat_", "ort_", 1);
    let elsewhere = "a token of this form can be of another server, of an earlier start of this one with another database, \
                     cut, or pruned\n";
    let other = "this is no access token, which begins with oat_: what begins with ort_ opens nothing at a resource \
                 server\n";
    let none = "what stands on stdin is something else: this is no token of this server; its codes and tokens begin \
                with oac_, oat_ or ort_, and have 60 characters\n";
    let json = format!("{{\"refresh_token\": \"{refresh}\",\n \"access_token\": \"{token}\"}}");
    for (stdin, service, shown, told, code) in [
        (&token, "orders:list", allowed.as_str(), "", 0),
        (&format!("{token}\r\nwhatever\n"), "orders:list", &allowed, "", 0),
        (
            &format!("Authorization: Bearer {token}"),
            "orders:list",
            &allowed,
            "",
            0,
        ),
        (&json, "orders:list", &allowed, "", 0),
        (&token, "stock:count", &uncovered, "", 6),
        (&expired, "orders:list", &ended, "", 6),
        (&stranger.reveal(), "orders:list", &unknown, elsewhere, 6),
        (&refresh, "orders:list", &unknown, other, 6),
        (&"x".repeat(100_000), "orders:list", &unknown, none, 6),
    ] {
        Cli::new(&home)
            .args(["access", "check", "--token-stdin", "--service", service])
            .stdin(stdin)
            .stdout(shown)
            .stderr(told)
            .code(code)
            .run();
    }
}

#[test]
fn a_token_as_json_tells_when_it_ends() {
    let home = Home::with_client();
    add_alice(&home);
    let end = SystemClock.now().after(Duration::from_secs(3600));
    let (token, grant) = issue(&home, end);
    home.json("client disable orders-web --yes");
    home.json("owner disable alice --yes");
    let told = denied(
        &home,
        "access check --token-stdin --service orders:list -o json",
        &token,
    );
    let fields: Vec<&String> = told.as_object().unwrap().keys().take(6).collect();
    assert_eq!(
        fields,
        ["allowed", "reason", "scope", "client_id", "username", "grant_id"]
    );
    assert_eq!(told["reason"], "the client is disabled");
    assert_eq!(
        told["conditions"][0],
        json!({
            "kind": "token", "holds": true, "token_id": grant.to_string(), "state": "active",
            "expires_at": end.to_string(),
        })
    );
    assert_eq!(
        told["remedies"],
        json!([{
            "commands": ["oauthctl client enable orders-web", "oauthctl owner enable alice"], "other_clients": 0,
            "notes": [],
        }])
    );
    // To look at a token is not to use it.
    assert_eq!(home.json("token list")[0]["last_used_at"], Value::Null);
    home.json(&format!("grant revoke {grant} --yes"));
    let told = denied(
        &home,
        "access check --token-stdin --service orders:list -o json",
        &token,
    );
    assert_eq!(told["conditions"][0]["state"], "revoked");
    assert_eq!(told["conditions"][1]["end_cause"], "administration");
    assert_eq!(told["remedies"], json!([]));
}

#[test]
fn what_a_resource_owner_approved_client_by_client() {
    let home = Home::with_client();
    add_alice(&home);
    let service = ["--service", "orders:list"];
    Cli::new(&home)
        .args("access check --owner alice".split(' '))
        .args(service)
        .stdout(
            "denied: alice has approved nothing that can still be used\n\n\
             asked for  the service orders:list\nowner      alice, enabled\n",
        )
        .code(6)
        .run();
    Cli::new(&home)
        .args("access check --owner alice --client orders-web".split(' '))
        .args(service)
        .stdout(
            "denied: alice has approved nothing for orders-web that can still be used\n\n\
             asked for  the service orders:list\nowner      alice, enabled\nclient     orders-web\n\n\
             the client may have the scope orders:read, which covers it: it has to ask for it, and alice to approve it\n",
        )
        .code(6)
        .run();
    let end = SystemClock.now().after(Duration::from_secs(3600));
    issue(&home, end);
    let (_, newest) = issue(&home, end.after(Duration::from_secs(1)));
    Cli::new(&home)
        .args("access check --owner alice".split(' '))
        .args(service)
        .stdout(&format!(
            "allowed: by what alice approved for orders-web: the scope orders:read covers it by the folder orders\n\n\
             asked for  the service orders:list\n\
             owner      alice, enabled\n\n\
             orders-web: allowed: the scope orders:read covers it by the folder orders\n  \
             grant    {newest} and 1 more like it, of the scope orders:read\n  \
             client   orders-web, enabled\n  \
             owner    alice, enabled\n  \
             scopes   orders:read  covers it by the folder orders\n",
        ))
        .run();
    // A scope that covers it comes before another one that alice approved is made wider.
    home.json("scope define stock --folder stock");
    let told = denied(
        &home,
        "access check --owner alice --service stock:count -o json",
        "",
    );
    assert_eq!(
        told["grants"][0]["remedies"],
        json!([{
            "commands": ["oauthctl client update orders-web --add-scope stock"], "other_clients": 0,
            "notes": ["then orders-web has to ask for the scope stock, and alice to approve again"],
        }])
    );
    // A scope that the client has and alice did not approve is not hers to have given.
    home.json("client update orders-web --add-scope stock");
    let told = denied(
        &home,
        "access check --owner alice --client orders-web --service stock:count -o json",
        "",
    );
    assert_eq!(told["grants"][0]["grants"], 2);
    assert_eq!(told["grants"][0]["grant_id"], newest.to_string());
    assert_eq!(told["grants"][0]["approved"], json!(["orders:read"]));
    let advice = told["grants"][0]["advice"][0].as_str().unwrap();
    assert!(
        advice.starts_with("the client may have the scope stock, which covers it"),
        "{advice}"
    );
    for (args, message) in [
        (
            "--owner alcie",
            "error: no resource owner `alcie`; did you mean `alice`?\n",
        ),
        (
            "--owner alice --client orders-wbe",
            "error: no client `orders-wbe`; did you mean `orders-web`?\n",
        ),
    ] {
        Cli::new(&home)
            .args(["access", "check"])
            .args(args.split(' '))
            .args(service)
            .stderr(message)
            .code(3)
            .run();
    }
}

#[test]
fn who_can_reach_what() {
    let home = Home::new();
    Cli::new(&home)
        .args(["access", "matrix"])
        .stderr(
            "no clients yet; `oauthctl client register` makes one\n\
             looked into ./oauthctl.db, which is new; OAUTHCTL_DATABASE or --database names another database\n",
        )
        .run();
    let home = Home::with_client();
    home.json("scope define stock --folder warehouse --service warehouse.stock:count orders.eu:list");
    home.json(
        "client register --name Shop --client-id shop --redirect-uri http://127.0.0.1/cb --scope stock",
    );
    home.json("client disable shop --yes");
    home.json("scope define gate --route /invoke/warehouse.stock/**");
    home.json("client update orders-web --add-scope gate");
    let picture = "kind     opening                     orders-web  shop [disabled]\n\
                   folder   orders                      yes\n\
                   service  orders.eu:list              (yes)       yes\n\
                   folder   warehouse                   by path     yes\n\
                   service  warehouse.stock:count       by path     yes\n\
                   route    /invoke/warehouse.stock/**  yes\n\
                   route    /orders/{id}                yes\n";
    let within = "(yes)       it lies within something else that the client's scopes open\n";
    let by_path = "by path     a route of the client reaches it, or a service in it, at /invoke/…\n";
    let disabled = "[disabled]  the client is disabled, and reaches nothing as long as it is\n";
    let csv = "client_id,scope,kind,pattern,enabled,covered_by,by_path\n\
               orders-web,gate,route,/invoke/warehouse.stock/**,yes,,\n\
               orders-web,orders:read,folder,orders,yes,,\n\
               orders-web,orders:read,route,/orders/{id},yes,,\n\
               orders-web,gate,folder,warehouse,yes,,/invoke/warehouse.stock/**\n\
               orders-web,gate,service,warehouse.stock:count,yes,,/invoke/warehouse.stock/**\n\
               shop,stock,folder,warehouse,no,,\n\
               shop,stock,service,orders.eu:list,no,,\n\
               shop,stock,service,warehouse.stock:count,no,folder warehouse,\n";
    let legend = format!("{within}{by_path}{disabled}");
    for (args, shown, told) in [
        ("access matrix", picture, legend.as_str()),
        ("access matrix -q", picture, ""),
        ("access matrix -o csv", csv, ""),
        ("access matrix -o id", "orders-web\nshop\n", ""),
        (
            "access matrix --client shop",
            "kind     opening                shop [disabled]\n\
             service  orders.eu:list         yes\n\
             folder   warehouse              yes\n\
             service  warehouse.stock:count  yes\n",
            disabled,
        ),
    ] {
        Cli::new(&home)
            .args(args.split(' '))
            .stdout(shown)
            .stderr(told)
            .run();
    }
    assert_eq!(
        home.json("access matrix")[7],
        json!({
            "client_id": "shop", "scope": "stock", "kind": "service", "pattern": "warehouse.stock:count",
            "enabled": false, "covered_by": "folder warehouse", "by_path": null,
        })
    );
    Cli::new(&home)
        .args("access matrix --client shpo".split(' '))
        .stderr("error: no client `shpo`; did you mean `shop`?\n")
        .code(3)
        .run();
    for n in 0..10 {
        home.json(&format!(
            "client register --name N --client-id client-{n} --redirect-uri http://127.0.0.1/cb --scope stock"
        ));
    }
    let all: Vec<String> = (0..10).map(|n| format!("client-{n}")).collect();
    let all = all.join(", ");
    let rows = [
        ("kind", "opening", "count", "clients".to_owned()),
        ("folder", "orders", "1", "orders-web".to_owned()),
        (
            "service",
            "orders.eu:list",
            "12",
            format!("{all}, (orders-web), shop [disabled]"),
        ),
        (
            "folder",
            "warehouse",
            "12",
            format!("{all}, orders-web by path, shop [disabled]"),
        ),
        (
            "service",
            "warehouse.stock:count",
            "12",
            format!("{all}, orders-web by path, shop [disabled]"),
        ),
        (
            "route",
            "/invoke/warehouse.stock/**",
            "1",
            "orders-web".to_owned(),
        ),
        ("route", "/orders/{id}", "1", "orders-web".to_owned()),
    ];
    let lines = rows
        .iter()
        .map(|(kind, opening, count, clients)| format!("{kind:7}  {opening:26}  {count:5}  {clients}\n"));
    let lines = lines.collect::<Vec<_>>().concat();
    Cli::new(&home)
        .args(["access", "matrix"])
        .stdout(&lines)
        .stderr(&legend.replace("(yes)   ", "(client)"))
        .run();
}

fn add_alice(home: &Home) {
    Cli::new(home)
        .args("owner add alice --password-stdin -o id".split(' '))
        .stdin("correct horse\n")
        .stdout("alice\n")
        .run();
}

/// An access token of `orders-web`, approved by `alice`, and its grant.
fn issue(home: &Home, expires_at: Timestamp) -> (String, Identifier) {
    let store = Store::open(StoreOptions {
        path: home.join("oauthctl.db"),
        busy_timeout: Duration::from_secs(5),
        readers: 1,
        waiting_writes: 256,
    })
    .unwrap();
    let secret = Secret::generate(&OsEntropy).unwrap();
    let hash = secret.hash();
    let nonce = oauthctl::entropy::random::<16>(&OsEntropy).unwrap();
    let identifier = Identifier::at(
        expires_at,
        u32::from_be_bytes([nonce[0], nonce[1], nonce[2], nonce[3]]),
    );
    store
        .write(move |tx| -> Result<(), StoreError> {
            let client = tx.client(&"orders-web".parse().unwrap())?.unwrap();
            let owner = tx.owner(&"alice".parse().unwrap())?.unwrap();
            tx.insert_grant(&NewGrant {
                identifier,
                client: client.key,
                owner: owner.key,
                scope: client.settings.scopes.clone(),
                resources: ResourceSet::default(),
                created_at: client.created_at,
                form_nonce: nonce,
            })?;
            tx.insert_access_token(&AccessToken {
                identifier,
                grant: identifier,
                secret_hash: hash,
                scope: client.settings.scopes,
                resources: ResourceSet::default(),
                issued_at: client.created_at,
                expires_at,
                revoked_at: None,
            })
        })
        .unwrap();
    (
        TokenValue::new(TokenKind::AccessToken, identifier, secret).reveal(),
        identifier,
    )
}
