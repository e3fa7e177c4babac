//! A pipeline's input fields.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::value::{TypeInfo, Value};
use crate::wire::{Serialisable, Transfer};

/// A pipeline's input fields: names, types and defaults, in order.
///
/// ```
/// use nexus_core::{Context, Engine, Fields, Flow, Inputs, Outcome, Registry};
/// let mut registry = Registry::new();
/// registry.event("show", |ctx: &Context| {
///     let city = ctx.field::<String>("city").map_or("", |city| &**city);
///     Outcome::success(format!("{city}, {:?} days", ctx.field::<u32>("days")))
/// });
/// let fields = Fields::new().with::<String>("city").with_default("days", || 7_u32);
/// let plan = Flow::parse("show")?.plan(&registry, &fields)?;
/// let inputs = Inputs::new().with("city", String::from("Porto"));
/// let report = Engine::new().run_plan(&plan, inputs)?;
/// assert_eq!(report.output::<String>()?, "Porto, Some(7) days");
/// # Ok::<(), nexus_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub(crate) Vec<Field>);

/// Makes a field's default.
type MakeDefault = Arc<dyn Fn() -> Value + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) name: Arc<str>,
    pub(crate) ty: TypeInfo,
    pub(crate) default: Option<MakeDefault>,
    /// How its value is written down and read.
    #[cfg_attr(not(feature = "durable"), expect(dead_code, reason = "nothing is written down"))]
    pub(crate) transfer: Transfer,
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of type `T`, which every run is given.
    #[must_use]
    pub fn with<T: 'static>(self, name: &str) -> Self {
        self.add(name, TypeInfo::of::<T>(), None, Transfer::No)
    }

    /// Adds a field of type `T` that need not be given: a run without it has what `default` makes.
    #[must_use]
    pub fn with_default<T: Send + Sync + 'static>(
        self,
        name: &str,
        default: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.add(name, TypeInfo::of::<T>(), Some(made(default)), Transfer::No)
    }

    /// Adds a field of type `T`, which every run is given, and which can be written down and read
    /// again: a durable run needs that of all its fields.
    ///
    /// ```
    /// use nexus_core::Fields;
    /// let fields = Fields::new().with_serde::<String>("city").with_serde_default("days", || 7_u32);
    /// assert!(fields.has_default("days"));
    /// ```
    #[must_use]
    pub fn with_serde<T>(self, name: &str) -> Self
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.add(name, TypeInfo::of::<T>(), None, Serialisable::<T>::VALUE)
    }

    /// Adds a field as [`with_serde`](Self::with_serde) does that need not be given: a run without
    /// it has what `default` makes.
    #[must_use]
    pub fn with_serde_default<T>(
        self,
        name: &str,
        default: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.add(name, TypeInfo::of::<T>(), Some(made(default)), Serialisable::<T>::VALUE)
    }

    /// The same for generated code, which knows how the field is transferred.
    #[doc(hidden)]
    #[must_use]
    pub fn with_field<T: 'static>(self, name: &str, transfer: Transfer) -> Self {
        self.add(name, TypeInfo::of::<T>(), None, transfer)
    }

    /// The same with a default, where `make` makes a `T`.
    #[doc(hidden)]
    #[must_use]
    pub fn with_made<T: 'static>(
        self,
        name: &str,
        transfer: Transfer,
        make: fn() -> Value,
    ) -> Self {
        self.add(name, TypeInfo::of::<T>(), Some(Arc::new(make)), transfer)
    }

    fn add(
        mut self,
        name: &str,
        ty: TypeInfo,
        default: Option<MakeDefault>,
        transfer: Transfer,
    ) -> Self {
        self.0.push(Field { name: Arc::from(name), ty, default, transfer });
        self
    }

    /// The fields' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| &*field.name)
    }

    /// Whether a run can leave out the field `name`.
    pub fn has_default(&self, name: &str) -> bool {
        self.0.iter().any(|field| *field.name == *name && field.default.is_some())
    }
}

fn made<T: Send + Sync + 'static>(default: impl Fn() -> T + Send + Sync + 'static) -> MakeDefault {
    Arc::new(move || Value::new(default()))
}

#[cfg(feature = "durable")]
impl Fields {
    /// What to say of a field that is none of these.
    pub(super) fn unknown(&self, name: &str) -> String {
        let near = nexus_pointy::suggest::nearest(name, self.names());
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("there is no field `{name}`{hint}")
    }
}

#[cfg(feature = "durable")]
impl Field {
    /// What to say if its values cannot be written down.
    pub(crate) fn unwritable(&self) -> String {
        let Self { name, ty, transfer, .. } = self;
        let cure = transfer.cure();
        format!(
            "the field `{name}: {ty:?}` cannot be written down; {cure} (and add it with `Fields::with_serde` where that is done at run time)"
        )
    }
}

/// Two defaults cannot be compared; that there is one can.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        let key = |field: &Self| (Arc::clone(&field.name), field.ty, field.default.is_some());
        key(self) == key(other)
    }
}

impl Eq for Field {}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.default.is_some() { " = .." } else { "" };
        write!(f, "{}: {:?}{default}", self.name, self.ty)
    }
}
