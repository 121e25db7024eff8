//! What is there when it has started, for whom, and what is not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::server::{Server, oauthctl};

#[test]
fn a_button_leads_to_a_token_and_nothing_stays_behind() {
    let mut server = Server::start(&["--dev"]);
    let database = Path::new(server.variable("OAUTHCTL_DATABASE")).to_owned();
    let socket = format!("{}-dev", database.display());
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let page = server.get(server.variable("OAUTH_AUTHORIZE_URL"), &[]);
    for owner in ["alice", "bob", "carol"] {
        assert!(page.body.contains(&format!("value=\"{owner}\"")), "{owner}");
    }
    let password = server.variable("OAUTH_PASSWORD");
    assert!(!page.body.contains(password), "a password stands in the page");
    let tokens = server.exchange(&server.code("bob")).json();
    assert_eq!(server.check(&tokens["access_token"]), 200);
    assert_eq!(server.told(&["grant", "list"])[0]["username"], "bob");
    let german = server.get("/account", &[("Accept-Language", "de")]);
    assert!(german.body.contains("Entwicklungsserver"));
    server.stop();
    assert_eq!(server.directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn the_mark_stands_on_pages_of_ones_own_too() {
    let directory = TempDir::new().unwrap();
    let own = directory.path().join("own");
    std::fs::create_dir(&own).unwrap();
    let layout = "<!DOCTYPE html>\n<html lang=\"{{ lang }}\" dir=\"{{ direction }}\">\n<head>\n<meta charset=\"utf-8\">\n\
                  <title>{{ title }}</title>\n<style>{{ style }}</style>\n</head>\n<body class=\"own\">\n<main>\n\
                  {{ content }}</main>\n</body>\n</html>\n";
    std::fs::write(own.join("layout.html"), layout).unwrap();
    std::fs::write(
        directory.path().join("oauthctl.toml"),
        "[pages]\ntemplates = \"own\"\n",
    )
    .unwrap();
    let server = Server::start_in(directory, &["--dev"]);
    for path in ["/account", "/authorize"] {
        let page = server.get(path, &[]);
        let (_, body) = page.body.split_once("<body class=\"own\">").unwrap();
        assert!(body.starts_with("<aside class=\"development"), "{body}");
        assert!(
            body.starts_with("<aside class=\"development short\">") == (path == "/authorize"),
            "{body}"
        );
    }
    assert!(server.get("/account", &[]).body.contains("value=\"alice\""));
}

#[test]
fn nothing_of_it_is_there_without_dev() {
    let server = Server::start(&[]);
    let directory = server.directory.path();
    assert!(!directory.join("oauthctl.db-dev").exists());
    let added = server.command(&["owner", "add", "alice", "--password-stdin"], "long enough\n");
    assert!(added.status.success());
    let page = server.get("/account", &[]);
    assert!(!page.body.contains("evelopment"), "{}", page.body);
    let mut form = page.hidden("username");
    form.push(("development_owner".to_owned(), "alice".to_owned()));
    let refused = server.post("/account", &[("Cookie", &page.cookie)], &form);
    assert_eq!(refused.status, 403);
    for path in ["/dev", "/dev/clock", "/dev/fail", "/dev/watch", "/control"] {
        assert_eq!(server.get(path, &[]).status, 404, "{path}");
    }
    for arguments in [
        &["dev", "clock"][..],
        &["dev", "clock", "advance", "1h"],
        &["dev", "fail", "next", "token", "500"],
        &["dev", "watch"],
        &["dev", "expire", "38g61gjnf1de5"],
    ] {
        let output = server.command(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("`oauthctl serve --dev`"), "{told}");
    }
}

#[test]
fn it_is_for_this_machine_only() {
    let directory = TempDir::new().unwrap();
    for arguments in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "[::]:0"],
        &["--listen", "127.0.0.1:0", "--issuer", "https://id.example"],
    ] {
        let mut all = vec!["serve", "--dev"];
        all.extend_from_slice(arguments);
        let output = oauthctl(directory.path(), &all).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("a development server is for this machine only"),
            "{told}"
        );
    }
    let behind = oauthctl(directory.path(), &["serve", "--dev", "--listen", "127.0.0.1:0"])
        .env("OAUTHCTL_SERVER_BEHIND_PROXY", "true")
        .output()
        .unwrap();
    assert_eq!(behind.status.code(), Some(2));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_second_server_on_the_same_port_is_told_how_to_have_another() {
    let first = Server::start(&["--dev"]);
    let address = first.issuer.strip_prefix("http://").unwrap();
    let second = first.command(&["serve", "--dev", "--listen", address], "");
    assert_eq!(second.status.code(), Some(1));
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(told.contains(&format!("cannot listen on {address}")), "{told}");
    assert!(
        told.contains("`--listen 127.0.0.1:0` takes a free port"),
        "{told}"
    );
    let directory = first.directory.path();
    assert_eq!(
        directory.read_dir().unwrap().count(),
        1,
        "the second leaves nothing behind"
    );
    assert_eq!(first.exchange(&first.code("alice")).status, 200);
}

#[test]
fn another_terminal_reads_the_variables_from_a_file_that_ends_with_the_server() {
    let mut server = Server::start(&["--dev", "--database", "it's mine.db"]);
    let file = server.directory.path().join("it's mine.db-env");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let told = &server.told_at_start;
    let next = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("next      in another terminal: "))
        .unwrap();
    let (read_it, rest) = next.rsplit_once(" && ").unwrap();
    assert_eq!(rest, "oauthctl login");
    let shell = Command::new("sh")
        .args([
            "-c",
            &format!("{read_it} && exec sh -c 'echo \"$OAUTH_CLIENT_SECRET $OAUTH_METADATA_URL\"'"),
        ])
        .current_dir("/")
        .output()
        .unwrap();
    let read = String::from_utf8(shell.stdout).unwrap();
    let metadata = format!("{}/.well-known/oauth-authorization-server", server.issuer);
    assert_eq!(
        read.trim(),
        format!("{} {metadata}", server.variable("OAUTH_CLIENT_SECRET"))
    );
    assert_eq!(server.variable("OAUTH_METADATA_URL"), metadata);
    assert!(
        told.contains("http://127.0.0.1/callback, and the same with any port"),
        "{told}"
    );
    assert!(told.contains("ends at port 80"), "{told}");
    server.stop();
    assert!(!file.exists());
    // One that was killed leaves it, and somebody may have put something else there.
    std::fs::write(&file, "export OAUTH_ISSUER=old\n").unwrap();
    let directory = std::mem::replace(&mut server.directory, TempDir::new().unwrap());
    let server = Server::start_in(directory, &["--dev", "--database", "it's mine.db"]);
    let file = server.directory.path().join("it's mine.db-env");
    let content = std::fs::read_to_string(&file).unwrap();
    assert!(
        content.contains(server.variable("OAUTH_CLIENT_SECRET")),
        "{content}"
    );
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_wrong_terminal_is_told_which_database_it_looks_into() {
    let directory = TempDir::new().unwrap();
    let told = |arguments: &[&str]| {
        let output = oauthctl(directory.path(), arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let another = "OAUTHCTL_DATABASE or --database names another database";
    let (code, first) = told(&["client", "show", "dev-client"]);
    assert_eq!(code, Some(3));
    assert!(
        first.contains("no client `dev-client` in ./oauthctl.db, which is new") && first.contains(another),
        "{first}"
    );
    let (code, second) = told(&["client", "show", "dev-client"]);
    assert_eq!(code, Some(3));
    assert!(second.contains("in ./oauthctl.db, which is empty"), "{second}");
    let (code, listed) = told(&["grant", "list"]);
    assert_eq!(code, Some(0));
    assert!(
        listed.contains("looked into ./oauthctl.db, which is empty") && listed.contains(another),
        "{listed}"
    );
    assert_eq!(told(&["grant", "list", "--quiet"]), (Some(0), String::new()));
    told(&["scope", "define", "a", "--folder", "a", "--description", "a"]);
    told(&[
        "client",
        "register",
        "--name",
        "a",
        "--client-id",
        "a",
        "--scope",
        "a",
        "--redirect-uri",
        "http://127.0.0.1/",
        "--secret-file",
        "secret",
    ]);
    let (_, third) = told(&["client", "show", "other"]);
    assert!(
        third.contains("no client `other`") && !third.contains("oauthctl.db"),
        "{third}"
    );
}

#[test]
fn the_file_of_somebody_is_not_taken_for_that_of_the_variables() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("dev-env");
    std::fs::write(&file, "PRECIOUS=1\n").unwrap();
    let start = ["serve", "--listen", "127.0.0.1:0", "--dev", "--database", "dev"];
    let refused = oauthctl(directory.path(), &start).output().unwrap();
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("dev-env is where the variables"), "{stderr}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "PRECIOUS=1\n");
    assert!(!directory.path().join("dev").exists(), "nothing is made before");
}

#[test]
fn run_takes_no_database_from_an_option_and_heeds_none_of_the_environment() {
    let directory = TempDir::new().unwrap();
    for arguments in [
        ["run", "--database", "x.db", "--", "true"],
        ["--database", "x.db", "run", "--", "true"],
    ] {
        let refused = oauthctl(directory.path(), &arguments).output().unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(
            told.contains("a database of its own") && told.contains("x.db"),
            "{told}"
        );
    }
    let mut run = oauthctl(directory.path(), &["run", "--", "true"]);
    let ended = run.env("OAUTHCTL_DATABASE", "x.db").output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(!directory.path().join("x.db").exists());
}
