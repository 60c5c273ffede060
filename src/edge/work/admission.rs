//! What may run: so many jobs at once, so many waiting, the rest refused.
//!
//! A job that runs long gives its place away while others wait, up to as many jobs as
//! there are places: it goes on beside those that come after it, and cannot keep short
//! ones from being served. The system's scheduler shares the processor among them.

use super::fair::Fair;
use super::{Task, Tenant};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Jobs at once. As many again may run when the first have run long.
    pub(super) places: usize,
    /// Jobs that wait.
    pub(super) queue: usize,
    /// After this time a job has run long.
    pub(super) long: Duration,
}

/// Jobs that wait and jobs that run.
#[derive(Debug)]
pub(super) struct Admission<J> {
    room: Room,
    fair: Fair<(Task, J)>,
    running: BTreeMap<u64, Running>,
    next: u64,
    steps: u64,
}

#[derive(Debug)]
struct Running {
    task: Task,
    /// Steps that were charged to its tenant.
    charged: u64,
    since: Instant,
    long: bool,
}

/// A job that was taken in.
pub(super) struct Submitted<J> {
    pub(super) id: u64,
    /// The job of another that had to go for it.
    pub(super) displaced: Option<J>,
}

impl<J> Admission<J> {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            fair: Fair::default(),
            running: BTreeMap::new(),
            next: 0,
            steps: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.fair.waiting()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// Running jobs that gave their places away.
    pub(super) fn long(&self) -> usize {
        self.running.values().filter(|running| running.long).count()
    }

    /// Places that are free.
    pub(super) fn free(&self) -> usize {
        let taken = self.running.len() - self.long();
        self.room.places.saturating_sub(taken)
    }

    /// The most jobs that ever run at once.
    pub(super) fn most(&self) -> usize {
        self.room.places.saturating_mul(2)
    }

    /// Steps that running and ended jobs spent, as far as they are known.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes a job in; it waits until [`Admission::start`]. When too many wait, the last
    /// one of whoever has most waiting is displaced, or this one is refused: nothing then.
    pub(super) fn submit(&mut self, task: Task, job: J) -> Option<Submitted<J>> {
        let cap = self.room.queue.saturating_add(self.free());
        let displaced = if self.waiting() < cap {
            None
        } else {
            let (_, job) = self.fair.make_room(&task.tenant)?;
            Some(job)
        };
        let id = self.next;
        self.next += 1;
        let tenant = task.tenant.clone();
        self.fair.push(&tenant, id, (task, job));
        Some(Submitted { id, displaced })
    }

    /// The next job, when there is a place for it.
    pub(super) fn start(&mut self, now: Instant) -> Option<(u64, Task, J)> {
        if self.free() == 0 {
            return None;
        }
        self.charge();
        let (_, id, (task, job)) = self.fair.pop()?;
        let running = Running {
            task: task.clone(),
            charged: task.budget.spent(),
            since: now,
            long: false,
        };
        self.running.insert(id, running);
        Some((id, task, job))
    }

    /// A running job ended.
    pub(super) fn ended(&mut self, id: u64) {
        self.charge();
        if let Some(running) = self.running.remove(&id) {
            self.fair.ended(&running.task.tenant);
        }
    }

    /// Takes a waiting job back.
    pub(super) fn remove(&mut self, tenant: &Tenant, id: u64) -> Option<J> {
        self.fair.remove(tenant, id).map(|(_, job)| job)
    }

    /// Takes the waiting jobs back whose time is over.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<J> {
        let late = |task: &Task| task.deadline.is_some_and(|deadline| deadline <= now);
        let gone = self.fair.remove_all(|(task, _)| late(task));
        gone.into_iter().map(|(_, job)| job).collect()
    }

    /// Takes all waiting jobs back.
    #[cfg(feature = "controller")]
    pub(super) fn clear(&mut self) -> Vec<J> {
        let all = self.fair.remove_all(|_| true);
        all.into_iter().map(|(_, job)| job).collect()
    }

    /// The next time at which a waiting job is late.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.fair.jobs().filter_map(|(task, _)| task.deadline).min()
    }

    /// Lets jobs that have run long give their places away, when others wait.
    pub(super) fn tick(&mut self, now: Instant) {
        self.charge();
        let mut spare = self.room.places.saturating_sub(self.long());
        let mut wanted = self.waiting().saturating_sub(self.free());
        for running in self.running.values_mut() {
            if spare == 0 || wanted == 0 {
                return;
            }
            let ran = now.saturating_duration_since(running.since);
            if !running.long && ran >= self.room.long {
                running.long = true;
                spare -= 1;
                wanted -= 1;
            }
        }
    }

    /// Charges what running jobs spent since the last time.
    fn charge(&mut self) {
        for running in self.running.values_mut() {
            let spent = running.task.budget.spent();
            let more = spent.saturating_sub(running.charged);
            running.charged = spent;
            self.steps = self.steps.saturating_add(more);
            self.fair.charge(&running.task.tenant, more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Place;
    use crate::edge::work::Account;
    use crate::tree::Limits;

    fn task(tenant: &str) -> Task {
        let account = Account::new(1 << 20, 100);
        Task::new(Tenant::new(tenant), &Limits::default(), &account, None)
    }

    fn admission(places: usize, queue: usize, long: Duration) -> Admission<&'static str> {
        Admission::new(Room {
            places,
            queue,
            long,
        })
    }

    #[test]
    fn what_running_jobs_spent_decides_who_is_next() {
        let now = Instant::now();
        let mut all = admission(2, 100, Duration::MAX);
        for _ in 0..4 {
            all.submit(task("a"), "a").unwrap();
        }
        all.submit(task("b"), "b").unwrap();
        let (_, first, job) = all.start(now).unwrap();
        assert_eq!(job, "a");
        let (id, _, job) = all.start(now).unwrap();
        assert_eq!(job, "b");
        assert!(all.start(now).is_none(), "both places are taken");
        all.submit(task("b"), "b").unwrap();
        // The other job of `a` still runs, and has spent much.
        let _ = first
            .budget
            .bound(|| first.budget.spend(1 << 30, Place::Source));
        all.ended(id);
        assert_eq!(all.start(now).unwrap().2, "b");
        assert_eq!(all.steps(), 1 << 30);
    }

    #[test]
    fn a_place_that_is_free_needs_no_queue() {
        let now = Instant::now();
        let mut all = admission(1, 0, Duration::MAX);
        assert!(all.submit(task("a"), "a").is_some());
        assert!(all.submit(task("a"), "a").is_none());
        all.start(now).unwrap();
        assert!(all.submit(task("b"), "b").is_none());
    }

    #[test]
    fn a_full_queue_is_shared_too() {
        let now = Instant::now();
        let mut all = admission(1, 3, Duration::MAX);
        for _ in 0..4 {
            let submitted = all.submit(task("a"), "a").unwrap();
            assert!(submitted.displaced.is_none());
            all.start(now);
        }
        assert!(all.submit(task("a"), "a").is_none());
        let submitted = all.submit(task("b"), "b").unwrap();
        assert_eq!(submitted.displaced, Some("a"));
        assert_eq!(all.waiting(), 3);
    }

    #[test]
    fn long_jobs_give_their_places_away_while_others_wait() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let mut all = admission(2, 10, Duration::from_secs(1));
        for _ in 0..2 {
            all.submit(task("a"), "a").unwrap();
            all.start(start).unwrap();
        }
        all.tick(later);
        assert_eq!(all.long(), 0, "nobody waits");
        all.submit(task("b"), "b").unwrap();
        all.tick(start);
        assert!(all.start(start).is_none(), "not yet long");
        all.tick(later);
        assert_eq!((all.long(), all.start(later).unwrap().2), (1, "b"));
        for _ in 0..5 {
            all.submit(task("b"), "b").unwrap();
        }
        let much_later = later + Duration::from_secs(9);
        all.tick(much_later);
        while all.start(much_later).is_some() {}
        all.tick(much_later);
        assert!(all.start(much_later).is_none());
        assert_eq!(all.running(), all.most());
    }
}
