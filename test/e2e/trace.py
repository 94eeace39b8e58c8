#!/usr/bin/env python3
"""Pictures of what decoders did: `--trace x.html` and `x.svg` hold what `x.jsonl` says, for several sessions, compiled and interpreted.

A picture is well-formed, needs nothing from elsewhere, names every filled and every edited token with its evaluation, forward and
confidence, and its table of blocks adds up to the counts of the run.
"""
import json
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as xml

import harness
import oracle
from checkpoint import Shape, write

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, seed=51)
DECODERS = ("sdar-dynamic", "llada2", "wedlm")
SVG = "{http://www.w3.org/2000/svg}"


def titles(root):
    """What is said of cells: (evaluation, forward, position, kind, token, confidence or None)."""
    found = set()
    pattern = r"evaluation (\d+), forward (\d+): position (\d+) (took|edited to) '.*' \((\d+)\)(?:, confidence (.+))?$"
    for title in root.iter(SVG + "title"):
        if m := re.match(pattern, title.text, re.S):
            found.add((int(m[1]), int(m[2]), int(m[3]), m[4], int(m[5]), m[6] and float(m[6])))
    return found


def expected(events):
    for e in events:
        for kind, changes in (("took", e["filled"]), ("edited to", e["edited"])):
            for position, token, confidence in changes:
                yield e["evaluation"], e["forward"], position, kind, token, confidence


def same(title, want):
    return title[:5] == want[:5] and (title[5] is None) == (want[5] is None) and (want[5] is None or abs(title[5] - want[5]) < 1e-3)


def check_session(root, events, where):
    found, wanted = titles(root), list(expected(events))
    for want in wanted:
        harness.expect(any(same(t, want) for t in found), f"{where}: expects a cell for {want}")


def draw(tool, target, queries, folder, *flags):
    """The parsed pictures of a run."""
    pictures = []
    for ending in ("svg", "html"):
        path = os.path.join(folder, "trace." + ending)
        got = harness.answers(tool, target, queries, "--trace", path, *flags)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        elsewhere = re.sub(r'xmlns="[^"]*"', "", text)
        harness.expect(not re.search(r"https?:|<script|<link|@import|url\(", elsewhere), f"{ending}: expects nothing from elsewhere")
        pictures.append(xml.fromstring(text))
    return got, pictures


def check():
    folder = tempfile.mkdtemp()
    queries = [dict(decoder=d, ids=[(7 * i + 3) % 264 for i in range(n)], max_tokens=40, stop=[],
                    settings=dict(edit_threshold=0.02, threshold=0.05) if d == "llada2" else {}) for d in DECODERS for n in (3, 9)]
    try:
        hf, out, source = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "out"), os.path.join(folder, "model.mlir")
        flags = oracle.flags(DECODERS, dict(block=4))
        harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", *flags)
        harness.tool("quoin-import", hf, "-o", source, *flags)
        cells = 0
        for tool, target, more in (("quoin-run", out, ["--batch", "4"]), ("quoin-interpret", source, [])):
            _, sessions = harness.traced(tool, target, queries)
            got, (svg, html) = draw(tool, target, queries, folder, *more)
            sections = [e for e in html.iter("section")]
            harness.expect(len(sections) == len(queries), f"{tool}: expects {len(queries)} sections, but found {len(sections)}")
            for i, (events, result, section) in enumerate(zip(sessions, got, sections)):
                check_session(section, events, f"{tool}, html, session {i}")
                check_session(svg, events, f"{tool}, svg, session {i}")
                rows = [[c.text for c in row.iter("td")] for row in section.iter("tr")][1:]
                sums = [sum(int(r[k]) for r in rows) for k in (2, 3)]
                wanted = [result["evaluations"], result["forwards"]]
                harness.expect(sums == wanted, f"{tool}, session {i}: expects {wanted} evaluations and forwards over blocks, but found {sums}")
                cells += len(list(expected(events)))
        return f"{2 * len(queries)} sessions, {cells} cells"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("trace-pictures", check)])
