//! A deployment and those inside of it as one list.

use crate::expand::{Expanded, Resource};

/// A resource with what it waits for across deployments.
#[derive(Debug)]
pub struct Flat<'e> {
    /// The resource. A nested deployment is one too; it is over when all of its resources
    /// are there.
    pub resource: &'e Resource,
    /// Ids of all that must be there before.
    pub depends_on: Vec<String>,
}

impl Expanded {
    /// All resources, those of nested deployments before their deployment: who runs this list
    /// need not know of nesting. A deployment that can only be expanded while it runs
    /// ([`crate::Nested::expand`]) is in it, its resources are not.
    pub fn flattened(&self) -> Vec<Flat<'_>> {
        let mut all = Vec::new();
        self.flatten_into(&[], &mut all);
        all
    }

    fn flatten_into<'e>(&'e self, outer: &[String], all: &mut Vec<Flat<'e>>) {
        // Both are in the order of the template.
        let mut deployments = self.deployments.iter().peekable();
        for resource in &self.resources {
            let mut depends_on = outer.to_vec();
            depends_on.extend(resource.depends_on.iter().cloned());
            if let Some((_, inner)) = deployments.next_if(|(id, _)| *id == resource.id) {
                let start = all.len();
                inner.flatten_into(&depends_on, all);
                let inside = all.get(start..).unwrap_or_default();
                depends_on.extend(inside.iter().map(|flat| flat.resource.id.clone()));
            }
            all.push(Flat {
                resource,
                depends_on,
            });
        }
    }
}
