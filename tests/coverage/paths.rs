//! The table of tricks with paths, against the pure code.

use oauthctl::domain::coverage::{Coverage, RequestPath, Requested};
use serde::Deserialize;

use crate::naive;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    path: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    what: String,
    path: Option<String>,
    hex: Option<String>,
    long: Option<usize>,
    denied: Option<String>,
    exact: Option<Vec<String>>,
    reaches: Option<String>,
}

impl Row {
    fn bytes(&self) -> Vec<u8> {
        match (&self.path, &self.hex, self.long) {
            (Some(path), None, None) => path.as_bytes().to_vec(),
            (None, Some(hex), None) => data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap(),
            (None, None, Some(count)) => format!("/{}", "a".repeat(count)).into_bytes(),
            _ => panic!("{}: one of path, hex and long", self.what),
        }
    }
}

#[test]
fn each_trick_is_denied_or_exact() {
    let table: Table = toml::from_str(include_str!("../../fixtures/paths.toml")).unwrap();
    let coverage = |folders: &[&str], routes: &[&str]| Coverage {
        folders: folders.iter().map(|text| text.parse().unwrap()).collect(),
        routes: routes.iter().map(|text| text.parse().unwrap()).collect(),
        ..Coverage::default()
    };
    let wide = coverage(&[], &["/", "/**"]);
    let narrow = coverage(&["orders"], &["/orders", "/orders/{id}", "/admin"]);
    for row in table.path {
        let what = &row.what;
        let bytes = row.bytes();
        let parsed = RequestPath::parse(&bytes);
        assert_eq!(parsed.is_ok(), naive::normal(&bytes).is_some(), "{what}");
        match (row.denied, row.exact) {
            (Some(denied), None) => {
                assert_eq!(format!("{:?}", parsed.unwrap_err()), denied, "{what}");
            }
            (None, Some(mut exact)) => {
                if let Some(count) = row.long {
                    exact.push("a".repeat(count));
                }
                let path = parsed.unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
                assert_eq!(path.segments(), exact, "{what}");
                let requested = Requested::request("GET".parse().unwrap(), path);
                assert!(wide.covers(&requested).is_some(), "{what}");
                let reaches = narrow.covers(&requested).map(|by| by.to_string());
                assert_eq!(reaches, row.reaches, "{what}");
            }
            _ => panic!("{what}: either denied or exact"),
        }
    }
}
