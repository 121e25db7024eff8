//! The story: the eight stages in their order, and two of them again in another way.

mod at_the_browser;
mod at_the_client;

use anyhow::Result;

use super::browser::Browser;
use super::client::SentRequest;
use super::form::Form;
use super::http_client::{Answer, HttpClient};
use super::scratch::Scratch;
use super::stage::{Outline, Scene, Stage};

/// Who listens to the story; an error ends it.
pub(super) type Listener<'a> = dyn FnMut(Stage) -> Result<()> + 'a;

/// Plays all stages. Each is told once it was played, also the one that did not do what it should.
///
/// # Errors
/// The first stage that did something else than it should, with what was expected and what came; or the listener's.
pub(super) fn play(scratch: &Scratch, listener: &mut Listener<'_>) -> Result<()> {
    let http = HttpClient::new();
    let mut story = Story {
        scratch,
        browser: Browser::new(http.clone()),
        http,
        listener,
    };
    let (request, sign_in) = story.stage(at_the_browser::ASK, Story::ask)?;
    let approval = story.stage(at_the_browser::SIGN_IN, |story, scene| {
        story.sign_in(scene, &request, &sign_in)
    })?;
    let location = story.stage(at_the_browser::APPROVE, |story, scene| {
        story.approve(scene, &approval)
    })?;
    let code = story.stage(at_the_browser::REDIRECT, |story, scene| {
        story.redirect(scene, &request, &location)
    })?;
    let tokens = story.stage(at_the_client::EXCHANGE, |story, scene| {
        story.exchange(scene, &request, &code)
    })?;
    let tokens = story.stage(at_the_client::REFRESH, |story, scene| {
        story.refresh(scene, &tokens)
    })?;
    let asked = story.stage(at_the_client::USE, |story, scene| {
        story.use_token(scene, &tokens.access)
    })?;
    story.stage(at_the_client::CHECK, |story, scene| {
        story.check(scene, &tokens.access, &asked)
    })?;
    story.stage(at_the_browser::DENY, Story::deny)?;
    story.stage(at_the_client::REPLAY, |story, scene| {
        story.replay(scene, &request, &code, &tokens)
    })
}

struct Story<'a, 'l> {
    scratch: &'a Scratch,
    browser: Browser,
    http: HttpClient,
    listener: &'a mut Listener<'l>,
}

impl Story<'_, '_> {
    fn stage<T>(
        &mut self,
        outline: Outline,
        play: impl FnOnce(&mut Self, &mut Scene) -> Result<T>,
    ) -> Result<T> {
        let mut scene = Scene::default();
        let outcome = play(self, &mut scene);
        (self.listener)(Stage {
            outline,
            exchanges: scene.exchanges,
            fault: outcome.as_ref().err().map(|fault| format!("{fault:#}")),
        })?;
        outcome.map_err(|fault| fault.context(format!("stage {} failed", outline.name())))
    }

    /// The URL of an endpoint of the authorization server.
    fn endpoint(&self, path: &str) -> String {
        self.scratch.client.issuer.endpoint(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_goes_otherwise_is_told_and_ends_the_story() {
        let mut scratch = Scratch::set_up().unwrap();
        scratch.password = "not the password".to_owned();
        let mut told = Vec::new();
        let error = play(&scratch, &mut |stage| {
            told.push((stage.outline.number, stage.fault));
            Ok(())
        })
        .unwrap_err();
        let fault = "expected status 303, got 403 Forbidden";
        assert_eq!(format!("{error:#}"), format!("stage 2 failed: {fault}"));
        assert_eq!(told, [(1, None), (2, Some(fault.to_owned()))]);
    }

    #[test]
    fn a_listener_can_end_the_story() {
        let scratch = Scratch::set_up().unwrap();
        let error = play(&scratch, &mut |_| anyhow::bail!("enough")).unwrap_err();
        assert_eq!(format!("{error:#}"), "enough");
    }
}
