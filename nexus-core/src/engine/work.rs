//! What leaves a run to be done, and what is told to it afterwards.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::cancel::Token;
use crate::context::Previous;
use crate::panic;
use crate::piped::OwnedPiped;
use crate::plan::{Pace, Plan};
pub(super) use crate::run::Notification;
use crate::run::{Run, ShortQueue, Task};

/// What is to be done for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkKind {
    /// Ask whether to skip it.
    BypassCheck,
    /// Run its body.
    Body,
}

/// Work of the driving thread, in the order in which it is to be done.
pub(super) type InlineQueue = ShortQueue<(WorkKind, Task)>;

/// Work that leaves the run for its pools, in its order for each of them.
#[derive(Default)]
pub(super) struct PooledWork {
    pools: Vec<(u32, VecDeque<Work>)>,
    count: usize,
}

impl PooledWork {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn push(&mut self, pool: u32, work: Work) {
        self.count += 1;
        match self.pools.iter_mut().find(|(known, _)| *known == pool) {
            Some((_, queue)) => queue.push_back(work),
            None => self.pools.push((pool, VecDeque::from([work]))),
        }
    }

    /// The last piece of work for a pool.
    pub(super) fn last_of(&mut self, pool: u32) -> Option<&mut Work> {
        let (_, queue) = self.pools.iter_mut().find(|(known, _)| *known == pool)?;
        queue.back_mut()
    }

    /// The only work that there is.
    pub(super) fn only(&self) -> Option<&Work> {
        if self.count == 1 { self.pools.iter().find_map(|(_, queue)| queue.front()) } else { None }
    }

    pub(super) fn pop(&mut self) -> Option<Work> {
        let work = self.pools.iter_mut().find_map(|(_, queue)| queue.pop_front())?;
        self.count -= 1;
        Some(work)
    }

    /// Hands each pool's work over; what `take` leaves is dropped.
    pub(super) fn drain(&mut self, mut take: impl FnMut(u32, &mut VecDeque<Work>)) {
        self.count = 0;
        for (pool, queue) in &mut self.pools {
            take(*pool, queue);
            queue.clear();
        }
    }
}

/// What a holder found to be done outside of the run.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) inline: InlineQueue,
    /// Tasks of pools that its holder may do itself, if they are short.
    pub(super) short: ShortQueue<Task>,
    pub(super) timers: Vec<(Duration, Task)>,
    pub(super) pooled: PooledWork,
    /// Tasks whose bodies cannot be ended, with their pools.
    pub(super) abandoned: Vec<(u32, Task)>,
    /// Whether a pool may have use for more jobs.
    pub(super) wants_jobs: bool,
    /// Whether its holder drives the run, and is to see first which of the pools' tasks are short.
    pub(super) visits: bool,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.inline.is_empty()
            && self.short.is_empty()
            && self.timers.is_empty()
            && self.pooled.is_empty()
            && self.abandoned.is_empty()
    }
}

/// Takes what there is to tell, the first one apart. Where it is the only one, as mostly, the memory
/// stays for the next one.
pub(super) fn take_all(
    notifications: &mut Vec<Notification>,
) -> Option<(Notification, Vec<Notification>)> {
    if notifications.is_empty() {
        return None;
    }
    let first = notifications.remove(0);
    let is_alone = notifications.is_empty();
    Some((first, if is_alone { Vec::new() } else { std::mem::take(notifications) }))
}

/// The task that is so many steps or items behind another one.
fn nth_after(task: Task, nth: u32) -> Task {
    match task.item {
        Some(item) => Task { item: Some(item + u64::from(nth)), ..task },
        None => Task { step: task.step + nth, ..task },
    }
}

/// How much work a worker takes at once, in nanoseconds.
pub(super) const CHUNK_NANOS: u32 = 30_000;

/// How long a task will take.
#[cfg(not(shuttle))]
fn expected(pace: &Pace) -> Option<u32> {
    pace.nanos()
}

/// The model checker needs the same answer in each run: chunks of two.
#[cfg(shuttle)]
fn expected(_: &Pace) -> Option<u32> {
    Some(CHUNK_NANOS / 2)
}

/// A piece of work that leaves its run, with everything that it needs: a task, or a range of them.
pub(super) struct Work {
    pub(super) kind: WorkKind,
    pub(super) task: Task,
    /// So many tasks follow that one: the next steps or items, with the same body and the same input,
    /// of which an item's task reads its own. Of what a worker has taken out of its chunk, these are
    /// still there.
    more: u32,
    pub(super) input: OwnedPiped,
    /// What the body reads from its context, if it does.
    pub(super) previous: Vec<Previous>,
    pub(super) token: Option<Arc<Token>>,
    /// The body, if the work may go together with other work of the same body.
    pub(super) together: Option<u32>,
    /// How long each task will take, in nanoseconds; where that is not known, as long as a chunk.
    pub(super) expected: u32,
}

impl Work {
    /// The body of a task. `wants_previous` says whether it reads what came along from its context.
    pub(super) fn of_body(task: Task, run: &mut Run, wants_previous: bool) -> Self {
        let previous = if wants_previous { run.previous(task) } else { Vec::new() };
        let (input, token) = (run.owned_task_input(task), run.token(task));
        let body = run.plan.steps[task.step as usize].body;
        let expected = expected(&run.plan.paces[body as usize]);
        // What may have to be told something goes alone, unless its executor can end a body and
        // keep others from beginning. (A mock runs elsewhere, and wants what came along.)
        let options = run.plan.options_of(task.step);
        let can_wait = options.can_be_ended && options.timeout.is_none() && !wants_previous;
        Self {
            kind: WorkKind::Body,
            task,
            more: 0,
            input,
            previous,
            together: (token.is_none() || can_wait).then_some(body),
            token,
            expected: expected.map_or(CHUNK_NANOS, |nanos| nanos.min(CHUNK_NANOS)),
        }
    }

    /// The bypass check of a task, which sees the run, not what came along the arrow.
    pub(super) fn of_check(task: Task) -> Self {
        Self {
            kind: WorkKind::BypassCheck,
            task,
            more: 0,
            input: OwnedPiped::Nothing,
            previous: Vec::new(),
            token: None,
            together: None,
            expected: CHUNK_NANOS,
        }
    }

    /// How many tasks it is.
    pub(super) fn count(&self) -> usize {
        self.more as usize + 1
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = Task> {
        (0..=self.more).map(|nth| nth_after(self.task, nth))
    }

    /// Takes one more task in at its end, if that is the next one and has the same input. Says whether
    /// it did.
    pub(super) fn extend(&mut self, task: Task, plan: &Plan) -> bool {
        let is_plain = self.token.is_none() && self.previous.is_empty();
        let has_same_input = || match task.item {
            Some(_) => matches!(self.input, OwnedPiped::Item(..)),
            None => plan.are_alike(self.task.step, task.step),
        };
        let extends = is_plain && nth_after(self.task, self.more + 1) == task && has_same_input();
        self.more += u32::from(extends);
        extends
    }

    /// Takes the first `count` tasks out of a range that has more.
    pub(super) fn split(&mut self, count: usize) -> Self {
        let count = count as u32;
        let first = Self { more: count - 1, ..self.copy() };
        self.skip(count);
        first
    }

    /// Takes the first task out of a range, and lets it know what follows.
    pub(super) fn split_first(&mut self) -> Self {
        let first = self.copy();
        self.skip(1);
        first
    }

    /// Becomes the task that followed this one in its range, if that is where `rest` begins: the input
    /// is here already. Says whether it did.
    pub(super) fn go_on_with(&mut self, rest: &Self) -> bool {
        let follows = self.more > 0 && nth_after(self.task, 1) == rest.task;
        if follows {
            self.skip(1);
        }
        follows
    }

    /// A range has neither a token nor anything else that is one task's own.
    fn copy(&self) -> Self {
        let input = self.input.clone();
        Self { input, previous: Vec::new(), token: None, ..*self }
    }

    /// Leaves the first tasks of a range to others.
    pub(super) fn skip(&mut self, count: u32) {
        self.task = nth_after(self.task, count);
        self.more -= count;
        if let OwnedPiped::Item(_, index) = &mut self.input {
            *index += count as usize;
        }
    }

    /// Drops the work. The last holder of its input may be this one, and its Drop is user code.
    pub(super) fn discard(self) {
        let owns_nothing = matches!(self.input, OwnedPiped::Nothing)
            && self.previous.is_empty()
            && self.token.is_none();
        if !owns_nothing {
            panic::drop_quietly(self);
        }
    }

    /// The work is about to be done. `false` if nobody wants it any more.
    pub(super) fn start(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.start())
    }

    /// The work has not begun after all. `false` if nobody wants it any more.
    #[cfg(feature = "wire")]
    pub(super) fn withdraw(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.withdraw())
    }

    /// The work is done. `false` if nobody waits for it any more.
    pub(super) fn end(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.end())
    }
}
