//! The shapes that are measured, as one writes them with the SDK alone.
#![allow(
    missing_docs,
    clippy::unused_async,
    clippy::wildcard_imports,
    reason = "the SDK's macros make what has no documentation, and want futures"
)]

use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;

use super::STEPS;

pub(crate) struct BareEvent;

#[restate_sdk::service]
impl BareEvent {
    #[handler]
    async fn step(&self, _: Context<'_>, text: String) -> Result<String, HandlerError> {
        Ok(text)
    }
}

pub(crate) struct BareCalls;

#[restate_sdk::workflow]
impl BareCalls {
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>, text: String) -> Result<String, HandlerError> {
        let mut text = text;
        for _ in 0..STEPS {
            let target = RequestTarget::service("BareEvent", "step");
            text = ctx.request::<String, String>(target, text).call().await?;
        }
        Ok(text)
    }
}

pub(crate) struct BareSteps;

#[restate_sdk::workflow]
impl BareSteps {
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>, text: String) -> Result<String, HandlerError> {
        let mut text = text;
        for _ in 0..STEPS {
            let given = text.clone();
            text = ctx.run(move || async move { Ok(given) }).await?;
        }
        Ok(text)
    }
}
