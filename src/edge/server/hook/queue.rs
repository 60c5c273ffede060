//! Sources that wait to be rendered. What an event says is only that its object has something new, and
//! what that is is read when its turn comes: no object waits twice.

use super::event::Source;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Objects that wait.
pub(in crate::edge::server) const QUEUE: usize = 64;

/// What became of one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Waits,
    /// The same object waits already.
    Merged,
    /// Too many wait.
    Full,
}

/// Objects in the order in which they came, at most [`QUEUE`].
#[derive(Debug, Default)]
pub(in crate::edge::server) struct Queue {
    waiting: Mutex<VecDeque<Source>>,
    more: Notify,
}

impl Queue {
    pub(super) fn push(&self, source: Source) -> Pushed {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |other: &&mut Source| other.is(&source);
        if let Some(other) = waiting.iter_mut().find(same) {
            *other = source;
            return Pushed::Merged;
        }
        if waiting.len() >= QUEUE {
            return Pushed::Full;
        }
        waiting.push_back(source);
        drop(waiting);
        self.more.notify_one();
        Pushed::Waits
    }

    /// The one that came first, as soon as there is one. For one worker.
    pub(super) async fn pop(&self) -> Source {
        loop {
            {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(source) = waiting.pop_front() {
                    return source;
                }
            }
            self.more.notified().await;
        }
    }
}
