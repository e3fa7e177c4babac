use std::time::Duration;

use super::*;
use crate::{Attr, Span, code, parse};

fn attrs(list: &str) -> Vec<Attr> {
    let flow = parse(&format!("A[{list}]")).into_result().unwrap();
    flow.links[0].units[0].attrs.clone()
}

#[test]
fn all_settings_are_read() {
    let (settings, mistakes) = read_settings(&attrs(
        r#"executor = pools::ThreadPoolExecutor,
        executor_config = { max_workers: 4, max_tasks_per_child: 50, thread_name_prefix: "p", stack_size: 65536 },
        retry_policy = { max_attempts: 3, backoff_factor: 1, max_backoff: 10.0, retry_on_exceptions: [a::E, F],
            jitter: "full", max_elapsed: "1m" },
        max_attempts = 2, stop_on_success, stop_on_error = false, stop_on_exception = true,
        execution_evaluation_state = EvaluationState::SuccessForPartialSuccess,
        timeout = "1m30s", checkpoint = false, each = false, max_concurrency = 8, factor = 0.5, name = "x""#,
    ));
    assert_eq!(mistakes, []);
    assert_eq!(settings.executor.unwrap().to_string(), "pools::ThreadPoolExecutor");
    let config = settings.executor_config.unwrap();
    assert_eq!(
        (config.max_workers, config.max_tasks_per_child, config.stack_size),
        (Some(4), Some(50), Some(65536))
    );
    assert_eq!(config.thread_name_prefix.as_deref(), Some("p"));
    let retry = settings.retry_policy.unwrap();
    assert_eq!(
        (retry.max_attempts, retry.backoff_factor, retry.max_backoff),
        (Some(3), Some(1.0), Some(10.0))
    );
    assert_eq!(
        (retry.jitter, retry.max_elapsed),
        (Some(Jitter::Full), Some(Duration::from_mins(1)))
    );
    assert_eq!(retry.retry_on_exceptions.len(), 2);
    assert_eq!((settings.max_attempts, settings.max_concurrency), (Some(2), Some(8)));
    assert_eq!(
        (
            settings.stop_on_success,
            settings.stop_on_error,
            settings.stop_on_exception,
            settings.each
        ),
        (Some(true), Some(false), Some(true), Some(false))
    );
    assert_eq!(settings.evaluation, Some(EvaluationState::SuccessForPartialSuccess));
    assert_eq!(settings.timeout, Some(Duration::from_secs(90)));
    assert_eq!(settings.checkpoint, Some(false));
    let own: Vec<_> = settings.own.iter().map(|attr| &*attr.key.text).collect();
    assert_eq!(own, ["factor", "name"]);
}

#[test]
fn wrong_values_are_blamed_on_the_value() {
    for (list, code, blamed, message) in [
        (
            "retry_policy = { max_elapsed: 30 }",
            code::WRONG_TYPE,
            "30",
            "takes a duration, found the number 30",
        ),
        ("max_attempts", code::WRONG_TYPE, "max_attempts", "needs a value: a whole number"),
        ("retry_policy = { max_elapsed: \"30\" }", code::OUT_OF_RANGE, "\"30\"", "has no unit"),
        ("retry_policy = { max_elapsed: \"0s\" }", code::OUT_OF_RANGE, "\"0s\"", "is zero"),
        ("checkpoint = no", code::WRONG_TYPE, "no", "takes no value, `true` or `false`"),
        ("timeout = 30", code::WRONG_TYPE, "30", "takes a duration, found the number 30"),
        ("timeout = true", code::WRONG_TYPE, "true", "takes a duration"),
        ("timeout", code::WRONG_TYPE, "timeout", "needs a value: a duration"),
        ("timeout = \"0s\"", code::OUT_OF_RANGE, "\"0s\"", "is zero"),
        ("timeout = \"-1s\"", code::OUT_OF_RANGE, "\"-1s\"", "is negative"),
        (
            "timeout = \"99999999999999999999d\"",
            code::OUT_OF_RANGE,
            "\"99999999999999999999d\"",
            "too long",
        ),
        ("max_attempts = 0", code::OUT_OF_RANGE, "0", "would never run"),
        ("max_attempts = -1", code::OUT_OF_RANGE, "-1", "goes from 1 to"),
        ("max_attempts = 4294967296", code::OUT_OF_RANGE, "4294967296", "goes from 1 to"),
        ("max_attempts = 1.5", code::WRONG_TYPE, "1.5", "takes a whole number"),
        ("executor_config = { max_workers: 0 }", code::OUT_OF_RANGE, "0", "a pool of 0 workers"),
        ("executor_config = { max_tasks_per_child: 0 }", code::OUT_OF_RANGE, "0", "after 0 tasks"),
        ("executor_config = { stack_size: 0 }", code::OUT_OF_RANGE, "0", "at least 1"),
        (
            "executor_config = { workers: 1 }",
            code::UNKNOWN_KEY,
            "workers",
            "unknown setting `workers`",
        ),
        ("executor_config = 4", code::WRONG_TYPE, "4", "takes a map"),
        ("retry_policy = NETWORK", code::WRONG_TYPE, "NETWORK", "takes a map, found the name"),
        ("retry_policy = { backoff_factor: -0.5 }", code::OUT_OF_RANGE, "-0.5", "is negative"),
        (
            "retry_policy = { max_backoff: 1e300 }",
            code::OUT_OF_RANGE,
            "1e300",
            "longer than any wait",
        ),
        ("retry_policy = { max_backoff: nan }", code::WRONG_TYPE, "nan", "a number of seconds"),
        ("retry_policy = { retry_if: x }", code::NOT_IN_FLOW, "retry_if", "Rust code"),
        ("retry_policy = { retry_on_exceptions: E }", code::WRONG_TYPE, "E", "a list of types"),
        (
            "retry_policy = { retry_on_exceptions: [E, \"F\"] }",
            code::WRONG_TYPE,
            "\"F\"",
            "lists types",
        ),
        (
            "retry_policy = { jitter: fool }",
            code::OUT_OF_RANGE,
            "fool",
            "one of `none`, `full`, `equal`",
        ),
        ("stop_on_error = ture", code::WRONG_TYPE, "ture", "`true` or `false`"),
        ("stop_on_error = 1", code::WRONG_TYPE, "1", "`true` or `false`"),
        ("executor = \"X\"", code::WRONG_TYPE, "\"X\"", "takes a type's name"),
        (
            "execution_evaluation_state = SUCCESS_FOR_PARTIAL_SUCCESS",
            code::OUT_OF_RANGE,
            "SUCCESS_FOR_PARTIAL_SUCCESS",
            "one of",
        ),
        ("each, max_attempts = 2, each", code::DUPLICATE_KEY, "each", "given twice"),
        ("x = 1, x = 2", code::DUPLICATE_KEY, "x", "given twice"),
    ] {
        let source = format!("A[{list}]");
        let (_, mistakes) = read_settings(&attrs(list));
        let [mistake] = mistakes.as_slice() else { panic!("{list}: {mistakes:?}") };
        assert_eq!(mistake.code, code, "{list}");
        assert_eq!(
            &source[mistake.span.start as usize..mistake.span.end as usize],
            blamed,
            "{list}"
        );
        assert!(mistake.message.contains(message), "{list}: {mistake}");
        if code == code::DUPLICATE_KEY {
            assert!(mistake.labels[0].0.start < mistake.span.start, "the second is blamed: {list}");
        }
    }
}

#[test]
fn numbers_that_no_script_can_write_are_refused_too() {
    let key = RETRY_KEYS.iter().find(|key| key.name == "max_backoff").unwrap();
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
        let value =
            crate::Literal { kind: crate::LiteralKind::Float(number), span: Span::new(3, 4) };
        assert_eq!(check_value(key, Some(&value)).unwrap_err().span, Span::new(3, 4), "{number}");
    }
}

#[test]
fn all_mistakes_at_once() {
    let (settings, mistakes) = read_settings(&attrs(
        "max_concurrency = 0, retry_policy = { max_attempts: 0, retries: 1, jitter: 2 }, each",
    ));
    assert_eq!(mistakes.len(), 4);
    assert_eq!(settings.each, Some(true));
    assert_eq!(settings.retry_policy, None);
}

#[test]
fn the_first_of_two_counts() {
    let (settings, mistakes) =
        read_settings(&attrs("max_attempts = 2, max_attempts = 3, x = 1, x"));
    assert_eq!((mistakes.len(), settings.max_attempts, settings.own.len()), (2, Some(2), 1));
}

#[test]
fn unknown_keys() {
    for (word, keys, help) in [
        ("executr", FLOW_KEYS, "did you mean `executor`?"),
        ("xyzzy", RETRY_KEYS, "it takes `max_attempts`, "),
        ("xyzzy", FLOW_KEYS, "there are `executor`, "),
        ("retries", RETRY_KEYS, "it is called `max_attempts` here"),
        ("backoff", RETRY_KEYS, "it is called `backoff_factor` here"),
        (
            "retries",
            ATTRIBUTE_KEYS,
            "it is called `max_attempts` here: write `retry_policy = { max_attempts: .. }`",
        ),
        ("max_workers", FLOW_KEYS, "write `executor_config = { max_workers: .. }`"),
        ("executor", RETRY_KEYS, "it is a setting of the event itself"),
        ("timeot", FLOW_KEYS, "did you mean `timeout`?"),
        ("chekpoint", FLOW_KEYS, "did you mean `checkpoint`?"),
        ("record", ATTRIBUTE_KEYS, "it is called `checkpoint` here"),
        ("verson", ATTRIBUTE_KEYS, "did you mean `version`?"),
        ("version", FLOW_KEYS, "it belongs to the event, not to a flow: `#[event(version = ..)]`"),
        ("time_limit", FLOW_KEYS, "it is called `timeout` here"),
        ("timeout", RETRY_KEYS, "it is a setting of the event itself"),
        ("bypass", FLOW_KEYS, "it belongs to the event, not to a flow: `#[event(bypass = ..)]`"),
        ("each", ATTRIBUTE_KEYS, "it belongs to a flow, not to the event: `A[each]`"),
        ("can_bypass_current_event", ATTRIBUTE_KEYS, "it is called `bypass` here"),
        ("task_descriptor", FLOW_KEYS, "a descriptor is no setting"),
        ("stop_condition", ATTRIBUTE_KEYS, "stop conditions are flags here"),
        ("executor", PIPELINE_KEYS, "it belongs to an event: `#[event(executor = ..)]`"),
        ("deadline", PIPELINE_KEYS, "it is called `timeout` here"),
        ("skip", EVENT_FIELD_KEYS, "there are `default`"),
        ("batch_size", EVENT_FIELD_KEYS, "an event has no batches"),
    ] {
        let wrong = unknown_key(word, Span::default(), keys);
        let place = if keys == RETRY_KEYS { " in `retry_policy`" } else { "" };
        assert_eq!(wrong.message, format!("unknown setting `{word}`{place}"));
        let found = wrong.help.unwrap_or_default();
        assert!(found.starts_with(help), "{word}: {found}");
        if keys == RETRY_KEYS && help.ends_with(" here") {
            assert_eq!(found, help, "{word}");
        }
    }
}

#[test]
fn the_tables_agree() {
    for key in EVENT_KEYS {
        assert_eq!(FLOW_KEYS.contains(key), key.in_flow, "{}", key.name);
        assert_eq!(ATTRIBUTE_KEYS.contains(key), key.in_attribute, "{}", key.name);
    }
    for name in EvaluationState::NAMES {
        assert_eq!(name.parse::<EvaluationState>().unwrap().name(), *name);
    }
    assert_eq!(EvaluationState::default(), EvaluationState::SuccessOnAllEventsSuccess);
    assert!("x".parse::<Jitter>().unwrap_err().to_string().contains("`equal`"));
}

#[test]
fn durations() {
    for (text, expected) in [
        ("200ms", Some(Duration::from_millis(200))),
        ("5m", Some(Duration::from_mins(5))),
        ("1h 30m", Some(Duration::from_mins(90))),
        ("0.5 s", Some(Duration::from_millis(500))),
        ("1d", Some(Duration::from_hours(24))),
        ("", None),
        ("s", None),
        ("-1s", None),
        ("0ms", None),
        ("1.2.3s", None),
        ("1 parsec", None),
        ("99999999999999999999999d", None),
        ("18446744073709551615d", None),
    ] {
        assert_eq!(parse_duration(text).ok(), expected, "{text}");
    }
}

#[test]
fn many_repeated_keys_take_linear_time() {
    let attrs = attrs(&"each, ".repeat(50_000));
    assert_eq!(read_settings(&attrs).1.len(), 101);
}
