//! Arguments and streams in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    oauthctl::cli::main()
}
