//! One thread that keeps the time of all jobs: it cancels those that are late, gives
//! up workers whose job does not end then, and knows whether anything goes on.

use super::shared::{Ended, Job, Refuse, Shared, State};
use crate::diag::Stop;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often it looks while jobs run.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks while none does.
const REST: Duration = Duration::from_secs(5);

/// Watches until the pool is closed.
pub(super) fn watch(shared: &Arc<Shared>) {
    let mut state = shared.lock();
    while !state.closed {
        let now = Instant::now();
        let (late, stuck) = look(shared, &mut state, now);
        if !late.is_empty() || !stuck.is_empty() {
            // Whoever is told may come back to the pool at once, and jobs that never ran
            // may hold much.
            drop(state);
            for job in late {
                shared.metrics.ended("cancelled");
                (job.refuse)(Ended::Stopped(Stop::Cancelled));
            }
            for refuse in stuck {
                refuse(Ended::Stopped(Stop::Cancelled));
            }
            state = shared.lock();
            continue;
        }
        let next = next(shared, &state, now);
        let wait = next.saturating_duration_since(now);
        let waited = shared.look.wait_timeout(state, wait);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Looks at every job once. The jobs that waited for too long, and how to tell those
/// whose job does not end.
fn look(shared: &Arc<Shared>, state: &mut State, now: Instant) -> (Vec<Job>, Vec<Refuse>) {
    let late = state.admission.expired(now);
    let mut stuck = Vec::new();
    let mut told = Vec::new();
    for (id, watched) in &mut state.watched {
        let budget = &watched.task.budget;
        if watched
            .task
            .deadline
            .is_some_and(|deadline| deadline <= now)
        {
            budget.cancel();
        }
        if budget.is_cancelled() || watched.is_put_off {
            let since = *watched.cancelled.get_or_insert(now);
            if now.saturating_duration_since(since) >= shared.settings.grace {
                stuck.push(*id);
                if !std::mem::replace(&mut watched.is_told, true) {
                    told.push(Arc::clone(&watched.refuse));
                }
            }
        }
    }
    for id in stuck {
        let full = state.stuck.len() >= shared.settings.max_stuck;
        if full || !state.stuck.insert(id) {
            continue;
        }
        // One that was put off starts over never again.
        if let Some(watched) = state.watched.get(&id) {
            watched.task.budget.cancel();
        }
        shared.metrics.abandoned();
        tracing::error!(
            job = id,
            "a job goes on although it was told to end, which is a defect: its worker is given up, another takes its place"
        );
        state.workers -= 1;
        state.admission.ended(id);
    }
    state.admission.tick(now);
    let seen = (state.ended, state.admission.steps());
    if state.progress.seen != seen || state.admission.free() > 0 {
        state.progress.seen = seen;
        state.progress.at = now;
    }
    state.progress.looked = now;
    shared.call_workers(state);
    (late, told)
}

/// When to look again.
fn next(shared: &Shared, state: &State, now: Instant) -> Instant {
    let mut next = now + REST;
    if state.admission.running() > 0 {
        next = now + TICK;
    }
    next = state
        .admission
        .next_deadline()
        .map_or(next, |at| at.min(next));
    for watched in state.watched.values() {
        let end = watched.cancelled.map(|since| since + shared.settings.grace);
        // A time that is over was seen to.
        let ends = [watched.task.deadline, end].into_iter().flatten();
        let ahead = ends.filter(|at| *at > now);
        next = ahead.min().map_or(next, |at| at.min(next));
    }
    next
}

/// Whether work goes on: why not, in a sentence.
pub(super) fn health(shared: &Shared, now: Instant) -> Result<(), String> {
    let state = shared.lock();
    let stuck = state.stuck.len();
    let settings = &shared.settings;
    let quiet = now.saturating_duration_since(state.progress.at);
    let unseen = now.saturating_duration_since(state.progress.looked);
    let taken = state.admission.free() == 0;
    drop(state);
    if stuck >= settings.max_stuck {
        return Err(format!(
            "{stuck} workers go on with jobs that were told to end, and take processors from the others"
        ));
    }
    if unseen >= settings.patience.max(2 * REST) {
        return Err(format!(
            "nobody has kept the time of jobs for {} s",
            unseen.as_secs()
        ));
    }
    if taken && quiet >= settings.patience {
        return Err(format!(
            "every place is taken, and no job has gone on for {} s",
            quiet.as_secs()
        ));
    }
    Ok(())
}
