//! The operations of a document, path items of other places included.

use super::chain::{Chains, Location, location};
use super::resolve::Resolver;
use crate::operations::{self, Operation};
use flux_apim_syntax::NodeRef;
use std::collections::HashMap;
use std::rc::Rc;

/// A method and what it declares.
type Method<'f> = (NodeRef<'f>, NodeRef<'f>);

/// The methods of path items, by their place: those that an item has itself, then
/// those of the item that its `$ref` leads to.
struct Items<'r, 'f> {
    resolver: &'r mut Resolver<'f>,
    known: HashMap<Location, Rc<[Method<'f>]>>,
    /// Where the `$ref`s that stand in the place of operations lead to.
    declared: Chains<'f>,
}

/// The operations of the document `root`.
pub(super) fn operations<'f>(resolver: &mut Resolver<'f>, root: NodeRef<'f>) -> Vec<Operation> {
    let files = resolver.files();
    let mut held = files.meter.budget().hold(0, files.root);
    let mut bytes = 0;
    let mut items = Items {
        resolver,
        known: HashMap::new(),
        declared: Chains::default(),
    };
    let mut found = Vec::new();
    for section in ["paths", "x-ms-paths"] {
        let paths = root.get(section).into_iter().flat_map(NodeRef::entries);
        for (path, item) in paths {
            let path = path.as_str().unwrap_or("");
            for (method, declared) in items.methods(item).iter() {
                files
                    .meter
                    .spend(4 + (path.len() / 64) as u64, method.span());
                let operation = Operation::new(path, *method, *declared);
                bytes += operation.bytes();
                held.grow(bytes + items.bytes(), method.span());
                found.push(operation);
            }
        }
    }
    found
}

impl<'f> Items<'_, 'f> {
    fn methods(&mut self, item: NodeRef<'f>) -> Rc<[Method<'f>]> {
        let mut links = Vec::new();
        let mut next = Some(item);
        let mut rest: Rc<[Method<'f>]> = Rc::new([]);
        while let Some(link) = next {
            if let Some(known) = self.known.get(&location(link)) {
                // Of a circle: nothing, and the methods that it has are in `links`.
                rest = Rc::clone(known);
                break;
            }
            self.known.insert(location(link), Rc::new([]));
            links.push(link);
            next = self.resolver.of(link);
        }
        while let Some(link) = links.pop() {
            let own: Vec<_> = self.own(link);
            // A path has an operation once for each method: the nearest one.
            let is_new = |(method, _): &&Method<'f>| {
                let mut own = own.iter();
                own.all(|(other, _)| other.as_str() != method.as_str())
            };
            let inherited: Vec<_> = rest.iter().filter(is_new).copied().collect();
            rest = own.into_iter().chain(inherited).collect();
            self.known.insert(location(link), Rc::clone(&rest));
        }
        rest
    }

    fn own(&mut self, item: NodeRef<'f>) -> Vec<Method<'f>> {
        let meter = self.resolver.files().meter;
        let entries = item
            .entries()
            .inspect(|(key, _)| meter.spend(1, key.span()));
        let mut own: Vec<_> = operations::methods(entries).collect();
        for (_, declared) in &mut own {
            let end = self.declared.end(*declared, |link| self.resolver.of(link));
            // A circle declares what stands at its start.
            *declared = end.unwrap_or(*declared);
        }
        own
    }

    fn bytes(&self) -> usize {
        self.known.len() * 400 + self.declared.bytes()
    }
}
