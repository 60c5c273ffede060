//! What was learnt a short while ago.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A map whose entries end after a time, and of which the oldest end early when there
/// are too many.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    life: Duration,
    most: usize,
    entries: Mutex<Entries<K, V>>,
}

#[derive(Debug)]
struct Entries<K, V> {
    values: HashMap<K, (Instant, V)>,
    /// In the order in which they were kept; some were kept again since.
    order: VecDeque<(Instant, K)>,
}

impl<K: Copy + Eq + Hash, V: Clone> Recent<K, V> {
    /// Keeps at most `most` entries for `life`.
    pub(super) fn new(life: Duration, most: usize) -> Self {
        Self {
            life,
            most,
            entries: Mutex::new(Entries {
                values: HashMap::new(),
                order: VecDeque::new(),
            }),
        }
    }

    /// What is kept by `key`, and for how long it still is.
    pub(super) fn get(&self, key: &K) -> Option<(V, Duration)> {
        let entries = self.lock();
        let (since, value) = entries.values.get(key)?;
        let left = self.life.saturating_sub(since.elapsed());
        (!left.is_zero()).then(|| (value.clone(), left))
    }

    /// Keeps `value` by `key`. One that was kept just now stays as it is: whoever comes
    /// often does not push out the others.
    pub(super) fn keep(&self, key: K, value: V) {
        let now = Instant::now();
        let mut entries = self.lock();
        let known = entries.values.get(&key);
        if known.is_some_and(|(since, _)| now.duration_since(*since) < self.life / 2) {
            return;
        }
        while let Some(&(since, oldest)) = entries.order.front() {
            let ended = now.duration_since(since) >= self.life;
            if !ended && entries.order.len() < self.most {
                break;
            }
            entries.order.pop_front();
            if entries
                .values
                .get(&oldest)
                .is_some_and(|(at, _)| *at == since)
            {
                entries.values.remove(&oldest);
            }
        }
        entries.order.push_back((now, key));
        entries.values.insert(key, (now, value));
    }

    /// Keeps nothing by `key` any more.
    pub(super) fn forget(&self, key: &K) {
        self.lock().values.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn the_oldest_ends_when_there_are_too_many() {
        let recent = Recent::new(LONG, 3);
        for n in 0..4 {
            recent.keep(n, n * 10);
            recent.keep(n, 0);
        }
        let kept: Vec<_> = (0..4).map(|n| recent.get(&n).map(|(v, _)| v)).collect();
        assert_eq!(kept, [None, Some(10), Some(20), Some(30)]);
    }

    #[test]
    fn nothing_outlives_its_time() {
        let recent = Recent::new(Duration::ZERO, 3);
        for n in 0..100 {
            recent.keep(n, ());
            assert_eq!(recent.get(&n).map(|(v, _)| v), None);
        }
        let entries = recent.lock();
        assert!(entries.values.len() <= 1 && entries.order.len() <= 1);
    }
}
