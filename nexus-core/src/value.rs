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
pub struct Value(Kept);

/// The types whose values are kept in place: many events yield one of them, and an allocation would
/// cost more than all else that a run does for such an event.
macro_rules! kept_in_place {
    ($($variant:ident: $ty:ty),+) => {
        #[derive(Clone)]
        enum Kept {
            $($variant($ty),)+
            Shared(Arc<dyn Any + Send + Sync>),
        }

        impl Value {
            /// Wraps `value`.
            #[inline]
            pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
                $(if TypeId::of::<T>() == TypeId::of::<$ty>() {
                    return Self(cast(value).map_or_else(Kept::nothing, Kept::$variant));
                })+
                Self(Kept::Shared(Arc::new(value)))
            }

            /// The value, if it is a `T`.
            #[inline]
            pub fn get<T: 'static>(&self) -> Option<&T> {
                match &self.0 {
                    $(Kept::$variant(value) => (value as &dyn Any).downcast_ref(),)+
                    Kept::Shared(value) => value.downcast_ref(),
                }
            }

            /// The value as a shared pointer, if it is a `T`; never clones it, but for a number or
            /// the like.
            pub fn arc<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
                match &self.0 {
                    $(Kept::$variant(value) => cast(*value).map(Arc::new),)+
                    Kept::Shared(value) => Arc::clone(value).downcast().ok(),
                }
            }

            /// Takes the value out, if it is a `T` that nobody else holds.
            #[inline]
            pub(crate) fn into_inner<T: Send + Sync + 'static>(self) -> Option<T> {
                match self.0 {
                    $(Kept::$variant(value) => cast(value),)+
                    Kept::Shared(value) => Arc::into_inner(value.downcast().ok()?),
                }
            }
        }
    };
}

kept_in_place! {
    Unit: (), Bool: bool, Char: char, Text: &'static str, F32: f32, F64: f64,
    U8: u8, U16: u16, U32: u32, U64: u64, Usize: usize,
    I8: i8, I16: i16, I32: i32, I64: i64, Isize: isize
}

// A run has one of them for each step.
const _: () = assert!(size_of::<Option<Value>>() == 24);

impl Kept {
    fn nothing() -> Self {
        Self::Unit(())
    }
}

/// The same value, if both types are one.
#[inline]
fn cast<T: 'static, U: 'static>(value: T) -> Option<U> {
    (&mut Some(value) as &mut dyn Any).downcast_mut::<Option<U>>()?.take()
}

impl Value {
    /// Whether both are shares of one value.
    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kept::Shared(value), Kept::Shared(other)) => Arc::ptr_eq(value, other),
            _ => false,
        }
    }

    /// Shares a value that is behind an `Arc` already, without a copy.
    pub fn from_arc<T: Send + Sync + 'static>(value: Arc<T>) -> Self {
        Self(Kept::Shared(value))
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

    /// Whether both are the same generic type, of whatever arguments.
    #[cfg(feature = "durable")]
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.name)().split('<').next() == (other.name)().split('<').next()
    }

    /// The type's name with the paths of modules.
    pub(crate) fn path(&self) -> &'static str {
        (self.name)()
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
    fn nothing_is_a_value_like_others() {
        let unit = Value::new(());
        assert_eq!((unit.get(), unit.get::<u8>()), (Some(&()), None));
        assert!(unit.arc::<()>().is_some() && unit.arc::<u8>().is_none());
        assert_eq!(unit.clone().into_inner::<u8>(), None);
        assert_eq!(unit.into_inner(), Some(()));
        assert_eq!(Value::from_arc(Arc::new(())).get(), Some(&()));
        assert_eq!(Value::from_arc(Arc::new(7_u8)).into_inner(), Some(7_u8));
    }

    #[test]
    fn what_is_kept_in_place_is_a_value_like_others() {
        fn holds<T: Copy + PartialEq + fmt::Debug + Send + Sync + 'static>(inner: T) {
            for value in [Value::new(inner), Value::from_arc(Arc::new(inner))] {
                assert_eq!((value.get(), value.get::<Vec<T>>()), (Some(&inner), None));
                assert_eq!(value.arc().as_deref(), Some(&inner));
                assert!(value.arc::<Vec<T>>().is_none());
                assert_eq!(value.clone().into_inner::<Vec<T>>(), None);
                assert_eq!(value.into_inner(), Some(inner));
            }
        }
        holds(true);
        holds('n');
        holds("text");
        holds((1_u8, 2_u16));
        holds(1_u8);
        holds(1_u16);
        holds(1_u32);
        holds(1_u64);
        holds(1_usize);
        holds(1_i8);
        holds(1_i16);
        holds(1_i32);
        holds(1_i64);
        holds(1_isize);
        holds(0.5_f32);
        holds(0.5_f64);
        assert_eq!(Value::new(1_u64).get::<i64>(), None);
    }

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
