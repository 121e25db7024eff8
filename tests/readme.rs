//! What the README shows is what happens.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops where it is surprised, and says what it skips"
)]

#[path = "proxies/program.rs"]
mod program;
#[path = "proxies/service.rs"]
#[expect(dead_code, reason = "the tests of proxies look at what reached it")]
mod service;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_oauthctl");

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The fenced blocks beneath a heading: language and text.
fn blocks(heading: &str) -> Vec<(String, String)> {
    let readme = readme();
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .expect(heading);
    let parts: Vec<&str> = section.split("```").collect();
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            (language.to_owned(), text.trim_end().to_owned())
        })
        .collect()
}

/// Whether `line` is `pattern`, in which `…` stands for anything.
fn is_like(pattern: &str, line: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, between)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in between {
        let Some(place) = rest.find(piece) else {
            return false;
        };
        rest = &rest[place + piece.len()..];
    }
    rest.ends_with(last)
}

/// The shown lines are among the real ones, in their order; a line of `…` stands for any number of lines.
fn assert_shown(shown: &str, real: &str) {
    let mut real_lines = real.lines();
    let mut may_skip = false;
    for shown in shown.lines() {
        if shown == "…" {
            may_skip = true;
            continue;
        }
        let mut found = real_lines.next();
        while may_skip && found.is_some_and(|line| !is_like(shown, line)) {
            found = real_lines.next();
        }
        assert!(
            found.is_some_and(|line| is_like(shown, line)),
            "not shown: {shown}\nnext: {found:?}\nof:\n{real}"
        );
        may_skip = false;
    }
}

/// A shell in a directory of its own, in which `oauthctl` is in the path and nothing is set up.
fn shell(directory: &Path, script: &str) -> Command {
    let mut path = PathBuf::from(BINARY).parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .current_dir(directory)
        .env("PATH", path);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OAUTHCTL_") {
            command.env_remove(name);
        }
    }
    command.env_remove("XDG_CONFIG_HOME").env("HOME", directory);
    command
}

fn output_of(directory: &Path, script: &str) -> String {
    let output = shell(directory, script).output().unwrap();
    assert!(
        output.status.success(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn it_opens_with_the_two_commands() {
    let readme = readme();
    let commands: Vec<&str> = readme.split("```sh\n").skip(1).take(2).collect();
    assert!(
        commands[0].starts_with("cargo run --release -- demo\n```"),
        "{}",
        commands[0]
    );
    assert!(commands[1].starts_with("cargo test\n```"), "{}", commands[1]);
}

#[test]
fn its_picture_is_there_small_and_said_in_words() {
    let readme = readme();
    let (_, picture) = readme.split_once("<img src=\"").unwrap();
    let (file, rest) = picture.split_once('"').unwrap();
    let (_, words) = rest.split_once("alt=\"").unwrap();
    assert!(words.find('"').unwrap() > 40, "{words}");
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    assert!(bytes.len() < 60 * 1024, "{} bytes", bytes.len());
}

#[test]
fn the_demo_prints_what_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let shown = blocks("What the demo shows").remove(0).1;
    assert_shown(&shown, &output_of(directory.path(), "oauthctl demo"));
}

/// A development server, whose variables are in `dev.env`; its scratch database goes with the directory.
fn development(directory: &Path, command: &str) -> Killed {
    let (serve, file) = command.split_once(" | tee ").expect(command);
    let mut serve = shell(directory, &format!("exec {serve} >{file}"));
    serve
        .env("OAUTHCTL_SERVER_LISTEN", "127.0.0.1:0")
        .env("TMPDIR", directory)
        .stderr(Stdio::piped());
    let mut server = Killed(serve.spawn().unwrap());
    let mut said = BufReader::new(server.0.stderr.take().unwrap());
    // It reads what is said until the last variable is there.
    let mut line = String::new();
    let is_told =
        |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains("OAUTHCTL_DATABASE="));
    while !is_told(&directory.join(file)) {
        assert!(server.0.try_wait().unwrap().is_none(), "it ended: {line}");
        std::thread::sleep(Duration::from_millis(20));
    }
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{line}");
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    server
}

fn assert_the_same_secret_at_each_start(directory: &Path, commands: &str) {
    let (example, serve) = commands.split_once('\n').unwrap();
    output_of(directory, example);
    let secrets = ["first.env", "second.env"].map(|file| {
        let _server = development(directory, &format!("{serve} | tee {file}"));
        let told = fs::read_to_string(directory.join(file)).unwrap();
        let mut lines = told
            .lines()
            .filter(|line| line.starts_with("OAUTH_CLIENT_SECRET="));
        lines.next().expect(&told).to_owned()
    });
    assert_eq!(secrets[0], secrets[1]);
}

#[test]
fn developing_a_client_works_as_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let blocks = blocks("Develop a client");
    let [serve, begin, printed, more, trouble, kept, run] = blocks.as_slice() else {
        panic!("other blocks than expected: {blocks:?}")
    };
    let _server = development(directory, &serve.1);
    let (variables, login) = begin.1.split_once('\n').unwrap();
    assert_eq!(login, "oauthctl login");
    let issuer = output_of(directory, &format!("{variables}; printf %s \"$OAUTH_ISSUER\""));
    let printed = printed.1.replace("http://127.0.0.1:8420", &issuer);
    let said = |commands: &str| output_of(directory, &format!("{variables}\n{commands}"));

    // Nobody sits before a browser here: the script plays the one who does.
    assert_shown(&printed, &said(&more.1));
    let mut waiting = shell(
        directory,
        &format!("{variables}\n{login} --no-browser --timeout 1s"),
    );
    let waited = String::from_utf8(waiting.output().unwrap().stderr).unwrap();
    assert!(
        waited.contains(&format!(
            "\n{issuer}/authorize?response_type=code&client_id=dev-client&"
        )),
        "{waited}"
    );
    for (file, text) in [
        ("client.py", format!("\"{issuer}\"")),
        ("orders.conf", issuer.clone()),
    ] {
        let written = fs::read_to_string(directory.join(file)).unwrap();
        assert!(written.contains(&text), "{file}: {written}");
    }

    let (explain, trouble) = trouble.1.split_once('\n').unwrap();
    // A request that is refused is told by the exit code, too.
    let explained = said(&format!("! {explain}"));
    assert!(explained.contains("oauthctl scope define nope"), "{explained}");
    said(trouble);
    let fails = format!("{variables}\n{}", more.1.lines().next().unwrap());
    let failed = shell(directory, &fails).output().unwrap();
    let stderr = String::from_utf8_lossy(&failed.stderr);
    assert!(stderr.contains("(invalid_grant)"), "{stderr}");

    assert_the_same_secret_at_each_start(directory, &kept.1);

    // A suite that passes where it is told of a server.
    let npm = directory.join("npm");
    fs::write(
        &npm,
        "#!/bin/sh\ntest \"$1\" = test && test -n \"$OAUTH_CLIENT_SECRET\"\n",
    )
    .unwrap();
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
    output_of(directory, &format!("PATH=$PWD:$PATH\n{}", run.1));
}

#[test]
fn the_session_works_as_it_stands() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let blocks = blocks("Register, serve, get a token");
    let [set_up, address, exchange, answer, check, checked] = blocks.as_slice() else {
        panic!("other blocks than expected: {blocks:?}")
    };
    let set_up_lines = set_up
        .1
        .strip_suffix("\noauthctl serve")
        .expect("the last line serves");
    output_of(directory, set_up_lines);

    // The test takes a free port where the README has the default.
    let mut serve = shell(directory, "exec oauthctl serve");
    serve
        .env("OAUTHCTL_SERVER_LISTEN", "127.0.0.1:0")
        .stderr(Stdio::piped());
    let mut server = Killed(serve.spawn().unwrap());
    let mut first_line = String::new();
    BufReader::new(server.0.stderr.take().unwrap())
        .read_line(&mut first_line)
        .unwrap();
    let here = first_line
        .trim()
        .strip_prefix("listening on http://")
        .expect(&first_line)
        .to_owned();

    let code = sign_in_and_approve(&address.1.replace("127.0.0.1:8420", &here));
    let exchange = exchange
        .1
        .replace("127.0.0.1:8420", &here)
        .replace("code=CODE", &format!("code={code}"));
    let answered = output_of(directory, &exchange.replace("curl ", "curl -sS "));
    assert_shown(&answer.1, &answered);
    assert_shown(&checked.1, &output_of(directory, &check.1));

    let token = answered.split('"').find(|part| part.starts_with("oat_")).unwrap();
    a_resource_server_asks(directory, &here, token);
    a_service_is_protected(directory, &here, token);
}

/// Goes on where the session ended.
fn a_resource_server_asks(directory: &Path, here: &str, token: &str) {
    let blocks = blocks("Ask from a resource server");
    let [ask, told] = blocks.as_slice() else {
        panic!("other blocks than expected: {blocks:?}")
    };
    let ask = ask
        .1
        .replace("127.0.0.1:8420", here)
        .replace("curl ", "curl -sS ");
    assert_shown(&told.1, &output_of(directory, &format!("token={token}\n{ask}")));
}

/// The same with nginx, where there is one.
fn a_service_is_protected(directory: &Path, here: &str, token: &str) {
    let Some(nginx) = program::find("nginx") else {
        return;
    };
    let blocks = blocks("Protect a service");
    let [print, ask, told, change, told_then] = blocks.as_slice() else {
        panic!("other blocks than expected: {blocks:?}")
    };
    let (service, reserved) = (service::Service::start(), program::Reserved::new());
    let front = reserved.address.to_string();
    let print = print
        .1
        .replace("/etc/nginx/conf.d/", "")
        .replace("127.0.0.1:3000", &service.address.to_string())
        .replace(" >", &format!(" --listen {front} >"));
    output_of(
        directory,
        &format!("export OAUTHCTL_SERVER_LISTEN={here}\n{print}"),
    );
    let printed = fs::read_to_string(directory.join("orders.conf")).unwrap();
    let _nginx = program::nginx(&nginx, &printed, reserved);
    for (ask, told) in [(ask, told), (change, told_then)] {
        let ask = ask
            .1
            .replace("127.0.0.1:8080", &front)
            .replace("curl ", "curl -sS ");
        assert_shown(&told.1, &output_of(directory, &format!("token={token}\n{ask}")));
    }
}

/// Plays the browser; the code in the address at which it ends.
fn sign_in_and_approve(address: &str) -> String {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .into();
    let origin = address.split("/authorize").next().unwrap();
    let header = |response: &ureq::http::Response<ureq::Body>, name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let mut response = agent.get(address).call().unwrap();
    let cookie = header(&response, "Set-Cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let mut fields = hidden_fields(&response.body_mut().read_to_string().unwrap());
    fields.extend([
        ("username".into(), "alice".into()),
        ("password".into(), "correct horse battery".into()),
    ]);
    let response = agent
        .post(format!("{origin}/authorize"))
        .header("Cookie", cookie)
        .send_form(fields)
        .unwrap();
    let cookie = header(&response, "Set-Cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let next = header(&response, "Location").unwrap();
    let mut response = agent
        .get(format!("{origin}{next}"))
        .header("Cookie", &cookie)
        .call()
        .unwrap();
    let page = response.body_mut().read_to_string().unwrap();
    let form = page
        .split("<form")
        .find(|form| form.contains("name=\"decision\""))
        .unwrap();
    let mut fields = hidden_fields(form);
    fields.extend([
        ("scope".into(), "orders:read".into()),
        ("decision".into(), "approve".into()),
    ]);
    let response = agent
        .post(format!("{origin}/authorize"))
        .header("Cookie", cookie)
        .send_form(fields)
        .unwrap();
    let end = header(&response, "Location").unwrap();
    assert!(end.starts_with("http://127.0.0.1:9000/cb?code="), "{end}");
    end.split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned()
}

fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let attribute = |input: &str, name: &str| {
        let value = input.split(&format!("{name}=\"")).nth(1)?.split('"').next()?;
        let plain = value
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#x2f;", "/");
        Some(plain.replace("&#x27;", "'").replace("&amp;", "&"))
    };
    html.split("<input")
        .skip(1)
        .map(|input| input.split('>').next().unwrap())
        .filter(|input| input.contains("type=\"hidden\""))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}
