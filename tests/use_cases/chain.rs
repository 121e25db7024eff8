//! Whatever is done with the refresh tokens of a grant: at most one chain is alive, and it goes as the contract says.

use std::time::Duration;

use oauthctl::domain::session::SessionCookie;
use oauthctl::protocol::refresh::RetryWindow;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Client, Request, World};

const WINDOW: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_secs(600);
const LIFETIME: Duration = Duration::from_secs(1800);

#[derive(Debug, Clone)]
enum Step {
    /// Presents one of the links that the client was given; by its place, counted from the newest.
    Present(usize),
    /// Another client presents it.
    Steal(usize),
    /// Time goes by.
    Wait(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // Mostly what honest clients do: the newest, or the one before it.
        8 => prop_oneof![4 => Just(0_usize), 3 => Just(1), 1 => 2..6_usize].prop_map(Step::Present),
        1 => (0..4_usize).prop_map(Step::Steal),
        2 => prop_oneof![
            6 => 1..20_u64,
            2 => Just(WINDOW.as_secs()),
            1 => Just(IDLE.as_secs()),
        ]
        .prop_map(|seconds| Step::Wait(Duration::from_secs(seconds))),
    ]
}

/// What the contract says of one grant, in as few words as possible.
struct Model {
    window: Option<Duration>,
    now: Duration,
    /// When each link was issued, and when it was first used.
    links: Vec<(Duration, Option<Duration>)>,
    has_ended: bool,
}

#[derive(Debug, PartialEq)]
enum Expected {
    Refused,
    /// The link with this place follows.
    Successor(usize),
}

impl Model {
    fn present(&mut self, place: usize) -> Expected {
        let (issued, used) = self.links[place];
        if self.has_ended {
            return Expected::Refused;
        }
        if let Some(used) = used {
            let successor_was_used = self.links[place + 1].1.is_some();
            let window_is_over = self.window.is_some_and(|window| self.now >= used + window);
            if successor_was_used || window_is_over {
                self.has_ended = true;
                return Expected::Refused;
            }
        }
        if self.now >= issued + IDLE || self.now >= LIFETIME {
            return Expected::Refused;
        }
        if used.is_none() {
            self.links[place].1 = Some(self.now);
            self.links.push((self.now, None));
        }
        Expected::Successor(place + 1)
    }
}

struct Players {
    world: World,
    shop: Client,
    other: Client,
    browser: SessionCookie,
}

impl Players {
    fn play(&self, window: Option<Duration>, steps: Vec<Step>) -> Result<(), TestCaseError> {
        let code = self
            .world
            .approve_in(&self.browser, &Request::of(&self.shop), "orders");
        let first = self.world.exchange(&self.shop, &code).unwrap();
        let mut accesses = vec![first.access.clone()];
        let mut values = vec![first.refresh.unwrap()];
        let mut model = Model {
            window,
            now: Duration::ZERO,
            links: vec![(Duration::ZERO, None)],
            has_ended: false,
        };
        for step in steps {
            match step {
                Step::Wait(span) => {
                    self.world.advance(span);
                    model.now += span;
                }
                Step::Steal(back) => {
                    let place = values.len() - 1 - back.min(values.len() - 1);
                    prop_assert!(self.world.refresh(&self.other, &values[place]).is_err());
                }
                Step::Present(back) => {
                    let place = values.len() - 1 - back.min(values.len() - 1);
                    let answer = self.world.refresh(&self.shop, &values[place]).ok();
                    match (model.present(place), answer) {
                        (Expected::Refused, None) => {}
                        (Expected::Successor(next), Some(tokens)) => {
                            accesses.push(tokens.access);
                            let value = tokens.refresh.unwrap();
                            if next == values.len() {
                                values.push(value);
                            } else {
                                prop_assert_eq!(&values[next], &value, "the same successor");
                            }
                        }
                        (expected, answer) => {
                            prop_assert!(false, "{:?} was expected, and came {:?}", expected, answer);
                        }
                    }
                }
            }
            let grant = "(SELECT max(grant_key) FROM grants)";
            let unused: i64 = self.world.value(&format!(
                "SELECT count(*) FROM tokens JOIN grants USING (grant_key) WHERE grant_key = {grant} \
                 AND kind = 'refresh' AND rotated_at IS NULL AND ended_at IS NULL"
            ));
            prop_assert_eq!(unused, i64::from(!model.has_ended), "one live end of the chain");
            let has_ended: bool = self.world.value(&format!(
                "SELECT ended_at IS NOT NULL FROM grants WHERE grant_key = {grant}"
            ));
            prop_assert_eq!(has_ended, model.has_ended);
            // All within the life of the first access token, so only the end of the grant can end them.
            prop_assert!(model.now < Duration::from_secs(100_000));
            for access in &accesses {
                prop_assert_eq!(self.world.works(access), !has_ended);
            }
        }
        Ok(())
    }
}

#[test]
fn at_most_one_chain_is_alive_whatever_is_done() {
    for window in [None, Some(WINDOW), Some(Duration::ZERO)] {
        let world = World::with_rules(|rules| {
            rules.session_lifetime = Duration::from_secs(10_000_000);
            if let Some(window) = window {
                rules.refresh_retry_window = RetryWindow::AtMost(window);
            }
        });
        let shop = world.client("shop", |settings| {
            settings.refresh_token_idle = IDLE;
            settings.refresh_token_lifetime = LIFETIME;
            settings.access_token_lifetime = Duration::from_secs(100_000);
        });
        let players = Players {
            other: world.client("other", |_| {}),
            browser: world.sign_in("alice"),
            shop,
            world,
        };
        let config = Config {
            cases: 24,
            // The story of a failure is its steps; there is no file to keep it in.
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&prop::collection::vec(step(), 1..24), |steps| {
                players.play(window, steps)
            })
            .unwrap();
    }
}
