//! The help teaches, and what is not understood is answered with exit code 2.

use crate::run::{pin, pinned, run};

const COMMANDS: [&str; 6] = ["check", "fmt", "graph", "explain", "new", "completions"];

#[test]
fn the_help_is_pinned() {
    pin("help.txt", &run(&pinned(), &["--help"]));
    for command in COMMANDS {
        let result = run(&pinned(), &[command, "--help"]);
        assert!(result.out.contains("Examples:\n"), "{command}");
        pin(&format!("help_{command}.txt"), &result);
    }
}

#[test]
fn what_is_not_understood_ends_with_2() {
    for (args, hint) in [
        (&[][..], "Usage: nexus"),
        (&["chekc"], "a similar subcommand exists: 'check'"),
        (&["check"], "required arguments were not provided"),
        (&["check", "x", "--message-format", "jsno"], "a similar value exists: 'json'"),
        (&["fmt", "--chekc", "x"], "a similar argument exists: '--check'"),
        (&["graph"], "required arguments were not provided"),
        (&["graph", "a", "b"], "unexpected argument 'b'"),
        (&["check", "x", "--color", "blue"], "possible values: auto, always, never"),
        (&["completions", "basic"], "a similar value exists: 'bash'"),
        (&["new", "a", "--nexus-path", "x", "--nexus-git", "y"], "cannot be used with"),
    ] {
        let result = run(&pinned(), args);
        assert_eq!((result.code, &*result.out), (Some(2), ""), "{args:?}");
        assert!(result.err.contains(hint), "{args:?}: {}", result.err);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = env!("CARGO_PKG_VERSION");
    run(&pinned(), &["--version"]).assert_is(0, &format!("nexus {version}\n"), "");
}

#[test]
fn completions_know_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let result = run(&pinned(), &["completions", shell]);
        assert_eq!((result.code, &*result.err), (Some(0), ""), "{shell}");
        for word in COMMANDS.iter().chain(&["message-format", "stdin-name", "nexus-path"]) {
            assert!(result.out.contains(word), "{shell} does not know {word}");
        }
    }
}
