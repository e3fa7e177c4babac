//! What [`Batch::over`](super::Batch::over) takes: an iterator over items of the field's type.
//!
//! `IntoIterator<Item = T>` would be the same, but the compiler's words for one that yields another type
//! are of associated types. These have the message for a user, and let the compiler find the items'
//! type where an iterator leaves it open, as in `lines.map(|line| line.parse().unwrap())`.

/// An iterator over `Given`, which is `T`.
#[diagnostic::on_unimplemented(
    message = "the items are of type `{Given}`, but the field that is filled in batches holds `{T}`",
    label = "items of type `{Given}`, not `{T}`"
)]
#[doc(hidden)]
pub trait ItemsOf<T, Given>: IntoIterator {
    fn item(given: Given) -> T;
}

#[diagnostic::do_not_recommend]
impl<T: Is<Given>, Given, I: IntoIterator<Item = Given>> ItemsOf<T, Given> for I {
    fn item(given: Given) -> T {
        T::is(given)
    }
}

/// The same type. It is asked of the field's type, which is always known.
#[doc(hidden)]
pub trait Is<Given> {
    fn is(given: Given) -> Self;
}

impl<T> Is<T> for T {
    fn is(given: T) -> T {
        given
    }
}
