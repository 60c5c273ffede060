//! What earlier runs made, by digest of what it was made of.
//!
//! A run that is given a [`Reuse`] finds in it what an earlier one made of the
//! same bytes, and ends with the same bundle as without. Values belong to no
//! tree: whoever keeps one leaves out, or writes by path, what would.

use flux_apim_diag::tree::Digest;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 512;

struct Entry {
    used: u64,
    bytes: usize,
    value: Arc<dyn Any + Send + Sync>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<Digest, Entry>,
    by_use: BTreeMap<u64, Digest>,
    clock: u64,
    bytes: usize,
}

/// Values by digest, of any type, bounded in bytes: the longest unused go first.
pub struct Reuse {
    shared: Arc<Shared>,
    /// Part of each key: what others keep is not found.
    owner: Option<Digest>,
}

struct Shared {
    entries: Mutex<Entries>,
    capacity: usize,
    found: AtomicU64,
    missed: AtomicU64,
}

impl fmt::Debug for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reuse")
            .field("capacity", &self.shared.capacity)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Reuse {
    /// Room for `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                entries: Mutex::default(),
                capacity,
                found: AtomicU64::new(0),
                missed: AtomicU64::new(0),
            }),
            owner: None,
        }
    }

    /// The same room for `owner` alone: what is kept through it is found through it, and
    /// nothing else is. Nobody can tell by the time that something takes whether another
    /// had the same before.
    pub fn of(&self, owner: &str) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            owner: Some(Digest::of(owner.as_bytes())),
        }
    }

    fn key(&self, key: &Digest) -> Digest {
        match &self.owner {
            Some(owner) => Digest::of(&[*owner.as_bytes(), *key.as_bytes()].concat()),
            None => *key,
        }
    }

    /// The most bytes that a value may have: one must not push out all others.
    pub fn largest(&self) -> usize {
        self.shared.capacity / 4
    }

    /// Bytes of all values that are kept.
    pub fn bytes(&self) -> usize {
        self.entries().bytes
    }

    /// How often a value was found, and how often not.
    pub fn counts(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.shared.found), of(&self.shared.missed))
    }

    /// The value that was kept under `key`. A key tells the type, too.
    pub fn get<T: Any + Send + Sync>(&self, key: &Digest) -> Option<Arc<T>> {
        let value = self.entries().touch(&self.key(key));
        let value = value.and_then(|value| value.downcast().ok());
        let count = match value {
            Some(_) => &self.shared.found,
            None => &self.shared.missed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        value
    }

    /// Keeps `value`, of so many bytes, until there is no room for it.
    pub fn put<T: Any + Send + Sync>(&self, key: Digest, value: &Arc<T>, bytes: usize) {
        let bytes = bytes.saturating_add(OVERHEAD);
        if bytes > self.largest() {
            return;
        }
        let value: Arc<dyn Any + Send + Sync> = value.clone();
        let (key, capacity) = (self.key(&key), self.shared.capacity);
        let gone = self.entries().insert(key, value, bytes, capacity);
        // Large values are freed when others may look again.
        drop(gone);
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, Entries> {
        let entries = &self.shared.entries;
        entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn touch(&mut self, key: &Digest) -> Option<Arc<dyn Any + Send + Sync>> {
        let entry = self.by_key.get_mut(key)?;
        self.clock += 1;
        self.by_use.remove(&entry.used);
        entry.used = self.clock;
        self.by_use.insert(self.clock, *key);
        Some(Arc::clone(&entry.value))
    }

    /// Takes a value in; those that had to go.
    fn insert(
        &mut self,
        key: Digest,
        value: Arc<dyn Any + Send + Sync>,
        bytes: usize,
        capacity: usize,
    ) -> Vec<Entry> {
        self.clock += 1;
        let used = self.clock;
        let mut gone = Vec::new();
        self.by_use.insert(used, key);
        self.bytes += bytes;
        gone.extend(self.by_key.insert(key, Entry { used, bytes, value }));
        for old in &gone {
            self.by_use.remove(&old.used);
            self.bytes -= old.bytes;
        }
        while self.bytes > capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                break;
            };
            if let Some(old) = self.by_key.remove(&oldest) {
                self.bytes -= old.bytes;
                gone.push(old);
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::{OVERHEAD, Reuse};
    use flux_apim_diag::tree::Digest;
    use std::sync::Arc;

    fn key(n: usize) -> Digest {
        Digest::of(&n.to_le_bytes())
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let reuse = Reuse::new(4 * (OVERHEAD + 100));
        for n in 0..4 {
            reuse.put(key(n), &Arc::new(n), 100);
        }
        assert_eq!(reuse.get::<usize>(&key(0)).as_deref(), Some(&0));
        reuse.put(key(4), &Arc::new(4usize), 100);
        assert_eq!(reuse.get::<usize>(&key(1)), None);
        assert_eq!(reuse.get::<usize>(&key(0)).as_deref(), Some(&0));
        assert_eq!(reuse.bytes(), 4 * (OVERHEAD + 100));
        assert_eq!(reuse.counts(), (2, 1));
    }

    #[test]
    fn a_value_that_is_kept_again_counts_once() {
        let reuse = Reuse::new(1 << 20);
        for bytes in [100, 300, 200] {
            reuse.put(key(0), &Arc::new(bytes), bytes);
        }
        assert_eq!(reuse.bytes(), OVERHEAD + 200);
        assert_eq!(reuse.get::<usize>(&key(0)).as_deref(), Some(&200));
    }

    #[test]
    fn one_value_does_not_push_out_all_others() {
        let reuse = Reuse::new(1000);
        reuse.put(key(0), &Arc::new(0usize), 251);
        assert_eq!((reuse.get::<usize>(&key(0)), reuse.bytes()), (None, 0));
    }

    #[test]
    fn what_one_keeps_no_other_finds() {
        let all = Reuse::new(1 << 20);
        let (a, b) = (all.of("a"), all.of("b"));
        a.put(key(0), &Arc::new(1usize), 8);
        assert_eq!(b.get::<usize>(&key(0)), None);
        assert_eq!(all.get::<usize>(&key(0)), None);
        assert_eq!(all.of("a").get::<usize>(&key(0)).as_deref(), Some(&1));
        assert_eq!((all.bytes(), all.counts()), (OVERHEAD + 8, (1, 2)));
    }

    #[test]
    fn a_value_of_another_type_is_none() {
        let reuse = Reuse::new(1 << 20);
        reuse.put(key(0), &Arc::new(1usize), 8);
        assert_eq!(reuse.get::<String>(&key(0)), None);
    }
}
