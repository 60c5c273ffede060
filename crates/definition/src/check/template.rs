//! Path templates.

use std::collections::HashSet;

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault<'p> {
    Unclosed,
    Unopened,
    Empty,
    Twice(&'p str),
}

/// The names between the braces of `path`, in order.
///
/// # Errors
/// The first fault of it.
pub(super) fn names(path: &str) -> Result<Vec<&str>, Fault<'_>> {
    let mut names: Vec<&str> = Vec::new();
    let mut known = HashSet::new();
    let mut rest = path;
    while let Some(at) = rest.find(['{', '}']) {
        let Some(inside) = rest[at..].strip_prefix('{') else {
            return Err(Fault::Unopened);
        };
        let end = inside.find(['{', '}']).ok_or(Fault::Unclosed)?;
        if inside.as_bytes()[end] == b'{' {
            return Err(Fault::Unclosed);
        }
        let name = &inside[..end];
        if name.is_empty() {
            return Err(Fault::Empty);
        }
        if !known.insert(name.to_lowercase()) {
            return Err(Fault::Twice(name));
        }
        names.push(name);
        rest = &inside[end + 1..];
    }
    Ok(names)
}

/// `path` with nothing between its braces: what is one address to API Management.
pub(super) fn signature(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => {
                inside = true;
                out.push('{');
            }
            '}' => {
                inside = false;
                out.push('}');
            }
            _ if inside => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Fault, names, signature};

    #[test]
    fn templates() {
        assert_eq!(names("/a/{b}/c({d})"), Ok(vec!["b", "d"]));
        for (path, fault) in [
            ("/a/{b", Fault::Unclosed),
            ("/a/{b/{c}", Fault::Unclosed),
            ("/a/b}", Fault::Unopened),
            ("/a/{}", Fault::Empty),
            ("/{a}/{A}", Fault::Twice("A")),
        ] {
            assert_eq!(names(path), Err(fault), "{path}");
        }
        assert_eq!(signature("/a/{b}/C({d})"), "/a/{}/C({})");
    }
}
