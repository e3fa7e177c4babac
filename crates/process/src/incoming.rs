//! The end of a socket from which frames are read.
//!
//! To put a thread to sleep and to wake it takes as long as many short tasks. So a reader whose last
//! wait was short looks again for some microseconds before it sleeps, and lets others have the
//! processor meanwhile. One that had to wait for long, for a task or without any, looks once. So does, for
//! some time, one that did not get the processor back: beside other work, whoever yields waits for a
//! whole turn of that, some milliseconds, and whoever sleeps is woken sooner.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};

use crate::frame::FrameReader;

/// So long a reader looks before it sleeps.
const LOOKING: Duration = Duration::from_micros(20);

/// A wait is short that took no longer than this.
const SHORT: Duration = Duration::from_micros(100);

/// Whoever looks for longer has yielded the processor to other work.
const LOST: Duration = Duration::from_micros(500);

/// After such a loss nobody looks for so many times as long.
const PAUSE: u32 = 100;

/// A socket that can be read with and without waiting.
pub(crate) struct Incoming<S> {
    socket: S,
    flags: RecvFlags,
    looking: Looking,
}

/// Whether to look for a while.
#[derive(Default)]
struct Looking {
    /// The last wait was short.
    was_short: bool,
    /// It was a loss, and is not to be tried before.
    not_before: Option<Instant>,
}

impl Looking {
    fn is_worthwhile(&self, now: Instant) -> bool {
        self.was_short && self.not_before.is_none_or(|from| from <= now)
    }

    /// To look has taken so long.
    fn took(&mut self, begin: Instant, looked: Duration) {
        if looked > LOST {
            self.not_before = Some(begin + looked * PAUSE);
        }
    }
}

impl<S: AsFd> Incoming<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self { socket, flags: RecvFlags::empty(), looking: Looking::default() }
    }
}

impl<S: AsFd> Read for Incoming<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.socket, buffer, self.flags)?.1)
    }
}

impl<S: AsFd> FrameReader<Incoming<S>> {
    /// Waits for bytes. If there are none soon, `wait` says whether to wait for as long as it takes, and
    /// may wait itself; gives what it says.
    pub(crate) fn look(&mut self, wait: impl FnOnce(&S) -> bool) -> bool {
        if self.has_bytes() {
            return true;
        }
        let begin = Instant::now();
        if self.arrives_soon(begin) {
            return true;
        }
        let ready = wait(&self.source().socket);
        if ready {
            let _ = self.fill();
        }
        self.source().looking.was_short = begin.elapsed() < SHORT;
        ready
    }

    /// Looks once, and for a while where that is worthwhile. `false` if nothing has arrived.
    fn arrives_soon(&mut self, begin: Instant) -> bool {
        let is_worthwhile = self.source().looking.is_worthwhile(begin);
        let mut looked = Duration::ZERO;
        loop {
            // At the end, or after an error, reading says what there is to say.
            let has_arrived = self.has_arrived();
            if has_arrived || !is_worthwhile || looked > LOOKING {
                self.source().looking.took(begin, looked);
                return has_arrived;
            }
            thread::yield_now();
            looked = begin.elapsed();
        }
    }

    /// Reads what has arrived without waiting. `false` if there is nothing.
    fn has_arrived(&mut self) -> bool {
        self.source().flags = RecvFlags::DONTWAIT;
        let filled = self.fill();
        self.source().flags = RecvFlags::empty();
        !filled.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::frame::{self, DONE};

    fn pair() -> (UnixStream, FrameReader<Incoming<UnixStream>>) {
        let (theirs, ours) = UnixStream::pair().unwrap();
        (theirs, FrameReader::new(Incoming::new(ours)))
    }

    fn no_wait(_: &UnixStream) -> bool {
        panic!("it would wait for what is there")
    }

    #[test]
    fn nobody_waits_for_what_has_arrived_nor_for_one_who_is_gone() {
        let (mut theirs, mut reader) = pair();
        for _ in 0..2 {
            frame::write(&mut theirs, DONE, b"abc").unwrap();
        }
        for _ in 0..2 {
            assert!(reader.look(no_wait));
            assert_eq!(reader.next().unwrap(), Some((DONE, &b"abc"[..])));
        }
        theirs.write_all(&[DONE]).unwrap();
        assert!(reader.look(no_wait));
        drop(theirs);
        assert!(reader.next().is_err());
        let (theirs, mut reader) = pair();
        drop(theirs);
        assert!(reader.look(no_wait));
        assert_eq!(reader.next().unwrap(), None);
    }

    #[test]
    fn whoever_finds_nothing_waits_and_reads_what_comes_or_gives_up() {
        let (mut theirs, mut reader) = pair();
        // The second time it looks for a while before, since the first wait was short.
        for _ in 0..2 {
            assert!(reader.look(|_| frame::write(&mut theirs, DONE, b"abc").is_ok()));
            assert_eq!(reader.next().unwrap(), Some((DONE, &b"abc"[..])));
            assert!(!reader.look(|_| false));
        }
    }

    #[test]
    fn whoever_loses_the_processor_to_other_work_looks_no_more_for_some_time() {
        let mut looking = Looking { was_short: true, not_before: None };
        let begin = Instant::now();
        looking.took(begin, LOOKING);
        assert!(looking.is_worthwhile(begin));
        looking.took(begin, Duration::from_millis(3));
        assert!(!looking.is_worthwhile(begin + Duration::from_millis(299)));
        assert!(looking.is_worthwhile(begin + Duration::from_millis(300)));
    }
}
