//! Jobs on threads of their own.
//!
//! A worker is a thread that takes one job after the other, and a `rayon` pool that
//! belongs to it: what the job does in parallel runs there, and nothing else does. So a
//! job that waits for a part of itself never begins another job, a stack never carries
//! two, and a worker that hangs is left behind with all of its threads.

use super::admission::{Admission, Room};
use super::{Metrics, Task, Tenant, supervisor};
use crate::diag::{Budget, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Steps of one turn: up to a tenth of a second, which most sources take less than.
const TURN: u64 = 1_000_000;

/// How a pool works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Jobs at once.
    pub(crate) places: usize,
    /// Long jobs beside them.
    pub(crate) beside: usize,
    /// Steps of one turn: a job that takes more is a long one.
    pub(crate) turn: u64,
    /// Threads of each.
    pub(crate) threads: usize,
    /// Jobs that may wait, and as many that were put off.
    pub(crate) queue: usize,
    /// After this time, too, a job gives its place away when others wait.
    pub(crate) long: Duration,
    /// How long a job that was cancelled may go on before its worker is given up.
    pub(crate) grace: Duration,
    /// Workers that may be given up and still run before the pool is unwell.
    pub(crate) max_stuck: usize,
    /// How long all places may be taken without any progress before it is.
    pub(crate) patience: Duration,
}

impl Settings {
    /// `places` jobs at once on `threads` threads each, `queue` more waiting.
    pub(crate) fn new(places: usize, threads: usize, queue: usize) -> Self {
        let places = places.max(1);
        Self {
            places,
            beside: places,
            turn: TURN,
            threads: threads.max(1),
            queue,
            long: Duration::from_secs(1),
            grace: Duration::from_secs(5),
            max_stuck: places,
            patience: Duration::from_secs(60),
        }
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Too many jobs wait.
    Full,
    /// The job ended before it was done: what it may spend, or its time, was over.
    Stopped(Stop),
    /// It panicked, which is a defect.
    Panicked,
}

/// What goes on in a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Jobs that wait.
    pub(crate) waiting: usize,
    /// Those of them that were put off.
    pub(crate) put_off: usize,
    /// Jobs that run.
    pub(crate) running: usize,
    /// Those of them that gave their places away.
    pub(crate) long: usize,
    /// Workers that were given up and still run.
    pub(crate) stuck: usize,
    /// Steps that were spent.
    pub(crate) steps: u64,
}

/// A pool of workers. The jobs that are there when it is dropped are cancelled.
#[derive(Debug)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// What workers and the supervisor share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// There may be a job to start.
    pub(super) work: Condvar,
    /// A long job that rests may go on.
    pub(super) turns: Condvar,
    /// The supervisor should look.
    pub(super) look: Condvar,
    pub(super) settings: Settings,
    pub(super) metrics: Metrics,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

pub(super) struct State {
    pub(super) admission: Admission<Job>,
    /// Running jobs.
    pub(super) watched: BTreeMap<u64, Watched>,
    /// Jobs whose workers were given up.
    pub(super) stuck: BTreeSet<u64>,
    /// Workers, without those.
    pub(super) workers: usize,
    /// Those of them that have no job.
    pub(super) idle: usize,
    /// How many were ever started.
    pub(super) started: u64,
    pub(super) closed: bool,
    /// Jobs that ended.
    pub(super) ended: u64,
    pub(super) progress: supervisor::Progress,
}

/// A job, with what it takes to tell whoever waits for it.
pub(super) struct Job {
    pub(super) run: Box<dyn FnMut(&Budget) -> Done + Send>,
    pub(super) refuse: Refuse,
}

/// How a job ended, and what then tells so.
pub(super) type Done = (&'static str, Box<dyn FnOnce() + Send>);
/// Tells whoever waits that there is no result. The first who tells is heard.
pub(super) type Refuse = Arc<dyn Fn(Ended) + Send + Sync>;

/// A running job.
pub(super) struct Watched {
    pub(super) task: Task,
    /// Since when it should be ending.
    pub(super) cancelled: Option<Instant>,
    pub(super) refuse: Refuse,
    /// Whether whoever waits was told that it does not end.
    pub(super) is_told: bool,
    /// Whether it is to end and to start over.
    pub(super) is_put_off: bool,
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
                progress: supervisor::Progress::new(Instant::now()),
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
        Err(Ended::Stopped(Stop::Steps { .. } | Stop::Memory { .. })) => "over_budget",
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

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod turns;
