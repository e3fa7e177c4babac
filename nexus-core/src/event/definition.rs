//! Everything that a plan needs to know of an event.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::function::Bypassing;
use super::ports::Ports;
use super::{Body, BuildBody, Code, DescriptorName, IntoOutcome, OwnField, Param, Spec};
#[cfg(feature = "tokio")]
use crate::executor::{AsyncExecutor, ExecutorKind};
use crate::outcome::Descriptor;
use crate::settings::EventSettings;
use crate::value::{OutputInfo, Value};
use crate::wire::WirePart;

/// Everything a plan needs to know of an event.
#[derive(Clone)]
pub(crate) struct EventDef {
    pub(crate) name: Cow<'static, str>,
    /// The path of the event's type, which all processes of a program agree on; closures have none.
    pub(crate) path: &'static str,
    pub(crate) params: Arc<[Param]>,
    pub(crate) output: OutputInfo,
    pub(crate) spec: &'static Spec,
    /// The output, as it is written and sent.
    pub(crate) output_part: WirePart,
    pub(crate) ports: Ports,
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
pub(crate) enum BodySource {
    Ready(Arc<dyn Body>),
    Fields(BuildBody),
}

impl BodySource {
    fn of(spec: &Spec) -> Self {
        match spec.code {
            Code::Function(code) => Self::Ready(match spec.options.bypass {
                None => code.body(),
                Some(check) => Arc::new(Bypassing { body: code.body(), check }),
            }),
            Code::Fields(make, _) => Self::Fields(make),
            Code::Nothing => Self::Fields(|_| Err("it is no event".to_owned())),
        }
    }
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
    /// The definition of an event that says this of itself.
    pub(crate) fn of(spec: &'static Spec) -> Self {
        let (types, options) = (spec.types(), spec.options);
        let params = spec.params.iter().zip(types.params);
        let def = Self {
            name: Cow::Borrowed(spec.name),
            path: spec.handle.path(),
            params: params.map(|(param, ty)| Param::new(param, *ty)).collect(),
            output: OutputInfo { ty: types.output, json: spec.yields.json },
            spec,
            output_part: spec.output,
            ports: *types.ports,
            settings: options.settings.map(|settings| settings()).unwrap_or_default(),
            body: BodySource::of(spec),
            own_fields: options.own,
            can_bypass: options.can_bypass || options.bypass.is_some(),
            is_async: false,
            typed_goto: spec.yields.goto.map(|goto| goto.branch),
            descriptors: spec.yields.goto.map(|goto| goto.names).unwrap_or_default(),
            handle: Some(spec.handle.id()),
            is_closure: false,
            place: Cow::Borrowed(spec.place),
        };
        if options.is_async { def.with_async() } else { def }
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
            params: Arc::default(),
            output: OutputInfo::opaque::<R::Output>(),
            spec: &Spec::NO_EVENT,
            output_part: Spec::NO_EVENT.output,
            ports: Ports::of::<R::Output, crate::shape::Nothing>(),
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

    /// The parameters, as they are written and sent.
    #[cfg(feature = "wire")]
    pub(crate) fn parts(&self) -> impl Iterator<Item = &WirePart> {
        self.params.iter().map(|param| &param.part)
    }

    /// A parameter with its type, as it is written: `` `name: &str` (borrowed from `String`) ``.
    pub(crate) fn param_text(&self, param: &Param) -> String {
        if !self.spec.known {
            return format!("`{}: {}`", param.name(), param.ty.name());
        }
        format!("`{}: {}`{}", param.name(), param.part.ty, borrowed_from(param.owned))
    }

    /// The type that it takes along `|->`, as it is written.
    pub(crate) fn takes_text(&self) -> Option<String> {
        let ty = self.ports.takes?;
        Some(match self.spec.piped() {
            Some(param) if self.spec.known => {
                format!("`{}`{}", param.part.ty, borrowed_from(param.owned))
            }
            _ => format!("`{}`", ty.name()),
        })
    }

    /// The type that it yields, as it is written.
    pub(crate) fn output_text(&self) -> String {
        if self.spec.known { self.spec.output.ty.to_owned() } else { self.output.ty.name() }
    }

    /// Whether a durable run records its outcome, where the flow does not say.
    pub(crate) fn is_recorded(&self) -> bool {
        self.settings.checkpoint.unwrap_or(true)
    }

    /// Which version of the event this is.
    pub(crate) fn version(&self) -> u32 {
        self.settings.version.unwrap_or(1)
    }

    /// Says that the code is async. It runs on `AsyncExecutor` where the settings name no executor.
    #[must_use]
    pub(crate) fn with_async(mut self) -> Self {
        self.is_async = true;
        #[cfg(feature = "tokio")]
        self.settings.executor.get_or_insert(ExecutorKind::of::<AsyncExecutor>());
        self
    }
}

/// The type that a parameter such as `&str` borrows from, where it is not the type itself.
fn borrowed_from(owned: &str) -> String {
    match owned {
        "" => String::new(),
        owned => format!(" (borrowed from `{owned}`)"),
    }
}
