//! How long something is tried again.

use super::super::Error;
use super::super::error::spelled;
use super::connection::Connection;
use std::time::{Duration, Instant};

/// How often one that accepts connections and does not answer is asked, where no
/// deadline says how long.
const SILENT: u32 = 2;

/// The attempts at one thing.
pub(super) struct Attempts<'c> {
    connection: &'c Connection,
    waits: Box<dyn Iterator<Item = Duration> + Send>,
    silent: u32,
}

impl<'c> Attempts<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            waits: Box::new(connection.retry.waits()),
            silent: 0,
        }
    }

    /// Begins to count anew: there was progress.
    pub(super) fn progressed(&mut self) {
        *self = Self::new(self.connection);
    }

    /// Waits before the next attempt, after one that ended in `error`. A registry that
    /// says when to come back is believed, as long as there is time.
    ///
    /// # Errors
    /// With `error`, when it was tried often enough.
    pub(super) async fn again(&mut self, error: Error) -> Result<(), Error> {
        let Some(wait) = self.wait(&error) else {
            return Err(error);
        };
        tracing::warn!("{error}; again in {}", spelled(wait));
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// How long to wait; `None` when that is no use.
    fn wait(&mut self, error: &Error) -> Option<Duration> {
        let longest = self.connection.retry.longest;
        let asked = error.after().unwrap_or_default();
        let next = self.waits.next();
        match self.connection.deadline {
            Some(deadline) => {
                let wait = next.unwrap_or(longest).max(asked);
                (Instant::now() + wait < deadline).then_some(wait)
            }
            None => {
                self.silent += u32::from(matches!(error, Error::Silent { .. }));
                let enough = asked > longest || self.silent >= SILENT;
                next.filter(|_| !enough).map(|wait| wait.max(asked))
            }
        }
    }
}
