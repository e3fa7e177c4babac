#!/usr/bin/env python3
"""Writes the guide's index of errors, docs/src/errors.md, from the pages of `nexus explain`.

`python3 docs/write_errors.py` writes it; with `--check` it fails if the index is another one.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "crates" / "pointy" / "src" / "explain"
INDEX = ROOT / "docs" / "src" / "errors.md"

HEAD = """\
<!-- Written by docs/write_errors.py from crates/pointy/src/explain. -->
# Index of errors

Every mistake in a flow has a code, and each code has a page here. `nexus explain P0020` shows the same
page in a terminal. Codes keep their meaning over releases.

"""

KINDS = {
    "P": "Codes with `P` are mistakes of the script alone. `nexus check`, the compiler and `Flow::parse` find\n"
    "them.",
    "N": "Codes with `N` say that a script does not fit its events. The compiler finds them in\n"
    "`#[pipeline(flow = ..)]`, and `Flow::plan` in a flow that is loaded at run time.",
}


def title_and_body(path):
    """The heading of a page without its `#`, and what follows."""
    heading, body = path.read_text(encoding="utf-8").split("\n", 1)
    return heading.removeprefix("# "), body.strip()


def anchor(title):
    """The heading's anchor, as mdBook makes it."""
    kept = (c.lower() if c.isalnum() or c in "_-" else "-" if c.isspace() else "" for c in title.replace("`", ""))
    return "".join(kept)


def index():
    """The text of the index."""
    pages = {path.stem: title_and_body(path) for path in sorted(PAGES.glob("*.md"))}
    kinds = sorted({code[0] for code in pages}, key="PN".find)
    text = HEAD
    for kind in kinds:
        text += f"{KINDS[kind]}\n\n| code | mistake |\n|---|---|\n"
        for code, (title, _) in pages.items():
            if code.startswith(kind):
                what = title.split(": ", 1)[1].replace("|", "\\|")
                text += f"| [{code}](#{anchor(title)}) | {what} |\n"
        text += "\n"
    for kind in kinds:
        for code, (title, body) in pages.items():
            if code.startswith(kind):
                # The examples of mistakes do not compile, and those of Pointy are no Rust.
                body = re.sub(r"^```rust$", "```rust,ignore", body, flags=re.MULTILINE)
                text += f"## {title}\n\n{body}\n\n"
    return text.rstrip("\n") + "\n"


def main():
    text = index()
    if "--check" not in sys.argv[1:]:
        INDEX.write_text(text, encoding="utf-8")
    elif INDEX.read_text(encoding="utf-8") != text:
        print("docs/src/errors.md is not what docs/write_errors.py writes; run it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
