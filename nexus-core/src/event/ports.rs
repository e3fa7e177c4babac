//! How an event meets the arrows around it.

use std::marker::PhantomData;

use crate::piped::Upstream;
use crate::shape::{ByRef, Fanned, Shape};
use crate::value::{TypeInfo, Value};

/// Collects an `each` step's values into a `Vec` of the event's output, moving them.
pub(crate) trait Collect: Send {
    /// So many values are to be expected.
    fn reserve(&mut self, values: usize);
    fn push(&mut self, value: Value);
    fn finish(&mut self) -> Value;
    /// Some of the values are there already. `false` if others have them too.
    fn go_on_after(&mut self, before: Value) -> bool;
    /// The values in this order: for each, whether it was there before.
    fn finish_with_before(&mut self, order: &mut dyn Iterator<Item = bool>) -> Value;
}

/// The values, and those that were there before.
struct Collected<T>(Vec<T>, Vec<T>);

impl<T: Send + Sync + 'static> Collect for Collected<T> {
    fn reserve(&mut self, values: usize) {
        self.0.reserve_exact(values);
    }
    fn push(&mut self, value: Value) {
        // The run is the only holder of a task's fresh value.
        self.0.extend(value.into_inner::<T>());
    }
    fn finish(&mut self) -> Value {
        Value::new(std::mem::take(&mut self.0))
    }
    fn go_on_after(&mut self, before: Value) -> bool {
        let before = before.into_inner::<Vec<T>>();
        let is_own = before.is_some();
        self.1 = before.unwrap_or_default();
        is_own
    }
    fn finish_with_before(&mut self, order: &mut dyn Iterator<Item = bool>) -> Value {
        let mut now = std::mem::take(&mut self.0).into_iter();
        let mut before = std::mem::take(&mut self.1).into_iter();
        let next = |was_before| if was_before { before.next() } else { now.next() };
        Value::new(order.filter_map(next).collect::<Vec<T>>())
    }
}

/// How an event meets the arrows around it.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) takes: Option<TypeInfo>,
    /// What it takes at an `each` step.
    pub(crate) items: Option<TypeInfo>,
    pub(crate) accepts: fn(&Upstream) -> bool,
    pub(crate) accepts_items_of: fn(&Upstream) -> bool,
    pub(crate) fan: fn(&Value) -> Option<Fanned>,
    pub(crate) list: TypeInfo,
    collect: fn() -> Box<dyn Collect>,
}

impl Ports {
    /// For an event with output `T` that takes what is piped as `S` does.
    pub(crate) const fn of<T: Send + Sync + 'static, S: Shape>() -> Self {
        let takes = if S::TAKES { Some(TypeInfo::of::<S::Takes>()) } else { None };
        Self {
            takes,
            items: takes,
            accepts: S::accepts,
            accepts_items_of: S::accepts_items_of,
            fan: S::fan,
            list: TypeInfo::of::<Vec<T>>(),
            collect: || Box::new(Collected::<T>(Vec::new(), Vec::new())),
        }
    }

    /// The same, which all such events share.
    pub(super) const fn shared<T: Send + Sync + 'static, S: Shape>() -> &'static Self {
        PortsOf::<T, S>::PORTS
    }

    /// Says that the items of an `each` step are of type `T`.
    pub(crate) fn take_items<T: Send + Sync + 'static>(&mut self) {
        self.items = Some(TypeInfo::of::<T>());
        self.accepts_items_of = ByRef::<T>::accepts_items_of;
        self.fan = ByRef::<T>::fan;
    }

    pub(crate) fn collector(&self) -> Box<dyn Collect> {
        (self.collect)()
    }
}

struct PortsOf<T, S>(PhantomData<(T, S)>);

impl<T: Send + Sync + 'static, S: Shape> PortsOf<T, S> {
    const PORTS: &'static Ports = &Ports::of::<T, S>();
}
