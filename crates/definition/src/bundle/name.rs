//! Pointers into documents, and names of components.

use flux_apim_syntax::NodeRef;

pub(super) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// The JSON pointer of a node in its document.
pub(super) fn pointer_to(target: NodeRef<'_>) -> String {
    let mut pointer = String::new();
    let mut node = target.document().root();
    while node.index() != target.index()
        && let Some(way) = node.way_to(target)
    {
        pointer.push('/');
        match way.key {
            Some(key) => pointer.push_str(&escape(key.as_str().unwrap_or(""))),
            None => pointer.push_str(&way.position.to_string()),
        }
        node = way.value;
    }
    pointer
}

/// A name for the component made of `target`: the last word of its place, or
/// the name of its file.
pub(super) fn component_name(file: &str, target: NodeRef<'_>) -> String {
    let pointer = pointer_to(target);
    let word = match pointer.rsplit_once('/') {
        Some((_, word)) if !word.is_empty() => word,
        _ => file.split_once('.').map_or(file, |(stem, _)| stem),
    };
    let name: String = word
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        "schema".to_owned()
    } else {
        name
    }
}
