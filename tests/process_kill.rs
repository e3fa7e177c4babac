//! Workers that are killed while they work: every result is right, every other task ran once, and
//! neither a zombie nor an orphan is left.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;

use nexus::prelude::*;
use rustix::process::{Pid, Signal, kill_process};

nexus::test_workers!();

/// The processes whose parent this one is, with their states.
fn children() -> Vec<(i32, char)> {
    let own = std::process::id().to_string();
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let stat = fs::read_to_string(format!("/proc/{name}/stat")).ok()?;
        // The command's name is in brackets, and may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()? == own).then_some(())?;
        Some((name.parse().ok()?, state))
    });
    stats.collect()
}

#[event]
fn numbers() -> Outcome<Vec<u64>> {
    Outcome::success((0..200).collect())
}

/// Says that it begins, and goes on when it is let, unless its process is killed instead. It has no
/// retry policy: a lost worker is nothing that the event did.
#[event(executor = ProcessPoolExecutor, executor_config = { max_workers: 3 })]
fn square(#[piped] number: u64, killer: &PathBuf) -> Result<u64, std::io::Error> {
    let mut killer = UnixStream::connect(killer)?;
    killer.write_all(&number.to_le_bytes())?;
    killer.write_all(&std::process::id().to_le_bytes())?;
    killer.read_exact(&mut [0])?;
    Ok(number * number)
}

#[derive(Pipeline)]
#[pipeline(flow = numbers |-> square[each])]
struct Squares {
    killer: PathBuf,
}

/// Hears of each task that begins, until a connection says nothing, and kills the process of every
/// tenth number at its first time, and of every fiftieth at its second. Says how often each began.
fn kill_some(listener: &UnixListener) -> HashMap<u64, u32> {
    let mut times = HashMap::new();
    loop {
        let (mut task, _) = listener.accept().unwrap();
        let (mut number, mut pid) = ([0; 8], [0; 4]);
        if task.read_exact(&mut number).and_then(|()| task.read_exact(&mut pid)).is_err() {
            return times;
        }
        let number = u64::from_le_bytes(number);
        let time = times.entry(number).or_default();
        *time += 1;
        // A third death would poison the input.
        if (number.is_multiple_of(10) && *time == 1) || (number.is_multiple_of(50) && *time == 2) {
            let pid = Pid::from_raw(i32::from_le_bytes(pid)).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        } else {
            task.write_all(&[1]).unwrap();
        }
    }
}

#[test]
fn of_two_hundred_tasks_those_whose_worker_is_killed_begin_again_and_no_other() -> nexus::Result<()>
{
    let path = std::env::temp_dir().join(format!("nexus-kill-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let engine = Engine::new();
    let expected: Vec<u64> = (0..200).map(|n| n * n).collect();
    let times = thread::scope(|scope| {
        let killer = scope.spawn(|| kill_some(&listener));
        // The second time, the pool is as good as before.
        for _ in 0..2 {
            let report = engine.run(Squares { killer: path.clone() })?;
            assert_eq!(report.get_each::<square>()?, &expected);
        }
        drop(UnixStream::connect(&path).unwrap());
        Ok::<_, nexus::Error>(killer.join().unwrap())
    })?;
    for (number, times) in times {
        let deaths = u32::from(number.is_multiple_of(10)) + u32::from(number.is_multiple_of(50));
        assert_eq!(times, 2 + deaths, "{number}");
    }
    assert!(children().iter().all(|(_, state)| *state != 'Z'), "{:?}", children());

    drop(engine);
    assert_eq!(children(), []);
    fs::remove_file(path).unwrap();
    Ok(())
}
