//! `scope define|list|show`.

use serde_json::json;

use crate::harness::{Cli, Home};

#[test]
fn a_scope_in_each_format() {
    let home = Home::with_scope();
    let one = "scope        orders:read\n\
               description  Read your orders\n\
               folders      orders\n\
               services\n\
               routes       /orders/{id}\n\
               created_at   <instant>\n";
    let list = "scope        description       folders  services  routes\n\
                orders:read  Read your orders  orders             /orders/{id}\n";
    let line = "{\"scope\":\"orders:read\",\"description\":\"Read your orders\",\"folders\":[\"orders\"],\
                \"services\":[],\"routes\":[\"/orders/{id}\"],\"created_at\":\"<instant>\"}\n";
    let csv = "scope,description,folders,services,routes,created_at\n\
               orders:read,Read your orders,orders,,/orders/{id},<instant>\n";
    for (args, shown) in [
        ("scope show orders:read", one),
        ("scope list", list),
        ("scope show orders:read -o jsonl", line),
        ("scope list -o jsonl", line),
        ("scope show orders:read -o csv", csv),
        ("scope list -o csv", csv),
        ("scope show orders:read -o id", "orders:read\n"),
        ("scope list -o id", "orders:read\n"),
    ] {
        Cli::new(&home).args(args.split(' ')).stdout(shown).run();
    }
    assert_eq!(
        home.json("scope list"),
        json!([home.json("scope show orders:read")])
    );
}

#[test]
fn define_prints_what_it_opens() {
    let home = Home::new();
    Cli::new(&home)
        .args("scope define stock --folder b a --service w.s:count --route".split(' '))
        .args(["GET /stock/**", "/a"])
        .stdout(
            "scope        stock\n\
             description\n\
             folders      a\n             b\n\
             services     w.s:count\n\
             routes       /a\n             GET /stock/**\n\
             created_at   <instant>\n",
        )
        .stderr(
            "warning: the route /a opens every method, DELETE among them; write `GET /a` where it is only to be read\n",
        )
        .run();
}

#[test]
fn what_may_not_be_meant_is_said_on_stderr_and_is_no_error() {
    let home = Home::new();
    let covered = "warning: the folder orders covers the service orders:list already; leave it out\n";
    let letters = "warning: the folder orders does not cover orders2:list, which only begins with the same letters; \
                   add the folder orders2 if it is meant too\n";
    let args = "scope define orders --folder orders --service orders:list -o id";
    Cli::new(&home)
        .args(args.split(' '))
        .stdout("orders\n")
        .stderr(covered)
        .run();
    // JSON on stdout stays JSON, and `-q` says nothing.
    let output = Cli::new(&home)
        .args("scope define old --service orders2:list -o json".split(' '))
        .output();
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok());
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "warning: the service orders2:list only begins with the same letters as the folder orders of another scope, \
         which does not cover it\n"
    );
    Cli::new(&home)
        .args("scope update orders --add-folder mail -o id".split(' '))
        .stdout("orders\n")
        .stderr(&format!("{letters}{covered}"))
        .run();
    for quiet in [
        "scope update orders --remove-folder mail -o id -q",
        "scope update orders --description Orders -o id",
    ] {
        Cli::new(&home).args(quiet.split(' ')).stdout("orders\n").run();
    }
    // No more than anybody reads.
    let routes: Vec<String> = (0..12).map(|n| format!("GET /a/:n{n}")).collect();
    let output = Cli::new(&home)
        .args(["scope", "define", "many", "-o", "id", "--route"])
        .args(&routes)
        .output();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().count(), 11, "{told}");
    assert!(
        told.ends_with("warning: and 2 more; `oauthctl doctor` names all that is defined\n"),
        "{told}"
    );
}

#[test]
fn apply_says_where_what_may_not_be_meant_is_declared() {
    let home = Home::new();
    home.write(
        "scopes.toml",
        "[[scope]]\nname = \"all\"\nroutes = [\"GET /**\"]\n\n[[scope]]\nname = \"one\"\nroutes = [\"GET /a\"]\n",
    );
    let warning = "warning: scopes.toml:1: scope all: the route GET /** opens every path but `/` itself, the \
                   `/invoke/…` of every service among them; name what is meant, as in `GET /orders/**`\n";
    Cli::new(&home)
        .args("apply -f scopes.toml --dry-run".split(' '))
        .stdout("+ scope all\n+ scope one\n")
        .stderr(&format!(
            "{warning}dry run, nothing was changed: 2 to add, 0 to change, 0 to remove\n"
        ))
        .run();
    Cli::new(&home)
        .args("apply -f scopes.toml -o id".split(' '))
        .stdout("all\none\n")
        .stderr(warning)
        .run();
    // Look-alikes are told once, whichever of them was there first.
    let alike = "warning: scopes.toml:1: scope a: the folder orders does not cover orders2, which only begins with the \
                 same letters; add the folder orders2 if it is meant too\n";
    let later = "warning: more.toml:1: scope c: the folder orders-old only begins with the same letters as the folder \
                 orders of another scope, which does not cover it\n";
    let other = Home::new();
    other.write(
        "scopes.toml",
        "[[scope]]\nname = \"a\"\nfolders = [\"orders\"]\n\n[[scope]]\nname = \"b\"\nfolders = [\"orders2\"]\n",
    );
    other.write(
        "more.toml",
        "[[scope]]\nname = \"c\"\nfolders = [\"orders-old\"]\n",
    );
    for (file, names, warning) in [("scopes.toml", "a\nb\n", alike), ("more.toml", "c\n", later)] {
        Cli::new(&other)
            .args(["apply", "-f", file, "-o", "id"])
            .stdout(names)
            .stderr(warning)
            .run();
    }
    // What is as it was is not told again.
    Cli::new(&home)
        .args("apply -f scopes.toml".split(' '))
        .stderr("nothing to do: everything is as the file declares it\n")
        .run();
}

#[test]
fn an_empty_list_is_no_error() {
    Cli::new(&Home::new())
        .args(["scope", "list", "-o", "json"])
        .stdout("[]\n")
        .stderr(
            "no scopes yet; `oauthctl scope define` makes one\n\
             looked into ./oauthctl.db, which is new; OAUTHCTL_DATABASE or --database names another database\n",
        )
        .run();
}

#[test]
fn not_found_and_taken() {
    let home = Home::with_scope();
    for (args, message, code) in [
        (
            "scope show orders:raed",
            "error: no scope `orders:raed`; did you mean `orders:read`?\n",
            3,
        ),
        (
            "scope show mail",
            "error: no scope `mail`\n\
             `oauthctl scope list` shows those that are defined, `oauthctl scope define` defines another\n",
            3,
        ),
        (
            "scope define orders:read --folder mail",
            "error: there is a scope `orders:read` already\n\
             `oauthctl scope show` shows what it opens; give the new one another name\n",
            4,
        ),
    ] {
        Cli::new(&home)
            .args(args.split(' '))
            .stderr(message)
            .code(code)
            .run();
    }
    assert_eq!(home.json("scope show orders:read")["folders"], json!(["orders"]));
}

#[test]
fn what_is_missing_or_refused() {
    let missing = "or run this on a terminal without --no-input to be asked\n";
    for (args, message) in [
        (
            vec![],
            format!(
                "the name of the scope and what it opens (--folder, --service or --route) are missing; give them, \
                 {missing}"
            ),
        ),
        (
            vec!["stock", "--no-input"],
            format!("what it opens (--folder, --service or --route) is missing; give it, {missing}"),
        ),
        (
            vec!["a b", "--folder", "a"],
            refused(
                "a b",
                "[SCOPE]",
                "not a scope token: 1 to 128 printable ASCII characters without space, `\"` and `\\` are expected",
            ),
        ),
        (
            vec!["a", "--service", "orders"],
            refused(
                "orders",
                "--service <SERVICE>...",
                "not a service: write its folder, one `:` and a single segment, as in `orders.eu:list`",
            ),
        ),
        (
            vec!["a", "--route", "GET orders"],
            refused(
                "GET orders",
                "--route <ROUTE>...",
                "not a route: write `METHOD /path` with one space between, or `/path` for any method",
            ),
        ),
        (
            vec!["a", "--folder", "a b"],
            refused(
                "a b",
                "--folder <FOLDER>...",
                "' ' in a name: accepted are printable ASCII characters except space and .:/\\;?#%*{},\"<>`",
            ),
        ),
    ] {
        let home = Home::new();
        Cli::new(&home)
            .args(["scope", "define"])
            .args(args)
            .stderr(&format!("error: {message}"))
            .code(2)
            .run();
        assert!(home.files().is_empty(), "wrong usage makes no database");
    }
}

fn refused(value: &str, option: &str, reason: &str) -> String {
    format!("invalid value '{value}' for '{option}': {reason}\n\nFor more information, try '--help'.\n")
}
