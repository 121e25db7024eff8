//! Stages 3 and 4 without a page: what a resource owner approved before, and wanted remembered, is approved again.

use std::net::IpAddr;

use super::audit::Recorder;
use super::authorize::consider;
use super::{AuthorizationServer, Considered, Failure, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::session::SessionCookie;
use crate::entropy::random;

impl AuthorizationServer {
    /// Answers the request `raw`, which was found to be [`Considered::Remembered`]. Where it is so no more, for what
    /// happened in between, it comes back as what it is now.
    pub fn approve_remembered(
        &self,
        raw: &str,
        cookie: &SessionCookie,
        from: IpAddr,
    ) -> Result<Considered, Failure> {
        let now = self.now();
        let approval = self.new_approval(random(&*self.entropy)?, now)?;
        let (raw, cookie, issuer) = (raw.to_owned(), cookie.clone(), self.issuer.clone());
        let considered = self.store.write(move |tx| {
            let considered = consider(tx, &raw, Some(&cookie), now)?;
            let Considered::Remembered { request, signed_in } = considered else {
                return Ok::<_, Failure>(considered);
            };
            let owner = signed_in.owner;
            let mut detail = approval.detail(&request, &request.scope);
            detail["remembered"] = true.into();
            let recorder = Recorder::network(now, Actor::Owner(owner.username.to_string()), from);
            let subject = Subject::new("client", &request.client.id);
            recorder.record(tx, Action::Approved, subject, detail)?;
            approval.insert(tx, &request, owner.key, request.scope.clone())?;
            Ok(Considered::Approved {
                to: request.response(&approval.code.reveal(), issuer.as_str()),
                client: request.client.id,
                owner: owner.username,
            })
        })?;
        if let Considered::Approved { client, owner, .. } = &considered {
            noted::claimed_client(Some(client));
            noted::owner(Some(owner));
            noted::outcome("approved without asking");
            self.counts.grants_approved.one();
            self.counts.codes_issued.one();
        }
        Ok(considered)
    }
}
