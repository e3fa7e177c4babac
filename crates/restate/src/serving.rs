//! A worker's port: HTTP/2, as servers speak it to workers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulShutdown;
use restate_sdk::endpoint::Endpoint;
use tokio::net::{TcpListener, TcpSocket};

use crate::interpreter::EVENT_SERVICE;
use crate::recorded::{RecordedAnswers, Watched};

/// How long what is under way may take to end when the worker is to end.
const GRACE: Duration = Duration::from_secs(10);

/// How long to wait where the system has no more connections to give.
const AGAIN: Duration = Duration::from_millis(50);

/// Listens at an address. Connections have the listener's options: answers are small, and must not
/// wait until what was sent before is acknowledged, which takes up to 40 ms.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_nodelay(true)?;
    // A worker that begins again has the address at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Serves until `end` is over; then nothing new is taken, and what is under way has some time to end.
pub(crate) async fn serve(
    listener: TcpListener,
    endpoint: Endpoint,
    answers: Arc<RecordedAnswers>,
    end: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        let (endpoint, answers) = (endpoint.clone(), Arc::clone(&answers));
        let handle = service_fn(move |request: http::Request<Incoming>| {
            let service = request.uri().path().split_once("/invoke/");
            let is_event = service.is_some_and(|(_, name)| name.starts_with(EVENT_SERVICE));
            let request = request.map(|body| Watched::new(body, is_event, &answers));
            std::future::ready(Ok::<_, Infallible>(endpoint.handle(request)))
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), handle);
        // A connection that breaks is the server's matter, which gives what was under way to another worker.
        tokio::spawn(graceful.watch(connection));
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}
