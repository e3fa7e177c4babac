//! Runs of a pipeline under faults, thousands of them, on one thread and without waiting.

mod case;
mod disk;
mod ledger;
mod order;
mod outcome;
mod random;
mod settings;
mod trace;
mod world;

use std::any::TypeId;
use std::error::Error as StdError;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use case::{Case, Lived};
pub use outcome::{SimulatedRun, SimulationError, SimulationSummary};
use settings::Settings;
pub use trace::Trace;

use crate::engine::Inputs;
use crate::error::Result;
use crate::failure::Exception;
use crate::panic;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::report::{Report, Status};
use crate::value::Value;

/// The environment variable that names the one seed to run.
const SEED_VARIABLE: &str = "NEXUS_SIMULATION_SEED";

/// Runs a durable pipeline again and again, each time with other faults at other moments, and checks
/// that it comes to the same end.
///
/// The pipeline is the real one, and so is the engine; only threads, the clock and the disk are
/// simulated. A seed draws what happens when: which task ends next and how long it takes, which
/// attempt breaks, when a worker is lost, and when the whole process dies. After a death the runs go on
/// in another process from what was safe on the disk. The same seed gives the same trace, byte for
/// byte.
///
/// After each seed it is checked that
/// - each outcome was recorded once, and what was recorded was not invoked again,
/// - nothing began before it was safe how what stands before it had ended,
/// - attempts, waits and the items of a step at once were within their bounds,
/// - what is recorded says the same as the run's report,
/// - the run ended as without faults, with the same outputs, if every fault was handled. (Where it
///   is up to chance who is first, as with a stop condition in a group, this is not compared.)
///
/// ```
/// use nexus_core::testing::Simulation;
/// use nexus_core::{Context, Fields, Flow, Inputs, Outcome, Registry, RetryPolicy};
///
/// #[derive(Debug, Default)]
/// struct Busy;
/// impl std::fmt::Display for Busy {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("busy")
///     }
/// }
/// impl std::error::Error for Busy {}
///
/// let mut registry = Registry::new();
/// let fetch = registry.event("fetch", |_: &Context| Outcome::success(20_u32));
/// fetch.output_json().retry_policy(RetryPolicy::builder().retry_on::<Busy>().build());
/// let add = |ctx: &Context| Outcome::success(1 + ctx.previous()[0].value::<u32>().unwrap_or(&0));
/// registry.event("add", add).output_json();
/// let plan = Flow::parse("fetch |-> add")?.plan(&registry, &Fields::new())?;
///
/// Simulation::seeds(0..50).crashes(0.05).exceptions::<Busy>(0.2).check_plan(
///     &plan,
///     Inputs::new,
///     |run| assert_eq!(run.output::<u32>().ok(), Some(&21)),
/// );
/// # Ok::<(), nexus_core::Error>(())
/// ```
///
/// A pipeline of `#[derive(Pipeline)]` is checked by [`check`](Self::check).
///
/// Not simulated is what events do by themselves: a body that reads the system's clock, starts
/// threads or waits for the network does so. Give it a [`State`](crate::State) that it can be tested
/// with.
#[derive(Debug, Clone)]
#[must_use = "nothing is simulated until `check`"]
pub struct Simulation {
    seeds: Range<u64>,
    settings: Settings,
}

impl Simulation {
    /// Simulations of these seeds, without faults yet.
    ///
    /// If the environment variable `NEXUS_SIMULATION_SEED` is a number, only that seed is run: the
    /// message of a failed check says so.
    pub fn seeds(seeds: Range<u64>) -> Self {
        Self { seeds, settings: Settings::new() }
    }

    /// Lets the process die, with this probability at each thing that happens.
    pub fn crashes(mut self, probability: f64) -> Self {
        self.settings.crashes = probability;
        self
    }

    /// How long a dead process is down at most; two seconds without this.
    pub fn downtime(mut self, most: Duration) -> Self {
        self.settings.downtime = most;
        self
    }

    /// Lets the wall clock be wrong by up to an hour, either way, with this probability after each
    /// crash.
    pub fn clock_jumps(mut self, probability: f64) -> Self {
        self.settings.clock_jumps = probability;
        self
    }

    /// Lets the worker of an attempt be lost, with this probability, where the event runs on a pool:
    /// the attempt begins again under the same number.
    pub fn lost_workers(mut self, probability: f64) -> Self {
        self.settings.lost_workers = probability;
        self
    }

    /// Lets attempts break with an `E`, with this probability, where the event's retry policy tries
    /// again after that. Of those half break before the body is called, and half after it has done its
    /// work, as when the answer of a service is lost.
    ///
    /// May be called several times, for several types.
    pub fn exceptions<E>(self, probability: f64) -> Self
    where
        E: StdError + Default + Send + Sync + 'static,
    {
        self.exceptions_with(probability, E::default)
    }

    /// The same for errors that need more than [`Default`].
    pub fn exceptions_with<E>(
        mut self,
        probability: f64,
        make: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self
    where
        E: StdError + Send + Sync + 'static,
    {
        let make = move || Exception::new(make());
        self.settings.exceptions.push((probability, Arc::new(make)));
        self
    }

    /// Lets attempts take longer than their `timeout`, with this probability, where the event's retry
    /// policy tries again after that.
    pub fn timeouts(mut self, probability: f64) -> Self {
        self.settings.timeouts = probability;
        self
    }

    /// Lets somebody cancel the run at some time, with this probability: here, or from another
    /// process.
    pub fn cancels(mut self, probability: f64) -> Self {
        self.settings.cancels = probability;
        self
    }

    /// Lets somebody try the run again that is over, with this probability and twice at most: from what
    /// failed, or from a step, which may have succeeded. Then the run may end in another way than
    /// without faults, which [`SimulatedRun::is_disturbed`] says.
    pub fn retries(mut self, probability: f64) -> Self {
        self.settings.retries = probability;
        self
    }

    /// Lets faults come where nothing is left to try, too: in events without a retry policy, at the
    /// last attempt, to the third worker. Then a run may end in another way than without faults, which
    /// [`SimulatedRun::is_disturbed`] says.
    pub fn unhandled_faults(mut self) -> Self {
        self.settings.unhandled = true;
        self
    }

    /// Runs the pipeline so often at once, under different keys; once without this.
    pub fn runs(mut self, runs: usize) -> Self {
        self.settings.runs = runs.max(1);
        self
    }

    /// Does not compare what the steps yield with a run without faults, only the run's status: for
    /// outputs that differ each time, such as the time of day.
    pub fn ignore_outputs(mut self) -> Self {
        self.settings.compare_outputs = false;
        self
    }

    /// A resource for events that take a `State<T>`, made anew for each seed. It is part of the world
    /// outside: it outlives the processes of its seed, as a payment service does.
    /// [`SimulatedRun::state`] gives it.
    pub fn state<T: Send + Sync + 'static>(
        mut self,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        let make = move || Value::from_arc(Arc::new(make()));
        self.settings.states.push((TypeId::of::<T>(), Arc::new(make)));
        self
    }

    /// Says how steps of the event with this name end that are [pending](crate::Outcome::pending):
    /// some time after they are, somebody resolves them with this value.
    pub fn resolves<T: serde::Serialize>(
        mut self,
        event: impl Into<String>,
        value: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        let json = move || serde_json::to_string(&value()).unwrap_or_default();
        self.settings.resolves.push((event.into(), Arc::new(json)));
        self
    }

    /// Simulates runs of the pipeline that `make` gives, which must be the same each time, and calls
    /// `look` with each run that has ended.
    ///
    /// # Panics
    ///
    /// If something is violated, or `look` panics: with the seed, how to run it again, and the trace.
    #[expect(clippy::panic, reason = "as a test wants it")]
    pub fn check<P: Pipeline>(&self, make: impl Fn() -> P, look: impl Fn(&SimulatedRun)) {
        if let Err(error) = self.try_check(make, look) {
            panic!("{error}");
        }
    }

    /// The same without a panic; gives how often what happened.
    ///
    /// # Errors
    ///
    /// What is violated first.
    pub fn try_check<P: Pipeline>(
        &self,
        make: impl Fn() -> P,
        look: impl Fn(&SimulatedRun),
    ) -> std::result::Result<SimulationSummary, SimulationError> {
        let plan = P::plan().map_err(|why| self.no_plan(&why))?;
        self.simulate(plan, P::timeout(), &|| Ok(make().into_values()), &look)
    }

    /// Simulates runs of a plan, such as one whose events are in a [`Registry`](crate::Registry).
    ///
    /// # Panics
    ///
    /// As [`check`](Self::check).
    #[expect(clippy::panic, reason = "as a test wants it")]
    pub fn check_plan(
        &self,
        plan: &Arc<Plan>,
        inputs: impl Fn() -> Inputs,
        look: impl Fn(&SimulatedRun),
    ) {
        if let Err(error) = self.try_check_plan(plan, inputs, look) {
            panic!("{error}");
        }
    }

    /// The same without a panic; gives how often what happened.
    ///
    /// # Errors
    ///
    /// What is violated first.
    pub fn try_check_plan(
        &self,
        plan: &Arc<Plan>,
        inputs: impl Fn() -> Inputs,
        look: impl Fn(&SimulatedRun),
    ) -> std::result::Result<SimulationSummary, SimulationError> {
        self.simulate(plan, None, &|| inputs().arrange(plan), &look)
    }

    fn simulate(
        &self,
        plan: &Arc<Plan>,
        timeout: Option<Duration>,
        fields: &dyn Fn() -> Result<Vec<Value>>,
        look: &dyn Fn(&SimulatedRun),
    ) -> std::result::Result<SimulationSummary, SimulationError> {
        let one = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse::<u64>().ok());
        let seeds = one.map_or(self.seeds.clone(), |seed| seed..seed.saturating_add(1));
        let decided_by_order = order::order_decides(plan);
        let mut summary = SimulationSummary::default();
        for seed in seeds {
            let keys = (0..self.settings.runs).map(|run| match self.settings.runs {
                1 => format!("seed-{seed}").into(),
                _ => format!("seed-{seed}-{}", run + 1).into(),
            });
            let keys: Vec<Arc<str>> = keys.collect();
            let states = || self.settings.states.iter().map(|(ty, make)| (*ty, make()));
            let live = |settings: &Settings, states: &[(TypeId, Value)]| {
                let keys = &keys;
                Case { plan, settings, seed, keys, states, fields, timeout }.live()
            };
            let outside: Vec<(TypeId, Value)> = states().collect();
            let mut lived = live(&self.settings, &outside);
            if lived.violation.is_none() && !decided_by_order {
                let quiet = live(&self.settings.without_faults(), &states().collect::<Vec<_>>());
                lived.violation = self.difference(plan, &lived, quiet);
            }
            if let Some(violation) = lived.violation {
                return Err(SimulationError { seed, violation, trace: lived.trace });
            }
            summary.seeds += 1;
            summary.crashes += u64::from(lived.deaths);
            summary.faults += lived.faults;
            let trace = Arc::new(lived.trace);
            for (report, is_disturbed) in lived.reports.into_iter().zip(lived.disturbed) {
                summary.disturbed += u64::from(is_disturbed);
                let run = SimulatedRun {
                    report,
                    seed,
                    deaths: lived.deaths,
                    faults: lived.faults,
                    is_disturbed,
                    trace: Arc::clone(&trace),
                    states: outside.clone(),
                };
                if let Err(panic) = panic::contain(|| look(&run)) {
                    let violation = format!("the check of a run that has ended: {panic}");
                    let trace = Trace::clone(&trace);
                    return Err(SimulationError { seed, violation, trace });
                }
            }
        }
        Ok(summary)
    }

    /// What differs from the same runs without faults, although all faults were handled.
    fn difference(&self, plan: &Plan, lived: &Lived, quiet: Lived) -> Option<String> {
        if let Some(violation) = quiet.violation {
            return Some(format!("without faults: {violation}"));
        }
        let races = |report: &Report| {
            let ended_early = report.stopped_by().is_some() || report.broken_at().is_some();
            report.status() == Status::TimedOut || (ended_early && order::has_groups(plan))
        };
        let runs = lived.reports.iter().zip(&lived.disturbed).zip(&quiet.reports);
        for ((with, is_disturbed), without) in runs {
            if *is_disturbed || races(with) || races(without) {
                continue;
            }
            if with.status() != without.status() {
                let (with, without) = (with.status().name(), without.status().name());
                return Some(format!("the run ended as {with}, and without faults as {without}"));
            }
            let (with, without) = (outcome::ends(with), outcome::ends(without));
            if self.settings.compare_outputs && with != without {
                return Some(format!(
                    "the run ended with {with}, and without faults with {without}"
                ));
            }
        }
        None
    }

    fn no_plan(&self, why: &crate::Error) -> SimulationError {
        let violation = format!("the pipeline cannot be planned: {why}");
        SimulationError { seed: self.seeds.start, violation, trace: Trace::default() }
    }
}
