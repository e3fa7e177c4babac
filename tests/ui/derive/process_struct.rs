//! R2: the same of a struct event, whose settings stand on the struct and whose types do not.

use nexus::prelude::*;

pub struct Image(pub Vec<u8>);

#[derive(Event)]
#[event(executor = ProcessPoolExecutor)]
struct Shrink {
    width: u32,
}

#[event]
impl Shrink {
    fn process(&self, #[piped] image: &Image) -> Outcome<u32> {
        Outcome::success(self.width + image.0.len() as u32)
    }
}

fn main() {}
