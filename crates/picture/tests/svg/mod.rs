//! Reads a drawing back from its SVG, and checks its geometry.

use proptest::prelude::*;
use roxmltree::{Document, Node};

#[derive(Debug, Clone, Copy)]
struct Rect {
    x: f64,
    y: f64,
    w: f64,
    h: f64,
}

impl Rect {
    fn of(node: Node<'_, '_>) -> Self {
        let [x, y, w, h] = ["x", "y", "width", "height"].map(|name| number(node, name));
        Self { x, y, w, h }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }

    fn contains(&self, other: &Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.x + other.w <= self.x + self.w
            && other.y + other.h <= self.y + self.h
    }

    /// Whether a line that begins or ends here touches its lower or upper side.
    fn touches(&self, (x, y): (f64, f64), below: bool) -> bool {
        let side = if below { self.y + self.h } else { self.y };
        (self.x..=self.x + self.w).contains(&x) && (side - y).abs() < 0.1
    }

    fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.w).max(other.x + other.w);
        let bottom = (self.y + self.h).max(other.y + other.h);
        Self { x, y, w: right - x, h: bottom - y }
    }
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).and_then(|it| it.parse().ok()).unwrap_or(0.0)
}

fn has_class(node: Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|it| it.split(' ').any(|it| it == class))
}

fn rects(document: &Document<'_>, class: &str) -> Vec<Rect> {
    let all = document.descendants().filter(|it| it.has_tag_name("rect"));
    all.filter(|it| has_class(*it, class)).map(Rect::of).collect()
}

/// The columns that a text needs, at most: wide characters take two.
fn columns(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 1.0 } else { 0.5 }).sum()
}

pub(crate) fn check(document: &Document<'_>, steps: usize) -> Result<(), TestCaseError> {
    let mut nodes = Vec::new();
    let mut named = vec![0; steps];
    for group in document.descendants().filter(|it| it.has_tag_name("g")) {
        let boxes = group.children().filter(|it| has_class(*it, "box"));
        let Some(outer) = boxes.clone().map(Rect::of).reduce(|a, b| a.union(&b)) else { continue };
        nodes.push(outer);
        let front = boxes.map(Rect::of).next_back().unwrap();
        for text in group.children().filter(|it| it.has_tag_name("text")) {
            let words = text.text().unwrap_or("");
            if has_class(text, "name") {
                let number = words.trim_start_matches("step").trim_end_matches('_');
                named[number.parse::<usize>().unwrap()] += 1;
            }
            // A lower bound of the width in the narrowest of the fonts.
            let em = if has_class(text, "name") { 14.0 } else { 12.0 };
            prop_assert!(columns(words) * 0.55 * em <= front.w, "{words:?} in {front:?}");
            let y = number(text, "y");
            prop_assert!(front.y < y && y < front.y + front.h, "{words:?} in {front:?}");
        }
    }
    prop_assert!(named.iter().all(|it| *it == 1), "each step once: {named:?}");

    let frames = rects(document, "frame");
    let bars = rects(document, "bar");
    let pills = rects(document, "pill");
    apart(&[&nodes, &bars, &pills].map(Vec::as_slice).concat())?;
    for frame in &frames {
        for inner in nodes.iter().chain(&bars).chain(&pills).chain(&frames) {
            let nested = frame.contains(inner) || inner.contains(frame);
            prop_assert!(nested || !frame.overlaps(inner), "{frame:?} cuts {inner:?}");
        }
    }
    let places: Vec<Rect> = [nodes, frames, bars].concat();
    lines(document, &places)?;
    on_the_page(document, &places)
}

fn apart(all: &[Rect]) -> Result<(), TestCaseError> {
    for (at, a) in all.iter().enumerate() {
        for b in &all[at + 1..] {
            prop_assert!(!a.overlaps(b), "{a:?} covers {b:?}");
        }
    }
    Ok(())
}

/// Every line begins below a box, frame or bar and ends above another, and crosses none.
fn lines(document: &Document<'_>, places: &[Rect]) -> Result<(), TestCaseError> {
    let paths: Vec<Node<'_, '_>> =
        document.descendants().filter(|it| it.has_tag_name("path")).collect();
    for (at, path) in paths.iter().enumerate() {
        if has_class(*path, "tip") {
            continue;
        }
        let data = path.attribute("d").unwrap();
        // The last move begins the line itself; one before it is the bar where a value starts.
        let (start, rest) = data.rsplit('M').next().unwrap().split_once(['V', 'H']).unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let from: (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
        prop_assert!(places.iter().any(|it| it.touches(from, true)), "{data} begins nowhere");
        let down: f64 = rest.rsplit('V').next().unwrap().parse().unwrap();
        let tip = paths.get(at + 1).filter(|it| has_class(**it, "tip"));
        let to = match tip.map(|tip| tip.attribute("d").unwrap()) {
            Some(data) => {
                let (start, _) = data[1..].split_once('l').unwrap();
                let (x, y) = start.split_once(' ').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            }
            None => (from.0, down),
        };
        prop_assert!(places.iter().any(|it| it.touches(to, false)), "{data} ends nowhere");
        prop_assert!(from.1 < to.1, "{data} leads up");
    }
    Ok(())
}

fn on_the_page(document: &Document<'_>, places: &[Rect]) -> Result<(), TestCaseError> {
    let page = Rect::of(document.root_element());
    let moved = document.descendants().find_map(|it| it.attribute("transform")).unwrap();
    let moved = moved.trim_start_matches("translate(").trim_end_matches(')');
    let (x, y) = moved.split_once(' ').unwrap();
    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
    for place in places {
        let place = Rect { x: place.x + x, y: place.y + y, ..*place };
        prop_assert!(page.contains(&place), "{place:?} stands outside");
    }
    Ok(())
}
