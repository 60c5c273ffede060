//! The threads that work, and what they do between two jobs.

use super::admission::Next;
use super::shared::{Ended, Shared, State, Watched};
use crate::diag::{Stop, Turn};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak};
use std::thread;
use std::time::Instant;

/// Bytes of a thread's stack. Documents within the caps take a fraction of it; what is
/// not used is no memory.
const STACK: usize = 16 << 20;

/// Asks the pool whether a job goes on.
#[derive(Debug)]
struct Asking {
    shared: Weak<Shared>,
    id: u64,
    /// Whether the answer was no.
    is_put_off: AtomicBool,
}

impl Turn for Asking {
    fn goes_on(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return true;
        };
        let mut state = shared.lock();
        // A no is for good: parts of the job ended already.
        if self.is_put_off.load(Ordering::Relaxed) {
            return false;
        }
        let mut next = state.admission.after_turn(self.id);
        // Its place may be another's now.
        shared.call_workers(&mut state);
        loop {
            let closed = state.closed;
            let Some(watched) = state.watched.get_mut(&self.id) else {
                return true;
            };
            match next {
                Next::StartsOver => {
                    self.is_put_off.store(true, Ordering::Relaxed);
                    watched.is_put_off = true;
                    return false;
                }
                // One that was cancelled is told so where it goes on.
                Next::Rests if !closed && !watched.task.budget.is_cancelled() => {
                    let waited = shared.turns.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                    next = state.admission.after_turn(self.id);
                }
                Next::Now | Next::Rests => return true,
            }
        }
    }
}

impl Shared {
    /// Sees to it that somebody takes what may start now.
    pub(super) fn call_workers(self: &Arc<Self>, state: &mut State) {
        let wanted = state.admission.ready();
        let most = state.admission.most();
        while state.idle < wanted && state.workers < most {
            if let Err(error) = self.start_worker(state) {
                // Those that there are go on.
                tracing::error!(%error, "the system gives no thread for another worker");
                break;
            }
        }
        for _ in 0..wanted {
            self.work.notify_one();
        }
        self.turns.notify_all();
    }

    /// Starts a thread that works.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start_worker(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let name = format!("worker-{}", state.started);
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(self.settings.threads)
            .stack_size(STACK)
            .thread_name({
                let name = name.clone();
                move |n| format!("{name}-{n}")
            })
            .build()
            .map_err(io::Error::other)?;
        let shared = Arc::clone(self);
        thread::Builder::new()
            .name(name)
            .spawn(move || work(&shared, &threads))?;
        state.started += 1;
        state.workers += 1;
        // It has none until it takes one.
        state.idle += 1;
        Ok(())
    }
}

/// Takes jobs until the pool is closed, this worker was given up, or a long job ended:
/// the stacks of its threads, and what the allocator keeps for them, go with them.
fn work(shared: &Arc<Shared>, threads: &rayon::ThreadPool) {
    let mut state = shared.lock();
    loop {
        let (id, task, mut job) = loop {
            if state.closed {
                return;
            }
            match state.admission.start(Instant::now()) {
                Some(started) => break started,
                None => {
                    let waited = shared.work.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        state.idle -= 1;
        let budget = task.budget.clone();
        let refuse = Arc::clone(&job.refuse);
        let watched = Watched {
            task,
            cancelled: None,
            refuse: Arc::clone(&refuse),
            is_told: false,
            is_put_off: false,
        };
        state.watched.insert(id, watched);
        drop(state);
        shared.turns.notify_all();
        let asking = Arc::new(Asking {
            shared: Arc::downgrade(shared),
            id,
            is_put_off: AtomicBool::new(false),
        });
        budget.ask_after(shared.settings.turn, asking.clone());
        let (outcome, tell) = threads.install(|| (job.run)(&budget));
        budget.ask_nobody();
        // What there is of a result of one that was put off is of no use.
        let is_put_off = asking.is_put_off.load(Ordering::Relaxed);
        let tell = (!is_put_off).then_some(tell);
        state = shared.lock();
        let watched = state.watched.remove(&id);
        let was_given_up = state.stuck.remove(&id);
        if !was_given_up {
            state.idle += 1;
        }
        if is_put_off && !was_given_up && !budget.is_cancelled() {
            let displaced = state.admission.start_over(id, job);
            shared.call_workers(&mut state);
            drop(state);
            shared.metrics.put_off();
            // It has a deadline to keep.
            shared.look.notify_one();
            if let Ok(Some(job)) | Err(job) = displaced {
                shared.metrics.ended("refused");
                (job.refuse)(Ended::Full);
            }
            state = shared.lock();
            continue;
        }
        let was_long = !was_given_up && state.admission.ended(id);
        if was_long {
            state.workers -= 1;
            state.idle -= 1;
        }
        state.ended += 1;
        shared.call_workers(&mut state);
        drop(state);
        // A job may have told of its end in its result.
        let outcome = match watched {
            Some(watched) if watched.task.is_over() => "over_budget",
            _ if budget.is_cancelled() => "cancelled",
            _ => outcome,
        };
        shared.metrics.ended(outcome);
        // What it held is given back when nobody takes it.
        drop((budget, job));
        match tell {
            Some(tell) => tell(),
            None => refuse(Ended::Stopped(Stop::Cancelled)),
        }
        if was_given_up || was_long {
            return;
        }
        state = shared.lock();
    }
}
