//! What a user of such a program sees.

use std::io::{BufRead, BufReader, Read};

#[cfg(unix)]
use rustix::process::Signal;

use crate::schema;
use crate::shop::{CommandResult, command, shop, shop_reads, temp_file, wait_for_result};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_run_reports_and_ends_with_0", a_run_reports_and_ends_with_0),
    ("json_is_one_line_of_json", json_is_one_line_of_json),
    ("wrong_input_is_named_by_field_all_at_once", wrong_input_is_named_by_field_all_at_once),
    ("what_is_no_object_is_refused_with_its_place", what_is_no_object_is_refused_with_its_place),
    ("single_fields_are_set", single_fields_are_set),
    ("texts_of_users_do_nothing_to_a_terminal", texts_of_users_do_nothing_to_a_terminal),
    ("a_failed_run_ends_with_1", a_failed_run_ends_with_1),
    ("a_late_run_ends_with_3", a_late_run_ends_with_3),
    ("a_long_run_says_now_and_then_what_is_running", a_long_run_says_now_and_then_what_is_running),
    #[cfg(unix)]
    ("an_interrupted_run_ends_with_130", an_interrupted_run_ends_with_130),
    #[cfg(unix)]
    ("a_second_interrupt_ends_at_once", a_second_interrupt_ends_at_once),
    ("another_flow_is_checked_before_anything_runs", another_flow_is_checked_before_anything_runs),
    ("a_finished_run_is_drawn", a_finished_run_is_drawn),
    ("a_finished_run_has_a_page", a_finished_run_has_a_page),
    ("what_there_is_is_listed_and_described", what_there_is_is_listed_and_described),
    ("what_there_is_is_a_document_of_the_schema", what_there_is_is_a_document_of_the_schema),
    ("completions_know_the_pipelines", completions_know_the_pipelines),
    ("a_wrong_command_line_ends_with_2", a_wrong_command_line_ends_with_2),
    ("a_reader_that_goes_away_is_no_error", a_reader_that_goes_away_is_no_error),
];

/// Without the times that a report shows, which are never the same.
pub(crate) fn untimed(text: &str) -> String {
    let line = |line: &str| {
        let line = line.split("  [").next().unwrap_or(line);
        line.split(" in ").next().unwrap_or(line).to_owned() + "\n"
    };
    text.lines().map(line).collect()
}

fn assert_errors(result: &CommandResult, code: i32, errors: &[&str]) {
    assert_eq!(result.err.lines().collect::<Vec<_>>(), errors);
    assert_eq!((result.code, &*result.out), (Some(code), ""));
}

fn a_run_reports_and_ends_with_0() {
    let result = shop(&["run", "OrderPipeline", "--input", "examples/data/shop.json"]);
    assert_eq!(
        untimed(&result.out),
        "OrderPipeline succeeded\n  + validate  success\n  + charge    4 items, waited 200ms\n  + add_up    success\n\"4 orders, 199.30 EUR\"\n"
    );
    assert_eq!((result.code, &*result.err), (Some(0), ""), "a short run shows no progress");
    assert!(!result.out.contains('\x1b'), "no colours into a pipe");
}

fn json_is_one_line_of_json() {
    let input = std::fs::read_to_string("examples/data/shop.json").unwrap();
    let result = shop_reads(&["run", "OrderPipeline", "-i", "-", "--json"], &input);
    assert_eq!((result.code, result.out.lines().count()), (Some(0), 1));
    let report: serde_json::Value = serde_json::from_str(&result.out).unwrap();
    assert_eq!(report["status"], "succeeded");
    assert_eq!(report["steps"][2]["value"], "4 orders, 199.30 EUR");
}

fn wrong_input_is_named_by_field_all_at_once() {
    let input = r#"{
  "orders": [
    { "id": "A", "email": "e", "total": 1, "card": "c" },
    { "id": "B", "email": "e", "total": "x", "card": 7 }
  ],
  "curency": "EUR",
  "currency": "EUR",
  "currency": "USD"
}"#;
    let result = shop_reads(&["run", "OrderPipeline", "-i", "-"], input);
    assert_errors(
        &result,
        2,
        &[
            "error: standard input:4:43: `orders[1].total`: expected u64, found string \"x\"",
            "error: standard input:4:54: `orders[1].card`: expected a string, found integer `7`",
            "error: standard input:6:3: `curency` is no field of the pipeline; did you mean `currency`? there are `orders: Vec<Order>` and `currency: String`",
            "error: standard input:8:3: `currency` is given twice: keep one of the two",
        ],
    );
    let file = temp_file("missing.json", r#"{ "orders": [{ "id": "A", "email": "e" }] }"#);
    let file = file.to_str().unwrap();
    let result = shop(&["run", "OrderPipeline", "-i", file]);
    let missing = |field| format!("error: {file}:1:40: `orders[0]`: missing field `{field}`");
    assert_errors(&result, 2, &[&missing("total"), &missing("card")]);
    let input = "{\"order\": \"A\", \"cents\":\n  -1\n}";
    let result = shop_reads(&["run", "RefundPipeline", "-i", "-"], input);
    let error = "error: standard input:2:4: `cents`: expected u64, found integer `-1`";
    assert_errors(&result, 2, &[error]);
    let result = shop_reads(&["run", "RefundPipeline", "-i", "-"], r#"{"days": 1}"#);
    assert_errors(
        &result,
        2,
        &[
            "error: standard input: the field `order: String` is missing",
            "error: standard input: the field `cents: u64` is missing",
        ],
    );
}

fn what_is_no_object_is_refused_with_its_place() {
    for (input, error) in [
        ("", "standard input: expected a JSON object, found nothing"),
        (
            "[]",
            "standard input: expected a JSON object with the pipeline's fields, {\"orders\": .., \"currency\": ..}; found sequence",
        ),
        ("{\"orders\": [\n  1 2]}", "standard input:2:5: broken JSON: expected `,` or `]`"),
        ("{} x", "standard input:1:4: broken JSON: trailing characters"),
        ("{\"orders\": [],\n  \n", "standard input:1:14: broken JSON: EOF while parsing a value"),
    ] {
        let result = shop_reads(&["run", "OrderPipeline", "-i", "-"], input);
        assert_errors(&result, 2, &[&format!("error: {error}")]);
    }
    let result = shop(&["run", "OrderPipeline", "-i", "no such file"]);
    assert_eq!(result.code, Some(2));
    assert!(
        result.err.starts_with("error: cannot read the input `no such file`: "),
        "{}",
        result.err
    );
}

fn single_fields_are_set() {
    let result = shop_reads(
        &["run", "RefundPipeline", "-i", "-", "--set", "order=12", "-s", "days=0"],
        r#"{"cents": 7, "days": "overridden, so nobody reads it"}"#,
    );
    assert_eq!((result.code, &*result.err), (Some(0), ""));
    assert!(result.out.ends_with("\"7 cents of 12 are on their way back\"\n"), "{}", result.out);
    let result = shop(&["run", "RefundPipeline", "-s", "cents=-1", "-s", "dys=1", "-s", "order="]);
    assert_errors(
        &result,
        2,
        &[
            "error: --set: `cents`: expected u64, found integer `-1`",
            "error: --set: `dys` is no field of the pipeline; did you mean `days`? there are `order: String`, `cents: u64` and `days: u32`",
        ],
    );
}

fn texts_of_users_do_nothing_to_a_terminal() {
    let run = ["run", "RefundPipeline", "-s", "cents=5", "-s", "days=0"];
    let result = shop(&[&run[..], &["-s", "order=12", "-s", "\x1b[31mno\n=1"]].concat());
    assert_eq!(result.code, Some(2));
    let said = "error: --set: `\\u{1b}[31mno\n  ` is no field of the pipeline; ";
    assert!(result.err.starts_with(said), "{}", result.err);
    let result = shop(&[&run[..], &["-s", "order=12\u{202e}"]].concat());
    assert!(
        result.out.ends_with("5 cents of 12\\u{202e} are on their way back\"\n"),
        "{}",
        result.out
    );
}

fn a_failed_run_ends_with_1() {
    let args = ["run", "RefundPipeline", "-s", "order=12", "-s", "cents=500000", "-s", "days=0"];
    let result = shop(&args);
    assert_eq!(result.code, Some(1));
    assert!(
        result.out.contains("x refund      more than 1000.00 needs a signature"),
        "{}",
        result.out
    );
    assert_eq!(result.err, "error: RefundPipeline was stopped at `refund` by `stop_on_error`\n");
}

const SLOW: [&str; 8] =
    ["run", "RefundPipeline", "-s", "order=12", "-s", "cents=5", "-s", "days=3000"];

fn a_late_run_ends_with_3() {
    let result = shop(&[&SLOW[..], &["--timeout", "100ms"]].concat());
    assert_eq!(result.code, Some(3));
    assert_eq!(result.err, "error: RefundPipeline took longer than its timeout\n");
}

fn a_long_run_says_now_and_then_what_is_running() {
    let mut child = command(&SLOW).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("RefundPipeline: 0 of 2 steps ended after "), "{line}");
    assert!(line.contains("s; running: await_bank for "), "{line}");
    assert!(line.trim_end().ends_with(" of 3000)"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(unix)]
fn signal(child: &std::process::Child, signal: Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// Ctrl-C, what ends a service, and what closing a terminal sends.
#[cfg(unix)]
fn an_interrupted_run_ends_with_130() {
    for sent in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (child, mut err) = waiting("attentive -> deaf", "attentive");
        signal(&child, sent);
        let result = wait_for_result(child);
        assert_eq!(result.code, Some(130), "{sent:?}");
        let reported = "- deaf       cancelled: the run was cancelled";
        assert!(result.out.contains(reported), "{sent:?}: {}", result.out);
        let mut rest = String::new();
        err.read_to_string(&mut rest).unwrap();
        assert_eq!(
            rest,
            "cancelling the run; press Ctrl-C again to end at once\nerror: interrupted was cancelled\n"
        );
    }
}

/// Starts a run of this flow, and returns when the event in it begins.
#[cfg(unix)]
fn waiting(flow: &str, event: &str) -> (std::process::Child, BufReader<std::process::ChildStderr>) {
    let flow = temp_file("interrupted.pty", flow);
    let args = [&SLOW[..], &["--progress", "never", "--flow", flow.to_str().unwrap()]].concat();
    let mut child = command(&args).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{event} begins\n"));
    (child, err)
}

/// A flow whose event runs on the run's own thread and does not look whether it is wanted.
#[cfg(unix)]
fn a_second_interrupt_ends_at_once() {
    let (child, mut err) = waiting("deaf", "deaf");
    signal(&child, Signal::TERM);
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    assert_eq!(line, "cancelling the run; press Ctrl-C again to end at once\n");
    signal(&child, Signal::TERM);
    let result = wait_for_result(child);
    assert_eq!((result.code, &*result.out), (Some(130), ""), "no report of a run that was left");
}

/// Ends when it is no longer wanted.
#[nexus::event]
fn attentive(ctx: &nexus::Context) -> nexus::Outcome<()> {
    eprintln!("attentive begins");
    while !ctx.is_cancelled() {
        std::thread::yield_now();
    }
    nexus::Outcome::success(())
}

/// Never ends and never looks.
#[nexus::event]
fn deaf() -> nexus::Outcome<()> {
    eprintln!("deaf begins");
    loop {
        std::thread::park();
    }
}

fn another_flow_is_checked_before_anything_runs() {
    let flow = temp_file("other.pty", "refund -> refnd |-> add_up");
    let flow = flow.to_str().unwrap();
    let args = ["run", "RefundPipeline", "-s", "order=12", "-s", "cents=5", "--flow", flow];
    let result = shop(&args);
    let script = "1 | refund -> refnd |-> add_up";
    assert_errors(
        &result,
        2,
        &[
            "error[N0001]: there is no event `refnd`",
            &format!(" --> {flow}:1:11"),
            "  |",
            script,
            "  |           ^^^^^",
            "  |",
            "  = help: did you mean `refund`?",
            "",
            "error[N0003]: `add_up` takes `currency: &str` (borrowed from `String`), but the pipeline has only `order`, `cents`, `days`",
            &format!(" --> {flow}:1:21"),
            "  |",
            script,
            "  |                     ^^^^^^",
            "  |",
            "  = help: add a field `currency: String` to the pipeline",
        ],
    );
    temp_file("other.pty", "refund");
    let result = shop(&args);
    assert_eq!(result.code, Some(0), "{}", result.err);
    assert_eq!(
        untimed(&result.out),
        "other succeeded\n  + refund  success\n\"5 cents of 12 are on their way back\"\n"
    );
}

fn a_finished_run_is_drawn() {
    let picture = temp_file("run.svg", "");
    let path = picture.to_str().unwrap();
    let run = ["run", "RefundPipeline", "-s", "order=12", "-s", "cents=5", "-s", "days=0"];
    let result = shop(&[&run[..], &["--graph", path]].concat());
    assert_eq!(result.code, Some(0), "{}", result.err);
    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.contains("RefundPipeline succeeded") && drawn.ends_with("</svg>\n"), "{drawn}");
    let result = shop(&[&run[..], &["--graph", "run.bmp"]].concat());
    assert_errors(
        &result,
        2,
        &["error: `run.bmp` ends with none of .svg, .mmd, .dot, .gv and .txt"],
    );
    let result = shop(&[&run[..], &["--graph", "no such folder/run.svg"]].concat());
    assert_eq!((result.code, &*result.out), (Some(2), ""), "nothing ran");
    for (format, begins) in [
        ("mermaid", "---\n"),
        ("dot", "digraph "),
        ("svg", "<!--"),
        ("ascii", "RefundPipeline\n\n+--"),
    ] {
        let result = shop(&["graph", "RefundPipeline", "--format", format]);
        assert_eq!(result.code, Some(0));
        assert!(result.out.starts_with(begins), "{format}: {}", result.out);
    }
}

/// A colleague who gets the file sees what happened, and runs nothing of what a customer wrote.
fn a_finished_run_has_a_page() {
    let page = temp_file("run.html", "");
    let path = page.to_str().unwrap();
    let input = r#"{"orders": [
        {"id": "A", "email": "e", "total": 1, "card": "tok_flaky"},
        {"id": "B", "email": "e", "total": 2, "card": "tok_declined"}
    ], "currency": "<script>EUR</script>"}"#;
    let result = shop_reads(&["run", "OrderPipeline", "-i", "-", "--report", path], input);
    assert_eq!(result.code, Some(1), "{}", result.err);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"), "{html}");
    assert!(html.contains("OrderPipeline failed at `add_up`"), "{html}");
    assert!(html.contains("item 1: the bank declined the card"), "{html}");
    assert!(html.contains("<title>waited after item 0, attempt 1, "), "{html}");
    assert!(html.contains("<title>item 0, attempt 2, "), "{html}");
    assert!(!html.contains("<script"), "{html}");
    let run = ["run", "RefundPipeline", "-s", "order=<script>", "-s", "cents=5", "-s", "days=0"];
    assert_eq!(shop(&[&run[..], &["--report", path]].concat()).code, Some(0));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("5 cents of &lt;script&gt; are on their way back"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    let result = shop(&[&run[..], &["--report", "no such folder/run.html"]].concat());
    assert_eq!((result.code, &*result.out), (Some(2), ""), "nothing ran");
}

fn what_there_is_is_listed_and_described() {
    let listed = shop(&["list"]).out;
    assert!(
        listed.starts_with(
            "Pipelines
  OrderPipeline: Charges all of the orders.
      orders: Vec<Order>        What customers ordered.
      currency: String = \"EUR\"  In which the totals are.
  RefundPipeline: Gives a customer money back, when the bank agrees.
      order: String  The order's id.
      cents: u64
      days: u32 = 2  How long the bank takes to agree.

Events
  add_up      "
        ),
        "{listed}"
    );
    let described = shop(&["describe", "charge"]).out;
    assert_eq!(
        described.split_once('\n').unwrap().1,
        "  does     Charges a card, trying three times when the gateway does not answer.
  takes    order: Order      what comes along `|->`
           gateway: Gateway  a resource of the engine
  yields   Receipt
  runs     on ThreadPoolExecutor, max_workers 4
  retries  3 attempts, waits 200ms, 400ms: 600ms at worst; on GatewayError
  timeout  30s
"
    );
    let described = shop(&["describe", "RefundPipeline"]).out;
    assert_eq!(
        described,
        "pipeline RefundPipeline: Gives a customer money back, when the bank agrees.
  flow     await_bank -> refund
  takes    order: String  The order's id.
           cents: u64
           days: u32 = 2  How long the bank takes to agree.
  steps
    await_bank  on ThreadPoolExecutor
    refund      stop_on_error
"
    );
    let result = shop(&["describe", "chrge"]);
    assert_errors(
        &result,
        2,
        &["error: there is no event and no pipeline `chrge`; did you mean `charge`?"],
    );
}

/// What the guide says of the document, a tool that reads it may rely on.
fn what_there_is_is_a_document_of_the_schema() {
    let read = |args: &[&str]| -> serde_json::Value {
        let result = shop(args);
        assert_eq!((result.code, &*result.err), (Some(0), ""), "{args:?}");
        assert_eq!(result.out.lines().count(), 1, "{}", result.out);
        serde_json::from_str(&result.out).unwrap()
    };
    let schema = std::fs::read_to_string("docs/src/describe.schema.json").unwrap();
    let schema = serde_json::from_str(&schema).unwrap();
    let all = read(&["describe", "--json"]);
    assert_eq!(schema::violations(&schema, &all), [""; 0]);
    let one = |list: &str, name: &str| -> serde_json::Value {
        let list = all[list].as_array().unwrap();
        list.iter().find(|it| it["name"] == name).unwrap().clone()
    };
    let charge = one("events", "charge");
    let file = std::fs::read_to_string(charge["file"].as_str().unwrap()).unwrap();
    let line = file.lines().nth(charge["line"].as_u64().unwrap() as usize - 1).unwrap();
    assert!(line.contains("#[event("), "{line}");
    assert_eq!(
        charge["doc"],
        "Charges a card, trying three times when the gateway does not answer."
    );
    let parameters = serde_json::json!([
        { "name": "order", "type": "Order", "from": "piped" },
        { "name": "gateway", "type": "Gateway", "from": "state" },
    ]);
    assert_eq!((&charge["parameters"], &charge["output"]), (&parameters, &"Receipt".into()));
    let retry = serde_json::json!({
        "max_attempts": 3,
        "waits_seconds": [0.2, 0.4],
        "retry_on_exceptions": ["GatewayError"],
        "error": null,
    });
    assert_eq!(charge["settings"]["retry_policy"], retry);
    let orders = one("pipelines", "OrderPipeline");
    assert_eq!(orders["flow"], "validate |-> charge[each, max_concurrency = 2] |-> add_up");
    assert_eq!(orders["steps"][1]["each"], 2);
    let fields = serde_json::json!([
        { "name": "orders", "type": "Vec<Order>", "doc": "What customers ordered.", "required": true, "default": null, "readable": true },
        { "name": "currency", "type": "String", "doc": "In which the totals are.", "required": false, "default": "\"EUR\"", "readable": true },
    ]);
    assert_eq!(orders["fields"], fields);

    let only = read(&["describe", "charge", "--json"]);
    assert_eq!(schema::violations(&schema, &only), [""; 0]);
    assert_eq!(
        (&only["events"], &only["pipelines"]),
        (&serde_json::json!([charge]), &serde_json::json!([]))
    );
    assert_errors(
        &shop(&["describe", "chrge", "--json"]),
        2,
        &["error: there is no event and no pipeline `chrge`; did you mean `charge`?"],
    );

    // The check finds what is missing, too much and of the wrong type.
    let mut wrong = all.clone();
    wrong["events"][0]["line"] = "7".into();
    wrong["events"][0]["parameters"] =
        serde_json::json!([{ "name": "x", "type": "T", "from": "sky" }]);
    wrong["pipelines"][0].as_object_mut().unwrap().remove("flow");
    wrong["pipelines"][0]["extra"] = 1.into();
    assert_eq!(
        schema::violations(&schema, &wrong),
        [
            "/events/0/line is \"7\"",
            "/events/0/parameters/0/from is \"sky\"",
            "/pipelines/0 has no `flow`",
            "/pipelines/0 has `extra`",
        ]
    );
}

fn completions_know_the_pipelines() {
    // fish completes no values of this kind, but all of the options.
    for (shell, knows) in
        [("bash", "RefundPipeline"), ("zsh", "RefundPipeline"), ("fish", "-l graph")]
    {
        let result = shop(&["completions", shell]);
        assert_eq!(result.code, Some(0));
        assert!(result.out.contains(knows), "{shell}: {}", result.out);
    }
}

fn a_wrong_command_line_ends_with_2() {
    for (args, says) in [
        (&["run", "Refund"][..], "a similar value exists: 'RefundPipeline'"),
        (&["run", "RefundPipeline", "--set", "order"], "write `name=value`"),
        (&["run", "RefundPipeline", "--timeout", "0s"], "the duration `0s` is zero"),
        (&["run", "RefundPipeline", "--timeout", "30"], "30s"),
        (&["grap"], "a similar subcommand exists: 'graph'"),
        (&[], "Usage: shop"),
    ] {
        let result = shop(args);
        assert_eq!((result.code, &*result.out), (Some(2), ""), "{args:?}");
        assert!(result.err.contains(says) && !result.err.contains('\x1b'), "{}", result.err);
    }
    let help = shop(&["--help"]);
    assert_eq!((help.code, &*help.err), (Some(0), ""));
    assert!(
        help.out.contains("130  the run was cancelled (Ctrl-C, SIGTERM, SIGHUP);"),
        "{}",
        help.out
    );
}

fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["graph", "OrderPipeline", "-f", "svg"]).spawn().unwrap();
    drop(child.stdout.take());
    let result = wait_for_result(child);
    assert_eq!((result.code, &*result.err), (Some(0), ""));
}
