//! The named fields of a struct and their `#[field(..)]`.

use nexus_pointy::settings::Key;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, Meta, MetaNameValue,
    Type,
};

use crate::args::{self, Arg, ArgValue, Table, Value};
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

/// The fields of the struct `input`, which derives `what`, with the settings in `table`. `None` if it
/// is no such struct.
pub(crate) fn fields(
    cx: &Ctxt,
    input: &DeriveInput,
    what: &str,
    table: &Table,
) -> Option<Vec<StructField>> {
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
    match &data.fields {
        Fields::Unit => Some(Vec::new()),
        Fields::Named(fields) => {
            Some(fields.named.iter().filter_map(|it| field(cx, it, table)).collect())
        }
        Fields::Unnamed(fields) => {
            cx.error(fields, format!("a struct that derives `{what}` needs named fields, which flows refer to; write `{{ name: Type }}`"));
            None
        }
    }
}

fn field(cx: &Ctxt, field: &Field, table: &Table) -> Option<StructField> {
    let name = field.ident.clone()?;
    if let Some((token, _)) = &field.default {
        cx.error(token, "a default stands in an attribute; write `#[field(default = ..)]`");
    }
    let doc = doc(&field.attrs);
    let ty = field.ty.clone();
    let mut known = StructField { name, ty, default: None, batch_size: None, doc };
    let attrs = field.attrs.iter().filter(|attr| attr.path().is_ident("field"));
    let given = attrs.flat_map(|attr| args::of(cx, attr, table)).collect();
    for (arg, key) in args::known(cx, given, table.keys) {
        setting(cx, &mut known, arg, key);
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

/// Reads one setting of a field.
fn setting(cx: &Ctxt, field: &mut StructField, arg: Arg, key: &Key) {
    match (key.name, arg.value) {
        ("default", None) => field.default = Some(FieldDefault::OfType),
        ("default", Some(Value::Expr(expr))) => field.default = Some(FieldDefault::Expr(expr)),
        (_, value) => {
            let size = match args::value(cx, key, &arg.key, value) {
                Some(ArgValue::Count(size)) => usize::try_from(size).ok(),
                _ => None,
            };
            field.batch_size = Some(BatchSize { key: arg.key, size });
        }
    }
}

/// Whether an expression is a text, which is converted to the field's type.
pub(crate) fn is_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }))
}
