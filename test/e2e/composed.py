#!/usr/bin/env python3
"""Systems made of several small models (test/e2e/programs), against what their published descriptions give in float64 (test/oracle/composed.py):
Block Transformer, Belief State Transformer, a learned unmasking policy, ILM with the classifier that stops it.

Interpreted as written, after each pass, and compiled at both levels, alone and side by side."""
import os
import random
import re
import sys

import harness
from harness import expect

sys.path.insert(0, os.path.join(harness.ROOT, "test", "oracle"))
import composed

PROGRAMS = os.path.join(harness.ROOT, "test", "e2e", "programs")
REQUESTS = 6
# Rows that run where caches are derived. A block's row runs once, and of its tokens two and all but the last; what is before a gap and what is behind it runs once,
# each with the token that it begins with, and so does what is written. Under masks that show everything nothing is kept.
ROWS = {"block-transformer": lambda q, calls: -(-len(q["ids"]) // 4) + calls // 5 - 1 + calls,
        "belief-state": lambda q, calls: 2 + sum(t != 49 for t in q["ids"]) + q["max_tokens"] - 1}


def program(system):
    """The text with the layers of its stacks and with its weights."""
    text = open(os.path.join(PROGRAMS, system.name + ".mlir.in")).read()
    for stack in system.stacks:
        text, n = re.subn(rf" *// STACK {stack.name} %(\w+) -> %(\w+)\n", lambda m, stack=stack: stack.text(m[1], m[2]), text)
        expect(n == 1, f"expects one place of '{stack.name}', but found {n}")
    return text.rstrip()[:-1] + system.w.text() + "}\n"


def requests(system, rnd):
    """Requests and what they must give, without close ones."""
    while True:
        n = rnd.choice([1, 3, 4, 7, 9])
        q = dict(ids=[rnd.randrange(system.vocabulary - 1) for _ in range(n)], max_tokens=rnd.randrange(1, 14), seed=rnd.randrange(1 << 40), stop=[], settings={})
        if system.name == "block-transformer":
            q["settings"] = dict(temperature=rnd.choice([0, 0, 0.8]))
            q["stop"] = rnd.choice([[], [*range(0, 50, 4)]])
        if system.name == "belief-state":
            q["settings"] = dict(sides=rnd.choice([1, 2, 2]))
            if rnd.random() < 0.8:
                q["ids"][rnd.randrange(n)] = system.vocabulary - 1
        try:
            yield q, system.decode(q)
        except composed.Close:
            continue


def check(kind):
    def test():
        with harness.scratch() as folder:
            system = kind()
            system.w.save(os.path.join(folder, "w.safetensors"))
            source, passed = os.path.join(folder, "model.mlir"), os.path.join(folder, "passed.mlir")
            with open(source, "w") as f:
                f.write(program(system))
            made = requests(system, random.Random(system.name))
            queries, wants = zip(*(next(made) for _ in range(REQUESTS)))

            def same(form, got, exact=True):
                for q, w, g in zip(queries, wants, got):
                    for key in ("ids", "evaluations"):
                        expect(g[key] == w[key], f"{form}, {q}: expects {key} {w[key]}, but found {g[key]}")
                    expect(g["forwards"] == w["evaluations"] if exact else g["forwards"] <= w["evaluations"], f"{form}, {q}: found {g['forwards']} forwards")
                    if form.startswith("-O1") and system.name in ROWS:
                        rows = ROWS[system.name](q, g["evaluations"])
                        expect(g["rows"] == rows, f"{form}, {q}: expects {rows} rows, but found {g['rows']}")

            same("interpreted", harness.answers("quoin-interpret", source, queries))
            for n in harness.after_each_pass(source, passed):
                same(f"interpreted after {harness.PASSES[n - 1]}", harness.answers("quoin-interpret", passed, queries), False)
            for level in ("-O0", "-O1"):
                out = os.path.join(folder, "out" + level)
                harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
                for extra in ([], ["--threads", "2", "--batch", "4"]):
                    same(f"{level} {' '.join(extra)}", harness.answers("quoin-run", out, queries, *extra), level == "-O0")
            return f"{sum(len(w['ids']) for w in wants)} tokens"
    return test


if __name__ == "__main__":
    harness.main([(kind.name, check(kind)) for kind in composed.SYSTEMS])
