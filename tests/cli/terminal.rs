//! What a user sees on a terminal while runs are under way.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::service::{new_store, program};
use crate::shop::{ROLE, command, shop, temp_file};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_terminal_shows_what_is_running", a_terminal_shows_what_is_running),
    ("a_terminal_is_left_as_it_was", a_terminal_is_left_as_it_was),
    ("who_wants_no_escapes_gets_none", who_wants_no_escapes_gets_none),
    ("a_terminal_shows_what_a_service_does", a_terminal_shows_what_a_service_does),
    ("events_are_lines_of_json", events_are_lines_of_json),
    ("a_quiet_run_says_what_came_of_it", a_quiet_run_says_what_came_of_it),
];

/// Gives the terminal its rows back.
const CLOSE: &str = "\x1b7\x1b[r\x1b8\x1b[J";

/// A program whose standard error is a terminal.
struct OnTerminal {
    child: Child,
    keyboard: File,
    shown: String,
}

impl OnTerminal {
    fn start(command: &mut Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let screen = open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let child = command.stderr(screen).env_remove("CI").env_remove("NO_COLOR");
        let child = child.env("TERM", "xterm").spawn().unwrap();
        // The program alone keeps the terminal open.
        command.stderr(Stdio::null());
        Self { child, keyboard: File::from(keyboard), shown: String::new() }
    }

    /// Reads on until this is shown.
    fn until(&mut self, text: &str) {
        while !self.shown.contains(text) {
            assert!(self.read(), "it ended without `{text}`: {}", self.shown);
        }
    }

    /// Reads more, if there is more.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        // A terminal that nobody has open any more is an error on Linux.
        let count = self.keyboard.read(&mut bytes).unwrap_or(0);
        self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How it ended, and all that it has shown.
    fn end(mut self) -> (Option<i32>, String) {
        while self.read() {}
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.shown))
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SLOW: [&str; 8] =
    ["run", "RefundPipeline", "-s", "order=12", "-s", "cents=5", "-s", "days=3000"];

fn a_terminal_shows_what_is_running() {
    let mut run = OnTerminal::start(&mut command(&SLOW));
    run.until("RefundPipeline: 0/2 steps, 1 running");
    // Some seconds may have passed before the first picture.
    let is_there = |shown: &str| {
        let mut rows = shown.split("  await_bank for ").skip(1);
        rows.any(|row| {
            let seconds = row.split_once("s [------------------------] ").map(|(it, _)| it);
            seconds.is_some_and(|it| it.parse::<u64>().is_ok())
        })
    };
    while !is_there(&run.shown) {
        assert!(run.read(), "it ended without the bar of its step: {}", run.shown);
    }
    assert!(run.shown.contains("\x1b[1;22r"), "two rows of 24 are taken: {:?}", run.shown);
    run.signal(Signal::INT);
    let (code, shown) = run.end();
    assert_eq!(code, Some(130));
    let (_, rest) = shown.rsplit_once(CLOSE).expect("the rows are given back");
    assert!(
        rest.contains("RefundPipeline was cancelled") && !rest.contains("\x1b[2K"),
        "{shown:?}"
    );
}

/// Also where the program ends at once.
fn a_terminal_is_left_as_it_was() {
    let flow = temp_file("deaf.pty", "deaf");
    let mut run =
        OnTerminal::start(&mut command(&[&SLOW[..], &["--flow", flow.to_str().unwrap()]].concat()));
    run.until("deaf: 0/1 steps, 1 running");
    run.signal(Signal::TERM);
    run.until("cancelling the run");
    run.signal(Signal::TERM);
    let (code, shown) = run.end();
    assert_eq!(code, Some(130));
    let (_, rest) = shown.rsplit_once("\x1b[1;").expect("rows were taken");
    assert!(rest.contains(CLOSE), "{shown:?}");
}

fn who_wants_no_escapes_gets_none() {
    let environments = [("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")];
    let runs = environments.map(|(name, value)| {
        let slow = command(&SLOW);
        // `start` sets the environment of a terminal; this comes on top of it.
        let mut through = Command::new("env");
        through.arg(format!("{name}={value}")).arg(slow.get_program()).args(slow.get_args());
        through.env(ROLE, "1").current_dir(env!("CARGO_MANIFEST_DIR"));
        through.stdin(Stdio::null()).stdout(Stdio::null());
        (name, OnTerminal::start(&mut through))
    });
    for (name, mut run) in runs {
        run.until("RefundPipeline: 0 of 2 steps ended after ");
        assert!(!run.shown.contains('\x1b'), "{name}: {:?}", run.shown);
    }
}

fn a_terminal_shows_what_a_service_does() {
    let store = new_store("terminal");
    let shown = store.display().to_string();
    let mut service = OnTerminal::start(&mut program(&store, &["serve"]));
    service.until(&format!("{shown}: 0/0 runs, 0 running"));
    service.signal(Signal::TERM);
    let (code, shown) = service.end();
    assert_eq!(code, Some(0));
    assert!(shown.ends_with(CLOSE), "{shown:?}");
}

/// A program that starts another one hears of what happens while it happens.
fn events_are_lines_of_json() {
    let input = "orders=[{\"id\": \"A\", \"email\": \"e\", \"total\": 1, \"card\": \"tok_flaky\"}]";
    let result = shop(&["run", "OrderPipeline", "-s", input, "--json=events"]);
    assert_eq!(result.code, Some(0), "{}", result.err);
    let lines: Vec<serde_json::Value> =
        result.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or("").to_owned();
    let said: Vec<String> =
        lines.iter().map(|it| format!("{} {}", text(it, "event"), text(it, "step"))).collect();
    assert_eq!(
        said.iter().map(|line| line.trim()).collect::<Vec<_>>(),
        [
            "started",
            "attempt_started validate",
            "attempt_ended validate",
            "attempt_started charge",
            "attempt_ended charge",
            "retry charge",
            "attempt_started charge",
            "attempt_ended charge",
            "attempt_started add_up",
            "attempt_ended add_up",
            "ended",
            "report",
        ]
    );
    assert_eq!((&lines[5]["item"], &lines[5]["wait_seconds"]), (&0.into(), &0.2.into()));
    assert_eq!(lines[5]["reason"], "the payment gateway timed out");
    assert_eq!(lines[11]["report"]["status"], "succeeded");
}

fn a_quiet_run_says_what_came_of_it() {
    let run = ["run", "RefundPipeline", "--quiet", "-s", "order=12", "-s", "days=0", "-s"];
    let result = shop(&[&run[..], &["cents=5"]].concat());
    assert_eq!(result.out, "\"5 cents of 12 are on their way back\"\n");
    assert_eq!((result.code, &*result.err), (Some(0), ""));
    let result = shop(&[&run[..], &["cents=500000"]].concat());
    let error = "error: RefundPipeline was stopped at `refund` by `stop_on_error`\n";
    assert_eq!((result.code, &*result.out, &*result.err), (Some(1), "", error));
}
