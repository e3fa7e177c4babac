//! The durable pipelines of this program, by name.

use std::sync::Arc;

use crate::error::Result;
use crate::plan::Plan;

/// A durable pipeline that is linked into the program; `#[derive(Pipeline)]` registers it.
#[doc(hidden)]
pub struct LinkedPipeline {
    /// Its name.
    pub name: &'static str,
    /// Plans this script with the pipeline's events and fields of today; without one, its own.
    pub plan: fn(Option<&str>) -> Result<Arc<Plan>>,
}

inventory::collect!(LinkedPipeline);

impl LinkedPipeline {
    /// All of them, in no order.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        inventory::iter::<Self>()
    }

    /// The pipeline of that name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        Self::all().find(|pipeline| pipeline.name == name)
    }
}

impl std::fmt::Debug for LinkedPipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LinkedPipeline").field(&self.name).finish()
    }
}
