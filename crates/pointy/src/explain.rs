//! A page for every code.

/// Explains a code of a diagnostic: what is wrong, why it is refused, and the cure, with
/// an example of both. Markdown, about a dozen lines. `None` for what is no code.
///
/// Codes start with `P` where the script alone is wrong ([`code`](crate::code)), and with
/// `N` where it does not fit its events ([`binding_code`](crate::binding_code)), which the macros and
/// the runtime find.
///
/// ```
/// let page = nexus_pointy::explain("P0020").unwrap();
/// assert!(page.starts_with("# P0020: two branches have the same descriptor"));
/// assert_eq!(nexus_pointy::explain("P9999"), None);
/// ```
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    let at = PAGES.binary_search_by_key(&code, |(code, _)| code).ok()?;
    PAGES.get(at).map(|(_, page)| *page)
}

/// Every code that has a page of [`explain`], in order.
///
/// ```
/// use nexus_pointy::{code, explained};
/// assert!(code::ALL.iter().all(|code| explained().any(|it| it == *code)));
/// ```
pub fn explained() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("explain/", $code, ".md")))),*]
    };
}

/// Sorted by code.
#[rustfmt::skip]
const PAGES: &[(&str, &str)] = pages!(
    "N0001" "N0002" "N0003" "N0004" "N0005" "N0006" "N0007" "N0008" "N0009"
    "N0010" "N0011" "N0012" "N0013" "N0014" "N0015"
    "P0001" "P0002" "P0003" "P0004" "P0005" "P0006" "P0007" "P0008" "P0009"
    "P0010" "P0011" "P0012" "P0013" "P0014" "P0015" "P0016" "P0017" "P0018"
    "P0019" "P0020" "P0021" "P0022" "P0023" "P0024" "P0025" "P0026" "P0027"
    "P0028" "P0029" "P0030" "P0031" "P0032"
);

#[cfg(test)]
mod tests;
