//! `resource-server register|list`.

use serde_json::json;

use crate::harness::{Cli, Home};

#[test]
fn a_resource_server_in_each_format() {
    let table = "resource_server_id      warehouse-<suffix>\n\
                 resource_server_secret  <secret>\n\
                 name                    Warehouse\n\
                 created_at              <instant>\n";
    let line = "{\"resource_server_id\":\"warehouse-<suffix>\",\"resource_server_secret\":\"<secret>\",\
                \"name\":\"Warehouse\",\"created_at\":\"<instant>\"}\n";
    let csv = "resource_server_id,resource_server_secret,name,created_at\n\
               warehouse-<suffix>,<secret>,Warehouse,<instant>\n";
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
    let table = "resource_server_id  name       created_at\nwarehouse-<suffix>  Warehouse  <instant>\n";
    let line = "{\"resource_server_id\":\"warehouse-<suffix>\",\"name\":\"Warehouse\",\"created_at\":\"<instant>\"}\n";
    let csv = "resource_server_id,name,created_at\nwarehouse-<suffix>,Warehouse,<instant>\n";
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
    assert_eq!(fields, ["resource_server_id", "name", "created_at"]);
    let registered = home.json("resource-server register Another");
    let fields: Vec<&String> = registered.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "resource_server_id",
            "resource_server_secret",
            "name",
            "created_at"
        ]
    );
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
        .stderr("no resource servers yet; `oauthctl resource-server register` makes one\n")
        .run();
    assert_eq!(home.json("resource-server list"), json!([]));
}
