//! The input of a plan, given by name.

use crate::error::{Error, Result};
use crate::panic;
use crate::plan::{Field, Plan};
use crate::value::{TypeInfo, Value};

/// The input of a plan: values by field name.
///
/// ```
/// use nexus_core::Inputs;
/// let inputs = Inputs::new().with("city", String::from("Porto")).with("days", 7_u32);
/// # let _ = inputs;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "inputs do nothing until a plan is run with them"]
pub struct Inputs(Vec<(String, Value, TypeInfo)>);

impl Inputs {
    /// No inputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of field `name`.
    pub fn with<T: Send + Sync + 'static>(mut self, name: impl Into<String>, value: T) -> Self {
        self.0.push((name.into(), Value::new(value), TypeInfo::of::<T>()));
        self
    }

    /// The values in the order of the plan's fields; the defaults of those that are not given.
    #[inline]
    pub(crate) fn arrange(self, plan: &Plan) -> Result<Vec<Value>> {
        let fields = &plan.fields.0;
        if self.0.is_empty() && fields.is_empty() {
            return Ok(Vec::new());
        }
        self.arrange_some(plan)
    }

    fn arrange_some(self, plan: &Plan) -> Result<Vec<Value>> {
        let fields = &plan.fields.0;
        let fits = |(field, (name, _, has)): (&Field, &(String, Value, TypeInfo))| {
            **name == *field.name && *has == field.ty
        };
        // Nearly everybody gives all of them in order; then there is nothing to search for.
        if self.0.len() == fields.len() && fields.iter().zip(&self.0).all(fits) {
            return Ok(self.0.into_iter().map(|(_, value, _)| value).collect());
        }
        let mut mistakes = Vec::new();
        let mut values = Vec::with_capacity(fields.len());
        for Field { name, ty, default, .. } in fields {
            let mut given = self.0.iter().filter(|(given, _, _)| **given == **name);
            match (given.next(), given.next(), default) {
                (None, _, None) => {
                    mistakes.push(format!("the input `{name}: {ty:?}` is missing"));
                }
                // A default is the user's code.
                (None, _, Some(default)) => match panic::contain(|| default()) {
                    Ok(value) => values.push(value),
                    Err(error) => mistakes.push(format!("the default of `{name}`: {error}")),
                },
                (Some(_), Some(_), _) => {
                    mistakes.push(format!("the input `{name}` is given twice"));
                }
                (Some((_, value, has)), None, _) if has == ty => values.push(value.clone()),
                (Some((_, _, has)), None, _) => {
                    mistakes.push(format!(
                        "the input `{name}` takes a `{ty:?}`, and was given a `{has:?}`"
                    ));
                }
            }
        }
        for (name, _, _) in &self.0 {
            if !plan.fields.names().any(|field| field == name) {
                let near = nexus_pointy::suggest::nearest(name, plan.fields.names());
                let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                mistakes.push(format!("there is no input `{name}`{hint}"));
            }
        }
        if mistakes.is_empty() { Ok(values) } else { Err(Error::Input(mistakes.join("; "))) }
    }
}

/// The inputs of a plan as values that are of its fields' types, in their order.
#[cfg(all(feature = "durable", feature = "json-input"))]
pub fn inputs_of_values(plan: &Plan, values: Vec<Value>) -> Inputs {
    let named = |(field, value): (&Field, Value)| (field.name.to_string(), value, field.ty);
    Inputs(plan.fields.0.iter().zip(values).map(named).collect())
}
