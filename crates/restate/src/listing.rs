//! What a cluster says of its runs.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cluster::{Cluster, block_on};
use crate::error::Result;
use crate::worker::pipeline_service;

/// A run as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterRun {
    /// Its key.
    pub key: String,
    /// Its pipeline's name.
    pub pipeline: String,
    /// How far it is, as the server says: `running`, `suspended`, `backing-off`, `paused`,
    /// `completed`.
    pub state: String,
    /// When it began, as the server says: `2026-11-27T10:00:00.123Z`.
    pub began: Option<String>,
    /// What went wrong last, if it does not go on.
    pub failure: Option<String>,
    pub(crate) id: String,
}

impl ClusterRun {
    /// Whether it is over, whatever became of it.
    pub fn is_over(&self) -> bool {
        self.state == "completed"
    }
}

/// Which runs a cluster is asked for; all of them, if nothing is said.
///
/// ```no_run
/// use nexus_restate::{Cluster, RunFilter};
/// let cluster = Cluster::connect("http://127.0.0.1:8080")?.admin("http://127.0.0.1:9070")?;
/// for run in cluster.runs_where(&RunFilter::new().pipeline("OrderPipeline").limit(10))? {
///     println!("{} {}", run.key, run.state);
/// }
/// # Ok::<(), nexus_restate::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pipeline: Option<String>,
    key: Option<String>,
    limit: Option<u32>,
}

impl RunFilter {
    /// All runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of this pipeline.
    #[must_use]
    pub fn pipeline(self, name: impl Into<String>) -> Self {
        Self { pipeline: Some(name.into()), ..self }
    }

    /// Those with this key: one of each pipeline at most.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// At most so many, those that began last.
    #[must_use]
    pub fn limit(self, limit: u32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn query(&self) -> String {
        let service = match &self.pipeline {
            Some(name) => format!("= {}", quoted(&pipeline_service(name))),
            None => format!("like '{}%'", pipeline_service("")),
        };
        let key = self.key.as_ref().map(|key| format!("and target_service_key = {}", quoted(key)));
        let limit = self.limit.map(|limit| format!("limit {limit}"));
        format!(
            "select id, target_service_name, target_service_key, status, created_at, last_failure \
             from sys_invocation where target_handler_name = 'run' and target_service_name {service} \
             {} order by created_at desc {}",
            key.unwrap_or_default(),
            limit.unwrap_or_default()
        )
    }
}

impl Cluster {
    /// The runs that the cluster has, those that began last first.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer, or the address of its [admin](Self::admin) interface is not known.
    pub fn runs(&self) -> Result<Vec<ClusterRun>> {
        self.runs_where(&RunFilter::new())
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`runs`](Self::runs).
    pub async fn runs_async(&self) -> Result<Vec<ClusterRun>> {
        self.runs_where_async(&RunFilter::new()).await
    }

    /// Some of the runs that the cluster has, those that began last first.
    ///
    /// # Errors
    ///
    /// As [`runs`](Self::runs).
    pub fn runs_where(&self, filter: &RunFilter) -> Result<Vec<ClusterRun>> {
        block_on(self.runs_where_async(filter))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`runs`](Self::runs).
    pub async fn runs_where_async(&self, filter: &RunFilter) -> Result<Vec<ClusterRun>> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            target_service_name: String,
            target_service_key: Option<String>,
            status: String,
            created_at: Option<String>,
            last_failure: Option<String>,
        }
        let rows: Vec<Row> = self.rows(&filter.query()).await?;
        let prefix = pipeline_service("");
        let run = |row: Row| {
            let name = &row.target_service_name;
            ClusterRun {
                pipeline: name.strip_prefix(&prefix).unwrap_or(name).to_owned(),
                key: row.target_service_key.unwrap_or_default(),
                state: row.status,
                began: row.created_at,
                failure: row.last_failure,
                id: row.id,
            }
        };
        Ok(rows.into_iter().map(run).collect())
    }

    /// The run of this pipeline with this key, if the cluster has it.
    pub(crate) async fn look(&self, pipeline: &str, key: &str) -> Result<Option<ClusterRun>> {
        Ok(self.runs_where_async(&RunFilter::new().pipeline(pipeline).key(key)).await?.pop())
    }

    /// What this SQL query gives.
    pub(crate) async fn rows<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>> {
        #[derive(Deserialize)]
        struct Rows<T> {
            rows: Vec<T>,
        }
        let request = json!({ "query": query }).to_string();
        let response = self.admin_server()?.post("/query", request).await?;
        let Rows { rows } = response.json("a query of its runs")?;
        Ok(rows)
    }
}

/// A text as SQL writes it.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
