//! What a flow must do, by plain recursion over its tree: the words of the design put into code
//! once more, sharing nothing with the run core.
//!
//! Members of a group are run one after the other, each as far as it would get alone. That is the
//! truth unless one of them ends the run, or cancels the others; then the steps of the group are
//! marked as not [`certain`](Step::certain).

mod tree;

use std::collections::HashMap;
use std::time::Duration;

use nexus_pointy::{Descriptor, Flow};
use tree::{Evaluation, Group, Node, Options, Sequence};

/// How one attempt is to end.
#[derive(Debug, Clone)]
pub(crate) enum Out {
    Success,
    Failure,
    Exception,
    /// The branch, and whether it counts as a failure.
    Goto(Descriptor, bool),
}

/// How a step is to behave: its attempts (the last one stands for all further ones), and whether
/// its bypass check skips it, with a value or without.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) attempts: Vec<Out>,
    pub(crate) skip: Option<bool>,
}

/// An event's own settings.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own {
    /// Attempts, factor and maximum in milliseconds.
    pub(crate) policy: Option<(u32, u64, u64)>,
    pub(crate) stop_on_exception: bool,
    pub(crate) can_bypass: bool,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    NotRun,
    Success,
    Failure,
    Exception,
    Goto,
    Bypassed,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) event: String,
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) attempts: u32,
    pub(crate) waits: Vec<Duration>,
    /// What it sees in `previous()`; `None` where that depends on who was first.
    pub(crate) previous: Option<Vec<Result<u32, String>>>,
    /// Whether it is certain that the step gets this far.
    pub(crate) certain: bool,
    options: Options,
    value: Option<u32>,
    success: bool,
}

/// Why the run ends before its time: the step, and the condition; none if it broke.
pub(crate) type Halt = (usize, Option<&'static str>);

pub(crate) struct Reference<'a> {
    plays: &'a [Play],
    own: fn(&str) -> Own,
    counts: HashMap<String, u32>,
    pub(crate) steps: Vec<Step>,
    /// All steps of the first range end before any of the second begins.
    pub(crate) order: Vec<((usize, usize), (usize, usize))>,
    /// What may end the run: one of these does.
    pub(crate) halts: Vec<Halt>,
    /// Whether anything is left unhandled, if nothing ends the run early.
    pub(crate) failed: bool,
    /// Whether a cancellation races with the end of the run, so that nothing is certain.
    pub(crate) undetermined: bool,
}

#[derive(Clone)]
enum Input {
    Nothing,
    End(Option<Vec<usize>>),
    Reason(Option<String>),
}

/// How a part of the flow ended.
struct Done {
    /// The steps whose values it hands on, if that is certain.
    end: Option<Vec<usize>>,
    /// Steps inside whose failure nobody handled.
    unhandled: Vec<usize>,
    failed: bool,
    /// Whether `unhandled` is certain.
    known: bool,
}

struct Ended;

impl<'a> Reference<'a> {
    /// Predicts what `flow` does if the steps behave as `plays` says, in script order.
    pub(crate) fn of(flow: &Flow, plays: &'a [Play], own: fn(&str) -> Own) -> Self {
        let mut this = Self {
            plays,
            own,
            counts: HashMap::new(),
            steps: Vec::new(),
            order: Vec::new(),
            halts: Vec::new(),
            failed: false,
            undetermined: false,
        };
        let sequence = this.lay_out(flow, "", Options::default());
        if let Ok(done) = this.sequence(&sequence, Input::Nothing) {
            this.failed = done.failed;
        }
        this
    }

    #[expect(clippy::needless_pass_by_value, reason = "most inputs are made for the call")]
    fn sequence(&mut self, sequence: &Sequence, input: Input) -> Result<Done, Ended> {
        let mut all = Done { end: None, unhandled: Vec::new(), failed: false, known: true };
        for (at, group) in sequence.0.iter().enumerate() {
            let input = match (at, group.piped) {
                (0, _) => input.clone(),
                (_, true) => Input::End(all.end.take()),
                (_, false) => Input::Nothing,
            };
            let done = self.group(group, &input)?;
            all.end = done.end;
            all.unhandled.extend(done.unhandled);
            all.failed |= done.failed;
            all.known &= done.known;
        }
        Ok(all)
    }

    fn group(&mut self, group: &Group, input: &Input) -> Result<Done, Ended> {
        let ends: Vec<Result<Done, Ended>> =
            group.units.iter().map(|unit| self.unit(unit, input.clone())).collect();
        let several = ends.len() > 1;
        let failed = ends.iter().flatten().filter(|done| done.failed).count();
        let cancels = several && failed > 0 && group.evaluation == Evaluation::PartialError;
        let ended = ends.iter().any(Result::is_err);
        if several && (ended || cancels) {
            self.undetermined |= ended && cancels;
            self.steps[group.range.0..group.range.1]
                .iter_mut()
                .for_each(|step| step.certain = false);
        }
        if ended {
            return Err(Ended);
        }
        let mut all =
            Done { end: Some(Vec::new()), unhandled: Vec::new(), failed: false, known: !cancels };
        for done in ends.into_iter().flatten() {
            all.end =
                all.end.zip(done.end).map(|(all, end)| [all, end].concat()).filter(|_| !cancels);
            all.unhandled.extend(done.unhandled);
            all.known &= done.known;
        }
        all.failed = match group.evaluation {
            Evaluation::PartialSuccess | Evaluation::AllFailure if several => {
                failed == group.units.len()
            }
            _ => failed > 0,
        };
        if !all.failed {
            (all.unhandled, all.known) = (Vec::new(), true);
        }
        Ok(all)
    }

    fn unit(&mut self, unit: &Node, input: Input) -> Result<Done, Ended> {
        let (own, descriptor, reason, goto) = match &unit.what {
            Ok(step) => {
                let goto = self.step(*step, input)?;
                let success = self.steps[*step].success;
                let unhandled = if success { Vec::new() } else { vec![*step] };
                let done =
                    Done { end: Some(vec![*step]), unhandled, failed: !success, known: true };
                let descriptor = goto.clone().unwrap_or(Descriptor::Number(u32::from(success)));
                (done, descriptor, Some(self.failure(*step)), goto.is_some())
            }
            Err(flow) => {
                let done = self.sequence(flow, input)?;
                let reason = done.unhandled.first().filter(|_| done.known).map(|first| {
                    let others = done.unhandled.len() - 1;
                    let more =
                        if others == 0 { String::new() } else { format!(" (and {others} more)") };
                    format!("`{}`: {}{more}", self.steps[*first].event, self.failure(*first))
                });
                let descriptor = Descriptor::Number(u32::from(!done.failed));
                (done, descriptor, reason, false)
            }
        };
        match unit.branches.iter().find(|branch| branch.0 == descriptor) {
            Some((Descriptor::Number(0), true, flow)) => self.sequence(flow, Input::Reason(reason)),
            Some((_, true, flow)) => self.sequence(flow, Input::End(own.end)),
            Some((_, false, flow)) => self.sequence(flow, Input::Nothing),
            None if goto => {
                self.halts.push((*unit.what.as_ref().ok().unwrap(), None));
                Err(Ended)
            }
            None => Ok(own),
        }
    }

    /// Runs a step; gives the branch that it goes to, if it does.
    fn step(&mut self, index: usize, input: Input) -> Result<Option<Descriptor>, Ended> {
        let previous = match input {
            Input::Nothing => Some(Vec::new()),
            Input::Reason(reason) => reason.map(|reason| vec![Err(reason)]),
            Input::End(end) => end.map(|end| end.iter().map(|step| self.value(*step)).collect()),
        };
        let play = self.plays[index % self.plays.len()].clone();
        let own = (self.own)(&self.steps[index].event);
        let step = &mut self.steps[index];
        step.previous = previous;
        let base = index as u32 * 100;
        let mut goto = None;
        if let Some(with_value) = play.skip.filter(|_| own.can_bypass) {
            (step.kind, step.success) = (Kind::Bypassed, true);
            step.value = with_value.then_some(base);
        } else {
            let policy = step.options.policy(own);
            loop {
                step.attempts += 1;
                let last = play.attempts.len() - 1;
                let out = &play.attempts[(step.attempts as usize - 1).min(last)];
                step.value = Some(base + step.attempts);
                (step.kind, step.success) = match out {
                    Out::Success => (Kind::Success, true),
                    Out::Failure => (Kind::Failure, false),
                    Out::Exception => (Kind::Exception, false),
                    Out::Goto(descriptor, failed) => {
                        goto = Some(descriptor.clone());
                        (Kind::Goto, !failed)
                    }
                };
                let again = policy
                    .filter(|policy| step.kind == Kind::Exception && step.attempts < policy.0);
                let Some((_, factor, max)) = again else { break };
                step.waits.push(Duration::from_millis((factor << (step.attempts - 1)).min(max)));
            }
        }
        let [on_success, on_error, on_exception] = step.options.stops;
        let on_exception = on_exception.unwrap_or(own.stop_on_exception);
        let condition = match (step.success, step.kind) {
            (true, _) if on_success == Some(true) => Some("stop_on_success"),
            (false, _) if on_error == Some(true) => Some("stop_on_error"),
            (_, Kind::Exception) if on_exception => Some("stop_on_exception"),
            _ => return Ok(goto),
        };
        self.halts.push((index, condition));
        Err(Ended)
    }

    /// What a step hands on.
    fn value(&self, index: usize) -> Result<u32, String> {
        let step = &self.steps[index];
        match step.kind {
            Kind::Success | Kind::Goto | Kind::Bypassed => {
                step.value.ok_or_else(|| self.failure(index))
            }
            _ => Err(self.failure(index)),
        }
    }

    fn failure(&self, index: usize) -> String {
        let Step { path, kind, event, .. } = &self.steps[index];
        match kind {
            Kind::Exception => format!("broke {path}"),
            Kind::Goto => format!("went {path}"),
            Kind::Bypassed => format!("`{event}` was bypassed without a value (skip {path})"),
            _ => format!("no {path}"),
        }
    }
}
