//! Whose turn it is: start-time fair queueing.
//!
//! Each tenant has a figure, the steps that were spent for it, and the next job is of
//! the tenant with the lowest. Whoever comes to work after a rest starts at the figure
//! of the tenant that was served last: time that others used while nobody else asked
//! is not held against them, and rest is nothing to be saved up. One tenant with many
//! jobs, or with heavy ones, is therefore served as often as its share of the steps
//! allows, and another waits for no more than the jobs that run.
//!
//! Nothing here depends on a clock.

use super::Tenant;
use std::collections::{BTreeMap, VecDeque};

/// Steps that each job counts as when it starts, before it spent any.
const START: u64 = 50_000;
/// Tenants at rest that are remembered because they spent more than others.
const REMEMBERED: usize = 1000;

/// Jobs that wait, by tenant.
#[derive(Debug)]
pub(super) struct Fair<J> {
    lanes: BTreeMap<Tenant, Lane<J>>,
    /// The figure of the tenant that was served last.
    now: u64,
    waiting: usize,
    turns: u64,
    /// Tenants that there may be before those at rest are looked through.
    look_at: usize,
}

#[derive(Debug)]
struct Lane<J> {
    spent: u64,
    /// When it was served last; of those with one figure, who waited longest is next.
    served: u64,
    running: usize,
    waiting: VecDeque<(u64, J)>,
}

impl<J> Lane<J> {
    fn is_resting(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

impl<J> Default for Fair<J> {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::new(),
            now: 0,
            waiting: 0,
            turns: 0,
            look_at: REMEMBERED,
        }
    }
}

impl<J> Fair<J> {
    /// Jobs that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Lets a job wait. `id` is no other job's.
    pub(super) fn push(&mut self, tenant: &Tenant, id: u64, job: J) {
        let lane = self.lane(tenant);
        lane.waiting.push_back((id, job));
        self.waiting += 1;
    }

    /// The lane of a tenant who comes to work, or is at it.
    fn lane(&mut self, tenant: &Tenant) -> &mut Lane<J> {
        let lane = self.lanes.entry(tenant.clone()).or_insert(Lane {
            spent: 0,
            served: 0,
            running: 0,
            waiting: VecDeque::new(),
        });
        if lane.is_resting() {
            lane.spent = lane.spent.max(self.now);
        }
        lane
    }

    /// The job whose turn it is. It runs from now on, until [`Fair::ended`].
    pub(super) fn pop(&mut self) -> Option<(Tenant, u64, J)> {
        let lanes = self.lanes.iter_mut();
        let waiting = lanes.filter(|(_, lane)| !lane.waiting.is_empty());
        let (tenant, lane) = waiting.min_by_key(|(_, lane)| (lane.spent, lane.served))?;
        let (id, job) = lane.waiting.pop_front()?;
        self.turns += 1;
        self.waiting -= 1;
        self.now = self.now.max(lane.spent);
        lane.served = self.turns;
        lane.running += 1;
        lane.spent = lane.spent.saturating_add(START);
        Some((tenant.clone(), id, job))
    }

    /// A job of `tenant` runs from now on that did not wait here.
    pub(super) fn begin(&mut self, tenant: &Tenant) {
        self.turns += 1;
        let turns = self.turns;
        let lane = self.lane(tenant);
        lane.served = turns;
        lane.running += 1;
    }

    /// Whether no job waits of a tenant for whom less was spent than for `tenant`.
    pub(super) fn is_due(&self, tenant: &Tenant) -> bool {
        let own = self.lanes.get(tenant).map_or(0, |lane| lane.spent);
        let waiting = self.lanes.values().filter(|lane| !lane.waiting.is_empty());
        waiting.map(|lane| lane.spent).all(|other| own <= other)
    }

    /// Counts steps that a running job of `tenant` spent.
    pub(super) fn charge(&mut self, tenant: &Tenant, steps: u64) {
        if let Some(lane) = self.lanes.get_mut(tenant) {
            lane.spent = lane.spent.saturating_add(steps);
        }
    }

    /// A running job of `tenant` ended.
    pub(super) fn ended(&mut self, tenant: &Tenant) {
        if let Some(lane) = self.lanes.get_mut(tenant) {
            lane.running = lane.running.saturating_sub(1);
        }
        self.forget();
    }

    /// Takes a job back that still waits.
    pub(super) fn remove(&mut self, tenant: &Tenant, id: u64) -> Option<J> {
        let lane = self.lanes.get_mut(tenant)?;
        let at = lane
            .waiting
            .iter()
            .position(|(waiting, _)| *waiting == id)?;
        let (_, job) = lane.waiting.remove(at)?;
        self.waiting -= 1;
        self.forget();
        Some(job)
    }

    /// Every job that waits.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &J> {
        let lanes = self.lanes.values();
        lanes.flat_map(|lane| lane.waiting.iter().map(|(_, job)| job))
    }

    /// Takes all jobs back that `which` means.
    pub(super) fn remove_all(&mut self, mut which: impl FnMut(&J) -> bool) -> Vec<J> {
        if !self.jobs().any(&mut which) {
            return Vec::new();
        }
        let mut gone = Vec::new();
        for lane in self.lanes.values_mut() {
            let (out, stay): (VecDeque<_>, _) = std::mem::take(&mut lane.waiting)
                .into_iter()
                .partition(|(_, job)| which(job));
            lane.waiting = stay;
            gone.extend(out.into_iter().map(|(_, job)| job));
        }
        self.waiting -= gone.len();
        self.forget();
        gone
    }

    /// Makes room for a job of `tenant`: the last one of whoever has most waiting gives
    /// way, if that is more than `tenant` would have.
    pub(super) fn make_room(&mut self, tenant: &Tenant) -> Option<J> {
        let own = self.lanes.get(tenant).map_or(0, |lane| lane.waiting.len());
        let lanes = self.lanes.values_mut();
        let longest = lanes.max_by_key(|lane| lane.waiting.len())?;
        if longest.waiting.len() <= own + 1 {
            return None;
        }
        let (_, job) = longest.waiting.pop_back()?;
        self.waiting -= 1;
        Some(job)
    }

    /// Forgets tenants at rest who would start like a new one; and when too many are
    /// left, those who are the least ahead. Now and then: it looks at all of them.
    fn forget(&mut self) {
        if self.lanes.len() <= self.look_at {
            return;
        }
        let now = self.now;
        self.lanes
            .retain(|_, lane| !lane.is_resting() || lane.spent > now);
        let resting = self.lanes.values().filter(|lane| lane.is_resting());
        let mut spent: Vec<u64> = resting.map(|lane| lane.spent).collect();
        if spent.len() > REMEMBERED {
            spent.sort_unstable();
            let least = spent[spent.len() - REMEMBERED / 2];
            self.lanes
                .retain(|_, lane| !lane.is_resting() || lane.spent > least);
        }
        self.look_at = (2 * self.lanes.len()).max(REMEMBERED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> Tenant {
        Tenant::new(name)
    }

    /// Serves one job, which spends `steps`.
    fn serve(fair: &mut Fair<&'static str>, steps: u64) -> Option<&'static str> {
        let (tenant, _, job) = fair.pop()?;
        fair.charge(&tenant, steps);
        fair.ended(&tenant);
        Some(job)
    }

    #[test]
    fn who_comes_to_a_full_queue_of_another_is_next() {
        let mut fair = Fair::default();
        for id in 0..100 {
            fair.push(&tenant("a"), id, "heavy");
        }
        assert_eq!(serve(&mut fair, 1 << 30), Some("heavy"));
        assert_eq!(serve(&mut fair, 1 << 30), Some("heavy"));
        fair.push(&tenant("b"), 100, "light");
        assert_eq!(serve(&mut fair, 1000), Some("light"));
        assert_eq!(serve(&mut fair, 1 << 30), Some("heavy"));
    }

    #[test]
    fn the_steps_are_shared_not_the_turns() {
        let mut fair = Fair::default();
        for id in 0..1000 {
            fair.push(&tenant("a"), id, "heavy");
            fair.push(&tenant("b"), 1000 + id, "light");
        }
        let mut heavy = 0;
        for _ in 0..110 {
            // Ten times the steps of the other, START included.
            let (who, _, job) = fair.pop().unwrap();
            heavy += u64::from(job == "heavy");
            fair.charge(&who, if job == "heavy" { 9 * START } else { 0 });
            fair.ended(&who);
        }
        assert_eq!(heavy, 10);
    }

    #[test]
    fn what_was_spent_while_nobody_else_asked_is_not_held_against_one() {
        let mut fair = Fair::default();
        for id in 0..50 {
            fair.push(&tenant("a"), id, "a");
            serve(&mut fair, 1 << 40);
        }
        // From now on they take turns.
        for id in 0..4 {
            fair.push(&tenant("a"), 100 + id, "a");
            fair.push(&tenant("b"), 200 + id, "b");
        }
        let order: Vec<_> = (0..6).filter_map(|_| serve(&mut fair, 1 << 40)).collect();
        assert_eq!(order, ["b", "a", "b", "a", "b", "a"]);
    }

    #[test]
    fn rest_is_not_saved_up() {
        let mut fair = Fair::default();
        for id in 0..20 {
            fair.push(&tenant("a"), id, "a");
        }
        for _ in 0..10 {
            serve(&mut fair, 1 << 30);
        }
        for id in 0..4 {
            fair.push(&tenant("b"), 100 + id, "b");
        }
        let order: Vec<_> = (0..4).filter_map(|_| serve(&mut fair, 1 << 30)).collect();
        assert_eq!(order, ["b", "a", "b", "a"]);
    }

    #[test]
    fn the_longest_queue_gives_way() {
        let mut fair = Fair::default();
        for id in 0..5 {
            fair.push(&tenant("a"), id, id);
        }
        fair.push(&tenant("b"), 5, 5);
        assert_eq!(fair.make_room(&tenant("a")), None);
        assert_eq!(fair.make_room(&tenant("b")), Some(4));
        assert_eq!(fair.make_room(&tenant("c")), Some(3));
        assert_eq!(fair.waiting(), 4);
        assert_eq!(fair.remove(&tenant("a"), 1), Some(1));
        assert_eq!(fair.remove(&tenant("a"), 1), None);
        assert_eq!(fair.remove_all(|job| *job == 5), [5]);
        assert_eq!(fair.waiting(), 2);
    }

    #[test]
    fn tenants_at_rest_are_forgotten() {
        let mut fair = Fair::default();
        for id in 0..10 * REMEMBERED as u64 {
            let tenant = tenant(&id.to_string());
            fair.push(&tenant, id, "x");
            fair.pop();
            fair.charge(&tenant, id % 7);
            fair.ended(&tenant);
            assert!(fair.lanes.len() <= 2 * REMEMBERED);
        }
        assert_eq!(fair.waiting(), 0);
    }
}
