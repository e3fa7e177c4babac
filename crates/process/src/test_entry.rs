//! Where `test_workers!()` stands.

/// The path of the module with the line `test_workers!()`.
#[derive(Debug)]
#[doc(hidden)]
pub struct TestEntry(pub &'static str);

inventory::collect!(TestEntry);
