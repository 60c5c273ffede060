//! Jobs that take more than one turn. No test here asks how long something took.

use super::tests::{account, pool, settings, task, until};
use super::*;
use crate::diag::Place;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const TURN: u64 = 1000;

/// One place, and room for one long job beside it.
fn in_turns() -> Settings {
    Settings {
        turn: TURN,
        ..settings(1)
    }
}

/// Says when a job may end, and how often jobs began.
#[derive(Clone, Default)]
struct Watch(Arc<(AtomicBool, AtomicUsize)>);

impl Watch {
    fn begun(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }

    fn go(&self) {
        self.0.0.store(true, Ordering::Relaxed);
    }

    /// Holds memory, takes more than a turn, and then as long as the watch says.
    fn heavy(&self) -> impl Fn(&Budget) + Send + 'static {
        let watch = self.clone();
        move |budget| {
            let _held = budget.hold(1 << 20, Place::Source);
            watch.0.1.fetch_add(1, Ordering::Relaxed);
            budget.spend(TURN, Place::Source);
            budget.spend(1, Place::Source);
            while !watch.0.0.load(Ordering::Relaxed) {
                budget.spend(0, Place::Source);
                thread::yield_now();
            }
        }
    }
}

/// Has a job of `tenant` run; whoever aborts the task leaves.
fn ask<T: Send + 'static>(
    pool: &Arc<Pool>,
    task: Task,
    job: impl FnMut(&Budget) -> T + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, Ended>> {
    let pool = Arc::clone(pool);
    tokio::spawn(async move { pool.run(task, job).await })
}

fn metrics(pool: &Pool) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    pool.shared.metrics.register(&mut registry);
    pool.shared.metrics.observe(pool.load(), &account());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_job_waits_for_no_long_one_to_end() {
    let (pool, account, watch) = (pool(in_turns()), account(), Watch::default());
    let names: Vec<String> = (0..16).map(|n| format!("heavy {n}")).collect();
    let heavy: Vec<_> = names
        .iter()
        .map(|name| ask(&pool, task(name, &account, None), watch.heavy()))
        .collect();
    // One goes on; each of the others had its turn.
    until(|| pool.load().put_off == 15).await;
    let load = pool.load();
    assert_eq!((load.running, load.long, load.waiting), (1, 1, 15));
    assert_eq!((watch.begun(), account.held()), (16, 1 << 20));
    for _ in 0..3 {
        let light = pool.run(task("light", &account, None), |_: &Budget| 7);
        assert_eq!(light.await, Ok(7));
    }
    let text = metrics(&pool);
    for line in [
        "jobs_put_off_total 15\n",
        "jobs{state=\"put_off\"} 15\n",
        "jobs{state=\"waiting\"} 0\n",
        "jobs{state=\"long\"} 1\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    watch.go();
    for asked in heavy {
        assert_eq!(asked.await.unwrap(), Ok(()));
    }
    // Each that was put off began once more, and none twice.
    assert_eq!((watch.begun(), account.held()), (31, 0));
    assert_eq!(pool.load().steps, 31 * (TURN + 1));
    assert_eq!(pool.health(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_may_spend_is_as_if_it_began_once() {
    let (pool, account, watch) = (pool(in_turns()), account(), Watch::default());
    let first = ask(&pool, task("a", &account, None), watch.heavy());
    until(|| pool.load().long == 1).await;
    let limits = crate::tree::Limits {
        max_steps: 3 * TURN,
        ..crate::tree::Limits::default()
    };
    let [fits, over] = [3 * TURN, 3 * TURN + 1].map(|steps| {
        let task = Task::new(Tenant::new("b"), &limits, &account, None);
        ask(&pool, task, move |budget: &Budget| {
            for _ in 0..steps {
                budget.spend(1, Place::Source);
            }
        })
    });
    until(|| pool.load().put_off == 2).await;
    watch.go();
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(fits.await.unwrap(), Ok(()));
    let over = over.await.unwrap();
    assert!(matches!(over, Err(Ended::Stopped(Stop::Steps { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_put_off_may_leave_and_is_late_like_others() {
    let (pool, account, watch) = (pool(in_turns()), account(), Watch::default());
    let first = ask(&pool, task("a", &account, None), watch.heavy());
    until(|| pool.load().long == 1).await;
    let leaves = ask(&pool, task("b", &account, None), watch.heavy());
    until(|| pool.load().put_off == 1).await;
    leaves.abort();
    until(|| pool.load().put_off == 0).await;
    let deadline = Some(Duration::from_millis(200));
    let late = pool.run(task("b", &account, deadline), watch.heavy());
    assert_eq!(late.await, Err(Ended::Stopped(Stop::Cancelled)));
    assert_eq!((pool.load().waiting, account.held()), (0, 1 << 20));
    watch.go();
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_that_were_put_off_are_refused() {
    let pool = pool(Settings {
        queue: 0,
        ..in_turns()
    });
    let (account, watch) = (account(), Watch::default());
    let first = ask(&pool, task("a", &account, None), watch.heavy());
    until(|| pool.load().long == 1).await;
    let second = pool.run(task("b", &account, None), watch.heavy());
    assert_eq!(second.await, Err(Ended::Full));
    until(|| pool.load().running == 1).await;
    watch.go();
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_end_to_start_over_is_given_up() {
    let pool = pool(Settings {
        grace: Duration::from_millis(20),
        ..in_turns()
    });
    let (account, watch, go) = (account(), Watch::default(), Watch::default());
    let first = ask(&pool, task("a", &account, None), watch.heavy());
    until(|| pool.load().long == 1).await;
    let (hangs, begun) = (go.clone(), go.heavy());
    let hangs = pool.run(task("b", &account, None), move |budget: &Budget| {
        let _ = budget.bound(|| begun(budget));
        while !hangs.0.0.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
    assert_eq!(hangs.await, Err(Ended::Stopped(Stop::Cancelled)));
    until(|| pool.load().stuck == 1).await;
    let light = pool.run(task("b", &account, None), |_: &Budget| 7);
    assert_eq!(light.await, Ok(7));
    go.go();
    until(|| pool.load().stuck == 0).await;
    assert_eq!((go.begun(), pool.load().put_off), (1, 0));
    watch.go();
    assert_eq!(first.await.unwrap(), Ok(()));
}
