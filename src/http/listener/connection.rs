//! The life of one connection: read a request, hand it over, write the answer, and again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Service;
use super::head::{Head, Persistence, Scan};
use super::limits::Limits;
use super::open::Place;
use super::refusal::Refusal;
use super::render::render;
use super::session::NoTls;
use super::wire::{Broken, Wire};
use crate::clock::Deadline;
use crate::http::request::Request;
use crate::http::request_id::{REQUEST_ID, RequestId};
use crate::http::response::Response;

/// What an HTTP/1.1 peer that expects it gets before it sends its body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Serves a connection to its end.
pub(super) fn serve(place: &Place, service: &Service) {
    let limits = &service.limits;
    let Some(wire) = begin(place, service) else { return };
    let mut conversation = Conversation {
        wire,
        buffer: Vec::new(),
        place,
        service,
        id: RequestId::default(),
    };
    let mut left = limits.requests_per_connection.max(1);
    let end = loop {
        left -= 1;
        match conversation.exchange(left == 0) {
            Ok(()) => {}
            Err(end) => break end,
        }
    };
    match end {
        End::Gone => conversation.wire.close(),
        End::Answered => conversation.wire.linger(),
        // With TLS not even the word that it ends: a network that breaks does not send one either.
        End::Lost => drop(conversation),
        End::Refused(refusal) => {
            let without_body = conversation.buffer.starts_with(b"HEAD ");
            let id = conversation.id;
            service.refused.count(refusal.status);
            id.span().in_scope(|| {
                tracing::debug!(peer = %place.connection.peer, status = refusal.status, why = refusal.why, "refused");
            });
            refuse(conversation.wire, refusal, service, without_body, id);
        }
    }
}

/// The connection as requests are read from it: with TLS after the handshake. `None` where it is at its end.
fn begin<'a>(place: &'a Place, service: &Service) -> Option<Wire<'a>> {
    let stream = &place.connection.stream;
    let Some(tls) = &service.tls else {
        return Some(Wire::plain(stream));
    };
    let (reason, wire) = match Wire::encrypted(stream, tls.config(), service.limits.head_time) {
        Ok(wire) => return Some(wire),
        Err(refused) => refused,
    };
    let peer = place.connection.peer;
    match reason {
        NoTls::Spoken => {
            tracing::debug!(%peer, "refused: a request without TLS");
            service.refused.count(Refusal::NO_TLS.status);
            if let Ok(bytes) = render(&Refusal::NO_TLS.response(), Some("close"), false, None) {
                end_with(wire, &bytes, &service.limits);
            }
        }
        NoTls::Refused(error) => {
            tracing::debug!(%peer, %error, "a TLS handshake failed");
            // The peer is to read the alert.
            wire.linger();
        }
        NoTls::Broken(broken) => tracing::debug!(%peer, ?broken, "a TLS handshake broke off"),
    }
    None
}

/// Answers with a refusal and ends the connection.
pub(super) fn refuse(wire: Wire<'_>, refusal: Refusal, service: &Service, without_body: bool, id: RequestId) {
    let hsts = service.strict_transport_security();
    let response = refusal.response().header(REQUEST_ID, id.header());
    if let Ok(bytes) = render(&response, Some("close"), without_body, hsts) {
        end_with(wire, &bytes, &service.limits);
    }
}

/// Writes the last answer.
fn end_with(mut wire: Wire<'_>, bytes: &[u8], limits: &Limits) {
    if wire.write(limits.write_time, bytes).is_ok() {
        wire.linger();
    }
}

/// Why a connection ends.
enum End {
    /// There is nobody to tell anything: the peer has closed, or has said nothing for too long, or cannot be reached.
    Gone,
    /// The last answer is out.
    Answered,
    /// The answer is to be lost, and the connection with it.
    Lost,
    /// The peer is to be told, and that is the end.
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What becomes of a connection on which a request broke off.
fn broke_off(broken: Broken) -> End {
    match broken {
        Broken::TimedOut => End::Refused(Refusal::TIMED_OUT),
        // It may have closed its own direction only, and still read.
        Broken::Ended => End::Refused(Refusal::malformed("the request ended too early")),
        Broken::Failed => End::Gone,
    }
}

struct Conversation<'a> {
    wire: Wire<'a>,
    /// What has arrived and belongs to no request yet. Peers may send the next request before they have read the
    /// answer to the last (RFC 9112 §9.3.2): its beginning stays here.
    buffer: Vec<u8>,
    place: &'a Place,
    service: &'a Service,
    /// What the request that is being read is called.
    id: RequestId,
}

impl Conversation<'_> {
    /// One request and its answer. `Ok` where the connection goes on.
    fn exchange(&mut self, last: bool) -> Result<(), End> {
        let head = self.head()?;
        let body = self.body(&head)?;
        let request = head
            .request
            .body(body)
            .peer(self.place.connection.peer)
            .id(self.id)
            .build();
        if !self.place.begins_work() {
            return Err(End::Gone);
        }

        let without_body = request.method() == "HEAD";
        let (response, panicked) = self.id.span().in_scope(|| self.handle(request));
        if response.is_lost() {
            return Err(End::Lost);
        }
        let response = response.header(REQUEST_ID, self.id.header());
        let connection = match head.persistence {
            _ if last || panicked || self.place.stopping() => Some("close"),
            Persistence::Close => Some("close"),
            Persistence::Keep => None,
            Persistence::KeepAndSay => Some("keep-alive"),
        };
        let hsts = self.service.strict_transport_security();
        let bytes = render(&response, connection, without_body, hsts).map_err(|_| End::Gone)?;
        if !self.place.begins_answer() {
            return Err(End::Gone);
        }
        self.wire
            .write(self.service.limits.write_time, &bytes)
            .map_err(|_| End::Gone)?;
        if connection == Some("close") {
            Err(End::Answered)
        } else {
            Ok(())
        }
    }

    /// Waits for a request and reads its head.
    fn head(&mut self) -> Result<Head, End> {
        if self.buffer.is_empty() {
            // A connection that waits costs its thread, and no memory for what it once received.
            self.buffer = Vec::new();
            if !self.place.may_wait() {
                return Err(End::Answered);
            }
            self.wire
                .read_for(self.service.limits.idle_time, &mut self.buffer, usize::MAX)
                .map_err(|_| End::Gone)?;
        }
        if !self.place.begins_request() {
            return Err(End::Gone);
        }
        self.id = self.service.request_ids.next();
        let deadline = Deadline::after(self.service.limits.head_time);
        let mut scan = Scan::new();
        let length = loop {
            if let Some(length) = scan.advance(&self.buffer, &self.service.limits)? {
                break length;
            }
            self.wire
                .read_until(deadline, &mut self.buffer, usize::MAX)
                .map_err(broke_off)?;
        };
        let head = Head::parse(
            self.buffer.get(..length).unwrap_or_default(),
            &self.service.limits,
        )?;
        self.buffer.drain(..length);
        Ok(head)
    }

    /// Reads the body that the head has announced, and not a byte more.
    fn body(&mut self, head: &Head) -> Result<Vec<u8>, End> {
        let here = self.buffer.len().min(head.body_bytes);
        let mut body: Vec<u8> = self.buffer.drain(..here).collect();
        if body.len() < head.body_bytes && body.is_empty() && head.expects_continue {
            self.wire
                .write(self.service.limits.write_time, CONTINUE)
                .map_err(|_| End::Gone)?;
        }
        let deadline = Deadline::after(self.service.limits.body_time);
        while body.len() < head.body_bytes {
            let missing = head.body_bytes - body.len();
            self.wire
                .read_until(deadline, &mut body, missing)
                .map_err(broke_off)?;
        }
        Ok(body)
    }

    /// Has the request handled. A handler that panics costs the peer its answer, and nobody else anything.
    fn handle(&self, request: Request) -> (Response, bool) {
        // Nothing of ours is left half changed: the handler has the request for itself. What it shares with other
        // threads it guards with locks, which tell of a panic.
        catch_unwind(AssertUnwindSafe(|| self.service.handler.handle(request))).map_or_else(
            |_| {
                // Which request it was, its lines tell: not its path, which may be anything.
                tracing::error!("a request made its handler panic");
                let sorry = Response::text(500, "the server failed to answer this request\n");
                (sorry, true)
            },
            |response| (response, false),
        )
    }
}
