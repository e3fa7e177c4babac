//! Everything that a plan needs to know of an event.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::{Body, DescriptorName, Event, IntoOutcome, OwnField, OwnValues, Param};
use crate::checked::{Spec, SpecParam};
#[cfg(feature = "tokio")]
use crate::executor::{AsyncExecutor, ExecutorKind};
use crate::outcome::Descriptor;
use crate::piped::Upstream;
use crate::settings::EventSettings;
use crate::shape::{ByRef, Fanned, Shape};
use crate::value::{OutputInfo, TypeInfo, Value};
use crate::wire::EventWire;

/// Makes a struct event from the fields that a flow sets.
pub(crate) type BuildBody = fn(&OwnValues<'_>) -> Result<Arc<dyn Body>, String>;

/// Collects an `each` step's values into a `Vec` of the event's output, moving them.
pub(crate) trait Collect: Send {
    /// So many values are to be expected.
    fn reserve(&mut self, values: usize);
    fn push(&mut self, value: Value);
    fn finish(&mut self) -> Value;
}

struct Collected<T>(Vec<T>);

impl<T: Send + Sync + 'static> Collect for Collected<T> {
    fn reserve(&mut self, values: usize) {
        self.0.reserve_exact(values);
    }
    fn push(&mut self, value: Value) {
        // The run is the only holder of a task's fresh value.
        self.0.extend(value.into_inner::<T>());
    }
    fn finish(&mut self) -> Value {
        Value::new(std::mem::take(&mut self.0))
    }
}

/// How an event meets the arrows around it.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) takes: Option<TypeInfo>,
    /// What it takes at an `each` step.
    pub(crate) items: Option<TypeInfo>,
    pub(crate) accepts: fn(&Upstream) -> bool,
    pub(crate) accepts_items_of: fn(&Upstream) -> bool,
    pub(crate) fan: fn(&Value) -> Option<Fanned>,
    pub(crate) list: TypeInfo,
    collect: fn() -> Box<dyn Collect>,
}

impl Ports {
    /// For an event with output `T` that takes what is piped as `S` does.
    pub(crate) fn of<T: Send + Sync + 'static, S: Shape>() -> Self {
        Self {
            takes: S::TAKES.then(TypeInfo::of::<S::Takes>),
            items: S::TAKES.then(TypeInfo::of::<S::Takes>),
            accepts: S::accepts,
            accepts_items_of: S::accepts_items_of,
            fan: S::fan,
            list: TypeInfo::of::<Vec<T>>(),
            collect: || Box::new(Collected::<T>(Vec::new())),
        }
    }

    /// Says that the items of an `each` step are of type `T`.
    pub(crate) fn take_items<T: Send + Sync + 'static>(&mut self) {
        self.items = Some(TypeInfo::of::<T>());
        self.accepts_items_of = ByRef::<T>::accepts_items_of;
        self.fan = ByRef::<T>::fan;
    }

    pub(crate) fn collector(&self) -> Box<dyn Collect> {
        (self.collect)()
    }
}

/// Everything a plan needs to know of an event.
#[derive(Clone)]
#[doc(hidden)]
pub struct EventDef {
    pub(crate) name: Cow<'static, str>,
    /// The path of the event's type, which all processes of a program agree on; closures have none.
    pub(crate) path: &'static str,
    pub(crate) params: &'static [Param],
    pub(crate) output: OutputInfo,
    /// Its types as they are written.
    spec: Spec,
    pub(crate) ports: Ports,
    pub(crate) wire: EventWire,
    pub(crate) settings: EventSettings,
    pub(crate) body: BodySource,
    pub(crate) own_fields: &'static [OwnField],
    pub(crate) can_bypass: bool,
    /// Whether the code is a future, which only `AsyncExecutor` runs.
    pub(crate) is_async: bool,
    /// The branch of a typed goto's value.
    pub(crate) typed_goto: Option<fn(&Value) -> Option<Descriptor>>,
    pub(crate) descriptors: &'static [DescriptorName],
    /// The type by which reports are asked for the event; closures have none.
    pub(crate) handle: Option<TypeId>,
    /// A closure takes anything that comes along and reads it from the context.
    pub(crate) is_closure: bool,
    pub(crate) place: Cow<'static, str>,
}

/// An event's code, or the way to make it from what a flow sets.
#[derive(Clone)]
#[doc(hidden)]
pub enum BodySource {
    Ready(Arc<dyn Body>),
    Fields(BuildBody),
}

impl fmt::Debug for BodySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready(..)",
            Self::Fields(_) => "Fields(..)",
        })
    }
}

impl fmt::Debug for EventDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDef")
            .field("name", &self.name)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl EventDef {
    /// The definition of `E`, whose code is `body`.
    pub fn new<E: Event>(output: OutputInfo, body: BodySource, place: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(E::NAME),
            path: type_name::<E>(),
            params: E::PARAMS,
            output,
            spec: E::SPEC,
            ports: Ports::of::<E::Output, E::Piped>(),
            wire: E::WIRE,
            settings: EventSettings::default(),
            body,
            own_fields: E::OWN_FIELDS,
            can_bypass: false,
            is_async: false,
            typed_goto: None,
            descriptors: E::DESCRIPTORS.unwrap_or_default(),
            handle: Some(TypeId::of::<E>()),
            is_closure: false,
            place: Cow::Borrowed(place),
        }
    }

    /// The definition of an event that returns `R` and is made of a closure.
    pub(crate) fn of_closure<R: IntoOutcome<Form>, Form>(
        name: String,
        body: Arc<dyn Body>,
        place: &Location<'_>,
    ) -> Self {
        Self {
            name: Cow::Owned(name),
            path: "",
            params: &[],
            output: OutputInfo::opaque::<R::Output>(),
            spec: Spec::NO_EVENT,
            ports: Ports::of::<R::Output, crate::shape::Nothing>(),
            wire: EventWire::NONE,
            settings: EventSettings::default(),
            body: BodySource::Ready(body),
            own_fields: &[],
            can_bypass: false,
            is_async: false,
            typed_goto: R::GOTO,
            descriptors: R::DESCRIPTORS,
            handle: None,
            is_closure: true,
            place: Cow::Owned(format!("{}:{}", place.file(), place.line())),
        }
    }

    /// A parameter with its type, as it is written: `` `name: &str` (borrowed from `String`) ``.
    pub(crate) fn param_text(&self, param: &Param) -> String {
        let written = self.spec.params.iter().find(|written| written.name == param.name);
        match written {
            Some(written) => format!("`{}: {}`{}", param.name, written.ty, borrowed_from(written)),
            None => format!("`{}: {}`", param.name, param.ty.name()),
        }
    }

    /// The type that it takes along `|->`, as it is written.
    pub(crate) fn takes_text(&self) -> Option<String> {
        let ty = self.ports.takes?;
        Some(match &self.spec.piped {
            Some(written) => format!("`{}`{}", written.ty, borrowed_from(written)),
            None => format!("`{}`", ty.name()),
        })
    }

    /// The type that it yields, as it is written.
    pub(crate) fn output_text(&self) -> String {
        if self.spec.known { self.spec.output.to_owned() } else { self.output.ty.name() }
    }

    /// Whether a durable run records its outcome, where the flow does not say.
    pub(crate) fn is_recorded(&self) -> bool {
        self.settings.checkpoint.unwrap_or(true)
    }

    /// Which version of the event this is.
    pub(crate) fn version(&self) -> u32 {
        self.settings.version.unwrap_or(1)
    }

    /// Gives the event its settings.
    #[must_use]
    pub fn with_settings(mut self, settings: EventSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Says that the body has a bypass check.
    #[must_use]
    pub fn with_bypass(mut self) -> Self {
        self.can_bypass = true;
        self
    }

    /// Says that the code is async. It runs on `AsyncExecutor` where the settings name no executor.
    #[must_use]
    pub fn with_async(mut self) -> Self {
        self.is_async = true;
        #[cfg(feature = "tokio")]
        self.settings.executor.get_or_insert(ExecutorKind::of::<AsyncExecutor>());
        self
    }

    /// Says how a value of a typed goto names its branch.
    #[must_use]
    pub fn with_typed_goto(mut self, goto: Option<fn(&Value) -> Option<Descriptor>>) -> Self {
        self.typed_goto = goto;
        self
    }
}

/// The type that a parameter such as `&str` borrows from, where it is not the type itself.
fn borrowed_from(written: &SpecParam) -> String {
    match written.owned {
        "" => String::new(),
        owned => format!(" (borrowed from `{owned}`)"),
    }
}
