#!/usr/bin/env python3
"""The Python package: its wheel is built and used in an environment of its own, where it answers as quoin-run does."""
import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading

import harness
from harness import expect

MODEL = os.path.join(harness.ROOT, "examples", "demo", "model")
PROMPTS = ["sort 5273916408 =>", "reverse 4f71a90c =>", "sum 004711+000815 =>"]
NEEDS = ["nanobind", "scikit-build-core", "numpy"]
top = tempfile.mkdtemp()
once = threading.Lock()


def run(*command, **environment):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, cwd=top,
                          env=os.environ | {"QUOIN_BIN": harness.BIN, "XDG_CACHE_HOME": os.path.join(top, "cache")} | environment)


@functools.cache
def environment():
    """The interpreter that has the package, or why there is none."""
    if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        return None, "no Python headers"
    with open(os.path.join(os.path.dirname(os.path.realpath(harness.BIN)), "CMakeCache.txt")) as cache:
        if "QUOIN_ENABLE_SANITIZERS:BOOL=ON" in cache.read():
            return None, "an interpreter without sanitizers cannot load what has them"
    venv = os.path.join(top, "venv")
    if run(sys.executable, "-m", "venv", venv).returncode:
        return None, "no venv"
    python = os.path.join(venv, "bin", "python")
    if run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDS).returncode:
        return None, f"pip cannot install {', '.join(NEEDS)}"
    # The runtime is the build's, and what is compiled stays beside it, so that a second run has less to do. The binding runs
    # for microseconds: it is compiled as it is written.
    build = os.path.dirname(os.path.realpath(harness.BIN))
    built = os.path.join(build, "python")
    made = run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-build-isolation", "--no-deps",
               "-C", f"build-dir={built}", "-C", "cmake.build-type=Debug", "-C", f"cmake.define.QUOIN_BUILT={build}", harness.ROOT)
    expect(made.returncode == 0, f"expects the package to be built: {(made.stdout + made.stderr)[-1500:]}")
    out = os.path.join(top, "out")
    harness.tool("quoin-compile", MODEL, "-o", out, "--quiet")
    return python, out


def script(text):
    """Runs lines of Python with the package; gives what they print as JSON, or why it is skipped."""
    with once:
        python, out = environment()
    if python is None:
        return None, f"skipped: {out}"
    done = run(python, "-c", f"import json, sys, quoin\nout, prompts = {out!r}, {PROMPTS!r}\n{text}")
    expect(done.returncode == 0, f"expects the script to end well: {done.stderr[-900:]}")
    return json.loads(done.stdout), out


def test(text):
    """A test that gets what the lines print."""
    def decorate(check):
        def whole():
            found, out = script(text)
            return out if found is None else check(found, out)
        return whole
    return decorate


@test("""
model = quoin.Model(out)
several = model.generate(prompts, max_tokens=24, batch=2, trace=True)
print(json.dumps({"ids": [g.ids for g in several], "text": [g.text for g in several], "forwards": [g.forwards for g in several],
                  "alone": model.generate(prompts[0], max_tokens=24).ids, "by ids": model.generate(model.encode(prompts[1]), max_tokens=24).ids,
                  "pieces": [list(model.stream(p, max_tokens=24)) for p in prompts],
                  "filled": [[c[1] for e in g.trace for c in e["filled"]] for g in several]}))
""")
def same_tokens(found, out):
    want = harness.answers("quoin-run", out, [{"prompt": p, "max_tokens": 24} for p in PROMPTS])
    expect(all(w["ids"] for w in want), "expects answers to compare with")
    for key in ("ids", "text", "forwards"):
        expect([w[key] for w in want] == found[key], f"expects {key} {[w[key] for w in want]}, but found {found[key]}")
    expect(found["alone"] == want[0]["ids"], f"expects {want[0]['ids']} alone, but found {found['alone']}")
    expect(found["by ids"] == want[1]["ids"], f"expects {want[1]['ids']} by ids, but found {found['by ids']}")
    expect(["".join(p) for p in found["pieces"]] == [w["text"] for w in want], f"expects pieces of the texts, but found {found['pieces']}")
    expect(any(len(p) > 1 for p in found["pieces"]), "expects text to come in pieces")
    for w, filled in zip(want, found["filled"]):
        expect(set(w["ids"]) <= set(filled), f"expects a trace that fills {w['ids']}, but found {filled}")


@test("""
import threading
model, said, results = quoin.Model(out), {}, [None] * 4
def refused(name, call):
    try:
        call()
        said[name] = None
    except (quoin.Error, TypeError, ValueError) as error:
        said[name] = f"{type(error).__name__}: {error}"
refused("folder", lambda: quoin.Model("nowhere"))
refused("setting", lambda: model.generate("x", settings={"no_such": 1}))
refused("capacity", lambda: model.generate("x", max_tokens=10**6))
refused("one of several", lambda: model.generate([[3], [10**6]]))
refused("stream", lambda: list(model.stream([10**6])))
refused("compile", lambda: quoin.compile("nowhere", "out2"))
import numpy as np
refused("type", lambda: quoin.attention(*[np.zeros((2, 2, 8))] * 3))
refused("shape", lambda: quoin.attention(*[np.zeros((2, 8), "f")] * 3))
refused("mask", lambda: quoin.attention(*[np.zeros((2, 2, 64), "f")] * 3, mask="k le nothing"))
def go(i):
    results[i] = model.generate(prompts, max_tokens=24)[i % 3].ids
threads = [threading.Thread(target=go, args=(i,)) for i in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
print(json.dumps([said, results, [g.ids for g in model.generate(prompts, max_tokens=24)]]))
""")
def errors_and_threads(found, out):
    said, results, want = found
    for name, words in {"folder": "Error: ", "setting": "no_such", "capacity": "1000000", "one of several": "prompt 1: ", "stream": "1000000",
                        "compile": "nowhere", "type": "TypeError: expects q to be an array of float32, but found float64",
                        "shape": "ValueError: expects q to have 3 sizes, but found 2", "mask": "nothing"}.items():
        expect(words in (said[name] or ""), f"expects '{words}' of {name}, but found {said[name]}")
    expect(results == [want[i % 3] for i in range(4)], f"expects each thread's own answers, but found {results}")


@test("""
import numpy as np
rnd, worst = np.random.default_rng(5), []
for queries, heads, shared, size, mask, see, scale in [(70, 8, 2, 64, "k floordiv 32 le q floordiv 32", lambda q, k: k // 32 <= q // 32, None),
                                                       (33, 2, 2, 32, "(q, k) : k le q", lambda q, k: k <= q, 0.3)]:
    q, k, v = (rnd.standard_normal((queries, h, size)).astype("f") for h in (heads, shared, shared))
    got = quoin.attention(q, k, v, mask=mask, scale=scale)
    wide = [np.repeat(a, heads // shared, 1).astype("d") for a in (k, v)]
    scores = np.einsum("qhd,khd->hqk", q.astype("d"), wide[0]) * (size ** -0.5 if scale is None else scale)
    scores = np.where(see(np.arange(queries)[:, None], np.arange(queries)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    want = np.einsum("hqk,khd->qhd", weights / weights.sum(-1, keepdims=True), wide[1])
    worst.append(float(abs(got - want).max()))
    turned = quoin.attention(np.asfortranarray(q), k, v, mask=mask, scale=scale)
    worst.append(float(abs(turned - got).max()))
print(json.dumps(worst))
""")
def attention(found, out):
    expect(all(error < 2e-5 for error in found), f"expects numpy's softmax within 2e-5, but found differences of {found}")


if __name__ == "__main__":
    try:
        harness.main([("same tokens", same_tokens), ("errors and threads", errors_and_threads), ("attention", attention)])
    finally:
        shutil.rmtree(top, ignore_errors=True)
