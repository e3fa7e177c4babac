//! facade
pub use nexus_core::*;
