use super::{LARGEST, read, read_for_development, write};
use crate::config::settings::Tokens;
use crate::domain::client::RefreshPolicy;
use crate::domain::declaration::{Declaration, Thing};
use crate::domain::span::Span;

const CLIENT: &str = "[[client]]\nclient_id = \"shop\"\nredirect_uris = [\"https://shop.example/cb\"]\nscopes = [\"orders\"]\n";

fn declared(text: &str) -> Declaration {
    read(text.as_bytes(), &Tokens::default()).unwrap().declaration
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    read(text.as_ref(), &Tokens::default()).unwrap_err().to_string()
}

#[test]
fn what_is_left_out_is_what_the_settings_say() {
    let defaults = Tokens {
        code_lifetime: Span::from_secs(42),
        ..Tokens::default()
    };
    let file = read(CLIENT.as_bytes(), &defaults).unwrap();
    let client = &file.declaration.clients[&"shop".parse().unwrap()];
    assert_eq!(client.settings.name.as_str(), "shop");
    assert_eq!(client.settings.description.as_str(), "");
    assert_eq!(client.settings.code_lifetime.as_secs(), 42);
    assert_eq!(client.settings.access_token_lifetime.as_secs(), 3600);
    assert_eq!(client.settings.refresh, RefreshPolicy::Unlimited);
    assert!(client.settings.require_pkce && client.enabled);
}

#[test]
fn what_is_written_says_so_whatever_the_settings_are() {
    let mut declaration = declared(&format!(
        "{CLIENT}[[scope]]\nname = \"orders\"\nfolders = [\"orders\"]\n[[resource_server]]\nname = \"a \\\"b\\\" 'c'\"\nresource = \"https://a.example\"\n"
    ));
    for refresh in [
        RefreshPolicy::None,
        RefreshPolicy::Limited(3),
        RefreshPolicy::Unlimited,
    ] {
        for client in declaration.clients.values_mut() {
            client.settings.refresh = refresh;
        }
        let others = Tokens {
            access_token_lifetime: Span::from_secs(7),
            code_lifetime: Span::from_secs(7),
            refresh_token_lifetime: Span::from_secs(7),
            refresh_token_idle: Span::from_secs(7),
            ..Tokens::default()
        };
        let text = write(&declaration);
        assert_eq!(
            read(text.as_bytes(), &others).unwrap().declaration,
            declaration,
            "{text}"
        );
    }
}

#[test]
fn the_text_is_for_people() {
    let text = write(&declared(&format!(
        "{CLIENT}refresh = 3\n[[scope]]\nname = \"orders\"\ndescription = \"Say \\\"yes\\\"\"\n\
         folders = [\"stock\", \"orders\"]\nroutes = [\"GET /{}\", \"/b\"]\n",
        "a".repeat(100)
    )));
    let expected = format!(
        "\n\n[[scope]]\nname = \"orders\"\ndescription = 'Say \"yes\"'\nfolders = [\"orders\", \"stock\"]\n\
         routes = [\n    \"/b\",\n    \"GET /{}\",\n]\n\
         \n[[client]]\nclient_id = \"shop\"\nname = \"shop\"\nredirect_uris = [\"https://shop.example/cb\"]\n\
         scopes = [\"orders\"]\naccess_token_lifetime = \"1h\"\ncode_lifetime = \"1m\"\nrefresh = 3\n\
         refresh_token_lifetime = \"30d\"\nrefresh_token_idle = \"7d\"\nrequire_pkce = true\nconsent = \"always\"\nenabled = true\n",
        "a".repeat(100)
    );
    assert!(text.starts_with("# "), "{text}");
    assert!(text.ends_with(&expected), "{text}");
    assert_eq!(text.len(), text.find('\n').unwrap() + expected.len(), "{text}");
}

#[test]
fn a_thing_knows_its_line() {
    let text = format!("# first\n\n{CLIENT}\n[[scope]]\nname = \"orders\"\n");
    let file = read(text.as_bytes(), &Tokens::default()).unwrap();
    assert_eq!(file.line_of(&Thing::Client("shop".parse().unwrap())), Some(3));
    assert_eq!(file.line_of(&Thing::Scope("orders".parse().unwrap())), Some(8));
    assert_eq!(file.line_of(&Thing::Scope("other".parse().unwrap())), None);
    assert_eq!(declared(""), Declaration::default());
}

#[test]
fn each_mistake_is_told_with_its_line() {
    #[rustfmt::skip] // a row a line
    let rows: &[(&str, &str)] = &[
        ("[[scope]", "1: unclosed array table, expected `]`"),
        ("[[scope]]\nname = \"a\"\nname = \"b\"", "3: duplicate key"),
        ("[[scopes]]\nname = \"a\"", "1: unknown table `scopes`; did you mean `[[scope]]`?"),
        ("[[resource-server]]\nname = \"a\"", "1: unknown table `resource-server`; did you mean `[[resource_server]]`?"),
        ("\nversion = 1", "2: unknown table `version`; accepted are `[[scope]]`, `[[client]]` and `[[resource_server]]`"),
        ("[scope]\nname = \"a\"", "1: write each scope under a line `[[scope]]` of its own"),
        ("resource_server = [\"Warehouse\"]", "1: write each resource server under a line `[[resource_server]]` of its own"),
        ("[[scope]]\nfolders = [\"a\"]", "1: a scope needs the key `name`"),
        ("[[client]]\n", "1: a client needs the key `client_id`"),
        ("[[scope]]\nname = \"a\"\nfolder = [\"a\"]", "3: unknown key `folder`; did you mean `folders`?"),
        ("[[resource_server]]\nname = \"a\"\nsecret = \"b\"", "3: unknown key `secret`; the keys of a resource server are name, resource"),
        ("[[scope]]\nname = \"a b\"", "2: `name`: `a b`: not a scope token: 1 to 128 printable ASCII characters without space, `\"` and `\\` are expected"),
        ("[[scope]]\nname = 1", "2: `name`: accepted is a text in quotes"),
        ("[[scope]]\nname = \"a\"\nfolders = \"a\"", "3: `folders`: write a list, as in `folders = [\"…\"]`"),
        ("[[scope]]\nname = \"a\"\nfolders = [\n  \"a\",\n  2,\n]", "5: `folders`: accepted is a text in quotes"),
        ("[[scope]]\nname = \"a\"\nservices = [\n  \"a:b\",\n  \"a:b\",\n]", "5: `services`: `a:b` is given twice"),
        ("[[scope]]\nname = \"a\"\n\n[[scope]]\nname = \"a\"", "4: the scope `a` is declared on line 1 already"),
        ("[[resource_server]]\nname = \"a\"\nresource = \"https://a.example/#\"", "3: `resource`: `https://a.example/#`: `https://a.example/#` has a query or a fragment; a resource has neither, write it like `https://api.example.com/orders`"),
        ("[[resource_server]]\nname = \"a\"\n[[resource_server]]\nname = \" a \"", "3: the resource server `a` is declared on line 1 already"),
    ];
    for (text, expected) in rows {
        assert_eq!(refusal(text), *expected, "{text}");
    }
    #[rustfmt::skip] // a row a line
    let rows: &[(&str, &str)] = &[
        ("code_lifetime = \"11m\"", "`code_lifetime`: `11m` is too long; accepted is a span from `1s` to `10m`"),
        ("access_token_lifetime = \"366d\"", "`access_token_lifetime`: `366d` is too long; accepted is a span from `1s` to `365d`"),
        ("refresh_token_idle = \"soon\"", "`refresh_token_idle`: `soon` is not a span; write it like `30d`, `1h30m` or `60s`"),
        ("refresh_token_lifetime = true", "`refresh_token_lifetime`: a boolean does not fit; accepted is a span from `1s` to `3650d`"),
        ("refresh = \"often\"", "`refresh`: accepted is \"none\", \"unlimited\" or a number of times, as in `refresh = 10`"),
        ("refresh = -1", "`refresh`: accepted is \"none\", \"unlimited\" or a number of times, as in `refresh = 10`"),
        ("refresh = 0x10", "`refresh`: accepted is \"none\", \"unlimited\" or a number of times, as in `refresh = 10`"),
        ("require_pkce = \"yes\"", "`require_pkce`: accepted is `true` or `false`"),
        ("enabled = 1", "`enabled`: accepted is `true` or `false`"),
        ("name = \"a\\u202Eb\"", "`name`: `a\\u{202e}b`: it holds the control character U+202E"),
    ];
    for (line, expected) in rows {
        assert_eq!(
            refusal(format!("{CLIENT}{line}\n")),
            format!("5: {expected}"),
            "{line}"
        );
    }
    let uri = CLIENT.replace("https", "http");
    assert_eq!(
        refusal(uri),
        "3: `redirect_uris`: `http://shop.example/cb`: http is accepted for 127.0.0.1, [::1] and localhost only, \
         exactly so spelled; use https"
    );
    let long = CLIENT.replace("shop\"", &format!("{}\"", "x".repeat(101)));
    assert_eq!(
        refusal(long),
        "1: `client_id` is too long to stand for `name`; give a name too"
    );
    assert_eq!(refusal(b"# \n\n\xff"), "3: the file is not text in UTF-8");
    assert_eq!(
        refusal(vec![b'\n'; LARGEST + 1]),
        "1: the file is larger than 8 MiB"
    );
    assert_eq!(
        declared(&format!("#{}", "x".repeat(LARGEST - 1))),
        Declaration::default()
    );
}

#[test]
fn secrets_stand_in_files_for_development_only() {
    let text = "[[client]]\nclient_id = \"a\"\nclient_secret = \"correct-horse-battery-staple-0001\"\n\
                [[resource_server]]\nname = \"b\"\nresource_server_id = \"b-1\"\n\
                [[resource_server]]\nname = \"c\"\nresource_server_secret = \"correct-horse-battery-staple-0002\"\n";
    let file = read_for_development(text.as_bytes(), &Tokens::default()).unwrap();
    let said: Vec<_> = file
        .credentials
        .values()
        .map(|one| {
            let secret = one.secret.as_ref().map(|secret| secret.reveal());
            (one.id.as_ref().map(|id| id.as_str()), secret)
        })
        .collect();
    assert_eq!(
        said,
        [
            (None, Some("correct-horse-battery-staple-0001")),
            (Some("b-1"), None),
            (None, Some("correct-horse-battery-staple-0002")),
        ]
    );
    for (line, expected) in [
        (
            "client_secret = \"too short\"",
            "3: `client_secret`: a secret that is brought along needs 32 to 255",
        ),
        (
            "client_secret = 1",
            "3: `client_secret`: accepted is a text in quotes",
        ),
        (
            "client_secrets = \"a\"",
            "3: unknown key `client_secrets`; did you mean `client_secret`?",
        ),
    ] {
        let text = format!("[[client]]\nclient_id = \"a\"\n{line}\n");
        let error = read_for_development(text.as_bytes(), &Tokens::default()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    for (text, expected) in [
        (
            "[[client]]\nclient_id = \"a\"\nclient_secret = \"correct-horse-battery-staple-0001\"",
            "3: `client_secret` is for `oauthctl serve --dev` only; a secret in a file that is kept and passed on is none; \
             leave it out: one is made for a new client, and `oauthctl client rotate-secret ID --secret-stdin` brings one \
             along",
        ),
        (
            "[[resource_server]]\nname = \"b\"\nresource_server_secret = \"x\"",
            "3: `resource_server_secret` is for `oauthctl serve --dev` only; a secret in a file that is kept and passed on \
             is none; leave it out: one is made for a new resource server, and `oauthctl resource-server rotate-secret ID \
             --secret-stdin` brings one along",
        ),
        (
            "[[resource_server]]\nname = \"b\"\nresource_server_id = \"b\"",
            "3: `resource_server_id` is for `oauthctl serve --dev` only; leave it out: it is made from the name",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}
