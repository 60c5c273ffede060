//! Ends of chains: references to references, followed once.

use flux_apim_diag::tree::FileId;
use flux_apim_syntax::NodeRef;
use std::collections::HashMap;

/// A place in a file.
pub(super) type Location = (FileId, u32);

pub(super) fn location(node: NodeRef<'_>) -> Location {
    (node.span().file, node.index())
}

/// A chain that leads back into itself: the link that closes the circle, and what
/// it leads to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circle<'f>(pub(super) NodeRef<'f>, pub(super) NodeRef<'f>);

/// Where chains end, by their links.
#[derive(Debug, Default)]
pub(super) struct Chains<'f> {
    /// Nothing for a link that is being followed.
    ends: HashMap<Location, Option<Result<NodeRef<'f>, Circle<'f>>>>,
}

impl<'f> Chains<'f> {
    /// Where the chain that starts at `start` ends, `next` being the way from a link
    /// to the one after it.
    pub(super) fn end(
        &mut self,
        start: NodeRef<'f>,
        mut next: impl FnMut(NodeRef<'f>) -> Option<NodeRef<'f>>,
    ) -> Result<NodeRef<'f>, Circle<'f>> {
        let mut links = Vec::new();
        let mut last = start;
        let end = loop {
            match self.ends.get(&location(last)) {
                Some(Some(end)) => break *end,
                Some(None) => {
                    let closing = links.last().copied().unwrap_or(last);
                    break Err(Circle(closing, last));
                }
                None => {}
            }
            self.ends.insert(location(last), None);
            links.push(last);
            match next(last) {
                Some(after) => last = after,
                None => break Ok(last),
            }
        };
        for link in links {
            self.ends.insert(location(link), Some(end));
        }
        end
    }

    /// About what it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.ends.len() * 2 * size_of::<(Location, Circle<'f>)>()
    }
}
