//! Literals of Rust as literals of Pointy, so that both are checked by the same tables.

use nexus_pointy::{Literal, LiteralKind, Name, Span};
use syn::{Expr, ExprLit, Lit, Path, UnOp};

/// The literal in `expr`; `None` for other expressions.
pub(crate) fn literal(expr: &Expr) -> Option<Literal> {
    let kind = match expr {
        Expr::Lit(ExprLit { lit, .. }) => of_lit(lit, false)?,
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match &*unary.expr {
            Expr::Lit(ExprLit { lit, .. }) => of_lit(lit, true)?,
            _ => return None,
        },
        Expr::Path(path) if path.qself.is_none() => LiteralKind::Name(name(&path.path)?),
        Expr::Array(array) => {
            LiteralKind::List(array.elems.iter().map(literal).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Literal { kind, span: Span::default() })
}

/// A path without generics as a name.
fn name(path: &Path) -> Option<Name> {
    let parts: Vec<String> = path
        .segments
        .iter()
        .map(|part| part.arguments.is_none().then(|| crate::span::without_raw_prefix(&part.ident)))
        .collect::<Option<_>>()?;
    Some(Name { text: parts.join("::").into(), span: Span::default() })
}

fn of_lit(lit: &Lit, negative: bool) -> Option<LiteralKind> {
    Some(match lit {
        Lit::Int(int) => match int.base10_parse::<i128>() {
            Ok(number) => LiteralKind::Int(if negative { -number } else { number }),
            Err(_) => LiteralKind::Int(i128::MAX),
        },
        Lit::Float(float) => {
            let number: f64 = float.base10_parse().ok()?;
            LiteralKind::Float(if negative { -number } else { number })
        }
        Lit::Bool(flag) if !negative => LiteralKind::Bool(flag.value),
        Lit::Str(text) if !negative => LiteralKind::Str(text.value().into()),
        _ => return None,
    })
}
