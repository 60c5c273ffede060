//! The work of one request: what it may spend and hold, and what a client is told when
//! that is over.

use super::Service;
use super::problem::Problem;
use crate::diag::{self, Budget, Place, Report, Stop};
use crate::edge::work::{Ended, Task, Tenant};
use crate::tree::SourceTree;
use std::collections::BTreeMap;
use std::time::Instant;

impl Service {
    /// The work of one request of `tenant`, from now on.
    pub(super) fn task(&self, tenant: Tenant) -> Task {
        let deadline = Instant::now() + self.options.request_timeout;
        Task::new(tenant, &self.limits, &self.memory, Some(deadline))
    }
}

/// Memory of a request. What does not fit is a problem before it is there.
#[derive(Debug)]
pub(super) struct Held(diag::Held);

impl Held {
    /// None yet.
    pub(super) fn none(budget: &Budget) -> Self {
        // Nothing is always there.
        Self(budget.hold(0, Place::Source))
    }

    pub(super) fn of(budget: &Budget, bytes: usize) -> Result<Self, Problem> {
        let mut held = Self::none(budget);
        held.grow(bytes)?;
        Ok(held)
    }

    /// Holds at least `bytes` bytes from now on.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let budget = self.0.budget().clone();
        let grown = budget.bound(|| self.0.grow(bytes, Place::Source));
        grown.map_err(|stop| stopped(&stop))
    }
}

/// What a client is told whose work was stopped.
pub(super) fn stopped(stop: &Stop) -> Problem {
    match (stop, stop.finding()) {
        (Stop::Busy, _) => Problem::busy(
            "requests fill the memory of the service, or this client's share of it; the operator raises it with --memory, or runs more replicas",
        ),
        (Stop::Cancelled, _) => Problem::busy(
            "the work was not done in time; the operator raises this with --request-timeout",
        ),
        (_, Some(finding)) => {
            // The tree that the place is in is gone.
            let finding = crate::diag::Diagnostic {
                place: Place::Source,
                ..finding
            };
            let empty = SourceTree::in_memory(BTreeMap::new());
            let problem = Problem::findings(finding.message.clone());
            match Report::resolve(&vec![finding].into(), &empty, &BTreeMap::new()) {
                Ok(report) => problem.report(report),
                Err(_) => problem,
            }
        }
        (_, None) => Problem::internal("the work was stopped"),
    }
}

impl From<Ended> for Problem {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Full => Self::busy(
                "too many previews wait already; the operator raises this with --queue, or runs more replicas",
            ),
            Ended::Stopped(stop) => stopped(&stop),
            Ended::Panicked => Self::internal(
                "the preview ended in a panic, which is a defect of ours; the log has more under this request id",
            ),
        }
    }
}
