//! Blobs on their way to a registry: whole, or in chunks that go on where the
//! connection broke.

use super::super::{Descriptor, Error};
use super::Remote;
use super::auth::{Does, Scope};
use super::registry::{Ask, location, stated_digest};
use super::wire::Answer;
use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use reqwest::{Method, Url};
use std::sync::PoisonError;

const BYTES: &str = "application/octet-stream";

impl Remote {
    /// Sends a blob that is not there. An upload that broke off for good is
    /// begun anew, as often as anything else is tried again.
    pub(super) async fn upload(&self, what: &Descriptor, bytes: &Bytes) -> Result<(), Error> {
        let retry = &self.registry.wire.connection().retry;
        let key = (self.at.repository.clone(), what.digest);
        let opened = {
            let mut opened = self
                .registry
                .opened
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            opened.remove(&key)
        };
        let opened = std::sync::Mutex::new(opened);
        let first = std::sync::atomic::AtomicBool::new(true);
        retry
            .run(|| {
                let begun = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
                let again = !first.swap(false, std::sync::atomic::Ordering::Relaxed);
                self.attempt(what, bytes, begun, again)
            })
            .await
    }

    async fn attempt(
        &self,
        what: &Descriptor,
        bytes: &Bytes,
        begun: Option<Url>,
        again: bool,
    ) -> Result<(), Error> {
        // The answer may have been lost after all was done.
        if again && self.head(what).await? {
            return Ok(());
        }
        let (at, chunk) = match begun {
            Some(at) => (at, None),
            None => self.begin(what).await?,
        };
        let uploads = &self.registry.wire.connection().uploads;
        match what.size > uploads.chunked_above {
            true => {
                let chunk = uploads.chunk.max(chunk.unwrap_or(0)).max(1);
                let at = self.chunks(what, bytes, at, chunk).await?;
                self.finish(what, at, Bytes::new()).await
            }
            false => self.finish(what, at, bytes.clone()).await,
        }
    }

    /// Opens an upload: where it goes, and the least size of a chunk.
    async fn begin(&self, what: &Descriptor) -> Result<(Url, Option<u64>), Error> {
        let attempted = format!("begin to push {} to {}", what.digest, self.at_repository());
        let url = self.registry.url(&self.at.repository, "blobs/uploads/");
        let ask = Ask::new(attempted.clone(), Method::POST, url.clone(), self.writing());
        let answer = self.registry.ask(&self.at, &ask.expecting(&[202])).await?;
        let at = self.goes_on(&url, &answer.headers, &attempted)?;
        let least = answer.headers.get("oci-chunk-min-length");
        let least = least.and_then(|v| v.to_str().ok()?.parse().ok());
        // A registry that wants more than this at once gets it whole anyway.
        Ok((at, least.filter(|least| *least <= 1 << 30)))
    }

    fn goes_on(&self, from: &Url, headers: &HeaderMap, attempted: &str) -> Result<Url, Error> {
        let at = location(from, headers, attempted)?;
        self.registry.wire.check(&at, attempted)?;
        Ok(at)
    }

    /// Sends everything but the end; where the end goes.
    async fn chunks(
        &self,
        what: &Descriptor,
        bytes: &Bytes,
        mut at: Url,
        chunk: u64,
    ) -> Result<Url, Error> {
        let mut waits = self.registry.wire.connection().retry.waits();
        let mut sent = 0;
        while sent < what.size {
            let end = (sent + chunk).min(what.size);
            let attempted = format!(
                "push bytes {sent} to {end} of {} ({} bytes) to {}",
                what.digest,
                what.size,
                self.at_repository()
            );
            let part = slice(bytes, sent, end);
            let ask = Ask::new(attempted.clone(), Method::PATCH, at.clone(), self.writing())
                .with(CONTENT_TYPE, BYTES)
                .with(CONTENT_RANGE, &format!("{sent}-{}", end - 1))
                .body(part)
                .once();
            let answer = self.registry.ask(&self.at, &ask.expecting(&[202])).await;
            let reached = match answer {
                Ok(answer) => {
                    at = self.goes_on(&at, &answer.headers, &attempted)?;
                    received(&answer).unwrap_or(end)
                }
                Err(error) if error.is_retryable() || error.status() == Some(416) => {
                    let Some(wait) = waits.next() else {
                        return Err(error);
                    };
                    let asked = error.after().unwrap_or_default();
                    if asked > self.registry.wire.connection().retry.longest {
                        return Err(error);
                    }
                    tracing::debug!(%error, "where is the upload?");
                    tokio::time::sleep(wait.max(asked)).await;
                    let (reached, place) = self.reached(what, &at).await?;
                    at = place;
                    reached
                }
                Err(error) => return Err(error),
            };
            if reached > end {
                let problem = format!("the registry has {reached} bytes of {end} that were sent");
                return Err(Error::malformed(attempted, problem));
            }
            if reached > sent {
                waits = self.registry.wire.connection().retry.waits();
            } else if reached < sent || waits.next().is_none() {
                // It forgot what it had, or takes nothing: begin anew.
                let problem = format!("the registry has {reached} bytes, after {sent}");
                return Err(Error::Network { attempted, problem });
            }
            sent = reached;
        }
        Ok(at)
    }

    /// How far an upload is, and where it goes on.
    async fn reached(&self, what: &Descriptor, at: &Url) -> Result<(u64, Url), Error> {
        let attempted = format!("ask how far the push of {} is", what.digest);
        let ask = Ask::new(attempted.clone(), Method::GET, at.clone(), self.writing());
        let answer = self.registry.ask(&self.at, &ask.expecting(&[204])).await;
        let answer = answer.map_err(|error| match error.status() {
            // The upload is gone, or, with Distribution 2, its state is ahead of
            // the one in our URL: what is above begins anew.
            Some(400 | 404 | 416) => Error::Network {
                attempted: attempted.clone(),
                problem: "the registry knows the upload no more".to_owned(),
            },
            _ => error,
        })?;
        let place = match answer.headers.contains_key(reqwest::header::LOCATION) {
            true => self.goes_on(at, &answer.headers, &attempted)?,
            false => at.clone(),
        };
        Ok((received(&answer).unwrap_or(0), place))
    }

    /// Ends an upload with its last bytes and the digest of all.
    async fn finish(&self, what: &Descriptor, mut at: Url, bytes: Bytes) -> Result<(), Error> {
        let attempted = format!("push {} to {}", what.digest, self.at_repository());
        at.query_pairs_mut()
            .append_pair("digest", &what.digest.to_string());
        let ask = Ask::new(attempted.clone(), Method::PUT, at, self.writing())
            .with(CONTENT_TYPE, BYTES)
            .body(bytes)
            .once();
        let answer = self
            .registry
            .ask(&self.at, &ask.expecting(&[201, 204]))
            .await;
        let answer = answer.map_err(|error| match error.status() {
            // Behind several instances an upload can get lost: begin anew.
            Some(404 | 416) => Error::Network {
                attempted: attempted.clone(),
                problem: "the registry knows the upload no more".to_owned(),
            },
            _ => error,
        })?;
        match stated_digest(&answer.headers) {
            Some(stated) if stated != what.digest => Err(Error::Mismatch {
                attempted,
                expected: what.digest.to_string(),
                found: stated.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn writing(&self) -> Scope {
        Scope::new(&self.at.repository, Does::Write)
    }
}

/// How many bytes an answer says are there: `Range: 0-LAST`.
fn received(answer: &Answer) -> Option<u64> {
    let text = answer.headers.get(RANGE)?.to_str().ok()?;
    let (first, last) = text
        .strip_prefix("bytes=")
        .unwrap_or(text)
        .split_once('-')?;
    let last: u64 = last.parse().ok()?;
    match (first, last) {
        // Nothing and one byte are spelled alike; nothing is the safe reading
        // right after the beginning, and chunks are never of one byte.
        ("0", 0) => Some(0),
        ("0", last) => last.checked_add(1),
        _ => None,
    }
}

fn slice(bytes: &Bytes, from: u64, to: u64) -> Bytes {
    let place = |at: u64| usize::try_from(at).unwrap_or(bytes.len()).min(bytes.len());
    bytes.slice(place(from)..place(to))
}
