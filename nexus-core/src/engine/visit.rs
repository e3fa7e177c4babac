//! The thread that drives a run does the work of its pools itself where that is quicker.
//!
//! To hand a task to another thread and to hear of its end takes longer than many a task. So while
//! all that waits for a pool will take less than to wake a worker, no worker gets a job for it: the
//! driving thread, when it has nothing else to do, takes the place of one (`Executor::visit`), and
//! takes chunks as that one would. The run is in its mailbox meanwhile, so others can go on with it,
//! and whoever looks at the chunks hands out what is left if one of the tasks is slow today
//! (`docs/decisions/0038`).

use std::sync::Arc;

use super::active::ActiveRun;
use super::queue::PoolQueue;
use crate::panic;

impl ActiveRun {
    /// Whether the thread that drives the run may do work of its pools. Not if the run may have to end
    /// early, by its timeout or its handle: nothing ends a body that turns out to be slow.
    pub(super) fn may_visit(&self) -> bool {
        let ends_early = self.deadline.is_some() || self.tracker.is_some();
        !self.pools.is_empty() && self.journal.is_none() && !ends_early
    }

    /// Does work of one pool, for a moment. If there is none to be done here, the pools get their
    /// jobs.
    pub(super) fn visit_a_pool(self: &Arc<Self>) {
        let mut contents = self.mailbox.lock();
        let pool = contents.queues.iter().position(PoolQueue::is_for_visitor);
        let Some(pool) = pool.filter(|_| !self.is_cancelled()) else {
            drop(contents);
            return self.end_visits();
        };
        contents.driver_busy = true;
        drop(contents);
        let visit = || self.pools[pool].visit(&mut || self.visit(pool as u32));
        let visited = panic::contain(visit).unwrap_or(false);
        self.mailbox.lock().driver_busy = false;
        if !visited {
            self.end_visits();
        }
    }

    fn visit(self: &Arc<Self>, pool: u32) {
        let Some(chunk) = self.mailbox.lock().queues[pool as usize].begin_visit() else { return };
        self.watch_timers();
        self.watch_meanwhile();
        let (_, has_more) = self.run_chunks(pool, usize::MAX, &chunk);
        if has_more {
            // It took longer than was expected, or there is more now.
            self.mailbox.lock().queues[pool as usize].end_job();
            self.end_visits();
        }
    }

    /// The driving thread does not see to the queues.
    pub(super) fn end_visits(self: &Arc<Self>) {
        let mut contents = self.mailbox.lock();
        if !std::mem::take(&mut contents.visits) {
            return;
        }
        let jobs = contents.new_jobs();
        drop(contents);
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use std::collections::HashSet;
    use std::sync::{Arc, Barrier, Mutex};
    use std::thread::{self, ThreadId};
    use std::time::Duration;

    use crate::{
        Context, Engine, ExecutorInitializerConfig, Fields, Flow, Inputs, Outcome, Plan, Registry,
        ThreadPoolExecutor,
    };

    fn two_workers() -> ExecutorInitializerConfig {
        ExecutorInitializerConfig::new().max_workers(2)
    }

    /// A plan of three tasks on a pool, whose body is known to take so long.
    fn plan(
        config: ExecutorInitializerConfig,
        nanos: u32,
        body: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Plan> {
        let mut registry = Registry::new();
        registry
            .event("A", move |_: &Context| {
                body();
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(config);
        let plan = Flow::parse("A || A -> A").unwrap().plan(&registry, &Fields::new()).unwrap();
        plan.paces[0].assume(nanos);
        plan
    }

    /// Whether the tasks ran on the thread that drove the run, for each of them.
    fn on_the_drivers(
        config: ExecutorInitializerConfig,
        nanos: u32,
        run: impl FnOnce(&Arc<Plan>) -> crate::Report,
    ) -> HashSet<bool> {
        let (driver, seen) = (thread::current().id(), Arc::new(Mutex::new(HashSet::new())));
        let threads: Arc<Mutex<HashSet<ThreadId>>> = Arc::clone(&seen);
        let plan = plan(config, nanos, move || {
            threads.lock().unwrap().insert(thread::current().id());
        });
        let report = run(&plan);
        assert!(report.is_success(), "{report}");
        let seen = seen.lock().unwrap();
        seen.iter().map(|thread| *thread == driver).collect()
    }

    fn run(plan: &Arc<Plan>) -> crate::Report {
        Engine::new().run_plan(plan, Inputs::new()).unwrap()
    }

    #[test]
    fn nobody_is_woken_for_tasks_that_take_less_than_that() {
        assert_eq!(on_the_drivers(two_workers(), 100, run), HashSet::from([true]));
        assert_eq!(on_the_drivers(two_workers(), 20_000, run), HashSet::from([false]));
    }

    #[test]
    fn a_pool_whose_threads_are_described_keeps_its_tasks() {
        for config in [two_workers().thread_name_prefix("mine-"), two_workers().stack_size(1 << 20)]
        {
            assert_eq!(on_the_drivers(config, 100, run), HashSet::from([false]));
        }
    }

    #[test]
    fn a_run_that_may_have_to_end_early_keeps_its_thread_free() {
        let engine = Engine::new();
        let limited = |plan: &Arc<Plan>| {
            let prepared = engine.prepare_plan(plan, Inputs::new()).unwrap();
            prepared.timeout(Duration::from_mins(10)).run().unwrap()
        };
        assert_eq!(on_the_drivers(two_workers(), 100, limited), HashSet::from([false]));
    }

    /// The first of them would block the thread that drives the run for ever.
    #[test]
    fn tasks_that_were_expected_to_be_short_can_wait_for_each_other() {
        let meeting = Barrier::new(2);
        let mut first_two = (0..2).collect::<Vec<_>>();
        let turns = Mutex::new(std::iter::from_fn(move || first_two.pop()));
        let plan = plan(two_workers(), 100, move || {
            let turn = turns.lock().unwrap().next();
            if turn.is_some() {
                meeting.wait();
            }
        });
        assert!(run(&plan).is_success());
    }
}
