#!/usr/bin/env python3
"""Draws the chart and the tables of the guide's page on performance.

`python3 docs/draw_performance.py` reads docs/src/performance.jsonl, the lines that the benchmarks
print with `--json` below one line on the machine, and writes docs/src/pictures/performance.svg and
the tables of docs/src/performance.md. With `--check` it fails where they are not what it would write.
`ci/chart.sh` measures anew and then draws.
"""

import json
import math
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

SRC = Path(__file__).resolve().parent / "src"
DATA = SRC / "performance.jsonl"
CHART = SRC / "pictures" / "performance.svg"
PAGE = SRC / "performance.md"

# What is drawn, from top to bottom, and whether the chart shows it or the table alone.
WORKLOADS = [
    ("peers_chain", "A chain of 1,000 steps that pass a number", True),
    ("chain_inline", "The same without durations", False),
    ("peers_tree_inline", "A tree of 1,023 tasks, on one thread", True),
    ("peers_tree_pool", "The same tree on two threads", True),
    ("peers_fanout", "1,000 tasks of nothing, on two threads", True),
    ("peers_fanout_1us", "1,000 tasks of 1 µs, on two threads", True),
    ("peers_fanout_10us", "1,000 tasks of 10 µs, on two threads", True),
    ("fanout_each", "1,000 items of a list, nothing done for each, on two threads", False),
    ("fanout_each_1us", "The same, 1 µs each", False),
    ("fanout_each_10us", "The same, 10 µs each", False),
    ("each_inline", "1,000 items of a list, on one thread", True),
    ("run_three_steps", "A whole run of three steps", True),
    ("peers_two_retries", "A whole run of one step, tried three times", True),
    ("async_chain", "A chain of 1,000 async steps", True),
    ("async_fanout", "1,000 async tasks", True),
    ("process_roundtrip", "A number to a worker process and back", True),
    ("process_pipelined", "1,000 tasks on two worker processes", True),
    ("plan_build", "A plan of 1,000 steps, from text", False),
    ("allocs_per_step", "Allocations in the chain", False),
]

GROWTH = [
    ("growth_chain", "Steps in a chain", "ns a step"),
    ("growth_group", "Members of a group, nothing done in each, on two threads", "ns a task"),
    ("growth_each", "Items of a list, nothing done for each, on two threads", "ns a task"),
    ("growth_inline_runs", "Runs at once, each a chain of 1,000 on a thread of its own", "ns a step, of all runs together"),
    ("growth_pool_runs", "Runs at once, each with 1,000 tasks of 1 µs, sharing two threads", "ns a task, of all runs together"),
]

NAMES = {
    "boxed_closures": "boxed closures, nothing kept",
    "boxed_closures_dyn_any": "by hand, results in boxes",
    "recursion_dyn_any": "by hand, results in `Arc`s",
    "three_calls_dyn_any": "by hand, results in `Arc`s",
    "boxed_futures": "boxed futures, nothing kept",
    "boxed_futures_dyn_any": "by hand, results in `Arc`s",
    "boxes_collected": "boxes in a list",
    "loop": "a loop",
    "split_in_two": "one half on each thread",
    "rayon_scope": "rayon, `scope` and `spawn`",
    "rayon_par_iter": "rayon, `par_iter`",
    "rayon_join": "rayon, `join`",
    "tokio_spawn": "tokio, `spawn`",
    "crossbeam_channel": "channel to two threads",
    "dag_exec_one_thread": "dag_exec, on one thread",
    "backon": "backon, the retry alone",
    "socket_ping_pong": "ping-pong over a socket",
    "python_process_pool": "Python, process pool",
    "python_submit_all": "Python, `submit`",
    "python_map_chunks_of_64": "Python, `map` in chunks of 64",
    "nexus_without_timings": "nexus without durations",
    "nexus_inline": "nexus on one thread",
    "split_into_strings": "splitting the text",
    "box_dyn_any_each": "a box for each result",
}

# The names end at NAMES_END; beside the axis, from LEFT to RIGHT, is room for a value.
WIDTH, NAMES_END, LEFT, RIGHT = 760, 208, 274, 684
ROW, TITLE, GAP, TOP = 17, 22, 10, 80

STYLE = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#59636e}
.page{fill:#fff}.title{font-weight:600;fill:#1f2328}.end{text-anchor:end}.middle{text-anchor:middle}
.grid{stroke:#e4e8ec}.one{stroke:#1f2328;stroke-width:1.5}.stem{stroke-width:3}
.faster{fill:#b35900;stroke:#b35900}.slower{fill:#0969da;stroke:#0969da}
.own{fill:#8c959f;stroke:#8c959f}text.faster,text.slower{stroke:none}
@media(prefers-color-scheme:dark){
text{fill:#9198a1}.page{fill:#0d1117}.title{fill:#f0f6fc}.grid{stroke:#262c36}.one{stroke:#f0f6fc}
.faster{fill:#e3943a;stroke:#e3943a}.slower{fill:#58a6ff;stroke:#58a6ff}
.own{fill:#6e7681;stroke:#6e7681}}
""".strip()


def read():
    """The line on the machine, and the others by workload and size."""
    lines = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    machine = lines[0]["machine"]
    return machine, {(line["work"], line.get("size")): line for line in lines[1:]}


def name(side):
    return NAMES.get(side, side)


def number(value):
    """Three digits, as a reader would say them."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_unit(value, unit):
    base, _, each = unit.partition("/")
    if base == "ns" and value >= 10_000:
        return f"{number(value / 1_000)} µs"
    if base == "allocations":
        return number(value)
    return f"{number(value)} {base.replace('us', 'µs')}"


def each(unit):
    part = unit.partition("/")[2]
    return f"an {part}" if part[0] in "aeiou" else f"a {part}"


def times(factor):
    """How a reader would say what takes so many times as long as nexus."""
    if factor >= 1 or digits(1 / factor) == "1":
        return digits(factor)
    return f"1/{digits(1 / factor)}"


def digits(factor):
    return f"{factor:,.0f}" if factor >= 99.5 else f"{factor:.2g}"


def chart(lines):
    drawn = [(work, title) for work, title, in_chart in WORKLOADS if in_chart and (work, None) in lines]
    factors = [
        value / lines[work, None]["nexus"]
        for work, _ in drawn
        for value in lines[work, None]["baselines"].values()
    ]
    low = math.floor(math.log10(min(factors)))
    high = math.ceil(math.log10(max(factors)))

    def x(factor):
        return LEFT + (math.log10(factor) - low) / (high - low) * (RIGHT - LEFT)

    body, y = [], TOP
    for work, title in drawn:
        line = lines[work, None]
        y += GAP + TITLE
        took = f"nexus {with_unit(line['nexus'], line['unit'])} {each(line['unit'])}"
        body.append(f'<text class="title" x="16" y="{y - 6}">{escape(title)}: {took}</text>')
        for side, value in sorted(line["baselines"].items(), key=lambda item: item[1]):
            factor = value / line["nexus"]
            kind = "own" if side.startswith("nexus") else "faster" if factor < 1 else "slower"
            at, middle = x(factor), y + ROW / 2
            beside = f'class="end" x="{at - 8:.1f}"' if factor < 1 else f'x="{at + 8:.1f}"'
            body.append(
                f'<text class="end" x="{NAMES_END}" y="{middle + 4}">{escape(name(side).replace("`", ""))}</text>'
                f'<line class="stem {kind}" x1="{x(1):.1f}" y1="{middle}" x2="{at:.1f}" y2="{middle}"/>'
                f'<circle class="{kind}" cx="{at:.1f}" cy="{middle}" r="4"/>'
                f'<text {beside} y="{middle + 4}">{with_unit(value, line["unit"])}</text>'
            )
            y += ROW
    height = y + 18
    axis = []
    for power in range(low, high + 1):
        at = x(10**power)
        kind = "one" if power == 0 else "grid"
        axis.append(f'<line class="{kind}" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{y + 6}"/>')
        axis.append(f'<text class="middle" x="{at:.1f}" y="{TOP - 8}">{times(10.0**power)}</text>')
    title = "How long others take for the same work, where nexus takes 1"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" width="{WIDTH}" '
            f'height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" style="max-width:100%;height:auto">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height:.0f}" rx="6"/>',
            f'<text class="title" x="16" y="26">{title}</text>',
            f'<text class="faster end" x="{x(1) - 10:.1f}" y="{TOP - 24}">less time than nexus</text>',
            f'<text class="slower" x="{x(1) + 10:.1f}" y="{TOP - 24}">more</text>',
            *axis,
            *body,
            "</svg>\n",
        ]
    )


def machine_text(machine):
    said = "{processor}, {cores} cores; {kernel}; {rustc}; nexus at {revision}; {date}"
    return "Measured on: " + said.format(**machine) + "."


def compared(value, nexus):
    """How many times the time of nexus it is, if that took any."""
    return f" ({times(value / nexus)})" if nexus else ""


def table(lines):
    rows = ["| work | nexus | beside it, and how many times the time of nexus |", "|---|---|---|"]
    for work, title, _ in WORKLOADS:
        line = lines.get((work, None))
        if line is None:
            continue
        beside = "; ".join(
            f"{name(side)} {with_unit(value, line['unit'])}{compared(value, line['nexus'])}"
            for side, value in sorted(line["baselines"].items(), key=lambda item: item[1])
        )
        took = f"{with_unit(line['nexus'], line['unit'])} {each(line['unit'])}"
        rows.append(f"| {title} | {took} | {beside} |")
    return "\n".join(rows)


def growth(lines):
    parts = []
    for work, title, unit in GROWTH:
        rows = sorted((size, line) for (of, size), line in lines.items() if of == work)
        if not rows:
            continue
        sides = sorted(rows[0][1]["baselines"])
        parts.append(f"**{title}**, {unit}:\n")
        parts.append("| | nexus | " + " | ".join(name(side) for side in sides) + " |")
        parts.append("|--:" * (len(sides) + 2) + "|")
        for size, line in rows:
            cells = [number(line["nexus"]), *(number(line["baselines"][side]) for side in sides)]
            parts.append(f"| {size:,} | " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts).rstrip()


def fill(page, parts):
    """Puts each part between its marks, `<!-- NAME -->` and `<!-- end -->`."""
    for mark, text in parts.items():
        marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.S)
        page, found = marked.subn(lambda match: match[1] + text + "\n" + match[2], page)
        if found != 1:
            raise SystemExit(f"{PAGE}: `<!-- {mark} -->` stands there {found} times, instead of once")
    return page


def main():
    machine, lines = read()
    page = PAGE.read_text(encoding="utf-8")
    parts = {"machine": machine_text(machine), "table": table(lines), "growth": growth(lines)}
    written = {CHART: chart(lines), PAGE: fill(page, parts)}
    if sys.argv[1:] == ["--check"]:
        for path, text in written.items():
            if path.read_text(encoding="utf-8") != text:
                raise SystemExit(f"{path} differs from {DATA.name}: run docs/draw_performance.py")
        return
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
