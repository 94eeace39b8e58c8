#!/usr/bin/env python3
"""Requests around the capacity: each is refused before any work, with both numbers, or runs to its end, for every decoder. Loops
that round up to blocks, append the first token of the block after the last or look a window ahead have the room for it.
"""
import os
import shutil
import tempfile

import harness
import oracle
from checkpoint import Shape, write
from decoders import LOOPS
from harness import expect
from failing_requests import lines

CAPACITY = 64
SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=CAPACITY, seed=9)
FOLDER = tempfile.mkdtemp()


def requests(decoder, block):
    """Prompts of all lengths near a block's ends, with as many tokens as fit, fewer, and one too many."""
    for n in sorted({1, block, block + 1, CAPACITY - block - 1, CAPACITY - block, CAPACITY - 6, CAPACITY - 2, CAPACITY - 1, CAPACITY}):
        for tokens in sorted({max(CAPACITY - n, 1), CAPACITY - n + 1, 1}):
            yield dict(ids=[1 + (7 * i + n) % 250 for i in range(n)], max_tokens=tokens, stop=[], decoder=decoder)


def near_capacity(block, window):
    def test():
        settings = dict(block=block, steps=2, sub_block=2, window=window)
        top = os.path.join(FOLDER, f"{block}-{window}")
        hf, source, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "model.mlir"), os.path.join(top, "out")
        flags = oracle.flags(LOOPS, settings)
        harness.tool("quoin-import", hf, "-o", source, *flags)
        harness.tool("quoin-compile", hf, "-o", out, *flags)
        ran = 0
        for decoder in LOOPS:
            queries = list(requests(decoder, block))
            code, answers, errors = lines("quoin-run", out, queries, "--batch", "3")
            code2, meanings, errors2 = lines("quoin-interpret", source, queries)
            expect(code == code2 == 1, f"{decoder}: expects exit 1, but found {code} and {code2}")
            for q, a, m in zip(queries, answers, meanings):
                n, tokens = len(q["ids"]), q["max_tokens"]
                what = f"{decoder}, {n} + {tokens} of {CAPACITY}"
                if n + tokens > CAPACITY:
                    for said in (a, m):
                        expect(f"at most {CAPACITY} positions" in said.get("error", "") and f"{n} + {tokens}" in said["error"],
                               f"{what}: expects both numbers, but found {said}")
                elif "error" in a or "error" in m:
                    expect("error" in a and "error" in m and "capacity" not in a["error"] + m["error"],
                           f"{what}: expects an answer, but found {a} and {m}")
                else:
                    expect(a["ids"] == m["ids"], f"{what}: expects {m['ids']}, but found {a['ids']}")
                    ran += 1
        return f"{ran} requests ran"
    return test


TESTS = [(f"near-capacity-block-{b}-window-{w}", near_capacity(b, w)) for b, w in ((4, 5), (16, 20))]

if __name__ == "__main__":
    try:
        harness.main(TESTS)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
