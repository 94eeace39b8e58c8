#!/usr/bin/env python3
"""Equal beginnings of prompts are computed once, by every decoder whose caches the compiler proves to mean the same in every run.

Requests with common beginnings, in one batch and one after another, give what each gives alone, confidences bit by bit; the counter
says how many prompt tokens did not run. Decoders whose keys and values depend on more than what is before them share nothing.
"""
import os
import random
import shutil
import tempfile

import harness
import oracle
from checkpoint import write

# Decoders over a shape, the settings they are compiled with, and whether they share.
CASES = {
    "sdar": (oracle.shape("sdar", 71), ("sdar-dynamic", "s2d2", "llada2", "wedlm", "d2f"), dict(block=4, steps=4),
             ("sdar-dynamic", "s2d2", "llada2", "wedlm")),
    "sdlm": (oracle.shape("sdlm", 72), ("sdlm", "sdlm-self", "autoregressive"), {}, ("sdlm", "sdlm-self", "autoregressive")),
    "fast": (oracle.shape("fast-dllm-v2", 73), ("fast-dllm-v2", "nbdiff"), dict(block=6, sub_block=3), ("fast-dllm-v2", "nbdiff")),
    "llada": (oracle.shape("llada", 74), ("llada",), dict(block=4), ()),
    # Forks of the text stand behind its pages.
    "trials": (oracle.shape("qwen3", 75), ("cntp",), dict(low=0.0, high=4.0, trials=5, longest=3, together=True), ("cntp",)),
}
PER_DECODER = 6


def plain(result):
    """What must not depend on who shares."""
    return {k: v for k, v in result.items() if k not in ("seconds", "tokens_per_second", "shared_tokens", "rows")}


def check(name):
    shape, names, settings, sharing = CASES[name]
    folder, rnd = tempfile.mkdtemp(), random.Random(shape.seed)
    try:
        hf, out = write(os.path.join(folder, "hf"), shape), os.path.join(folder, "out")
        harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", *oracle.flags(names, settings))
        common = [rnd.randrange(260) for _ in range(200)]
        queries = []
        for _ in range(PER_DECODER):
            for decoder in names:
                same, own = rnd.choice([140, 150, 200]), rnd.randrange(3, 20)
                queries.append(dict(decoder=decoder, ids=common[:same] + [rnd.randrange(260) for _ in range(own)], max_tokens=8, stop=[]))
        alone = [harness.traced("quoin-run", out, [q]) for q in queries]
        notes = []
        for batch in (1, 5, len(queries)):
            got, traces = harness.traced("quoin-run", out, queries, "--batch", batch, "--threads", 2)
            saved = dict.fromkeys(names, 0)
            for q, a, g, t in zip(queries, alone, got, traces):
                where = f"{q['decoder']}, batch {batch}"
                harness.expect(plain(g) == plain(a[0][0]), f"{where}: expects {plain(a[0][0])}, but found {plain(g)}")
                harness.expect(t == a[1][0], f"{where}: the traces differ")
                harness.expect(a[0][0]["shared_tokens"] == 0, f"{where}: expects nothing shared alone")
                saved[q["decoder"]] += g["shared_tokens"]
            for decoder in names:
                good = (saved[decoder] >= 64 * (PER_DECODER - 1)) if decoder in sharing and batch > 5 else decoder in sharing or not saved[decoder]
                harness.expect(good, f"{decoder}, batch {batch}: found {saved[decoder]} tokens that did not run")
            total = sum(len(q["ids"]) for q in queries)
            notes.append(f"batch {batch}: {sum(saved.values())} of {total}")
        return "prompt tokens not run: " + ", ".join(notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("sharing-" + n, lambda n=n: check(n)) for n in CASES])
