//! Documents made of the table.

use crate::catalogue::{CATALOGUE, Child, Count, Entry, Role, Type};

/// An element that is printed.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Made>,
    pub(super) text: String,
}

impl Made {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        for (own, old) in &mut self.attributes {
            if own == name {
                value.clone_into(old);
            }
        }
    }

    /// Adds a child where its turn is, unless one of its name is there.
    pub(super) fn put(&mut self, entry: &Entry, child: &Made) {
        let name = child.name.trim_matches(['\u{1}', '\u{2}']);
        if let Some(there) = self.children.iter_mut().find(|own| own.name == name) {
            *there = child.clone();
            return;
        }
        // Of some children only one may be there.
        for group in &entry.child_groups {
            if group.names.has(name) && group.count == Count::ExactlyOne {
                self.children.retain(|own| !group.names.has(&own.name));
            }
        }
        let turn = |name: &str| entry.child(name).map_or(usize::MAX, |(index, _)| index);
        let at = self
            .children
            .iter()
            .position(|own| turn(&own.name) > turn(name));
        let at = at.unwrap_or(self.children.len());
        self.children.insert(at, child.clone());
    }

    pub(super) fn print(&self) -> String {
        let mut out = format!("<{}", self.name);
        for (name, value) in &self.attributes {
            out.push_str(&format!(" {name}=\"{value}\""));
        }
        out.push('>');
        out.push_str(&self.text);
        for child in &self.children {
            out.push_str(&child.print());
        }
        let name = self.name.replace(['\u{1}', '\u{2}'], "");
        out.push_str(&format!("</{name}>"));
        out
    }
}

/// A value that an attribute takes.
pub(super) fn value_of(ty: Type) -> String {
    match ty {
        Type::Text => "a".to_owned(),
        Type::Time => "2024-01-01T00:00:00Z".to_owned(),
        Type::Bool => "true".to_owned(),
        Type::OneOf(words) => words.iter().next().unwrap_or("").to_owned(),
        Type::Whole { min, max } | Type::Number { min, max } => {
            min.or(max).unwrap_or(1.0).to_string()
        }
    }
}

/// The element with what it needs, and with the attribute `with`.
pub(super) fn minimal(entry: &Entry, with: Option<&str>) -> Made {
    let required = entry.attributes.iter().filter(|known| known.required);
    let mut names: Vec<&str> = required.map(|known| known.name).collect();
    names.extend(with);
    for _ in 0..2 {
        for group in &entry.groups {
            let mut own: Vec<&str> = group
                .names
                .iter()
                .filter(|own| names.contains(own))
                .collect();
            let wants = matches!(group.count, Count::ExactlyOne | Count::AtLeastOne);
            if wants && own.is_empty() {
                own.extend(group.names.iter().next());
            }
            if matches!(group.count, Count::ExactlyOne | Count::AtMostOne) && own.len() > 1 {
                let keep = own.iter().find(|own| Some(**own) == with).copied();
                let keep = keep.unwrap_or(own[0]);
                names.retain(|own| *own == keep || !group.names.has(own));
                own = vec![keep];
            }
            if group.count == Count::AllOrNone && !own.is_empty() {
                own = group.names.iter().collect();
            }
            names.extend(own);
        }
    }
    let mut made = Made::named(entry.name());
    for known in &entry.attributes {
        if names.contains(&known.name) {
            let value = (known.name.to_owned(), value_of(known.ty));
            made.attributes.push(value);
        }
    }
    let mut wanted: Vec<&str> = Vec::new();
    wanted.extend(
        entry
            .wanted
            .iter()
            .filter(|own| own.unless.is_some())
            .map(|own| own.child),
    );
    for group in &entry.child_groups {
        wanted.extend(group.names.iter().next());
    }
    for child in &entry.children {
        let least = child.min.max(u32::from(wanted.contains(&child.name)));
        for _ in 0..least {
            made.children.push(of(child));
        }
    }
    made
}

fn of(child: &Child) -> Made {
    match child.row {
        Some(row) => minimal(&CATALOGUE.rows[row], None),
        None => Made::named(child.name),
    }
}

/// A document with `own` at `path`.
pub(super) fn chain(path: &str, own: Made) -> Made {
    if let Some((around, _)) = path.rsplit_once('/') {
        let entry = entry_at(around);
        let mut made = minimal(entry, None);
        made.put(entry, &own);
        return chain(around, made);
    }
    let entry = entry_at(path);
    let mut root = Made::named("policies");
    match (entry.role, path) {
        (Role::Frame, "policies" | "fragment") => return own,
        (Role::Frame, "base") | (Role::Policy | Role::Helper, _) => {
            let section = entry.sections.and_then(|sections| sections.iter().next());
            let mut section = Made::named(section.unwrap_or("inbound"));
            section.children.push(own);
            root.children.push(section);
        }
        (Role::Frame, _) => root.children.push(own),
        (Role::Resolver, "publish-event") => {
            return chain_in("http-data-source/http-response", &own);
        }
        (Role::Resolver, _) => return own,
    }
    root
}

fn chain_in(around: &str, own: &Made) -> Made {
    let entry = entry_at(around);
    let mut made = minimal(entry, None);
    made.put(entry, own);
    chain(around, made)
}

/// The document of the element as it should be.
pub(super) fn right(path: &str, entry: &Entry) -> Made {
    chain(path, minimal(entry, None))
}

fn entry_at(path: &str) -> &'static Entry {
    let row = CATALOGUE.top(path).unwrap_or_else(|| panic!("no {path}"));
    &CATALOGUE.rows[row]
}
