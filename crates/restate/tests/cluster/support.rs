//! Servers, workers and what their bodies were invoked for.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nexus_restate::Cluster;

use crate::program::{LOG, WORK};

/// An address of `ci/cluster.sh`.
pub(crate) fn addresses(name: &str) -> Vec<String> {
    let there = std::env::var(name).unwrap_or_default();
    let there: Vec<String> = there.split_whitespace().map(str::to_owned).collect();
    assert!(!there.is_empty(), "these tests need servers: run `ci/cluster.sh test`");
    there
}

pub(crate) fn ingress() -> String {
    addresses("NEXUS_CLUSTER_INGRESS").swap_remove(0)
}

pub(crate) fn admin() -> String {
    addresses("NEXUS_CLUSTER_ADMIN").swap_remove(0)
}

pub(crate) fn cluster() -> Cluster {
    Cluster::connect(&ingress()).unwrap().admin(&admin()).unwrap()
}

/// A key that no other run has, on no other server either.
pub(crate) fn new_key(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("{name}-{now}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// An address of this machine at which nobody listens. Its port is below those from which connections are
/// made: one of them might have it while a worker that was killed is not there again.
pub(crate) fn free_address() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = 7 * std::process::id() + LAST.fetch_add(1, Ordering::Relaxed);
        let address = format!("127.0.0.1:{}", 10_000 + number % 20_000);
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Waits until something holds, for a minute.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a server has a deployment at this address.
pub(crate) fn wait_until_known(address: &str) {
    wait_until(&format!("the worker at {address} is not registered"), || {
        text_of(&format!("{}/deployments", admin())).contains(address)
    });
}

/// What is to be read at an address.
pub(crate) fn text_of(url: &str) -> String {
    let there = Command::new("curl").args(["-s", url]).output().unwrap();
    String::from_utf8_lossy(&there.stdout).into_owned()
}

/// A worker process.
pub(crate) struct WorkerProcess {
    child: Child,
    address: String,
    /// Where servers reach it: itself, or a balancer before it.
    reached_at: String,
    log: PathBuf,
}

impl WorkerProcess {
    /// Starts one, and waits until the server knows it.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with these events alone.
    pub(crate) fn start_with(events: &[&str]) -> Self {
        let address = free_address();
        Self::start_at(address.clone(), address, events)
    }

    /// The same at an address, behind another one.
    pub(crate) fn start_at(address: String, reached_at: String, events: &[&str]) -> Self {
        let log = std::env::temp_dir().join(new_key("nexus-cluster"));
        let child = spawn(&address, &reached_at, &log, events);
        let worker = Self { child, address, reached_at, log };
        wait_until_known(&worker.reached_at);
        worker
    }

    /// Kills it as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as a service manager would, and waits for that.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Begins again at the same address.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.address, &self.reached_at, &self.log, &[]);
    }

    /// What bodies were invoked for: run, step, attempt.
    pub(crate) fn invoked(&self) -> Vec<String> {
        let lines = std::fs::read_to_string(&self.log).unwrap_or_default();
        lines.lines().map(str::to_owned).collect()
    }
}

fn spawn(address: &str, reached_at: &str, log: &PathBuf, events: &[&str]) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args([WORK, address, &admin(), reached_at]).args(events).env(LOG, log);
    command.spawn().unwrap()
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.log);
    }
}
