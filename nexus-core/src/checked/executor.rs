//! What generated code asks of the type that stands where an executor is wanted.
//!
//! It names the type in an expression, `ThreadPoolExecutor::asked_of()`. The compiler then says of an
//! unknown name which name is near, and how to write it; of one in the place of a type it would show
//! as well where that one is defined, in five lines of nexus's own code.

use std::marker::PhantomData;

use crate::executor::{BodyKind, DefaultExecutor, Executor, ExecutorKind};

/// Any type can be asked.
pub trait AskedOf {
    fn asked_of() -> Question<Self> {
        Question(PhantomData)
    }
}
impl<T: ?Sized> AskedOf for T {}

/// Whether this is an executor: the inherent method answers where its bound holds, the trait's
/// everywhere else.
pub struct Question<T: ?Sized>(PhantomData<T>);
impl<E: Executor> Question<E> {
    pub fn answer(self) -> Yes<E> {
        Yes(PhantomData)
    }
}
pub trait FallbackAnswer: Sized {
    fn answer(self) -> No {
        No
    }
}
impl<T: ?Sized> FallbackAnswer for Question<T> {}

pub struct Yes<E>(PhantomData<E>);
pub struct No;

pub trait Answer {
    const IS: bool;
    const KIND: ExecutorKind;
}
impl<E: Executor> Answer for Yes<E> {
    const IS: bool = true;
    const KIND: ExecutorKind = ExecutorKind::of::<E>();
}
impl Answer for No {
    const IS: bool = false;
    /// What is no executor has its own error.
    const KIND: ExecutorKind = ExecutorKind::of::<DefaultExecutor>();
}

/// What is known of a type that is named as an executor.
#[derive(Clone, Copy)]
pub struct NamedExecutor {
    pub is_one: bool,
    pub kind: ExecutorKind,
}

impl NamedExecutor {
    /// The question is only looked at, never called: it has the answer as its type.
    pub const fn of<A: Answer>(_: &impl Fn() -> A) -> Self {
        Self { is_one: A::IS, kind: A::KIND }
    }

    /// Whether it runs async events, and no others.
    pub const fn runs_async(&self) -> bool {
        matches!(self.kind.runs(), BodyKind::Async)
    }

    /// Whether it runs bodies in other processes.
    pub const fn runs_remote(&self) -> bool {
        matches!(self.kind.runs(), BodyKind::Remote)
    }
}
