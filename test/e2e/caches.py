#!/usr/bin/env python3
"""Caches that rest on labels (test/e2e/programs): trees behind the text, blocks of any length, texts that are no sequence.

Random sessions give the same tokens and evaluations interpreted as written, which runs everything at each call, interpreted after each
pass, and compiled, alone and in batches; and compiled programs run a part of the rows only."""
import os
import random

import harness
import oracle
from checkpoint import write
from harness import expect
from speculation import Fixture, without_slots

# Rows of the model that a session runs at most. A tree's two calls: what was accepted and two masks, then seven nodes. A block's calls:
# the block, and what is committed runs once more. Without text: each token once.
MOST = {"tree": lambda text, tokens, calls: text + calls // 2 * 13,
        "ctrldiff": lambda text, tokens, calls: text + calls * 16 + 2 * (tokens + 16),
        "set-prompting": lambda text, tokens, calls: text + calls - 1}
SETTINGS = {"ctrldiff": dict(threshold=[0.02, 0.1, 0.85], temperature=[0, 0.9])}


def requests(name, long):
    rnd = random.Random(f"{name} {long}")
    out = []
    for i in range(6 if long else 24):
        ids = [rnd.randrange(260) for _ in range(rnd.randrange(60, 90) if long else rnd.randrange(1, 20))]
        if name == "set-prompting":
            for _ in range(rnd.randrange(1, 5)):
                ids.insert(rnd.randrange(1, len(ids) + 1), 7)
        out.append(dict(decoder=name, ids=ids, max_tokens=rnd.randrange(20, 40) if long else rnd.randrange(1, 24),
                        stop=[] if long else rnd.sample(range(260), rnd.choice([0, 20])), seed=rnd.randrange(1 << 40),
                        settings={k: rnd.choice(v) for k, v in SETTINGS.get(name, {}).items()}))
    return out


def rows(name, query, answer):
    """How many rows a session may run, and how many its calls have at least."""
    text = sum(i != 7 for i in query["ids"]) if name == "set-prompting" else len(query["ids"])
    return MOST[name](text, len(answer["ids"]), answer["evaluations"]), text * answer["evaluations"]


def same(want, got, form, keys):
    for i, (w, g) in enumerate(zip(want, got)):
        for key in keys:
            expect(w[key] == g[key], f"{form}, request {i}: expects {key} {w[key]}, but found {g[key]}")


def check(name, change=lambda masks: masks, settings=()):
    """`change` is made to the masks, `settings` are lines of the decoder's text and what they become."""
    def test():
        fixture = Fixture()
        try:
            file, queries = fixture.put(name, change), requests(name, False)
            text = open(file).read()
            for old, new in settings:
                expect(text.count(old) == 1, f"expects '{old}' once")
                text = text.replace(old, new)
            with open(file, "w") as f:
                f.write(text)
            want = harness.answers("quoin-interpret", file, queries)
            passed = file + ".passed"
            for n in harness.after_each_pass(file, passed):
                got = harness.answers("quoin-interpret", passed, queries)
                same(want, got, f"interpreted after {harness.PASSES[n - 1]}", ("ids", "evaluations"))
            for level in ("-O0", "-O1"):
                out, _, notes = fixture.compile(file, level)
                expect(not notes or level == "-O0", f"{level}: expects no notes, but found {notes}")
                for extra in ([], ["--threads", "2", "--batch", "5"]):
                    got = harness.answers("quoin-run", out, queries, *extra)
                    same(want, got, f"compiled {level} {' '.join(extra)}", ("ids", "evaluations"))
                    if level == "-O0":
                        same(want, got, f"compiled {level}", ("forwards",))
            ran = had = 0
            for q, a in zip(longer := requests(name, True), harness.answers("quoin-run", out, longer)):
                most, all_rows = rows(name, q, a)
                expect(a["rows"] <= most, f"{q}: expects at most {most} rows, but found {a['rows']}")
                ran, had = ran + a["rows"], had + all_rows
            expect(ran < had / 2, f"expects less than half of {had} rows, but found {ran}")
            return f"{ran} rows run instead of {had}"
        finally:
            fixture.remove()
    return test


def forks():
    """Trials of a text side by side: one call for each depth, whoever runs beside it; a row of a trial runs once, and the text's rows for all of them."""
    trials, longest, made = 5, 4, 20
    settings = dict(low=0.0, high=1e-3, trials=trials, longest=longest, comma=262, period=262)
    rnd = random.Random(8)
    queries = [dict(ids=[rnd.randrange(260) for _ in range(n)], max_tokens=made, stop=[], seed=n, settings=dict(temperature=1)) for n in (1, 63, 64, 65, 90)]
    rounds = made // longest
    with harness.scratch() as folder:
        hf, out, want = write(os.path.join(folder, "hf"), oracle.shape("qwen3", 76)), os.path.join(folder, "out"), None
        for level in ("-O0", "-O1"):
            harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", level, *oracle.flags(["cntp"], dict(settings, together=True)))
            for extra in ([], ["--threads", "2", "--batch", "5"]):
                got = harness.answers("quoin-run", out, queries, *extra)
                want = want or got
                same(want, got, f"{level} {' '.join(extra)}", ("ids",))
                for q, g in zip(queries, got):
                    for key in ("evaluations", "forwards"):
                        expect(g[key] == rounds * (1 + longest), f"{level}: expects {rounds * (1 + longest)} {key}, but found {g[key]}")
        # A round reads its last row twice, runs the trials' tokens but the last ones, and then those of the one that it keeps.
        for q, g in zip(queries, got):
            most = len(q["ids"]) + rounds * (1 + trials * (longest - 1)) + (rounds - 1) * longest
            # A trial may end early.
            expect(most - 2 * trials < g["rows"] <= most, f"expects {most} rows or a few less, but found {g['rows']}")
        return f"{sum(g['rows'] for g in got)} rows"


if __name__ == "__main__":
    blocks = {"small": (1, 4, "0.9"), "growing": (4, 16, "0.0"), "changing": (7, 16, "0.01")}
    harness.main([("tree", check("tree")), ("tree-without-slots", check("tree", without_slots)), ("set-prompting", check("set-prompting")),
                  ("forks", forks)] +
                 [("ctrldiff-" + n, check("ctrldiff", settings=[("first = 4 ", f"first = {first} "), ("largest = 16 ", f"largest = {largest} "),
                                                                ("grow = 0.5 ", f"grow = {grow} ")]))
                  for n, (first, largest, grow) in blocks.items()])
