//! Texts as words of a shell, for the commands.

pub(super) use crate::domain::shell::{is_plain, word};
