//! A reader of tags for markup that others wrote: enough to see which forms and fields a page has.

/// An opening or closing tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// The name in lower case, with the slash of a closing tag before it.
    pub(super) name: String,
    /// Names in lower case, and values as they stand there.
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The tags of `html` in their order, without comments and what stands in `<style>` and `<script>`.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            continue;
        }
        if !after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
            rest = after;
            continue;
        }
        let (tag, after) = tag(after);
        rest = after;
        if ["style", "script"].contains(&tag.name.as_str()) {
            rest = rest
                .find(&format!("</{}", tag.name))
                .map_or("", |end| &rest[end..]);
        }
        tags.push(tag);
    }
    tags
}

/// The tag at the beginning of `text`, after its `<`, and what follows its `>`.
fn tag(text: &str) -> (Tag, &str) {
    let ends = |c: char| c.is_ascii_whitespace() || c == '>';
    let end = text.find(ends).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if rest.is_empty() {
            break;
        }
        let end = rest
            .char_indices()
            .skip(1)
            .find(|&(_, c)| ends(c) || c == '=' || c == '/')
            .map_or(rest.len(), |(at, _)| at);
        let (attribute, after) = rest.split_at(end);
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=').map(str::trim_start) {
            None => ("", after),
            Some(given) => match given.chars().next() {
                Some(quote @ ('"' | '\'')) => given[1..].split_once(quote).unwrap_or((&given[1..], "")),
                _ => given.split_at(given.find(ends).unwrap_or(given.len())),
            },
        };
        attributes.push((attribute.to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    let tag = Tag {
        name: name.trim_end_matches('/').to_ascii_lowercase(),
        attributes,
    };
    (tag, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_however_they_are_written() {
        let read = tags(
            "a < b <!-- <i> --><INPUT type=text required value='a > b'><br/><style>p > <a></style>\
             <a href = \"x\">y</a><p",
        );
        let names: Vec<&str> = read.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["input", "br", "style", "/style", "a", "/a", "p"]);
        assert_eq!(read[0].attribute("type"), Some("text"));
        assert_eq!(read[0].attribute("required"), Some(""));
        assert_eq!(read[0].attribute("value"), Some("a > b"));
        assert_eq!(read[4].attribute("href"), Some("x"));
    }
}
