//! Stages 1 to 4: signing in, being asked, approving, and taking it back.

use super::{FORM, Form, Grant, MOST_REMEMBERED, Model, Remembered, SESSION, Said, said};
use crate::operation::{Owner, Press, Prompt, Request, Set, Step, Token};

impl Model {
    pub(super) fn sign_in(&mut self, step: Step, owner: Owner) -> Said {
        let end = self.now + SESSION;
        match self.owners.get(&owner) {
            None => said("wrong"),
            Some(false) => said("disabled"),
            Some(true) => {
                let browser = self.browser(owner);
                browser.cookie = Some(step);
                browser.session = Some(end);
                said("signed in")
            }
        }
    }

    pub(super) fn sign_out(&mut self, owner: Owner) -> Said {
        let browser = self.browser(owner);
        browser.cookie?;
        browser.session = None;
        said("")
    }

    /// What is wrong with a request: an error page, or an error that goes back to the client.
    fn refused(&self, request: Request) -> Result<Set, &'static str> {
        let client = self.clients.get(&request.client).filter(|client| client.enabled);
        let client = client.ok_or("page")?;
        if client.require_pkce && !request.pkce {
            return Err("invalid_request");
        }
        // No scope asked for: all the client's scopes.
        let asked = if request.scope.is_empty() {
            client.scopes
        } else {
            request.scope
        };
        if asked.is_in(client.scopes) {
            Ok(asked)
        } else {
            Err("invalid_scope")
        }
    }

    /// Whether one approval that is remembered holds all of `scope`, with everything that it opens now.
    fn is_remembered(&self, owner: Owner, request: Request, scope: Set) -> bool {
        let shown = self.shown(scope);
        self.clients[&request.client].remember
            && self.remembered.iter().any(|approval| {
                (approval.owner, approval.client) == (owner, request.client)
                    && shown.iter().all(|opened| approval.scopes.contains(opened))
            })
    }

    fn considered(&self, owner: Owner, request: Request) -> Result<(&'static str, Set), &'static str> {
        let scope = self.refused(request)?;
        let signed_in = self.is_signed_in(owner);
        let remembered = signed_in && self.is_remembered(owner, request, scope);
        match request.prompt {
            Prompt::None if !signed_in => Err("login_required"),
            Prompt::None if !remembered => Err("consent_required"),
            _ if !signed_in => Ok(("sign in", scope)),
            Prompt::Login => Ok(("sign in", scope)),
            Prompt::Consent => Ok(("ask", scope)),
            Prompt::None | Prompt::Absent => Ok((if remembered { "remembered" } else { "ask" }, scope)),
        }
    }

    pub(super) fn ask(&mut self, step: Step, owner: Owner, request: Request) -> Said {
        let considered = self.considered(owner, request);
        let shown = match considered {
            Ok(("ask", scope)) if self.clients[&request.client].remember => Some(self.shown(scope)),
            _ => None,
        };
        let form = Form {
            request,
            cookie: self.browsers[&owner].cookie,
            made_at: self.now,
            shown,
        };
        self.forms.insert(step, form);
        match considered {
            Ok(("ask", scope)) => said(format!("ask for {}", scope.scope())),
            Ok((word, _)) | Err(word) => said(word),
        }
    }

    pub(super) fn answer(&mut self, step: Step, owner: Owner, form: Step, press: Press) -> Said {
        let (name, form) = (form, self.forms.get(&form)?.clone());
        form.cookie?;
        if self.browsers[&owner].cookie != form.cookie {
            return said("forged");
        }
        if self.now >= form.made_at + FORM {
            return said("expired");
        }
        if !self.is_signed_in(owner) {
            return said("signed out");
        }
        let asked = match self.refused(form.request) {
            Ok(asked) => asked,
            Err(word) => return said(word),
        };
        if self.grants.values().any(|grant| grant.form == Some(name)) {
            return said("twice");
        }
        let (scope, remember) = match press {
            Press::Approve(scope) => (scope, false),
            Press::Remember(scope) => (scope, true),
            Press::Deny => (Set::NONE, false),
        };
        if !scope.is_in(asked) {
            return said("not asked");
        }
        if scope.is_empty() {
            return said("access_denied");
        }
        let request = form.request;
        // What is remembered is what was shown.
        if remember && self.clients[&request.client].remember && form.shown == Some(self.shown(asked)) {
            self.remembered.push(Remembered {
                step,
                owner,
                client: request.client,
                scopes: self.shown(scope),
            });
            let of_both =
                |approval: &&Remembered| (approval.owner, approval.client) == (owner, request.client);
            if self.remembered.iter().filter(of_both).count() > MOST_REMEMBERED {
                let oldest = self.remembered.iter().find(of_both).map(|approval| approval.step);
                self.remembered.retain(|approval| Some(approval.step) != oldest);
            }
        }
        self.approve(step, owner, request, scope, Some(name));
        said("code")
    }

    pub(super) fn silent(&mut self, step: Step, owner: Owner, form: Step) -> Said {
        let request = self.forms.get(&form)?.request;
        self.browsers[&owner].cookie?;
        match self.considered(owner, request) {
            Ok(("remembered", scope)) => {
                self.approve(step, owner, request, scope, None);
                said("code")
            }
            Ok(("ask", scope)) => said(format!("ask for {}", scope.scope())),
            Ok((word, _)) | Err(word) => said(word),
        }
    }

    fn approve(&mut self, step: Step, owner: Owner, request: Request, scope: Set, form: Option<Step>) {
        let grant = Grant {
            client: request.client,
            owner,
            scope,
            form,
            refreshes: 0,
            refresh_end: None,
            ended: None,
            code_expires: self.now + self.clients[&request.client].code_lifetime,
            exchanged: false,
            pkce: request.pkce,
            names_redirect: request.names_redirect,
        };
        self.grants.insert(step, grant);
        self.seen.insert(Token::Code(step));
    }

    pub(super) fn take_back(&mut self, owner: Owner, grant: Step) -> Said {
        self.browsers[&owner].cookie?;
        if !self.seen.contains(&Token::Code(grant)) {
            return None;
        }
        if !self.is_signed_in(owner) {
            return said("expired");
        }
        if let Some(own) = self.grants.get(&grant).filter(|grant| grant.owner == owner) {
            let client = own.client;
            self.end_grant(grant, "taken_back");
            self.remembered
                .retain(|approval| (approval.owner, approval.client) != (owner, client));
        }
        said("done")
    }

    pub(super) fn forget(&mut self, owner: Owner, approval: Step) -> Said {
        self.browsers[&owner].cookie?;
        let is_own = |own: &Remembered| own.step == approval;
        let known = self.remembered.iter().find(|own| is_own(own))?.owner;
        if !self.is_signed_in(owner) {
            return said("expired");
        }
        if known == owner {
            self.remembered.retain(|own| !is_own(own));
        }
        said("done")
    }
}
