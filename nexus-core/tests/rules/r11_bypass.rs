//! R11: an event that says that it need not run.

use super::support::*;

/// `B` is bypassed as `answer` says, and logs if its body runs.
fn bypassed(answer: fn(&Context) -> Bypass<u32>) -> (Registry, Log) {
    let (mut registry, log) = (registry(), Log::default());
    let ran = log.clone();
    registry
        .event("B", move |_: &Context| {
            ran.add("body");
            Err::<u32, _>(Broke)
        })
        .executor::<ThreadPoolExecutor>()
        .retry_policy(RetryPolicy::default())
        .bypass(answer);
    (registry, log)
}

#[test]
fn a_skipped_event_passes_its_value_on_and_counts_as_a_success() {
    let (registry, log) = bypassed(|_| Bypass::skip_with("cached", 9));
    let report = run(&registry, "B (0 -> F, 1 -> S) -> S");
    assert!(report.is_success());
    assert_eq!(ran(&report), ["B", "B/1/S", "S#2"]);
    let step = report.step("B").unwrap();
    assert!(step.is_success());
    assert_eq!((step.attempts(), step.waits().len(), step.value::<u32>().unwrap()), (0, 0, &9));
    assert_eq!(step.sentence(), "bypassed (cached)");
    assert_eq!(run(&registry, "B |-> SUM").output::<u32>().unwrap(), &9);
    assert_eq!(run(&registry, "B || S |-> SUM").output::<u32>().unwrap(), &10);
    assert!(log.lines().is_empty(), "the body ran");
}

#[test]
fn an_event_skipped_without_a_value_hands_on_why_there_is_none() {
    let (mut registry, _) = bypassed(|_| Bypass::skip("not needed"));
    registry.event("WHY", |ctx: &Context| {
        Outcome::success(ctx.previous()[0].failure().unwrap().to_string())
    });
    assert!(run(&registry, "B").is_success());
    let report = run(&registry, "B |-> WHY");
    assert!(report.output::<String>().unwrap().contains("not needed"));
    registry.add::<Take>();
    let report = run(&registry, "B |-> Take");
    assert!(report.broken_at().is_some_and(|(step, _)| step.event() == "Take"), "{report}");
}

#[test]
fn an_event_without_output_has_its_unit_to_pass_on() {
    let mut registry = registry();
    registry.event("U", |_: &Context| Outcome::success(())).bypass(|_| Bypass::<()>::skip("no"));
    registry.event("SEE", |ctx: &Context| Outcome::success(ctx.previous()[0].is_success()));
    assert_eq!(run(&registry, "U |-> SEE").output::<bool>().unwrap(), &true);
}

#[test]
fn an_event_that_is_not_skipped_runs_with_all_its_retries() {
    let (registry, log) = bypassed(|_| Bypass::no());
    let report = run(&registry, "B");
    assert_eq!(report.step("B").unwrap().attempts(), 5);
    assert_eq!(log.lines().len(), 5);
}

#[test]
fn the_check_sees_the_step_and_the_fields_and_is_asked_once_for_each_step() {
    let mut registry = registry();
    let log = Log::default();
    let asked = log.clone();
    registry.event("B", |_: &Context| Err::<u32, _>(Broke)).bypass(move |ctx: &Context| {
        asked.add(format!("{} {:?}", ctx.step_path(), ctx.field::<u32>("limit")));
        Bypass::<u32>::no()
    });
    let plan = Flow::parse("B * 3 (0 -> B)")
        .unwrap()
        .plan(&registry, &Fields::new().with::<u32>("limit"))
        .unwrap();
    TestEngine::new().build().unwrap().run_plan(&plan, Inputs::new().with("limit", 4_u32)).unwrap();
    assert_eq!(log.lines(), ["B Some(4)", "B/0/B#2 Some(4)"]);
}

#[test]
fn a_check_that_panics_is_an_exception_of_its_event() {
    let (registry, log) = bypassed(|_| panic!("{ON_PURPOSE}: check"));
    let report = run(&registry, "B (0 -> S) -> S");
    assert!(report.is_success());
    let StepOutcome::Exception(exception) = report.step("B").unwrap().outcome() else {
        panic!("{report}")
    };
    assert_eq!(exception.kind(), ExceptionKind::Panic);
    assert!(exception.message().ends_with("check"));
    assert!(log.lines().is_empty());
    assert_eq!(run(&registry, "B[stop_on_exception] -> S").status(), Status::Stopped);
}

#[test]
fn a_skipped_event_can_stop_the_run_as_a_success() {
    let (registry, _) = bypassed(|_| Bypass::skip("done"));
    assert_eq!(run(&registry, "B[stop_on_success] -> S").status(), Status::Stopped);
}

/// An `each` step's event: items below 10 are skipped with a value, those below 20 without one.
#[derive(Debug)]
struct Sorted;

impl Event for Sorted {
    type Output = u32;
    type Piped = ByRef<u32>;
    const SPEC: &'static Spec = &Spec {
        name: "Sorted",
        params: &[PIPED],
        place: "tests",
        options: &Options { bypass: Some(known), ..Options::NONE },
        code: Code::Function(&Calling::<u32, ByRef<u32>>::plain(
            |inputs| {
                let number = inputs.piped::<ByRef<u32>>();
                number.and_then(|number| item(*number)).unwrap_or_else(TaskOutcome::from)
            },
            PARAM_TYPES,
        )),
        handle: TypeInfo::of::<Self>(),
        ..Spec::NO_EVENT
    };
}

fn known(inputs: &BodyInputs<'_>) -> std::result::Result<Bypass<Value>, Exception> {
    match inputs.context().item() {
        Some(0) => Ok(Bypass::skip_with("known", Value::new(7_u32))),
        Some(1) => Ok(Bypass::skip("not needed")),
        Some(2) => Err(Exception::new(Broke)),
        _ => Ok(Bypass::no()),
    }
}

#[test]
fn an_each_step_is_asked_for_each_item_and_takes_what_it_skips_with() {
    let mut registry = typed_registry();
    registry.add::<Sorted>();
    registry.event("LIST", |_: &Context| Outcome::success(vec![5_u32, 5, 5, 3, 4]));
    for place in ["", ", executor = DefaultExecutor", ", executor = ThreadPoolExecutor"] {
        let settings =
            format!("each, execution_evaluation_state = SuccessForPartialSuccess{place}");
        let report = run(&registry, &format!("LIST |-> Sorted[{settings}]"));
        let step = report.step("Sorted").unwrap();
        // The first is what the check gave, the second is left out, the third broke.
        assert_eq!(step.value::<Vec<u32>>().unwrap(), &[7, 30, 40], "{place}");
        assert_eq!(step.attempts(), 2, "{place}");
        let StepOutcome::Each { total, failures, bypassed, .. } = step.outcome() else {
            panic!("{report}")
        };
        assert_eq!((total, bypassed, failures.len(), failures[0].0), (5, 2, 1, 2), "{place}");
        assert_eq!(step.sentence(), "5 items, 1 of them without success, 2 bypassed");
    }
}

typed!(Which, OrFailure<List<OrFailure<ByRef<u32>>>> => Vec<String>, &[PIPED], |inputs| {
    let list = inputs.piped::<OrFailure<List<OrFailure<ByRef<u32>>>>>()?;
    let text = |item: std::result::Result<&u32, Failure>| match item {
        Ok(number) => number.to_string(),
        Err(failure) => failure.to_string(),
    };
    outcome(Outcome::success(list.unwrap_or_default().into_iter().map(text).collect::<Vec<_>>()))
});

#[test]
fn who_takes_failures_too_is_told_of_each_item_that_was_skipped_without_a_value() {
    let mut registry = typed_registry();
    registry.add::<Sorted>().add::<Which>();
    registry.event("LIST", |_: &Context| Outcome::success(vec![5_u32, 5, 5, 3]));
    let flow =
        "LIST |-> Sorted[each, execution_evaluation_state = SuccessForPartialSuccess] |-> Which";
    let report = run(&registry, flow);
    assert_eq!(
        report.output::<Vec<String>>().unwrap(),
        &["7", "`Sorted` was bypassed without a value (not needed)", "broke", "30"]
    );
}
