use super::flow::FlowContext;
use super::unit::without_raw_prefix;
use super::{Parser, arrow_kind};
use crate::ast::{Arrow, Branch, Descriptor};
use crate::diagnostic::{Diagnostic, code, quote};
use crate::number;
use crate::span::Span;
use crate::token::TokenKind;

const HELP: &str = "branches are like `(0 -> OnFailure, 1 -> OnSuccess)`";

impl Parser<'_> {
    /// `branches = "(" branch { "," branch } [ "," ] ")"`
    pub(super) fn branches(&mut self) -> Vec<Branch> {
        let (open, may_parse) = self.enter(TokenKind::LParen);
        if !may_parse {
            return Vec::new();
        }
        if self.at(TokenKind::RParen) {
            self.close(TokenKind::LParen, open);
            let span = self.span_since(open);
            self.report(span, |_| {
                Diagnostic::new(code::EMPTY_BRACKETS, "the branch list is empty", span)
                    .help("delete it, or write a branch: `(0 -> OnFailure)`")
            });
            return Vec::new();
        }
        let branches = self.branch_members();
        self.close(TokenKind::LParen, open);
        branches
    }

    pub(super) fn branch_members(&mut self) -> Vec<Branch> {
        self.in_branches += 1;
        let mut branches = Vec::new();
        while let Some(kind) = self.peek() {
            if kind.is_closer() {
                break;
            }
            branches.extend(self.branch());
            if !self.separator("branches") {
                break;
            }
        }
        self.in_branches -= 1;
        self.check_descriptors(&branches);
        branches
    }

    /// Goes over the comma between two members; reports a missing one. False at the end.
    pub(super) fn separator(&mut self, members: &str) -> bool {
        match self.peek() {
            None => false,
            Some(TokenKind::Comma) => {
                self.bump();
                true
            }
            Some(kind) if kind.is_closer() => false,
            Some(_) => {
                let (span, last) = (self.span(), self.last);
                self.error(span, |it| {
                    let message = format!("a `,` is missing before {}", it.found());
                    Diagnostic::new(code::MISSING_COMMA, message, span)
                        .label(last, "what comes before ends here")
                        .help(format!("write `,` between {members}"))
                        .fix(last.after(), ",")
                });
                true
            }
        }
    }

    /// `branch = ( INT | ident ) ( "->" | "|->" ) flow`
    fn branch(&mut self) -> Option<Branch> {
        let descriptor_span = self.span();
        let Some(descriptor) = self.descriptor() else {
            self.skip_member();
            return None;
        };
        let arrow = match self.peek() {
            Some(kind) if kind.is_arrow() => Arrow { kind: arrow_kind(kind), span: self.bump() },
            _ => {
                self.no_branch_arrow(descriptor_span, &descriptor);
                self.skip_member();
                return None;
            }
        };
        let flow = self.flow(FlowContext::Branch, Some((arrow.span, arrow.kind.spelling())));
        let span = self.span_since(descriptor_span);
        Some(Branch { descriptor, descriptor_span, arrow, flow, span })
    }

    #[cold]
    fn no_branch_arrow(&mut self, span: Span, descriptor: &Descriptor) {
        let at = self.span();
        let group = matches!(descriptor, Descriptor::Name(_));
        self.error(at, |it| {
            let found = it.found();
            let quoted = quote(&descriptor.to_string());
            let message =
                format!("expected `->` or `|->` after the descriptor {quoted}, found {found}");
            let help = if matches!(it.peek(), Some(TokenKind::Ident)) {
                format!("write `->` between: `{descriptor} -> {}`", it.text())
            } else if matches!(it.peek(), Some(TokenKind::Colon | TokenKind::Equals)) {
                "write `->` instead".to_owned()
            } else if group {
                format!("{HELP}; to run a group next, write `->` before the `(`")
            } else {
                HELP.to_owned()
            };
            let mistake =
                Diagnostic::new(code::MISSING_ARROW, message, at).label(span, "the descriptor");
            match it.peek() {
                Some(TokenKind::Colon | TokenKind::Equals) => mistake.help(help).fix(at, "->"),
                _ => mistake.help(help),
            }
        });
    }

    fn descriptor(&mut self) -> Option<Descriptor> {
        let span = self.span();
        match self.peek() {
            Some(TokenKind::Int) => {
                let text: Box<str> = self.text().into();
                let descriptor = match number::int(&text).map(u32::try_from) {
                    Ok(Ok(number)) => Descriptor::Number(number),
                    Ok(Err(_)) => {
                        self.bad_descriptor(
                            &format!("is no descriptor: a number is between 0 and {}", u32::MAX),
                            "write such a number, or a name",
                        );
                        Descriptor::Name(text)
                    }
                    Err(bad) => {
                        self.bad_number(bad);
                        Descriptor::Name(text)
                    }
                };
                self.bump();
                Some(descriptor)
            }
            Some(TokenKind::Ident) => {
                let text: Box<str> = without_raw_prefix(self.text()).into();
                match &*text {
                    "true" => self.bad_descriptor("is no descriptor", "success is `1`"),
                    "false" => self.bad_descriptor("is no descriptor", "failure is `0`"),
                    "_" => self.bad_descriptor(
                        "is no descriptor",
                        "there is no default branch: without one, the flow goes on behind the list",
                    ),
                    _ => {}
                }
                self.bump();
                Some(Descriptor::Name(text))
            }
            Some(TokenKind::Str) => {
                self.bad_descriptor("is no descriptor", "a descriptor's name has no quotes");
                let text: Box<str> = self.text().into();
                self.bump();
                Some(Descriptor::Name(text))
            }
            _ => {
                self.error(span, |it| {
                    let message =
                        format!("expected a number or a name as descriptor, found {}", it.found());
                    Diagnostic::new(code::BAD_DESCRIPTOR, message, span).help(HELP)
                });
                None
            }
        }
    }

    #[cold]
    fn bad_descriptor(&mut self, what: &str, help: &str) {
        let span = self.span();
        self.error(span, |it| {
            Diagnostic::new(code::BAD_DESCRIPTOR, format!("{} {what}", it.found()), span).help(help)
        });
    }

    fn check_descriptors(&mut self, branches: &[Branch]) {
        if branches.len() < 2 {
            return;
        }
        let mut order: Vec<&Branch> = branches.iter().collect();
        order.sort_by(|a, b| a.descriptor.cmp(&b.descriptor));
        for same in order.chunk_by(|a, b| a.descriptor == b.descriptor) {
            let Some((first, others)) = same.split_first() else { continue };
            for branch in others {
                let span = branch.descriptor_span;
                self.report(span, |_| {
                    let message = format!(
                        "the descriptor {} has two branches",
                        quote(&first.descriptor.to_string())
                    );
                    Diagnostic::new(code::DUPLICATE_DESCRIPTOR, message, span)
                        .label(first.descriptor_span, "the first is here")
                        .help("join them into one branch, or choose another descriptor")
                });
            }
        }
    }
}
