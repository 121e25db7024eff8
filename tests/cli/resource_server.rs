//! `resource-server register|list`.

use serde_json::json;

use crate::harness::{Cli, Home};

#[test]
fn a_resource_server_in_each_format() {
    let table = "resource_server_id      warehouse-<suffix>\n\
                 resource_server_secret  <secret>\n\
                 name                    Warehouse\n\
                 resource\n\
                 created_at              <instant>\n";
    let line = "{\"resource_server_id\":\"warehouse-<suffix>\",\"resource_server_secret\":\"<secret>\",\
                \"name\":\"Warehouse\",\"resource\":null,\"created_at\":\"<instant>\"}\n";
    let csv = "resource_server_id,resource_server_secret,name,resource,created_at\n\
               warehouse-<suffix>,<secret>,Warehouse,,<instant>\n";
    for (format, shown) in [("table", table), ("jsonl", line), ("csv", csv)] {
        let home = Home::new();
        Cli::new(&home)
            .args(["resource-server", "register", "Warehouse", "-o", format])
            .stdout(shown)
            .run();
    }
    let home = Home::new();
    Cli::new(&home)
        .args("resource-server register Warehouse -o id --secret-file s".split(' '))
        .stdout("warehouse-<suffix>\n")
        .run();
    let table = "resource_server_id  name       resource  created_at\nwarehouse-<suffix>  Warehouse            <instant>\n";
    let line = "{\"resource_server_id\":\"warehouse-<suffix>\",\"name\":\"Warehouse\",\"resource\":null,\"created_at\":\"<instant>\"}\n";
    let csv = "resource_server_id,name,resource,created_at\nwarehouse-<suffix>,Warehouse,,<instant>\n";
    for (format, shown) in [
        ("table", table),
        ("jsonl", line),
        ("csv", csv),
        ("id", "warehouse-<suffix>\n"),
    ] {
        Cli::new(&home)
            .args(["resource-server", "list", "-o", format])
            .stdout(shown)
            .run();
    }
    let list = home.json("resource-server list");
    let fields: Vec<&String> = list[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["resource_server_id", "name", "resource", "created_at"]);
    let registered = home.json("resource-server register Another");
    let fields: Vec<&String> = registered.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "resource_server_id",
            "resource_server_secret",
            "name",
            "resource",
            "created_at"
        ]
    );
}

#[test]
fn a_resource_is_named_changed_and_taken_away() {
    let home = Home::new();
    let resource = "https://api.example/warehouse";
    let of = |args: &str| home.json(args)["resource"].take();
    assert_eq!(
        of(&format!(
            "resource-server register Warehouse --resource {resource}"
        )),
        json!(resource)
    );
    assert_eq!(of("resource-server show Warehouse"), json!(resource));
    let other = "https://api.example/other";
    assert_eq!(
        of(&format!("resource-server update Warehouse --resource {other}")),
        json!(other)
    );
    assert_eq!(home.json("resource-server list")[0]["resource"], json!(other));
    // To itself it is no other one's.
    assert_eq!(
        of(&format!("resource-server update Warehouse --resource {other}")),
        json!(other)
    );
    let table = "resource_server_id  warehouse-<suffix>\n\
                 name                Warehouse\n\
                 resource\n\
                 created_at          <instant>\n";
    Cli::new(&home)
        .args("resource-server update Warehouse --no-resource".split(' '))
        .stdout(table)
        .run();
    let details: Vec<_> = home
        .json("audit list --action resource_server.update")
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["detail"].clone())
        .collect();
    assert_eq!(
        details,
        [
            json!({ "resource": { "from": resource, "to": other } }),
            json!({}),
            json!({ "resource": { "from": other, "to": null } }),
        ]
    );
}

#[test]
fn a_resource_that_is_none_or_is_taken() {
    let home = Home::new();
    home.json("resource-server register Warehouse --resource https://api.example");
    home.json("resource-server register Other");
    let taken = "there is a resource server for `https://api.example` already\n\
                 `oauthctl resource-server list` shows which; `resource-server update --no-resource` takes it away\n";
    for (args, message, code) in [
        (
            "resource-server register New --resource https://api.example",
            taken,
            4,
        ),
        (
            "resource-server update Other --resource https://api.example",
            taken,
            4,
        ),
        (
            "resource-server update Other --resource https://api.example/",
            "the metadata of `https://api.example/` would lie where those of `https://api.example` lie, which \
             `Warehouse` serves\n",
            2,
        ),
        (
            "resource-server update Othr --no-resource",
            "no resource server `Othr`; did you mean `Other`?\n",
            3,
        ),
        (
            "resource-server update Other --resource http://api.example",
            "invalid value 'http://api.example' for '--resource <URL>': `http://api.example` is not `https`; `http` is \
             accepted for `127.0.0.1`, `[::1]` and `localhost` only\n\nFor more information, try '--help'.\n",
            2,
        ),
        (
            "resource-server update Other",
            "the following required arguments were not provided:\n  <--resource <URL>|--no-resource>\n\n\
             Usage: oauthctl resource-server update <--resource <URL>|--no-resource> <ID>\n\n\
             For more information, try '--help'.\n",
            2,
        ),
    ] {
        Cli::new(&home)
            .args(args.split(' '))
            .stderr(&format!("error: {message}"))
            .code(code)
            .run();
    }
    let resources: Vec<_> = home
        .json("resource-server list")
        .as_array()
        .unwrap()
        .iter()
        .map(|server| server["resource"].clone())
        .collect();
    assert_eq!(resources, [json!(null), json!("https://api.example")]);
}

#[test]
fn refusals() {
    let home = Home::new();
    home.json("resource-server register Warehouse");
    for (args, message, code) in [
        (
            "resource-server register",
            "the name is missing; give it, or run this on a terminal without --no-input to be asked\n",
            2,
        ),
        (
            "resource-server register Warehouse",
            "there is a resource server `Warehouse` already\ngive the new one another name or ID\n",
            4,
        ),
        (
            "resource-server register Another -o id",
            "-o id would lose the secret; add --secret-file FILE to keep it\n",
            2,
        ),
        (
            "resource-server register Another --secret-file no/such",
            "cannot create no/such: No such file or directory (os error 2)\n",
            1,
        ),
        (
            "resource-server register Another --secret-file oauthctl.db",
            "oauthctl.db exists already, and a secret is never written over a file; name another one\n",
            4,
        ),
        (
            "resource-server register Warehouse --secret-file new",
            "there is a resource server `Warehouse` already\ngive the new one another name or ID\n",
            4,
        ),
    ] {
        Cli::new(&home)
            .args(args.split(' '))
            .stderr(&format!("error: {message}"))
            .code(code)
            .run();
    }
    assert_eq!(home.json("resource-server list").as_array().unwrap().len(), 1);
    assert_eq!(home.files(), ["oauthctl.db"]);
}

#[test]
fn an_empty_list_is_no_error() {
    let home = Home::new();
    Cli::new(&home)
        .args(["resource-server", "list"])
        .stderr(
            "no resource servers yet; `oauthctl resource-server register` makes one\n\
             looked into ./oauthctl.db, which is new; OAUTHCTL_DATABASE or --database names another database\n",
        )
        .run();
    assert_eq!(home.json("resource-server list"), json!([]));
}
