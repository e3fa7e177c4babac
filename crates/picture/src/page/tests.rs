#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::Duration;

use super::{PageStep, RunPage, StepSpan};
use crate::{Picture, StepOutcome};

const NASTY: &str =
    "<script>alert('1')</script>\"&\u{202e}\u{1b}[31m<img src=http://a.test onerror=x>";

fn page(steps: usize) -> RunPage {
    let flow = nexus_pointy::parse("fetch -> store").into_result().unwrap();
    let mut page = RunPage::new(NASTY, Picture::of(&flow).titled(NASTY))
        .verdict(StepOutcome::Failure, NASTY)
        .fact(NASTY, NASTY)
        .output(NASTY);
    for _ in 0..steps {
        let mut step =
            PageStep::new(NASTY, StepOutcome::Exception).sentence(NASTY).error([NASTY; 2]);
        step.span(StepSpan {
            from: Duration::ZERO,
            to: Duration::from_secs(1),
            ended: Some(StepOutcome::Exception),
            label: NASTY.to_owned(),
        });
        page = page.step(step);
    }
    page
}

/// Whoever opens a report that a colleague sent runs nothing of what a customer wrote.
#[test]
fn texts_of_users_stay_texts() {
    let html = page(2).html();
    for wrong in ["<script", "<img", "alert('", "\u{202e}", "\u{1b}", "onerror=x>"] {
        assert!(!html.contains(wrong), "`{wrong}` in {html}");
    }
    assert_eq!(html.matches("&lt;script&gt;").count(), html.matches("&lt;/script&gt;").count());
    assert!(html.matches("&lt;img src=http://a.test onerror=x&gt;").count() > 10);
}

/// A page that is opened in a year, on another machine, without a network, still looks like itself.
#[test]
fn a_page_loads_nothing() {
    let html = page(2).html().replace("&lt;img src=http://a.test", "");
    let html = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for wrong in ["http:", "https:", " src=", " href=", "url(", "@import", "<link", "<iframe"] {
        assert!(!html.contains(wrong), "`{wrong}` in {html}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(html.contains("prefers-color-scheme:dark"));
}

#[test]
fn a_page_of_a_large_flow_stays_usable() {
    let html = page(50_000).html();
    assert!(html.len() < 4_000_000, "{}", html.len());
    assert!(html.contains("and 49000 steps more") && html.contains("and 49800 more"));
}

#[test]
fn a_bar_is_where_its_attempt_was() {
    let flow = nexus_pointy::parse("fetch").into_result().unwrap();
    let mut step = PageStep::new("fetch", StepOutcome::Success);
    for (from, to, ended) in [
        (0, 250, Some(StepOutcome::Exception)),
        (250, 750, None),
        (750, 1000, Some(StepOutcome::Success)),
    ] {
        let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
        step.span(StepSpan { from, to, ended, label: "attempt".to_owned() });
    }
    let html = RunPage::new("run", Picture::of(&flow)).step(step).html();
    assert!(html.contains(r#"<rect class="ran exception" x="0" y="3" width="250""#), "{html}");
    assert!(html.contains(r#"<rect class="waited" x="250" y="8" width="500""#), "{html}");
    assert!(html.contains(r#"<rect class="ran success" x="750" y="3" width="250""#), "{html}");
}
