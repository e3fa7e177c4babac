//! A user's own types called `State` and `Context` are fields like any others, and aliases of the
//! library's types are what they stand for: the type decides, not its name. So it is with an alias
//! called `Result`, whose argument need not be what the event yields.

use nexus::{Outcome, Pipeline, event};

/// A state of a machine, which is no resource of the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub level: u32,
}

/// The user's own, with an argument as the library's has one.
pub mod machine {
    #[derive(Debug, Clone)]
    pub struct State<T>(pub T);
    #[derive(Debug)]
    pub struct Context {
        pub name: String,
    }
}

/// What the engine shares.
#[derive(Debug)]
pub struct Limits(pub u32);

pub type SharedLimits = nexus::State<Limits>;
pub type Run = nexus::Context;

#[event]
fn raise(state: State, next: machine::State<u32>, ctx: &machine::Context) -> Outcome<u32> {
    assert_eq!(ctx.name, "pump");
    Outcome::success(state.level + next.0)
}

#[event]
fn keep(state: &State, limits: SharedLimits, run: &Run, #[piped] level: u32) -> Outcome<u32> {
    assert_eq!((run.event(), state.level), ("keep", 1));
    Outcome::success(level.min(limits.0))
}

/// Aliases of the standard library's, one named by the error and one by the value.
pub mod stored {
    pub type Result<E> = std::result::Result<(), E>;
}
pub mod reading {
    pub type Result<T> = std::result::Result<T, std::io::Error>;
}

#[event]
fn store(#[piped] level: &u32) -> stored::Result<std::io::Error> {
    assert_eq!(level, &5);
    Ok(())
}

#[event]
fn read() -> reading::Result<u32> {
    Ok(7)
}

#[derive(Pipeline)]
#[pipeline(flow = raise |-> keep |-> store -> read)]
pub struct Machine {
    pub state: State,
    pub next: machine::State<u32>,
    pub ctx: machine::Context,
}

pub fn main() {
    let machine = Machine {
        state: State { level: 1 },
        next: machine::State(6),
        ctx: machine::Context { name: "pump".into() },
    };
    let engine = nexus::Engine::builder().state(Limits(5)).build().expect("an engine");
    let report = engine.run(machine).expect("a run");
    assert_eq!(report.get::<keep>().expect("a result"), &5);
    assert_eq!(report.get::<store>().expect("a result"), &());
    assert_eq!(report.get::<read>().expect("a result"), &7);
}
