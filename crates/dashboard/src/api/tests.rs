#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use nexus_core::Engine;
use nexus_core::journal::MemoryStore;

use super::*;
use crate::rounds::SHORTEST;

#[test]
fn the_document_describes_the_routes_and_nothing_else() {
    let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    let described = document["paths"].as_object().unwrap();
    let mut described: Vec<&str> = described.keys().map(String::as_str).collect();
    let mut served: Vec<&str> = table().iter().map(|(path, _)| *path).collect();
    described.sort_unstable();
    served.sort_unstable();
    assert_eq!(described, served);
}

/// Else pages would be told of news as often as if it cost nothing that they ask.
#[test]
fn how_long_it_takes_to_answer_counts() {
    let engine = Engine::builder().store(MemoryStore::new()).build().unwrap();
    let app = Arc::new(crate::Dashboard::new().app(&engine));
    let begun = tokio::time::Instant::now();
    lock(&app.live.rounds).round(0, begun);
    let work = |_: &App| {
        let begun = Instant::now();
        while begun.elapsed() < SHORTEST / 50 {
            std::hint::spin_loop();
        }
        Ok(1)
    };
    let clock = tokio::runtime::Builder::new_current_thread().build().unwrap();
    clock.block_on(json(&app, work)).unwrap();
    assert!(lock(&app.live.rounds).over() >= Some(begun + SHORTEST * 2));
}
