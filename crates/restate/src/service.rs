//! Services that are named when the program runs. The SDK's macros know them when it is compiled; what
//! they expand to is written here by hand. The one function that the SDK does not document is
//! `macro_support::service_definition`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use restate_sdk::discovery;
use restate_sdk::endpoint::{ContextInternal, InputMetadata, ServiceOptions};
use restate_sdk::errors::HandlerResult;
use restate_sdk::service::{Service, ServiceDefinition, macro_support};
use serde_json::json;

/// How long a body may run without a word before the server gives it to another worker.
const LONGEST_BODY: Duration = Duration::from_hours(24);

/// The handler that is a run, or runs a body.
pub(crate) const RUN: &str = "run";

/// What a call of a service's handler does.
pub(crate) type Handle =
    dyn Fn(ContextInternal, Bytes, InputMetadata) -> Boxed<HandlerResult<Bytes>> + Send + Sync;

/// A future on the heap.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Whether a service is called many times, or once for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Service,
    Workflow,
}

struct Handlers(Arc<Handle>);

impl Service for Handlers {
    type Future = macro_support::ServiceBoxFuture;

    fn handle(&self, context: ContextInternal) -> Self::Future {
        let handle = Arc::clone(&self.0);
        Box::pin(async move {
            let (input, metadata) = context.input::<Bytes>().await;
            let output = handle(context.clone(), input, metadata).await;
            context.handle_handler_result(output);
            context.end();
            Ok(())
        })
    }
}

/// The service of this name with these handlers, all of which take and give JSON.
///
/// # Errors
///
/// If that is no name for a service.
pub(crate) fn define(
    name: &str,
    kind: Kind,
    handlers: &[&str],
    handle: Arc<Handle>,
) -> Result<ServiceDefinition, String> {
    let handler = |name: &&str| {
        let mut handler = json!({
            "name": name,
            "input": { "required": true, "contentType": "*/*" },
            "output": { "contentType": "application/json", "setContentTypeIfEmpty": false },
        });
        if kind == Kind::Workflow {
            // One of them is the workflow; others may be called beside it.
            handler["ty"] = json!(if *name == RUN { "WORKFLOW" } else { "SHARED" });
        }
        handler
    };
    let manifest = json!({
        "name": name,
        "ty": match kind { Kind::Service => "SERVICE", Kind::Workflow => "WORKFLOW" },
        "handlers": handlers.iter().map(handler).collect::<Vec<_>>(),
    });
    let manifest: discovery::Service = serde_json::from_value(manifest)
        .map_err(|error| format!("`{name}` cannot be the name of a service: {error}"))?;
    // A lost worker is noticed when its connection breaks; silence says nothing.
    let options = ServiceOptions::new()
        .abort_timeout(LONGEST_BODY)
        .retry_policy_initial_interval(Duration::from_millis(50))
        .retry_policy_exponentiation_factor(2.0)
        .retry_policy_max_interval(Duration::from_secs(5));
    Ok(macro_support::service_definition(Handlers(handle), manifest).options(options))
}
