//! What the rules' tests share: events that behave on demand, runs that cannot hang, meetings.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

pub(crate) use crate::patience::{PATIENCE, block_on, within};
pub(crate) use nexus_core::__private::{
    ByRef, ByVal, Calling, Code, Event, Inputs as BodyInputs, List, Nothing, Options, OrFailure,
    OwnField, ParamSpec, Plain, SettingKind, Spec, TaskOutcome, Transfer, Tuple, Types,
};
pub(crate) use nexus_core::testing::{TestEngine, ran, waits};
pub(crate) use nexus_core::*;

/// What the message of a panic begins with that is part of a test.
pub(crate) const ON_PURPOSE: &str = "on purpose";

/// An event's error.
#[derive(Debug, thiserror::Error)]
#[error("broke")]
pub(crate) struct Broke;

/// An error around another.
#[derive(Debug, thiserror::Error)]
#[error("outer")]
pub(crate) struct Outer<E: std::error::Error + 'static>(#[source] pub(crate) E);

/// A registry with `S` (success 1), `F` (failure "no"), `P` (exception "broke"), `SUM` (adds what
/// came along, 100 for each failure) and `COUNT` (how many outcomes came along).
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.event("S", |_: &Context| Outcome::success(1_u32));
    registry.event("F", |_: &Context| Outcome::<u32>::failure("no"));
    registry.event("P", |_: &Context| Err::<u32, _>(Broke));
    registry.event("SUM", |ctx: &Context| {
        let value = |seen: &Previous| match seen.failure() {
            None => *seen.value::<u32>().unwrap(),
            Some(_) => 100,
        };
        Outcome::success(ctx.previous().iter().map(value).sum::<u32>())
    });
    registry.event("COUNT", |ctx: &Context| {
        Outcome::success(u32::try_from(ctx.previous().len()).unwrap())
    });
    registry.error::<Broke>("Broke");
    registry
}

pub(crate) fn plan(registry: &Registry, flow: &str) -> Arc<Plan> {
    try_plan(registry, flow).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn try_plan(registry: &Registry, flow: &str) -> Result<Arc<Plan>> {
    Flow::parse(flow)?.plan(registry, &Fields::new())
}

/// The complaint of planning `flow`.
pub(crate) fn refusal(registry: &Registry, flow: &str) -> String {
    match try_plan(registry, flow) {
        Ok(_) => panic!("`{flow}` is planned"),
        Err(error) => error.to_string(),
    }
}

/// Runs `flow` on a virtual clock.
pub(crate) fn run(registry: &Registry, flow: &str) -> Report {
    run_on(&TestEngine::new().build().unwrap(), registry, flow)
}

pub(crate) fn run_on(engine: &Engine, registry: &Registry, flow: &str) -> Report {
    let (engine, plan) = (engine.clone(), plan(registry, flow));
    within(move || engine.run_plan(&plan, Inputs::new()).unwrap())
}

/// A place where so many threads must be at the same time.
#[derive(Clone)]
pub(crate) struct Meeting(Arc<(Mutex<usize>, Condvar, usize)>);

impl Meeting {
    pub(crate) fn of(members: usize) -> Self {
        Self(Arc::new((Mutex::new(0), Condvar::new(), members)))
    }

    /// Comes, and waits for the others; whether they came.
    pub(crate) fn attend(&self) -> bool {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_all();
        self.wait()
    }

    /// Waits for all members; whether they came.
    pub(crate) fn wait(&self) -> bool {
        let (there, changed, members) = &*self.0;
        let until = Instant::now() + PATIENCE / 4;
        let mut there = there.lock().unwrap();
        while *there < *members {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            there = changed.wait_timeout(there, left).unwrap().0;
        }
        true
    }
}

/// A list that events write to.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// An event with parameters, as `#[event]` makes it, of a function of its inputs.
macro_rules! typed {
    ($name:ident, $piped:ty => $output:ty, $params:expr, $body:expr) => {
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Event for $name {
            type Output = $output;
            type Piped = $piped;
            const SPEC: &'static Spec = &Spec {
                name: stringify!($name),
                params: $params,
                place: "tests",
                code: Code::Function(&Calling::<$output, $piped>::plain(
                    |inputs| {
                        let body: fn(&BodyInputs<'_>) -> Ends = $body;
                        body(inputs).unwrap_or_else(TaskOutcome::from)
                    },
                    PARAM_TYPES,
                )),
                handle: TypeInfo::of::<Self>(),
                ..Spec::NO_EVENT
            };
        }
    };
}
pub(crate) use typed;

/// The type of the one parameter that the events below have, where it is a state. Of a piped one the
/// shape says it.
pub(crate) const PARAM_TYPES: &[TypeInfo] = &[TypeInfo::of::<Connections>()];

/// What a body gives; an error if its inputs are not there.
pub(crate) type Ends = std::result::Result<TaskOutcome, Exception>;

/// An outcome as a body returns it.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a body")]
pub(crate) fn outcome<R: IntoOutcome<Plain>>(outcome: R) -> Ends {
    Ok(outcome.into_outcome())
}

/// What an item of an `each` step does: 0 fails, 1 breaks, all others are multiplied by ten.
pub(crate) fn item(number: u32) -> Ends {
    match number {
        0 => outcome(Outcome::<u32>::failure("no")),
        1 => outcome(Err::<u32, _>(Broke)),
        number => outcome(Outcome::success(number * 10)),
    }
}

typed!(Take, ByVal<u32> => u32, &[PIPED], |inputs| outcome(Outcome::success(inputs.piped::<ByVal<u32>>()? + 1)));
typed!(Item, ByRef<u32> => u32, &[PIPED], |inputs| item(*inputs.piped::<ByRef<u32>>()?));
typed!(Either, OrFailure<ByRef<u32>> => String, &[PIPED], |inputs| {
    let text = match inputs.piped::<OrFailure<ByRef<u32>>>()? {
        Ok(number) => format!("got {number}"),
        Err(failure) => format!("not: {failure}"),
    };
    outcome(Outcome::success(text))
});
typed!(Pair, Tuple<(ByRef<u32>, ByRef<u32>)> => String, &[PIPED], |inputs| {
    let (a, b) = inputs.piped::<Tuple<(ByRef<u32>, ByRef<u32>)>>()?;
    outcome(Outcome::success(format!("{a}, {b}")))
});
typed!(Reason, ByRef<Failure> => String, &[PIPED], |inputs| {
    outcome(Outcome::success(inputs.piped::<ByRef<Failure>>()?.to_string()))
});
typed!(NeedsPool, Nothing => String, &[ParamSpec::taken("pool", "", true, Transfer::NoFactory, Transfer::No)],
    |inputs| outcome(Outcome::success(inputs.state::<Connections>(0)?.0.clone())));

/// A resource.
#[derive(Debug)]
pub(crate) struct Connections(pub(crate) String);

pub(crate) const PIPED: ParamSpec = ParamSpec::piped("x", "", "", Transfer::No);

/// [`registry`], with the events above.
pub(crate) fn typed_registry() -> Registry {
    let mut registry = registry();
    registry
        .add::<Take>()
        .add::<Item>()
        .add::<Either>()
        .add::<Pair>()
        .add::<Reason>()
        .add::<NeedsPool>();
    registry
}

/// Waits for something that another thread does.
pub(crate) fn wait_until(mut there: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < until, "it never came");
        std::thread::yield_now();
    }
}

/// Holds threads back until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let mut open = self.0.0.lock().unwrap();
        while !*open {
            open = self.0.1.wait(open).unwrap();
        }
    }
}
