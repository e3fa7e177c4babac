//! A run inside of a workflow's handler.
//!
//! The server has the handler run again from its beginning whenever it has to, and gives it the
//! results that it has: so all that the handler asks for must be the same each time, and come in the
//! same order. That follows from the run's machine, which depends on nothing but what it was told
//! and in which order; the interpreter adds no clock, no chance and no map without an order.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use nexus_core::Exception;
use nexus_core::driver::{Action, Ended, EventHost, LocalTask, RunMachine, Task, Timestamp};

use crate::message::{Answer, LONGEST_MESSAGE};

/// What a durable handler can ask for. What it gives is the same each time.
pub(crate) trait Durable {
    /// Calls the handler of a service; [`next`](Self::next) gives the answer under this number.
    fn call(&mut self, service: String, handler: &'static str, request: String) -> usize;

    /// Waits so long; [`next`](Self::next) tells the end under this number.
    fn sleep(&mut self, time: Duration) -> usize;

    /// Waits for the durable promise of this name; [`next`](Self::next) gives what it is resolved with under
    /// this number.
    fn promise(&mut self, name: String) -> usize;

    /// Keeps how often a step has waited for its promise, for those who resolve it.
    fn note_wait(&mut self, step: &str, count: u32);

    /// Runs a task here, within its limit, if its answer is not known already.
    fn run(
        &mut self,
        name: String,
        task: LocalTask,
        limit: Option<Duration>,
    ) -> impl Future<Output = Result<Answer, Cancelled>> + Send;

    /// Waits for the next thing that ends of those that were called and slept.
    fn next(&mut self) -> impl Future<Output = Result<(usize, Completion), Cancelled>> + Send;
}

/// Somebody has cancelled the workflow.
#[derive(Debug)]
pub(crate) struct Cancelled;

/// How something ended.
#[derive(Debug)]
pub(crate) enum Completion {
    Answer(Answer),
    /// The call has ended without an answer.
    Failed(String),
    Slept,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    /// A task elsewhere, or its check.
    Call(Action),
    /// What a task waits for that is pending.
    Promise(Task),
    /// A wait before a retry.
    Wake(Task),
    /// The end of a task's time.
    TaskLimit(Task),
    /// The end of the run's time.
    RunLimit,
}

struct Interpreter<'a, D> {
    machine: RunMachine,
    host: &'a EventHost,
    durable: &'a mut D,
    /// With the times at which waits are over.
    awaited: BTreeMap<usize, (Awaited, Timestamp)>,
    /// How often steps were pending.
    waits: BTreeMap<String, u32>,
    /// Tasks that run here, one after the other.
    here: VecDeque<Action>,
    /// The time of what was told last.
    now: Timestamp,
}

/// What the names of all events' services begin with.
pub(crate) const EVENT_SERVICE: &str = "nexus.";

/// The name of the service that an event is.
pub(crate) fn event_service(event: &str) -> String {
    format!("{EVENT_SERVICE}{event}")
}

/// The name of the promise that a step waits for, when it is pending for the so manieth time.
pub(crate) fn promise_name(step: &str, count: u32) -> String {
    format!("{step}/{count}")
}

/// Runs the machine to its end.
pub(crate) async fn interpret<D: Durable + Send>(
    machine: RunMachine,
    host: &EventHost,
    durable: &mut D,
) -> RunMachine {
    let now = machine.begun().at;
    let (awaited, waits, here) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
    let mut interpreter = Interpreter { machine, host, durable, awaited, waits, here, now };
    if let Some(deadline) = interpreter.machine.deadline() {
        interpreter.sleep(Awaited::RunLimit, deadline.since(now));
    }
    while !interpreter.machine.is_finished() {
        interpreter.ask();
        if interpreter.step().await.is_err() {
            interpreter.machine.halted(Ended::Cancelled, interpreter.now);
        }
    }
    interpreter.machine
}

impl<D: Durable + Send> Interpreter<'_, D> {
    /// Puts under way what the machine asks for.
    fn ask(&mut self) {
        while let Some(action) = self.machine.next_action() {
            match action {
                Action::Wake(task, wait) => self.sleep(Awaited::Wake(task), wait),
                Action::Start(task) | Action::Check(task) if self.machine.stays(task) => {
                    self.here.push_back(action);
                }
                Action::Start(task) | Action::Check(task) => self.call(action, task),
                Action::Await(task, limit) => self.wait_for_promise(task, limit),
                // There is nothing else.
                _ => {}
            }
        }
    }

    fn sleep(&mut self, awaited: Awaited, time: Duration) {
        let number = self.durable.sleep(time);
        self.awaited.insert(number, (awaited, self.now.plus(time)));
    }

    /// A task is pending: somebody outside will say how it ended.
    fn wait_for_promise(&mut self, task: Task, limit: Option<Duration>) {
        let step = self.machine.step_address(task).to_string();
        let count = self.waits.entry(step.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            self.durable.note_wait(&step, *count);
        }
        let number = self.durable.promise(promise_name(&step, *count));
        self.awaited.insert(number, (Awaited::Promise(task), self.now));
        if let Some(limit) = limit {
            self.sleep(Awaited::TaskLimit(task), limit);
        }
    }

    fn call(&mut self, action: Action, task: Task) {
        let is_check = matches!(action, Action::Check(_));
        match self.machine.request(task, LONGEST_MESSAGE) {
            Ok(request) => {
                let service = event_service(self.machine.event(task));
                let handler = if is_check { "check" } else { "run" };
                let number = self.durable.call(service, handler, request);
                self.awaited.insert(number, (Awaited::Call(action), self.now));
                if let Some(limit) = self.machine.timeout(task).filter(|_| !is_check) {
                    self.sleep(Awaited::TaskLimit(task), limit);
                }
            }
            Err(exception) => self.failed(action, &exception),
        }
    }

    /// One thing happens.
    async fn step(&mut self) -> Result<(), Cancelled> {
        if self.machine.is_finished() {
            return Ok(());
        }
        if let Some(action) = self.here.pop_front() {
            let task = action.task();
            // Something else may have ended it meanwhile.
            if self.machine.is_wanted(task) {
                let name = format!("{} {}", self.machine.step_path(task), task.attempt());
                let limit = self.machine.timeout(task);
                let work = self.machine.task(task, self.host).at_most(LONGEST_MESSAGE);
                let answer = self.durable.run(name, work, limit).await?;
                self.answered(action, answer);
            }
            return Ok(());
        }
        let (number, completion) = self.durable.next().await?;
        let Some((awaited, over)) = self.awaited.remove(&number) else { return Ok(()) };
        match (awaited, completion) {
            (Awaited::Call(action), Completion::Answer(answer)) => self.answered(action, answer),
            (Awaited::Call(action), Completion::Failed(why)) => {
                let service = event_service(self.machine.event(action.task()));
                let why = format!("the call of `{service}` ended without an answer: {why}");
                self.failed(action, &Exception::not_run(why));
            }
            (Awaited::Promise(task), Completion::Answer(answer)) => {
                if let Some(said) = answer.said {
                    self.now = self.now.max(answer.at);
                    self.machine.resolved(task, said, self.now);
                }
            }
            // Only waits end like that, and nobody rejects a promise.
            (Awaited::Call(_) | Awaited::Promise(_), _) => {}
            (Awaited::Wake(task), _) => {
                self.now = self.now.max(over);
                self.machine.woken(task, self.now);
            }
            (Awaited::TaskLimit(task), _) => self.timed_out(task, over),
            (Awaited::RunLimit, _) => {
                self.now = self.now.max(over);
                self.machine.halted(Ended::TimedOut, self.now);
            }
        }
        Ok(())
    }

    fn timed_out(&mut self, task: Task, at: Timestamp) {
        if self.machine.is_wanted(task) {
            self.now = self.now.max(at);
            self.machine.timed_out(task, self.now);
        }
    }

    fn answered(&mut self, action: Action, Answer { at, said }: Answer) {
        let task = action.task();
        let Some(said) = said else { return self.timed_out(task, at) };
        if !self.machine.is_wanted(task) {
            return;
        }
        self.now = self.now.max(at);
        match action {
            Action::Check(_) => self.machine.checked(task, said, self.now),
            _ => self.machine.completed(task, said, self.now),
        };
    }

    fn failed(&mut self, action: Action, exception: &Exception) {
        self.machine.failed(action, exception, self.now);
    }
}
