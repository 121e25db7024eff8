//! `pages export|check`.

use std::fs;

use crate::harness::{Cli, Home};

#[test]
fn what_is_exported_is_whole_and_nothing_is_written_over() {
    let home = Home::new();
    let files = "file\n\
                 own/layout.html\n\
                 own/sign_in.html\n\
                 own/approval.html\n\
                 own/error.html\n\
                 own/account.html\n\
                 own/signed_out.html\n\
                 own/style.css\n\
                 own/messages/en.toml\n\
                 own/messages/de.toml\n";
    let hint = "delete what you do not change; then `oauthctl pages check own`, and templates = \"own\" under [pages]\n";
    Cli::new(&home)
        .args(["pages", "export", "own"])
        .stdout(files)
        .stderr(hint)
        .run();
    Cli::new(&home)
        .args(["pages", "check", "own"])
        .stderr("nothing is wrong\n")
        .run();
    home.write("own/layout.html", "mine");
    Cli::new(&home)
        .args(["pages", "export", "own"])
        .code(4)
        .stderr(
            "error: own/layout.html exists already; nothing was written\n\
             name another directory, or give --force to write over what is there\n",
        )
        .run();
    assert_eq!(fs::read_to_string(home.join("own/layout.html")).unwrap(), "mine");
    Cli::new(&home)
        .args(["pages", "export", "own", "--force", "-q", "-o", "id"])
        .stdout(&files.replacen("file\n", "", 1))
        .run();
    assert_ne!(fs::read_to_string(home.join("own/layout.html")).unwrap(), "mine");
}

#[test]
fn a_directory_with_faults_is_refused_with_each_of_them() {
    let home = Home::new();
    fs::create_dir(home.join("own")).unwrap();
    home.write("own/signed_out.html", "<h1>{{ nobody }}</h1>");
    home.write("own/error.html", "<h1>\n{% if %}");
    Cli::new(&home)
        .args(["pages", "check", "own"])
        .code(6)
        .stdout(
            "file             line  fault\n\
             error.html       2     syntax error: unexpected end of block\n\
             signed_out.html        there is no variable `nobody`\n",
        )
        .stderr("error: 2 faults; the built-in stands in the place of what cannot be used\n")
        .run();
    home.write("oauthctl.toml", "[pages]\nlanguage = \"fr\"\n");
    Cli::new(&home)
        .args(["pages", "check", "-o", "jsonl"])
        .code(6)
        .stdout(
            "{\"file\":\"pages.language\",\"line\":null,\"fault\":\"there is no language `fr`; there are de, en\"}\n",
        )
        .stderr("error: one fault; the built-in stands in the place of what cannot be used\n")
        .run();
    let mut none = Cli::new(&home).args(["pages", "check", "nowhere"]).code(1);
    let said = String::from_utf8(none.output().stderr).unwrap();
    assert!(
        said.starts_with("error: cannot read nowhere: No such file"),
        "{said}"
    );
}

#[test]
fn config_check_says_what_the_pages_leave_out() {
    let home = Home::new();
    home.write("own.toml", "[pages]\nlogo = \"none.png\"\nlanguage = \"fr\"\n");
    Cli::new(&home)
        .args(["--config", "own.toml", "config", "check"])
        .stdout("ok: own.toml\n")
        .stderr(
            "note: pages.language: there is no language `fr`; there are de, en; the built-in stands in its place\n\
             note: pages.logo: none.png: No such file or directory (os error 2); the built-in stands in its place\n",
        )
        .run();
}
