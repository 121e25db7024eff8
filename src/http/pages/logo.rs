//! The picture at the head of each page.

use std::path::Path;

use super::overrides::bounded;

/// The largest picture, in bytes: it stands in every page.
const LARGEST: u64 = 64 * 1024;

/// Reads a picture and gives it as a `data:` URL for `<img>`, where an SVG can run no script and load nothing.
///
/// # Errors
/// Why it cannot be used, in words.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let bytes = bounded(path, LARGEST).map_err(|error| format!("{}: {error}", path.display()))?;
    let kind =
        kind(&bytes).ok_or_else(|| format!("{}: it is neither PNG, JPEG, WebP nor SVG", path.display()))?;
    Ok(format!(
        "data:{kind};base64,{}",
        data_encoding::BASE64.encode(&bytes)
    ))
}

/// The media type, by how the file begins: its name may say anything.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some("image/jpeg");
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let is_xml = ["<?xml", "<!--", "<!DOCTYPE svg"]
        .iter()
        .any(|start| text.starts_with(start));
    (text.starts_with("<svg") || is_xml && text.contains("<svg")).then_some("image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_how_it_begins() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"\x89PNG\r\n\x1a\n....", Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp")),
            (
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                Some("image/svg+xml"),
            ),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg/>",
                Some("image/svg+xml"),
            ),
            (b"<?xml version=\"1.0\"?><html/>", None),
            (b"<html><svg></svg></html>", None),
            (b"GIF89a", None),
            (b"", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logo.png");
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        std::fs::write(&path, &bytes).unwrap();
        assert!(
            read(&path)
                .unwrap()
                .starts_with("data:image/png;base64,iVBORw0KGgo")
        );
        bytes.resize(64 * 1024 + 1, 0);
        std::fs::write(&path, &bytes).unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .ends_with("logo.png: it is longer than 64 KiB")
        );
        assert!(read(directory.path()).unwrap_err().ends_with("it is not a file"));
        assert!(read(&directory.path().join("none")).is_err());
    }
}
