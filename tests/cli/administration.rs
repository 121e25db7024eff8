//! The verbs that change what is there: success, not found, conflict, nobody to confirm, wrong usage.

use serde_json::json;

use crate::harness::{Cli, Home};

/// Arguments, exit code, stdout and stderr.
type Row = (&'static str, i32, &'static str, &'static str);

fn check(home: &Home, rows: &[Row]) {
    for (args, code, stdout, stderr) in rows {
        Cli::new(home)
            .args(args.split(' '))
            .stdout(stdout)
            .stderr(stderr)
            .code(*code)
            .run();
    }
}

fn with_owner() -> Home {
    let home = Home::with_client();
    Cli::new(&home)
        .args("owner add alice --password-stdin -o id".split(' '))
        .stdin("correct horse battery\n")
        .stdout("alice\n")
        .run();
    home
}

#[test]
fn what_cannot_be_undone_needs_yes_where_nobody_can_be_asked() {
    let home = with_owner();
    for (args, question) in [
        (
            "client disable orders-web",
            "Disable the client `orders-web`, and with it all its tokens?",
        ),
        (
            "client delete orders-web",
            "Delete the client `orders-web` with all its grants and tokens?",
        ),
        (
            "client rotate-secret orders-web --overlap 0s",
            "End all secrets of `orders-web` now, without an overlap?",
        ),
        ("scope delete orders:read", "Delete the scope `orders:read`?"),
        (
            "owner disable alice",
            "Disable the resource owner `alice`, and with them what they approved?",
        ),
        (
            "owner delete alice",
            "Delete the resource owner `alice` with all that they approved?",
        ),
    ] {
        let error = format!("error: {question} Give --yes to say so; nothing was changed\n");
        Cli::new(&home).args(args.split(' ')).stderr(&error).code(5).run();
    }
    assert_eq!(home.json("client list")[0]["enabled"], json!(true));
    assert_eq!(home.json("owner list")[0]["enabled"], json!(true));
}

#[test]
fn what_does_not_exist_is_named_with_what_is_like_it() {
    let home = with_owner();
    let rows: [Row; 9] = [
        (
            "token revoke --scope order:read --yes",
            3,
            "",
            "error: no scope `order:read`; did you mean `orders:read`?\n",
        ),
        (
            "client disable orders-wb --yes",
            3,
            "",
            "error: no client `orders-wb`; did you mean `orders-web`?\n",
        ),
        (
            "client delete orders-wb --yes",
            3,
            "",
            "error: no client `orders-wb`; did you mean `orders-web`?\n",
        ),
        (
            "client update orders-wb --name X",
            3,
            "",
            "error: no client `orders-wb`; did you mean `orders-web`?\n",
        ),
        (
            "client rotate-secret orders-wb",
            3,
            "",
            "error: no client `orders-wb`; did you mean `orders-web`?\n",
        ),
        (
            "client update orders-web --remove-scope order:read",
            3,
            "",
            "error: no scope `order:read`; did you mean `orders:read`?\n",
        ),
        (
            "scope update order:read --description X",
            3,
            "",
            "error: no scope `order:read`; did you mean `orders:read`?\n",
        ),
        (
            "owner disable alicia --yes",
            3,
            "",
            "error: no resource owner `alicia`; did you mean `alice`?\n",
        ),
        (
            "token list --owner alicia",
            3,
            "",
            "error: no resource owner `alicia`; did you mean `alice`?\n",
        ),
    ];
    check(&home, &rows);
}

#[test]
fn a_scope_that_a_client_has_cannot_be_deleted() {
    let home = Home::with_client();
    let rows: [Row; 3] = [
        (
            "scope delete orders:read --yes",
            4,
            "",
            "error: the scope `orders:read` is still in use by `orders-web`\n",
        ),
        (
            "client delete orders-web --yes -o jsonl",
            0,
            "{\"client_id\":\"orders-web\",\"deleted\":true}\n",
            "",
        ),
        (
            "scope delete orders:read --yes -o jsonl",
            0,
            "{\"scope\":\"orders:read\",\"deleted\":true}\n",
            "",
        ),
    ];
    check(&home, &rows);
    assert_eq!(home.json("scope list"), json!([]));
}

#[test]
fn an_update_changes_what_is_named_and_leaves_the_rest() {
    let home = Home::with_client();
    let before = home.json("client list")[0].clone();
    home.json("client update orders-web --add-redirect-uri http://127.0.0.1/cb --refresh 3 --no-pkce --consent remember");
    let mut expected = before.clone();
    expected["redirect_uris"] = json!(["https://orders.example/cb", "http://127.0.0.1/cb"]);
    expected["refresh"] = json!(3);
    expected["require_pkce"] = json!(false);
    expected["consent"] = json!("remember");
    assert_eq!(home.json("client list"), json!([expected]));
    home.json(
        "client update orders-web --remove-redirect-uri http://127.0.0.1/cb --refresh unlimited --pkce --consent always",
    );
    assert_eq!(home.json("client list"), json!([before]));
    let nothing = "error: nothing to change was named; `oauthctl client update --help` shows what can be\n";
    check(&home, &[("client update orders-web", 2, "", nothing)]);
    home.json("scope update orders:read --add-service stock:count --remove-folder orders");
    let scope = home.json("scope show orders:read");
    assert_eq!(
        (&scope["folders"], &scope["services"]),
        (&json!([]), &json!(["stock:count"]))
    );
}

#[test]
fn a_secret_is_rotated_with_an_overlap_and_the_old_one_retired() {
    let home = Home::with_client();
    let rotated = home.json("client rotate-secret orders-web --overlap 24h");
    let names: Vec<&String> = rotated.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["client_id", "client_secret", "previous_secret_expires_at"]
    );
    let secrets = home.json("client show orders-web")["secrets"].take();
    let (old, new) = (&secrets[0], &secrets[1]);
    assert_eq!(old["expires_at"], rotated["previous_secret_expires_at"]);
    assert!(new["expires_at"].is_null() && secrets.as_array().unwrap().len() == 2);
    let id = |secret: &serde_json::Value| secret["secret_id"].as_str().unwrap().to_owned();
    let retired = home.json(&format!(
        "client rotate-secret orders-web --retire {} --yes",
        id(old)
    ));
    assert_eq!(
        retired,
        json!({"client_id": "orders-web", "secret_id": id(old), "retired": true})
    );
    let only =
        "error: it is the only good secret of `orders-web`; make another one first with rotate-secret\n";
    let args = format!("client rotate-secret orders-web --retire {} --yes", id(new));
    Cli::new(&home).args(args.split(' ')).stderr(only).code(2).run();
}

#[test]
fn a_resource_server_is_named_by_id_or_name() {
    let home = Home::new();
    let id = home.json("resource-server register Warehouse")["resource_server_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let rotated = home.json("resource-server rotate-secret Warehouse");
    assert_eq!(rotated["resource_server_id"], json!(id));
    assert!(
        rotated["resource_server_secret"]
            .as_str()
            .unwrap()
            .starts_with("ocs_")
    );
    let deleted = home.json(&format!("resource-server delete {id} --yes"));
    assert_eq!(deleted, json!({"resource_server_id": id, "deleted": true}));
    assert_eq!(home.json("resource-server list"), json!([]));
}

#[test]
fn an_owner_gets_a_new_password_and_is_disabled_enabled_and_deleted() {
    let home = with_owner();
    Cli::new(&home)
        .args("owner set-password alice --password-stdin -o jsonl".split(' '))
        .stdin("another horse battery\n")
        .stdout("{\"username\":\"alice\",\"sessions_ended\":0}\n")
        .run();
    assert_eq!(home.json("owner disable alice --yes")["enabled"], json!(false));
    assert_eq!(home.json("owner enable alice")["enabled"], json!(true));
    assert_eq!(
        home.json("owner delete alice --yes"),
        json!({"username": "alice", "deleted": true})
    );
}

#[test]
fn tokens_and_grants_that_are_not_there() {
    let home = Home::with_client();
    let rows: [Row; 8] = [
        ("token list", 0, "", "no such tokens\n"),
        ("token list -q -o json", 0, "[]\n", ""),
        ("token list --client orders-web -q -o jsonl", 0, "", ""),
        (
            "token revoke",
            2,
            "",
            "error: say which tokens: give IDs or selectors, such as --client or --unused-for; `token list` takes the same\n",
        ),
        (
            "token revoke --client orders-web --yes -o jsonl",
            0,
            "{\"matched\":0,\"revoked\":0,\"dry_run\":false}\n",
            "",
        ),
        (
            "token prune --yes -o jsonl",
            0,
            "{\"matched\":0,\"pruned\":0,\"dry_run\":false}\n",
            "",
        ),
        (
            "token revoke 38g61gjnf1de5 --yes",
            3,
            "",
            "error: no token `38g61gjnf1de5`\n`oauthctl token list` shows those that there are\n",
        ),
        (
            "grant revoke 38g61gjnf1de5 --yes",
            3,
            "",
            "error: no grant `38g61gjnf1de5`\n`oauthctl grant list` shows those that there are\n",
        ),
    ];
    check(&home, &rows);
    let line = "error: line 2 of stdin is neither a token nor the ID of one\n";
    Cli::new(&home)
        .args(["token", "revoke", "-", "--yes"])
        .stdin("38g61gjnf1de5\nnonsense\n")
        .stderr(line)
        .code(2)
        .run();
}

#[test]
fn a_token_among_the_arguments_is_refused_and_not_repeated() {
    let home = Home::with_client();
    let token = format!("oat_38g61gjnwdega{}", "A".repeat(43));
    let error = "error: a token or a secret stands among the arguments, where other users of this machine can see it; \
                 revoke it, and give tokens on stdin: `oauthctl token revoke -`\n";
    for before in [
        "token revoke",
        "token show",
        "token list",
        "token list --grant",
        "client show --nonsense",
    ] {
        Cli::new(&home)
            .args(before.split(' '))
            .args([&token])
            .stderr(error)
            .code(2)
            .run();
    }
}
