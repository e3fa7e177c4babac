#!/usr/bin/env python3
"""Checks the links of the guide: `python3 docs/check_links.py`.

Fails if a link in docs/src points to a file or a heading that is not there, if a page is missing in
SUMMARY.md or in src/guide.rs, or if the tutorial's table and the headings of its pages differ. The
table is the list of the tutorial's sections: each row names one, and links to its twin, in order.
"""

import re
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent / "src"
GUIDE = SRC.parent.parent / "src" / "guide.rs"
TABLE = SRC / "tutorial.md"
# Its examples are mistakes, which the tests of crates/pointy/src/explain.rs check.
UNTESTED = {"SUMMARY.md", "errors.md"}
LINK = re.compile(r"(?<!!)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
ROW = re.compile(r"^\|\s*(.+?)\s*\|\s*\[(.+?)\]\((\S+?)\)\s*\|\s*$")


def prose(path):
    """The lines outside of code blocks, with their numbers."""
    fence = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        mark = re.match(r"^\s*(`{3,}|~{3,})", line)
        if fence is None and mark:
            fence = mark.group(1)
        elif fence is not None:
            if mark and mark.group(1).startswith(fence):
                fence = None
        else:
            yield number, line
    if fence is not None:
        raise SystemExit(f"{path}: a code block is not closed")


def headings(path):
    """Level, text and anchor of each heading, as mdBook makes them."""
    seen, found = {}, []
    for _, line in prose(path):
        match = HEADING.match(line)
        if not match:
            continue
        text = LINK.sub(r"\1", match.group(2)).replace("`", "")
        anchor = "".join(
            c.lower() if c.isalnum() or c in "_-" else "-" if c.isspace() else "" for c in text
        )
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.append((len(match.group(1)), text, f"{anchor}-{count}" if count else anchor))
    return found


def main():
    mistakes = []
    pages = sorted(SRC.rglob("*.md"))
    anchors = {page: {anchor for _, _, anchor in headings(page)} for page in pages}

    def target_of(page, link):
        name, _, anchor = link.partition("#")
        return ((page.parent / name).resolve() if name else page), anchor

    links = 0
    linked = set()
    for page in pages:
        for number, line in prose(page):
            line = re.sub(r"(?<!\[)`[^`]*`(?!\])", "", line)
            for _, link in LINK.findall(line):
                if re.match(r"[a-z]+:", link):
                    continue
                links += 1
                where = f"{page.relative_to(SRC)}:{number}"
                target, anchor = target_of(page, link)
                if target.suffix != ".md" and target.is_file():
                    continue
                if target not in anchors:
                    mistakes.append(f"{where}: there is no page for {link}")
                elif anchor and anchor not in anchors[target]:
                    mistakes.append(f"{where}: there is no heading for {link}")
                if page.name == "SUMMARY.md":
                    linked.add(target)

    guide = GUIDE.read_text(encoding="utf-8")
    for page in pages:
        name = page.relative_to(SRC).as_posix()
        if page not in linked and name != "SUMMARY.md":
            mistakes.append(f"SUMMARY.md does not list {name}")
        if f'"../docs/src/{name}"' not in guide and name not in UNTESTED:
            mistakes.append(f"src/guide.rs does not test {name}")

    rows = [match.groups() for _, line in prose(TABLE) if (match := ROW.match(line))]
    if not rows:
        mistakes.append("tutorial.md: the table has no rows")
    twins, order = [], []
    for section, text, link in rows:
        target, anchor = target_of(TABLE, link)
        twins.append((target, anchor))
        if target not in order:
            order.append(target)
        if section != text:
            mistakes.append(f"tutorial.md: the row `{section}` calls its twin `{text}`")
        found = [it for it in headings(target) if it[2] == anchor] if target in anchors else []
        if found and found[0][1] != section:
            mistakes.append(f"tutorial.md: `{section}` leads to the heading `{found[0][1]}`")
    there = [(page, anchor) for page in order if page in anchors
             for level, _, anchor in headings(page) if level > 1]
    for page, anchor in there:
        if (page, anchor) not in twins:
            mistakes.append(f"tutorial.md: the table has no row for {page.name}#{anchor}")
    if sorted(map(str, there)) == sorted(map(str, twins)) and there != twins:
        mistakes.append("tutorial.md: the rows are not in the order of the headings")

    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        return 1
    print(f"{links} links, {len(pages)} pages, {len(rows)} sections of the tutorial: all there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
