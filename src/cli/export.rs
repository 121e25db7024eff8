//! `export`.

use super::context::Context;
use super::exit::CliError;
use super::output::OutputFormat;
use crate::config::declaration::{self, LARGEST};

pub(super) const EXAMPLES: &str = "Examples:\n  \
    oauthctl export > oauthctl-clients.toml\n  \
    oauthctl export | oauthctl --database other.db apply -f - --secret-dir secrets";

pub(super) fn run(context: &mut Context<'_>) -> Result<(), CliError> {
    if context.output != OutputFormat::Table {
        let reason =
            "export prints TOML only; leave -o out, or use `oauthctl client list -o json` and the like";
        return Err(CliError::Usage(reason.to_owned()));
    }
    let text = declaration::write(&context.server()?.export()?);
    write!(context.stdout, "{text}").map_err(CliError::io("write to stdout"))?;
    if text.len() > LARGEST {
        context.say(
            "this is more than `oauthctl apply` reads; for a copy of everything use `oauthctl backup`",
        )?;
    }
    Ok(())
}
