//! Jobs on threads of their own.
//!
//! A worker is a thread that takes one job after the other, and a `rayon` pool that
//! belongs to it: what the job does in parallel runs there, and nothing else does. So a
//! job that waits for a part of itself never begins another job, a stack never carries
//! two, and a worker that hangs is left behind with all of its threads.

use super::admission::{Admission, Room};
use super::shared::{Done, Ended, Job, Load, Progress, Refuse, Settings, Shared, State};
use super::{Metrics, Task, Tenant, supervisor};
use crate::diag::{Budget, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;
use tokio::sync::oneshot;

/// A pool of workers. The jobs that are there when it is dropped are cancelled.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool with one worker; the others start when they are needed.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn new(settings: Settings, metrics: Metrics) -> io::Result<Self> {
        let room = Room {
            places: settings.places,
            beside: settings.beside,
            queue: settings.queue,
            long: settings.long,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                admission: Admission::new(room),
                watched: BTreeMap::new(),
                stuck: BTreeSet::new(),
                workers: 0,
                idle: 0,
                started: 0,
                closed: false,
                ended: 0,
                progress: Progress::new(Instant::now()),
            }),
            work: Condvar::new(),
            turns: Condvar::new(),
            look: Condvar::new(),
            settings,
            metrics,
        });
        let pool = Self { shared };
        pool.shared.start_worker(&mut pool.shared.lock())?;
        let watching = Arc::clone(&pool.shared);
        thread::Builder::new()
            .name("supervisor".to_owned())
            .spawn(move || supervisor::watch(&watching))?;
        Ok(pool)
    }

    /// Runs `job`. It is cancelled when the future is dropped, and at the deadline of
    /// `task`. One that takes more than a turn may be ended and begun once more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: Task,
        mut job: impl FnMut(&Budget) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let (answer, answered) = oneshot::channel();
        let answer = Arc::new(Mutex::new(Some(answer)));
        let tell = move |result: Result<T, Ended>| {
            let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(answer) = answer.take() {
                // Nobody may be waiting any more.
                let _ = answer.send(result);
            }
        };
        let refuse: Refuse = {
            let tell = tell.clone();
            Arc::new(move |ended| tell(Err(ended)))
        };
        let span = tracing::Span::current();
        let run = move |budget: &Budget| -> Done {
            let bounded = || budget.bound(|| job(budget));
            let result = span.in_scope(|| catch_unwind(AssertUnwindSafe(bounded)));
            let result = match result {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(stop)) => Err(Ended::Stopped(stop)),
                Err(_) => Err(Ended::Panicked),
            };
            let tell = tell.clone();
            (outcome(&result), Box::new(move || tell(result)))
        };
        let job = Job {
            run: Box::new(run),
            refuse,
        };
        let ticket = self.submit(task, job)?;
        let result = answered.await;
        ticket.answered();
        result.unwrap_or(Err(Ended::Stopped(Stop::Cancelled)))
    }

    fn submit(&self, task: Task, job: Job) -> Result<Ticket, Ended> {
        let shared = &self.shared;
        let mut state = shared.lock();
        let Some(submitted) = state.admission.submit(task.clone(), job) else {
            shared.metrics.ended("refused");
            return Err(Ended::Full);
        };
        shared.call_workers(&mut state);
        drop(state);
        if let Some(displaced) = submitted.displaced {
            shared.metrics.ended("refused");
            (displaced.refuse)(Ended::Full);
        }
        // It has a deadline to keep.
        shared.look.notify_one();
        Ok(Ticket {
            id: submitted.id,
            tenant: task.tenant,
            shared: Arc::clone(shared),
            is_answered: false,
        })
    }

    /// What goes on.
    pub(crate) fn load(&self) -> Load {
        let state = self.shared.lock();
        Load {
            waiting: state.admission.waiting(),
            put_off: state.admission.put_off(),
            running: state.admission.running(),
            long: state.admission.long(),
            stuck: state.stuck.len(),
            steps: state.admission.steps(),
        }
    }

    /// Whether work goes on: why not, in a sentence.
    pub(crate) fn health(&self) -> Result<(), String> {
        supervisor::health(&self.shared, Instant::now())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        for watched in state.watched.values() {
            watched.task.budget.cancel();
        }
        drop(state);
        self.shared.work.notify_all();
        self.shared.turns.notify_all();
        self.shared.look.notify_all();
    }
}

fn outcome<T>(result: &Result<T, Ended>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(Ended::Full) => "refused",
        Err(Ended::Panicked) => "panicked",
        Err(Ended::Stopped(Stop::Steps { .. } | Stop::Memory { .. } | Stop::Resources { .. })) => {
            "over_budget"
        }
        Err(Ended::Stopped(Stop::Busy)) => "out_of_memory",
        Err(Ended::Stopped(Stop::Cancelled)) => "cancelled",
    }
}

/// Whoever waits for a job; gone, the job is of no use.
struct Ticket {
    id: u64,
    tenant: Tenant,
    shared: Arc<Shared>,
    is_answered: bool,
}

impl Ticket {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let mut state = self.shared.lock();
        let waiting = state.admission.remove(&self.tenant, self.id);
        if let Some(watched) = state.watched.get_mut(&self.id) {
            watched.task.budget.cancel();
            watched.cancelled.get_or_insert_with(Instant::now);
        }
        drop(state);
        self.shared.turns.notify_all();
        if waiting.is_some() {
            self.shared.metrics.ended("cancelled");
        }
        self.shared.look.notify_one();
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod turns;
