//! Without the feature `process` nothing crosses, and no executor asks for it.

use super::stuck;
use crate::context::Context;
use crate::event::{EventDef, Inputs};
use crate::outcome::{Exception, TaskOutcome};

const WHY: &str = "nexus was built without its feature `process`";

pub(crate) fn request(
    def: &EventDef,
    _unit: &str,
    _context: &Context,
    _inputs: &Inputs<'_>,
) -> Result<Vec<u8>, Exception> {
    Err(stuck(&format!("`{}`", def.name), WHY))
}

pub(crate) fn outcome(def: &EventDef, _reply: &[u8]) -> TaskOutcome {
    stuck(&format!("`{}`", def.name), WHY).into()
}
