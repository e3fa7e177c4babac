//! `#[derive(Descriptor)]`: an enum whose variants name branches.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Ident, LitInt, Variant};

use crate::args::{self, ArgValue, DESCRIPTOR, VARIANT, Value};
use crate::ctxt::Ctxt;
use crate::root::Root;
use crate::span::{without_location, without_raw_prefix};

/// The branch of a variant.
#[derive(Clone, PartialEq)]
enum Branch {
    Number(u32),
    Name(String),
}

/// Expands `#[derive(Descriptor)]`.
pub(crate) fn derive(tokens: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(tokens) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let cx = Ctxt::default();
    let root = root(&cx, &input.attrs);
    let branches = branches(&cx, &input);
    let code = match branches {
        Some(branches) => expand(&root.private(), &input.ident, &branches),
        None => TokenStream::new(),
    };
    let errors = cx.finish();
    let output = quote!(#code #errors);
    crate::debug::print(&without_raw_prefix(&input.ident), "#[derive(Descriptor)]", &output);
    output
}

/// `#[descriptor(crate = path)]` on the enum.
fn root(cx: &Ctxt, attrs: &[Attribute]) -> Root {
    let given = attrs.iter().filter(|attr| attr.path().is_ident("descriptor"));
    let given = given.flat_map(|attr| args::of(cx, attr, &DESCRIPTOR));
    let known = args::known(cx, given.collect(), DESCRIPTOR.keys);
    Root::new(known.into_iter().find_map(|(arg, _)| match arg.value {
        Some(Value::Path(path)) => Some(path),
        _ => None,
    }))
}

fn branches(cx: &Ctxt, input: &DeriveInput) -> Option<Vec<(Ident, Branch)>> {
    let Data::Enum(data) = &input.data else {
        cx.error(&input.ident, "`Descriptor` is for enums: each variant names a branch");
        return None;
    };
    if !input.generics.params.is_empty() {
        cx.error(
            &input.generics,
            "an enum that derives `Descriptor` cannot be generic; remove the parameters",
        );
        return None;
    }
    if data.variants.is_empty() {
        cx.error(&input.ident, "this enum has no variants, so an event that returns it could go nowhere; add a variant for each branch");
    }
    let mut branches: Vec<(Ident, Branch)> = Vec::new();
    for variant in &data.variants {
        let (branch, at) = branch(cx, variant);
        check(cx, &branch, &at);
        if let Some((first, _)) = branches.iter().find(|(_, other)| *other == branch) {
            let what = match &branch {
                Branch::Number(number) => number.to_string(),
                Branch::Name(name) => name.clone(),
            };
            cx.error(&at, format!("`{first}` has the descriptor `{what}` already; give one of them another with `#[descriptor(..)]`"));
        }
        branches.push((variant.ident.clone(), branch));
    }
    Some(branches)
}

/// The branch of a variant, and where it was said.
fn branch(cx: &Ctxt, variant: &Variant) -> (Branch, TokenStream) {
    let name = &variant.ident;
    let mut found = (Branch::Name(snake(&without_raw_prefix(name))), quote!(#name));
    let mut given = false;
    for attr in variant.attrs.iter().filter(|attr| attr.path().is_ident("descriptor")) {
        if given {
            cx.error(attr, "the descriptor is given twice: keep one of the two");
        }
        given = true;
        found = argument(cx, attr).unwrap_or(found);
    }
    found
}

/// The branch that an attribute names.
fn argument(cx: &Ctxt, attr: &Attribute) -> Option<(Branch, TokenStream)> {
    if let Ok(number) = attr.parse_args::<LitInt>() {
        let Ok(value) = number.base10_parse() else {
            cx.error(number, format!("a descriptor goes from 0 to {}", u32::MAX));
            return None;
        };
        return Some((Branch::Number(value), quote!(#number)));
    }
    let given = args::of(cx, attr, &VARIANT);
    if let Some(other) = given.first().filter(|arg| arg.name() != "name") {
        cx.error(&other.key, VARIANT.shape);
        return None;
    }
    let given = args::known(cx, given, VARIANT.keys);
    let (arg, key) = given.into_iter().next()?;
    match args::value(cx, key, &arg.key, arg.value)? {
        ArgValue::Text(name) => Some((Branch::Name(name.value()), quote!(#name))),
        _ => None,
    }
}

fn check(cx: &Ctxt, branch: &Branch, at: &TokenStream) {
    match branch {
        Branch::Number(0) => cx.error(
            at,
            "`0` is reserved for failures; give this variant a number from 2 up, or a name",
        ),
        Branch::Number(1) => cx.error(
            at,
            "`1` is reserved for successes; give this variant a number from 2 up, or a name",
        ),
        Branch::Number(_) => {}
        Branch::Name(name) => {
            let script = format!("A ({name} -> B)");
            let fine = nexus_pointy::parse(&script)
                .into_result()
                .is_ok_and(|flow| flow.to_string() == script);
            if !fine {
                cx.error(at, "a branch cannot have this name; use letters, digits and `_`");
            }
        }
    }
}

/// `TooLarge` becomes `too_large`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut chars = name.chars().peekable();
    let mut lower = false;
    while let Some(c) = chars.next() {
        let starts =
            c.is_uppercase() && (lower || chars.peek().is_some_and(|next| next.is_lowercase()));
        if starts && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        lower = !c.is_uppercase();
        out.extend(c.to_lowercase());
    }
    out
}

fn expand(private: &TokenStream, name: &Ident, branches: &[(Ident, Branch)]) -> TokenStream {
    let me = without_location(name);
    let names = branches.iter().map(|(_, branch)| match branch {
        Branch::Number(number) => {
            let number = Literal::u32_unsuffixed(*number);
            quote!(#private::DescriptorName::Number(#number))
        }
        Branch::Name(name) => quote!(#private::DescriptorName::Name(#name)),
    });
    let indexes = 0..branches.len();
    let variants = branches.iter().map(|(variant, _)| without_location(variant));
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #private::Descriptors for #me {
                const ALL: &'static [#private::DescriptorName] = &[#(#names),*];
                fn descriptor(&self) -> #private::Descriptor {
                    let index: usize = match *self { #(Self::#variants { .. } => #indexes,)* };
                    #private::descriptor::<Self>(index)
                }
            }
            #[automatically_derived]
            impl #private::IntoOutcome<#private::Plain> for #me {
                type Output = Self;
                const DESCRIPTORS: &'static [#private::DescriptorName] =
                    <Self as #private::Descriptors>::ALL;
                const GOTO: #private::Option<#private::BranchOf> =
                    #private::Option::Some(#private::goto_of::<Self>);
                fn into_outcome(self) -> #private::TaskOutcome {
                    #private::TaskOutcome::Success(#private::Value::new(self))
                }
            }
            #[automatically_derived]
            impl #private::From<#me> for #private::Descriptor {
                fn from(value: #me) -> Self {
                    #private::Descriptors::descriptor(&value)
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn variants_become_names_of_branches() {
        for (variant, expected) in [
            ("Premium", "premium"),
            ("TooLarge", "too_large"),
            ("HTTPError", "http_error"),
            ("A", "a"),
            ("V2Ray", "v2_ray"),
        ] {
            assert_eq!(super::snake(variant), expected);
        }
    }
}
