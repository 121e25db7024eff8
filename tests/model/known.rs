//! Histories that once failed, as small as they could be made.

use crate::model::{DAY, MINUTE};
use crate::operation::{
    Client, History, Op, Owner, Press, Prompt, Request, Set, Setting, Token, Window, Wrong,
};
use crate::play::play;

fn assert_same(steps: Vec<(u32, Op)>) {
    let history = History {
        window: Window::UntilSuccessorIsUsed,
        steps,
    };
    let difference = play(&history);
    assert!(difference.is_none(), "{history}\n{difference:?}");
}

/// Alice approves, and the client exchanges its code.
fn exchanged() -> Vec<(u32, Op)> {
    let request = Request {
        client: Client::Shop,
        scope: Set::NONE,
        pkce: true,
        names_redirect: true,
        prompt: Prompt::Absent,
    };
    vec![
        (0, Op::SignIn(Owner::Alice)),
        (1, Op::Ask(Owner::Alice, request)),
        (2, Op::Answer(Owner::Alice, 1, Press::Approve(Set::ALL))),
        (
            3,
            Op::Exchange {
                code: 2,
                client: Client::Shop,
                wrong: Wrong::Nothing,
            },
        ),
    ]
}

fn prune(keep: i64, dry_run: bool) -> Op {
    Op::Prune { keep, dry_run }
}

#[test]
fn what_a_dry_run_counts_is_what_pruning_removes_also_where_a_revoked_token_would_live_on() {
    let mut steps = vec![
        (
            10,
            Op::UpdateClient(Client::Shop, Setting::AccessLifetime(2 * DAY)),
        ),
        (
            11,
            Op::UpdateClient(Client::Shop, Setting::RefreshLifetime(MINUTE)),
        ),
    ];
    steps.extend(exchanged());
    let revoke = Op::Revoke {
        token: Token::Access(3),
        client: Client::Shop,
        wrong: Wrong::Nothing,
    };
    steps.extend([
        (4, revoke),
        (5, Op::Clock(DAY)),
        (6, prune(MINUTE, true)),
        (7, prune(MINUTE, false)),
    ]);
    assert_same(steps);
}

#[test]
fn what_a_dry_run_counts_is_what_pruning_removes_also_where_the_code_lives_longer_than_its_tokens() {
    let mut steps = vec![
        (10, Op::UpdateClient(Client::Shop, Setting::AccessLifetime(1000))),
        (11, Op::UpdateClient(Client::Shop, Setting::RefreshLifetime(1000))),
    ];
    steps.extend(exchanged());
    steps.extend([(5, Op::Clock(2000)), (6, prune(0, true)), (7, prune(0, false))]);
    assert_same(steps);
}
