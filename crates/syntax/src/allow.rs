//! The key `x-flux-apim-allow`: what a document says to this program alone. It is taken
//! out of the tree, so that nothing that is made of the document has it.

use super::node::{Node, NodeKind, Texts, clamp, text_of};
use flux_apim_diag::Span;
use flux_apim_diag::tree::FileId;

/// The key under which JSON says what it allows.
pub const ALLOW: &str = "x-flux-apim-allow";

/// An object that had the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// The object around it.
    pub object: Span,
    /// Whether that is the whole document.
    pub is_root: bool,
    /// Where the key stands.
    pub key: Span,
    /// Where its value stands.
    pub value: Span,
    /// The names in its value with their texts; none when the value is no object of
    /// strings.
    pub names: Option<Vec<Name>>,
}

/// A name and the text beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Code or name of the rule that is allowed.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// Why, and until when.
    pub text: String,
}

/// An object or array that is being copied.
struct Open {
    /// Behind its last node in the old order.
    end: usize,
    /// In the new order.
    index: usize,
    is_object: bool,
    /// Whether a key comes next.
    key: bool,
}

/// Takes every entry under [`ALLOW`] out of `nodes`, which are copied for it.
pub(super) fn take(file: FileId, source: &str, texts: &Texts, nodes: &mut Vec<Node>) -> Vec<Allow> {
    let old = std::mem::take(nodes);
    let mut taken = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while at < old.len() {
        while let Some(last) = open.last()
            && last.end <= at
        {
            close(nodes, last);
            open.pop();
        }
        let node = old[at];
        let mut is_key = false;
        if let Some(last) = open.last_mut() {
            is_key = last.is_object && last.key;
            last.key = !last.key;
        }
        if is_key && text_of(&node, source, texts) == ALLOW && at + 1 < old.len() {
            let value = at + 1..at + 1 + old[at + 1].size() as usize;
            if let Some(last) = open.last_mut() {
                let object = span(file, &nodes[last.index]);
                taken.push(Allow {
                    object,
                    is_root: last.index == 0,
                    key: span(file, &node),
                    value: span(file, &old[at + 1]),
                    names: names(file, source, texts, &old[value.clone()]),
                });
                last.key = true;
            }
            at = value.end;
            continue;
        }
        if node.is_container() {
            open.push(Open {
                end: at + node.size() as usize,
                index: nodes.len(),
                is_object: node.kind == NodeKind::Object,
                key: node.kind == NodeKind::Object,
            });
        }
        nodes.push(node);
        at += 1;
    }
    for last in open.iter().rev() {
        close(nodes, last);
    }
    taken
}

fn close(nodes: &mut [Node], open: &Open) {
    let size = nodes.len() - open.index;
    nodes[open.index].extra = clamp(size);
}

fn span(file: FileId, node: &Node) -> Span {
    Span::new(file, node.start as usize, node.end as usize)
}

fn names(file: FileId, source: &str, texts: &Texts, value: &[Node]) -> Option<Vec<Name>> {
    let (first, inside) = value.split_first()?;
    if first.kind != NodeKind::Object {
        return None;
    }
    // Keys and texts alternate when no value has an inside.
    let pairs = inside.chunks(2).map(|pair| match pair {
        [key, text] if text.kind == NodeKind::String => Some(Name {
            name: text_of(key, source, texts).to_owned(),
            span: span(file, key),
            text: text_of(text, source, texts).to_owned(),
        }),
        _ => None,
    });
    pairs.collect()
}
