//! Text as a declaration. Each mistake is told with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{
    DeclarationError, DeclarationFile, DevelopmentCredential, DevelopmentFile, DevelopmentOwner, LARGEST,
};
use crate::config::nearest::nearest;
use crate::config::settings::Tokens;
use crate::config::value::Given;
use crate::domain::client::{ClientId, ClientSecret, ClientSettings, RefreshPolicy};
use crate::domain::coverage::Coverage;
use crate::domain::declaration::{
    Declaration, DeclaredClient, DeclaredResourceServer, DeclaredScope, Kind, Thing,
};
use crate::domain::excerpt::excerpt;
use crate::domain::owner::Username;
use crate::domain::password::Password;
use crate::domain::scope::ScopeToken;
use crate::domain::span::Span;
use crate::domain::text::Name;

/// The table of resource owners, which a file for development has.
const OWNER: &str = "owner";

/// What clients and resource servers authenticate with, in a file for development.
const CLIENT_SECRET: &str = "client_secret";
const RESOURCE_SERVER_ID: &str = "resource_server_id";
const RESOURCE_SERVER_SECRET: &str = "resource_server_secret";

const KINDS: [Kind; 3] = [Kind::Scope, Kind::Client, Kind::ResourceServer];

const SECOND: Span = Span::from_secs(1);
const TEN_MINUTES: Span = Span::from_secs(10 * 60);
const YEAR: Span = Span::from_secs(365 * 24 * 60 * 60);

/// Reads a declaration. Clients have the lifetimes of `defaults` where they do not have their own.
///
/// # Errors
/// The first mistake in the file. Whether the things fit together, and whether each is one that can be, is not
/// looked at here.
pub fn read(text: &[u8], defaults: &Tokens) -> Result<DeclarationFile, DeclarationError> {
    Ok(read_file(text, defaults, false)?.file)
}

/// Reads a declaration that may also have resource owners, `[[owner]]` with `username` and `password`, the `client_secret`
/// of a client, and the `resource_server_id` and `resource_server_secret` of a resource server: for a server that somebody
/// develops with.
///
/// # Errors
/// As [`read`].
pub fn read_for_development(text: &[u8], defaults: &Tokens) -> Result<DevelopmentFile, DeclarationError> {
    read_file(text, defaults, true)
}

/// Where it is not `for_development`, what only such a file may have is refused.
fn read_file(
    text: &[u8],
    defaults: &Tokens,
    for_development: bool,
) -> Result<DevelopmentFile, DeclarationError> {
    if text.len() > LARGEST {
        return Err(DeclarationError {
            line: 1,
            reason: "the file is larger than 8 MiB".to_owned(),
        });
    }
    let text = std::str::from_utf8(text).map_err(|refusal| DeclarationError {
        line: line_after(&text[..refusal.valid_up_to()]),
        reason: "the file is not text in UTF-8".to_owned(),
    })?;
    let document = DeTable::parse(text).map_err(|refusal| DeclarationError {
        line: line_after(&text.as_bytes()[..refusal.span().map_or(text.len(), |span| span.start)]),
        reason: refusal.message().to_owned(),
    })?;
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let mut reader = Reader {
        newlines: newlines.map(|(offset, _)| offset).collect(),
        defaults,
        file: DeclarationFile {
            declaration: Declaration::default(),
            lines: BTreeMap::new(),
        },
        for_development,
        owners: Vec::new(),
        credentials: BTreeMap::new(),
    };
    for (name, content) in in_order(document.get_ref()) {
        reader.kind(name, content)?;
    }
    Ok(DevelopmentFile {
        file: reader.file,
        owners: reader.owners,
        credentials: reader.credentials,
    })
}

/// The number of the line on which a text goes on after `before`.
fn line_after(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

type Entry<'t, 'i> = (&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>);

/// The entries in the order in which they stand in the file, so that the first mistake is the one that is told.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

struct Reader<'a> {
    /// Where each line ends.
    newlines: Vec<usize>,
    defaults: &'a Tokens,
    file: DeclarationFile,
    for_development: bool,
    owners: Vec<DevelopmentOwner>,
    credentials: BTreeMap<Thing, DevelopmentCredential>,
}

impl Reader<'_> {
    fn line<T>(&self, place: &Spanned<T>) -> usize {
        let start = place.span().start;
        self.newlines.partition_point(|newline| *newline < start) + 1
    }

    fn error<T>(&self, place: &Spanned<T>, reason: impl Into<String>) -> DeclarationError {
        DeclarationError {
            line: self.line(place),
            reason: reason.into(),
        }
    }

    fn kind(
        &mut self,
        name: &Spanned<DeString<'_>>,
        content: &Spanned<DeValue<'_>>,
    ) -> Result<(), DeclarationError> {
        let written = name.get_ref();
        if written == OWNER {
            return self.owners(name, content);
        }
        let Some(kind) = KINDS.into_iter().find(|kind| kind.name() == written) else {
            let owner = self.for_development.then_some(OWNER);
            let known = KINDS.into_iter().map(Kind::name).chain(owner);
            let advice = match nearest(written, known) {
                Some(near) => format!("did you mean `[[{near}]]`?"),
                None if self.for_development => {
                    "accepted are `[[scope]]`, `[[client]]`, `[[resource_server]]` and `[[owner]]`".to_owned()
                }
                None => "accepted are `[[scope]]`, `[[client]]` and `[[resource_server]]`".to_owned(),
            };
            return Err(self.error(name, format!("unknown table {}; {advice}", excerpt(written))));
        };
        for table in self.tables(kind.name(), &kind.to_string(), name, content)? {
            match kind {
                Kind::Scope => self.scope(&table)?,
                Kind::Client => self.client(&table)?,
                Kind::ResourceServer => self.resource_server(&table)?,
            }
        }
        Ok(())
    }

    /// The tables of a list of them.
    fn tables<'t, 'i>(
        &self,
        header: &str,
        what: &str,
        name: &Spanned<DeString<'_>>,
        content: &'t Spanned<DeValue<'i>>,
    ) -> Result<Vec<Table<'t, 'i>>, DeclarationError> {
        let not_a_list = || format!("write each {what} under a line `[[{header}]]` of its own");
        let DeValue::Array(things) = content.get_ref() else {
            return Err(self.error(name, not_a_list()));
        };
        let table = |thing: &'t Spanned<DeValue<'i>>| match thing.get_ref() {
            DeValue::Table(table) => Ok(Table {
                what: what.to_owned(),
                line: self.line(thing),
                entries: in_order(table),
            }),
            _ => Err(self.error(thing, not_a_list())),
        };
        things.iter().map(table).collect()
    }

    fn owners(
        &mut self,
        name: &Spanned<DeString<'_>>,
        content: &Spanned<DeValue<'_>>,
    ) -> Result<(), DeclarationError> {
        if !self.for_development {
            return Err(self.error(
                name,
                "`[[owner]]` is for `oauthctl serve --dev` only; `oauthctl owner add` adds resource owners",
            ));
        }
        for table in self.tables(OWNER, "resource owner", name, content)? {
            self.refuse_unknown(&table, &["username", "password"])?;
            let username: Username = self.required(&table, "username")?;
            if self.owners.iter().any(|other| other.username == username) {
                return Err(DeclarationError {
                    line: table.line,
                    reason: format!("the resource owner `{username}` is declared already"),
                });
            }
            let password = self.value(&table, "password", |value| {
                let text = value.get_ref().as_str().ok_or("accepted is a text in quotes")?;
                Password::choose(text).map_err(|error| error.to_string())
            })?;
            self.owners.push(DevelopmentOwner { username, password });
        }
        Ok(())
    }

    fn scope(&mut self, table: &Table<'_, '_>) -> Result<(), DeclarationError> {
        self.refuse_unknown(table, &["name", "description", "folders", "services", "routes"])?;
        let name: ScopeToken = self.required(table, "name")?;
        self.note(table, Thing::Scope(name.clone()))?;
        let scope = DeclaredScope {
            description: self.parsed(table, "description")?.unwrap_or_default(),
            coverage: Coverage {
                folders: self.set(table, "folders")?,
                services: self.set(table, "services")?,
                routes: self.set(table, "routes")?,
            },
        };
        self.file.declaration.scopes.insert(name, scope);
        Ok(())
    }

    fn client(&mut self, table: &Table<'_, '_>) -> Result<(), DeclarationError> {
        self.refuse_unknown_or_secret(
            table,
            &[CLIENT_SECRET],
            &[
                "client_id",
                "name",
                "description",
                "redirect_uris",
                "scopes",
                "access_token_lifetime",
                "code_lifetime",
                "refresh",
                "refresh_token_lifetime",
                "refresh_token_idle",
                "require_pkce",
                "consent",
                "enabled",
            ],
        )?;
        let id: ClientId = self.required(table, "client_id")?;
        self.note(table, Thing::Client(id.clone()))?;
        let name: Name = match self.parsed(table, "name")? {
            Some(name) => name,
            None => id.as_str().parse().map_err(|_| DeclarationError {
                line: table.line,
                reason: "`client_id` is too long to stand for `name`; give a name too".to_owned(),
            })?,
        };
        let defaults = self.defaults;
        let settings = ClientSettings {
            name,
            description: self.parsed(table, "description")?.unwrap_or_default(),
            redirect_uris: self.list(table, "redirect_uris")?,
            scopes: self.set::<ScopeToken>(table, "scopes")?.into_iter().collect(),
            access_token_lifetime: self
                .span(table, "access_token_lifetime", SECOND..=YEAR)?
                .unwrap_or(defaults.access_token_lifetime)
                .duration(),
            code_lifetime: self
                .span(table, "code_lifetime", SECOND..=TEN_MINUTES)?
                .unwrap_or(defaults.code_lifetime)
                .duration(),
            refresh: self.refresh(table)?,
            refresh_token_lifetime: self
                .span(table, "refresh_token_lifetime", SECOND..=Span::MAX)?
                .unwrap_or(defaults.refresh_token_lifetime)
                .duration(),
            refresh_token_idle: self
                .span(table, "refresh_token_idle", SECOND..=Span::MAX)?
                .unwrap_or(defaults.refresh_token_idle)
                .duration(),
            require_pkce: self.flag(table, "require_pkce")?.unwrap_or(true),
            consent: self.parsed(table, "consent")?.unwrap_or_default(),
        };
        let enabled = self.flag(table, "enabled")?.unwrap_or(true);
        let client = DeclaredClient { settings, enabled };
        let credential = DevelopmentCredential {
            id: None,
            secret: self.secret(table, CLIENT_SECRET)?,
        };
        self.credentials.insert(Thing::Client(id.clone()), credential);
        self.file.declaration.clients.insert(id, client);
        Ok(())
    }

    fn resource_server(&mut self, table: &Table<'_, '_>) -> Result<(), DeclarationError> {
        self.refuse_unknown_or_secret(
            table,
            &[RESOURCE_SERVER_ID, RESOURCE_SERVER_SECRET],
            &["name", "resource"],
        )?;
        let name: Name = self.required(table, "name")?;
        self.note(table, Thing::ResourceServer(name.clone()))?;
        let server = DeclaredResourceServer {
            resource: self.parsed(table, "resource")?,
        };
        let credential = DevelopmentCredential {
            id: self.parsed(table, RESOURCE_SERVER_ID)?,
            secret: self.secret(table, RESOURCE_SERVER_SECRET)?,
        };
        self.credentials
            .insert(Thing::ResourceServer(name.clone()), credential);
        self.file.declaration.resource_servers.insert(name, server);
        Ok(())
    }

    /// Writes down where a thing stands, which may stand once.
    fn note(&mut self, table: &Table<'_, '_>, thing: Thing) -> Result<(), DeclarationError> {
        if let Some(first) = self.file.lines.get(&thing) {
            return Err(DeclarationError {
                line: table.line,
                reason: format!("the {thing} is declared on line {first} already"),
            });
        }
        self.file.lines.insert(thing, table.line);
        Ok(())
    }

    fn refuse_unknown(&self, table: &Table<'_, '_>, known: &[&str]) -> Result<(), DeclarationError> {
        let unknown = table
            .entries
            .iter()
            .find(|(key, _)| !known.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = unknown else { return Ok(()) };
        let advice = match nearest(key.get_ref(), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys of a {} are {}", table.what, known.join(", ")),
        };
        Err(self.error(key, format!("unknown key {}; {advice}", excerpt(key.get_ref()))))
    }

    /// As [`refuse_unknown`](Self::refuse_unknown), where `more` is accepted in a file for development, and refused in another
    /// with what to do instead.
    fn refuse_unknown_or_secret(
        &self,
        table: &Table<'_, '_>,
        more: &[&str],
        known: &[&str],
    ) -> Result<(), DeclarationError> {
        if self.for_development {
            return self.refuse_unknown(table, &[known, more].concat());
        }
        let found = table
            .entries
            .iter()
            .find(|(key, _)| more.contains(&key.get_ref().as_ref()));
        let Some((key, _)) = found else {
            return self.refuse_unknown(table, known);
        };
        let advice = match key.get_ref().as_ref() {
            CLIENT_SECRET => {
                "a secret in a file that is kept and passed on is none; leave it out: one is made for a new client, and \
                 `oauthctl client rotate-secret ID --secret-stdin` brings one along"
            }
            RESOURCE_SERVER_SECRET => {
                "a secret in a file that is kept and passed on is none; leave it out: one is made for a new resource \
                 server, and `oauthctl resource-server rotate-secret ID --secret-stdin` brings one along"
            }
            _ => "leave it out: it is made from the name",
        };
        let reason = format!("`{}` is for `oauthctl serve --dev` only; {advice}", key.get_ref());
        Err(self.error(key, reason))
    }

    fn secret(&self, table: &Table<'_, '_>, key: &str) -> Result<Option<ClientSecret>, DeclarationError> {
        self.value(table, key, |value| {
            let text = value.get_ref().as_str().ok_or("accepted is a text in quotes")?;
            ClientSecret::import(text).map_err(|error| error.to_string())
        })
    }

    /// What stands under `key`, as `parse` reads it.
    fn value<T>(
        &self,
        table: &Table<'_, '_>,
        key: &str,
        parse: impl FnOnce(&Spanned<DeValue<'_>>) -> Result<T, String>,
    ) -> Result<Option<T>, DeclarationError> {
        let entry = table.entries.iter().find(|(name, _)| name.get_ref() == key);
        let Some((_, value)) = entry else { return Ok(None) };
        match parse(value) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(reason) => Err(self.error(value, format!("`{key}`: {reason}"))),
        }
    }

    fn parsed<T: FromStr<Err: Display>>(
        &self,
        table: &Table<'_, '_>,
        key: &str,
    ) -> Result<Option<T>, DeclarationError> {
        self.value(table, key, |value| parse(value.get_ref()))
    }

    fn required<T: FromStr<Err: Display>>(
        &self,
        table: &Table<'_, '_>,
        key: &str,
    ) -> Result<T, DeclarationError> {
        self.parsed(table, key)?.ok_or_else(|| DeclarationError {
            line: table.line,
            reason: format!("a {} needs the key `{key}`", table.what),
        })
    }

    /// A list in the order of the file; empty where there is none.
    fn list<T: FromStr<Err: Display>>(
        &self,
        table: &Table<'_, '_>,
        key: &str,
    ) -> Result<Vec<T>, DeclarationError> {
        let entry = table.entries.iter().find(|(name, _)| name.get_ref() == key);
        let Some((_, value)) = entry else {
            return Ok(Vec::new());
        };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.error(value, format!("`{key}`: write a list, as in `{key} = [\"…\"]`")));
        };
        let mut seen = BTreeSet::new();
        let mut list = Vec::new();
        for item in items {
            let parsed =
                parse(item.get_ref()).map_err(|reason| self.error(item, format!("`{key}`: {reason}")))?;
            // What parses is a string.
            let text = item.get_ref().as_str().unwrap_or_default();
            if !seen.insert(text) {
                return Err(self.error(item, format!("`{key}`: {} is given twice", excerpt(text))));
            }
            list.push(parsed);
        }
        Ok(list)
    }

    fn set<T: FromStr<Err: Display> + Ord>(
        &self,
        table: &Table<'_, '_>,
        key: &str,
    ) -> Result<BTreeSet<T>, DeclarationError> {
        Ok(self.list(table, key)?.into_iter().collect())
    }

    fn span(
        &self,
        table: &Table<'_, '_>,
        key: &str,
        range: RangeInclusive<Span>,
    ) -> Result<Option<Span>, DeclarationError> {
        self.value(table, key, |value| Given::File(value.get_ref()).span(range))
    }

    fn flag(&self, table: &Table<'_, '_>, key: &str) -> Result<Option<bool>, DeclarationError> {
        self.value(table, key, |value| {
            let flag = value.get_ref().as_bool();
            flag.ok_or_else(|| "accepted is `true` or `false`".to_owned())
        })
    }

    fn refresh(&self, table: &Table<'_, '_>) -> Result<RefreshPolicy, DeclarationError> {
        let policy = self.value(table, "refresh", |value| {
            let text = match value.get_ref() {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                DeValue::String(text) => text.as_ref(),
                _ => "",
            };
            text.parse().map_err(|_| {
                "accepted is \"none\", \"unlimited\" or a number of times, as in `refresh = 10`".to_owned()
            })
        })?;
        Ok(policy.unwrap_or(RefreshPolicy::Unlimited))
    }
}

/// A table of the file.
struct Table<'t, 'i> {
    /// What it declares, as people call it.
    what: String,
    line: usize,
    entries: Vec<Entry<'t, 'i>>,
}

fn parse<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Result<T, String> {
    let DeValue::String(text) = value else {
        return Err("accepted is a text in quotes".to_owned());
    };
    text.parse()
        .map_err(|error: T::Err| format!("{}: {error}", excerpt(text)))
}
