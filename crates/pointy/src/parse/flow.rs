use super::{Parser, arrow_kind};
use crate::ast::{Arrow, Flow, Link, Primary, Unit};
use crate::diagnostic::{Diagnostic, code};
use crate::span::Span;
use crate::token::TokenKind;

/// Where a flow is written, which decides which tokens end it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum FlowContext {
    Script,
    Brackets,
    Branch,
}

/// An operator that wants an event after it.
pub(super) type Operator = Option<(Span, &'static str)>;

impl Parser<'_> {
    /// `flow = group { ( "->" | "|->" ) group }`
    pub(super) fn flow(&mut self, context: FlowContext, mut before: Operator) -> Flow {
        let start = self.span();
        let mut links: Vec<Link> = Vec::new();
        let mut arrow: Option<Arrow> = None;
        loop {
            let link = self.link(arrow, before);
            // A run of missing events becomes one hole, so that 10 MB of `->` make a small tree.
            let repeated = links.last().is_some_and(Link::is_bare_hole) && link.is_bare_hole();
            if !repeated {
                links.push(link);
            }
            let Some(next) = self.next_arrow(context) else { break };
            before = (next.span.start != next.span.end).then(|| (next.span, next.kind.spelling()));
            arrow = Some(next);
        }
        Flow { links, span: self.span_since(start) }
    }

    /// `group = unit { "||" unit }`
    fn link(&mut self, arrow: Option<Arrow>, before: Operator) -> Link {
        let start = self.span();
        let first = self.unit(before);
        if !self.at(TokenKind::Parallel) {
            return Link { arrow, span: first.span, units: vec![first] };
        }
        let mut units = vec![first];
        while self.at(TokenKind::Parallel) {
            let operator = self.bump();
            let unit = self.unit(Some((operator, "||")));
            if !(unit.is_bare_hole() && units.last().is_some_and(Unit::is_bare_hole)) {
                units.push(unit);
            }
        }
        Link { arrow, units, span: self.span_since(start) }
    }

    /// The arrow to the next link, or `None` at the end of the flow. Other tokens are reported and
    /// skipped; before an event, the missing arrow is assumed.
    fn next_arrow(&mut self, context: FlowContext) -> Option<Arrow> {
        loop {
            let kind = self.peek()?;
            match kind {
                TokenKind::Arrow | TokenKind::PipeArrow => {
                    let span = self.bump();
                    return Some(Arrow { kind: arrow_kind(kind), span });
                }
                _ if kind.is_closer() => {
                    if context != FlowContext::Script {
                        return None;
                    }
                    self.stray_closer();
                }
                TokenKind::Comma => {
                    if context == FlowContext::Branch || self.ends_branch() {
                        return None;
                    }
                    if let Some(arrow) = self.comma_for_arrow() {
                        return Some(arrow);
                    }
                }
                TokenKind::Int
                    if self.peek_second().is_some_and(TokenKind::is_arrow)
                        && context == FlowContext::Branch =>
                {
                    return None;
                }
                TokenKind::Int if self.peek_second() != Some(TokenKind::Star) => self.bare_count(),
                TokenKind::Ident | TokenKind::Int | TokenKind::LBrace | TokenKind::LParen => {
                    self.missing_arrow(context);
                    return Some(Arrow::assumed(self.span()));
                }
                _ => self.unexpected("an arrow"),
            }
        }
    }

    /// Whether the current comma most likely separates branches, although a bracket inside the
    /// branch is still open.
    fn ends_branch(&self) -> bool {
        self.in_branches > 0 && self.peek_second() == Some(TokenKind::Int)
    }

    #[cold]
    fn stray_closer(&mut self) {
        let span = self.span();
        self.error(span, |it| {
            Diagnostic::new(code::MISMATCHED, format!("unmatched {}", it.found()), span)
                .help("delete it, or write the opening bracket")
        });
        self.bump();
    }

    #[cold]
    fn comma_for_arrow(&mut self) -> Option<Arrow> {
        let span = self.span();
        self.error(span, |_| {
            Diagnostic::new(code::UNEXPECTED, "`,` does not join events", span)
                .help("write `->` between them, or `||` to run them beside each other")
        });
        self.bump();
        let next = self.peek()?;
        self.starts_unit(next).then(|| Arrow::assumed(self.span()))
    }

    #[cold]
    fn bare_count(&mut self) {
        let span = self.span();
        self.error(span, |it| {
            Diagnostic::new(code::BAD_ATTEMPTS, format!("{} stands alone", it.found()), span)
                .help(format!("for so many attempts write `* {}`", it.text()))
        });
        self.bump();
    }

    #[cold]
    fn missing_arrow(&mut self, context: FlowContext) {
        let (span, last) = (self.span(), self.last);
        let branch =
            context == FlowContext::Branch && self.peek_second().is_some_and(TokenKind::is_arrow);
        self.error(span, |it| {
            let found = it.found();
            if branch {
                return Diagnostic::new(code::MISSING_ARROW, format!("a `,` or an arrow is missing before {found}"), span)
                    .label(last, "the event before")
                    .help("write `,` before the next branch, `->` between two events");
            }
            Diagnostic::new(code::MISSING_ARROW, format!("an arrow is missing before {found}"), span)
                .label(last, "the event before ends here")
                .help("write `->` between, `|->` to hand the value on, or `||` to run both beside each other")
        });
    }

    /// Reports the current token and takes it.
    #[cold]
    pub(super) fn unexpected(&mut self, wanted: &str) {
        let span = self.span();
        self.error(span, |it| {
            let message = format!("expected {wanted}, found {}", it.found());
            let it = Diagnostic::new(code::UNEXPECTED, message, span);
            it.help("a flow is events with arrows between: `A -> B`")
        });
        self.bump();
        self.error_reported = true;
    }

    /// A bracketed flow: `"{" flow "}" | "(" flow ")"`.
    pub(super) fn group(&mut self, kind: TokenKind) -> Primary {
        let (open, may_parse) = self.enter(kind);
        if !may_parse {
            return Primary::Hole(self.span_since(open));
        }
        if self.at(super::closer(kind)) {
            self.close(kind, open);
            self.empty_group(open);
            return Primary::Hole(self.span_since(open));
        }
        if kind == TokenKind::LParen && self.misplaced_branches(open) {
            return Primary::Hole(self.span_since(open));
        }
        let opening = (open, kind.spelling().unwrap_or_default());
        let flow = self.flow(FlowContext::Brackets, Some(opening));
        self.close(kind, open);
        Primary::Flow(Box::new(flow))
    }

    #[cold]
    fn empty_group(&mut self, open: Span) {
        let span = self.span_since(open);
        self.report(span, |_| {
            Diagnostic::new(code::EMPTY_BRACKETS, "the group is empty", span)
                .help("write an event in it, or delete it with its arrow")
        });
    }

    /// `A -> (0 -> X, 1 -> Y)`: reads the branches, which an arrow separates from their event.
    fn misplaced_branches(&mut self, open: Span) -> bool {
        if !(self.at(TokenKind::Int) && self.peek_second().is_some_and(TokenKind::is_arrow)) {
            return false;
        }
        self.report(open, |_| {
            Diagnostic::new(
                code::MISPLACED_BRANCHES,
                "a branch list follows its event directly",
                open,
            )
            .help("delete the arrow before `(`: `A (0 -> X, 1 -> Y)`")
        });
        let branches = self.branch_members();
        drop(branches);
        self.close(TokenKind::LParen, open);
        true
    }
}
