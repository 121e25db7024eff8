//! The fuzzer: gives bytes to the target that the variable `FUZZ_TARGET` names. `tests/fuzz/run` builds and starts it.
#![no_main]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fuzzer stops where it is surprised"
)]

#[path = "../../corpora/targets/mod.rs"]
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

fn chosen() -> fn(&[u8]) {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|(name, _)| *name == wanted);
    let names: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    found
        .unwrap_or_else(|| panic!("set FUZZ_TARGET to one of {}", names.join(", ")))
        .1
}

fuzz_target!(
    init: { RUN.get_or_init(chosen); },
    |input: &[u8]| {
        if let Some(run) = RUN.get() {
            run(input);
        }
    }
);
