//! Stages 1 to 4: the request, the page, the answer, the code.

use oauthctl::authorization_server::{Answer, Answered, Considered, FormError, Purpose};
use oauthctl::protocol::authorization_error::AuthorizationErrorCode;
use oauthctl::protocol::authorization_request::PageRefusal;

use crate::support::{
    CHALLENGE, FORM_LIFETIME, INSTANT, ISSUER, REDIRECT_URI, Request, SESSION_LIFETIME, World, address,
    approve, at_once, parameter,
};

type Expected<T> = fn(&T) -> bool;
type Change = fn(&World);

fn page(considered: Considered) -> PageRefusal {
    match considered {
        Considered::Page(refusal) => refusal,
        other => panic!("no page but {other:?}"),
    }
}

/// The redirect of an answer.
#[track_caller]
fn redirect(answered: Answered) -> String {
    match answered {
        Answered::Redirect(to) => to,
        other => panic!("no redirect but {other:?}"),
    }
}

#[test]
fn what_concerns_the_client_or_the_redirect_uri_is_refused_by_a_page_and_never_by_a_redirect() {
    let world = World::new();
    let shop = world.shop();
    let good = Request::of(&shop);
    let several = world.client("several", |settings| {
        settings
            .redirect_uris
            .push("https://shop.example/other".parse().unwrap());
    });
    let disabled = world.client("disabled", |_| {});
    world.disable_client(&disabled);
    let cases: Vec<(&str, Request, Expected<PageRefusal>)> = vec![
        ("no client", good.clone().without("client_id"), |refusal| {
            matches!(refusal, PageRefusal::NoClientId)
        }),
        ("an empty client", good.clone().with("client_id", ""), |refusal| {
            matches!(refusal, PageRefusal::NoClientId)
        }),
        (
            "an unknown client",
            good.clone().with("client_id", "Shop"),
            |refusal| matches!(refusal, PageRefusal::UnknownClient(id) if id == "Shop"),
        ),
        (
            "a client that cannot be",
            good.clone().with("client_id", "a b"),
            |refusal| matches!(refusal, PageRefusal::UnknownClient(_)),
        ),
        (
            "a repeated client",
            good.clone().and("client_id", "shop"),
            |refusal| matches!(refusal, PageRefusal::Flawed("client_id", _)),
        ),
        ("a disabled client", Request::of(&disabled), |refusal| {
            matches!(refusal, PageRefusal::DisabledClient(_))
        }),
        (
            "a repeated redirect URI",
            good.clone().and("redirect_uri", REDIRECT_URI),
            |refusal| matches!(refusal, PageRefusal::Flawed("redirect_uri", _)),
        ),
        (
            "no redirect URI, where several are registered",
            Request::of(&several).without("redirect_uri"),
            |refusal| matches!(refusal, PageRefusal::NoRedirectUri { .. }),
        ),
    ];
    for (what, request, expected) in cases {
        let refusal = page(world.consider(&request, None));
        assert!(expected(&refusal), "{what}: {refusal:?}");
    }
}

#[test]
fn redirect_uris_are_compared_as_strings() {
    let world = World::new();
    let shop = world.shop();
    for sent in [
        "https://shop.example/back",
        "https://shop.example/back?shop=2",
        "https://shop.example/back?shop=1&more",
        "https://shop.example/back?shop=%31",
        "https://shop.example/Back?shop=1",
        "https://SHOP.example/back?shop=1",
        "https://shop.example:443/back?shop=1",
        "https://shop.example/./back?shop=1",
        "https://shop.example/back?shop=1#fragment",
        "http://shop.example/back?shop=1",
        " https://shop.example/back?shop=1",
        "javascript:alert(1)",
    ] {
        let refusal = page(world.consider(&Request::of(&shop).with("redirect_uri", sent), None));
        let PageRefusal::UnregisteredRedirectUri { sent: shown, .. } = refusal else {
            panic!("{sent}: {refusal:?}");
        };
        assert_eq!(shown, sent);
    }
}

#[test]
fn on_loopback_the_port_may_differ_and_only_the_port() {
    let world = World::new();
    let native = world.client("native", |settings| {
        settings.redirect_uris = vec!["http://127.0.0.1:8000/back%7e".parse().unwrap()];
    });
    let asked = |sent| Request::of(&native).with("redirect_uri", sent);
    for sent in [
        "http://127.0.0.1:8000/back%7e",
        "http://127.0.0.1:51004/back%7e",
        "http://127.0.0.1/back%7e",
    ] {
        let browser = world.sign_in("alice");
        let form = world.form(&asked(sent), &browser);
        let to = redirect(world.answer(&asked(sent), &browser, &form, Answer::Deny));
        assert!(to.starts_with(&format!("{sent}?")), "byte for byte: {to}");
    }
    for sent in [
        "http://127.0.0.1:51004/back~",
        "http://127.0.0.1:51004/back%7e/more",
        "http://localhost:51004/back%7e",
        "http://127.0.0.1:99999/back%7e",
        "https://127.0.0.1:8000/back%7e",
    ] {
        let refusal = page(world.consider(&asked(sent), None));
        assert!(
            matches!(refusal, PageRefusal::UnregisteredRedirectUri { .. }),
            "{sent}: {refusal:?}"
        );
    }
}

#[test]
fn what_comes_after_the_redirect_uri_is_refused_by_a_redirect_with_state_and_issuer() {
    use AuthorizationErrorCode::{InvalidRequest, InvalidScope, UnsupportedResponseType};
    let world = World::new();
    let shop = world.shop();
    let good = Request::of(&shop);
    let with = |name, value| good.clone().with(name, value);
    let without = |name| good.clone().without(name);
    let many = (0..300).map(|n| format!("scope{n}"));
    let long_scope = many.collect::<Vec<_>>().join(" ");
    let cases = [
        ("no response type", without("response_type"), InvalidRequest),
        (
            "the implicit grant",
            with("response_type", "token"),
            UnsupportedResponseType,
        ),
        (
            "a repeated response type",
            good.clone().and("response_type", "code"),
            InvalidRequest,
        ),
        (
            "a repeated scope",
            good.clone().and("scope", "orders").and("scope", "orders"),
            InvalidRequest,
        ),
        (
            "a fragment",
            good.clone().and("response_mode", "fragment"),
            InvalidRequest,
        ),
        (
            "no challenge",
            without("code_challenge").without("code_challenge_method"),
            InvalidRequest,
        ),
        (
            "a method without a challenge",
            without("code_challenge"),
            InvalidRequest,
        ),
        (
            "a challenge without a method",
            without("code_challenge_method"),
            InvalidRequest,
        ),
        (
            "a plain challenge",
            with("code_challenge_method", "plain"),
            InvalidRequest,
        ),
        (
            "a method in small letters",
            with("code_challenge_method", "s256"),
            InvalidRequest,
        ),
        (
            "a challenge that is too short",
            with("code_challenge", &CHALLENGE[1..]),
            InvalidRequest,
        ),
        (
            "a scope that does not exist",
            with("scope", "orders nothing"),
            InvalidScope,
        ),
        (
            "a scope that the client may not have",
            with("scope", "orders invoices"),
            InvalidScope,
        ),
        (
            "a scope that cannot be",
            with("scope", "orders \"x\""),
            InvalidScope,
        ),
        ("too many scopes", with("scope", &long_scope), InvalidScope),
    ];
    for (what, request, code) in cases {
        let considered = world.consider(&request, None);
        let Considered::Redirect(refusal) = considered else {
            panic!("{what}: {considered:?}");
        };
        let to = refusal.response(ISSUER);
        assert!(to.starts_with(&format!("{REDIRECT_URI}&")), "{what}: {to}");
        assert_eq!(parameter(&to, "error").as_deref(), Some(code.as_str()), "{what}");
        assert_eq!(
            parameter(&to, "state").as_deref(),
            Some("a state & more"),
            "{what}"
        );
        assert_eq!(parameter(&to, "iss").as_deref(), Some(ISSUER), "{what}");
        assert_eq!(parameter(&to, "code"), None, "{what}");
    }
}

#[test]
fn a_repeated_state_is_refused_and_none_of_them_is_sent_back() {
    let world = World::new();
    let considered = world.consider(&Request::of(&world.shop()).and("state", "another"), None);
    let Considered::Redirect(refusal) = considered else {
        panic!("{considered:?}");
    };
    let to = refusal.response(ISSUER);
    assert_eq!(parameter(&to, "error").as_deref(), Some("invalid_request"));
    assert_eq!(parameter(&to, "state"), None);
}

#[test]
fn unknown_parameters_are_ignored_and_empty_ones_count_as_absent() {
    let world = World::new();
    let shop = world.shop();
    let request = Request::of(&shop)
        .and("nonce", "1")
        .and("nonce", "2")
        .and("scope", "")
        .and("response_mode", "")
        .and("redirect_uri", "");
    let considered = world.consider(&request, None);
    let Considered::SignIn(request) = considered else {
        panic!("{considered:?}");
    };
    assert_eq!(
        request.scope.to_string(),
        "orders place",
        "no scope asks for all of the client's"
    );
}

#[test]
fn a_client_that_need_not_use_pkce_may_leave_the_challenge_out_and_may_not_send_a_plain_one() {
    let world = World::new();
    let old = world.client("old", |settings| settings.require_pkce = false);
    let request = Request::of(&old)
        .without("code_challenge")
        .without("code_challenge_method");
    assert!(matches!(world.consider(&request, None), Considered::SignIn(_)));
    for request in [
        Request::of(&old).with("code_challenge_method", "plain"),
        Request::of(&old).without("code_challenge_method"),
        Request::of(&old).without("code_challenge"),
    ] {
        assert!(
            matches!(world.consider(&request, None), Considered::Redirect(_)),
            "{request:?}"
        );
    }
}

#[test]
fn whoever_is_not_signed_in_signs_in_and_whoever_is_gets_asked_for_just_what_was_asked() {
    let world = World::new();
    let shop = world.shop();
    let request = Request::of(&shop).and("scope", "orders");
    assert!(matches!(world.consider(&request, None), Considered::SignIn(_)));
    let stranger = world.server.new_cookie().unwrap();
    assert!(matches!(
        world.consider(&request, Some(&stranger)),
        Considered::SignIn(_)
    ));

    let browser = world.sign_in("alice");
    let considered = world.consider(&request, Some(&browser));
    let Considered::Ask {
        request,
        signed_in,
        scopes,
        remember: None,
    } = considered
    else {
        panic!("{considered:?}");
    };
    assert_eq!(request.client.id.as_str(), "shop");
    assert_eq!(signed_in.owner.username.as_str(), "alice");
    let [scope] = scopes.as_slice() else {
        panic!("{scopes:?}");
    };
    assert_eq!(scope.token.as_str(), "orders");
    assert_eq!(scope.coverage.folders.iter().next().unwrap().as_str(), "orders");
}

#[test]
fn a_session_lives_to_its_end_and_no_longer() {
    let world = World::new();
    let request = Request::of(&world.shop());
    let browser = world.sign_in("alice");
    world.advance_to_just_before(SESSION_LIFETIME);
    assert!(matches!(
        world.consider(&request, Some(&browser)),
        Considered::Ask { .. }
    ));
    world.advance(INSTANT);
    assert!(matches!(
        world.consider(&request, Some(&browser)),
        Considered::SignIn(_)
    ));
}

#[test]
fn approval_redirects_with_a_code_the_state_as_it_came_and_the_issuer() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let form = world.form(&request, &browser);
    let to = redirect(world.answer(&request, &browser, &form, approve("orders place")));
    assert!(to.starts_with(&format!("{REDIRECT_URI}&code=oac_")), "{to}");
    assert_eq!(parameter(&to, "state").as_deref(), Some("a state & more"));
    assert_eq!(parameter(&to, "iss").as_deref(), Some(ISSUER));
    assert_eq!(parameter(&to, "error"), None);

    let request = request.without("state");
    let form = world.form(&request, &browser);
    let to = redirect(world.answer(&request, &browser, &form, approve("orders")));
    assert_eq!(
        parameter(&to, "state"),
        None,
        "no state was sent, so none comes back"
    );
}

#[test]
fn denial_and_approval_of_nothing_redirect_with_access_denied_and_make_no_grant() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    for answer in [Answer::Deny, approve("")] {
        let form = world.form(&request, &browser);
        let to = redirect(world.answer(&request, &browser, &form, answer));
        assert!(to.starts_with(REDIRECT_URI), "{to}");
        assert_eq!(parameter(&to, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&to, "state").as_deref(), Some("a state & more"));
        assert_eq!(parameter(&to, "iss").as_deref(), Some(ISSUER));
        assert_eq!(parameter(&to, "code"), None);
    }
    assert_eq!(world.count("grants"), 0);
    assert_eq!(world.count("authorization_codes"), 0);
}

#[test]
fn the_resource_owner_may_grant_fewer_scopes_but_not_others() {
    let world = World::new();
    let shop = world.shop();
    let request = Request::of(&shop).and("scope", "orders place");
    let code = world.approve_as_asked(&request, "orders");
    assert_eq!(world.exchange(&shop, &code).unwrap().scope, "orders");

    let narrow = Request::of(&shop).and("scope", "orders");
    let browser = world.sign_in("alice");
    for more in ["orders place", "place", "invoices", "nothing"] {
        let form = world.form(&narrow, &browser);
        let answered = world.answer(&narrow, &browser, &form, approve(more));
        assert!(matches!(answered, Answered::NotAsked), "{more}: {answered:?}");
    }
    assert_eq!(world.count("grants"), 1, "only the first");
}

#[test]
fn an_approval_can_be_given_once() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let form = world.form(&request, &browser);
    redirect(world.answer(&request, &browser, &form, approve("orders")));
    for again in [approve("orders"), approve("orders place"), Answer::Deny] {
        let answered = world.answer(&request, &browser, &form, again);
        assert!(matches!(answered, Answered::Twice), "{answered:?}");
    }
    assert_eq!(world.count("grants"), 1);
}

#[test]
fn a_form_that_is_sent_from_eight_threads_at_once_makes_one_grant() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let form = world.form(&request, &browser);
    let answers = at_once(8, |_| world.answer(&request, &browser, &form, approve("orders")));
    let (codes, others): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| matches!(answer, Answered::Redirect(_)));
    assert_eq!(codes.len(), 1);
    assert!(
        others.iter().all(|answer| matches!(answer, Answered::Twice)),
        "{others:?}"
    );
    assert_eq!(world.count("grants"), 1);
    assert_eq!(world.count("authorization_codes"), 1);
}

#[test]
fn a_form_may_be_answered_to_the_end_of_its_life_and_no_longer() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let (in_time, late) = (world.form(&request, &browser), world.form(&request, &browser));
    world.advance_to_just_before(FORM_LIFETIME);
    redirect(world.answer(&request, &browser, &in_time, approve("orders")));
    world.advance(INSTANT);
    let answered = world.answer(&request, &browser, &late, approve("orders"));
    assert!(
        matches!(answered, Answered::Form(FormError::Expired)),
        "{answered:?}"
    );
    assert_eq!(world.count("grants"), 1);
}

#[test]
fn a_form_is_for_one_browser_one_request_and_one_purpose() {
    let world = World::new();
    let shop = world.shop();
    world.add_owner("mallory");
    let (alice, mallory) = (world.sign_in("alice"), world.sign_in("mallory"));
    let request = Request::of(&shop);
    let narrow = request.clone().and("scope", "orders");
    let raw = request.raw();
    let forged = [
        ("of another browser", world.form(&request, &mallory)),
        ("for another request", world.form(&narrow, &alice)),
        (
            "for another purpose",
            world.server.seal_form(&alice, Purpose::SignIn, &raw).unwrap(),
        ),
        ("none at all", String::new()),
    ];
    for (what, form) in forged {
        let answered = world.answer(&request, &alice, &form, approve("orders"));
        assert!(
            matches!(answered, Answered::Form(FormError::Forged)),
            "{what}: {answered:?}"
        );
    }
    let form = world.form(&request, &alice);
    let answered = world
        .server
        .answer(&raw, None, &form, approve("orders"), address("127.0.0.1"))
        .unwrap();
    assert!(
        matches!(answered, Answered::Form(FormError::Forged)),
        "without a cookie: {answered:?}"
    );
    assert_eq!(world.count("grants"), 0);
}

#[test]
fn an_answer_rests_on_the_state_of_its_moment() {
    let cases: [(&str, Change, Expected<Answered>); 4] = [
        (
            "the client is disabled",
            |world| world.change("UPDATE clients SET enabled = 0"),
            |answered| matches!(answered, Answered::Page(PageRefusal::DisabledClient(_))),
        ),
        (
            "the client loses a scope that was asked for",
            |world| world.change("DELETE FROM client_scopes WHERE scope_key = 1"),
            |answered| {
                matches!(answered, Answered::Redirect(to)
                    if parameter(to, "error").as_deref() == Some("invalid_scope"))
            },
        ),
        (
            "the resource owner is disabled",
            |world| world.disable_owner("alice"),
            |answered| matches!(answered, Answered::SignedOut),
        ),
        (
            "the redirect URI is taken away",
            |world| {
                world.change("UPDATE client_redirect_uris SET redirect_uri = 'https://elsewhere.example/'");
            },
            |answered| {
                matches!(
                    answered,
                    Answered::Page(PageRefusal::UnregisteredRedirectUri { .. })
                )
            },
        ),
    ];
    for (what, change, expected) in cases {
        let world = World::new();
        let shop = world.shop();
        let browser = world.sign_in("alice");
        let request = Request::of(&shop).and("scope", "orders place");
        let form = world.form(&request, &browser);
        change(&world);
        let answered = world.answer(&request, &browser, &form, approve("orders place"));
        assert!(expected(&answered), "{what}: {answered:?}");
        assert_eq!(world.count("grants"), 0, "{what}");
    }
}

#[test]
fn whoever_has_signed_out_cannot_answer_any_more() {
    let world = World::new();
    let shop = world.shop();
    let browser = world.sign_in("alice");
    let request = Request::of(&shop);
    let form = world.form(&request, &browser);
    world.server.sign_out(&browser).unwrap();
    let answered = world.answer(&request, &browser, &form, approve("orders"));
    assert!(matches!(answered, Answered::SignedOut), "{answered:?}");
    assert_eq!(world.count("grants"), 0);
}
