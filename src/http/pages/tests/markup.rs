//! A reader of tags for markup in which every `<` begins a tag: ours, once all text is escaped.

/// An opening or closing tag.
#[derive(Debug)]
pub(super) struct Tag {
    /// The name, with the slash of a closing tag before it.
    pub(super) name: String,
    /// Names and values, as they stand there.
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn attribute_names(&self) -> Vec<String> {
        self.attributes.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The tags of `html` in their order, without those of the stylesheet.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    html.split('<')
        .skip(1)
        .map(|rest| tag(rest.split('>').next().unwrap_or_default()))
        .collect()
}

fn tag(text: &str) -> Tag {
    let (name, mut rest) = text.split_once([' ', '\n']).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    while !rest.trim_matches(['/', ' ', '\n']).is_empty() {
        rest = rest.trim_start();
        let end = rest.find(['=', ' ', '/']).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a quoted value ends"),
            None => ("", after),
        };
        attributes.push((attribute.to_owned(), value.to_owned()));
        rest = after;
    }
    Tag {
        name: name.trim_end_matches('/').to_owned(),
        attributes,
    }
}

/// Each text with the name of the tag right before it.
pub(super) fn texts(html: &str) -> Vec<(String, &str)> {
    html.split('<')
        .filter_map(|rest| rest.split_once('>'))
        .map(|(inner, text)| (tag(inner).name, text))
        .collect()
}

/// The first tag that is closed without having been opened, or not closed at all.
pub(super) fn unbalanced(html: &str) -> Option<String> {
    const VOID: [&str; 5] = ["!DOCTYPE", "meta", "input", "path", "br"];
    let mut open: Vec<String> = Vec::new();
    for Tag { name, .. } in tags(html) {
        match name.strip_prefix('/') {
            Some(closed) => {
                if open.pop().as_deref() != Some(closed) {
                    return Some(name);
                }
            }
            None if VOID.contains(&name.as_str()) => {}
            None => open.push(name),
        }
    }
    open.pop()
}

#[test]
fn a_tag_is_read_with_its_attributes() {
    let read = tags("<input type=\"text\" required value=\"a &lt; /b\"><br/></p>");
    assert_eq!(
        read.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(),
        ["input", "br", "/p"]
    );
    assert_eq!(read[0].attribute("value"), Some("a &lt; /b"));
    assert_eq!(read[0].attribute_names(), ["type", "required", "value"]);
}

#[test]
fn what_is_not_closed_is_found() {
    let cases = [
        ("<p><b></b></p>", None),
        ("<p><b></p>", Some("/p")),
        ("<p>", Some("p")),
        ("</p>", Some("/p")),
        ("<p><input></p>", None),
    ];
    for (html, found) in cases {
        assert_eq!(unbalanced(html).as_deref(), found, "{html}");
    }
}
