//! What it begins with, what stays, and whose databases it leaves alone.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Server, oauthctl};

#[test]
fn a_file_seeds_it_and_a_database_that_is_named_stays() {
    let directory = TempDir::new().unwrap();
    let file = "[[scope]]\nname = \"a\"\nfolders = [\"a\"]\n[[client]]\nclient_id = \"mine\"\nscopes = [\"a\"]\n\
                redirect_uris = [\"http://127.0.0.1/back\"]\n\
                [[owner]]\nusername = \"zoe\"\npassword = \"long enough\"\n";
    std::fs::write(directory.path().join("my.toml"), file).unwrap();
    let applied = oauthctl(directory.path(), &["apply", "-f", "my.toml"])
        .output()
        .unwrap();
    assert_eq!(applied.status.code(), Some(2), "owners are for development");
    let database = directory.path().join("kept.db");
    let arguments = ["--dev", "my.toml", "--database", "kept.db"];
    let mut first = Server::start_in(directory, &arguments);
    assert_eq!(first.variable("OAUTH_CLIENT_ID"), "mine");
    assert_eq!(first.variable("OAUTH_PASSWORD"), "long enough");
    first.code("zoe");
    let second = first.command(
        &[
            "serve",
            "--dev",
            "--database",
            "kept.db",
            "--listen",
            "127.0.0.1:0",
        ],
        "",
    );
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2), "{told}");
    assert!(told.contains("another development server runs"), "{told}");
    first.stop();
    assert!(database.exists());
    assert!(!database.with_file_name("kept.db-dev").exists());
}

/// The variables that a developer keeps, without those that are new at each start: a port, a `state`, a verifier.
fn kept(server: &Server) -> Vec<(String, String)> {
    let names = [
        "OAUTH_CLIENT_ID",
        "OAUTH_CLIENT_SECRET",
        "OAUTH_PASSWORD",
        "OAUTH_RESOURCE_SERVER_ID",
        "OAUTH_RESOURCE_SERVER_SECRET",
        "OAUTH_USERNAME",
    ];
    let value = |name: &str| (name.to_owned(), server.variable(name).to_owned());
    names.map(value).into()
}

/// Whether the server takes the client's secret.
fn admits(server: &Server, id: &str, secret: &str) -> bool {
    let basic = format!("Basic {}", BASE64.encode(format!("{id}:{secret}").as_bytes()));
    let form = [("token".to_owned(), "x".to_owned())];
    match server
        .post("/introspect", &[("Authorization", &basic)], &form)
        .status
    {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

/// Another server with what the last one left in its directory.
fn again(mut last: Server, arguments: &[&str]) -> Server {
    last.stop();
    let directory = std::mem::replace(&mut last.directory, TempDir::new().unwrap());
    Server::start_in(directory, arguments)
}

#[test]
fn a_file_of_ones_own_makes_every_start_the_same() {
    let directory = TempDir::new().unwrap();
    let file = oauthctl(directory.path(), &["example", "development"])
        .output()
        .unwrap();
    assert!(file.status.success());
    std::fs::write(directory.path().join("dev.toml"), &file.stdout).unwrap();
    let applied = oauthctl(directory.path(), &["apply", "-f", "dev.toml"])
        .output()
        .unwrap();
    let told = String::from_utf8(applied.stderr).unwrap();
    assert_eq!(applied.status.code(), Some(2), "{told}");
    assert!(
        told.contains("`client_secret` is for `oauthctl serve --dev` only"),
        "{told}"
    );
    assert!(told.contains("rotate-secret ID --secret-stdin"), "{told}");

    let first = Server::start_in(directory, &["--dev", "dev.toml"]);
    let expected = kept(&first);
    assert!(
        !first.told_at_start.contains("  keep "),
        "{}",
        first.told_at_start
    );
    let second = again(first, &["--dev", "dev.toml"]);
    assert_eq!(kept(&second), expected, "on another scratch database");
    assert_eq!(second.exchange(&second.code("bob")).status, 200);

    // A database with other secrets, as an earlier start has made it.
    let third = again(second, &["--dev", "--database", "dev.db"]);
    let (old_id, old) = (
        third.variable("OAUTH_CLIENT_ID").to_owned(),
        third.variable("OAUTH_CLIENT_SECRET").to_owned(),
    );
    assert!(admits(&third, &old_id, &old));
    let fourth = again(third, &["--dev", "dev.toml", "--database", "dev.db"]);
    assert_eq!(kept(&fourth), expected);
    for told in [
        "  client    dev-client was there before and has the secret of the file now; the one before it has ended\n",
        "  api       dev-api was there before and has the secret of the file now; the one before it has ended\n",
    ] {
        let all = &fourth.told_at_start;
        assert!(all.contains(told) && !all.contains("  keep "), "{all}");
    }
    let tokens = fourth.exchange(&fourth.code("carol")).json();
    assert!(
        !admits(&fourth, &old_id, &old),
        "what the file says is what there is"
    );
    let server = |name: &str| fourth.variable(name).to_owned();
    assert!(admits(
        &fourth,
        &server("OAUTH_RESOURCE_SERVER_ID"),
        &server("OAUTH_RESOURCE_SERVER_SECRET")
    ));
    let fifth = again(fourth, &["--dev", "dev.toml", "--database", "dev.db"]);
    assert_eq!(kept(&fifth), expected);
    assert!(!fifth.told_at_start.contains("was there before"));
    assert_eq!(fifth.check(&tokens["access_token"]), 200, "tokens are kept");
    let trail = fifth.told(&["audit", "list", "--action", "secret.rotate"]);
    assert_eq!(trail.as_array().unwrap().len(), 2, "only once for each");
}

#[test]
fn the_example_on_a_database_that_stays_knows_new_secrets_and_lets_the_old_ones_in() {
    let first = Server::start(&["--dev", "--database", "dev.db"]);
    assert!(
        first.told_at_start.contains("oauthctl example development"),
        "{}",
        first.told_at_start
    );
    let old = kept(&first);
    let tokens = first.exchange(&first.code("alice")).json();
    let second = again(first, &["--dev", "--database", "dev.db"]);
    let told = &second.told_at_start;
    assert!(
        told.contains("dev-client was there before and has a new secret"),
        "{told}"
    );
    assert!(
        told.contains("dev-api was there before and has a new secret"),
        "{told}"
    );
    for ((name, old), (_, new)) in old.iter().zip(kept(&second)) {
        let is_secret = name.ends_with("SECRET") || name.ends_with("PASSWORD");
        assert_eq!(*old == new, !is_secret, "{name}");
    }
    assert!(
        admits(&second, &old[0].1, &old[1].1),
        "an .env file outlives the start"
    );
    assert!(admits(&second, &old[3].1, &old[4].1));
    assert_eq!(
        second.exchange(&second.code("alice")).status,
        200,
        "the buttons work"
    );
    assert_eq!(second.check(&tokens["access_token"]), 200);

    // Somebody who was there before the example keeps the password.
    std::fs::write(second.directory.path().join("empty.toml"), "").unwrap();
    let without_example = again(second, &["--dev", "empty.toml", "--database", "own.db"]);
    let added = without_example.command(&["owner", "add", "alice", "--password-stdin"], "correct horse\n");
    assert!(added.status.success());
    let mut last = without_example;
    for _ in 0..2 {
        last = again(last, &["--dev", "--database", "own.db"]);
        assert!(
            last.told_at_start.contains("alice was there before"),
            "{}",
            last.told_at_start
        );
        assert_eq!(last.variable("OAUTH_USERNAME"), "bob");
    }
    let trail = last.told(&["audit", "list", "--action", "owner.set_password"]);
    let subjects: Vec<&Value> = trail
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["subject"])
        .collect();
    assert_eq!(subjects, ["bob", "carol"]);
}

#[test]
fn what_a_server_that_was_killed_left_behind_goes_at_the_next_start() {
    let mut killed = Server::start(&["--dev"]);
    let scratch = |server: &Server| {
        Path::new(server.variable("OAUTHCTL_DATABASE"))
            .parent()
            .unwrap()
            .to_owned()
    };
    let left = scratch(&killed);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(left.join("oauthctl.db").exists());
    let directory = std::mem::replace(&mut killed.directory, TempDir::new().unwrap());
    let place = directory.path().to_owned();
    let first = Server::start_in(directory, &["--dev"]);
    assert!(!left.exists(), "nobody has it any more");
    let ran = oauthctl(&place, &["run", "--", "true"]).status().unwrap();
    assert!(ran.success());
    assert!(scratch(&first).join("oauthctl.db").exists(), "somebody has it");
    assert_eq!(first.exchange(&first.code("alice")).status, 200);
    assert_eq!(place.read_dir().unwrap().count(), 1);
}

/// All that the database of a directory has to say.
fn content(directory: &Path, database: &str) -> Vec<String> {
    let lists = [
        &["client", "list"][..],
        &["owner", "list"],
        &["scope", "list"],
        &["audit", "list"],
    ];
    let told = lists.map(|list| {
        let mut arguments = list.to_vec();
        arguments.extend_from_slice(&["-o", "json", "--database", database]);
        let output = oauthctl(directory, &arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    });
    told.into()
}

#[test]
fn the_database_of_another_server_is_left_alone() {
    let mut running = Server::start(&[]);
    let directory = std::mem::replace(&mut running.directory, TempDir::new().unwrap());
    let place = directory.path();
    let added = oauthctl(
        place,
        &["scope", "define", "a", "--folder", "a", "--database", "real.db"],
    )
    .output()
    .unwrap();
    assert!(added.status.success());
    // An ordinary server has this one at this moment, and nothing is in it yet.
    for database in ["real.db", "oauthctl.db"] {
        let before = content(place, database);
        let refused = oauthctl(
            place,
            &[
                "serve",
                "--dev",
                "--database",
                database,
                "--listen",
                "127.0.0.1:0",
            ],
        )
        .output()
        .unwrap();
        assert_eq!(refused.status.code(), Some(2), "{database}");
        assert_eq!(refused.stdout, b"");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(
            told.contains(&format!(
                "{database} is not a database that `oauthctl serve --dev` made"
            )),
            "{told}"
        );
        assert!(told.contains("name a file that is not there yet"), "{told}");
        assert_eq!(content(place, database), before);
    }
    // One that it made is taken again, also once others were put in; an ordinary server says whose it is.
    let server = Server::start_in(directory, &["--dev", "--database", "new.db"]);
    let trail = server.told(&["audit", "list"]);
    assert!(
        trail
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["action"] == "development.begin"),
        "{trail}"
    );
    let server = again(server, &["--dev", "--database", "new.db"]);
    let place = server.directory.path();
    let mut ordinary = oauthctl(
        place,
        &["serve", "--listen", "127.0.0.1:0", "--database", "new.db"],
    )
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut stderr = BufReader::new(ordinary.stderr.take().unwrap());
    let mut told = String::new();
    stderr.read_line(&mut told).unwrap();
    // What it says at the start it says, whenever it is to end.
    Command::new("kill")
        .arg(ordinary.id().to_string())
        .status()
        .unwrap();
    stderr.read_to_string(&mut told).unwrap();
    assert!(ordinary.wait().unwrap().success());
    assert!(told.contains("`serve --dev` made the database"), "{told}");
}

#[test]
fn a_table_that_is_misspelt_is_told_from_those_of_a_file_for_development() {
    let directory = TempDir::new().unwrap();
    std::fs::write(
        directory.path().join("dev.toml"),
        "[[owners]]\nusername = \"alice\"\n",
    )
    .unwrap();
    let refused = oauthctl(directory.path(), &["serve", "--dev", "dev.toml"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("did you mean `[[owner]]`?"), "{stderr}");
}

#[test]
fn a_file_without_clients_leads_to_one_and_a_route_that_is_not_meant_is_pointed_out() {
    let directory = TempDir::new().unwrap();
    let file = "[[scope]]\nname = \"a\"\nroutes = [\"GET /profile/:id\"]\n";
    std::fs::write(directory.path().join("my.toml"), file).unwrap();
    let server = Server::start_in(directory, &["--dev", "my.toml"]);
    let told = &server.told_at_start;
    let next: Vec<&str> = told.lines().filter(|line| line.starts_with("  next ")).collect();
    assert_eq!(next.len(), 1, "{told}");
    assert!(next[0].ends_with("&& oauthctl client register"), "{told}");
    assert!(
        told.contains("`:id` in the route GET /profile/:id stands for itself"),
        "{told}"
    );
    let seeded = Server::start(&["--dev"]);
    assert!(
        !seeded.told_at_start.contains("warning:"),
        "{}",
        seeded.told_at_start
    );
    assert!(seeded.told_at_start.contains("&& oauthctl login\n"));
}
