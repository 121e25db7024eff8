//! Threads that begin at the same moment, and what they do over HTTP.

use std::sync::Barrier;
use std::time::Duration;

use oauthctl::clock::Stopwatch;
use serde_json::Value;

use crate::support::flow::VERIFIER;
use crate::support::home::{Client, Home, REDIRECT_URI};
use crate::support::http::{Agent, Answer, agent, encode};
use crate::support::server::Server;

/// A server that does not throttle a disabled client that goes on: then it would be told nothing.
pub(crate) fn patient() -> Server {
    Server::with(Home::furnished(), |command| {
        command.env("OAUTHCTL_LIMITS_FAILURES", "1000")
    })
}

/// How many rounds: what is asked for, or else `ordinary`.
pub(crate) fn rounds(ordinary: usize) -> usize {
    let asked = std::env::var("OAUTHCTL_ROUNDS").ok();
    asked.map_or(ordinary, |text| text.parse().unwrap())
}

/// Runs `work` on so many threads, each with a connection that is open; what each came back with.
pub(crate) fn at_once<T: Send>(
    server: &Server,
    threads: usize,
    work: impl Fn(usize, &Agent) -> T + Sync,
) -> Vec<T> {
    let gate = Barrier::new(threads);
    std::thread::scope(|scope| {
        let (work, gate) = (&work, &gate);
        let running: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    let agent = agent();
                    let alive = agent.send("GET", &server.url("/healthz"), &[], None);
                    gate.wait();
                    assert_eq!(alive.status, 200);
                    work(number, &agent)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// When something was asked and when it was answered, as one watch shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
}

impl Span {
    /// Whether this was over before `other` began.
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.answered < other.asked
    }
}

/// Does something, and notes when.
pub(crate) fn timed<T>(watch: Stopwatch, work: impl FnOnce() -> T) -> (Span, T) {
    let asked = watch.elapsed();
    let done = work();
    let answered = watch.elapsed();
    (Span { asked, answered }, done)
}

/// Whoever asks, over a connection of its own.
pub(crate) struct Asker<'a> {
    pub(crate) server: &'a Server,
    pub(crate) agent: &'a Agent,
    pub(crate) client: &'a Client,
}

impl Asker<'_> {
    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let authorization = self.client.basic();
        let headers = [("Authorization", authorization.as_str())];
        let answer = self
            .agent
            .send("POST", &self.server.url(path), &headers, Some(&encode(form)));
        assert!(answer.status < 500, "{answer:?}");
        answer
    }

    pub(crate) fn exchange(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post("/token", &form)
    }

    pub(crate) fn refresh(&self, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/token", &form)
    }

    pub(crate) fn revoke(&self, token: &str) -> Answer {
        self.post("/revoke", &[("token", token)])
    }

    pub(crate) fn introspect(&self, token: &str) -> Answer {
        self.post("/introspect", &[("token", token)])
    }

    pub(crate) fn check(&self, token: &str) -> u16 {
        let bearer = format!("Bearer {token}");
        let url = self.server.url("/check?service=orders:list");
        let answer = self.agent.send("GET", &url, &[("Authorization", &bearer)], None);
        assert!(matches!(answer.status, 200 | 401 | 403), "{answer:?}");
        answer.status
    }
}

/// The `error` of a refusal.
pub(crate) fn error_of(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

/// All grants, the oldest first.
pub(crate) fn grants(server: &Server) -> Vec<Value> {
    server
        .home
        .run(&["grant", "list"], "")
        .as_array()
        .unwrap()
        .clone()
}

/// The newest grant, with everything that is known of it.
pub(crate) fn newest_grant(server: &Server) -> Value {
    let newest = grants(server).pop().unwrap();
    server
        .home
        .run(&["grant", "show", newest["grant_id"].as_str().unwrap()], "")
}
