//! `example development`: what `serve --dev` begins with, as a file in which secrets and passwords stay what they are.

use crate::cli::dev::seed::EXAMPLE;
use crate::cli::document::Document;
use crate::cli::exit::CliError;
use crate::domain::client::ClientSecret;
use crate::domain::password::Password;
use crate::entropy::OsEntropy;

const HEAD: &str = "\
# A server to develop with, which is the same at each start:
#   oauthctl serve --dev dev.toml
#   oauthctl serve --dev dev.toml --database dev.db    # keeps tokens too
#   oauthctl run --seed dev.toml -- COMMAND
# The secrets and passwords were made for this file. They open nothing but servers on this machine.
";

/// The example, with a secret after each identifier and a password after each username.
pub(super) fn document() -> Result<Document, CliError> {
    let secret = || -> Result<String, CliError> {
        let secret = ClientSecret::generate(&OsEntropy).map_err(anyhow::Error::new)?;
        Ok(secret.reveal().to_owned())
    };
    let mut content = HEAD.to_owned();
    for line in EXAMPLE.lines().skip(1) {
        if line.starts_with("# With no `password`,") {
            continue;
        }
        content += line;
        content.push('\n');
        let (key, value) = if line.starts_with("client_id") {
            ("client_secret", secret()?)
        } else if line.starts_with("resource_server_id") {
            ("resource_server_secret", secret()?)
        } else if line.starts_with("username") {
            let password = Password::generate(&OsEntropy).map_err(anyhow::Error::new)?;
            ("password", password.reveal().to_owned())
        } else {
            continue;
        };
        content += &[key, " = \"", &value, "\"\n"].concat();
    }
    Ok(Document {
        file: "dev.toml".to_owned(),
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::declaration::read_for_development;
    use crate::config::settings::Tokens;

    #[test]
    fn nothing_is_left_to_be_made_at_the_start() {
        let content = document().unwrap().content;
        assert!(!content.contains("With no `password`") && !content.contains("where no file is named"));
        let file = read_for_development(content.as_bytes(), &Tokens::default()).unwrap();
        assert_eq!((file.owners.len(), file.credentials.len()), (3, 2));
        assert!(file.owners.iter().all(|owner| owner.password.is_some()));
        assert!(
            file.credentials
                .values()
                .all(|credential| credential.secret.is_some())
        );
        assert_ne!(document().unwrap().content, content, "each file has its own");
    }
}
