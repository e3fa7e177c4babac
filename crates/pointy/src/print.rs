//! Prints flows as canonical text, which parses to the same flow.

use std::fmt::{self, Display, Formatter, Write};

use crate::ast::{
    Attempts, Attr, Branch, Flow, Ident, Link, Literal, LiteralKind, Name, Primary, Unit,
};
use crate::ident;

/// One line of canonical text: braces for every group, attributes before attempts before
/// branches. A hole prints as `_`, which is an error when it is parsed.
///
/// ```
/// let flow = nexus_pointy::parse("3*A[each ] # x\n->(B||C)").into_result()?;
/// assert_eq!(flow.to_string(), "A[each] * 3 -> {B || C}");
/// # Ok::<(), Vec<nexus_pointy::Diagnostic>>(())
/// ```
impl Display for Flow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for link in &self.links {
            link.fmt(f)?;
        }
        Ok(())
    }
}

/// The arrow before, if any, and the units.
impl Display for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(arrow) = self.arrow {
            f.write_char(' ')?;
            f.write_str(arrow.kind.spelling())?;
            f.write_char(' ')?;
        }
        list(f, &self.units, " || ")
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.primary.fmt(f)?;
        if !self.attrs.is_empty() {
            f.write_char('[')?;
            list(f, &self.attrs, ", ")?;
            f.write_char(']')?;
        }
        if let Some(attempts) = &self.attempts {
            f.write_char(' ')?;
            attempts.fmt(f)?;
        }
        if !self.branches.is_empty() {
            f.write_str(" (")?;
            list(f, &self.branches, ", ")?;
            f.write_char(')')?;
        }
        Ok(())
    }
}

impl Display for Primary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(name) => name.fmt(f),
            Self::Flow(flow) => {
                f.write_char('{')?;
                flow.fmt(f)?;
                f.write_char('}')
            }
            Self::Hole(_) => f.write_char('_'),
        }
    }
}

impl Display for Attempts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "* {}", self.count)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Display for Ident {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Display for Attr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        let Some(value) = &self.value else { return Ok(()) };
        f.write_str(" = ")?;
        value.fmt(f)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Display for LiteralKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => write!(f, "{value}"),
            // `{:?}` keeps a decimal point or an exponent, so that it stays a float.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(text) => string(f, text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Name(name) => name.fmt(f),
            Self::List(values) => {
                f.write_char('[')?;
                list(f, values, ", ")?;
                f.write_char(']')
            }
            Self::Map(entries) => map(f, entries),
        }
    }
}

impl Display for Branch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.descriptor.fmt(f)?;
        f.write_char(' ')?;
        f.write_str(self.arrow.kind.spelling())?;
        f.write_char(' ')?;
        self.flow.fmt(f)
    }
}

fn list(f: &mut Formatter<'_>, members: &[impl Display], between: &str) -> fmt::Result {
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        member.fmt(f)?;
    }
    Ok(())
}

fn map(f: &mut Formatter<'_>, entries: &[(Ident, Literal)]) -> fmt::Result {
    if entries.is_empty() {
        return f.write_str("{}");
    }
    let mut before = "{ ";
    for (key, value) in entries {
        f.write_str(before)?;
        key.fmt(f)?;
        f.write_str(": ")?;
        value.fmt(f)?;
        before = ", ";
    }
    f.write_str(" }")
}

fn string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if ident::is_hidden(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
