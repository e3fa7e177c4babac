//! R5: what a closure sees of the steps before it.

use super::support::*;

/// `S`, `F` and `P`, a `LIST` of 5 and 6, a `STREAM` of the same, `WHO`, which says what it sees,
/// and `ITEM`, which does so for each item.
fn watched() -> Registry {
    let mut registry = registry();
    registry.event("LIST", |_: &Context| Outcome::success(vec![5_u32, 6]));
    registry.event("STREAM", |_: &Context| Outcome::success(Items::new([5_u32, 6])));
    registry.event("WHO", |ctx: &Context| Outcome::success(seen(ctx)));
    registry.event("ITEM", |ctx: &Context| Outcome::success(seen(ctx))).each_of::<u32>();
    registry
}

fn seen(ctx: &Context) -> String {
    let one = |before: &Previous| {
        assert!(before.step_path().ends_with(before.event()) || before.step_path().contains('#'));
        match (before.value::<u32>(), before.failure()) {
            (Some(number), None) => format!("{} {number}", before.step_path()),
            (None, Some(failure)) => format!("{} {failure}", before.step_path()),
            other => format!("{} {other:?}", before.step_path()),
        }
    };
    ctx.previous().iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_closure_sees_which_step_each_outcome_came_from() {
    let registry = watched();
    for (flow, sees) in [
        ("S -> WHO", ""),
        ("S |-> WHO", "S 1"),
        ("F |-> WHO", "F no"),
        ("S || F || P || S |-> WHO", "S 1, F no, P broke, S#2 1"),
        ("F || {S || S} |-> WHO", "F no, S 1, S#2 1"),
        ("{S || F} |-> WHO", "S 1, F no"),
        ("S (1 -> SUM) |-> WHO", "S/1/SUM 0"),
        ("F (1 -> S) |-> WHO", "F no"),
        ("F (0 -> S || P) |-> WHO", "F/0/S 1, F/0/P broke"),
        ("S (1 |-> WHO)", "S 1"),
        ("F (0 |-> WHO)", "F no"),
        ("{S -> P -> F} (0 |-> WHO)", "P `P`: broke (and 1 more)"),
    ] {
        for place in ["", "[executor = ThreadPoolExecutor]"] {
            let flow = flow.replace("WHO", &format!("WHO{place}"));
            let report = run(&registry, &flow);
            let step = report.steps().find(|step| step.event() == "WHO").unwrap();
            assert_eq!(step.value::<String>().unwrap(), sees, "{flow}");
        }
    }
}

#[test]
fn a_closure_at_an_each_step_sees_its_item_alone() {
    let registry = watched();
    for (flow, sees) in [
        ("LIST |-> ITEM[each]", ["LIST 5", "LIST 6"]),
        ("STREAM |-> ITEM[each]", ["STREAM 5", "STREAM 6"]),
        ("S || SUM |-> ITEM[each]", ["S 1", "SUM 0"]),
        ("{S || SUM} |-> ITEM[each]", ["S 1", "SUM 0"]),
    ] {
        assert_eq!(run(&registry, flow).output::<Vec<String>>().unwrap(), &sees, "{flow}");
    }
    let says = "`S` yields `u32`, but `ITEM` takes `u32` for each item along `|->`";
    assert!(refusal(&registry, "S |-> ITEM[each]").contains(says));
    let says = "registry.event(..).each_of::<T>()";
    assert!(refusal(&registry, "LIST |-> WHO[each]").contains(says));
}

#[test]
fn a_mock_of_an_each_step_reads_its_item() {
    let mut registry = typed_registry();
    registry.event("LIST", |_: &Context| Outcome::success(vec![5_u32, 6]));
    let item = |ctx: &Context| Outcome::success(ctx.previous()[0].value::<u32>().unwrap() + 1);
    let engine = TestEngine::new().mock("Item", item).build().unwrap();
    let report = run_on(&engine, &registry, "LIST |-> Item[each]");
    assert_eq!(report.output::<Vec<u32>>().unwrap(), &[6, 7]);
}
