//! Permits: which of the tasks that a worker was sent together it may begin.
//!
//! # Why
//!
//! A worker that dies, hangs or is slow has tasks that it has not begun. They are to run elsewhere,
//! but none may run twice; and when a worker has died, the parent must know which task it was in.
//! So the tasks after the first need a permit each, a byte in a pipe of which both sides have the
//! reading end. The worker reads one before it begins a task; the parent takes the others back by
//! reading them itself. A byte is read by one of the two, so a task has begun or is the parent's
//! again, whatever the worker is doing, and even if it was stopped or killed.
//!
//! For each permit that the parent has taken back it writes a refusal, with which the worker skips
//! the task. So there is one byte for each `QUEUED` frame, and what comes later is not mistaken for
//! it.
//!
//! A read costs some 0.3 microseconds. A message to the worker that it is to stop would cost nothing
//! while all is well, but would need a worker that answers, and would not say what a dead one had
//! begun.
//!
//! The bytes count the `QUEUED` frames. A body that closes descriptors which are not its own, and
//! opens others, may let the worker read from the wrong one; the count tells.

use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter, Read, Write, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::entry::HIGH;

/// More permits than this are never given at once; a pipe holds many times as many.
pub(crate) const MOST: usize = 1024;

/// What tells a refusal from a permit.
const REFUSED: u8 = 0x80;

/// The number of the next byte.
fn next(number: &mut u8) -> u8 {
    let this = *number;
    *number = (this + 1) % REFUSED;
    this
}

/// The parent's side.
pub(crate) struct Permits {
    reader: PipeReader,
    writer: PipeWriter,
    /// The next permit.
    next: u8,
}

impl Permits {
    /// A pipe, whose reading end the worker gets over the socket.
    pub(crate) fn send(socket: &UnixStream) -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        // That of the worker too, since it is the same open file.
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = SendAncillaryBuffer::new(&mut space);
        let descriptors = [reader.as_fd()];
        message.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(socket, &[IoSlice::new(&[0])], &mut message, SendFlags::empty())?;
        Ok(Self { reader, writer, next: 0 })
    }

    /// Lets the worker begin so many more tasks, [`MOST`] at most.
    pub(crate) fn give(&mut self, count: usize) -> io::Result<()> {
        let mut bytes = [0; MOST];
        let bytes = bytes.get_mut(..count).ok_or(io::ErrorKind::InvalidInput)?;
        for byte in bytes.iter_mut() {
            *byte = next(&mut self.next);
        }
        if bytes.is_empty() { Ok(()) } else { self.writer.write_all(bytes) }
    }

    /// Takes back the permits that the worker has not used, and gives how many.
    pub(crate) fn take_back(&mut self) -> io::Result<usize> {
        let mut count = 0;
        let mut bytes = [0; 2 * MOST];
        // Earlier refusals may be among them, which the worker has not come to.
        let read = match self.reader.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            read => read?,
        };
        for byte in &mut bytes[..read] {
            count += usize::from(*byte & REFUSED == 0);
            *byte |= REFUSED;
        }
        self.writer.write_all(&bytes[..read])?;
        Ok(count)
    }
}

/// The worker's side.
pub(crate) struct Permit {
    reader: PipeReader,
    next: u8,
}

/// The descriptor is not that of the permits any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl Permit {
    /// Receives the pipe.
    pub(crate) fn receive(socket: &UnixStream) -> io::Result<Self> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = RecvAncillaryBuffer::new(&mut space);
        recvmsg(socket, &mut [IoSliceMut::new(&mut [0])], &mut message, RecvFlags::empty())?;
        let received = message.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        let received: OwnedFd = received.ok_or(io::ErrorKind::UnexpectedEof)?;
        let reader =
            fcntl_dupfd_cloexec(&received, HIGH).or_else(|_| fcntl_dupfd_cloexec(&received, 3))?;
        Ok(Self { reader: reader.into(), next: 0 })
    }

    /// Whether the next task that needs a permit may begin. Waits while the parent decides.
    pub(crate) fn take(&mut self) -> Result<bool, Closed> {
        let expected = next(&mut self.next);
        let mut byte = [0];
        loop {
            match self.reader.read(&mut byte) {
                Ok(1) if byte == [expected] => return Ok(true),
                Ok(1) if byte == [expected | REFUSED] => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut watched = [PollFd::new(&self.reader, PollFlags::IN)];
                    poll(&mut watched, None).map_err(|_| Closed)?;
                    if !watched[0].revents().contains(PollFlags::IN) {
                        return Err(Closed);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return Err(Closed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Permits, Permit) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Permits::send(&ours).unwrap(), Permit::receive(&theirs).unwrap())
    }

    #[test]
    fn a_task_has_begun_or_is_the_parents_again_and_never_both() {
        let (mut parent, mut worker) = pair();
        // More than a byte counts.
        for round in 0..300 {
            let (sent, begun) = (round % 7, round % 3);
            parent.give(sent).unwrap();
            let begun = begun.min(sent);
            assert!((0..begun).all(|_| worker.take().unwrap()));
            assert_eq!(parent.take_back().unwrap(), sent - begun);
            // The worker may come to them when it has been given others.
            if round % 2 == 0 {
                assert!((begun..sent).all(|_| !worker.take().unwrap()));
            } else {
                parent.give(2).unwrap();
                assert!((begun..sent).all(|_| !worker.take().unwrap()));
                assert!(worker.take().unwrap() && worker.take().unwrap());
            }
        }
    }

    #[test]
    fn what_is_refused_twice_in_a_row_is_taken_back_once() {
        let (mut parent, mut worker) = pair();
        parent.give(3).unwrap();
        assert_eq!((parent.take_back().unwrap(), parent.take_back().unwrap()), (3, 0));
        parent.give(MOST).unwrap();
        assert_eq!(parent.take_back().unwrap(), MOST);
        assert!((0..MOST + 3).all(|_| !worker.take().unwrap()));
        assert!(parent.give(MOST + 1).is_err());
    }

    #[test]
    fn a_descriptor_that_a_body_has_closed_and_opened_again_gives_no_permit() {
        let (mut parent, mut worker) = pair();
        parent.give(1).unwrap();
        worker.reader = std::fs::File::open("/dev/zero").map(OwnedFd::from).unwrap().into();
        worker.next = 7;
        assert!(worker.take().is_err());
        worker.reader = std::fs::File::open("/dev/null").map(OwnedFd::from).unwrap().into();
        assert!(worker.take().is_err());
    }
}
