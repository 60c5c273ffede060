//! A line on a terminal for work that takes more than a second; nothing in
//! pipes.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work that takes less is not shown.
const QUIET_FOR: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);
const BAR: usize = 20;

/// Shows that something goes on until it is dropped.
#[derive(Debug)]
pub(super) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Starts to show `what`, unless `quiet` or standard error is no terminal.
    pub(super) fn start(what: &'static str, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let (done, wait) = mpsc::channel();
        let shown = std::thread::spawn(move || {
            let since = Instant::now();
            let mut drawn = false;
            while wait.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                let elapsed = since.elapsed();
                if elapsed >= QUIET_FOR {
                    drawn = true;
                    draw(&format!("{} {what}, {} s", bar(elapsed), elapsed.as_secs()));
                }
            }
            if drawn {
                draw("");
            }
        });
        Self(Some((done, shown)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, shown)) = self.0.take() {
            drop(done);
            let _ = shown.join();
        }
    }
}

/// A block that walks to and fro: how much is left is not known.
fn bar(elapsed: Duration) -> String {
    let step = usize::try_from(elapsed.as_millis() / STEP.as_millis()).unwrap_or(0);
    let turn = step % (2 * BAR);
    let at = turn.min(2 * BAR - turn);
    format!("[{}={}]", " ".repeat(at), " ".repeat(BAR - at))
}

/// Replaces the line.
fn draw(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "\r\x1b[2K{line}");
    let _ = stderr.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_stays_inside() {
        for tenths in 0..200 {
            let bar = bar(STEP * tenths);
            assert_eq!(bar.len(), BAR + 3, "{bar}");
        }
    }
}
