//! `client register|list|show`.

use serde_json::json;

use crate::harness::{Cli, Home, REGISTER};

/// What is printed of the client of [`REGISTER`] as a table, from `name` on.
const REST: &str = "\
name                    Orders
description
enabled                 yes
redirect_uris           https://orders.example/cb
scopes                  orders:read
access_token_lifetime   1h
code_lifetime           1m
refresh                 unlimited
refresh_token_lifetime  30d
refresh_token_idle      7d
require_pkce            yes
consent                 always
created_at              <instant>
";

/// The contract's fields, in the order in which they are printed.
const FIELDS: [&str; 14] = [
    "client_id",
    "name",
    "description",
    "enabled",
    "redirect_uris",
    "scopes",
    "access_token_lifetime",
    "code_lifetime",
    "refresh",
    "refresh_token_lifetime",
    "refresh_token_idle",
    "require_pkce",
    "consent",
    "created_at",
];

#[test]
fn register_prints_the_secret_once() {
    let home = Home::with_scope();
    let shown = format!("client_id               orders-<suffix>\nclient_secret           <secret>\n{REST}");
    Cli::new(&home).args(REGISTER.split(' ')).stdout(&shown).run();
    let list = "client_id        name    enabled  redirect_uris              scopes       created_at\n\
                orders-<suffix>  Orders  yes      https://orders.example/cb  orders:read  <instant>\n";
    Cli::new(&home).args(["client", "list"]).stdout(list).run();
}

#[test]
fn register_in_each_format() {
    let rest = "\"name\":\"Orders\",\"description\":\"\",\"enabled\":true,\
                \"redirect_uris\":[\"https://orders.example/cb\"],\"scopes\":[\"orders:read\"],\
                \"access_token_lifetime\":3600,\"code_lifetime\":60,\"refresh\":\"unlimited\",\
                \"refresh_token_lifetime\":2592000,\"refresh_token_idle\":604800,\"require_pkce\":true,\"consent\":\"always\",\
                \"created_at\":\"<instant>\"}\n";
    let json = "{
  \"client_id\": \"ci\",
  \"client_secret\": \"<secret>\",
  \"name\": \"Orders\",
  \"description\": \"\",
  \"enabled\": true,
  \"redirect_uris\": [
    \"https://orders.example/cb\"
  ],
  \"scopes\": [
    \"orders:read\"
  ],
  \"access_token_lifetime\": 3600,
  \"code_lifetime\": 60,
  \"refresh\": \"unlimited\",
  \"refresh_token_lifetime\": 2592000,
  \"refresh_token_idle\": 604800,
  \"require_pkce\": true,
  \"consent\": \"always\",
  \"created_at\": \"<instant>\"
}
";
    let jsonl = format!("{{\"client_id\":\"ci\",\"client_secret\":\"<secret>\",{rest}");
    let csv = "client_id,client_secret,name,description,enabled,redirect_uris,scopes,access_token_lifetime,\
               code_lifetime,refresh,refresh_token_lifetime,refresh_token_idle,require_pkce,consent,created_at\n\
               ci,<secret>,Orders,,yes,https://orders.example/cb,orders:read,3600,60,unlimited,2592000,604800,yes,always,\
               <instant>\n";
    for (format, shown) in [("json", json), ("jsonl", &jsonl), ("csv", csv)] {
        let home = Home::with_scope();
        Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(["--client-id", "ci", "-o", format])
            .stdout(shown)
            .run();
    }
}

#[test]
fn list_and_show_in_each_format() {
    let home = Home::with_client();
    let table = "client_id   name    enabled  redirect_uris              scopes       created_at\n\
                 orders-web  Orders  yes      https://orders.example/cb  orders:read  <instant>\n";
    let line = "{\"client_id\":\"orders-web\",\"name\":\"Orders\",\"description\":\"\",\"enabled\":true,\
                \"redirect_uris\":[\"https://orders.example/cb\"],\"scopes\":[\"orders:read\"],\
                \"access_token_lifetime\":3600,\"code_lifetime\":60,\"refresh\":\"unlimited\",\
                \"refresh_token_lifetime\":2592000,\"refresh_token_idle\":604800,\"require_pkce\":true,\"consent\":\"always\",\
                \"created_at\":\"<instant>\"}\n";
    let csv = "client_id,name,description,enabled,redirect_uris,scopes,access_token_lifetime,code_lifetime,refresh,\
               refresh_token_lifetime,refresh_token_idle,require_pkce,consent,created_at\n\
               orders-web,Orders,,yes,https://orders.example/cb,orders:read,3600,60,unlimited,2592000,604800,yes,always,\
               <instant>\n";
    for (args, shown) in [
        ("client list", table),
        ("client list -o jsonl", line),
        ("client list -o csv", csv),
        ("client list -o id", "orders-web\n"),
        ("client show orders-web -o id", "orders-web\n"),
    ] {
        Cli::new(&home).args(args.split(' ')).stdout(shown).run();
    }
    let list = home.json("client list");
    let names: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(names, FIELDS);
}

#[test]
fn show_tells_what_is_known_of_the_secrets_too() {
    let home = Home::with_client();
    let mut shown = home.json("client show orders-web");
    let secrets = shown.as_object_mut().unwrap().remove("secrets").unwrap();
    assert_eq!(json!([shown]), home.json("client list"));
    let [secret] = secrets.as_array().unwrap().as_slice() else {
        panic!("{secrets}")
    };
    let names: Vec<&String> = secret.as_object().unwrap().keys().collect();
    assert_eq!(names, ["secret_id", "created_at", "expires_at", "last_used_at"]);
    assert_eq!(
        (&secret["expires_at"], &secret["last_used_at"]),
        (&json!(null), &json!(null))
    );
    let id = secret["secret_id"].as_str().unwrap();
    Cli::new(&home)
        .args(["client", "show", "orders-web"])
        .stdout(&format!(
            "client_id               orders-web\n{REST}secrets                 {id}  made at <instant>, does not end, never used\n"
        ))
        .run();
}

#[test]
fn every_option_of_register_is_kept() {
    let home = Home::with_scope();
    Cli::new(&home)
        .args("scope define stock --service warehouse.stock:count -o id".split(' '))
        .stdout("stock\n")
        .run();
    let args = "client register --client-id ci --secret-file s -o id --redirect-uri https://b.example/cb \
                http://127.0.0.1/cb --scope stock --scope orders:read --access-token-lifetime 15m --code-lifetime 10m \
                --refresh 3 --refresh-token-lifetime 365d --refresh-token-idle 1h30m --no-pkce \
                --consent remember";
    Cli::new(&home)
        .args(args.split_whitespace())
        .args([
            "--name",
            " Bestellungen für 東京 ",
            "--description",
            "All of them",
        ])
        .stdout("ci\n")
        .run();
    let mut client = home.json("client show ci");
    client.as_object_mut().unwrap().remove("secrets");
    assert!(client["created_at"].take().is_string());
    assert_eq!(
        client,
        json!({
            "client_id": "ci",
            "name": "Bestellungen für 東京",
            "description": "All of them",
            "enabled": true,
            "redirect_uris": ["https://b.example/cb", "http://127.0.0.1/cb"],
            "scopes": ["orders:read", "stock"],
            "access_token_lifetime": 900,
            "code_lifetime": 600,
            "refresh": 3,
            "refresh_token_lifetime": 31_536_000,
            "refresh_token_idle": 5400,
            "require_pkce": false,
            "consent": "remember",
            "created_at": null,
        })
    );
}

#[test]
fn refresh_is_a_word_or_a_number() {
    for (given, shown) in [
        ("none", json!("none")),
        ("0", json!("none")),
        ("unlimited", json!("unlimited")),
        ("1", json!(1)),
        ("4294967295", json!(4_294_967_295_u32)),
    ] {
        let home = Home::with_scope();
        let registered = home.json(&format!("{REGISTER} --refresh {given}"));
        assert_eq!(registered["refresh"], shown, "{given}");
    }
}

#[test]
fn an_empty_list_is_no_error() {
    let hint = "no clients yet; `oauthctl client register` makes one\n\
                looked into ./oauthctl.db, which is new; OAUTHCTL_DATABASE or --database names another database\n";
    for (args, shown, hint) in [
        ("client list", "", hint),
        ("client list -o json", "[]\n", hint),
        ("client list -o jsonl", "", hint),
        ("client list -o csv", "", hint),
        ("client list -o id", "", hint),
        ("client list --quiet", "", ""),
        ("-q -o json client list", "[]\n", ""),
    ] {
        Cli::new(&Home::new())
            .args(args.split(' '))
            .stdout(shown)
            .stderr(hint)
            .run();
    }
}

#[test]
fn who_is_not_there_is_not_found() {
    let home = Home::with_client();
    for (id, message) in [
        (
            "orders-wbe",
            "error: no client `orders-wbe`; did you mean `orders-web`?\n",
        ),
        ("ord", "error: no client `ord`; did you mean `orders-web`?\n"),
        (
            "mail",
            "error: no client `mail`\n`oauthctl client list` shows those that are registered\n",
        ),
    ] {
        Cli::new(&home)
            .args(["client", "show", id])
            .stderr(message)
            .code(3)
            .run();
    }
    for (scope, message) in [
        (
            "orders:raed",
            "error: no scope `orders:raed`; did you mean `orders:read`?\n",
        ),
        (
            "mail",
            "error: no scope `mail`\n\
             `oauthctl scope list` shows those that are defined, `oauthctl scope define` defines another\n",
        ),
    ] {
        Cli::new(&home)
            .args("client register --name X --redirect-uri https://x.example/cb --scope".split(' '))
            .args([scope])
            .stderr(message)
            .code(3)
            .run();
    }
}

#[test]
fn an_identifier_is_taken_once() {
    let home = Home::with_client();
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--client-id", "orders-web"])
        .stderr(
            "error: there is a client `orders-web` already\n\
             give another --client-id, or --if-not-exists to leave it as it is\n",
        )
        .code(4)
        .run();
    // Resource servers authenticate at the same endpoints.
    let server = home.json("resource-server register Warehouse");
    let id = server["resource_server_id"].as_str().unwrap();
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--client-id", id])
        .stderr(
            "error: there is a resource server `warehouse-<suffix>` already\n\
             give the new one another name or ID\n",
        )
        .code(4)
        .run();
    // A name is no identifier.
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["-o", "id", "--secret-file", "another"])
        .stdout("orders-<suffix>\n")
        .run();
}

#[test]
fn what_is_missing_is_named_at_once() {
    for (args, missing) in [
        ("", "--name, --redirect-uri and --scope are missing; give them"),
        (
            "--scope orders:read",
            "--name and --redirect-uri are missing; give them",
        ),
        (
            "--name X --redirect-uri https://x.example/cb",
            "--scope is missing; give it",
        ),
        (
            "--no-input --name X --redirect-uri https://x.example/cb",
            "--scope is missing; give it",
        ),
    ] {
        let home = Home::new();
        Cli::new(&home)
            .args(["client", "register"])
            .args(args.split_whitespace())
            .stderr(&format!(
                "error: {missing}, or run this on a terminal without --no-input to be asked\n"
            ))
            .code(2)
            .run();
        assert!(home.files().is_empty(), "wrong usage makes no database");
    }
}

#[test]
fn values_are_refused_with_what_is_accepted() {
    let span = "write it like `30d`, `1h30m` or `60s`";
    for (option, value, message) in [
        ("--name", " ", "it is empty"),
        ("--name", &*"x".repeat(101), "it is longer than 100 characters"),
        ("--name", "a\u{202e}b", "it holds the control character U+202E"),
        (
            "--client-id",
            "a b",
            "1 to 255 printable ASCII characters without space are expected",
        ),
        (
            "--redirect-uri",
            "http://orders.example/cb",
            "http is accepted for 127.0.0.1, [::1] and localhost only, exactly so spelled; use https",
        ),
        (
            "--access-token-lifetime",
            "3600",
            &format!("`3600` has no unit; {span}"),
        ),
        (
            "--access-token-lifetime",
            "soon",
            &format!("`soon` is not a span; {span}"),
        ),
        (
            "--refresh-token-lifetime",
            "1y",
            "`1y` has no fixed length, because years and months differ; write it in days, such as `365d`",
        ),
        (
            "--refresh-token-idle",
            "3651d",
            "`3651d` is too long; the longest span is `3650d`",
        ),
        (
            "--refresh",
            "often",
            "`none`, `unlimited` or a number from 1 to 4294967295 is expected",
        ),
        (
            "--scope",
            "a\"b",
            "not a scope token: 1 to 128 printable ASCII characters without space, `\"` and `\\` are expected",
        ),
    ] {
        let name = match option {
            "--name" => "--name <NAME>",
            "--client-id" => "--client-id <ID>",
            "--redirect-uri" => "--redirect-uri <URI>...",
            "--scope" => "--scope <SCOPE>...",
            "--refresh" => "--refresh <TIMES>",
            span => &format!("{span} <SPAN>"),
        };
        Cli::new(&Home::new())
            .args(["client", "register", option, value])
            .stderr(&format!(
                "error: invalid value '{value}' for '{name}': {message}\n\nFor more information, try '--help'.\n"
            ))
            .code(2)
            .run();
    }
}

#[test]
fn lifetimes_are_bounded() {
    let home = Home::with_scope();
    for (option, given, message) in [
        (
            "--code-lifetime",
            "0s",
            "code lifetime `0s` is too short; accepted is a span from `1s` to `10m`",
        ),
        (
            "--code-lifetime",
            "999ms",
            "code lifetime `999ms` is too short; accepted is a span from `1s` to `10m`",
        ),
        (
            "--code-lifetime",
            "10m1s",
            "code lifetime `10m1s` is too long; accepted is a span from `1s` to `10m`",
        ),
        (
            "--access-token-lifetime",
            "0s",
            "access token lifetime `0s` is too short; accepted is a span from `1s` to `365d`",
        ),
        (
            "--access-token-lifetime",
            "366d",
            "access token lifetime `366d` is too long; accepted is a span from `1s` to `365d`",
        ),
        (
            "--refresh-token-lifetime",
            "0s",
            "refresh token lifetime `0s` is too short; accepted is a span from `1s` to `3650d`",
        ),
        (
            "--refresh-token-idle",
            "0s",
            "refresh token idle span `0s` is too short; accepted is a span from `1s` to `3650d`",
        ),
    ] {
        Cli::new(&home)
            .args(REGISTER.split(' '))
            .args([option, given])
            .stderr(&format!("error: the {message}\n"))
            .code(2)
            .run();
    }
    assert_eq!(home.json("client list"), json!([]));
    let longest = "--code-lifetime 10m --access-token-lifetime 365d --refresh-token-lifetime 3650d \
                   --refresh-token-idle 3650d";
    let registered = home.json(&format!("{REGISTER} {longest}"));
    assert_eq!(registered["code_lifetime"], 600);
    assert_eq!(registered["access_token_lifetime"], 31_536_000);
    assert_eq!(registered["refresh_token_lifetime"], 315_360_000);
    assert_eq!(registered["refresh_token_idle"], 315_360_000);
}

#[test]
fn a_redirect_uri_is_given_once() {
    let home = Home::with_scope();
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--redirect-uri", "https://orders.example/cb"])
        .stderr("error: the redirect URI https://orders.example/cb is given twice\n")
        .code(2)
        .run();
}

#[test]
fn if_not_exists_leaves_the_client_that_is_there() {
    let home = Home::with_client();
    let before = home.json("client list")[0].take();
    let said = "the client `orders-web` is registered already; nothing was changed\n";
    let shown = format!("client_id               orders-web\n{REST}");
    // By ID, whatever else differs; by name, where no ID is given; and where it runs again with the same file.
    for args in [
        "--client-id orders-web --no-pkce --if-not-exists",
        "--if-not-exists",
        "--if-not-exists --secret-file orders-web.secret",
        "--if-not-exists --secret-file another.secret",
    ] {
        Cli::new(&home)
            .args(REGISTER.split(' '))
            .args(args.split(' '))
            .stdout(&shown)
            .stderr(said)
            .run();
    }
    assert_eq!(home.json("client list"), json!([before]));
    assert_eq!(home.files(), ["oauthctl.db", "orders-web.secret"]);
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args(["--if-not-exists", "--quiet", "-o", "jsonl"])
        .stdout(
            &format!("{}\n", serde_json::to_string(&before).unwrap())
                .replace(before["created_at"].as_str().unwrap(), "<instant>"),
        )
        .run();
    // With another ID it is another client, whatever its name.
    Cli::new(&home)
        .args(REGISTER.split(' '))
        .args([
            "--if-not-exists",
            "--client-id",
            "other",
            "--secret-file",
            "other.secret",
            "-o",
            "id",
        ])
        .stdout("other\n")
        .run();
}
