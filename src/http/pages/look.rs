//! What an administrator sets on every page without a template.

/// How the pages look besides their templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What the title of each page ends in.
    pub title: String,
    /// The line at the head of each page.
    pub header: String,
    /// The line at the foot of each page.
    pub footer: Option<String>,
    /// A picture at the head of each page, as a `data:` URL.
    pub logo: Option<String>,
    /// The tag of the language that every reader gets; none where readers choose.
    pub language: Option<String>,
}

impl Look {
    /// A title, which is the header too, and nothing else.
    pub fn titled(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            header: title.to_owned(),
            ..Self::default()
        }
    }
}
