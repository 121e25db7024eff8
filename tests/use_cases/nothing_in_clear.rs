//! The store alone yields nothing: no value that opens a door can be found in the file, nor made from it.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use oauthctl::authorization_server::Purpose;
use oauthctl::domain::secret::Secret;
use oauthctl::domain::token::TokenValue;
use rusqlite::types::Value;

use crate::support::{PASSWORD, Request, VERIFIER, World};

/// A needle and what it is.
struct Needle(String, Vec<u8>);

/// The value as it travels, its secret part, and the secret part's raw bytes, in several writings.
fn needles(what: &str, value: &str) -> Vec<Needle> {
    let mut needles = vec![Needle(what.to_owned(), value.as_bytes().to_vec())];
    // Everything that we make ends with the base64url of 32 bytes.
    if let Some(secret) = value.len().checked_sub(43).map(|start| &value[start..])
        && let Ok(raw) = BASE64URL_NOPAD.decode(secret.as_bytes())
    {
        needles.push(Needle(format!("the secret part of {what}"), secret.into()));
        needles.push(Needle(
            format!("the secret part of {what} in hexadecimal"),
            HEXLOWER.encode(&raw).into(),
        ));
        needles.push(Needle(format!("the raw bytes of {what}"), raw));
    }
    needles
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Every value of every table, with its place.
fn values(world: &World) -> Vec<(String, Value)> {
    let connection = world.connection();
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut values = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (index, column) in columns.iter().enumerate() {
                values.push((format!("{table}.{column}"), row.get(index).unwrap()));
            }
        }
    }
    values
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.clone().into_bytes(),
        Value::Blob(blob) => blob.clone(),
        Value::Null | Value::Integer(_) | Value::Real(_) => Vec::new(),
    }
}

#[test]
fn no_value_that_opens_a_door_stands_in_the_file() {
    let world = World::new();
    let (shop, resource_server) = (world.shop(), world.resource_server());
    let browser = world.sign_in("alice");
    let signed_out = world.sign_in("alice");
    let request = Request::of(&shop);
    let form = world.form(&request, &browser);
    let sign_out_form = world.server.seal_form(&browser, Purpose::SignOut, "").unwrap();
    let code = world.approve_in(&browser, &request, "orders place");
    let unused_code = world.approve_in(&browser, &request, "orders");
    let first = world.exchange(&shop, &code).unwrap();
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let again = world.refresh(&shop, first.refresh()).unwrap();
    let third = world.refresh(&shop, second.refresh()).unwrap();
    world.revoke(&shop, &again.access).unwrap();
    world.server.sign_out(&signed_out).unwrap();

    let secrets = [
        ("the client secret", shop.secret.as_str()),
        ("the secret of the resource server", &resource_server.secret),
        ("the cookie", &browser.reveal()),
        ("the cookie of a session that has ended", &signed_out.reveal()),
        ("the approval form", &form),
        ("the sign-out form", &sign_out_form),
        ("the code", &code),
        ("the code that was not used", &unused_code),
        ("the verifier", VERIFIER),
        ("the password", PASSWORD),
        ("the first access token", &first.access),
        ("the second access token", &second.access),
        ("the revoked access token", &again.access),
        ("the third access token", &third.access),
        ("the first refresh token", first.refresh()),
        ("the second refresh token", second.refresh()),
        ("the third refresh token", third.refresh()),
    ];
    let needles: Vec<Needle> = secrets
        .into_iter()
        .flat_map(|(what, value)| needles(what, value))
        .collect();
    assert!(needles.len() > 4 * 14, "the secret parts are looked for too");

    let values = values(&world);
    let mut look = vec![
        ("alice, who is known to be there", contains_any(&values, b"alice")),
        (
            "the hash of the third refresh token, which is known to be there",
            contains_any(&values, hash_of(third.refresh()).as_slice()),
        ),
    ];
    look.retain(|(_, found)| !found);
    assert!(look.is_empty(), "the search does not find {look:?}");
    for Needle(what, needle) in &needles {
        for (place, value) in &values {
            assert!(!contains(&bytes(value), needle), "{what} stands in {place}");
        }
    }

    // Also where no table looks any more: pages that were freed, and the write-ahead log.
    let path = world.path();
    let raw = world.after_closing(|| std::fs::read(&path).unwrap());
    assert!(contains(&raw, b"alice"));
    for Needle(what, needle) in &needles {
        assert!(!contains(&raw, needle), "{what} stands somewhere in the file");
    }
}

#[test]
fn the_successor_of_a_refresh_token_cannot_be_derived_from_the_file() {
    let world = World::new();
    let shop = world.shop();
    let first = world.tokens(&shop);
    let second = world.refresh(&shop, first.refresh()).unwrap();
    let secret_of = |value: &str| TokenValue::parse(value).unwrap().secret().reveal();
    let blobs: Vec<[u8; 32]> = values(&world)
        .iter()
        .filter_map(|(_, value)| bytes(value).try_into().ok())
        .collect();
    let secret = |bytes: &[u8; 32]| Secret::parse(&BASE64URL_NOPAD.encode(bytes)).unwrap();
    let mut tried = 0;
    for key in &blobs {
        for salt in &blobs {
            tried += 1;
            assert_ne!(secret(key).successor(salt).reveal(), secret_of(second.refresh()));
        }
    }
    assert!(tried >= 25, "hashes and salts are there to be tried");
    let predecessor = TokenValue::parse(first.refresh()).unwrap();
    let from_predecessor = |salt| predecessor.secret().successor(salt).reveal();
    assert!(
        blobs
            .iter()
            .any(|salt| from_predecessor(salt) == secret_of(second.refresh())),
        "with the predecessor, which the client alone has, it can"
    );
}

fn contains_any(values: &[(String, Value)], needle: &[u8]) -> bool {
    values.iter().any(|(_, value)| contains(&bytes(value), needle))
}

fn hash_of(value: &str) -> [u8; 32] {
    *TokenValue::parse(value).unwrap().secret().hash().as_bytes()
}
