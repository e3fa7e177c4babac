//! The pool with real worker processes, and tasks that note what is done with them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::cancel::Token;
use crate::event::{Body, Event, EventDef, Inputs, Maker};
use crate::executor::{Source, Taken};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome, WorkerExit};
use crate::registry::Linked;
use crate::value::{OutputInfo, Value};
use crate::wire::{Crosses, EventWire, WirePart};

crate::test_workers!();

/// An event that does what the run's name says: the only text that these requests carry.
struct Obey;

const PLACE: &str = "tests.rs:1";

impl Event for Obey {
    type Output = u32;
    type Piped = crate::shape::Nothing;
    const NAME: &'static str = "Obey";
    const SPEC: crate::checked::Spec = crate::checked::Spec::NO_EVENT;
    const WIRE: EventWire = EventWire {
        parts: &[],
        output: WirePart { name: "", ty: "u32", by: Crosses::<u32>::VALUE },
    };
    const PARAMS: &'static [crate::event::Param] = &[];
    const DESCRIPTORS: Option<&'static [crate::private::DescriptorName]> = None;
    const OWN_FIELDS: &'static [crate::event::OwnField] = &[];
    fn definition() -> EventDef {
        EventDef::new::<Self>(OutputInfo::opaque::<u32>(), Maker::Ready(Arc::new(Self)), PLACE)
    }
}

inventory::submit!(Linked(Obey::definition));

impl Body for Obey {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        match inputs.context().pipeline() {
            "pid" => {}
            "progress" => {
                inputs.context().progress(3, 8);
                inputs.context().progress(8, 8);
            }
            "hang" => thread::sleep(Duration::from_mins(10)),
            other => panic!("{other}"),
        }
        TaskOutcome::Success(Value::new(std::process::id()))
    }
}

/// How a task came to its end.
#[derive(Debug)]
enum End {
    Finished(TaskOutcome),
    RanHere,
    Lost,
}

struct Task {
    order: Option<&'static str>,
    token: Arc<Token>,
    told: Sender<(End, Vec<(u64, u64)>)>,
    progress: Mutex<Vec<(u64, u64)>>,
    begun: Arc<AtomicBool>,
    ended: bool,
}

impl Task {
    fn end(&mut self, end: End) {
        self.ended = true;
        let _ = self.told.send((end, std::mem::take(&mut *self.progress.lock().unwrap())));
    }
}

impl Taken for Task {
    fn request(&self) -> Option<Result<Vec<u8>, Exception>> {
        let order = self.order?;
        if order == "refuse" {
            return Some(Err(Exception::of_kind(ExceptionKind::Crossing, "no".to_owned())));
        }
        assert_ne!(order, "panic", "a Serialize that panics");
        Some(Ok(crate::wire::request_for_test(&format!("Obey@{PLACE}"), order)))
    }
    fn outcome(&self, reply: &[u8]) -> TaskOutcome {
        crate::wire::outcome(&Obey::definition(), reply)
    }
    fn token(&self) -> &Token {
        &self.token
    }
    fn start(&self) -> bool {
        let is_wanted = self.token.start();
        // Only now: whoever waits for this may raise the token at once.
        self.begun.store(true, Ordering::Release);
        is_wanted
    }
    fn progress(&self, done: u64, total: u64) {
        self.progress.lock().unwrap().push((done, total));
    }
    fn finish(mut self: Box<Self>, outcome: TaskOutcome) {
        self.end(End::Finished(outcome));
    }
    fn run(mut self: Box<Self>) {
        self.end(End::RanHere);
    }
    fn future(self: Box<Self>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        unreachable!("no async event runs in a process");
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.ended {
            self.end(End::Lost);
        }
    }
}

/// A source of one task.
struct One(Mutex<Option<Task>>);

impl Source for One {
    fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
        unreachable!("a process pool takes its tasks");
    }
    fn take(self: Arc<Self>, _: u32) -> Option<Box<dyn Taken>> {
        self.0.lock().unwrap().take().map(|task| -> Box<dyn Taken> { Box::new(task) })
    }
    fn submit_again(self: Arc<Self>, _: u32) {}
    fn lose(self: Arc<Self>, _: u32) {
        drop(self.0.lock().unwrap().take());
    }
}

/// A submitted task.
struct Ticket {
    token: Arc<Token>,
    begun: Arc<AtomicBool>,
    told: Receiver<(End, Vec<(u64, u64)>)>,
}

impl Ticket {
    fn end(&self) -> (End, Vec<(u64, u64)>) {
        self.told.recv_timeout(Duration::from_secs(20)).expect("the task's end")
    }

    /// The process in which it ran.
    fn pid(&self) -> u32 {
        match self.end().0 {
            End::Finished(TaskOutcome::Success(value)) => *value.get().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn exception(&self) -> Exception {
        match self.end().0 {
            End::Finished(TaskOutcome::Exception(exception)) => exception,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the body may run.
    fn wait_begun(&self) {
        while !self.begun.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }
}

fn pool(workers: usize) -> ProcessPoolExecutor {
    ProcessPoolExecutor::new(&ExecutorInitializerConfig::new().max_workers(workers)).unwrap()
}

fn submit(pool: &ProcessPoolExecutor, order: Option<&'static str>) -> Ticket {
    let (told, hears) = channel();
    let ticket = Ticket { token: Arc::default(), begun: Arc::default(), told: hears };
    let task = Task {
        order,
        token: Arc::clone(&ticket.token),
        told,
        progress: Mutex::default(),
        begun: Arc::clone(&ticket.begun),
        ended: false,
    };
    pool.submit(Job::new(Arc::new(One(Mutex::new(Some(task)))), 0));
    ticket
}

#[test]
fn one_idle_worker_serves_one_task_after_the_other() {
    let pool = pool(4);
    let first = submit(&pool, Some("pid")).pid();
    assert_ne!(first, std::process::id());
    for _ in 0..20 {
        assert_eq!(submit(&pool, Some("pid")).pid(), first);
    }
    assert_eq!(pool.processes_started(), 1);
    pool.shutdown();
}

#[test]
fn a_raised_token_kills_the_worker_of_its_own_task_alone() {
    let pool = pool(1);
    let done = submit(&pool, Some("pid"));
    let pid = done.pid();
    let hangs = submit(&pool, Some("hang"));
    let waits = submit(&pool, Some("pid"));
    hangs.wait_begun();
    // Its task is over: this must not touch the worker's next one.
    done.token.raise();
    let start = Instant::now();
    assert!(hangs.told.recv_timeout(Duration::from_millis(100)).is_err());
    hangs.token.raise();
    let exception = hangs.exception();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(exception.kind(), ExceptionKind::WorkerLost);
    assert_eq!(exception.find::<WorkerExit>().and_then(WorkerExit::signal), Some(9));
    assert_ne!(waits.pid(), pid);
    pool.shutdown();
}

#[test]
fn a_task_that_nobody_wants_any_more_never_reaches_a_worker() {
    let pool = pool(1);
    let hangs = submit(&pool, Some("hang"));
    let waits = submit(&pool, Some("hang"));
    waits.token.raise();
    hangs.wait_begun();
    hangs.token.raise();
    assert_eq!(hangs.exception().kind(), ExceptionKind::WorkerLost);
    assert!(matches!(waits.end().0, End::Lost));
    assert_ne!(submit(&pool, Some("pid")).pid(), 0);
    pool.shutdown();
}

#[test]
fn what_needs_no_worker_or_cannot_reach_one_leaves_it_free() {
    let pool = pool(1);
    for _ in 0..2 {
        // Once while a worker starts, once while it is idle.
        assert!(matches!(submit(&pool, None).end().0, End::RanHere));
        assert_eq!(submit(&pool, Some("refuse")).exception().message(), "no");
        assert_eq!(submit(&pool, Some("panic")).exception().kind(), ExceptionKind::Panic);
        submit(&pool, Some("pid")).pid();
    }
    assert_eq!(pool.processes_started(), 1);
    pool.shutdown();
}

#[test]
fn progress_arrives_before_the_end() {
    let pool = pool(1);
    let (end, progress) = submit(&pool, Some("progress")).end();
    assert!(matches!(end, End::Finished(TaskOutcome::Success(_))));
    assert_eq!(progress, [(3, 8), (8, 8)]);
    pool.shutdown();
}

#[test]
fn shutting_down_finishes_what_was_submitted_and_takes_no_more() {
    let pool = pool(2);
    let tickets: Vec<Ticket> = (0..50).map(|_| submit(&pool, Some("pid"))).collect();
    pool.shutdown();
    assert!(pool.shared.lock().processes.is_empty());
    for ticket in tickets {
        ticket.pid();
    }
    let late = submit(&pool, Some("pid"));
    // The job is dropped unrun, and its task with it.
    assert!(late.told.recv_timeout(Duration::from_secs(20)).is_ok());
}

#[test]
fn a_worker_that_dies_idle_costs_nothing() {
    let pool = pool(1);
    let pid = submit(&pool, Some("pid")).pid();
    let raw = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(raw, rustix::process::Signal::KILL).unwrap();
    while !pool.shared.lock().processes.is_empty() {
        thread::yield_now();
    }
    assert_ne!(submit(&pool, Some("pid")).pid(), pid);
    pool.shutdown();
}

#[test]
fn a_pool_that_is_dropped_lets_its_workers_go() {
    let pool = pool(1);
    submit(&pool, Some("pid")).pid();
    let shared = Arc::clone(&pool.shared);
    drop(pool);
    let mut state = shared.lock();
    while state.live > 0 {
        state = shared.ended.wait(state).unwrap();
    }
    assert!(state.processes.is_empty());
}
