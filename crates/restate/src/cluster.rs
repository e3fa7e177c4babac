//! A cluster, as whoever begins runs sees it.

use std::cell::OnceCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nexus_core::driver::{Record, RunMachine, RunStart};
use nexus_core::{Inputs, Pipeline, Plan, Report};
use tokio::runtime::{Builder, Runtime};

use crate::context::wall_time;
use crate::error::{Error, Result};
use crate::http::{Response, Server, segment};
use crate::message::LONGEST_MESSAGE;
use crate::output::RunOutput;
use crate::start::{Flows, read_start, start_json};
use crate::worker::pipeline_service;

/// How long a client tries again while the cluster does not answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// The status with which a server answers who asks for the output of a run that is not over.
pub(crate) const NOT_OVER: u16 = 470;

/// How often a client that waits asks whether its run goes on.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Runs pipelines on a cluster, from anywhere; in blocking form, and as futures of tokio.
///
/// ```no_run
/// use nexus_core::{Fields, Flow, Inputs, Registry};
/// use nexus_restate::Cluster;
/// let plan = Flow::parse("greet")?.plan(&Registry::linked(), &Fields::new())?;
/// let cluster = Cluster::connect("http://127.0.0.1:8080")?;
/// let report = cluster.prepare_plan(&plan, Inputs::new())?.key("order-7").run()?;
/// println!("{report}");
/// # Ok::<(), nexus_restate::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cluster {
    ingress: Server,
    admin: Option<Server>,
    patience: Duration,
    flows: Arc<Flows>,
}

impl Cluster {
    /// The cluster whose ingress is at this address: `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// If nobody answers there.
    pub fn connect(ingress: &str) -> Result<Self> {
        let cluster = Self::at(ingress)?;
        block_on(cluster.check())?;
        Ok(cluster)
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// If nobody answers there.
    pub async fn connect_async(ingress: &str) -> Result<Self> {
        let cluster = Self::at(ingress)?;
        cluster.check().await?;
        Ok(cluster)
    }

    fn at(ingress: &str) -> Result<Self> {
        let (ingress, flows) = (Server::new(ingress)?, Arc::default());
        Ok(Self { ingress, admin: None, patience: PATIENCE, flows })
    }

    async fn check(&self) -> Result<()> {
        let response = self.ingress.get("/restate/health").await?;
        if response.is_success() { Ok(()) } else { Err(response.refusal("a look at its health")) }
    }

    /// Says where the admin interface is, `http://127.0.0.1:9070`: for cancelling and listing, and so
    /// that a wait for a run which does not go on ends with the reason. It has no password, so it is to be
    /// reached from nowhere else.
    ///
    /// # Errors
    ///
    /// If that is no address.
    pub fn admin(mut self, admin: &str) -> Result<Self> {
        self.admin = Some(Server::new(admin)?);
        Ok(self)
    }

    /// How long it is waited for a cluster that does not answer, and for a run that does not go on; a
    /// minute, if nothing is said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Prepares a run of a pipeline.
    ///
    /// # Errors
    ///
    /// See [`Pipeline::plan`]; or if its values cannot be written down.
    pub fn prepare<P: Pipeline>(&self, pipeline: P) -> Result<Prepared> {
        let start = RunMachine::start_of(pipeline, new_key(), wall_time())?;
        Ok(Prepared::new(self, P::plan()?, start))
    }

    /// Prepares a run of a plan, such as one from a file.
    ///
    /// # Errors
    ///
    /// If an input is missing, unknown or of the wrong type, or a value cannot be written down.
    pub fn prepare_plan(&self, plan: &Arc<Plan>, inputs: Inputs) -> Result<Prepared> {
        let start = RunMachine::start(plan, new_key(), inputs, wall_time(), None)?;
        Ok(Prepared::new(self, plan, start))
    }

    /// The report of a run of `plan`, if the cluster has such a run and it is over.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer, or the run's records do not fit the plan.
    pub fn report(&self, plan: &Arc<Plan>, key: &str) -> Result<Option<Report>> {
        block_on(self.report_async(plan, key))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`report`](Self::report).
    pub async fn report_async(&self, plan: &Arc<Plan>, key: &str) -> Result<Option<Report>> {
        let response = self.ingress.get(&workflow(plan.name(), key, "output")).await?;
        if matches!(response.status, NOT_OVER | 404) {
            return Ok(None);
        }
        let (start, records) = response.read(&output_of(key), |json| {
            let RunOutput { begun, records } = RunOutput::read(json)?;
            Ok((self.read_start(begun, key)?, records))
        })?;
        report_of(plan, start, records).map(Some)
    }

    /// Cancels a run. Says whether there is such a run under way; its report says when it is over.
    ///
    /// # Errors
    ///
    /// If the cluster does not answer, or the address of its [admin](Self::admin) interface is not known.
    pub fn cancel(&self, pipeline: &str, key: &str) -> Result<bool> {
        block_on(self.cancel_async(pipeline, key))
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
    pub async fn cancel_async(&self, pipeline: &str, key: &str) -> Result<bool> {
        let admin = self.admin_server()?;
        let Some(run) = self.look(pipeline, key).await? else { return Ok(false) };
        if run.is_over() {
            return Ok(false);
        }
        let path = format!("/invocations/{}/cancel", segment(&run.id));
        let response = admin.send("PATCH", &path, Bytes::new()).await?;
        match response.status {
            404 => Ok(false),
            _ if response.is_success() => Ok(true),
            _ => Err(response.refusal(format!("to cancel the run `{key}`"))),
        }
    }

    /// How a run with this key has begun.
    fn read_start(&self, begun: &str, key: &str) -> serde_json::Result<RunStart> {
        let mut start = read_start(begun, &self.flows)?;
        // The server holds the workflow's own key to be unique.
        start.key = Arc::from(key);
        Ok(start)
    }

    pub(crate) fn new_patience(&self) -> Patience {
        let wait = Duration::from_millis(50);
        Patience { since: Instant::now(), most: self.patience, wait }
    }

    pub(crate) fn ingress(&self) -> &Server {
        &self.ingress
    }

    pub(crate) fn admin_server(&self) -> Result<&Server> {
        let unknown = || Error::NoAdmin { url: self.ingress.url().to_owned() };
        self.admin.as_ref().ok_or_else(unknown)
    }
}

/// A run that is about to begin on a cluster.
#[derive(Debug)]
#[must_use = "nothing runs until `run`, `run_async` or `send`"]
pub struct Prepared {
    cluster: Cluster,
    plan: Arc<Plan>,
    start: RunStart,
    traceparent: Option<String>,
}

impl Prepared {
    fn new(cluster: &Cluster, plan: &Arc<Plan>, start: RunStart) -> Self {
        let (cluster, plan) = (cluster.clone(), Arc::clone(plan));
        Self { cluster, plan, start, traceparent: None }
    }

    /// Gives the run this key, unique among the runs of its pipeline; without it, it has a new one. If
    /// the cluster has a run with the key and equal inputs already, this run *is* that one.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.start.key = key.into();
        self
    }

    /// Ends the run after this long, with the status [`TimedOut`](nexus_core::Status::TimedOut).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.start.deadline = Some(self.start.at.plus(limit));
        self
    }

    /// Puts the run into a trace: the W3C `traceparent` of the span in which somebody asks for it. Its
    /// events know it as [`Context::traceparent`](nexus_core::Context::traceparent), and so do the observers of
    /// their [workers](crate::Worker::observer).
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// The run's key.
    pub fn run_key(&self) -> &str {
        &self.start.key
    }

    /// Runs it, and waits for its end.
    ///
    /// # Errors
    ///
    /// If the cluster refuses the run, or does not answer for too long; if the key belongs to a run
    /// with other inputs; and, where the [admin](Cluster::admin) interface is known, if the run
    /// does not go on. The run itself goes on as soon as it can; asking again under its key is safe.
    pub fn run(self) -> Result<Report> {
        block_on(self.run_async())
    }

    /// The same as a future. Dropping it leaves the run alone.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn run_async(self) -> Result<Report> {
        let input = self.input()?;
        self.begin(&input).await?;
        let response = self.attach().await?;
        let what = output_of(&self.start.key);
        let RunOutput { begun, records } = response.read(&what, RunOutput::read)?;
        if begun.as_bytes() == input {
            return report_of(&self.plan, self.start, records);
        }
        // It was there already, or it is another run.
        let there = self.cluster.read_start(begun, &self.start.key);
        let there = there.map_err(|error| Error::Answer { what, why: error.to_string() })?;
        self.same_run(&there)?;
        report_of(&self.plan, there, records)
    }

    /// Begins it, and waits for nothing more.
    ///
    /// # Errors
    ///
    /// If the cluster refuses the run, or does not answer for too long.
    pub fn send(self) -> Result<()> {
        block_on(self.send_async())
    }

    /// The same as a future.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_async(self) -> Result<()> {
        self.begin(&self.input()?).await
    }

    /// What the workflow is given.
    fn input(&self) -> Result<Bytes> {
        let what = || format!("the input of the run `{}`", self.start.key);
        let input = start_json(&self.start, &self.cluster.flows)
            .map_err(|error| Error::Answer { what: what(), why: error.to_string() })?;
        if input.len() > LONGEST_MESSAGE {
            return Err(Error::TooLong { what: what(), bytes: input.len(), most: LONGEST_MESSAGE });
        }
        Ok(input.into())
    }

    async fn begin(&self, input: &Bytes) -> Result<()> {
        let RunStart { key, pipeline, .. } = &self.start;
        let path = format!("/{}/{}/run/send", pipeline_service(pipeline), segment(key));
        let mut patience = self.cluster.new_patience();
        loop {
            let trace = self.traceparent.as_deref();
            match self.cluster.ingress.post_in(trace, &path, input.clone()).await {
                // It may be there already.
                Ok(response) if response.is_success() => return Ok(()),
                Ok(response) if response.status == 404 => {
                    return Err(response.refusal(format!(
                        "the run `{key}`, since no worker offers the pipeline `{pipeline}`"
                    )));
                }
                answer => patience.after(answer, || format!("the run `{key}`")).await?,
            }
        }
    }

    /// Waits for the end of the run, and gives its output.
    async fn attach(&self) -> Result<Response> {
        let RunStart { key, pipeline, .. } = &self.start;
        let path = workflow(pipeline, key, "attach");
        let mut patience = self.cluster.new_patience();
        loop {
            let answer = tokio::select! {
                answer = self.cluster.ingress.get(&path) => answer,
                stuck = self.watch() => return Err(stuck),
            };
            match answer {
                Ok(response) if response.is_success() => return Ok(response),
                answer => patience.after(answer, || output_of(key)).await?,
            }
        }
    }

    /// Looks whether the run goes on; ends only if it does not.
    async fn watch(&self) -> Error {
        let RunStart { key, pipeline, .. } = &self.start;
        let mut stuck_since = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.cluster.admin.is_none() {
                continue;
            }
            let Ok(Some(run)) = self.cluster.look(pipeline, key).await else { continue };
            let since = match &*run.state {
                "paused" => None,
                "backing-off" => Some(*stuck_since.get_or_insert_with(Instant::now)),
                _ => {
                    stuck_since = None;
                    continue;
                }
            };
            if since.is_none_or(|since| since.elapsed() > self.cluster.patience) {
                let why = run.failure.unwrap_or_else(|| "it is paused".to_owned());
                return Error::Stuck { key: key.to_string(), why };
            }
        }
    }

    /// The key may belong to another run.
    fn same_run(&self, there: &RunStart) -> Result<()> {
        let RunStart { key, inputs, flow, .. } = &self.start;
        let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let same = |one: &str, other: &str| one == other || parsed(one) == parsed(other);
        if there.flow.script == flow.script && same(&there.inputs, inputs) {
            return Ok(());
        }
        Err(Error::KeyTaken {
            key: key.to_string(),
            began_with: shortened(&there.inputs),
            given: shortened(inputs),
        })
    }
}

/// What is read of a run that is over.
fn output_of(key: &str) -> String {
    format!("the output of the run `{key}`")
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// The report of a run that is over.
fn report_of(plan: &Arc<Plan>, start: RunStart, records: Vec<Record>) -> Result<Report> {
    // It may have begun with the flow of another version of the program.
    let linked = if RunMachine::is_plan_of(plan, &start) {
        None
    } else {
        RunMachine::linked_plan(&start).ok().flatten()
    };
    let plan = linked.unwrap_or_else(|| Arc::clone(plan));
    Ok(RunMachine::replay(&plan, start, records)?.report())
}

/// Tries again until the cluster has not answered for too long.
pub(crate) struct Patience {
    since: Instant,
    most: Duration,
    wait: Duration,
}

impl Patience {
    /// Waits after this answer, if asking again may help.
    pub(crate) async fn after(
        &mut self,
        answer: Result<Response>,
        what: impl Fn() -> String,
    ) -> Result<()> {
        let error = match answer {
            // While another node takes over, a cluster answers with these.
            Ok(response) if matches!(response.status, 408 | 409 | 425 | 429 | 500..) => {
                response.refusal(what())
            }
            Ok(response) => return Err(response.refusal(what())),
            Err(error) => error,
        };
        if self.since.elapsed() > self.most {
            return Err(error);
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(Duration::from_secs(1));
        Ok(())
    }
}

pub(crate) fn workflow(pipeline: &str, key: &str, what: &str) -> String {
    format!("/restate/workflow/{}/{}/{what}", pipeline_service(pipeline), segment(key))
}

/// A key that no run has: the standard library's hash keys are random.
fn new_key() -> String {
    let random = || RandomState::new().build_hasher().finish();
    let now = wall_time().0;
    format!("{now:x}-{:016x}", random() ^ u64::from(std::process::id()))
}

thread_local! {
    /// The runtime of those that wait on this thread; made for the first of them.
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// Waits for a future.
pub(crate) fn block_on<T: Send>(future: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let run = || {
        RUNTIME.with(|there| {
            if let Some(runtime) = there.get() {
                return runtime.block_on(future);
            }
            let made = Builder::new_current_thread().enable_all().build();
            let made =
                made.map_err(|error| Error::Worker(format!("there is no runtime: {error}")))?;
            there.get_or_init(|| made).block_on(future)
        })
    };
    if tokio::runtime::Handle::try_current().is_err() {
        return run();
    }
    // A thread of a runtime cannot wait for another one.
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(ended) => ended,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
