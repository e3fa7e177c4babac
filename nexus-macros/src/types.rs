//! Questions about types that their tokens alone can answer.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, Type, TypeReference};

use crate::text::text;

/// The type arguments of `Name<..>`, by the last part of the path; `None` if it is another type.
pub(crate) fn generic_args<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let Type::Path(path) = without_parens(ty) else { return None };
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
pub(crate) fn single_generic_arg<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    match generic_args(ty, name)?.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The type without the parentheses round it, and without the invisible ones of a type that came
/// through a `macro_rules!`.
pub(crate) fn without_parens(mut ty: &Type) -> &Type {
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

/// Whether this is one of the types that everybody knows: it owns its data, can be cloned and serialised,
/// and is neither a state nor the context. The compiler need not be asked.
pub(crate) fn is_well_known(ty: &Type) -> bool {
    const NAMES: [&str; 17] = [
        "bool", "char", "str", "String", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32",
        "i64", "isize", "f32", "f64", "i128",
    ];
    match without_parens(ty) {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Slice(slice) => is_well_known(&slice.elem),
        Type::Path(path) => match path.path.get_ident() {
            Some(name) => NAMES.iter().any(|known| name == known),
            None if path.path.segments.len() == 1 => ["Vec", "Option"]
                .iter()
                .find_map(|name| single_generic_arg(ty, name))
                .is_some_and(is_well_known),
            None => false,
        },
        _ => false,
    }
}

/// The same of what is piped, by value or by reference.
pub(crate) fn is_known_piped(ty: &Type) -> bool {
    match without_parens(ty) {
        Type::Reference(it) => it.lifetime.is_none() && is_well_known(&it.elem),
        ty => is_well_known(ty),
    }
}

/// Whether a type is written with a reference that has a lifetime. Who reads such a value has nothing
/// that it could borrow from for so long.
pub(crate) fn borrows(ty: &Type) -> bool {
    text(ty).contains("&'")
}

/// Whether the type is plainly one whose values have no size of their own.
pub(crate) fn is_unsized(ty: &Type) -> bool {
    match without_parens(ty) {
        Type::Slice(_) | Type::TraitObject(_) => true,
        ty => generic_args(ty, "str").is_some(),
    }
}

/// `T` of a field or parameter `Arc<T>`, which shares a value of type `T`. An `Arc<str>` is itself
/// the value.
pub(crate) fn arc_target(ty: &Type) -> Option<&Type> {
    single_generic_arg(ty, "Arc").filter(|target| !is_unsized(target))
}

/// `&T` of `Option<&T>`, which borrows from an option.
pub(crate) fn option_ref(ty: &Type) -> Option<&TypeReference> {
    match without_parens(single_generic_arg(ty, "Option")?) {
        inner @ Type::Reference(target) if !is_static_ref(inner) => Some(target),
        _ => None,
    }
}

/// The type that a parameter of this type borrows from, for messages, where it is not plain from
/// the type itself.
pub(crate) fn owner_text(ty: &Type) -> Option<String> {
    if let Some(target) = option_ref(ty) {
        let inner = owned_text(&target.elem).unwrap_or_else(|| text(&target.elem));
        return Some(format!("Option<{inner}>"));
    }
    match without_parens(ty) {
        Type::Reference(it) if !is_static_ref(ty) => owned_text(&it.elem),
        _ => None,
    }
}

/// The type that owns a `str` or the like, as `nexus_core::Borrowed` has it.
fn owned_text(target: &Type) -> Option<String> {
    if let Type::Slice(slice) = without_parens(target) {
        return Some(format!("Vec<{}>", text(&slice.elem)));
    }
    let owned =
        [("str", "String"), ("Path", "PathBuf"), ("OsStr", "OsString"), ("CStr", "CString")];
    let is_it = |name: &str| generic_args(target, name).is_some_and(|args| args.is_empty());
    owned.iter().find(|(name, _)| is_it(name)).map(|(_, owned)| (*owned).to_owned())
}

/// The shape that takes what is piped into a parameter of this type (see `nexus_core::shape`).
pub(crate) fn shape(private: &TokenStream, ty: &Type) -> TokenStream {
    let ty = without_parens(ty);
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
    if let Some(target) = arc_target(ty) {
        return quote!(#private::ByArc<#target>);
    }
    if let Some(target) = option_ref(ty) {
        let target = &target.elem;
        return quote!(#private::ByOption<#target>);
    }
    if let Some(item) = single_generic_arg(ty, "Vec") {
        let item = shape(private, item);
        return quote!(#private::List<#item>);
    }
    if let Some(args) = generic_args(ty, "Result")
        && let [value, failure] = args.as_slice()
        && generic_args(failure, "Failure").is_some()
    {
        let value = shape(private, value);
        return quote!(#private::OrFailure<#value>);
    }
    quote!(#private::ByVal<#ty>)
}

/// The message for a type that does not own its data; `None` if it does.
pub(crate) fn ownership_error(ty: &Type) -> Option<&'static str> {
    let mut scanner = TypeScanner::default();
    scanner.tokens(ty.to_token_stream());
    if scanner.has_impl {
        return Some("`impl Trait` is not allowed in an event's signature; name the concrete type");
    }
    (scanner.borrows && !scanner.is_code).then_some(
        "an event cannot borrow data with this lifetime; use a type that owns its data, such as `String`, or a `'static` reference",
    )
}

#[derive(Default)]
struct TypeScanner {
    has_impl: bool,
    borrows: bool,
    is_code: bool,
}

impl TypeScanner {
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
