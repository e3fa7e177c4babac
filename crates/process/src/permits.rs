//! Permits: which of the tasks that a worker was sent together it may begin.
//!
//! # Why
//!
//! A worker that dies, hangs or is slow has tasks that it has not begun. They are to run elsewhere,
//! but none may run twice; and when a worker has died, the parent must know which task it was in.
//! So the tasks after the first need a permit each. The `QUEUED` frames of a worker are numbered, and
//! one number in memory that both sides share says which of them may begin next. The worker begins
//! task n by making the number n + 1, but only if it still is n; the parent takes back all that has not
//! begun by setting the number to that of the next frame that it will send. Either of them is one
//! atomic operation, so a task has begun or is the parent's again, whatever the worker is doing, and
//! even if it was stopped or killed: the memory is the parent's as well.
//!
//! A body that writes where it must not may break the number. Whoever finds that it cannot be right
//! ends the worker, and all of its tasks count as begun.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::cmsg_space;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use vm_memory::mmap::MmapRegion;
use vm_memory::{FileOffset, VolatileMemory};

use crate::entry::HIGH;

/// More tasks than this are never sent at once.
pub(crate) const MOST: usize = 1024;

/// The number of the task that may begin next, in shared memory.
struct Next(MmapRegion);

impl Next {
    const SIZE: usize = size_of::<AtomicU64>();

    fn map(file: File) -> io::Result<Self> {
        let region = MmapRegion::from_file(FileOffset::new(file, 0), Self::SIZE);
        region.map(Self).map_err(io::Error::other)
    }

    /// Replaces the number `from` by `to`; `Err` with another number that it finds instead.
    fn replace(&self, from: u64, to: u64) -> Result<(), u64> {
        let number = self.number().ok_or(u64::MAX)?;
        number.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).map(drop)
    }

    fn set(&self, to: u64) -> Option<u64> {
        Some(self.number()?.swap(to, Ordering::AcqRel))
    }

    /// Always there: the memory is as large.
    fn number(&self) -> Option<&AtomicU64> {
        self.0.get_atomic_ref(0).ok()
    }
}

/// The number cannot be right.
#[derive(Debug)]
pub(crate) struct Broken;

/// A file of this size that is nowhere but in memory, and stays of this size.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn shared_file(size: usize) -> io::Result<File> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create("nexus-permits", flags)?;
    ftruncate(&file, size as u64)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file.into())
}

/// A file of this size without a name.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn shared_file(size: usize) -> io::Result<File> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let name = format!("nexus-permits-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)?;
    file.set_len(size as u64)?;
    Ok(file)
}

/// The parent's side.
pub(crate) struct Permits {
    next: Next,
    /// How many there were so far.
    given: u64,
}

impl Permits {
    /// Shares a number with the worker, over the socket.
    pub(crate) fn send(socket: &UnixStream) -> io::Result<Self> {
        let file = shared_file(Next::SIZE)?;
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = SendAncillaryBuffer::new(&mut space);
        let descriptors = [file.as_fd()];
        message.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(socket, &[IoSlice::new(&[0])], &mut message, SendFlags::empty())?;
        Ok(Self { next: Next::map(file)?, given: 0 })
    }

    /// Lets the worker begin so many more tasks, [`MOST`] at most, whose frames are sent then.
    pub(crate) fn give(&mut self, count: usize) -> io::Result<()> {
        if count > MOST {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.given += count as u64;
        Ok(())
    }

    /// Takes back the permits that the worker has not used, and gives how many.
    pub(crate) fn take_back(&mut self) -> Result<usize, Broken> {
        let next = self.next.set(self.given).ok_or(Broken)?;
        let count = self.given.checked_sub(next).filter(|count| *count <= MOST as u64);
        count.map(|count| count as usize).ok_or(Broken)
    }
}

/// The worker's side.
pub(crate) struct Permit {
    next: Next,
    /// The number of the next task.
    task: u64,
}

impl Permit {
    /// Receives the shared number.
    pub(crate) fn receive(socket: &UnixStream) -> io::Result<Self> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut message = RecvAncillaryBuffer::new(&mut space);
        recvmsg(socket, &mut [IoSliceMut::new(&mut [0])], &mut message, RecvFlags::empty())?;
        let received = message.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        let received: OwnedFd = received.ok_or(io::ErrorKind::UnexpectedEof)?;
        let file =
            fcntl_dupfd_cloexec(&received, HIGH).or_else(|_| fcntl_dupfd_cloexec(&received, 3))?;
        Ok(Self { next: Next::map(file.into())?, task: 0 })
    }

    /// Whether the next task that needs a permit may begin.
    pub(crate) fn take(&mut self) -> Result<bool, Broken> {
        let task = self.task;
        self.task += 1;
        match self.next.replace(task, self.task) {
            Ok(()) => Ok(true),
            // The parent has taken it back.
            Err(next) if next > task => Ok(false),
            Err(_) => Err(Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

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
    fn of_both_sides_at_the_same_time_one_has_each_task() {
        const ROUNDS: usize = 20_000;
        let (mut parent, mut worker) = pair();
        let (sent, done, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let wait_for = |number: &AtomicUsize, round| {
            while number.load(Ordering::Acquire) < round {
                thread::yield_now();
            }
        };
        let wrong = thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    wait_for(&sent, round);
                    let taken = (0..8).filter(|_| worker.take().unwrap_or(false)).count();
                    begun.fetch_add(taken, Ordering::Relaxed);
                    done.store(round, Ordering::Release);
                }
            });
            let (mut taken_back, mut wrong) = (0, 0);
            for round in 1..=ROUNDS {
                wrong += usize::from(parent.give(8).is_err());
                sent.store(round, Ordering::Release);
                (0..round % 50).for_each(|_| std::hint::spin_loop());
                taken_back += parent.take_back().unwrap_or(0);
                wait_for(&done, round);
                wrong += usize::from(begun.load(Ordering::Relaxed) + taken_back != 8 * round);
            }
            wrong
        });
        assert_eq!(wrong, 0);
    }

    #[test]
    fn a_number_that_a_body_has_written_over_gives_no_permit_and_takes_none_back() {
        let (mut parent, mut worker) = pair();
        parent.give(2).unwrap();
        worker.take().unwrap();
        worker.next.set(0);
        assert!(worker.take().is_err());
        worker.next.set(7);
        assert!(parent.take_back().is_err());
    }
}
