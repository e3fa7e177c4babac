//! The blocking driver: carries out what the run asks for, and tells it what happened.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::alarm::Call;
use super::handle::Watch;
use super::inbox::{After, Brought, Inbox, News, Outbox, PutBack, Seat, Slot, Turn};
use super::task::{Beginnings, Work};
use crate::context::{Context, RunInfo};
use crate::event::Body;
use crate::executor::Executor;
use crate::executor::thread_pool::while_blocked;
use crate::observe::Observer;
use crate::plan::{Place, Plan};
use crate::report::Report;
use crate::run::{Action, Halt, Run, Task};
use crate::sync::{MutexGuard, wait, wait_timeout};
use crate::time::Wait;

/// Everything about one run but the run itself.
pub(crate) struct Drive {
    pub(super) engine: Arc<Shared>,
    pub(super) plan: Arc<Plan>,
    pub(super) info: Arc<RunInfo>,
    pub(super) pools: Vec<Arc<dyn Executor>>,
    /// The bodies of the plan's steps where some are mocked.
    pub(super) bodies: Option<Vec<Arc<dyn Body>>>,
    pub(super) watch: Option<Arc<Watch>>,
    pub(super) inbox: Inbox,
    pub(super) began: Beginnings,
}

impl Drive {
    pub(super) fn new(
        engine: Arc<Shared>,
        plan: Arc<Plan>,
        info: RunInfo,
        pools: Vec<Arc<dyn Executor>>,
        bodies: Option<Vec<Arc<dyn Body>>>,
        watch: Option<Arc<Watch>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            inbox: Inbox::new(pools.iter().map(|pool| breadth(&**pool))),
            began: Beginnings::default(),
            engine,
            plan,
            info: Arc::new(info),
            pools,
            bodies,
            watch,
        })
    }

    /// Drives the run on this thread until it is over.
    pub(super) fn run(self: &Arc<Self>) -> Report {
        let start = self.engine.clock.now();
        self.set_out();
        let run = self.until_finished(self.new_run());
        self.report(run, start)
    }

    pub(super) fn new_run(&self) -> Box<Run> {
        Box::new(Run::new(Arc::clone(&self.plan), self.info.id.0 as u64))
    }

    /// What comes before a run's first step.
    pub(super) fn set_out(self: &Arc<Self>) {
        self.signal_run(Observer::pipeline_execution_start);
        self.wake_on_jumps();
        if let Some(at) = self.info.deadline {
            self.engine.alarm.set(at, Call::Run(Arc::downgrade(self)));
        }
    }

    /// What comes after a run's last step.
    pub(super) fn report(&self, run: Box<Run>, start: std::time::Duration) -> Report {
        self.signal_run(Observer::pipeline_execution_end);
        let elapsed = self.engine.clock.now().saturating_sub(start);
        Report::new(*run, self.info.id, elapsed)
    }

    fn until_finished(self: &Arc<Self>, mut run: Box<Run>) -> Box<Run> {
        let mut context = Context::new(Arc::clone(&self.info));
        loop {
            let mut outbox = Outbox::default();
            self.advance(&mut run, &mut outbox, Some(&mut context));
            self.settle(run, outbox, None);
            run = loop {
                match self.next_turn() {
                    Next::Finished(run) => return run,
                    Next::Advance(run) => break run,
                    Next::Turn(work) => {
                        // Others may have to wait meanwhile, for less time than this takes.
                        self.set_alarm();
                        let news = work.perform_here(self, &mut context);
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
                    drive.wake();
                }
            }
        }
        let retries = self.plan.options.iter().any(|options| options.retry.is_some());
        if retries || self.info.deadline.is_some() {
            let jumped = Jumped(Arc::downgrade(self));
            self.engine.clock.on_jump(Arc::new(jumped).into());
        }
    }

    /// Carries out what the run asks for, until it asks for nothing. With a context, tasks of the
    /// driving thread run right here as long as they are the only ones.
    pub(super) fn advance(
        self: &Arc<Self>,
        run: &mut Run,
        outbox: &mut Outbox,
        mut here: Option<&mut Context>,
    ) {
        // The last step's end is the next one's beginning: one look at the clock for each step.
        let mut mark = None;
        // Whoever cancels the run has left the news for its holder.
        while !self.info.is_cancelled()
            && let Some(action) = run.next_action()
        {
            match action {
                Action::Start(task) => match self.plan.options_of(task.step).place {
                    Place::Pool(pool) => {
                        self.signal_init(task);
                        outbox.work.push((pool, Work::new(Turn::Task(task), run)));
                        if outbox.work.len() >= EARLY {
                            self.hand_out(run, outbox);
                        }
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
                    Some(context) if run.is_alone() => {
                        let answer = self.check(run, step, context);
                        self.apply(run, News::Checked { step, answer });
                    }
                    _ => match self.plan.options_of(step).check {
                        Place::Pool(pool) => {
                            outbox.work.push((pool, Work::new(Turn::Check(step), run)));
                        }
                        Place::Inline => outbox.turns.push(Turn::Check(step)),
                    },
                },
                Action::Wake(task, after) => {
                    let at = self.engine.clock.now().saturating_add(after);
                    outbox.timers.push((at, task));
                }
            }
        }
        for task in run.take_given_up() {
            if let Place::Pool(pool) = self.plan.options_of(task.step).place {
                outbox.given_up.push((pool, task));
            }
        }
    }

    /// Lets the pools begin with what there is, before the run has said all that it wants.
    fn hand_out(self: &Arc<Self>, run: &mut Run, outbox: &mut Outbox) {
        let (jobs, news) = self.inbox.hand_out(outbox);
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        for news in news {
            self.apply(run, news);
        }
    }

    /// Puts the run back; stays with it while there is news. Gives what a worker does next.
    pub(super) fn settle(
        self: &Arc<Self>,
        mut run: Box<Run>,
        mut outbox: Outbox,
        seat: Option<Seat>,
    ) -> After {
        let mut timers = !outbox.timers.is_empty();
        let mut given_up = Vec::new();
        let (jobs, after) = loop {
            let put_back = self.inbox.put_back(run, &mut outbox, seat);
            given_up.append(&mut outbox.given_up);
            match put_back {
                PutBack::Done(jobs, after) => break (jobs, after),
                PutBack::Held(mut held, news) => {
                    for news in news {
                        self.apply(&mut held, news);
                    }
                    self.advance(&mut held, &mut outbox, None);
                    timers |= !outbox.timers.is_empty();
                    run = held;
                }
            }
        };
        for (pool, _) in given_up {
            self.give_up(pool);
            self.engine.note_stuck(self);
        }
        for (pool, count) in jobs {
            (0..count).for_each(|_| self.submit(pool));
        }
        if timers {
            self.set_alarm();
        }
        after
    }

    /// While the driving thread is away, somebody else must watch the timers; but for those of
    /// its own steps, which have to wait for it anyway, and whose order must not depend on threads.
    pub(super) fn set_alarm(self: &Arc<Self>) {
        if !self.plan.pooled_retries {
            return;
        }
        let slot = self.inbox.lock();
        let next = slot.timers.peek().map(|timer| timer.0.at).filter(|_| slot.away);
        drop(slot);
        if let Some(at) = next {
            self.engine.alarm.set(at, Call::Timers(Arc::downgrade(self)));
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

    /// An attempt has had its time.
    pub(super) fn time_out(self: &Arc<Self>, task: Task) {
        let at = self.engine.clock.now();
        self.tell(News::TimedOut { task, at });
    }

    /// Ends the run: nothing more starts, and nothing is waited for.
    pub(super) fn halt(self: &Arc<Self>, halt: Halt) {
        // First the run and then the bodies: one that gives up at once must not be news before this.
        self.tell(News::Halted(halt));
        self.info.cancelled.store(true, Ordering::Relaxed);
        // Its holder may be a future that waits for an async body.
        self.wake();
    }

    /// Tells the run what happened, from whatever thread it is known on.
    pub(super) fn tell(self: &Arc<Self>, news: News) {
        self.bring(news, None);
    }

    /// The same for a worker, and what it does next.
    pub(super) fn bring(self: &Arc<Self>, news: News, seat: Option<Seat>) -> After {
        match self.inbox.bring(news, seat) {
            Brought::Run(mut run, earlier, news) => {
                let mut outbox = Outbox::default();
                for news in earlier.into_iter().chain([news]) {
                    self.apply(&mut run, news);
                }
                self.advance(&mut run, &mut outbox, None);
                self.settle(run, outbox, seat)
            }
            Brought::Left(after) => after,
            Brought::Late(news, after) => {
                // A result that came too late; its Drop is user code.
                crate::panic::drop_quietly(news);
                if let (After::GivenUp, Some(seat)) = (&after, seat) {
                    self.regain(seat.pool);
                }
                after
            }
        }
    }

    pub(super) fn apply(&self, run: &mut Run, news: News) {
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
            News::TimedOut { task, at } => {
                let elapsed = self.elapsed(task, at);
                self.complete_late(run, task, elapsed);
            }
            News::Halted(halt) => run.cancel_all(halt),
        }
    }

    /// What the driving thread does next; sleeps until there is something.
    fn next_turn(self: &Arc<Self>) -> Next {
        let mut slot = self.inbox.lock();
        loop {
            let limit = match self.look(slot) {
                Looked::Found(next) => return next,
                Looked::Nothing(held, limit) => {
                    slot = held;
                    limit
                }
            };
            // This thread may be a pool's worker, if an event runs a pipeline.
            slot = while_blocked(|| match limit {
                None => wait(&self.inbox.changed, slot),
                Some(time) => wait_timeout(&self.inbox.changed, slot, time),
            });
        }
    }

    /// What there is to do for whoever drives the run.
    pub(super) fn look<'a>(self: &Arc<Self>, mut slot: MutexGuard<'a, Slot>) -> Looked<'a> {
        loop {
            let slot_now = &mut *slot;
            let Some(run) = &mut slot_now.run else { return Looked::Nothing(slot, None) };
            let idle = run.is_idle();
            if run.is_finished() {
                let Some(run) = slot.run.take() else { continue };
                for pool in Slot::close(slot) {
                    self.give_up(pool);
                    self.engine.note_stuck(self);
                }
                return Looked::Found(Next::Finished(run));
            }
            if let Some(turn) = slot_now.turns.pop_front() {
                if run.is_wanted(turn.task()) {
                    slot_now.away = true;
                    return Looked::Found(Next::Turn(Box::new(Work::new(turn, run))));
                }
                continue;
            }
            let timer = slot_now.timers.peek().map(|timer| timer.0);
            let next = timer.map(|timer| timer.at);
            let is_deadline =
                self.info.deadline.is_some_and(|at| next.is_none_or(|next| at < next));
            let Some(at) = (if is_deadline { self.info.deadline } else { next }) else {
                return Looked::Nothing(slot, None);
            };
            match self.engine.clock.wait_until(at, idle) {
                Wait::Over => {
                    let Some(mut run) = slot.run.take() else { continue };
                    match timer {
                        Some(timer) if !is_deadline => {
                            slot.timers.pop();
                            run.woken(timer.task());
                        }
                        _ => {
                            self.info.cancelled.store(true, Ordering::Relaxed);
                            run.cancel_all(Halt::TimedOut);
                        }
                    }
                    return Looked::Found(Next::Advance(run));
                }
                Wait::AtMost(time) => return Looked::Nothing(slot, Some(time)),
                Wait::ForNews => return Looked::Nothing(slot, None),
            }
        }
    }
}

/// So much work for pools is worth handing out at once.
const EARLY: usize = 64;

/// An executor of the user's may say anything, and may panic.
fn breadth(executor: &dyn Executor) -> usize {
    crate::panic::contain(|| executor.breadth()).unwrap_or(1)
}

pub(super) enum Looked<'a> {
    Found(Next),
    /// Nothing before news, or before so much time has passed.
    Nothing(MutexGuard<'a, Slot>, Option<std::time::Duration>),
}

pub(super) enum Next {
    Finished(Box<Run>),
    Advance(Box<Run>),
    Turn(Box<Work>),
}
