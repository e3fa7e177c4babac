//! The program under test.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Set where the process is the program.
pub(crate) const ROLE: &str = "NEXUS_TEST_SHOP";

/// The exit code and the output of a call of the program.
pub(crate) struct CommandResult {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command(args: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap();
    // Whoever runs the tests may ignore signals, as `nohup` and a shell's background do, and the
    // program would inherit that.
    let mut command = if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP,INT,TERM").arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(args).env(ROLE, "1").current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The same command, with a signal that is ignored from the start.
#[cfg(target_os = "linux")]
pub(crate) fn ignoring(signal: &str, command: &Command) -> Command {
    let mut ignoring = Command::new("env");
    ignoring.arg(format!("--ignore-signal={signal}"));
    // The first argument gives signals back their default.
    ignoring.args(command.get_args().skip(1)).current_dir(env!("CARGO_MANIFEST_DIR"));
    ignoring.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ignoring.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ignoring
}

/// Calls the program with an empty input.
pub(crate) fn shop(args: &[&str]) -> CommandResult {
    shop_reads(args, "")
}

/// Calls the program with something to read.
pub(crate) fn shop_reads(args: &[&str], input: &str) -> CommandResult {
    let mut child = command(args).spawn().unwrap();
    // A program that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    wait_for_result(child)
}

pub(crate) fn wait_for_result(child: Child) -> CommandResult {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), without_progress(&text(output.stderr)));
    CommandResult { code: output.status.code(), out, err }
}

/// What a program said, without the lines by which it says after two seconds that it goes on: where the
/// machine stands still, a run of a moment takes as long. A line that comes earlier is left where it is.
pub(crate) fn without_progress(said: &str) -> String {
    let is_early = |after: &str| ["0s", "1s"].iter().any(|it| after.starts_with(it));
    let is_kept = |line: &&str| {
        line.split_once(" steps ended after ").is_none_or(|(_, after)| is_early(after))
    };
    said.split_inclusive('\n').filter(is_kept).collect()
}

/// A file in a folder of this process's own.
pub(crate) fn temp_file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cli");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
