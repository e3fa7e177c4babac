//! `nexus new`: the first thing a user has of nexus builds, runs and passes its tests.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{CommandResult, TestDir, run};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Cargo in the project, without the network: with the workspace's lock file, everything that the
/// project needs is on this machine, since the workspace needed it.
fn cargo(project: &Path, args: &[&str]) -> CommandResult {
    let binary = Path::new(env!("CARGO_BIN_EXE_nexus"));
    // target/debug/nexus
    let target = binary.parent().unwrap().parent().unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(project).env("CARGO_TARGET_DIR", target).args(args);
    // As the workspace compiles its dependencies, so that they need not be compiled again.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    command.env("CARGO_NET_OFFLINE", "true").output().unwrap().into()
}

#[test]
fn the_project_builds_runs_and_passes_its_tests() {
    let dir = TestDir::new("new");
    let nexus = workspace();
    let result = dir.run(&["new", "my-shop", "--nexus-path", nexus.to_str().unwrap()]);
    result.assert_is(
        0,
        "",
        "made the project `my-shop`; now: cd my-shop && cargo test && cargo run -- mug\n",
    );
    let project = dir.path().join("my-shop");
    fs::copy(nexus.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();

    let tested = cargo(&project, &["test"]);
    assert_eq!(tested.code, Some(0), "{}{}", tested.out, tested.err);
    assert!(
        tested.out.contains("test result: ok. 3 passed; 0 failed; 0 ignored"),
        "{}",
        tested.out
    );

    let placed = cargo(&project, &["run", "--", "mug", "spoon"]);
    assert_eq!(placed.code, Some(0), "{}", placed.err);
    assert!(placed.out.ends_with("\nordered: mug, spoon\n"), "{}", placed.out);
    assert_eq!(fs::read_to_string(project.join("orders.txt")).unwrap(), "mug, spoon\n");

    let refused = cargo(&project, &["run"]);
    assert_eq!(refused.code, Some(0), "{}", refused.err);
    assert!(refused.out.ends_with("\nnot ordered: the order has no items\n"), "{}", refused.out);
    assert_eq!(fs::read_to_string(project.join("orders.txt")).unwrap(), "mug, spoon\n");

    // The author's own code has no warnings, and its script is as `nexus` wants it.
    assert!(!tested.err.contains("--> src/"), "{}", tested.err);
    run(&project, &["check", "."]).assert_is(0, "", "no mistakes in 1 script\n");
    run(&project, &["fmt", "--check", "."]).assert_is(0, "", "1 script laid out\n");
}

#[test]
fn the_manifest_says_where_nexus_is() {
    let dir = TestDir::new("new-manifest");
    dir.file("tools/nexus/Cargo.toml", "[package]\nname = \"nexus\"\n");
    let manifest = |name: &str, option: &str, value: &str| {
        let result = dir.run(&["new", name, option, value]);
        assert_eq!(result.code, Some(0), "{result:?}");
        let text = dir.read(&format!("{name}/Cargo.toml"));
        text.split_once("[dependencies]\n").unwrap().1.to_owned()
    };
    // From here to there, so that both may move together.
    assert_eq!(
        manifest("shop", "--nexus-path", "tools/nexus"),
        "nexus = { path = \"../tools/nexus\" }\n"
    );
    assert_eq!(
        manifest("work/deep/shop", "--nexus-path", "./tools/nexus"),
        "nexus = { path = \"../../../tools/nexus\" }\n"
    );
    let absolute = dir.path().join("tools/nexus");
    assert_eq!(
        manifest("far", "--nexus-path", absolute.to_str().unwrap()),
        format!("nexus = {{ path = {absolute:?} }}\n")
    );
    assert_eq!(
        manifest("git", "--nexus-git", "https://example.com/nexus.git"),
        "nexus = { git = \"https://example.com/nexus.git\" }\n"
    );
    // In a workspace it would not build, unless it is one of its own.
    dir.file("Cargo.toml", "[workspace]\nmembers = []\n");
    assert!(manifest("inside", "--nexus-path", "tools/nexus").ends_with("\n[workspace]\n"));
}

#[test]
fn what_cannot_be_made_is_refused_and_nothing_is_left() {
    let dir = TestDir::new("new-refused");
    let nexus = workspace();
    let nexus = nexus.to_str().unwrap();
    dir.file("full/notes.txt", "mine");
    dir.file("file", "mine");
    dir.file("other/Cargo.toml", "[package]\nname = \"other\"\n");
    let before = dir.names();
    for (args, line) in [
        (
            &["shop"][..],
            "nexus is not on crates.io; say where it is: `--nexus-path` with a checkout, or `--nexus-git` with the address of a repository",
        ),
        (
            &["9lives", "--nexus-path", nexus],
            "`9lives` is no name for a package: it may have letters from a to z, digits, `-` and `_`, and starts with a letter; take another, such as `shop`",
        ),
        (
            &["work/fn", "--nexus-path", nexus],
            "`fn` is no name for a package: it means something else in Rust or to cargo; take another, such as `shop`",
        ),
        (
            &["full", "--nexus-path", nexus],
            "the directory `full` is not empty; take another name, or empty it",
        ),
        (&["file", "--nexus-path", nexus], "`file` is there and no directory; take another name"),
        (
            &["shop", "--nexus-path", "other"],
            "`other` is no checkout of nexus: its Cargo.toml has another package; name the one that has src/ and nexus-core/",
        ),
    ] {
        dir.run(&[&["new"], args].concat()).assert_refused(line);
    }
    let result = dir.run(&["new", "shop", "--nexus-path", "gone"]);
    assert_eq!(result.code, Some(2));
    let said = "error: `gone` is no checkout of nexus: its Cargo.toml cannot be read, ";
    assert!(result.err.starts_with(said), "{}", result.err);
    assert_eq!(dir.names(), before);
    assert_eq!(dir.read("full/notes.txt"), "mine");

    // A directory with nothing in it is as good as none.
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(dir.run(&["new", "empty", "--nexus-path", nexus]).code, Some(0));
}
