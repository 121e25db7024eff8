//! `demo --keep`: what somebody needs to go through the stages in a browser.

use std::io;

use super::client::SentRequest;
use super::print::Printer;
use super::scratch::{OWNER, Scratch};
use super::stage::Stage;
use crate::cli::output::Record;

/// What there is to open, and who to be.
pub(super) struct Invitation<'a> {
    scratch: &'a Scratch,
    authorize_url: String,
    client_url: String,
}

impl<'a> Invitation<'a> {
    /// `request` is one that the client sent, for the plain URL of the authorization endpoint.
    pub(super) fn new(scratch: &'a Scratch, request: &SentRequest) -> Self {
        Self {
            scratch,
            authorize_url: scratch.client.authorization_url(request),
            client_url: format!("http://{}/", scratch.client_address),
        }
    }

    /// As programs read it, with the stages that were played before.
    pub(super) fn record(&self, stages: &[Stage]) -> Record {
        let stages: Vec<_> = stages.iter().map(|stage| stage.record().to_json()).collect();
        Record::new()
            .text("issuer", self.scratch.client.issuer.as_str())
            .text("client_url", &self.client_url)
            .text("authorize_url", &self.authorize_url)
            .text("username", OWNER)
            .text("password", &self.scratch.password)
            .text("database", self.scratch.database.display().to_string())
            .value("stages", stages)
    }

    /// As people read it.
    pub(super) fn print(&self, printer: &mut Printer<'_>) -> io::Result<()> {
        let issuer = &self.scratch.client.issuer;
        let lines = [
            (
                "open",
                format!(
                    "{}    the client, which sends you on to the server",
                    self.client_url
                ),
            ),
            ("username", OWNER.to_owned()),
            ("password", self.scratch.password.clone()),
            ("", String::new()),
            ("server", issuer.to_string()),
            ("what you approved", issuer.endpoint("/account")),
            ("database", self.scratch.database.display().to_string()),
            ("authorize URL", self.authorize_url.clone()),
        ];
        let heading = printer.paint("1", "The servers stay up. Now it is your turn, in a browser:");
        writeln!(printer.out, "{heading}\n")?;
        for (label, value) in lines {
            writeln!(printer.out, "{}", format!("  {label:17}  {value}").trim_end())?;
        }
        writeln!(
            printer.out,
            "\nCtrl-C stops the servers and removes the database."
        )?;
        printer.out.flush()
    }
}
