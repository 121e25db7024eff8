//! A declaration as text, in one way only: the same declaration gives the same bytes.

use std::fmt::Write;

use toml::Value;

use crate::domain::declaration::{Declaration, Field, FieldValue, Kind};
use crate::domain::span;

/// What stands before everything else.
const HEADER: &str = "# Scopes, clients and resource servers, without their secrets. To make a database like this: \
                      oauthctl apply -f FILE\n";

/// The longest list that stays on one line, in bytes.
const LINE: usize = 100;

/// Writes a declaration such that [`read`](super::read()) reads the same back, whatever the defaults.
pub fn write(declaration: &Declaration) -> String {
    let mut text = HEADER.to_owned();
    for (name, scope) in &declaration.scopes {
        table(&mut text, Kind::Scope, ("name", name.as_str()), scope.fields());
    }
    for (id, client) in &declaration.clients {
        table(
            &mut text,
            Kind::Client,
            ("client_id", id.as_str()),
            client.fields(),
        );
    }
    for (name, server) in &declaration.resource_servers {
        table(
            &mut text,
            Kind::ResourceServer,
            ("name", name.as_str()),
            server.fields(),
        );
    }
    text
}

fn table(text: &mut String, kind: Kind, (key, id): (&str, &str), fields: Vec<Field>) {
    let kind = kind.name();
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "\n[[{kind}]]\n{key} = {}", string(id));
    // What is empty is left out: that is what it is then read as.
    for (key, field) in fields.into_iter().filter(|(_, field)| !field.is_empty()) {
        let _ = writeln!(text, "{key} = {}", value(&field));
    }
}

fn value(field: &FieldValue) -> String {
    match field {
        FieldValue::Text(text) => string(text),
        FieldValue::List(items) => list(items),
        FieldValue::Span(length) => string(&span::format(*length)),
        FieldValue::Count(count) => count.to_string(),
        FieldValue::Flag(flag) => flag.to_string(),
    }
}

fn string(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| string(item)).collect();
    let line = format!("[{}]", items.join(", "));
    if line.len() <= LINE {
        line
    } else {
        format!("[\n    {},\n]", items.join(",\n    "))
    }
}
