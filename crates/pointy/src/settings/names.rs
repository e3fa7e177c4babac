//! Settings whose values are names.

use std::fmt;
use std::str::FromStr;

use crate::diagnostic::quote;

/// Words in quotes, with commas.
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $kind { $($(#[$variant_doc])* $variant,)* }

        impl $kind {
            /// The names, in the order of the variants.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// How it is written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for $kind {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownName { found: text.into(), options: Self::NAMES }),
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

names! {
    /// When a step of many tasks counts as success.
    EvaluationState {
        /// Success if all succeed. The default.
        #[default]
        SuccessOnAllEventsSuccess = "SuccessOnAllEventsSuccess",
        /// Failure at the first that fails; the rest is cancelled.
        FailureForPartialError = "FailureForPartialError",
        /// Success if one succeeds.
        SuccessForPartialSuccess = "SuccessForPartialSuccess",
        /// Failure if all fail.
        FailureForAllEventsFailure = "FailureForAllEventsFailure",
    }
}

names! {
    /// How waits between attempts are spread at random.
    Jitter {
        /// Not at all. The default.
        #[default]
        None = "none",
        /// Anywhere from nothing to the whole wait.
        Full = "full",
        /// Anywhere from half the wait to the whole wait.
        Equal = "equal",
    }
}

/// A text is none of the names that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    found: Box<str>,
    options: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is none of {}", quote(&self.found), list(self.options))
    }
}

impl std::error::Error for UnknownName {}
