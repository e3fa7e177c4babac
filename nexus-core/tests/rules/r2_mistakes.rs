//! R2, at load: one mistake is one message, the same whoever finds it.

use super::support::*;

/// Code, line, column and message of each mistake of a script that is loaded.
fn found(registry: &Registry, script: &str) -> Vec<(String, usize, usize, String)> {
    let Err(Error::Flow(errors)) = try_plan(registry, script) else { return Vec::new() };
    let of = |it: Mistake<'_>| (it.code.to_owned(), it.line, it.column, it.message.to_owned());
    errors.iter().map(of).collect()
}

#[test]
fn a_wrong_setting_is_one_mistake_and_the_one_that_nexus_check_gives() {
    let registry = registry();
    for script in [
        "{S -> F}[stop_on_eror]",
        "{S || F || P}[factor = 2] -> S",
        "S -> {{S -> F -> S}[stop_on_eror] || F}[max_concurrency = 0]",
        "S (1 -> {S -> S}[timeot = \"1s\"])",
        "S[max_attempts = 2] * 3",
        "{S[max_attempts = 2] * 3 -> S} * 2",
        "S[timeout = \"0s\"]",
    ] {
        let checked: Vec<_> = nexus_pointy::check(script)
            .diagnostics
            .into_iter()
            .map(|it| {
                let (line, column) = nexus_pointy::line_column(script, it.span.start as usize);
                (it.code.to_owned(), line, column, it.message)
            })
            .collect();
        assert!(!checked.is_empty(), "{script}");
        assert_eq!(found(&registry, script), checked, "{script}");
    }
}

#[test]
fn settings_of_an_unknown_event_are_checked_as_well() {
    let mut registry = typed_registry();
    registry.add::<Scaled>();
    let messages = |script: &str| -> Vec<String> {
        found(&registry, script).into_iter().map(|(.., message)| message).collect()
    };
    assert_eq!(
        messages("Unknown[foo = 1, timeout = 3]"),
        [
            "there is no event `Unknown`",
            "unknown setting `foo`",
            "`timeout` takes a duration, found the number 3"
        ]
    );
    // A field of the event that is meant is no second mistake.
    assert_eq!(messages("Scalde[factor = 2]"), ["there is no event `Scalde`"]);
    assert_eq!(
        messages("Scalde[factr = 2]"),
        ["there is no event `Scalde`", "unknown setting `factr`"]
    );
}

/// A struct event with a field.
#[derive(Debug)]
struct Scaled;

impl Event for Scaled {
    type Output = u32;
    type Piped = Nothing;
    const SPEC: &'static Spec = &Spec {
        name: "Scaled",
        place: "tests",
        options: &Options {
            own: &[OwnField { name: "factor", kind: SettingKind::Int, required: false }],
            ..Options::NONE
        },
        code: Code::Fields(|_| Err("never made".to_owned()), Types::of::<u32, Nothing>(&[])),
        handle: TypeInfo::of::<Self>(),
        ..Spec::NO_EVENT
    };
}

#[test]
fn a_mistake_says_where_it_ends() {
    let Err(Error::Flow(errors)) = try_plan(&registry(), "S ->\n  Unknown -> F") else {
        panic!("it is planned")
    };
    let mistake = errors.iter().next().unwrap();
    assert_eq!(
        (mistake.line, mistake.column, mistake.end_line, mistake.end_column),
        (2, 3, 2, 10),
        "the end is the place behind the name"
    );
}
