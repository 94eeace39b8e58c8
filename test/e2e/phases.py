#!/usr/bin/env python3
"""A program of two phases under two masks: `quoin.reopen` makes another sequence of the same text, with a cache and a mark of its
own, so reading it again is a call, as in the published engine. Forwards of an oracle, interpreted and at -O0."""
import os
import random
import shutil
import tempfile

import harness
import modules
import oracle
from checkpoint import Shape, write
from decoders import LOOPS, canvas, opens
from model import Model, blocks, causal

PROGRAM = os.path.join(harness.ROOT, "test", "e2e", "programs", "two-phases.mlir.in")
SHAPE = Shape(family="sdar", layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, block=4, seed=41)


def two_phases(r):
    (x, start), p = canvas(r, 4), len(r.prompt)
    r.forwards += start > 0
    for lo in range(start, len(x), 4):
        hi = lo + 4
        while masked := opens(x, lo, hi):
            rows = {i: r.sample(scores, "Tkp", i) for i, scores in zip(masked, r.read(x[:hi], masked, blocks(hi, 4)))}
            first = min(masked, key=lambda i: (-rows[i][1], i))
            for i in masked:
                if i == first or rows[i][1] >= r.threshold:
                    x[i] = rows[i][0]
        r.forwards += 1
        if r.stops(x[p:hi]):
            x = x[:hi]
            break
    r.forwards += 1  # the text again, causally
    for _ in range(8):
        n = len(x)
        x.append(None)
        x[n] = r.sample(r.read(x, [n], causal(n + 1))[0], "Tkp", n)[0]
        r.forwards += 1
        if x[n] in r.stop:
            break
    return x[p:]


def check():
    LOOPS["two-phases"] = two_phases
    folder = tempfile.mkdtemp()
    try:
        hf, source = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "model.mlir")
        harness.tool("quoin-import", hf, "-o", source)
        text = open(source).read()
        with open(source, "w") as f:
            f.write(modules.with_file(text, PROGRAM))
        model, rnd, queries, wants = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), random.Random(3), [], []
        while len(queries) < 24:
            q = dict(decoder="two-phases", ids=[rnd.randrange(260) for _ in range(rnd.choice([1, 3, 4, 5, 11]))],
                     max_tokens=rnd.randrange(1, 14), stop=rnd.sample(range(260), rnd.choice([0, 30])), seed=rnd.randrange(99),
                     settings=dict(threshold=rnd.choice([0.02, 0.2, 0.9]), temperature=rnd.choice([0, 0.8])))
            want = oracle.expected(model, q, {})
            if oracle.steady(model, q, {}, want):
                queries.append(q)
                wants.append(want)
        model.close()
        oracle.compare("interpreted", queries, wants, harness.answers("quoin-interpret", source, queries), True)
        for level in ("-O0", "-O2"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
            got = harness.answers("quoin-run", out, queries, "--batch", "5")
            oracle.compare(f"compiled {level}", queries, wants, got, level == "-O0")
        return f"{sum(w['forwards'] for w in wants)} forwards as published, {sum(g['forwards'] for g in got)} at -O2"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("two-phases", check)])
