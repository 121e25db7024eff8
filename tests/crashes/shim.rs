//! The library that stands between the program and the system: built once for all tests of this file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// Where the library is; `None`, and a line that says so, where there is no compiler to build it.
pub(crate) fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = LIBRARY.get_or_init(|| {
        let directory = TempDir::new().unwrap();
        let library = directory.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashes/shim.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status();
        match compiled {
            Ok(status) => assert!(status.success(), "shim.c does not compile"),
            Err(error) => {
                assert!(
                    std::env::var_os("OAUTHCTL_REQUIRE_CC").is_none(),
                    "cc is missing: {error}"
                );
                return None;
            }
        }
        Some((directory, library))
    });
    let Some((_, library)) = built else {
        eprintln!("skipped: `cc` is missing, which builds tests/crashes/shim.c");
        return None;
    };
    Some(library)
}
