//! Flows that arrive as text while the program runs, against the events linked into it.

use nexus::prelude::*;

/// Where two modules name an event alike.
mod first {
    use nexus::prelude::*;
    #[event(name = "twin")]
    fn one() -> Outcome<u32> {
        Outcome::success(1)
    }
}
mod second {
    use nexus::prelude::*;
    #[event(name = "twin")]
    fn two() -> Outcome<u32> {
        Outcome::success(2)
    }
}

#[event]
fn measure(city: &String) -> Outcome<u32> {
    Outcome::success(city.len() as u32)
}

#[derive(Event)]
struct Scale {
    factor: u32,
    #[field(default = 0)]
    offset: u32,
}

#[event]
impl Scale {
    fn process(&self, #[piped] n: u32) -> Outcome<u32> {
        Outcome::success(n * self.factor + self.offset)
    }
}

fn fields() -> Fields {
    Fields::new().with::<String>("city")
}

/// The messages of a script's mistakes.
fn mistakes(script: &str) -> Vec<String> {
    let planned = Flow::parse(script).and_then(|flow| flow.plan(&Registry::linked(), &fields()));
    let Err(nexus::Error::Flow(errors)) = planned else { return Vec::new() };
    let text = |m: nexus::Mistake<'_>| {
        format!("{}:{} {} {}", m.line, m.column, m.message, m.help.unwrap_or(""))
    };
    errors.iter().map(text).collect()
}

#[test]
fn a_script_finds_annotated_events_and_sets_a_structs_fields() -> nexus::Result<()> {
    let flow = Flow::parse("measure |-> Scale[factor = 3] |-> Scale[factor = 2, offset = 1]")?;
    let plan = flow.plan(&Registry::linked(), &fields())?;
    let report = Engine::new().run_plan(&plan, Inputs::new().with("city", "Porto".to_owned()))?;
    assert_eq!(report.output::<u32>()?, &31);
    Ok(())
}

#[test]
fn a_report_for_programs_has_the_values_of_single_steps_and_of_each_item() -> nexus::Result<()> {
    #[event]
    fn digits() -> Outcome<Vec<u32>> {
        Outcome::success(vec![1, 2, 3])
    }
    #[event]
    fn square(#[piped] n: u32) -> Outcome<u32> {
        if n == 2 { Outcome::failure("two") } else { Outcome::success(n * n) }
    }
    #[derive(Pipeline)]
    #[pipeline(flow = digits |-> square[each])]
    struct Squares {}

    let report = serde_json::to_value(Squares {}.run()?).unwrap();
    assert_eq!(report["status"], "failed");
    let steps = &report["steps"];
    assert_eq!(
        (&steps[0]["value"], &steps[1]["value"]),
        (&[1, 2, 3][..].into(), &[1, 9][..].into())
    );
    assert_eq!(steps[1]["reason"], "1 of 3 items did not succeed; item 1: two");
    Ok(())
}

#[test]
fn a_name_that_two_events_claim_is_an_error_with_both_places() {
    let found = mistakes("twin");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("1:1 `twin` is the name of 2 events"), "{found:?}");
    assert_eq!(found[0].matches("linked_registry.rs:").count(), 2, "{found:?}");
}

#[test]
fn every_mistake_of_a_script_is_found_before_anything_runs() {
    let found = mistakes("measrue |-> Scale\n-> Scale[factr = 3]\n-> measure[retries = 3]");
    let expected = [
        "1:1 there is no event `measrue` did you mean `measure`?",
        "1:13 `Scale` has a field `factor` that is not set write `Scale[factor = ..]`",
        "2:4 `Scale` takes `u32` along `|->`, but nothing is piped into it here",
        "2:10 unknown setting `factr` did you mean the field `factor`?",
        "3:12 unknown setting `retries` ",
    ];
    assert_eq!(found.len(), expected.len() + 1, "{found:#?}");
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}\n{found:#?}");
    }
}

#[event]
fn total(#[piped] all: &Vec<u32>) -> Outcome<u32> {
    Outcome::success(all.iter().sum())
}

#[event]
fn either(#[piped] n: Result<&u32, Failure>) -> Outcome<u32> {
    Outcome::success(n.map_or(0, |n| *n))
}

#[event]
fn text() -> Outcome<String> {
    Outcome::success("text".to_owned())
}

#[test]
fn a_value_that_does_not_fit_is_told_in_the_words_of_the_signature() {
    for (script, message) in [
        ("text |-> total", "`text` yields `String`, but `total` takes `&Vec<u32>` along `|->`"),
        (
            "text |-> either",
            "`text` yields `String`, but `either` takes `Result<&u32, Failure>` along `|->`",
        ),
        (
            "numbers |-> tenfold[each] |-> either",
            "`tenfold` runs for each item and yields `Vec<u32>`, but `either` takes \
             `Result<&u32, Failure>` along `|->`",
        ),
        (
            "text |-> tenfold[each]",
            "`text` yields `String`, but `tenfold` takes `u32` for each item along `|->`",
        ),
        (
            "text || numbers |-> either",
            "the group hands on `(String, Vec<u32>)`, but `either` takes `Result<&u32, Failure>` \
             along `|->`",
        ),
        (
            "text (0 |-> either)",
            "a `0` branch is handed a `Failure`, but `either` takes `Result<&u32, Failure>` along \
             `|->`",
        ),
    ] {
        let found = mistakes(script);
        assert_eq!(found.len(), 1, "{script}: {found:#?}");
        assert!(found[0].contains(message), "{script}: {found:#?}");
    }
}

#[derive(Debug, Descriptor)]
enum Route {
    Premium,
    #[allow(dead_code, reason = "a branch that is not taken")]
    Regular,
}

#[test]
fn a_closure_that_names_branches_takes_them_and_needs_them_all() -> nexus::Result<()> {
    let mut registry = Registry::new();
    registry.event("route", |_: &Context| Route::Premium);
    registry.event("gold", |_: &Context| Outcome::success("gold"));
    let flow = Flow::parse("route (premium -> gold, regular -> gold)")?;
    let report = Engine::new().run_plan(&flow.plan(&registry, &Fields::new())?, Inputs::new())?;
    assert_eq!(nexus::testing::ran(&report), ["route", "route/premium/gold"]);
    let missing = Flow::parse("route (premium -> gold)")?.plan(&registry, &Fields::new());
    let text = missing.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("`route` has no branch for `regular`"), "{text}");
    Ok(())
}

#[event]
fn numbers() -> Outcome<Vec<u32>> {
    Outcome::success(vec![1, 2, 3])
}

fn skips_the_first(ctx: &Context) -> Bypass<u32> {
    if ctx.item() == Some(0) { Bypass::skip_with("known", 5) } else { Bypass::no() }
}

#[event(bypass = skips_the_first)]
fn tenfold(#[piped] n: u32) -> Outcome<u32> {
    Outcome::success(n * 10)
}

#[event]
fn sum(#[piped] all: Vec<u32>) -> Outcome<u32> {
    Outcome::success(all.iter().sum())
}

#[derive(Pipeline)]
#[pipeline(flow = numbers |-> tenfold[each] |-> sum)]
struct Sum {}

#[test]
fn an_item_that_is_skipped_with_a_value_stands_in_the_list_with_the_others() -> nexus::Result<()> {
    assert_eq!(Sum {}.run()?.output::<u32>()?, &55);
    Ok(())
}

#[derive(Pipeline)]
#[pipeline(flow = measure)]
struct City {
    #[field(default = "Porto")]
    city: String,
}

#[test]
fn a_flow_over_a_pipelines_fields_knows_their_defaults() -> nexus::Result<()> {
    let plan = Flow::parse("measure")?.plan(&Registry::linked(), &City::fields())?;
    let engine = Engine::new();
    assert_eq!(engine.run_plan(&plan, Inputs::new())?.output::<u32>()?, &5);
    let inputs = Inputs::new().with("city", "Rome".to_owned());
    assert_eq!(engine.run_plan(&plan, inputs)?.output::<u32>()?, &4);
    assert!(plan.fields().has_default("city"));
    Ok(())
}
