//! The types of a WSDL document: whether each is there, and leads back to itself.

use super::reader::{Name, Tag, namespace_of};
use crate::circles::circles;
use crate::rules::{recursive_type, unresolved_name, unsupported_import};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Namespaces whose names need no declaration.
const KNOWN: [&str; 5] = [
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/XML/1998/namespace",
    "http://schemas.xmlsoap.org/soap/encoding/",
    "http://www.w3.org/2003/05/soap-encoding",
    "http://schemas.xmlsoap.org/soap/envelope/",
];

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    Element,
    Type,
    Group,
}

impl Space {
    fn word(self) -> &'static str {
        match self {
            Self::Element => "element",
            Self::Type => "type",
            Self::Group => "group",
        }
    }
}

/// An element, type or group that has a name in the whole document.
struct Component {
    name: String,
    at: Span,
    /// What it is made of.
    uses: Vec<Use>,
}

struct Use {
    space: Space,
    name: Name,
    at: Span,
    /// The element that is of that type.
    element: Option<Rc<str>>,
}

/// A schema element around the place that is read.
struct Open {
    depth: usize,
    is_schema: bool,
    component: Option<usize>,
    element: Option<Rc<str>>,
}

/// The schemas of a document.
#[derive(Default)]
pub(super) struct Schemas {
    open: Vec<Open>,
    target: String,
    known: BTreeMap<(Space, Name), usize>,
    components: Vec<Component>,
    /// What messages and attributes name, which is part of no component.
    named: Vec<(Space, Name, Span)>,
    imports: Vec<(Span, String)>,
    imported: HashSet<String>,
}

impl Schemas {
    /// Something outside of schemas is of the type or element `name`.
    pub(super) fn name(&mut self, space: Space, name: Name, at: Span) {
        self.named.push((space, name, at));
    }

    pub(super) fn start(&mut self, tag: &Tag<'_>, depth: usize) {
        let local = tag.local();
        let around = self.open.last();
        let is_global = around.is_some_and(|around| around.is_schema);
        let mut inside = Open {
            depth,
            is_schema: local == "schema",
            component: around.and_then(|around| around.component),
            element: around.and_then(|around| around.element.clone()),
        };
        let name = tag.attribute("name");
        if local == "element" {
            inside.element = name.as_ref().map(|(name, _)| Rc::from(name.as_str()));
        }
        let space = match local {
            "schema" => {
                let target = tag.attribute("targetNamespace");
                self.target = target.map_or_else(String::new, |(text, _)| namespace_of(&text));
                None
            }
            "import" | "include" | "redefine" => {
                self.import(tag);
                None
            }
            "element" => Some(Space::Element),
            "complexType" | "simpleType" => Some(Space::Type),
            "group" => Some(Space::Group),
            _ => None,
        };
        if let (Some(space), Some((name, at)), true) = (space, name, is_global) {
            let number = self.components.len();
            let key = Name {
                namespace: self.target.clone(),
                local: name.clone(),
            };
            self.known.entry((space, key)).or_insert(number);
            self.components.push(Component {
                name,
                at,
                uses: Vec::new(),
            });
            inside.component = Some(number);
        }
        self.uses(tag, &inside);
        self.open.push(inside);
    }

    pub(super) fn end(&mut self, depth: usize) {
        self.open.pop_if(|open| open.depth == depth);
    }

    fn import(&mut self, tag: &Tag<'_>) {
        let Some((location, span)) = tag.attribute("schemaLocation") else {
            // Of a schema that stands in the document.
            return;
        };
        let namespace = tag
            .attribute("namespace")
            .map(|(text, _)| namespace_of(&text));
        self.imported
            .insert(namespace.unwrap_or(self.target.clone()));
        self.imports.push((span, location));
    }

    /// The names that `tag` refers to.
    fn uses(&mut self, tag: &Tag<'_>, inside: &Open) {
        let (attribute, space) = match tag.local() {
            "element" => {
                self.used(tag, "ref", Space::Element, inside);
                ("type", Space::Type)
            }
            "extension" | "restriction" => ("base", Space::Type),
            "group" => ("ref", Space::Group),
            "list" => ("itemType", Space::Type),
            "attribute" => {
                // No attribute has a type with parts.
                self.named.extend(
                    tag.qualified("type")
                        .map(|(name, at)| (Space::Type, name, at)),
                );
                return;
            }
            "union" => {
                if let Some((names, at)) = tag.attribute("memberTypes") {
                    let names = names.split_whitespace().map(|name| tag.resolve(name));
                    self.named.extend(names.map(|name| (Space::Type, name, at)));
                }
                return;
            }
            _ => return,
        };
        self.used(tag, attribute, space, inside);
    }

    fn used(&mut self, tag: &Tag<'_>, attribute: &str, space: Space, inside: &Open) {
        let Some((name, at)) = tag.qualified(attribute) else {
            return;
        };
        let component = inside.component.and_then(|n| self.components.get_mut(n));
        match component {
            Some(component) => component.uses.push(Use {
                space,
                name,
                at,
                element: inside.element.clone(),
            }),
            None => self.named.push((space, name, at)),
        }
    }

    /// Says what is not there, and what leads back to itself.
    pub(super) fn check(&mut self, file: FileId, meter: &Meter, findings: &mut Findings) {
        for (span, location) in self.imports.drain(..) {
            findings.push(unsupported_import::schema(span, &location));
        }
        let uses = self.components.iter().flat_map(|component| &component.uses);
        let uses = uses.map(|used| (used.space, &used.name, used.at));
        let named = self
            .named
            .iter()
            .map(|(space, name, at)| (*space, name, *at));
        for (space, name, at) in named.chain(uses) {
            meter.spend(2, at);
            let is_known = KNOWN.contains(&name.namespace.as_str())
                || self.imported.contains(&name.namespace)
                || self.known.contains_key(&(space, name.clone()));
            if !is_known {
                let near = findings.hint(|| {
                    let names = self.known.keys().filter(|(other, _)| *other == space);
                    let names = names.map(|(_, name)| name.local.as_str());
                    flux_apim_diag::nearest(&name.local, names).map(str::to_owned)
                });
                let near = near.as_deref();
                findings.push(unresolved_name::found(at, space.word(), &name.local, near));
            }
        }
        self.circles(file, meter, findings);
    }

    /// Types that contain themselves.
    fn circles(&self, file: FileId, meter: &Meter, findings: &mut Findings) {
        // The uses of each component that lead to one, and where they lead.
        let mut uses = Vec::new();
        let mut edges = Vec::new();
        for component in &self.components {
            let known = component.uses.iter().filter_map(|used| {
                let key = (used.space, used.name.clone());
                Some((used, *self.known.get(&key)?))
            });
            let (used, targets): (Vec<_>, Vec<_>) = known.unzip();
            uses.push(used);
            edges.push(targets);
        }
        let mut said = HashSet::new();
        let step = || meter.spend(1, file);
        circles(&edges, step, |way| {
            let first = way.first().map_or(0, |(first, _)| *first);
            if said.insert(first) {
                let name = |(n, _): &(usize, usize)| self.components[*n].name.as_str();
                let used = |(n, edge): &(usize, usize)| uses[*n][*edge];
                let shown = way.len().min(recursive_type::SHOWN);
                let names: Vec<_> = way[..shown].iter().map(name).collect();
                let places: Vec<_> = way[..shown].iter().map(|link| used(link).at).collect();
                let element = way.last().and_then(|last| used(last).element.as_deref());
                findings.push(recursive_type::found(
                    self.components[first].at,
                    &names,
                    way.len(),
                    element,
                    &places,
                ));
            }
        });
    }
}
