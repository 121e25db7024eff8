//! An administrator's directory: templates, `style.css` and `messages/`, each in the place of ours.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::STYLE;
use super::messages;
use super::templates::replaceable;

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 256 * 1024;

/// The most files that are read.
const MOST_FILES: usize = 200;

/// The stylesheet's file.
pub(super) const STYLE_FILE: &str = "style.css";

/// The directory of the message files, within the other.
pub(super) const MESSAGES: &str = "messages";

/// What is wrong with a file of an administrator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, as it stands in the directory.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    pub(super) fn of(file: &str, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            what: what.into(),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// The files of a directory, by name.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    /// Templates: `approval.html`, or one of the administrator's own that another includes (`_notice.html`).
    pub(super) templates: BTreeMap<String, String>,
    /// The stylesheet.
    pub(super) style: Option<String>,
    /// Message files by language tag.
    pub(super) messages: BTreeMap<String, String>,
}

impl Overrides {
    /// Reads `directory`. A file that cannot be read is a fault and left out; that there is no directory is an error.
    pub(super) fn read(directory: &Path, faults: &mut Vec<Fault>) -> io::Result<Self> {
        let mut found = Self::default();
        for name in names(directory)? {
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let path = directory.join(&name);
            if name == MESSAGES && path.is_dir() {
                found.read_messages(&path, faults)?;
            } else if name == STYLE_FILE {
                found.style = read(&path, &name, faults);
            } else if is_template(&name) {
                if let Some(text) = read(&path, &name, faults) {
                    found.templates.insert(name, text);
                }
            } else {
                faults.push(Fault::of(&name, stray(&name)));
            }
        }
        Ok(found)
    }

    fn read_messages(&mut self, directory: &Path, faults: &mut Vec<Fault>) -> io::Result<()> {
        for name in names(directory)? {
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let file = format!("{MESSAGES}/{name}");
            match name.strip_suffix(".toml").filter(|tag| is_language_tag(tag)) {
                Some(tag) => {
                    if let Some(text) = read(&directory.join(&name), &file, faults) {
                        self.messages.insert(tag.to_owned(), text);
                    }
                }
                None => faults.push(Fault::of(
                    &file,
                    "a message file is named after its language, such as `fr.toml` or `pt-BR.toml`",
                )),
            }
        }
        Ok(())
    }
}

/// Every built-in file, by its path within a directory, as `oauthctl pages export` writes it.
pub fn exported() -> Vec<(String, &'static str)> {
    replaceable()
        .map(|(name, text)| (name.to_owned(), text))
        .chain([(STYLE_FILE.to_owned(), STYLE)])
        .chain(messages::BUILT_IN.map(|(tag, text)| (format!("{MESSAGES}/{tag}.toml"), text)))
        .collect()
}

/// Whether `text` can be the tag of a language (RFC 5646): `de`, `pt-BR`, `zh-Hant-TW`.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let primary = parts.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_lowercase())
        && text.len() <= 35
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_template(name: &str) -> bool {
    replaceable().any(|(ours, _)| ours == name) || (name.starts_with('_') && has_ending(name, "html"))
}

/// Whether the name ends so, in lower case as ours do.
fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

fn stray(name: &str) -> String {
    let ours: Vec<&str> = replaceable().map(|(ours, _)| ours).collect();
    let nearest = ours
        .iter()
        .map(|ours| (strsim::damerau_levenshtein(ours, name), ours))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, meant)) => format!("there is no page of that name; did you mean `{meant}`?"),
        None => format!(
            "it is not used; there are {}, `{STYLE_FILE}`, `{MESSAGES}/`, and templates to include, whose names begin \
             with `_`",
            ours.join(", ")
        ),
    }
}

/// The names in a directory, in their order.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(directory)?
        .take(MOST_FILES)
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn read(path: &Path, name: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let text = bounded(path, LONGEST_FILE)
        .map_err(|error| error.to_string())
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned()));
    match text {
        Ok(text) => Some(text),
        Err(what) => {
            faults.push(Fault::of(name, what));
            None
        }
    }
}

/// The bytes of a regular file that has at most `most`.
pub(super) fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe would keep whoever opens it waiting.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is longer than {} KiB", most / 1024)));
    }
    Ok(bytes)
}
