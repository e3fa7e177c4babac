//! Questions about concrete types: the inherent constant answers where its bounds hold, the
//! trait's everywhere else.

#![expect(clippy::missing_errors_doc, reason = "hidden: only generated code calls it")]

use std::error::Error as StdError;
use std::marker::PhantomData;
use std::sync::Arc;

use super::accepts::{Accepts, AcceptsItemsOf, Arity, ByMember, Place};
use crate::context::{Context, State};
use crate::event::{
    Body, BodyFuture, BuildBody, Descriptors, Event, FromSetting, Inputs, IntoOutcome, Options,
    OwnField, OwnValues, SettingKind, Spec, TypedGoto, at_once,
};
use crate::outcome::{Bypass, Exception, TaskOutcome};
use crate::piped::Items;
use crate::retry::ErrorType;
use crate::settings::EventSettings;
use crate::shape::Nothing;
use crate::value::{ToJson, Value, to_json};
use crate::wire::{StateBuilder, StateFactory, Transfer};

/// The answers to what no inherent constant answers.
pub trait Fallback {
    const IS: bool = false;
    const SPEC: &'static Spec = &Spec::NO_EVENT;
    const ARITY: usize = <Nothing as Arity>::ANY;
    const GOTO: Option<TypedGoto> = None;
    const JSON: Option<ToJson> = None;
    const KIND: SettingKind = SettingKind::Opaque;
    const LISTED: Option<ErrorType> = None;
    const VALUE: Transfer = Transfer::No;
    const PIPED: Transfer = Transfer::No;
    const FACTORY: Transfer = Transfer::NoFactory;
    const PARTS: StructParts = StructParts::NONE;
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

/// The name of a parameter or field, as a type.
pub struct Name<const HASH: u64>;

/// The parameter called `N` is a field of type `T`. (Were it an associated type, a public event could
/// not take a private one.)
pub trait HasParameter<N, T> {}

/// Whether the event's parameter of that name, if it has one, is a `T`.
pub struct Binds<T, E, N>(PhantomData<(T, E, N)>);
impl<T, E: HasParameter<N, T>, N> Binds<T, E, N> {
    pub const IS: bool = true;
}

/// Whether this is a [`State`], and how another process builds what it shares.
pub struct StateOf<T>(PhantomData<T>);
impl<T> StateOf<State<T>> {
    pub const IS: bool = true;
}
impl<T: StateFactory> StateOf<State<T>> {
    pub const FACTORY: Transfer = Transfer::State(StateBuilder::of::<T>());
}

/// Whether this is the context.
pub struct ContextOf<T: ?Sized>(PhantomData<T>);
impl ContextOf<Context> {
    pub const IS: bool = true;
}

/// Whether an event may take this by value.
pub struct Cloned<T>(PhantomData<T>);
impl<T: Clone> Cloned<T> {
    pub const IS: bool = true;
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

/// Whether an event that yields `T` may return `R`.
pub struct Returns<R, Form, T>(PhantomData<(R, Form, T)>);
impl<R: IntoOutcome<Form, Output = T>, Form, T> Returns<R, Form, T> {
    pub const IS: bool = true;
}

/// Whether this is a result whose error type is dynamic: `anyhow::Error`, `eyre::Report`, a box.
pub struct IsDynamic<R>(PhantomData<R>);
impl<T, E: AsRef<dyn StdError + Send + Sync> + Send + Sync + 'static> IsDynamic<Result<T, E>> {
    pub const IS: bool = true;
}

/// Whether this is a result whose error type is an error itself, and to be kept as it is.
pub struct HasError<R>(PhantomData<R>);
impl<T, E: StdError> HasError<Result<T, E>> {
    pub const IS: bool = true;
}

/// The branches that an event's value names, where it is an enum that derives `Descriptor`.
pub struct Typed<T>(PhantomData<T>);
impl<T: Descriptors> Typed<T> {
    pub const GOTO: Option<TypedGoto> = Some(TypedGoto {
        names: T::ALL,
        branch: |value| value.get::<T>().map(Descriptors::descriptor),
    });
}

/// The way to write an event's value as JSON, where there is one.
pub struct Json<T>(PhantomData<T>);
impl<T: serde::Serialize + 'static> Json<T> {
    pub const JSON: Option<ToJson> = Some(to_json::<T>);
}

/// An error type by which a policy decides.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error type",
    label = "not a `std::error::Error`",
    note = "`retry_on_exceptions` lists the types of the errors after which an event is tried again, such as `std::io::Error`"
)]
pub trait RetriedError {
    const TYPE: ErrorType;
}
#[diagnostic::do_not_recommend]
impl<E: StdError + 'static> RetriedError for E {
    const TYPE: ErrorType = ErrorType::of::<E>();
}

/// An error type that a flow's policy lists.
pub struct Listed<E>(PhantomData<E>);
impl<E: StdError + 'static> Listed<E> {
    pub const LISTED: Option<ErrorType> = Some(ErrorType::of::<E>());
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
pub fn needed<T>(given: Option<T>, name: &str) -> Result<T, String> {
    given.ok_or_else(|| format!("`{name}` is not set"))
}

/// What `#[derive(Event)]` knows of a struct event: its settings and fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a `process`, but is no event",
    label = "`#[derive(Event)]` is missing on this struct",
    note = "put `#[derive(Event)]` on the struct; its settings go beside it, in `#[event(..)]`"
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
    message = "`{Self}` is an event, but has no `process`",
    label = "what does this event do?",
    note = "write `#[event] impl {Self} {{ fn process(&self) -> Outcome<()> {{ .. }} }}`"
)]
pub trait Process: Sized {
    /// What the derive asks for.
    const IS: bool = true;
    const CAN_BYPASS: bool;
    const IS_ASYNC: bool = false;
    fn call(&self, inputs: &Inputs<'_>) -> TaskOutcome;
    fn call_async<'a>(&'a self, inputs: Inputs<'a>) -> BodyFuture<'a>
    where
        Self: Sync,
    {
        at_once(move || self.call(&inputs))
    }
    fn bypass(&self, inputs: &Inputs<'_>) -> Result<Bypass<Value>, Exception>;
}

/// What its fields and its settings say of a struct event.
pub struct StructParts {
    pub name: &'static str,
    pub doc: &'static str,
    pub place: &'static str,
    pub options: &'static Options,
    pub build: BuildBody,
}

impl StructParts {
    /// Those of what derives nothing.
    const NONE: Self = Self {
        name: "",
        doc: "",
        place: "",
        options: &Options::NONE,
        build: |_| Err("it is no event".to_owned()),
    };
}

/// Asks for them.
pub struct Struct<T>(PhantomData<T>);
impl<T: Process + StructEvent + Event> Struct<T> {
    const OPTIONS: &'static Options = &Options {
        own: T::OWN_FIELDS,
        is_async: T::IS_ASYNC,
        can_bypass: T::CAN_BYPASS,
        checkpoint: T::CHECKPOINT,
        settings: Some(T::settings),
        ..Options::NONE
    };
    pub const PARTS: StructParts = StructParts {
        name: <T as StructEvent>::NAME,
        doc: T::DOC,
        place: T::PLACE,
        options: Self::OPTIONS,
        build: |values| T::make(values).map(Processing::body),
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
