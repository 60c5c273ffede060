//! What the surface of a pool, its workers and its supervisor share.

use super::admission::Admission;
use super::{Metrics, Task};
use crate::diag::{Budget, Stop};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// What workers and the supervisor share.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
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
    pub(super) progress: Progress,
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

/// A job that runs, as the watcher of deadlines sees it.
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

/// When work last went on.
#[derive(Debug)]
pub(super) struct Progress {
    /// Jobs that had ended and steps that had been spent then.
    pub(super) seen: (u64, u64),
    pub(super) at: Instant,
    /// When the supervisor last looked.
    pub(super) looked: Instant,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            seen: (0, 0),
            at: now,
            looked: now,
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
