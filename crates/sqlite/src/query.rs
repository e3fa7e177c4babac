//! Which runs a query asks for, in SQL.

use std::fmt::Write as _;

use nexus_core::Status;
use nexus_core::journal::{RunCounts, RunQuery, RunState};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::number::stored;

/// What comes after `from run` for a query, with its parameters.
pub(crate) struct Selection {
    pub(crate) wheres: String,
    pub(crate) values: Vec<Value>,
}

impl Selection {
    /// That of a list.
    pub(crate) fn of(query: &RunQuery) -> Self {
        let mut selection = Self::without_place(query);
        selection.states(&query.states);
        if let Some(after) = &query.after {
            // The first condition is what an index is searched by.
            let at = stored(after.at.0);
            selection.and("started_at <= ?", at);
            selection.and("(started_at < ?", at);
            selection.wheres.push_str(" or key > ?)");
            selection.values.push(Value::from(after.key.to_string()));
        }
        selection
    }

    /// All but the states and the place in the list.
    fn without_place(query: &RunQuery) -> Self {
        let mut selection =
            Self { wheres: String::from(" where key is not null"), values: Vec::new() };
        if let Some(pipeline) = &query.pipeline {
            selection.and("pipeline = ?", pipeline.clone());
        }
        if let Some(prefix) = query.key_prefix.as_ref().filter(|prefix| !prefix.is_empty()) {
            selection.and("key >= ?", prefix.clone());
            if let Some(end) = after_all_with(prefix) {
                selection.and("key < ?", end);
            }
        }
        if let Some(parent) = &query.parent {
            selection.and("parent = ?", parent.to_string());
        }
        if let Some(since) = query.since {
            selection.and("started_at >= ?", stored(since.0));
        }
        if let Some(until) = query.until {
            selection.and("started_at < ?", stored(until.0));
        }
        if let Some(time) = query.ended_before {
            selection.and("ended_at < ?", stored(time.0));
        }
        selection
    }

    fn and(&mut self, condition: &str, value: impl Into<Value>) {
        self.wheres.push_str(" and ");
        self.wheres.push_str(condition);
        self.values.push(value.into());
    }

    /// Those in one of these states. Whether a run is damaged is not written, so that one has to
    /// look at all of them.
    fn states(&mut self, states: &[RunState]) {
        if states.is_empty() || states.contains(&RunState::Damaged) {
            return;
        }
        let (ended, open): (Vec<&RunState>, Vec<_>) =
            states.iter().partition(|state| matches!(state, RunState::Ended(_)));
        let mut conditions = Vec::new();
        let has = |state| open.contains(&&state);
        match (has(RunState::Unfinished), has(RunState::NeedsDecision)) {
            (true, true) => conditions.push("status is null"),
            (true, false) => conditions.push("status is null and reason is null"),
            (false, true) => conditions.push("status is null and reason is not null"),
            (false, false) => {}
        }
        let places = vec!["?"; ended.len()].join(", ");
        let ended_in = format!("status in ({places})");
        if !ended.is_empty() {
            conditions.push(&ended_in);
        }
        let _ = write!(self.wheres, " and ({})", conditions.join(" or "));
        self.values.extend(ended.iter().map(|state| Value::from(String::from(state.name()))));
    }
}

/// The first text that is greater than all that begin with `prefix`, if there is one.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The step over the surrogates is one, too.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// How many runs there are of each state: of those that are over by an index alone.
pub(crate) fn counts(connection: &Connection, query: &RunQuery) -> rusqlite::Result<RunCounts> {
    let mut counts = RunCounts::default();
    let is_asked = |state| query.states.is_empty() || query.states.contains(&state);
    let Selection { wheres, values } = Selection::without_place(query);
    let sql = format!("select status, count(*) from run{wheres} and status is not null group by 1");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(&values))?;
    while let Some(row) = rows.next()? {
        let (status, count) = (row.get_ref(0)?, row.get::<_, i64>(1)?);
        let state = match status.as_str().ok().and_then(Status::from_name) {
            Some(status) => RunState::Ended(status),
            None => RunState::Damaged,
        };
        if is_asked(state) {
            counts.add(state, count.unsigned_abs());
        }
    }
    let sql =
        format!("select reason is null, count(*) from run{wheres} and status is null group by 1");
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter(&values))?;
    while let Some(row) = rows.next()? {
        let state = if row.get(0)? { RunState::Unfinished } else { RunState::NeedsDecision };
        if is_asked(state) {
            counts.add(state, row.get::<_, i64>(1)?.unsigned_abs());
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use nexus_core::journal::{Cursor, Timestamp};
    use rusqlite::config::DbConfig;

    use super::*;

    /// How SQLite would list what the query asks for.
    fn plan_of(query: &RunQuery) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        let Selection { wheres, values } = Selection::of(query);
        let sql = format!(
            "explain query plan select * from run{wheres} order by started_at desc, key limit 50"
        );
        let mut select = connection.prepare(&sql).unwrap();
        let steps = select.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        steps.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    /// A page of 100,000 runs must not take as long as all of them: it is read from an index in the
    /// order of the list, from where the page begins.
    #[test]
    fn a_page_of_a_list_is_read_from_an_index_in_its_order() {
        let after = Cursor { at: Timestamp(7), key: "k".into() };
        let (failed, decision) = (RunState::Ended(Status::Failed), RunState::NeedsDecision);
        for (query, index) in [
            (RunQuery::all(), "run_by_start"),
            (RunQuery::all().after(after.clone()), "run_by_start (started_at<?)"),
            (RunQuery { until: Some(Timestamp(7)), ..RunQuery::all() }, "run_by_start"),
            (RunQuery::unfinished(), "run_unfinished"),
            (RunQuery::unfinished().after(after.clone()), "run_unfinished (started_at<?)"),
            (RunQuery::all().state(decision), "run_unfinished"),
            (RunQuery::all().state(failed), "run_by_status (status=?)"),
            (
                RunQuery::all().state(failed).after(after),
                "run_by_status (status=? AND started_at<?)",
            ),
        ] {
            let plan = plan_of(&query);
            assert!(plan.contains(index), "{query:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
        }
        // Few runs, which are put in order.
        let of_parent = plan_of(&RunQuery::all().parent("k"));
        assert!(of_parent.contains("run_by_parent (parent=?)"), "{of_parent}");
        let with_prefix = RunQuery { key_prefix: Some("order-7".into()), ..RunQuery::all() };
        let with_prefix = plan_of(&with_prefix);
        assert!(with_prefix.contains("(key>? AND key<?)"), "{with_prefix}");
    }
}
