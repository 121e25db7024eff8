//! Settings from the configuration file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::domain::excerpt::excerpt;

use super::environment::{self, CONFIG};
use super::error::ConfigError;
use super::keys::{self, KEYS, SECTIONS};
use super::nearest::nearest;
use super::value::Given;
use super::{Loaded, Origin, Sources};

/// The name of the file, where only a directory is known.
const FILE_NAME: &str = "oauthctl.toml";

/// The largest file that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// A configuration file and what stands in it.
pub(super) struct Found {
    /// As messages name it.
    pub(super) path: PathBuf,
    text: String,
}

/// Finds the configuration file and reads it.
pub(super) fn find(sources: &Sources) -> Result<Option<Found>, ConfigError> {
    let named = match &sources.command_line.config {
        Some(path) => Some((path.as_path(), "--config")),
        None => environment::variable(&sources.environment, CONFIG).map(|path| (Path::new(path), CONFIG)),
    };
    if let Some((path, by)) = named {
        let found = read(path, &sources.working_directory)?;
        return found.map(Some).ok_or_else(|| ConfigError::Missing {
            path: path.to_owned(),
            by,
        });
    }
    for path in candidates(sources) {
        if let Some(found) = read(&path, &sources.working_directory)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Where a file that nobody named may lie, nearest first.
fn candidates(sources: &Sources) -> Vec<PathBuf> {
    let variable = |name| environment::variable(&sources.environment, name).map(PathBuf::from);
    // The XDG Base Directory Specification has relative paths ignored.
    let home = variable("XDG_CONFIG_HOME")
        .filter(|directory| directory.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".config")));
    let mut candidates = vec![PathBuf::from(FILE_NAME)];
    candidates.extend(home.map(|directory| directory.join("oauthctl").join(FILE_NAME)));
    candidates.extend(sources.system_file.clone());
    candidates
}

/// Reads a file; nothing where there is none.
fn read(path: &Path, working_directory: &Path) -> Result<Option<Found>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(working_directory.join(path)) {
        Ok(file) => file,
        Err(refusal)
            if matches!(
                refusal.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(refusal) => return Err(unreadable(refusal)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    found(path, bytes).map(Some)
}

/// A file that holds `bytes`, if these can be a configuration.
pub(super) fn found(path: &Path, bytes: Vec<u8>) -> Result<Found, ConfigError> {
    if bytes.len() > LARGEST {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Found {
            path: path.to_owned(),
            text,
        }),
        Err(refusal) => {
            let before = &refusal.as_bytes()[..refusal.utf8_error().valid_up_to()];
            Err(ConfigError::NotText {
                path: path.to_owned(),
                line: line_after(before),
            })
        }
    }
}

/// The number of the line on which a text goes on after `before`.
fn line_after(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// Takes over what the file says.
pub(super) fn apply(loaded: &mut Loaded, found: &Found) -> Result<(), ConfigError> {
    let document = DeTable::parse(&found.text).map_err(|refusal| found.syntax(&refusal))?;
    for (name, content) in in_order(document.get_ref()) {
        let Some(section) = SECTIONS.into_iter().find(|section| section == name.get_ref()) else {
            return Err(found.unknown(name, not_a_section(name.get_ref(), content.get_ref())));
        };
        let DeValue::Table(table) = content.get_ref() else {
            return Err(found.unknown(
                name,
                format!("`{section}` is a section; write it as `[{section}]`"),
            ));
        };
        for (name, value) in in_order(table) {
            let Some(key) = keys::find(section, name.get_ref()) else {
                let full = excerpt(&format!("{section}.{}", name.get_ref()));
                let advice = keys::advice(section, name.get_ref());
                return Err(found.unknown(name, format!("unknown key {full}; {advice}")));
            };
            loaded.set(key, Given::File(value.get_ref()), found.origin(name))?;
        }
    }
    Ok(())
}

/// The entries in the order in which they stand in the file, so that the first mistake is the one that is
/// told.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// What is wrong with a name at the top of the file.
fn not_a_section(name: &str, content: &DeValue<'_>) -> String {
    if matches!(content, DeValue::Table(_) | DeValue::Array(_)) {
        return match nearest(name, SECTIONS.into_iter()) {
            Some(meant) => format!("unknown section {}; did you mean `{meant}`?", excerpt(name)),
            None => format!(
                "unknown section {}; the sections are {}",
                excerpt(name),
                SECTIONS.join(", ")
            ),
        };
    }
    match nearest(name, KEYS.iter().map(|key| key.name))
        .and_then(|near| KEYS.iter().find(|key| key.name == near))
    {
        Some(key) => format!(
            "{} stands in no section; write `{}` under `[{}]`",
            excerpt(name),
            key.name,
            key.section
        ),
        None => format!(
            "{} stands in no section; the sections are {}",
            excerpt(name),
            SECTIONS.join(", ")
        ),
    }
}

impl Found {
    fn line(&self, offset: usize) -> usize {
        line_after(&self.text.as_bytes()[..offset.min(self.text.len())])
    }

    fn origin<T>(&self, place: &Spanned<T>) -> Origin {
        Origin::File {
            path: self.path.clone(),
            line: self.line(place.span().start),
        }
    }

    fn unknown<T>(&self, place: &Spanned<T>, reason: String) -> ConfigError {
        ConfigError::Unknown {
            origin: self.origin(place),
            reason,
        }
    }

    fn syntax(&self, refusal: &toml::de::Error) -> ConfigError {
        let offset = refusal
            .span()
            .map_or(self.text.len(), |span| span.start.min(self.text.len()));
        let before = &self.text.as_bytes()[..offset];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |newline| newline + 1);
        // Counted in characters; a character that the offset cuts counts as one.
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        ConfigError::Syntax {
            path: self.path.clone(),
            line: line_after(before),
            column,
            reason: refusal.message().to_owned(),
        }
    }
}
