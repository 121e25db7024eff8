//! Load from several threads, and a record of what was acknowledged of it, and when.
//!
//! "When" is a length of the journal (0 without one): what an operation does to the files stands after the length at which
//! it began, and what was flushed for it before the length at which its answer was there.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::caller::{Caller, Reply, Tokens};
use crate::random::Random;
use crate::site::{Running, Site, furniture};
use crate::support::home::Client;

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// The code of the family was exchanged, for these.
    Exchange(Tokens),
    /// The newest refresh token was used, for these.
    Refresh(Tokens),
    /// An access token was revoked.
    RevokeAccess(String),
    /// The refresh token was revoked, or the code used again: all ends.
    End,
    /// A client was registered with this secret.
    Register(Client),
}

/// Something that was asked for, from when on, and when the answer was there.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) begun: u64,
    pub(crate) acknowledged: Option<u64>,
    /// `Exchange` and `Refresh` without an answer hold empty tokens.
    pub(crate) deed: Deed,
}

/// All that came of one code, in the order in which it was asked for, by one thread. After what got no answer nothing
/// more is asked.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) code: String,
    /// When the code was there.
    pub(crate) from: u64,
    pub(crate) asked: Vec<Asked>,
}

impl Family {
    fn last(&self) -> Option<&Tokens> {
        self.asked.iter().rev().find_map(|asked| match &asked.deed {
            Deed::Exchange(tokens) | Deed::Refresh(tokens) => Some(tokens),
            _ => None,
        })
    }

    fn is_open(&self) -> bool {
        let ended = |asked: &Asked| asked.acknowledged.is_none() || matches!(asked.deed, Deed::End);
        !self.asked.iter().any(ended)
    }
}

/// What was asked for in all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) families: Vec<Family>,
    pub(crate) registrations: Vec<Asked>,
}

impl Record {
    pub(crate) fn add(&mut self, other: Self) {
        self.families.extend(other.families);
        self.registrations.extend(other.registrations);
    }

    /// How many deeds were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        let asked = self.families.iter().flat_map(|family| &family.asked);
        asked
            .chain(&self.registrations)
            .filter(|asked| asked.acknowledged.is_some())
            .count()
    }
}

/// One thread that asks.
pub(crate) struct Worker<'s> {
    site: &'s Site,
    caller: Caller,
    random: Random,
    pub(crate) record: Record,
}

const NOTHING: Tokens = Tokens {
    access: String::new(),
    refresh: String::new(),
};

impl<'s> Worker<'s> {
    pub(crate) fn new(site: &'s Site, server: &Running, seed: u64) -> Self {
        Self {
            site,
            caller: Caller::of(server),
            random: Random::new(seed),
            record: Record::default(),
        }
    }

    /// Asks for something; `false` where the answer was not the one that is due. Then the deed counts as unknown.
    pub(crate) fn step(&mut self) -> bool {
        let open: Vec<usize> = (0..self.record.families.len())
            .filter(|&index| self.record.families[index].is_open())
            .collect();
        if open.is_empty() || self.random.once_in(4) {
            return self.begin();
        }
        let family = open[self.random.below(open.len())];
        match self.random.below(10) {
            0 => self.replay(family),
            1 => self.end(family),
            2 | 3 => self.revoke_access(family),
            _ => self.refresh(family),
        }
    }

    /// A fresh code, exchanged.
    pub(crate) fn begin(&mut self) -> bool {
        let client = &furniture().client;
        let code = match self.caller.code(client) {
            Ok(code) => code,
            Err(reply) => {
                if let Some(reply) = reply {
                    reply.assert_failed_clearly();
                }
                return false;
            }
        };
        let from = self.site.position();
        self.record.families.push(Family {
            code: code.clone(),
            from,
            asked: Vec::new(),
        });
        let family = self.record.families.len() - 1;
        self.ask(
            family,
            |caller, client| caller.exchange(client, &code),
            Deed::Exchange,
        )
    }

    pub(crate) fn refresh(&mut self, family: usize) -> bool {
        let token = self.record.families[family].last().unwrap().refresh.clone();
        self.ask(
            family,
            |caller, client| caller.refresh(client, &token),
            Deed::Refresh,
        )
    }

    pub(crate) fn revoke_access(&mut self, family: usize) -> bool {
        let token = self.record.families[family].last().unwrap().access.clone();
        let revoke = |caller: &Caller, client: &Client| caller.revoke(client, &token);
        self.ask_for(family, Deed::RevokeAccess(token.clone()), revoke, |reply| {
            reply.status == 200
        })
    }

    pub(crate) fn end(&mut self, family: usize) -> bool {
        let token = self.record.families[family].last().unwrap().refresh.clone();
        let revoke = |caller: &Caller, client: &Client| caller.revoke(client, &token);
        self.ask_for(family, Deed::End, revoke, |reply| reply.status == 200)
    }

    /// Uses the code again, which ends all that came of it.
    pub(crate) fn replay(&mut self, family: usize) -> bool {
        let code = self.record.families[family].code.clone();
        let exchange = |caller: &Caller, client: &Client| caller.exchange(client, &code);
        self.ask_for(family, Deed::End, exchange, |reply| {
            assert_ne!(reply.status, 200, "a code was exchanged twice");
            reply.status == 400
        })
    }

    /// Asks for tokens.
    fn ask(
        &mut self,
        family: usize,
        send: impl FnOnce(&Caller, &Client) -> Option<Reply>,
        deed: fn(Tokens) -> Deed,
    ) -> bool {
        let begun = self.site.position();
        let reply = send(&self.caller, &furniture().client);
        let tokens = reply.as_ref().and_then(Reply::tokens);
        if let Some(reply) = reply.filter(|_| tokens.is_none()) {
            reply.assert_failed_clearly();
        }
        self.record.families[family].asked.push(Asked {
            begun,
            acknowledged: tokens.is_some().then(|| self.site.position()),
            deed: deed(tokens.clone().unwrap_or(NOTHING)),
        });
        tokens.is_some()
    }

    fn ask_for(
        &mut self,
        family: usize,
        deed: Deed,
        send: impl FnOnce(&Caller, &Client) -> Option<Reply>,
        is_done: impl FnOnce(&Reply) -> bool,
    ) -> bool {
        let begun = self.site.position();
        let reply = send(&self.caller, &furniture().client);
        let is_done = reply.as_ref().is_some_and(is_done);
        if let Some(reply) = reply.filter(|_| !is_done) {
            reply.assert_failed_clearly();
        }
        self.record.families[family].asked.push(Asked {
            begun,
            acknowledged: is_done.then(|| self.site.position()),
            deed,
        });
        is_done
    }

    /// Registers a client by the command line.
    pub(crate) fn register(&mut self, id: &str) -> bool {
        let begun = self.site.position();
        let ran = self.site.run(&[
            "client",
            "register",
            "--name",
            "Another",
            "--client-id",
            id,
            "--scope",
            "stock",
            "--redirect-uri",
            "https://another.example/cb",
            "-o",
            "json",
        ]);
        let is_done = ran.status.success();
        let secret = if is_done {
            ran.json()["client_secret"].as_str().unwrap().to_owned()
        } else {
            // Without a code it was killed.
            if ran.status.code().is_some() {
                ran.assert_refused();
            }
            String::new()
        };
        self.record.registrations.push(Asked {
            begun,
            acknowledged: is_done.then(|| self.site.position()),
            deed: Deed::Register(Client::new(id, &secret)),
        });
        is_done
    }
}

/// Lets `threads` threads ask for whatever comes to them, and one register clients, until an answer is not the one that is
/// due, or `enough` deeds are done.
pub(crate) fn run(site: &Site, server: &Running, threads: u64, seed: u64, enough: usize) -> Record {
    run_while(site, server, threads, seed, enough, |_, _| {})
}

/// Says that the load is over when it goes, also in a panic.
struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// As [`run`]; `meanwhile` runs beside it, and is told how many deeds are done so far, and whether it is over.
pub(crate) fn run_while(
    site: &Site,
    server: &Running,
    threads: u64,
    seed: u64,
    enough: usize,
    meanwhile: impl FnOnce(&AtomicUsize, &AtomicBool),
) -> Record {
    let done = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut working = Vec::new();
        for thread in 0..threads {
            let (done, over) = (&done, &over);
            working.push(scope.spawn(move || {
                let _over = OverOnDrop(over);
                let mut worker = Worker::new(site, server, seed.wrapping_add(thread));
                while !over.load(Ordering::SeqCst) && worker.step() {
                    if done.fetch_add(1, Ordering::SeqCst) + 1 >= enough {
                        over.store(true, Ordering::SeqCst);
                    }
                }
                worker.record
            }));
        }
        let (done, over) = (&done, &over);
        working.push(scope.spawn(move || {
            let _over = OverOnDrop(over);
            let mut worker = Worker::new(site, server, seed);
            let mut number = 0;
            while !over.load(Ordering::SeqCst) && worker.register(&format!("client-{seed}-{number}")) {
                done.fetch_add(1, Ordering::SeqCst);
                number += 1;
            }
            worker.record
        }));
        meanwhile(done, over);
        let mut record = Record::default();
        for working in working {
            record.add(working.join().unwrap());
        }
        record
    })
}
