#!/usr/bin/env python3
"""Compares the ratios of the last bench/run.sh with those in bench/baselines, or keeps them there.

  bench/baseline.py [--keep] [--slack 1.25]

A baseline is named by what the code may use of a CPU and by its cores, not by a machine: avx512bf16-2.json. Only ratios are
kept, each taken within one run: a step's time over its roofline, masked attention's rate over our dense kernel's, a peer's time
over ours. Exits 1 if one is worse than the baseline's by more than the slack."""
import argparse
import glob
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
# Ratios, and whether a larger one is better.
RATIOS = {"of_roofline": False, "roofline_ratio": False, "rate_to_dense": True, "ratio": True, "last_row_ratio": True}


def machine():
    with open("/proc/cpuinfo") as f:
        flags = next((l.split(":")[1].split() for l in f if l.startswith(("flags", "Features"))), [])
    best = next((n for n, flag in (("avx512bf16", "avx512_bf16"), ("avx512", "avx512bw"), ("avx2", "avx2"), ("asimd", "asimd")) if flag in flags), "other")
    return f"{best}-{os.cpu_count()}"


def measured():
    """{"case: mask, rows, ...": {ratio: value}} of what lies in build/bench."""
    found = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "build", "bench", "*.json"))):
        with open(path) as f:
            results = json.load(f)["results"]
        for r in results:
            if "rows" in r and "roofline_ratio" not in r:
                r["of_roofline"] = r["seconds"] / r["roofline_seconds"]
            which = [f"{k} {r[k]}" for k in ("mask", "length", "rows", "threads") if k in r]
            found[f"{os.path.basename(path)[:-5]}: {', '.join(which)}"] = {k: round(r[k], 3) for k in RATIOS if r.get(k)}
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keep", action="store_true", help="write the baseline instead; parts that were not run stay as they are")
    p.add_argument("--slack", type=float, default=1.25)
    o = p.parse_args()
    path = os.path.join(ROOT, "bench", "baselines", machine() + ".json")
    now = measured()
    if o.keep:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        run = {case.partition(":")[0] for case in now}
        if os.path.exists(path):
            with open(path) as f:
                now = {case: r for case, r in json.load(f).items() if case.partition(":")[0] not in run} | now
        with open(path, "w") as f:
            f.write("{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in now.items()) + "\n}\n")
        print(f"{len(now)} results kept in {os.path.relpath(path, ROOT)}")
        return
    if not os.path.exists(path):
        sys.exit(f"error: expects a baseline in '{os.path.relpath(path, ROOT)}', but there is none; --keep makes one")
    with open(path) as f:
        before = json.load(f)
    worse = 0
    for case, ratios in now.items():
        for name, value in ratios.items():
            old = before.get(case, {}).get(name)
            if not old or not value:
                continue
            change = value / old if RATIOS[name] else old / value
            if change * o.slack < 1:
                worse += 1
                print(f"worse: {case}: {name} was {old}, is {value}")
    print(f"{len(now)} results, {worse} worse than the baseline by more than {o.slack}")
    sys.exit(1 if worse else 0)


main()
