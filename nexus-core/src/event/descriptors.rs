//! The enum form of goto: values that name branches.

use crate::outcome::{Descriptor, Goto};

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

/// A typed goto's value as the jump it means.
pub(crate) fn typed_goto(descriptor: Descriptor) -> Goto {
    Goto { descriptor, failed: false, reason: "typed".into() }
}
