//! Turns tokens and the trivia between them into a stream of texts, breaks and groups.

use super::layout::{GroupKind, Item};
use super::trivia::Trivia;
use crate::token::{Token, TokenKind};

/// The stream of a script that has no mistakes.
pub(super) fn build<'a>(script: &'a str, tokens: &[Token<'a>]) -> Vec<Item<'a>> {
    let start = if script.starts_with('\u{feff}') { 3 } else { 0 };
    let mut builder = Builder {
        items: Vec::with_capacity(tokens.len() * 3),
        open: vec![Open { kind: OpenKind::Flow, flow: None }],
        trivia: Trivia::default(),
        next: Next::First,
        before: None,
    };
    let mut end = start;
    for token in tokens {
        let (from, to) = (token.span.start as usize, token.span.end as usize);
        builder.trivia.add(script.get(end..from).unwrap_or_default(), end > start);
        builder.token(token.kind, script.get(from..to).unwrap_or_default());
        end = to;
    }
    builder.trivia.add(script.get(end..).unwrap_or_default(), end > start);
    builder.end_flow();
    builder.comments(false);
    builder.items
}

/// What a bracket holds; the script is a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenKind {
    Flow,
    Branches,
    Attrs,
    List,
    Map,
}

/// A bracket that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    kind: OpenKind,
    /// The flow in it that is being read.
    flow: Option<OpenFlow>,
}

/// Where the groups of a flow that is being read start in the stream.
#[derive(Debug, Clone, Copy)]
struct OpenFlow {
    flow: usize,
    link: usize,
}

/// What the next token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next<'a> {
    /// The first member of what is open.
    First,
    /// The member after a comma.
    Member,
    /// The event after this operator.
    Operand(&'a str),
    /// A part of what the token before belongs to.
    Part,
}

struct Builder<'a> {
    items: Vec<Item<'a>>,
    open: Vec<Open>,
    /// The trivia before the next token, including that before the separator just read.
    trivia: Trivia<'a>,
    next: Next<'a>,
    /// The token before.
    before: Option<TokenKind>,
}

impl<'a> Builder<'a> {
    fn token(&mut self, kind: TokenKind, text: &'a str) {
        let open = self.top();
        match kind {
            TokenKind::Comma => {
                self.end_flow();
                self.separator(Next::Member);
            }
            TokenKind::Arrow | TokenKind::PipeArrow if open.flow.is_some() => {
                self.separator(Next::Operand(text));
            }
            TokenKind::Parallel => self.separator(Next::Operand(text)),
            _ if kind.is_closer() => self.close(open.kind),
            _ => {
                self.start(kind);
                if kind.is_opener() {
                    self.bracket(kind);
                } else {
                    self.items.push(Item::Text(text));
                    self.next = Next::Part;
                }
            }
        }
        self.before = Some(kind);
    }

    fn top(&self) -> Open {
        self.open.last().copied().unwrap_or(Open { kind: OpenKind::Flow, flow: None })
    }

    fn set_flow(&mut self, flow: Option<OpenFlow>) {
        if let Some(open) = self.open.last_mut() {
            open.flow = flow;
        }
    }

    /// Remembers a separator. It is written with the member behind it, and the comments
    /// on both sides of it come before.
    fn separator(&mut self, next: Next<'a>) {
        self.next = next;
    }

    /// Writes the break before a token that neither separates nor closes.
    fn start(&mut self, kind: TokenKind) {
        let open = self.top();
        match self.next {
            Next::Part if self.before.is_some_and(TokenKind::is_arrow) => {
                self.part(" ");
                self.begin_flow(GroupKind::Indented);
            }
            Next::Part => self.part(self.space(kind)),
            Next::First => {
                self.comments(false);
                let blank_line = self.take_blank() && self.after_comment();
                let flat = if open.kind == OpenKind::Map { " " } else { "" };
                self.items.push(Item::Break { flat, blank_line });
                if open.kind == OpenKind::Flow {
                    self.begin_flow(GroupKind::Plain);
                }
            }
            Next::Member => {
                self.items.push(Item::Text(","));
                self.comments(false);
                let blank_line = self.take_blank();
                self.items.push(Item::Break { flat: " ", blank_line });
            }
            Next::Operand(operator) => self.operator(operator),
        }
    }

    fn after_comment(&self) -> bool {
        matches!(self.items.last(), Some(Item::Behind(_) | Item::Above { .. }))
    }

    fn take_blank(&mut self) -> bool {
        let blank = self.trivia.blank;
        self.trivia = Trivia::default();
        blank
    }

    /// Goes on with a unit, a branch, an attribute or an entry.
    fn part(&mut self, space: &'static str) {
        if self.trivia.comments.is_empty() {
            if !space.is_empty() {
                self.items.push(Item::Text(space));
            }
        } else {
            self.comments(true);
            self.items.push(Item::Hang);
        }
        self.take_blank();
    }

    /// The space between two tokens of a unit, a branch, an attribute or an entry.
    fn space(&self, kind: TokenKind) -> &'static str {
        use TokenKind::{Arrow, Colon, Equals, Int, LBracket, LParen, PipeArrow, Star};
        match (self.before, kind) {
            (Some(Star | Equals | Colon), _)
            | (_, Star | Equals | LParen | Arrow | PipeArrow)
            | (Some(Int), LBracket) => " ",
            _ => "",
        }
    }

    /// Writes `->`, `|->` or `||` before the event that comes next.
    fn operator(&mut self, operator: &'a str) {
        let Some(flow) = self.top().flow else { return };
        let parallel = operator == "||";
        if !parallel {
            self.items.push(Item::End);
        }
        self.comments(false);
        let blank_line = self.take_blank();
        self.items.push(Item::Break { flat: " ", blank_line });
        self.items.extend([Item::Text(operator), Item::Text(" ")]);
        let group = if parallel { flow.link } else { flow.flow };
        if let Some(Item::Begin { breaks, .. }) = self.items.get_mut(group) {
            *breaks = true;
        }
        if !parallel {
            let link = self.begin(GroupKind::Indented);
            self.set_flow(Some(OpenFlow { link, ..flow }));
        }
    }

    fn begin(&mut self, kind: GroupKind) -> usize {
        let breaks = kind == GroupKind::Bracket;
        self.items.push(Item::Begin { kind, breaks, width: None });
        self.items.len() - 1
    }

    fn begin_flow(&mut self, kind: GroupKind) {
        let flow = self.begin(kind);
        let link = self.begin(GroupKind::Indented);
        self.set_flow(Some(OpenFlow { flow, link }));
    }

    fn end_flow(&mut self) {
        if self.top().flow.is_some() {
            self.items.extend([Item::End, Item::End]);
            self.set_flow(None);
        }
    }

    /// Opens a bracket: in a flow, what it holds depends on the token before.
    fn bracket(&mut self, kind: TokenKind) {
        let in_flow = matches!(self.top().kind, OpenKind::Flow | OpenKind::Branches);
        let follows_unit = self.next == Next::Part
            && !self.before.is_some_and(|before| before.is_arrow() || before == TokenKind::Star);
        let (kind, text) = match kind {
            TokenKind::LBracket if in_flow => (OpenKind::Attrs, "["),
            TokenKind::LBracket => (OpenKind::List, "["),
            TokenKind::LParen if follows_unit => (OpenKind::Branches, "("),
            _ if in_flow => (OpenKind::Flow, "{"),
            _ => (OpenKind::Map, "{"),
        };
        self.begin(GroupKind::Bracket);
        self.items.push(Item::Text(text));
        self.open.push(Open { kind, flow: None });
        self.next = Next::First;
    }

    fn close(&mut self, kind: OpenKind) {
        let empty = self.next == Next::First;
        self.end_flow();
        if !empty && kind != OpenKind::Flow {
            self.items.push(Item::LastComma);
        }
        self.comments(false);
        self.take_blank();
        if !empty || self.after_comment() {
            let flat = if kind == OpenKind::Map { " " } else { "" };
            self.items.push(Item::Close { flat });
        }
        let text = match kind {
            OpenKind::Flow | OpenKind::Map => "}",
            OpenKind::Branches => ")",
            OpenKind::Attrs | OpenKind::List => "]",
        };
        self.items.extend([Item::Text(text), Item::End]);
        self.open.pop();
        self.next = Next::Part;
    }

    /// Writes the comments before the next token.
    fn comments(&mut self, hanging: bool) {
        let starts = matches!(self.items.last(), None | Some(Item::Text("{" | "[" | "(")));
        for (at, comment) in std::mem::take(&mut self.trivia.comments).into_iter().enumerate() {
            if at == 0 && !comment.own_line {
                self.items.push(Item::Behind(comment.text));
                continue;
            }
            let blank_line = comment.blank && !hanging && !(at == 0 && starts);
            self.items.push(Item::Above { text: comment.text, blank_line, hanging });
        }
    }
}
