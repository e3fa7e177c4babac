//! SVG for light and dark pages.

use std::fmt::Write;

use nexus_pointy::ArrowKind;

use crate::fitted_text;
use crate::graph::NodeKind;
use crate::layout::{Drawing, Frame, Label, Line, Metrics, Node, Rect, lay_out};
use crate::look::{StepLooks, StepOutcome};
use crate::model::Sequence;
use crate::node_text::NodeText;

const METRICS: Metrics = Metrics {
    arrow: 38,
    meet: 14,
    branch: 72,
    label: 38,
    join: 22,
    beside: 28,
    bar: 5,
    bar_reach: 26,
    frame: (18, 36, 18),
    node: node_size,
    label_width,
    frame_width: |text| detail_width(text) + 36,
};

const MARGIN: i64 = 20;
const TITLE: i64 = 34;
const LEGEND: i64 = 36;
/// The badge with a step's sign, and the gap beside it.
const BADGE: i64 = 28;
const NAME_LINE: i64 = 18;
const DETAIL_LINE: i64 = 16;
const PADDING: (i64, i64) = (14, 10);
/// How far the boxes behind that of an `each` step stand out.
const STACK_OFFSET: i64 = 4;

/// Fonts differ: the width is that of the widest of the common ones, 0.602 em a column.
fn name_width(text: &str) -> i64 {
    (fitted_text::width(text) * 843 + 99) / 100
}

fn detail_width(text: &str) -> i64 {
    (fitted_text::width(text) * 723 + 99) / 100
}

fn label_width(text: &str) -> i64 {
    detail_width(text) + 18
}

fn node_size(node_text: &NodeText, kind: NodeKind) -> (i64, i64) {
    let texts = node_text.details.iter().map(|detail| detail_width(detail));
    let width = texts.chain([name_width(&node_text.name)]).max().unwrap_or(0);
    let badge = if node_text.outcome.is_some() { BADGE } else { 0 };
    let lines = i64::try_from(node_text.details.len()).unwrap_or(0);
    let behind = if kind == NodeKind::Each { 2 * STACK_OFFSET } else { 0 };
    let width = (width + badge + 2 * PADDING.0).max(80) + behind;
    (width, NAME_LINE + lines * DETAIL_LINE + 2 * PADDING.1 + behind)
}

/// A picture that stands alone, or a part of a page that has the style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Alone,
    Part,
}

pub(crate) fn draw(root: &Sequence, looks: &StepLooks, title: &str, form: Form) -> String {
    let drawing = lay_out(root, looks, &METRICS);
    let legend = legend(&drawing);
    let top = MARGIN + if title.is_empty() { 0 } else { TITLE };
    let legend_width: i64 = legend.iter().map(|it| legend_entry(*it)).sum();
    let inner = drawing.width.max(name_width(title)).max(legend_width);
    let width = inner + 2 * MARGIN;
    let legend_height = if legend.is_empty() { 0 } else { LEGEND };
    let height = top + drawing.height + legend_height + MARGIN;

    let mut out = String::new();
    let name = escaped(if title.is_empty() { "flow" } else { title });
    let (comment, limits, style) = match form {
        Form::Alone => (
            "<!-- A flow, drawn by nexus -->\n",
            r#" style="max-width:100%;height:auto""#,
            format!("<style>\n{STYLE}</style>\n"),
        ),
        Form::Part => ("", "", String::new()),
    };
    let _ = writeln!(
        out,
        r#"{comment}<svg xmlns="http://www.w3.org/2000/svg" class="nexus-picture" role="img" aria-label="{name}" width="{width}" height="{height}" viewBox="0 0 {width} {height}"{limits}>
<title>{name}</title>
{style}<rect class="page" width="{width}" height="{height}" rx="8"/>"#
    );
    if !title.is_empty() {
        let y = MARGIN + 14;
        let _ = writeln!(
            out,
            r#"<text class="title" x="{}" y="{y}">{}</text>"#,
            width / 2,
            escaped(title)
        );
    }
    let left = MARGIN + (inner - drawing.width) / 2;
    let _ = writeln!(out, r#"<g transform="translate({left} {top})">"#);
    body(&mut out, &drawing, form);
    out.push_str("</g>\n");
    let mut x = (width - legend_width) / 2;
    for outcome in legend {
        let y = top + drawing.height + LEGEND - 8;
        badge(&mut out, (x + 9, y), outcome);
        let text = outcome.word();
        let _ = writeln!(out, r#"<text class="legend" x="{}" y="{}">{text}</text>"#, x + 23, y + 4);
        x += legend_entry(outcome);
    }
    out.push_str("</svg>\n");
    out
}

fn legend(drawing: &Drawing) -> Vec<StepOutcome> {
    let mut seen = [false; StepOutcome::ALL.len()];
    for outcome in drawing.nodes.iter().filter_map(|node| node.text.outcome) {
        seen[outcome as usize] = true;
    }
    StepOutcome::ALL.into_iter().filter(|it| seen[*it as usize]).collect()
}

fn legend_entry(outcome: StepOutcome) -> i64 {
    detail_width(outcome.word()) + 42
}

/// Frames below, then lines, and boxes on top of their ends. Lines along which nothing went come
/// first, so that those of the run cover them where they share a stretch.
fn body(out: &mut String, drawing: &Drawing, form: Form) {
    for it in &drawing.frames {
        frame(out, it);
    }
    for taken in [false, true] {
        drawing.lines.iter().filter(|it| it.taken == taken).for_each(|it| line(out, it));
    }
    for bar in &drawing.bars {
        let Rect { x, y, w, h } = bar.rect;
        let off = if bar.ran { "" } else { " off" };
        let _ = writeln!(
            out,
            r#"<rect class="bar{off}" x="{x}" y="{y}" width="{w}" height="{h}" rx="2"/>"#
        );
    }
    for it in &drawing.lines {
        if let Some(text) = &it.label {
            label(out, text, it.taken);
        }
    }
    for it in &drawing.nodes {
        node(out, it, form);
    }
}

fn frame(out: &mut String, frame: &Frame) {
    let Rect { x, y, w, h } = frame.rect;
    let off = if frame.ran { "" } else { " off" };
    let _ = writeln!(
        out,
        r#"<rect class="frame{off}" x="{x}" y="{y}" width="{w}" height="{h}" rx="10"/>"#
    );
    if !frame.head.is_empty() {
        let _ = writeln!(
            out,
            r#"<text class="head{off}" x="{}" y="{}">{}</text>"#,
            x + 14,
            y + 20,
            escaped(&frame.head)
        );
    }
}

fn line(out: &mut String, line: &Line) {
    let Line { from: (x0, y0), to: (x1, y1), turn, .. } = *line;
    let piped = line.kind == ArrowKind::Pipe;
    let class = if piped { "pipe" } else { "then" };
    let off = if line.taken { "" } else { " off" };
    let mut path = String::new();
    if piped {
        let _ = write!(path, "M{} {}h12", x0 - 6, y0 + 4);
    }
    let _ = write!(path, "M{x0} {y0}");
    if x0 != x1 {
        let side = (x1 - x0).signum();
        let r = (x1 - x0).abs().min(16) / 2;
        let (r0, r1) = (r.min(turn - y0), r.min(y1 - turn));
        let _ = write!(path, "V{}q0 {r0} {} {r0}", turn - r0, side * r0);
        let _ = write!(path, "H{}q{1} 0 {1} {2}", x1 - side * r1, side * r1, r1);
    }
    let _ = write!(path, "V{}", if line.head { y1 - 6 } else { y1 });
    let _ = writeln!(out, r#"<path class="{class}{off}" d="{path}"/>"#);
    if line.head {
        let half = if piped { 6 } else { 5 };
        let _ =
            writeln!(out, r#"<path class="tip{off}" d="M{x1} {y1}l-{half} -9h{}z"/>"#, 2 * half);
    }
}

fn label(out: &mut String, label: &Label, taken: bool) {
    let (x, y) = label.at;
    let width = label_width(&label.text) - 4;
    let off = if taken { "" } else { " off" };
    let _ = writeln!(
        out,
        r#"<rect class="pill{off}" x="{}" y="{}" width="{width}" height="20" rx="10"/><text class="label{off}" x="{x}" y="{}">{}</text>"#,
        x - width / 2,
        y - 10,
        y + 4,
        escaped(&label.text)
    );
}

fn node(out: &mut String, node: &Node, form: Form) {
    let Node { rect, text: node_text, kind } = node;
    let class = match (kind, node_text.outcome) {
        (_, Some(outcome)) => outcome.class(),
        (NodeKind::Omitted, None) => "more",
        (NodeKind::Hole, None) => "hole",
        (NodeKind::Step | NodeKind::Each, None) => "step",
    };
    let place = match (form, node_text.step) {
        (Form::Part, Some(step)) => format!(r#" data-step="{step}""#),
        _ => String::new(),
    };
    let tooltip = escaped(&node_text.tooltip);
    let _ = writeln!(out, r#"<g class="{class}"{place}><title>{tooltip}</title>"#);
    let mut front = *rect;
    if *kind == NodeKind::Each {
        front.w -= 2 * STACK_OFFSET;
        front.h -= 2 * STACK_OFFSET;
        for behind in [2 * STACK_OFFSET, STACK_OFFSET] {
            box_at(out, &Rect { x: front.x + behind, y: front.y + behind, ..front });
        }
    }
    box_at(out, &front);
    let mut x = front.x + front.w / 2;
    if let Some(outcome) = node_text.outcome {
        badge(out, (front.x + PADDING.0 + 7, front.y + PADDING.1 + NAME_LINE / 2), outcome);
        x += BADGE / 2;
    }
    let mut y = front.y + PADDING.1 + 14;
    let _ =
        writeln!(out, r#"<text class="name" x="{x}" y="{y}">{}</text>"#, escaped(&node_text.name));
    y += 1;
    for detail in &node_text.details {
        y += DETAIL_LINE;
        let _ = writeln!(out, r#"<text class="detail" x="{x}" y="{y}">{}</text>"#, escaped(detail));
    }
    out.push_str("</g>\n");
}

fn box_at(out: &mut String, rect: &Rect) {
    let Rect { x, y, w, h } = rect;
    let _ = writeln!(out, r#"<rect class="box" x="{x}" y="{y}" width="{w}" height="{h}" rx="7"/>"#);
}

fn badge(out: &mut String, (x, y): (i64, i64), outcome: StepOutcome) {
    let class = outcome.class();
    let sign = outcome.sign();
    let _ = writeln!(
        out,
        r#"<g class="badge {class}"><circle cx="{x}" cy="{y}" r="9"/><text x="{x}" y="{}">{}</text></g>"#,
        y + 5,
        escaped(sign.encode_utf8(&mut [0; 4]))
    );
}

/// For text and for values of attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A blank line would end the picture inside of Markdown.
            '\n' => out.push_str("&#10;"),
            c => out.push(c),
        }
    }
    out
}

/// Colours are spelt out for both, since not every program that shows SVG knows variables.
pub(crate) const STYLE: &str = include_str!("svg.css");
