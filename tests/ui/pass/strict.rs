//! The strictest user, and one who shadows every name.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unused, non_camel_case_types)]
#![deny(unreachable_pub, unused_qualifications, unnameable_types)]

/// A library of steps, where std's names mean something else.
pub mod shadowed {
    #![allow(dead_code, missing_debug_implementations, missing_docs, unnameable_types)]
    use ::nexus::{Descriptor, Event, Pipeline, event};
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Vec;
    pub struct String;
    pub struct Box;
    pub struct Arc;
    pub struct Default;
    pub struct Into;
    pub struct From;
    pub struct Clone;
    pub struct Debug;
    pub struct Copy;
    pub mod core {}
    pub mod std {}
    pub mod nexus {}

    #[event(executor = ::nexus::DefaultExecutor, stop_on_error, retry_policy = { max_attempts: 2, jitter: full })]
    pub fn one(order: &u32, text: ::std::string::String) -> ::nexus::Outcome<u32> {
        let _ = text;
        ::nexus::Outcome::success(*order)
    }

    #[event]
    pub fn two(#[piped] x: u32, order: ::std::sync::Arc<u32>) -> ::nexus::Outcome<Tier> {
        let _ = (x, order);
        ::nexus::Outcome::success(Tier::Premium)
    }

    #[event(timeout = "30s", executor_config = { max_concurrency: 4 })]
    pub async fn three(order: &u32, text: ::std::string::String) -> ::nexus::Outcome<u32> {
        let _ = text;
        ::std::future::ready(()).await;
        ::nexus::Outcome::success(*order)
    }

    #[event(executor = ::nexus::AsyncExecutor)]
    pub async fn four(#[piped] x: &u32) -> ::nexus::Outcome<u32> {
        ::std::future::ready(()).await;
        ::nexus::Outcome::success(*x)
    }

    #[derive(Descriptor)]
    pub enum Tier {
        Premium,
        #[descriptor(101)]
        Basic {
            reason: u8,
        },
    }

    #[derive(Event)]
    pub struct Own {
        #[field(default = "x")]
        pub text: ::std::string::String,
        #[field(default)]
        pub factor: f64,
    }

    #[event]
    impl Own {
        pub fn process(&self) -> ::nexus::Outcome<()> {
            let _ = Tier::Basic { reason: 1 };
            ::nexus::Outcome::success(())
        }
    }

    #[derive(Pipeline)]
    #[pipeline(timeout = "1m", flow = one |-> two (premium -> Own[factor = 2], 101 -> Own) -> three |-> four[timeout = "1s"])]
    pub struct P {
        pub order: u32,
        #[field(default = "EUR")]
        pub text: ::std::string::String,
    }
}

/// Steps with names that Rust keeps for itself, and plain lints.
pub mod steps {
    use nexus::prelude::*;

    /// Raw.
    #[event]
    pub fn r#type(r#match: &u32) -> Outcome<u32> {
        Outcome::success(*r#match)
    }

    /// A struct with settings.
    #[derive(Event, Debug)]
    #[event(executor = AsyncExecutor, executor_config = { max_workers: 2 }, name = "scaled")]
    pub struct Scale {
        factor: f64,
    }

    #[event]
    impl Scale {
        /// Scales.
        pub async fn process(&self, #[piped] x: u32) -> (bool, f64) {
            std::future::ready(()).await;
            (true, self.factor * f64::from(x))
        }

        /// Never.
        pub fn can_bypass_current_event(&self, _ctx: &Context) -> Bypass<f64> {
            Bypass::no()
        }
    }
}

mod other {
    use nexus::prelude::*;
    fn never(_: &Context) -> Bypass<u32> {
        Bypass::no()
    }

    /// Private.
    #[event(bypass = never)]
    pub(super) fn quiet(_unused: &u8) -> Outcome<u32> {
        Outcome::success(1)
    }
}

/// A pipeline.
#[derive(nexus::Pipeline, Debug)]
#[pipeline(
    name = "strict",
    // A comment.
    flow = other::quiet -> steps::r#type |-> steps::Scale[factor = 1.5] * 2 -> {steps::r#type || other::quiet},
)]
pub struct Strict {
    r#match: u32,
    #[field(default = 7)]
    _unused: u8,
}

pub(crate) fn main() {
    let pipeline = Strict::new(1);
    assert!(nexus::Pipeline::run(pipeline).is_ok());
    let _ = shadowed::P::new(1);
}
