//! Forms out of a page, as a browser would fill them in and send them.

use super::http::encode;

/// A form, with what a browser would send for it as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
    /// Names and values of its buttons.
    pub(crate) buttons: Vec<(String, String)>,
}

impl Form {
    /// The forms of a page.
    pub(crate) fn all(page: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        for tag in tags(page) {
            let value = |name: &str| attribute(&tag, name);
            match tag.split([' ', '\n']).next() {
                Some("form") => {
                    assert_eq!(value("method").as_deref(), Some("post"), "{tag}");
                    forms.push(Self {
                        action: value("action").unwrap(),
                        fields: Vec::new(),
                        buttons: Vec::new(),
                    });
                }
                Some("input") => {
                    let form = forms.last_mut().unwrap();
                    let is_box = value("type").as_deref() == Some("checkbox");
                    // A bare attribute: the tags of our pages have none but with a space before it.
                    if !is_box || tag.ends_with(" checked") {
                        form.fields
                            .push((value("name").unwrap(), value("value").unwrap_or_default()));
                    }
                }
                Some("button") => {
                    let form = forms.last_mut().unwrap();
                    form.buttons
                        .extend(value("name").map(|name| (name, value("value").unwrap())));
                }
                _ => {}
            }
        }
        forms
    }

    /// The form of a page that has a field or a button of this name.
    #[track_caller]
    pub(crate) fn with(page: &str, name: &str) -> Self {
        let mut forms = Self::all(page).into_iter();
        let has = |form: &Self| {
            let mut all = form.fields.iter().chain(&form.buttons);
            all.any(|(found, _)| found == name)
        };
        forms
            .find(has)
            .unwrap_or_else(|| panic!("no form with {name}: {page}"))
    }

    /// The value of a field.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        &fields.find(|(found, _)| found == name).unwrap().1
    }

    /// Fills a field in.
    #[must_use]
    pub(crate) fn fill(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) => value.clone_into(old),
            None => panic!("no field {name}"),
        }
        self
    }

    /// Unticks a checkbox.
    #[must_use]
    pub(crate) fn untick(mut self, name: &str, value: &str) -> Self {
        let before = self.fields.len();
        self.fields
            .retain(|(found, ticked)| (found.as_str(), ticked.as_str()) != (name, value));
        assert_eq!(
            self.fields.len(),
            before - 1,
            "{name}={value} is ticked to begin with"
        );
        self
    }

    /// Presses a button that has a name.
    #[must_use]
    pub(crate) fn press(mut self, name: &str, value: &str) -> Self {
        let button = (name.to_owned(), value.to_owned());
        assert!(self.buttons.contains(&button), "no button {name}={value}");
        self.fields.push(button);
        self
    }

    /// The body that a browser sends.
    pub(crate) fn body(&self) -> String {
        encode(&self.fields)
    }
}

/// What stands between `<` and `>`.
fn tags(page: &str) -> Vec<String> {
    let after = page.split('<').skip(1);
    after
        .map(|tag| tag.split('>').next().unwrap_or_default().to_owned())
        .collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = after.split_once('"')?;
    Some(unescape(value))
}

/// Undoes the entities that the pages are written with.
pub(crate) fn unescape(text: &str) -> String {
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| {
            text.replace(entity, character)
        })
}
