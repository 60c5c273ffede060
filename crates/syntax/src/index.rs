//! Where the entries of large objects and arrays are: a lookup among 40,000
//! keys is not a walk along them.

use super::node::{Node, NodeKind, clamp};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Held};

/// Arrays and objects with no more items or entries are walked.
pub(super) const MANY: usize = 32;
/// One item or entry of so many is marked.
pub(super) const STRIDE: usize = 32;

/// The large arrays and objects of a document.
#[derive(Debug)]
pub(super) struct Index {
    /// In document order.
    large: Vec<Large>,
    /// Keys of objects, those of one object by their text.
    keys: Vec<u32>,
    /// Every [`STRIDE`]th item of arrays and key of objects.
    marks: Vec<u32>,
    _held: Held,
}

#[derive(Debug)]
struct Large {
    node: u32,
    /// Where its keys start, and how many there are; none of an array.
    keys: (usize, usize),
    /// The same of its marks.
    marks: (usize, usize),
}

impl Index {
    /// The index of `nodes`, whose texts `text` gives. Takes time in proportion to the
    /// document, and no steps: they were counted when it was parsed, so that it does not
    /// matter who looks first.
    pub(super) fn new<'t>(
        nodes: &[Node],
        text: impl Fn(u32) -> &'t str,
        file: FileId,
        budget: &Budget,
    ) -> Self {
        let mut index = Self {
            large: Vec::new(),
            keys: Vec::new(),
            marks: Vec::new(),
            _held: budget.hold(0, file),
        };
        let meter = budget.repeated();
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            meter.spend(1, file);
            let size = node.size() as usize;
            if size > MANY {
                index.add(nodes, at);
                at += 1;
            } else {
                // Nothing inside is large either.
                at += size;
            }
        }
        for large in &index.large {
            let (start, len) = large.keys;
            // The comparison may end the run: nothing but `keys` is half done then.
            index.keys[start..start + len].sort_unstable_by(|a, b| {
                meter.spend(1, file);
                text(*a).cmp(text(*b))
            });
        }
        let bytes = index.large.len() * size_of::<Large>()
            + (index.keys.len() + index.marks.len()) * size_of::<u32>();
        index._held.grow(bytes, file);
        index
    }

    fn add(&mut self, nodes: &[Node], container: usize) {
        let (first_key, first_mark) = (self.keys.len(), self.marks.len());
        let is_object = nodes[container].kind == NodeKind::Object;
        let size_at = |at: usize| nodes[at].size() as usize;
        let end = container + size_at(container);
        let (mut count, mut at) = (0, container + 1);
        while at < end {
            if count % STRIDE == 0 {
                self.marks.push(clamp(at));
            }
            if is_object {
                self.keys.push(clamp(at));
                // The key; its value is next.
                at += size_at(at);
            }
            count += 1;
            at += size_at(at);
        }
        if count <= MANY {
            self.keys.truncate(first_key);
            self.marks.truncate(first_mark);
            return;
        }
        self.large.push(Large {
            node: clamp(container),
            keys: (first_key, self.keys.len() - first_key),
            marks: (first_mark, self.marks.len() - first_mark),
        });
    }

    fn of(&self, node: u32) -> Option<&Large> {
        let found = self.large.binary_search_by_key(&node, |large| large.node);
        Some(&self.large[found.ok()?])
    }

    /// The key `key` of the object `node`, when that is a large one; `text` as in
    /// [`Index::new`].
    pub(super) fn key<'t>(
        &self,
        node: u32,
        key: &str,
        text: impl Fn(u32) -> &'t str,
    ) -> Option<u32> {
        let (start, len) = self.of(node)?.keys;
        let keys = &self.keys[start..start + len];
        let first = keys.partition_point(|other| text(*other) < key);
        keys.get(first).copied().filter(|found| text(*found) == key)
    }

    /// The mark `n` of `node`, when it is a large one.
    pub(super) fn mark(&self, node: u32, n: usize) -> Option<u32> {
        let (start, len) = self.of(node)?.marks;
        self.marks[start..start + len].get(n).copied()
    }

    /// The last mark of `node` that is not behind `target`, and which it is.
    pub(super) fn before(&self, node: u32, target: u32) -> Option<(u32, usize)> {
        let (start, len) = self.of(node)?.marks;
        let marks = &self.marks[start..start + len];
        let n = marks
            .partition_point(|mark| *mark <= target)
            .checked_sub(1)?;
        Some((marks[n], n))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Format, NodeRef, Options, parse};
    use crate::rules;
    use flux_apim_diag::tree::{FileId, Limits};
    use flux_apim_diag::{Budget, Findings};

    fn read(text: String) -> (Document, Budget) {
        let limits = Limits::default();
        let options = Options {
            malformed: &rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let budget = Budget::default();
        let mut findings = Findings::new(&budget, &limits);
        let document = parse(FileId(0), text, Format::Json, options, &mut findings);
        (document.unwrap(), budget)
    }

    #[test]
    fn large_and_small_ones_are_looked_up_alike() {
        for count in [0, 1, 31, 32, 33, 64, 65, 1000] {
            // Keys in no order, values of every size, a nested object of the same keys.
            let key = |n: usize| format!("k{}", n * 7919 % 1000);
            let entries = |value: &dyn Fn(usize) -> String| {
                let all: Vec<_> = (0..count)
                    .map(|n| format!("\"{}\":{}", key(n), value(n)))
                    .collect();
                format!("{{{}}}", all.join(","))
            };
            let inner = entries(&|n| n.to_string());
            let outer = entries(&|n| format!("[{n},{inner}]"));
            let items: Vec<_> = (0..count).map(|n| format!("[{n}]")).collect();
            let (document, _) = read(format!("{{\"o\":{outer},\"a\":[{}]}}", items.join(",")));
            let root = document.root();
            for n in (0..count).step_by(13).chain(count.checked_sub(1)) {
                let at = |pointer: String| root.pointer(&pointer).and_then(NodeRef::as_number);
                let n_text = n.to_string();
                let text = Some(n_text.as_str());
                assert_eq!(at(format!("/o/{}/0", key(n))), text);
                assert_eq!(at(format!("/o/{0}/1/{0}", key(n))), text);
                assert_eq!(at(format!("/a/{n}/0")), text);
                let target = root.pointer(&format!("/a/{n}/0")).unwrap();
                let way = root.get("a").unwrap().way_to(target).unwrap();
                assert_eq!((way.position, way.key.is_none()), (n, true));
                let target = root.pointer(&format!("/o/{}/1", key(n))).unwrap();
                let way = root.get("o").unwrap().way_to(target).unwrap();
                assert_eq!(way.position, n);
                assert_eq!(way.key.unwrap().as_str(), Some(key(n).as_str()));
                assert!(root.get("a").unwrap().way_to(target).is_none());
            }
            for pointer in ["/o/k", "/o/~", "/a/1000", "/a/-1", "/o/k1/2"] {
                assert!(root.pointer(pointer).is_none(), "{pointer} of {count}");
            }
        }
    }
}
