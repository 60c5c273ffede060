//! A map that grows on top of others, which are shared and not copied.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Parts that are kept apart although only one of several branches has them.
const FEW: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Stack<K, V> {
    /// The oldest first.
    parts: Vec<Part<K, V>>,
    top: BTreeMap<K, V>,
}

#[derive(Debug)]
struct Part<K, V> {
    map: Rc<BTreeMap<K, V>>,
    /// Whether it is there on every path.
    sure: bool,
}

impl<K, V> Clone for Part<K, V> {
    fn clone(&self) -> Self {
        Self {
            map: Rc::clone(&self.map),
            sure: self.sure,
        }
    }
}

impl<K, V> Default for Stack<K, V> {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            top: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Copy, V: Copy> Stack<K, V> {
    /// What was put there last.
    pub(super) fn top(&self) -> &BTreeMap<K, V> {
        &self.top
    }

    pub(super) fn top_mut(&mut self) -> &mut BTreeMap<K, V> {
        &mut self.top
    }

    /// Work that it takes to copy it.
    pub(super) fn weight(&self) -> usize {
        1 + self.parts.len() + self.top.len()
    }

    /// The values of a key, the latest first, and whether each is there on every path.
    pub(super) fn all(&self, key: K) -> impl Iterator<Item = (V, bool)> + '_ {
        let top = self.top.get(&key).map(|value| (*value, true));
        let parts = self.parts.iter().rev();
        let below = parts.filter_map(move |part| Some((*part.map.get(&key)?, part.sure)));
        top.into_iter().chain(below)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = K> + '_ {
        let parts = self.parts.iter().flat_map(|part| part.map.keys().copied());
        parts.chain(self.top.keys().copied())
    }

    /// The top is shared from now on.
    pub(super) fn freeze(&mut self) {
        if !self.top.is_empty() {
            let map = Rc::new(std::mem::take(&mut self.top));
            self.parts.push(Part { map, sure: true });
        }
    }

    /// Puts `other` on top; `put` says how a value goes into a map.
    pub(super) fn then(&mut self, other: &Self, put: impl Fn(&mut BTreeMap<K, V>, K, V)) {
        if !other.parts.is_empty() {
            self.freeze();
            self.parts.extend_from_slice(&other.parts);
        }
        for (key, value) in &other.top {
            put(&mut self.top, *key, *value);
        }
    }

    /// Nothing in it is sure; `unsure` says so of a value.
    pub(super) fn may_be(&mut self, unsure: impl Fn(&mut V)) {
        for part in &mut self.parts {
            part.sure = false;
        }
        self.top.values_mut().for_each(unsure);
    }

    /// The parts of one of `stacks`, which one is not known. Those that not all of them
    /// have are not sure; `unsure` says so of a value.
    pub(super) fn join<'s>(stacks: impl Iterator<Item = &'s Self>, unsure: impl Fn(&mut V)) -> Self
    where
        K: 's,
        V: 's,
    {
        let mut all = Self::default();
        let mut known: HashMap<*const BTreeMap<K, V>, usize> = HashMap::new();
        let mut times: Vec<usize> = Vec::new();
        let mut count = 0;
        for stack in stacks {
            count += 1;
            for part in &stack.parts {
                let next = all.parts.len();
                let index = *known.entry(Rc::as_ptr(&part.map)).or_insert(next);
                if index == next {
                    all.parts.push(part.clone());
                    times.push(0);
                }
                times[index] += usize::from(part.sure);
            }
        }
        for (part, times) in all.parts.iter_mut().zip(times) {
            part.sure = times >= count;
        }
        if all.parts.iter().filter(|part| !part.sure).count() > FEW {
            let (sure, rest): (Vec<_>, Vec<_>) = all.parts.into_iter().partition(|part| part.sure);
            all.parts = sure;
            for part in rest {
                for (key, value) in part.map.iter() {
                    let mut value = *value;
                    unsure(&mut value);
                    all.top.insert(*key, value);
                }
            }
        }
        all
    }
}
