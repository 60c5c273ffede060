//! What a connection waits for, and whether it waits too long.
//!
//! A request that is worked on is bounded by who works on it. Everything else that a
//! connection waits for is up to the client, and has its time: the first request, the
//! rest of a head, the next request, and that the client takes some of its answer. The
//! clock is the caller's.

use axum::http::Version;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of an answer that a client takes in [`Patience::answer`], if there are as many.
pub(super) const LEAST: usize = 16 << 10;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the first request, and for the rest of the head of any.
    pub(crate) header: Duration,
    /// Until it asks again.
    pub(crate) idle: Duration,
    /// For the next 16 KiB of an answer.
    pub(crate) answer: Duration,
    /// A client that closes its side so long after the end of its request, or later, has
    /// left; one that does it earlier says that this was all, and gets its answer.
    pub(crate) half_close: Duration,
}

impl Patience {
    /// How often a connection is looked at.
    pub(super) fn tick(&self) -> Duration {
        let shortest = self.header.min(self.idle).min(self.answer);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(250))
    }
}

/// Why a connection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Silent,
    Head,
    Idle,
    Answer,
    Left,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "the client asks for nothing",
            Self::Head => "the head of a request does not end",
            Self::Idle => "the client asks for nothing more",
            Self::Answer => "the client does not take its answer",
            Self::Left => "the client has left",
        })
    }
}

/// The time that something waits for the client, since it last took enough.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    waited: Duration,
    taken: usize,
}

impl Pace {
    fn waits(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn took(&mut self, now: Instant, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.taken = self.taken.saturating_add(bytes);
        if self.taken >= LEAST {
            *self = Self::default();
        }
    }

    fn waited(&self, now: Instant) -> Duration {
        let last = self.since.map(|s| now.saturating_duration_since(s));
        self.waited + last.unwrap_or_default()
    }
}

#[derive(Debug)]
struct State {
    began: Instant,
    asked: bool,
    /// HTTP/2 says more than requests, and keeps its own order in them.
    framed: bool,
    /// When the first byte of a head came.
    head: Option<Instant>,
    /// When nothing was asked any more.
    rested: Instant,
    last_read: Instant,
    closed: Option<Instant>,
    socket: Pace,
    running: HashMap<u64, Pace>,
    next: u64,
}

/// Where a connection is. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<State>>);

/// A request, until its answer was handed over.
#[derive(Debug)]
pub(super) struct Running {
    of: Progress,
    id: u64,
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new(State {
            began: now,
            asked: false,
            framed: false,
            head: None,
            rested: now,
            last_read: now,
            closed: None,
            socket: Pace::default(),
            running: HashMap::new(),
            next: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handshake is done: the time for the first request begins.
    pub(super) fn ready(&self, now: Instant) {
        self.state().began = now;
    }

    /// Bytes came.
    pub(super) fn read(&self, now: Instant) {
        let mut state = self.state();
        state.last_read = now;
        if state.running.is_empty() {
            state.head.get_or_insert(now);
        }
    }

    /// The client does not take what is there to send.
    pub(super) fn blocked(&self, now: Instant) {
        self.state().socket.waits(now);
    }

    /// It took `bytes`.
    pub(super) fn wrote(&self, now: Instant, bytes: usize) {
        let mut state = self.state();
        if state.socket.since.is_some() && !state.framed {
            // The end of the last answer was still on its way. Of HTTP/2 it may be the
            // answer to a ping as well, and that is no reason to stay.
            state.rested = now;
        }
        state.socket.took(now, bytes);
    }

    /// The client has closed its side.
    pub(super) fn closed(&self, now: Instant) {
        self.state().closed.get_or_insert(now);
    }

    /// Counts a request whose head has been read.
    pub(super) fn begin(&self, version: Version) -> Running {
        let mut state = self.state();
        state.asked = true;
        state.framed = version >= Version::HTTP_2;
        state.head = None;
        state.next += 1;
        let id = state.next;
        state.running.insert(id, Pace::default());
        Running {
            of: self.clone(),
            id,
        }
    }

    /// Whether a request is being answered.
    pub(super) fn is_running(&self) -> bool {
        !self.state().running.is_empty()
    }

    /// Why the connection is to be given up, if it is.
    pub(super) fn overdue(&self, now: Instant, patience: &Patience) -> Option<Overdue> {
        let state = self.state();
        let since = |then: Instant| now.saturating_duration_since(then);
        let slow = |pace: &Pace| pace.waited(now) >= patience.answer;
        if slow(&state.socket) || state.running.values().any(slow) {
            return Some(Overdue::Answer);
        }
        if !state.running.is_empty() {
            let left = state.closed.is_some_and(|closed| {
                closed.saturating_duration_since(state.last_read) >= patience.half_close
            });
            return (left && !state.framed).then_some(Overdue::Left);
        }
        if state.socket.since.is_some() {
            return None;
        }
        if !state.asked {
            return (since(state.began) >= patience.header).then_some(Overdue::Silent);
        }
        match state.head {
            Some(head) if !state.framed => {
                (since(head) >= patience.header).then_some(Overdue::Head)
            }
            _ => (since(state.rested) >= patience.idle).then_some(Overdue::Idle),
        }
    }
}

impl Running {
    /// A piece of the answer was handed over, and waits to be taken.
    pub(super) fn handed(&self, now: Instant) {
        if let Some(pace) = self.of.state().running.get_mut(&self.id) {
            pace.waits(now);
        }
    }

    /// The piece before, of `bytes`, was taken: more is asked for.
    pub(super) fn taken(&self, now: Instant, bytes: usize) {
        if let Some(pace) = self.of.state().running.get_mut(&self.id) {
            pace.took(now, bytes);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.of.state();
        state.running.remove(&self.id);
        if state.running.is_empty() {
            state.rested = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        header: Duration::from_secs(10),
        idle: Duration::from_secs(70),
        answer: Duration::from_secs(60),
        half_close: Duration::from_secs(2),
    };

    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }
    }

    fn start() -> (Clock, Progress, impl Fn(u64) -> Option<Overdue>) {
        let clock = Clock(Instant::now());
        let progress = Progress::new(clock.0);
        let (asked, begin) = (progress.clone(), clock.0);
        let overdue = move |s| asked.overdue(begin + Duration::from_secs(s), &PATIENCE);
        (clock, progress, overdue)
    }

    #[test]
    fn a_request_that_is_worked_on_has_no_deadline_here() {
        let (clock, progress, overdue) = start();
        progress.read(clock.at(1));
        let running = progress.begin(Version::HTTP_11);
        assert_eq!(overdue(100_000), None);
        drop(running);
        assert_eq!(overdue(69), None);
    }

    #[test]
    fn the_first_request_the_head_and_the_next_have_their_times() {
        let (clock, progress, overdue) = start();
        assert_eq!((overdue(9), overdue(10)), (None, Some(Overdue::Silent)));
        progress.read(clock.at(9));
        assert_eq!(overdue(10), Some(Overdue::Silent), "drops do not help");
        drop(progress.begin(Version::HTTP_11));
        progress.blocked(clock.at(19));
        progress.wrote(clock.at(20), 100);
        assert_eq!((overdue(89), overdue(90)), (None, Some(Overdue::Idle)));
        progress.read(clock.at(50));
        progress.read(clock.at(59));
        assert_eq!((overdue(59), overdue(60)), (None, Some(Overdue::Head)));
    }

    #[test]
    fn an_answer_is_taken_in_steps() {
        let (clock, progress, overdue) = start();
        let running = progress.begin(Version::HTTP_11);
        for minute in 0..10 {
            progress.blocked(clock.at(minute * 50));
            assert_eq!(overdue(minute * 50 + 49), None);
            progress.wrote(clock.at(minute * 50 + 49), LEAST);
        }
        // Byte by byte is not enough; what we need ourselves does not count.
        for n in 0..7 {
            progress.blocked(clock.at(1000 + n * 100));
            progress.wrote(clock.at(1000 + n * 100 + 9), 1);
            assert_eq!(
                overdue(1000 + n * 100 + 99),
                (n == 6).then_some(Overdue::Answer)
            );
        }
        drop(running);
    }

    #[test]
    fn a_stream_that_nobody_takes_from_is_noticed_beside_one_that_moves() {
        let (clock, progress, overdue) = start();
        let (moving, stuck) = (
            progress.begin(Version::HTTP_2),
            progress.begin(Version::HTTP_2),
        );
        stuck.handed(clock.at(1));
        for n in 0..6 {
            moving.handed(clock.at(n * 10));
            progress.wrote(clock.at(n * 10 + 9), LEAST);
            moving.taken(clock.at(n * 10 + 9), LEAST);
        }
        assert_eq!((overdue(60), overdue(61)), (None, Some(Overdue::Answer)));
    }

    #[test]
    fn closing_with_the_request_is_no_leaving() {
        let (clock, progress, overdue) = start();
        progress.read(clock.at(1));
        let running = progress.begin(Version::HTTP_11);
        progress.closed(clock.at(2));
        assert_eq!(overdue(100), None);
        drop(running);
        let (clock, progress, overdue) = start();
        progress.read(clock.at(1));
        let _running = progress.begin(Version::HTTP_11);
        progress.closed(clock.at(5));
        assert_eq!(overdue(5), Some(Overdue::Left));
    }
}
