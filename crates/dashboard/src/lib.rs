//! The dashboard of a nexus engine: a web page, and the JSON API that it uses.
//!
//! It shows the durable runs in the engine's store: in a table, as pictures, on a timeline, step by
//! step; and, where that is allowed, cancels them, tries them again and resolves what they wait for.
//!
//! ```no_run
//! # #[cfg(feature = "server")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use nexus_core::{Engine, journal::MemoryStore};
//! use nexus_dashboard::Dashboard;
//!
//! let dashboard = Dashboard::new();
//! let engine = Engine::builder()
//!     .store(MemoryStore::new())
//!     .observer(dashboard.observer()) // so that the page is live
//!     .build()?;
//! let server = dashboard.allow_actions(true).serve(&engine, "127.0.0.1:7878".parse()?)?;
//! println!("http://{}/", server.address());
//! # drop(server);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "server"))]
//! # fn main() {}
//! ```
//!
//! [`Dashboard::router`] gives the same as an axum router, to be mounted in a program's own server.
//!
//! # Security
//!
//! - [`Dashboard::serve`] listens without a token on loopback addresses alone; see
//!   [`Dashboard::token`].
//! - Requests under a foreign host name (DNS rebinding), or from pages of others (request forgery),
//!   are refused; see [`Dashboard::host`].
//! - The page loads nothing from elsewhere, and its policy forbids it to. Texts of users are never
//!   taken for HTML.
//! - Actions are off, until [`Dashboard::allow_actions`].
#![cfg(feature = "server")]
#![forbid(unsafe_code)]

mod access;
mod actions;
mod activity;
mod api;
mod app;
mod clock;
mod dashboard;
mod error;
mod guard;
mod histories;
mod listed;
mod live;
mod live_pools;
mod logs;
mod page;
mod picture;
mod recent;
mod rounds;
mod schedules;
mod server;
mod spread;
mod sse;
mod turns;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use dashboard::Dashboard;
pub use live::LiveObserver;
pub use logs::{LogLine, LogsOf};
pub use nexus_core::journal::ActionTaken;
pub use schedules::{LastFiring, ScheduleLine, Schedules};
pub use server::{ServeError, Server};

/// Locks a mutex. No user code runs while one is held, so what is in a poisoned one is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
