//! Coverage, exactly: the rules against a second matcher that shares nothing with the first, and the table of tricks
//! with paths.

#![allow(clippy::unwrap_used, reason = "a test stops where it is surprised")]

mod generated;
mod naive;
mod paths;
