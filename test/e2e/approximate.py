#!/usr/bin/env python3
"""Approximate caches: what each policy lets be stale, against an oracle with a real store of keys and values (test/oracle).

Tokens, evaluations and forwards are those of the oracle, interpreted before and after the later passes and compiled; an interval of
one call is exact; metadata says what was asked for; what cannot be approximated is refused. Fast-dLLM v2 under `sub-block` is its
published sub-block cache. QUOIN_APPROXIMATE_REQUESTS sets how many requests each policy gets (default 10).
"""
import json
import os
import random
import re
import shutil
import tempfile

import harness
import oracle
from checkpoint import write
from model import Model

REQUESTS = int(os.environ.get("QUOIN_APPROXIMATE_REQUESTS", "10"))
POLICIES = [("dual", 0), ("dual", 3), ("block-external", 2), ("sub-block", 0), ("sub-block", 2), ("block-external", 1)]
OUTPUTS = [("attention-output", 1), ("attention-output", 3)]
CASES = {
    "llada": (oracle.shape("llada", 61), "llada", dict(block=4), POLICIES),
    "fast-dllm-v2": (oracle.shape("fast-dllm-v2", 62), "fast-dllm-v2", dict(block=8, sub_block=4), POLICIES),
    "nbdiff": (oracle.shape("sdar", 63), "nbdiff", dict(block=6, sub_block=3), POLICIES),
    # The text is cached whatever the policy; in the second rows are shifted.
    "sdar-outputs": (oracle.shape("sdar", 67), "sdar-dynamic", dict(block=8, threshold=0.6), OUTPUTS),
    "fast-dllm-v2-outputs": (oracle.shape("fast-dllm-v2", 68), "fast-dllm-v2", dict(block=8, sub_block=4), OUTPUTS[1:]),
}
LATER = ["--quoin-infer-cache", "--quoin-fuse-commit", "--quoin-prune-rows", "--quoin-outline-steps"]


def spelling(policy, interval):
    return policy + (f",refresh={interval}" if interval else "")


def requests(model, decoder, settings, policy, interval, rnd):
    """Requests whose answers do not hang on the last digits, and the answers."""
    queries, wants = [], []
    own = {**oracle.filled_in(decoder, settings), "approximate": (policy, interval)}
    while len(queries) < REQUESTS:
        q = oracle.request(rnd, decoder, model.fill, settings)
        q["max_tokens"] += 2 * settings["block"] if decoder != "llada" else 0
        want = oracle.expected(model, q, own)
        if oracle.steady(model, q, own, want):
            queries.append(q)
            wants.append(want)
    return queries, wants


def check(name):
    shape, decoder, settings, policies = CASES[name]
    folder, rnd, differ, total = tempfile.mkdtemp(), random.Random(shape.seed), 0, 0
    try:
        hf, source = write(os.path.join(folder, "hf"), shape), os.path.join(folder, "model.mlir")
        model = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward"))
        flags = oracle.flags([decoder], settings)
        harness.tool("quoin-import", hf, "-o", source, *flags)
        for turn, (policy, interval) in enumerate(policies):
            queries, wants = requests(model, decoder, settings, policy, interval, rnd)
            exact = harness.answers("quoin-interpret", source, queries)
            form = f"{policy} {interval}"
            if interval == 1:
                oracle.compare(f"{form}, exact", queries, wants, exact, True)
            outputs = policy == "attention-output"
            passes = ["--quoin-inline-calls", f"--quoin-approximate-attention=refresh={interval}" if outputs
                      else f"--quoin-approximate-cache=policy={policy} refresh={interval}"]
            passed = os.path.join(folder, "passed.mlir")
            for later in (LATER[:0], LATER[:1], LATER):
                harness.tool("quoin-opt", source, *passes, *later, "-o", passed)
                got = harness.answers("quoin-interpret", passed, queries)
                oracle.compare(f"{form}, interpreted after {later[-1:]}", queries, wants, got, len(later) < 2)
            # Both levels of the first, then one of each.
            levels = (("-O0", []), ("-O1", ["--threads", "2", "--batch", "5"]))
            for level, more in levels if turn == 0 else levels[turn % 2:][:1]:
                out = os.path.join(folder, "out" + level)
                harness.tool("quoin-compile", hf, "-o", out, level, "--weights", "f32", "--approximate", spelling(policy, interval), *flags)
                oracle.compare(f"{form}, compiled {level}", queries, wants, harness.answers("quoin-run", out, queries, *more), level == "-O0")
            with open(os.path.join(out, "model.json")) as f:
                meta = json.load(f)
            said = (meta["exact"], meta["approximation"], meta["decoders"][0]["exact"])
            wanted = (False, spelling(policy, interval), False)
            harness.expect(said == wanted, f"expects {wanted} in model.json, but found {said}")
            kept = meta["passes"]["infer-cache"]["num-snapshots-kept"]
            harness.expect(outputs or name == "nbdiff" or kept > 0, f"{form}: expects a snapshot that is kept, but found {kept}")
            differ += sum(a["ids"] != b["ids"] for a, b in zip(exact, wants))
            total += len(queries)
        model.close()
        harness.expect(differ > 0, "expects an approximation to change something, but found all answers equal")
        return f"{differ} of {total} answers differ from the exact ones"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def published():
    """The policy over the exact program is the published program."""
    shape, folder, rnd = oracle.shape("fast-dllm-v2", 64), tempfile.mkdtemp(), random.Random(64)
    names = ("fast-dllm-v2", "fast-dllm-v2-sub-block-cache")
    try:
        hf, settings = write(os.path.join(folder, "hf"), shape), dict(block=12, sub_block=4)
        got = []
        for name, more in zip(names, (["--approximate", "sub-block"], [])):
            out = os.path.join(folder, name)
            harness.tool("quoin-compile", hf, "-o", out, "-O0", "--weights", "f32", *oracle.flags([name], settings), *more)
            with open(os.path.join(out, "model.json")) as f:
                meta = json.load(f)
            harness.expect(not meta["exact"] and meta["approximation"] == "sub-block", f"{name}: expects model.json to say 'sub-block'")
            got.append(out)
        queries = [oracle.request(rnd, names[0], shape.vocabulary - 1, settings) for _ in range(40)]
        answers = []
        for name, out in zip(names, got):
            for q in queries:
                q["decoder"] = name
            answers.append([{k: a[k] for k in ("ids", "evaluations", "forwards")} for a in harness.answers("quoin-run", out, queries)])
        for q, a, b in zip(queries, *answers):
            harness.expect(a == b, f"{q}: expects {b}, but found {a}")
        return "40 answers equal"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured():
    """What `quoin-run --against` prints is what the two artefacts give."""
    shape, folder, rnd = oracle.shape("llada", 66), tempfile.mkdtemp(), random.Random(66)
    try:
        hf, outs = write(os.path.join(folder, "hf"), shape), []
        for more in (["--approximate", "dual"], []):
            outs.append(os.path.join(folder, f"out{len(outs)}"))
            harness.tool("quoin-compile", hf, "-o", outs[-1], "--weights", "f32", "--set", "block=8", *more)
        queries = [dict(ids=[rnd.randrange(250) for _ in range(rnd.randrange(1, 30))], max_tokens=24, stop=[]) for _ in range(8)]
        ours, theirs = (harness.answers("quoin-run", out, queries) for out in outs)
        path = os.path.join(folder, "requests.jsonl")
        with open(path, "w") as f:
            f.writelines(json.dumps(q) + "\n" for q in queries)
        *lines, total = [json.loads(line) for line in harness.tool("quoin-run", outs[0], "--against", outs[1], "--input", path, "--json").splitlines()]
        for a, b, line in zip(ours, theirs, lines):
            unlike = [i for i, (x, y) in enumerate(zip(a["ids"], b["ids"])) if x != y]
            want = dict(tokens=24, differ=len(unlike), first=unlike[0] if unlike else None,
                        **{k: [a[k], b[k]] for k in ("evaluations", "forwards", "rows")})
            found = {k: line[k] for k in want}
            harness.expect(found == want, f"expects {want}, but found {found}")
        sums = {k: sum(line[k] for line in lines) for k in ("tokens", "differ")}
        harness.expect({k: total[k] for k in sums} == sums, f"expects sums {sums}, but found {total}")
        harness.expect(2 * total["rows"][0] < total["rows"][1], f"expects less than half of the rows to run, but found {total['rows']}")
        text = harness.tool("quoin-run", outs[0], "--against", outs[1], "--input", path)
        words = f"{total['differ']} of {total['tokens']} tokens differ"
        harness.expect(words in text, f"expects '{words}' in: {text}")
        return f"{words}; rows {total['rows'][0]} against {total['rows'][1]}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refusals():
    folder = tempfile.mkdtemp()
    try:
        hf = write(os.path.join(folder, "hf"), oracle.shape("sdar", 65))
        for more, words in ((["--approximate", "dual"], "can approximate"), (["--approximate", "stale"], "'attention-output', but found 'stale'"),
                            (["--approximate", "dual,refresh=0"], "of at least 1"), (["--approximate", "block-external"], "refresh=N"), (["--approximate", "attention-output"], "refresh=N"),
                            (["--approximate", "dual", "--compile-to", "semantic"], "leave it out")):
            out = os.path.join(folder, "out")
            r = harness.call("quoin-compile", hf, "-o", out, *more)
            harness.expect(r.returncode == 1 and re.search(f"^error: expects .*{re.escape(words)}", r.stderr, re.M) and not os.path.exists(out),
                           f"{more}: expects an error with '{words}', but found {r.returncode}: {r.stderr}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    tests = [("approximate-" + n, lambda n=n: check(n)) for n in CASES]
    harness.main([*tests, ("approximate-measured", measured), ("approximate-published", published), ("approximate-refusals", refusals)])
