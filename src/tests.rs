//! The first page of the documentation.

use std::collections::BTreeSet;

/// The names that `pub use` brings in a file of Rust, but for modules.
fn exported(source: &str) -> BTreeSet<&str> {
    let uses = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    uses.filter(|path| !path.ends_with('*') && !path.contains(" as "))
        .flat_map(|path| path.rsplit("::").next().into_iter().flat_map(|names| names.split(',')))
        .map(|name| name.trim_matches(|c: char| c.is_whitespace() || "{}".contains(c)))
        .filter(|name| name.starts_with(char::is_uppercase))
        .collect()
}

#[test]
fn every_public_name_is_in_a_module_of_the_first_page() {
    let (_, modules) = include_str!("lib.rs").split_once("pub mod events").expect("the modules");
    let (modules, _) = modules.split_once("pub mod prelude").expect("the prelude behind them");
    let listed = exported(modules);
    let missing: Vec<&str> = exported(include_str!("../nexus-core/src/lib.rs"))
        .into_iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(missing.is_empty(), "add {missing:?} to one of the modules in src/lib.rs");
}
