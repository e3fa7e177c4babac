//! The DOT language of Graphviz.

use std::fmt::Write;

use nexus_pointy::ArrowKind;

use crate::graph::{Edge, Graph, Item, NodeKind};
use crate::look::{StepLooks, StepOutcome};
use crate::model::Sequence;
use crate::node_text::NodeText;

const HEADER: &str = "  compound=true\n  \
    graph [fontname=\"monospace\" fontsize=11 style=\"rounded,dashed\" color=\"#8c959f\" labeljust=l]\n  \
    node [shape=box style=\"rounded,filled\" fillcolor=white fontname=\"monospace\" fontsize=11]\n  \
    edge [fontname=\"monospace\" fontsize=10 color=\"#424a53\"]\n";

pub(crate) fn draw(root: &Sequence, looks: &StepLooks, title: &str) -> String {
    let graph = Graph::of(root, looks);
    let mut out = String::from("digraph flow {\n");
    if !title.is_empty() {
        let _ = writeln!(out, "  label={}\n  labelloc=t", quoted(title));
    }
    out.push_str(HEADER);
    let mut indent = 1;
    for item in &graph.items {
        indent -= usize::from(matches!(item, Item::Close));
        let _ = write!(out, "{:1$}", "", indent * 2);
        match item {
            Item::Node { id, node_text, kind } => {
                let _ = writeln!(out, "{id} [{}]", attributes(node_text, *kind));
            }
            Item::Fork(id) | Item::Join(id) => {
                let _ = writeln!(
                    out,
                    "{id} [shape=box style=filled fillcolor=\"#424a53\" label=\"\" width=1 height=0.06]"
                );
            }
            Item::Open { id, head } => {
                let _ = writeln!(out, "subgraph cluster_{id} {{");
                indent += 1;
                let _ = writeln!(out, "{:2$}label={}", "", quoted(head), indent * 2);
            }
            Item::Close => out.push_str("}\n"),
        }
    }
    for edge in &graph.edges {
        write_edge(&mut out, edge);
    }
    out.push_str("}\n");
    out
}

fn attributes(node_text: &NodeText, kind: NodeKind) -> String {
    let mut lines = vec![node_text.title()];
    lines.extend(node_text.details.iter().cloned());
    let mut out =
        format!("label={} tooltip={}", quoted(&lines.join("\n")), quoted(&node_text.tooltip));
    out.push_str(match kind {
        NodeKind::Step => "",
        NodeKind::Each => " peripheries=2",
        NodeKind::Omitted => " style=dashed",
        NodeKind::Hole => " color=red",
    });
    if let Some(outcome) = node_text.outcome {
        out.push_str(colors(outcome));
    }
    out
}

const fn colors(outcome: StepOutcome) -> &'static str {
    match outcome {
        StepOutcome::Success => " color=\"#1a7f37\" fillcolor=\"#dafbe1\"",
        StepOutcome::Failure => " color=\"#bc4c00\" fillcolor=\"#fff1e5\"",
        StepOutcome::Exception => " color=\"#cf222e\" fillcolor=\"#ffebe9\"",
        StepOutcome::Goto => " color=\"#8250df\" fillcolor=\"#fbefff\"",
        StepOutcome::Bypassed => " color=\"#0969da\" fillcolor=\"#ddf4ff\"",
        StepOutcome::NotRun => {
            " color=\"#afb8c1\" fillcolor=\"#f6f8fa\" fontcolor=\"#6e7781\" style=\"rounded,filled,dashed\""
        }
    }
}

fn write_edge(out: &mut String, edge: &Edge) {
    let _ = write!(out, "  {} -> {}", edge.from.node, edge.to.node);
    let mut parts = Vec::new();
    if let Some(frame) = edge.from.frame {
        parts.push(format!("ltail=cluster_{frame}"));
    }
    if let Some(frame) = edge.to.frame {
        parts.push(format!("lhead=cluster_{frame}"));
    }
    if let Some(label) = &edge.label {
        parts.push(format!("label={}", quoted(&format!(" {label} "))));
    }
    if edge.enters_join() {
        parts.push("arrowhead=none".to_owned());
    }
    if edge.kind == ArrowKind::Pipe {
        parts.push("penwidth=2.5".to_owned());
        if !edge.leaves_fork() {
            parts.push("dir=both arrowtail=tee".to_owned());
        }
    }
    if !edge.taken {
        parts.push("color=\"#afb8c1\" fontcolor=\"#6e7781\" style=dashed".to_owned());
    }
    if !parts.is_empty() {
        let _ = write!(out, " [{}]", parts.join(" "));
    }
    out.push('\n');
}

/// A quoted string, in which a backslash stands for itself and not for one of DOT's escapes.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    // Graphviz reads entities even in quotes.
    format!("\"{}\"", text.replace('&', "&amp;"))
}
