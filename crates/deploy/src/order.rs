//! Steps in their order: each when those before it are done, and never two at once that
//! lock the same API or product.

use crate::id::Id;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not begun.
    Waiting,
    /// Done.
    Done,
    /// The service refused it.
    Refused,
    /// Not tried: this step, which it needs, was refused.
    Behind(usize),
}

/// Hands out steps.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// How many steps each waits for.
    waits: Vec<usize>,
    /// Who waits for each, and whether it needs it.
    followers: Vec<Vec<(usize, bool)>>,
    locks: Vec<Vec<Id>>,
    ready: BTreeSet<usize>,
    busy: HashSet<Id>,
    /// Steps that wait for a lock.
    parked: HashMap<Id, Vec<usize>>,
    pub(crate) fates: Vec<Fate>,
}

impl Schedule {
    /// A schedule of `count` steps; `after` has the edges of each, to steps of the same
    /// schedule.
    pub(crate) fn new(after: &[Vec<(usize, bool)>], locks: Vec<Vec<Id>>) -> Self {
        let mut followers = vec![Vec::new(); after.len()];
        for (step, before) in after.iter().enumerate() {
            for &(first, needed) in before {
                followers[first].push((step, needed));
            }
        }
        let waits: Vec<usize> = after.iter().map(Vec::len).collect();
        Self {
            ready: (0..after.len()).filter(|&step| waits[step] == 0).collect(),
            waits,
            followers,
            locks,
            busy: HashSet::new(),
            parked: HashMap::new(),
            fates: vec![Fate::Waiting; after.len()],
        }
    }

    /// The next step that can begin; its locks are held from now on.
    pub(crate) fn next(&mut self) -> Option<usize> {
        while let Some(step) = self.ready.pop_first() {
            match self.locks[step]
                .iter()
                .find(|lock| self.busy.contains(lock))
            {
                Some(lock) => self.parked.entry(lock.clone()).or_default().push(step),
                None => {
                    self.busy.extend(self.locks[step].iter().cloned());
                    return Some(step);
                }
            }
        }
        None
    }

    /// Notes that a step that was handed out has ended.
    pub(crate) fn end(&mut self, step: usize, well: bool) {
        for lock in std::mem::take(&mut self.locks[step]) {
            self.busy.remove(&lock);
            self.ready
                .extend(self.parked.remove(&lock).into_iter().flatten());
        }
        self.settle(step, if well { Fate::Done } else { Fate::Refused });
    }

    /// Gives `step` its fate, and those that wait for it theirs.
    fn settle(&mut self, step: usize, fate: Fate) {
        let mut settled = vec![(step, fate)];
        while let Some((step, fate)) = settled.pop() {
            if self.fates[step] != Fate::Waiting {
                continue;
            }
            self.fates[step] = fate;
            for (follower, needed) in std::mem::take(&mut self.followers[step]) {
                let stops = match fate {
                    Fate::Refused => needed.then_some(step),
                    // What it needed itself, whoever follows may need too.
                    Fate::Behind(first) => Some(first),
                    _ => None,
                };
                match stops {
                    Some(first) => settled.push((follower, Fate::Behind(first))),
                    None => {
                        self.waits[follower] -= 1;
                        if self.waits[follower] == 0 && self.fates[follower] == Fate::Waiting {
                            self.ready.insert(follower);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str) -> Vec<Id> {
        vec![Id::parse(&format!("apis/{name}")).unwrap()]
    }

    #[test]
    fn a_branch_stops_and_the_rest_goes_on() {
        // 0 <- 1 <- 2; 0 <~ 3 (only the same lock); 4 alone.
        let after = [
            vec![],
            vec![(0, true)],
            vec![(1, true)],
            vec![(0, false)],
            vec![],
        ];
        let mut schedule = Schedule::new(&after, vec![Vec::new(); 5]);
        assert_eq!(
            (schedule.next(), schedule.next(), schedule.next()),
            (Some(0), Some(4), None)
        );
        schedule.end(0, false);
        assert_eq!(schedule.next(), Some(3));
        schedule.end(3, true);
        schedule.end(4, true);
        assert_eq!(schedule.next(), None);
        assert_eq!(
            schedule.fates,
            [
                Fate::Refused,
                Fate::Behind(0),
                Fate::Behind(0),
                Fate::Done,
                Fate::Done
            ]
        );
    }

    #[test]
    fn two_that_lock_the_same_wait_for_each_other() {
        let locks = vec![lock("a"), lock("A"), lock("b")];
        let mut schedule = Schedule::new(&[vec![], vec![], vec![]], locks);
        assert_eq!(
            (schedule.next(), schedule.next(), schedule.next()),
            (Some(0), Some(2), None)
        );
        schedule.end(0, true);
        assert_eq!(schedule.next(), Some(1));
    }
}
