//! A future goes from thread to thread.
#![allow(unused)]

use nexus::prelude::*;

#[event]
async fn step(name: &String) -> Outcome<usize> {
    let shared = std::rc::Rc::new(name.len());
    wait().await;
    Outcome::success(*shared)
}

async fn wait() {}

fn main() {}
