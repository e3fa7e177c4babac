#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::*;
use crate::executor::{Claimed, JobSource};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task.
struct Fake(Mutex<Boxed>);

/// A source of one task, and where it is told that it was lost.
struct One(Mutex<Option<Fake>>, Mutex<Sender<&'static str>>);

impl JobSource for One {
    fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
        (0, false)
    }
    fn claim(self: Arc<Self>, _: u32) -> Option<Box<dyn Claimed>> {
        lock(&self.0).take().map(|fake| -> Box<dyn Claimed> { Box::new(fake) })
    }
    fn resubmit(self: Arc<Self>, _: u32) {}
    fn job_dropped(self: Arc<Self>, _: u32) {
        let _ = lock(&self.1).send("lost");
    }
}

impl Claimed for Fake {
    fn into_future(self: Box<Self>) -> Boxed {
        self.0.into_inner().unwrap()
    }
}

fn job(future: impl Future<Output = ()> + Send + 'static, lost: &Sender<&'static str>) -> Job {
    let task = Fake(Mutex::new(Box::pin(future) as Boxed));
    Job::new(Arc::new(One(Mutex::new(Some(task)), Mutex::new(lost.clone()))), 0)
}

fn executor(config: &ExecutorInitializerConfig) -> AsyncExecutor {
    AsyncExecutor::new(config).unwrap()
}

fn config() -> ExecutorInitializerConfig {
    ExecutorInitializerConfig::new()
}

const PATIENCE: Duration = Duration::from_secs(30);

fn next<T>(receive: &Receiver<T>) -> T {
    receive.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn no_thread_starts_before_the_first_task_and_threads_carry_the_prefix() {
    let executor = executor(&config().max_workers(1).thread_name_prefix("mine-"));
    assert!(lock(&executor.shared.state).runtime.is_none());
    let (send, receive) = channel();
    let (lost, _keep) = channel();
    let name = async move {
        send.send(std::thread::current().name().map(str::to_owned)).unwrap();
    };
    executor.submit(job(name, &lost));
    assert_eq!(next(&receive).as_deref(), Some("mine-0"));
    executor.shutdown();
}

#[test]
fn tasks_start_in_the_order_in_which_they_were_submitted() {
    let executor = executor(&config().max_concurrency(1));
    let (send, receive) = channel();
    let (lost, _keep) = channel();
    for number in 0..500 {
        let send = send.clone();
        let task = async move {
            yield_now().await;
            send.send(number).unwrap();
        };
        executor.submit(job(task, &lost));
    }
    drop(send);
    assert!(receive.iter().eq(0..500));
    executor.shutdown();
}

#[test]
fn no_more_than_max_concurrency_are_under_way_and_as_many_as_that() {
    let executor = executor(&config().max_concurrency(3));
    let open = Arc::new(Semaphore::new(0));
    let (send, receive) = channel();
    let (lost, _keep) = channel();
    for _ in 0..10 {
        let (open, send) = (Arc::clone(&open), send.clone());
        let task = async move {
            send.send("start").unwrap();
            open.acquire().await.unwrap().forget();
        };
        executor.submit(job(task, &lost));
    }
    for started in 3..=10 {
        if started == 3 {
            (0..3).for_each(|_| assert_eq!(next(&receive), "start"));
        } else {
            assert_eq!(next(&receive), "start");
        }
        // The rest is in line, and gets there only when one has ended.
        let state = lock(&executor.shared.state);
        assert_eq!((state.running, state.queue.len()), (3, 10 - started));
        drop(state);
        open.add_permits(1);
    }
    open.add_permits(2);
    executor.shutdown();
    assert!(receive.try_recv().is_err());
}

#[test]
fn shutdown_finishes_what_was_submitted_and_what_comes_later_is_lost() {
    let executor = executor(&config().max_workers(2).max_concurrency(4));
    let done = Arc::new(AtomicUsize::new(0));
    let (lost, losses) = channel();
    for _ in 0..500 {
        let done = Arc::clone(&done);
        let task = async move {
            yield_now().await;
            done.fetch_add(1, Ordering::SeqCst);
        };
        executor.submit(job(task, &lost));
    }
    executor.shutdown();
    assert_eq!(done.load(Ordering::SeqCst), 500);
    executor.submit(job(async {}, &lost));
    assert_eq!(next(&losses), "lost");
    assert!(lock(&executor.shared.state).runtime.is_none());
}

#[test]
fn where_the_system_has_no_threads_tasks_are_lost_instead_of_waiting() {
    let executor = executor(&config().max_workers(1).stack_size(usize::MAX / 2));
    let (lost, losses) = channel();
    for _ in 0..3 {
        executor.submit(job(async {}, &lost));
        assert_eq!(next(&losses), "lost");
    }
    executor.shutdown();
}

#[test]
fn a_task_that_panics_gives_its_place_up() {
    let executor = executor(&config().max_concurrency(1));
    let (send, receive) = channel();
    let (lost, _keep) = channel();
    executor.submit(job(async { std::panic::resume_unwind(Box::new(())) }, &lost));
    executor.submit(job(async move { send.send("next").unwrap() }, &lost));
    assert_eq!(next(&receive), "next");
    executor.shutdown();
}

#[test]
fn a_task_that_waits_inside_gives_up_its_place_and_its_thread() {
    let executor = Arc::new(executor(&config().max_workers(1).max_concurrency(1)));
    let (lost, _keep) = channel();
    let (send, receive) = channel();
    let (hold, done) = (Arc::clone(&executor), send.clone());
    let inner_lost = lost.clone();
    let task = async move {
        let (wake, woken) = channel();
        hold.submit(job(async move { wake.send("inner").unwrap() }, &inner_lost));
        let said = Blocked::here().unwrap().wait(|| next(&woken));
        done.send(said).unwrap();
    };
    executor.submit(job(task, &lost));
    assert_eq!(next(&receive), "inner");
    // Its place is taken again: one at a time, as before.
    assert_eq!(lock(&executor.shared.state).blocked, 0);
    executor.shutdown();
    assert!(Blocked::here().is_none());
}

#[test]
fn a_set_up_that_makes_no_sense_is_refused() {
    for (config, key) in [
        (config().max_concurrency(0), "max_concurrency"),
        (config().max_workers(0), "max_workers"),
        (config().max_tasks_per_child(5), "max_tasks_per_child"),
        (config().thread_name_prefix("a\0b"), "NUL"),
    ] {
        let error = AsyncExecutor::new(&config).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn a_task_that_shuts_its_own_executor_down_does_not_wait_for_itself() {
    let executor = Arc::new(executor(&config().max_workers(1).max_concurrency(1)));
    let (lost, _keep) = channel();
    let (send, receive) = channel();
    let (hold, after) = (Arc::clone(&executor), send.clone());
    let (go, wait) = channel();
    let task = async move {
        wait.recv_timeout(PATIENCE).unwrap();
        hold.shutdown();
        send.send("shut down").unwrap();
    };
    executor.submit(job(task, &lost));
    executor.submit(job(async move { after.send("finished").unwrap() }, &lost));
    drop(executor);
    go.send(()).unwrap();
    assert_eq!([next(&receive), next(&receive)], ["shut down", "finished"]);
}
