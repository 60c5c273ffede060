//! No test here asks how long something took.

use super::*;
use crate::diag::Place;
use crate::edge::work::Account;
use crate::tree::Limits;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

pub(super) fn settings(places: usize) -> Settings {
    Settings {
        long: Duration::MAX,
        beside: places,
        turn: u64::MAX,
        ..Settings::new(places, 2, 1000)
    }
}

pub(super) fn pool(settings: Settings) -> Arc<Pool> {
    Arc::new(Pool::new(settings, Metrics::default()).unwrap())
}

pub(super) fn account() -> Account {
    Account::new(1 << 30, 100)
}

pub(super) fn task(tenant: &str, account: &Account, deadline: Option<Duration>) -> Task {
    let deadline = deadline.map(|wait| Instant::now() + wait);
    Task::new(Tenant::new(tenant), &Limits::default(), account, deadline)
}

/// Waits until `is_so`; half a minute is more than any machine takes.
pub(super) async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("that never came");
}

/// Works until it is ended, in parallel, and holds memory meanwhile.
fn endless(budget: &Budget) {
    (0..64).into_par_iter().for_each(|_| {
        let _held = budget.hold(1 << 20, Place::Source);
        let meter = budget.meter();
        loop {
            meter.spend(1, Place::Source);
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenant_with_a_hundred_heavy_jobs_keeps_no_other_waiting() {
    let (pool, account) = (pool(settings(1)), account());
    let started = Arc::new(Mutex::new(Vec::new()));
    let go = Arc::new(AtomicBool::new(false));
    let mut asking = Vec::new();
    for n in 0..101 {
        let name = if n < 100 { "many" } else { "one" };
        let task = task(name, &account, None);
        let (pool, started, go) = (Arc::clone(&pool), Arc::clone(&started), Arc::clone(&go));
        let before = asking.len();
        let asked = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let job = move |budget: &Budget| {
                    started.lock().unwrap().push(name);
                    while !go.load(Ordering::Relaxed) {
                        thread::yield_now();
                    }
                    budget.spend(1 << 20, Place::Source);
                };
                pool.run(task, job).await
            }
        });
        asking.push(asked);
        // In this order.
        until(|| pool.load().waiting + pool.load().running == before + 1).await;
    }
    go.store(true, Ordering::Relaxed);
    for asked in asking {
        asked.await.unwrap().unwrap();
    }
    let started = started.lock().unwrap();
    assert_eq!(started.iter().position(|name| *name == "one"), Some(1));
    assert_eq!(pool.load().steps, 101 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_deadline_nothing_runs_and_nothing_is_held() {
    let (pool, account) = (pool(settings(2)), account());
    for millis in [0, 1, 20, 150] {
        let deadline = Some(Duration::from_millis(millis));
        let jobs = (0..4).map(|_| pool.run(task("a", &account, deadline), endless));
        for result in futures_util::future::join_all(jobs).await {
            assert_eq!(result, Err(Ended::Stopped(Stop::Cancelled)));
        }
        let load = pool.load();
        assert_eq!((load.running, load.waiting, account.held()), (0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_the_job_along() {
    let (pool, account) = (pool(settings(1)), account());
    let jobs: Vec<_> = (0..3)
        .map(|_| {
            let (pool, task) = (Arc::clone(&pool), task("a", &account, None));
            tokio::spawn(async move { pool.run(task, endless).await })
        })
        .collect();
    until(|| pool.load().running == 1 && pool.load().waiting == 2 && account.held() > 0).await;
    for job in &jobs {
        job.abort();
    }
    until(|| pool.load().running == 0 && pool.load().waiting == 0 && account.held() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_ignores_its_end_takes_no_place_for_good() {
    let (pool, account) = (
        pool(Settings {
            grace: Duration::from_millis(20),
            ..settings(1)
        }),
        account(),
    );
    let go = Arc::new(AtomicBool::new(false));
    let waits = Arc::clone(&go);
    let hangs = move |_: &Budget| {
        while !waits.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    };
    let result = pool
        .run(task("a", &account, Some(Duration::ZERO)), |_: &Budget| {})
        .await;
    // It never began, or was done before anybody looked.
    assert!(matches!(
        result,
        Ok(()) | Err(Ended::Stopped(Stop::Cancelled))
    ));
    let result = pool.run(task("a", &account, Some(Duration::from_millis(50))), hangs);
    assert_eq!(result.await, Err(Ended::Stopped(Stop::Cancelled)));
    until(|| pool.load().stuck == 1).await;
    assert!(pool.health().unwrap_err().contains("1 workers go on"));
    // The only place is free again.
    let result = pool.run(task("a", &account, None), |_: &Budget| 7);
    assert_eq!(result.await, Ok(7));
    assert_eq!(pool.load().running, 0);
    go.store(true, Ordering::Relaxed);
    until(|| pool.load().stuck == 0).await;
    assert_eq!(pool.health(), Ok(()));
    let mut registry = prometheus_client::registry::Registry::default();
    let metrics = &pool.shared.metrics;
    metrics.register(&mut registry);
    metrics.observe(pool.load(), &account);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("workers_abandoned_total 1\n"), "{text}");
    assert!(text.contains("workers_stuck 0\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_workers_are_given_up_than_may_be() {
    let (pool, account) = (
        pool(Settings {
            grace: Duration::ZERO,
            max_stuck: 2,
            ..settings(1)
        }),
        account(),
    );
    let go = Arc::new(AtomicBool::new(false));
    for _ in 0..3 {
        let waits = Arc::clone(&go);
        let hangs = move |_: &Budget| {
            while !waits.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        };
        let task = task("a", &account, None);
        let running = Arc::clone(&pool);
        let budget = task.budget.clone();
        let asked = tokio::spawn(async move { running.run(task, hangs).await });
        until(|| pool.load().running == 1).await;
        budget.cancel();
        assert!(asked.await.unwrap().is_err());
        if pool.load().stuck < 2 {
            until(|| pool.load().running == 0).await;
        }
    }
    assert_eq!((pool.load().stuck, pool.load().running), (2, 1));
    assert!(pool.health().is_err());
    go.store(true, Ordering::Relaxed);
    until(|| pool.load().stuck == 0 && pool.load().running == 0).await;
    assert_eq!(pool.health(), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_are_taken_without_progress_are_no_health() {
    let (pool, account) = (
        pool(Settings {
            patience: Duration::from_millis(1),
            ..settings(1)
        }),
        account(),
    );
    assert_eq!(pool.health(), Ok(()));
    let go = Arc::new(AtomicBool::new(false));
    let (waits, task, running) = (
        Arc::clone(&go),
        task("a", &account, None),
        Arc::clone(&pool),
    );
    let budget = task.budget.clone();
    let asked = tokio::spawn(async move {
        let job = move |_: &Budget| {
            while !waits.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        };
        running.run(task, job).await
    });
    until(|| pool.health().is_err()).await;
    assert!(pool.health().unwrap_err().contains("every place is taken"));
    // A step is progress.
    until(|| {
        let _ = budget.bound(|| budget.spend(1, Place::Source));
        let state = pool.shared.lock();
        state.admission.steps() > 0
    })
    .await;
    go.store(true, Ordering::Relaxed);
    asked.await.unwrap().unwrap();
    until(|| pool.health().is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_its_parts_never_begins_another() {
    let (pool, account) = (pool(settings(4)), account());
    let jobs = (0..32).map(|_| {
        let job = |_: &Budget| {
            let inside = AtomicUsize::new(0);
            let own = |_| {
                let thread = thread::current();
                inside.fetch_add(1, Ordering::Relaxed);
                thread::yield_now();
                thread
                    .name()
                    .map(|name| name.rsplit_once('-').unwrap().0.to_owned())
            };
            let names: BTreeSet<_> = (0..200).into_par_iter().map(own).collect();
            (names, inside.into_inner())
        };
        pool.run(task("a", &account, None), job)
    });
    for result in futures_util::future::join_all(jobs).await {
        let (names, inside) = result.unwrap();
        assert_eq!((names.len(), inside), (1, 200), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_are_deep_enough_for_any_document() {
    #[inline(never)]
    fn down(levels: usize) -> usize {
        let frame = std::hint::black_box([levels; 1024]);
        if levels == 0 {
            return 0;
        }
        down(levels - 1) + usize::from(frame[levels % 1024] == levels)
    }
    let (pool, account) = (pool(settings(1)), account());
    // 8 KiB a level, and more: ten times what a parser takes.
    let job = |_: &Budget| {
        let levels: Vec<usize> = (0..8).into_par_iter().map(|_| down(1000)).collect();
        levels
    };
    let result = pool.run(task("a", &account, None), job).await;
    assert_eq!(result, Ok(vec![1000; 8]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_and_the_next_job_runs() {
    let (pool, account) = (pool(settings(1)), account());
    let job = |_: &Budget| std::panic::resume_unwind(Box::new("a defect"));
    let result: Result<(), Ended> = pool.run(task("a", &account, None), job).await;
    assert_eq!(result, Err(Ended::Panicked));
    let result = pool.run(task("a", &account, None), |_: &Budget| 1).await;
    assert_eq!(result, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_one_too_many_is_refused_and_room_is_made_for_others() {
    let pool = pool(Settings {
        queue: 2,
        ..settings(1)
    });
    let account = account();
    let mut asking = Vec::new();
    for n in 0..3 {
        let (running, task) = (Arc::clone(&pool), task("a", &account, None));
        asking.push(tokio::spawn(
            async move { running.run(task, endless).await },
        ));
        until(|| pool.load().waiting + pool.load().running == n + 1).await;
    }
    let refused = pool.run(task("a", &account, None), endless).await;
    assert_eq!(refused, Err(Ended::Full));
    let (running, other) = (Arc::clone(&pool), task("b", &account, None));
    let other = tokio::spawn(async move { running.run(other, |_: &Budget| "other").await });
    let displaced = asking.pop().unwrap().await.unwrap();
    assert_eq!(displaced, Err(Ended::Full));
    for asked in asking {
        asked.abort();
    }
    assert_eq!(other.await.unwrap(), Ok("other"));
}
