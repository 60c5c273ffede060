//! Blobs on their way to a registry: whole, or in chunks that go on where the
//! connection broke.

use super::super::{Descriptor, Error, Target};
use super::Remote;
use super::attempts::Attempts;
use super::auth::{Does, Scope};
use super::registry::{Ask, location, stated_digest};
use super::wire::{Answer, Content};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use reqwest::{Method, Url};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

const BYTES: &str = "application/octet-stream";

impl Remote {
    /// Sends a blob that is not there. An upload that broke off for good is
    /// begun anew, as often as anything else is tried again.
    pub(super) async fn upload(&self, what: &Descriptor, bytes: &Content) -> Result<(), Error> {
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
        let first = AtomicBool::new(true);
        let connection = self.registry.wire.connection();
        connection
            .retried(|| {
                let begun = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
                let again = !first.swap(false, Ordering::Relaxed);
                self.attempt(what, bytes, begun, again)
            })
            .await
    }

    async fn attempt(
        &self,
        what: &Descriptor,
        bytes: &Content,
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
        let whole_only = self.registry.whole_only.load(Ordering::Relaxed);
        if what.size <= uploads.chunked_above || whole_only {
            return self.finish(what, at, bytes.clone()).await;
        }
        let chunk = uploads.chunk.max(chunk.unwrap_or(0)).max(1);
        match self.chunks(what, bytes, at, chunk).await? {
            Some(at) => self.finish(what, at, Content::default()).await,
            None => {
                tracing::info!(
                    at = self.name(),
                    "the registry takes no chunks: in one request"
                );
                self.registry.whole_only.store(true, Ordering::Relaxed);
                let (at, _) = self.begin(what).await?;
                self.finish(what, at, bytes.clone()).await
            }
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

    /// Sends everything but the end; where the end goes. `None` when the registry does
    /// not take the first chunk: some know whole uploads only.
    async fn chunks(
        &self,
        what: &Descriptor,
        bytes: &Content,
        mut at: Url,
        chunk: u64,
    ) -> Result<Option<Url>, Error> {
        let mut attempts = Attempts::new(self.registry.wire.connection());
        let mut sent = 0;
        while sent < what.size {
            let end = (sent + chunk).min(what.size);
            let attempted = format!(
                "push bytes {sent} to {end} of {} ({} bytes) to {}",
                what.digest,
                what.size,
                self.at_repository()
            );
            let part = bytes.slice(sent, end)?;
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
                Err(error) if sent == 0 && takes_no_chunks(&error) => return Ok(None),
                Err(error) if error.is_retryable() || error.status() == Some(416) => {
                    attempts.again(error).await?;
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
            let problem = format!("the registry has {reached} bytes, after {sent}");
            let stands = Error::Network { attempted, problem };
            match reached.cmp(&sent) {
                std::cmp::Ordering::Greater => attempts.progressed(),
                // It takes nothing.
                std::cmp::Ordering::Equal => attempts.again(stands).await?,
                // It forgot what it had: begin anew.
                std::cmp::Ordering::Less => return Err(stands),
            }
            sent = reached;
        }
        Ok(Some(at))
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
    async fn finish(&self, what: &Descriptor, mut at: Url, bytes: Content) -> Result<(), Error> {
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

/// Whether a refusal may be of chunks as such. What else is wrong shows when the whole
/// is sent.
fn takes_no_chunks(error: &Error) -> bool {
    let refused = matches!(error.status(), Some(400 | 403..=405 | 411 | 415 | 501));
    refused && !error.is_retryable()
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
