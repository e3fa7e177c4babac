//! Python's pool of processes, kept beside us and asked to measure itself.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/process_pool.py");

/// A Python process with a pool.
pub(crate) struct Python {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it, unless there is no `python3`.
    pub(crate) fn start(workers: usize) -> Option<Self> {
        Self::try_start(workers)
            .inspect_err(|error| eprintln!("no comparison with Python, it does not start: {error}"))
            .ok()
    }

    fn try_start(workers: usize) -> io::Result<Self> {
        let mut command = Command::new("python3");
        command.args([SCRIPT, &workers.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take();
        let answers = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut python = Self { child, orders, answers: BufReader::new(answers) };
        python.ask("in_turn", 1)?;
        Ok(python)
    }

    /// Microseconds per task of so many tasks.
    pub(crate) fn micros_each(&mut self, how: &str, tasks: usize) -> f64 {
        self.ask(how, tasks).unwrap_or_else(|error| {
            eprintln!("Python does not answer: {error}");
            std::process::exit(1)
        })
    }

    fn ask(&mut self, how: &str, tasks: usize) -> io::Result<f64> {
        let orders = self.orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(orders, "{how} {tasks}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.trim().parse().map_err(io::Error::other)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
