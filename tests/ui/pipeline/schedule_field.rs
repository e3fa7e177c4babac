use nexus::prelude::*;

#[event]
fn load(station: &str) -> Outcome<()> {
    Outcome::success(println!("{station}"))
}

#[derive(Pipeline)]
#[pipeline(flow = load, schedule = "@daily")]
struct Nightly {
    station: String,
    #[field(default = 1)]
    days: u32,
}

fn main() {}
