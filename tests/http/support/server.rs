//! The server as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::home::{Client, Home};
use super::http::{Answer, PATIENCE, encode, send};

/// `oauthctl serve` on a port of its own, over a home of its own; killed when the test ends.
pub(crate) struct Server {
    pub(crate) home: Home,
    /// Where it listens, such as `http://127.0.0.1:40000`.
    pub(crate) base: String,
    child: Child,
    written: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Over a furnished home.
    pub(crate) fn start() -> Self {
        Self::over(Home::furnished())
    }

    /// Over this home.
    pub(crate) fn over(home: Home) -> Self {
        Self::with(home, |command| command)
    }

    /// Over this home, with what is added to the command.
    pub(crate) fn with(home: Home, adjust: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = home.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        adjust(&mut command);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let written = Arc::new(Mutex::new(String::new()));
        let base = loop {
            let mut line = String::new();
            let read = stderr.read_line(&mut line).unwrap();
            written.lock().unwrap().push_str(&line);
            assert_ne!(read, 0, "the server ended: {}", written.lock().unwrap());
            if let Some(base) = line.strip_prefix("listening on ") {
                break base.trim().to_owned();
            }
        };
        let log = Arc::clone(&written);
        let reader = thread::spawn(move || {
            for line in stderr.lines() {
                let mut log = log.lock().unwrap();
                log.push_str(&line.unwrap());
                log.push('\n');
            }
        });
        Self {
            home,
            base,
            child,
            written,
            reader: Some(reader),
        }
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    /// `GET`, with these header fields.
    #[track_caller]
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        send("GET", &self.url(path), headers, None)
    }

    /// As [`get`](Self::get), again and again until the answer has this status.
    #[track_caller]
    pub(crate) fn get_until(&self, path: &str, status: u16) -> Answer {
        wait_for(|| Some(self.get(path, &[])).filter(|answer| answer.status == status))
    }

    /// What has been written to stderr by now.
    pub(crate) fn log(&self) -> String {
        self.written.lock().unwrap().clone()
    }

    /// The rest of the line on stderr that begins like this, once it is there.
    #[track_caller]
    pub(crate) fn told(&self, start: &str) -> String {
        wait_for(|| {
            let log = self.log();
            let mut rests = log.lines().filter_map(|line| line.strip_prefix(start));
            rests.next().map(str::to_owned)
        })
    }

    /// The first line on stderr that has this in it, once it is there: the log is written aside of the answers.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        wait_for(|| {
            let log = self.log();
            log.lines().find(|line| line.contains(text)).map(str::to_owned)
        })
    }

    /// `POST` of a form by a client that authenticates with Basic.
    #[track_caller]
    pub(crate) fn post(&self, path: &str, client: &Client, form: &[(&str, &str)]) -> Answer {
        let authorization = [("Authorization", client.basic())];
        let headers = authorization
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        send("POST", &self.url(path), &headers, Some(&encode(form)))
    }

    /// Whether a token opens the service `orders:list`: what stage 8 says.
    #[track_caller]
    pub(crate) fn opens(&self, access_token: &str) -> bool {
        let bearer = format!("Bearer {access_token}");
        let answer = self.get("/check?service=orders:list", &[("Authorization", &bearer)]);
        assert!(matches!(answer.status, 200 | 401), "{answer:?}");
        answer.status == 200
    }

    /// Sends a signal by its name, such as `TERM`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// Stops it as one should: how it ended, everything that it wrote to stderr, and its home.
    pub(crate) fn stop(self) -> (ExitStatus, String, Home) {
        self.signal("TERM");
        self.ended()
    }

    /// As [`stop`](Self::stop), after another signal.
    pub(crate) fn ended(mut self) -> (ExitStatus, String, Home) {
        let status = self.wait();
        let written = self.written.lock().unwrap().clone();
        let home = std::mem::replace(&mut self.home, Home::empty());
        (status, written, home)
    }
}

/// Asks again until there is something; it is a test that fails where there is nothing for ever.
#[track_caller]
pub(crate) fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let pause = Duration::from_millis(20);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        if let Some(found) = ask() {
            return found;
        }
        thread::sleep(pause);
    }
    panic!("it did not come about");
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test waited for that.
        let _ = self.child.kill();
        self.wait();
        let written = self.written.lock().unwrap();
        assert!(
            !written.contains("panicked") || thread::panicking(),
            "the server panicked: {written}"
        );
    }
}
