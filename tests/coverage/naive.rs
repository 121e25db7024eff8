//! What covers what, once more, from the words of the contract: texts and loops, slow and plain, with no code of the
//! program in it.

/// The segments of a path after one percent-decoding; nothing where it is denied.
///
/// "Paths are compared after one percent-decoding and must be in normal form: a path with `..`, `.`, an empty segment,
/// an encoded slash, a backslash, `;` or a control character is denied, not repaired."
pub(crate) fn normal(path: &[u8]) -> Option<Vec<String>> {
    if path.len() > 8192 || path.is_empty() || path[0] != b'/' {
        return None;
    }
    if path == b"/" {
        return Some(Vec::new());
    }
    let mut segments = Vec::new();
    let mut segment: Vec<u8> = Vec::new();
    let mut at = 1;
    loop {
        if at == path.len() || path[at] == b'/' {
            segments.push(segment_text(&segment)?);
            segment.clear();
            if at == path.len() {
                return Some(segments);
            }
            at += 1;
            continue;
        }
        let byte = path[at];
        if byte >= 128 || byte == b'?' || byte == b'#' {
            return None;
        }
        if byte == b'%' {
            let digits = std::str::from_utf8(path.get(at + 1..at + 3)?).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            let decoded = u8::from_str_radix(digits, 16).ok()?;
            if decoded == b'/' {
                return None;
            }
            segment.push(decoded);
            at += 3;
        } else {
            segment.push(byte);
            at += 1;
        }
    }
}

fn segment_text(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8(bytes.to_vec()).ok()?;
    if text.is_empty() || text == "." || text == ".." {
        return None;
    }
    let characters: Vec<char> = text.chars().collect();
    for (at, &c) in characters.iter().enumerate() {
        if c == '\\' || c == ';' || (c as u32) < 32 || (127..160).contains(&(c as u32)) {
            return None;
        }
        let is_digit = |place: usize| characters.get(place).is_some_and(char::is_ascii_hexdigit);
        if c == '%' && is_digit(at + 1) && is_digit(at + 2) {
            return None;
        }
    }
    Some(text)
}

/// Whether a text is a name `folder.subfolder:service`: printable ASCII without what separates elsewhere.
pub(crate) fn is_service(name: &str) -> bool {
    let mut colons = 0;
    let mut in_segment = 0;
    for c in name.chars() {
        if c == ':' || c == '.' {
            if in_segment == 0 || (c == '.' && colons > 0) {
                return false;
            }
            if c == ':' {
                colons += 1;
            }
            in_segment = 0;
        } else if !('!'..='~').contains(&c) || "/\\;?#%*{},\"<>`".contains(c) {
            return false;
        } else {
            in_segment += 1;
        }
    }
    name.len() <= 255 && colons == 1 && in_segment > 0
}

/// "A folder `folder.subfolder` covers every service in it and in folders beneath it."
pub(crate) fn folder_covers(folder: &str, service: &str) -> bool {
    let (its_folder, _) = service.split_once(':').unwrap();
    let folder: Vec<&str> = folder.split('.').collect();
    let its_folder: Vec<&str> = its_folder.split('.').collect();
    if folder.len() > its_folder.len() {
        return false;
    }
    for at in 0..folder.len() {
        if folder[at] != its_folder[at] {
            return false;
        }
    }
    true
}

/// "A request path `/invoke/folder.sub:service` or `/invoke/folder.sub/service` asks for that service."
pub(crate) fn asks_for(segments: &[String]) -> Option<String> {
    if segments.is_empty() || segments[0] != "invoke" {
        return None;
    }
    let name = if segments.len() == 2 {
        segments[1].clone()
    } else if segments.len() == 3 {
        segments[1].clone() + ":" + &segments[2]
    } else {
        return None;
    };
    if is_service(&name) { Some(name) } else { None }
}

/// "A route is `METHOD /path` or `/path` (any method); a segment `{name}` stands for one segment, a last segment `**` for
/// everything beneath (not the path itself). A `GET` route also covers `HEAD`; otherwise methods are equal or not."
pub(crate) fn route_covers(route: &str, method: &str, segments: &[String]) -> bool {
    let mut pattern = route;
    if let Some((own, rest)) = route.split_once(' ') {
        let is_head_by_get = own == "GET" && method == "HEAD";
        if own != method && !is_head_by_get {
            return false;
        }
        pattern = rest;
    }
    let wanted: Vec<&str> = if pattern == "/" {
        Vec::new()
    } else {
        pattern[1..].split('/').collect()
    };
    for (at, want) in wanted.iter().enumerate() {
        if *want == "**" {
            return segments.len() > at;
        }
        if at >= segments.len() {
            return false;
        }
        if want.starts_with('{') {
            continue;
        }
        // A literal is decoded like a path of one segment.
        let literal = normal(format!("/{want}").as_bytes()).unwrap().remove(0);
        if literal != segments[at] {
            return false;
        }
    }
    segments.len() == wanted.len()
}
