//! A run's work on an executor: on its threads ([`Source::run`]), or in its own way ([`Taken`]).

#![cfg_attr(
    not(all(feature = "process", feature = "tokio")),
    allow(dead_code, reason = "executors that take tasks out are left out of this build")
)]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::alarm::{Call, Key};
use super::drive::Drive;
use super::inbox::{After, News, Seat, Turn};
use super::task::Work;
use crate::cancel::Token;
use crate::context::Context;
use crate::executor::{Job, Source, Taken};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome};
use crate::panic;
use crate::run::Task;
use crate::sync::{Mutex, lock};

/// A worker that has worked so long for one run looks after others.
const LONG: Duration = Duration::from_micros(100);

impl Source for Drive {
    fn run(self: Arc<Self>, pool: u32, most: usize) -> (usize, bool) {
        let Some(mut work) = self.inbox.begin(pool) else { return (0, false) };
        let mut context = Context::new(Arc::clone(&self.info));
        let (mut tasks, mut busy) = (0, Duration::ZERO);
        loop {
            tasks += 1;
            let news = work.perform(&self, &mut context);
            if let News::Completed { busy: time, .. } = &news {
                busy += *time;
            }
            let stays = tasks < most && busy < LONG;
            match self.hand_in(pool, work, news, stays) {
                After::Next(next) => work = next,
                After::Again => return (tasks, true),
                After::Leave | After::GivenUp => return (tasks, false),
            }
        }
    }

    fn take(self: Arc<Self>, pool: u32) -> Option<Box<dyn Taken>> {
        let work = self.inbox.begin(pool)?;
        let mut context = Context::new(Arc::clone(&self.info));
        work.enter(&self, &mut context);
        // What a body hears that is about to begin elsewhere.
        let limit = self.timeout(work.task());
        context.deadline = limit.map(|limit| context.now().saturating_add(limit));
        let limit = Mutex::new(None);
        Some(Box::new(TakenTask { drive: self, pool, work: Some(work), context, limit }))
    }

    fn submit_again(self: Arc<Self>, pool: u32) {
        self.submit(pool);
    }

    fn lose(self: Arc<Self>, pool: u32) {
        for work in self.inbox.lose(pool) {
            let news = self.lost(&work);
            panic::drop_quietly(work);
            self.tell(news);
        }
    }
}

impl Drive {
    /// Gives the pool's executor one more job.
    pub(super) fn submit(self: &Arc<Self>, pool: u32) {
        let source: Arc<dyn Source> = Arc::<Self>::clone(self);
        let job = Job::new(source, pool);
        // A panic drops the job, which ends its task as lost.
        let _ = panic::contain(|| self.pools[pool as usize].submit(job));
    }

    /// A worker has done its work: tells the run, and what the worker is to do next.
    fn hand_in(self: &Arc<Self>, pool: u32, work: Work, news: News, stays: bool) -> After {
        let task = work.task();
        let wanted = work.end();
        // The input's last holder may be this task; its Drop is user code.
        panic::drop_quietly(work);
        if wanted {
            let patient = stays && self.may_wait(&news);
            return self.bring(news, Some(Seat { pool, task, stays, patient }));
        }
        panic::drop_quietly(news);
        self.inbox.unstick(task);
        self.regain(pool);
        After::GivenUp
    }

    /// Whether nothing can follow from this news before the other members of its group are done.
    fn may_wait(&self, news: &News) -> bool {
        match news {
            News::Completed { task, outcome: TaskOutcome::Success(_), .. } => {
                self.plan.steps[task.step as usize].hints.only_joins && !self.is_heard()
            }
            _ => false,
        }
    }

    /// A body that was given up has ended.
    pub(super) fn regain(&self, pool: u32) {
        let _ = panic::contain(|| self.pools[pool as usize].regain());
    }

    pub(super) fn give_up(&self, pool: u32) {
        let _ = panic::contain(|| self.pools[pool as usize].give_up());
    }

    /// What becomes of work that no executor will do.
    pub(super) fn lost(&self, work: &Work) -> News {
        let message = "the executor dropped the task without running it".to_owned();
        let lost = Exception::of_kind(ExceptionKind::Lost, message);
        match work.turn {
            Turn::Check(step) => News::Checked { step, answer: Err(lost) },
            Turn::Task(task) => News::Completed {
                task,
                outcome: TaskOutcome::Exception(lost),
                busy: Duration::ZERO,
                at: self.engine.clock.now(),
            },
        }
    }
}

/// A task whose body its executor runs in its own way.
struct TakenTask {
    drive: Arc<Drive>,
    pool: u32,
    /// `None` once the task has ended.
    work: Option<Work>,
    context: Context,
    /// When the body began, and the call at the end of its time.
    limit: Mutex<Option<(Duration, Option<Key>)>>,
}

impl TakenTask {
    /// Hands the task in; says what its worker does next.
    fn end(&mut self, work: Work, news: News, stays: bool) -> After {
        if let Some((_, Some(key))) = lock(&self.limit).take() {
            self.drive.engine.alarm.clear(key);
        }
        self.drive.hand_in(self.pool, work, news, stays)
    }

    /// Hands the task in for a worker that goes back to its executor.
    fn leave(&mut self, work: Work, news: News) {
        if let After::Again = self.end(work, news, false) {
            self.drive.submit(self.pool);
        }
    }

    fn news(&self, outcome: TaskOutcome) -> News {
        self.drive.signal_end(&self.context, &outcome);
        let at = self.drive.engine.clock.now();
        let began = lock(&self.limit).as_ref().map_or(at, |(began, _)| *began);
        News::Completed { task: self.task(), outcome, busy: at.saturating_sub(began), at }
    }

    fn task(&self) -> Task {
        Task { step: self.context.step, attempt: self.context.attempt, item: self.context.item }
    }

    /// Runs the async body of this task, and then those that its end leads to.
    async fn run_async(mut self) {
        let mut stretch = 0;
        while let Some(work) = &self.work
            && self.start()
        {
            let outcome = self.drive.perform_async(work, &self.context).await;
            let Some(work) = self.work.take() else { return };
            let news = self.news(outcome);
            match self.end(work, news, true) {
                After::Next(next) => {
                    next.enter(&self.drive, &mut self.context);
                    let limit = self.drive.timeout(next.task());
                    self.context.deadline = limit.map(|limit| self.context.now() + limit);
                    self.work = Some(next);
                }
                After::Again | After::Leave | After::GivenUp => return,
            }
            stretch += 1;
            if stretch % AT_A_STRETCH == 0 {
                yield_now().await;
            }
        }
    }
}

/// How many async tasks follow each other before the thread may look after others.
const AT_A_STRETCH: usize = 64;

/// Lets other futures of the same thread have their turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Taken for TakenTask {
    fn request(&self) -> Option<Result<Vec<u8>, Exception>> {
        let (drive, work) = (&self.drive, self.work.as_ref()?);
        let Turn::Task(task) = work.turn else { return None };
        if drive.bodies.is_some() {
            return None;
        }
        let event = drive.plan.event_of(task.step);
        let name = &drive.plan.names[drive.plan.steps[task.step as usize].body as usize];
        let inputs = work.inputs(drive, &self.context);
        Some(crate::wire::request(&event.def, name, &self.context, &inputs))
    }

    fn outcome(&self, reply: &[u8]) -> TaskOutcome {
        crate::wire::outcome(&self.drive.plan.event_of(self.context.step).def, reply)
    }

    fn token(&self) -> &Token {
        static NOBODY: Token = Token::new();
        self.context.token.as_deref().unwrap_or(&NOBODY)
    }

    fn start(&self) -> bool {
        if self.context.is_cancelled() {
            return false;
        }
        let task = self.task();
        let now = self.drive.begin(task);
        let call = || Call::Task(Arc::downgrade(&self.drive), task);
        let key = self.drive.limit(task, call).map(|(_, key)| key);
        *lock(&self.limit) = Some((now, key));
        self.drive.signal_start(&self.context);
        true
    }

    fn progress(&self, done: u64, total: u64) {
        self.context.progress(done, total);
    }

    fn finish(mut self: Box<Self>, outcome: TaskOutcome) {
        let Some(work) = self.work.take() else { return };
        let news = self.news(outcome);
        self.leave(work, news);
    }

    fn run(mut self: Box<Self>) {
        let Some(work) = self.work.take() else { return };
        let drive = Arc::clone(&self.drive);
        let news = work.perform(&drive, &mut self.context);
        self.leave(work, news);
    }

    fn future(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.run_async())
    }
}

impl Drop for TakenTask {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let news = self.drive.lost(&work);
            self.leave(work, news);
        }
    }
}
