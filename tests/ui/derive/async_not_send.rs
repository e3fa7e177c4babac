//! A future goes from thread to thread.
#![allow(unused)]

use nexus::prelude::*;

#[derive(Event)]
struct Step {}

#[event]
impl Step {
    async fn process(&self) -> Outcome<()> {
        let shared = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(shared);
        Outcome::success(())
    }
}

fn main() {}
