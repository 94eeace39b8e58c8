#!/usr/bin/env python3
"""Attention over tokens as they lie and in the order that `permute-rows` chooses.

  bench/orders.py [--lengths 1024,4096] [--threads N] [--rounds 3] [--json FILE]

The same mask is compiled twice: for any length, which leaves the order alone, and for one length, which sorts the rows (the copies
there and back are part of the time). Both are called in turn with the same shape as in bench/cases/attention.json. Columns:
how long compilation for that length takes; both times; how many times faster the sorted function is."""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

from attention import BIN, ROOT, ours, program, save

# Formulas over a grid whose width depends on the length.
MASKS = {
    "streams 16": "(q, k) : k mod 16 eq q mod 16",
    "wavefront": "(q, k) : k floordiv {w} + k mod {w} le q floordiv {w} + q mod {w}",
    "same wave": "(q, k) : k floordiv {w} + k mod {w} eq q floordiv {w} + q mod {w}",
    "cells 8": "(q, k) : k floordiv {w} floordiv 8 eq q floordiv {w} floordiv 8 and k mod {w} floordiv 8 eq q mod {w} floordiv 8",
    "subsamples 4": "(q, k) : k floordiv {w} mod 4 eq q floordiv {w} mod 4 and k mod {w} mod 4 eq q mod {w} mod 4",
}


def compiled(folder, text):
    with open(folder + ".mlir", "w") as f:
        f.write(text)
    start = time.perf_counter()
    subprocess.run([os.path.join(BIN, "quoin-compile"), folder + ".mlir", "-o", folder, "--quiet"], check=True)
    return time.perf_counter() - start


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--lengths", type=lambda s: [int(x) for x in s.split(",")], default=[1024, 4096])
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--budget", type=float, default=0.3, help="seconds for each function in each round")
    p.add_argument("--json")
    o = p.parse_args()
    with open(os.path.join(ROOT, "bench", "cases", "attention.json")) as f:
        case = json.load(f)
    print(f"{'mask':13} {'length':>6} {'compile s':>9} {'as it lies ms':>13} {'sorted ms':>9} {'faster':>6}")
    results = []
    with tempfile.TemporaryDirectory() as work:
        for name, text in MASKS.items():
            for length in o.lengths:
                mask = {"name": name, "mask": text.format(w=round(length**0.5 / 8) * 8)}
                lies, ordered = (os.path.join(work, f"{name}-{length}-{kind}".replace(" ", "-")) for kind in ("lies", "sorted"))
                compiled(lies, program(case, mask, "f32"))
                seconds = compiled(ordered, program(case, mask, "f32", length))
                times = [[ours(folder, mask, length, o.threads, o.budget)["seconds"] for folder in (lies, ordered)] for _ in range(o.rounds)]
                before, after = (statistics.median(t[i] for t in times) for i in (0, 1))
                faster = statistics.median(a / b for a, b in times)
                results.append(dict(mask=name, formula=mask["mask"], length=length, threads=o.threads, compile_seconds=seconds,
                                    seconds=before, sorted_seconds=after, ratio=faster))
                print(f"{name:13} {length:>6} {seconds:>9.2f} {before * 1e3:>13.2f} {after * 1e3:>9.2f} {faster:>6.2f}", flush=True)
    save(results, o.json)


if __name__ == "__main__":
    main()
