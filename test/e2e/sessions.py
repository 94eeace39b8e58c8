#!/usr/bin/env python3
"""64 sessions of all decoders, each at its own place in its own program, stepped together: each gives what it gives alone."""
import os
import random
import shutil
import tempfile

import harness
import oracle
from checkpoint import Shape, write
from decoders import LOOPS

SHAPE = Shape(family="sdar", layers=2, hidden=40, heads=4, kv_heads=2, head_dim=12, mlp=56, vocabulary=264, seed=33)
SETTINGS = dict(block=4, sub_block=2, window=5)
CASES = {"published": ["sdar-dynamic", "sdar-static", "s2d2", "llada2", "bd3lm"], "all": list(LOOPS)}


def same(where, want, got):
    for i, (w, g) in enumerate(zip(want, got)):
        for key in ("ids", "text", "stop", "evaluations", "forwards"):
            harness.expect(w[key] == g[key], f"{where}, session {i}: expects {key} {w[key]}, but found {g[key]}")


def check(name):
    names, folder = CASES[name], tempfile.mkdtemp()
    rnd, queries = random.Random(17), []
    for i in range(64):
        q = oracle.request(rnd, names[i % len(names)], SHAPE.vocabulary - 1, SETTINGS)
        if q["decoder"] != "llada":
            q["max_tokens"] = rnd.randrange(1, 60)
        q["ids"] = q["ids"] * (rnd.choice([1, 1, 5]) if q["decoder"] != "bd3lm" else 1)
        queries.append(q)
    # Some share a prompt.
    queries[-1]["ids"], queries[-2]["ids"] = queries[0]["ids"], queries[1]["ids"]
    try:
        hf, out = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "out")
        harness.tool("quoin-compile", hf, "-o", out, *oracle.flags(names, SETTINGS if name == "all" else dict(block=4)))
        alone = [harness.answers("quoin-run", out, [q], "--threads", "1")[0] for q in queries]
        for threads, batch in (("1", "64"), ("2", "64"), ("2", "7")):
            got = harness.answers("quoin-run", out, queries, "--threads", threads, "--batch", batch)
            same(f"threads {threads}, batch {batch}", alone, got)
        order = list(range(64))
        rnd.shuffle(order)
        got = harness.answers("quoin-run", out, [queries[i] for i in order], "--threads", "2", "--batch", "64")
        same("another order", [alone[i] for i in order], got)
        return f"64 sessions of {len(names)} decoders, {sum(a['evaluations'] for a in alone)} evaluations"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("sessions-" + n, lambda n=n: check(n)) for n in CASES])
