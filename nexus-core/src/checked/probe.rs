//! Questions about concrete types: the inherent constant answers where its bounds hold, the
//! trait's everywhere else.

#![expect(clippy::missing_errors_doc, reason = "hidden: only generated code calls it")]

use std::convert::Infallible;
use std::error::Error as StdError;
use std::marker::PhantomData;
use std::sync::Arc;

use super::accepts::{Accepts, AcceptsItemsOf, Arity, ByMember, Place};
use crate::event::{
    Body, BodyFuture, Code, DescriptorName, Descriptors, Event, FromSetting, Inputs, IntoOutcome,
    OwnField, OwnValues, SettingKind, Spec, at_once,
};
use crate::executor::{BodyKind, Executor};
use crate::outcome::{Bypass, Descriptor, Exception, ExceptionKind, TaskOutcome};
use crate::piped::Items;
use crate::retry::ErrorType;
use crate::settings::EventSettings;
use crate::shape::Nothing;
use crate::value::{ToJson, Value, to_json};
#[cfg(feature = "wire")]
use crate::wire::Serialisable;
use crate::wire::Transfer;

/// The answers to what no inherent constant answers.
pub trait Fallback {
    const IS: bool = false;
    const SPEC: &'static Spec = &Spec::NO_EVENT;
    const BASE: Spec = Spec::NO_EVENT;
    const ARITY: usize = <Nothing as Arity>::ANY;
    const DESCRIPTORS: Option<&'static [DescriptorName]> = None;
    const GOTO: Option<fn(&Value) -> Option<Descriptor>> = None;
    const JSON: Option<ToJson> = None;
    const KIND: SettingKind = SettingKind::Opaque;
    const LISTED: Option<ErrorType> = None;
    const VALUE: Transfer = Transfer::No;
    const PIPED: Transfer = Transfer::No;
    const STATE: Transfer = Transfer::NoFactory;
    #[cfg(feature = "json-input")]
    const FROM_JSON: Option<crate::input::ReadJson> = None;
}
impl<T> Fallback for T {}

/// Stands for an event that is missing in a half typed flow.
pub struct Hole;

/// `<() as Same>::Id<E>` is `E`: a type that begins with `<`, which can carry a place.
pub trait Id {
    type Same<T>;
}
impl Id for () {
    type Same<T> = T;
}

/// What an event says of itself.
pub struct Of<E>(PhantomData<E>);
impl<E: Event> Of<E> {
    pub const SPEC: &'static Spec = E::SPEC;
    /// What its types say, of a function that is an event.
    pub const BASE: Spec = Spec::of::<E>();
}

/// What a pipeline's field may hold.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot be shared among threads",
    label = "not `Send + Sync`",
    note = "steps on other threads read the pipeline's fields: use `Arc` instead of `Rc`, and `Mutex` or an atomic instead of `Cell` or `RefCell`"
)]
pub trait FieldValue {
    const IS: () = ();
}
#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> FieldValue for T {}

/// How a field becomes a value, whether it is the field itself or behind an `Arc`.
pub struct Holds<T>(PhantomData<T>);
impl<T: Send + Sync + 'static> Holds<T> {
    pub const NEW: fn(T) -> Value = Value::new;
    pub const SHARED: fn(Arc<T>) -> Value = Value::from_arc;
}

/// The same of what cannot be shared, which has its own error.
pub trait FallbackHolds<T> {
    const NEW: fn(T) -> Value = |_| Value::new(());
    const SHARED: fn(Arc<T>) -> Value = |_| Value::new(());
}
impl<T> FallbackHolds<T> for Holds<T> {}

/// The parameter whose name hashes to `NAME` is a field of type `T`. (Were it an associated type,
/// a public event could not take a private one.)
pub trait HasParameter<const NAME: u64, T> {}

/// Whether the event's parameter of that name, if it has one, is a `T`.
pub struct Binds<T, E, const NAME: u64>(PhantomData<(T, E)>);
impl<T, E: HasParameter<NAME, T>, const NAME: u64> Binds<T, E, NAME> {
    pub const IS: bool = true;
}

/// Whether this is an executor.
pub struct IsExecutor<E>(PhantomData<E>);
impl<E: Executor> IsExecutor<E> {
    pub const IS: bool = true;
}

/// Whether the executor runs async events, and no others.
pub struct RunsAsync<E>(PhantomData<E>);
impl<E: Executor> RunsAsync<E> {
    pub const IS: bool = matches!(E::RUNS, BodyKind::Async);
}

/// Whether the place takes what `U` stands for.
pub struct AcceptsProbe<P, U>(PhantomData<(P, U)>);
impl<P: Place<Shape: Accepts<U>>, U> AcceptsProbe<P, U> {
    pub const IS: bool = true;
}

/// Whether the place takes the items of what `U` stands for.
pub struct AcceptsItemsProbe<P, U>(PhantomData<(P, U)>);
impl<P: Place<Shape: AcceptsItemsOf<U>>, U> AcceptsItemsProbe<P, U> {
    pub const IS: bool = true;
}

/// Whether the place takes members of a group one by one, and `U` is such a one.
pub struct AcceptsMemberProbe<P, U>(PhantomData<(P, U)>);
impl<P: Place<Shape: ByMember + Accepts<U>>, U> AcceptsMemberProbe<P, U> {
    pub const IS: bool = true;
}

/// How wide a group the place takes.
pub struct GroupArity<P>(PhantomData<P>);
impl<P: Place<Shape: Arity>> GroupArity<P> {
    pub const ARITY: usize = <P::Shape as Arity>::ARITY;
}

/// Whether an event may return `R`, and how to convert it.
pub struct Returns<R, Form>(PhantomData<(R, Form)>);
impl<R: IntoOutcome<Form>, Form> Returns<R, Form> {
    pub const IS: bool = true;
    pub const CONVERT: fn(R) -> TaskOutcome = R::into_outcome;
}

/// [`Returns::CONVERT`] of what an event cannot return, which has its own error.
pub trait FallbackReturns<R> {
    const CONVERT: fn(R) -> TaskOutcome =
        |_| Exception::of_kind(ExceptionKind::Edge, String::new()).into();
}
impl<R, Form> FallbackReturns<R> for Returns<R, Form> {}

/// How a result is converted whose error type is dynamic: `anyhow::Error`, `eyre::Report`, a box.
/// [`Returns::CONVERT`] would turn it into a box, and the first two hide in it what they carry.
pub struct Dynamic<R, Form>(PhantomData<(R, Form)>);
impl<T, E, Form> Dynamic<Result<T, E>, Form>
where
    E: AsRef<dyn StdError + Send + Sync> + Send + Sync + 'static,
    Result<T, Infallible>: IntoOutcome<Form>,
{
    pub const CONVERT: Option<fn(Result<T, E>) -> TaskOutcome> = Some(|result| match result {
        Ok(value) => Ok::<T, Infallible>(value).into_outcome(),
        Err(error) => Exception::of_dynamic(error).into(),
    });
}

/// [`Dynamic::CONVERT`] of everything else.
pub trait FallbackDynamic<R> {
    const CONVERT: Option<fn(R) -> TaskOutcome> = None;
}
impl<R, Form> FallbackDynamic<R> for Dynamic<R, Form> {}

/// Whether this is a result whose error type is an error itself, and to be kept as it is.
pub struct HasError<R>(PhantomData<R>);
impl<T, E: StdError> HasError<Result<T, E>> {
    pub const IS: bool = true;
}

/// The way to convert what an event returns, made of the answers to these three questions.
pub const fn conversion<R>(
    has_error: bool,
    dynamic: Option<fn(R) -> TaskOutcome>,
    other: fn(R) -> TaskOutcome,
) -> fn(R) -> TaskOutcome {
    match dynamic {
        Some(convert) if !has_error => convert,
        _ => other,
    }
}

/// The branches that an event's value names, where it is an enum that derives `Descriptor`.
pub struct Typed<R, Form>(PhantomData<(R, Form)>);
impl<R: IntoOutcome<Form, Output: Descriptors>, Form> Typed<R, Form> {
    pub const DESCRIPTORS: Option<&'static [DescriptorName]> =
        Some(<R::Output as Descriptors>::ALL);
    pub const GOTO: Option<fn(&Value) -> Option<Descriptor>> =
        Some(|value| value.get::<R::Output>().map(Descriptors::descriptor));
}

/// The way to write an event's value as JSON, where there is one.
pub struct Json<R, Form>(PhantomData<(R, Form)>);
impl<R: IntoOutcome<Form, Output: serde::Serialize>, Form> Json<R, Form> {
    pub const JSON: Option<ToJson> = Some(to_json::<R::Output>);
}

/// Whether and how an event's value is sent to another process.
pub struct SerialisableOutput<R, Form>(PhantomData<(R, Form)>);
#[cfg(feature = "wire")]
impl<R, Form> SerialisableOutput<R, Form>
where
    R: IntoOutcome<Form, Output: serde::Serialize + serde::Deserialize<'static>>,
{
    pub const VALUE: Transfer = Serialisable::<R::Output>::VALUE;
}

/// An error type that a flow's policy lists.
pub struct Listed<E>(PhantomData<E>);
impl<E: StdError + 'static> Listed<E> {
    pub const LISTED: Option<ErrorType> = Some(ErrorType::of::<E>());
}

/// Whether executor `E` runs bodies in other processes.
pub struct RunsRemote<E>(PhantomData<E>);
impl<E: Executor> RunsRemote<E> {
    pub const IS: bool = matches!(E::RUNS, BodyKind::Remote);
}

/// Whether `T` is a stream, which is gone once it is read.
pub struct IsStream<T>(PhantomData<T>);
impl<T> IsStream<Items<T>> {
    pub const IS: bool = true;
}

/// Whether event `E` yields one.
pub struct YieldsStream<E>(PhantomData<E>);
impl<E: Event<Output = Items<T>>, T: Send + 'static> YieldsStream<E> {
    pub const IS: bool = true;
}

/// What a struct event's field can be set from.
pub struct FieldKind<T>(PhantomData<T>);
impl<T: FromSetting> FieldKind<T> {
    pub const KIND: SettingKind = T::KIND;
    pub const READ: fn(&OwnValues<'_>, &str) -> Result<Option<T>, String> =
        |values, name| values.get(name);
}

/// [`FieldKind::READ`] of a type that cannot be written in a flow.
pub trait FallbackField<T> {
    const READ: fn(&OwnValues<'_>, &str) -> Result<Option<T>, String> = |values, name| {
        if values.is_set(name) {
            return Err(format!("`{name}` has a type that cannot be written in a flow"));
        }
        Ok(None)
    };
}
impl<T> FallbackField<T> for FieldKind<T> {}

/// A struct event's field that the flow must set.
pub fn needed<T: FromSetting>(values: &OwnValues<'_>, name: &str) -> Result<T, String> {
    values.get(name)?.ok_or_else(|| format!("`{name}` is not set"))
}

/// A field that is taken by value.
#[inline]
pub fn by_value<T: ByValue>(field: &T) -> T {
    field.by_value()
}

/// What an event may take by value.
#[diagnostic::on_unimplemented(
    message = "an event that takes a `{Self}` by value clones it, and it cannot be cloned",
    label = "not `Clone`",
    note = "take `&{Self}` or `Arc<{Self}>`, which share it"
)]
pub trait ByValue: Sized {
    fn by_value(&self) -> Self;
}
#[diagnostic::do_not_recommend]
impl<T: Clone> ByValue for T {
    #[inline]
    fn by_value(&self) -> Self {
        self.clone()
    }
}

/// What `#[derive(Event)]` knows of a struct event: its settings and fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a `process`, but is no event",
    label = "`#[derive(Event)]` is missing on this struct",
    note = "put `#[derive(Event)]` on the struct; its settings go below it, in `#[event(..)]`"
)]
pub trait StructEvent: Sized {
    const NAME: &'static str;
    const OWN_FIELDS: &'static [OwnField];
    const PLACE: &'static str;
    const DOC: &'static str = "";
    /// Whether its own executor runs bodies in other processes.
    const REMOTE: bool;
    /// Whether a durable run records its outcome, where the flow does not say.
    const CHECKPOINT: bool = true;
    fn settings() -> EventSettings;
    /// The event with the fields that a flow sets.
    fn make(values: &OwnValues<'_>) -> Result<Self, String>;
}

/// What `#[event]` makes of the impl block of a struct event: its code. The block also has the
/// implementation of `Event`, since only there are the types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` derives `Event`, but has no `process`",
    label = "what does this event do?",
    note = "write `#[event] impl {Self} {{ fn process(&self) -> Outcome<()> {{ .. }} }}`"
)]
pub trait Process: Sized {
    /// What the derive asks for.
    const IS: bool = true;
    const CAN_BYPASS: bool;
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome;
    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a>
    where
        Self: Sync,
    {
        at_once(move || self.call(&inputs))
    }
    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception>;
}

/// What its types, its fields and its settings say of a struct event.
pub struct Struct<T>(PhantomData<T>);
impl<T: Process + StructEvent + Event> Struct<T> {
    pub const BASE: Spec = Spec {
        name: <T as StructEvent>::NAME,
        own: T::OWN_FIELDS,
        place: T::PLACE,
        doc: T::DOC,
        can_bypass: T::CAN_BYPASS,
        checkpoint: T::CHECKPOINT,
        settings: Some(T::settings),
        code: Code::Fields(|values| T::make(values).map(Processing::body)),
        ..Spec::of::<T>()
    };
}

/// A struct event as a body.
pub struct Processing<T>(pub T);

impl<T: Process + Send + Sync + 'static> Processing<T> {
    /// The body of an event that is `event`.
    pub fn body(event: T) -> Arc<dyn Body> {
        Arc::new(Self(event))
    }
}

impl<T: Process + Send + Sync + 'static> Body for Processing<T> {
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome {
        self.0.call(inputs)
    }
    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a> {
        self.0.call_async(inputs)
    }
    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception> {
        self.0.bypass(inputs)
    }
}
