//! Values that nobody is to read by chance.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands for a secret.
const HIDDEN: &str = "***";

/// A value that only [`expose`](Self::expose) shows: a password, a token, a card's number.
///
/// Everywhere else there is `***` in its place: in `Debug` and `Display`, in a report and its JSON, in
/// whatever else serialises it. A mistake in an input that holds one says what is wrong without what was
/// there.
///
/// It goes to a [worker process](crate::ExecutorKind) as it is. No store and no cluster keeps it: a
/// durable run with a secret among its inputs does not begin, and a step whose value holds one breaks,
/// both with an error that names the place. What such a run needs, give to the engine as a
/// [`State`](crate::State), which each process makes anew.
///
/// ```
/// use nexus_core::Secret;
/// let token = Secret::new("s3cr3t".to_owned());
/// assert_eq!(format!("{token} {token:?}"), "*** ***");
/// assert_eq!(serde_json::to_string(&token)?, r#""***""#);
/// assert_eq!(token.expose(), "s3cr3t");
/// let wrong = serde_json::from_str::<Secret<u32>>("\"s3cr3t\"").unwrap_err();
/// assert_eq!(wrong.to_string(), "this is no secret of type `u32`");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value, which is hidden no longer.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A text that is no secret of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretError {
    expected: &'static str,
}

impl SecretError {
    fn of<T>() -> Self {
        Self { expected: std::any::type_name::<T>() }
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no secret of type `{}`", self.expected)
    }
}

impl std::error::Error for SecretError {}

impl<T: FromStr> FromStr for Secret<T> {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        // The error of `T` may repeat the text.
        text.parse().map(Self).map_err(|_| SecretError::of::<T>())
    }
}

/// What values are serialised for, where it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be read by a person, or by the user's own code.
    Shown,
    /// For a worker process.
    #[cfg(feature = "wire")]
    Sent,
    /// For a store, or for a cluster, which has one.
    #[cfg(feature = "durable")]
    Recorded,
}

thread_local! {
    static PURPOSE: Cell<Purpose> = const { Cell::new(Purpose::Shown) };
}

#[cfg(feature = "wire")]
impl Purpose {
    /// Sends values with `serialize`, unless they are recorded with it.
    pub(crate) fn send<T>(serialize: impl FnOnce() -> T) -> T {
        if PURPOSE.get() == Self::Shown { Self::Sent.within(serialize) } else { serialize() }
    }

    /// Records values with `serialize`.
    #[cfg(feature = "durable")]
    pub(crate) fn record<T>(serialize: impl FnOnce() -> T) -> T {
        Self::Recorded.within(serialize)
    }

    fn within<T>(self, serialize: impl FnOnce() -> T) -> T {
        /// What it was before comes back where a panic leaves the call, too.
        struct Restore(Purpose);
        impl Drop for Restore {
            fn drop(&mut self) {
                PURPOSE.set(self.0);
            }
        }
        let _restore = Restore(PURPOSE.replace(self));
        serialize()
    }
}

impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match PURPOSE.get() {
            Purpose::Shown => serializer.serialize_str(HIDDEN),
            #[cfg(feature = "wire")]
            Purpose::Sent => self.0.serialize(serializer),
            #[cfg(feature = "durable")]
            Purpose::Recorded => Err(serde::ser::Error::custom(
                "a `Secret` is not recorded; give it to the engine as a `State`",
            )),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The error of `T` may repeat what was there.
        T::deserialize(from).map(Self).map_err(|_| D::Error::custom(SecretError::of::<T>()))
    }
}
