#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use super::*;

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
