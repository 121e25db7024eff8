//! Warnings about scopes that are defined as they were asked for, and may not be meant so.

use std::collections::BTreeSet;

use super::context::Context;
use super::exit::CliError;
use crate::domain::coverage::Coverage;
use crate::domain::scope::Scope;

/// More than that nobody reads; `doctor` has them all.
const MOST_TOLD: usize = 10;

/// Points out what may not be meant in a scope, beside all that are defined.
pub(super) fn of_scope(scope: &Scope, defined: &[Scope], context: &mut Context<'_>) -> Result<(), CliError> {
    let others = defined.iter().filter(|other| other.token != scope.token);
    let exist: BTreeSet<&str> = others.flat_map(|other| names(&other.coverage)).collect();
    tell("", &scope.coverage, &exist, &exist, context)
}

/// As [`of_scope`], with the place where it is defined before each warning. `known` are the names of folders and services
/// that there will be elsewhere, `exist` those of them that there were before.
pub(super) fn tell(
    place: &str,
    coverage: &Coverage,
    known: &BTreeSet<&str>,
    exist: &BTreeSet<&str>,
    context: &mut Context<'_>,
) -> Result<(), CliError> {
    let mut cautions = coverage.look_alikes(exist.iter().copied());
    cautions.extend(coverage.cautions(known.iter().copied()));
    let label = if context.colored.stderr {
        "\x1b[1;33mwarning:\x1b[0m"
    } else {
        "warning:"
    };
    for caution in cautions.iter().take(MOST_TOLD) {
        context.say(&format!("{label} {place}{caution}"))?;
    }
    match cautions.len().saturating_sub(MOST_TOLD) {
        0 => Ok(()),
        more => context.say(&format!(
            "{label} {place}and {more} more; `oauthctl doctor` names all that is defined"
        )),
    }
}

/// The folders and services that are named.
pub(super) fn names(coverage: &Coverage) -> impl Iterator<Item = &str> {
    let folders = coverage.folders.iter().map(|folder| folder.as_str());
    folders.chain(coverage.services.iter().map(|service| service.as_str()))
}
