//! Settings from the variables of the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::error::ConfigError;
use super::keys::{KEYS, PREFIX, SECTIONS, find};
use super::nearest::nearest;
use super::value::Given;
use super::{Loaded, Origin};

/// Names the configuration file.
pub(super) const CONFIG: &str = "OAUTHCTL_CONFIG";
/// Names the database.
const DATABASE: &str = "OAUTHCTL_DATABASE";
/// Names the database as well, as the key of the file that it is.
const DATABASE_PATH: &str = "OAUTHCTL_DATABASE_PATH";

/// A variable that is set and not empty.
pub(super) fn variable<'a>(environment: &'a BTreeMap<OsString, OsString>, name: &str) -> Option<&'a OsStr> {
    environment
        .get(OsStr::new(name))
        .map(OsString::as_os_str)
        .filter(|value| !value.is_empty())
}

/// Lets the variables of the environment replace what the file says.
pub(super) fn apply(
    loaded: &mut Loaded,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<(), ConfigError> {
    refuse_unknown(environment)?;
    if let Some(path) = variable(environment, DATABASE) {
        if variable(environment, DATABASE_PATH).is_some() {
            return Err(ConfigError::Twice(DATABASE, DATABASE_PATH));
        }
        loaded.set_database(Path::new(path), Origin::Environment(DATABASE.to_owned()))?;
    }
    for key in KEYS {
        let name = key.variable();
        let Some(value) = variable(environment, &name) else {
            continue;
        };
        let origin = Origin::Environment(name);
        if (key.section, key.name) == ("database", "path") {
            // A path need not be text.
            loaded.set_database(Path::new(value), origin)?;
            continue;
        }
        let Some(text) = value.to_str() else {
            return Err(ConfigError::Value {
                origin,
                key: key.to_string(),
                reason: "the variable is not text in UTF-8".to_owned(),
            });
        };
        loaded.set(key, Given::Variable(text), origin)?;
    }
    Ok(())
}

/// Refuses a variable that starts like those of a section and is none of them: it would silently do nothing.
///
/// Others that start with `OAUTHCTL_` are left to whoever set them.
fn refuse_unknown(environment: &BTreeMap<OsString, OsString>) -> Result<(), ConfigError> {
    for name in environment.keys().filter_map(|name| name.to_str()) {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) else {
            continue;
        };
        let section = section.to_lowercase();
        if !SECTIONS.contains(&section.as_str()) || KEYS.iter().any(|key| key.variable() == name) {
            continue;
        }
        let of_section: Vec<_> = KEYS.iter().filter(|key| key.section == section).collect();
        let meant = nearest(key, of_section.iter().map(|key| key.name)).and_then(|name| find(&section, name));
        let advice = if let Some(key) = meant {
            format!("did you mean `{}`?", key.variable())
        } else {
            let variables: Vec<_> = of_section.iter().map(|key| key.variable()).collect();
            format!("those of `{section}` are {}", variables.join(", "))
        };
        return Err(ConfigError::Unknown {
            origin: Origin::Environment(name.escape_debug().to_string()),
            reason: format!("no setting has this variable; {advice}"),
        });
    }
    Ok(())
}
