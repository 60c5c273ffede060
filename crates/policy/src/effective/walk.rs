//! The nodes of an effective policy, from first to last.

use super::{Effective, PartId};

/// A step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A node begins.
    Enter(PartId),
    /// It ends, with everything in it.
    Leave(PartId),
}

impl Effective<'_> {
    /// The nodes in `root` and it, from first to last, each when it begins and when it
    /// ends.
    pub fn walk(&self, root: PartId) -> impl Iterator<Item = Event> + '_ {
        let mut next = Some(Event::Enter(root));
        std::iter::from_fn(move || {
            let event = next?;
            next = match event {
                Event::Enter(id) => match self.nodes[id.index()].first {
                    Some(first) => Some(Event::Enter(first)),
                    None => Some(Event::Leave(id)),
                },
                Event::Leave(id) if id == root => None,
                Event::Leave(id) => {
                    let node = &self.nodes[id.index()];
                    let next = node.next.map(Event::Enter);
                    next.or(node.parent.map(Event::Leave))
                }
            };
            Some(event)
        })
    }
}
