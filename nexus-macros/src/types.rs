//! What types look like, as far as a macro can see.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, Type};

/// The type arguments of `Name<..>`, by the last part of the path; `None` if it is another type.
pub(crate) fn args_of<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last()?;
    if last.ident != name {
        return None;
    }
    let PathArguments::AngleBracketed(given) = &last.arguments else { return Some(Vec::new()) };
    let types = given.args.iter().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// `T` of `Name<T>`.
pub(crate) fn only_arg<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    match args_of(ty, name)?.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The type without the parentheses round it, and without the invisible ones of a type that came
/// through a `macro_rules!`.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(inner) => &inner.elem,
            Type::Paren(inner) => &inner.elem,
            _ => return ty,
        };
    }
}

/// Whether this is `&'static T`, which is a value like any other.
pub(crate) fn is_static_ref(ty: &Type) -> bool {
    matches!(ty, Type::Reference(it) if it.lifetime.as_ref().is_some_and(|name| name.ident == "static"))
}

/// The shape that takes what is piped into a parameter of this type (see `nexus_core::shape`).
pub(crate) fn shape(private: &TokenStream, ty: &Type) -> TokenStream {
    let ty = bare(ty);
    match ty {
        Type::Reference(it) if !is_static_ref(ty) => {
            let target = &it.elem;
            return quote!(#private::ByRef<#target>);
        }
        Type::Tuple(tuple) if tuple.elems.len() > 1 => {
            let members = tuple.elems.iter().map(|member| shape(private, member));
            return quote!(#private::Tuple<(#(#members,)*)>);
        }
        _ => {}
    }
    if let Some(target) = only_arg(ty, "Arc") {
        return quote!(#private::ByArc<#target>);
    }
    if let Some(item) = only_arg(ty, "Vec") {
        let item = shape(private, item);
        return quote!(#private::List<#item>);
    }
    if let Some(args) = args_of(ty, "Result")
        && let [value, failure] = args.as_slice()
        && args_of(failure, "Failure").is_some()
    {
        let value = shape(private, value);
        return quote!(#private::OrFailure<#value>);
    }
    quote!(#private::ByVal<#ty>)
}

/// What is wrong with a type that is to own its data, if anything.
pub(crate) fn not_owned(ty: &Type) -> Option<&'static str> {
    let mut scan = Scan::default();
    scan.tokens(ty.to_token_stream());
    if scan.has_impl {
        return Some("an event has one concrete type: `impl Trait` is none");
    }
    (scan.borrows && !scan.is_code).then_some(
        "an event outlives what it would borrow here: use types that own their data, or `'static`",
    )
}

#[derive(Default)]
struct Scan {
    has_impl: bool,
    borrows: bool,
    is_code: bool,
}

impl Scan {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => match ident.to_string().as_str() {
                    "impl" => self.has_impl = true,
                    "fn" | "Fn" | "FnMut" | "FnOnce" => self.is_code = true,
                    _ => {}
                },
                TokenTree::Punct(punct) if punct.as_char() == '&' => {
                    let lifetime = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                    self.borrows |= !lifetime;
                }
                TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                    self.borrows |= tokens.peek().is_some_and(|name| name.to_string() != "static");
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}
