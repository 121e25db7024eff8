//! Commands that are printed to be pasted: whatever a stranger put into a request, a shell takes each for a call of
//! `oauthctl` with that value as one word, and runs nothing else.

use std::collections::BTreeMap;
use std::process::Command;

use tempfile::TempDir;

use crate::server::Server;

/// What does something where it is not quoted.
const HOSTILE: [&str; 20] = [
    "$(touch${IFS}marker)",
    "`touch${IFS}marker`",
    ";touch${IFS}marker;",
    "|touch${IFS}marker",
    "&touch${IFS}marker",
    "&&touch${IFS}marker",
    ">marker",
    "x>marker",
    "'$(touch${IFS}marker)'",
    "';touch${IFS}marker;'",
    "a'b",
    "''",
    "*",
    "/*",
    "~",
    "!!",
    "#x",
    "{a,b}",
    "$HOME",
    "=ls",
];

/// The commands in what was printed: after `mend` or `or`, or in back quotes.
fn commands(printed: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in printed.lines() {
        let line = line.trim();
        let remedy = line.strip_prefix("mend ").or_else(|| line.strip_prefix("or "));
        if let Some(command) = remedy.map(str::trim).filter(|rest| rest.starts_with("oauthctl ")) {
            found.push(command.to_owned());
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find("`oauthctl ") {
            let command = &rest[at + 1..];
            let (mut is_quoted, mut is_escaped) = (false, false);
            let end = command.find(|c| {
                is_quoted ^= c == '\'' && !is_escaped;
                is_escaped = c == '\\' && !is_quoted;
                c == '`' && !is_quoted
            });
            let end = end.unwrap_or_else(|| panic!("it does not end: {line}"));
            found.push(command[..end].to_owned());
            rest = &command[end + 1..];
        }
    }
    found
}

/// The words that a shell makes of a command, after `oauthctl`.
fn words(command: &str, directory: &TempDir) -> Vec<String> {
    let script = format!("oauthctl() {{ printf '%s\\0' \"$@\"; }}\n{command}");
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty() && output.status.success(),
        "{command}: {output:?}"
    );
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(left.is_empty(), "{command} made {left:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn a_command_that_is_pasted_runs_nothing_of_a_stranger() {
    let server = Server::start(&["--dev"]);
    let directory = TempDir::new().unwrap();
    let good = server.variable("OAUTH_AUTHORIZE_URL");
    let mut with_value: BTreeMap<&str, usize> = BTreeMap::new();
    for value in HOSTILE {
        let uri = format!("http://127.0.0.1/{value}");
        for (name, sent) in [
            ("scope", value),
            ("redirect_uri", &uri),
            ("redirect_uri", value),
            ("client_id", value),
            ("resource", value),
            ("response_type", value),
            ("prompt", value),
            ("max_age", value),
            ("code_challenge", value),
        ] {
            let (base, query) = good.split_once('?').unwrap();
            let mut pairs: Vec<String> = query.split('&').map(str::to_owned).collect();
            pairs.retain(|pair| pair.split('=').next() != Some(name));
            pairs.push(
                form_urlencoded::Serializer::new(String::new())
                    .append_pair(name, sent)
                    .finish(),
            );
            let url = format!("{base}?{}", pairs.join("&"));
            let answer = server.get(&url, &[]);
            let page = answer.body.split("<code>").skip(1).map(|rest| {
                let code = rest.split("</code>").next().unwrap();
                let shown = [
                    ("<bdi>", ""),
                    ("</bdi>", ""),
                    ("&#x2f;", "/"),
                    ("&#x27;", "'"),
                    ("&lt;", "<"),
                ];
                let shown = shown
                    .into_iter()
                    .fold(code.to_owned(), |text, (from, to)| text.replace(from, to));
                format!(
                    "mend {}",
                    shown
                        .replace("&gt;", ">")
                        .replace("&quot;", "\"")
                        .replace("&amp;", "&")
                )
            });
            let mut printed: Vec<String> = page.collect();
            for arguments in [
                &["explain", url.as_str()][..],
                &["explain", "request", &answer.request_id],
            ] {
                let output = server.command(arguments, "");
                printed.push(String::from_utf8(output.stdout).unwrap());
                printed.push(String::from_utf8(output.stderr).unwrap());
            }
            for command in printed.iter().flat_map(|text| commands(text)) {
                let words = words(&command, &directory);
                let holds = words.iter().any(|word| word == sent);
                assert!(holds || !command.contains(sent), "{sent}: {command}");
                *with_value.entry(name).or_default() += usize::from(holds);
            }
        }
    }
    // Both of a scope, in both explanations; and of a redirect URI on the page too, where it can be registered.
    let [scopes, uris] = ["scope", "redirect_uri"].map(|name| with_value[name]);
    let names = HOSTILE
        .into_iter()
        .filter(|value| !value.contains([',', ';']))
        .count();
    assert_eq!(scopes, 4 * names, "{with_value:?}");
    assert!(uris >= 12, "{with_value:?}");
}

#[test]
fn no_command_is_proposed_that_would_take_a_scope_for_an_option() {
    let server = Server::start(&["--dev"]);
    let good = server.variable("OAUTH_AUTHORIZE_URL");
    for scope in ["--folder=%2F", "-h", "caf%C3%A9", "a%22b"] {
        let output = server.command(&["explain", &format!("{good}&scope={scope}")], "");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains("mend        leave "), "{printed}");
        assert_eq!(commands(&printed), [""; 0], "{printed}");
    }
}

#[test]
fn what_login_and_example_propose_is_pasted_as_safely() {
    let server = Server::start(&["--dev"]);
    let directory = TempDir::new().unwrap();
    let elsewhere = "https://app.example/cb";
    for id in ["$(touch${IFS}marker)", "a';touch${IFS}marker;'b"] {
        server.told(&[
            "client",
            "register",
            "--client-id",
            id,
            "--name",
            "x",
            "--redirect-uri",
            elsewhere,
            "--scope",
            "profile",
        ]);
        let here = "http://127.0.0.1/'$(touch";
        let tried = [
            vec!["login", id],
            vec!["login", id, "--redirect-uri", elsewhere],
            vec!["login", id, "--redirect-uri", here],
            vec!["example", "client", id, "--for", "authlib"],
        ];
        let mut printed: Vec<String> = Vec::new();
        for arguments in tried {
            let output = server.command(&arguments, "");
            printed.push(String::from_utf8(output.stderr).unwrap());
        }
        server.told(&["client", "disable", id, "--yes"]);
        let output = server.command(&["login", id], "");
        printed.push(String::from_utf8(output.stderr).unwrap());
        for text in printed {
            let commands = commands(&text);
            assert_eq!(commands.len(), 1, "{text}");
            let words = words(&commands[0], &directory);
            assert!(words.iter().any(|word| word == id), "{text}");
        }
    }
}
