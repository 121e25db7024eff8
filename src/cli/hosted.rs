//! A listener in a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::http::listener::{Handler, Limits, Listener, Stop};

/// Binds a free port of 127.0.0.1.
pub(super) fn bind(limits: Limits) -> io::Result<(Listener, SocketAddr)> {
    let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), limits)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A listener that serves until this is dropped.
#[derive(Debug)]
pub(super) struct Hosted {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Hosted {
    pub(super) fn start(listener: Listener, handler: Arc<dyn Handler>) -> io::Result<Self> {
        let stop = listener.stop_handle();
        let thread = thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || listener.run(handler))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // One that panicked has stopped too.
            let _ = thread.join();
        }
    }
}
