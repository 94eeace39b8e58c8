#!/usr/bin/env python3
"""Decoders whose masks want another order of tokens: grids, and known tokens before open ones.

LLaDA's loops (one fills what is most certain, anywhere in a block; the other edits what it has filled) run under masks of image
generators. Tokens and evaluations must be the same as written, after the passes, and compiled at -O0 and -O1, alone and in
batches; `permute-tokens` must have sorted the calls. Prompts are long enough for every open token to see some of their tokens:
rows that see nothing but open tokens would all be the same, and which of them is the most certain a matter of rounding.
"""
import os
import random
import re
import shutil
import tempfile

import harness
import oracle
from checkpoint import Shape, write

# Name, mask, what permute-tokens says of it.
MASKS = [
    ("wavefront", "k floordiv 5 + k mod 5 le q floordiv 5 + q mod 5", "num-masks-made-block-causal"),
    ("cells", "k floordiv 16 lt q floordiv 16 or (k floordiv 16 eq q floordiv 16 and k mod 8 floordiv 2 le q mod 8 floordiv 2)",
     "num-masks-made-block-causal"),
    ("subsample", "k floordiv 6 mod 2 * 2 + k mod 6 mod 2 le q floordiv 6 mod 2 * 2 + q mod 6 mod 2", "num-masks-made-block-causal"),
    ("streams", "k mod 3 eq q mod 3", "num-masks-made-block-causal"),
    ("columns", "k mod 7 le q mod 7 and k floordiv 7 ge q floordiv 7 - 1", "num-masks-made-block-causal"),
    ("apart", "open(k) le open(q)", "num-forwards-sorted-for-tiles"),
]
DECODERS = ("llada", "llada2")


def requests(rnd, shape, decoder):
    return [dict(ids=[rnd.randrange(shape.vocabulary - 4) for _ in range(rnd.choice([8, 9, 17, 30]))], max_tokens=8 * rnd.randrange(1, 5),
                 stop=[], decoder=decoder, settings=dict(guidance=1.5) if decoder == "llada" and i % 3 == 0 else {}) for i in range(10)]


def same(want, got, form):
    for i, (w, g) in enumerate(zip(want, got)):
        for key in ("ids", "evaluations"):
            harness.expect(w[key] == g[key], f"{form}, request {i}: expects {key} {w[key]}, but found {g[key]}")


def check(name, mask, counter):
    folder, rnd = tempfile.mkdtemp(), random.Random(name)
    shape = Shape(family="llada", layers=2, hidden=32, heads=4, kv_heads=2, head_dim=8, mlp=40, vocabulary=280, seed=61 + len(name))
    queries = [q for d in DECODERS for q in requests(rnd, shape, d)]
    try:
        source, sorted_ = os.path.join(folder, "model.mlir"), os.path.join(folder, "sorted.mlir")
        harness.tool("quoin-import", write(os.path.join(folder, "hf"), shape), "-o", source, *oracle.flags(DECODERS, dict(block=8, steps=12)))
        with open(source) as f:
            text = f.read()
        text, replaced = re.subn(r"#quoin\.mask<(full|block_causal<[^>]*>|[^>]*)>", f"#quoin.mask<(q, k) : {mask}>", text)
        harness.expect(replaced, "expects masks in the imported program, but found none")
        with open(source, "w") as f:
            f.write(text)
        want = harness.answers("quoin-interpret", source, queries)
        opt = harness.call("quoin-opt", source, *harness.PASSES, "--quoin-statistics", "-o", sorted_)
        harness.expect(opt.returncode == 0, f"quoin-opt: {opt.stderr[-400:]}")
        found = re.search(rf"permute-tokens {counter} (\d+)", opt.stderr)
        harness.expect(found and int(found[1]) > 0, f"expects {counter} in: {opt.stderr}")
        same(want, harness.answers("quoin-interpret", sorted_, queries), "interpreted after the passes")
        for level in ("-O0", "-O1"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
            same(want, harness.answers("quoin-run", out, queries), level)
        same(want, harness.answers("quoin-run", out, queries, "--threads", "2", "--batch", "7"), "-O1 in batches")
        return f"{len(queries)} requests"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("orders-" + m[0], lambda m=m: check(*m)) for m in MASKS])
