//! A resource server behind nginx, for whoever develops one: a development server, what `example nginx` prints for it, the
//! token of a recipe, and a service in a few lines of Python.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::{Ended, Waiting, output};
use crate::proxy::{self, Reserved};
use crate::recipes::Kind;
use crate::support::browser::Browser;
use crate::support::flow::approve;
use crate::support::form::Form;
use crate::support::home::Home;
use crate::support::http::{Answer, send};
use crate::support::server::{Server, wait_for};

/// It answers with the request, and with who nginx says it is.
const SERVICE: &str = r#"
import http.server, json

class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {name: value for name, value in self.headers.items() if name.startswith("X-OAuth-")}
        body = json.dumps({"path": self.path, **told}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// The service, until the test ends.
struct Service {
    child: Child,
    origin: String,
}

impl Service {
    fn start(python: &Path) -> Self {
        let mut child = Command::new(python)
            .args(["-c", SERVICE])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut port).unwrap();
        let origin = format!("http://127.0.0.1:{}", port.trim());
        Self { child, origin }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A development server, and a file with the variables that it prints.
fn development() -> Server {
    let home = Home::empty();
    let variables = home.database().with_file_name("env");
    let printed = fs::File::create(&variables).unwrap();
    let directory = home.database().parent().unwrap().to_owned();
    let server = Server::with(home, |command| {
        command.arg("--dev").stdout(printed).env("TMPDIR", directory)
    });
    wait_for(|| {
        let text = fs::read_to_string(&variables).ok()?;
        text.contains("OAUTHCTL_DATABASE=").then_some(())
    });
    server
}

/// A script in a shell that has read the variables, and in which `oauthctl` is this program.
fn shell(server: &Server, script: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_oauthctl"));
    let mut search = program.parent().unwrap().as_os_str().to_owned();
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command
        .args(["-euc", &format!("set -a; . ./env; set +a; {script}")])
        .current_dir(server.home.database().parent().unwrap())
        .env_clear()
        .env("PATH", search);
    command
}

#[track_caller]
fn said(server: &Server, script: &str) -> String {
    let ended = output(&mut shell(server, script), "");
    assert_eq!(ended.code, Some(0), "{script}: {ended:?}");
    ended.stdout
}

/// The token that the recipe for curl gets, once alice has approved.
fn token(server: &Server) -> String {
    let script = "oauthctl example client --for curl >curl.sh; sh curl.sh";
    let mut waiting = Waiting::start(&mut shell(server, script));
    let password = said(server, r#"printf %s "$OAUTH_PASSWORD""#);
    let mut browser = Browser::at(server);
    let form = Form::with(&browser.open("/account").body, "password")
        .fill("username", "alice")
        .fill("password", &password);
    assert_eq!(browser.submit(&form).status, 303);
    let location = approve(&mut browser, waiting.path(&server.base))
        .location()
        .to_owned();
    waiting.type_line(&location);
    let Ended { code, stdout, stderr } = waiting.end();
    assert_eq!(code, Some(0), "{stderr}");
    let response: Value = serde_json::from_str(&stdout).unwrap();
    response["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn behind_nginx() {
    let (Some(nginx), Some(python)) = (proxy::find("nginx"), Kind::Curl.program("python3")) else {
        return;
    };
    let (Some(_), Some(_)) = (Kind::Curl.program("curl"), Kind::Curl.program("openssl")) else {
        return;
    };
    let server = development();
    let service = Service::start(&python);
    let reserved = Reserved::new();
    let at = reserved.address;
    let printed = said(
        &server,
        &format!(
            "oauthctl example nginx --listen {at} --service {}",
            service.origin
        ),
    );
    let _running = proxy::nginx(&nginx, &printed, reserved);

    let token = token(&server);
    let authorization = format!("Bearer {token}");
    let ask = |path: &str, headers: &[(&str, &str)]| -> Answer {
        send("GET", &format!("http://{at}{path}"), headers, None)
    };
    let bearer = [
        ("Authorization", authorization.as_str()),
        // Who lies is not believed.
        ("X-OAuth-Owner", "root"),
    ];

    let allowed = ask("/orders/17", &bearer);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    let seen = allowed.json();
    let grant = seen["X-OAuth-Grant"].as_str().unwrap();
    for (name, value) in [
        ("path", "/orders/17"),
        ("X-OAuth-Client", "dev-client"),
        ("X-OAuth-Owner", "alice"),
        ("X-OAuth-Scope", "orders:read orders:write profile"),
    ] {
        assert_eq!(seen[name], value, "{seen}");
    }
    for (path, headers, status, challenge) in [
        ("/stock", &bearer[..], 403, "insufficient_scope"),
        ("/orders/17", &[], 401, "Bearer realm="),
        (
            "/orders/17",
            &[("Authorization", "Bearer nonsense")],
            401,
            "invalid_token",
        ),
    ] {
        let answer = ask(path, headers);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let told = answer.header("WWW-Authenticate").unwrap();
        assert!(told.contains(challenge), "{path}: {told}");
    }

    said(&server, &format!("oauthctl dev revoke {grant}"));
    let revoked = ask("/orders/17", &bearer);
    assert_eq!(revoked.status, 401, "{revoked:?}");
    let told = revoked.header("WWW-Authenticate").unwrap();
    assert!(told.contains("invalid_token"), "{told}");
}

/// The variables name the server of the command, wherever the settings have theirs.
#[test]
fn each_proxy_asks_the_server_of_the_variables() {
    let home = Home::empty();
    for proxy in [
        "nginx",
        "caddy",
        "traefik --host a.example",
        "apache --scope profile",
    ] {
        let script = format!(r#"printf '%s\n' "$OAUTH_ISSUER"; exec "$oauthctl" example {proxy}"#);
        let mut command = home.command();
        command
            .args(["run", "--", "sh", "-c", &script])
            .env("PATH", "/usr/bin:/bin")
            .env("oauthctl", env!("CARGO_BIN_EXE_oauthctl"));
        let ended = output(&mut command, "");
        assert_eq!(ended.code, Some(0), "{proxy}: {ended:?}");
        let (issuer, printed) = ended.stdout.split_once('\n').unwrap();
        assert!(
            printed.contains(issuer.strip_prefix("http://").unwrap()),
            "{proxy}: {printed}"
        );
        assert!(!printed.contains("8420"), "{proxy}: {printed}");
    }
    // A name of one's own with TLS is for others; this machine goes by the address.
    let printed = |args: &[&str]| {
        let mut command = home.command();
        command
            .args(["example", "nginx"])
            .args(args)
            .env("OAUTHCTL_SERVER_ISSUER", "https://id.example/oauth");
        output(&mut command, "").stdout
    };
    let own = "nginx asks http://127.0.0.1:8420/oauth/check";
    assert!(printed(&[]).contains(own));
    assert!(printed(&["--issuer", "https://id.example/oauth"]).contains(own));
    let other = printed(&["--issuer", "https://other.example/a"]);
    assert!(
        other.contains("nginx asks https://other.example:443/a/check"),
        "{other}"
    );
}
