//! Resources: a key, properties, and the files they came from.

use super::kinds::{InWorkspace, Kind, Role};
use flux_apim_diag::Span;
use flux_apim_diag::tree::FileId;
use flux_apim_syntax::Value;
use std::cmp::Ordering;
use std::fmt;

/// What identifies a resource. Equality and order ignore case, as Azure does.
#[derive(Debug, Clone)]
pub struct Key {
    /// The workspace it lies in.
    pub workspace: Option<String>,
    /// What APIM calls it, with its properties and children.
    pub kind: Kind,
    /// Its name segments below the service (or workspace), a singleton's own
    /// name left out.
    pub names: Vec<String>,
}

impl Key {
    /// A resource of the service.
    pub fn new(workspace: Option<&str>, kind: Kind, names: &[&str]) -> Self {
        Self {
            workspace: workspace.map(str::to_owned),
            kind,
            names: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// The same workspace, another kind and names.
    #[must_use]
    pub fn sibling(&self, kind: Kind, names: &[&str]) -> Self {
        Self::new(self.workspace.as_deref(), kind, names)
    }

    /// The resource it is a child of: its parent kind, else its workspace.
    pub fn parent(&self) -> Option<Self> {
        match self.kind.row().parent {
            Some(kind) => {
                let count = kind.row().arm.split('/').count();
                Some(Self {
                    workspace: self.workspace.clone(),
                    kind,
                    names: self.names.iter().take(count).cloned().collect(),
                })
            }
            None => self
                .workspace
                .as_deref()
                .map(|workspace| Self::new(None, Kind::Workspace, &[workspace])),
        }
    }

    /// The resource that the last name names, for links.
    pub fn link_target(&self) -> Option<Self> {
        let kind = self.kind.row().links_to?;
        Some(self.sibling(kind, &[self.names.last()?]))
    }

    /// The last name segment.
    pub fn name(&self) -> &str {
        self.kind
            .row()
            .singleton
            .or(self.names.last().map(String::as_str))
            .unwrap_or("")
    }

    /// Full ARM type.
    pub fn arm_type(&self) -> String {
        self.kind.arm_type(self.workspace.is_some())
    }

    /// Name segments below the service, workspace included.
    pub fn arm_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.workspace.iter().map(String::as_str).collect();
        let own = self.names.iter().map(String::as_str);
        match (self.workspace.is_some(), self.kind.row().workspace) {
            (true, InWorkspace::Link { swapped: true, .. }) => names.extend(own.rev()),
            _ => names.extend(own),
        }
        names.extend(self.kind.row().singleton);
        names
    }

    /// The API that it is or belongs to.
    pub fn api(&self) -> Option<Self> {
        if self.kind.row().arm.split('/').next() == Some("apis") {
            Some(self.sibling(Kind::Api, &[self.names.first()?]))
        } else {
            None
        }
    }

    /// The API that it is or belongs to, whichever revision of it.
    pub fn current_revision(&self) -> Option<Self> {
        let mut api = self.api()?;
        if let Some((root, _)) = api.names[0].split_once(";rev=") {
            api.names[0] = root.to_owned();
        }
        Some(api)
    }

    fn own_names(&self) -> impl Iterator<Item = &str> {
        self.workspace.iter().chain(&self.names).map(String::as_str)
    }
}

/// The order of the lower case of two names.
fn folded(a: &str, b: &str) -> Ordering {
    for (x, y) in a.bytes().zip(b.bytes()) {
        if !x.is_ascii() || !y.is_ascii() {
            return a.to_lowercase().cmp(&b.to_lowercase());
        }
        let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.workspace
            .is_some()
            .cmp(&other.workspace.is_some())
            .then(self.kind.cmp(&other.kind))
            .then_with(|| {
                let (mut ours, mut theirs) = (self.own_names(), other.own_names());
                loop {
                    let order = match (ours.next(), theirs.next()) {
                        (Some(a), Some(b)) => folded(a, b),
                        (a, b) => return a.is_some().cmp(&b.is_some()),
                    };
                    if order.is_ne() {
                        return order;
                    }
                }
            })
    }
}

impl fmt::Display for Key {
    /// `apis/orders/policies/policy`, as in an ARM id below the service.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arm = self.arm_type();
        let types = arm.split('/').skip(2);
        for (i, (kind, name)) in types.zip(self.arm_names()).enumerate() {
            if i > 0 {
                f.write_str("/")?;
            }
            write!(f, "{kind}/{name}")?;
        }
        Ok(())
    }
}

/// A file, or a part of one, that made a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Where.
    pub span: Span,
    /// What it is to the resource.
    pub role: Role,
}

/// A resource as it was found.
#[derive(Debug)]
pub struct Resource {
    /// What identifies it.
    pub key: Key,
    /// `properties`, an object; empty for links.
    pub properties: Value,
    /// The files it came from, the declaring one first.
    pub origins: Vec<Origin>,
    /// The policy document that is its `value`.
    pub policy: Option<FileId>,
    /// The API definition.
    pub definition: Option<FileId>,
    /// Definitions beside it. Whether they say the same, reading them shows.
    pub other_definitions: Vec<FileId>,
    /// The text of a wiki.
    pub wiki: Option<FileId>,
    /// Whether it was made from a definition alone (plain layout).
    pub plain: bool,
    /// Whether an information file declares it.
    pub declared: bool,
    /// Whether that file could not be read: what is missing was said.
    pub unreadable: bool,
    /// Whether its text does: policies and wikis need no information file.
    pub declared_by_text: bool,
}

impl Resource {
    /// The number of an API's revision: the first one unless it says.
    pub fn revision(&self) -> &str {
        let given = self.properties.get("apiRevision").and_then(Value::as_str);
        given.unwrap_or("1")
    }

    /// A resource with nothing but its key.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            properties: Value::empty_object(),
            origins: Vec::new(),
            policy: None,
            definition: None,
            other_definitions: Vec::new(),
            wiki: None,
            plain: false,
            declared: false,
            unreadable: false,
            declared_by_text: false,
        }
    }

    /// Whether something declares it, not only a child.
    pub fn is_declared(&self) -> bool {
        self.declared || self.declared_by_text || self.plain
    }

    /// Where findings about it as a whole are shown.
    pub fn place(&self) -> Option<Span> {
        self.origins.first().map(|origin| origin.span)
    }
}

#[cfg(test)]
mod tests {
    use super::folded;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_ordered_as_in_lower_case(a in "[aAbB\u{e9}\u{c9}\u{3a3}\u{130}z]{0,6}", b in "[aAbB\u{e9}\u{c9}\u{3a3}\u{130}z]{0,6}") {
            prop_assert_eq!(folded(&a, &b), a.to_lowercase().cmp(&b.to_lowercase()));
        }
    }
}
