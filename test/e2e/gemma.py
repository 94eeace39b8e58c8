#!/usr/bin/env python3
"""Gemma 3, from a checkpoint to scores, beside the formula in Python: norms of 1 + w, windows and rotary bases by layer, scaled embeddings.

Random checkpoints that say which layers see a window, and how embeddings turn, each in another of the ways that are about; interpreted under three
masks and compiled. What a layer with a window sees of a mask is what a causal model sees.
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
from harness import expect
from transformer import gelu, turned

D, HEADS, KV, H, V, INNER = 24, 4, 2, 8, 50, 20
IDS = [5, 17, 2, 40, 40, 8, 33, 1, 48, 11, 20]
COMMON = dict(model_type="gemma3_text", hidden_size=D, num_hidden_layers=3, num_attention_heads=HEADS, num_key_value_heads=KV, head_dim=H, vocab_size=V,
              intermediate_size=INNER, max_position_embeddings=64, rms_norm_eps=1e-5, query_pre_attn_scalar=11, sliding_window=3, eos_token_id=48,
              hidden_activation="gelu_pytorch_tanh", attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=False)
# A config; which layers see a window; the bases of those and of the others; what the others' positions are divided by.
CASES = {
    "pattern": (dict(COMMON, sliding_window_pattern=2, rope_theta=1e3, rope_local_base_freq=50.0, tie_word_embeddings=True, rope_scaling=None),
                [True, False, True], 50.0, 1e3, 1),
    "types": (dict(COMMON, layer_types=["full_attention", "sliding_attention", "full_attention"], rope_theta=500.0, rope_local_base_freq=20.0,
                   rope_scaling=dict(rope_type="linear", factor=4.0), tie_word_embeddings=False), [False, True, False], 20.0, 500.0, 4),
    "newer-keys": (dict(COMMON, _sliding_window_pattern=3, use_bidirectional_attention=False,
                        rope_parameters=dict(sliding_attention=dict(rope_type="default", rope_theta=30.0),
                                             full_attention=dict(rope_type="linear", factor=2.0, rope_theta=700.0))),
                   [True, True, False], 30.0, 700.0, 2),
}


class Model:
    def __init__(self, name):
        self.config, self.slides, self.near, self.far, self.factor = CASES[name]
        self.weights, self.rnd = {}, random.Random(name)
        self.make("model.embed_tokens.weight", V, D, spread=0.2)
        for i in range(self.config["num_hidden_layers"]):
            p = f"model.layers.{i}."
            for n in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
                self.make(f"{p}{n}_layernorm.weight", D)
            for n, out, into in (("q", HEADS * H, D), ("k", KV * H, D), ("v", KV * H, D), ("o", D, HEADS * H)):
                self.make(f"{p}self_attn.{n}_proj.weight", out, into, spread=1.5 / into ** 0.5)
            for n in "qk":
                self.make(f"{p}self_attn.{n}_norm.weight", H)
            for n, out, into in (("gate", INNER, D), ("up", INNER, D), ("down", D, INNER)):
                self.make(f"{p}mlp.{n}_proj.weight", out, into, spread=1.5 / into ** 0.5)
        self.make("model.norm.weight", D)
        if not self.config.get("tie_word_embeddings", True):
            self.make("lm_head.weight", V, D)

    def make(self, name, *shape, spread=0.3):
        values = [self.rnd.gauss(0, spread) for _ in range(math.prod(shape))]
        self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

    def write(self, folder):
        os.mkdir(folder)
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(self.config, f)
        checkpoint.save(os.path.join(folder, "model.safetensors"),
                        [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()])
        return folder

    # ---- The formula

    def times(self, name, row):
        (n, k), v = self.weights[name + ".weight"]
        return [sum(v[i * k + j] * row[j] for j in range(k)) for i in range(n)]

    def normed(self, name, row):
        root = math.sqrt(sum(x * x for x in row) / len(row) + self.config["rms_norm_eps"])
        return [x / root * (1 + w) for x, w in zip(row, self.weights[name + ".weight"][1])]

    def turned(self, row, position, layer):
        base, factor = (self.near, 1) if self.slides[layer] else (self.far, self.factor)
        return turned(row, position / factor, base, H)

    def feed(self, p, row):
        return self.times(p + "down_proj", [gelu(g) * u for g, u in zip(self.times(p + "gate_proj", row), self.times(p + "up_proj", row))])

    def scores(self, sees):
        c, table = self.config, self.weights["model.embed_tokens.weight"][1]
        rows = [[math.sqrt(D) * x for x in table[t * D:(t + 1) * D]] for t in IDS]
        for i in range(c["num_hidden_layers"]):
            p, parts = f"model.layers.{i}.", dict(q=[], k=[], v=[])
            for at, row in enumerate(rows):
                n = self.normed(p + "input_layernorm", row)
                for x, part in parts.items():
                    all = self.times(f"{p}self_attn.{x}_proj", n)
                    heads = [all[h * H:(h + 1) * H] for h in range(len(all) // H)]
                    part.append(heads if x == "v" else [self.turned(self.normed(f"{p}self_attn.{x}_norm", h), at, i) for h in heads])
            q, k, v = parts.values()
            for r, row in enumerate(rows):
                mixed = []
                seen = [j for j in range(len(rows)) if sees(r, j) and (not self.slides[i] or r - c["sliding_window"] < j <= r)]
                for h in range(HEADS):
                    power = [math.exp(sum(a * b for a, b in zip(q[r][h], k[j][h * KV // HEADS])) / math.sqrt(c["query_pre_attn_scalar"])) for j in seen]
                    mixed += [sum(x * v[j][h * KV // HEADS][f] for x, j in zip(power, seen)) / sum(power) for f in range(H)]
                more = self.normed(p + "post_attention_layernorm", self.times(p + "self_attn.o_proj", mixed))
                rows[r] = [x + o for x, o in zip(row, more)]
            for r, row in enumerate(rows):
                more = self.normed(p + "post_feedforward_layernorm", self.feed(p + "mlp.", self.normed(p + "pre_feedforward_layernorm", row)))
                rows[r] = [x + o for x, o in zip(row, more)]
        head = "lm_head" if "lm_head.weight" in self.weights else "model.embed_tokens"
        return [self.times(head, self.normed("model.norm", row)) for row in rows]


MASKS = {"causal": lambda q, k: k <= q, "full": lambda q, k: True, "block_causal<4>": lambda q, k: k // 4 <= q // 4}


def check(name):
    def test():
        model, top, worst = Model(name), tempfile.mkdtemp(), 0.0
        try:
            hf, text, out, rows = (os.path.join(top, x) for x in ("hf", "m.mlir", "out", "rows"))
            model.write(hf)
            said = harness.call("quoin-import", hf, "-o", text)
            expect(said.returncode == 0 and not said.stderr, f"expects no word, but found {said.stderr}")
            for mask, sees in MASKS.items():
                harness.tool("quoin-interpret", text, "--logits", rows, "--ids", ",".join(map(str, IDS)), "--mask", mask)
                got = next(struct.unpack(f"<{len(data) // 8}d", data) for n, _, _, data in checkpoint.load(rows) if n == "logits")
                worst = max([worst, *(abs(a - b) for a, b in zip(got, sum(model.scores(sees), [])))])
            expect(worst < 1e-6, f"expects the formula's scores, but found {worst:.2g} from them")
            requests = [dict(ids=IDS[:n], max_tokens=8, stop=[]) for n in (1, 4, 9)]
            want, want_trace = harness.traced("quoin-interpret", text, requests)
            for flags in (["-O0"], ["-O2"], ["-O2", "--weights", "f32", "--decoder", "llada", "--fill", "49", "--set", "block=4"]):
                harness.tool("quoin-compile", hf, "-o", out, *flags)
                if "--decoder" in flags:
                    harness.tool("quoin-import", hf, "-o", text, *flags[3:])
                    want, want_trace = harness.traced("quoin-interpret", text, requests)
                got, trace = harness.traced("quoin-run", out, requests)
                expect([g["ids"] for g in got] == [w["ids"] for w in want], f"{flags}: expects the interpreter's tokens")
                for a, b in zip((e for t in want_trace for e in t), (e for t in trace for e in t)):
                    for (_, _, x), (_, _, y) in zip(a["filled"], b["filled"]):
                        expect(x is None or abs(x - y) < 1e-4, f"{flags}: expects a confidence of {x}, but found {y}")
                shutil.rmtree(out)
            return f"scores within {worst:.1g}"
        finally:
            shutil.rmtree(top, ignore_errors=True)
    return test


def refusals():
    top = tempfile.mkdtemp()
    try:
        model = Model("types")
        for change, words in ((dict(final_logit_softcapping=30.0), "'final_logit_softcapping' expects null"),
                              (dict(attn_logit_softcapping=50.0), "'attn_logit_softcapping' expects null"),
                              (dict(layer_types=["full_attention"]), "'layer_types' expects a list of 'num_hidden_layers' 3 types"),
                              (dict(layer_types=["full_attention", "chunked_attention", "full_attention"]),
                               "'layer_types' expects 'sliding_attention' and 'full_attention'"),
                              (dict(hidden_activation="silu"), "'hidden_activation' expects 'gelu_pytorch_tanh', but found \"silu\""),
                              (dict(use_bidirectional_attention=True), "'use_bidirectional_attention' expects false"),
                              (dict(rope_scaling=dict(rope_type="dynamic", factor=2.0)), "expects 'default'"),
                              (dict(rope_local_base_freq=0), "'rope_local_base_freq' expects a number from 1")):
            shutil.rmtree(top)
            os.mkdir(top)
            good, model.config = model.config, dict(model.config, **change)
            r = harness.call("quoin-import", model.write(os.path.join(top, "hf")), "-o", "-")
            expect(r.returncode == 1 and r.stderr.count("error: ") == 1 and words in r.stderr, f"{change}: expects {words}, but found {r.stderr}")
            model.config = good
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    harness.main([(name, check(name)) for name in CASES] + [("refusals", refusals)])
