//! The processes of a simulation: one lives until it dies, and the next one goes on from the disk.

use std::sync::Arc;
use std::time::Duration;

use super::super::case::{Case, Lived};
use super::super::disk::{self, Tail};
use super::super::outcome;
use super::World;
use super::clock::SimulatedClock;
use super::slots::Flag;
use super::store::SimulatedStore;
use crate::engine::{Engine, Stepped, Steps};
use crate::journal::Store;
use crate::panic;
use crate::report::Report;

/// A process with an engine of its own.
pub(super) struct Process {
    pub(super) engine: Engine,
    pub(super) steps: Steps,
    /// When it began.
    pub(super) began: Duration,
}

/// So many things may happen in one simulation.
const MOST_STEPS: u64 = 1_000_000;

const HOUR_MICROS: usize = 3_600_000_000;

/// So often may the clock go on without anything that happens but that the engine looks around.
const MOST_IDLE: u32 = 64;

impl Case<'_> {
    /// Lets processes live until all runs are over, and then looks at what is recorded of them.
    pub(in super::super) fn live(&self) -> Lived {
        let world = World::new(self.plan, self.settings.clone(), self.seed, self.keys);
        // A panic here is one of the engine's: those of users' code are contained.
        let lived = panic::contain(|| {
            self.until_over(&world);
            self.read_back(&world);
        });
        if let Err(panic) = lived {
            world.state().violation.get_or_insert(format!("the engine panicked: {panic}"));
        }
        world.bury();
        let mut state = world.state();
        let (deaths, faults) = (state.deaths, state.faults);
        let (trace, violation) = (std::mem::take(&mut state.trace), state.violation.take());
        let runs = std::mem::take(&mut state.runs);
        drop(state);
        let disturbed = runs.iter().map(|run| run.ledger.is_disturbed).collect();
        let reports = runs.into_iter().filter_map(|run| run.report).collect();
        Lived { reports, disturbed, deaths, faults, trace, violation }
    }

    fn until_over(&self, world: &Arc<World>) {
        let (mut steps, mut idle) = (0, 0);
        while world.state().violation.is_none() {
            if world.state().is_dead {
                world.bury();
                world.restart(self);
                continue;
            }
            if world.is_over() {
                return;
            }
            steps += 1;
            idle += 1;
            if world.step() {
                idle = 0;
            } else if !world.state().is_dead && (idle > MOST_IDLE || !world.advance(None)) {
                return world.violated("nothing happens any more, and a run is not over");
            }
            if steps > MOST_STEPS {
                return world.violated("the run does not come to its end");
            }
        }
    }

    /// The records of the runs say what their handles have said.
    fn read_back(&self, world: &Arc<World>) {
        if world.state().violation.is_some() {
            return;
        }
        let live: Vec<Option<Report>> =
            world.state().runs.iter_mut().map(|run| run.report.take()).collect();
        world.state().runs.iter_mut().for_each(|run| run.tries = 0);
        world.state().is_dead = true;
        world.bury();
        world.restart(self);
        while !world.is_over() && world.state().violation.is_none() {
            if !world.step() {
                return world.violated("the report of a run that is over cannot be had");
            }
        }
        let mut state = world.state();
        for (run, live) in live.into_iter().enumerate() {
            let read = state.runs[run].report.take();
            if let (Some(live), Some(read)) = (live, read) {
                let (said, recorded) = (outcome::steps(&live), outcome::steps(&read));
                if said != recorded {
                    let why = format!("its report was {said}, and its records say {recorded}");
                    state.check(run, Err(why));
                }
                state.runs[run].report = Some(live);
            }
        }
    }
}

impl World {
    /// Whether all runs are over.
    fn is_over(&self) -> bool {
        self.state().runs.iter().all(|run| run.report.is_some() && run.again.is_none())
    }

    fn violated(&self, why: &str) {
        self.state().violation.get_or_insert_with(|| why.to_owned());
    }

    /// Ends what is left of a dead process.
    pub(super) fn bury(&self) {
        let mut state = self.state();
        state.is_dead = true;
        let tasks = std::mem::take(&mut state.tasks);
        let pools = std::mem::take(&mut state.pools);
        let futures: Vec<_> = state.runs.iter_mut().map(|run| run.future.take()).collect();
        let process = state.process.take();
        if let Some(changes) = state.in_flight.take() {
            let (tail, is_whole) = disk::write_and_die(&changes, &mut state.random);
            state.note(match tail {
                Tail::Whole => "the commit under way is on the disk".to_owned(),
                Tail::Missing => "the commit under way is not on the disk".to_owned(),
                Tail::Torn => "the commit under way is torn".to_owned(),
                Tail::Reordered => "the commit under way has a hole".to_owned(),
            });
            if is_whole && self.disk.commit(&changes).is_ok() {
                state.safe(&changes);
            }
        }
        state.runs.iter_mut().for_each(|run| run.ledger.process_died());
        drop(state);
        // Their drops are user code, and call what is dead.
        panic::drop_quietly(tasks);
        panic::drop_quietly(futures);
        panic::drop_quietly(pools);
        panic::drop_quietly(process);
    }

    /// Begins the next process, which goes on with all runs that are not over.
    fn restart(self: &Arc<Self>, case: &Case<'_>) {
        let mut state = self.state();
        state.process_number += 1;
        state.is_dead = false;
        if state.process_number > 1 {
            let down = state.random.below(self.settings.downtime.as_millis() as usize + 1);
            state.now += Duration::from_millis(down as u64);
            if state.random.chance(self.settings.clock_jumps) {
                let jump = state.random.below(2 * HOUR_MICROS).cast_signed();
                state.wall_offset += (jump - HOUR_MICROS.cast_signed()) as i64;
                state.runs.iter_mut().for_each(|run| run.ledger.clock_is_steady = false);
            }
            state.note("the next process begins".to_owned());
        }
        state.next_requests = state.now;
        let (number, began, at) = (state.process_number, state.now, state.timestamp());
        state.runs.iter_mut().for_each(|run| run.ledger.process_began(at));
        drop(state);
        let world = Arc::downgrade(self);
        let executors = move |pool: &_| match world.upgrade() {
            Some(world) => world.executor(pool),
            None => Arc::new(super::executor::SimulatedExecutor::new(world.clone(), 0, 1)),
        };
        let mut builder = Engine::builder()
            .clock(SimulatedClock::new(Arc::clone(self)))
            .seed(case.seed)
            .store(SimulatedStore::new(Arc::clone(self), number))
            .resumable(&self.plan)
            .stepped(Stepped::new(executors));
        for (ty, state) in case.states {
            builder = builder.resource(*ty, state.clone());
        }
        let engine = match builder.build() {
            Ok(engine) => engine,
            Err(why) => return self.violated(&why.to_string()),
        };
        let Some(steps) = engine.steps() else { return };
        for run in 0..case.keys.len() {
            if self.state().runs[run].report.is_some() {
                continue;
            }
            let fields = match (case.fields)() {
                Ok(fields) => fields,
                Err(why) => return self.violated(&why.to_string()),
            };
            let mut prepared = engine.prepared(&self.plan, fields);
            if let Some(limit) = case.timeout {
                prepared = prepared.timeout(limit);
            }
            let future = Box::pin(prepared.key(Arc::clone(&case.keys[run])).run_async());
            let mut state = self.state();
            state.runs[run].woken = Flag::raised();
            state.runs[run].future = Some(future);
        }
        self.state().process = Some(Arc::new(Process { engine, steps, began }));
    }
}
