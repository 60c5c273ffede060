//! Names as Kubernetes takes them (DNS-1123). They become parts of paths, of folders
//! and of the API server's: `.` and `..` are none.

/// Whether `text` can be the name of a namespace: a label.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// Whether `text` can be the name of an object: labels, which may be longer here, with
/// dots between them.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let outer = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(outer)
        && bytes.last().is_some_and(outer)
        && bytes.iter().all(|b| outer(b) || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubernetes() {
        let long = "a".repeat(254);
        for (name, label, subdomain) in [
            ("contoso", true, true),
            ("a", true, true),
            ("0-a", true, true),
            ("a.b", false, true),
            ("a.0.c-d", false, true),
            (&long[..63], true, true),
            (&long[..64], false, true),
            (&long[..253], false, true),
            (&long, false, false),
            ("", false, false),
            (".", false, false),
            ("..", false, false),
            ("a.", false, false),
            (".a", false, false),
            ("a..b", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a-.b", false, false),
            ("A", false, false),
            ("a/b", false, false),
            ("a%2fb", false, false),
            ("a_b", false, false),
            ("ä", false, false),
            ("a\n", false, false),
        ] {
            assert_eq!(is_label(name), label, "{name:?}");
            assert_eq!(is_subdomain(name), subdomain, "{name:?}");
        }
    }
}
