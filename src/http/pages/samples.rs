//! A page of each kind, with the texts that a function writes: what templates are tried with.

use minijinja::Value;

#[cfg(test)]
use super::RenderError;
use super::templates::DEMO_CLIENT;
use super::{
    Account, Approval, ClientView, DemoClient, DemoStep, Detail, ErrorPage, GrantView, HiddenField,
    PasswordForm, RememberedView, ScopeView, SignIn, SignOut, SignedOut, Spoken,
};

/// One page to render.
pub(super) enum Sample {
    SignIn(SignIn),
    Approval(Approval),
    Error(ErrorPage),
    Account(Account),
    SignedOut(SignedOut),
    DemoClient(DemoClient),
}

impl Sample {
    /// The template that it is for.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::SignIn(_) => "sign_in.html",
            Self::Approval(_) => "approval.html",
            Self::Error(_) => "error.html",
            Self::Account(_) => "account.html",
            Self::SignedOut(_) => "signed_out.html",
            Self::DemoClient(_) => DEMO_CLIENT,
        }
    }

    /// What its template is given.
    pub(super) fn context(&self, spoken: Spoken<'_>) -> Value {
        match self {
            Self::SignIn(page) => spoken.context(page),
            Self::Approval(page) => spoken.context(page),
            Self::Error(page) => spoken.context(page),
            Self::Account(page) => spoken.context(page),
            Self::SignedOut(page) => spoken.context(page),
            Self::DemoClient(page) => spoken.context(page),
        }
    }

    /// The forms without which the page is of no use: the action of each, and its hidden fields.
    pub(super) fn forms(&self) -> Vec<(&str, &[HiddenField])> {
        match self {
            Self::SignIn(page) => vec![(page.action.as_str(), page.hidden.as_slice())],
            Self::Approval(page) => vec![(&page.action, &page.hidden), form_of(&page.sign_out)],
            Self::Account(page) => page
                .grants
                .iter()
                .map(|grant| (grant.action.as_str(), grant.hidden.as_slice()))
                .chain(
                    page.remembered
                        .iter()
                        .map(|approval| (approval.action.as_str(), approval.hidden.as_slice())),
                )
                .chain([(page.password.action.as_str(), page.password.hidden.as_slice())])
                .chain([form_of(&page.sign_out), form_of(&page.sign_out_everywhere)])
                .collect(),
            Self::Error(_) | Self::SignedOut(_) | Self::DemoClient(_) => Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn render(&self, spoken: Spoken<'_>) -> Result<String, RenderError> {
        match self {
            Self::SignIn(page) => spoken.sign_in(page),
            Self::Approval(page) => spoken.approval(page),
            Self::Error(page) => spoken.error(page),
            Self::Account(page) => spoken.account(page),
            Self::SignedOut(page) => spoken.signed_out(page),
            Self::DemoClient(page) => spoken.demo_client(page),
        }
    }

    /// Every text of the page, however deep it stands.
    #[cfg(test)]
    pub(super) fn fields(&self) -> Vec<String> {
        let page = match self {
            Self::SignIn(page) => serde_json::to_value(page),
            Self::Approval(page) => serde_json::to_value(page),
            Self::Error(page) => serde_json::to_value(page),
            Self::Account(page) => serde_json::to_value(page),
            Self::SignedOut(page) => serde_json::to_value(page),
            Self::DemoClient(page) => serde_json::to_value(page),
        };
        let mut fields = Vec::new();
        collect(&page.expect("a page is plain data"), &mut fields);
        fields
    }
}

/// The texts in `value`, without the words that tell the demo's steps and the fields of a form apart.
#[cfg(test)]
fn collect(value: &serde_json::Value, fields: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => fields.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, fields)),
        serde_json::Value::Object(members) => {
            members
                .iter()
                .filter(|(name, _)| !["kind", "wrong"].contains(&name.as_str()))
                .for_each(|(_, member)| collect(member, fields));
        }
        _ => {}
    }
}

fn form_of(form: &SignOut) -> (&str, &[HiddenField]) {
    (&form.action, &form.hidden)
}

type Write<'a> = &'a dyn Fn(&str) -> String;

fn hidden(write: Write<'_>, form: &str) -> Vec<HiddenField> {
    vec![HiddenField {
        name: write(&format!("{form}hidden.name")),
        value: write(&format!("{form}hidden.value")),
    }]
}

fn sign_out(write: Write<'_>) -> SignOut {
    SignOut {
        action: write("sign_out.action"),
        hidden: hidden(write, "sign_out."),
    }
}

fn client(write: Write<'_>) -> ClientView {
    ClientView {
        name: write("client.name"),
        description: Some(write("client.description")),
        return_to: write("client.return_to"),
    }
}

pub(super) fn refused_sign_in(write: Write<'_>) -> SignIn {
    SignIn {
        action: write("action"),
        hidden: hidden(write, ""),
        client: Some(client(write)),
        username: write("username"),
        error: Some(write("error")),
    }
}

pub(super) fn approval(write: Write<'_>) -> Approval {
    let scope = |name: &str| ScopeView {
        scope: write(&format!("{name}.scope")),
        description: write(&format!("{name}.description")),
        folders: vec![
            write(&format!("{name}.folder0")),
            write(&format!("{name}.folder1")),
        ],
        services: vec![write(&format!("{name}.service"))],
        routes: vec![write(&format!("{name}.route"))],
    };
    Approval {
        action: write("action"),
        hidden: hidden(write, ""),
        client: client(write),
        username: write("username"),
        scopes: vec![scope("scope0"), scope("scope1")],
        resources: vec![write("resource0"), write("resource1")],
        access_for: write("access_for"),
        remember: Some(write("remember")),
        refresh: Some(write("refresh")),
        account_url: write("account_url"),
        sign_out: sign_out(write),
    }
}

fn error(write: Write<'_>) -> ErrorPage {
    let detail = |name: &str| Detail {
        label: write(&format!("{name}.label")),
        values: vec![write(&format!("{name}.value0")), write(&format!("{name}.value1"))],
    };
    ErrorPage {
        status: 400,
        headline: write("headline"),
        explanation: write("explanation"),
        fault: write("fault"),
        advice: write("advice"),
        details: vec![detail("sent"), detail("registered")],
        instead: Some(write("instead")),
        command: Some(write("command")),
        command_shows: false,
        explain: None,
        request_id: write("request_id"),
    }
}

fn account(write: Write<'_>) -> Account {
    let scope = |name: String| ScopeView {
        scope: write(&format!("{name}.scope")),
        description: write(&format!("{name}.description")),
        folders: vec![write(&format!("{name}.folder"))],
        services: vec![write(&format!("{name}.service"))],
        routes: vec![write(&format!("{name}.route"))],
    };
    let grant = |name: &str| GrantView {
        grant_id: write(&format!("{name}.id")),
        client: write(&format!("{name}.client")),
        scopes: vec![scope(format!("{name}.scope0")), scope(format!("{name}.scope1"))],
        resources: vec![write(&format!("{name}.resource"))],
        since: write(&format!("{name}.since")),
        last_used: Some(write(&format!("{name}.last_used"))),
        until: write(&format!("{name}.until")),
        action: write(&format!("{name}.action")),
        hidden: hidden(write, &format!("{name}.")),
    };
    let remembered = |name: &str| RememberedView {
        client: write(&format!("{name}.client")),
        scopes: vec![scope(format!("{name}.scope0")), scope(format!("{name}.scope1"))],
        resources: vec![write(&format!("{name}.resource"))],
        since: write(&format!("{name}.since")),
        action: write(&format!("{name}.action")),
        hidden: hidden(write, &format!("{name}.")),
    };
    Account {
        username: write("username"),
        notice: Some(write("notice")),
        grants: vec![grant("grant0"), grant("grant1")],
        remembered: vec![remembered("remembered0"), remembered("remembered1")],
        password: PasswordForm {
            action: write("password.action"),
            hidden: hidden(write, "password."),
            shortest: 8,
            error: Some(write("password.error")),
            wrong: "new_password",
        },
        sign_out: sign_out(write),
        sign_out_everywhere: SignOut {
            action: write("sign_out_everywhere.action"),
            hidden: hidden(write, "sign_out_everywhere."),
        },
    }
}

fn demo(write: Write<'_>, step: DemoStep) -> DemoClient {
    DemoClient {
        client: write("client"),
        step,
        again_url: Some(write("again_url")),
    }
}

pub(super) fn received(write: Write<'_>) -> DemoClient {
    let step = DemoStep::Received {
        code: write("code"),
        state_matches: true,
        issuer: write("issuer"),
        issuer_matches: true,
        action: write("action"),
        hidden: hidden(write, ""),
    };
    demo(write, step)
}

fn exchanged(write: Write<'_>) -> DemoClient {
    let answer = vec![Detail {
        label: write("answer.label"),
        values: vec![write("answer.value")],
    }];
    demo(write, DemoStep::Exchanged { answer })
}

fn refused(write: Write<'_>) -> DemoClient {
    demo(
        write,
        DemoStep::Refused {
            error: write("error"),
            description: Some(write("description")),
        },
    )
}

/// Every page in every shape.
pub(super) fn all(write: Write<'_>) -> Vec<(&'static str, Sample)> {
    let to_account = SignIn {
        client: None,
        error: None,
        ..refused_sign_in(write)
    };
    vec![
        ("sign-in, refused", Sample::SignIn(refused_sign_in(write))),
        ("sign-in to the account", Sample::SignIn(to_account)),
        ("approval", Sample::Approval(approval(write))),
        ("error", Sample::Error(error(write))),
        ("account", Sample::Account(account(write))),
        (
            "account, empty",
            Sample::Account(Account {
                notice: None,
                grants: Vec::new(),
                remembered: Vec::new(),
                password: PasswordForm {
                    error: None,
                    wrong: "",
                    ..account(write).password
                },
                ..account(write)
            }),
        ),
        (
            "signed out",
            Sample::SignedOut(SignedOut {
                account_url: write("account_url"),
            }),
        ),
        ("demo, code", Sample::DemoClient(received(write))),
        ("demo, tokens", Sample::DemoClient(exchanged(write))),
        ("demo, refused", Sample::DemoClient(refused(write))),
    ]
}
