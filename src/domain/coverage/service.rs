//! A service, the smallest thing that a scope opens by name.

use std::fmt;
use std::str::FromStr;

use super::name::{self, NameError};

/// The name of a service, such as `orders.eu:list`: its folder, one colon, one segment; at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

impl ServiceName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names of the folders that it lies in, innermost first: `orders.eu`, then `orders`.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let innermost = self.0.split_once(':').map(|(folder, _)| folder);
        std::iter::successors(innermost, |folder| {
            folder.rsplit_once('.').map(|(outer, _)| outer)
        })
    }
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        name::check_length(text)?;
        let (folder, service) = text.split_once(':').ok_or(NameError::NotAService)?;
        if folder.is_empty() || service.is_empty() || service.contains([':', '.']) {
            return Err(NameError::NotAService);
        }
        name::check_folder(folder)?;
        name::check_segment(service)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
