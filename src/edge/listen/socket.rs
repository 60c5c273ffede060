//! A socket that tells what moves on it, and that is closed only after the other side
//! had a chance to read the last answer.

use super::progress::Progress;
use futures_util::FutureExt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// How long the rest of a body is read after its answer was sent.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes that may wait in the kernel unsent: a slow reader costs no more, and is heard
/// of each time that it takes so many.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

/// The stream of a connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    progress: Progress,
    lingering: Option<Pin<Box<Sleep>>>,
}

/// Whether the other side has closed.
#[derive(Debug)]
pub(super) struct Peer(Arc<TcpStream>);

impl Peer {
    /// Whether it says nothing more. It may still listen.
    pub(super) fn has_closed(&self) -> bool {
        let ready = self.0.ready(Interest::READABLE).now_or_never();
        matches!(ready, Some(Ok(ready)) if ready.is_read_closed())
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, progress: Progress) -> (Self, Peer) {
        // Neither is more than an improvement.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let stream = Arc::new(stream);
        let peer = Peer(Arc::clone(&stream));
        let socket = Self {
            stream,
            progress,
            lingering: None,
        };
        (socket, peer)
    }

    fn poll_receive(
        &self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read_buf(into) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome.map(|_| ())),
            }
        }
    }

    fn poll_send(
        &self,
        context: &mut Context<'_>,
        send: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.stream.poll_write_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => {
                    self.progress.blocked(Instant::now());
                    return Poll::Pending;
                }
            }
            match send(&self.stream) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Ok(sent) => {
                    self.progress.wrote(Instant::now(), sent);
                    return Poll::Ready(Ok(sent));
                }
                failed => return Poll::Ready(failed),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.poll_receive(context, buffer))?;
        if buffer.filled().len() > before {
            self.progress.read(Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |stream| stream.try_write_vectored(slices))
    }

    /// Answers are sent from where they are instead of being copied.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let socket = socket2::SockRef::from(&*self.stream);
            if socket.shutdown(std::net::Shutdown::Write).is_err() {
                // The other side was faster.
                return Poll::Ready(Ok(()));
            }
            self.lingering = Some(Box::pin(tokio::time::sleep(LINGER)));
        }
        // Closing with bytes unread would make the kernel drop what the other side has
        // not read yet: the answer that says why.
        let mut scratch = [0; 8192];
        loop {
            if let Some(until) = &mut self.lingering
                && until.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(self.poll_receive(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
