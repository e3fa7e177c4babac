//! Looking at a run's chunks now and then, so that nothing stays behind a task that is slow.
//!
//! The driving thread does it while it waits; where it cannot, the engine's own timer does.

use std::sync::Arc;
use std::time::Duration;

use super::active::ActiveRun;
use super::mailbox::Outbox;

/// How often.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(1);

impl ActiveRun {
    /// Takes back what does not move, and sees to it that somebody does it.
    pub(super) fn look_at_chunks(self: &Arc<Self>) {
        let (jobs, acquired) = match &self.journal {
            None => self.mailbox.look(),
            Some(journal) => {
                let (jobs, found) = self.mailbox.look_aside();
                self.record(journal, found, None);
                (jobs, None)
            }
        };
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        if let Some((run, mut notifications)) = acquired {
            self.go_on(run, &mut notifications, None, &mut Outbox::default());
        }
    }

    /// The model checker has no time that passes, and somebody may look at any moment.
    #[cfg(shuttle)]
    pub(super) fn watch_chunks(self: &Arc<Self>) {
        let run = Arc::clone(self);
        let look = move || {
            while run.mailbox.lock().visiting {
                run.look_at_visit();
                crate::sync::thread::yield_now();
            }
        };
        drop(crate::sync::thread::spawn(look));
    }

    /// Has the engine look for as long as there is something to look at. Not by the engine's own
    /// clock, which may stand still.
    #[cfg(not(shuttle))]
    pub(super) fn watch_chunks(self: &Arc<Self>) {
        let look = self.when_alive(|run| {
            run.look_at_visit();
            run.look_at_chunks();
            let again = run.mailbox.lock().timer_looked();
            if again {
                run.watch_chunks();
            }
        });
        self.engine.real_timer.set_after(LOOK_EVERY, look);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    use crate::sync::{Mutex, lock};
    use crate::{
        Context, DefaultExecutor, Engine, ExecutorInitializerConfig, Fields, Flow, Inputs, Outcome,
        Registry, ThreadPoolExecutor,
    };

    #[test]
    fn many_bodies_on_the_driving_thread_beside_a_queue_set_the_timer_once() {
        const BODIES: usize = 200;
        let mut registry = Registry::new();
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        registry
            .event("A", move |_: &Context| {
                // It ends when the sender goes.
                let _ = lock(&gate).recv();
                Outcome::success(())
            })
            .executor::<ThreadPoolExecutor>()
            .executor_config(ExecutorInitializerConfig::new().max_workers(1));
        let engine = Engine::new();
        let (timer, open) = (engine.shared_state().real_timer.clone(), Mutex::new(Some(open)));
        let (ran, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&most);
        registry
            .event("I", move |_: &Context| {
                most.fetch_max(timer.pending(), Ordering::SeqCst);
                if ran.fetch_add(1, Ordering::SeqCst) + 1 == BODIES {
                    // What waits in the queue may go on now.
                    drop(lock(&open).take());
                }
                Outcome::success(())
            })
            .executor::<DefaultExecutor>();
        let script = format!("A || A || {}", vec!["I"; BODIES].join(" || "));
        let plan = Flow::parse(&script).unwrap().plan(&registry, &Fields::new()).unwrap();
        let report = engine.run_plan(&plan, Inputs::new()).unwrap();
        assert!(report.is_success(), "{report}");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }
}
