//! What keeps tokens that live from being accepted: their client or their resource owner is disabled, or the client may not have
//! their scope any more.

use serde_json::{Value, json};

use crate::authorization_server::Family;
use crate::cli::shell;
use crate::domain::token::TokenKind;
use crate::store::Relative;

/// Something in the way of all that came of a grant, and the commands that take it out of the way, one after the other.
pub(super) struct Hindrance {
    told: String,
    mends: Vec<String>,
}

impl Hindrance {
    /// As people read it.
    pub(super) fn line(&self) -> String {
        let mends: Vec<String> = self.mends.iter().map(|mend| format!("`{mend}`")).collect();
        format!("  {}; {}", self.told, mends.join(", then "))
    }

    pub(super) fn json(&self) -> Value {
        json!({ "told": self.told, "remedies": self.mends })
    }
}

/// What stands in the way at this moment. Where the grant has ended, nothing does: it is gone.
pub(super) fn hindrances(family: &Family) -> Vec<Hindrance> {
    let (grant, standing) = (&family.grant, &family.standing);
    let (client, owner) = (
        shell::word(grant.client.as_str()),
        shell::word(grant.owner.as_str()),
    );
    let mut all = Vec::new();
    if grant.ended_at.is_some() {
        return all;
    }
    if !standing.client_enabled {
        all.push(Hindrance {
            told: format!("refused: the client {} is disabled", grant.client),
            mends: vec![format!("oauthctl client enable {client}")],
        });
    }
    if !standing.owner_enabled {
        all.push(Hindrance {
            told: format!("refused: the resource owner {} is disabled", grant.owner),
            mends: vec![format!("oauthctl owner enable {owner}")],
        });
    }
    let mut relatives = family.relatives.iter();
    if !standing.may_refresh && relatives.any(|one| one.kind == TokenKind::RefreshToken) {
        all.push(Hindrance {
            told: format!("the client {} may not refresh this grant any more", grant.client),
            mends: vec![format!("oauthctl client update {client} --refresh unlimited")],
        });
    }
    for (scope, is_defined) in &standing.lost {
        let word = shell::word(scope.as_str());
        let why = if *is_defined {
            format!("the client {} may not have it any more", grant.client)
        } else {
            "it is not defined any more".to_owned()
        };
        let define = (!is_defined).then(|| format!("oauthctl scope define {word} --folder FOLDER"));
        all.push(Hindrance {
            told: format!("the scope {scope} opens nothing: {why}"),
            mends: define
                .into_iter()
                .chain([format!("oauthctl client update {client} --add-scope {word}")])
                .collect(),
        });
    }
    all
}

/// Why the server refuses a code or token that lives.
pub(super) fn refusal(one: &Relative, family: &Family) -> Option<&'static str> {
    let standing = &family.standing;
    let is_refresh = one.kind == TokenKind::RefreshToken;
    if !standing.client_enabled {
        Some("the client is disabled")
    } else if !standing.owner_enabled {
        Some("the resource owner is disabled")
    } else if is_refresh && !standing.may_refresh {
        Some("the client may not refresh this grant any more")
    } else if is_refresh && standing.scope_in_force.is_empty() && one.identifier == family.asked {
        Some("no scope is in force")
    } else {
        None
    }
}
