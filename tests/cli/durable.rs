//! What a user of a program with durable runs sees: `run --key`, `runs` and `serve`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nexus::journal::{
    Change, FlowRecord, FlowStep, Record, RecordKind, RunStart, RunState, Store, Timestamp,
};
use nexus::{SqliteStore, Status};
#[cfg(unix)]
use rustix::process::Signal;

use crate::service::{Running, call, new_store};
use crate::shop::CommandResult;
use crate::tests::untimed;
#[cfg(target_os = "linux")]
use crate::{service::program, shop::ignoring};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_run_under_a_key_is_run_once", a_run_under_a_key_is_run_once),
    ("a_key_needs_a_store", a_key_needs_a_store),
    ("a_secret_is_not_repeated", a_secret_is_not_repeated),
    ("runs_are_listed", runs_are_listed),
    ("a_run_is_shown", a_run_is_shown),
    ("a_run_is_shown_to_programs", a_run_is_shown_to_programs),
    (
        "a_run_that_nobody_drives_is_cancelled_at_once",
        a_run_that_nobody_drives_is_cancelled_at_once,
    ),
    ("what_is_no_store_is_refused", what_is_no_store_is_refused),
    #[cfg(unix)]
    ("a_service_that_is_ended_leaves_its_runs", a_service_that_is_ended_leaves_its_runs),
    #[cfg(target_os = "linux")]
    ("a_service_under_nohup_is_ended_in_order", a_service_under_nohup_is_ended_in_order),
    #[cfg(unix)]
    ("a_signal_leaves_a_run_under_a_key", a_signal_leaves_a_run_under_a_key),
    #[cfg(unix)]
    ("another_process_asks_the_owner", another_process_asks_the_owner),
    #[cfg(unix)]
    ("a_pending_step_is_resolved_at_once", a_pending_step_is_resolved_at_once),
    #[cfg(unix)]
    ("a_pending_step_is_resolved_by_the_owner", a_pending_step_is_resolved_by_the_owner),
    ("a_run_that_failed_is_tried_again", a_run_that_failed_is_tried_again),
    ("somebody_decides_of_a_run", somebody_decides_of_a_run),
    #[cfg(unix)]
    ("the_owner_does_what_was_decided", the_owner_does_what_was_decided),
    #[cfg(unix)]
    ("a_service_speaks_json", a_service_speaks_json),
];

fn out(result: &CommandResult) -> &str {
    assert_eq!((result.code, &*result.err), (Some(0), ""), "{}", result.out);
    &result.out
}

fn assert_error(result: &CommandResult, code: i32, error: &str) {
    assert_eq!((&*result.err, &*result.out), (&*format!("error: {error}\n"), ""));
    assert_eq!(result.code, Some(code));
}

fn state(store: &Path, key: &str) -> RunState {
    SqliteStore::read_only(store).unwrap().run(key).unwrap().unwrap().state
}

fn a_secret_is_not_repeated() {
    let store = new_store("secret");
    let unlock = |pin: &str, more: &[&str]| {
        call(&store, &[&["run", "UnlockPipeline", "--set", &format!("pin={pin}")], more].concat())
    };
    let opened = unlock("1234", &["--json"]);
    assert!(out(&opened).contains(r#""value":"***""#), "{}", opened.out);
    let page = crate::shop::temp_file("secret.html", "");
    assert_eq!(unlock("1234", &["--report", page.to_str().unwrap()]).code, Some(0));
    let html = std::fs::read_to_string(page).unwrap();
    // The number of a run or a duration may have these digits in it.
    assert!(html.contains("&quot;***&quot;") && !html.contains(">1234<"), "{html}");
    let events = unlock("1234", &["--json=events"]);
    assert!(!events.out.contains(":1234"), "{}", events.out);
    let error = "--set: `pin`: this is no secret of type `u32`";
    assert_error(&unlock("12345678901234", &[]), 2, error);
    let kept = unlock("1234", &["--key", "A-1"]);
    assert!(kept.err.contains("`Secret`") && !kept.err.contains("1234"), "{}", kept.err);
    assert_eq!((kept.code, &*kept.out), (Some(1), ""));
}

fn a_run_under_a_key_is_run_once() {
    let store = new_store("once");
    let run = ["run", "ChargePipeline", "--set", "cents=13", "--key", "A-1"];
    let first = call(&store, &run);
    assert!(out(&first).starts_with("ChargePipeline succeeded in "), "{}", first.out);
    assert!(first.out.contains("take     success; 2 attempts, waited 10ms"), "{}", first.out);
    let again = call(&store, &run);
    assert_eq!((again.code, untimed(&again.out)), (Some(0), untimed(&first.out)));
    let said = again.err.replace(|c: char| c.is_ascii_digit(), "0");
    let expected =
        "the run `A-0` began 0000-00-00 00:00:00 UTC and has succeeded; nothing is run again\n";
    assert_eq!(said, expected);
    let other = call(&store, &["run", "ChargePipeline", "-s", "cents=14", "--key", "A-1"]);
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("belongs to a run with other inputs"), "{}", other.err);
    // A durable pipeline is recorded without a key of the user's, too.
    let unnamed = call(&store, &["run", "ChargePipeline", "-s", "cents=2000", "--json"]);
    let key = unnamed.err.split('`').nth(1).unwrap();
    assert_eq!(state(&store, key), RunState::Ended(Status::Failed));
}

fn a_key_needs_a_store() {
    let run = ["run", "ChargePipeline", "-s", "cents=1", "--key", "A-1"];
    let error = "no store is named: give its file with `--store FILE`, or in the environment variable `NEXUS_STORE`";
    assert_error(&call(Path::new(""), &run), 2, error);
    let flow = crate::shop::temp_file("charge.pty", "charge");
    let flow = call(Path::new(""), &[&run[..], &["--flow", flow.to_str().unwrap()]].concat());
    assert!(flow.err.contains("'--key <KEY>' cannot be used with '--flow <FILE>'"), "{}", flow.err);
}

/// A store with runs of a pipeline that this program has not, at times that are always the same.
fn sample(name: &str) -> PathBuf {
    let path = new_store(name);
    let store = SqliteStore::open(&path).unwrap();
    let steps = ["check", "charge", "ship"].map(|event| FlowStep {
        path: event.to_owned(),
        event: event.to_owned(),
        version: 1,
        output: "Receipt".to_owned(),
    });
    let script = "check -> charge |-> ship[each]".to_owned();
    let flow = Arc::new(FlowRecord { script, steps: steps.to_vec() });
    // 2026-03-01 10:00:00 UTC.
    let mut begun = Timestamp(1_772_359_200_000_000);
    for (key, records, ending) in runs() {
        let start =
            RunStart::new(key, "OrderPipeline", Arc::clone(&flow), r#"{"cents":5}"#.into(), begun);
        let mut changes = vec![Change::Start(start)];
        let mut last = begun;
        for (seq, (millis, kind, step, attempt, item, body)) in (1..).zip(records) {
            last = begun.plus(Duration::from_millis(millis));
            let body = body.to_owned();
            let record = Record { seq, at: last, kind, step, attempt, item, body };
            changes.push(Change::Record { key: key.into(), record });
        }
        match ending {
            Ok(Some(status)) => changes.push(Change::End { key: key.into(), at: last, status }),
            Ok(None) => {}
            Err(reason) => {
                let reason = Some(String::from(reason));
                changes.push(Change::Decision { key: key.into(), reason });
            }
        }
        store.commit(&changes).unwrap();
        begun = begun.plus(Duration::from_mins(1));
    }
    path
}

/// When, what, at which step, which attempt and item, and the JSON of it.
type Recorded = (u64, RecordKind, Option<u32>, u32, Option<u64>, &'static str);
type Ending = Result<Option<Status>, &'static str>;

fn runs() -> Vec<(&'static str, Vec<Recorded>, Ending)> {
    const BROKE: &str = r#"{"outcome":{"exception":{"kind":"error","message":"the gateway timed out","location":null,"chain":["the gateway timed out","connection reset"],"hints":{"types":[],"agreed":true,"retry_after":null}}},"busy":400000000}"#;
    const DONE: &str = r#"{"outcome":{"success":{"cents":5}},"busy":100000000}"#;
    const REFUSED: &str = r#"{"outcome":{"failure":[{"reason":"no such street","exception":null},"nothing"]},"busy":1}"#;
    let done = |millis, step| (millis, RecordKind::Completed, Some(step), 1, None, DONE);
    let item = |millis, item, body| (millis, RecordKind::Completed, Some(2), 1, Some(item), body);
    vec![
        (
            "A-1001",
            vec![
                done(100, 0),
                (500, RecordKind::Completed, Some(1), 1, None, BROKE),
                (1500, RecordKind::Woken, Some(1), 2, None, ""),
                (1900, RecordKind::Completed, Some(1), 2, None, BROKE),
            ],
            Ok(Some(Status::Failed)),
        ),
        (
            "A-1002",
            vec![
                done(100, 0),
                done(200, 1),
                item(300, 0, DONE),
                (300, RecordKind::Checked, Some(2), 1, Some(1), r#"{"skip":["a gift",[]]}"#),
                item(3_723_000, 2, REFUSED),
            ],
            Ok(Some(Status::Succeeded)),
        ),
        (
            "A-1003",
            vec![done(100, 0)],
            Err("its flow has changed since it began\n  then: a\n  now: b"),
        ),
        (
            "A-1004",
            vec![done(100, 0), (200, RecordKind::Halted, None, 0, None, r#"{"by":"request"}"#)],
            Ok(Some(Status::Cancelled)),
        ),
        ("order of Zoë\n", vec![], Ok(None)),
    ]
}

/// Compares with a page of `pages/`, which `UPDATE=1` writes.
fn assert_page(name: &str, result: &CommandResult) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/pages").join(name);
    let said = out(result);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, said).unwrap();
    }
    assert_eq!(said, std::fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

fn runs_are_listed() {
    let store = sample("listed");
    assert_page("list.txt", &call(&store, &["runs", "list"]));
    let failed = call(&store, &["runs", "list", "--failed"]);
    assert_page("list_failed.txt", &failed);
    let none = call(&store, &["runs", "list", "--pipeline", "Another"]);
    assert_eq!(out(&none), "no runs\n");
    let page = call(&store, &["runs", "list", "--limit", "2", "--before", "A-1004"]);
    assert_page("list_page.txt", &page);
    let unknown = call(&store, &["runs", "list", "--status", "finished"]);
    assert!(unknown.err.contains("a similar value exists: 'unfinished'"), "{}", unknown.err);
}

fn a_run_is_shown() {
    let store = sample("shown");
    for key in ["A-1001", "A-1002", "A-1004"] {
        let shown = call(&store, &["runs", "show", key]);
        assert_page(&format!("show_{key}.txt"), &shown);
    }
    let shown = call(&store, &["runs", "show", "A-1003"]);
    let decision = "\nIt cannot go on before somebody decides: its flow has changed since it began\n    then: a\n    now: b\n";
    assert!(out(&shown).contains(decision), "{}", shown.out);
}

fn a_run_is_shown_to_programs() {
    let store = sample("json");
    let json = |args: &[&str]| {
        let result = call(&store, &[args, &["--json"]].concat());
        let lines = out(&result).lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<serde_json::Value>>()
    };
    let listed = json(&["runs", "list"]);
    let keys: Vec<&str> = listed.iter().map(|run| run["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["order of Zoë\n", "A-1004", "A-1003", "A-1002", "A-1001"]);
    let failed = &listed[4];
    assert_eq!((&failed["status"], &failed["seconds"]), (&"failed".into(), &1.9.into()));
    assert_eq!(failed["started"], "2026-03-01T10:00:00.000000Z");
    assert_eq!(listed[0]["ended"], serde_json::Value::Null);
    let [shown] = &*json(&["runs", "show", "A-1001"]) else { panic!("one object") };
    assert_eq!(shown["inputs"], serde_json::json!({ "cents": 5 }));
    assert_eq!(shown["steps"][0]["value"], serde_json::json!({ "cents": 5 }));
    let charge = &shown["steps"][1];
    assert_eq!((&charge["path"], &charge["ended_attempts"]), (&"charge".into(), &2.into()));
    assert_eq!(charge["waits"][0]["seconds"], 1.0);
    let attempt = &charge["attempts"][1];
    assert_eq!((&attempt["attempt"], &attempt["outcome"]), (&2.into(), &"exception".into()));
    assert_eq!(attempt["errors"], serde_json::json!(["the gateway timed out", "connection reset"]));
    let [shown] = &*json(&["runs", "show", "A-1002"]) else { panic!("one object") };
    let items = serde_json::json!({ "succeeded": 1, "failed": 1, "bypassed": 1 });
    assert_eq!(shown["steps"][2]["items"], items);
}

fn a_run_that_nobody_drives_is_cancelled_at_once() {
    let store = sample("cancelled");
    let cancel = |key| call(&store, &["runs", "cancel", key]);
    assert_eq!(out(&cancel("A-1003")), "cancelled `A-1003`\n");
    assert_eq!(state(&store, "A-1003"), RunState::Ended(Status::Cancelled));
    let error = "the run `A-1003` is over (cancelled); there is nothing to cancel";
    assert_error(&cancel("A-1003"), 1, error);
    let path = store.display();
    let error =
        format!("the store `{path}` has no run with the key `A-1O03`; did you mean `A-1003`?");
    assert_error(&cancel("A-1O03"), 2, &error);
    assert_error(&call(&store, &["runs", "show", "A-1O03"]), 2, &error);
}

fn what_is_no_store_is_refused() {
    let missing = new_store("missing");
    let path = missing.display();
    for args in [&["runs", "list"][..], &["runs", "show", "k"], &["runs", "cancel", "k"]] {
        let error = format!("`{path}` is not there, or is empty; is it the right name?");
        assert_error(&call(&missing, args), 2, &error);
        assert!(!missing.exists(), "a name that is mistyped makes no store");
    }
    let text = crate::shop::temp_file("text.db", "this is no database");
    for args in [&["runs", "list"][..], &["serve"]] {
        let result = call(&text, args);
        assert_eq!((result.code, &*result.out), (Some(2), ""));
        assert!(result.err.contains("is no SQLite database"), "{}", result.err);
    }
}

#[cfg(unix)]
fn a_service_that_is_ended_leaves_its_runs() {
    let store = waiting("served");
    let run = ["run", "HoldPipeline", "-s", "cents=7", "--key", "A-2"];
    let mut first = Running::start(&store, &run);
    first.until("hold begins");
    first.child.kill().unwrap();
    first.end();
    // What a kill left goes on, and what its grace is over for is left again.
    let mut second = Running::start(&store, &["serve", "--grace", "10ms"]);
    assert_eq!(second.line(), format!("serving {}", store.display()));
    second.until("hold begins");
    second.signal(Signal::TERM);
    second.until("draining: attempts that are under way have 10.0ms");
    let result = second.end();
    assert_eq!((result.code, &*result.err), (Some(0), ""));
    assert!(result.out.contains("did not end in time: HoldPipeline\n"), "{}", result.out);
    let last = result.out.lines().last();
    assert_eq!(last, Some("stopped; every run that is not over can be resumed"));
    assert_eq!(state(&store, "A-2"), RunState::Unfinished);
    // An attempt that ends in time is recorded, and the step after it does not begin.
    let mut third = Running::start(&store, &["serve"]);
    third.until("hold begins");
    third.signal(Signal::TERM);
    third.until("draining: attempts that are under way have 30.0s");
    // Of the run that waits for somebody nothing runs. When it is left, nothing more starts.
    third.until("A-1 left where it is, to be resumed");
    third.release();
    assert_eq!(third.line(), "A-2 left where it is, to be resumed");
    assert_eq!(third.end().code, Some(0));
    let recorded = SqliteStore::read_only(&store).unwrap().run("A-2").unwrap().unwrap().records;
    assert_eq!((state(&store, "A-2"), recorded), (RunState::Unfinished, 2));
    let mut fourth = Running::start(&store, &["serve"]);
    fourth.until("A-2 succeeded");
    fourth.signal(Signal::INT);
    assert_eq!(fourth.end().code, Some(0));
}

#[cfg(unix)]
fn a_signal_leaves_a_run_under_a_key() {
    let store = waiting("left");
    let resolved = call(&store, &["runs", "resolve", "A-1", "approve", "7"]);
    assert_eq!(resolved.code, Some(0), "{}", resolved.err);
    let again = call(&store, &APPROVE);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.err.contains("is not over; it goes on where it is"), "{}", again.err);
}

#[cfg(unix)]
fn another_process_asks_the_owner() {
    let store = new_store("asked");
    let run = ["run", "WaitPipeline", "--key", "A-1", "--progress", "never"];
    let mut first = Running::start(&store, &run);
    first.until("wait begins");
    let owner = first.child.id();
    let second = call(&store, &["serve"]);
    assert_eq!((second.code, &*second.out), (Some(1), ""));
    let said = format!("error: the store is owned by another process: process {owner} on `");
    assert!(second.err.starts_with(&said), "{}", second.err);
    // Reading is possible beside it.
    let shown = call(&store, &["runs", "show", "A-1"]);
    assert!(out(&shown).contains("- wait"));
    assert!(shown.out.contains("\nunder way\n  wait, attempt 1, since 20"), "{}", shown.out);
    // Who wants a run there is told how.
    let again = call(&store, &["run", "WaitPipeline", "--key", "A-1"]);
    assert_eq!((again.code, &*again.out), (Some(1), ""));
    let there = "The run `A-1` is there (unfinished): see `shop runs show A-1`";
    assert!(again.err.contains(there), "{}", again.err);
    let other = call(&store, &["run", "WaitPipeline", "--key", "A-9"]);
    assert!(other.err.contains("let that one begin it, by a schedule"), "{}", other.err);
    let waited = call(&store, &["runs", "cancel", "A-1", "--wait", "--by", "Grace"]);
    let said = "the owner of the store did what it was asked to: cancel `A-1`\n";
    assert_eq!(out(&waited), said);
    assert_eq!(state(&store, "A-1"), RunState::Ended(Status::Cancelled));
    let shown = call(&store, &["runs", "show", "A-1"]);
    assert!(shown.out.contains("\nactions\n  20"), "{}", shown.out);
    assert!(shown.out.ends_with(" UTC, Grace: cancel\n"), "{}", shown.out);
    assert_eq!(first.end().code, Some(130));
    let mut third = Running::start(&store, &["run", "WaitPipeline", "--key", "A-2"]);
    third.until("wait begins");
    let asked = call(&store, &["runs", "cancel", "A-2"]);
    let owner = third.child.id();
    let said = format!("asked the owner of the store to cancel `A-2`: process {owner} on `");
    assert!(out(&asked).starts_with(&said), "{}", asked.out);
    assert_eq!(third.end().code, Some(130));
}

/// A service that owns the store.
#[cfg(unix)]
fn serve(store: &Path) -> Running {
    let mut service = Running::start(store, &["serve"]);
    service.until(&format!("serving {}", store.display()));
    service
}

/// `nohup` has SIGHUP ignored; what ends a service is still heard.
#[cfg(target_os = "linux")]
fn a_service_under_nohup_is_ended_in_order() {
    let store = new_store("nohup");
    let mut service = Running::of(&mut ignoring("HUP", &program(&store, &["serve"])));
    service.until(&format!("serving {}", store.display()));
    service.signal(Signal::HUP);
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
}

#[cfg(unix)]
const APPROVE: [&str; 8] =
    ["run", "ApprovePipeline", "-s", "cents=7", "--key", "A-1", "--progress", "never"];

/// A store with a run that waits for somebody, which a signal has left.
#[cfg(unix)]
fn waiting(name: &str) -> PathBuf {
    let store = new_store(name);
    let service = serve(&store);
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    let running = Running::start(&store, &APPROVE);
    let records =
        || SqliteStore::read_only(&store).unwrap().run("A-1").unwrap().map(|it| it.records);
    while records().is_none_or(|records| records == 0) {
        std::thread::yield_now();
    }
    running.signal(Signal::INT);
    let result = running.end();
    assert_eq!((result.code, &*result.out), (Some(130), ""));
    assert_eq!(
        result.err,
        "leaving the run, when the attempts that are under way have ended; press Ctrl-C again to end at once\nerror: the run `A-1` was left where it is: `shop serve` goes on with it, or the same command with this key, and `shop runs cancel` ends it for good\n"
    );
    store
}

#[cfg(unix)]
fn a_pending_step_is_resolved_at_once() {
    let store = waiting("pending");
    let shown = call(&store, &["runs", "show", "A-1"]);
    let shown = out(&shown).replace(|c: char| c.is_ascii_digit(), "0");
    let pending = "\nwaiting for the world outside
  approve since 0000-00-00 00:00:00 UTC
    shop runs resolve A-0 approve JSON
    shop runs resolve A-0 approve --fail MESSAGE
";
    assert!(shown.ends_with(pending), "{shown}");
    let json = call(&store, &["runs", "show", "A-1", "--json"]);
    let json: serde_json::Value = serde_json::from_str(out(&json)).unwrap();
    assert_eq!(
        (&json["pending"][0]["step"], &json["pending"][0]["attempt"]),
        (&"approve".into(), &1.into())
    );
    let resolve = |args: &[&str]| call(&store, &[&["runs", "resolve", "A-1"], args].concat());
    let error =
        "that is no value of `approve`, which yields `u64`: expected u64, found string \"yes\"";
    assert_error(&resolve(&["approve", "\"yes\""]), 1, error);
    let unknown = resolve(&["aprove", "7"]);
    let error =
        "`aprove` of the run `A-1` is no step of it; did you mean `approve`?; pending: `approve`";
    assert_error(&unknown, 1, error);
    assert!(resolve(&["approve"]).err.contains("<JSON>"));
    let resolved = resolve(&["approve", "7"]);
    assert_eq!(
        out(&resolved),
        "resolved `approve` of `A-1`; the run goes on when `shop serve` does\n"
    );
    let mut service = Running::start(&store, &["serve"]);
    service.until("A-1 succeeded");
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    let late = resolve(&["approve", "8"]);
    assert_error(&late, 1, "nothing of the run `A-1` is pending: it is over (succeeded)");
}

#[cfg(unix)]
fn a_pending_step_is_resolved_by_the_owner() {
    let store = waiting("pending-owned");
    let mut service = Running::start(&store, &["serve"]);
    service.until("A-1 goes on: ApprovePipeline");
    let resolve = |args: &[&str]| call(&store, &[&["runs", "resolve", "A-1"], args].concat());
    // A wrong value is refused before anybody is asked.
    let wrong = resolve(&["approve", "\"yes\"", "--wait"]);
    assert!(wrong.err.contains("which yields `u64`"), "{}", wrong.err);
    let resolved = resolve(&["approve", "--fail", "nobody answered", "--wait"]);
    let said = "the owner of the store did what it was asked to: fail `A-1`\n";
    assert_eq!(out(&resolved), said);
    service.until("A-1 was asked to fail");
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    assert_eq!(state(&store, "A-1"), RunState::Ended(Status::Failed));
}

fn a_run_that_failed_is_tried_again() {
    let store = new_store("again");
    for key in ["A-1", "A-2"] {
        let run = call(&store, &["run", "ShipPipeline", "-s", "cents=7", "--key", key]);
        assert_eq!(run.code, Some(1), "{}", run.err);
    }
    let unknown = call(&store, &["runs", "retry", "A-1", "--from", "shp"]);
    assert!(unknown.err.contains("did you mean `ship`?"), "{}", unknown.err);
    let again = call(&store, &["runs", "retry", "A-1"]);
    assert!(out(&again).contains("+ ship  success; 2 attempts"), "{}", again.out);
    let nothing = call(&store, &["runs", "retry", "A-1"]);
    assert_eq!((nothing.code, &*nothing.out), (Some(1), ""));
    let from = call(&store, &["runs", "retry", "A-1", "--from", "take"]);
    assert!(out(&from).contains("+ take  success; 2 attempts"), "{}", from.out);
    #[cfg(unix)]
    {
        let mut service = serve(&store);
        let asked = call(&store, &["runs", "retry", "A-2", "--wait"]);
        let said = "the owner of the store did what it was asked to: retry `A-2`\n";
        assert_eq!(out(&asked), said);
        service.until("A-2 succeeded");
        service.signal(Signal::TERM);
        assert_eq!(service.end().code, Some(0));
    }
}

/// A store with a run of `ChargePipeline` that began with another flow.
fn drifted(name: &str) -> PathBuf {
    let path = new_store(name);
    let store = SqliteStore::open(&path).unwrap();
    let step = FlowStep {
        path: "take".to_owned(),
        event: "take".to_owned(),
        version: 7,
        output: "u64".to_owned(),
    };
    let flow = FlowRecord { script: "take".into(), steps: vec![step] };
    let flow = Arc::new(flow);
    let keys = ["A-1", "A-2", "A-3"];
    let changes = keys.map(|key| {
        let (flow, inputs) = (Arc::clone(&flow), r#"{"cents":5}"#.to_owned());
        let at = Timestamp(1_772_359_200_000_000);
        Change::Start(RunStart::new(key, "ChargePipeline", flow, inputs, at))
    });
    store.commit(&changes).unwrap();
    let decisions = keys.map(|key| Change::Decision {
        key: key.into(),
        reason: Some("its flow has changed".to_owned()),
    });
    store.commit(&decisions).unwrap();
    path
}

fn somebody_decides_of_a_run() {
    let store = drifted("drifted");
    let shown = call(&store, &["runs", "show", "A-1"]);
    for verb in ["adopt", "restart", "abandon"] {
        assert!(out(&shown).contains(&format!("  shop runs {verb} A-1  ")), "{}", shown.out);
    }
    for (verb, key) in [("adopt", "A-1"), ("restart", "A-2")] {
        let run = call(&store, &["runs", verb, key]);
        assert!(out(&run).starts_with("ChargePipeline succeeded in "), "{}", run.out);
        assert_eq!(state(&store, key), RunState::Ended(Status::Succeeded));
        let json = call(&store, &["runs", "show", key, "--json"]);
        let json: serde_json::Value = serde_json::from_str(out(&json)).unwrap();
        let action = &json["actions"][0];
        assert_eq!((&action["by"], &action["action"]), (&"ada".into(), &verb.into()));
        let again = call(&store, &["runs", verb, key]);
        let error = format!("the run `{key}` needs no decision: it is succeeded");
        assert_error(&again, 1, &error);
    }
    assert_eq!(out(&call(&store, &["runs", "abandon", "A-3"])), "abandoned `A-3`\n");
    assert_eq!(state(&store, "A-3"), RunState::Ended(Status::Cancelled));
}

#[cfg(unix)]
fn the_owner_does_what_was_decided() {
    let store = drifted("drifted-owned");
    let mut service = serve(&store);
    for (verb, key) in [("adopt", "A-1"), ("restart", "A-2"), ("abandon", "A-3")] {
        let asked = call(&store, &["runs", verb, key, "--wait"]);
        let said = format!("the owner of the store did what it was asked to: {verb} `{key}`\n");
        assert_eq!(out(&asked), said);
    }
    service.until("A-3 was asked to abandon");
    service.signal(Signal::TERM);
    assert_eq!(service.end().code, Some(0));
    let states = ["A-1", "A-2", "A-3"].map(|key| state(&store, key));
    let succeeded = RunState::Ended(Status::Succeeded);
    assert_eq!(states, [succeeded, succeeded, RunState::Ended(Status::Cancelled)]);
}

#[cfg(unix)]
fn a_service_speaks_json() {
    let store = sample("json-service");
    let mut service = Running::start(&store, &["serve", "--json"]);
    service.until_json("serving");
    service.signal(Signal::TERM);
    let result = service.end();
    let events = result.out.lines().map(|line| serde_json::from_str(line).unwrap());
    let events: Vec<serde_json::Value> = events.collect();
    let undecided = events.iter().find(|it| it["run"] == "A-1003").unwrap();
    assert_eq!(undecided["event"], "needs_decision");
    assert!(undecided["at"].as_str().unwrap().ends_with('Z'));
    let last: Vec<&str> = events.iter().rev().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(last[..2], ["stopped", "draining"]);
}
