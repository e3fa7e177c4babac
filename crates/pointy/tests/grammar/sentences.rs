//! Sentences of a grammar, and whether tokens are one.

use std::collections::{BTreeMap, BTreeSet};

use nexus_pointy::{Token, TokenKind};

use crate::common::fuzz::Random;
use crate::ebnf::{Expr, Grammar};

/// Derives random sentences, and remembers what it has used.
pub(crate) struct Deriver<'g> {
    pub(crate) syntax: &'g Grammar,
    pub(crate) tokens: &'g Grammar,
    pub(crate) random: Random,
    /// The parts of the grammar that were derived, by address.
    used: BTreeSet<*const Expr>,
}

impl<'g> Deriver<'g> {
    pub(crate) fn new(syntax: &'g Grammar, tokens: &'g Grammar, seed: u64) -> Self {
        Self { syntax, tokens, random: Random(seed), used: BTreeSet::new() }
    }

    /// The tokens of a sentence.
    pub(crate) fn sentence(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        let script = self.syntax.get("script");
        self.derive(script, 12, &mut out);
        out
    }

    /// A text of a production of the tokens.
    pub(crate) fn text(&mut self, name: &str) -> String {
        let mut out = Vec::new();
        let expr = self.tokens.get(name);
        self.derive(expr, 8, &mut out);
        out.concat()
    }

    /// What no sentence has used so far.
    pub(crate) fn unused(&self) -> Vec<String> {
        let mut unused = Vec::new();
        for grammar in [self.syntax, self.tokens] {
            for (name, expr) in &grammar.productions {
                walk(expr, &mut |part| {
                    if !self.used.contains(&std::ptr::from_ref(part)) {
                        unused.push(format!("{part:?} of {name}"));
                    }
                });
            }
        }
        unused
    }

    fn derive(&mut self, expr: &'g Expr, depth: usize, out: &mut Vec<String>) {
        self.used.insert(std::ptr::from_ref(expr));
        match expr {
            Expr::Text(text) => out.push(text.clone()),
            Expr::Name(name) => {
                let depth = depth.saturating_sub(1);
                if let Some(production) = self.syntax.productions.get(name) {
                    self.derive(production, depth, out);
                } else {
                    let mut parts = Vec::new();
                    self.derive(self.tokens.get(name), depth.max(4), &mut parts);
                    out.push(parts.concat());
                }
            }
            Expr::Special(what) => {
                let options = special(what);
                out.push(options[self.random.below(options.len())].to_owned());
            }
            Expr::Sequence(parts) => {
                for part in parts {
                    self.derive(part, depth, out);
                }
            }
            Expr::Choice(options) => {
                // Near the end the first option, which every production has as its shortest.
                let at = if depth == 0 { 0 } else { self.random.below(options.len()) };
                self.derive(&options[at], depth, out);
            }
            Expr::Optional(inner) => {
                if depth > 0 && self.random.below(3) == 0 {
                    self.derive(inner, depth, out);
                }
            }
            Expr::Repeat(inner) => {
                while depth > 0 && self.random.below(3) == 0 {
                    self.derive(inner, depth, out);
                }
            }
        }
    }
}

fn walk<'g>(expr: &'g Expr, seen: &mut impl FnMut(&'g Expr)) {
    seen(expr);
    match expr {
        Expr::Sequence(parts) | Expr::Choice(parts) => {
            for part in parts {
                walk(part, seen);
            }
        }
        Expr::Optional(inner) | Expr::Repeat(inner) => walk(inner, seen),
        Expr::Text(_) | Expr::Name(_) | Expr::Special(_) => {}
    }
}

/// Samples of what the grammar says in words.
fn special(what: &str) -> &'static [&'static str] {
    match what {
        "a letter of any script" => &["a", "B", "z", "é", "ж", "名", "क"],
        "a digit or mark of any script" => &["٣", "\u{301}", "²", "\u{94d}"],
        "a letter from a to f of either case" => &["a", "f", "C", "E"],
        "a digit from 0 to 9" => &["0", "1", "2", "3", "7", "9"],
        "a line end" => &["\n", "\r\n", "\r"],
        "any character but a line end" => &["a", "#", " ", "\"", "{", "é", "😀", "-"],
        "any character but \" \\ and a line end" => &["a", "#", " ", "'", "{", "é", "😀", "-"],
        "white space of any kind" => &[" ", "\n", "\t", "\r\n", "\u{a0}", "\u{3000}"],
        _ => panic!("no samples of {what:?}"),
    }
}

/// Whether tokens are a sentence of a grammar. No production is left-recursive.
pub(crate) struct Recogniser<'g, 't> {
    grammar: &'g Grammar,
    tokens: &'t [Token<'t>],
    /// Where a production that starts at a token can end.
    known: BTreeMap<(&'g str, usize), BTreeSet<usize>>,
}

impl<'g, 't> Recogniser<'g, 't> {
    pub(crate) fn accepts(grammar: &'g Grammar, tokens: &'t [Token<'t>]) -> bool {
        let mut it = Self { grammar, tokens, known: BTreeMap::new() };
        it.name("script", 0).contains(&tokens.len())
    }

    fn name(&mut self, name: &'g str, at: usize) -> BTreeSet<usize> {
        if let Some(ends) = self.known.get(&(name, at)) {
            return ends.clone();
        }
        let kind = match name {
            "INT" => TokenKind::Int,
            "FLOAT" => TokenKind::Float,
            "STRING" => TokenKind::Str,
            "ident" => TokenKind::Ident,
            _ => {
                let ends = self.ends(self.grammar.get(name), at);
                self.known.insert((name, at), ends.clone());
                return ends;
            }
        };
        let fits = self.tokens.get(at).is_some_and(|it| it.kind == kind && it.text != "_");
        fits.then_some(at + 1).into_iter().collect()
    }

    fn ends(&mut self, expr: &'g Expr, at: usize) -> BTreeSet<usize> {
        match expr {
            Expr::Text(text) => {
                let fits = self.tokens.get(at).is_some_and(|token| {
                    token.kind != TokenKind::Str && token.text == text.as_str()
                });
                fits.then_some(at + 1).into_iter().collect()
            }
            Expr::Name(name) => self.name(name, at),
            Expr::Sequence(parts) => parts.iter().fold(BTreeSet::from([at]), |starts, part| {
                starts.into_iter().flat_map(|at| self.ends(part, at)).collect()
            }),
            Expr::Choice(options) => {
                options.iter().flat_map(|option| self.ends(option, at)).collect()
            }
            Expr::Optional(inner) => {
                let mut ends = self.ends(inner, at);
                ends.insert(at);
                ends
            }
            Expr::Repeat(inner) => {
                let mut ends = BTreeSet::from([at]);
                let mut new = vec![at];
                while let Some(at) = new.pop() {
                    new.extend(self.ends(inner, at).into_iter().filter(|end| ends.insert(*end)));
                }
                ends
            }
            Expr::Special(what) => panic!("{what} is no part of the syntax"),
        }
    }
}
