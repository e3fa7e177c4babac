//! The plan that a command is about.

use std::path::PathBuf;
use std::sync::Arc;

use nexus_core::{Flow, Plan, Registry};

use crate::Entry;
use crate::output::UserError;

/// The pipeline's own plan, or that of another flow over its fields.
pub(crate) fn plan(entry: Entry, flow: Option<&PathBuf>) -> Result<Arc<Plan>, UserError> {
    let plan = match flow {
        None => (entry.plan)().cloned(),
        Some(path) => {
            Flow::from_file(path).and_then(|flow| flow.plan(&Registry::linked(), &(entry.fields)()))
        }
    };
    plan.map_err(UserError::Flow)
}
