//! The work that takes a processor: a bounded number at once, a bounded number
//! waiting, given up when nobody waits for it any more.

use super::problem::Problem;
use crate::diag::Budget;
use crate::edge::metrics::Metrics;
use crate::tree::{ArtifactPath, ReadError, ReadFile, SourceTree};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, oneshot};

/// A bounded pool.
#[derive(Debug)]
pub(super) struct Pool {
    threads: rayon::ThreadPool,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    metrics: Metrics,
}

/// Whether the work is still wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted(Arc<State>);

#[derive(Debug, Default)]
struct State {
    given_up: AtomicBool,
    /// What ends with it.
    budgets: Mutex<Vec<Budget>>,
}

impl Wanted {
    pub(super) fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::SeqCst)
    }

    /// The run that spends from `budget` ends when the work is given up, wherever it
    /// is.
    pub(super) fn ends(&self, budget: &Budget) {
        self.budgets().push(budget.clone());
        if self.is_given_up() {
            budget.cancel();
        }
    }

    fn give_up(&self) {
        self.0.given_up.store(true, Ordering::SeqCst);
        for budget in self.budgets().iter() {
            budget.cancel();
        }
    }

    fn budgets(&self) -> MutexGuard<'_, Vec<Budget>> {
        self.0
            .budgets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// `tree`, whose files can be read only while the work is wanted: the
    /// pipeline reads file by file, so it ends soon after.
    pub(super) fn guard(&self, tree: SourceTree) -> SourceTree {
        let sizes: BTreeMap<ArtifactPath, u64> = tree
            .files()
            .map(|(id, path)| (path.clone(), tree.size(id)))
            .collect();
        let wanted = self.clone();
        SourceTree::new(sizes, Arc::new(Guarded { tree, wanted }))
    }
}

struct Guarded {
    tree: SourceTree,
    wanted: Wanted,
}

impl ReadFile for Guarded {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        let failed = |reason: &str| ReadError {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        if self.wanted.is_given_up() {
            return Err(failed("the client left"));
        }
        match self.tree.find(path.as_str()) {
            Some(file) => self.tree.read(file),
            None => Err(failed("it is not in the tree")),
        }
    }
}

/// Counts while it lives.
struct Counted {
    waiting: Arc<AtomicUsize>,
    metrics: Metrics,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.metrics.waiting.dec();
    }
}

/// Gives the work up when whoever waits for it is gone.
struct GiveUp(Wanted, Option<Metrics>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        if let Some(metrics) = &self.1 {
            self.0.give_up();
            metrics.cancelled.inc();
        }
    }
}

impl Pool {
    /// `threads` that work on as many jobs at once; `queue` more may wait.
    pub(super) fn new(
        threads: usize,
        queue: usize,
        metrics: Metrics,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("preview-{n}"))
            .build()?;
        Ok(Self {
            threads: pool,
            places: Arc::new(Semaphore::new(threads)),
            waiting: Arc::default(),
            queue,
            metrics,
        })
    }

    /// Whether nothing runs and nothing waits.
    pub(super) fn load(&self) -> (usize, usize) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let running = self.threads.current_num_threads() - self.places.available_permits();
        (running, waiting)
    }

    /// Runs `job` on the pool. It is given up when the future is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Wanted) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait().await?,
        };
        let wanted = Wanted::default();
        let mut give_up = GiveUp(wanted.clone(), Some(self.metrics.clone()));
        let (answer, answered) = oneshot::channel();
        let running = self.metrics.running.clone();
        running.inc();
        let span = tracing::Span::current();
        self.threads.spawn(move || {
            let result =
                span.in_scope(|| std::panic::catch_unwind(AssertUnwindSafe(|| job(&wanted))));
            running.dec();
            drop(place);
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        });
        let result = answered.await;
        give_up.1 = None;
        match result {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) | Err(_) => Err(Problem::internal(
                "the preview ended in a panic, which is a defect of ours; the log has more under this request id",
            )),
        }
    }

    async fn wait(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        self.metrics.waiting.inc();
        let counted = Counted {
            waiting: Arc::clone(&self.waiting),
            metrics: self.metrics.clone(),
        };
        if before >= self.queue {
            return Err(Problem::busy(format!(
                "{before} previews wait already; the operator raises this with --queue, or runs more replicas"
            )));
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        drop(counted);
        place.map_err(|_| Problem::busy("the service is stopping"))
    }
}
