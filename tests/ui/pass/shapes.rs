//! Everything that an event may take and return, and every way that a flow may be written.
#![deny(warnings)]

use std::sync::Arc;

use nexus::prelude::*;

#[derive(Debug)]
struct Gateway(u32);

#[event]
fn num(gateway: State<Gateway>, ctx: &Context) -> Outcome<u32> {
    let _ = ctx;
    Outcome::success(gateway.0)
}
#[event]
fn text(name: &'static str) -> Result<String, std::io::Error> {
    Ok(name.to_owned())
}
#[event]
fn nested(order: Arc<Vec<u8>>) -> Result<Outcome<u32>, std::io::Error> {
    Ok(Outcome::success(order.len() as u32))
}
#[event]
fn pair(mut order: Vec<u8>) -> (bool, (u32, String)) {
    order.push(1);
    (true, (1, String::new()))
}
#[event]
fn both(#[piped] (number, text): (u32, &String)) -> Outcome<Vec<u32>> {
    let _ = text;
    Outcome::success(vec![number])
}
#[event]
fn either(#[piped] x: (Result<u32, Failure>, &String)) -> Outcome<Vec<u32>> {
    Outcome::success(vec![x.0.unwrap_or(0)])
}
#[event]
fn each(#[piped] x: &u32) -> Outcome<u32> {
    Outcome::success(*x)
}
#[event]
fn sum(#[piped] x: Vec<u32>) -> Outcome<u32> {
    Outcome::success(x.iter().sum())
}
#[event]
fn alert(#[piped] why: &Failure) -> Outcome<()> {
    let _ = why;
    Outcome::success(())
}
#[event]
fn nest(#[piped] x: ((u32, String), Arc<u32>)) -> Outcome<()> {
    let _ = x;
    Outcome::success(())
}

#[event]
fn pairs() -> Outcome<Vec<(u32, String)>> {
    Outcome::success(vec![(1, "a".to_owned()), (2, "bb".to_owned())])
}
#[event]
fn show(#[piped] (number, text): (u32, &String)) -> Outcome<Vec<usize>> {
    Outcome::success(vec![number as usize, text.len()])
}
#[event]
fn flat(#[piped] lists: Vec<Vec<usize>>) -> Outcome<Vec<Vec<usize>>> {
    Outcome::success(lists)
}
#[event]
fn total(#[piped] list: Vec<&usize>) -> Outcome<usize> {
    Outcome::success(list.into_iter().sum())
}

#[derive(Pipeline)]
#[pipeline(flow = pairs |-> show[each] |-> flat |-> total[each] |-> list)]
struct Lists;

#[event]
fn list(#[piped] totals: Arc<Vec<usize>>) -> Outcome<usize> {
    Outcome::success(totals.iter().sum())
}

#[derive(Pipeline)]
#[pipeline(flow = num || text |-> both |-> each[each, max_concurrency = 2] |-> sum (0 |-> alert)
    -> num || text |-> either -> pair |-> both -> {num || text} || nested |-> nest)]
struct Tokens {
    name: &'static str,
    order: Arc<Vec<u8>>,
}

#[derive(Pipeline)]
#[pipeline(flow = "num || text |-> both # in a text
    |-> each[each] |-> sum (0 |-> alert)")]
struct Text {
    name: &'static str,
}

pub(crate) fn main() -> nexus::Result<()> {
    let engine = Engine::builder().state(Gateway(1)).build()?;
    let report = engine.run(Tokens { name: "x", order: Arc::new(vec![1]) })?;
    assert_eq!(report.status().to_string(), "succeeded", "{report}");
    let report = engine.run(Lists)?;
    assert_eq!(report.output::<usize>()?, &6, "{report}");
    let report = engine.run(Text { name: "x" })?;
    assert_eq!(report.output::<u32>()?, &1);
    Ok(())
}
