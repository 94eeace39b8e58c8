#!/usr/bin/env python3
"""Weights as whole numbers: machine code against the float64 interpreter of the same stages, whose weights are what the whole numbers stand
for. Rows are rounded by machine code alone, so confidences differ within the table; the bits of a row depend neither on batch, threads nor
level of optimisation. And what cannot be so is said."""
import json
import os
import random
import shutil
import tempfile

import harness
from checkpoint import Shape, write
from harness import expect
from precision import compare
from tolerances import TOLERANCES

# Depths that whole groups fill, and (int8) others; heads of their own and tied ones.
CASES = [(Shape(family="sdar", layers=2, hidden=72, heads=6, head_dim=24, mlp=131, vocabulary=333, dtype="BF16", seed=31), "sdar-dynamic",
          ["--weights", "int8"]),
         (Shape(family="qwen2", layers=2, hidden=64, heads=4, kv_heads=1, head_dim=16, mlp=192, seed=32), "autoregressive",
          ["--weights", "int4", "--group", "64", "--head-weights", "int8"]),
         (Shape(family="llada", layers=2, hidden=128, heads=4, kv_heads=4, head_dim=32, mlp=96, dtype="F16", seed=33), "llada",
          ["--weights", "int4", "--head-weights", "int4", "--group", "32"])]


def check(shape, decoder, flags):
    rnd = random.Random(shape.seed)
    requests = [dict(ids=[rnd.randrange(250) for _ in range(rnd.choice([1, 3, 8, 33, 65]))], max_tokens=8, stop=[]) for _ in range(8)]
    folder = tempfile.mkdtemp()
    try:
        model, stages, out = (os.path.join(folder, name) for name in ("hf", "stages.mlir", "out"))
        write(model, shape)
        common = [model, "--decoder", decoder, "--quiet", *flags]
        harness.tool("quoin-compile", *common, "-o", stages, "--compile-to", "stages")
        want = harness.traced("quoin-interpret", stages, requests)[1]
        harness.tool("quoin-compile", *common, "-o", out)
        alone = harness.traced("quoin-run", out, requests, "--batch", "1")[1]
        worst = compare(want, alone, "compiled", TOLERANCES["quantized"])
        together = harness.traced("quoin-run", out, requests, "--threads", "2", "--batch", "8")[1]
        expect(alone == together, "expects the same bits in a batch, but the traces differ")
        harness.tool("quoin-compile", *common, "-o", out, "-O0")
        plain = harness.traced("quoin-run", out, requests)[1]
        fills = lambda sessions: [[e["filled"] for e in s] for s in sessions]
        expect(fills(alone) == fills(plain), "expects the same bits at -O0, but the traces differ")
        with open(os.path.join(out, "model.json")) as file:
            weights = json.load(file)["quantized"]
        # All matrices of the layers, and the head's.
        expect(len(weights) == 7 * shape.layers + ("--head-weights" in flags), f"expects all matrices of the layers, but found {len(weights)}")
        errors = [w["relative_error"] for w in weights if w["bits"] == 8]
        expect(all(0 < e < 0.02 for e in errors), f"expects small errors of int8, but found {max(errors, default=0)}")
        errors = [w["relative_error"] for w in weights if w["bits"] == 4]
        expect(all(0.03 < e < 0.15 for e in errors), f"expects errors of int4, but found {errors}")
        return f"confidences within {worst:.1g}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def what_no_group_divides():
    """Stays as it is, with one note; whoever asks hears what was lost layer by layer, and the file is smaller."""
    with harness.scratch() as folder:
        model = write(os.path.join(folder, "hf"), Shape(family="sdar", layers=2, hidden=72, heads=4, kv_heads=2, head_dim=16, mlp=160))
        out = os.path.join(folder, "out")
        r = harness.call("quoin-compile", model, "-o", out, "--weights", "int4", "-O0")
        expect(r.returncode == 0, r.stderr)
        notes = [line for line in r.stderr.splitlines() if line.startswith("note: ")]
        # Queries, keys and values, gates and what they gate are 72 deep; the others 64 and 160.
        expect(len(notes) == 1 and "stay as they are, since no group divides their depth: @" in notes[0] and "of 72, .." in notes[0],
               f"expects one note, but found {notes}")
        told = [line for line in r.stderr.splitlines() if "relative error" in line]
        expect(len(told) == 2 and "2 matrices of whole numbers" in told[0], f"expects a line for each layer, but found {told}")
        with open(os.path.join(out, "model.json")) as file:
            groups = [w["group"] for w in json.load(file)["quantized"]]
        expect(groups == [64, 32] * 2, f"expects groups of 64 and 32, but found {groups}")


TESTS = [
    *((f"whole-numbers {decoder} {' '.join(flags)}", lambda c=(shape, decoder, flags): check(*c)) for shape, decoder, flags in CASES),
    ("what no group divides", what_no_group_divides),
]

if __name__ == "__main__":
    harness.main(TESTS)
