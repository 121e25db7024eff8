//! The mark that says on each page of a development server what it is. It is put into the finished page, so that it also
//! stands on those that an administrator has changed.

/// The field of the button that signs a resource owner in; its value is the username.
pub(crate) const OWNER: &str = "development_owner";

/// What the mark looks like. Behind the stylesheet of the pages, whosever that is.
pub(super) const STYLE: &str = "
.development {
  --paper: #fef3c7; --letter: #451a03; --rim: #b45309;
  width: 100%; max-width: 36rem; margin: 0 auto 1rem; padding: .8rem 1rem; border: 2px dashed var(--rim);
  border-radius: .6rem; background: var(--paper); color: var(--letter); font-size: .925rem;
}
@media (prefers-color-scheme: dark) {
  .development { --paper: #2a1d08; --letter: #fde68a; --rim: #d97706; }
}
.development.short { padding: .35rem .8rem; text-align: center; }
.development p:last-child { margin-bottom: 0; }
.development p { margin: 0 0 .3rem; }
.development form { margin: .6rem 0 0; }
.development button {
  margin: .2rem .4rem .2rem 0; border: 1px solid var(--rim); background: transparent; color: var(--letter);
  max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
";

/// The page with `mark` as the first thing in its body; before everything where the page has none.
pub(super) fn put(mark: &str, mut html: String) -> String {
    let at = start_of_body(&html).unwrap_or(0);
    html.insert_str(at, mark);
    html
}

/// Where the start tag of the body ends.
fn start_of_body(html: &str) -> Option<usize> {
    let tag = html.to_ascii_lowercase().find("<body")?;
    let mut quote = None;
    for (at, character) in html.get(tag..)?.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(tag + at + 1),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_first_in_the_body() {
        for (page, expected) in [
            ("<html><body><p>", "<html><body>!<p>"),
            ("<BODY class='a>b'><p>", "<BODY class='a>b'>!<p>"),
            ("<p>no body", "!<p>no body"),
            ("<body unfinished", "!<body unfinished"),
        ] {
            assert_eq!(put("!", page.to_owned()), expected);
        }
    }
}
