//! Frames, in which parent and worker talk.
//!
//! # The protocol
//!
//! Parent and worker talk over a pair of Unix sockets, in frames: a byte for the kind, eight for
//! the length, then the payload ([`frame`](crate::frame)). The worker's end is its standard input,
//! the one descriptor that every process has; it moves it elsewhere at once and puts `/dev/null` in
//! its place, so user code can neither eat frames nor write any: what it prints goes where the
//! parent's output goes.
//!
//! The parent begins with `SETUP`. The worker answers `HELLO`. Then, again and again, the parent
//! sends a `REQUEST` and perhaps some that are `QUEUED`, all in one write; the worker runs them in
//! order. Before each of them there is a `TRACE` if somebody traces the run. For a `QUEUED` one it
//! needs a permit ([`permits`](crate::permits)), without which it skips it. For each task that it runs
//! it sends any number of `PROGRESS` and `SAID` and one `DONE`, several frames in one write where tasks
//! are short. The contents of requests and replies are defined in `nexus_core`, not here.

use std::io::{self, BufRead, BufReader, Read, Write};

use nexus_core::TraceContext;

/// How to set the worker up; the first frame.
pub(crate) const SETUP: u8 = 1;
/// The worker can take requests.
pub(crate) const HELLO: u8 = 2;
/// A task to run now.
pub(crate) const REQUEST: u8 = 3;
/// A task to run after those before it, with a permit.
pub(crate) const QUEUED: u8 = 6;
/// How far the task is: two numbers of eight bytes.
pub(crate) const PROGRESS: u8 = 4;
/// How the task ended.
pub(crate) const DONE: u8 = 5;
/// Where in a trace the next task runs: see [`trace_payload`]. Only of runs that somebody traces.
pub(crate) const TRACE: u8 = 7;
/// What the task says to telemetry; what is in it is the matter of whoever has registered a
/// `BodyTracer`.
pub(crate) const SAID: u8 = 8;

const HEADER_LEN: usize = 9;

/// Frames up to this length are written in one call, and fit any socket's buffer.
pub(crate) const MAX_SINGLE_WRITE: usize = 32 * 1024;

/// The payload of [`TRACE`]: a byte that says how much is to be heard, and the `traceparent`.
pub(crate) fn trace_payload(trace: &TraceContext) -> Vec<u8> {
    let mut payload = vec![trace.verbosity];
    payload.extend_from_slice(trace.traceparent.as_deref().unwrap_or_default().as_bytes());
    payload
}

/// Reads the payload of [`TRACE`].
pub(crate) fn parse_trace(payload: &[u8]) -> TraceContext {
    let (verbosity, traceparent) = payload.split_first().unwrap_or((&0, &[]));
    let traceparent = String::from_utf8_lossy(traceparent).into_owned();
    TraceContext::new((!traceparent.is_empty()).then_some(traceparent), *verbosity)
}

/// Appends a frame.
pub(crate) fn append(to: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    to.push(kind);
    to.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    to.extend_from_slice(payload);
}

/// Appends a frame whose payload `fill` appends; nothing where that fails.
pub(crate) fn append_with<E>(
    to: &mut Vec<u8>,
    kind: u8,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let begin = to.len();
    to.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0, 0]);
    let payload = to.len();
    let filled = fill(to);
    match filled {
        Ok(()) => {
            let length = (to.len() - payload) as u64;
            to[begin + 1..payload].copy_from_slice(&length.to_le_bytes());
        }
        Err(_) => to.truncate(begin),
    }
    filled
}

/// Writes a frame.
pub(crate) fn write(mut to: impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let mut header = [kind; HEADER_LEN];
    header[1..].copy_from_slice(&(payload.len() as u64).to_le_bytes());
    if payload.len() <= MAX_SINGLE_WRITE {
        // One call, so that the reader wakes once.
        let mut whole = Vec::with_capacity(HEADER_LEN + payload.len());
        append(&mut whole, kind, payload);
        return to.write_all(&whole);
    }
    to.write_all(&header)?;
    to.write_all(payload)
}

/// Reads frames.
pub(crate) struct FrameReader<R> {
    from: BufReader<R>,
    last: Last,
}

/// The payload of the last frame.
enum Last {
    /// It begins after the header in the reader's buffer, and is so long.
    Buffered(usize),
    /// It was longer than what had arrived.
    Read(Vec<u8>),
}

impl<R: Read> FrameReader<R> {
    pub(crate) fn new(from: R) -> Self {
        let from = BufReader::with_capacity(64 * 1024, from);
        Self { from, last: Last::Read(Vec::new()) }
    }

    /// The next frame; `None` if the other side has ended between two frames.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u8, &[u8])>> {
        if !self.has_bytes() && self.fill()? == 0 {
            return Ok(None);
        }
        self.forget_last();
        if let Some(length) = whole_frame(self.from.buffer()) {
            self.last = Last::Buffered(length);
            let kind = self.from.buffer().first().copied();
            return Ok(kind.map(|kind| (kind, self.payload())));
        }
        let mut header = [0; HEADER_LEN];
        self.from.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let length = u64::from_le_bytes(length);
        // The buffer grows as bytes arrive: a length alone allocates nothing.
        let mut payload = Vec::new();
        let read = (&mut self.from).take(length).read_to_end(&mut payload)?;
        if read as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.last = Last::Read(payload);
        Ok(Some((kind, self.payload())))
    }

    /// The payload of the last frame.
    pub(crate) fn payload(&self) -> &[u8] {
        match &self.last {
            Last::Buffered(length) => {
                self.from.buffer().get(HEADER_LEN..HEADER_LEN + length).unwrap_or_default()
            }
            Last::Read(payload) => payload,
        }
    }

    /// Whether the next frame has arrived whole, so that reading it takes no time.
    pub(crate) fn has_frame(&self) -> bool {
        let rest = self.from.buffer().get(self.last_len()..);
        rest.is_some_and(|rest| whole_frame(rest).is_some())
    }

    /// Whether bytes have come after the last frame.
    pub(crate) fn has_bytes(&self) -> bool {
        self.from.buffer().len() > self.last_len()
    }

    /// Reads bytes after the last frame, of which there are none; gives how many there are then, 0 at
    /// the end.
    pub(crate) fn fill(&mut self) -> io::Result<usize> {
        self.forget_last();
        loop {
            match self.from.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                filled => return Ok(filled?.len()),
            }
        }
    }

    pub(crate) fn source(&mut self) -> &mut R {
        self.from.get_mut()
    }

    fn forget_last(&mut self) {
        self.from.consume(self.last_len());
        self.last = Last::Read(Vec::new());
    }

    /// How much of the buffer the last frame is.
    fn last_len(&self) -> usize {
        match self.last {
            Last::Buffered(length) => HEADER_LEN + length,
            Last::Read(_) => 0,
        }
    }
}

/// The length of the payload of the frame that these bytes begin with, if they have all of it.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let (header, payload) = bytes.split_at_checked(HEADER_LEN)?;
    let length = header[1..].try_into().map(u64::from_le_bytes).ok()?;
    usize::try_from(length).ok().filter(|length| *length <= payload.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns its bytes a few at a time, as a socket may.
    struct ShortReads<'a>(&'a [u8], usize);
    impl Read for ShortReads<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn frames_arrive_whole_however_the_bytes_come() {
        let long = vec![7; 3 * MAX_SINGLE_WRITE];
        let mut bytes = Vec::new();
        for payload in [&b""[..], b"abc", &long] {
            write(&mut bytes, DONE, payload).unwrap();
        }
        for chunk in [1, 8, 9, 10, 4096] {
            let mut reader = FrameReader::new(ShortReads(&bytes, chunk));
            for payload in [&b""[..], b"abc", &long] {
                assert_eq!(reader.next().unwrap(), Some((DONE, payload)));
                // The second and the third, in part, may have come with the first.
                assert_eq!(reader.has_frame(), payload.is_empty() && chunk == 4096);
            }
            assert_eq!(reader.next().unwrap(), None);
        }
    }

    #[test]
    fn traces_cross_with_and_without_a_traceparent() {
        for traceparent in [None, Some(String::from("00-1-2-01"))] {
            let trace = TraceContext::new(traceparent, 3);
            assert_eq!(parse_trace(&trace_payload(&trace)), trace);
        }
        assert_eq!(parse_trace(&[]), TraceContext::default());
    }

    #[test]
    fn a_cut_frame_is_an_error_and_a_huge_length_allocates_nothing() {
        let mut bytes = Vec::new();
        write(&mut bytes, DONE, b"abc").unwrap();
        for cut in 1..bytes.len() {
            assert!(FrameReader::new(&bytes[..cut]).next().is_err(), "{cut}");
        }
        let mut huge = vec![DONE];
        huge.extend_from_slice(&u64::MAX.to_le_bytes());
        huge.extend_from_slice(b"abc");
        let mut reader = FrameReader::new(&huge[..]);
        assert!(reader.next().is_err());
        assert!(matches!(reader.last, Last::Read(payload) if payload.capacity() < 1024));
    }
}
