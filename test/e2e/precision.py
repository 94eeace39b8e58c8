#!/usr/bin/env python3
"""bf16 arithmetic: what checkpoints of bf16 (kept) and of f32 (`--weights bf16`) compute, against the float64 interpreter.

bf16 rounds, so tokens may differ where two are about equally likely; what must hold is that the first evaluation chooses
nearly always the same tokens, with confidences within the table. The bits of a row depend neither on batch nor threads nor, where
tokens keep their order, on the optimisation level, and machines without bf16 instructions compute the same up to rounding.
"""
import os
import random
import shutil
import tempfile

import harness
from checkpoint import Shape, write
from tolerances import TOLERANCES

# Odd widths and head sizes on purpose: pairs must be filled up with zeros.
CASES = [(Shape(family="sdar", hidden=72, heads=6, head_dim=24, mlp=131, vocabulary=333, dtype="BF16", seed=21), "sdar-dynamic", "keep"),
         (Shape(family="qwen2", hidden=60, heads=4, kv_heads=1, head_dim=15 * 2, mlp=97, dtype="BF16", seed=22), "autoregressive", "keep"),
         (Shape(family="wedlm", heads=4, kv_heads=4, head_dim=40, dtype="F32", seed=23), "wedlm", "bf16"),
         (Shape(family="llada", hidden=64, heads=4, kv_heads=4, head_dim=16, mlp=101, dtype="F32", seed=24), "llada", "bf16"),
         (Shape(family="fast-dllm-v2", hidden=64, block=8, dtype="F16", tied=True, seed=25), "fast-dllm-v2", "bf16")]


def first_fills(trace):
    return {position: (token, confidence) for position, token, confidence in trace[0]["filled"]}


def compare(want, got, form, tolerance=TOLERANCES["confidence_bf16"]):
    """Compares the first evaluations of all requests; gives the largest difference of confidences."""
    worst, equal, total = 0.0, 0, 0
    for w, g in zip(want, got):
        expected, found = first_fills(w), first_fills(g)
        for position, (token, confidence) in expected.items():
            total += 1
            if found.get(position, (None, None))[0] == token:
                equal += 1
                worst = max(worst, abs(confidence - found[position][1]))
    harness.expect(equal >= 0.8 * total, f"{form}: expects 80 % of {total} tokens to be the same, but {equal} are")
    harness.expect(worst <= tolerance, f"{form}: confidences differ by {worst:.2g}")
    return worst


def check(shape, decoder, weights):
    rnd = random.Random(shape.seed)
    requests = [dict(ids=[rnd.randrange(250) for _ in range(rnd.choice([1, 3, 8, 33, 64, 65, 130]))], max_tokens=16, stop=[]) for _ in range(16)]
    folder = tempfile.mkdtemp()
    try:
        model = write(os.path.join(folder, "hf"), shape)
        source = os.path.join(folder, "model.mlir")
        harness.tool("quoin-import", model, "-o", source, "--decoder", decoder)
        _, want = harness.traced("quoin-interpret", source, requests)

        def compiled(*flags):
            out = os.path.join(folder, "out")
            harness.tool("quoin-compile", model, "-o", out, "--weights", weights, "--decoder", decoder, *flags)
            return out
        out = compiled()
        alone = harness.traced("quoin-run", out, requests, "--batch", "1")[1]
        worst = compare(want, alone, "compiled")
        together = harness.traced("quoin-run", out, requests, "--threads", "2", "--batch", "16")[1]
        harness.expect(alone == together, "expects the same bits in a batch, but the traces differ")
        fills = lambda sessions: [[e["filled"] for e in s] for s in sessions]
        # WeDLM's tokens lie in another order at -O2, so that its sums are rounded differently.
        if decoder != "wedlm":
            plain = harness.traced("quoin-run", compiled("-O0"), requests)[1]
            harness.expect(fills(alone) == fills(plain), "expects the same bits at -O0, but the traces differ")
        portable = compare(want, harness.traced("quoin-run", compiled("--target-cpu", "haswell"), requests)[1], "without bf16 instructions")
        return f"confidences within {worst:.1g}, without bf16 instructions {portable:.1g}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([(f"precision-{decoder}-{shape.dtype.lower()}-{weights}", lambda c=(shape, decoder, weights): check(*c))
                  for shape, decoder, weights in CASES])
