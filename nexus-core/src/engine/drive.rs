//! The blocking driver: carries out what the run asks for, and tells it what happened.

use super::Shared;
use super::inbox::{Inbox, News, Outbox, Turn};
use super::task::{Beginnings, PooledTask, Work};
use crate::context::{Context, RunInfo};
use crate::event::Body;
use crate::executor::thread_pool::while_blocked;
use crate::executor::{Executor, Job};
use crate::observe::Observer;
use crate::plan::{Place, Plan};
use crate::report::Report;
use crate::run::{Action, Run};
use crate::sync::{wait, wait_timeout};
use crate::time::Wait;
use std::sync::Arc;

/// Everything about one run but the run itself.
pub(super) struct Drive {
    pub(super) engine: Arc<Shared>,
    pub(super) plan: Arc<Plan>,
    pub(super) info: Arc<RunInfo>,
    pools: Vec<Arc<dyn Executor>>,
    /// The bodies of the plan's steps where some are mocked.
    pub(super) bodies: Option<Vec<Arc<dyn Body>>>,
    inbox: Inbox,
    pub(super) began: Beginnings,
}

/// Drives a run on this thread until it is over.
pub(super) fn run(
    engine: Arc<Shared>,
    plan: Arc<Plan>,
    info: RunInfo,
    pools: Vec<Arc<dyn Executor>>,
    bodies: Option<Vec<Arc<dyn Body>>>,
) -> Report {
    let start = engine.clock.now();
    let id = info.id;
    let seed = id.0 as u64;
    let drive = Arc::new(Drive {
        inbox: Inbox::new(),
        began: Beginnings::default(),
        engine,
        plan,
        info: Arc::new(info),
        pools,
        bodies,
    });
    drive.signal_run(Observer::pipeline_execution_start);
    let run = drive.until_finished(Box::new(Run::new(Arc::clone(&drive.plan), seed)));
    drive.signal_run(Observer::pipeline_execution_end);
    let elapsed = drive.engine.clock.now().saturating_sub(start);
    Report::new(*run, id, elapsed)
}

impl Drive {
    fn until_finished(self: &Arc<Self>, mut run: Box<Run>) -> Box<Run> {
        let mut context = Context::new(Arc::clone(&self.info));
        self.wake_on_jumps();
        loop {
            let mut outbox = Outbox::default();
            self.advance(&mut run, &mut outbox, Some(&mut context));
            self.settle(run, outbox);
            run = loop {
                match self.next_turn() {
                    Next::Finished(run) => return run,
                    Next::Advance(run) => break run,
                    Next::Turn(work) => {
                        // Others may have to wait meanwhile, for less time than this takes.
                        self.set_alarm();
                        let news = work.perform(self);
                        self.inbox.lock().away = false;
                        self.tell(news);
                    }
                }
            };
        }
    }

    /// A clock that jumps must wake this thread, lest it wait for a time that has passed.
    fn wake_on_jumps(self: &Arc<Self>) {
        struct Jumped(std::sync::Weak<Drive>);
        impl std::task::Wake for Jumped {
            fn wake(self: Arc<Self>) {
                if let Some(drive) = self.0.upgrade() {
                    drop(drive.inbox.lock());
                    drive.inbox.changed.notify_one();
                }
            }
        }
        if self.plan.options.iter().any(|options| options.retry.is_some()) {
            let jumped = Jumped(Arc::downgrade(self));
            self.engine.clock.on_jump(Arc::new(jumped).into());
        }
    }

    /// Carries out what the run asks for, until it asks for nothing. With a context, tasks of the
    /// driving thread run right here as long as they are the only ones.
    fn advance(
        self: &Arc<Self>,
        run: &mut Box<Run>,
        outbox: &mut Outbox,
        mut here: Option<&mut Context>,
    ) {
        // The last step's end is the next one's beginning: one look at the clock for each step.
        let mut mark = None;
        while let Some(action) = run.next_action() {
            match action {
                Action::Start(task) => match self.plan.options_of(task.step).place {
                    Place::Pool(pool) => {
                        self.signal_init(task);
                        self.submit(pool, Turn::Task(task), run);
                    }
                    Place::Inline => match &mut here {
                        Some(context) if run.is_alone() && task.item.is_none() => {
                            self.run_here(run, task, context, &mut mark);
                        }
                        _ => {
                            self.signal_init(task);
                            outbox.turns.push(Turn::Task(task));
                        }
                    },
                },
                Action::Check(step) => match &mut here {
                    Some(_) if run.is_alone() => {
                        let answer = self.check(run, step);
                        self.apply(run, News::Checked { step, answer });
                    }
                    _ => match self.plan.options_of(step).check {
                        Place::Pool(pool) => self.submit(pool, Turn::Check(step), run),
                        Place::Inline => outbox.turns.push(Turn::Check(step)),
                    },
                },
                Action::Wake(task, after) => {
                    let at = self.engine.clock.now().saturating_add(after);
                    outbox.timers.push((at, task));
                }
            }
        }
    }

    /// Puts the run back; stays with it while there is news.
    fn settle(self: &Arc<Self>, run: Box<Run>, mut outbox: Outbox) {
        let mut run = run;
        let mut timers = !outbox.timers.is_empty();
        while let Some((mut held, news)) = self.inbox.put_back(run, &mut outbox) {
            for news in news {
                self.apply(&mut held, news);
            }
            self.advance(&mut held, &mut outbox, None);
            timers |= !outbox.timers.is_empty();
            run = held;
        }
        if timers {
            self.set_alarm();
        }
    }

    /// While the driving thread is away, somebody else must watch the timers; but for those of
    /// its own steps, which have to wait for it anyway, and whose order must not depend on threads.
    fn set_alarm(self: &Arc<Self>) {
        if !self.plan.pooled_retries {
            return;
        }
        let slot = self.inbox.lock();
        let next = slot.timers.peek().map(|timer| timer.0.at).filter(|_| slot.away);
        drop(slot);
        if let Some(at) = next {
            self.engine.alarm.set(at, self);
        }
    }

    /// Wakes the tasks whose time has come, if the driving thread still cannot.
    pub(super) fn fire_timers(self: &Arc<Self>) {
        let mut due = Vec::new();
        let mut slot = self.inbox.lock();
        while let Some(timer) = slot.timers.peek().map(|timer| timer.0)
            && slot.away
            && self.engine.clock.wait_until(timer.at, false) == Wait::Over
        {
            slot.timers.pop();
            due.push(timer.task());
        }
        drop(slot);
        for task in due {
            self.tell(News::Woken(task));
        }
        self.set_alarm();
    }

    /// Tells the run what happened, from whatever thread it is known on.
    pub(super) fn tell(self: &Arc<Self>, news: News) {
        let Some((mut run, news)) = self.inbox.bring(news) else { return };
        let mut outbox = Outbox::default();
        self.apply(&mut run, news);
        self.advance(&mut run, &mut outbox, None);
        self.settle(run, outbox);
    }

    fn apply(&self, run: &mut Run, news: News) {
        match news {
            News::Completed { task, outcome, busy, at } => {
                let elapsed = self.elapsed(task, at);
                self.complete(run, task, outcome, busy, elapsed);
            }
            News::Checked { step, answer } => {
                self.signal_bypass(step, &answer);
                run.checked(step, answer);
            }
            News::Woken(task) => run.woken(task),
        }
    }

    fn submit(self: &Arc<Self>, pool: u32, turn: Turn, run: &mut Run) {
        let job = Job::new(PooledTask::new(Arc::clone(self), turn, run));
        let executor = &self.pools[pool as usize];
        // A panic drops the job, which ends its task as lost.
        let _ = crate::panic::contain(|| executor.submit(job));
    }

    /// What the driving thread does next; sleeps until there is something.
    fn next_turn(&self) -> Next {
        let mut slot = self.inbox.lock();
        loop {
            let mut limit = None;
            let slot_now = &mut *slot;
            if let Some(run) = &mut slot_now.run {
                let idle = run.is_idle();
                if run.is_finished() {
                    if let Some(run) = slot.run.take() {
                        Inbox::close(slot);
                        return Next::Finished(run);
                    }
                    continue;
                }
                if let Some(turn) = slot_now.turns.pop_front() {
                    if run.is_wanted(turn.task()) {
                        slot_now.away = true;
                        return Next::Turn(Box::new(Work::new(self, turn, run)));
                    }
                    continue;
                }
                if let Some(timer) = slot_now.timers.peek().map(|timer| timer.0) {
                    match self.engine.clock.wait_until(timer.at, idle) {
                        Wait::Over => {
                            slot.timers.pop();
                            if let Some(mut run) = slot.run.take() {
                                run.woken(timer.task());
                                return Next::Advance(run);
                            }
                        }
                        Wait::AtMost(time) => limit = Some(time),
                        Wait::ForNews => {}
                    }
                }
            }
            // This thread may be a pool's worker, if an event runs a pipeline.
            slot = while_blocked(|| match limit {
                None => wait(&self.inbox.changed, slot),
                Some(time) => wait_timeout(&self.inbox.changed, slot, time),
            });
        }
    }
}

enum Next {
    Finished(Box<Run>),
    Advance(Box<Run>),
    Turn(Box<Work>),
}
