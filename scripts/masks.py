#!/usr/bin/env python3
"""Draws the published masks: docs/masks/*.svg and docs/Masks.md from docs/masks/gallery.json; with --check compares instead.

QUOIN_BIN names the folder of programs.
"""
import json
import os
import subprocess
import sys
import tempfile
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
FOLDER = os.path.join(ROOT, "docs", "masks")
HEAD = """# Masks that have been published, as formulas

Each picture is the map of tiles that attention sees: white tiles are never visited, blue ones need no mask at all, only in
orange ones single pairs are tested. Drawn by `scripts/masks.py` with `quoin-draw-mask`; the list is `docs/masks/gallery.json`, and
`test/unit/PublishedMasksTest.cpp` compares each formula with the predicate of its system at three sizes.

Where a second map stands beside the first, the tokens are sorted so that fewer tiles are visited, positions and labels going with
them, as `quoin-permute-rows` (functions) and `quoin-permute-tokens` (models) do.

`q` and `k` are positions, `slot` the place in the call, `open` is 1 where a token is still to be filled, `label` is an integer
the program gave the token; names in brackets are numbers that come with the call. The formula goes between the angle
brackets of `#quoin.mask<...>`.
"""


def draw(folder):
    """Writes the pictures into a folder; returns the page."""
    with open(os.path.join(FOLDER, "gallery.json")) as f:
        gallery = json.load(f)
    page = [HEAD]
    for g in gallery:
        out = os.path.join(folder, g["name"] + ".svg")
        flags = ["--length", g["length"], "--tile", g["tile"], "--title", g["title"], "-o", out]
        for s, v in g.get("symbols", {}).items():
            flags += ["--symbols", f"{s}={v}"]
        for runs in ("positions", "labels", "open"):
            if runs in g:
                flags += ["--" + runs, g[runs]]
        if g.get("order"):
            flags.append("--order")
        counts = subprocess.run([os.path.join(BIN, "quoin-draw-mask"), g["mask"], *map(str, flags)], check=True, capture_output=True,
                                text=True).stdout.strip()
        tokens = ", ".join([f"{s} = {v}" for s, v in g.get("symbols", {}).items()] +
                           [f"{r} `{g[r]}`" for r in ("positions", "labels", "open") if r in g])
        page.append(f"## {g['title']}\n\n![{g['title']}](masks/{g['name']}.svg)\n\nUsed by: {g['used']}."
                    + (f" Short: `{g['short']}`." if "short" in g else "") + (f" Drawn with {tokens}." if tokens else "")
                    + f" Tiles: {counts}.\n\n```\n" + "\n".join(textwrap.wrap(g["mask"], 118, subsequent_indent="    ")) + "\n```\n")
    return "\n".join(page), [g["name"] + ".svg" for g in gallery]


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return None


def main():
    check = sys.argv[1:] == ["--check"]
    with tempfile.TemporaryDirectory() as folder:
        page, names = draw(folder if check else FOLDER)
        if not check:
            with open(os.path.join(ROOT, "docs", "Masks.md"), "w") as f:
                f.write(page)
        stale = [n for n in names if read(os.path.join(folder if check else FOLDER, n)) != read(os.path.join(FOLDER, n))]
        stale += [n for n in os.listdir(FOLDER) if n.endswith(".svg") and n not in names]
        stale += [] if read(os.path.join(ROOT, "docs", "Masks.md")) == page else ["Masks.md"]
    if stale:
        sys.exit(f"error: expects the gallery to be what scripts/masks.py draws, but these differ: {', '.join(stale)}")


main()
