//! An authorization server that is not ours: metadata as OpenID Connect has it, an issuer that ends with a slash, secrets in
//! the body, no `iss`, and refresh tokens that stay the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use oauthctl::http::listener::{Limits, Listener, Stop};
use oauthctl::http::request::Request;
use oauthctl::http::response::Response;
use serde_json::json;

/// Answers until it is dropped.
pub(crate) struct OtherServer {
    /// Such as `http://127.0.0.1:40000/tenant/`.
    pub(crate) issuer: String,
    /// The bodies that came to the token endpoint.
    pub(crate) bodies: Arc<Mutex<Vec<String>>>,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl OtherServer {
    pub(crate) fn start() -> Self {
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Limits::default()).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{base}/tenant/");
        let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop = listener.stop_handle();
        let (told, seen) = (issuer.clone(), Arc::clone(&bodies));
        let handler = move |request: Request| match (request.method(), request.path()) {
            ("GET", "/tenant/.well-known/openid-configuration") => Response::json(
                200,
                &json!({
                    "issuer": told,
                    "authorization_endpoint": format!("{base}/go?tenant=a"),
                    "token_endpoint": format!("{base}/token"),
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }),
            ),
            ("POST", "/token") => {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                assert!(request.header("Authorization").is_none());
                let is_first = body.contains("authorization_code");
                seen.lock().unwrap().push(body);
                let mut tokens = json!({ "access_token": "a", "token_type": "bearer", "expires_in": "60" });
                if is_first {
                    tokens["refresh_token"] = "r".into();
                    tokens["id_token"] = "i".into();
                }
                Response::json(200, &tokens)
            }
            // A page for whatever it does not know.
            _ => Response::text(200, "<html>Welcome"),
        };
        let thread = thread::spawn(move || listener.run(Arc::new(handler)));
        Self {
            issuer,
            bodies,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for OtherServer {
    fn drop(&mut self) {
        self.stop.stop();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
