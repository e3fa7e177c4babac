//! Settings of a struct event, wherever they stand, and however the attributes are named.
#![deny(warnings, missing_docs, missing_debug_implementations)]

use nexus::prelude::*;

/// Above the derive.
#[event(name = "above", stop_on_error)]
#[derive(Event, Debug)]
pub struct Above {
    #[field(default = 1)]
    times: u32,
}

#[event]
impl Above {
    /// Gives its own field.
    pub fn process(&self) -> Outcome<u32> {
        Outcome::success(self.times)
    }
}

/// On both sides of it, and among others.
#[derive(Debug)]
#[nexus::event(name = "around")]
#[allow(clippy::all)]
#[derive(nexus::Event)]
#[nexus::event(stop_on_exception)]
#[derive(Clone)]
pub struct Around;

#[event]
impl Around {
    /// Does nothing.
    pub fn process(&self) -> Outcome<()> {
        Outcome::success(())
    }
}

/// An alias with a parameter, and one whose name begins with a small letter.
pub type Same<E> = E;
#[allow(missing_docs, non_camel_case_types)]
pub type pool = ThreadPoolExecutor;

/// Tells which kind of thread it is on.
#[event(executor = Same<ThreadPoolExecutor>, executor_config = { thread_name_prefix: "same-" })]
pub fn generic() -> Outcome<bool> {
    Outcome::success(is_on("same-"))
}

/// The same.
#[event(executor = pool, executor_config = { thread_name_prefix: "pool-" })]
pub fn small() -> Outcome<bool> {
    Outcome::success(is_on("pool-"))
}

fn is_on(prefix: &str) -> bool {
    std::thread::current().name().is_some_and(|name| name.starts_with(prefix))
}

/// A pipeline.
#[derive(Pipeline, Debug)]
#[pipeline(flow = Above[times = 7] -> Around)]
pub struct P;

/// A pipeline with executors.
#[derive(Pipeline, Debug)]
#[pipeline(flow = generic -> small[executor = pool, executor_config = { thread_name_prefix: "pool-" }])]
pub struct Pools;

pub(crate) fn main() {
    let _ = Around.clone();
    let report = P.run().unwrap();
    assert_eq!(report.get::<Above>().unwrap(), &7);
    let names: Vec<&str> = report.steps().map(|step| step.event()).collect();
    assert_eq!(names, ["above", "around"], "the settings were read");

    let report = Pools.run().unwrap();
    assert!(*report.get::<generic>().unwrap() && *report.get::<small>().unwrap());
}
