#!/usr/bin/env python3
"""BD3-LM's transformer, whose norms are modulated by a noise level that does not change: scores beside the formula in Python.

Interpreted under three masks, with every pass of the pipeline behind it, and compiled. What the checkpoint makes constant is computed once: no product of
the noise level is left in a compiled step. Without modulation, and with keys that would make another model.
"""
import json
import math
import os
import random
import struct

import harness
import checkpoint
from families import MASKS
from harness import expect
from transformer import attended, gelu, turned

CONFIG = dict(model_type="bd3lm", vocab_size=30, model_length=64, block_size=4, hidden_dim=24, cond_dim=10, n_blocks=2, n_heads=3,
              time_conditioning=False, adaln=True, causal=False, cross_attn=True)
IDS = [5, 17, 2, 29, 29, 8, 23, 1, 28]


class Folder:
    """A checkpoint in a scratch folder."""

    def __init__(self, top, **changes):
        self.model, self.out, self.text = (os.path.join(top, n) for n in ("hf", "out", "m.mlir"))
        os.makedirs(self.model, exist_ok=True)
        self.config, self.weights = {**CONFIG, **changes}, {}
        rnd, c = random.Random(8), self.config
        d, cond = c["hidden_dim"], c["cond_dim"]

        def make(name, *shape, spread=0.3, centre=0.0):
            values = [rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
            self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

        def linear(name, n, k, bias=True):
            make(name + ".weight", n, k, spread=1.5 / k ** 0.5)
            if bias:
                make(name + ".bias", n)
        make("backbone.vocab_embed.embedding", c["vocab_size"], d, spread=0.8)
        if c["adaln"]:
            linear("backbone.sigma_map.mlp.0", cond, 256)
            linear("backbone.sigma_map.mlp.2", cond, cond)
        for i in range(c["n_blocks"]):
            b = f"backbone.blocks.{i}."
            for n in ("norm1", "norm2"):
                make(b + n + ".weight", d, centre=1.0)
            linear(b + "attn_qkv", 3 * d, d, bias=False)
            linear(b + "attn_out", d, d, bias=False)
            linear(b + "mlp.0", 4 * d, d)
            linear(b + "mlp.2", d, 4 * d)
            if c["adaln"]:
                linear(b + "adaLN_modulation", 6 * d, cond)
        make("backbone.output_layer.norm_final.weight", d, centre=1.0)
        linear("backbone.output_layer.linear", c["vocab_size"], d)
        if c["adaln"]:
            linear("backbone.output_layer.adaLN_modulation", 2 * d, cond)
        make("backbone.rotary_emb.inv_freq", d // c["n_heads"] // 2)
        with open(os.path.join(self.model, "config.json"), "w") as f:
            json.dump(self.config, f)
        checkpoint.save(os.path.join(self.model, "model.safetensors"),
                        [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()])


def scores(folder, ids, sees):
    """Rows of scores in float64; `sees(q, k)`."""
    c, w = folder.config, folder.weights
    d = c["hidden_dim"]
    h = d // c["n_heads"]
    silu = lambda row: [x / (1 + math.exp(-x)) for x in row]

    def linear(name, row):
        (n, k), v = w[name + ".weight"]
        bias = w[name + ".bias"][1] if name + ".bias" in w else [0.0] * n
        return [b + sum(v[i * k + j] * row[j] for j in range(k)) for i, b in zip(range(n), bias)]

    def norm(name, row, scale, shift):
        mean = sum(row) / d
        root = math.sqrt(sum((x - mean) ** 2 for x in row) / d + 1e-5)
        return [(x - mean) / root * a * (1 + s) + t for x, a, s, t in zip(row, w[name + ".weight"][1], scale, shift)]

    level = None
    if c["adaln"]:
        level = silu(linear("backbone.sigma_map.mlp.2", silu(linear("backbone.sigma_map.mlp.0", [1.0] * 128 + [0.0] * 128))))

    def modulation(name, count):
        """Shift, scale, gate and again; as if there were none, ones for gates."""
        if not level:
            return [[0.0] * d, [0.0] * d, [1.0] * d] * 2
        all = linear(name + "adaLN_modulation", level)
        return [all[i * d:(i + 1) * d] for i in range(count)]
    table = w["backbone.vocab_embed.embedding"][1]
    rows = [list(table[t * d:(t + 1) * d]) for t in ids]
    for i in range(c["n_blocks"]):
        b = f"backbone.blocks.{i}."
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation(b, 6)
        parts = [linear(b + "attn_qkv", norm(b + "norm1", row, scale1, shift1)) for row in rows]
        q, k = ([turned(p[j * d:(j + 1) * d], at, 1e4, h) for at, p in enumerate(parts)] for j in range(2))
        v = [p[2 * d:] for p in parts]
        for r, row in enumerate(rows):
            seen = [j for j in range(len(rows)) if sees(r, j)]
            mixed = attended(q[r], [k[j] for j in seen], [v[j] for j in seen], h)
            rows[r] = [x + g * o for x, g, o in zip(row, gate1, linear(b + "attn_out", mixed))]
        for r, row in enumerate(rows):
            inner = [gelu(x) for x in linear(b + "mlp.0", norm(b + "norm2", row, scale2, shift2))]
            rows[r] = [x + g * o for x, g, o in zip(row, gate2, linear(b + "mlp.2", inner))]
    shift, scale = modulation("backbone.output_layer.", 2)[:2]
    return [s for row in rows for s in linear("backbone.output_layer.linear", norm("backbone.output_layer.norm_final", row, scale, shift))]


def logits(folder, text, mask):
    file = folder.text + ".logits"
    harness.tool("quoin-interpret", text, "--logits", file, "--ids", ",".join(map(str, IDS)), "--mask", mask)
    return next(struct.unpack(f"<{len(data) // 8}d", data) for name, _, _, data in checkpoint.load(file) if name == "logits")


def scores_are_the_formulas(**changes):
    def test():
        with harness.scratch() as top:
            f = Folder(top, **changes)
            harness.tool("quoin-import", f.model, "-o", f.text)
            passed = os.path.join(top, "passed.mlir")
            harness.tool("quoin-opt", f.text, "--quoin-expand-spellings", "--quoin-fold-weights", "-o", passed)
            with open(passed) as file:
                expect(("@folded" in file.read()) == f.config["adaln"], "expects weights that are folded where there is a noise level")
            for mask, sees in MASKS.items():
                want = scores(f, IDS, sees)
                for text in (f.text, passed):
                    got = logits(f, text, mask)
                    worst = max(abs(a - b) for a, b in zip(got, want))
                    expect(len(got) == len(want) and worst < 3e-6, f"expects the formula's scores under {mask}, but they differ by {worst}")
    return test


def compiled_it_says_the_same():
    with harness.scratch() as top:
        f = Folder(top)
        harness.tool("quoin-import", f.model, "-o", f.text)
        requests = [dict(ids=[28] + IDS[:n], max_tokens=8, stop=[], seed=n) for n in (0, 3, 6)]
        want, want_trace = harness.traced("quoin-interpret", f.text, requests)
        for level in ("-O0", "-O2"):
            harness.tool("quoin-compile", f.model, "-o", f.out + level, level, "--weights", "f32")
            got, got_trace = harness.traced("quoin-run", f.out + level, requests)
            expect([g["ids"] for g in got] == [x["ids"] for x in want], f"{level}: expects the interpreter's tokens")
            confidences = lambda trace: [e[2] for session in trace for line in session for e in line["filled"] if e[2] is not None]
            expect(all(abs(a - b) < 1e-4 for a, b in zip(confidences(got_trace), confidences(want_trace))), f"{level}: expects the interpreter's confidences")
        # A step's products: four and two a layer, and the head.
        with open(os.path.join(f.out + "-O2", "model.json")) as file:
            kernels = json.load(file)["kernels"]
        widths = {str(k.get("shape")) for k in kernels}
        expect(not any("x256" in w or "x10" in w.split("x")[-1:] for w in widths), f"expects no product of the noise level, but found {widths}")


def other_models_are_refused():
    with harness.scratch() as top:
        for change, words in ((dict(time_conditioning=True), "'time_conditioning' expects false"), (dict(causal=True), "'causal' expects false"),
                              (dict(cross_attn=False), "'cross_attn' expects true"), (dict(n_heads=5), "'n_heads' expects a divisor of 'hidden_dim' 24")):
            f = Folder(top)
            with open(os.path.join(f.model, "config.json"), "w") as file:
                json.dump({**CONFIG, **change}, file)
            said = harness.call("quoin-compile", f.model, "-o", f.out, "--quiet")
            expect(said.returncode == 1 and words in said.stderr, f"expects '{words}', but found {said.stderr}")


if __name__ == "__main__":
    harness.main([
        ("scores-are-the-formulas", scores_are_the_formulas()),
        ("without-modulation", scores_are_the_formulas(adaln=False)),
        ("compiled-it-says-the-same", compiled_it_says_the_same),
        ("other-models-are-refused", other_models_are_refused),
    ])
