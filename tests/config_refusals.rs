//! What a configuration file may not say, and the message for each.
#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

use std::path::{Path, PathBuf};

use oauthctl::config::{CommandLine, Sources, load};

/// The fixture, and what follows its name in the message.
#[rustfmt::skip] // a row a line
const REFUSALS: &[(&str, &str)] = &[
    ("address", "2: `server.listen`: `localhost:8420` is not accepted; accepted is an IP address with a port, such as `127.0.0.1:8420` or `[::1]:8420`"),
    ("address_needs_issuer", "2: `server.issuer`: listening on `192.168.1.5:8420` needs an issuer, because clients reach that address by an `https` URL of its own"),
    ("address_no_port", "2: `server.listen`: `127.0.0.1` is not accepted; accepted is an IP address with a port, such as `127.0.0.1:8420` or `[::1]:8420`"),
    ("choice", "2: `check.request_from`: `both` is not accepted; accepted is `either`, `original` or `forwarded`"),
    ("choice_case", "2: `log.level`: `INFO` is not accepted; accepted is `error`, `warn`, `info`, `debug` or `trace`"),
    ("database_empty", "2: `database.path`: an empty path names no file; accepted is the path of a file, such as `./oauthctl.db`"),
    ("database_memory", "2: `database.path`: a database in memory cannot be shared by several connections; accepted is the path of a file, such as `./oauthctl.db`"),
    ("database_uri", "2: `database.path`: a `file:` URI is not a path; accepted is the path of a file, such as `./oauthctl.db`"),
    ("dotted_keys", "2: unknown key `tokens.code_lifetme`; did you mean `code_lifetime`?"),
    ("duplicate_key", "3:1: duplicate key"),
    ("duplicate_section", "2:2: duplicate key"),
    ("first_of_two_mistakes", "2: `server.listen`: an integer does not fit; accepted is an IP address with a port, such as `127.0.0.1:8420` or `[::1]:8420`"),
    ("health_address", "2: `server.health_listen`: `9420` is not accepted; accepted is an IP address with a port, such as `127.0.0.1:9420`, or an empty string"),
    ("issuer_http", "2: `server.issuer`: `http://id.example.com` is not `https`; `http` is accepted for `127.0.0.1`, `[::1]` and `localhost` only"),
    ("issuer_slash", "2: `server.issuer`: `https://id.example.com/` ends with a slash; leave the slash out"),
    ("key_in_no_section", "1: `listen` stands in no section; write `listen` under `[server]`"),
    ("key_of_another_section", "2: unknown key `server.level`; `level` stands in section `log`"),
    ("networks_address", "2: `server.trusted_proxies`: `10.0.0.1/8` is an address within a network; the network itself is `10.0.0.0/8`"),
    ("networks_of_numbers", "2: `check.trust_forwarded_from`: an integer does not fit; accepted is an array of IP addresses and networks, such as `[\"127.0.0.1\", \"10.0.0.0/8\"]`"),
    ("not_utf8", "2: the configuration file is not text in UTF-8"),
    ("pages_accent", "2: `pages.accent`: `red` is not accepted; accepted is a colour such as `#1d4fc4`, or an empty string"),
    ("pages_footer", r"2: `pages.footer`: `a\nb` is not accepted; accepted is a string of at most 500 characters on one line"),
    ("pages_language", "2: `pages.language`: `German` is not accepted; accepted is `auto`, or the tag of a language such as `en`, `de` or `pt-BR`"),
    ("proxy_issuer_http", "2: `server.issuer`: `http://127.0.0.1:8420` is not `https`, and other machines reach the server by its proxy; write `https://` and the name of the server"),
    ("range_connections_per_address", "2: `limits.connections_per_address`: `0` is out of range; accepted is an integer from 1 to 65536"),
    ("range_headers", "2: `limits.headers`: `8` is out of range; accepted is an integer from 16 to 1024"),
    ("range_high", "2: `limits.connections`: `99999999999999999999999999` is out of range; accepted is an integer from 1 to 65536"),
    ("range_low", "2: `database.readers`: `0` is out of range; accepted is an integer from 1 to 256"),
    ("range_negative", "2: `database.readers`: `-1` is out of range; accepted is an integer from 1 to 256"),
    ("range_radix", "2: `limits.head_bytes`: `0x100` is out of range; accepted is an integer from 1024 to 1048576"),
    ("retry_window", "2: `tokens.refresh_retry_window`: `until-tomorrow` is not a span; write it like `30d`, `1h30m` or `60s`, or `until-used`"),
    ("retry_window_long", "2: `tokens.refresh_retry_window`: `2d` is too long; accepted is a span from `0s` to `1d`, or `until-used`"),
    ("section_is_a_value", "1: `server` is a section; write it as `[server]`"),
    ("section_is_an_array", "1: `server` is a section; write it as `[server]`"),
    ("section_within_a_section", "1: unknown key `tokens.extra`; the keys of `tokens` are access_token_lifetime, code_lifetime, refresh_token_lifetime, refresh_token_idle, refresh_retry_window, keep_ended, prune_every"),
    ("span_huge", "2: `server.session_lifetime`: `99999999999999999999999999` is too long; the longest span is `3650d`"),
    ("span_long", "2: `tokens.code_lifetime`: `11m` is too long; accepted is a span from `1s` to `10m`"),
    ("span_negative", "2: `server.shutdown_grace`: `-5` is negative; write a span that is not, such as `1h`"),
    ("span_negative_huge", "2: `server.shutdown_grace`: `-99999999999999999999` is negative; write a span that is not, such as `1h`"),
    ("span_no_unit", "2: `limits.head_time`: `10` has no unit; write it like `30d`, `1h30m` or `60s`"),
    ("span_nonsense", "2: `limits.head_time`: `soon` is not a span; write it like `30d`, `1h30m` or `60s`"),
    ("span_seconds_long", "2: `tokens.code_lifetime`: `601` is too long; accepted is a span from `1s` to `10m`"),
    ("span_short", "2: `tokens.access_token_lifetime`: `0s` is too short; accepted is a span from `1s` to `365d`"),
    ("span_year", "2: `tokens.refresh_token_lifetime`: `1y` has no fixed length, because years and months differ; write it in days, such as `365d`"),
    ("syntax", "2:8: key with no value, expected `=`"),
    ("syntax_open_string", r#"3:33: invalid basic string, expected `"`"#),
    ("title_empty", "2: `pages.title`: ` ` is not accepted; accepted is a string of 1 to 100 characters on one line"),
    ("title_two_lines", r"2: `pages.title`: `a\nb` is not accepted; accepted is a string of 1 to 100 characters on one line"),
    ("tls_certificate_alone", "2: `tls.private_key`: is needed as well: a certificate without its private key is of no use"),
    ("tls_issuer_http", "2: `server.issuer`: `http://localhost:8420` is not `https`, and the server speaks TLS; write `https://` and the name of the server"),
    ("tls_needs_issuer", "2: `server.issuer`: listening on `0.0.0.0:443` needs an issuer, because clients reach that address by an `https` URL of its own"),
    ("tls_private_key_alone", "3: `tls.certificate`: is needed as well: a private key without its certificate is of no use"),
    ("tls_type", "2: `tls.certificate`: a boolean does not fit; accepted is the path of a file, or an empty string"),
    ("type_boolean", "2: `server.behind_proxy`: a string does not fit; accepted is `true` or `false`"),
    ("type_choice", "2: `log.format`: an array does not fit; accepted is `text` or `json`"),
    ("type_float", "2: `limits.connections`: a number with a point does not fit; accepted is an integer from 1 to 65536"),
    ("type_integer", "2: `limits.connections`: a string does not fit; accepted is an integer from 1 to 65536"),
    ("type_span", "2: `tokens.code_lifetime`: a boolean does not fit; accepted is a span from `1s` to `10m`"),
    ("type_string", "2: `pages.title`: an integer does not fit; accepted is a string of 1 to 100 characters on one line"),
    ("unknown_key", "3: unknown key `tokens.acess_token_lifetime`; did you mean `access_token_lifetime`?"),
    ("unknown_key_far", "2: unknown key `database.port`; the keys of `database` are path, busy_timeout, readers"),
    ("unknown_section", "1: unknown section `sever`; did you mean `server`?"),
    ("unknown_section_far", "2: unknown section `webhooks`; the sections are server, database, tokens, check, tls, log, pages, limits"),
    ("word_in_no_section", "1: `colour` stands in no section; the sections are server, database, tokens, check, tls, log, pages, limits"),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config")
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_is_accepted() {
    for (name, message) in REFUSALS {
        let sources = Sources {
            command_line: CommandLine {
                config: Some(format!("{name}.toml").into()),
                ..CommandLine::default()
            },
            working_directory: fixtures(),
            ..Sources::default()
        };
        let refusal = load(&sources).unwrap_err().to_string();
        assert_eq!(refusal, format!("{name}.toml:{message}"));
    }
}

#[test]
fn every_fixture_stands_in_the_table() {
    let mut files: Vec<_> = std::fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut named: Vec<_> = REFUSALS.iter().map(|(name, _)| format!("{name}.toml")).collect();
    named.sort();
    assert_eq!(files, named);
}
