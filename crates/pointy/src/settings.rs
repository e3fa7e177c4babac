//! The settings of events, as data: what the attribute `#[event(..)]` and the attributes
//! in a flow, `A[..]`, may say, with one spelling, one check and one set of messages. The keys of
//! the other attributes of the macros are here as well.
//!
//! ```
//! use nexus_pointy::settings::read_settings;
//! use nexus_pointy::{Primary, parse};
//!
//! let flow = parse(r#"Fetch[max_attempts = 2, retry_policy = { max_attempts: 3 }, url = "x"]"#).flow;
//! let (settings, mistakes) = read_settings(&flow.links[0].units[0].attrs);
//! assert!(mistakes.is_empty());
//! assert_eq!(settings.max_attempts, Some(2));
//! assert_eq!(&*settings.own[0].key.text, "url");
//! ```

mod check;
mod duration;
mod keys;
mod names;
mod read;
mod unknown;

pub use check::check_value;
pub use duration::parse_duration;
pub use keys::{
    ATTRIBUTE_KEYS, DESCRIPTOR_KEYS, EVENT_FIELD_KEYS, EVENT_KEYS, EXECUTOR_CONFIG_KEYS, FLOW_KEYS,
    Key, PIPELINE_FIELD_KEYS, PIPELINE_KEYS, RETRY_KEYS, VARIANT_KEYS, ValueKind,
};
pub use names::{EvaluationState, Jitter, UnknownName};
pub use read::{ExecutorConfig, RetryLiteral, Settings, read_settings};
pub use unknown::{repeated_key, unknown_key};

#[cfg(test)]
mod tests;
