//! The same flows in the simulator: crashes at every kind of record, lost workers, exceptions,
//! timeouts, cancellations, clocks that jump, steps that are pending, runs that are tried again.
//!
//! `SIMULATED_SEEDS=100000` draws so many instead of the few that `cargo test` does; see
//! `ci/simulate.sh`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use nexus_core::testing::{SimulatedRun, Simulation, SimulationSummary};
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::*;

/// A flow and what its events do.
struct Drawn {
    script: String,
    plays: Vec<Play>,
    place: Where,
    extra: Extra,
    /// Whether attempts break that the plays know nothing of.
    injected: bool,
    /// Whether it has steps that run once for each item, and steps that wait for the world outside.
    has_each: bool,
    has_pending: bool,
    seed: u64,
}

/// Draws from a seed; what `cargo test` draws is the same everywhere.
struct Draw(TestRunner);

impl Draw {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(ProptestConfig::default(), random))
    }

    fn of<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }
}

const EACH: &str = "{l0 |-> i0[each, max_concurrency = 2]}";

fn draw(seed: u64, script: &BoxedStrategy<String>) -> Drawn {
    let mut draw = Draw::new(seed);
    let mut script = draw.of(script);
    let mut plays = draw.of(&vec(play(), 1..24));
    let injected = draw.of(&any::<bool>());
    let has_each = injected && script.contains("a1") && draw.of(&any::<bool>());
    if injected {
        // What an event does must not depend on the attempt, of which there are more now.
        for play in &mut plays {
            play.attempts.truncate(1);
        }
    }
    if has_each {
        script = script.replace("a1", EACH);
    }
    let has_pending = injected && draw.of(&any::<bool>());
    if has_pending {
        script = script.replace("b1", "p0");
    }
    let workers = draw.of(&(0..4_usize));
    let place = if workers == 0 { Where::Inline } else { Where::Pools(workers) };
    let (timeouts, unrecorded) = draw.of(&(Just(injected), any::<bool>()));
    let extra = Extra { timeouts, unrecorded };
    Drawn { script, plays, place, extra, injected, has_each, has_pending, seed }
}

impl Drawn {
    fn plan(&self) -> Arc<Plan> {
        let paths = {
            let stage = Stage::new(std::iter::empty(), &self.plays, true);
            let plan = plan(&self.script, &self.registry(&stage));
            plan.step_paths().collect::<Vec<_>>()
        };
        let stage = Stage::new(paths.into_iter(), &self.plays, !self.injected);
        plan(&self.script, &self.registry(&stage))
    }

    fn registry(&self, stage: &Arc<Stage>) -> Registry {
        let mut registry = registry(stage, self.place, self.extra);
        if self.has_each {
            let items = |_: &Context| Outcome::success(vec![0_u32, 1, 2, 3, 4]);
            registry.event("l0", items).output_json();
            let stage = Arc::clone(stage);
            let item = registry.event("i0", move |ctx: &Context| stage.act(ctx));
            let item = item.each_of::<u32>().output_json();
            let policy = RetryPolicy::builder().max_attempts(3).backoff_factor(2.0);
            item.retry_policy(policy.jitter(Jitter::Full).build());
        }
        if self.has_pending {
            let pending = |_: &Context| Outcome::<u32>::pending();
            let event = registry.event("p0", pending).output_json();
            let event = event.retry_policy(
                RetryPolicy::builder().backoff_factor(0.5).jitter(Jitter::Equal).build(),
            );
            if self.seed.is_multiple_of(2) {
                event.timeout(Duration::from_secs(2));
            }
        }
        registry
    }

    fn simulation(&self) -> Simulation {
        let mut draw = Draw::new(!self.seed);
        let runs = draw.of(&proptest::sample::select(vec![1, 1, 2, 3]));
        let mut one_of = |values: &[f64]| draw.of(&proptest::sample::select(values.to_vec()));
        let simulation = Simulation::seeds(self.seed..self.seed + 1)
            .crashes(one_of(&[0.0, 0.01, 0.03, 0.1]))
            .lost_workers(one_of(&[0.0, 0.1]))
            .cancels(one_of(&[0.0, 0.0, 0.0, 0.3]))
            .clock_jumps(one_of(&[0.0, 0.0, 0.3]))
            .retries(one_of(&[0.0, 0.0, 0.5]))
            .runs(runs);
        if !self.injected {
            return simulation;
        }
        let broke = || Broke("by the simulator".to_owned());
        let simulation = simulation.resolves("p0", || 7_u32);
        let simulation = simulation.timeouts(0.1).exceptions_with(one_of(&[0.0, 0.2]), broke);
        if one_of(&[0.0, 0.0, 1.0]) > 0.0 { simulation.unhandled_faults() } else { simulation }
    }

    /// Runs it; gives the trace of the last run, too.
    fn check(&self) -> Result<(SimulationSummary, String), String> {
        let flow = nexus_pointy::parse(&self.script).into_result().unwrap();
        let reference = (!self.injected).then(|| Reference::of(&flow, &self.plays, own));
        let trace = Mutex::new(String::new());
        let plan = self.plan();
        let summary = self.simulation().try_check_plan(&plan, Inputs::new, |run: &SimulatedRun| {
            *trace.lock().unwrap() = run.trace().to_string();
            if let Some(reference) = &reference
                && !reference.undetermined
                && !run.is_disturbed()
            {
                compare_end(reference, run).unwrap();
                compare_steps(reference, run).unwrap();
            }
        });
        match summary {
            Ok(summary) => Ok((summary, trace.into_inner().unwrap())),
            Err(error) => Err(format!("{}\n{}\n{error}", self.script, plan.script())),
        }
    }
}

/// The seeds to draw: some, so many as `SIMULATED_SEEDS` says from `SIMULATED_FROM` on, or the one that
/// failed.
fn seeds(few: u64) -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("NEXUS_SIMULATION_SEED") {
        return seed..seed + 1;
    }
    let from = number("SIMULATED_FROM").unwrap_or(0);
    from..from + number("SIMULATED_SEEDS").unwrap_or(few)
}

#[test]
fn random_flows_come_to_their_end_whatever_happens() {
    let script = script();
    let mut all = SimulationSummary::default();
    let mut hasher = DefaultHasher::new();
    for seed in seeds(400) {
        match draw(seed, &script).check() {
            Ok((summary, trace)) => {
                all += summary;
                trace.hash(&mut hasher);
            }
            Err(why) => panic!("{why}"),
        }
    }
    println!("{all}; hash of all traces: {:016x}", hasher.finish());
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let script = script();
    for seed in 0..60 {
        let drawn = draw(seed, &script);
        assert_eq!(drawn.check(), drawn.check(), "{}", drawn.script);
    }
}
