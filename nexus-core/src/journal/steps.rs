//! The steps of records of a run whose flow was another one then.

use std::sync::Arc;

use super::store::{Record, RecordKind, StoredRun};
use crate::plan::FlowRecord;

/// The steps of records, as those of the flow that the run goes on with.
pub(crate) struct Steps<'a> {
    stored: &'a StoredRun,
    /// The place of each step where a flow is another one, for the flow of the last record.
    places: Option<(*const FlowRecord, Vec<Option<u32>>)>,
}

impl<'a> Steps<'a> {
    pub(crate) fn of(stored: &'a StoredRun) -> Self {
        Self { stored, places: None }
    }

    /// The same record, about a step of the flow that the run goes on with.
    ///
    /// # Errors
    ///
    /// If that flow has not the step, or the store has not the flow.
    pub(crate) fn translate(&mut self, mut record: Record) -> Result<Record, String> {
        let (stored, seq) = (self.stored, record.seq);
        let is_revision = matches!(
            record.kind,
            RecordKind::Adopted | RecordKind::Restarted | RecordKind::Retried
        );
        if is_revision && !stored.revisions.iter().any(|revision| revision.seq == seq) {
            return Err("the flow that the run went on with is not there".to_owned());
        }
        let (Some(step), false) = (record.step, stored.revisions.is_empty()) else {
            return Ok(record);
        };
        let last = stored.revisions.iter().rfind(|revision| revision.seq <= seq);
        let then = last.map_or(&stored.start.flow, |revision| &revision.flow);
        let address = Arc::as_ptr(then);
        if self.places.as_ref().is_none_or(|(known, _)| *known != address) {
            self.places = Some((address, then.places_in(stored.flow())));
        }
        let place = self.places.as_ref().and_then(|(_, places)| places.get(step as usize));
        let Some(place) = place else { return Ok(record) };
        record.step = Some(place.ok_or_else(|| {
            let path = &then.steps[step as usize].path;
            format!("it is about `{path}`, which the flow of today does not have")
        })?);
        Ok(record)
    }
}
