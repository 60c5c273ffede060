//! URIs of files and the paths that they name.

/// The path that a `file:` URI names, with `/` between its parts; `None` for others.
pub(crate) fn to_path(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("file://")?;
    let rest = rest.split(['?', '#']).next()?;
    // Another host than this one has the file.
    let path = match rest.strip_prefix("localhost") {
        Some(path) => path,
        None => rest,
    };
    if !path.starts_with('/') {
        return None;
    }
    let path = decode(path)?;
    // `/c:/folder`: a drive.
    let bytes = path.as_bytes();
    let has_drive = bytes.len() > 2 && bytes[1].is_ascii_alphabetic() && bytes[2] == b':';
    Some(match has_drive {
        true => path[1..].replace('\\', "/"),
        false => path,
    })
}

/// The part of `path` below the folder `root`.
pub(crate) fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let root = root.trim_end_matches('/');
    let start = path.get(..root.len())?;
    // The letter of a drive is written in either case.
    let same = match root.as_bytes().get(1) {
        Some(b':') => start.eq_ignore_ascii_case(root),
        _ => start == root,
    };
    let inside = path[root.len()..].strip_prefix('/').filter(|_| same)?;
    (!inside.is_empty()).then_some(inside)
}

/// The URI of the file at `path` below the folder at `root`, itself a URI.
pub(crate) fn join(root: &str, path: &str) -> String {
    let mut uri = root.trim_end_matches('/').to_owned();
    uri.push('/');
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| char::from(*bytes.get(i)?).to_digit(16);
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}
