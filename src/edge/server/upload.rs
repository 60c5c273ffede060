//! What clients send: `.tar.gz`, JSON, a form, or the name of an artifact. A
//! body is taken whole, up to a cap, out of a budget that all clients share;
//! it is read as what it says it is by the pool.

use super::Service;
use super::problem::Problem;
use super::sources::{Input, Sources};
use crate::diag::excerpt;
use crate::tree::{Digest, Limits};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use std::io::Read;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Unit of the budget.
const UNIT: usize = 16 << 10;

/// Bytes of uploads that may be in memory at once.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    units: Arc<Semaphore>,
    gauge: prometheus_client::metrics::gauge::Gauge,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    permit: OwnedSemaphorePermit,
    budget: Budget,
}

impl Budget {
    pub(super) fn new(bytes: u64, gauge: prometheus_client::metrics::gauge::Gauge) -> Self {
        let units = usize::try_from(bytes).unwrap_or(usize::MAX) / UNIT;
        Self {
            units: Arc::new(Semaphore::new(units.clamp(1, Semaphore::MAX_PERMITS))),
            gauge,
        }
    }

    pub(super) fn hold(&self, bytes: usize) -> Result<Held, Problem> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.units).try_acquire_many_owned(units);
        let permit = permit.map_err(|_| {
            Problem::busy(
                "uploads fill the memory that is set aside for them; the operator raises it with --max-upload-memory, or runs more replicas",
            )
        })?;
        self.gauge.inc_by(i64::from(units) * UNIT as i64);
        Ok(Held {
            permit,
            budget: self.clone(),
        })
    }
}

impl Held {
    /// Holds at least `bytes` bytes from now on.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self.permit.num_permits() * UNIT;
        if bytes > held {
            let mut more = self.budget.hold(bytes - held)?;
            // `more` is left with nothing to give back.
            if let Some(permit) = more.permit.split(more.permit.num_permits()) {
                self.permit.merge(permit);
            }
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let units = i64::try_from(self.permit.num_permits()).unwrap_or(i64::MAX);
        self.budget.gauge.dec_by(units * UNIT as i64);
    }
}

/// What a body says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `.tar.gz`
    Archive,
    /// A JSON document.
    Json,
    /// A form, with its boundary.
    Form(String),
}

/// A body as it was sent.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) kind: Kind,
    pub(super) bytes: Bytes,
    /// Digest of kind and bytes.
    pub(super) digest: Digest,
    held: Held,
}

impl Upload {
    /// Takes the body of a request.
    pub(super) async fn take(
        service: &Service,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Problem> {
        let kind = kind(headers)?;
        let gzipped = gzipped(headers)?;
        let seconds = service.options.body_timeout.as_secs();
        let collecting = collect(service, headers, body);
        let (bytes, mut held) = tokio::time::timeout(service.options.body_timeout, collecting)
            .await
            .map_err(|_| {
                Problem::too_slow(format!(
                    "the body was not complete after {seconds} s; the operator raises this with --body-timeout"
                ))
            })??;
        let cap = service.options.max_body_bytes;
        let ratio = service.options.limits.max_compression_ratio;
        // Hashing and unpacking take a processor, if not for long.
        let work = tokio::task::spawn_blocking(move || {
            let bytes = if gzipped {
                unzip(&bytes, cap, ratio, &mut held)?
            } else {
                bytes
            };
            let kind_name = match &kind {
                Kind::Archive => "archive".to_owned(),
                Kind::Json => "json".to_owned(),
                Kind::Form(boundary) => format!("form {boundary}"),
            };
            let digests = format!("{kind_name}\n{}", Digest::of(&bytes));
            Ok(Self {
                kind,
                bytes,
                digest: Digest::of(digests.as_bytes()),
                held,
            })
        });
        work.await
            .map_err(|_| Problem::internal("reading the body failed"))?
    }

    /// Reads it, and gives up the body.
    pub(super) fn read(self, limits: &Limits) -> Result<(Sources, Held), Problem> {
        let sources = match &self.kind {
            Kind::Archive => Ok(Sources::one(Input::Archive(self.bytes))),
            Kind::Json => Sources::from_json(&self.bytes, limits),
            Kind::Form(boundary) => {
                // All bytes are here: nothing is waited for.
                let form = Sources::from_form(self.bytes, boundary, limits);
                futures_util::FutureExt::now_or_never(form)
                    .unwrap_or_else(|| Err(Problem::bad_request("the form ends early")))
            }
        };
        Ok((sources?, self.held))
    }
}

fn kind(headers: &HeaderMap) -> Result<Kind, Problem> {
    const READ: &str = "send application/gzip (a .tar.gz), application/json or multipart/form-data";
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(Problem::media_type(format!(
            "there is no Content-Type; {READ}"
        )));
    };
    let value = value.to_str().unwrap_or("");
    let essence = value
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "application/gzip"
        | "application/x-gzip"
        | "application/x-gtar"
        | "application/vnd.cncf.flux.content.v1.tar+gzip" => Ok(Kind::Archive),
        "application/json" => Ok(Kind::Json),
        "multipart/form-data" => multer::parse_boundary(value)
            .map(Kind::Form)
            .map_err(|_| Problem::bad_request("the Content-Type of the form has no boundary")),
        other => Err(Problem::media_type(format!(
            "the Content-Type is `{}`; {READ}",
            excerpt(other, 100)
        ))),
    }
}

fn gzipped(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut gzipped = false;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let value = value.to_str().unwrap_or("?").trim().to_ascii_lowercase();
        match (value.as_str(), gzipped) {
            ("identity" | "", _) => {}
            ("gzip" | "x-gzip", false) => gzipped = true,
            (other, _) => {
                return Err(Problem::media_type(format!(
                    "the Content-Encoding `{}` is not read; send gzip once, or none",
                    excerpt(other, 100)
                )));
            }
        }
    }
    Ok(gzipped)
}

fn over(cap: u64) -> Problem {
    Problem::too_large(format!(
        "the body has more than {cap} bytes; the operator raises this with --max-body-bytes"
    ))
}

async fn collect(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Held), Problem> {
    let cap = service.options.max_body_bytes;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > cap) {
        return Err(over(cap));
    }
    let mut held = service.budget.hold(UNIT)?;
    let mut bytes = BytesMut::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|e| {
            Problem::bad_request(format!(
                "the body ended early: {}",
                excerpt(&e.to_string(), 200)
            ))
        })?;
        let len = bytes.len() + chunk.len();
        if len as u64 > cap {
            return Err(over(cap));
        }
        held.grow(len)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.freeze(), held))
}

/// Takes `Content-Encoding: gzip` off.
fn unzip(packed: &[u8], cap: u64, ratio: u64, held: &mut Held) -> Result<Bytes, Problem> {
    let mut reader = MultiGzDecoder::new(packed);
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = reader.read(&mut buffer).map_err(|e| {
            Problem::bad_request(format!(
                "the body is not what Content-Encoding: gzip says: {}",
                excerpt(&e.to_string(), 200)
            ))
        })?;
        if n == 0 {
            return Ok(bytes.into());
        }
        let len = bytes.len() + n;
        if len as u64 > cap {
            return Err(over(cap));
        }
        let unpacked = (len as u64).saturating_sub(1 << 20) / (packed.len() as u64).max(1);
        if unpacked > ratio {
            return Err(Problem::too_large(format!(
                "the body unpacks to more than {ratio} bytes for each byte; the operator raises this with --max-compression-ratio"
            )));
        }
        held.grow(len)?;
        bytes.extend_from_slice(&buffer[..n]);
    }
}
