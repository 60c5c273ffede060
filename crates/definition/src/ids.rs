//! Schemas of OpenAPI 3.1 that have an `$id` or an `$anchor`: a reference may name one
//! instead of a place.

use crate::reference::percent_decode;
use flux_apim_diag::Meter;
use flux_apim_syntax::{Document, NodeKind, NodeRef};
use std::borrow::Cow;
use std::collections::HashMap;

/// A schema with an `$id`; the document itself is the first.
#[derive(Debug)]
struct Resource {
    start: u32,
    end: u32,
    /// The one around it.
    parent: usize,
    uri: String,
}

/// The names in a document.
#[derive(Debug)]
pub(super) struct Ids<'d> {
    document: &'d Document,
    /// In document order.
    resources: Vec<Resource>,
    by_uri: HashMap<String, usize>,
    /// By the last segment of their ids.
    by_name: HashMap<&'d str, usize>,
    /// By resource.
    anchors: HashMap<(usize, &'d str), u32>,
}

/// An object or array around the place that is looked at.
struct Open {
    index: u32,
    end: u32,
    /// Where its next key is, if it has keys.
    key: Option<u32>,
}

impl<'d> Ids<'d> {
    pub(super) fn of(document: &'d Document, meter: &Meter) -> Self {
        let (ids, anchors) = named(document, meter);
        let mut all = Self {
            document,
            resources: vec![Resource {
                start: 0,
                end: document.root().end_index(),
                parent: 0,
                uri: String::new(),
            }],
            by_uri: HashMap::new(),
            by_name: HashMap::new(),
            anchors: HashMap::new(),
        };
        for (start, id) in ids {
            let parent = all.around(start);
            let uri = join(&all.resources[parent].uri, id);
            meter.spend(1 + uri.len() as u64 / 16, document.file());
            let number = all.resources.len();
            all.by_uri.entry(uri.clone()).or_insert(number);
            all.by_uri.entry(id.to_owned()).or_insert(number);
            let name = id.rsplit_once('/').map_or(id, |(_, name)| name);
            all.by_name.entry(name).or_insert(number);
            all.resources.push(Resource {
                start,
                end: document.node(start).end_index(),
                parent,
                uri,
            });
        }
        for (at, name) in anchors {
            let resource = all.around(at);
            all.anchors.entry((resource, name)).or_insert(at);
        }
        all
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let uris: usize = self.resources.iter().map(|all| 2 * all.uri.len()).sum();
        uris + self.resources.len() * 300 + self.anchors.len() * 64
    }

    /// The innermost resource around the node `index`.
    fn around(&self, index: u32) -> usize {
        let after = self.resources.partition_point(|all| all.start <= index);
        let mut number = after.saturating_sub(1);
        while number > 0 && self.resources[number].end <= index {
            number = self.resources[number].parent;
        }
        number
    }

    /// What `value`, whose text is `reference`, names.
    pub(super) fn find(&self, value: NodeRef<'d>, reference: &str) -> Option<NodeRef<'d>> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = self.around(value.index());
        let resource = match uri {
            "" => base,
            uri => self.resource(base, uri)?,
        };
        let start = self.document.node(self.resources[resource].start);
        let fragment = percent_decode(fragment);
        match fragment.as_bytes().first() {
            None => Some(start),
            Some(b'/') => start.pointer(&fragment),
            Some(_) => self.anchor(resource, &fragment),
        }
    }

    fn resource(&self, base: usize, uri: &str) -> Option<usize> {
        let name = uri.strip_prefix("./").unwrap_or(uri);
        let name = name.strip_prefix('/').unwrap_or(name);
        let full = join(&self.resources[base].uri, uri);
        let found = self.by_uri.get(&full).or_else(|| self.by_uri.get(uri));
        found.or_else(|| self.by_name.get(name)).copied()
    }

    /// The schema with the anchor `name` in `resource`.
    pub(super) fn anchor(&self, resource: usize, name: &str) -> Option<NodeRef<'d>> {
        let at = self.anchors.get(&(resource, name))?;
        Some(self.document.node(*at))
    }
}

/// A place and its name.
type Named<'d> = (u32, &'d str);

/// The objects with an `$id` and those with an anchor, in document order.
fn named<'d>(document: &'d Document, meter: &Meter) -> (Vec<Named<'d>>, Vec<Named<'d>>) {
    let (mut ids, mut anchors) = (Vec::new(), Vec::new());
    let mut open: Vec<Open> = Vec::new();
    let end = document.root().end_index();
    meter.spend(u64::from(end) / 8, document.file());
    for index in 0..end {
        while open.last().is_some_and(|inner| inner.end <= index) {
            open.pop();
        }
        let node = document.node(index);
        if let Some(inner) = open.last_mut()
            && inner.key == Some(index)
        {
            let value = document.node(index + 1);
            inner.key = Some(value.end_index());
            let list = match node.as_str() {
                Some("$id") => &mut ids,
                Some("$anchor" | "$dynamicAnchor") => &mut anchors,
                _ => continue,
            };
            list.extend(value.as_str().map(|name| (inner.index, name)));
        } else if matches!(node.kind(), NodeKind::Array | NodeKind::Object) {
            open.push(Open {
                index,
                end: node.end_index(),
                key: (node.kind() == NodeKind::Object).then_some(index + 1),
            });
        }
    }
    ids.sort_by_key(|(start, _)| *start);
    (ids, anchors)
}

/// `reference` as seen from `base`.
fn join(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or("");
    let is_absolute = reference.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if is_absolute || base.is_empty() {
        return reference.to_owned();
    }
    let root = base.find("://").map_or(0, |at| at + 3);
    let host = base[root..].find('/').map_or(base.len(), |at| root + at);
    let mut segments: Vec<Cow<'_, str>> = match reference.starts_with('/') {
        true => Vec::new(),
        false => base[host..].split('/').skip(1).map(Cow::Borrowed).collect(),
    };
    segments.pop();
    for segment in reference.split('/') {
        match segment {
            "." | "" => {}
            ".." => drop(segments.pop()),
            name => segments.push(Cow::Borrowed(name)),
        }
    }
    format!("{}/{}", &base[..host], segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Ids, NodeRef, join};
    use flux_apim_diag::tree::{FileId, Limits};
    use flux_apim_diag::{Budget, Findings};
    use flux_apim_syntax::{self as syntax, Format, Options};

    #[test]
    fn references_are_joined() {
        for (base, reference, whole) in [
            ("", "a", "a"),
            ("https://a.example/b/c", "d", "https://a.example/b/d"),
            ("https://a.example/b/c", "../d", "https://a.example/d"),
            ("https://a.example/b/c", "/d", "https://a.example/d"),
            ("https://a.example", "d", "https://a.example/d"),
            ("https://a.example/b/c", "urn:x", "urn:x"),
        ] {
            assert_eq!(join(base, reference), whole, "{base} {reference}");
        }
    }

    #[test]
    fn names_are_found_from_where_they_are_written() {
        let text = r##"{"list": ["$id", "x"], "a": {"p": {"$id": "deep", "$anchor": "in", "r": "b", "s": "#in"}, "$id": "https://a.example/a"},
            "b": {"$id": "https://a.example/b", "c": {"$anchor": "in"}}, "t": "#in", "u": "https://a.example/b#/c"}"##;
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let options = Options {
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let mut findings = Findings::new(&budget, &limits);
        let document =
            syntax::parse(FileId(0), text.into(), Format::Json, options, &mut findings).unwrap();
        let ids = Ids::of(&document, &budget.meter());
        for (from, to) in [
            ("/a/p/r", Some("/b")),
            ("/a/p/s", Some("/a/p")),
            ("/t", None),
            ("/u", Some("/b/c")),
        ] {
            let value = document.root().pointer(from).unwrap();
            let found = ids.find(value, value.as_str().unwrap());
            let expected = to.map(|to| document.root().pointer(to).unwrap().index());
            assert_eq!(found.map(NodeRef::index), expected, "{from}");
        }
    }
}
