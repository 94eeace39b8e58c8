#!/usr/bin/env python3
"""The shipped demo model through its artefact: exact and fast enough on held-out prompts; and the checker that says so can fail."""
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading

import harness
from harness import expect

DEMO = os.path.join(harness.ROOT, "examples", "demo")
MODEL = os.path.join(DEMO, "model")
MOST_BYTES = 12 << 20
once = threading.Lock()


def check(*args):
    return subprocess.run([sys.executable, os.path.join(DEMO, "check.py"), *map(str, args)], capture_output=True, text=True, timeout=600)


@functools.cache
def prompts():
    return check("prompts", "--count", 120, "--seed", 3).stdout


class Run:
    """Prompts and answers in files, as the checker wants them."""

    def __init__(self, answers):
        self.answers = answers

    def __enter__(self):
        self.top = tempfile.TemporaryDirectory()
        self.prompts, self.results = (os.path.join(self.top.name, n) for n in ("prompts", "results"))
        open(self.prompts, "w").write(prompts())
        open(self.results, "w").write("".join(json.dumps(a) + "\n" for a in self.answers))
        return self

    def __exit__(self, *_):
        self.top.cleanup()

    def score(self, exact=0.97, tokens=2.0):
        return check("score", "--prompts", self.prompts, "--results", self.results, "--at-least", exact, "--tokens-per-forward", tokens)


@functools.cache
def compiled_answers(weights, *flags):
    with tempfile.TemporaryDirectory() as top:
        out = os.path.join(top, "out")
        harness.tool("quoin-compile", MODEL, "-o", out, "--weights", *weights.split(), "--set", "threshold=0.9", "--quiet")
        return harness.answers("quoin-run", out, [json.loads(line) for line in prompts().splitlines()],
                               "--max-tokens", "24", "--batch", "16", *flags)


def answers(*key):
    with once:
        return compiled_answers(*key)


def targets(weights):
    def test():
        with Run(answers(weights)) as run:
            r = run.score()
            expect(r.returncode == 0, f"expects the targets to be met, but found: {r.stdout}{r.stderr}")
    return test


def same_answers(weights, share):
    """Whole numbers keep nearly all answers."""
    def test():
        want, got = answers("f32"), answers(weights)
        same = sum(w["text"] == g["text"] for w, g in zip(want, got))
        expect(same >= share * len(want), f"expects {share:.0%} of {len(want)} answers to be the same, but {same} are")
        return f"{same} of {len(want)}"
    return test


def one_token_a_forward():
    """A threshold that nothing exceeds takes one token a forward: as right, but never two at once."""
    with Run(answers("f32", "--set", "threshold=1")) as run:
        r = run.score(tokens=0)
        expect(r.returncode == 0, f"expects the answers to be as right, but found: {r.stdout}{r.stderr}")
        r = run.score(tokens=1.01)
        expect(r.returncode == 1 and "tokens per forward" in r.stderr, f"expects one token a forward, but found: {r.stdout}")


def checker_fails():
    wrong = [dict(a) for a in answers("f32")]
    for a in wrong[:5]:  # of 120 prompts of the first task
        a["text"] = "nonsense"
    with Run(wrong) as run:
        r = run.score()
        expect(r.returncode == 1 and "reverse" in r.stderr and "95.8%" in r.stderr, f"expects a missed target, but found: {r.stderr}")
        expect(len(r.stderr.splitlines()) == 1, f"expects one miss, but found: {r.stderr}")
    with Run(wrong[:-1]) as run:
        r = run.score()
        expect(r.returncode == 1 and "479 results for 480 prompts" in r.stderr, f"expects both numbers, but found: {r.stderr}")


def held_out():
    """No prompt that is checked was trained on, and none comes twice."""
    sys.path.insert(0, DEMO)
    import tasks
    texts = [json.loads(line)["prompt"] for line in prompts().splitlines()]
    expect(len(set(texts)) == len(texts) == 480, "expects 480 different prompts")
    expect(all(tasks.is_held_out(t) for t in texts), "expects held-out prompts only")


def small_enough():
    size = sum(os.path.getsize(os.path.join(MODEL, n)) for n in os.listdir(MODEL))
    expect(size <= MOST_BYTES, f"expects at most {MOST_BYTES} bytes, but found {size}")


TESTS = [
    ("targets-f32", targets("f32")),
    ("targets-bf16", targets("bf16")),
    ("same-answers-int8", same_answers("int8", 0.99)),
    ("same-answers-int4", same_answers("int4 --group 32", 0.95)),
    ("one-token-a-forward", one_token_a_forward),
    ("checker-fails", checker_fails),
    ("held-out", held_out),
    ("small-enough", small_enough),
]

if __name__ == "__main__":
    prompts()
    harness.main(TESTS)
