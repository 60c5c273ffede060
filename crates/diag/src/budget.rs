//! What one run may spend, and what ends it.
//!
//! Work is counted where it is done: [`Budget::spend`] takes steps, and
//! [`Budget::hold`] takes bytes until what holds them is dropped. When either runs
//! out, or when somebody cancels the run, the work ends *at that place*: the
//! call does not return. It unwinds, without a panic message, to
//! [`Budget::bound`], and everything that the run held is freed on the way.
//! Salsa cancels queries of rust-analyzer in the same way. The alternative, a
//! `Result` in each function, would be forgotten in the one loop that matters.
//! `docs/adr/0013-budget.md` has the reasons.
//!
//! Steps do not depend on the machine: the same input takes the same number of
//! them everywhere. There is no clock in here; a deadline is whoever calls
//! [`Budget::cancel`] in time, and a turn is so many steps ([`Budget::ask_after`]).

use super::rules::run_limit;
use super::{Diagnostic, Place};
use crate::tree::Limits;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one run may spend. Clones share one account.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    max_steps: u64,
    max_held: u64,
    max_resources: u64,
    steps: AtomicU64,
    /// From so many steps on there is something to decide: no more than `max_steps`.
    look_at: AtomicU64,
    /// Steps of a turn, and who is asked after each.
    turn: Mutex<Option<(u64, Arc<dyn Turn>)>>,
    held: AtomicU64,
    peak: AtomicU64,
    cancelled: AtomicBool,
    pool: Option<Arc<dyn Memory>>,
}

/// Memory that several runs share.
pub trait Memory: Send + Sync + std::fmt::Debug {
    /// Takes `bytes` for one run. `false` when there is not as much left.
    fn take(&self, bytes: u64) -> bool;
    /// Gives back `bytes` that were taken.
    fn give(&self, bytes: u64);
}

/// Who decides whether a run goes on that takes longer than one turn.
pub trait Turn: Send + Sync + std::fmt::Debug {
    /// Whether it goes on, and not before that is so. Otherwise it ends as if it had been
    /// cancelled. Each thread of the run may ask, and is told the same.
    fn goes_on(&self) -> bool;
}

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The steps of [`Limits::max_steps`] were spent.
    Steps {
        /// What was worked on.
        at: Place,
        /// Steps that the budget has.
        max: u64,
    },
    /// More than [`Limits::max_memory_bytes`] would be held.
    Memory {
        /// What was worked on.
        at: Place,
        /// Bytes that the budget has.
        max: u64,
    },
    /// The project has more than [`Limits::max_resources`].
    Resources {
        /// The first one too many.
        at: Place,
        /// Resources that the budget has.
        max: u64,
    },
    /// The memory that runs share ([`Memory`]) is taken.
    Busy,
    /// Somebody called [`Budget::cancel`], or whoever gives turns wants to see it later.
    Cancelled,
}

impl Stop {
    /// The finding that says so, for what the input is to blame for. A run that
    /// was cancelled, or found no memory left by others, is no such thing.
    pub fn finding(&self) -> Option<Diagnostic> {
        match self {
            Self::Steps { at, max } => Some(run_limit::steps(at.clone(), *max)),
            Self::Memory { at, max } => Some(run_limit::memory(at.clone(), *max)),
            Self::Resources { at, max } => Some(run_limit::resources(at.clone(), *max)),
            Self::Busy | Self::Cancelled => None,
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Budget {
    /// What `limits` allow.
    pub fn new(limits: &Limits) -> Self {
        Self::sharing(limits, None)
    }

    /// What `limits` allow, the memory taken from `pool` as well.
    pub fn sharing(limits: &Limits, pool: Option<Arc<dyn Memory>>) -> Self {
        Self(Arc::new(Account {
            max_steps: limits.max_steps,
            max_held: limits.max_memory_bytes,
            max_resources: limits.max_resources,
            steps: AtomicU64::new(0),
            look_at: AtomicU64::new(limits.max_steps),
            turn: Mutex::default(),
            held: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            pool,
        }))
    }

    /// Steps that were spent.
    pub fn spent(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// Bytes that are held now.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// The most bytes that were held at once.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Ends the run: whatever part of it asks next does not go on.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`Budget::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// Asks `turn` whether the run goes on, each time that it has spent `steps` more.
    pub fn ask_after(&self, steps: u64, turn: Arc<dyn Turn>) {
        let account = &*self.0;
        *account.turn() = Some((steps, turn));
        let at = self.spent().saturating_add(steps).min(account.max_steps);
        account.look_at.store(at, Ordering::Relaxed);
    }

    /// Asks nobody any more. The run is over: nothing of it may spend.
    pub fn ask_nobody(&self) {
        let account = &*self.0;
        *account.turn() = None;
        account.look_at.store(account.max_steps, Ordering::Relaxed);
    }

    /// Forgets all steps but `steps`: the run is over, and starts over.
    pub fn start_over(&self, steps: u64) {
        self.0.steps.store(steps, Ordering::Relaxed);
    }

    /// Runs `work`, which ends early when this budget does.
    ///
    /// # Errors
    /// Why it ended early. Nothing of it runs any more then, on no thread of
    /// its `rayon` scopes.
    pub fn bound<T>(&self, work: impl FnOnce() -> T) -> Result<T, Stop> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
            match payload.downcast::<Stop>() {
                Ok(stop) => *stop,
                // A defect of ours, which is for others to report.
                Err(other) => resume_unwind(other),
            }
        })
    }

    /// Counts `steps` of work on `at`. A step is about what looking at one value of a
    /// document takes. Returns only while there are steps left.
    pub fn spend(&self, steps: u64, at: impl Into<Place>) {
        let account = &*self.0;
        let spent = account.steps.fetch_add(steps, Ordering::Relaxed);
        let spent = spent.saturating_add(steps);
        if spent > account.look_at.load(Ordering::Relaxed) {
            account.look(spent, at);
        }
        if account.cancelled.load(Ordering::Relaxed) {
            stop(Stop::Cancelled);
        }
    }

    /// Returns only while a project of `count` resources, the last one at `at`, is not too
    /// large.
    pub fn resources(&self, count: usize, at: impl Into<Place>) {
        let max = self.0.max_resources;
        if count as u64 > max {
            stop(Stop::Resources { at: at.into(), max });
        }
    }

    /// A counter for a loop: it asks the budget once in a while.
    pub fn meter(&self) -> Meter {
        self.counter(true)
    }

    /// A counter for work whose steps were counted before: it only asks whether to
    /// go on.
    pub fn repeated(&self) -> Meter {
        self.counter(false)
    }

    fn counter(&self, counts: bool) -> Meter {
        Meter {
            budget: self.clone(),
            pending: Cell::new(0),
            asked: Cell::new(0),
            counts,
        }
    }

    /// Holds `bytes` for `at` until the result is dropped. Returns only while there is
    /// memory left.
    pub fn hold(&self, bytes: usize, at: impl Into<Place>) -> Held {
        let mut held = Held {
            budget: self.clone(),
            bytes: 0,
        };
        held.grow(bytes, at);
        held
    }
}

impl Account {
    fn turn(&self) -> MutexGuard<'_, Option<(u64, Arc<dyn Turn>)>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run goes on that has spent so much: it returns if so.
    #[cold]
    fn look(&self, spent: u64, at: impl Into<Place>) {
        let max = self.max_steps;
        if spent > max {
            stop(Stop::Steps { at: at.into(), max });
        }
        // Not under the lock: whoever is asked has locks of its own. Several threads may
        // ask, and all are told the same.
        let turn = self.turn().clone();
        let (steps, goes_on) = turn.map_or((max, true), |(steps, turn)| (steps, turn.goes_on()));
        if !goes_on {
            stop(Stop::Cancelled);
        }
        let next = spent.saturating_add(steps).min(max);
        self.look_at.fetch_max(next, Ordering::Relaxed);
    }
}

fn stop(why: Stop) -> ! {
    // Not a panic: no hook runs, and `Budget::bound` is above.
    resume_unwind(Box::new(why))
}

/// Counts the steps of a loop on one thread, and asks the budget for many at a
/// time.
#[derive(Debug)]
pub struct Meter {
    budget: Budget,
    pending: Cell<u64>,
    /// Steps that the budget was asked for.
    asked: Cell<u64>,
    /// Whether the budget counts them.
    counts: bool,
}

impl Meter {
    /// Steps between two questions: a fraction of a millisecond.
    const BATCH: u64 = 1024;

    /// Counts `steps` of work on `at`, as [`Budget::spend`].
    #[inline]
    pub fn spend(&self, steps: u64, at: impl Into<Place>) {
        let pending = self.pending.get() + steps;
        if pending < Self::BATCH {
            self.pending.set(pending);
        } else {
            self.ask(pending, at.into());
        }
    }

    #[cold]
    fn ask(&self, steps: u64, at: Place) {
        self.pending.set(0);
        self.asked.set(self.asked.get() + steps);
        self.budget.spend(if self.counts { steps } else { 0 }, at);
    }

    /// Steps that were counted here.
    pub fn spent(&self) -> u64 {
        self.asked.get() + self.pending.get()
    }

    /// The budget that it counts for.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Also while a run unwinds: it must not stop a second time.
        if self.counts {
            let steps = &self.budget.0.steps;
            steps.fetch_add(self.pending.get(), Ordering::Relaxed);
        }
    }
}

/// Bytes that count as held while this lives.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: u64,
}

impl Held {
    /// Holds at least `bytes` bytes from now on.
    pub fn grow(&mut self, bytes: usize, at: impl Into<Place>) {
        let bytes = bytes as u64;
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else {
            return;
        };
        let account = &*self.budget.0;
        // What this run may not have it does not ask others for.
        let asked = account.held.load(Ordering::Relaxed).saturating_add(more);
        account.peak.fetch_max(asked, Ordering::Relaxed);
        if asked > account.max_held {
            let max = account.max_held;
            stop(Stop::Memory { at: at.into(), max });
        }
        if account.pool.as_ref().is_some_and(|pool| !pool.take(more)) {
            stop(Stop::Busy);
        }
        self.bytes = bytes;
        account.held.fetch_add(more, Ordering::Relaxed);
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget that they are held of.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let account = &*self.budget.0;
        account.held.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(pool) = &account.pool {
            pool.give(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;
    use std::sync::atomic::AtomicUsize;

    fn of(steps: u64, bytes: u64) -> Budget {
        Budget::new(&Limits {
            max_steps: steps,
            max_memory_bytes: bytes,
            ..Limits::default()
        })
    }

    #[test]
    fn the_step_too_many_ends_the_run() {
        let budget = of(10, 10);
        let stopped = budget.bound(|| {
            for _ in 0..11 {
                budget.spend(1, Place::Source);
            }
        });
        let finding = stopped.unwrap_err().finding().unwrap();
        assert_eq!(finding.rule.code.0, 1017);
        assert!(finding.message.contains("10 steps"), "{finding:?}");
        assert!(finding.help.unwrap().contains("--max-steps"));
    }

    #[test]
    fn what_is_held_is_given_back_on_every_way_out() {
        let budget = of(10, 100);
        let stopped = budget.bound(|| {
            let _first = budget.hold(60, Place::Source);
            let _second = budget.hold(60, Place::Source);
        });
        assert!(matches!(stopped, Err(Stop::Memory { max: 100, .. })));
        assert_eq!((budget.held(), budget.peak()), (0, 120));
        let mut held = budget.hold(10, Place::Source);
        held.grow(30, Place::Source);
        held.grow(20, Place::Source);
        assert_eq!((budget.held(), held.bytes()), (30, 30));
        drop(held);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn no_thread_goes_on_after_the_end() {
        let budget = of(1000, 1);
        let worked = AtomicUsize::new(0);
        let stopped = budget.bound(|| {
            (0..100_000).into_par_iter().for_each(|_| {
                budget.spend(1, Place::Source);
                worked.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert!(matches!(stopped, Err(Stop::Steps { max: 1000, .. })));
        assert_eq!(worked.into_inner(), 1000);
    }

    #[test]
    fn a_cancelled_run_ends_at_the_next_question() {
        let budget = of(u64::MAX, 1);
        let stopped = budget.bound(|| {
            let meter = budget.meter();
            for n in 0_u64.. {
                if n == 5000 {
                    budget.cancel();
                }
                meter.spend(1, Place::Source);
            }
        });
        assert_eq!(stopped, Err(Stop::Cancelled));
        assert!(budget.spent() >= 5000 && budget.spent() < 5000 + 2 * Meter::BATCH);
    }

    #[test]
    fn work_that_is_repeated_is_counted_once_and_can_be_ended() {
        let budget = of(3000, 1);
        let stopped = budget.bound(|| {
            let (first, again) = (budget.meter(), budget.repeated());
            for meter in [&first, &again] {
                (0..2500).for_each(|_| meter.spend(1, Place::Source));
            }
            assert_eq!((first.spent(), again.spent()), (2500, 2500));
            budget.cancel();
            (0..2500).for_each(|_| again.spend(1, Place::Source));
        });
        assert_eq!((stopped, budget.spent()), (Err(Stop::Cancelled), 2500));
    }

    /// Counts how often it is asked.
    #[derive(Debug)]
    struct Asked(bool, AtomicUsize);

    impl Turn for Asked {
        fn goes_on(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0
        }
    }

    #[test]
    fn after_one_turn_somebody_decides_whether_it_goes_on() {
        let budget = of(100, 1);
        let spend = |steps| budget.bound(|| budget.spend(steps, Place::Source));
        assert_eq!(spend(7), Ok(()));
        let asked = Arc::new(Asked(true, AtomicUsize::new(0)));
        budget.ask_after(10, asked.clone());
        assert_eq!(spend(10), Ok(()));
        assert_eq!(asked.1.load(Ordering::Relaxed), 0);
        assert_eq!((spend(1), spend(10)), (Ok(()), Ok(())));
        assert_eq!(asked.1.load(Ordering::Relaxed), 1);
        assert_eq!((spend(1), spend(9)), (Ok(()), Ok(())));
        assert_eq!(asked.1.load(Ordering::Relaxed), 2, "after each turn");
        assert!(matches!(spend(90), Err(Stop::Steps { max: 100, .. })));

        budget.start_over(7);
        budget.ask_after(10, Arc::new(Asked(false, AtomicUsize::new(0))));
        for steps in [11, 0] {
            assert_eq!(spend(steps), Err(Stop::Cancelled));
        }
        assert!(!budget.is_cancelled());
        budget.start_over(7);
        budget.ask_nobody();
        assert_eq!((spend(93), budget.spent()), (Ok(()), 100));
    }

    #[test]
    fn a_panic_of_ours_is_no_end_of_the_budget() {
        let budget = of(1, 1);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            budget.bound(|| resume_unwind(Box::new(1)))
        }));
        assert!(caught.unwrap_err().is::<i32>());
    }
}
