//! Where progress is shown.

use std::io::IsTerminal;

/// Where progress is shown, if at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Screen,
    Lines,
    Off,
}

impl Mode {
    /// What suits the standard error, unless nobody wants to see any.
    pub(crate) fn unless(is_unwanted: bool) -> Self {
        if is_unwanted { Self::Off } else { Self::of_stderr() }
    }

    /// What suits the standard error: lines at the bottom of a terminal that a person looks at. A log
    /// of CI may call itself a terminal, and whoever wants no colours wants no escapes either.
    pub(crate) fn of_stderr() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|it| it == "dumb");
        let is_screen = std::io::stderr().is_terminal()
            && !(is_set("CI") || is_set("NO_COLOR"))
            && (cfg!(windows) || !is_dumb);
        if is_screen { Self::Screen } else { Self::Lines }
    }
}
