//! Which listeners there are to be, and whether they are there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The listeners that a process needs to be of use. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needed(Arc<Mutex<BTreeMap<&'static str, bool>>>);

/// One of them, there until this is dropped.
#[derive(Debug)]
pub(crate) struct Up {
    name: &'static str,
    of: Needed,
}

impl Needed {
    /// The listener `name` is there from now on.
    pub(crate) fn up(&self, name: &'static str) -> Up {
        self.set(name, true);
        Up {
            name,
            of: self.clone(),
        }
    }

    /// One that was there and is not any more.
    pub(crate) fn gone(&self) -> Option<&'static str> {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners
            .iter()
            .find(|(_, up)| !**up)
            .map(|(name, _)| *name)
    }

    fn set(&self, name: &'static str, up: bool) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.insert(name, up);
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.of.set(self.name, false);
    }
}
