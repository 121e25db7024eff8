//! What the token endpoint gives (RFC 6749 §5.1), and where it is kept.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::answer::refusal;
use crate::cli::context::Context;
use crate::cli::exit::CliError;
use crate::cli::output::Record;
use crate::cli::parties::http_client::Answer;
use crate::cli::secret_output::SecretFile;
use crate::clock::Timestamp;

/// The largest token file that is read, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A token response, with who gave it to whom: what is printed, and what a token file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    pub(super) client_id: String,
    pub(super) issuer: String,
    pub(super) access_token: String,
    pub(super) token_type: String,
    /// In seconds.
    pub(super) expires_in: Option<u64>,
    /// RFC 3339, UTC.
    pub(super) expires_at: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) refresh_token: Option<String>,
    /// OpenID Connect, where the server speaks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
}

impl Tokens {
    /// Reads the answer of the token endpoint. `asked_scope` is what it means where it names no scope.
    pub(super) fn read(
        answer: &Answer,
        client_id: &str,
        issuer: &str,
        asked_scope: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, CliError> {
        if let Some((error, description)) = answer.error() {
            return Err(failed(refusal(&error, description.as_deref())));
        }
        let body = answer.json().ok().filter(|_| answer.status() == 200);
        let text = |name: &str| Some(body.as_ref()?.get(name)?.as_str()?.to_owned());
        let (Some(access_token), Some(token_type)) = (text("access_token"), text("token_type")) else {
            return Err(failed(format!(
                "the token endpoint answered {} without an access token",
                answer.status_line()
            )));
        };
        let scope = text("scope");
        let (refresh_token, id_token) = (text("refresh_token"), text("id_token"));
        let texts = [
            Some(&access_token),
            Some(&token_type),
            scope.as_ref(),
            refresh_token.as_ref(),
            id_token.as_ref(),
        ];
        // RFC 6749 appendix A; anything else would do something to the terminal, or to whoever sends it on in a header.
        let is_plain = |text: &String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !texts.into_iter().flatten().all(is_plain) {
            return Err(failed(
                "the token endpoint answered with characters that no token may have; nothing of it is used"
                    .to_owned(),
            ));
        }
        let expires_in = body.as_ref().and_then(|body| seconds(body.get("expires_in")?));
        Ok(Self {
            client_id: client_id.to_owned(),
            issuer: issuer.to_owned(),
            access_token,
            token_type,
            expires_in,
            expires_at: expires_in.map(|seconds| now.after(Duration::from_secs(seconds)).to_string()),
            scope: scope.or_else(|| asked_scope.map(str::to_owned)),
            refresh_token,
            id_token,
        })
    }

    /// Everything, for stdout.
    pub(super) fn record(&self) -> Record {
        let record = self
            .identity()
            .text("access_token", self.access_token.as_str())
            .value("refresh_token", self.refresh_token.clone());
        match &self.id_token {
            Some(token) => record.text("id_token", token.as_str()),
            None => record,
        }
    }

    /// What is no secret, with where the secrets are.
    pub(super) fn record_of_file(&self, file: &Path) -> Record {
        self.identity().text("token_file", file.to_string_lossy())
    }

    fn identity(&self) -> Record {
        Record::new()
            .text("client_id", self.client_id.as_str())
            .text("issuer", self.issuer.as_str())
            .value("scope", self.scope.clone())
            .text("token_type", self.token_type.as_str())
            .value("expires_in", self.expires_in)
            .value("expires_at", self.expires_at.clone())
    }

    fn to_json(&self) -> Result<String, CliError> {
        serde_json::to_string_pretty(self)
            .map_err(|error| CliError::io("write the tokens as JSON")(error.into()))
    }
}

/// A number; there are servers that write it as a text.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn failed(message: String) -> CliError {
    CliError::Failed(anyhow::Error::msg(message))
}

/// What is to take the place of a token file.
struct Replacement {
    file: NamedTempFile,
    /// Whose place it takes: where the path is a link, what that leads to. The link stays.
    target: PathBuf,
    /// The file that is there, locked until its place is taken.
    _old: File,
}

/// The file of `--token-file`.
pub(super) struct TokenFile {
    path: PathBuf,
    /// What will take its place, where it is there already.
    replacement: Option<Replacement>,
}

impl TokenFile {
    /// A file that is to be made, once there are tokens. Whoever gives up before leaves nothing behind.
    pub(super) fn to_create(path: &Path) -> Result<Self, CliError> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(CliError::FileExists(path.to_owned()));
        }
        if path == Path::new("-") {
            return Err(CliError::Usage(
                "--token-file takes a file; without it the tokens are printed".to_owned(),
            ));
        }
        // Asked before the resource owner is: a directory that cannot be written in would cost an approval.
        let directory = directory(path);
        NamedTempFile::new_in(directory).map_err(CliError::io(format!(
            "write in the directory {}",
            directory.display()
        )))?;
        Ok(Self {
            path: path.to_owned(),
            replacement: None,
        })
    }

    /// A file that is there, and what it holds. What takes its place is made before the refresh token in it is used: that
    /// may be good once only.
    pub(super) fn to_replace(path: &Path, context: &mut Context<'_>) -> Result<(Self, Tokens), CliError> {
        let doing = || format!("read {}", path.display());
        let old = open_alone(path, context)?;
        let size = old.metadata().map_err(CliError::io(doing()))?.len();
        if size > LARGEST_FILE {
            return Err(CliError::Usage(format!(
                "{} is too large for a token file",
                path.display()
            )));
        }
        let mut text = String::new();
        (&old)
            .take(LARGEST_FILE)
            .read_to_string(&mut text)
            .map_err(CliError::io(doing()))?;
        let tokens: Tokens = serde_json::from_str(&text).map_err(|error| {
            CliError::Usage(format!(
                "{} is not a token file (line {}); `login --token-file` makes one",
                path.display(),
                error.line()
            ))
        })?;
        let target = fs::canonicalize(path).map_err(CliError::io(doing()))?;
        // Of mode 0600.
        let replacement = NamedTempFile::new_in(directory(&target))
            .map_err(CliError::io(format!("write beside {}", target.display())))?;
        let file = Self {
            path: path.to_owned(),
            replacement: Some(Replacement {
                file: replacement,
                target,
                _old: old,
            }),
        };
        Ok((file, tokens))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the tokens, and waits until they are on disk.
    pub(super) fn write(self, tokens: &Tokens) -> Result<PathBuf, CliError> {
        let text = tokens.to_json()?;
        match self.replacement {
            None => SecretFile::create(&self.path)?.write(&text)?,
            Some(Replacement {
                mut file,
                target,
                _old,
            }) => {
                let doing = format!("write {}", self.path.display());
                writeln!(file, "{text}")
                    .and_then(|()| file.as_file().sync_all())
                    .map_err(CliError::io(doing.clone()))?;
                file.persist(&target)
                    .map_err(|error| CliError::io(doing)(error.error))?;
            }
        }
        Ok(self.path)
    }
}

/// Opens a token file, and waits until nobody else refreshes with it: two at once would use the same refresh token, which may
/// be good once only.
fn open_alone(path: &Path, context: &mut Context<'_>) -> Result<File, CliError> {
    let doing = || format!("read {}", path.display());
    loop {
        // Before it is opened, which at a pipe would wait for somebody who writes.
        if !fs::metadata(path).map_err(CliError::io(doing()))?.is_file() {
            return Err(CliError::Usage(format!("{} is not a file", path.display())));
        }
        let file = File::open(path).map_err(CliError::io(doing()))?;
        match file.try_lock() {
            // There are file systems without locks, and some lock only what may be written; it is refreshed there too.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                context.say(&format!(
                    "waiting for another process, which refreshes with {} too",
                    path.display()
                ))?;
                file.lock().map_err(CliError::io(doing()))?;
            }
        }
        let meta = || Ok((file.metadata()?, fs::metadata(path)?));
        let (opened, there) = meta().map_err(CliError::io(doing()))?;
        // Meanwhile another may have taken its place.
        if (opened.dev(), opened.ino()) == (there.dev(), there.ino()) {
            return Ok(file);
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use ureq::http::StatusCode;

    use super::*;

    #[test]
    fn what_would_move_the_terminal_is_no_token() {
        for (name, value, is_good) in [
            ("scope", "orders:read profile", true),
            ("access_token", "a\u{1b}[2J", false),
            ("token_type", "Bearer\u{9b}31m", false),
            ("scope", "a\u{202e}b", false),
            ("refresh_token", "r\r\nX: y", false),
            ("id_token", "\u{7f}", false),
        ] {
            let mut body = json!({ "access_token": "a", "token_type": "Bearer" });
            body[name] = value.into();
            let answer = Answer::made(StatusCode::OK, body.to_string());
            let read = Tokens::read(
                &answer,
                "app",
                "https://id.example",
                None,
                Timestamp::from_millis(0),
            );
            assert_eq!(read.is_ok(), is_good, "{name}");
        }
    }
}
