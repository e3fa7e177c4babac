//! How a process becomes a worker: where the program lets its workers begin, and how a process
//! recognises that it is one.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, io};

use nexus_core::ConfigError;
use rustix::fs::{FileType, fstat};
use rustix::io::fcntl_dupfd_cloexec;

use crate::test_entry::TestEntry;

/// Marks a process as a worker. Its value is the parent's process id and the socket's inode.
const VARIABLE: &str = "NEXUS_WORKER";

/// The least number of a descriptor that user code is not to meet by chance.
pub(crate) const HIGH: i32 = 512;

/// `nexus::init()` was called, in a process that is no worker.
static INIT_CALLED: AtomicBool = AtomicBool::new(false);
/// This process is a worker, and has taken its socket.
static IS_WORKER: AtomicBool = AtomicBool::new(false);

pub(crate) fn note_init_called() {
    INIT_CALLED.store(true, Ordering::Relaxed);
}

pub(crate) fn is_worker() -> bool {
    IS_WORKER.load(Ordering::Relaxed)
}

/// Where this program's workers begin to take requests.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// Through `main`, which begins with `nexus::init()`.
    Main,
    /// Through the test of this name.
    Test(String),
}

impl Entry {
    pub(crate) fn find() -> Result<Self, ConfigError> {
        if worker_in_environment().is_some_and(|(_, is_this)| is_this) && !is_worker() {
            return Err(ConfigError::Other(
                "this process is a worker that never became one: `nexus::init();` must be the \
                 first line of `main`"
                    .to_owned(),
            ));
        }
        if let Some(TestEntry(module)) = inventory::iter::<TestEntry>().next() {
            let inside = module.split_once("::").map(|(_, inside)| format!("{inside}::"));
            return Ok(Self::Test(format!("{}nexus_test_workers", inside.unwrap_or_default())));
        }
        if INIT_CALLED.load(Ordering::Relaxed) || is_worker() {
            return Ok(Self::Main);
        }
        Err(ConfigError::Other(
            "its workers are this program once more, and it does not say where they are to begin: \
             write `nexus::init();` as the first line of `main`; or, for tests, \
             `nexus::test_workers!();` beside them, outside of any function"
                .to_owned(),
        ))
    }

    /// A command that starts a worker, and this side's end of its socket.
    pub(crate) fn command(&self) -> io::Result<(Command, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let number = fstat(&theirs)?.st_ino;
        // On Linux this is the very binary that runs here, even if the file was replaced since.
        let itself = Path::new("/proc/self/exe");
        let mut command =
            if itself.exists() { Command::new(itself) } else { Command::new(env::current_exe()?) };
        if let Some(name) = env::args_os().next() {
            command.arg0(name);
        }
        if let Self::Test(name) = self {
            let only = ["--exact", "--include-ignored", "--nocapture", "--test-threads=1", "-q"];
            // What the test harness prints is dropped. Before user code runs, the worker makes its
            // standard error its standard output too.
            command.arg(name).args(only).stdout(Stdio::null());
        }
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .env(VARIABLE, format!("{}:{number}", std::process::id()))
            // A group of its own, so that Ctrl-C in a terminal reaches only the parent, which then
            // decides about its workers.
            .process_group(0);
        Ok((command, ours))
    }
}

/// The inode of the worker's socket if the environment marks a worker, and whether it marks this
/// process rather than one that started it.
fn worker_in_environment() -> Option<(u64, bool)> {
    let value = env::var(VARIABLE).ok()?;
    let (parent, number) = value.split_once(':')?;
    let (parent, number): (u32, u64) = (parent.parse().ok()?, number.parse().ok()?);
    Some((number, std::os::unix::process::parent_id() == parent))
}

/// The socket, if this process is a worker that was just started. Programs that a worker starts
/// inherit its environment, but neither its parent nor its socket.
pub(crate) fn become_worker() -> Option<UnixStream> {
    if is_worker() {
        return None;
    }
    let (number, of_parent) = worker_in_environment()?;
    let stdin = rustix::stdio::stdin();
    let stat = fstat(stdin).ok()?;
    let is_socket = FileType::from_raw_mode(stat.st_mode) == FileType::Socket;
    // If the parent has died already, this process has another parent by now, but its socket is
    // still the same.
    if !is_socket || !(of_parent || stat.st_ino == number) {
        return None;
    }
    // A high number, which no file of the user's gets even if a body closes what is not its own.
    let socket = fcntl_dupfd_cloexec(stdin, HIGH).or_else(|_| fcntl_dupfd_cloexec(stdin, 3));
    let socket = socket.ok()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    IS_WORKER.store(true, Ordering::Relaxed);
    Some(UnixStream::from(socket))
}
