//! `apply` and `export` from outside: streams and exit codes of the built program, compared exactly.
#![expect(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rexpect::process::WaitStatus;
use rexpect::session::{Options, spawn_with_options};
use serde_json::{Value, json};

const FILE: &str = "\
[[scope]]
name = \"orders:read\"
description = \"Read your orders\"
folders = [\"orders\"]

[[client]]
client_id = \"orders-web\"
name = \"Orders\"
redirect_uris = [\"https://orders.example/cb\"]
scopes = [\"orders:read\"]

[[resource_server]]
name = \"Warehouse\"
";

/// A directory to work in, in which FILE stands as `a.toml`.
struct Home(tempfile::TempDir);

/// Standard output, standard error, exit code.
type Ran = (String, String, i32);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.write("a.toml", FILE);
        home
    }

    /// In which the file was applied.
    fn applied() -> Self {
        let home = Self::new();
        assert_eq!(home.run("-q apply -f a.toml -o json").2, 0);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The names of the files in a directory, in alphabetical order.
    fn files(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn run(&self, args: &str) -> Ran {
        self.run_with(args, "")
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oauthctl"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OAUTHCTL_") {
                command.env_remove(name);
            }
        }
        command
            .args(args.split(' '))
            .current_dir(self.0.path())
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME");
        command
    }

    fn run_with(&self, args: &str, stdin: &str) -> Ran {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read it may have ended.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            text(output.stdout),
            text(output.stderr),
            output.status.code().unwrap(),
        )
    }

    fn export(&self) -> String {
        let (stdout, stderr, code) = self.run("export");
        assert_eq!((stderr.as_str(), code), ("", 0));
        stdout
    }
}

fn ran(stdout: &str, stderr: &str, code: i32) -> Ran {
    (stdout.to_owned(), stderr.to_owned(), code)
}

/// Whether the word is as secrets are made.
fn is_secret(word: &str) -> bool {
    word.len() == 47 && word.starts_with("ocs_")
}

/// The text with the secrets and the ends of made identifiers replaced.
fn masked(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|part| {
        let word = part.trim_end();
        let end = &part[word.len()..];
        if is_secret(word) {
            format!("SECRET{end}")
        } else if word
            .strip_prefix("warehouse-")
            .is_some_and(|made| made.len() == 8)
        {
            format!("warehouse-MADE{end}")
        } else {
            part.to_owned()
        }
    });
    words.collect()
}

#[test]
fn a_dry_run_shows_and_does_nothing_and_applying_twice_changes_nothing_more() {
    let home = Home::new();
    let added = "+ scope orders:read\n+ client orders-web\n+ resource server Warehouse\n";
    let summary = "dry run, nothing was changed: 3 to add, 0 to change, 0 to remove\n";
    for _ in 0..2 {
        assert_eq!(home.run("apply -f a.toml --dry-run"), ran(added, summary, 0));
    }
    let (stdout, stderr, code) = home.run("apply -f a.toml");
    assert_eq!(
        masked(&stdout),
        "+ scope orders:read\n\
         + client orders-web\n    client_secret  SECRET\n\
         + resource server Warehouse\n    resource_server_id  warehouse-MADE\n    resource_server_secret  SECRET\n"
    );
    assert_eq!((stderr.as_str(), code), ("3 added, 0 changed, 0 removed\n", 0));
    let nothing = "nothing to do: everything is as the file declares it\n";
    for args in [
        "apply -f a.toml",
        "apply -f a.toml --dry-run",
        "apply -f a.toml --prune",
    ] {
        assert_eq!(home.run(args), ran("", nothing, 0), "{args}");
    }
    assert_eq!(home.run("-q apply -f a.toml"), ran("", "", 0));
}

#[test]
fn what_is_exported_is_what_is_there() {
    let home = Home::applied();
    let exported = home.export();
    let (header, rest) = exported.split_once('\n').unwrap();
    assert!(header.starts_with("# "), "{header}");
    assert_eq!(
        rest,
        "\n[[scope]]\nname = \"orders:read\"\ndescription = \"Read your orders\"\nfolders = [\"orders\"]\n\
         \n[[client]]\nclient_id = \"orders-web\"\nname = \"Orders\"\n\
         redirect_uris = [\"https://orders.example/cb\"]\nscopes = [\"orders:read\"]\n\
         access_token_lifetime = \"1h\"\ncode_lifetime = \"1m\"\nrefresh = \"unlimited\"\n\
         refresh_token_lifetime = \"30d\"\nrefresh_token_idle = \"7d\"\nrequire_pkce = true\nconsent = \"always\"\nenabled = true\n\
         \n[[resource_server]]\nname = \"Warehouse\"\n"
    );
    let nothing = "nothing to do: everything is as the file declares it\n";
    let again = home.run_with("apply -f - --prune --dry-run", &exported);
    assert_eq!(again, ran("", nothing, 0));

    let elsewhere = Home::new();
    let (_, stderr, code) = elsewhere.run_with("apply -f - --prune", &exported);
    assert_eq!((stderr.as_str(), code), ("3 added, 0 changed, 0 removed\n", 0));
    assert_eq!(elsewhere.export(), exported);

    for format in ["json", "jsonl", "csv", "id"] {
        let reason = "error: export prints TOML only; leave -o out, or use `oauthctl client list -o json` and the like\n";
        assert_eq!(home.run(&format!("export -o {format}")), ran("", reason, 2));
    }
}

#[test]
fn what_is_left_out_goes_back_to_its_default() {
    let home = Home::applied();
    let set = "refresh = 3\nrequire_pkce = false\nconsent = \"remember\"\nenabled = false\ncode_lifetime = \"30s\"\nscopes = ";
    home.write("b.toml", FILE.replace("scopes = ", set));
    let changed = "\
        ~ client orders-web  code_lifetime: 1m → 30s\n\
        ~ client orders-web  refresh: unlimited → 3\n\
        ~ client orders-web  require_pkce: yes → no\n\
        ~ client orders-web  consent: always → remember\n\
        ~ client orders-web  enabled: yes → no\n";
    let summary = "0 added, 1 changed, 0 removed\n";
    assert_eq!(home.run("apply -f b.toml"), ran(changed, summary, 0));
    let changed = "\
        ~ client orders-web  code_lifetime: 30s → 1m\n\
        ~ client orders-web  refresh: 3 → unlimited\n\
        ~ client orders-web  require_pkce: no → yes\n\
        ~ client orders-web  consent: remember → always\n\
        ~ client orders-web  enabled: no → yes\n";
    assert_eq!(home.run("apply -f a.toml"), ran(changed, summary, 0));

    let opened = FILE
        .replace("[\"orders\"]", "[\"orders\", \"stock\"]")
        .replace("description = \"Read your orders\"\n", "");
    home.write("c.toml", opened);
    assert_eq!(
        home.run("apply -f c.toml"),
        ran(
            "~ scope orders:read  description: Read your orders → (none)\n\
             ~ scope orders:read  folders: orders → orders, stock\n",
            summary,
            0
        )
    );
}

#[test]
fn pruning_asks_where_something_goes() {
    let home = Home::applied();
    home.write("empty.toml", "");
    let before = home.export();
    let question = "Delete 3 things that the file does not have? Give --yes to say so; nothing was changed\n";
    assert_eq!(
        home.run("apply -f empty.toml --prune"),
        ran("", &format!("error: {question}"), 5)
    );
    home.write("one.toml", &FILE[..FILE.find("[[resource_server]]").unwrap()]);
    let question = "Delete the resource server `Warehouse`, which the file does not have? Give --yes to say so; \
                    nothing was changed\n";
    assert_eq!(
        home.run("apply -f one.toml --prune"),
        ran("", &format!("error: {question}"), 5)
    );
    let nothing = "nothing to do: everything is as the file declares it\n";
    assert_eq!(home.run("apply -f empty.toml"), ran("", nothing, 0));
    assert_eq!(home.export(), before);

    let removed = "- scope orders:read\n- client orders-web\n- resource server Warehouse\n";
    let summary = "dry run, nothing was changed: 0 to add, 0 to change, 3 to remove\n";
    assert_eq!(
        home.run("apply -f empty.toml --prune --dry-run"),
        ran(removed, summary, 0)
    );
    assert_eq!(home.export(), before);
    let summary = "0 added, 0 changed, 3 removed\n";
    assert_eq!(
        home.run("apply -f empty.toml --prune --yes"),
        ran(removed, summary, 0)
    );
    assert_eq!(home.export().lines().count(), 1);
}

#[test]
fn on_a_terminal_the_answer_counts() {
    let home = Home::applied();
    home.write("empty.toml", "");
    let before = home.export();
    let asked = |answer: &str| {
        let mut command = home.command("apply -f empty.toml --prune");
        command.env("TERM", "xterm");
        // Long enough for a slow machine; nothing waits for it where all is well.
        let options = Options::new()
            .timeout_ms(Some(60_000))
            .strip_ansi_escape_codes(true);
        let mut session = spawn_with_options(command, options).unwrap();
        let listed = session
            .exp_string("Delete 3 things that the file does not have?")
            .unwrap();
        for thing in [
            "- scope `orders:read`",
            "- client `orders-web`",
            "- resource server `Warehouse`",
        ] {
            assert!(listed.contains(thing), "{listed}");
        }
        session.send(answer).unwrap();
        session.flush().unwrap();
        session.exp_eof().unwrap();
        session.process().wait().unwrap()
    };
    assert!(matches!(asked("n"), WaitStatus::Exited(_, 1)));
    assert_eq!(home.export(), before);
    assert!(matches!(asked("y"), WaitStatus::Exited(_, 0)));
    assert_eq!(home.export().lines().count(), 1);
}

#[test]
fn the_resource_of_a_resource_server_is_declared_changed_and_exported() {
    let home = Home::applied();
    let before = home.export();
    let with = |host: &str| format!("{FILE}resource = \"https://{host}/warehouse\"\n");
    home.write("b.toml", with("b.example"));
    home.write("c.toml", with("c.example"));
    let change = |from: &str, to: &str| {
        let stdout = format!("~ resource server Warehouse  resource: {from} → {to}\n");
        ran(&stdout, "0 added, 1 changed, 0 removed\n", 0)
    };
    let (b, c) = ("https://b.example/warehouse", "https://c.example/warehouse");
    assert_eq!(home.run("apply -f b.toml"), change("(none)", b));
    assert_eq!(home.run("apply -f c.toml"), change(b, c));
    let exported = home.export();
    assert!(
        exported.ends_with(&format!("\nname = \"Warehouse\"\nresource = \"{c}\"\n")),
        "{exported}"
    );
    home.write("exported.toml", exported);
    let nothing = "nothing to do: everything is as the file declares it\n";
    assert_eq!(home.run("apply -f exported.toml --prune"), ran("", nothing, 0));
    assert_eq!(home.run("apply -f a.toml"), change(c, "(none)"));
    assert_eq!(home.export(), before);
}

#[test]
fn the_json_of_each_kind_of_change() {
    let home = Home::new();
    let object = |args: &str| -> Value {
        let (stdout, stderr, code) = home.run(args);
        assert_eq!((stderr.as_str(), code), ("", 0), "{args}");
        serde_json::from_str(&stdout).unwrap()
    };
    let added = |warehouse: &Value| {
        json!([
            { "kind": "scope", "id": "orders:read" },
            { "kind": "client", "id": "orders-web" },
            warehouse,
        ])
    };
    assert_eq!(
        object("apply -f a.toml --dry-run -o json"),
        json!({
            "added": added(&json!({ "kind": "resource_server", "id": "Warehouse" })),
            "changed": [], "removed": [], "dry_run": true, "secrets": {},
        })
    );
    let done = object("apply -f a.toml -o json");
    let id = done["added"][2]["resource_server_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let secrets = done["secrets"].as_object().unwrap();
    let holders: Vec<&String> = secrets.keys().collect();
    assert_eq!(holders, ["orders-web", &id]);
    assert!(secrets.values().all(|secret| is_secret(secret.as_str().unwrap())));
    assert_eq!(
        done["added"],
        added(&json!({ "kind": "resource_server", "id": "Warehouse", "resource_server_id": id }))
    );
    assert_eq!(done["dry_run"], false);

    let other = FILE
        .replace("orders-web", "new")
        .replace("[\"orders\"]", "[\"stock\"]")
        .replace("Warehouse", "Other");
    home.write("other.toml", other);
    fs::create_dir(home.path("secrets")).unwrap();
    let (stdout, _, _) = home.run("apply -f other.toml --prune --yes --secret-dir secrets -o jsonl");
    assert_eq!(stdout.lines().count(), 1);
    let mut done: Value = serde_json::from_str(&stdout).unwrap();
    let other = done["added"][1]["resource_server_id"].take();
    assert!(other.as_str().unwrap().starts_with("other-"), "{other}");
    assert_eq!(
        done,
        json!({
            "added": [
                { "kind": "client", "id": "new" },
                { "kind": "resource_server", "id": "Other", "resource_server_id": null },
            ],
            "changed": [{
                "kind": "scope", "id": "orders:read",
                "fields": { "folders": { "from": ["orders"], "to": ["stock"] } },
            }],
            "removed": [
                { "kind": "client", "id": "orders-web" },
                { "kind": "resource_server", "id": "Warehouse" },
            ],
            "dry_run": false,
            "secrets": {},
        })
    );

    home.write(
        "longer.toml",
        FILE.replace("scopes = ", "access_token_lifetime = \"2h\"\nscopes = "),
    );
    home.run("-q apply -f a.toml -o json");
    assert_eq!(
        object("apply -f longer.toml -o json")["changed"],
        json!([{
            "kind": "client", "id": "orders-web",
            "fields": { "access_token_lifetime": { "from": 3600, "to": 7200 } },
        }])
    );
}

#[test]
fn csv_and_identifiers_have_no_place_for_secrets() {
    let home = Home::new();
    for format in ["csv", "id"] {
        let reason =
            format!("error: -o {format} would lose the new secrets; add --secret-dir DIR to keep them\n");
        let args = format!("apply -f a.toml -o {format}");
        assert_eq!(home.run(&args), ran("", &reason, 2));
    }
    let ids = "orders:read\norders-web\nWarehouse\n";
    assert_eq!(home.run("apply -f a.toml -o id --dry-run"), ran(ids, "", 0));
    fs::create_dir(home.path("secrets")).unwrap();
    assert_eq!(
        home.run("apply -f a.toml -o id --secret-dir secrets"),
        ran(ids, "", 0)
    );
    home.write("b.toml", FILE.replace("[\"orders\"]", "[\"orders\", \"stock\"]"));
    assert_eq!(
        home.run("apply -f b.toml -o csv"),
        ran(
            "id,kind,change,field,from,to\norders:read,scope,changed,folders,orders,orders stock\n",
            "",
            0
        )
    );
}

#[test]
fn secrets_go_into_new_files_that_nobody_else_reads() {
    let home = Home::new();
    home.write("a.toml", FILE.replace("orders-web", "../orders"));
    fs::create_dir(home.path("secrets")).unwrap();
    let (stdout, _, code) = home.run("apply -f a.toml --secret-dir secrets");
    assert_eq!(
        (masked(&stdout).as_str(), code),
        (
            "+ scope orders:read\n+ client ../orders\n+ resource server Warehouse\n    resource_server_id  warehouse-MADE\n",
            0
        )
    );
    let files = home.files("secrets");
    assert_eq!(files.len(), 2);
    assert_eq!(files[0], "..%2Forders.secret");
    assert!(files[1].starts_with("warehouse-"), "{files:?}");
    for file in files {
        let path = home.path("secrets").join(file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(is_secret(fs::read_to_string(&path).unwrap().trim_end()));
    }
}

#[test]
fn a_secret_without_a_place_is_not_made() {
    let home = Home::new();
    fs::create_dir(home.path("secrets")).unwrap();
    home.write("secrets/orders-web.secret", "mine");
    assert_eq!(
        home.run("apply -f a.toml --secret-dir secrets"),
        ran(
            "",
            "error: secrets/orders-web.secret exists already, and a secret is never written over a file; name another \
             one\n",
            4
        )
    );
    let two = "[[client]]\nclient_id = \"a\"\nredirect_uris = [\"https://a.example/\"]\nscopes = [\"orders:read\"]\n";
    home.write("two.toml", format!("{FILE}{two}"));
    assert_eq!(home.run("apply -f two.toml --secret-dir secrets").2, 4);
    assert_eq!(
        home.files("secrets"),
        ["orders-web.secret"],
        "the other one is gone again"
    );
    assert_eq!(
        fs::read_to_string(home.path("secrets/orders-web.secret")).unwrap(),
        "mine"
    );
    let (stdout, stderr, code) = home.run("apply -f a.toml --secret-dir missing");
    assert_eq!((stdout.as_str(), code), ("", 1));
    assert!(
        stderr.starts_with("error: cannot create missing/orders-web.secret: "),
        "{stderr}"
    );
    assert_eq!(home.export().lines().count(), 1, "nothing was registered");
}

#[test]
fn mistakes_are_told_with_their_place_and_change_nothing() {
    let home = Home::applied();
    let before = home.export();
    for (text, args, message, code) in [
        (
            FILE.replace("scopes =", "scops ="),
            "",
            "error: b.toml:10: unknown key `scops`; did you mean `scopes`?\n",
            2,
        ),
        (
            FILE.replace("https://", "http://"),
            "",
            "error: b.toml:9: `redirect_uris`: `http://orders.example/cb`: http is accepted for 127.0.0.1, [::1] and \
             localhost only, exactly so spelled; use https\n",
            2,
        ),
        (
            FILE.replace("[\"https://orders.example/cb\"]", "[]"),
            "",
            "error: b.toml:6: a client needs at least one redirect URI\n",
            2,
        ),
        (
            format!("{FILE}[[scope]]\nname = \"orders:read\"\n"),
            "",
            "error: b.toml:14: the scope `orders:read` is declared on line 1 already\n",
            2,
        ),
        (
            FILE.replace("scopes = [\"orders:read\"]", "scopes = [\"orders:raed\"]"),
            "",
            "error: b.toml:6: no scope `orders:raed`; did you mean `orders:read`?\n",
            3,
        ),
        (
            FILE.replace("scopes = [\"orders:read\"]", "scopes = [\"mail\"]"),
            "",
            "error: b.toml:6: no scope `mail`\n`oauthctl scope list` shows those that are defined, `oauthctl scope define` \
             defines another\n",
            3,
        ),
        (
            FILE[FILE.find("[[client]]").unwrap()..].to_owned(),
            " --prune --yes",
            "error: b.toml:1: the scope `orders:read` is still in use by this client, and --prune would delete it; \
             declare it too\n",
            4,
        ),
    ] {
        home.write("b.toml", &text);
        for dry_run in ["", " --dry-run"] {
            assert_eq!(
                home.run(&format!("apply -f b.toml{args}{dry_run}")),
                ran("", message, code),
                "{text}"
            );
        }
    }
    assert_eq!(
        home.run_with("apply -f -", "[[scope]]\n"),
        ran("", "error: stdin:1: a scope needs the key `name`\n", 2)
    );
    let (_, stderr, code) = home.run("apply -f missing.toml");
    assert!(
        stderr.starts_with("error: cannot read missing.toml: "),
        "{stderr}"
    );
    assert_eq!(code, 1);
    assert_eq!(home.run("apply").2, 2);
    assert_eq!(home.export(), before);
}
