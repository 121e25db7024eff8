//! On a terminal: what is missing is asked for, and what is printed fits.

use std::process::Command;
use std::thread;
use std::time::Duration;

use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{Options, PtySession, spawn_with_options};
use serde_json::json;

use crate::harness::{Cli, Home, REGISTER, with_placeholders};

/// Long enough for a slow machine; nothing waits for it where all is well.
const PATIENCE: u64 = 60_000;

fn session(command: Command, strip_ansi_escape_codes: bool) -> PtySession {
    let options = Options::new()
        .timeout_ms(Some(PATIENCE))
        .strip_ansi_escape_codes(strip_ansi_escape_codes);
    spawn_with_options(command, options).unwrap()
}

/// The program on a terminal of 80 columns.
fn on_terminal(home: &Home, args: &str) -> PtySession {
    let mut command = home.command();
    command.args(args.split_whitespace()).env("TERM", "xterm");
    session(command, true)
}

/// As [`on_terminal`], where the terminal echoes what is typed, as one does for a person.
fn on_echoing_terminal(home: &Home, args: &str) -> PtySession {
    let program = home.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "stty echo && exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(args.split_whitespace())
        .current_dir(home.path())
        .env("TERM", "xterm");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    session(command, true)
}

/// Waits for a question whose answer is not echoed, and answers it. Gives what was shown before it.
#[track_caller]
fn answer_unseen(session: &mut PtySession, question: &str, text: &str) -> String {
    let shown = session.exp_string(question).unwrap();
    // The program drops what was typed before it turned the echo off.
    let mut looks = 0;
    while echoes(session) {
        looks += 1;
        assert!(looks < 5000, "the echo stays on");
        thread::sleep(Duration::from_millis(5));
    }
    session.send_line(text).unwrap();
    shown
}

fn echoes(session: &PtySession) -> bool {
    let terminal = session.process().get_file_handle().unwrap();
    let output = Command::new("stty").arg("-a").stdin(terminal).output().unwrap();
    let settings = String::from_utf8(output.stdout).unwrap();
    assert!(settings.contains("echo"), "{settings}");
    settings.split_whitespace().any(|setting| setting == "echo")
}

/// The rest of what is shown, line by line, and the exit code.
fn end(mut session: PtySession) -> (String, i32) {
    // Each character that is handed over is one byte.
    let rest: Vec<u8> = session
        .exp_eof()
        .unwrap()
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect();
    let rest = String::from_utf8(rest).unwrap().replace('\r', "");
    match session.process().wait().unwrap() {
        WaitStatus::Exited(_, code) => (with_placeholders(&without_ages(&rest)), code),
        other => panic!("{other:?}: {rest}"),
    }
}

/// `text` with instants at the ends of lines as they stand in a pipe: how long ago something was differs from run to run.
fn without_ages(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<&str> = line.rsplitn(4, ' ').collect();
        let age = match words.as_slice() {
            ["now", "just", ..] => "just now".len(),
            ["ago", unit, count, ..] if unit.starts_with("second") => format!("{count} {unit} ago").len(),
            _ => return line.to_owned(),
        };
        format!("{}2026-11-23T01:40:19Z", &line[..line.len() - age])
    };
    let ending = if text.ends_with('\n') { "\n" } else { "" };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + ending
}

/// Waits for a question, and answers it.
#[track_caller]
fn answer(session: &mut PtySession, question: &str, text: &str) {
    session.exp_string(question).unwrap();
    session.send_line(text).unwrap();
}

#[test]
fn client_register_asks_for_what_is_missing() {
    let home = Home::with_scope();
    let mut session = on_terminal(&home, "client register");
    answer(&mut session, "Name of the client: ", "Orders Web");
    answer(&mut session, "Redirect URI: ", "http://orders.example/cb");
    session.exp_string("http is accepted for 127.0.0.1").unwrap();
    answer(&mut session, "Redirect URI: ", "https://orders.example/cb");
    answer(
        &mut session,
        "Another one (empty for no more): ",
        "http://127.0.0.1/cb",
    );
    answer(&mut session, "Another one (empty for no more): ", "");
    session.exp_string("Scopes (space marks, enter ends)").unwrap();
    answer(&mut session, "orders:read  Read your orders", "");
    session.exp_string("mark one at least").unwrap();
    answer(&mut session, "orders:read  Read your orders", " ");
    let (shown, code) = end(session);
    assert_eq!(code, 0, "{shown}");
    let printed = "client_id               orders-web-<suffix>\n\
                   client_secret           <secret>\n\
                   name                    Orders Web\n\
                   description\n\
                   enabled                 yes\n\
                   redirect_uris           https://orders.example/cb\n                        http://127.0.0.1/cb\n\
                   scopes                  orders:read\n\
                   access_token_lifetime   1h\n\
                   code_lifetime           1m\n\
                   refresh                 unlimited\n\
                   refresh_token_lifetime  30d\n\
                   refresh_token_idle      7d\n\
                   require_pkce            yes\n\
                   consent                 always\n\
                   created_at              <instant>\n\
                   \n\
                   The secret is shown this once; only its hash is stored. Next:\n\
                   \n\
                   # for the client's environment\n\
                   export OAUTH_ISSUER=http://127.0.0.1:8420\n\
                   export OAUTH_AUTHORIZATION_ENDPOINT=http://127.0.0.1:8420/authorize\n\
                   export OAUTH_TOKEN_ENDPOINT=http://127.0.0.1:8420/token\n\
                   export OAUTH_CLIENT_ID='orders-web-<suffix>'\n\
                   export OAUTH_CLIENT_SECRET='<secret>'\n\
                   \n\
                   # to exchange a code (the secret stays out of the process list)\n\
                   printf 'user = \"%s:%s\"' \"$OAUTH_CLIENT_ID\" \"$OAUTH_CLIENT_SECRET\" | curl -K - \\\n  \
                     -d grant_type=authorization_code -d code=CODE -d code_verifier=VERIFIER \\\n  \
                     --data-urlencode redirect_uri='https://orders.example/cb' http://127.0.0.1:8420/token\n";
    assert!(
        shown.ends_with(printed),
        "{shown}\n--- expected at its end\n{printed}"
    );
    let list = home.json("client list");
    assert_eq!(list[0]["name"], "Orders Web");
    assert_eq!(
        list[0]["redirect_uris"],
        json!(["https://orders.example/cb", "http://127.0.0.1/cb"])
    );
    assert_eq!(list[0]["scopes"], json!(["orders:read"]));
}

#[test]
fn next_steps_do_not_repeat_a_secret_that_was_kept_elsewhere() {
    let home = Home::with_scope();
    let (shown, code) = end(on_terminal(&home, &format!("{REGISTER} --secret-file it's")));
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("<secret>"), "{shown}");
    assert!(
        shown.contains("\nThe secret is in it's and nowhere else. Next:\n"),
        "{shown}"
    );
    assert!(
        shown.contains("export OAUTH_CLIENT_SECRET=\"$(cat 'it'\\''s')\"\n"),
        "{shown}"
    );
    let (shown, code) = end(on_terminal(
        &home,
        &format!("{REGISTER} --secret-file another --quiet"),
    ));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.ends_with("created_at              <instant>\n"), "{shown}");
}

#[test]
fn without_a_scope_nothing_is_asked() {
    let (shown, code) = end(on_terminal(&Home::new(), "client register"));
    assert_eq!(
        (shown.as_str(), code),
        (
            "error: no scope is defined yet; begin with `oauthctl scope define`\n",
            2
        )
    );
}

#[test]
fn owner_add_asks_twice_for_a_password() {
    let home = Home::new();
    let mut session = on_echoing_terminal(&home, "owner add alice");
    let mut seen = answer_unseen(&mut session, "Password for alice: ", "short");
    seen += &session
        .exp_string("a password needs at least 8 characters")
        .unwrap();
    seen += &answer_unseen(&mut session, "Password for alice: ", "correct horse");
    seen += &answer_unseen(&mut session, "Once more: ", "correct house");
    seen += &session.exp_string("the two are not the same").unwrap();
    seen += &answer_unseen(&mut session, "Password for alice: ", "correct horse");
    seen += &answer_unseen(&mut session, "Once more: ", "correct horse");
    let (shown, code) = end(session);
    assert_eq!(code, 0, "{shown}");
    assert!(
        shown.ends_with("username    alice\nenabled     yes\ncreated_at  <instant>\n"),
        "{shown}"
    );
    seen += &shown;
    assert!(!seen.contains("short") && !seen.contains("correct"), "{seen}");
}

#[test]
fn other_nouns_ask_too() {
    let home = Home::new();
    let mut session = on_terminal(&home, "scope define");
    answer(&mut session, "Name of the scope: ", "stock");
    answer(
        &mut session,
        "What the resource owner reads (a sentence): ",
        "Count the stock",
    );
    answer(&mut session, "Folder that it opens: ", "warehouse");
    answer(&mut session, "Another one (empty for no more): ", "");
    assert_eq!(end(session).1, 0);
    assert_eq!(home.json("scope show stock")["folders"], json!(["warehouse"]));

    let mut session = on_terminal(&home, "resource-server register -o json");
    answer(&mut session, "Name of the resource server: ", "Warehouse");
    let (shown, code) = end(session);
    assert_eq!(code, 0, "{shown}");
    assert_eq!(home.json("resource-server list")[0]["name"], "Warehouse");

    let mut session = on_echoing_terminal(&home, "owner add");
    answer(&mut session, "Username: ", "bob");
    answer_unseen(&mut session, "Password for bob: ", "correct horse");
    answer_unseen(&mut session, "Once more: ", "correct horse");
    assert_eq!(end(session).1, 0);
    assert_eq!(home.json("owner list")[0]["username"], "bob");
}

#[test]
fn no_input_means_no_question() {
    let home = Home::with_scope();
    let ask = "or run this on a terminal without --no-input to be asked\n";
    for (args, missing) in [
        (
            "client register --no-input",
            "--name, --redirect-uri and --scope are missing; give them",
        ),
        (
            "--no-input owner add alice",
            "--password-stdin is missing; give it",
        ),
        (
            "resource-server register --no-input",
            "the name is missing; give it",
        ),
    ] {
        let (shown, code) = end(on_terminal(&home, args));
        assert_eq!((shown, code), (format!("error: {missing}, {ask}"), 2), "{args}");
    }
}

#[test]
fn an_interrupted_choice_gives_the_cursor_back() {
    let home = Home::with_scope();
    let mut command = home.command();
    let args = "client register --name X --redirect-uri https://x.example/cb";
    command.args(args.split(' ')).env("TERM", "xterm");
    let mut session = session(command, false);
    session.exp_string("\u{1b}[?25l").unwrap();
    session.exp_string("Read your orders").unwrap();
    session.send_control('c').unwrap();
    session.exp_string("\u{1b}[?25h").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(!rest.contains("\u{1b}[?25l"), "{rest:?}");
    let status = session.process().wait().unwrap();
    assert!(
        matches!(status, WaitStatus::Signaled(_, Signal::SIGINT, _)),
        "{status:?}"
    );
    assert_eq!(home.json("client list"), json!([]));
}

#[test]
fn colour_is_for_terminals() {
    let home = Home::with_client();
    for (variable, args, label) in [
        (None, "client show mail", "\u{1b}[1;31merror:\u{1b}[0m"),
        (None, "client show mail --color never", "error:"),
        (Some("1"), "client show mail", "error:"),
        (Some(""), "client show mail", "\u{1b}[1;31merror:\u{1b}[0m"),
        (
            Some("1"),
            "client show mail --color always",
            "\u{1b}[1;31merror:\u{1b}[0m",
        ),
    ] {
        let mut command = home.command();
        command.args(args.split(' ')).env("TERM", "xterm");
        if let Some(value) = variable {
            command.env("NO_COLOR", value);
        }
        let (shown, code) = end(session(command, false));
        let expected =
            format!("{label} no client `mail`\n`oauthctl client list` shows those that are registered\n");
        assert_eq!((shown, code), (expected, 3), "{args} {variable:?}");
    }
}

#[test]
fn a_list_fits_into_the_terminal_and_is_whole_in_a_pipe() {
    let home = Home::with_scope();
    let uris = "https://warehouse.europe.example.com/oauth2/callback https://staging.example.com/oauth2/callback \
                http://127.0.0.1/callback http://[::1]/callback http://localhost/callback";
    Cli::new(&home)
        .args("client register --client-id warehouse-eu --scope orders:read --secret-file s -o id".split(' '))
        .args(["--name", "The Warehouse Management of Europe", "--redirect-uri"])
        .args(uris.split_whitespace())
        .stdout("warehouse-eu\n")
        .run();
    let (shown, _) = end(on_terminal(&home, "client list"));
    let lines: Vec<&str> = shown.lines().collect();
    let [names, first, _, _, last] = lines.as_slice() else {
        panic!("{shown}")
    };
    assert!(names.starts_with("client_id     name  "), "{shown}");
    assert!(first.starts_with("warehouse-eu  The Warehouse"), "{shown}");
    assert_eq!(last.trim(), "… 2 more", "{shown}");
    // An instant is as wide as it is told; the placeholder for it may stick out.
    let widest = lines
        .iter()
        .map(|line| line.replace("<instant>", "").chars().count())
        .max();
    assert!(widest <= Some(80), "{shown}");
    let (shown, _) = end(on_terminal(&home, "client show warehouse-eu"));
    let mut piped = Cli::new(&home).args(["client", "list"]);
    let listed = String::from_utf8(piped.output().stdout).unwrap();
    for uri in uris.split_whitespace() {
        assert!(shown.contains(uri) && listed.contains(uri), "{uri}");
    }
}

#[test]
fn what_cannot_be_undone_is_asked_first() {
    let home = Home::with_client();
    let question = "Delete the client `orders-web` with all its grants and tokens?";
    for (key, code, left) in [("n", 1, 1), ("y", 0, 0)] {
        let mut session = on_terminal(&home, "client delete orders-web");
        session.exp_string(question).unwrap();
        session.send(key).unwrap();
        session.flush().unwrap();
        let (rest, ended) = end(session);
        assert_eq!(ended, code, "{key}: {rest}");
        assert_eq!(rest.contains("nothing was changed"), key == "n", "{rest}");
        assert_eq!(home.json("client list").as_array().unwrap().len(), left);
    }
}

#[test]
fn on_a_screen_instants_are_told_as_people_say_them() {
    let home = Home::with_client();
    let mut session = on_terminal(&home, "client show orders-web");
    let shown = session.exp_eof().unwrap();
    let created = shown.lines().find(|line| line.starts_with("created_at")).unwrap();
    let created = created.trim_end();
    assert!(
        created.ends_with(" ago") || created.ends_with("just now"),
        "{created}"
    );
}
