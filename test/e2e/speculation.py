#!/usr/bin/env python3
"""Programs whose calls have rows of their own behind the text, told apart by labels and positions (test/e2e/programs).

The text sees none of those rows, so its keys and values are kept whether or not the mask says so with slots: both spellings give the
same calls and tokens, those of greedy decoding. Where the text does see them nothing is kept, and quoin-compile says why, once."""
import json
import os
import random
import shutil
import tempfile

import harness
import modules
import oracle
from checkpoint import Shape, write
from harness import expect
from model import Model

FOLDER = os.path.join(harness.ROOT, "test", "e2e", "programs")
SHAPE = Shape(family="sdar", layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, seed=31)
LEVELS = ("-O0", "-O1")
CALLS = {"tree": 2, "knows-the-future": 1}
PREFIX = "slot(k) le slot(q) and ("


class Fixture:
    def __init__(self):
        self.top = tempfile.mkdtemp()
        self.hf, file = write(os.path.join(self.top, "hf"), SHAPE), os.path.join(self.top, "model.mlir")
        harness.tool("quoin-import", self.hf, "-o", file)
        self.text = open(file).read()

    def put(self, name, mask=lambda text: text):
        """The program with its last mask changed; its file."""
        masks, decoder = open(os.path.join(FOLDER, name + ".mlir.in")).read().split("  // @@\n")
        file = os.path.join(self.top, f"{name}-{len(os.listdir(self.top))}.mlir")
        with open(file, "w") as f:
            f.write(modules.with_decoders(self.text, decoder, mask(masks)))
        return file

    def compile(self, file, level):
        """The artefact, what model.json says of infer-cache, and the notes."""
        out = file + level
        process = harness.call("quoin-compile", file, "-o", out, level, "--weights", "f32")
        expect(process.returncode == 0, f"expects to compile, but found: {process.stderr}")
        counters = json.load(open(os.path.join(out, "model.json")))["passes"]["infer-cache"]
        return out, counters, [line for line in process.stderr.splitlines() if line.startswith("note:")]

    def requests(self, name):
        rnd = random.Random(name)
        return [dict(decoder=name, ids=[rnd.randrange(260) for _ in range(rnd.randrange(1, 20))], max_tokens=rnd.randrange(1, 24),
                     stop=rnd.sample(range(260), rnd.choice([0, 20])), seed=rnd.randrange(99)) for _ in range(16)]

    def remove(self):
        shutil.rmtree(self.top, ignore_errors=True)


def without_slots(text):
    """The other spelling: the first condition and its parentheses go."""
    begin = text.rindex(PREFIX)
    end = text.index(")>", begin)
    return text[:begin] + text[begin + len(PREFIX):end] + text[end + 1:]


def is_greedy(model, queries, answers):
    """Tokens are those of one call a token, wherever noise does not change them."""
    for q, a in zip(queries, answers):
        alone = dict(q, decoder="autoregressive", max_tokens=len(a["ids"]), settings={})
        want = oracle.expected(model, alone, {})
        if oracle.steady(model, alone, {}, want):
            size = min(len(want["ids"]), len(a["ids"]))
            expect(a["ids"][:size] == want["ids"][:size], f"{q}: expects {want['ids']}, but found {a['ids']}")


def both_spellings(name):
    def test():
        fixture, model = Fixture(), None
        try:
            model, queries, seen = Model(fixture.hf, os.path.join(harness.BIN, "quoin-oracle-forward")), fixture.requests(name), {}
            for spelling, change in (("with slots", lambda text: text), ("without", without_slots)):
                file = fixture.put(name, change)
                expect((PREFIX in open(file).read()) == (spelling == "with slots"), "expects another spelling")
                forms = {"interpreted": harness.answers("quoin-interpret", file, queries)}
                for level in LEVELS:
                    out, counters, notes = fixture.compile(file, level)
                    expect(counters["num-masks-refused"] == 0 and counters["num-forwards-cached"] == CALLS[name],
                           f"{spelling} {level}: expects {CALLS[name]} cached calls, but found {counters}")
                    expect(not notes, f"expects no notes, but found {notes}")
                    forms[level] = harness.answers("quoin-run", out, queries)
                    forms[level + " in batches"] = harness.answers("quoin-run", out, queries, "--batch", "6")
                for form, got in forms.items():
                    for key in ("ids", "evaluations", "forwards"):
                        want = seen.setdefault((form, key), [a[key] for a in got])
                        found = [a[key] for a in got]
                        expect(found == want, f"{spelling}, {form}: expects {key} {want}, but found {found}")
                        meaning = [a[key] for a in forms["interpreted"]]
                        expect(found == meaning, f"{spelling}, {form}: expects {key} {meaning}, but found {found}")
            is_greedy(model, queries, forms["-O1"])
            tokens, calls = sum(len(a["ids"]) for a in forms["-O1"]), sum(a["forwards"] for a in forms["-O1"])
            return f"{tokens} tokens in {calls} calls"
        finally:
            if model:
                model.close()
            fixture.remove()
    return test


def seen(name, formula, *words):
    """A mask under which the text sees the rows behind it: nothing is kept, one note, and the interpreter's tokens."""
    def test():
        fixture = Fixture()
        try:
            def change(text):
                begin = text.rindex(PREFIX)
                return text[:begin] + formula + text[text.index(")>", begin) + 1:]
            file, queries = fixture.put(name, change), fixture.requests(name)
            meaning = harness.answers("quoin-interpret", file, queries)
            for level in LEVELS:
                out, counters, notes = fixture.compile(file, level)
                expect(counters["num-masks-refused"] > 0, f"expects a refused mask, but found {counters}")
                about = [n for n in notes if formula.split(" ")[0] in n]
                expect(len(set(notes)) == len(notes) and len(about) > 0, f"{level}: expects one note a mask, but found {notes}")
                for word in (name, *words):
                    expect(any(word in n for n in notes), f"{level}: expects '{word}' in a note, but found {notes}")
                got = harness.answers("quoin-run", out, queries)
                for key in ("ids", "evaluations", "forwards"):
                    expect([a[key] for a in got] == [a[key] for a in meaning], f"{level}: expects the interpreter's {key}")
            return notes[0]
        finally:
            fixture.remove()
    return test


if __name__ == "__main__":
    harness.main([(name, both_spellings(name)) for name in CALLS] +
                 [("text-sees-the-tree", seen("tree", "k le q or label(k) gt 0", "'then' row", "no cache")),
                  ("text-sees-a-run", seen("knows-the-future", "(label(k) eq 0 or label(k) eq 1) and n ge 0", "no cut is provable"))])
