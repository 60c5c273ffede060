//! `GET /artifacts/KIND/NAMESPACE/NAME/DIGEST.tar.gz`. There is no listing.
//!
//! What is sent comes from the file that was checked, a chunk at a time, at the pace of
//! whoever reads: the length of a file and the number of readers do not tell in memory.

use super::files::{Absent, Artifact};
use super::{Artifacts, ROUTE};
use crate::edge::listen::{Full, Network, Share};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http_range_header::parse_range_header;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

impl Artifacts {
    /// Serves the artifacts, and nothing else.
    pub fn router(&self) -> Router {
        let route = format!("/{ROUTE}/{{kind}}/{{namespace}}/{{name}}/{{file}}");
        Router::new()
            .route(&route, get(artifact))
            .with_state(self.clone())
    }
}

async fn artifact(
    State(artifacts): State<Artifacts>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((kind, namespace, name, file)): Path<(String, String, String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let artifact = match artifacts.find((&kind, &namespace, &name, &file)).await {
        Ok(artifact) => artifact,
        Err(absent) => return absent.into_response(),
    };
    let size = artifact.identity.size;
    let etag = format!("\"{}\"", artifact.digest);
    let mut response = match wanted(&method, &headers, &etag, size) {
        Wanted::Nothing => StatusCode::NOT_MODIFIED.into_response(),
        Wanted::Another => {
            (StatusCode::PRECONDITION_FAILED, "the artifact is another\n").into_response()
        }
        Wanted::Beyond => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            [(header::CONTENT_RANGE, format!("bytes */{size}"))],
        )
            .into_response(),
        Wanted::Head => sized(StatusCode::OK, size, Body::empty()),
        Wanted::Bytes(range, part) => {
            let share = match artifacts.readers.take(Network::of(peer.ip())) {
                Ok(share) => share,
                Err(full) => return refused(full, artifacts.readers.each()),
            };
            let len = range.end - range.start;
            let described = format!("bytes {}-{}/{size}", range.start, range.end.max(1) - 1);
            let body = Body::from_stream(chunks(artifact, range, share));
            if part {
                let mut response = sized(StatusCode::PARTIAL_CONTENT, len, body);
                insert(&mut response, header::CONTENT_RANGE, &described);
                response
            } else {
                sized(StatusCode::OK, len, body)
            }
        }
    };
    insert(&mut response, header::ETAG, &etag);
    insert(&mut response, header::ACCEPT_RANGES, "bytes");
    // The content of a URL never changes.
    let always = "public, max-age=31536000, immutable";
    insert(&mut response, header::CACHE_CONTROL, always);
    response
}

fn sized(status: StatusCode, len: u64, body: Body) -> Response {
    let mut response = (status, body).into_response();
    insert(&mut response, header::CONTENT_TYPE, "application/gzip");
    insert(&mut response, header::CONTENT_LENGTH, &len.to_string());
    response
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What a request wants of an artifact.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// It has it.
    Nothing,
    /// Another than this one.
    Another,
    /// What is behind its end.
    Beyond,
    /// What it is.
    Head,
    /// These bytes, as a part or as the whole.
    Bytes(Range<u64>, bool),
}

/// Preconditions and ranges (RFC 9110, 13.2.2 and 14.2). There is no date to compare.
fn wanted(method: &Method, headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    if headers.contains_key(header::IF_MATCH) && !names(headers, &header::IF_MATCH, etag, false) {
        return Wanted::Another;
    }
    if names(headers, &header::IF_NONE_MATCH, etag, true) {
        return Wanted::Nothing;
    }
    if method == Method::HEAD {
        return Wanted::Head;
    }
    let whole = Wanted::Bytes(0..size, false);
    let same = |value: &HeaderValue| value.as_bytes() == etag.as_bytes();
    if !headers.get(header::IF_RANGE).is_none_or(same) {
        return whole;
    }
    let range = headers.get(header::RANGE).and_then(|r| r.to_str().ok());
    // What is no range of bytes, or several of them, may be ignored.
    let Some(Ok(ranges)) = range.map(parse_range_header) else {
        return whole;
    };
    if ranges.len() != 1 {
        return whole;
    }
    match ranges.validate(size).map(|mut ranges| ranges.pop()) {
        Ok(Some(range)) => Wanted::Bytes(*range.start()..*range.end() + 1, true),
        Ok(None) => whole,
        Err(_) => Wanted::Beyond,
    }
}

/// Whether `header` has `*` or this tag. Ours has no comma.
fn names(headers: &HeaderMap, header: &HeaderName, etag: &str, weak: bool) -> bool {
    let values = headers.get_all(header).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| {
            let strong = tag.strip_prefix("W/").filter(|_| weak).unwrap_or(tag);
            tag == "*" || strong == etag
        })
}

/// The bytes of `range`, read when they are asked for.
fn chunks(
    artifact: Artifact,
    range: Range<u64>,
    share: Share,
) -> impl stream::Stream<Item = io::Result<Bytes>> + Send {
    let state = (Arc::new(artifact), range, share);
    stream::try_unfold(state, async |(artifact, range, share)| {
        if range.is_empty() {
            return Ok(None);
        }
        let (file, at) = (Arc::clone(&artifact), range.start);
        let reading = tokio::task::spawn_blocking(move || file.chunk(at, range.end - at));
        let chunk = reading.await.map_err(io::Error::other).flatten();
        let chunk = chunk.inspect_err(|error| {
            tracing::error!(digest = %artifact.digest, %error, "sending an artifact is given up");
        })?;
        let rest = at + chunk.len() as u64..range.end;
        Ok(Some((Bytes::from(chunk), (artifact, rest, share))))
    })
}

fn refused(full: Full, each: usize) -> Response {
    let again = [(header::RETRY_AFTER, "1")];
    match full {
        Full::Network => {
            let text = format!("this client reads {each} artifacts already\n");
            (StatusCode::TOO_MANY_REQUESTS, again, text).into_response()
        }
        Full::All => {
            let text = "too many artifacts are being read\n";
            (StatusCode::SERVICE_UNAVAILABLE, again, text).into_response()
        }
    }
}

impl IntoResponse for Absent {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => (StatusCode::NOT_FOUND, "no such artifact\n").into_response(),
            Self::Damaged => {
                let text = "the artifact is damaged: its content is not what its name says\n";
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
            Self::Unreadable(error) => {
                tracing::error!(%error, "an artifact cannot be read");
                let text = "the artifact cannot be read; the log has more\n";
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(headers: &[(&HeaderName, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        wanted(&Method::GET, &map, "\"sha256:00\"", 100)
    }

    #[test]
    fn a_range_is_one_of_bytes_that_are_there() {
        let part = |range| Wanted::Bytes(range, true);
        let whole = || Wanted::Bytes(0..100, false);
        for (range, expected) in [
            ("bytes=0-0", part(0..1)),
            ("bytes=10-19", part(10..20)),
            ("bytes=90-", part(90..100)),
            ("bytes=90-1000", part(90..100)),
            ("bytes=-5", part(95..100)),
            ("bytes=-500", part(0..100)),
            ("bytes=100-", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=0-1,5-6", whole()),
            ("bytes=5-2", whole()),
            ("bytes=x", whole()),
            ("lines=1-2", whole()),
        ] {
            assert_eq!(want(&[(&header::RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn preconditions_come_before_ranges() {
        let range = (&header::RANGE, "bytes=0-9");
        for (name, value, expected) in [
            (header::IF_NONE_MATCH, "\"sha256:00\"", Wanted::Nothing),
            (
                header::IF_NONE_MATCH,
                "\"x\", W/\"sha256:00\"",
                Wanted::Nothing,
            ),
            (header::IF_NONE_MATCH, "*", Wanted::Nothing),
            (header::IF_NONE_MATCH, "\"x\"", Wanted::Bytes(0..10, true)),
            (header::IF_MATCH, "\"x\"", Wanted::Another),
            (header::IF_MATCH, "W/\"sha256:00\"", Wanted::Another),
            (
                header::IF_MATCH,
                "\"sha256:00\"",
                Wanted::Bytes(0..10, true),
            ),
            (
                header::IF_RANGE,
                "\"sha256:00\"",
                Wanted::Bytes(0..10, true),
            ),
            (
                header::IF_RANGE,
                "W/\"sha256:00\"",
                Wanted::Bytes(0..100, false),
            ),
            (
                header::IF_RANGE,
                "Sat, 29 Oct 1994 19:43:31 GMT",
                Wanted::Bytes(0..100, false),
            ),
        ] {
            assert_eq!(want(&[range, (&name, value)]), expected, "{name}: {value}");
        }
    }
}
