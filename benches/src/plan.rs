//! From text to a checked plan of 1,000 steps.

use nexus::prelude::*;

use crate::chain::{STEPS, bump, fail, script, start};
use crate::measure::{Comparison, Side, nanos_each};

pub(crate) fn build() -> Comparison {
    let mut registry = Registry::new();
    registry.add::<start>().add::<bump>();
    let fields = Fields::new().with::<u64>("seed");
    let script = script();
    let nexus: Side<'_> = Box::new(|| {
        nanos_each(STEPS, || {
            let plan = Flow::parse(&script).and_then(|flow| flow.plan(&registry, &fields));
            plan.unwrap_or_else(|error| fail(&error))
        })
    });
    // The least that reading the text can cost: splitting it into words.
    let split: Side<'_> = Box::new(|| {
        nanos_each(STEPS, || script.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    });
    Comparison::of("plan_build", "ns/step", nexus, vec![("split_into_strings", split)])
}
