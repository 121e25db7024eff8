//! Templates of configurations: files beside this one, filled in by minijinja.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior};

use crate::cli::document::Document;
use crate::cli::exit::CliError;

/// The template as a file of that name. Nothing is escaped: what is filled in are types that cannot hold a character that
/// means something in a configuration.
pub(super) fn fill(file: &str, template: &str, values: minijinja::Value) -> Result<Document, CliError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A tag alone on its line leaves no line.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.unwrap_or_default());
    let content = environment
        .render_str(template, values)
        // A fault of the template, and so of the program.
        .map_err(|error| CliError::io("fill in the template")(std::io::Error::other(error)))?;
    Ok(Document {
        file: file.to_owned(),
        content,
    })
}
