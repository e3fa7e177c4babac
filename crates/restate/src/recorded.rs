//! What a server has recorded of an invocation that it gives to a worker again.
//!
//! A server may die when it has the answer of an event and not that it was the last that the event had to say. Its
//! successor then has the event run again, and refuses another answer than the one it has; but bodies give
//! something else each time, if only the time. The SDK tells a handler nothing of what is recorded, and recording
//! the body as a step of its own costs as much as all the rest of a call. So a worker looks for the
//! answer where the server sends it: among the entries at the beginning of the invocation's stream.
//!
//! The messages are those of Restate's service protocol: eight bytes with a type and a length, and a
//! protobuf message of that length. First comes how the invocation starts, with its id and how many entries are
//! recorded; then these entries.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The answers that servers have recorded, by the ids of their invocations, until their handlers begin.
#[derive(Debug, Default)]
pub(crate) struct RecordedAnswers(Mutex<HashMap<String, Bytes>>);

impl RecordedAnswers {
    /// What is recorded of this invocation.
    pub(crate) fn take(&self, invocation: &str) -> Option<Bytes> {
        self.answers().remove(invocation)
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream of an invocation, which is looked through for the answer when it is read.
pub(crate) struct Watched<B> {
    body: B,
    /// As long as it may come.
    scan: Option<Scan>,
    answers: Arc<RecordedAnswers>,
    /// The invocation of which an answer was found.
    found: Option<String>,
}

impl<B> Watched<B> {
    /// The stream of an event's invocation, if it is one.
    pub(crate) fn new(body: B, is_event: bool, answers: &Arc<RecordedAnswers>) -> Self {
        let scan = is_event.then(Scan::default);
        Self { body, scan, answers: Arc::clone(answers), found: None }
    }

    fn look(&mut self, data: &[u8]) {
        let Some(scan) = &mut self.scan else { return };
        match scan.read(data) {
            Scanned::More => return,
            Scanned::Nothing => {}
            Scanned::Answer(invocation, answer) => {
                self.answers.answers().insert(invocation.clone(), answer);
                self.found = Some(invocation);
            }
        }
        self.scan = None;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.look(data);
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

impl<B> Drop for Watched<B> {
    /// The handler may never have begun.
    fn drop(&mut self) {
        if let Some(invocation) = &self.found {
            self.answers.take(invocation);
        }
    }
}

/// The types of messages.
const START: u16 = 0x0000;
const OUTPUT: u16 = 0x0401;
/// How long the head of a message is.
const HEAD: usize = 8;

/// A stream, as far as it was read.
#[derive(Default)]
struct Scan {
    /// The message that is not complete yet.
    unread: Vec<u8>,
    start: Option<Start>,
}

/// How an invocation starts.
struct Start {
    invocation: String,
    /// How many of the recorded entries are to come.
    entries: u64,
}

enum Scanned {
    /// It is not known yet.
    More,
    /// There is no answer, or none that can be read.
    Nothing,
    /// The invocation's id, and its answer.
    Answer(String, Bytes),
}

impl Scan {
    fn read(&mut self, data: &[u8]) -> Scanned {
        self.unread.extend_from_slice(data);
        loop {
            let Some((ty, message, length)) = first_message(&self.unread) else {
                return Scanned::More;
            };
            match &mut self.start {
                None => {
                    let Some(start) = Start::read(ty, message) else { return Scanned::Nothing };
                    // The first entry is what the event is given.
                    if start.entries <= 1 {
                        return Scanned::Nothing;
                    }
                    self.start = Some(start);
                }
                Some(start) if ty == OUTPUT => {
                    let answer = field(message, 14).and_then(|value| field(value, 1));
                    let invocation = std::mem::take(&mut start.invocation);
                    return answer.map_or(Scanned::Nothing, |answer| {
                        Scanned::Answer(invocation, Bytes::copy_from_slice(answer))
                    });
                }
                Some(start) => {
                    start.entries = start.entries.saturating_sub(1);
                    if start.entries == 0 {
                        return Scanned::Nothing;
                    }
                }
            }
            self.unread.drain(..length);
        }
    }
}

impl Start {
    fn read(ty: u16, message: &[u8]) -> Option<Self> {
        if ty != START {
            return None;
        }
        let invocation = String::from_utf8(field(message, 2)?.to_vec()).ok()?;
        let entries = fields(message).find_map(|(number, value)| match value {
            Value::Number(entries) if number == 3 => Some(entries),
            _ => None,
        });
        Some(Self { invocation, entries: entries.unwrap_or(0) })
    }
}

/// The type of the first message, what it says, and how long it is with its head; nothing if it is not complete.
fn first_message(bytes: &[u8]) -> Option<(u16, &[u8], usize)> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let head = u64::from_be_bytes(*head);
    let length = (head & u64::from(u32::MAX)) as usize;
    Some(((head >> 48) as u16, rest.get(..length)?, HEAD + length))
}

/// The value of a field of a protobuf message.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, up to one that cannot be read.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = number(&mut message)?;
        let value = match key & 7 {
            0 => Value::Number(number(&mut message)?),
            1 => Value::Bytes(message.split_off(..8)?),
            2 => {
                let length = usize::try_from(number(&mut message)?).ok()?;
                Value::Bytes(message.split_off(..length)?)
            }
            5 => Value::Bytes(message.split_off(..4)?),
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// The bytes of a field.
fn field(message: &[u8], number: u64) -> Option<&[u8]> {
    fields(message).find_map(|(found, value)| match value {
        Value::Bytes(bytes) if found == number => Some(bytes),
        _ => None,
    })
}

/// A number of seven bits a byte, the lowest first.
fn number(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(ty: u16, says: &[u8]) -> Vec<u8> {
        let head = (u64::from(ty) << 48) | says.len() as u64;
        [&head.to_be_bytes(), says].concat()
    }

    /// A field of bytes that are fewer than 128.
    fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, value.len() as u8], value].concat()
    }

    /// A stream with so many entries before what else comes.
    fn stream(known: u8, entries: &[Vec<u8>]) -> Vec<u8> {
        let start = [bytes(1, b"\x00\xff"), bytes(2, b"inv_1"), vec![3 << 3, known], bytes(6, b"")];
        [&[message(START, &start.concat())], entries].concat().concat()
    }

    fn input() -> Vec<u8> {
        message(0x0400, &bytes(14, &bytes(1, b"{}")))
    }

    fn output() -> Vec<u8> {
        message(OUTPUT, &[bytes(12, b""), bytes(14, &bytes(1, b"paid"))].concat())
    }

    /// What is found, if the stream comes in pieces so long.
    fn found(stream: &[u8], piece: usize) -> Option<(String, Bytes)> {
        let mut scan = Scan::default();
        for piece in stream.chunks(piece) {
            match scan.read(piece) {
                Scanned::More => {}
                Scanned::Nothing => return None,
                Scanned::Answer(invocation, answer) => return Some((invocation, answer)),
            }
        }
        None
    }

    #[test]
    fn a_recorded_answer_is_found_however_it_comes() {
        let stream = stream(2, &[input(), output()]);
        for piece in 1..=stream.len() {
            let answer = Some(("inv_1".to_owned(), Bytes::from_static(b"paid")));
            assert_eq!(found(&stream, piece), answer, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_recorded_answer_is_none() {
        let failure = message(OUTPUT, &bytes(15, b"no"));
        for stream in [
            stream(1, &[input(), output()]),
            stream(2, &[input(), failure]),
            stream(3, &[input(), message(0x0411, b""), output()])[..60].to_vec(),
            stream(2, &[input(), message(0x0411, b""), output()]),
            message(0x0400, b"nonsense"),
            message(START, b"\xff\xff\xff"),
            Vec::new(),
        ] {
            assert_eq!(found(&stream, 7), None, "{stream:?}");
        }
    }
}
