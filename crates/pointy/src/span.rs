/// A half-open range of positions, `start..end`.
///
/// In text the positions are byte offsets. Where tokens come from elsewhere (a
/// procedural macro), they are whatever the maker of the tokens counts: usually token
/// indexes.
///
/// ```
/// use nexus_pointy::Span;
/// assert_eq!(Span::new(0, 1).to(Span::new(5, 6)), Span::new(0, 6));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
}

impl Span {
    /// The span `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span where this one starts.
    #[must_use]
    pub const fn before(self) -> Self {
        Self { start: self.start, end: self.start }
    }

    /// The empty span where this one ends.
    #[must_use]
    pub const fn after(self) -> Self {
        Self { start: self.end, end: self.end }
    }
}
