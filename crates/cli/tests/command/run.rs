//! Runs the binary.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How a command ended and what it wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandResult {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for CommandResult {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl CommandResult {
    /// It did what was asked, and said this.
    #[track_caller]
    pub(crate) fn assert_is(&self, code: i32, out: &str, err: &str) {
        assert_eq!((self.code, &*self.out, &*self.err), (Some(code), out, err));
    }

    /// It ended with a line that says why and what to do, and nothing else.
    #[track_caller]
    pub(crate) fn assert_refused(&self, line: &str) {
        self.assert_is(2, "", &format!("error: {line}\n"));
    }
}

/// The binary, in this directory, with no wish about colours from outside.
pub(crate) fn nexus(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
    // `CI` counts as a terminal that has colours.
    for wish in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(wish);
    }
    command.current_dir(folder).env("TERM", "xterm").stdin(Stdio::null());
    command
}

pub(crate) fn run(folder: &Path, args: &[&str]) -> CommandResult {
    nexus(folder).args(args).output().unwrap().into()
}

/// With this on standard input.
pub(crate) fn run_with(folder: &Path, args: &[&str], input: &[u8]) -> CommandResult {
    let mut command = nexus(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.args(args).spawn().unwrap();
    // A command that does not read it may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// The directory of the pinned scripts and texts.
pub(crate) fn pinned() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinned")
}

/// Compares what was written, on both streams, with `tests/pinned/name`.
#[track_caller]
pub(crate) fn pin(name: &str, result: &CommandResult) {
    let CommandResult { code, out, err } = result;
    let text = format!("{out}-- standard error:\n{err}-- exit code: {}\n", code.unwrap());
    let path = pinned().join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "{name}");
}

/// An empty directory that is gone at the end.
#[derive(Debug)]
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    pub(crate) fn new(name: &str) -> Self {
        // Not in the target directory, which may be inside of the workspace.
        let folder = std::env::temp_dir().join(format!("nexus-cli-{name}-{}", std::process::id()));
        // Of a test that was killed.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, with the directories on the way.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// The names of what is in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> CommandResult {
        nexus(&self.0).args(args).output().unwrap().into()
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
