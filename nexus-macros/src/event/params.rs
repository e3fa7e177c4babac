//! The parameters of an event (R1), and what it returns (R3).

use proc_macro2::Span;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Pat, PatType, ReceiverKind, ReturnType, Signature, Token, Type};

use crate::ctxt::Ctxt;
use crate::text::text;
use crate::types::{
    args_of, bare, borrowed_from, is_static_ref, is_unsized, not_owned, only_arg, optional, shared,
};

/// A parameter.
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) from: From,
    /// The type of the field or state, of a reference what it refers to; of `#[piped]`, the
    /// parameter's own.
    pub(crate) ty: Type,
    /// The whole type, as written.
    pub(crate) text: String,
    /// The type that it borrows from, for messages; empty where that is plain from the whole type.
    pub(crate) owned: String,
    pub(crate) span: Span,
}

/// Where a parameter's value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Field(Pass),
    Piped,
    State,
    Context,
}

/// How a field is handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
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
    /// Whether it is written `Result<Outcome<T>, E>`.
    pub(crate) nested: bool,
    /// The type that it yields, as written.
    pub(crate) output: String,
    /// Where an async event says so, and its name.
    pub(crate) is_async: Option<(Span, Span)>,
}

/// Reads a signature, and takes the `#[piped]` marks out of it. `None` if there is a mistake.
pub(crate) fn read(cx: &Ctxt, signature: &mut Signature, is_method: bool) -> Option<Model> {
    let fine = check_signature(cx, signature);
    let params = inputs(cx, &mut signature.inputs, is_method);
    let returns = returns(cx, signature);
    let (returns, params) = (returns?, params?);
    fine.then(|| Model {
        nested: is_nested(&returns),
        output: output_text(&returns),
        is_async: signature
            .asyncness
            .as_ref()
            .map(|token| (crate::span::ends(token).0, signature.ident.span())),
        params,
        returns,
    })
}

fn check_signature(cx: &Ctxt, signature: &Signature) -> bool {
    let mut fine = true;
    let mut refuse = |tokens: &dyn ToTokens, message: &str| {
        cx.error(tokens.to_token_stream(), message);
        fine = false;
    };
    if let Some(token) = &signature.constness {
        refuse(token, "an event runs when the program does: remove `const`");
    }
    match &signature.safety {
        syn::Safety::Default => {}
        safety => refuse(
            safety,
            "an event is called by nexus, which can promise nothing: make it a safe function",
        ),
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, "an event is a Rust function: remove `extern`");
    }
    if !signature.generics.params.is_empty() {
        refuse(
            &signature.generics,
            "an event has one concrete type: remove the generics, and call a generic function from it",
        );
    } else if let Some(clause) = &signature.generics.where_clause {
        refuse(clause, "an event has one concrete type: remove the `where` clause");
    }
    if let Some(variadic) = &signature.variadic {
        refuse(variadic, "an event's parameters are the fields of a pipeline, by name");
    }
    fine
}

fn inputs(
    cx: &Ctxt,
    inputs: &mut Punctuated<FnArg, Token![,]>,
    is_method: bool,
) -> Option<Vec<Param>> {
    let mut params: Vec<Param> = Vec::new();
    let mut fine = true;
    let mut has_self = false;
    for (index, input) in inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) if is_method && index == 0 => {
                has_self = true;
                if !is_shared_self(&receiver.kind) {
                    cx.error(&*receiver, "an event is shared by all of its tasks: take `&self`");
                    fine = false;
                }
            }
            FnArg::Receiver(receiver) => {
                cx.error(&*receiver, "an event function takes no `self`: for an event with fields, put `#[derive(Event)]` on the struct and `#[event]` on the impl block");
                fine = false;
            }
            FnArg::Typed(typed) => match param(cx, typed) {
                Some(param)
                    if param.from == From::Piped
                        && params.iter().any(|it| it.from == From::Piped) =>
                {
                    cx.error_at(param.span, "only one value comes along `|->`: mark one parameter; a group's values are a tuple or a `Vec`");
                    fine = false;
                }
                Some(param) => params.push(param),
                None => fine = false,
            },
        }
    }
    if is_method && !has_self {
        let message = "`process` is called on the event: add `&self`";
        match inputs.first() {
            Some(first) => cx.error(first, message),
            None => cx.error_at(Span::call_site(), message),
        }
        fine = false;
    }
    fine.then_some(params)
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
    let written = bare(&typed.ty);
    let span = crate::span::ends(&typed.pat).0;
    let (from, ty) = classify(cx, written, piped)?;
    let name = match &*typed.pat {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
            crate::span::plain(&name.ident)
        }
        pat if matches!(from, From::Field(_)) => {
            cx.error(
                pat,
                "a parameter takes the pipeline's field of its name: write a plain name here",
            );
            return None;
        }
        pat => text(pat),
    };
    let owned = borrowed_from(written).unwrap_or_default();
    Some(Param { name, from, ty, text: text(&*typed.ty), owned, span })
}

/// Removes `#[piped]`; says whether it was there. `None` for attributes that a parameter cannot have.
fn take_piped(cx: &Ctxt, attrs: &mut Vec<Attribute>) -> Option<bool> {
    let mut fine = true;
    let mut piped = false;
    attrs.retain(|attr| {
        let path = attr.path();
        if path.is_ident("piped") {
            if piped || attr.meta.require_path_only().is_err() {
                cx.error(attr, "write `#[piped]`, once");
                fine = false;
            }
            piped = true;
            return false;
        }
        let lint = ["allow", "warn", "deny", "forbid", "expect", "doc"]
            .iter()
            .any(|name| path.is_ident(name));
        if !lint {
            cx.error(attr, "a parameter of an event takes no attribute but `#[piped]`");
            fine = false;
        }
        lint
    });
    fine.then_some(piped)
}

fn classify(cx: &Ctxt, ty: &Type, piped: bool) -> Option<(From, Type)> {
    let refuse = |message: &str| {
        cx.error(ty, message);
        None
    };
    if is_unsized(ty) {
        // The compiler says itself that no function can take it, and what to write.
        return None;
    }
    if piped {
        let reference = match ty {
            Type::Reference(it) if !is_static_ref(ty) => Some(it),
            ty => optional(ty),
        };
        return match reference {
            Some(it) if it.mutability.is_some() => {
                refuse("a value that came along `|->` is shared: take it by `&`, or by value")
            }
            Some(it) if is_dyn(&it.elem) => refuse(NO_DYN),
            _ => piped_type(cx, ty),
        };
    }
    if let Some(it) = optional(ty) {
        return match &*it.elem {
            _ if it.mutability.is_some() => refuse(SHARED_FIELD),
            target if is_dyn(target) => refuse(NO_DYN),
            target => owned(cx, target, From::Field(Pass::OptionRef)),
        };
    }
    if let Type::Reference(it) = ty
        && !is_static_ref(ty)
    {
        let target = &*it.elem;
        if it.mutability.is_some() {
            return refuse(SHARED_FIELD);
        }
        if args_of(target, "Context").is_some_and(|args| args.is_empty()) {
            return Some((From::Context, target.clone()));
        }
        if args_of(target, "State").is_some() {
            return refuse("take a `State<T>` by value; it is a shared pointer");
        }
        if shared(target).is_some() {
            return refuse("take `&T` or `Arc<T>`: both share the field of type `T`");
        }
        if is_dyn(target) {
            return refuse(NO_DYN);
        }
        return owned(cx, target, From::Field(Pass::Ref));
    }
    if let Some(args) = args_of(ty, "State") {
        return match args.as_slice() {
            [only] => owned(cx, only, From::State),
            _ => refuse("a state has one type: `State<Gateway>`"),
        };
    }
    if args_of(ty, "Context").is_some_and(|args| args.is_empty()) {
        return refuse("take the context by reference: `&Context`");
    }
    match shared(ty) {
        Some(target) => owned(cx, target, From::Field(Pass::Arc)),
        None => owned(cx, ty, From::Field(Pass::Clone)),
    }
}

const SHARED_FIELD: &str =
    "an event shares its input with others: take it by `&`, or by value and change your copy";
const NO_DYN: &str =
    "no value has the type `dyn Trait`: take a `&Box<dyn Trait>`, or the concrete type";

fn is_dyn(ty: &Type) -> bool {
    matches!(bare(ty), Type::TraitObject(_))
}

fn owned(cx: &Ctxt, ty: &Type, from: From) -> Option<(From, Type)> {
    match not_owned(ty) {
        None => Some((from, ty.clone())),
        Some(message) => {
            cx.error(ty, message);
            None
        }
    }
}

/// In what is piped, references may stand where a shape is made of them.
fn piped_type(cx: &Ctxt, ty: &Type) -> Option<(From, Type)> {
    fn check(ty: &Type) -> Option<&'static str> {
        match bare(ty) {
            Type::Reference(it) if !is_static_ref(ty) => match &it.lifetime {
                Some(_) => Some("leave the lifetime out"),
                None => not_owned(&it.elem),
            },
            Type::Tuple(tuple) => tuple.elems.iter().find_map(check),
            ty if optional(ty).is_some() => only_arg(ty, "Option").and_then(check),
            ty => match (only_arg(ty, "Vec"), args_of(ty, "Result").as_deref()) {
                (Some(item), _) => check(item),
                (_, Some([value, _])) => check(value),
                _ => not_owned(ty),
            },
        }
    }
    match check(ty) {
        None => Some((From::Piped, ty.clone())),
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
            let message = "an event says how it ended: return `Outcome<()>`, `Outcome<T>`, `Result<T, E>` or `(bool, T)`";
            cx.error(&signature.ident, message);
            return None;
        }
    };
    if let Type::Never(_) = ty {
        cx.error(ty, "an event says how it ended: return `Outcome<()>`");
        return None;
    }
    owned(cx, ty, From::Piped).map(|(_, ty)| ty)
}

fn is_nested(ty: &Type) -> bool {
    args_of(ty, "Result")
        .and_then(|args| args.first().copied())
        .is_some_and(|value| args_of(value, "Outcome").is_some())
}

fn output_text(ty: &Type) -> String {
    if let Type::Tuple(tuple) = ty
        && let [_, value] = tuple.elems.iter().collect::<Vec<_>>().as_slice()
    {
        return text(value);
    }
    for name in ["Result", "Outcome"] {
        if let Some(first) = args_of(ty, name).and_then(|args| args.first().copied()) {
            return output_text_inner(first);
        }
    }
    text(ty)
}

fn output_text_inner(ty: &Type) -> String {
    match only_arg(ty, "Outcome") {
        Some(value) => text(value),
        None => text(ty),
    }
}
