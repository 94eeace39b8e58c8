#!/usr/bin/env python3
"""What a model needs beyond products and attention is text: a norm that nobody published, a modulation, a soft cap on scores and a GELU.

`families/finch.mlir.in` writes them out, and no line of C++ knows them. Its scores, interpreted under three masks and as stages, are those of the formulas in
Python; compiled at -O0 and -O1, for one thread and two, it gives the interpreter's tokens and confidences. In the stages the GELU ends a product.
"""
import json
import math
import os
import random
import shutil
import struct
import tempfile

import harness
import checkpoint
from families import MASKS
from harness import expect
from transformer import attended, gelu, turned

FINCH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "families", "finch.mlir.in")
CONFIG = dict(model_type="finch", n_embd=24, n_layer=2, n_head=3, n_inner=40, vocab_size=60, n_ctx=128, norm_epsilon=1e-4, attn_logit_softcapping=1.25,
              rope_theta=1e4, eos_token_id=59)
IDS = [5, 17, 2, 40, 40, 8, 33, 1, 58]


class Folder:
    """A checkpoint of Finch, removed at the end."""

    def __init__(self):
        self.top = tempfile.mkdtemp()
        self.model, self.out = os.path.join(self.top, "hf"), os.path.join(self.top, "out")
        os.mkdir(self.model)
        self.weights = {}
        rnd, d, inner = random.Random(4), CONFIG["n_embd"], CONFIG["n_inner"]

        def make(name, *shape, spread, centre=0.0):
            values = [rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
            self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))
        make("wte.weight", CONFIG["vocab_size"], d, spread=0.8)
        for i in range(CONFIG["n_layer"]):
            for n in ("ln_1", "ln_2"):
                make(f"h.{i}.{n}.weight", d, spread=0.3, centre=1.0)
                for part in ("scale", "shift"):
                    make(f"h.{i}.{n}.{part}", d, spread=0.4)
            for p in ("q", "k", "v", "out"):
                make(f"h.{i}.attn.{p}.weight", d, d, spread=2.0 / d ** 0.5)
            make(f"h.{i}.mlp.fc.weight", inner, d, spread=1.5 / d ** 0.5)
            make(f"h.{i}.mlp.proj.weight", d, inner, spread=1.5 / inner ** 0.5)
        make("ln_f.weight", d, spread=0.3, centre=1.0)
        with open(os.path.join(self.model, "config.json"), "w") as f:
            json.dump(CONFIG, f)
        checkpoint.save(os.path.join(self.model, "model.safetensors"),
                        [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()])
        self.text = os.path.join(self.top, "m.mlir")
        harness.tool("quoin-import", self.model, "-o", self.text, "--architecture", FINCH)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)


def scores(w, ids, sees):
    """Rows of scores in float64; `sees(q, k)`."""
    d, cap = CONFIG["n_embd"], CONFIG["attn_logit_softcapping"]
    h = d // CONFIG["n_head"]

    def linear(name, row):
        (n, k), v = w[name + ".weight"]
        return [sum(v[i * k + j] * row[j] for j in range(k)) for i in range(n)]

    def norm(name, row):
        root = (sum(abs(x) ** 3 for x in row) / d + CONFIG["norm_epsilon"]) ** (1 / 3)
        return [x / root * a for x, a in zip(row, w[name + ".weight"][1])]

    def modulated(name, row):
        return [x * (1 + a) + b for x, a, b in zip(norm(name, row), w[name + ".scale"][1], w[name + ".shift"][1])]

    def capped(score):
        return cap * math.tanh(score / cap)
    table = w["wte.weight"][1]
    rows = [list(table[t * d:(t + 1) * d]) for t in ids]
    for i in range(CONFIG["n_layer"]):
        n = [modulated(f"h.{i}.ln_1", row) for row in rows]
        q, k, v = ([linear(f"h.{i}.attn.{p}", row) for row in n] for p in "qkv")
        q, k = ([turned(row, at, CONFIG["rope_theta"], h) for at, row in enumerate(part)] for part in (q, k))
        for r, row in enumerate(rows):
            seen = [j for j in range(len(rows)) if sees(r, j)]
            mixed = attended(q[r], [k[j] for j in seen], [v[j] for j in seen], h, capped)
            rows[r] = [x + o for x, o in zip(row, linear(f"h.{i}.attn.out", mixed))]
        for r, row in enumerate(rows):
            inner = [gelu(x) for x in linear(f"h.{i}.mlp.fc", modulated(f"h.{i}.ln_2", row))]
            rows[r] = [x + o for x, o in zip(row, linear(f"h.{i}.mlp.proj", inner))]
    rows = [norm("ln_f", row) for row in rows]
    return [sum(table[t * d + j] * row[j] for j in range(d)) for row in rows for t in range(CONFIG["vocab_size"])]


def logits(text, folder, mask):
    file = os.path.join(folder, "l.safetensors")
    harness.tool("quoin-interpret", text, "--logits", file, "--ids", ",".join(map(str, IDS)), "--mask", mask)
    return next(struct.unpack(f"<{len(data) // 8}d", data) for name, _, _, data in checkpoint.load(file) if name == "logits")


def scores_are_the_formulas():
    with Folder() as f:
        for mask, sees in MASKS.items():
            got, want = logits(f.text, f.top, mask), scores(f.weights, IDS, sees)
            worst = max(abs(a - b) for a, b in zip(got, want))
            expect(len(got) == len(want) and worst < 1e-6, f"expects the formula's scores under {mask}, but they differ by {worst}")


def stages_say_the_same():
    with Folder() as f:
        stages = os.path.join(f.top, "stages.mlir")
        harness.tool("quoin-opt", f.text, *harness.PASSES, *harness.STAGE_PASSES, "-o", stages)
        got, want = (harness.answers("quoin-interpret", file, [dict(ids=IDS, max_tokens=8, stop=[])]) for file in (stages, f.text))
        expect(got[0]["ids"] == want[0]["ids"], "expects the tokens of the model as it is written")
        with open(stages) as text:
            steps = text.read()
        products = steps.count("stage.product")
        expect(steps.count("math.tanh") == 2 * CONFIG["n_layer"] and products == 6 * CONFIG["n_layer"],
               f"expects a GELU at the end of a product and a soft cap on scores in each layer, but found {steps.count('math.tanh')} bends and {products} products")
        gelus = sum("math.tanh" in part.split("quoin.number")[0] for part in steps.split("stage.product")[1:] if "^bb0" in part.splitlines()[1])
        expect(gelus == CONFIG["n_layer"], f"expects {CONFIG['n_layer']} products that end in the GELU, but found {gelus}")


def compiled_it_says_the_same():
    with Folder() as f:
        requests = [dict(ids=IDS[:n], max_tokens=8, stop=[]) for n in (1, 4, 9)]
        want, want_trace = harness.traced("quoin-interpret", f.text, requests)
        for level in ("-O0", "-O1"):
            harness.tool("quoin-compile", f.model, "-o", f.out, "--architecture", FINCH, "--quiet", level)
            for threads in ("1", "2"):
                got, got_trace = harness.traced("quoin-run", f.out, requests, "--threads", threads)
                expect([g["ids"] for g in got] == [x["ids"] for x in want], f"{level}: expects the interpreter's tokens")
                confidences = lambda trace: [e[2] for session in trace for line in session for e in line["filled"] if e[2] is not None]
                expect(all(abs(a - b) < 1e-4 for a, b in zip(confidences(got_trace), confidences(want_trace))), f"{level}: expects the interpreter's confidences")
            last = scores(f.weights, IDS, MASKS["causal"])[-CONFIG["vocab_size"]:]
            expect(got[2]["ids"][0] == last.index(max(last)), f"{level}: expects {last.index(max(last))}, but found {got[2]['ids']}")


if __name__ == "__main__":
    harness.main([("scores", scores_are_the_formulas), ("stages", stages_say_the_same), ("compiled", compiled_it_says_the_same)])
