//! An access token for {{ client_id }} from {{ issuer_text }}, with the crate `oauth2`.
//!
//!   cargo add oauth2@5 --no-default-features && cargo add ureq@3
//!   OAUTH_CLIENT_SECRET=… cargo run
//!
//! The access token is printed on stdout, everything else on stderr. A web application has a redirect URI of its own
//! instead of this listener, and keeps state and verifier in the session of its user.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

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

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(({{ listen_host }}, 0))?;
    let port = listener.local_addr()?.port();
    let redirect_uri = format!("http://{REDIRECT_HOST}:{port}{REDIRECT_PATH}");
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(std::env::var("OAUTH_CLIENT_SECRET")?))
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

    let code = code(&listener, &Url::parse(&redirect_uri)?, state.secret())?;
    let mut tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .request(&send)?;
    eprintln!("granted: {:?}, for {:?}", tokens.scopes(), tokens.expires_in());
    if let Some(refresh_token) = tokens.refresh_token().cloned() {
        tokens = client.exchange_refresh_token(&refresh_token).request(&send)?;
        eprintln!("refreshed");
    }
    println!("{}", tokens.access_token().secret());
    Ok(())
}

/// Waits for the browser, and looks at the state and at the issuer (RFC 9207), which the crate leaves to its caller.
fn code(listener: &TcpListener, redirect_uri: &Url, state: &str) -> Result<String, Box<dyn Error>> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        let at = redirect_uri.join(line.split(' ').nth(1).unwrap_or("/"))?;
        let get = |name: &str| {
            let mut found = at.query_pairs().filter(|(key, _)| key == name);
            found.next().map(|(_, value)| value.into_owned())
        };
        if at.path() != redirect_uri.path() || get("state").as_deref() != Some(state) {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
            continue;
        }
        let body = "Done. This window can be closed.\n";
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )?;
        if get("iss").as_deref() != Some(ISSUER) {
            return Err("the answer is another server's".into());
        }
        return get("code").ok_or_else(|| get("error").unwrap_or_default().into());
    }
    Err("the listener ended".into())
}

/// Sends a request of the crate with `ureq`.
fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let (parts, mut body) = config.build().new_agent().run(request)?.into_parts();
    Ok(HttpResponse::from_parts(parts, body.read_to_vec()?))
}
