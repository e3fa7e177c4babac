//! How a process becomes a worker: what the program says of its entry, and how a worker knows
//! itself.

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

use crate::test_entry::TestEntry;

/// Says of a process that it is a worker: the parent's process id, and the number of the socket.
const VARIABLE: &str = "NEXUS_WORKER";

/// `nexus::init()` was called, in a process that is no worker.
static INIT: AtomicBool = AtomicBool::new(false);
/// This process is a worker, and knows it.
static ADOPTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn note_init() {
    INIT.store(true, Ordering::Relaxed);
}

pub(crate) fn is_adopted() -> bool {
    ADOPTED.load(Ordering::Relaxed)
}

/// How this program's workers get to their work.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// Through `main`, which begins with `nexus::init()`.
    Main,
    /// Through the test of this name.
    Test(String),
}

impl Entry {
    pub(crate) fn find() -> Result<Self, ConfigError> {
        if named_worker().is_some_and(|(_, is_this)| is_this) && !is_adopted() {
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
        if INIT.load(Ordering::Relaxed) || is_adopted() {
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
            // What the test harness prints is of no interest; the worker puts its standard error
            // in this place before user code runs.
            command.arg(name).args(only).stdout(Stdio::null());
        }
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .env(VARIABLE, format!("{}:{number}", std::process::id()))
            // Ctrl-C in a terminal is for the parent, which then decides about its workers.
            .process_group(0);
        Ok((command, ours))
    }
}

/// The socket's number if the environment speaks of a worker, and whether it speaks of this process
/// rather than of one that started it.
fn named_worker() -> Option<(u64, bool)> {
    let value = env::var(VARIABLE).ok()?;
    let (parent, number) = value.split_once(':')?;
    let (parent, number): (u32, u64) = (parent.parse().ok()?, number.parse().ok()?);
    Some((number, std::os::unix::process::parent_id() == parent))
}

/// The socket, if this process is a worker that was just started. Programs that a worker starts
/// inherit its environment, but neither its parent nor its socket.
pub(crate) fn adopt() -> Option<UnixStream> {
    if is_adopted() {
        return None;
    }
    let (number, of_parent) = named_worker()?;
    let stdin = rustix::stdio::stdin();
    let stat = fstat(stdin).ok()?;
    let is_socket = FileType::from_raw_mode(stat.st_mode) == FileType::Socket;
    // The parent may have died already: then another one has this process, but the socket stays.
    if !is_socket || !(of_parent || stat.st_ino == number) {
        return None;
    }
    let socket = stdin.try_clone_to_owned().ok()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    ADOPTED.store(true, Ordering::Relaxed);
    Some(UnixStream::from(socket))
}
