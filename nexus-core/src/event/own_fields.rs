//! A struct event's own fields, which a flow may set: `Transform[factor = 2.0]`.

#![expect(clippy::missing_errors_doc, reason = "hidden: only generated code calls it")]

use std::sync::Arc;

use nexus_pointy::LiteralKind as Literal;

use super::Body;

/// Makes a struct event from the fields that a flow sets.
pub(crate) type BuildBody = fn(&OwnValues<'_>) -> Result<Arc<dyn Body>, String>;

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

/// A type that a flow's literals can be turned into, for a struct event's own fields.
#[doc(hidden)]
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
