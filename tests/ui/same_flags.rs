//! What the tests with trybuild share.

use std::process::Command;

/// The flags with which trybuild compiles the cases, in cargo's own spelling.
///
/// It compiles the dependencies without the last one first, and then all of them once more with it.
/// The variable goes before the flags that trybuild gives to cargo, so that they are compiled once.
const FLAGS: (&str, &str) = (
    "CARGO_ENCODED_RUSTFLAGS",
    "--cfg\x1ftrybuild\x1f--verbose\x1f-A\x1fdead_code\x1f--diagnostic-width=140",
);

/// Runs this test with these flags: in a process of its own, since the environment of this one must
/// not be changed.
pub(crate) fn with_same_flags(test: impl FnOnce(trybuild::TestCases)) {
    let (name, flags) = FLAGS;
    if std::env::var(name).as_deref() == Ok(flags) {
        test(trybuild::TestCases::new());
        return;
    }
    let mut itself = Command::new(std::env::current_exe().unwrap());
    itself.args(std::env::args_os().skip(1)).env(name, flags);
    assert!(itself.status().unwrap().success(), "see above");
}
