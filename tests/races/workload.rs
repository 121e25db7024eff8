//! Several threads that do at random what clients, resource servers and an administrator do with one grant; and whether a
//! single thread could have seen the same.

#![expect(
    clippy::print_stderr,
    reason = "whoever runs more rounds wants to know what happened in them"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use oauthctl::clock::Stopwatch;

use crate::linearizable::{Event, MOST, order};
use crate::moment::{Asker, at_once, error_of, patient, rounds, timed};
use crate::one_grant::{Answer, Grant, Operation, Token, Told};
use crate::support::flow::{Tokens, code, signed_in};
use crate::support::home::Client;
use crate::support::http;
use crate::support::server::Server;

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// The tokens that anybody got, by number.
#[derive(Default)]
struct Known {
    numbers: BTreeMap<String, Token>,
    access: Vec<String>,
    refresh: Vec<String>,
}

impl Known {
    fn number(&mut self, value: &str) -> Token {
        let next = Token::try_from(self.numbers.len()).unwrap();
        *self.numbers.entry(value.to_owned()).or_insert(next)
    }

    fn got(&mut self, tokens: &Tokens) -> Answer {
        let (access, refresh) = (self.number(&tokens.access), self.number(&tokens.refresh));
        self.access.push(tokens.access.clone());
        if !self.refresh.contains(&tokens.refresh) {
            self.refresh.push(tokens.refresh.clone());
        }
        Answer::Tokens { access, refresh }
    }
}

/// The last one, or one in `rarely` times one of those before it: a refresh token of these ends the grant as a rule, and
/// then not much can happen any more.
fn recent<'a>(all: &'a [String], rarely: u64, dice: &mut Dice) -> Option<&'a String> {
    let back = if dice.below(rarely) == 0 { dice.below(8) } else { 0 };
    let back = usize::try_from(back).unwrap().min(all.len().checked_sub(1)?);
    all.get(all.len() - 1 - back)
}

struct Work<'a> {
    asker: Asker<'a>,
    code: &'a str,
    known: &'a Mutex<Known>,
    watch: Stopwatch,
    dice: Dice,
    /// Whether this thread is the administrator too.
    administers: bool,
}

impl<'a> Work<'a> {
    fn new(
        (server, agent, client): (&'a Server, &'a http::Agent, &'a Client),
        code: &'a str,
        known: &'a Mutex<Known>,
        watch: Stopwatch,
        seed: u64,
    ) -> Self {
        Self {
            asker: Asker {
                server,
                agent,
                client,
            },
            code,
            known,
            watch,
            dice: Dice(seed),
            administers: false,
        }
    }

    fn answer(&self, answer: &http::Answer) -> Answer {
        if answer.status == 200 {
            return self.known.lock().unwrap().got(&Tokens::of(answer));
        }
        match (answer.status, error_of(answer).as_str()) {
            (400, "invalid_grant") => Answer::InvalidGrant,
            (401, "invalid_client") => Answer::InvalidClient,
            _ => panic!("{answer:?}"),
        }
    }

    fn told(answer: &http::Answer) -> Told {
        match answer.status {
            200 if answer.json()["active"] == true => Told::Active,
            200 => Told::Inactive,
            401 => Told::InvalidClient,
            _ => panic!("{answer:?}"),
        }
    }

    fn let_in(answer: &http::Answer) -> bool {
        assert!(matches!(answer.status, 200 | 401), "{answer:?}");
        answer.status == 200
    }

    /// Does something.
    fn next(&mut self) -> Event<Operation> {
        let (access, refresh) = {
            let known = self.known.lock().unwrap();
            let (access, refresh) = (
                recent(&known.access, 2, &mut self.dice).cloned(),
                recent(&known.refresh, 40, &mut self.dice).cloned(),
            );
            let numbered = |value: Option<String>| value.map(|value| (known.numbers[&value], value));
            (numbered(access), numbered(refresh))
        };
        // A replay of the code, and the revocation of a refresh token, end the grant too.
        let roll = match self.dice.below(100) {
            98.. if self.dice.below(3) > 0 => 50,
            roll => roll,
        };
        let (watch, asker) = (self.watch, &self.asker);
        let (span, operation) = match (roll, access, refresh) {
            (0..=1, ..) if self.administers => {
                let enabled = roll == 1;
                let words: &[&str] = if enabled {
                    &["client", "enable", &asker.client.id]
                } else {
                    &["client", "disable", &asker.client.id, "--yes"]
                };
                let (span, _) = timed(watch, || asker.server.home.run(words, ""));
                (span, Operation::SetEnabled(enabled))
            }
            (99, ..) | (_, None, _) | (_, _, None) => {
                let (span, answer) = timed(watch, || asker.exchange(self.code));
                (span, Operation::Exchange(self.answer(&answer)))
            }
            (0..=40, _, Some((number, value))) => {
                let (span, answer) = timed(watch, || asker.refresh(&value));
                (span, Operation::Refresh(number, self.answer(&answer)))
            }
            (41..=62, Some((number, value)), _) => {
                let (span, status) = timed(watch, || asker.check(&value));
                let told = if status == 200 {
                    Told::Active
                } else {
                    Told::Inactive
                };
                (span, Operation::Check(number, told))
            }
            (63..=80, Some((number, value)), _) => {
                let (span, answer) = timed(watch, || asker.introspect(&value));
                (span, Operation::IntrospectAccess(number, Self::told(&answer)))
            }
            (81..=90, _, Some((number, value))) => {
                let (span, answer) = timed(watch, || asker.introspect(&value));
                (span, Operation::IntrospectRefresh(number, Self::told(&answer)))
            }
            (91..=97, Some((number, value)), _) => {
                let (span, answer) = timed(watch, || asker.revoke(&value));
                (span, Operation::RevokeAccess(number, Self::let_in(&answer)))
            }
            (_, _, Some((number, value))) => {
                let (span, answer) = timed(watch, || asker.revoke(&value));
                (span, Operation::RevokeRefresh(number, Self::let_in(&answer)))
            }
        };
        Event {
            operation,
            asked: span.asked,
            answered: span.answered,
        }
    }
}

fn play(server: &Server, client: &Client, code: &str, seed: u64) -> Vec<Event<Operation>> {
    let mut dice = Dice(seed);
    let threads = usize::try_from(4 + dice.below(5)).unwrap();
    let each = usize::try_from(10 + dice.below(21))
        .unwrap()
        .min(MOST / threads - 1);
    let known = Mutex::new(Known::default());
    let watch = Stopwatch::start();
    // Now and then all threads begin with the exchange; else it is over, for one of two would end the grant.
    let alone = http::agent();
    let exchange =
        (dice.below(5) > 0).then(|| Work::new((server, &alone, client), code, &known, watch, seed).next());
    let done = at_once(server, threads, |number, agent| {
        let seed = seed.wrapping_mul(1000).wrapping_add(number as u64);
        let mut work = Work::new((server, agent, client), code, &known, watch, seed);
        work.administers = number == 0;
        (0..each).map(|_| work.next()).collect::<Vec<_>>()
    });
    exchange.into_iter().chain(done.into_iter().flatten()).collect()
}

#[test]
fn a_workload_of_several_threads_could_have_been_one_threads() {
    let server = patient();
    let mut browser = signed_in(&server);
    let seed = std::env::var("OAUTHCTL_SEED")
        .ok()
        .map(|text| text.parse::<u64>().unwrap());
    let (mut operations, mut refreshed, mut ended) = (0, 0, 0);
    let count = rounds(20);
    for round in 0..count {
        let seed = seed.unwrap_or(round as u64);
        let client = server.home.client(&format!("orders-{round}"), &[]);
        let code = code(&mut browser, &client);
        let events = play(&server, &client, &code, seed);
        operations += events.len();
        let is_refresh = |event: &&Event<Operation>| {
            matches!(event.operation, Operation::Refresh(_, Answer::Tokens { .. }))
        };
        refreshed += events.iter().filter(is_refresh).count();
        let refusals =
            |event: &Event<Operation>| matches!(event.operation, Operation::Refresh(_, Answer::InvalidGrant));
        ended += usize::from(events.iter().any(refusals));
        if let Err(placed) = order(Grant::new(), &events) {
            let mut rest: Vec<_> = (0..events.len())
                .filter(|number| !placed.contains(number))
                .collect();
            rest.sort_by_key(|number| events[*number].asked);
            let line = |number: &usize| format!("{:?}\n", events[*number]);
            panic!(
                "OAUTHCTL_SEED={seed}: no single thread could have seen this. In order:\n{}and then none of:\n{}",
                placed.iter().map(line).collect::<String>(),
                rest.iter().map(line).collect::<String>()
            );
        }
    }
    eprintln!("{count} workloads, {operations} operations, {refreshed} refreshes, {ended} grants ended");
    assert!(refreshed > count, "too little happened to find anything");
}
