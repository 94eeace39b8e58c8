#!/usr/bin/env python3
"""A user's own sampler, examples/custom-sampler.mlir: two rows a step, the surest by margin, never neighbours.

It is a program and nothing else: interpreted and compiled it gives what a loop in Python gives, and the trace keeps the rule.
"""
import json
import os
import random
import shutil
import tempfile

import harness
import oracle
from checkpoint import Shape, write
from decoders import LOOPS, canvas, opens
from model import Model, blocks
from sampling import softmax

EXAMPLE = os.path.join(harness.ROOT, "examples", "custom-sampler.mlir")
SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=64, block=8, seed=21)


def two_apart(r):
    p, size = len(r.prompt), 8
    x, start = canvas(r, size)
    r.forwards += p >= size
    for lo in range(start, len(x), size):
        hi = lo + size
        while masked := opens(x, lo, hi):
            token, margin = {}, {}
            for i, scores in zip(masked, r.read(x[:hi], masked, blocks(hi, size))):
                token[i] = r.sample(scores, "Tkp", i)[0]
                q = softmax(scores)
                first, second = sorted((q[v] for v in range(len(q)) if v != r.fill), reverse=True)[:2]
                margin[i] = first - second
            order = sorted(masked, key=lambda i: (-margin[i], i))
            for i in order[:1] + [i for i in order if abs(i - order[0]) > 1][:1]:
                x[i] = token[i]
        r.forwards += 1
        if r.stops(x[p:hi]):
            break
    return x[p:hi]


def keeps_rule(path, queries):
    """At most two rows an evaluation, no two of them neighbours; one only where no second is far enough."""
    known = [set(range(len(q["ids"]))) for q in queries]
    steps = pairs = 0
    for line in open(path):
        e = json.loads(line)
        at, mine = [position for position, _, _ in e["filled"]], known[e["session"]]
        lo = at[0] // 8 * 8
        far = [i for i in range(lo, lo + 8) if i not in mine and abs(i - at[0]) > 1]
        harness.expect(len(at) == (2 if far else 1), f"{e}: expects {2 if far else 1} rows filled, but found {len(at)}")
        harness.expect(len(at) < 2 or abs(at[0] - at[1]) > 1, f"{e}: expects no neighbours")
        mine.update(at)
        steps, pairs = steps + 1, pairs + len(at) - 1
    return f"{steps} steps, {pairs} of them with two rows"


def check():
    LOOPS["two-apart"] = two_apart
    folder = tempfile.mkdtemp()
    try:
        hf = write(os.path.join(folder, "hf"), SHAPE)
        source, trace = os.path.join(folder, "sampler.mlir"), os.path.join(folder, "trace.jsonl")
        with open(EXAMPLE) as f:
            text = f.read().replace('quoin.source = "checkpoint"', f'quoin.source = "{hf}"')
        with open(source, "w") as f:
            f.write(text)
        model, rnd, queries, wants = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), random.Random(5), [], []
        while len(queries) < 40:
            ids = [rnd.randrange(290) for _ in range(rnd.choice([1, 5, 7, 8, 9, 20]))]
            q = dict(decoder="two-apart", ids=ids, max_tokens=rnd.randrange(1, 30),
                     stop=rnd.sample(range(300), rnd.choice([0, 20])), seed=rnd.randrange(1000), settings={})
            if rnd.random() < 0.5:
                q["settings"] = dict(temperature=0.8, top_k=rnd.choice([0, 5]), top_p=rnd.choice([0.7, 1.0]))
            want = oracle.expected(model, q, {})
            if oracle.steady(model, q, {}, want):
                queries.append(q)
                wants.append(want)
        model.close()
        oracle.compare("interpreted", queries, wants, harness.answers("quoin-interpret", source, queries), True)
        for level in ("-O0", "-O1"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
            got = harness.answers("quoin-run", out, queries, "--batch", "7", "--trace", trace)
            oracle.compare(f"compiled {level}", queries, wants, got, level == "-O0")
            note = keeps_rule(trace, queries)
        return note
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("sampler-two-apart", check)])
