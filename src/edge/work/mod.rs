//! Work that takes a processor: so much of it at once, so much of it waiting, so
//! much memory for all of it; shared fairly among those who ask; ended when its
//! time is over. The service and the controller do their work through it.
//!
//! [`Task`] says who a job is for and what it may spend. [`Pool`] runs jobs on
//! threads of their own, lets long ones rest, puts off those that there is no room
//! for, and ends those that are late. [`Account`] is the memory that all jobs share.
//! `docs/adr/0015-bounded-work.md` has the reasons.

mod account;
mod admission;
mod fair;
#[cfg(feature = "controller")]
mod gate;
mod metrics;
mod pool;
mod shared;
mod supervisor;
mod system;
mod worker;

pub(crate) use account::Account;
#[cfg(feature = "controller")]
pub(crate) use gate::Gate;
pub(crate) use metrics::Metrics;
pub(crate) use pool::Pool;
pub(crate) use shared::{Ended, Settings};
pub(crate) use system::{default_memory, default_threads};

use crate::diag::Budget;
use crate::tree::Limits;
use std::sync::Arc;
use std::time::Instant;

/// Whom work is done for: a subject of tokens, a network, a namespace. What is
/// shared fairly is shared among these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tenant(Arc<str>);

impl Tenant {
    pub(crate) fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job before it runs: whose it is, what it may spend, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) tenant: Tenant,
    /// What it spends from; cancelled when nobody waits for it any more.
    pub(crate) budget: Budget,
    /// When it is cancelled.
    pub(crate) deadline: Option<Instant>,
    /// Steps and bytes that its budget has.
    caps: (u64, u64),
}

impl Task {
    /// A task with the steps and bytes of `limits`. The bytes are taken from what
    /// `account` lends to `tenant`, too.
    pub(crate) fn new(
        tenant: Tenant,
        limits: &Limits,
        account: &Account,
        deadline: Option<Instant>,
    ) -> Self {
        let share = account.share(&tenant);
        Self {
            budget: Budget::sharing(limits, Some(share)),
            tenant,
            deadline,
            caps: (limits.max_steps, limits.max_memory_bytes),
        }
    }

    /// Whether it spent more than it had.
    fn is_over(&self) -> bool {
        let (steps, bytes) = self.caps;
        self.budget.spent() > steps || self.budget.peak() > bytes
    }
}
