//! `login` and `example client` beside a development server, with its variables.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::program::{Ended, output};
use crate::run::run;
use crate::support::home::Home;

/// Runs a script of the shell with a development server at hand, and `$oauthctl`.
pub(crate) fn beside_development_server(home: &Home, script: &str) -> Ended {
    output(&mut run(home, script), "")
}

#[test]
fn what_the_token_endpoint_of_a_development_server_refuses_can_be_explained() {
    for (failure, said, explained) in [
        (
            "invalid_grant",
            "(invalid_grant): asked for by oauthctl dev fail; `oauthctl explain request ",
            "/token",
        ),
        ("503", "(temporarily_unavailable)", "/token"),
        (
            "lost",
            ": the connection was closed before the answer had come\n",
            "",
        ),
    ] {
        let script = format!(
            r#""$oauthctl" dev fail next token {failure} >/dev/null; "$oauthctl" login --headless 2>said; cat said >&2
            "$oauthctl" explain request "$(sed -n 's/.*explain request \([^`]*\)`.*/\1/p' said)""#
        );
        let ended = beside_development_server(&Home::empty(), &script);
        assert!(ended.stderr.contains(said), "{ended:?}");
        assert!(ended.stdout.contains(explained), "{ended:?}");
    }
}

#[test]
fn a_refresh_goes_by_the_clock_of_a_development_server_and_tells_the_grant() {
    // Without a password: bob's button does it.
    let script = r#"unset OAUTH_PASSWORD
        "$oauthctl" login --headless --owner bob --token-file tokens -o jsonl
        "$oauthctl" dev clock advance 5d -o jsonl
        "$oauthctl" login --refresh --token-file tokens -o jsonl"#;
    let ended = beside_development_server(&Home::empty(), script);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let printed: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, clock, second] = &printed[..] else {
        panic!("{ended:?}")
    };
    assert!(first["grant_id"].is_string(), "{ended:?}");
    assert_eq!(second["grant_id"], first["grant_id"]);
    assert!(clock["now"].is_string(), "{ended:?}");
    assert!(second["expires_at"].as_str() > clock["now"].as_str(), "{ended:?}");
}

#[test]
fn the_button_of_whoever_has_signs_in_the_name_is_found() {
    let home = Home::empty();
    let seed = home.database().with_file_name("seed.toml");
    let names = ["o'brien", "a&b"];
    let owners: String = names
        .map(|name| format!("[[owner]]\nusername = \"{name}\"\npassword = \"long enough\"\n"))
        .concat();
    let client = "[[scope]]\nname = \"a\"\nfolders = [\"a\"]\n[[client]]\nclient_id = \"mine\"\nscopes = [\"a\"]\n\
                  redirect_uris = [\"http://127.0.0.1/back\"]\n";
    fs::write(&seed, format!("{client}{owners}")).unwrap();
    for name in names {
        let mut command = home.command();
        let ended = output(
            command
                .args(["run", "--seed", "seed.toml", "--", env!("CARGO_BIN_EXE_oauthctl")])
                .args(["login", "--headless", "-o", "json", "--owner", name])
                .env("TMPDIR", home.database().parent().unwrap()),
            "",
        );
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn whoever_has_a_button_needs_no_password_and_whoever_has_none_does() {
    // As in a terminal with the variables of an earlier start.
    let script = r#"OAUTH_PASSWORD=of-before "$oauthctl" login --headless -o json
        echo 'long enough' | "$oauthctl" owner add dave --password-stdin -o id
        export OAUTH_USERNAME=dave
        OAUTH_PASSWORD='long enough' "$oauthctl" login --headless -o json
        OAUTH_PASSWORD=wrong "$oauthctl" login --headless
        echo wrong | "$oauthctl" login --headless --owner alice --password-stdin"#;
    let ended = beside_development_server(&Home::empty(), script);
    assert_eq!(ended.stdout.matches("access_token").count(), 2, "{ended:?}");
    let refused = "the name or the password is wrong";
    assert_eq!(ended.stderr.matches(refused).count(), 2, "{ended:?}");
}

#[test]
fn the_variables_are_about_their_own_client() {
    let script = r#""$oauthctl" client register --name Two --client-id two --scope profile \
            --redirect-uri http://127.0.0.1:9000/cb --secret-file secret -o id
        "$oauthctl" login two --headless --secret-file secret -o id --token-file tokens
        "$oauthctl" example client two --for curl
        "$oauthctl" example client nobody --for curl"#;
    let ended = beside_development_server(&Home::empty(), script);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.starts_with("error: no client `nobody`"), "{ended:?}");
    assert!(
        ended.stdout.contains("redirect_uri=http://127.0.0.1:9000/cb\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("scope=profile"), "{ended:?}");
    assert!(!ended.stdout.contains("orders"), "{ended:?}");
}

#[test]
fn a_scope_in_the_place_of_the_client_is_said() {
    let script = r#""$oauthctl" login --headless --scope orders:read profile
        env -u OAUTH_ISSUER "$oauthctl" example client --for curl --scope orders:read orders:write"#;
    let ended = beside_development_server(&Home::empty(), script);
    let said =
        "error: `profile` is no client, but a scope; several are one value: --scope 'orders:read profile'\n";
    assert!(ended.stderr.starts_with(said), "{ended:?}");
    assert!(
        ended.stderr.contains("error: `orders:write` is no client"),
        "{ended:?}"
    );
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn an_empty_variable_is_none() {
    let script = r#"OAUTH_ISSUER= "$oauthctl" login --headless
        OAUTH_CLIENT_ID= "$oauthctl" login --headless
        OAUTH_REDIRECT_URI=x "$oauthctl" login --headless"#;
    let ended = beside_development_server(&Home::empty(), script);
    let said: Vec<&str> = ended.stderr.lines().collect();
    assert!(said[0].starts_with("error: say which client"), "{ended:?}");
    assert!(said[1].starts_with("error: OAUTH_REDIRECT_URI: "), "{ended:?}");
    assert!(ended.stdout.contains("access_token "), "{ended:?}");
}

#[test]
fn a_token_for_one_resource_is_asked_for() {
    let script = r#""$oauthctl" resource-server register Api --resource https://api.example --secret-file secret -o id >id
        for resource in https://api.example https://other.example; do
            "$oauthctl" login --headless --resource $resource -o json || continue
            "$oauthctl" token show "$("$oauthctl" token list --kind access -o id)" -o json
        done"#;
    let ended = beside_development_server(&Home::empty(), script);
    assert!(ended.stdout.contains("\"https://api.example\""), "{ended:?}");
    assert!(ended.stderr.contains("(invalid_target)"), "{ended:?}");
}

#[test]
fn a_browser_inherits_nothing_of_it() {
    let home = Home::empty();
    let browser = home.database().with_file_name("browser");
    fs::write(&browser, "#!/bin/sh\nenv >seen.part && mv seen.part seen\n").unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let script = r#"BROWSER=./browser "$oauthctl" login --timeout 1s; while ! [ -e seen ]; do sleep 0.1; done; cat seen"#;
    let ended = beside_development_server(&home, script);
    assert!(ended.stdout.contains("PATH="), "{ended:?}");
    assert!(!ended.stdout.contains("\nOAUTH_"), "{ended:?}");
}
