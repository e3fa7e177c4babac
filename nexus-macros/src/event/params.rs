//! The parameters of an event (R1), and what it returns (R3).

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Attribute, FnArg, Pat, PatType, ReceiverKind, ReturnType, Signature, Type};

use crate::ctxt::Ctxt;
use crate::text::text;
use crate::types::{
    arc_target, generic_args, is_static_ref, is_unsized, is_well_known, option_ref, owner_text,
    ownership_error, single_generic_arg, without_parens,
};

/// A parameter.
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) source: ParamSource,
    /// The type of the field or state, of a reference what it refers to; of `#[piped]`, the
    /// parameter's own.
    pub(crate) ty: Type,
    /// The whole type, as written.
    pub(crate) text: String,
    /// The type that it borrows from, for messages; empty where that is plain from the whole type.
    pub(crate) owned: String,
    pub(crate) span: Span,
}

/// The form in which an event returns its outcome, as far as the tokens say it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `Outcome<T>` or `(bool, T)`
    Plain,
    /// `Result<T, E>`
    Result,
    /// `Result<Outcome<T>, E>`
    Nested,
    /// An enum with `#[derive(Descriptor)]`, an alias, or what cannot be returned.
    Other,
}

/// Where a parameter's value comes from. Whether a `&T` is the context, and whether a `T` is a state,
/// the compiler is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParamSource {
    Field(PassMode),
    Piped,
}

/// How a field is passed to the parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassMode {
    Ref,
    /// `Option<&T>`.
    OptionRef,
    Clone,
    Arc,
}

/// What an event takes and returns.
pub(crate) struct Model {
    pub(crate) params: Vec<Param>,
    pub(crate) returns: Type,
    pub(crate) form: Form,
    /// The type of its output, where the tokens say it.
    pub(crate) yields: Option<Type>,
    /// The type of its output, as written.
    pub(crate) output: String,
    /// Of an async event, the spans of `async` and of the event's name.
    pub(crate) is_async: Option<(Span, Span)>,
}

/// Reads a signature, and takes the `#[piped]` marks out of it. `None` if there is a mistake.
pub(crate) fn read(cx: &Ctxt, signature: &mut Signature, is_method: bool) -> Option<Model> {
    let is_valid = check_signature(cx, signature);
    let params = inputs(cx, signature, is_method);
    let returns = returns(cx, signature);
    let (returns, params) = (returns?, params?);
    is_valid.then(|| Model {
        form: form(&returns),
        output: yields(&returns).map_or_else(|| text(&returns), text),
        yields: (!is_result_alias(&returns)).then(|| yields(&returns).cloned()).flatten(),
        is_async: signature
            .asyncness
            .as_ref()
            .map(|token| (crate::span::end_spans(token).0, signature.ident.span())),
        params,
        returns,
    })
}

fn check_signature(cx: &Ctxt, signature: &Signature) -> bool {
    let mut is_valid = true;
    let mut refuse = |tokens: &dyn ToTokens, message: &str| {
        cx.error(tokens.to_token_stream(), message);
        is_valid = false;
    };
    if let Some(token) = &signature.constness {
        refuse(token, "an event cannot be a `const fn`; remove `const`");
    }
    match &signature.safety {
        syn::Safety::Default => {}
        safety => {
            refuse(safety, "an event cannot be an `unsafe fn`; wrap the call in a safe function");
        }
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, "an event cannot be an `extern` function; remove `extern`");
    }
    if !signature.generics.params.is_empty() {
        refuse(
            &signature.generics,
            "an event cannot be generic; name concrete types, and call a generic function from the body",
        );
    } else if let Some(clause) = &signature.generics.where_clause {
        refuse(clause, "an event cannot have a `where` clause; name concrete types");
    }
    if let Some(variadic) = &signature.variadic {
        refuse(
            variadic,
            "an event cannot take `...`; its parameters are fields of the pipeline, bound by name",
        );
    }
    is_valid
}

fn inputs(cx: &Ctxt, signature: &mut Signature, is_method: bool) -> Option<Vec<Param>> {
    let mut params: Vec<Param> = Vec::new();
    let mut is_valid = true;
    let mut has_self = false;
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) if is_method && index == 0 => {
                has_self = true;
                if !is_shared_self(&receiver.kind) {
                    cx.error(&*receiver, "all tasks share the event; take `&self`");
                    is_valid = false;
                }
            }
            FnArg::Receiver(receiver) => {
                cx.error(&*receiver, "an event function takes no `self`; for an event with fields, put `#[derive(Event)]` on the struct and `#[event]` on the impl block");
                is_valid = false;
            }
            FnArg::Typed(typed) => match param(cx, typed) {
                Some(param)
                    if param.source == ParamSource::Piped
                        && params.iter().any(|it| it.source == ParamSource::Piped) =>
                {
                    cx.error_at(param.span, "only one parameter can be `#[piped]`; for several values write `#[piped] (a, b): (A, B)`");
                    is_valid = false;
                }
                Some(param) => params.push(param),
                None => is_valid = false,
            },
        }
    }
    if is_method && !has_self {
        let message = "`process` is a method of the event; add `&self`";
        match signature.inputs.first() {
            Some(first) => cx.error(first, message),
            None => cx.error(&signature.ident, message),
        }
        is_valid = false;
    }
    is_valid.then_some(params)
}

fn is_shared_self(kind: &ReceiverKind) -> bool {
    match kind {
        ReceiverKind::Reference(_, lifetime, mutability) => {
            lifetime.is_none() && mutability.is_none()
        }
        _ => false,
    }
}

fn param(cx: &Ctxt, typed: &mut PatType) -> Option<Param> {
    let piped = take_piped(cx, &mut typed.attrs)?;
    let written = without_parens(&typed.ty);
    let span = crate::span::end_spans(&typed.pat).0;
    let (source, ty) = classify(cx, written, piped)?;
    let name = match &*typed.pat {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
            crate::span::without_raw_prefix(&name.ident)
        }
        Pat::Wild(_) if !is_well_known(written) => "_".to_owned(),
        pat if matches!(source, ParamSource::Field(_)) => {
            let name =
                if matches!(pat, Pat::Tuple(it) if it.elems.len() == 2) { "pair" } else { "value" };
            let ty = text(&*typed.ty);
            cx.error(pat, format!("this parameter is bound by name to a pipeline field, so it cannot be a pattern; take `{name}: {ty}` and destructure it in the body"));
            return None;
        }
        pat => text(pat),
    };
    let owned = owner_text(written).unwrap_or_default();
    Some(Param { name, source, ty, text: text(&*typed.ty), owned, span })
}

/// Removes `#[piped]`, and returns whether it was there. `None` for attributes that a parameter
/// cannot have.
fn take_piped(cx: &Ctxt, attrs: &mut Vec<Attribute>) -> Option<bool> {
    let mut is_valid = true;
    let mut piped = false;
    attrs.retain(|attr| {
        let path = attr.path();
        if path.is_ident("piped") {
            if piped || attr.meta.require_path_only().is_err() {
                cx.error(attr, "write `#[piped]` once, without arguments");
                is_valid = false;
            }
            piped = true;
            return false;
        }
        let lint = ["allow", "warn", "deny", "forbid", "expect", "doc"]
            .iter()
            .any(|name| path.is_ident(name));
        if !lint {
            cx.error(attr, "the only attribute of an event's parameter is `#[piped]`");
            is_valid = false;
        }
        lint
    });
    is_valid.then_some(piped)
}

fn classify(cx: &Ctxt, ty: &Type, piped: bool) -> Option<(ParamSource, Type)> {
    let refuse = |message: &str| {
        cx.error(ty, message);
        None
    };
    if is_unsized(ty) {
        // The compiler itself reports that no function can take it, and what to write.
        return None;
    }
    if piped {
        let reference = match ty {
            Type::Reference(it) if !is_static_ref(ty) => Some(it),
            ty => option_ref(ty),
        };
        return match reference {
            Some(it) if it.mutability.is_some() => {
                refuse("a piped value is shared; take it by `&`, or by value")
            }
            Some(it) if is_dyn(&it.elem) => refuse(NO_DYN),
            _ => piped_type(cx, ty),
        };
    }
    if let Some(it) = option_ref(ty) {
        return match &*it.elem {
            _ if it.mutability.is_some() => refuse(SHARED_FIELD),
            target if is_dyn(target) => refuse(NO_DYN),
            target => require_owned(cx, target, ParamSource::Field(PassMode::OptionRef)),
        };
    }
    if let Type::Reference(it) = ty
        && !is_static_ref(ty)
    {
        let target = &*it.elem;
        if it.mutability.is_some() {
            return refuse(SHARED_FIELD);
        }
        if single_generic_arg(target, "State").is_some() {
            return refuse("take `State<T>` by value; it is a shared pointer");
        }
        if arc_target(target).is_some() {
            return refuse("take `&T` or `Arc<T>`; both share the field of type `T`");
        }
        if is_dyn(target) {
            return refuse(NO_DYN);
        }
        return require_owned(cx, target, ParamSource::Field(PassMode::Ref));
    }
    match arc_target(ty) {
        Some(target) => require_owned(cx, target, ParamSource::Field(PassMode::Arc)),
        None => require_owned(cx, ty, ParamSource::Field(PassMode::Clone)),
    }
}

const SHARED_FIELD: &str = "an event cannot change its input, which other events share; take it by `&`, or by value to change a copy";
const NO_DYN: &str =
    "a `dyn Trait` has no owner to borrow it from; take a `&Box<dyn Trait>`, or the concrete type";

fn is_dyn(ty: &Type) -> bool {
    matches!(without_parens(ty), Type::TraitObject(_))
}

fn require_owned(cx: &Ctxt, ty: &Type, source: ParamSource) -> Option<(ParamSource, Type)> {
    match ownership_error(ty) {
        None => Some((source, ty.clone())),
        Some(message) => {
            cx.error(ty, message);
            None
        }
    }
}

/// The type of a `#[piped]` parameter, which may contain references where a shape can produce them.
fn piped_type(cx: &Ctxt, ty: &Type) -> Option<(ParamSource, Type)> {
    fn check(ty: &Type) -> Option<&'static str> {
        match without_parens(ty) {
            Type::Reference(it) if !is_static_ref(ty) => match &it.lifetime {
                Some(_) => {
                    Some("remove the lifetime; the event borrows for as long as the task runs")
                }
                None => ownership_error(&it.elem),
            },
            Type::Tuple(tuple) => tuple.elems.iter().find_map(check),
            ty if option_ref(ty).is_some() => single_generic_arg(ty, "Option").and_then(check),
            ty => match (single_generic_arg(ty, "Vec"), generic_args(ty, "Result").as_deref()) {
                (Some(item), _) => check(item),
                (_, Some([value, _])) => check(value),
                _ => ownership_error(ty),
            },
        }
    }
    match check(ty) {
        None => Some((ParamSource::Piped, ty.clone())),
        Some(message) => {
            cx.error(ty, message);
            None
        }
    }
}

fn returns(cx: &Ctxt, signature: &Signature) -> Option<Type> {
    let ty = match &signature.output {
        ReturnType::Type(_, ty) => &**ty,
        ReturnType::Default => {
            let message =
                "missing return type; add `-> Outcome<()>` and end with `Outcome::success(())`";
            cx.error(&signature.ident, message);
            return None;
        }
    };
    if let Type::Never(_) = ty {
        cx.error(ty, "an event has to end; return `Outcome<()>`");
        return None;
    }
    if form(ty) == Form::Other && (is_well_known(ty) || is_static_ref(ty)) {
        let ty_text = text(ty);
        cx.error(ty, format!("an event cannot return `{ty_text}`; return `Outcome<{ty_text}>` and end with `Outcome::success(..)`"));
        return None;
    }
    require_owned(cx, ty, ParamSource::Piped).map(|(_, ty)| ty)
}

fn form(ty: &Type) -> Form {
    if generic_args(ty, "Outcome").is_some() || flagged(ty).is_some() {
        return Form::Plain;
    }
    match generic_args(ty, "Result").and_then(|args| args.first().copied()) {
        Some(value) if generic_args(value, "Outcome").is_some() => Form::Nested,
        Some(_) => Form::Result,
        None => Form::Other,
    }
}

/// `T` of `Outcome<T>`, `Result<T, E>`, `Result<Outcome<T>, E>` and `(bool, T)`.
fn yields(ty: &Type) -> Option<&Type> {
    if let Some(value) = flagged(ty) {
        return Some(value);
    }
    let first = |name| generic_args(ty, name).and_then(|args| args.first().copied());
    let value = first("Result").or_else(|| first("Outcome"))?;
    Some(single_generic_arg(value, "Outcome").unwrap_or(value))
}

/// Whether this is an alias of `Result`, such as `io::Result<T>`. Which type of it the event yields only
/// its declaration says, so the compiler is asked.
fn is_result_alias(ty: &Type) -> bool {
    match generic_args(ty, "Result").as_deref() {
        Some([value]) => generic_args(value, "Outcome").is_none(),
        _ => false,
    }
}

/// `T` of `(bool, T)`.
fn flagged(ty: &Type) -> Option<&Type> {
    let Type::Tuple(tuple) = without_parens(ty) else { return None };
    match tuple.elems.iter().collect::<Vec<_>>().as_slice() {
        [flag, value] if generic_args(flag, "bool").is_some() => Some(value),
        _ => None,
    }
}
