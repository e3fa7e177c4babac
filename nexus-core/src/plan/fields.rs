//! A pipeline's input fields.

use std::fmt;
use std::sync::Arc;

use crate::value::{TypeInfo, Value};

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
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of type `T`, which every run is given.
    #[must_use]
    pub fn with<T: 'static>(self, name: &str) -> Self {
        self.add(name, TypeInfo::of::<T>(), None)
    }

    /// Adds a field of type `T` that need not be given: a run without it has what `default` makes.
    #[must_use]
    pub fn with_default<T: Send + Sync + 'static>(
        self,
        name: &str,
        default: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.add(name, TypeInfo::of::<T>(), Some(Arc::new(move || Value::new(default()))))
    }

    /// The same for generated code, where `make` makes a `T`.
    #[doc(hidden)]
    #[must_use]
    pub fn with_made<T: 'static>(self, name: &str, make: fn() -> Value) -> Self {
        self.add(name, TypeInfo::of::<T>(), Some(Arc::new(make)))
    }

    fn add(mut self, name: &str, ty: TypeInfo, default: Option<MakeDefault>) -> Self {
        self.0.push(Field { name: Arc::from(name), ty, default });
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
