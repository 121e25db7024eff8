//! A folder of services.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::name::{self, NameError};
use super::service::ServiceName;

/// The name of a folder, such as `orders.eu`: segments of printable ASCII joined by dots, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Folder(String);

impl Folder {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the service lies in this folder or in one beneath it: `orders` covers `orders:list` and
    /// `orders.eu:list`, not `orders2:list`.
    pub fn covers(&self, service: &ServiceName) -> bool {
        service.folders().any(|folder| folder == self.0)
    }
}

impl FromStr for Folder {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        name::check_length(text)?;
        if text.contains(':') {
            return Err(NameError::ColonInFolder);
        }
        name::check_folder(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// So that a set of folders can be asked for a part of a service's name.
impl Borrow<str> for Folder {
    fn borrow(&self) -> &str {
        &self.0
    }
}
