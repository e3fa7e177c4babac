use nexus::prelude::*;

#[event]
fn load() -> Outcome<()> {
    Outcome::success(())
}

#[derive(Pipeline)]
#[pipeline(flow = load, schedule = "61 2 * * fry", zone = "Oslo, Norway")]
struct Nightly {}

#[derive(Pipeline)]
#[pipeline(flow = load, schedule = "every 15 minutes")]
struct Often {}

#[derive(Pipeline)]
#[pipeline(flow = load, zone = "Europe/Oslo")]
struct Never {}

fn main() {}
