//! A request in a worker process: find the event, run its body, write the reply.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::serve::Parent;
use crate::context::{Context, RunId, RunInfo, StepNames};
use crate::event::{Body, EventDef, Inputs, Maker, OwnValues};
use crate::outcome::{Exception, ExceptionKind, TaskOutcome};
use crate::panic::{contain, drop_quietly};
use crate::registry::Registry;
use crate::retry::ErrorType;
use crate::time::{Clock, Wait};
use crate::value::Value;
use crate::wire::{self, Crossing, Request, WirePart, Witness};

/// What a worker keeps from one task to the next.
pub(super) struct Worker {
    registry: Registry,
    /// The error types that policies of the program list.
    errors: Vec<ErrorType>,
    units: HashMap<String, Arc<Unit>>,
    states: HashMap<TypeId, Value>,
}

/// An event with the fields that a flow sets on it.
struct Unit {
    def: EventDef,
    body: Arc<dyn Body>,
    /// For each parameter, the field or the state that it takes.
    slots: Box<[u32]>,
    field_names: Arc<[Arc<str>]>,
}

impl Worker {
    pub(super) fn new() -> Self {
        let registry = Registry::linked();
        Self {
            errors: registry.listed_errors(),
            registry,
            units: HashMap::new(),
            states: HashMap::new(),
        }
    }

    /// Runs the task; gives the reply.
    pub(super) fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let found = Request::read(request).and_then(|request| {
            let unit = self.unit(&request.header.unit)?;
            Ok((request, unit))
        });
        let (request, unit) = match found {
            Ok(found) => found,
            Err(exception) => return wire::refusal(&exception),
        };
        let outcome = self.run(&request, &unit).unwrap_or_else(TaskOutcome::Exception);
        let policy = unit.def.settings.retry.as_ref().and_then(|policy| policy.as_ref().ok());
        let reply = wire::reply(&unit.def, &outcome, &Witness { types: &self.errors, policy });
        drop_quietly(outcome);
        reply
    }

    fn run(&mut self, request: &Request<'_>, unit: &Unit) -> Result<TaskOutcome, Exception> {
        // Deserialize is user code, and so are bodies and the building of states.
        let (fields, piped) = contain(|| request.values(&unit.def))??;
        let context = self.context(request, unit, fields)?;
        let inputs = Inputs { slots: &unit.slots, piped: piped.borrow(), context: &context };
        let outcome = contain(|| unit.body.call(&inputs));
        drop(inputs);
        drop_quietly((context, piped));
        outcome
    }

    fn context(
        &mut self,
        request: &Request<'_>,
        unit: &Unit,
        fields: Vec<Value>,
    ) -> Result<Context, Exception> {
        let header = &request.header;
        let (states, resources) = self.states_of(&unit.def)?;
        let names = Here { event: header.event.to_string(), path: header.path.to_string() };
        let run = RunInfo {
            id: RunId(header.run),
            pipeline: Arc::from(&*header.pipeline),
            names: Arc::new(names),
            field_names: Arc::clone(&unit.field_names),
            fields,
            resources: Arc::new(resources),
            states,
            clock: Arc::new(Since { base: header.now, start: Instant::now() }),
            deadline: header.deadline,
            // A task that nobody wants any more dies with this process.
            cancelled: AtomicBool::new(false),
            hear: Some(Arc::new(Parent)),
        };
        let mut context = Context::new(Arc::new(run));
        context.attempt = header.attempt;
        context.item = header.item;
        Ok(context)
    }

    /// The states that the event takes, in order, and by type; builds those that are not there.
    fn states_of(
        &mut self,
        def: &EventDef,
    ) -> Result<(Vec<Value>, HashMap<TypeId, Value>), Exception> {
        let (mut states, mut by_type) = (Vec::new(), HashMap::new());
        for part in def.wire.parts {
            let Crossing::State(maker) = part.by else { continue };
            let id = maker.ty.id();
            let state = match self.states.get(&id) {
                Some(state) => state.clone(),
                None => contain(maker.build)??,
            };
            self.states.insert(id, state.clone());
            by_type.insert(id, state.clone());
            states.push(state);
        }
        Ok((states, by_type))
    }

    fn unit(&mut self, text: &str) -> Result<Arc<Unit>, Exception> {
        if let Some(unit) = self.units.get(text) {
            return Ok(Arc::clone(unit));
        }
        let unit = contain(|| Unit::find(&self.registry, text))??;
        let unit = Arc::new(unit);
        self.units.insert(text.to_owned(), Arc::clone(&unit));
        Ok(unit)
    }
}

impl Unit {
    fn find(registry: &Registry, text: &str) -> Result<Self, Exception> {
        let unknown = |why: &str| {
            let message = format!("a worker process cannot make the event `{text}`: {why}");
            Exception::of_kind(ExceptionKind::Crossing, message)
        };
        let (def, own) = registry
            .find_unit(text)
            .ok_or_else(|| unknown("no such event is linked into the program"))?;
        let script = format!("event{own}");
        let flow = nexus_pointy::parse(&script)
            .into_result()
            .map_err(|_| unknown("its fields cannot be read"))?;
        let unit = flow.links.first().and_then(|link| link.units.first());
        let attrs = unit.map_or(&[][..], |unit| &unit.attrs);
        let body = match &def.body {
            Maker::Ready(body) => Arc::clone(body),
            Maker::Fields(make) => make(&OwnValues(attrs)).map_err(|why| unknown(&why))?,
        };
        let (mut fields, mut states) = (0, 0);
        let next = |count: &mut u32| {
            *count += 1;
            *count - 1
        };
        let slot = |part: &WirePart| match part.by {
            Crossing::Value(_) => next(&mut fields),
            Crossing::State(_) => next(&mut states),
            _ => u32::MAX,
        };
        let slots = def.wire.parts.iter().map(slot).collect();
        let named = def.wire.parts.iter().filter(|part| matches!(part.by, Crossing::Value(_)));
        let field_names = named.map(|part| Arc::from(part.name)).collect();
        Ok(Self { def: def.clone(), body, slots, field_names })
    }
}

/// The names of the one step that a worker knows of the flow.
struct Here {
    event: String,
    path: String,
}

impl StepNames for Here {
    fn event_name(&self, _step: u32) -> &str {
        &self.event
    }
    fn step_path(&self, _step: u32) -> String {
        self.path.clone()
    }
}

/// The engine's time, as far as this process can know it: it goes on from the request.
#[derive(Debug)]
struct Since {
    base: Duration,
    start: Instant,
}

impl Clock for Since {
    fn now(&self) -> Duration {
        self.base.saturating_add(self.start.elapsed())
    }
    fn wait_until(&self, at: Duration, _idle: bool) -> Wait {
        match at.checked_sub(self.now()) {
            None | Some(Duration::ZERO) => Wait::Over,
            Some(left) => Wait::AtMost(left),
        }
    }
}
