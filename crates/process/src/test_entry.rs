//! The registration that `test_workers!()` leaves: where the workers of a test binary begin.

/// The path of the module with the line `test_workers!()`.
#[derive(Debug)]
#[doc(hidden)]
pub struct TestEntry(pub &'static str);

inventory::collect!(TestEntry);
