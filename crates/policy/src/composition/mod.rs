//! What only shows when the policies of a service are put together: variables that nothing
//! sets, limits that share a counter, what never runs.
//!
//! Each document is walked once, at its own scope, with a summary of what encloses it in
//! the place of `<base />`. So an API with thousands of operations costs no more than its
//! documents do. Products are alternatives: what an API has from them is what all of them
//! agree in.

mod asked;
mod base;
mod caches;
mod fragments;
mod level;
mod limits;
mod stack;
mod state;
#[cfg(test)]
mod tests;
mod variables;
mod walk;

use crate::Scope;
use crate::facts::Facts;
use crate::rules::lost_authentication;
pub use asked::Around;
use asked::Asked;
pub(crate) use asked::{Held, held};
use flux_apim_diag::{Findings, Meter};
use fragments::Fragments;
use level::{Level, Reached};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The policies of a service.
#[derive(Debug, Default)]
pub struct Service<'f> {
    /// Its own. Without it nothing is known of what encloses the others.
    pub policy: Option<&'f Facts>,
    /// What is directly in the service.
    pub area: Area<'f>,
    /// Its workspaces.
    pub workspaces: Vec<Workspace<'f>>,
}

/// A workspace.
#[derive(Debug, Default)]
pub struct Workspace<'f> {
    /// Its own policy.
    pub policy: Option<&'f Facts>,
    /// What is in it.
    pub area: Area<'f>,
}

/// What a service or a workspace has.
#[derive(Debug, Default)]
pub struct Area<'f> {
    /// Fragments by name.
    pub fragments: Vec<(&'f str, &'f Facts)>,
    /// The policy of each product, if it has one.
    pub products: Vec<Option<&'f Facts>>,
    /// The APIs.
    pub apis: Vec<Api<'f>>,
    /// Documents that nothing encloses, such as those of resolvers.
    pub others: Vec<&'f Facts>,
}

/// The policies of an API.
#[derive(Debug, Default)]
pub struct Api<'f> {
    /// Its own.
    pub policy: Option<&'f Facts>,
    /// The products that it is in, by their place in [`Area::products`].
    pub products: Vec<usize>,
    /// Those of its operations that have one.
    pub operations: Vec<&'f Facts>,
    /// How many operations have none.
    pub others: usize,
}

impl<'f> Area<'f> {
    /// Every document in it that is no fragment.
    fn documents(&self) -> impl Iterator<Item = &'f Facts> + '_ {
        let apis = self.apis.iter();
        let apis =
            apis.flat_map(|api| api.policy.into_iter().chain(api.operations.iter().copied()));
        let products = self.products.iter().flatten().copied();
        products.chain(apis).chain(self.others.iter().copied())
    }
}

/// What a document wants that another may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing<'f> {
    /// A variable.
    Variable(&'f str),
    /// A policy that belongs to another.
    Policy(&'static str),
}

/// Finds what is wrong with the policies of `service` taken together.
pub fn compose(service: &Service<'_>, findings: &mut Findings) {
    put_together(service, findings, None);
}

/// The same; `asked` hears of what is read.
fn put_together(service: &Service<'_>, findings: &mut Findings, mut asked: Option<&mut Asked>) {
    let meter = findings.budget().meter();
    let fragments = Fragments::of(&service.area, None, &meter, findings);
    fragments::unused(service, &meter, findings);
    let unknown = Rc::new(Level::unknown());
    let mut composer = Composer {
        area: &service.area,
        fragments: &fragments,
        is_workspace: false,
        meter: &meter,
        findings,
        asked: asked.as_deref_mut(),
        offered: BTreeMap::new(),
    };
    let own = composer.outer(service.policy, Scope::Global, &unknown);
    let around = own.as_ref().map_or(&unknown, |own| &own.level);
    // What an outer document wants may be brought by any inner one.
    let mut brought = composer.area(around);
    for workspace in &service.workspaces {
        let area = &workspace.area;
        let fragments = Fragments::of(area, Some(&fragments), &meter, findings);
        let mut composer = Composer {
            area,
            fragments: &fragments,
            is_workspace: true,
            meter: &meter,
            findings,
            asked: asked.as_deref_mut(),
            offered: BTreeMap::new(),
        };
        let own = composer.outer(workspace.policy, Scope::Workspace, around);
        let around = own.as_ref().map_or(around, |own| &own.level);
        let mut inner = composer.area(around);
        if let Some(own) = &own {
            own.report(&inner, findings);
            inner.extend(own.own_things(&meter));
        }
        brought.append(&mut inner);
    }
    if let Some(own) = &own {
        own.report(&brought, findings);
    }
}

struct Composer<'f, 'w> {
    area: &'w Area<'f>,
    fragments: &'w Fragments<'f>,
    /// What policies may stand where is known of the service's own only.
    is_workspace: bool,
    meter: &'w Meter,
    findings: &'w mut Findings,
    asked: Option<&'w mut Asked>,
    /// What APIs of the same products have around them.
    offered: BTreeMap<Vec<usize>, Rc<Level<'f>>>,
}

impl<'f> Composer<'f, '_> {
    fn outer(
        &mut self,
        facts: Option<&'f Facts>,
        scope: Scope,
        around: &Level<'f>,
    ) -> Option<Reached<'f>> {
        let facts = facts?;
        let (fragments, meter) = (self.fragments, self.meter);
        let scope = (scope, true);
        let asked = self.asked.as_deref_mut();
        let findings = &mut *self.findings;
        let reached = level::walk(facts, scope, around, fragments, meter, findings, asked);
        Some(reached)
    }

    fn level(&mut self, facts: &'f Facts, scope: Scope, around: &Level<'f>) -> Reached<'f> {
        let (fragments, meter) = (self.fragments, self.meter);
        let scope = (scope, !self.is_workspace);
        let asked = self.asked.as_deref_mut();
        let findings = &mut *self.findings;
        level::walk(facts, scope, around, fragments, meter, findings, asked)
    }

    /// Everything in the area: what it brings.
    fn area(&mut self, around: &Rc<Level<'f>>) -> BTreeSet<Thing<'f>> {
        let mut brought = BTreeSet::new();
        let area = self.area;
        let mut products = Vec::new();
        let mut open = Vec::new();
        for facts in &area.products {
            let Some(facts) = facts else {
                products.push(Rc::clone(around));
                continue;
            };
            let reached = self.level(facts, Scope::Product, around);
            products.push(Rc::clone(&reached.level));
            open.push(reached);
        }
        for api in &area.apis {
            self.api(api, around, &products, &mut brought);
        }
        for reached in &open {
            reached.report(&brought, self.findings);
        }
        for reached in &open {
            brought.extend(reached.own_things(self.meter));
        }
        brought
    }

    /// What encloses an API in these products: it may be called without any.
    fn around_api(
        &mut self,
        api: &Api<'f>,
        service: &Rc<Level<'f>>,
        products: &[Rc<Level<'f>>],
    ) -> Rc<Level<'f>> {
        let mut numbers = api.products.clone();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.retain(|number| {
            let level = products.get(*number);
            level.is_some_and(|level| !Rc::ptr_eq(level, service))
        });
        if numbers.is_empty() {
            return Rc::clone(service);
        }
        if let Some(level) = self.offered.get(&numbers) {
            return Rc::clone(level);
        }
        let levels = numbers.iter().filter_map(|number| products.get(*number));
        let levels = std::iter::once(service).chain(levels);
        let level = Rc::new(Level::any_of(levels.map(Rc::as_ref), self.meter));
        self.offered.insert(numbers, Rc::clone(&level));
        level
    }

    fn api(
        &mut self,
        api: &Api<'f>,
        service: &Rc<Level<'f>>,
        products: &[Rc<Level<'f>>],
        brought: &mut BTreeSet<Thing<'f>>,
    ) {
        let mut around = self.around_api(api, service, products);
        let own = api.policy.map(|facts| {
            let reached = self.level(facts, Scope::Api, &around);
            around = Rc::clone(&reached.level);
            reached
        });
        let mut inner = BTreeSet::new();
        let mut losers = Vec::new();
        let mut keepers = api.others;
        for facts in &api.operations {
            let reached = self.level(facts, Scope::Operation, &around);
            reached.report(&BTreeSet::new(), self.findings);
            inner.extend(reached.own_things(self.meter));
            match reached.drops_guards(&around) {
                Some(section) => losers.push(section),
                None => keepers += 1,
            }
        }
        if keepers > 0
            && let Some((name, guard)) = around.guard()
        {
            for section in losers {
                let finding = lost_authentication::found(section, name, guard, keepers);
                self.findings.push(finding);
            }
        }
        if let Some(own) = own {
            own.report(&inner, self.findings);
            inner.extend(own.own_things(self.meter));
        }
        brought.append(&mut inner);
    }
}
