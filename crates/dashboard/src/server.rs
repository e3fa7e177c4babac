//! A server of its own for the dashboard, which no client can wear out.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use futures_util::future::select;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Sleep;

/// So many connections at a time; others wait until one ends.
const MOST_CONNECTIONS: usize = 256;
/// The head of a request, or the next request of a connection, has so long to come.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// A client that an answer waits for has so long to take [`PORTION`] of it, or it is dropped.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// In bytes. Whoever takes a byte now and then would else keep a connection for ever.
const PORTION: usize = 16 * 1024;
/// What the dashboard's threads are called, by which an administrator sees what they cost.
const THREAD: &str = "nexus-dashboard";
/// Threads that read the store.
const READING_THREADS: usize = 4;

/// Why a dashboard cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Others than this machine's users could reach it, and nobody would be asked for a token.
    #[error(
        "{address} can be reached from other machines, so that a dashboard there needs a token; give it one, or listen on 127.0.0.1"
    )]
    NoToken {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// A token can be guessed, or cannot be sent as it is.
    #[error(
        "the token of `{name}` must have at least 16 characters, all of them letters, digits, `-`, `_`, `.` or `~`"
    )]
    WeakToken {
        /// Whose it is.
        name: String,
    },
    /// Nobody can listen at the address.
    #[error("the dashboard cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A dashboard that is being served. When it is dropped, it ends.
#[derive(Debug)]
#[must_use = "the dashboard ends when its server is dropped"]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens: with the port that was free, where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Listens, and serves on a thread of its own.
pub(crate) fn start(router: Router, address: SocketAddr) -> Result<Server, ServeError> {
    let cannot = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name(THREAD)
        .max_blocking_threads(READING_THREADS)
        .build()
        .map_err(cannot)?;
    let (stop, stopped) = oneshot::channel();
    let serve = move || {
        runtime.block_on(async {
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                let accepting = pin!(accept(listener, router));
                select(accepting, stopped).await;
            }
        });
        // A read of the store that hangs is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(serve);
    let thread = Some(thread.map_err(cannot)?);
    Ok(Server { address: bound, stop: Some(stop), thread })
}

async fn accept(listener: tokio::net::TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // The process has no file descriptor left, perhaps; it may have one later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let io = TokioIo::new(Impatient::new(stream));
        let connection = http.serve_connection(io, service);
        tokio::spawn(async move {
            // A client that goes away, or is dropped, is no news.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// A connection that fails when its client takes too little of what it is sent.
struct Impatient<S> {
    stream: S,
    /// The end of the patience with a client that lets an answer wait.
    stalled: Option<Pin<Box<Sleep>>>,
    /// How many bytes it has taken since.
    taken: usize,
}

impl<S> Impatient<S> {
    fn new(stream: S) -> Self {
        Self { stream, stalled: None, taken: 0 }
    }

    fn watched(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = polled {
            self.taken += written.as_ref().unwrap_or(&0);
            if self.taken >= PORTION {
                self.stalled = None;
            }
            return Poll::Ready(written);
        }
        let stalled = self.stalled.get_or_insert_with(|| {
            self.taken = 0;
            Box::pin(tokio::time::sleep(TAKEN_WITHIN))
        });
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watched(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Is called when all there was has been written: nothing waits for the client.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stalled = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
