//! PEM blocks, read leniently: text around them, CRLF, several blocks.
//!
//! The crates for PEM leave the bytes of a private key in memory that is freed; here they
//! are overwritten.

use super::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Key files are small.
const MAX: usize = 64 << 10;

/// The first block of `text` whose label is one of `labels`.
pub(super) fn read<'l>(
    text: &[u8],
    labels: &[&'l str],
    expected: &'static str,
) -> Result<(&'l str, Zeroizing<Vec<u8>>), Error> {
    let not = |found: String| Error::NotAKey { expected, found };
    if text.len() > MAX {
        return Err(not(format!("{} bytes", text.len())));
    }
    let text = std::str::from_utf8(text).map_err(|_| not("bytes that are no text".to_owned()))?;
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((label, body)) = after.split_once("-----") else {
            break;
        };
        let end = format!("-----END {label}-----");
        let Some((body, after)) = body.split_once(end.as_str()) else {
            return Err(Error::Damaged(format!(
                "the block `{}` does not end",
                crate::diag::excerpt(label, 40)
            )));
        };
        if let Some(label) = labels.iter().find(|known| **known == label) {
            let packed: Zeroizing<String> =
                Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
            let bytes = STANDARD
                .decode(packed.as_bytes())
                .map_err(|_| Error::Damaged(format!("the block `{label}` is no base64")))?;
            return Ok((label, Zeroizing::new(bytes)));
        }
        found.push(format!("`{}`", crate::diag::excerpt(label, 40)));
        rest = after;
    }
    Err(not(match found.is_empty() {
        true => "no PEM block".to_owned(),
        false => format!("the PEM blocks {}", found.join(", ")),
    }))
}

/// A block, in lines of 64 characters.
pub(super) fn write(label: &str, bytes: &[u8]) -> String {
    let packed = Zeroizing::new(STANDARD.encode(bytes));
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = packed.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}
