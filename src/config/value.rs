//! One value: as it was written, and as it is shown.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use crate::domain::excerpt::excerpt;
use crate::domain::issuer::Issuer;
use crate::domain::network::{Network, Networks};
use crate::domain::span::{Span, SpanError};

use super::settings::{LogFormat, LogLevel, RefreshRetryWindow, RequestFrom};

/// The word for [`RefreshRetryWindow::UntilUsed`].
const UNTIL_USED: &str = "until-used";

/// What stands between the values of a list, in a variable of the environment and where a list is shown.
const LIST_SEPARATOR: &str = ",";

/// The most networks that are trusted; each is compared with the address of each request.
const MOST_NETWORKS: usize = 64;

/// The longest title of a page, in characters.
const LONGEST_TITLE: usize = 100;

/// The longest path, in bytes: what operating systems open.
const LONGEST_PATH: usize = 4096;

/// The value of a key, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A TOML string.
    Text(String),
    /// A TOML integer.
    Integer(usize),
    /// A TOML boolean.
    Boolean(bool),
    /// A TOML array of strings.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Integer(number) => fmt::Display::fmt(number, f),
            Self::Boolean(whether) => fmt::Display::fmt(whether, f),
            Self::List(texts) => f.pad(&texts.join(LIST_SEPARATOR)),
        }
    }
}

/// What a setting holds, as it is shown: such that the file and the environment read the same back.
pub(super) trait Shown {
    /// The value.
    fn shown(&self) -> Value;
}

/// Shown as they are displayed.
macro_rules! shown_as_displayed {
    ($($kind:ty),*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> Value {
                Value::Text(self.to_string())
            }
        })*
    };
}

shown_as_displayed!(SocketAddr, Span, String);

/// Shown by their word.
macro_rules! shown_by_word {
    ($($kind:ty),*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> Value {
                Value::Text(self.name().to_owned())
            }
        })*
    };
}

shown_by_word!(RequestFrom, LogLevel, LogFormat);

impl Shown for usize {
    fn shown(&self) -> Value {
        Value::Integer(*self)
    }
}

impl Shown for bool {
    fn shown(&self) -> Value {
        Value::Boolean(*self)
    }
}

impl Shown for Networks {
    fn shown(&self) -> Value {
        Value::List(self.iter().map(ToString::to_string).collect())
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> Value {
        Value::Text(self.display().to_string())
    }
}

impl Shown for Option<PathBuf> {
    fn shown(&self) -> Value {
        Value::Text(
            self.as_ref()
                .map_or_else(String::new, |path| path.display().to_string()),
        )
    }
}

impl Shown for Option<Issuer> {
    fn shown(&self) -> Value {
        Value::Text(self.as_ref().map_or_else(String::new, Issuer::to_string))
    }
}

impl Shown for Option<SocketAddr> {
    fn shown(&self) -> Value {
        Value::Text(self.map_or_else(String::new, |address| address.to_string()))
    }
}

impl Shown for RefreshRetryWindow {
    fn shown(&self) -> Value {
        Value::Text(
            self.bound()
                .map_or_else(|| UNTIL_USED.to_owned(), |span| span.to_string()),
        )
    }
}

/// A choice of words.
pub trait Named: Copy + PartialEq + 'static {
    /// Every word with what it means; the first word for a meaning is the one that is shown.
    const NAMES: &'static [(&'static str, Self)];

    /// The word for this.
    fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, meaning)| *meaning == self)
            .map_or("", |(name, _)| name)
    }
}

/// A value as somebody wrote it. Reading it fails with what is wrong and what is accepted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// In the configuration file.
    File(&'a DeValue<'a>),
    /// In a variable of the environment.
    Variable(&'a str),
}

impl<'a> Given<'a> {
    fn wrong_type(self, accepted: &str) -> String {
        let found = match self {
            Self::File(DeValue::Array(_)) => "an array",
            Self::File(DeValue::Boolean(_)) => "a boolean",
            Self::File(DeValue::Datetime(_)) => "a date or time",
            Self::File(DeValue::Float(_)) => "a number with a point",
            Self::File(DeValue::Integer(_)) => "an integer",
            Self::File(DeValue::String(_)) | Self::Variable(_) => "a string",
            Self::File(DeValue::Table(_)) => "a table",
        };
        format!("{found} does not fit; accepted is {accepted}")
    }

    fn text(self, accepted: &str) -> Result<&'a str, String> {
        match self {
            Self::File(DeValue::String(text)) => Ok(text),
            Self::Variable(text) => Ok(text),
            Self::File(_) => Err(self.wrong_type(accepted)),
        }
    }

    /// The integer that a file or a variable writes: its digits, their radix, and the whole as it is shown.
    fn digits(self) -> Option<(&'a str, u32, String)> {
        match self {
            Self::File(DeValue::Integer(integer)) => {
                Some((integer.as_str(), integer.radix(), excerpt(&integer.to_string())))
            }
            Self::Variable(text) => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                is_integer.then(|| (text, 10, excerpt(text)))
            }
            Self::File(_) => None,
        }
    }

    /// An integer within `range`.
    pub(super) fn integer(self, range: RangeInclusive<usize>) -> Result<usize, String> {
        let accepted = format!("an integer from {} to {}", range.start(), range.end());
        let Some((digits, radix, shown)) = self.digits() else {
            return Err(match self {
                Self::Variable(text) => format!("{} is not accepted; accepted is {accepted}", excerpt(text)),
                Self::File(_) => self.wrong_type(&accepted),
            });
        };
        usize::from_str_radix(digits, radix)
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("{shown} is out of range; accepted is {accepted}"))
    }

    /// A span within `range`; an integer counts seconds.
    pub(super) fn span(self, range: RangeInclusive<Span>) -> Result<Span, String> {
        let accepted = format!("a span from `{}` to `{}`", range.start(), range.end());
        let (span, shown) = if let Some((digits, radix, shown)) = self.digits() {
            (seconds(digits, radix, &shown), shown)
        } else {
            let text = self.text(&accepted)?;
            (text.parse(), excerpt(text))
        };
        let span: Span = span.map_err(|refusal: SpanError| refusal.to_string())?;
        if range.contains(&span) {
            return Ok(span);
        }
        let side = if span < *range.start() { "short" } else { "long" };
        Err(format!("{shown} is too {side}; accepted is {accepted}"))
    }

    /// One of the words for `T`.
    pub(super) fn choice<T: Named>(self) -> Result<T, String> {
        let names: Vec<_> = T::NAMES.iter().map(|(name, _)| format!("`{name}`")).collect();
        let accepted = match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        let text = self.text(&accepted)?;
        T::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| format!("{} is not accepted; accepted is {accepted}", excerpt(text)))
    }

    /// Whether.
    pub(super) fn boolean(self) -> Result<bool, String> {
        let accepted = "`true` or `false`";
        match self {
            Self::File(DeValue::Boolean(whether)) => Ok(*whether),
            Self::Variable("true") => Ok(true),
            Self::Variable("false") => Ok(false),
            Self::Variable(text) => Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            )),
            Self::File(_) => Err(self.wrong_type(accepted)),
        }
    }

    /// The strings of an array, or of a variable that separates them by commas.
    fn list(self, accepted: &str) -> Result<Vec<&'a str>, String> {
        match self {
            Self::File(DeValue::Array(values)) => values
                .iter()
                .map(|value| Given::File(value.get_ref()).text(accepted))
                .collect(),
            Self::Variable(text) => Ok(text.split(LIST_SEPARATOR).map(str::trim).collect()),
            Self::File(_) => Err(self.wrong_type(accepted)),
        }
    }

    /// Networks.
    pub(super) fn networks(self) -> Result<Networks, String> {
        let accepted = "an array of IP addresses and networks, such as `[\"127.0.0.1\", \"10.0.0.0/8\"]`";
        let texts = self.list(accepted)?;
        if texts.len() > MOST_NETWORKS {
            return Err(format!(
                "{} networks are too many; accepted are {MOST_NETWORKS}",
                texts.len()
            ));
        }
        texts
            .into_iter()
            .map(|text| text.parse::<Network>().map_err(|refusal| refusal.to_string()))
            .collect()
    }

    /// An address to listen on.
    pub(super) fn address(self) -> Result<SocketAddr, String> {
        let accepted = "an IP address with a port, such as `127.0.0.1:8420` or `[::1]:8420`";
        let text = self.text(accepted)?;
        text.parse()
            .map_err(|_| format!("{} is not accepted; accepted is {accepted}", excerpt(text)))
    }

    /// An address to listen on; nothing where it is empty.
    pub(super) fn address_or_none(self) -> Result<Option<SocketAddr>, String> {
        let accepted = "an IP address with a port, such as `127.0.0.1:9420`, or an empty string";
        let text = self.text(accepted)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| format!("{} is not accepted; accepted is {accepted}", excerpt(text)))
    }

    /// An issuer; nothing where it is empty.
    pub(super) fn issuer(self) -> Result<Option<Issuer>, String> {
        let text = self.text("an `https` URL such as `https://id.example.com`, or an empty string")?;
        if text.is_empty() {
            return Ok(None);
        }
        Issuer::parse(text)
            .map(Some)
            .map_err(|refusal| refusal.to_string())
    }

    /// The path of a file; nothing where it is empty.
    pub(super) fn file(self) -> Result<Option<PathBuf>, String> {
        let accepted = "the path of a file, or an empty string";
        let text = self.text(accepted)?;
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LONGEST_PATH || text.contains('\0') {
            return Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            ));
        }
        Ok(Some(PathBuf::from(text)))
    }

    /// The path of the database.
    pub(super) fn database_path(self) -> Result<PathBuf, String> {
        database_path(PathBuf::from(self.text("the path of a file, as a string")?))
    }

    /// A line of text for the head of a page.
    pub(super) fn title(self) -> Result<String, String> {
        let accepted = format!("a string of 1 to {LONGEST_TITLE} characters on one line");
        let text = self.text(&accepted)?;
        let fits = !text.trim().is_empty()
            && text.chars().count() <= LONGEST_TITLE
            && !text.chars().any(char::is_control);
        if fits {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            ))
        }
    }

    /// A line of text for a page; it may be empty.
    pub(super) fn line(self, longest: usize) -> Result<String, String> {
        let accepted = format!("a string of at most {longest} characters on one line");
        let text = self.text(&accepted)?;
        if text.chars().count() <= longest && !text.chars().any(char::is_control) {
            Ok(text.trim().to_owned())
        } else {
            Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            ))
        }
    }

    /// A colour, as a style sheet writes it; nothing where it is empty.
    pub(super) fn colour(self) -> Result<String, String> {
        let accepted = "a colour such as `#1d4fc4`, or an empty string";
        let text = self.text(accepted)?;
        let is_colour = text
            .strip_prefix('#')
            .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if text.is_empty() || is_colour {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            ))
        }
    }

    /// `auto`, or the tag of a language (RFC 5646). Whether there are words in it shows when the pages are made.
    pub(super) fn language(self) -> Result<String, String> {
        let accepted = "`auto`, or the tag of a language such as `en`, `de` or `pt-BR`";
        let text = self.text(accepted)?;
        let (primary, _) = text.split_once('-').unwrap_or((text, ""));
        let is_tag = (2..=3).contains(&primary.len())
            && text.len() <= 35
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if text == "auto" || is_tag {
            Ok(text.to_owned())
        } else {
            Err(format!(
                "{} is not accepted; accepted is {accepted}",
                excerpt(text)
            ))
        }
    }

    /// How long a refresh may be repeated.
    pub(super) fn refresh_retry_window(self, longest: Span) -> Result<RefreshRetryWindow, String> {
        if self.text("").is_ok_and(|text| text == UNTIL_USED) {
            return Ok(RefreshRetryWindow::UntilUsed);
        }
        self.span(Span::ZERO..=longest)
            .map(RefreshRetryWindow::For)
            .map_err(|reason| format!("{reason}, or `{UNTIL_USED}`"))
    }
}

/// The span of so many seconds.
fn seconds(digits: &str, radix: u32, shown: &str) -> Result<Span, SpanError> {
    if digits.starts_with('-') {
        return Err(SpanError::Negative(shown.to_owned()));
    }
    let too_long = || SpanError::TooLong(shown.to_owned());
    // What does not fit into 64 bits is too long a span as well.
    let seconds = u64::from_str_radix(digits, radix).map_err(|_| too_long())?;
    Span::try_from(Duration::from_secs(seconds)).map_err(|_| too_long())
}

/// Checks the path of the database, which must name a file.
pub(super) fn database_path(path: PathBuf) -> Result<PathBuf, String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let reason = if bytes.is_empty() {
        "an empty path names no file"
    } else if bytes.len() > LONGEST_PATH {
        "the path is longer than 4096 bytes"
    } else if bytes.contains(&0) {
        "the path has a zero byte"
    } else if bytes.starts_with(b":memory:") {
        // SQLite would give every connection an empty database of its own.
        "a database in memory cannot be shared by several connections"
    } else if bytes.starts_with(b"file:") {
        // SQLite would take it apart, and `mode=memory` within it is the case above.
        "a `file:` URI is not a path"
    } else {
        return Ok(path);
    };
    Err(format!(
        "{reason}; accepted is the path of a file, such as `./oauthctl.db`"
    ))
}
