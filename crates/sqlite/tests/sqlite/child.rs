//! Processes that the tests start: this test binary again, with a part to play.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nexus_core::journal::{RunQuery, Store, StoreError};
use nexus_sqlite::SqliteStore;

use crate::support::{record, said, start};

const PART: &str = "NEXUS_SQLITE_TEST_PART";
const STORE: &str = "NEXUS_SQLITE_TEST_STORE";
const MARK: &str = "> ";

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Opens the store and says whether it could.
    Open,
    /// Opens the store, says so, and keeps it until its input ends.
    Own,
    /// The same, and starts a process that lives until then, too, and longer.
    OwnAndStart,
    /// Commits batches for ever, and says each number that is safe.
    Commit,
    /// Commits batches until one fails, says how many were safe, and the error; tries again.
    Fill,
    /// Reads the store without owning it, and says how many runs there are.
    Read,
}

/// A child, which is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

/// How to start this binary with a part to play.
pub(crate) fn command(part: Part, store: &Path) -> Command {
    command_of(&std::env::current_exe().unwrap(), part, store)
}

/// The same, by another path.
pub(crate) fn command_of(this: &Path, part: Part, store: &Path) -> Command {
    let mut command = Command::new(this);
    command.args(["--exact", "child::child", "--nocapture"]);
    command.env(PART, format!("{part:?}")).env(STORE, store);
    command
}

pub(crate) fn begin(mut command: Command) -> Running {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let input = child.stdin.take();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Running { child, input, lines }
}

pub(crate) fn run(part: Part, store: &Path) -> Running {
    begin(command(part, store))
}

impl Running {
    /// The next thing that it says; none if it has ended.
    pub(crate) fn says(&mut self) -> Option<String> {
        let marked = |line: String| line.strip_prefix(MARK).map(String::from);
        self.lines.by_ref().map_while(Result::ok).find_map(marked)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn wait(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(what: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "\n{MARK}{what}");
    let _ = out.flush();
}

/// A batch is one record of each of three runs; its number is in the bodies. Sizes differ, so that
/// batches end everywhere in a page.
pub(crate) fn batch(number: u64) -> Vec<nexus_core::journal::Change> {
    let body = format!("{number}:{}", "x".repeat((number * 37 % 1_500) as usize));
    ["a", "b", "c"].iter().map(|key| record(key, number, &body)).collect()
}

pub(crate) fn begin_runs(store: &SqliteStore) -> Result<(), StoreError> {
    if store.run("a")?.is_none() { store.commit(&["a", "b", "c"].map(start)) } else { Ok(()) }
}

/// How many batches are there, after seeing that each is whole.
pub(crate) fn whole_batches(store: &SqliteStore) -> u64 {
    let records = ["a", "b", "c"].map(|key| store.records(key, 0, usize::MAX).unwrap());
    let [count, ..] = [records[0].len(), records[1].len(), records[2].len()];
    for records in &records {
        assert_eq!(records.len(), count, "a batch is there in part");
        for (n, record) in records.iter().enumerate() {
            assert!(record.body.starts_with(&format!("{}:", n + 1)));
        }
    }
    count as u64
}

fn wait_for_end_of_input() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}

/// What a process does that another test starts; nothing in the tests' own process.
#[test]
fn child() {
    let (Ok(part), Ok(path)) = (std::env::var(PART), std::env::var(STORE)) else { return };
    let parts = [Part::Open, Part::Own, Part::OwnAndStart, Part::Commit, Part::Fill, Part::Read];
    let part = parts.into_iter().find(|p| format!("{p:?}") == part).unwrap();
    let outcome = match part {
        Part::Read => SqliteStore::read_only(path)
            .and_then(|store| store.runs(&RunQuery::all()))
            .map(|runs| say(runs.len())),
        _ => SqliteStore::open(path).and_then(|store| play(part, &store)),
    };
    if let Err(error) = outcome {
        say(said(&error));
    }
}

fn play(part: Part, store: &SqliteStore) -> Result<(), StoreError> {
    match part {
        Part::Open | Part::Read => say("open"),
        Part::Own => {
            say("owns it");
            wait_for_end_of_input();
        }
        Part::OwnAndStart => {
            let mut sleeper = Command::new("sleep");
            sleeper.arg("600").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut sleeper = sleeper.spawn().unwrap();
            say(sleeper.id());
            wait_for_end_of_input();
            sleeper.kill().unwrap();
            sleeper.wait().unwrap();
        }
        Part::Commit => {
            begin_runs(store)?;
            let mut number = whole_batches(store);
            loop {
                number += 1;
                store.commit(&batch(number))?;
                say(number);
            }
        }
        Part::Fill => {
            begin_runs(store)?;
            let mut number = 0;
            let error = loop {
                match store.commit(&batch(number + 1)) {
                    Ok(()) => number += 1,
                    Err(error) => break error,
                }
            };
            say(number);
            say(said(&error));
            let again = store.commit(&batch(number + 2)).unwrap_err();
            say(said(&again));
            say(whole_batches(store));
        }
    }
    Ok(())
}
