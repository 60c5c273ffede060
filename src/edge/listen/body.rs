//! Bodies that tell how far they are.

use super::progress::Running;
use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// Bytes of an answer that are handed over at once: what a reader takes is seen in
/// steps of so many.
const PIECE: usize = 64 << 10;

/// An answer. It is handed over in pieces, however large those are that it is made in.
pub(super) struct Answer {
    body: Body,
    rest: Bytes,
    handed: usize,
    running: Running,
}

impl Answer {
    pub(super) fn new(body: Body, running: Running) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            handed: 0,
            running,
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        this.running
            .taken(Instant::now(), std::mem::take(&mut this.handed));
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.handed = piece.len();
        this.running.handed(Instant::now());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower().saturating_add(rest));
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole
    }
}

/// The body of a request, and whether it was read to its end.
pub(super) struct Asked<B> {
    body: B,
    ended: Arc<AtomicBool>,
}

impl<B: HttpBody> Asked<B> {
    /// The body, and what tells whether it was read.
    pub(super) fn new(body: B) -> (Self, Arc<AtomicBool>) {
        let ended = Arc::new(AtomicBool::new(body.is_end_stream()));
        let asked = Self {
            body,
            ended: Arc::clone(&ended),
        };
        (asked, ended)
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Asked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
