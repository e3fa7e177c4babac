//! scratch
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
use nexus_picture::*;
use std::time::Duration;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let flow = nexus_pointy::parse(&args[2]).flow;
    let mut p = Picture::of(&flow).titled(args.get(3).map_or("", |s| s));
    if let Some(looks) = args.get(4) {
        p = p.with_steps(looks.split(',').map(|l| {
            let o = match &l[..1] { "+" => StepOutcome::Success, "x" => StepOutcome::Failure, "!" => StepOutcome::Exception, ">" => StepOutcome::Goto, "~" => StepOutcome::Bypassed, _ => StepOutcome::NotRun };
            let s = StepLook::new(o).note(&l[1..]);
            match o { StepOutcome::Exception => s.attempts(3).took(Duration::from_millis(1204)), StepOutcome::NotRun => s, _ => s.took(Duration::from_micros(8350)) }
        }));
    }
    let out = match &*args[1] { "svg" => p.svg(), "dot" => p.dot(), "mmd" => p.mermaid(), "ascii" => p.ascii().text(), "color" => p.colored().text(), _ => p.text() };
    print!("{out}");
}
