//! What comes along `|->` (R5): its values while a run goes on, its types while a flow is planned.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::outcome::Failure;
use crate::value::{TypeInfo, Value};

/// A stream of items for an `each` step, pulled one by one as the step has room for them.
///
/// ```
/// use nexus_core::Items;
/// let numbers: Items<u64> = Items::new(0..1_000_000_000);
/// # let _ = numbers;
/// ```
pub struct Items<T>(Mutex<Option<Box<dyn Iterator<Item = T> + Send>>>);

impl<T> Items<T> {
    /// Items from an iterator, which may be endless; it is advanced only as items are needed.
    pub fn new<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        Self(Mutex::new(Some(Box::new(items.into_iter()))))
    }

    pub(crate) fn take(&self) -> Option<Box<dyn Iterator<Item = T> + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items(..)")
    }
}

/// What an `each` step made of its items.
#[derive(Debug, Clone)]
pub(crate) struct EachResult {
    /// The values of the successes in order: a `Vec` of the event's output.
    pub(crate) values: Value,
    /// The items that did not succeed.
    pub(crate) failures: Vec<(u64, Failure)>,
    /// The items that were bypassed without a value, and how many were bypassed at all.
    pub(crate) bypassed: Vec<(u64, Failure)>,
    pub(crate) bypassed_total: u64,
    /// The items that had begun, and were withdrawn before they had ended.
    pub(crate) unfinished: Vec<u64>,
    /// How many items have ended.
    pub(crate) total: u64,
    /// What the step's evaluation state makes of them; the failure where it says no.
    pub(crate) verdict: Option<Failure>,
}

/// What came along the arrow, borrowed from the run.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub enum Piped<'a> {
    Nothing,
    Value(&'a Value),
    Failure(Cow<'a, Failure>),
    /// The failure itself is what is handed on, as along `0 |->`.
    Reason(Cow<'a, Failure>),
    Each(EachRef<'a>),
    Item(&'a Value, usize),
    Group(Vec<Piped<'a>>),
    /// A group whose members are steps that succeeded.
    Members(Members<'a>),
}

impl Piped<'_> {
    /// Drops it. Most kinds own nothing, and saying so saves a call.
    #[inline]
    pub(crate) fn release(self) {
        match self {
            Self::Nothing | Self::Value(_) | Self::Item(..) | Self::Members(_) => {
                std::mem::forget(self);
            }
            owner => drop(owner),
        }
    }
}

/// Where the values of steps are.
pub(crate) trait StepValues: Sync {
    /// The value of a step, if it succeeded.
    fn value_of(&self, step: u32) -> Option<&Value>;
}

/// The members of a group, which are read where they are.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Members<'a> {
    values: &'a dyn StepValues,
    steps: &'a [u32],
}

impl<'a> Members<'a> {
    /// The members of a group that are `steps`, if all of them have values.
    #[inline]
    pub(crate) fn of(values: &'a dyn StepValues, steps: &'a [u32]) -> Option<Self> {
        let members = Self { values, steps };
        steps.iter().all(|step| values.value_of(*step).is_some()).then_some(members)
    }

    #[inline]
    pub(crate) fn get(self, index: usize) -> Option<&'a Value> {
        self.values.value_of(*self.steps.get(index)?)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Value> {
        self.steps.iter().filter_map(move |step| self.values.value_of(*step))
    }
}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Hides the fields of [`EachResult`] from the public enum above.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct EachRef<'a>(pub(crate) &'a EachResult);

/// The same, owned, for a task that leaves the driving thread.
#[derive(Debug, Clone)]
pub(crate) enum OwnedPiped {
    Nothing,
    Value(Value),
    Failure(Failure),
    Reason(Failure),
    Each(Arc<EachResult>),
    Item(Value, usize),
    Group(Arc<[OwnedPiped]>),
}

impl OwnedPiped {
    pub(crate) fn borrow(&self) -> Piped<'_> {
        match self {
            Self::Nothing => Piped::Nothing,
            Self::Value(value) => Piped::Value(value),
            Self::Failure(failure) => Piped::Failure(Cow::Borrowed(failure)),
            Self::Reason(failure) => Piped::Reason(Cow::Borrowed(failure)),
            Self::Each(each) => Piped::Each(EachRef(each)),
            Self::Item(list, index) => Piped::Item(list, *index),
            Self::Group(members) => Piped::Group(members.iter().map(Self::borrow).collect()),
        }
    }

    /// The outcomes one by one, a group's members in script order. An item of a list is no value of
    /// its own: it is the list, and which item.
    pub(crate) fn flatten(&self, into: &mut Vec<(Result<Value, Failure>, Option<usize>)>) {
        let outcome = match self {
            Self::Nothing => return,
            Self::Group(members) => {
                return members.iter().for_each(|member| member.flatten(into));
            }
            Self::Item(list, index) => return into.push((Ok(list.clone()), Some(*index))),
            Self::Value(value) => Ok(value.clone()),
            Self::Failure(failure) | Self::Reason(failure) => Err(failure.clone()),
            Self::Each(each) => match &each.verdict {
                None => Ok(each.values.clone()),
                Some(failure) => Err(failure.clone()),
            },
        };
        into.push((outcome, None));
    }
}

/// The types that may come along an arrow, as the planner knows them.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub enum Upstream {
    One(TypeInfo),
    /// An `each` step: a list of `item`.
    Each {
        list: TypeInfo,
        item: TypeInfo,
    },
    Reason,
    Group(Vec<Upstream>),
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(ty) => write!(f, "{ty:?}"),
            Self::Each { list, .. } => write!(f, "{list:?}"),
            Self::Reason => f.write_str("Failure"),
            Self::Group(members) => {
                f.write_str("(")?;
                for (index, member) in members.iter().take(8).enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{member}")?;
                }
                f.write_str(if members.len() > 8 { ", ..)" } else { ")" })
            }
        }
    }
}
