use std::fmt;

use crate::span::Span;

/// A flow: steps and the arrows between them.
///
/// A parsed flow has at least one link, and every link at least one unit; where an
/// event is missing, a [`Primary::Hole`] stands in its place.
///
/// Chains and groups are flat lists. Only brackets nest, at most
/// [`MAX_DEPTH`](crate::MAX_DEPTH) deep, so recursion over a flow is safe.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// The links in script order.
    pub links: Vec<Link>,
    /// From the first to the last link.
    pub span: Span,
}

impl Flow {
    /// The innermost unit at a position, where an editor has its cursor: the event, the brackets or
    /// the hole that begins there, ends there or goes on there, with its settings and branches. On
    /// an arrow, on `||` and around the flow there is none, or the unit whose brackets are around.
    ///
    /// ```
    /// let script = "check (0 -> reject, 1 |-> pay[max_attempts = 3])";
    /// let flow = nexus_pointy::parse(script).flow;
    /// let unit_at = |word: &str| {
    ///     let unit = flow.unit_at(script.find(word).unwrap() as u32).unwrap();
    ///     &script[unit.span.start as usize..unit.span.end as usize]
    /// };
    /// assert_eq!(unit_at("reject"), "reject");
    /// assert_eq!(unit_at("3"), "pay[max_attempts = 3]");
    /// assert_eq!(unit_at("1 |->"), script);
    /// assert!(flow.unit_at(99).is_none());
    /// ```
    #[must_use]
    pub fn unit_at(&self, position: u32) -> Option<&Unit> {
        let touches = |span: Span| span.start <= position && position <= span.end;
        let (mut flow, mut found) = (self, None);
        loop {
            // Of two that touch the position, the one that begins there is meant.
            let mut units = flow.links.iter().flat_map(|link| &link.units).rev();
            let Some(unit) = units.find(|unit| touches(unit.span)) else { return found };
            found = Some(unit);
            let inner = match &unit.primary {
                Primary::Flow(inner) if touches(inner.span) => Some(&**inner),
                _ => unit.branches.iter().map(|it| &it.flow).rev().find(|it| touches(it.span)),
            };
            match inner {
                Some(inner) => flow = inner,
                None => return found,
            }
        }
    }
}

/// One position of a chain: an event, or a group of several beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The arrow that leads here; `None` for the first link of a flow only.
    pub arrow: Option<Arrow>,
    /// The members of `A || B`, in script order.
    pub units: Vec<Unit>,
    /// All units, without the arrow.
    pub span: Span,
}

/// An arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrow {
    /// Which arrow.
    pub kind: ArrowKind,
    /// Its span; empty if the arrow was missing and assumed.
    pub span: Span,
}

/// The kinds of arrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArrowKind {
    /// `->`: runs the next, handing nothing on.
    Then,
    /// `|->`: runs the next and hands the value on.
    Pipe,
}

impl ArrowKind {
    /// How it is written.
    #[must_use]
    pub const fn spelling(self) -> &'static str {
        match self {
            Self::Then => "->",
            Self::Pipe => "|->",
        }
    }
}

impl fmt::Display for ArrowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spelling())
    }
}

/// An event or a bracketed flow, with what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// What runs.
    pub primary: Primary,
    /// `* 3`
    pub attempts: Option<Attempts>,
    /// `[key = value, ..]`, in script order.
    pub attrs: Vec<Attr>,
    /// `(0 -> X, 1 -> Y)`, in script order; empty without a branch list.
    pub branches: Vec<Branch>,
    /// All of it.
    pub span: Span,
}

/// What a unit runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Primary {
    /// An event, by name.
    Event(Name),
    /// A flow in braces or parentheses.
    Flow(Box<Flow>),
    /// An event is missing here. There is always a diagnostic for it.
    Hole(Span),
}

/// `* 3`: how often a unit is tried, the first time included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// The number of attempts, at least 2.
    pub count: u32,
    /// The number and the `*`.
    pub span: Span,
}

/// The name of an event or type: `ident { "::" ident }`.
///
/// After a half-written name (`steps::`, which is an error) the text ends with `::`, so
/// that editors can complete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parts joined with `::`, without blanks and without `r#`.
    pub text: Box<str>,
    /// From the first to the last part.
    pub span: Span,
}

/// A single identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    /// The identifier without `r#`.
    pub text: Box<str>,
    /// Its span.
    pub span: Span,
}

/// `key` or `key = value` in a unit's `[..]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Attr {
    /// The key.
    pub key: Ident,
    /// The value, if any.
    pub value: Option<Literal>,
    /// Both.
    pub span: Span,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The value.
    pub kind: LiteralKind,
    /// Its span.
    pub span: Span,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum LiteralKind {
    /// A whole number from `-u64::MAX` to `u64::MAX`.
    Int(i128),
    /// A finite number with a fraction or an exponent.
    Float(f64),
    /// A string, unescaped.
    Str(Box<str>),
    /// `true` or `false`.
    Bool(bool),
    /// A path: a type, or one of a list of names.
    Name(Name),
    /// `[a, b]`
    List(Vec<Literal>),
    /// `{ key: value }`, in script order, each key once.
    Map(Vec<(Ident, Literal)>),
}

/// `0 -> X` in a branch list.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What picks the branch.
    pub descriptor: Descriptor,
    /// The span of the descriptor.
    pub descriptor_span: Span,
    /// The arrow.
    pub arrow: Arrow,
    /// What the branch runs.
    pub flow: Flow,
    /// All of it.
    pub span: Span,
}

/// The number or name that picks a branch.
///
/// ```
/// use nexus_pointy::Descriptor;
/// assert_eq!(Descriptor::FAILURE.to_string(), "0");
/// assert_eq!(Descriptor::from("premium").to_string(), "premium");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Descriptor {
    /// A number.
    Number(u32),
    /// A name.
    Name(Box<str>),
}

impl Descriptor {
    /// The branch of an event that did not succeed.
    pub const FAILURE: Self = Self::Number(0);
    /// The branch of an event that succeeded.
    pub const SUCCESS: Self = Self::Number(1);
}

impl From<u32> for Descriptor {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Descriptor {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}
