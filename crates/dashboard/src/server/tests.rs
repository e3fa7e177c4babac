//! Clients that take little of an answer, on a clock that does not wait.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::{Impatient, PORTION, TAKEN_WITHIN};

/// Sends so many bytes to a client, and says how that ended and how long it took.
fn send<F: Future<Output = ()>>(
    bytes: usize,
    client: impl FnOnce(DuplexStream) -> F,
) -> (std::io::Result<()>, Duration) {
    let mut clock = tokio::runtime::Builder::new_current_thread();
    clock.enable_time().start_paused(true).build().unwrap().block_on(async {
        let (server, read) = tokio::io::duplex(64);
        let begun = Instant::now();
        let sent = async {
            let mut server = Impatient::new(server);
            server.write_all(&vec![b'x'; bytes]).await?;
            server.flush().await
        };
        match select(pin!(sent), pin!(client(read))).await {
            Either::Left((sent, _)) => (sent, begun.elapsed()),
            Either::Right(_) => unreachable!("the client stays"),
        }
    })
}

/// Takes so many bytes a second.
async fn reads(mut stream: DuplexStream, each_second: usize) {
    let mut bytes = vec![0; each_second];
    loop {
        let mut taken = 0;
        while taken < each_second {
            taken += stream.read(&mut bytes[taken..]).await.unwrap();
        }
        sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn a_client_that_reads_one_byte_a_second_is_dropped() {
    let (sent, took) = send(1024 * 1024, |stream| reads(stream, 1));
    assert_eq!(sent.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(took.as_secs(), TAKEN_WITHIN.as_secs());
}

#[test]
fn a_client_with_a_slow_line_gets_its_answer_however_long_that_takes() {
    let bytes = 100 * PORTION;
    let (sent, took) = send(bytes, |stream| reads(stream, PORTION / 4));
    sent.unwrap();
    assert!(took > 10 * TAKEN_WITHIN, "{took:?}");
}
