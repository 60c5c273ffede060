//! What clients send: `.tar.gz`, JSON, a form, or the name of an artifact. A
//! body is taken whole, up to a cap, out of the memory that all clients share; it is
//! hashed as it arrives, and read as what it says it is by the pool.

use super::Service;
use super::job::Held;
use super::problem::Problem;
use super::sources::{Input, Sources};
use crate::diag::{Budget, Place, excerpt};
use crate::edge::source::Members;
use crate::edge::work::Task;
use crate::tree::{Digest, Limits};
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use std::io::Read;

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
    kind: Kind,
    /// Whether it is compressed beside what it is.
    gzipped: bool,
    bytes: Bytes,
    /// Digest of what it says it is, and of its bytes.
    pub(super) digest: Digest,
    _held: Held,
}

impl Upload {
    /// Takes the body of a request.
    pub(super) async fn take(
        service: &Service,
        task: &Task,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, Problem> {
        let kind = kind(headers)?;
        let gzipped = gzipped(headers)?;
        let seconds = service.options.body_timeout.as_secs();
        let collecting = collect(service, task, headers, body);
        let (bytes, hash, held) = tokio::time::timeout(service.options.body_timeout, collecting)
            .await
            .map_err(|_| {
                Problem::too_slow(format!(
                    "the body was not complete after {seconds} s; the operator raises this with --body-timeout"
                ))
            })??;
        let told = format!("{:?}", (&kind, gzipped, hash));
        Ok(Self {
            kind,
            gzipped,
            bytes,
            digest: Digest::of(told.as_bytes()),
            _held: held,
        })
    }

    /// Reads it; what that holds, beside the upload, is held until the second is dropped.
    /// Spends from `budget`, inside of [`Budget::bound`].
    pub(super) fn read(
        &self,
        max_body: u64,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<(Sources, Held), Problem> {
        let (bytes, held) = if self.gzipped {
            unzip(&self.bytes, max_body, limits, budget)?
        } else {
            (self.bytes.clone(), Held::none(budget))
        };
        let len = bytes.len();
        if self.kind == Kind::Archive {
            return Ok((Sources::one(Input::Archive(bytes)), held));
        }
        budget.spend(len as u64 / 16, Place::Source);
        // Texts are copied out of it, those in base64 a second time.
        let copies = Held::of(budget, 2 * len)?;
        let sources = match &self.kind {
            Kind::Form(boundary) => {
                // All bytes are here: nothing is waited for.
                let form = Sources::from_form(bytes, boundary, limits);
                futures_util::FutureExt::now_or_never(form)
                    .unwrap_or_else(|| Err(Problem::bad_request("the form ends early")))
            }
            _ => Sources::from_json(&bytes, limits),
        };
        drop((held, copies));
        Ok((sources?, Held::of(budget, len)?))
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
    task: &Task,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Digest, Held), Problem> {
    let cap = service.options.max_body_bytes;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > cap) {
        return Err(over(cap));
    }
    let mut held = Held::none(&task.budget);
    let mut hasher = Sha256::new();
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
        if len > bytes.capacity() {
            // It grows by as much as it has: that counts before it is there.
            let capacity = len.max(2 * bytes.capacity()).max(16 << 10);
            held.grow(capacity)?;
            bytes.reserve(capacity - bytes.len());
        }
        hasher.update(&chunk);
        bytes.extend_from_slice(&chunk);
    }
    let digest = Digest::from_hash(hasher.finalize().into());
    Ok((bytes.freeze(), digest, held))
}

/// Takes `Content-Encoding: gzip` off.
fn unzip(
    packed: &[u8],
    max_body: u64,
    limits: &Limits,
    budget: &Budget,
) -> Result<(Bytes, Held), Problem> {
    let (cap, ratio) = (max_body, limits.max_compression_ratio);
    let mut reader = Members::new(packed, limits.max_gzip_members, budget);
    let mut held = Held::none(budget);
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = match reader.read(&mut buffer) {
            Ok(n) => n,
            Err(_) if reader.exceeded() => {
                return Err(Problem::too_large(format!(
                    "the body has more than {} gzip members; the operator raises this with --max-gzip-members",
                    limits.max_gzip_members
                )));
            }
            Err(e) => {
                return Err(Problem::bad_request(format!(
                    "the body is not what Content-Encoding: gzip says: {}",
                    excerpt(&e.to_string(), 200)
                )));
            }
        };
        if n == 0 {
            return Ok((bytes.into(), held));
        }
        budget.spend(n as u64 / 64 + 1, Place::Source);
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
        if len > bytes.capacity() {
            let capacity = len.max(2 * bytes.capacity());
            held.grow(capacity)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&buffer[..n]);
    }
}
