//! Reads EBNF as the guide writes it.

use std::collections::BTreeMap;

/// What a production, or a part of it, stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    Sequence(Vec<Expr>),
    /// `a | b`
    Choice(Vec<Expr>),
    /// `[ a ]`
    Optional(Box<Expr>),
    /// `{ a }`
    Repeat(Box<Expr>),
    /// `"text"` or `'text'`
    Text(String),
    /// The name of a production.
    Name(String),
    /// `? what cannot be written down ?`
    Special(String),
}

/// The productions of a text, in order.
#[derive(Debug, Default)]
pub(crate) struct Grammar {
    pub(crate) order: Vec<String>,
    pub(crate) productions: BTreeMap<String, Expr>,
}

impl Grammar {
    /// Panics with what is wrong: the text is ours.
    pub(crate) fn read(text: &str) -> Self {
        let mut grammar = Self::default();
        let mut reader = Reader { words: words(text), at: 0 };
        while let Some(name) = reader.take() {
            reader.expect("=");
            let expr = reader.choice();
            reader.expect(";");
            grammar.order.push(name.clone());
            assert!(grammar.productions.insert(name, expr).is_none(), "a production twice");
        }
        grammar
    }

    pub(crate) fn get(&self, name: &str) -> &Expr {
        self.productions.get(name).unwrap_or_else(|| panic!("no production {name}"))
    }
}

/// Names, quoted texts, `? special ?` sequences and single signs.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' | '?' => rest[1..].find(first).expect("a closing quote") + 2,
            c if c.is_alphabetic() => {
                rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

struct Reader {
    words: Vec<String>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn take(&mut self) -> Option<String> {
        self.at += 1;
        self.words.get(self.at - 1).cloned()
    }

    fn expect(&mut self, word: &str) {
        assert_eq!(self.take().as_deref(), Some(word), "word {}", self.at);
    }

    fn choice(&mut self) -> Expr {
        let mut options = vec![self.sequence()];
        while self.peek() == Some("|") {
            self.at += 1;
            options.push(self.sequence());
        }
        if options.len() == 1 { options.remove(0) } else { Expr::Choice(options) }
    }

    fn sequence(&mut self) -> Expr {
        let mut parts = Vec::new();
        while let Some(word) = self.peek() {
            if matches!(word, "|" | ")" | "]" | "}" | ";") {
                break;
            }
            parts.push(self.part());
        }
        if parts.len() == 1 { parts.remove(0) } else { Expr::Sequence(parts) }
    }

    fn part(&mut self) -> Expr {
        let word = self.take().expect("a part");
        let inner = |word: &str| word[1..word.len() - 1].trim().to_owned();
        match word.chars().next() {
            Some('(') => self.until(")"),
            Some('[') => Expr::Optional(Box::new(self.until("]"))),
            Some('{') => Expr::Repeat(Box::new(self.until("}"))),
            Some('"' | '\'') => Expr::Text(inner(&word)),
            Some('?') => Expr::Special(inner(&word)),
            _ => Expr::Name(word),
        }
    }

    fn until(&mut self, end: &str) -> Expr {
        let expr = self.choice();
        self.expect(end);
        expr
    }
}
