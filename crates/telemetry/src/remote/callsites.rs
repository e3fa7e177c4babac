//! Callsites that are made at run time.
//!
//! `tracing` has its callsites in statics. Those of a worker process are the same as here, for it is the
//! same program, but nobody can find them by name, so for each one that says something another one is
//! made here, once, and never freed.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use tracing::{Level, Metadata};
use tracing_core::callsite::{Callsite, Identifier, register};
use tracing_core::field::FieldSet;
use tracing_core::subscriber::Interest;
use tracing_core::{Kind, identify_callsite};

use super::Site;

/// So many are made; a program has fewer, unless its workers are not the same program.
const MOST: usize = 4096;

static MADE: LazyLock<Mutex<HashMap<Site<'static>, &'static Metadata<'static>>>> =
    LazyLock::new(Mutex::default);

/// What is known of the site, for the subscribers here; `None` where there are too many.
pub(super) fn metadata_of(site: &Site<'static>) -> Option<&'static Metadata<'static>> {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = made.get(site) {
        return Some(*known);
    }
    if made.len() >= MOST {
        return None;
    }
    let callsite: &'static MadeCallsite = Box::leak(Box::default());
    let metadata: &'static Metadata<'static> =
        Box::leak(Box::new(described(site, identify_callsite!(callsite))));
    _ = callsite.0.set(metadata);
    made.insert(site.clone(), metadata);
    drop(made);
    // It asks the subscribers, who may say something themselves.
    register(callsite);
    Some(metadata)
}

fn described(site: &Site<'static>, callsite: Identifier) -> Metadata<'static> {
    let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let fields: Vec<&'static str> = site.fields.iter().map(|field| leak(field)).collect();
    let level = match site.level {
        1 => Level::ERROR,
        2 => Level::WARN,
        3 => Level::INFO,
        4 => Level::DEBUG,
        _ => Level::TRACE,
    };
    Metadata::new(
        leak(&site.name),
        leak(&site.target),
        level,
        site.file.as_deref().map(leak),
        site.line,
        site.module.as_deref().map(leak),
        FieldSet::new(Box::leak(fields.into_boxed_slice()), callsite),
        if site.is_span { Kind::SPAN } else { Kind::EVENT },
    )
}

#[derive(Default)]
struct MadeCallsite(OnceLock<&'static Metadata<'static>>);

impl Callsite for MadeCallsite {
    // Subscribers are asked each time: what crosses between processes is no hot path.
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        static NONE: OnceLock<Metadata<'static>> = OnceLock::new();
        static NOWHERE: MadeCallsite = MadeCallsite(OnceLock::new());
        self.0.get().copied().unwrap_or_else(|| {
            NONE.get_or_init(|| {
                let fields = FieldSet::new(&[], identify_callsite!(&NOWHERE));
                Metadata::new("", "nexus", Level::TRACE, None, None, None, fields, Kind::EVENT)
            })
        })
    }
}
