//! The named fields of a struct and their `#[field(..)]`.

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
    pub(crate) default: Option<FieldDefault>,
    pub(crate) batch_size: Option<BatchSize>,
    pub(crate) doc: String,
}

/// The value of a field that is not given.
pub(crate) enum FieldDefault {
    /// `#[field(default)]`
    OfType,
    /// `#[field(default = expr)]`
    Expr(Expr),
}

/// `batch_size = 500`
pub(crate) struct BatchSize {
    pub(crate) key: Ident,
    /// `None` if what the user wrote is no size.
    pub(crate) size: Option<usize>,
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
            format!("a struct that derives `{what}` cannot be generic; remove the parameters"),
        );
        return None;
    }
    let help = if what == "Pipeline" { PIPELINE_FIELD_HELP } else { EVENT_FIELD_HELP };
    match &data.fields {
        Fields::Unit => Some(Vec::new()),
        Fields::Named(fields) => {
            Some(fields.named.iter().filter_map(|it| field(cx, it, help)).collect())
        }
        Fields::Unnamed(fields) => {
            cx.error(fields, format!("a struct that derives `{what}` needs named fields, which flows refer to; write `{{ name: Type }}`"));
            None
        }
    }
}

fn field(cx: &Ctxt, field: &Field, help: &str) -> Option<StructField> {
    let name = field.ident.clone()?;
    if let Some((token, _)) = &field.default {
        cx.error(token, "a default stands in an attribute; write `#[field(default = ..)]`");
    }
    let doc = doc(&field.attrs);
    let ty = field.ty.clone();
    let mut known = StructField { name, ty, default: None, batch_size: None, doc };
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("field")) {
        match attr.parse_args_with(|input: ParseStream<'_>| settings(cx, input, &mut known, help)) {
            Err(error) => cx.push(error),
            Ok(0) => cx.error(attr, help),
            Ok(_) => {}
        }
    }
    Some(known)
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

const KEYS: [&str; 2] = ["default", "batch_size"];
/// The settings of an event's field, and of a pipeline's.
const EVENT_FIELD_HELP: &str = "write `#[field(default)]` or `#[field(default = ..)]`";
const PIPELINE_FIELD_HELP: &str =
    "write `#[field(default)]`, `#[field(default = ..)]` or `#[field(batch_size = 500)]`";

/// Reads the settings in `#[field(..)]`, and returns how many there were.
fn settings(
    cx: &Ctxt,
    input: ParseStream<'_>,
    field: &mut StructField,
    no_key: &str,
) -> syn::Result<usize> {
    let mut count = 0;
    while !input.is_empty() {
        let key: Ident = input.parse()?;
        let value: Option<Expr> = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        let is_known =
            if key == "default" { field.default.is_some() } else { field.batch_size.is_some() };
        match key.to_string().as_str() {
            known if KEYS.contains(&known) && is_known => {
                cx.error(&key, format!("`{known}` is given twice; keep one of the two"));
            }
            "default" => {
                field.default = Some(value.map_or(FieldDefault::OfType, FieldDefault::Expr));
            }
            "batch_size" => {
                let size = batch_size(cx, &key, value.as_ref());
                field.batch_size = Some(BatchSize { key, size });
            }
            unknown => {
                let near = nexus_pointy::suggest::nearest(unknown, KEYS);
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let help = help.as_deref().unwrap_or(no_key);
                cx.error(&key, format!("unknown setting `{unknown}` of a field; {help}"));
            }
        }
        count += 1;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(count)
}

fn batch_size(cx: &Ctxt, key: &Ident, value: Option<&Expr>) -> Option<usize> {
    const EXPECTED: &str =
        "`batch_size` takes a whole number, at least 1; write for example `batch_size = 500`";
    let number = match value {
        Some(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => number.base10_parse::<u32>().ok(),
        _ => None,
    };
    if let Some(size @ 1..) = number {
        return usize::try_from(size).ok();
    }
    match value {
        Some(value) => cx.error(value, EXPECTED),
        None => cx.error(key, EXPECTED),
    }
    None
}

/// Whether an expression is a text, which is converted to the field's type.
pub(crate) fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}
