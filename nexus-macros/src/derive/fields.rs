//! The named fields of a struct and their `#[field(default)]`.

use syn::parse::ParseStream;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, Meta, MetaNameValue,
    Token, Type,
};

use crate::ctxt::Ctxt;

/// A field of the user's struct.
pub(crate) struct StructField {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) default: Option<Default>,
    pub(crate) doc: String,
}

/// What a field is without being given.
pub(crate) enum Default {
    /// `#[field(default)]`
    OfType,
    /// `#[field(default = expr)]`
    Expr(Expr),
}

/// The fields of the struct `input`, which derives `what`. `None` if it is no such struct.
pub(crate) fn fields(cx: &Ctxt, input: &DeriveInput, what: &str) -> Option<Vec<StructField>> {
    let Data::Struct(data) = &input.data else {
        cx.error(&input.ident, format!("only a struct derives `{what}`"));
        return None;
    };
    if !input.generics.params.is_empty() {
        cx.error(
            &input.generics,
            format!("a struct that derives `{what}` has one concrete type: remove the generics"),
        );
        return None;
    }
    match &data.fields {
        Fields::Unit => Some(Vec::new()),
        Fields::Named(fields) => Some(fields.named.iter().filter_map(|it| field(cx, it)).collect()),
        Fields::Unnamed(fields) => {
            cx.error(fields, format!("a struct that derives `{what}` names its fields, since flows speak of them: `{{ name: Type }}`"));
            None
        }
    }
}

fn field(cx: &Ctxt, field: &Field) -> Option<StructField> {
    let name = field.ident.clone()?;
    if let Some((token, _)) = &field.default {
        cx.error(token, "a default stands in an attribute: `#[field(default = ..)]`");
    }
    let mut default = None;
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("field")) {
        let read = read(cx, attr);
        if default.is_some() && read.is_some() {
            cx.error(attr, "`default` is given twice: keep one of the two");
        } else {
            default = default.or(read);
        }
    }
    Some(StructField { name, ty: field.ty.clone(), default, doc: doc(&field.attrs) })
}

/// The first paragraph of the documentation, in one line.
pub(crate) fn doc(attrs: &[Attribute]) -> String {
    let mut words: Vec<String> = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        let Meta::NameValue(MetaNameValue { value: Expr::Lit(literal), .. }) = &attr.meta else {
            continue;
        };
        let Lit::Str(text) = &literal.lit else { continue };
        for line in text.value().lines().map(str::trim) {
            if line.is_empty() && !words.is_empty() {
                return words.join(" ");
            }
            words.extend((!line.is_empty()).then(|| line.to_owned()));
        }
        if text.value().trim().is_empty() && !words.is_empty() {
            break;
        }
    }
    words.join(" ")
}

fn read(cx: &Ctxt, attr: &Attribute) -> Option<Default> {
    const SHAPE: &str = "write `#[field(default)]` or `#[field(default = ..)]`";
    let mut default = None;
    let parsed = attr.parse_args_with(|input: ParseStream<'_>| {
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "default" {
                return Err(syn::Error::new(
                    key.span(),
                    format!("there is no setting `{key}` of a field: {SHAPE}"),
                ));
            }
            if default.is_some() {
                return Err(syn::Error::new(
                    key.span(),
                    "`default` is given twice: keep one of the two",
                ));
            }
            default = Some(if input.parse::<Option<Token![=]>>()?.is_some() {
                Default::Expr(input.parse()?)
            } else {
                Default::OfType
            });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    });
    match parsed {
        Err(error) => cx.push(error),
        Ok(()) if default.is_none() => cx.error(attr, SHAPE),
        Ok(()) => {}
    }
    default
}

/// Whether an expression is a text, which is converted to the field's type.
pub(crate) fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}
