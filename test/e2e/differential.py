#!/usr/bin/env python3
"""The same requests through every form of a program: interpreted as written, interpreted after each pass that changes it, and
compiled.

Every form must give the same tokens and evaluations; the compiled ones at -O0 and -O2, with one thread and two, alone and in
batches. Shapes and requests are drawn from a seed: layers, heads, head sizes with tails, blocks, rules, prompt lengths.
QUOIN_REQUESTS sets how many requests a shape gets (default 13, so that forty shapes make 520).
"""
import os
import random
import shutil
import tempfile

import harness
from checkpoint import Shape, write
from tolerances import TOLERANCES

SHAPES = int(os.environ.get("QUOIN_SHAPES", "8"))
REQUESTS = int(os.environ.get("QUOIN_REQUESTS", "13"))
FAMILIES = [("sdar", "sdar-dynamic"), ("sdar", "sdar-static"), ("sdar", "sdar-sequential"), ("qwen3", "autoregressive"),
            ("qwen2", "autoregressive"), ("fast-dllm-v2", "fast-dllm-v2")]


def draw(index):
    """Shape, decoder, compile-time settings of the index-th model."""
    rnd = random.Random(1000 + index)
    family, decoder = FAMILIES[index % len(FAMILIES)]
    kv = rnd.choice([1, 2, 3])
    block = rnd.choice([1, 2, 4, 5, 8, 16]) if family == "sdar" else rnd.choice([4, 8, 12])
    heads = kv * rnd.choice([1, 2, 3, 5])
    head_dim = rnd.choice([8, 16, 24, 40, 72])
    shape = Shape(family=family, layers=rnd.choice([1, 2, 3]), hidden=rnd.choice([32, 48, 72, 100]), heads=heads, kv_heads=kv,
                  head_dim=head_dim, mlp=rnd.choice([40, 64, 130]), vocabulary=rnd.choice([270, 300, 389]), block=block,
                  tied=rnd.random() < 0.3, seed=index, capacity=512)
    if family == "qwen2" or family == "fast-dllm-v2":
        shape.hidden = heads * head_dim
    settings = {}
    if family == "sdar":
        settings = dict(block=block, steps=rnd.choice([1, max(1, block // 2), block]))
    elif family == "fast-dllm-v2":
        settings = dict(block=block, sub_block=rnd.choice([s for s in (1, 2, 4) if block % s == 0]))
    return shape, decoder, settings


def requests(index, shape, decoder):
    rnd = random.Random(2000 + index)
    out = []
    for i in range(REQUESTS):
        q = dict(ids=[rnd.randrange(shape.vocabulary - 4) for _ in range(rnd.choice([1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 70]))],
                 max_tokens=rnd.randrange(1, 28), stop=rnd.sample(range(256), rnd.choice([0, 0, 3, 20])), seed=rnd.randrange(1 << 40))
        settings = {}
        if decoder in ("sdar-dynamic", "fast-dllm-v2"):
            settings["threshold"] = rnd.choice([0.05, 0.3, 0.6, 0.9])
        if i % 3 == 2 and decoder != "sdar-dynamic":
            settings["temperature"] = rnd.choice([0.7, 1.0])
            settings["top_p"] = rnd.choice([1.0, 0.8])
            if rnd.random() < 0.5 and decoder != "fast-dllm-v2":
                settings["top_k"] = rnd.choice([5, 20])
        q["settings"] = settings
        out.append(q)
    return out


def same(want, got, form):
    for i, (w, g) in enumerate(zip(want, got)):
        for key in ("ids", "evaluations"):
            harness.expect(w[key] == g[key], f"{form}, request {i}: expects {key} {w[key]}, but found {g[key]}")


def same_confidences(want, got, form):
    """Compares the confidences with which positions were filled, evaluation by evaluation; gives the largest difference."""
    worst = 0.0
    for i, (w, g) in enumerate(zip(want, got)):
        harness.expect(len(w) == len(g), f"{form}, request {i}: expects {len(w)} lines of trace, but found {len(g)}")
        for a, b in zip(w, g):
            harness.expect([f[:2] for f in a["filled"]] == [f[:2] for f in b["filled"]],
                           f"{form}, request {i}, evaluation {a['evaluation']}: expects {a['filled']}, but found {b['filled']}")
            for (position, _, x), (_, _, y) in zip(a["filled"], b["filled"]):
                if x is None or y is None:
                    harness.expect(x == y, f"{form}, request {i}, position {position}: expects confidence {x}, but found {y}")
                    continue
                worst = max(worst, abs(x - y))
    harness.expect(worst <= TOLERANCES["confidence"], f"{form}: confidences differ by {worst:.2g}")
    return worst


def check(index):
    shape, decoder, settings = draw(index)
    queries = requests(index, shape, decoder)
    flags = [f for k, v in settings.items() for f in ("--set", f"{k}={v}")]
    folder = tempfile.mkdtemp()
    try:
        model = write(os.path.join(folder, "hf"), shape)
        source = os.path.join(folder, "model.mlir")
        harness.tool("quoin-import", model, "-o", source, "--decoder", decoder, *flags)
        want, evaluations = harness.traced("quoin-interpret", source, queries)
        worst = 0.0
        passed = os.path.join(folder, "passed.mlir")
        for n in harness.after_each_pass(source, passed):
            same(want, harness.answers("quoin-interpret", passed, queries), f"interpreted after {harness.PASSES[n - 1][2:]}")
        # Stages compute what the model does, so a few requests find a wrong one.
        for name, staged in harness.forms(passed, harness.STAGE_PASSES):
            same(want[:3], harness.answers("quoin-interpret", staged, queries[:3]), f"interpreted after {name}")
        for level in ("-O0", "-O2"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", model, "-o", out, level, "--weights", "f32", "--decoder", decoder, *flags)
            for extra in ([], ["--threads", "2", "--batch", "5"]):
                form = f"compiled {level} {' '.join(extra)}"
                got, trace = harness.traced("quoin-run", out, queries, *extra)
                same(want, got, form)
                worst = max(worst, same_confidences(evaluations, trace, form))
        return f"{decoder} {shape.layers}x{shape.hidden} heads {shape.heads}/{shape.kv_heads}x{shape.head_dim}, {len(queries)} requests, confidences within {worst:.1g}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([(f"differential-{i}", lambda i=i: check(i)) for i in range(SHAPES)])
