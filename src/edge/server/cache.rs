//! Answers by the digest of what was asked: bounded in bytes, the longest
//! unused go first.

use super::answer::Answer;
use crate::edge::metrics::Metrics;
use crate::tree::Digest;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 512;

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Digest, (u64, Arc<Answer>)>,
    by_use: BTreeMap<u64, Digest>,
    clock: u64,
    bytes: usize,
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Mutex<Entries>,
    capacity: usize,
    metrics: Metrics,
}

impl Cache {
    pub(super) fn new(capacity: usize, metrics: Metrics) -> Self {
        Self {
            entries: Mutex::default(),
            capacity,
            metrics,
        }
    }

    /// Answers of more bytes are not kept: one must not push out all others.
    pub(super) fn largest(&self) -> usize {
        self.capacity / 4
    }

    pub(super) fn get(&self, key: Digest) -> Option<Arc<Answer>> {
        let mut guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = &mut *guard;
        entries.clock += 1;
        let clock = entries.clock;
        let found = entries.by_key.get_mut(&key).map(|(used, answer)| {
            entries.by_use.remove(used);
            *used = clock;
            entries.by_use.insert(clock, key);
            Arc::clone(answer)
        });
        self.metrics.cache(found.is_some());
        found
    }

    pub(super) fn put(&self, key: Digest, answer: &Arc<Answer>) {
        let Some(size) = answer.len().map(|len| len + OVERHEAD) else {
            return;
        };
        if size > self.largest() {
            return;
        }
        let mut guard = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = &mut *guard;
        entries.clock += 1;
        if let Some((used, old)) = entries
            .by_key
            .insert(key, (entries.clock, Arc::clone(answer)))
        {
            entries.by_use.remove(&used);
            entries.bytes -= old.len().unwrap_or(0) + OVERHEAD;
        }
        entries.by_use.insert(entries.clock, key);
        entries.bytes += size;
        while entries.bytes > self.capacity {
            let Some((_, oldest)) = entries.by_use.pop_first() else {
                break;
            };
            if let Some((_, gone)) = entries.by_key.remove(&oldest) {
                entries.bytes -= gone.len().unwrap_or(0) + OVERHEAD;
            }
        }
        let bytes = i64::try_from(entries.bytes).unwrap_or(i64::MAX);
        self.metrics.cache_bytes.set(bytes);
    }
}
