//! Type-erased values: what events yield and what a run keeps.

use std::any::{Any, TypeId, type_name};
use std::borrow::Borrow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A shared, immutable value of any type: a pipeline's input, or what an event yielded.
///
/// ```
/// use nexus_core::Value;
/// let value = Value::new(7_u32);
/// assert_eq!(value.get::<u32>(), Some(&7));
/// assert_eq!(value.get::<u64>(), None);
/// ```
#[derive(Clone)]
pub struct Value(Arc<dyn Any + Send + Sync>);

impl Value {
    /// Wraps `value`.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// Shares a value that is behind an `Arc` already, without a copy.
    pub fn from_arc<T: Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self(value)
    }

    /// The value, if it is a `T`.
    #[inline]
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// The value as a shared pointer, if it is a `T`; never clones it.
    pub fn arc<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).downcast().ok()
    }

    /// Takes the value out, if it is a `T` that nobody else holds.
    pub(crate) fn into_inner<T: Send + Sync + 'static>(self) -> Option<T> {
        Arc::into_inner(self.0.downcast().ok()?)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(..)")
    }
}

/// What a parameter `&Self` borrows from. That of a sized type is the type itself; values of the
/// others are always owned by another type.
#[doc(hidden)]
pub trait Borrowed {
    type Owned: Borrow<Self>;
}

impl<T> Borrowed for T {
    type Owned = T;
}
impl Borrowed for str {
    type Owned = String;
}
impl<T> Borrowed for [T] {
    type Owned = Vec<T>;
}
impl Borrowed for Path {
    type Owned = PathBuf;
}
impl Borrowed for OsStr {
    type Owned = OsString;
}
impl Borrowed for CStr {
    type Owned = CString;
}

/// A type's identity and its name for people.
#[derive(Clone, Copy)]
pub struct TypeInfo {
    id: TypeId,
    name: fn() -> &'static str,
}

impl TypeInfo {
    /// The type `T`.
    pub const fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T> }
    }

    /// The type's name without the paths of modules: `Vec<Order>`.
    ///
    /// ```
    /// use nexus_core::TypeInfo;
    /// assert_eq!(TypeInfo::of::<Option<String>>().name(), "Option<String>");
    /// ```
    pub fn name(&self) -> String {
        short_type_name((self.name)())
    }

    /// Whether both are the same type.
    #[inline]
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id
    }

    pub(crate) fn id(&self) -> TypeId {
        self.id
    }
}

impl PartialEq for TypeInfo {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

impl Eq for TypeInfo {}

impl fmt::Debug for TypeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// `alloc::vec::Vec<my::Order>` becomes `Vec<Order>`.
pub(crate) fn short_type_name(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut word = 0;
    for c in full.chars() {
        if c == ':' {
            short.truncate(word);
            continue;
        }
        short.push(c);
        if !(c.is_alphanumeric() || c == '_') {
            word = short.len();
        }
    }
    short
}

/// Writes a value as JSON; `None` where its type is not serialisable.
#[doc(hidden)]
pub type ToJson = fn(&Value) -> Option<serde_json::Result<serde_json::Value>>;

/// The type an event yields, with the way to write it as JSON where there is one.
#[derive(Clone, Copy)]
pub struct OutputInfo {
    pub(crate) ty: TypeInfo,
    pub(crate) json: Option<ToJson>,
}

impl OutputInfo {
    /// A type that reports show by its name only.
    pub const fn opaque<T: 'static>() -> Self {
        Self { ty: TypeInfo::of::<T>(), json: None }
    }

    /// A type that reports show as JSON.
    pub const fn json<T: serde::Serialize + 'static>() -> Self {
        Self { ty: TypeInfo::of::<T>(), json: Some(to_json::<T>) }
    }
}

/// Writes a `T` as JSON, or the `Vec<T>` that an `each` step yields.
pub(crate) fn to_json<T: serde::Serialize + 'static>(
    value: &Value,
) -> Option<serde_json::Result<serde_json::Value>> {
    let one = value.get::<T>().map(serde_json::to_value);
    one.or_else(|| value.get::<Vec<T>>().map(serde_json::to_value))
}

impl fmt::Debug for OutputInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ty.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_name_loses_its_paths_and_keeps_its_shape() {
        for (full, short) in [
            ("alloc::vec::Vec<my::Order>", "Vec<Order>"),
            ("(u8, core::option::Option<a::b::C>)", "(u8, Option<C>)"),
            ("&str", "&str"),
        ] {
            assert_eq!(short_type_name(full), short);
        }
    }
}
