//! Retry policies: plain data and arithmetic (tutorial, "Specifying a Retry Policy for Events").

mod jitter;
mod schedule;

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use jitter::Jitter;

use crate::outcome::{Exception, ExceptionKind};
use crate::panic::contain;
use crate::value::short_type_name;

/// The longest wait that a policy may ask for: 30 days.
pub const LONGEST_WAIT: Duration = Duration::from_hours(30 * 24);

/// When and how often an event that broke is tried again.
///
/// Only exceptions are retried, never failures. The wait before retry `k` is
/// `min(backoff_factor * 2^(k-1), max_backoff)` seconds.
///
/// ```
/// use nexus_core::RetryPolicy;
/// let policy = RetryPolicy::builder()
///     .max_attempts(4)
///     .backoff_factor(1.0)
///     .max_backoff(10.0)
///     .retry_on::<std::io::Error>()
///     .build()?;
/// assert_eq!(policy.schedule().to_string(), "4 attempts, waits 1s, 2s, 4s: 7s at worst");
/// # Ok::<(), nexus_core::RetryPolicyError>(())
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    max_attempts: u32,
    backoff_factor: Duration,
    max_backoff: Duration,
    jitter: Jitter,
    max_elapsed: Option<Duration>,
    retry_on: Arc<[ErrorType]>,
    retry_if: Option<Predicate>,
}

type Predicate = Arc<dyn Fn(&(dyn StdError + 'static)) -> bool + Send + Sync>;

/// An error type named in `retry_on_exceptions`.
#[derive(Clone, Copy)]
pub struct ErrorType {
    name: fn() -> &'static str,
    matches: fn(&(dyn StdError + 'static)) -> bool,
}

impl ErrorType {
    /// The error type `E`.
    pub const fn of<E: StdError + 'static>() -> Self {
        Self { name: type_name::<E>, matches: |error| error.is::<E>() }
    }

    /// The type's name, without modules.
    pub fn name(&self) -> String {
        short_type_name((self.name)())
    }

    /// The name with its path, by which processes of the same program know the type.
    pub(crate) fn full_name(&self) -> &'static str {
        (self.name)()
    }

    /// Whether an error of this type is in the exception's chain.
    pub(crate) fn is_in(&self, exception: &Exception) -> bool {
        exception.chain().any(|error| (self.matches)(error))
            || exception.retry_hints().is_some_and(|retry_hints| {
                retry_hints.types.iter().any(|ty| ty == self.full_name())
            })
    }
}

impl fmt::Debug for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl Default for RetryPolicy {
    /// 5 attempts, factor 0.05 s, at most 100 s, on every exception.
    fn default() -> Self {
        Self {
            max_attempts: 5,
            backoff_factor: Duration::from_millis(50),
            max_backoff: Duration::from_secs(100),
            jitter: Jitter::None,
            max_elapsed: None,
            retry_on: Arc::from([]),
            retry_if: None,
        }
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("backoff_factor", &self.backoff_factor)
            .field("max_backoff", &self.max_backoff)
            .field("jitter", &self.jitter)
            .field("max_elapsed", &self.max_elapsed)
            .field("retry_on_exceptions", &self.retry_on)
            .field("retry_if", &self.retry_if.is_some())
            .finish()
    }
}

impl RetryPolicy {
    /// Starts from the defaults: 5 attempts, factor 0.05 s, at most 100 s, on every exception.
    pub fn builder() -> RetryPolicyBuilder {
        RetryPolicyBuilder::default()
    }

    /// Attempts in all, the first included.
    pub fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// The waits of this policy, without jitter.
    pub fn schedule(&self) -> Schedule<'_> {
        Schedule(self)
    }

    pub(crate) fn with_max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts.max(1);
        self
    }

    /// Whether decisions need to know how much time has passed.
    pub(crate) fn is_timed(&self) -> bool {
        self.max_elapsed.is_some()
    }

    /// Whether `exception` is one that this policy retries.
    fn covers(&self, exception: &Exception) -> bool {
        use ExceptionKind::{Edge, Pending, Serialization};
        if matches!(exception.kind(), Edge | Serialization | Pending) {
            return false;
        }
        let listed = self.retry_on.is_empty() || self.retry_on.iter().any(|ty| ty.is_in(exception));
        // A predicate looks at the error itself, which only its own process has.
        listed
            && match exception.retry_hints() {
                Some(retry_hints) => self.retry_if.is_none() || retry_hints.agreed,
                None => self.agrees(exception),
            }
    }

    /// Whether `retry_if`, where there is one, accepts an error of the chain. It is asked once about
    /// each exception: what is recorded of it is what the run goes by.
    pub(crate) fn agrees(&self, exception: &Exception) -> bool {
        let Some(accepts) = &self.retry_if else { return true };
        exception.agreed_once(Arc::as_ptr(accepts).addr(), || {
            // A predicate of the user's that panics agrees to nothing.
            contain(|| exception.chain().any(|error| accepts(error))).unwrap_or(false)
        })
    }

    /// The error types that it is bound to; none is every exception.
    pub fn listed(&self) -> &[ErrorType] {
        &self.retry_on
    }

    /// The wait before the next attempt, after `attempts` were made in `elapsed` time; `None` if
    /// there is to be none. `seed` decides the jitter.
    pub(crate) fn next_wait(
        &self,
        exception: &Exception,
        attempts: u32,
        elapsed: Duration,
        seed: impl FnOnce() -> u64,
    ) -> Option<Duration> {
        if attempts >= self.max_attempts || !self.covers(exception) {
            return None;
        }
        let wait = match exception.retry_after() {
            Some(after) => after.min(LONGEST_WAIT),
            None => self.jitter.spread(self.wait(attempts), seed),
        };
        let Some(max_elapsed) = self.max_elapsed else {
            return Some(wait);
        };
        let left = max_elapsed.checked_sub(elapsed).filter(|left| !left.is_zero())?;
        Some(wait.min(left))
    }

    fn wait(&self, retry: u32) -> Duration {
        schedule::wait(self.backoff_factor, self.max_backoff, retry)
    }
}

/// The waits of a [`RetryPolicy`]: an iterator over them with [`waits`](Self::waits), their sum
/// with [`total`](Self::total), and a sentence through `Display`.
#[derive(Debug, Clone, Copy)]
pub struct Schedule<'a>(&'a RetryPolicy);

impl Schedule<'_> {
    /// The wait before each retry, in order.
    pub fn waits(&self) -> impl Iterator<Item = Duration> {
        (1..self.0.max_attempts).map(|retry| self.0.wait(retry))
    }

    /// All waits together: the longest that the policy can hold a step up, attempts themselves
    /// not counted.
    pub fn total(&self) -> Duration {
        let policy = self.0;
        let mut sum = Duration::ZERO;
        let mut retry = 1;
        while retry < policy.max_attempts {
            let wait = policy.wait(retry);
            if wait == policy.max_backoff || wait.is_zero() {
                sum = sum.saturating_add(wait.saturating_mul(policy.max_attempts - retry));
                break;
            }
            sum = sum.saturating_add(wait);
            retry += 1;
        }
        policy.max_elapsed.map_or(sum, |limit| sum.min(limit))
    }
}

impl fmt::Display for Schedule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        match self.0.max_attempts {
            1 => return f.write_str("1 attempt, no retry"),
            n => write!(f, "{n} attempts, waits ")?,
        }
        for (index, wait) in self.waits().take(SHOWN).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{wait:?}")?;
        }
        if self.0.max_attempts as usize - 1 > SHOWN {
            f.write_str(", ...")?;
        }
        write!(f, ": {:?} at worst", self.total())
    }
}

/// Builds a [`RetryPolicy`]; [`build`](Self::build) checks it.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct RetryPolicyBuilder {
    max_attempts: u32,
    backoff_factor: f64,
    max_backoff: f64,
    policy: RetryPolicy,
}

impl Default for RetryPolicyBuilder {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            backoff_factor: 0.05,
            max_backoff: 100.0,
            policy: RetryPolicy::default(),
        }
    }
}

impl RetryPolicyBuilder {
    /// Attempts in all, the first included; at least 1.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The first wait in seconds; each further one doubles.
    pub fn backoff_factor(mut self, seconds: f64) -> Self {
        self.backoff_factor = seconds;
        self
    }

    /// The longest single wait in seconds.
    pub fn max_backoff(mut self, seconds: f64) -> Self {
        self.max_backoff = seconds;
        self
    }

    /// Retries only on `E`, wherever it stands in the error's `source()` chain. May be called for
    /// several types; without it every exception is retried.
    pub fn retry_on<E: StdError + 'static>(self) -> Self {
        self.retry_on_type(ErrorType::of::<E>())
    }

    #[doc(hidden)]
    pub fn retry_on_type(mut self, ty: ErrorType) -> Self {
        self.policy.retry_on = self.policy.retry_on.iter().copied().chain([ty]).collect();
        self
    }

    /// Retries only when the error, or one in its `source()` chain, is an `E` that `accepts`
    /// agrees to.
    pub fn retry_if<E: StdError + 'static>(
        mut self,
        accepts: impl Fn(&E) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.policy.retry_if =
            Some(Arc::new(move |error| error.downcast_ref::<E>().is_some_and(&accepts)));
        self
    }

    /// Spreads the waits at random; off unless asked for.
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.policy.jitter = jitter;
        self
    }

    /// Bounds the time from the first attempt's start; the last wait is cut to fit.
    pub fn max_elapsed(mut self, limit: Duration) -> Self {
        self.policy.max_elapsed = Some(limit);
        self
    }

    /// Checks the numbers.
    ///
    /// # Errors
    ///
    /// If `max_attempts` is 0, or a time is negative, not a number, infinite, or longer than
    /// [`LONGEST_WAIT`].
    pub fn build(self) -> Result<RetryPolicy, RetryPolicyError> {
        if self.max_attempts == 0 {
            return Err(RetryPolicyError::NoAttempts);
        }
        Ok(RetryPolicy {
            max_attempts: self.max_attempts,
            backoff_factor: seconds("backoff_factor", self.backoff_factor)?,
            max_backoff: seconds("max_backoff", self.max_backoff)?,
            ..self.policy
        })
    }
}

fn seconds(key: &'static str, value: f64) -> Result<Duration, RetryPolicyError> {
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|duration| *duration <= LONGEST_WAIT)
        .ok_or(RetryPolicyError::BadSeconds { key, value })
}

/// A policy whose numbers make no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryPolicyError {
    /// `max_attempts` is 0.
    #[error(
        "`max_attempts` is 0, so the event would never run; it counts the first try: write 1 for no retry"
    )]
    NoAttempts,
    /// A time is negative, NaN, infinite or too long.
    #[error("`{key}` is {value}; it takes seconds from 0 to 2592000 (30 days)")]
    BadSeconds {
        /// The key.
        key: &'static str,
        /// What it was given.
        value: f64,
    },
}

/// What `retry_policy = ...` accepts: a policy, a reference to one, or what a builder returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a retry policy",
    label = "expected a `RetryPolicy`",
    note = "write `retry_policy = {{ max_attempts: 3 }}`, or an expression of type `RetryPolicy`, `&RetryPolicy` or `Result<RetryPolicy, RetryPolicyError>`"
)]
pub trait IntoRetryPolicy {
    /// The policy.
    ///
    /// # Errors
    ///
    /// If the policy was built from numbers that make no sense.
    fn into_retry_policy(self) -> Result<RetryPolicy, RetryPolicyError>;
}

#[diagnostic::do_not_recommend]
impl IntoRetryPolicy for RetryPolicy {
    fn into_retry_policy(self) -> Result<RetryPolicy, RetryPolicyError> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl IntoRetryPolicy for &RetryPolicy {
    fn into_retry_policy(self) -> Result<RetryPolicy, RetryPolicyError> {
        Ok(self.clone())
    }
}

#[diagnostic::do_not_recommend]
impl IntoRetryPolicy for &std::sync::LazyLock<RetryPolicy> {
    fn into_retry_policy(self) -> Result<RetryPolicy, RetryPolicyError> {
        Ok((**self).clone())
    }
}

#[diagnostic::do_not_recommend]
impl IntoRetryPolicy for Result<RetryPolicy, RetryPolicyError> {
    fn into_retry_policy(self) -> Result<RetryPolicy, RetryPolicyError> {
        self
    }
}

#[cfg(test)]
mod tests;
