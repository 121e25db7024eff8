//! An access token for {{ client_id }} from {{ issuer_text }}, with the crate `oauth2`.
//!
//!   cargo add oauth2@5 --no-default-features && cargo add ureq@3
//!   OAUTH_CLIENT_SECRET=… cargo run
//!
//! The access token is printed on stdout, everything else on stderr. A web application has a redirect URI of its own
//! instead of this listener, and keeps state and verifier in the session of its user.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use oauth2::basic::BasicClient;
use oauth2::url::Url;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, PkceCodeChallenge,
    RedirectUrl, Scope, TokenResponse, TokenUrl,
};

const ISSUER: &str = {{ issuer }};
const CLIENT_ID: &str = {{ client_id }};
const SCOPE: &str = {{ scope }};
const REDIRECT_HOST: &str = {{ redirect_host }};
const REDIRECT_PATH: &str = {{ redirect_path }};

fn main() -> ExitCode {
    match access_token() {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("{error}");
            let mut cause = error.source();
            while let Some(why) = cause {
                eprint!(": {why}");
                cause = why.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn access_token() -> Result<String, Box<dyn Error>> {
    let secret = std::env::var("OAUTH_CLIENT_SECRET").unwrap_or_default();
    if secret.is_empty() {
        return Err("OAUTH_CLIENT_SECRET is not set".into());
    }
    let listener = TcpListener::bind(({{ listen_host }}, {{ listen_port }}))?;
    let port = listener.local_addr()?.port();
    let redirect_uri = format!("http://{REDIRECT_HOST}:{port}{REDIRECT_PATH}");
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(secret))
        .set_auth_uri(AuthUrl::new(format!("{ISSUER}/authorize"))?)
        .set_token_uri(TokenUrl::new(format!("{ISSUER}/token"))?)
        .set_redirect_uri(RedirectUrl::new(redirect_uri.clone())?);

    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(SCOPE.split_whitespace().map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    eprintln!("open this in a browser, sign in and approve:\n{url}");

    let at = answer(listener, Url::parse(&redirect_uri)?, state.into_secret())?;
    // RFC 9207: the crate leaves this to its caller, and the error too.
    if parameter(&at, "iss").as_deref() != Some(ISSUER) {
        return Err("the answer is another server's".into());
    }
    if let Some(error) = parameter(&at, "error") {
        return Err(match parameter(&at, "error_description") {
            Some(description) => format!("refused: {error}: {description}").into(),
            None => format!("refused: {error}").into(),
        });
    }
    let code = parameter(&at, "code").ok_or("the answer has neither a code nor an error")?;
    let mut tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .request(&send)?;
    let scope: Vec<&str> = tokens.scopes().into_iter().flatten().map(|scope| scope.as_str()).collect();
    let seconds = tokens.expires_in().unwrap_or_default().as_secs();
    eprintln!("granted: {}, for {seconds} s", scope.join(" "));
    if let Some(refresh_token) = tokens.refresh_token().cloned() {
        tokens = client.exchange_refresh_token(&refresh_token).request(&send)?;
        eprintln!("refreshed");
    }
    Ok(tokens.access_token().secret().to_owned())
}

/// Waits for the browser, with a thread for each connection: browsers open some ahead, and send nothing on them.
fn answer(listener: TcpListener, redirect_uri: Url, state: String) -> Result<Url, mpsc::RecvError> {
    let (sender, answers) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (sender, redirect_uri, state) = (sender.clone(), redirect_uri.clone(), state.clone());
            thread::spawn(move || {
                if let Ok(Some(at)) = serve(&stream, &redirect_uri, &state) {
                    let _ = sender.send(at);
                }
            });
        }
    });
    answers.recv()
}

/// The URL that was asked for, where it has the state that was sent; whatever has another is no answer to this request.
fn serve(mut stream: &TcpStream, redirect_uri: &Url, state: &str) -> io::Result<Option<Url>> {
    let mut line = String::new();
    BufReader::new(stream.take(16 * 1024)).read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or("/");
    let at = redirect_uri.join(target).map_err(io::Error::other)?;
    let is_ours = at.path() == redirect_uri.path() && parameter(&at, "state").as_deref() == Some(state);
    let (status, body) = match (is_ours, parameter(&at, "error")) {
        (false, _) => ("404 Not Found", "not found\n"),
        (true, None) => ("200 OK", "Done. This window can be closed.\n"),
        (true, Some(_)) => ("200 OK", "Not approved. This window can be closed.\n"),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(is_ours.then_some(at))
}

fn parameter(at: &Url, name: &str) -> Option<String> {
    let mut found = at.query_pairs().filter(|(key, _)| key == name);
    found.next().map(|(_, value)| value.into_owned())
}

/// Sends a request of the crate with `ureq`.
fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let (parts, mut body) = config.build().new_agent().run(request)?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}
