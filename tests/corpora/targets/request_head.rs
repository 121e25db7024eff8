//! Heads of requests: the verdict does not depend on how the bytes arrive, and what is let in is what another, simpler
//! reader finds in the same bytes.

use oauthctl::http::listener::{Head, Limits, Scan};
use oauthctl::http::request::Request;

/// Small bounds, so that a short input can be beyond them.
fn limits() -> Limits {
    Limits {
        head_bytes: 512,
        headers: 16,
        target_bytes: 64,
        body_bytes: 1024,
        ..Limits::default()
    }
}

/// What becomes of the bytes when as many arrive at a time as `pieces` says, over and over: the length of the head, or
/// the refusal; `None` where it does not end.
fn arrive(bytes: &[u8], pieces: &[usize]) -> Option<Result<usize, (u16, &'static str)>> {
    let limits = limits();
    let mut scan = Scan::new();
    let mut arrived = 0;
    for piece in pieces.iter().cycle() {
        arrived = bytes.len().min(arrived + piece.max(&1));
        match scan.advance(&bytes[..arrived], &limits) {
            Ok(None) if arrived == bytes.len() => return None,
            Ok(None) => {}
            Ok(Some(length)) => return Some(Ok(length)),
            Err(refusal) => return Some(Err((refusal.status, refusal.why))),
        }
    }
    None
}

pub(super) fn run(input: &[u8]) {
    // The first byte says in what pieces the others arrive.
    let Some((&piece, bytes)) = input.split_first() else {
        return;
    };
    let whole = arrive(bytes, &[bytes.len()]);
    let pieces = [usize::from(piece & 15), usize::from(piece >> 4)];
    assert_eq!(whole, arrive(bytes, &[1]), "byte by byte");
    assert_eq!(whole, arrive(bytes, &pieces), "in pieces of {pieces:?}");
    let length = match whole {
        None => return assert!(bytes.len() <= limits().head_bytes),
        Some(Err((status, why))) => return assert_refusal(status, why),
        Some(Ok(length)) => length,
    };
    assert!(length <= limits().head_bytes);
    let bytes = &bytes[..length];
    match Head::parse(bytes, &limits()) {
        Err(refusal) => assert_refusal(refusal.status, refusal.why),
        Ok(head) => assert_head(bytes, head),
    }
}

fn assert_refusal(status: u16, why: &str) {
    assert!(
        [400, 411, 413, 414, 417, 431, 501, 505].contains(&status),
        "{status}"
    );
    super::assert_message(why);
}

/// Reads the head again, with nothing but cuts at line ends, spaces and colons.
fn assert_head(bytes: &[u8], head: Head) {
    let limits = limits();
    let text = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let text = text.strip_suffix(b"\r\n\r\n").unwrap();
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = str::from_utf8(lines.next().unwrap())
        .unwrap()
        .trim_end_matches('\r');
    let [method, target, version] = first.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{first:?}");
    };
    let fields: Vec<(&str, &[u8])> = lines.map(field).collect();
    assert!(["HTTP/1.1", "HTTP/1.0"].contains(&version));
    assert!(!method.is_empty() && !method.contains(|c: char| c.is_ascii_lowercase()));
    assert!(target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
    assert!(target.len() <= limits.target_bytes && fields.len() <= limits.headers);

    let count = |name: &str| {
        fields
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .count()
    };
    assert_eq!(count("Transfer-Encoding"), 0);
    assert!(count("Content-Length") <= 1 && count("Authorization") <= 1);
    assert!(count("Host") == 1 || (version == "HTTP/1.0" && count("Host") == 0));
    assert!(head.body_bytes <= limits.body_bytes);

    let body_bytes = head.body_bytes;
    let request: Request = head.request.build();
    assert_eq!(request.method(), method);
    let query = request.query();
    let again = if target.contains('?') {
        format!("{}?{query}", request.path())
    } else {
        request.path().to_owned()
    };
    assert_eq!(again, target);
    for (name, value) in &fields {
        assert!(request.headers_named(name).any(|found| found == *value), "{name}");
        assert_eq!(request.headers_named(name).count(), count(name));
        assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)));
    }
    let announced = fields
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
    let announced = announced.map_or(0, |(_, digits)| str::from_utf8(digits).unwrap().parse().unwrap());
    assert_eq!(body_bytes, announced);
}

/// A header line without its line feed, cut at its first colon.
fn field(line: &[u8]) -> (&str, &[u8]) {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let colon = line.iter().position(|byte| *byte == b':').unwrap();
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let value = &line[colon + 1..];
    let before = value.iter().take_while(blank).count();
    let after = value[before..].iter().rev().take_while(blank).count();
    (
        str::from_utf8(&line[..colon]).unwrap(),
        &value[before..value.len() - after],
    )
}
