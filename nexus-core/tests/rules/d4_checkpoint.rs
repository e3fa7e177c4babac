//! D4 and D6: what of a step is recorded, and which version of its event that is.

use crate::support::*;

/// `Q` is not recorded where the flow does not say otherwise.
fn with_quick() -> Registry {
    let mut registry = registry();
    registry.event("Q", |_: &Context| Outcome::success(1_u32)).checkpoint(false);
    registry
}

fn recorded(flow: &str) -> Vec<bool> {
    let plan = plan(&with_quick(), flow);
    plan.describe_steps().map(|step| step.settings.checkpoint).collect()
}

#[test]
fn a_flow_says_better_than_an_event_whether_a_step_is_recorded() {
    assert_eq!(recorded("S -> Q"), [true, false]);
    assert_eq!(recorded("S[checkpoint = false] -> Q[checkpoint]"), [false, true]);
    assert_eq!(
        recorded("{S -> Q -> S[checkpoint = true]}[checkpoint = false] -> S"),
        [false, false, true, true]
    );
    // A branch is no part of the brackets before it.
    assert_eq!(recorded("{Q}[checkpoint] (0 -> Q, 1 -> S)"), [true, false, true]);
}

#[test]
fn a_flow_that_gives_a_version_is_told_where_it_belongs() {
    let error = refusal(&registry(), "S[version = 2]");
    let cure = "it belongs to the event, not to a flow: `#[event(version = ..)]`";
    assert!(error.contains("unknown setting `version`") && error.contains(cure), "{error}");
}

#[test]
fn a_version_of_zero_is_refused() {
    let mut registry = registry();
    registry.event("V", |_: &Context| Outcome::success(1_u32)).version(0);
    let error = refusal(&registry, "V");
    assert!(error.contains("the version of `V` is 0"), "{error}");
    assert!(error.contains("N0011"), "{error}");
}

#[test]
fn a_description_says_the_version_and_what_is_recorded() {
    let mut registry = with_quick();
    registry.event("V", |_: &Context| Outcome::success(1_u32)).version(3);
    let [quick] = &registry.describe("Q")[..] else { panic!() };
    let [versioned] = &registry.describe("V")[..] else { panic!() };
    assert_eq!((quick.version, quick.settings.checkpoint), (1, false));
    assert_eq!((versioned.version, versioned.settings.checkpoint), (3, true));
}
