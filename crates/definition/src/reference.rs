//! `$ref` values: which file, which place in it.

use flux_apim_diag::tree::ArtifactPath;
use std::borrow::Cow;

/// What a `$ref` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceTarget<'r> {
    /// A place in the same document: a JSON pointer, decoded from its URI.
    Local(Cow<'r, str>),
    /// A place in another file of the tree.
    File {
        /// Its path in the tree.
        path: String,
        /// A JSON pointer, decoded from its URI.
        pointer: Cow<'r, str>,
    },
    /// Another document that is not in the tree.
    Remote,
    /// A path that leaves the tree.
    Outside,
    /// A name (`#anchor`) instead of a pointer.
    Anchor,
}

/// Reads the `$ref` value `reference` of a document at `from`.
pub fn parse<'r>(reference: &'r str, from: &ArtifactPath) -> ReferenceTarget<'r> {
    let (file, fragment) = match reference.split_once('#') {
        Some((file, fragment)) => (file, percent_decode(fragment)),
        None => (reference, Cow::Borrowed("")),
    };
    if file.is_empty() {
        return if fragment.is_empty() || fragment.starts_with('/') {
            ReferenceTarget::Local(fragment)
        } else {
            ReferenceTarget::Anchor
        };
    }
    if is_absolute(file) {
        return ReferenceTarget::Remote;
    }
    let file = percent_decode(file);
    let mut segments: Vec<&str> = from.parent().split('/').filter(|s| !s.is_empty()).collect();
    for segment in file.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                if segments.pop().is_none() {
                    return ReferenceTarget::Outside;
                }
            }
            name => segments.push(name),
        }
    }
    let path = segments.join("/");
    if path == from.as_str() {
        return ReferenceTarget::Local(fragment);
    }
    ReferenceTarget::File {
        path,
        pointer: fragment,
    }
}

/// A value of a discriminator's mapping is the name of a schema or a reference.
pub(super) fn is_mapping_reference(text: &str) -> bool {
    text.starts_with('#') || text.contains('/') && text.contains('.')
}

/// `https://...`, `file:...`, `//host/...`, `/absolute`, `C:\...`.
fn is_absolute(file: &str) -> bool {
    let scheme = file.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    scheme || file.starts_with('/') || file.starts_with('\\')
}

/// The text that percent-encoded UTF-8 stands for; as it is where it stands for none.
pub(super) fn percent_decode(text: &str) -> Cow<'_, str> {
    let decoded = percent_encoding::percent_decode_str(text);
    decoded.decode_utf8().unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(path: &str, pointer: &'a str) -> ReferenceTarget<'a> {
        ReferenceTarget::File {
            path: path.into(),
            pointer: pointer.into(),
        }
    }

    #[test]
    fn targets() {
        let from = ArtifactPath::parse("apis/a/openapi.yaml").unwrap();
        for (given, target) in [
            ("#/a/b", ReferenceTarget::Local("/a/b".into())),
            (
                "#/a~1b/%7Bid%7D",
                ReferenceTarget::Local("/a~1b/{id}".into()),
            ),
            ("#pet", ReferenceTarget::Anchor),
            ("./x.yaml", file("apis/a/x.yaml", "")),
            ("../b/x.yaml#/c", file("apis/b/x.yaml", "/c")),
            ("../../../x.yaml", ReferenceTarget::Outside),
            ("openapi.yaml#/c", ReferenceTarget::Local("/c".into())),
            ("https://example.com/x.json", ReferenceTarget::Remote),
            ("/etc/passwd", ReferenceTarget::Remote),
            ("file:///etc/passwd", ReferenceTarget::Remote),
        ] {
            assert_eq!(parse(given, &from), target, "{given}");
        }
    }
}
