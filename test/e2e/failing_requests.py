#!/usr/bin/env python3
"""Requests of one file do not suffer from each other: one that fails has its error on its line, the others are answered, and the exit
status says that not all was well.
"""
import json
import os
import shutil
import tempfile

import harness
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=64, seed=3)
FOLDER = tempfile.mkdtemp()


def lines(program, target, queries, *flags):
    """Runs requests (objects, or lines as they are); gives the exit status, an object for each line and the errors."""
    with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as f:
        for q in queries:
            f.write((q if isinstance(q, bytes) else json.dumps(q).encode()) + b"\n")
        f.flush()
        r = harness.call(program, target, "--input", f.name, "--json", *flags)
    got = [json.loads(line) for line in r.stdout.splitlines()]
    expect(len(got) == len(queries), f"{program}: expects {len(queries)} lines, but found {len(got)}: {r.stderr[-300:]}")
    errors = [line for line in r.stderr.splitlines() if line.startswith("error: ")]
    failed = sum("error" in a for a in got)
    expect(len(errors) == failed, f"{program}: expects {failed} errors, but found {r.stderr[-300:]}")
    return r.returncode, got, errors


def made():
    top = os.path.join(FOLDER, "made")
    hf, source, out = os.path.join(top, "hf"), os.path.join(top, "model.mlir"), os.path.join(top, "out")
    if not os.path.exists(top):
        harness.tool("quoin-import", write(hf, SHAPE), "-o", source)
        harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32")
    return source, out


GOOD = [dict(ids=[1, 2, 3], max_tokens=5), dict(prompt="a b", max_tokens=9), dict(ids=[9] * 20, max_tokens=4, seed=3)]
# A line, and words of what is said of it by quoin-run and by quoin-interpret.
BAD = [
    (b'{"ids": [1, 2', ("no JSON at column 14",)),
    (b'{"ids": [1], "prompt": "\\x"}', ("column 26", "backslash")),
    (b'{"ids": [1]} {"ids": [2]}', ("column 14",)),
    (b"[1, 2]", ("JSON object", "[1,2]")),
    (b'"ids"', ("JSON object", "ids")),
    (b'{"prompt": "\xff"}', ("column 13", "UTF-8")),
    (b"{}", ("one of prompt, chat, messages and ids", "0")),
    (dict(ids=[1], max_tokens=4, nonsense=1), ("nonsense",)),
    (dict(ids=[1], max_tokens=4, settings=dict(nonsense=1)), ("nonsense",)),
    (dict(ids=[1], max_tokens=4, decoder="nope"), ("nope",)),
    (dict(ids=[1, 264], max_tokens=4), ("264",)),
    (dict(ids=[-1], max_tokens=4), ("-1",)),
    (dict(ids=[], max_tokens=4), ("prompt of at least",)),
    (dict(ids=[1] * 65), ("64", "65")),
    (dict(ids=[1] * 60, max_tokens=5), ("at most 64 positions", "60 + 5")),
    (dict(ids=[1], max_tokens=0), ("max_tokens", "0")),
    (dict(ids=[1], max_tokens=4, temperature=-1), ("temperature", "-1")),
]


def good_and_bad(program, *flags):
    def test():
        source, out = made()
        target = out if program == "quoin-run" else source
        code, alone, _ = lines(program, target, GOOD, *flags)
        expect(code == 0, f"expects exit 0, but found {code}")
        for bad, words in BAD:
            code, got, errors = lines(program, target, [GOOD[0], bad, *GOOD[1:], bad], *flags)
            expect(code == 1, f"{bad}: expects exit 1, but found {code}")
            expect([a["ids"] for a in (got[0], *got[2:4])] == [a["ids"] for a in alone], f"{bad}: expects the others' answers")
            expect(got[1] == got[4] and list(got[1]) == ["error"], f"{bad}: expects an error, but found {got[1]}")
            for word in words:
                expect(word in got[1]["error"], f"{bad}: expects '{word}', but found {got[1]['error']}")
            expect("line 2 of" in errors[0] and "line 5 of" in errors[1], f"{bad}: expects the lines, but found {errors}")
    return test


def all_bad(program):
    def test():
        source, out = made()
        code, got, _ = lines(program, out if program == "quoin-run" else source, [b for b, _ in BAD])
        expect(code == 1 and all("error" in a for a in got), f"expects errors alone, but found {code}, {got}")
    return test


def without_json():
    """Answers in order, each error on the standard error between them."""
    _, out = made()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write('{"ids": [1, 2, 3], "max_tokens": 5}\nnonsense\n{"ids": [1, 2, 3], "max_tokens": 5}\n')
        f.flush()
        r = harness.call("quoin-run", out, "--input", f.name)
        alone = harness.tool("quoin-run", out, "--prompt-ids", "1,2,3", "--max-tokens", "5", "--json")
    text = json.loads(alone)["text"]
    expect(r.returncode == 1 and r.stdout == (text + "\n") * 2, f"expects two answers, but found {r.returncode}, {r.stdout!r}")
    expect(r.stderr.count("error: ") == 1 and "line 2 of" in r.stderr, f"expects one error, but found {r.stderr}")


def traced():
    """A request that failed leaves nothing in the trace and does not shift the others."""
    _, out = made()
    for ending in ("jsonl", "svg", "html"):
        path = os.path.join(FOLDER, "trace." + ending)
        code, got, _ = lines("quoin-run", out, [b"{", GOOD[0], b"{", GOOD[2]], "--trace", path)
        expect(code == 1 and os.path.getsize(path) > 0, "expects a trace")
        if ending == "jsonl":
            sessions = {json.loads(line)["session"] for line in open(path)}
            expect(sessions == {1, 3}, f"expects sessions 1 and 3, but found {sessions}")


def tokenized():
    _, out = made()
    code, got, _ = lines("quoin-run", out, [dict(prompt="ab"), b"{", dict(ids=[97])], "--tokenize")
    expect(code == 1 and "ids" in got[0] and "error" in got[1] and got[2]["ids"] == [97], f"expects one error, but found {got}")


TESTS = [
    ("requests-run", good_and_bad("quoin-run")),
    ("requests-run-batch", good_and_bad("quoin-run", "--batch", "3")),
    ("requests-interpret", good_and_bad("quoin-interpret")),
    ("requests-all-bad", all_bad("quoin-run")),
    ("requests-interpret-all-bad", all_bad("quoin-interpret")),
    ("requests-without-json", without_json),
    ("requests-traced", traced),
    ("requests-tokenized", tokenized),
]

if __name__ == "__main__":
    try:
        made()
        harness.main(TESTS)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
