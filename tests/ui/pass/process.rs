//! Events that may run in other processes, and events that may not but never do.
#![deny(warnings)]
#![forbid(unsafe_code)]

use std::sync::Arc;

use nexus::prelude::*;
use nexus::{Job, StateFactory};

/// An executor under another name, and one that is called alike and is another.
type Workers = ProcessPoolExecutor;

mod mine {
    #[derive(Debug)]
    pub struct ProcessPoolExecutor;
    impl nexus::Executor for ProcessPoolExecutor {
        fn from_config(_: &nexus::ExecutorInitializerConfig) -> Result<Self, nexus::ConfigError> {
            Ok(Self)
        }
        fn submit(&self, job: super::Job) {
            job.run();
        }
    }
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Order {
    pub total: u32,
}

/// Neither `Serialize` nor `Clone`.
pub struct Local;

pub struct Model;
impl StateFactory for Model {
    type Error = std::io::Error;
    fn build() -> Result<Self, Self::Error> {
        Ok(Self)
    }
}

#[event(executor = Workers)]
fn crosses(
    order: Arc<Order>,
    #[piped] piped: (Vec<u32>, Result<&Order, Failure>),
    model: State<Model>,
    ctx: &Context,
) -> Result<Outcome<Option<Order>>, std::io::Error> {
    let _ = (order, piped, model, ctx);
    Ok(Outcome::success(None))
}

#[event(executor = ProcessPoolExecutor)]
fn why(#[piped] failure: &Failure) -> (bool, String) {
    (false, failure.reason().to_owned())
}

#[event(executor = mine::ProcessPoolExecutor)]
fn stays(local: &Local, #[piped] piped: &Local, state: State<Local>) -> Outcome<&'static str> {
    let _ = (local, piped, state);
    Outcome::success("here")
}

/// Whether these can cross is asked of every event; none is refused because of the question.
type Name = &'static str;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Named {
    pub name: &'static str,
}

#[event]
fn borrowed(name: &Name, named: &Named) -> Outcome<Name> {
    let _ = named;
    Outcome::success(name)
}

#[event]
fn local() -> Outcome<Local> {
    Outcome::success(Local)
}

#[derive(Event)]
#[event(executor = ThreadPoolExecutor)]
struct Stays;

#[event]
impl Stays {
    fn process(&self, #[piped] piped: &Local) -> Outcome<Local> {
        let _ = piped;
        Outcome::success(Local)
    }
}

#[derive(Pipeline)]
#[pipeline(flow = local |-> stays[executor = DefaultExecutor] || Stays)]
struct Here {
    local: Local,
}

#[derive(Pipeline)]
#[pipeline(flow = {numbers || order}[executor = Workers] |-> crosses (0 |-> why))]
struct There {
    order: Arc<Order>,
}

#[event]
fn numbers() -> Outcome<Vec<u32>> {
    Outcome::success(vec![1])
}

#[event]
fn order() -> Outcome<Order> {
    Outcome::success(Order { total: 1 })
}

pub(crate) fn main() {
    nexus::init();
    let _ = Here { local: Local };
    let _ = There { order: Arc::new(Order { total: 1 }) };
}
