//! A history for a seed. What is done next is chosen by what the model holds, so that most of it has an effect: the
//! clock goes to just before and just after something ends, what was used is used again, with one thing wrong or none.

use crate::model::{DAY, HOUR, MINUTE, Model, SECOND};
use crate::operation::{
    Caller, Client, History, Limit, Millis, Op, Owner, Press, Prompt, Request, Selector, Set, Setting, Step,
    Token, Wanted, Window, Wrong,
};

/// `SplitMix64`: a few lines that will give the same numbers for a seed in ten years.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// One of the last ones more often than one of the first ones.
    fn recent<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let last = all.len().checked_sub(1)?;
        let back = if self.one_in(2) {
            self.below(2)
        } else {
            self.below(all.len())
        };
        Some(all[last - back.min(last)])
    }

    fn set(&mut self) -> Set {
        Set(1 + u8::try_from(self.below(7)).unwrap())
    }

    /// None as often as any.
    fn set_or_none(&mut self) -> Set {
        if self.one_in(2) { Set::NONE } else { self.set() }
    }
}

const ACCESS: [Millis; 4] = [SECOND, MINUTE, HOUR, 2 * DAY];
const CODE: [Millis; 3] = [SECOND, MINUTE, 10 * MINUTE];
const REFRESH: [Millis; 4] = [5 * SECOND, MINUTE, DAY, 30 * DAY];
const IDLE: [Millis; 4] = [10 * SECOND, HOUR, DAY, 7 * DAY];
const KEEP: [Millis; 4] = [0, 0, MINUTE, DAY];

/// The history of a seed.
pub(crate) fn history(seed: u64) -> History {
    let mut dice = Dice(seed);
    let window = match dice.below(4) {
        0 => Window::AtMost(0),
        1 => Window::AtMost(MINUTE),
        _ => Window::UntilSuccessorIsUsed,
    };
    let mut generator = Generator {
        model: Model::new(window),
        steps: Vec::new(),
        dice,
    };
    for _ in 0..generator.dice.below(10) {
        let client = generator.client();
        let setting = generator.setting();
        generator.push(Op::UpdateClient(client, setting));
    }
    let length = 15 + generator.dice.below(60);
    while generator.steps.len() < length {
        generator.next();
    }
    History {
        window,
        steps: generator.steps,
    }
}

struct Generator {
    model: Model,
    steps: Vec<(Step, Op)>,
    dice: Dice,
}

impl Generator {
    fn push(&mut self, op: Op) {
        let step = Step::try_from(self.steps.len()).unwrap();
        // What speaks of something that never was has no effect, and is not worth a step.
        if self.model.step(step, &op).is_some() {
            self.steps.push((step, op));
        }
    }

    fn next(&mut self) {
        match self.dice.below(100) {
            0..=15 => self.approve(),
            16..=27 => self.exchange(),
            28..=51 => self.refresh(),
            52..=63 => self.pass_time(),
            64..=67 => self.revoke(),
            68..=71 => self.look_at_one(),
            72..=73 => self.take_back(),
            74..=88 => self.administer(),
            89..=91 => self.revoke_in_bulk(),
            92..=95 => self.prune(),
            96 => self.push(Op::Restart),
            97 => self.push(Op::Look),
            98 => {
                let owner = self.dice.pick(&Owner::ALL);
                self.push(Op::SignOut(owner));
            }
            _ => self.apply(),
        }
    }

    /// One that there is, as a rule.
    fn client(&mut self) -> Client {
        let there: Vec<Client> = self.model.clients.keys().copied().collect();
        if there.is_empty() || self.dice.one_in(20) {
            self.dice.pick(&Client::ALL)
        } else {
            self.dice.pick(&there)
        }
    }

    fn issued(&self, wanted: fn(&Token) -> Option<Step>) -> Vec<Step> {
        self.model.seen.iter().filter_map(wanted).collect()
    }

    fn codes(&self) -> Vec<Step> {
        self.issued(|token| match token {
            Token::Code(step) => Some(*step),
            _ => None,
        })
    }

    fn approve(&mut self) {
        let owner = self.dice.pick(&Owner::ALL);
        let now = self.model.now;
        let session = self.model.browsers[&owner].session;
        if session.is_none_or(|end| now >= end) && !self.dice.one_in(10) {
            self.push(Op::SignIn(owner));
        }
        let forms: Vec<Step> = self.model.forms.keys().copied().collect();
        // A form that was answered, or that another browser shows.
        if self.dice.one_in(6)
            && let Some(form) = self.dice.recent(&forms)
        {
            let press = self.press(form);
            self.push(Op::Answer(owner, form, press));
            return;
        }
        let client = self.client();
        let pkce = self
            .model
            .clients
            .get(&client)
            .is_none_or(|client| client.require_pkce);
        let request = Request {
            client,
            scope: if self.dice.one_in(3) {
                self.dice.set()
            } else {
                Set::NONE
            },
            pkce: if self.dice.one_in(8) {
                !pkce
            } else {
                pkce || self.dice.one_in(3)
            },
            names_redirect: !self.dice.one_in(4),
            prompt: match self.dice.below(12) {
                0 => Prompt::None,
                1 => Prompt::Login,
                2 => Prompt::Consent,
                _ => Prompt::Absent,
            },
        };
        let form = Step::try_from(self.steps.len()).unwrap();
        self.push(Op::Ask(owner, request));
        if self.dice.one_in(8) {
            self.pass_time();
        }
        if self.dice.one_in(10) {
            self.administer();
        }
        if self.dice.one_in(4) {
            self.push(Op::Silent(owner, form));
        } else {
            let press = self.press(form);
            self.push(Op::Answer(owner, form, press));
        }
    }

    fn press(&mut self, form: Step) -> Press {
        let request = self.model.forms[&form].request;
        let client = self.model.clients.get(&request.client);
        let all = client.map_or(Set::ALL, |client| client.scopes);
        let asked = if request.scope.is_empty() {
            all
        } else {
            request.scope
        };
        let scope = match self.dice.below(8) {
            0 => self.dice.set(),
            1 => self.dice.set().and(asked),
            _ => asked,
        };
        match self.dice.below(12) {
            0 => Press::Deny,
            1..=4 => Press::Remember(scope),
            _ => Press::Approve(scope),
        }
    }

    fn wrong(&mut self) -> Wrong {
        if !self.dice.one_in(5) {
            return Wrong::Nothing;
        }
        self.dice.pick(&[
            Wrong::Secret,
            Wrong::OldSecret,
            Wrong::OldSecret,
            Wrong::Forged,
            Wrong::Redirect,
            Wrong::NoRedirect,
            Wrong::Verifier,
            Wrong::NoVerifier,
        ])
    }

    /// Whose grant it is, or somebody else.
    fn holder(&mut self, grant: Option<Step>) -> Client {
        let own = grant
            .and_then(|grant| self.model.grants.get(&grant))
            .map(|grant| grant.client);
        match own {
            Some(own) if !self.dice.one_in(8) => own,
            _ => self.client(),
        }
    }

    fn exchange(&mut self) {
        let codes = self.codes();
        let fresh: Vec<Step> = codes
            .iter()
            .copied()
            .filter(|code| self.model.grants.get(code).is_some_and(|grant| !grant.exchanged))
            .collect();
        let fresh = if self.dice.one_in(4) { codes } else { fresh };
        let Some(code) = self.dice.recent(&fresh) else {
            return;
        };
        let (client, wrong) = (self.holder(Some(code)), self.wrong());
        self.push(Op::Exchange { code, client, wrong });
    }

    fn refresh(&mut self) {
        let all = self.issued(|token| match token {
            Token::Refresh(step) => Some(*step),
            _ => None,
        });
        let Some(token) = self.dice.recent(&all) else {
            return self.exchange();
        };
        let grant = self.model.refresh.get(&token).map(|token| token.grant);
        let (client, wrong) = (self.holder(grant), self.wrong());
        let scope = if self.dice.one_in(5) {
            self.dice.set()
        } else {
            Set::NONE
        };
        self.push(Op::Refresh {
            token,
            client,
            scope,
            wrong,
        });
    }

    /// Every instant at which something ends.
    fn ends(&self) -> Vec<Millis> {
        let model = &self.model;
        let mut ends = Vec::new();
        for token in model.access.values() {
            ends.push(token.expires);
        }
        for token in model.refresh.values() {
            ends.push(token.expires);
            if let Some((rotated, _)) = token.rotated {
                ends.extend(ACCESS.map(|life| rotated + life));
                if let Window::AtMost(span) = model.window {
                    ends.push(rotated + span);
                }
            }
        }
        for grant in model.grants.values() {
            ends.push(grant.code_expires);
            ends.extend(grant.refresh_end);
            ends.extend(grant.ended.map(|(at, _)| at + MINUTE));
        }
        ends.extend(model.forms.values().map(|form| form.made_at + crate::model::FORM));
        ends.extend(model.browsers.values().filter_map(|browser| browser.session));
        ends.extend(
            model
                .clients
                .values()
                .flat_map(|client| client.secrets.iter().copied().flatten()),
        );
        ends.retain(|end| *end > model.now + 1);
        ends.sort_unstable();
        ends.dedup();
        ends
    }

    fn pass_time(&mut self) {
        let ends = self.ends();
        let now = self.model.now;
        let to = if ends.is_empty() || self.dice.one_in(4) {
            now + self.dice.pick(&[1, 500, SECOND, 20 * SECOND, MINUTE, HOUR])
        } else {
            let near = self.dice.below(ends.len().min(6));
            ends[near] + self.dice.pick(&[-1, -1, 0, 0, 1])
        };
        self.push(Op::Clock(to));
    }

    fn any_token(&mut self) -> Option<(Token, Option<Step>)> {
        let all: Vec<Token> = self.model.seen.iter().copied().collect();
        let token = if all.is_empty() {
            None
        } else {
            Some(self.dice.pick(&all))
        }?;
        let grant = match token {
            Token::Code(step) => Some(step),
            Token::Access(step) => self.model.access.get(&step).map(|token| token.grant),
            Token::Refresh(step) => self.model.refresh.get(&step).map(|token| token.grant),
        };
        Some((token, grant))
    }

    fn revoke(&mut self) {
        if let Some((token, grant)) = self.any_token() {
            let (client, wrong) = (self.holder(grant), self.wrong());
            self.push(Op::Revoke { token, client, wrong });
        }
    }

    fn look_at_one(&mut self) {
        let Some((token, grant)) = self.any_token() else {
            return;
        };
        if let Token::Access(token) = token
            && self.dice.one_in(2)
        {
            let service = self.dice.below(3);
            return self.push(Op::Check { token, service });
        }
        let wrong = self.wrong();
        let caller = if self.dice.one_in(3) {
            Caller::ResourceServer
        } else {
            Caller::Client(self.holder(grant))
        };
        self.push(Op::Introspect { token, caller, wrong });
    }

    fn take_back(&mut self) {
        let owner = self.dice.pick(&Owner::ALL);
        let approvals: Vec<Step> = self
            .model
            .remembered
            .iter()
            .map(|approval| approval.step)
            .collect();
        if self.dice.one_in(2)
            && let Some(approval) = self.dice.recent(&approvals)
        {
            return self.push(Op::Forget(owner, approval));
        }
        let codes = self.codes();
        if let Some(grant) = self.dice.recent(&codes) {
            self.push(Op::TakeBack(owner, grant));
        }
    }

    fn setting(&mut self) -> Setting {
        let dice = &mut self.dice;
        match dice.below(13) {
            0 => Setting::Scopes(dice.set()),
            1 => Setting::AddScope(dice.below(3)),
            2 => Setting::RemoveScope(dice.below(3)),
            3 | 4 => Setting::AccessLifetime(dice.pick(&ACCESS)),
            5 => Setting::CodeLifetime(dice.pick(&CODE)),
            6 | 7 => Setting::Refresh(dice.pick(&[
                Limit::Never,
                Limit::Times(1),
                Limit::Times(2),
                Limit::Times(3),
                Limit::Unlimited,
            ])),
            8 => Setting::RefreshLifetime(dice.pick(&REFRESH)),
            9 => Setting::RefreshIdle(dice.pick(&IDLE)),
            10 => Setting::RequirePkce(dice.one_in(2)),
            _ => Setting::Remember(!dice.one_in(5)),
        }
    }

    fn administer(&mut self) {
        let (client, owner) = (self.client(), self.dice.pick(&Owner::ALL));
        let (scope, rest) = (self.dice.below(3), self.dice.below(30));
        let op = match rest {
            0..=9 => Op::UpdateClient(client, self.setting()),
            10 | 11 => Op::EnableClient(client, false),
            12..=14 => Op::EnableClient(client, true),
            15 | 16 => Op::EnableOwner(owner, false),
            17..=19 => Op::EnableOwner(owner, true),
            20 => Op::DeleteClient(client),
            21 => Op::Register(self.dice.pick(&Client::ALL)),
            22 | 23 => Op::RotateSecret(client, self.dice.pick(&[0, MINUTE, DAY])),
            24 => Op::UpdateScope(scope, self.dice.set()),
            // Most of the time of a history would go into the password otherwise.
            25 if !self.model.owners.contains_key(&owner) => Op::AddOwner(owner),
            25 if self.dice.one_in(3) => Op::DeleteOwner(owner),
            26 => Op::DefineScope(scope, self.dice.set()),
            27 => Op::DeleteScope(scope),
            28 if self.dice.one_in(2) => Op::DeleteServer,
            28 => Op::RegisterServer,
            _ => {
                let codes = self.codes();
                let first = self.dice.recent(&codes);
                let second = self.dice.recent(&codes).filter(|_| self.dice.one_in(3));
                Op::RevokeGrants(
                    first
                        .into_iter()
                        .chain(second.filter(|_| first != second))
                        .collect(),
                )
            }
        };
        if op != Op::RevokeGrants(Vec::new()) {
            self.push(op);
        }
    }

    fn revoke_in_bulk(&mut self) {
        let mut selector = Selector::default();
        match self.dice.below(6) {
            0 => selector.client = Some(self.client()),
            1 => selector.owner = Some(self.dice.pick(&Owner::ALL)),
            2 => selector.scope = Some(self.dice.below(3)),
            3 => selector.older_than = Some(self.dice.pick(&[SECOND, MINUTE, HOUR])),
            4 => selector.expired = true,
            _ => {
                for _ in 0..=self.dice.below(2) {
                    let token = self.any_token().map(|(token, _)| token);
                    let listed = token.filter(|token| !matches!(token, Token::Code(_)));
                    let new = listed.filter(|token| !selector.tokens.contains(token));
                    selector.tokens.extend(new);
                }
                if selector.tokens.is_empty() {
                    return;
                }
            }
        }
        match self.dice.below(6) {
            0 => selector.refresh_only = true,
            1 => selector.access_only = true,
            2 => selector.expired = true,
            _ => {}
        }
        let dry_run = self.dice.one_in(3);
        self.push(Op::RevokeTokens { selector, dry_run });
    }

    fn prune(&mut self) {
        let keep = self.dice.pick(&KEEP);
        let ends = self.ends();
        if self.dice.one_in(2) && !ends.is_empty() {
            // Something ends, and then so long ago that it goes, or just not.
            let end = ends[self.dice.below(ends.len().min(6))];
            let to = end + keep + self.dice.pick(&[-1, 0, 0, 1]);
            self.push(Op::Clock(to));
        }
        if self.dice.one_in(2) {
            self.push(Op::Prune { keep, dry_run: true });
        }
        if !self.dice.one_in(3) {
            self.push(Op::Prune { keep, dry_run: false });
        }
    }

    fn apply(&mut self) {
        let (client, prune) = (self.client(), self.dice.one_in(2));
        let wanted = (!self.dice.one_in(5)).then(|| Wanted {
            scopes: self.dice.set_or_none().or(Set::of(0)),
            enabled: !self.dice.one_in(4),
            access_lifetime: self.dice.pick(&ACCESS),
        });
        self.push(Op::Apply {
            client,
            wanted,
            prune,
        });
    }
}
