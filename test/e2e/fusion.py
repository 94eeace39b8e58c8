#!/usr/bin/env python3
"""What fuse-commit saves: SDAR with B = 4 and two steps a block loses at least 30 % of its calls.

The statistic that is printed, the metadata and the run agree.
"""
import json
import os
import random
import re
import shutil
import tempfile

import harness
import oracle
from checkpoint import Shape, write

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, seed=41)


DECODERS = ("sdar-static", "sdar-dynamic", "sdar-sequential")


def check():
    folder, rnd = tempfile.mkdtemp(), random.Random(41)
    queries = [dict(decoder=d, ids=[rnd.randrange(290) for _ in range(rnd.randrange(1, 24))], max_tokens=rnd.randrange(1, 48),
                    stop=[], settings=dict(threshold=1.0) if d == "sdar-dynamic" else {}) for d in DECODERS for _ in range(24)]
    try:
        hf, source = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "model.mlir")
        flags = oracle.flags(DECODERS, dict(block=4, steps=2))
        runs, fused = {}, {}
        for level in ("-O0", "-O1"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", hf, "-o", out, level, "--weights", "f32", *flags)
            runs[level] = harness.answers("quoin-run", out, queries)
            with open(os.path.join(out, "model.json")) as f:
                fused[level] = json.load(f)["passes"].get("fuse-commit", {}).get("num-passes-fused", 0)
        harness.tool("quoin-import", hf, "-o", source, *flags)
        opt = harness.call("quoin-opt", source, *harness.PASSES[:3], "--quoin-statistics", "-o", os.devnull)
        printed = re.search(r"^\s*fuse-commit num-passes-fused (\d+)", opt.stderr, re.M)
        harness.expect(printed, f"expects the statistic in: {opt.stderr}")
        found = f"{printed[1]} printed and {fused['-O1']} in model.json"
        harness.expect(int(printed[1]) == fused["-O1"] == 2 * len(DECODERS), f"expects {2 * len(DECODERS)} passes fused, but found {found}")
        harness.expect(fused["-O0"] == 0, f"expects none fused at -O0, but found {fused['-O0']}")
        for q, a, b in zip(queries, runs["-O0"], runs["-O1"]):
            # The fused calls of a run: the prompt's whole blocks, and one for each block that was generated.
            p = len(q["ids"])
            calls = (p >= 4) + (p + len(a["ids"])) // 4 - p // 4
            want = (b["evaluations"] + calls, b["evaluations"])
            found = (a["forwards"], b["forwards"])
            harness.expect(found == want, f"{q}: expects {want} forwards at -O0 and -O1, but found {found}")
        notes = []
        for d in DECODERS:
            before, after = (sum(r["forwards"] for q, r in zip(queries, rs) if q["decoder"] == d) for rs in runs.values())
            harness.expect(after <= 0.7 * before, f"{d}: expects at most {0.7 * before:.0f} forwards, but found {after}")
            notes.append(f"{d} {before} -> {after}")
        return "forwards " + ", ".join(notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("fusion-sdar", check)])
