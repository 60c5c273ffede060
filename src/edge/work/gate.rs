//! Turns of work that is not one job but a sequence of waiting, jobs and requests: a
//! reconciliation. Whose turn it is is decided as for jobs.

use super::admission::{Admission, Room};
use super::{Task, Tenant};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Lets so many in at once. Clones are the same gate.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    state: Arc<Mutex<Admission<oneshot::Sender<()>>>>,
    is_closed: Arc<AtomicBool>,
    long: Duration,
}

/// One turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    gate: Gate,
    tenant: Tenant,
    id: u64,
    began: bool,
}

impl Gate {
    /// `places` turns at once; one that takes longer than `long` gives its place away
    /// while others wait.
    pub(crate) fn new(places: usize, long: Duration) -> Self {
        let room = Room {
            places: places.max(1),
            beside: places.max(1),
            queue: usize::MAX,
            long,
        };
        Self {
            state: Arc::new(Mutex::new(Admission::new(room))),
            is_closed: Arc::default(),
            long,
        }
    }

    /// Waits for a turn; there is none any more when the gate is closed. What is spent from
    /// the budget of `task` until it ends counts for its tenant.
    pub(crate) async fn turn(&self, task: Task) -> Option<Turn> {
        let (begin, mut begins) = oneshot::channel();
        let tenant = task.tenant.clone();
        if self.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        let id = self.lock().submit(task, begin)?.id;
        let mut turn = Turn {
            gate: self.clone(),
            tenant,
            id,
            began: false,
        };
        loop {
            self.open();
            match tokio::time::timeout(self.long, &mut begins).await {
                Ok(Ok(())) => break,
                // It was closed.
                Ok(Err(_)) => return None,
                // Some turn may have become a long one.
                Err(_) => self.lock().tick(Instant::now()),
            }
        }
        turn.began = true;
        Some(turn)
    }

    /// Lets nobody in any more: whoever waits is told so, turns that began go on.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let waiting = self.lock().clear();
        drop(waiting);
    }

    /// Begins whatever may begin.
    fn open(&self) {
        let mut state = self.lock();
        while let Some((id, _, begin)) = state.start(Instant::now()) {
            if begin.send(()).is_err() {
                state.ended(id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Admission<oneshot::Sender<()>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        // One that was let in and given up in the same moment runs, and has not begun.
        if self.began || state.remove(&self.tenant, self.id).is_none() {
            state.ended(self.id);
        }
        drop(state);
        self.gate.open();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::work::Account;
    use crate::tree::Limits;

    fn task(tenant: &str) -> Task {
        let account = Account::new(1 << 20, 100);
        Task::new(Tenant::new(tenant), &Limits::default(), &account, None)
    }

    #[tokio::test]
    async fn another_tenant_is_next_whatever_waits() {
        let gate = Arc::new(Gate::new(1, Duration::from_secs(3600)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = gate.turn(task("a")).await.unwrap();
        let mut turns = Vec::new();
        for tenant in ["a", "a", "a", "b"] {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            turns.push(tokio::spawn(async move {
                let _turn = gate.turn(task(tenant)).await.unwrap();
                order.lock().unwrap().push(tenant);
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for turn in turns {
            turn.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["b", "a", "a", "a"]);
        let state = gate.lock();
        assert_eq!((state.running(), state.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_hangs_does_not_keep_others_out() {
        let gate = Gate::new(1, Duration::ZERO);
        let _hangs = gate.turn(task("a")).await;
        let _next = gate.turn(task("b")).await;
        assert_eq!(gate.lock().long(), 1);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_trace() {
        let gate = Gate::new(1, Duration::from_secs(3600));
        let first = gate.turn(task("a")).await;
        let waiting = tokio::time::timeout(Duration::from_millis(1), gate.turn(task("b")));
        assert!(waiting.await.is_err());
        assert_eq!(gate.lock().waiting(), 0);
        drop(first);
        assert_eq!(gate.lock().running(), 0);
        assert!(gate.turn(task("c")).await.is_some());
    }

    #[tokio::test]
    async fn a_closed_gate_lets_nobody_in_and_nobody_wait() {
        let gate = Gate::new(1, Duration::from_secs(3600));
        let first = gate.turn(task("a")).await.unwrap();
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.turn(task("b")).await.is_some() }
        });
        while gate.lock().waiting() == 0 {
            tokio::task::yield_now().await;
        }
        gate.close();
        assert!(!waiting.await.unwrap());
        assert!(gate.turn(task("c")).await.is_none());
        // One lock at a time: both guards would live to the end of the statement.
        let (running, waiting) = {
            let state = gate.lock();
            (state.running(), state.waiting())
        };
        assert_eq!((running, waiting), (1, 0));
        drop(first);
        assert_eq!(gate.lock().running(), 0);
    }
}
