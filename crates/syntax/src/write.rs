//! Compact JSON.

use super::document::NodeRef;
use super::node::NodeKind;

/// Appends `text` to `out` as a JSON string: the shortest escapes, everything
/// else raw.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    write_escaped(out, text);
    out.push('"');
}

/// Appends `text` as the inside of a JSON string.
pub fn write_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|b| b < 0x20 || b == b'"' || b == b'\\')
    {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            other => {
                out.push_str("\\u00");
                out.push(char::from_digit(u32::from(other >> 4), 16).unwrap_or('0'));
                out.push(char::from_digit(u32::from(other & 15), 16).unwrap_or('0'));
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// Appends the subtree `node` to `out` as compact JSON, keys in order. Does
/// not recurse.
pub fn write_node(out: &mut String, node: NodeRef<'_>) {
    write_node_while(out, node, |_| true);
}

/// The same, as long as `go_on` says so of what is written, before each value.
/// Whether it was written to the end.
pub fn write_node_while(
    out: &mut String,
    node: NodeRef<'_>,
    mut go_on: impl FnMut(&str) -> bool,
) -> bool {
    // Containers that are open: the index behind their last node, whether an
    // object, and how many nodes they have shown.
    let mut open: Vec<(u32, bool, u32)> = Vec::new();
    let document = node.document();
    for index in node.index()..node.end_index() {
        while let Some(&(end, object, _)) = open.last()
            && end == index
        {
            out.push(if object { '}' } else { ']' });
            open.pop();
        }
        if let Some((_, object, shown)) = open.last_mut() {
            if *shown > 0 {
                out.push(if *object && *shown % 2 == 1 { ':' } else { ',' });
            }
            *shown += 1;
        }
        if !go_on(out) {
            return false;
        }
        let node = document.node(index);
        match node.kind() {
            NodeKind::Null => out.push_str("null"),
            NodeKind::False => out.push_str("false"),
            NodeKind::True => out.push_str("true"),
            NodeKind::Number => out.push_str(node.as_number().unwrap_or("0")),
            NodeKind::String => write_string(out, node.as_str().unwrap_or("")),
            NodeKind::Array | NodeKind::Object => {
                let object = node.kind() == NodeKind::Object;
                out.push(if object { '{' } else { '[' });
                open.push((node.end_index(), object, 0));
            }
        }
    }
    while let Some((_, object, _)) = open.pop() {
        out.push(if object { '}' } else { ']' });
    }
    true
}
