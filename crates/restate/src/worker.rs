//! A worker: the events and pipelines of a program, offered to a cluster.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nexus_core::driver::{EventHost, RunMachine, RunStart};
use nexus_core::{EngineBuilder, Flow, Observer, Plan, Registry};
use restate_sdk::endpoint::{ContextInternal, Endpoint, InputMetadata};
use restate_sdk::errors::{HandlerError, HandlerResult, TerminalError};
use restate_sdk::service::ServiceDefinition;
use serde_json::json;

use crate::context::{Names, SdkContext, perform, resolve, trace_of};
use crate::error::{Error, Result};
use crate::http::Server;
use crate::interpreter::{event_service, interpret};
use crate::message::{LONGEST_MESSAGE, LONGEST_OUTPUT};
use crate::output::RunOutput;
use crate::pace::Paces;
use crate::recorded::RecordedAnswers;
use crate::service::{Handle, Kind, RUN, define};
use crate::serving::{listen, serve};
use crate::start::{Flows, read_start};

/// How long a server is waited for that the worker is to be registered at.
const PATIENCE: Duration = Duration::from_secs(10);

/// The handler of a run by which pending steps are resolved.
pub(crate) const RESOLVE: &str = "resolve";

/// The name of the workflow that the runs of a pipeline are.
pub(crate) fn pipeline_service(pipeline: &str) -> String {
    format!("nexus-pipeline.{pipeline}")
}

/// Offers this program's events and durable pipelines to a cluster, until the process is told to
/// end.
///
/// Events of any number of workers serve the same runs: register their address once, and put a balancer
/// that speaks HTTP/2 on both sides before them. Groups of workers may offer some of the events
/// each, so that each is where its resources are.
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    host: EventHost,
    registry: Arc<Registry>,
    plans: Vec<Arc<Plan>>,
    events: Option<Vec<String>>,
    pipelines: Option<Vec<String>>,
    listen: String,
    registrations: Vec<(String, String)>,
    identity_keys: Vec<String>,
    ready: Option<Box<dyn FnOnce() + Send>>,
}

impl Default for Worker {
    fn default() -> Self {
        Self::new()
    }
}

impl Worker {
    /// A worker that offers all events and all durable pipelines which are linked into this program,
    /// on the port 9080 of this machine alone.
    pub fn new() -> Self {
        let worker = Self::of(Registry::linked());
        let pipelines = RunMachine::linked_pipelines().map(str::to_owned).collect();
        Self { pipelines: Some(pipelines), ..worker }
    }

    /// A worker that offers the events of this registry, and the pipelines that are named later.
    pub fn of(registry: Registry) -> Self {
        Self {
            registry: Arc::new(registry.clone()),
            host: EventHost::new(registry),
            plans: Vec::new(),
            events: None,
            pipelines: None,
            listen: "127.0.0.1:9080".to_owned(),
            registrations: Vec::new(),
            identity_keys: Vec::new(),
            ready: None,
        }
    }

    /// Gives the events that take `State<T>` this resource.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.host = self.host.state(state);
        self
    }

    /// Takes over the resources and the observers of an engine that is set up like this, for a program
    /// that has such a set-up anyway.
    pub fn set_up_like(mut self, engine: &EngineBuilder) -> Self {
        self.host = self.host.set_up_like(engine);
        self
    }

    /// Has this observer hear of the attempts whose bodies run here; see [`EventHost::observer`].
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.host = self.host.observer(observer);
        self
    }

    /// Offers no events but these.
    pub fn events<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.events = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Offers no linked pipelines but these.
    pub fn pipelines<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.pipelines = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Offers the pipeline of this plan, such as one from a file; also for runs that bring another
    /// flow under its name, of the same fields and of events that this worker has.
    pub fn plan(mut self, plan: &Arc<Plan>) -> Self {
        self.plans.push(Arc::clone(plan));
        self
    }

    /// Listens there: `127.0.0.1:9080`. Whoever reaches this address can run any event, so it belongs
    /// on a private network; see [`identity_key`](Self::identity_key).
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = address.into();
        self
    }

    /// Tells a server of this worker when it begins: `admin` is the address of the server's admin
    /// interface, `worker` the one by which the server reaches the worker.
    pub fn register(mut self, admin: impl Into<String>, worker: impl Into<String>) -> Self {
        self.registrations.push((admin.into(), worker.into()));
        self
    }

    /// Answers only requests that a server has signed with this key, `publickeyv1_..`.
    pub fn identity_key(mut self, key: impl Into<String>) -> Self {
        self.identity_keys.push(key.into());
        self
    }

    /// Calls this once the worker listens, and is registered where it is to be.
    pub fn when_ready(mut self, call: impl FnOnce() + Send + 'static) -> Self {
        self.ready = Some(Box::new(call));
        self
    }

    /// Serves until the process gets SIGINT or SIGTERM. Then it takes nothing new, and what is under
    /// way may end; the cluster gives what is left to another worker.
    ///
    /// # Errors
    ///
    /// If it cannot listen, or a server where it is to be registered does not answer or refuses it.
    pub fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Worker(format!("there is no runtime: {error}")))?;
        let ended = runtime.block_on(self.serve(told_to_end()));
        // What runs on now has had its time.
        runtime.shutdown_background();
        ended
    }

    /// Serves until `end` is over, on the tokio runtime that polls this.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn serve(mut self, end: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let address: SocketAddr = self.listen.parse().map_err(|_| {
            Error::Worker(format!(
                "`{}` is no address to listen at; write it as `127.0.0.1:9080`",
                self.listen
            ))
        })?;
        let listener = listen(address)
            .map_err(|error| Error::Worker(format!("it cannot listen at {address}: {error}")))?;
        let registrations = std::mem::take(&mut self.registrations);
        let ready = self.ready.take();
        let (endpoint, answers) = self.endpoint()?;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, endpoint, answers, async {
            tokio::select! {
                () = end => {}
                _ = stopped => {}
            }
        }));
        for (admin, worker) in registrations {
            if let Err(error) = register(&Server::new(&admin)?, &worker).await {
                drop(stop);
                return Err(error);
            }
        }
        if let Some(ready) = ready {
            ready();
        }
        let ended = serving.await;
        drop(stop);
        ended.map_err(|error| Error::Worker(format!("it has stopped serving: {error}")))
    }

    /// What servers call, and the answers that they have already.
    fn endpoint(self) -> Result<(Endpoint, Arc<RecordedAnswers>)> {
        let Self { host, registry, plans, events, pipelines, identity_keys, .. } = self;
        let (plans, answers) = (Plans { plans, registry }, Arc::<RecordedAnswers>::default());
        let (paces, flows) = (Arc::default(), Flows::default());
        let shared = Arc::new(Shared { host, plans, answers: Arc::clone(&answers), paces, flows });
        let mut endpoint = Endpoint::builder();
        for key in &identity_keys {
            endpoint = endpoint
                .identity_key(key)
                .map_err(|error| Error::Worker(format!("`{key}` is no identity key: {error}")))?;
        }
        let there = shared.host.events();
        let events = events.unwrap_or_else(|| there.clone());
        for event in &events {
            if !there.contains(event) {
                return Err(Error::Worker(format!("this program has no event `{event}`")));
            }
            endpoint = endpoint.bind(event_definition(event, &shared)?);
        }
        let plans = &shared.plans.plans;
        let planned = plans.iter().map(|plan| plan.name().to_owned());
        let mut names: Vec<String> = planned.chain(pipelines.unwrap_or_default()).collect();
        names.sort();
        names.dedup();
        for name in &names {
            let is_planned = plans.iter().any(|plan| plan.name() == name);
            if !is_planned && !RunMachine::linked_pipelines().any(|linked| linked == name) {
                return Err(Error::Worker(format!(
                    "this program has no durable pipeline `{name}`; say `#[pipeline(durable, ..)]` of it"
                )));
            }
            endpoint = endpoint.bind(pipeline_definition(name, &shared)?);
        }
        Ok((endpoint.build(), answers))
    }
}

/// Waits until somebody wants the process to end.
async fn told_to_end() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

/// Tells a server where the worker is.
async fn register(admin: &Server, worker: &str) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let request = json!({ "uri": worker, "force": true }).to_string();
    loop {
        match admin.post("/deployments", request.clone()).await {
            Ok(response) if response.is_success() => return Ok(()),
            Ok(response) => return Err(response.refusal(format!("the worker at {worker}"))),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

fn event_definition(event: &str, shared: &Arc<Shared>) -> Result<ServiceDefinition> {
    let shared = Arc::clone(shared);
    let handle = move |context: ContextInternal, input: Bytes, metadata: InputMetadata| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            if let Some(answer) = shared.answers.take(&metadata.invocation_id) {
                return Ok(answer);
            }
            let host = &shared.host;
            let request = std::str::from_utf8(&input).map_err(unreadable)?;
            let task = match (context.handler_name(), trace_of(&metadata)) {
                ("check", _) => host.check(request),
                (_, Some(trace)) => host.task_in(request, trace),
                (_, None) => host.task(request),
            };
            // The run has a limit of its own for it.
            let answer = perform(task.at_most(LONGEST_MESSAGE), None, &shared.paces).await?;
            Ok(Bytes::from(answer.json()))
        }) as crate::service::Boxed<_>
    };
    let handle: Arc<Handle> = Arc::new(handle);
    define(&event_service(event), Kind::Service, &[RUN, "check"], handle).map_err(Error::Worker)
}

fn pipeline_definition(pipeline: &str, shared: &Arc<Shared>) -> Result<ServiceDefinition> {
    let shared = Arc::clone(shared);
    let handle = move |context: ContextInternal, input: Bytes, metadata: InputMetadata| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            if context.handler_name() == RESOLVE {
                let given = serde_json::from_slice(&input).map_err(unreadable)?;
                return resolve(&context, given).await;
            }
            run(&context, &input, &metadata, &shared).await
        }) as crate::service::Boxed<_>
    };
    let handle: Arc<Handle> = Arc::new(handle);
    define(&pipeline_service(pipeline), Kind::Workflow, &[RUN, RESOLVE], handle)
        .map_err(Error::Worker)
}

/// Runs a pipeline inside of its workflow.
async fn run(
    context: &ContextInternal,
    input: &[u8],
    metadata: &InputMetadata,
    shared: &Shared,
) -> HandlerResult<Bytes> {
    let input = std::str::from_utf8(input).map_err(unreadable)?;
    let mut start = read_start(input, &shared.flows).map_err(unreadable)?;
    // The server holds the workflow's own key to be unique.
    start.key = Arc::from(&*metadata.key);
    // Another version of the program may be able to go on: the server keeps the run for it.
    let plan = shared.plans.of(&start).map_err(|error| error.to_string())?;
    let machine = RunMachine::new(&plan, start).map_err(|error| error.to_string())?;
    let machine = match trace_of(metadata) {
        Some(trace) => machine.in_trace(trace),
        None => machine,
    };
    let names = Names::default();
    let mut durable = SdkContext::new(context, metadata, &names, &shared.paces);
    let machine = interpret(machine, &shared.host, &mut durable).await;
    let json = RunOutput::json(input, &machine)?;
    if json.len() > LONGEST_OUTPUT {
        let what = "what the events of the run have yielded".to_owned();
        let error = Error::TooLong { what, bytes: json.len(), most: LONGEST_OUTPUT };
        return Err(TerminalError::new_with_code(413, error.to_string()).into());
    }
    Ok(Bytes::from(json))
}

/// The error of a message that no worker can read.
fn unreadable(error: impl fmt::Display) -> HandlerError {
    TerminalError::new_with_code(400, format!("the message cannot be read: {error}")).into()
}

/// What the handlers of a worker share.
struct Shared {
    host: EventHost,
    plans: Plans,
    answers: Arc<RecordedAnswers>,
    paces: Arc<Paces>,
    flows: Flows,
}

/// The plans that were given to a worker, beside those of linked pipelines.
struct Plans {
    plans: Vec<Arc<Plan>>,
    registry: Arc<Registry>,
}

impl Plans {
    /// The plan of this program for a run.
    fn of(&self, start: &RunStart) -> Result<Arc<Plan>> {
        let (name, script) = (&*start.pipeline, &start.flow.script);
        let named = || self.plans.iter().filter(|plan| plan.name() == name);
        if let Some(plan) = named().find(|plan| RunMachine::is_plan_of(plan, start)) {
            return Ok(Arc::clone(plan));
        }
        if let Some(plan) = named().next() {
            return Ok(Flow::parse(script)?.plan(&self.registry, plan.fields())?);
        }
        RunMachine::linked_plan(start)?
            .ok_or_else(|| Error::Worker(format!("this worker has no pipeline `{name}`")))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("host", &self.host)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
