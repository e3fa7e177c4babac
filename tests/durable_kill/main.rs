//! D3, D5: a program with twenty-one durable runs is killed at a random moment, over and over, and
//! started again until all runs have ended. No run is lost or listed twice, every output is right,
//! no recorded attempt is invoked again, and no worker process is left behind.
//!
//! `cargo test --test durable_kill -- 2000` kills it so often; `-- 200 TERM` with another signal,
//! and `-- 200 STOP` stops it for a while before it is killed.
#![cfg_attr(not(unix), allow(unused, reason = "there are no such signals"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects"
)]

mod program;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nexus::journal::{RecordKind, RunQuery, RunState, Store};
use nexus::{SqliteStore, Status};
use rustix::process::{Pid, Signal, kill_process};

/// Says that this process is the program, and which round it is in.
const ROUND: &str = "NEXUS_KILL_ROUND";

fn main() -> ExitCode {
    nexus::init();
    if let Ok(round) = std::env::var(ROUND) {
        let mut args = std::env::args().skip(1);
        let store = PathBuf::from(args.next().unwrap());
        let resume = args.next().as_deref() == Some("resume");
        return program::main(&store, round.parse().unwrap(), resume);
    }
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let kills = args.next().and_then(|arg| arg.parse().ok()).unwrap_or(25);
    let signal = args.next().unwrap_or_else(|| "KILL".to_owned());
    let folder = std::env::temp_dir().join(format!("nexus-kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    Killer::new(&folder, &signal).kill_so_often(kills);
    std::fs::remove_dir_all(&folder).unwrap();
    ExitCode::SUCCESS
}

/// An attempt: run, step, item, attempt.
type Attempt = (String, String, String, u32);

struct Killer {
    folder: PathBuf,
    /// That of the round.
    store: PathBuf,
    signal: Signal,
    /// Whether the program is stopped for a while first.
    stops: bool,
    random: u64,
    /// What was recorded when the program was last looked at.
    recorded: HashSet<Attempt>,
    invoked: HashMap<Attempt, u32>,
}

impl Killer {
    fn new(folder: &Path, signal: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = std::env::var("NEXUS_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let random = seed.unwrap_or(since.as_nanos() as u64 | 1);
        println!("the moments are drawn from NEXUS_KILL_SEED={random}");
        Self {
            folder: folder.to_owned(),
            store: PathBuf::new(),
            signal: if signal == "TERM" { Signal::TERM } else { Signal::KILL },
            stops: signal == "STOP",
            random,
            recorded: HashSet::new(),
            invoked: HashMap::new(),
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn kill_so_often(&mut self, kills: u32) {
        let (mut killed, mut round) = (0, 0);
        while killed < kills {
            round += 1;
            // What is looked at after each kill does not grow with their number.
            self.store = self.folder.join(format!("round-{round}.db"));
            while killed < kills && self.life(round, true) {
                killed += 1;
            }
            // Whatever is left of the round ends undisturbed.
            assert!(!self.life(round, false));
            self.check_round(round);
            self.recorded.clear();
        }
        let again = self.invoked.values().filter(|times| **times > 1).count();
        println!(
            "{killed} kills in {round} rounds of {} runs: {} attempts, of which {again} had no record yet and were invoked again",
            program::keys(0).count(),
            self.invoked.len(),
        );
    }

    /// Runs the program until it ends or is killed; says whether it was killed.
    fn life(&mut self, round: u32, kill: bool) -> bool {
        let how = if self.draw(2) == 0 { "resume" } else { "attach" };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(&self.store)
            .arg(how)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (send, receive) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut said = Vec::new();
        if kill {
            // Something happens, and then it is a matter of luck.
            said.extend(receive.recv().ok());
            std::thread::sleep(Duration::from_micros(self.draw(50_000)));
            let pid = Pid::from_child(&child);
            if self.stops {
                let _ = kill_process(pid, Signal::STOP);
                std::thread::sleep(Duration::from_micros(self.draw(5_000)));
                let _ = kill_process(pid, Signal::CONT);
                std::thread::sleep(Duration::from_micros(self.draw(5_000)));
            }
            let _ = kill_process(pid, self.signal);
        }
        let status = child.wait().unwrap();
        // Worker processes have the same stdout, so this ends when the last one has.
        said.extend(receive.iter());
        reader.join().unwrap();
        self.check_life(&said);
        let was_killed = status.signal().is_some();
        assert!(was_killed || status.success(), "the program ended with {status}");
        was_killed
    }

    /// No attempt that was recorded before this life was invoked in it.
    fn check_life(&mut self, said: &[String]) {
        for line in said {
            let mut words = line.split(' ').map(str::to_owned);
            let mut word = || words.next().unwrap();
            let attempt = (word(), word(), word(), word().parse().unwrap());
            assert!(
                !self.recorded.contains(&attempt),
                "{attempt:?} was recorded, and invoked again"
            );
            *self.invoked.entry(attempt).or_default() += 1;
        }
        self.recorded.clear();
        let Ok(store) = SqliteStore::open(&self.store) else { return };
        for run in store.runs(&RunQuery::all()).unwrap() {
            let start = &run.start;
            assert_ne!(run.state, RunState::Damaged, "{:?}", run.reason);
            for record in store.records(&start.key, 0, usize::MAX).unwrap() {
                if let (RecordKind::Completed, Some(step)) = (record.kind, record.step) {
                    let path = start.flow.steps[step as usize].path.clone();
                    let item = record.item.map_or_else(|| "-".to_owned(), |item| item.to_string());
                    self.recorded.insert((start.key.to_string(), path, item, record.attempt));
                }
            }
        }
    }

    /// Every run of the round is there once, and has succeeded; its output the program has checked.
    fn check_round(&self, round: u32) {
        let store = SqliteStore::open(&self.store).unwrap();
        let runs = store.runs(&RunQuery::all()).unwrap();
        for (key, _) in program::keys(round) {
            let found: Vec<RunState> =
                runs.iter().filter(|run| *run.start.key == *key).map(|run| run.state).collect();
            assert_eq!(found, [RunState::Ended(Status::Succeeded)], "{key}");
        }
        let mut keys: Vec<&str> = runs.iter().map(|run| &*run.start.key).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "a run is listed twice");
    }
}
