#!/usr/bin/env python3
"""Scores that a request changes (logit_bias and penalties), against the published loops over a model whose scores are changed so:
interpreted, and compiled at both levels in batches beside requests that change nothing. And what such fields may not be."""
import json
import os
import random
import subprocess

import harness
import oracle
from checkpoint import Shape, write
from harness import expect
from model import Model

SHAPE = Shape(family="sdar", layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, seed=77)
DECODERS = ("sdar-dynamic", "llada2", "autoregressive", "s2d2")
# Where the token of a row stands; S2D2, whose verifier looks behind its rows, is compared with the interpreter.
SHIFT = dict(zip(DECODERS, (0, 0, 1)))


class Edited:
    """A model whose scores are as the request wants them."""

    def __init__(self, model, q, shift):
        self.model, self.fill, self.noise, self.q, self.shift = model, model.fill, 0, q, shift

    def __call__(self, ids, rows, sees, positions=None, only=None, store=0):
        self.model.noise = self.noise
        return [self.edit(list(scores), ids, row + self.shift) for row, scores in zip(rows, self.model(ids, rows, sees, positions, only, store))]

    def edit(self, scores, ids, position):
        q, prompt = self.q, len(self.q["ids"])
        known = [(i, t) for i, t in enumerate(ids) if t is not None and i != position]
        for token in {t for _, t in known}:
            penalty = q.get("repetition_penalty", 1)
            scores[token] = scores[token] / penalty if scores[token] > 0 else scores[token] * penalty
            times = sum(t == token and i >= prompt for i, t in known)
            scores[token] -= q.get("frequency_penalty", 0) * times + q.get("presence_penalty", 0) * (times > 0)
        for token, amount in q.get("logit_bias", {}).items():
            scores[int(token)] += amount
        return scores


def request(rnd, decoder):
    q = dict(decoder=decoder, ids=[rnd.randrange(250) for _ in range(rnd.randrange(1, 14))], max_tokens=rnd.randrange(4, 14), stop=[], seed=rnd.randrange(99))
    settings = dict(threshold=rnd.choice([0.02, 0.1])) if decoder in ("sdar-dynamic", "llada2") else {}
    if decoder != "s2d2" and rnd.random() < 0.5:
        settings.update(temperature=0.7, **rnd.choice([{}, dict(top_k=5)]))
    if rnd.random() < 0.7:
        q["logit_bias"] = {str(rnd.randrange(260)): rnd.choice([-100, 4, 9.5]) for _ in range(20)}
    if rnd.random() < 0.5:
        q.update(presence_penalty=rnd.choice([0.5, -2]), frequency_penalty=rnd.choice([0.25, 1.5]))
    if rnd.random() < 0.5:
        q["repetition_penalty"] = rnd.choice([0.7, 1.4])
    return dict(q, settings=settings)


def published():
    with harness.scratch() as folder:
        hf, source = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "model.mlir")
        flags = oracle.flags(DECODERS, dict(block=4))
        model, rnd, queries, wants, changed = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), random.Random(8), [], [], 0
        for decoder in SHIFT:
            settings = oracle.filled_in(decoder, dict(block=4))
            while sum(q["decoder"] == decoder for q in queries) < 6:
                q = request(rnd, decoder)
                edited = Edited(model, q, SHIFT[decoder])
                want = oracle.expected(edited, q, settings)
                if oracle.steady(edited, q, settings, want):
                    queries.append(q)
                    wants.append(want)
                    changed += want["ids"] != oracle.expected(model, q, settings)["ids"]
        model.close()
        expect(changed > len(queries) // 2, f"expects other tokens of most requests, but found them of {changed}")
        harness.tool("quoin-import", hf, "-o", source, *flags)
        verified = [request(rnd, "s2d2") for _ in range(5)]
        interpreted = harness.answers("quoin-interpret", source, queries + verified)
        oracle.compare("interpreted", queries, wants, interpreted, True)
        plain = [{k: v for k, v in q.items() if k in ("decoder", "ids", "max_tokens", "stop", "seed", "settings")} for q in queries]
        for level in ("-O0", "-O1"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", hf, *flags, "-o", out, level, "--weights", "f32")
            alone = harness.answers("quoin-run", out, plain)
            both = harness.answers("quoin-run", out, [q for pair in zip(queries, plain) for q in pair] + verified, "--batch", "7", "--threads", "2")
            oracle.compare(level, queries, wants, both[:2 * len(queries):2], level == "-O0")
            for a, b in zip(alone, both[1:2 * len(queries):2]):
                expect(a["ids"] == b["ids"], f"{level}: expects {a['ids']} beside requests that change scores, but found {b['ids']}")
            for q, a, b in zip(verified, interpreted[len(queries):], both[2 * len(queries):]):
                expect(a["ids"] == b["ids"], f"{level}, {q}: expects {a['ids']}, but found {b['ids']}")
        return f"{len(queries)} requests, {changed} with other tokens"


BAD = [
    (dict(logit_bias=[1]), "'logit_bias' expects an object of ids and numbers, but is [1]"),
    (dict(logit_bias={"5": "x"}), "'logit_bias' expects a number for '5', but has \"x\""),
    (dict(logit_bias={"x": 1}), "'logit_bias' expects ids of tokens, but has 'x'"),
    (dict(logit_bias={"-1": 1}), "'logit_bias' expects ids of tokens, but has '-1'"),
    (dict(logit_bias={"5": 1e7}), "'logit_bias' expects numbers of at most 1e6 in size, but has 10000000.0 for 5"),
    (dict(logit_bias={"264": 1}), "'logit_bias' expects ids below 264 (the vocabulary), but has 264"),
    (dict(presence_penalty="x"), "'presence_penalty' expects a number, but is \"x\""),
    (dict(frequency_penalty=-1e7), "'frequency_penalty' expects a number of at most 1e6 in size, but is -10000000.0"),
    (dict(repetition_penalty=0), "'repetition_penalty' expects a number above 0 and at most 1e6, but is 0.0"),
]


def refused():
    """Each on its line, in both tools; and the options of a command say the same as fields."""
    with harness.scratch() as folder:
        hf, source, out = write(os.path.join(folder, "hf"), SHAPE), os.path.join(folder, "model.mlir"), os.path.join(folder, "out")
        harness.tool("quoin-import", hf, "-o", source, "--decoder", "autoregressive")
        harness.tool("quoin-compile", source, "-o", out, "-O0")
        good = dict(ids=[1, 2, 3], max_tokens=6, logit_bias={"7": 50, "9": 49.5}, presence_penalty=0.125, frequency_penalty=2, repetition_penalty=1.25)
        lines = [dict(ids=[1, 2], max_tokens=2, **bad) for bad, _ in BAD] + [good]
        path = os.path.join(folder, "in.jsonl")
        with open(path, "w") as f:
            f.write("".join(json.dumps(line) + "\n" for line in lines))
        for tool, program in (("quoin-run", out), ("quoin-interpret", source)):
            run = subprocess.run([os.path.join(harness.BIN, tool), program, "--input", path, "--json"], capture_output=True, text=True)
            answers = [json.loads(line) for line in run.stdout.splitlines()]
            expect(run.returncode == 1 and len(answers) == len(lines), f"{tool}: expects {len(lines)} lines, but found {run.stdout} {run.stderr}")
            for (_, want), got in zip(BAD, answers):
                expect(got.get("error") == want, f"{tool}: expects {want!r}, but found {got}")
            flags = ["--logit-bias", "7=50,9=49.5", "--presence-penalty", "0.125", "--frequency-penalty", "2", "--repetition-penalty=1.25"]
            same = json.loads(harness.tool(tool, program, "--prompt-ids", "1,2,3", "--max-tokens", "6", "--json", *flags))
            expect(same["ids"] == answers[-1]["ids"] and set(same["ids"]) == {7, 9}, f"{tool}: expects {answers[-1]['ids']} of 7 and 9, but found {same['ids']}")
            for bad in ("", "7", "7=", "7=1,", "7=x", "7=1,,8=1"):
                run = subprocess.run([os.path.join(harness.BIN, tool), program, "--prompt-ids", "1", "--logit-bias", bad], capture_output=True, text=True)
                expect(run.returncode == 2 and "--logit-bias" in run.stderr, f"{tool}: expects {bad!r} to be misuse, but found {run}")
        return f"{len(BAD)} requests"


if __name__ == "__main__":
    harness.main([("published", published), ("refused", refused)])
