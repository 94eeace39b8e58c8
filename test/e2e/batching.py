#!/usr/bin/env python3
"""The same request gives the same bits alone and among sixteen others, with one thread and with two.

Compares the confidences of every evaluation in the trace, bit by bit, besides tokens and counts.
"""
import os
import random
import shutil
import tempfile

import harness
from checkpoint import Shape, write

CASES = [(Shape(family="sdar", layers=2, hidden=72, heads=6, kv_heads=2, head_dim=24, mlp=130, vocabulary=333, seed=5), "sdar-dynamic"),
         (Shape(family="qwen3", layers=2, hidden=64, heads=4, kv_heads=1, head_dim=40, mlp=96, vocabulary=300, seed=6), "autoregressive"),
         (Shape(family="fast-dllm-v2", layers=2, hidden=64, heads=4, kv_heads=2, head_dim=16, mlp=96, vocabulary=300, block=8, seed=7),
          "fast-dllm-v2")]


def traced(out, requests, *flags):
    """Results without times, and the trace of each session."""
    got, sessions = harness.traced("quoin-run", out, requests, *flags)
    for g in got:
        for key in ("seconds", "tokens_per_second", "shared_tokens", "rows"):
            g.pop(key)
    return got, sessions


def check(shape, decoder):
    rnd = random.Random(shape.seed)
    requests = [dict(ids=[rnd.randrange(250) for _ in range(rnd.choice([1, 5, 16, 63, 64, 65, 130]))], max_tokens=rnd.randrange(4, 40), stop=[],
                     seed=i, settings=dict(temperature=rnd.choice([0, 0.8]))) for i in range(17)]
    folder = tempfile.mkdtemp()
    try:
        model = write(os.path.join(folder, "hf"), shape)
        out = os.path.join(folder, "out")
        harness.tool("quoin-compile", model, "-o", out, "--decoder", decoder)
        alone = [traced(out, [q], "--threads", "1") for q in requests]
        lines = 0
        for threads, batch in (("1", "17"), ("2", "17"), ("2", "5"), ("2", "1")):
            got, sessions = traced(out, requests, "--threads", threads, "--batch", batch)
            for i, ((result, trace), g) in enumerate(zip(alone, got)):
                where = f"threads {threads}, batch {batch}, request {i}"
                harness.expect(g == result[0], f"{where}: expects {result[0]}, but found {g}")
                harness.expect(sessions[i] == trace[0], f"{where}: the traces differ")
                lines += len(trace[0])
        return f"{lines} evaluations compared"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([(f"batching-{decoder}", lambda s=shape, d=decoder: check(s, d)) for shape, decoder in CASES])
