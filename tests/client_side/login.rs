//! `login`: headless, with a browser, on a terminal, and at other servers.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use oauth2::url::Url;
use rexpect::process::{Signal, WaitStatus};
use rexpect::session::{Options, PtySession, spawn_with_options};
use serde_json::Value;

use crate::development::beside_development_server;
use crate::other_server::OtherServer;
use crate::program::{Ended, Waiting, output};
use crate::support::flow::{approve, signed_in};
use crate::support::form::Form;
use crate::support::home::{Client, Home, PASSWORD};
use crate::support::http::send;
use crate::support::server::Server;

pub(crate) const LOOPBACK: [&str; 2] = ["--redirect-uri", "http://127.0.0.1/cb"];

/// A server with the client `orders`.
pub(crate) fn stage() -> (Server, Client) {
    let home = Home::furnished();
    let client = home.client("orders", &LOOPBACK);
    (Server::over(home), client)
}

/// `oauthctl login`, in the home of the server, with the secret in the environment.
pub(crate) fn login(server: &Server, client: &Client, args: &str) -> Command {
    let mut command = server.home.command();
    command
        .args(["login", &client.id])
        .args(args.split_whitespace())
        .env("OAUTHCTL_SERVER_ISSUER", &server.base)
        .env("OAUTH_CLIENT_SECRET", &client.secret);
    command
}

/// Brings an answer as a browser does that reads English; what the page says that it ends at, where nothing is left of it.
#[track_caller]
fn bring(location: &str) -> String {
    let sent_on = send("GET", location, &[], None);
    assert_eq!(sent_on.status, 303, "{sent_on:?}");
    let page = send("GET", sent_on.location(), &[], None);
    assert_eq!(page.status, 200, "{page:?}");
    let (_, query) = location.split_once('?').unwrap();
    for (_, value) in form_urlencoded::parse(query.as_bytes()) {
        let shown = format!("{} {}", sent_on.location(), page.body);
        assert!(value.len() < 8 || !shown.contains(&*value), "{shown}");
    }
    let (_, rest) = page.body.split_once("<h1>").unwrap();
    rest.split_once("</h1>").unwrap().0.to_owned()
}

pub(crate) const HEADLESS: &str = "--headless --owner alice --password-stdin -o json";

#[track_caller]
pub(crate) fn tokens(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn without_a_browser_the_owner_signs_in_and_approves() {
    let (server, client) = stage();
    let command = format!("{HEADLESS} --scope orders:read");
    let printed = tokens(&output(&mut login(&server, &client, &command), PASSWORD));
    assert_eq!(printed["client_id"], "orders");
    assert_eq!(printed["issuer"], server.base);
    assert_eq!(printed["scope"], "orders:read");
    assert_eq!(printed["expires_in"], 3600);
    assert!(server.opens(printed["access_token"].as_str().unwrap()));

    // Nobody listens at the redirect URI, so it may be anywhere.
    let elsewhere = server.home.client("elsewhere", &[]);
    let printed = tokens(&output(&mut login(&server, &elsewhere, HEADLESS), PASSWORD));
    assert_eq!(printed["scope"], "orders:read stock");
}

#[test]
fn with_a_browser_only_the_answer_with_the_state_and_the_issuer_counts() {
    let (server, client) = stage();
    let mut waiting = Waiting::start(&mut login(&server, &client, "--no-browser -o json"));
    let mut browser = signed_in(&server);
    // What a browser opens ahead, and sends nothing on.
    let back = waiting.redirect_uri();
    let _silent = TcpStream::connect(back.socket_addrs(|| None).unwrap()[0]).unwrap();
    let location = approve(&mut browser, waiting.path(&server.base))
        .location()
        .to_owned();
    let mut other = Url::parse(&location).unwrap();
    other.set_query(Some("code=evil&state=other"));
    assert_eq!(send("GET", other.as_str(), &[], None).status, 400);
    other.set_query(None);
    assert_eq!(send("GET", other.as_str(), &[], None).status, 400);
    assert_eq!(bring(&location), "Approved");
    let ended = waiting.end();
    assert!(server.opens(tokens(&ended)["access_token"].as_str().unwrap()));
    assert_eq!(ended.stderr, "");

    waiting = Waiting::start(&mut login(&server, &client, "--no-browser"));
    let answer = approve(&mut browser, waiting.path(&server.base));
    let issuer = answer.parameter("iss").unwrap();
    let encoded: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
    let forged = answer.location().replace(&encoded, "https%3A%2F%2Fevil.example");
    assert_ne!(forged, answer.location());
    assert_eq!(bring(&forged), "The answer cannot be used");
    let ended = waiting.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("comes from `https://evil.example`"),
        "{ended:?}"
    );
}

#[test]
fn what_the_owner_denies_is_said() {
    let (server, client) = stage();
    let waiting = Waiting::start(&mut login(&server, &client, "--no-browser"));
    let mut browser = signed_in(&server);
    let page = browser.open(waiting.path(&server.base));
    let form = Form::with(&page.body, "decision").press("decision", "deny");
    let location = browser.submit(&form).location().to_owned();
    assert_eq!(bring(&location), "Not approved");
    let ended = waiting.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("denied it"), "{ended:?}");
}

#[test]
fn the_browser_is_given_the_url_and_nobody_waits_for_ever() {
    let (server, client) = stage();
    let program = server.home.database().with_file_name("browser");
    fs::write(
        &program,
        "#!/bin/sh\nprintf %s \"$1${OAUTH_CLIENT_SECRET:+ and a secret}\" >opened.part && mv opened.part opened\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = login(&server, &client, "--timeout 1s");
    let ended = output(command.env("BROWSER", &program).env("PATH", "/usr/bin:/bin"), "");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no answer came within 1s"), "{ended:?}");
    let opened =
        crate::support::server::wait_for(|| fs::read_to_string(program.with_file_name("opened")).ok());
    assert!(ended.stderr.contains(&opened), "{ended:?}");
}

#[test]
fn on_a_terminal() {
    let (server, client) = stage();
    let command = login(&server, &client, "--no-browser");
    let mut session = on_terminal(&command);
    session.exp_string("sign in and approve:").unwrap();
    session.read_line().unwrap();
    let url = session.read_line().unwrap();
    let location = approve(
        &mut signed_in(&server),
        url.trim().strip_prefix(&server.base).unwrap(),
    );
    bring(location.location());
    let shown = session.exp_eof().unwrap();
    assert!(shown.contains("access_token   oat_"), "{shown}");
}

/// A command on a terminal, between two scripts of a shell.
fn on_terminal_within(before: &str, command: &Command, after: &str) -> PtySession {
    let mut shell = Command::new("/bin/sh");
    shell
        // A terminal echoes, unless somebody tells it not to; the library does.
        .args(["-c", &format!("stty echo; {before} \"$0\" \"$@\"{after}")])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let options = Options::new().timeout_ms(Some(60_000));
    spawn_with_options(shell, options).unwrap()
}

/// A command on a terminal, as the process that the session is of.
fn on_terminal(command: &Command) -> PtySession {
    on_terminal_within("exec", command, "")
}

#[test]
fn a_secret_that_is_typed_is_seen_nowhere() {
    let (server, client) = stage();
    let mut command = login(&server, &client, "--no-browser");
    command.env_remove("OAUTH_CLIENT_SECRET");
    let mut session = on_terminal(&command);
    let mut shown = session.exp_string("Secret of orders").unwrap();
    session.send_line(&client.secret).unwrap();
    shown += &session.exp_string("sign in and approve:").unwrap();
    session.read_line().unwrap();
    let url = session.read_line().unwrap();
    shown += &url;
    // Of all processes of this machine none has it among its arguments.
    for entry in fs::read_dir("/proc").unwrap() {
        let Ok(bytes) = fs::read(entry.unwrap().path().join("cmdline")) else {
            continue;
        };
        assert!(!String::from_utf8_lossy(&bytes).contains(&client.secret));
    }
    let path = url.trim().strip_prefix(&server.base).unwrap();
    bring(approve(&mut signed_in(&server), path).location());
    shown += &session.exp_eof().unwrap();
    assert!(shown.contains("access_token   oat_"), "{shown}");
    assert!(!shown.contains(&client.secret), "{shown}");
}

#[test]
fn whoever_gives_up_gets_the_terminal_back_and_the_port_is_closed() {
    let (server, client) = stage();
    let mut session = on_terminal(&login(&server, &client, "--no-browser"));
    session.exp_string("sign in and approve:").unwrap();
    session.read_line().unwrap();
    let url = Url::parse(session.read_line().unwrap().trim()).unwrap();
    let mut pairs = url.query_pairs();
    let (_, back) = pairs.find(|(name, _)| name == "redirect_uri").unwrap();
    let back = Url::parse(&back).unwrap();
    let listening = ("127.0.0.1", back.port().unwrap());
    assert!(TcpStream::connect(listening).is_ok());
    session.send_control('c').unwrap();
    let ended = session.process().wait().unwrap();
    assert!(
        matches!(ended, WaitStatus::Signaled(_, Signal::SIGINT, _)),
        "{ended:?}"
    );
    assert!(TcpStream::connect(listening).is_err());

    // And while the secret is asked for.
    let mut command = login(&server, &client, "--no-browser");
    command.env_remove("OAUTH_CLIENT_SECRET");
    let mut session = on_terminal_within("trap : INT;", &command, "; echo code $?; stty -a; echo end");
    session.exp_string("Secret of orders").unwrap();
    session.send_control('c').unwrap();
    let left = session.exp_string("end\r\n").unwrap();
    assert!(left.contains("code 130"), "{left}");
    assert!(left.contains(" echo ") && left.contains(" icanon "), "{left}");
    let hidden = left.rfind("\u{1b}[?25l");
    assert!(hidden <= left.rfind("\u{1b}[?25h"), "{left}");
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let (server, client) = stage();
    for (args, stdin, code, message) in [
        ("--no-browser -o id", "", 2, "-o id would lose the tokens"),
        ("--headless", "", 2, "--owner is missing"),
        ("--owner alice", "", 2, "--headless"),
        ("--timeout 0s", "", 2, "would wait for nobody"),
        ("--nope", "", 2, "\nUsage: oauthctl login [OPTIONS] [CLIENT]\n"),
        ("--headless --owner alice", "", 2, "--password-stdin is missing"),
        (HEADLESS, "wrong", 1, "does not let alice in"),
        (
            "--headless --owner alice --password-stdin --scope nope",
            PASSWORD,
            1,
            "invalid_scope",
        ),
        ("--secret-file nowhere", "", 1, "cannot read nowhere"),
        ("--issuer http://id.example", "", 2, "is not `https`"),
        (
            "--issuer http://127.0.0.1:9",
            "",
            1,
            "nothing answers at http://127.0.0.1:9",
        ),
        (
            "--redirect-uri https://app.example/cb --issuer https://id.example",
            "",
            2,
            "the answer cannot be waited for at https://app.example/cb",
        ),
        ("--token-file no/where", "", 1, "write in the directory no"),
        ("--refresh", "", 2, "--token-file"),
    ] {
        let ended = output(&mut login(&server, &client, args), stdin);
        assert_eq!(ended.code, Some(code), "{args}: {ended:?}");
        assert!(ended.stderr.contains(message), "{args}: {ended:?}");
        assert_eq!(ended.stdout, "", "{args}");
    }
    let slash = format!("--issuer {}/", server.base);
    let ended = output(&mut login(&server, &client, &slash), "");
    assert!(ended.stderr.contains("give that as --issuer"), "{ended:?}");
    let tls = server.base.replace("http:", "https:");
    let ended = output(&mut login(&server, &client, &format!("--issuer {tls}")), "");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = format!("{tls} does not speak TLS; did you mean --issuer {}?", server.base);
    assert!(ended.stderr.contains(&said), "{ended:?}");
    let taken = format!("--no-browser --redirect-uri {}/cb", server.base);
    let ended = output(&mut login(&server, &client, &taken), "");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("--redirect-uri another port") && !ended.stderr.contains("--listen"),
        "{ended:?}"
    );
    let mut command = login(&server, &client, "--no-browser");
    let ended = output(command.env_remove("OAUTH_CLIENT_SECRET"), "");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let wrong = Client::new("orders", &"x".repeat(40));
    let ended = output(&mut login(&server, &wrong, HEADLESS), PASSWORD);
    assert!(ended.stderr.contains("invalid_client"), "{ended:?}");
    let elsewhere = server.home.client("elsewhere", &[]);
    let ended = output(&mut login(&server, &elsewhere, "--no-browser"), "");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--add-redirect-uri"), "{ended:?}");
    let nobody = Client::new("nobody", "x");
    assert_eq!(
        output(&mut login(&server, &nobody, "--no-browser"), "").code,
        Some(3)
    );
}

#[test]
fn what_a_client_lacks_is_said_with_what_mends_it() {
    let (server, client) = stage();
    let home = &server.home;
    let run = |client: &Client, args: &str| output(&mut login(&server, client, args), PASSWORD);

    let refused = run(&client, "--no-browser --redirect-uri http://127.0.0.1/other");
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (Some(2), ""),
        "{refused:?}"
    );
    let mend = "`oauthctl client update orders --add-redirect-uri http://127.0.0.1/other` adds it";
    assert!(refused.stderr.contains(mend), "{refused:?}");

    // The server's error, its words, and what explains it.
    let refused = run(&client, &format!("{HEADLESS} --scope nope"));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let (said, command) = refused.stderr.split_once("; `oauthctl explain '").unwrap();
    assert!(said.contains("(invalid_scope): "), "{said}");
    let (url, _) = command.split_once("'` says why").unwrap();
    let mut explain = home.command();
    explain
        .args(["explain", url])
        .env("OAUTHCTL_SERVER_ISSUER", &server.base);
    let explained = output(&mut explain, "");
    assert!(explained.stdout.contains("nope"), "{explained:?}");

    // Also where the issuer is named, and is this one.
    let refused = run(
        &client,
        &format!("{HEADLESS} --scope nope --issuer {}", server.base),
    );
    assert!(refused.stderr.contains("; `oauthctl explain '"), "{refused:?}");

    home.run(&["client", "disable", "orders", "--yes"], "");
    let refused = run(&client, HEADLESS);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("`oauthctl client enable orders`"),
        "{refused:?}"
    );
}

#[test]
fn an_answer_is_waited_for_on_this_machine_only() {
    let home = Home::furnished();
    let far = ["--redirect-uri", "https://app.example/cb"];
    let client = home.client("both", &[&far[..], &LOOPBACK].concat());
    let only_far = home.client("far", &far);
    let server = Server::over(home);
    let given = "--no-browser --redirect-uri https://app.example/cb";
    for (client, mend) in [
        (&client, "`both` has registered http://127.0.0.1/cb: give that"),
        (
            &only_far,
            "`oauthctl client update far --add-redirect-uri http://127.0.0.1/callback` adds one",
        ),
    ] {
        let mut from_variable = login(&server, client, "--no-browser");
        from_variable.env("OAUTH_REDIRECT_URI", "https://app.example/cb");
        for command in [&mut login(&server, client, given), &mut from_variable] {
            let refused = output(command, "");
            assert_eq!(refused.code, Some(2), "{refused:?}");
            assert!(refused.stderr.contains(mend), "{refused:?}");
        }
        // Without a browser nobody waits.
        let headless = format!("{HEADLESS} --redirect-uri https://app.example/cb");
        tokens(&output(&mut login(&server, client, &headless), PASSWORD));
    }
}

#[test]
fn the_variables_of_a_server_are_enough() {
    let (server, client) = stage();
    server.home.owner("bob");
    let command = |args: &str| {
        let mut command = server.home.command();
        command
            .arg("login")
            .args(args.split_whitespace())
            .env("OAUTHCTL_SERVER_ISSUER", &server.base)
            .env("OAUTH_ISSUER", &server.base)
            .env("OAUTH_CLIENT_ID", &client.id)
            .env("OAUTH_CLIENT_SECRET", &client.secret)
            .env("OAUTH_REDIRECT_URI", "http://127.0.0.1/cb")
            .env("OAUTH_SCOPE", "orders:read")
            .env("OAUTH_USERNAME", "alice")
            .env("OAUTH_PASSWORD", PASSWORD);
        command
    };
    let printed = tokens(&output(&mut command("--headless -o json"), ""));
    assert_eq!(printed["scope"], "orders:read");
    let grant = printed["grant_id"].as_str().unwrap();
    assert_eq!(
        server.home.run(&["grant", "show", grant], "")["username"],
        "alice"
    );
    let printed = tokens(&output(&mut command("--headless -o json --scope stock"), ""));
    assert_eq!(printed["scope"], "stock");

    // Scope, redirect URI and secret are those of the client in the variables, and the password that of the owner there.
    let other = server
        .home
        .client("other", &["--redirect-uri", "http://127.0.0.1/elsewhere"]);
    let refused = output(&mut command("--headless other"), "");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let why = "the one that is set is for the client that OAUTH_CLIENT_ID names\n";
    assert!(refused.stderr.ends_with(why), "{refused:?}");
    let mut of_other = command("--headless -o json --secret-stdin other");
    let printed = tokens(&output(&mut of_other, &other.secret));
    assert_eq!(printed["scope"], "orders:read stock");
    let refused = output(&mut command("--headless --owner bob"), "");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    tokens(&output(
        &mut command("--headless --owner bob --password-stdin -o json"),
        PASSWORD,
    ));

    // What is secret in them is for the server there, and for no other that is named.
    for (args, stdin, said) in [
        (
            "--headless",
            "",
            "or set OAUTH_CLIENT_SECRET; the one that is set is for",
        ),
        (
            "--headless --secret-stdin",
            client.secret.as_str(),
            "--password-stdin",
        ),
    ] {
        let mut command = command(args);
        command.args(["--issuer", &server.base]);
        let refused = output(command.env("OAUTH_ISSUER", "https://id.example"), stdin);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    }

    // A refresh is of what was granted.
    let file = "--token-file t.json -o json";
    tokens(&output(
        &mut command(&format!("--headless --scope stock {file}")),
        "",
    ));
    let printed = tokens(&output(&mut command(&format!("--refresh {file}")), ""));
    assert_eq!(printed["scope"], "stock");

    for (name, value, code, said) in [
        ("OAUTH_CLIENT_ID", "nobody", 3, "no client `nobody`"),
        ("OAUTH_USERNAME", "", 2, "or set OAUTH_USERNAME"),
        ("OAUTH_PASSWORD", "", 2, "--password-stdin is missing"),
        ("OAUTH_PASSWORD", "wrong-horse", 1, "does not let alice in"),
        ("OAUTH_SCOPE", "a\"b", 2, "OAUTH_SCOPE: not a scope token"),
    ] {
        let refused = output(command("--headless").env(name, value), "");
        assert_eq!(refused.code, Some(code), "{name}: {refused:?}");
        assert!(refused.stderr.contains(said), "{name}: {refused:?}");
        assert!(!refused.stderr.contains("wrong-horse"), "{refused:?}");
    }
    // Usage is not taken from what is set.
    let refused = output(&mut command("--nope"), "");
    assert!(
        refused
            .stderr
            .contains("\nUsage: oauthctl login [OPTIONS] [CLIENT]\n"),
        "{refused:?}"
    );
}

#[test]
fn a_page_that_refuses_is_said_in_its_words() {
    let (server, _) = stage();
    // Where the database is another one the server alone knows.
    let elsewhere = Home::empty();
    let mut command = elsewhere.command();
    command
        .args(["login", "nobody", "--issuer", &server.base])
        .args(["--headless", "--owner", "alice", "--password-stdin"])
        .env("OAUTH_CLIENT_SECRET", "x");
    let refused = output(&mut command, PASSWORD);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = "400 Bad Request (“This link does not work”: The request comes from an application that is not registered \
                here.) (request ";
    let (_, id) = refused.stderr.split_once(said).unwrap();
    let id = id.split_once(')').unwrap().0;
    server.line_with(id);
    assert!(!refused.stderr.contains("explain"), "{refused:?}");

    // A development server at hand remembers the request.
    let script = r#""$oauthctl" dev fail next authorize 500 >/dev/null; "$oauthctl" login --headless 2>&1 |
        tee said; "$oauthctl" explain request "$(sed -n 's/.*explain request \([^`]*\)`.*/\1/p' said)""#;
    let ended = beside_development_server(&elsewhere, script);
    assert!(
        ended
            .stdout
            .contains("500 Internal Server Error (“This did not work”: "),
        "{ended:?}"
    );
    let (_, explained) = ended.stdout.split_once("says why\n").unwrap();
    assert!(explained.contains("/authorize"), "{ended:?}");
}

#[test]
fn each_kind_of_registration_is_logged_in() {
    let (server, _) = stage();
    let fixed = ["--redirect-uri", "http://127.0.0.1:18080/cb"];
    let far_first = [
        "--redirect-uri",
        "https://app.example/cb",
        "--redirect-uri",
        "http://localhost/cb",
        "--redirect-uri",
        "http://127.0.0.1/cb",
    ];
    let no_pkce = ["--redirect-uri", "http://127.0.0.1/cb", "--no-pkce"];
    for (id, options, host) in [
        ("fixed", &fixed[..], "127.0.0.1"),
        ("several", &far_first, "localhost"),
        ("no-pkce", &no_pkce, "127.0.0.1"),
    ] {
        let client = server.home.client(id, options);
        let waiting = Waiting::start(&mut login(&server, &client, "--no-browser -o json"));
        let answer = approve(&mut signed_in(&server), waiting.path(&server.base));
        let at = Url::parse(answer.location()).unwrap();
        assert_eq!(at.host_str(), Some(host), "{id}");
        assert_ne!(at.port(), Some(18080), "{id}: nobody need have that port free");
        assert_eq!(bring(answer.location()), "Approved", "{id}");
        let ended = waiting.end();
        let printed = tokens(&ended);
        for name in ["access_token", "refresh_token"] {
            let secret = printed[name].as_str().unwrap();
            assert!(!ended.stderr.contains(secret), "{id}: {name}");
        }
        let names: Vec<&String> = printed.as_object().unwrap().keys().collect();
        let expected = [
            "client_id",
            "issuer",
            "scope",
            "token_type",
            "expires_in",
            "expires_at",
            "access_token",
            "refresh_token",
            "grant_id",
        ];
        for name in expected {
            assert!(names.iter().any(|found| *found == name), "{id}: {names:?}");
        }
        assert_eq!(names.len(), expected.len(), "{id}: {names:?}");
    }
}

#[test]
fn at_another_server() {
    let other = OtherServer::start();
    let home = Home::empty();
    let command = |args: &str| {
        let mut command = home.command();
        command.args(["login"]).args(args.split_whitespace());
        command
    };
    let issuer = &other.issuer;
    fs::write(home.database().with_file_name("secret"), "s3cret & more\n").unwrap();
    let waiting = Waiting::start(&mut command(&format!(
        "app --issuer {issuer} --secret-file secret --no-browser --token-file t.json --scope a --scope b --redirect-uri http://localhost/back"
    )));
    let url = Url::parse(&waiting.url).unwrap();
    let get = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name);
        found
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    assert_eq!(
        (get("tenant"), get("client_id"), get("scope")),
        ("a".into(), "app".into(), "a b".into())
    );
    assert_eq!(get("code_challenge_method"), "S256");
    let back = get("redirect_uri");
    assert!(
        back.starts_with("http://localhost:") && back.ends_with("/back"),
        "{back}"
    );
    let said = bring(&format!("{back}?code=c&state={}", get("state")));
    assert_eq!(said, "Approved");
    let ended = waiting.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let read = || -> Value {
        serde_json::from_str(&fs::read_to_string(home.database().with_file_name("t.json")).unwrap()).unwrap()
    };
    assert_eq!(read()["id_token"], "i");
    assert_eq!(read()["scope"], "a b");
    assert_eq!(read()["expires_in"], 60);

    let ended = output(
        &mut command("--refresh --token-file t.json --secret-file secret"),
        "",
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(read()["refresh_token"], "r", "a server that does not rotate");
    let bodies = other.bodies.lock().unwrap();
    assert!(
        bodies[0].contains("client_secret=s3cret+%26+more&")
            || bodies[0].ends_with("client_secret=s3cret+%26+more"),
        "{bodies:?}"
    );
    assert!(bodies[1].contains("refresh_token=r"), "{bodies:?}");
    assert!(!home.database().exists(), "no database was made");
}

#[test]
fn over_tls_with_a_certificate_that_the_system_trusts() {
    let home = Home::furnished();
    let client = home.client("orders", &LOOPBACK);
    let names = ["127.0.0.1".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    let file = |name: &str| home.database().with_file_name(name);
    fs::write(file("cert.pem"), pair.cert.pem()).unwrap();
    fs::write(file("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(file("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::with(home, |command| {
        command
            .env("OAUTHCTL_TLS_CERTIFICATE", "cert.pem")
            .env("OAUTHCTL_TLS_PRIVATE_KEY", "key.pem")
    });
    assert!(server.base.starts_with("https://"), "{}", server.base);
    let trusted = output(
        login(&server, &client, HEADLESS).env("SSL_CERT_FILE", "cert.pem"),
        PASSWORD,
    );
    assert_eq!(tokens(&trusted)["issuer"], server.base);
    let untrusted = output(&mut login(&server, &client, HEADLESS), PASSWORD);
    assert_eq!(untrusted.code, Some(1), "{untrusted:?}");
    assert!(untrusted.stderr.contains("certificate"), "{untrusted:?}");
}
