//! Events: what the macros make of functions and structs, and what a plan needs to know of them.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::checked::Spec;
use crate::context::{Context, State};
use crate::outcome::{
    Bypass, BypassKind, Descriptor, Exception, ExceptionKind, Goto, Kind, Outcome, TaskOutcome,
};
use crate::piped::{Piped, Up};
use crate::settings::EventSettings;
use crate::shape::{Fanned, Shape, Unfit};
use crate::value::{OutputInfo, TypeInfo, Value};

/// A named unit of work. `#[event]` on a function and `#[derive(Event)]` on a struct implement
/// it; nobody else needs to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "annotate the function with `#[event]`, or the struct with `#[derive(Event)]` and its impl block with `#[event]`"
)]
pub trait Event: Send + Sync + 'static {
    /// What the event yields when it succeeds.
    type Output: Send + Sync + 'static;
    /// How the event takes what comes along `|->`.
    #[doc(hidden)]
    type Piped: Shape;

    /// The event's name in flows and reports.
    const NAME: &'static str;
    /// What the event says of itself to the flows that are checked when they are compiled.
    #[doc(hidden)]
    const SPEC: Spec;
    #[doc(hidden)]
    const PARAMS: &'static [Param];
    /// The branches that a typed goto may take.
    #[doc(hidden)]
    const DESCRIPTORS: Option<&'static [DescriptorName]>;
    /// A struct event's own fields, which a flow may set.
    #[doc(hidden)]
    const OWN_FIELDS: &'static [OwnField];

    #[doc(hidden)]
    fn definition() -> EventDef;
}

/// A parameter of an event.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    pub ty: TypeInfo,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum ParamKind {
    Field,
    Piped,
    State,
    Context,
}

/// A branch that a typed goto may take, in a form that constants can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum DescriptorName {
    Number(u32),
    Name(&'static str),
}

impl From<DescriptorName> for Descriptor {
    fn from(name: DescriptorName) -> Self {
        match name {
            DescriptorName::Number(number) => Self::Number(number),
            DescriptorName::Name(name) => Self::Name(name.into()),
        }
    }
}

/// A field of a struct event that a flow may set: `Transform[factor = 2.0]`.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct OwnField {
    pub name: &'static str,
    pub kind: SettingKind,
    /// Whether the flow must set it, there being no `#[field(default)]`.
    pub required: bool,
}

/// What a struct event's field can be set from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum SettingKind {
    Int,
    Float,
    Text,
    Flag,
    List,
    /// The field's type cannot be written in a flow.
    Opaque,
}

/// The enum form of goto: `#[derive(Descriptor)]` implements it. An event that yields such an
/// enum takes the branch of its variant, and a checked flow must have all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name branches",
    note = "put `#[derive(Descriptor)]` on the enum"
)]
pub trait Descriptors: Send + Sync + 'static {
    #[doc(hidden)]
    const ALL: &'static [DescriptorName];
    /// The branch of this variant.
    fn descriptor(&self) -> Descriptor;
}

/// An event's code, called for each task.
#[doc(hidden)]
pub trait Body: Send + Sync + 'static {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome;

    fn bypass(&self, _inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        Ok(Bypass::no())
    }
}

/// Makes a struct event from the fields that a flow sets.
#[doc(hidden)]
pub type Make = fn(&OwnValues<'_>) -> Result<Arc<dyn Body>, String>;

/// The fields that a flow sets on a struct event.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct OwnValues<'a>(pub(crate) &'a [nexus_pointy::Attr]);

impl OwnValues<'_> {
    /// Whether the flow sets field `name`.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.iter().any(|attr| *attr.key.text == *name)
    }

    /// The value of field `name`; `None` if the flow does not set it.
    pub fn get<T: FromSetting>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(attr) = self.0.iter().find(|attr| *attr.key.text == *name) else {
            return Ok(None);
        };
        let kind = attr.value.as_ref().map(|value| &value.kind);
        let found = kind.map_or_else(|| T::from_setting(&Literal::Bool(true)), T::from_setting);
        match found {
            Some(value) => Ok(Some(value)),
            None => Err(format!("`{name}` takes {}", T::EXPECTED)),
        }
    }
}

use nexus_pointy::LiteralKind as Literal;

/// A type that a flow's literals can be turned into, for a struct event's own fields.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be set in a flow",
    label = "not a number, text, flag or list of them",
    note = "give the field a default: `#[field(default)]` or `#[field(default = ..)]`"
)]
pub trait FromSetting: Sized {
    const KIND: SettingKind;
    const EXPECTED: &'static str;
    fn from_setting(literal: &Literal) -> Option<Self>;
}

macro_rules! integer_settings {
    ($($ty:ty)+) => {$(
        impl FromSetting for $ty {
            const KIND: SettingKind = SettingKind::Int;
            const EXPECTED: &'static str = concat!("a whole number that fits ", stringify!($ty));
            fn from_setting(literal: &Literal) -> Option<Self> {
                match literal {
                    Literal::Int(number) => Self::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )+};
}
integer_settings!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl FromSetting for f64 {
    const KIND: SettingKind = SettingKind::Float;
    const EXPECTED: &'static str = "a number";
    #[expect(clippy::cast_precision_loss, reason = "what a float literal without a point means")]
    fn from_setting(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Float(number) => Some(*number),
            Literal::Int(number) => Some(*number as f64),
            _ => None,
        }
    }
}

impl FromSetting for bool {
    const KIND: SettingKind = SettingKind::Flag;
    const EXPECTED: &'static str = "true or false";
    fn from_setting(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl FromSetting for String {
    const KIND: SettingKind = SettingKind::Text;
    const EXPECTED: &'static str = "a text in quotes";
    fn from_setting(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Str(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

impl<T: FromSetting> FromSetting for Vec<T> {
    const KIND: SettingKind = SettingKind::List;
    const EXPECTED: &'static str = "a list such as [1, 2]";
    fn from_setting(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::List(items) => items.iter().map(|item| T::from_setting(&item.kind)).collect(),
            _ => None,
        }
    }
}

/// Collects an `each` step's values into a `Vec` of the event's output, moving them.
pub(crate) trait Collect: Send {
    fn push(&mut self, value: Value);
    fn finish(&mut self) -> Value;
}

struct Collected<T>(Vec<T>);

impl<T: Send + Sync + 'static> Collect for Collected<T> {
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
#[doc(hidden)]
pub struct Wires {
    pub(crate) takes: Option<TypeInfo>,
    pub(crate) accepts: fn(&Up) -> bool,
    pub(crate) accepts_items_of: fn(&Up) -> bool,
    pub(crate) fan: fn(&Value) -> Option<Fanned>,
    pub(crate) list: TypeInfo,
    collect: fn() -> Box<dyn Collect>,
}

impl Wires {
    /// For an event with output `T` that takes what is piped as `S` does.
    pub fn of<T: Send + Sync + 'static, S: Shape>() -> Self {
        Self {
            takes: S::TAKES.then(TypeInfo::of::<S::Takes>),
            accepts: S::accepts,
            accepts_items_of: S::accepts_items_of,
            fan: S::fan,
            list: TypeInfo::of::<Vec<T>>(),
            collect: || Box::new(Collected::<T>(Vec::new())),
        }
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
    pub(crate) params: &'static [Param],
    pub(crate) output: OutputInfo,
    pub(crate) wires: Wires,
    pub(crate) settings: EventSettings,
    pub(crate) body: Maker,
    pub(crate) own_fields: &'static [OwnField],
    pub(crate) can_bypass: bool,
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
pub enum Maker {
    Ready(Arc<dyn Body>),
    Fields(Make),
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
    pub fn new<E: Event>(output: OutputInfo, body: Maker, place: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(E::NAME),
            params: E::PARAMS,
            output,
            wires: Wires::of::<E::Output, E::Piped>(),
            settings: EventSettings::default(),
            body,
            own_fields: E::OWN_FIELDS,
            can_bypass: false,
            typed_goto: None,
            descriptors: E::DESCRIPTORS.unwrap_or_default(),
            handle: Some(TypeId::of::<E>()),
            is_closure: false,
            place: Cow::Borrowed(place),
        }
    }

    pub(crate) fn of_closure<T: Send + Sync + 'static>(
        name: String,
        body: Arc<dyn Body>,
        place: &Location<'_>,
    ) -> Self {
        Self {
            name: Cow::Owned(name),
            params: &[],
            output: OutputInfo::opaque::<T>(),
            wires: Wires::of::<T, crate::shape::Nothing>(),
            settings: EventSettings::default(),
            body: Maker::Ready(body),
            own_fields: &[],
            can_bypass: false,
            typed_goto: None,
            descriptors: &[],
            handle: None,
            is_closure: true,
            place: Cow::Owned(format!("{}:{}", place.file(), place.line())),
        }
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

    /// Says how a value of a typed goto names its branch.
    #[must_use]
    pub fn with_typed_goto(mut self, goto: Option<fn(&Value) -> Option<Descriptor>>) -> Self {
        self.typed_goto = goto;
        self
    }
}

/// What a body reads its parameters from. Parameters are counted as the event declares them.
#[derive(Debug)]
#[doc(hidden)]
pub struct Inputs<'a> {
    pub(crate) slots: &'a [u32],
    pub(crate) piped: Piped<'a>,
    pub(crate) context: &'a Context,
}

impl Inputs<'_> {
    #[inline]
    fn slot<'v>(&self, values: &'v [Value], param: usize) -> Option<&'v Value> {
        values.get(*self.slots.get(param)? as usize)
    }

    /// A pipeline's field.
    #[inline]
    pub fn field<T: 'static>(&self, param: usize) -> Result<&T, Exception> {
        self.slot(&self.context.run.fields, param)
            .and_then(Value::get)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// A pipeline's field, shared.
    pub fn field_arc<T: Send + Sync + 'static>(&self, param: usize) -> Result<Arc<T>, Exception> {
        self.slot(&self.context.run.fields, param)
            .and_then(Value::arc)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// A resource of the engine.
    pub fn state<T: Send + Sync + 'static>(&self, param: usize) -> Result<State<T>, Exception> {
        self.slot(&self.context.run.states, param)
            .and_then(Value::arc)
            .map(State::from_arc)
            .ok_or_else(|| misfit::<T>(param))
    }

    /// What came along `|->`.
    #[inline]
    pub fn piped<S: Shape>(&self) -> Result<S::Out<'_>, Exception> {
        S::read(&self.piped).map_err(|unfit| self.edge::<S>(unfit))
    }

    /// The run's context.
    #[inline]
    pub fn context(&self) -> &Context {
        self.context
    }

    #[cold]
    fn edge<S: Shape>(&self, unfit: Unfit) -> Exception {
        let event = self.context.event();
        let takes = TypeInfo::of::<S::Takes>();
        let message = match unfit {
            Unfit::Failed(failure) => format!(
                "`{event}` takes a `{takes:?}` along `|->`, but the step before it did not succeed: \
                 {failure}; give it a `0` branch, or take a `Result<{takes:?}, Failure>`"
            ),
            Unfit::Type => format!("`{event}` takes a `{takes:?}` along `|->`, and got another type"),
        };
        Exception::of_kind(ExceptionKind::Edge, message)
    }
}

/// A planned flow never gets here: the plan compares the types.
#[cold]
fn misfit<T: 'static>(param: usize) -> Exception {
    let ty = TypeInfo::of::<T>();
    Exception::of_kind(ExceptionKind::Edge, format!("parameter {param} is not a `{ty:?}`"))
}

/// Plain return types; see [`IntoOutcome`].
#[derive(Debug)]
#[doc(hidden)]
pub enum Plain {}

/// `Result<Outcome<T>, E>`; see [`IntoOutcome`].
#[derive(Debug)]
#[doc(hidden)]
pub enum Nested {}

/// What an event may return (R3). `Form` keeps `Result<T, E>` and `Result<Outcome<T>, E>` apart;
/// the macro picks it.
#[diagnostic::on_unimplemented(
    message = "an event cannot return `{Self}`",
    label = "not a return type of an event",
    note = "return `Outcome<T>`, `Result<T, E>` or `Result<Outcome<T>, E>` where `E: std::error::Error + Send + Sync + 'static`, `(bool, T)`, or an enum with `#[derive(Descriptor)]`"
)]
pub trait IntoOutcome<Form> {
    /// What the event yields when it succeeds.
    type Output: Send + Sync + 'static;
    #[doc(hidden)]
    fn into_outcome(self) -> TaskOutcome;
}

impl<T: Send + Sync + 'static> IntoOutcome<Plain> for Outcome<T> {
    type Output = T;
    #[inline]
    fn into_outcome(self) -> TaskOutcome {
        match self.0 {
            Kind::Success(value) => TaskOutcome::Success(Value::new(value)),
            Kind::Failure(failure) => TaskOutcome::Failure(failure),
            Kind::Goto { goto, value } => TaskOutcome::Goto(Box::new(goto), Value::new(value)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> IntoOutcome<Plain> for Result<T, E>
where
    T: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    type Output = T;
    #[inline]
    fn into_outcome(self) -> TaskOutcome {
        match self {
            Ok(value) => TaskOutcome::Success(Value::new(value)),
            Err(error) => TaskOutcome::Exception(Exception::new(error)),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> IntoOutcome<Nested> for Result<Outcome<T>, E>
where
    T: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    type Output = T;
    fn into_outcome(self) -> TaskOutcome {
        match self {
            Ok(outcome) => outcome.into_outcome(),
            Err(error) => TaskOutcome::Exception(Exception::new(error)),
        }
    }
}

impl<T: Send + Sync + 'static> IntoOutcome<Plain> for (bool, T) {
    type Output = T;
    fn into_outcome(self) -> TaskOutcome {
        let (succeeded, value) = self;
        let value = Value::new(value);
        if succeeded {
            return TaskOutcome::Success(value);
        }
        let reason: Cow<'static, str> = match (value.get::<&'static str>(), value.get::<String>()) {
            (Some(text), _) => Cow::Borrowed(text),
            (_, Some(text)) => Cow::Owned(text.clone()),
            _ => Cow::Borrowed("the event returned false"),
        };
        TaskOutcome::Failure(crate::outcome::Failure::carrying(reason, value))
    }
}

/// What a bypass check may return: `Bypass<T>`, or `Result<Bypass<T>, E>`.
#[diagnostic::on_unimplemented(
    message = "a bypass check cannot return `{Self}`",
    note = "return `Bypass<{Output}>`, or `Result<Bypass<{Output}>, E>` where `E: std::error::Error + Send + Sync + 'static`"
)]
pub trait IntoBypass<Output> {
    #[doc(hidden)]
    fn into_bypass(self) -> Result<Bypass<Value>, Exception>;
}

impl<T: Send + Sync + 'static> IntoBypass<T> for Bypass<T> {
    fn into_bypass(self) -> Result<Bypass<Value>, Exception> {
        Ok(Bypass(match self.0 {
            BypassKind::No => BypassKind::No,
            BypassKind::Skip { value, reason } => BypassKind::Skip {
                value: value.map(Value::new),
                reason,
            },
        }))
    }
}

impl<T, E> IntoBypass<T> for Result<Bypass<T>, E>
where
    T: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    fn into_bypass(self) -> Result<Bypass<Value>, Exception> {
        self.map_err(Exception::new)?.into_bypass()
    }
}

/// A typed goto's value as the jump it means.
pub(crate) fn typed_goto(descriptor: Descriptor) -> Goto {
    Goto {
        descriptor,
        failed: false,
        reason: Cow::Borrowed("typed"),
    }
}
