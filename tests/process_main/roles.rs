use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio, exit, id};
use std::thread;
use std::time::{Duration, Instant};

use nexus::prelude::*;

/// Which role a process has; its workers inherit it, and must not take it up.
const ROLE: &str = "PROCESS_MAIN_ROLE";

pub(super) fn main() {
    let role = std::env::var(ROLE).unwrap_or_default();
    // A program that ends before it ever reaches the line.
    if role == "late" && std::env::var_os("NEXUS_WORKER").is_some() {
        exit(3);
    }
    // One that reaches work without it.
    if role == "never" && std::env::var_os("NEXUS_WORKER").is_some() {
        println!("{}", Pids {}.run().expect_err("a worker that is none"));
        exit(4);
    }
    nexus::init();
    println!("main runs");
    match role.as_str() {
        "count" => println!("{}", Pids {}.run().unwrap().get_each::<pid>().unwrap().len()),
        "late" | "never" => println!("{}", Pids {}.run().unwrap()),
        "victim" => drop(Hangs {}.run()),
        "program" => {}
        "" => test(),
        other => panic!("{other}"),
    }
}

#[event]
fn four() -> Outcome<Vec<u32>> {
    Outcome::success(vec![1, 2, 3, 4])
}

#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 4 })]
fn pid(#[piped] _n: u32) -> Outcome<u32> {
    Outcome::success(id())
}

#[derive(Pipeline)]
#[pipeline(flow = four |-> pid[each])]
struct Pids {}

/// What a process says that should have been killed by then.
const LEFT: &str = "left";

/// Says who it is, starts a program, and never ends.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 4 })]
fn hang(#[piped] n: u32) -> Outcome<()> {
    println!("worker {}", id());
    if n == 1 {
        let late = format!("sleep 600; echo {LEFT}");
        let mut sleeper = Command::new("sh").args(["-c", &late]).spawn().unwrap();
        println!("worker {}", sleeper.id());
        sleeper.wait().unwrap();
    }
    let start = Instant::now();
    while n == 2 && start.elapsed() < Duration::from_mins(10) {
        std::hint::spin_loop();
    }
    thread::sleep(Duration::from_mins(10));
    println!("{LEFT}");
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = four |-> hang[each])]
struct Hangs {}

/// Starts this program as a user's program would be started by an event.
#[event(executor = ProcessPoolExecutor)]
fn start_program() -> Result<String, std::io::Error> {
    let program = Command::new(std::env::current_exe()?).env(ROLE, "program").output()?;
    Ok(String::from_utf8_lossy(&program.stdout).into_owned())
}

#[derive(Pipeline)]
#[pipeline(flow = start_program)]
struct StartsProgram {}

fn start(role: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program).env(ROLE, role).stdout(Stdio::piped()).spawn().unwrap()
}

fn output(role: &str) -> String {
    let mut child = start(role);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

fn test() {
    main_runs_once();
    a_program_that_a_worker_starts_is_no_worker();
    no_worker_outlives_a_killed_parent();
    a_program_whose_workers_cannot_start_is_told_so();
    println!("process_main: ok");
}

fn main_runs_once() {
    assert_eq!(output("count"), "main runs\n4\n");
}

fn a_program_that_a_worker_starts_is_no_worker() {
    assert_eq!(StartsProgram {}.run().unwrap().output::<String>().unwrap(), "main runs\n");
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // A zombie is dead; who reaps orphans is not nexus's to say.
    stat.is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z")))
}

fn no_worker_outlives_a_killed_parent() {
    let mut victim = start("victim");
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pid = |line: String| Some(line.strip_prefix("worker ")?.to_owned());
    let pids: Vec<String> = lines.by_ref().filter_map(pid).take(5).collect();
    assert!(pids.len() == 5 && pids.iter().all(|pid| is_alive(pid)), "{pids:?}");
    victim.kill().unwrap();
    victim.wait().unwrap();
    // They all have the victim's standard output, which ends with the last of them.
    assert_eq!(lines.find(|line| line == LEFT), None, "a worker is left of {pids:?}");
}

fn a_program_whose_workers_cannot_start_is_told_so() {
    let text = output("late");
    let said = "no worker process could be started: it ended before it was ready (exited with code \
                3); is `nexus::init();` the first line of `main`";
    assert!(text.contains(said), "{text}");
    let text = output("never");
    let said = "this process is a worker that never became one: `nexus::init();` must be the first";
    assert!(text.contains(said) && text.contains("exited with code 4"), "{text}");
}
