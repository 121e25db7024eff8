//! Opening the resource owner's browser.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::cli::run::environment::is_of_a_server;

/// Asks the system to show the URL, and does not wait for it. Whether anybody sees it cannot be known: the URL is
/// printed too.
pub(super) fn open(url: &str) -> bool {
    let Some((program, arguments)) = opener() else {
        return false;
    };
    let mut command = Command::new(program);
    // A browser lives long, and what it starts inherits all of this: secrets, a password, a code verifier.
    for (name, _) in std::env::vars_os() {
        if is_of_a_server(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

/// `BROWSER` where it names a program, else what the system has for it; none where there is no screen.
fn opener() -> Option<(OsString, &'static [&'static str])> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(browser) = set("BROWSER") {
        return Some((browser, &[]));
    }
    if cfg!(target_os = "macos") {
        return Some(("open".into(), &[]));
    }
    if cfg!(windows) {
        return Some(("rundll32".into(), &["url.dll,FileProtocolHandler"]));
    }
    let has_screen = set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some();
    has_screen.then(|| ("xdg-open".into(), &[][..]))
}
