//! Forms as they stand in a page, read as a browser reads them.
//!
//! For our own pages only: there `<` and `>` are markup, since everything else is escaped, and attributes stand in
//! double quotes.

/// A form of a page.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Form {
    /// Where it is posted to.
    pub(in crate::cli) action: String,
    /// Names and values of the hidden fields.
    pub(in crate::cli) hidden: Vec<(String, String)>,
    /// The values of the checkboxes named `scope`.
    pub(in crate::cli) scopes: Vec<String>,
}

impl Form {
    /// The first form in `html` in which `mark` stands.
    pub(in crate::cli) fn find(html: &str, mark: &str) -> Option<Self> {
        let form = html
            .split("<form")
            .skip(1)
            .filter_map(|rest| rest.split("</form>").next())
            .find(|form| form.contains(mark))?;
        let inputs = || form.split("<input").skip(1).map(start_of_tag);
        let of_type = |wanted: &'static str| {
            inputs().filter(move |tag| attribute(tag, "type").as_deref() == Some(wanted))
        };
        Some(Self {
            action: attribute(start_of_tag(form), "action")?,
            hidden: of_type("hidden")
                .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
                .collect(),
            scopes: of_type("checkbox")
                .filter(|tag| attribute(tag, "name").as_deref() == Some("scope"))
                .filter_map(|tag| attribute(tag, "value"))
                .collect(),
        })
    }

    /// The hidden fields, and then `more`.
    pub(in crate::cli) fn filled<'f>(&'f self, more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
        let hidden = self
            .hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        hidden.chain(more.iter().copied()).collect()
    }
}

/// What stands up to the `>`.
fn start_of_tag(text: &str) -> &str {
    text.split_once('>').map_or(text, |(tag, _)| tag)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(unescape(value))
}

/// Character references: those that the pages are written with.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let reference = after
            .split_once(';')
            .and_then(|(name, after)| Some((character(name)?, after)));
        // An `&` that begins no reference stands for itself.
        let (character, after) = reference.unwrap_or(('&', after));
        out.push(character);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        number => char::from_u32(u32::from_str_radix(number.strip_prefix("#x")?, 16).ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_with_the_mark_is_read_and_unescaped() {
        let html = r#"<form method="post" action="&#x2f;logout"><input type="hidden" name="a" value="1"></form>
            <form method="post" action="&#x2f;authorize">
            <input type="hidden" name="request" value="a=b&amp;c=&quot;d&#x27;&lt;&gt;&amp;amp; &x">
            <input type="checkbox" id="s" name="scope" value="orders:read" checked>
            <input type="checkbox" name="other" value="no">
            <input type="text" name="username" value="typed">
            <button name="decision" value="deny">Deny</button></form>"#;
        let form = Form::find(html, "name=\"decision\"").unwrap();
        assert_eq!(
            form,
            Form {
                action: "/authorize".to_owned(),
                hidden: vec![("request".to_owned(), "a=b&c=\"d'<>&amp; &x".to_owned())],
                scopes: vec!["orders:read".to_owned()],
            }
        );
        assert_eq!(
            form.filled(&[("decision", "deny")]),
            [("request", "a=b&c=\"d'<>&amp; &x"), ("decision", "deny")]
        );
        assert_eq!(Form::find(html, "no such thing"), None);
    }
}
