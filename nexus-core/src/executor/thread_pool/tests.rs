use super::*;
use crate::executor::{Claimed, JobSource};

/// A source of one task.
struct Work<F: FnOnce() + Send>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> JobSource for Work<F> {
    fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
        let task = self.0.lock().unwrap().take();
        task.unwrap()();
        (1, false)
    }
    fn claim(self: Arc<Self>, _: u32) -> Option<Box<dyn Claimed>> {
        None
    }
    fn resubmit(self: Arc<Self>, _: u32) {}
    fn job_dropped(self: Arc<Self>, _: u32) {}
}

fn job(task: impl FnOnce() + Send + 'static) -> Job {
    Job::new(Arc::new(Work(Mutex::new(Some(task)))), 0)
}

#[cfg(not(shuttle))]
mod real {
    use std::collections::HashSet;
    use std::sync::{Mutex, mpsc};
    use std::thread::ThreadId;

    use super::*;

    fn pool(config: &ExecutorInitializerConfig) -> ThreadPoolExecutor {
        ThreadPoolExecutor::new(config).unwrap()
    }

    #[test]
    fn threads_carry_the_prefix_and_a_number() {
        let pool = pool(&ExecutorInitializerConfig::new().thread_name_prefix("event_executor_"));
        let (send, receive) = mpsc::channel();
        pool.submit(job(move || {
            send.send(std::thread::current().name().map(str::to_owned)).unwrap();
        }));
        assert_eq!(receive.recv().unwrap().as_deref(), Some("event_executor_0"));
        pool.shutdown();
    }

    #[test]
    fn a_worker_is_replaced_after_its_share_and_no_job_is_lost() {
        let config = ExecutorInitializerConfig::new().max_workers(4).max_tasks_per_child(50);
        let pool = pool(&config);
        let (send, receive) = mpsc::channel();
        for number in 0..1000 {
            let send = send.clone();
            pool.submit(job(move || {
                send.send((number, std::thread::current().id())).unwrap();
            }));
        }
        drop(send);
        let done: Vec<(u32, ThreadId)> = receive.iter().collect();
        let threads: HashSet<ThreadId> = done.iter().map(|(_, thread)| *thread).collect();
        assert_eq!(done.len(), 1000);
        assert!(threads.len() >= 20, "only {} threads took part", threads.len());
        pool.shutdown();
    }

    #[test]
    fn shutdown_finishes_what_was_submitted() {
        let pool = pool(&ExecutorInitializerConfig::new().max_workers(2));
        let done = Arc::new(Mutex::new(0));
        for _ in 0..500 {
            let done = Arc::clone(&done);
            pool.submit(job(move || *done.lock().unwrap() += 1));
        }
        pool.shutdown();
        assert_eq!(*done.lock().unwrap(), 500);
        assert_eq!(lock(&pool.shared.state).live, 0);
    }

    /// Otherwise more would run at once than `max_workers` says.
    #[test]
    fn a_visitor_takes_the_place_of_a_worker() {
        let pool = pool(&ExecutorInitializerConfig::new().max_workers(1));
        let (send, receive) = mpsc::channel();
        let mut calls = 0;
        assert!(pool.visit(&mut || {
            let (send, busy) = (send.clone(), !pool.visit(&mut || false));
            pool.submit(job(move || send.send(busy).unwrap()));
            assert_eq!(pool.threads_started(), 0);
            calls += 1;
            calls < 3
        }));
        assert_eq!(calls, 1, "it keeps the place although a job waits");
        // The job that came meanwhile runs afterwards.
        assert!(receive.recv().unwrap());

        let (open, gate) = mpsc::channel::<()>();
        pool.submit(job(move || {
            send.send(true).unwrap();
            let _ = gate.recv();
        }));
        receive.recv().unwrap();
        assert!(!pool.visit(&mut || false), "the only worker is busy");
        drop(open);
        pool.shutdown();
        assert!(!pool.visit(&mut || false), "it is closed");
    }

    #[test]
    fn a_set_up_that_makes_no_sense_is_refused() {
        let refused = |config: ExecutorInitializerConfig| {
            ThreadPoolExecutor::new(&config).unwrap_err().to_string()
        };
        let new = ExecutorInitializerConfig::new;
        assert!(refused(new().max_workers(0)).starts_with("`max_workers` is 0"));
        assert!(refused(new().max_tasks_per_child(0)).starts_with("`max_tasks_per_child` is 0"));
        assert!(refused(new().thread_name_prefix("a\0b")).contains("NUL"));
    }

    #[test]
    fn a_stack_that_no_thread_can_have_loses_the_job_instead_of_hanging() {
        struct Told(mpsc::Sender<&'static str>);
        impl JobSource for Told {
            fn run(self: Arc<Self>, _: u32, _: usize) -> (usize, bool) {
                self.0.send("ran").unwrap();
                (1, false)
            }
            fn claim(self: Arc<Self>, _: u32) -> Option<Box<dyn Claimed>> {
                None
            }
            fn resubmit(self: Arc<Self>, _: u32) {}
            fn job_dropped(self: Arc<Self>, _: u32) {
                self.0.send("lost").unwrap();
            }
        }
        let pool = pool(&ExecutorInitializerConfig::new().stack_size(usize::MAX / 2));
        let (send, receive) = mpsc::channel();
        pool.submit(Job::new(Arc::new(Told(send)), 0));
        assert_eq!(receive.recv().unwrap(), "lost");
        pool.shutdown();
    }
}

/// Explores the interleavings of submission, sleep, replacement and shutdown.
#[cfg(shuttle)]
mod model {
    use super::*;
    use shuttle::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    fn jobs_all_run(workers: usize, tasks_per_child: usize, jobs: usize) {
        let config = ExecutorInitializerConfig::new()
            .max_workers(workers)
            .max_tasks_per_child(tasks_per_child);
        let pool = ThreadPoolExecutor::new(&config).unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..jobs {
            let ran = Arc::clone(&ran);
            pool.submit(job(move || {
                ran.fetch_add(1, SeqCst);
            }));
        }
        pool.shutdown();
        assert_eq!(ran.load(SeqCst), jobs);
    }

    #[test]
    fn every_job_runs_before_shutdown_returns() {
        shuttle::check_random(|| jobs_all_run(2, usize::MAX, 4), 2000);
        shuttle::check_pct(|| jobs_all_run(2, usize::MAX, 4), 2000, 3);
    }

    #[test]
    fn replacement_loses_no_job_and_no_worker() {
        shuttle::check_random(|| jobs_all_run(2, 1, 5), 2000);
        shuttle::check_pct(|| jobs_all_run(1, 2, 5), 2000, 3);
    }

    #[test]
    fn jobs_that_wait_for_each_other_get_a_worker_each_whether_it_works_searches_or_sleeps() {
        let scenario = || {
            let config = ExecutorInitializerConfig::new().max_workers(2);
            let pool = ThreadPoolExecutor::new(&config).unwrap();
            pool.submit(job(|| {}));
            let both = Arc::new(shuttle::sync::Barrier::new(2));
            for _ in 0..2 {
                let both = Arc::clone(&both);
                pool.submit(job(move || _ = both.wait()));
            }
            pool.shutdown();
        };
        shuttle::check_random(scenario, 2000);
        shuttle::check_pct(scenario, 2000, 3);
    }

    #[test]
    fn a_job_that_submits_another_is_followed_by_it() {
        let scenario = || {
            let pool = Arc::new(
                ThreadPoolExecutor::new(&ExecutorInitializerConfig::new().max_workers(2)).unwrap(),
            );
            let ran = Arc::new(AtomicUsize::new(0));
            let (inner, count) = (Arc::clone(&pool), Arc::clone(&ran));
            pool.submit(job(move || {
                let count = Arc::clone(&count);
                inner.submit(job(move || {
                    count.fetch_add(1, SeqCst);
                }));
            }));
            pool.shutdown();
            assert_eq!(ran.load(SeqCst), 1);
        };
        shuttle::check_random(scenario, 2000);
    }

    /// A worker that searched when the visitor came gives it its place, and comes back for the job.
    #[test]
    fn visitors_and_workers_share_the_places() {
        let scenario = || {
            let config = ExecutorInitializerConfig::new().max_workers(1);
            let pool = Arc::new(ThreadPoolExecutor::new(&config).unwrap());
            let (ran, inside) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let body = |ran: &AtomicUsize, inside: &AtomicUsize| {
                assert_eq!(inside.fetch_add(1, SeqCst), 0, "more run than there are places");
                (0..4).for_each(|_| shuttle::thread::yield_now());
                inside.fetch_sub(1, SeqCst);
                ran.fetch_add(1, SeqCst);
            };
            let (same, ran_there, inside_there) =
                (Arc::clone(&pool), Arc::clone(&ran), Arc::clone(&inside));
            let submits = shuttle::thread::spawn(move || {
                for _ in 0..3 {
                    let (ran, inside) = (Arc::clone(&ran_there), Arc::clone(&inside_there));
                    same.submit(job(move || body(&ran, &inside)));
                    (0..6).for_each(|_| shuttle::thread::yield_now());
                }
            });
            let mut visits = 0;
            for _ in 0..6 {
                shuttle::thread::yield_now();
                visits += usize::from(pool.visit(&mut || {
                    body(&ran, &inside);
                    false
                }));
            }
            submits.join().unwrap();
            // Every job is done, although nobody comes who would wake a worker.
            while ran.load(SeqCst) < 3 + visits {
                shuttle::thread::yield_now();
            }
            pool.shutdown();
        };
        shuttle::check_random(scenario, 5000);
    }
}
