//! The same flows driven by hand through the seam for other drivers: what is under way ends in any
//! order, and the driver dies at any moment and goes on from the records.

use nexus_core::driver::{Action, EventHost, RunMachine, RunStart, Timestamp};

use super::*;

/// What a driver has under way: what ended, and when; or a wait that is over then.
enum UnderWay {
    Ended(Action, String),
    Wait(Action, Timestamp),
}

/// Drives a run to its end. `picks` says which of the things under way ends next, and whether the
/// driver dies before that.
fn drive(case: &Case, start: &RunStart, host: &EventHost, picks: &[u8]) -> RunMachine {
    let mut machine = RunMachine::new(&case.plan, start.clone()).unwrap();
    let (mut under_way, mut now) = (Vec::new(), start.at);
    let mut picks = picks.iter().cycle();
    loop {
        while let Some(action) = machine.next_action() {
            under_way.push(match action {
                Action::Wake(_, wait) => UnderWay::Wait(action, now.plus(wait)),
                Action::Start(task) | Action::Check(task) => {
                    UnderWay::Ended(action, machine.task(task, host).run())
                }
                _ => unreachable!("nothing is pending"),
            });
        }
        if machine.is_finished() {
            return machine;
        }
        let pick = *picks.next().unwrap();
        if pick > 240 {
            machine = dies(case, start, &machine, &under_way);
        }
        match under_way.remove(usize::from(pick) % under_way.len()) {
            UnderWay::Ended(Action::Check(task), answer) => _ = machine.checked(task, answer, now),
            UnderWay::Ended(action, outcome) => _ = machine.completed(action.task(), outcome, now),
            UnderWay::Wait(action, at) => {
                now = now.max(at);
                machine.woken(action.task(), now);
            }
        }
    }
}

/// The machine as its records bring it back. It asks again for all that is under way, in the order
/// in which that was asked for first, and which bodies have begun is the driver's to know.
fn dies(case: &Case, start: &RunStart, machine: &RunMachine, under_way: &[UnderWay]) -> RunMachine {
    let mut again =
        RunMachine::replay(&case.plan, start.clone(), machine.records().to_vec()).unwrap();
    let asked: Vec<Action> = std::iter::from_fn(|| again.next_action()).collect();
    let is_wanted = |action: &&Action| machine.is_wanted(action.task());
    let wanted: Vec<&Action> = under_way
        .iter()
        .map(|(UnderWay::Ended(action, _) | UnderWay::Wait(action, _))| action)
        .filter(is_wanted)
        .collect();
    assert_eq!(asked.len(), wanted.len());
    assert!(wanted.iter().all(|action| asked.contains(action)));
    again
}

fn check_driven(script: &str, plays: &[Play], picks: &[u8]) -> TestCaseResult {
    let flow = nexus_pointy::parse(script).into_result().unwrap();
    let reference = Reference::of(&flow, plays, own);
    let case = Case::new(script, &reference, plays, Where::Inline);
    let host = EventHost::new(registry(&case.stage, Where::Inline, Extra::default()));
    let start = RunMachine::start(&case.plan, "k", Inputs::new(), Timestamp(7), None).unwrap();
    let machine = drive(&case, &start, &host, picks);
    let again = RunMachine::replay(&case.plan, start, machine.records().to_vec()).unwrap();
    let (report, again) = (machine.report(), again.report());
    prop_assert_eq!(json(&report), json(&again));
    if reference.undetermined {
        return Ok(());
    }
    compare_end(&reference, &report)?;
    compare_steps(&reference, &report)
        .map_err(|error| TestCaseError::fail(format!("{error}\n{script}\n{report}")))
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn a_flow_that_is_driven_by_hand_ends_as_the_rules_say(
        script in script(),
        plays in vec(play(), 1..24),
        picks in vec(any::<u8>(), 1..40),
    ) {
        check_driven(&script, &plays, &picks)?;
    }
}
