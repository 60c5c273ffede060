//! The memory that all jobs of a process share, and how much of it one tenant may
//! hold. What does not fit is refused before it is there.

use super::Tenant;
use crate::diag::Memory;
use crate::tree::Limits;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Bytes that are held by all tenants together. Clones are the same account.
#[derive(Debug, Clone)]
pub(crate) struct Account(Arc<Ledger>);

#[derive(Debug)]
struct Ledger {
    total: u64,
    /// The most that one tenant may hold.
    share: u64,
    held: AtomicU64,
    tenants: Mutex<BTreeMap<Tenant, Weak<Share>>>,
}

/// What one tenant holds.
#[derive(Debug)]
struct Share {
    tenant: Tenant,
    held: AtomicU64,
    ledger: Arc<Ledger>,
}

impl Account {
    /// `total` bytes, of which one tenant may hold `percent`.
    pub(crate) fn new(total: u64, percent: u8) -> Self {
        let share = u128::from(total) * u128::from(percent.min(100)) / 100;
        Self(Arc::new(Ledger {
            total,
            share: u64::try_from(share).unwrap_or(total),
            held: AtomicU64::new(0),
            tenants: Mutex::default(),
        }))
    }

    /// Bytes that are held now.
    pub(crate) fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Bytes that may be held.
    pub(crate) fn total(&self) -> u64 {
        self.0.total
    }

    /// The most that one tenant may hold.
    pub(crate) fn of_one(&self) -> u64 {
        self.0.share
    }

    /// Lowers what one job may hold to what one tenant may: more it would never get.
    pub(crate) fn fit(&self, limits: &mut Limits) {
        let (cap, most) = (limits.max_memory_bytes, self.0.share);
        if cap > most {
            tracing::warn!(
                "--max-memory-bytes is {most}, not {cap}: one job has no more of --memory"
            );
            limits.max_memory_bytes = most;
        }
    }

    /// What `tenant` takes its memory from.
    pub(crate) fn share(&self, tenant: &Tenant) -> Arc<dyn Memory> {
        let mut tenants = self.0.tenants();
        if let Some(share) = tenants.get(tenant).and_then(Weak::upgrade) {
            return share;
        }
        let share = Arc::new(Share {
            tenant: tenant.clone(),
            held: AtomicU64::new(0),
            ledger: Arc::clone(&self.0),
        });
        tenants.insert(tenant.clone(), Arc::downgrade(&share));
        share
    }
}

impl Ledger {
    fn tenants(&self) -> std::sync::MutexGuard<'_, BTreeMap<Tenant, Weak<Share>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds to `held` unless that would be more than `cap`.
fn take(held: &AtomicU64, bytes: u64, cap: u64) -> bool {
    let add = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= cap);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        .is_ok()
}

impl Memory for Share {
    fn take(&self, bytes: u64) -> bool {
        if !take(&self.held, bytes, self.ledger.share) {
            return false;
        }
        let fits = take(&self.ledger.held, bytes, self.ledger.total);
        if !fits {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    fn give(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.ledger.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut tenants = self.ledger.tenants();
        // A new one may have taken the place already.
        if tenants
            .get(&self.tenant)
            .is_some_and(|share| share.strong_count() == 0)
        {
            tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Budget, Place, Stop};
    use crate::tree::Limits;

    #[test]
    fn nobody_takes_more_than_a_share_and_all_no_more_than_there_is() {
        let account = Account::new(100, 50);
        let [a, b, c] = ["a", "b", "c"].map(|name| account.share(&Tenant::new(name)));
        assert!(a.take(50) && !a.take(1));
        assert!(b.take(40));
        assert!(!c.take(11) && c.take(10));
        assert_eq!((account.held(), account.of_one()), (100, 50));
        a.give(50);
        b.give(40);
        c.give(10);
        assert_eq!(account.held(), 0);
    }

    #[test]
    fn two_shares_of_one_tenant_are_one() {
        let account = Account::new(100, 50);
        let tenant = Tenant::new("a");
        let first = account.share(&tenant);
        assert!(first.take(30));
        assert!(!account.share(&tenant).take(30));
        first.give(30);
        drop(first);
        assert!(account.0.tenants().is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn a_budget_that_finds_nothing_left_is_busy_and_holds_nothing() {
        let account = Account::new(100, 100);
        let share = account.share(&Tenant::new("a"));
        let budget = Budget::sharing(&Limits::default(), Some(share));
        let stopped = budget.bound(|| {
            let _first = budget.hold(60, Place::Source);
            let _second = budget.hold(60, Place::Source);
        });
        assert_eq!(stopped, Err(Stop::Busy));
        assert_eq!((account.held(), budget.held()), (0, 0));
    }
}
