use super::*;

fn told(live: &Live, version: u64) -> (Vec<String>, u64) {
    let (news, next) = live.known_since(version);
    assert!(!news.more);
    (news.runs, next)
}

/// A page that misses a change shows a run as it was, for as long as nothing else happens to it.
#[test]
fn each_change_is_told_once_to_each_page_whenever_it_looks() {
    let live = Live::default();
    let first = live.new_version();
    live.touch("a");
    let (runs, second) = told(&live, first);
    assert_eq!(runs, ["a"]);
    // Another page looks, which changes nothing for this one.
    assert_eq!(told(&live, first).0, ["a"]);
    assert_eq!(told(&live, second).0, [""; 0]);
    live.touch("b");
    assert_eq!(told(&live, second).0, ["b"]);
    assert_eq!(told(&live, first).0, ["b", "a"]);
}

#[test]
fn a_page_that_was_away_for_too_long_is_told_that_nobody_knows_what_it_missed() {
    let live = Live::default();
    let first = live.new_version();
    live.touch("a");
    let second = live.new_version();
    for number in 0..MOST_ENDED {
        live.touch(&number.to_string());
    }
    assert!(live.known_since(first).0.more);
    let (news, _) = live.known_since(second);
    assert_eq!((news.runs.len(), news.more), (MOST_NAMED, true));
}
