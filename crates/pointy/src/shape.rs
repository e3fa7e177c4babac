//! Comparison that ignores where things stand.

use crate::ast::{Attr, Branch, Flow, Link, Literal, LiteralKind, Primary, Unit};

impl Flow {
    /// Whether both are the same flow, wherever their parts stand in the text.
    ///
    /// ```
    /// use nexus_pointy::parse;
    /// assert!(parse("A->(B)").flow.same_shape(&parse("A -> {B}").flow));
    /// assert!(!parse("A -> B").flow.same_shape(&parse("A |-> B").flow));
    /// ```
    #[must_use]
    pub fn same_shape(&self, other: &Self) -> bool {
        all(&self.links, &other.links, link)
    }
}

fn all<T>(left: &[T], right: &[T], same: fn(&T, &T) -> bool) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
}

fn link(left: &Link, right: &Link) -> bool {
    left.arrow.map(|arrow| arrow.kind) == right.arrow.map(|arrow| arrow.kind)
        && all(&left.units, &right.units, unit)
}

fn unit(left: &Unit, right: &Unit) -> bool {
    primary(&left.primary, &right.primary)
        && left.attempts.map(|it| it.count) == right.attempts.map(|it| it.count)
        && all(&left.attrs, &right.attrs, attr)
        && all(&left.branches, &right.branches, branch)
}

fn primary(left: &Primary, right: &Primary) -> bool {
    match (left, right) {
        (Primary::Event(left), Primary::Event(right)) => left.text == right.text,
        (Primary::Flow(left), Primary::Flow(right)) => left.same_shape(right),
        (Primary::Hole(_), Primary::Hole(_)) => true,
        _ => false,
    }
}

fn attr(left: &Attr, right: &Attr) -> bool {
    left.key.text == right.key.text
        && match (&left.value, &right.value) {
            (Some(left), Some(right)) => literal(left, right),
            (None, None) => true,
            _ => false,
        }
}

fn branch(left: &Branch, right: &Branch) -> bool {
    left.descriptor == right.descriptor
        && left.arrow.kind == right.arrow.kind
        && left.flow.same_shape(&right.flow)
}

fn literal(left: &Literal, right: &Literal) -> bool {
    match (&left.kind, &right.kind) {
        (LiteralKind::Name(left), LiteralKind::Name(right)) => left.text == right.text,
        (LiteralKind::List(left), LiteralKind::List(right)) => all(left, right, literal),
        (LiteralKind::Map(left), LiteralKind::Map(right)) => all(left, right, |left, right| {
            left.0.text == right.0.text && literal(&left.1, &right.1)
        }),
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn every_part_counts() {
        let flow = |source: &str| parse(source).into_result().unwrap();
        let different = [
            "A",
            "B",
            "{A}",
            "A -> B",
            "A |-> B",
            "A || B",
            "A * 2",
            "A * 3",
            "A[x]",
            "A[y]",
            "A[x = 1]",
            "A[x = 1.0]",
            "A[x = a]",
            "A[x = b]",
            "A[x = [a]]",
            "A[x = {a: b}]",
            "A[x = {a: c}]",
            "A (0 -> B)",
            "A (1 -> B)",
            "A (1 |-> B)",
            "A (1 -> C)",
        ];
        for (at, left) in different.iter().enumerate() {
            for (other, right) in different.iter().enumerate() {
                let moved = flow(&format!(" {right}  # moved"));
                assert_eq!(flow(left).same_shape(&moved), at == other, "{left} and {right}");
            }
        }
        assert!(!parse("A ->").flow.same_shape(&flow("A -> B")));
    }
}
