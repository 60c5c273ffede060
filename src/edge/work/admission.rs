//! What may run: so many jobs at once, so many waiting, the rest refused.
//!
//! Nobody knows what a job costs before it has run. Each gets one turn on one of the
//! places. One that takes longer is a long job: it gives its place away and goes on
//! beside the places, where there is room for a few, one turn at a time: while somebody
//! waits for whom less was spent, it rests where it is. When there is no room, it ends,
//! and starts over when there is, in the order of those who wait for that. So a short job
//! waits for turns of others, never for the whole of their jobs; a long one is begun
//! twice at most; and no more jobs hold memory than there are places and long jobs.
//!
//! What takes long without spending steps, such as waiting for others, gives its place
//! away by the clock ([`Admission::tick`]).

use super::fair::Fair;
use super::{Task, Tenant};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Jobs at once.
    pub(super) places: usize,
    /// Long jobs beside them.
    pub(super) beside: usize,
    /// Jobs that wait for a place; as many may wait for room beside them.
    pub(super) queue: usize,
    /// After this time a job gives its place away when others wait.
    pub(super) long: Duration,
}

/// Jobs that wait and jobs that run.
#[derive(Debug)]
pub(super) struct Admission<J> {
    room: Room,
    /// Those that wait for a place.
    first: Fair<(Task, J)>,
    /// Those that were put off, and wait for room beside the places.
    later: Fair<(Task, J)>,
    running: BTreeMap<u64, Running>,
    next: u64,
    steps: u64,
}

#[derive(Debug)]
struct Running {
    task: Task,
    /// Steps of its budget before it began.
    before: u64,
    /// Steps that were charged to its tenant.
    charged: u64,
    since: Instant,
    /// Whether it takes no place.
    long: bool,
    /// Whether its steps count among those that were put off, too.
    later: bool,
}

/// What becomes of a running job after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It goes on.
    Now,
    /// It rests until others had their turn.
    Rests,
    /// It is to end, and to [start over](Admission::start_over).
    StartsOver,
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
            first: Fair::default(),
            later: Fair::default(),
            running: BTreeMap::new(),
            next: 0,
            steps: 0,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.first.waiting() + self.later.waiting()
    }

    /// Those of them that were put off.
    pub(super) fn put_off(&self) -> usize {
        self.later.waiting()
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

    /// Long jobs that there is room for.
    fn beside(&self) -> usize {
        self.room.beside.saturating_sub(self.long())
    }

    /// Jobs that may start now.
    pub(super) fn ready(&self) -> usize {
        self.first.waiting().min(self.free()) + self.later.waiting().min(self.beside())
    }

    /// The most jobs that ever run at once.
    pub(super) fn most(&self) -> usize {
        self.room.places.saturating_add(self.room.beside)
    }

    /// Steps that running and ended jobs spent, as far as they are known.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes a job in; it waits until [`Admission::start`]. When too many wait, the last
    /// one of whoever has most waiting is displaced, or this one is refused: nothing then.
    pub(super) fn submit(&mut self, task: Task, job: J) -> Option<Submitted<J>> {
        let cap = self.room.queue.saturating_add(self.free());
        let displaced = make_room(&mut self.first, cap, &task.tenant)?;
        let id = self.next;
        self.next += 1;
        let tenant = task.tenant.clone();
        self.first.push(&tenant, id, (task, job));
        Some(Submitted { id, displaced })
    }

    /// The next job, when there is a place, or room, for it.
    pub(super) fn start(&mut self, now: Instant) -> Option<(u64, Task, J)> {
        self.charge();
        let place = (self.free() > 0).then(|| self.first.pop()).flatten();
        let later = place.is_none();
        let (_, id, (task, job)) = match place {
            Some(next) => next,
            None if self.beside() > 0 => self.later.pop()?,
            None => return None,
        };
        let spent = task.budget.spent();
        let running = Running {
            task: task.clone(),
            before: spent,
            charged: spent,
            since: now,
            long: later,
            later,
        };
        self.running.insert(id, running);
        if later {
            self.first.begin(&task.tenant);
        }
        Some((id, task, job))
    }

    /// A running job has taken a turn: a place is for no more than one.
    pub(super) fn after_turn(&mut self, id: u64) -> Next {
        self.charge();
        // Who waits for room has waited for longer.
        let room = self.later.waiting() == 0 && self.beside() > 0;
        let Some(running) = self.running.get_mut(&id) else {
            return Next::Now;
        };
        if !running.long {
            if !room {
                return Next::StartsOver;
            }
            running.long = true;
            running.later = true;
            self.later.begin(&running.task.tenant);
        }
        if self.first.is_due(&running.task.tenant) {
            Next::Now
        } else {
            Next::Rests
        }
    }

    /// A running job ended. Whether it was a long one.
    pub(super) fn ended(&mut self, id: u64) -> bool {
        self.charge();
        let Some(running) = self.running.remove(&id) else {
            return false;
        };
        self.leave(&running);
        running.long
    }

    fn leave(&mut self, running: &Running) {
        self.first.ended(&running.task.tenant);
        if running.later {
            self.later.ended(&running.task.tenant);
        }
    }

    /// Puts a running job off that ended because it was not to go on. When too many wait
    /// for room, one is displaced, as in [`Admission::submit`], or this one given back.
    pub(super) fn start_over(&mut self, id: u64, job: J) -> Result<Option<J>, J> {
        self.charge();
        let Some(running) = self.running.remove(&id) else {
            return Err(job);
        };
        self.leave(&running);
        let task = running.task;
        let tenant = task.tenant.clone();
        task.budget.start_over(running.before);
        let cap = self.room.queue.saturating_add(self.beside());
        let Some(displaced) = make_room(&mut self.later, cap, &tenant) else {
            return Err(job);
        };
        self.later.push(&tenant, id, (task, job));
        Ok(displaced)
    }

    /// Takes a waiting job back.
    pub(super) fn remove(&mut self, tenant: &Tenant, id: u64) -> Option<J> {
        let first = self.first.remove(tenant, id);
        let (_, job) = first.or_else(|| self.later.remove(tenant, id))?;
        Some(job)
    }

    /// Takes the waiting jobs back whose time is over.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<J> {
        self.remove_all(|task| task.deadline.is_some_and(|deadline| deadline <= now))
    }

    /// Takes all waiting jobs back.
    #[cfg(feature = "controller")]
    pub(super) fn clear(&mut self) -> Vec<J> {
        self.remove_all(|_| true)
    }

    fn remove_all(&mut self, which: impl Fn(&Task) -> bool) -> Vec<J> {
        let mut gone = self.first.remove_all(|(task, _)| which(task));
        gone.extend(self.later.remove_all(|(task, _)| which(task)));
        gone.into_iter().map(|(_, job)| job).collect()
    }

    /// The next time at which a waiting job is late.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.first.jobs().chain(self.later.jobs());
        waiting.filter_map(|(task, _)| task.deadline).min()
    }

    /// Lets jobs that have run long by the clock give their places away, when others wait.
    pub(super) fn tick(&mut self, now: Instant) {
        self.charge();
        let mut spare = self.beside();
        let mut wanted = self.first.waiting().saturating_sub(self.free());
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
            self.first.charge(&running.task.tenant, more);
            if running.later {
                self.later.charge(&running.task.tenant, more);
            }
        }
    }
}

/// Makes room in `fair` for a job of `tenant`: what had to go for it, if there is room.
fn make_room<J>(fair: &mut Fair<(Task, J)>, cap: usize, tenant: &Tenant) -> Option<Option<J>> {
    if fair.waiting() < cap {
        return Some(None);
    }
    let (_, job) = fair.make_room(tenant)?;
    Some(Some(job))
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
            beside: places,
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

    /// Spends `steps` from the budget of `task`.
    fn spend(task: &Task, steps: u64) {
        let _ = task
            .budget
            .bound(|| task.budget.spend(steps, Place::Source));
    }

    #[test]
    fn who_takes_more_than_a_turn_goes_on_beside_the_places() {
        let now = Instant::now();
        let mut all = admission(1, 10, Duration::MAX);
        for tenant in ["a", "b"] {
            all.submit(task(tenant), tenant).unwrap();
        }
        let (long, heavy, _) = all.start(now).unwrap();
        assert!(all.start(now).is_none());
        spend(&heavy, 1000);
        assert_ne!(all.after_turn(long), Next::StartsOver);
        assert_eq!((all.long(), all.free(), all.ready()), (1, 1, 1));
        assert_eq!(all.start(now).unwrap().2, "b");
        assert_eq!(all.after_turn(long), Next::Now, "nobody waits");
        all.submit(task("c"), "c").unwrap();
        assert_eq!(all.after_turn(long), Next::Rests);
        all.ended(long);
        assert_eq!((all.long(), all.steps()), (0, 1000));
    }

    #[test]
    fn without_room_it_starts_over_when_there_is() {
        let now = Instant::now();
        let mut all = admission(1, 10, Duration::MAX);
        for tenant in ["a", "b", "c"] {
            all.submit(task(tenant), tenant).unwrap();
        }
        let (long, _, _) = all.start(now).unwrap();
        assert_ne!(all.after_turn(long), Next::StartsOver);
        let (heavy, other, job) = all.start(now).unwrap();
        spend(&other, 1000);
        assert_eq!(all.after_turn(heavy), Next::StartsOver);
        assert_eq!(all.free(), 0, "until it has ended");
        assert_eq!(all.start_over(heavy, job), Ok(None));
        assert_eq!((other.budget.spent(), all.steps()), (0, 1000));
        assert_eq!((all.free(), all.put_off(), all.waiting()), (1, 1, 2));
        let (short, _, job) = all.start(now).unwrap();
        assert_eq!(job, "c");
        all.ended(short);
        assert!(all.start(now).is_none(), "the place is for others");
        all.ended(long);
        let (again, _, job) = all.start(now).unwrap();
        assert_eq!((again, job), (heavy, "b"));
        assert_eq!((all.long(), all.free()), (1, 1));
        assert_ne!(all.after_turn(heavy), Next::StartsOver);
    }

    #[test]
    fn who_was_put_off_is_not_overtaken() {
        let now = Instant::now();
        let mut all = admission(2, 10, Duration::MAX);
        for tenant in ["a", "b", "c", "d"] {
            all.submit(task(tenant), tenant).unwrap();
        }
        let mut put_off = Vec::new();
        for _ in 0..2 {
            let (id, _, _) = all.start(now).unwrap();
            assert_ne!(all.after_turn(id), Next::StartsOver);
            put_off.push(id);
        }
        let (third, _, job) = all.start(now).unwrap();
        let (fourth, _, _) = all.start(now).unwrap();
        assert_eq!(all.after_turn(third), Next::StartsOver);
        all.start_over(third, job).unwrap();
        all.ended(put_off[0]);
        // There is room, and the third waits for it.
        assert_eq!(all.after_turn(fourth), Next::StartsOver);
        assert_eq!(all.start(now).unwrap().0, third);
    }

    #[test]
    fn room_beside_the_places_is_shared_by_what_was_spent_there() {
        let now = Instant::now();
        let mut all = admission(1, 100, Duration::MAX);
        for tenant in ["a", "a", "a", "b", "b"] {
            all.submit(task(tenant), tenant).unwrap();
        }
        let (mut runs, _, _) = all.start(now).unwrap();
        assert_ne!(all.after_turn(runs), Next::StartsOver);
        let mut order = Vec::new();
        while let Some((id, task, job)) = all.start(now) {
            spend(&task, 1000);
            assert_eq!(all.after_turn(id), Next::StartsOver);
            all.start_over(id, job).unwrap();
        }
        while all.put_off() > 0 {
            all.ended(runs);
            let (id, task, job) = all.start(now).unwrap();
            spend(&task, 1 << 30);
            order.push(job);
            runs = id;
        }
        assert_eq!(order, ["b", "a", "b", "a"]);
    }

    #[test]
    fn those_that_were_put_off_have_a_queue_of_the_same_length() {
        let now = Instant::now();
        let mut all = admission(1, 1, Duration::MAX);
        let mut put_off = |tenant: &'static str| {
            all.submit(task(tenant), tenant).unwrap();
            let (id, _, job) = all.start(now).unwrap();
            if all.after_turn(id) != Next::StartsOver {
                return None;
            }
            Some(all.start_over(id, job))
        };
        assert_eq!(put_off("a"), None);
        assert_eq!(put_off("a"), Some(Ok(None)));
        assert_eq!(put_off("b"), Some(Err("b")), "nobody has more waiting");
        assert_eq!((all.running(), all.free(), all.waiting()), (1, 1, 1));
    }
}
