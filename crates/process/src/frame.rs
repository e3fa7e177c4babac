//! Frames: a byte for the kind, eight for the length, the payload.
//!
//! # The protocol
//!
//! Parent and worker talk over a pair of Unix sockets, in frames: a byte for the kind, eight for
//! the length, then the payload ([`frame`](crate::frame)). The worker's end is its standard input, the one
//! descriptor that every process has; it moves it elsewhere at once and puts `/dev/null` in its
//! place, so user code can neither eat frames nor write any: what it prints goes where the
//! parent's output goes.
//!
//! The parent begins with `SETUP`. The worker answers `HELLO`, then for each `REQUEST` it sends
//! any number of `PROGRESS` and one `DONE`. What requests and replies say is not this module's
//! business (see `nexus_core`); a process that dies without a `DONE` costs the task that it held.

use std::io::{self, BufReader, Read, Write};

/// How to set the worker up; the first frame.
pub(crate) const SETUP: u8 = 1;
/// The worker can take requests.
pub(crate) const HELLO: u8 = 2;
/// A task to run.
pub(crate) const REQUEST: u8 = 3;
/// How far the task is: two numbers of eight bytes.
pub(crate) const PROGRESS: u8 = 4;
/// How the task ended.
pub(crate) const DONE: u8 = 5;

const HEAD: usize = 9;

/// Frames up to this length are written in one call, and fit any socket's buffer.
pub(crate) const SHORT: usize = 32 * 1024;

/// A buffer larger than this is not kept for the next frame.
const KEPT: usize = 1 << 20;

/// Writes a frame.
pub(crate) fn write(mut to: impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let mut head = [kind; HEAD];
    head[1..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    if payload.len() <= SHORT {
        // One call, so that the reader wakes once.
        let mut whole = Vec::with_capacity(HEAD + payload.len());
        whole.extend_from_slice(&head);
        whole.extend_from_slice(payload);
        return to.write_all(&whole);
    }
    to.write_all(&head)?;
    to.write_all(payload)
}

/// Reads frames.
pub(crate) struct Reader<R> {
    from: BufReader<R>,
    payload: Vec<u8>,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from: BufReader::with_capacity(64 * 1024, from), payload: Vec::new() }
    }

    /// The next frame; `None` if the other side has ended between two frames.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u8, &[u8])>> {
        let mut head = [0; HEAD];
        if read_some(&mut self.from, &mut head)? == 0 {
            return Ok(None);
        }
        let [kind, length @ ..] = head;
        let length = u64::from_le_bytes(length);
        self.payload.clear();
        if self.payload.capacity() > KEPT {
            self.payload = Vec::new();
        }
        // The buffer grows as bytes arrive: a length alone allocates nothing.
        let read = (&mut self.from).take(length).read_to_end(&mut self.payload)?;
        if read as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((kind, &self.payload)))
    }

    /// The payload of the last frame, without a copy.
    pub(crate) fn take_payload(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.payload)
    }
}

/// Fills `buffer`; gives 0 if there is not even a first byte.
fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(0),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time, as a socket may.
    struct Drips<'a>(&'a [u8], usize);
    impl Read for Drips<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn frames_arrive_whole_however_the_bytes_come() {
        let long = vec![7; 3 * SHORT];
        let mut bytes = Vec::new();
        for payload in [&b""[..], b"abc", &long] {
            write(&mut bytes, DONE, payload).unwrap();
        }
        for drip in [1, 8, 9, 10, 4096] {
            let mut reader = Reader::new(Drips(&bytes, drip));
            for payload in [&b""[..], b"abc", &long] {
                assert_eq!(reader.next().unwrap(), Some((DONE, payload)));
            }
            assert_eq!(reader.next().unwrap(), None);
        }
    }

    #[test]
    fn a_cut_frame_is_an_error_and_a_huge_length_allocates_nothing() {
        let mut bytes = Vec::new();
        write(&mut bytes, DONE, b"abc").unwrap();
        for cut in 1..bytes.len() {
            assert!(Reader::new(&bytes[..cut]).next().is_err(), "{cut}");
        }
        let mut huge = vec![DONE];
        huge.extend_from_slice(&u64::MAX.to_le_bytes());
        huge.extend_from_slice(b"abc");
        let mut reader = Reader::new(&huge[..]);
        assert!(reader.next().is_err());
        assert!(reader.payload.capacity() < 1024);
    }
}
