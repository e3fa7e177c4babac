//! Mermaid's flowcharts.

use std::fmt::Write;

use nexus_pointy::ArrowKind;

use crate::graph::{Edge, Endpoint, Graph, Item, NodeKind};
use crate::look::{StepLooks, StepOutcome};
use crate::model::Sequence;
use crate::node_text::NodeText;

pub(crate) fn draw(root: &Sequence, looks: &StepLooks, title: &str) -> String {
    let graph = Graph::of(root, looks);
    let mut out = String::new();
    if !title.is_empty() {
        // Tags are dropped from titles, and entities are not read there.
        let title = title.replace('<', "‹").replace('>', "›");
        let title = title.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(out, "---\ntitle: \"{title}\"\n---");
    }
    out.push_str("flowchart TD\n");
    let mut indent = 2;
    for item in &graph.items {
        indent -= if matches!(item, Item::Close) { 2 } else { 0 };
        let _ = write!(out, "{:indent$}", "");
        match item {
            Item::Node { id, node_text, kind } => {
                let (open, close) = match kind {
                    NodeKind::Step => ("[", "]"),
                    NodeKind::Each => ("[[", "]]"),
                    NodeKind::Omitted => ("([", "])"),
                    NodeKind::Hole => ("{", "}"),
                };
                let _ = write!(out, "{id}{open}\"{}\"{close}", node(node_text));
                if let Some(outcome) = node_text.outcome {
                    let _ = write!(out, ":::{}", outcome.class());
                }
                out.push('\n');
            }
            Item::Fork(id) | Item::Join(id) => {
                let _ = writeln!(out, "{id}((\"||\"))");
            }
            Item::Open { id, head } => {
                let head = if head.is_empty() { " " } else { head };
                let _ = writeln!(out, "subgraph {id}[\"{}\"]", escaped(head));
                indent += 2;
                let _ = writeln!(out, "{:indent$}direction TB", "");
            }
            Item::Close => out.push_str("end\n"),
        }
    }
    for edge in &graph.edges {
        write_edge(&mut out, edge);
    }
    let untaken = graph.edges.iter().enumerate().filter(|(_, edge)| !edge.taken);
    let untaken: Vec<String> = untaken.map(|(at, _)| at.to_string()).collect();
    if !untaken.is_empty() {
        let style = "stroke:#8c959f,stroke-dasharray:3";
        let _ = writeln!(out, "  linkStyle {} {style}", untaken.join(","));
    }
    for outcome in graph.outcomes() {
        let _ = writeln!(out, "  classDef {} {}", outcome.class(), colors(outcome));
    }
    out
}

const fn colors(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Success => "fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
        StepOutcome::Failure => "fill:#fff1e5,stroke:#bc4c00,color:#1f2328",
        StepOutcome::Exception => "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-width:2px",
        StepOutcome::Goto => "fill:#fbefff,stroke:#8250df,color:#1f2328",
        StepOutcome::Bypassed => "fill:#ddf4ff,stroke:#0969da,color:#1f2328",
        StepOutcome::NotRun => "fill:#f6f8fa,stroke:#8c959f,color:#6e7781,stroke-dasharray:3",
    }
}

fn node(node_text: &NodeText) -> String {
    // Where a blank follows, some versions take the sign for the start of a list.
    let mut out = escaped(&node_text.title().replacen(
        ' ',
        "\u{a0}",
        usize::from(node_text.outcome.is_some()),
    ));
    for detail in &node_text.details {
        let _ = write!(out, "<br/><small>{}</small>", escaped(detail));
    }
    out
}

fn write_edge(out: &mut String, edge: &Edge) {
    let end = |end: Endpoint| end.frame.unwrap_or(end.node);
    let arrow = match (edge.kind, edge.enters_join()) {
        (ArrowKind::Then, false) => "-->",
        (ArrowKind::Then, true) => "---",
        (ArrowKind::Pipe, false) => "==>",
        (ArrowKind::Pipe, true) => "===",
    };
    let _ = write!(out, "  {} {arrow}", end(edge.from));
    if let Some(label) = &edge.label {
        let _ = write!(out, "|\"{}\"|", escaped(label));
    }
    let _ = writeln!(out, " {}", end(edge.to));
}

/// Mermaid takes text as HTML, reads `\n` as a line's end and `$$` as mathematics, and writes
/// characters as `#35;`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '$' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            // A space without width keeps the backslash and an `n` apart.
            '\\' => out.push_str("#92;#8203;"),
            c => out.push(c),
        }
    }
    out
}
