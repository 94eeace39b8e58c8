#!/usr/bin/env python3
"""What a sampler's confidence is the probability of: greedy and drawn, with and without filters, at temperature 0 and above, and
with `raw_confidence` and `filtered_confidence`. Interpreter and machine code of both levels give the tokens, evaluations and
confidences of an oracle that knows neither."""
import os
import random
import shutil
import tempfile

import harness
import modules
import oracle
from checkpoint import Shape, write
from decoders import LOOPS, canvas, opens
from model import Model, blocks

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=64, vocabulary=264, block=4, seed=77)
# The oracle's letters of the transforms.
LETTERS = {"temperature": "T", "top_k": "k", "top_p": "p", "top_p_below": "n", "without_fill": "f", "greedy": "g"}
ORDERS = {
    "drawn": ["temperature", "top_k", "top_p"],
    "greedy": ["top_k", "greedy"],
    "nucleus": ["without_fill", "top_p_below"],
    "surest": ["without_fill", "top_p_below", "greedy"],
    "warm": ["top_p", "temperature", "greedy"],
    "bare": ["greedy"],
}
KINDS = {"": "", "-raw": "raw_confidence", "-filtered": "filtered_confidence"}
REQUESTS = 12
# Of an f32 against an f64.
CLOSE = 2e-4

THRESHOLD = "    %threshold = quoin.setting @threshold : f32"
STEP = """
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        %e = quoin.evaluation
        %l = quoin.forward @model of %y[to %hi] read %rows mask #quoin.mask<block_causal<4>>
        %token, %confidence = quoin.score %l [token, confidence] by #quoin.sampler<{sampler}> at %rows, %e : tensor<?xi32>, tensor<?xf32>
        %thresholds = tensor.splat %threshold[%n] : tensor<?xf32>
        %sure = arith.cmpf oge, %confidence, %thresholds : tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %pick = arith.ori %sure, %best : tensor<?xi1>
        %z = quoin.fill %y at %rows with %token where %pick"""

taken = []  # by the last run of `loop`: position, token, confidence


def loop(order, kind):
    letters = "".join(LETTERS[word] for word in order)

    def run(r):
        x, start = canvas(r, 4)
        taken.clear()
        for lo in range(start, len(x), 4):
            while masked := opens(x, lo, lo + 4):
                rows = {}
                for i, scores in zip(masked, r.read(x[:lo + 4], masked, blocks(lo + 4, 4))):
                    rows[i] = r.sample(scores, letters, i, raw=kind == "raw_confidence", filtered=kind == "filtered_confidence")
                first = min(masked, key=lambda i: (-rows[i][1], i))
                for i in masked:
                    if i == first or rows[i][1] >= r.threshold:
                        x[i] = rows[i][0]
                        taken.append((i, *rows[i]))
        return x[len(r.prompt):]
    return run


def make_queries(model, rnd, name):
    queries, wants, chosen = [], [], []
    while len(queries) < REQUESTS:
        settings = dict(threshold=rnd.choice([0.01, 0.05, 0.2, 0.6, 0.95]), temperature=rnd.choice([0, 0, 0.5, 1.3]),
                        top_k=rnd.choice([0, 1, 4, 30]), top_p=rnd.choice([0.2, 0.6, 1.0]))
        q = dict(decoder=name, ids=[rnd.randrange(260) for _ in range(rnd.randrange(1, 10))], max_tokens=rnd.randrange(1, 12),
                 stop=[], seed=rnd.randrange(1000), settings=settings)
        want = oracle.expected(model, q, {})
        mine = list(taken)
        if oracle.steady(model, q, {}, want):
            queries.append(q)
            wants.append({**want, "forwards": None})
            chosen.append(mine)
    return queries, wants, chosen


def agree(form, queries, chosen, sessions):
    for q, want, events in zip(queries, chosen, sessions):
        got = [tuple(filled) for event in events for filled in event["filled"]]
        where = f"{form}, {q}"
        harness.expect([g[:2] for g in got] == [w[:2] for w in want], f"{where}: expects {want}, but found {got}")
        for (position, _, found), (_, _, expected) in zip(got, want):
            harness.expect(abs(found - expected) < CLOSE,
                           f"{where}: expects confidence {expected} at position {position}, but found {found}")


def check():
    folder = tempfile.mkdtemp()
    try:
        hf, source = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "model.mlir")
        harness.tool("quoin-import", hf, "-o", source)
        text = open(source).read()
        programs, model, rnd = "", Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), random.Random(9)
        queries, wants, chosen = [], [], []
        for order, words in ORDERS.items():
            for suffix, kind in KINDS.items():
                name = order + suffix
                # The word may stand anywhere.
                listed = words + [kind] if rnd.random() < 0.5 else [kind] + words
                step = STEP.format(sampler=", ".join(w for w in listed if w))
                programs += modules.blockwise(name, step, settings="threshold = 0.3 : f32", before=THRESHOLD)
                LOOPS[name] = loop(words, kind)
                for all, more in zip((queries, wants, chosen), make_queries(model, rnd, name)):
                    all += more
        model.close()
        with open(source, "w") as f:
            f.write(modules.with_decoders(text, programs))
        got, sessions = harness.traced("quoin-interpret", source, queries)
        oracle.compare("interpreted", queries, wants, got, True)
        agree("interpreted", queries, chosen, sessions)
        for level in ("-O0", "-O1"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
            got, sessions = harness.traced("quoin-run", out, queries, "--batch", "5")
            oracle.compare(f"compiled {level}", queries, wants, got, True)
            agree(f"compiled {level}", queries, chosen, sessions)
        return f"{len(ORDERS) * len(KINDS)} samplers, {len(queries)} requests, {sum(map(len, chosen))} confidences"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("confidence", check)])
