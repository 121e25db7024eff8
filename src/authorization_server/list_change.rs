//! A change to a list: what is named is replaced, added or removed; what is not named stays.

use std::fmt::Display;

use super::{AdministrationError, Noun};

/// A change to a list.
#[derive(Debug, Clone)]
pub struct ListChange<T> {
    /// The whole list anew; empty to leave it.
    pub replace: Vec<T>,
    /// To be added; what is there already stays.
    pub add: Vec<T>,
    /// To be removed; must be there.
    pub remove: Vec<T>,
}

impl<T> Default for ListChange<T> {
    fn default() -> Self {
        Self {
            replace: Vec::new(),
            add: Vec::new(),
            remove: Vec::new(),
        }
    }
}

impl<T: Clone + PartialEq + Display> ListChange<T> {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.replace.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }

    /// The list after the change.
    ///
    /// # Errors
    /// `NotFound` where something is to be removed that is not there.
    pub(super) fn apply(&self, current: Vec<T>, noun: Noun) -> Result<Vec<T>, AdministrationError> {
        let mut list = if self.replace.is_empty() {
            current
        } else {
            self.replace.clone()
        };
        for item in &self.remove {
            let Some(position) = list.iter().position(|there| there == item) else {
                let known = list.iter().map(ToString::to_string);
                return Err(AdministrationError::not_found(noun, &item.to_string(), known));
            };
            list.remove(position);
        }
        for item in &self.add {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(replace: &[&str], add: &[&str], remove: &[&str]) -> Result<Vec<String>, String> {
        let owned = |items: &[&str]| items.iter().map(ToString::to_string).collect();
        let change = ListChange {
            replace: owned(replace),
            add: owned(add),
            remove: owned(remove),
        };
        change
            .apply(owned(&["one", "two"]), Noun::Scope)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_replaced_then_shortened_then_lengthened() {
        assert_eq!(change(&[], &[], &[]).unwrap(), ["one", "two"]);
        assert_eq!(change(&["three"], &[], &[]).unwrap(), ["three"]);
        assert_eq!(
            change(&[], &["two", "three"], &["one"]).unwrap(),
            ["two", "three"]
        );
        assert_eq!(
            change(&[], &[], &["twoo"]).unwrap_err(),
            "no scope `twoo`; did you mean `two`?"
        );
    }
}
