#!/usr/bin/env python3
"""STree: models of state spaces that check a tree of guesses in one call, imported from folders of random weights. Compared with plain greedy decoding and
with scores of each node's path alone, in float64: by the interpreter and by compiled programs, of several shapes, trees and prompts.

Rows that run say what was kept: a step runs what it accepted and the tree, not the text.
"""
import json
import math
import os
import random
import struct
import sys

import harness
import tensors
from checkpoint import pack, save
from harness import expect
from transformer import dot, silu, turned

SHAPES = [
    dict(d_model=10, d_inner=24, num_heads=4, num_kv_heads=2, d_xb=12, d_conv=3, n_layer=3, attn_layers=[2], intermediate_size=14, vocab_size=23, draft_layers=2,
         branches=[[2], [2, 1], [1, 0, 2], [3]]),
    dict(d_model=12, d_inner=16, num_heads=2, num_kv_heads=2, d_xb=16, d_conv=4, n_layer=2, attn_layers=[], intermediate_size=9, vocab_size=17, draft_layers=1,
         branches=[[4], [1, 1, 1]]),
    dict(d_model=8, d_inner=8, num_heads=1, num_kv_heads=1, d_xb=8, d_conv=2, n_layer=1, attn_layers=[], intermediate_size=8, vocab_size=11, draft_layers=1,
         branches=[[1], [1], [1]]),
]
PROMPTS = [([4], 7), ([3, 7, 1, 9, 9, 2], 11), ([5, 0] * 40, 5)]
EPSILON, THETA = 1e-5, 10000.0


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


class System:
    def __init__(self, top, shape, seed):
        self.c, self.rnd, self.weights = shape, random.Random(seed), {}
        self.folder = os.path.join(top, "hf")
        os.makedirs(self.folder)
        for prefix, layers, attention in (("", shape["n_layer"], shape["attn_layers"]), ("draft.", shape["draft_layers"], [])):
            self.make(prefix, layers, attention)
        # A draft that is often right has the model's embeddings and head.
        for name in ("model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"):
            self.weights["draft." + name] = self.weights[name]
        with open(os.path.join(self.folder, "config.json"), "w") as f:
            json.dump(dict(shape, model_type="stree", rms_norm_eps=EPSILON, rope_theta=THETA, hidden_act="silu", repeat_kv_before_conv=False), f)
        save(os.path.join(self.folder, "model.safetensors"), [(n, "F32", s, pack(v, "F32")) for n, (s, v) in self.weights.items()])

    def make(self, prefix, layers, attention):
        c = self.c
        d, inner, heads, narrow = c["d_model"], c["d_inner"], c["num_heads"], c["d_xb"]
        channels, head = 2 * narrow + inner, inner // heads

        def add(name, *shape, spread=None, centre=0.0):
            spread = 1 / math.sqrt(shape[-1]) if spread is None else spread
            self.weights[prefix + name] = list(shape), [single(self.rnd.gauss(centre, spread)) for _ in range(math.prod(shape))]
        add("model.embed_tokens.weight", c["vocab_size"], d, spread=1.0)
        add("lm_head.weight", c["vocab_size"], d, spread=1.0)
        add("model.norm.weight", d, spread=0.1, centre=1.0)
        for i in range(layers):
            t = f"model.layers.{i}."
            add(t + "input_layernorm.weight", d, spread=0.1, centre=1.0)
            add(t + "post_attention_layernorm.weight", d, spread=0.1, centre=1.0)
            for n, rows, columns in (("gate_proj", c["intermediate_size"], d), ("up_proj", c["intermediate_size"], d), ("down_proj", d, c["intermediate_size"])):
                add(t + f"mlp.{n}.weight", rows, columns)
            if i in attention:
                for n, rows, columns in (("q_proj", inner, d), ("k_proj", c["num_kv_heads"] * head, d), ("v_proj", c["num_kv_heads"] * head, d), ("o_proj", d, inner)):
                    add(t + f"self_attn.{n}.weight", rows, columns)
                continue
            m = t + "mamba."
            add(m + "in_proj.weight", inner + channels + heads, d)
            add(m + "conv1d.weight", channels, 1, c["d_conv"], spread=0.6)
            add(m + "conv1d.bias", channels, spread=0.2)
            add(m + "dt_bias", heads, spread=1.0)
            add(m + "A_log", heads, spread=0.5)
            add(m + "D", heads, spread=1.0)
            add(m + "norm.weight", inner, spread=0.2, centre=1.0)
            add(m + "out_proj.weight", d, inner)

    def product(self, name, row):
        (n, k), v = self.weights[name]
        return [dot(v[i * k:(i + 1) * k], row) for i in range(n)]

    def norm(self, name, row):
        scale = 1 / math.sqrt(dot(row, row) / len(row) + EPSILON)
        return [x * scale * w for x, w in zip(row, self.weights[name][1])]

    def mixer(self, m, rows):
        c = self.c
        inner, heads, narrow, taps = c["d_inner"], c["num_heads"], c["d_xb"], c["d_conv"]
        P, channels = inner // heads, 2 * narrow + inner
        shared = heads // (narrow // P)
        vector = lambda n: self.weights[m + n][1]
        all_in = [self.product(m + "in_proj.weight", r) for r in rows]
        conv, state, out = vector("conv1d.weight"), [[[0.0] * P for _ in range(P)] for _ in range(heads)], []
        for i, row in enumerate(all_in):
            mixed = []
            for ch in range(channels):
                total = vector("conv1d.bias")[ch]
                for t in range(taps):
                    at = i - taps + 1 + t
                    if at >= 0:
                        total += conv[ch * taps + t] * all_in[at][inner + ch]
                mixed.append(silu(total))
            x, B, C = mixed[:narrow], mixed[narrow:2 * narrow], mixed[2 * narrow:]
            gated = []
            for h in range(heads):
                raw = row[inner + channels + h] + vector("dt_bias")[h]
                dt = max(raw, 0) + math.log1p(math.exp(-abs(raw)))
                keep = math.exp(-math.exp(vector("A_log")[h]) * dt)
                own = slice(h // shared * P, (h // shared + 1) * P)
                xs, Bs, Cs = x[own], B[own], C[h * P:(h + 1) * P]
                for p in range(P):
                    for n in range(P):
                        state[h][p][n] = keep * state[h][p][n] + dt * xs[p] * Bs[n]
                y = [dot(state[h][p], Cs) + vector("D")[h] * xs[p] for p in range(P)]
                y = [v * silu(row[h * P + p]) for p, v in enumerate(y)]
                scale = 1 / math.sqrt(dot(y, y) / P + EPSILON)
                gated += [v * scale * vector("norm.weight")[h * P + p] for p, v in enumerate(y)]
            out.append(self.product(m + "out_proj.weight", gated))
        return out

    def attention(self, t, rows):
        c = self.c
        heads, kv = c["num_heads"], c["num_kv_heads"]
        h = c["d_inner"] // heads

        q, k, v = ([self.product(t + f"{n}_proj.weight", r) for r in rows] for n in "qkv")
        q, k = ([turned(r, i, THETA, h) for i, r in enumerate(m)] for m in (q, k))
        out = []
        for i in range(len(rows)):
            row = []
            for head in range(heads):
                own, shared = slice(head * h, (head + 1) * h), slice(head * kv // heads * h, (head * kv // heads + 1) * h)
                s = [dot(q[i][own], k[j][shared]) / math.sqrt(h) for j in range(i + 1)]
                e = [math.exp(x - max(s)) for x in s]
                row += [sum(p * v[j][shared][f] for j, p in enumerate(e)) / sum(e) for f in range(h)]
            out.append(self.product(t + "o_proj.weight", row))
        return out

    def logits(self, prefix, ids):
        """Scores of every row of a list."""
        c = self.c
        layers = c["draft_layers"] if prefix else c["n_layer"]
        d, table = c["d_model"], self.weights[prefix + "model.embed_tokens.weight"][1]
        x = [table[t * d:(t + 1) * d] for t in ids]
        for i in range(layers):
            t = f"{prefix}model.layers.{i}."
            n = [self.norm(t + "input_layernorm.weight", r) for r in x]
            mixed = self.attention(t + "self_attn.", n) if t + "self_attn.q_proj.weight" in self.weights else self.mixer(t + "mamba.", n)
            x = [[a + b for a, b in zip(r, m)] for r, m in zip(x, mixed)]
            for r in x:
                n = self.norm(t + "post_attention_layernorm.weight", r)
                act = [silu(g) * u for g, u in zip(self.product(t + "mlp.gate_proj.weight", n), self.product(t + "mlp.up_proj.weight", n))]
                r[:] = [a + b for a, b in zip(r, self.product(t + "mlp.down_proj.weight", act))]
        return [self.product(prefix + "lm_head.weight", self.norm(prefix + "model.norm.weight", r)) for r in x]

    def run(self, prompt, wanted):
        """The answer, what each step accepted, the first step's scores, and how near the nearest other decision was."""
        ids, accepted, scores, near = list(prompt), [], None, math.inf

        def best(row, n=1):
            nonlocal near
            order = sorted(range(len(row)), key=lambda t: -row[t])
            near = min([near] + [row[order[i]] - row[order[i + 1]] for i in range(min(n, len(row) - 1))])
            return order[:n]
        while len(ids) < len(prompt) + wanted:
            nodes, level = [], [[]]
            for counts in self.c["branches"]:
                level = [path + [t] for path, n in zip(level, counts) if n for t in best(self.logits("draft.", ids + path)[-1], n)]
                nodes += level
            plain = self.logits("", ids)
            if scores is None:
                scores = plain + [self.logits("", ids + path)[-1] for path in nodes]
            # Greedy decoding knows nothing of trees but how far one reaches.
            gain, row = [], plain[-1]
            while True:
                gain += best(row)
                if gain not in nodes:
                    break
                row = self.logits("", ids + gain)[-1]
            ids += gain
            accepted.append(len(gain))
        return ids[len(prompt):], accepted, scores, near


def against_the_formula(shape, seed):
    def test():
        with harness.scratch() as top:
            system = System(top, SHAPES[shape], seed)
            program = os.path.join(top, "m.mlir")
            harness.tool("quoin-import", system.folder, "-o", program)
            places = [("quoin-interpret", program, 1e-5)]
            for level in ("-O0", "-O2"):
                out = os.path.join(top, "out" + level)
                harness.tool("quoin-compile", system.folder, "-o", out, "--weights", "f32", level)
                places.append(("quoin-run", out, 2e-3))
            given, got = os.path.join(top, "in.safetensors"), os.path.join(top, "o.safetensors")
            longest, compared = 0, 0
            for prompt, wanted in PROMPTS:
                prompt = [t % SHAPES[shape]["vocab_size"] for t in prompt]
                ids, accepted, scores, near = system.run(prompt, wanted)
                if near < 1e-3:
                    continue
                compared += 1
                longest = max([longest] + accepted)
                flat = [v for r in scores for v in r]
                for tool, target, tolerance in places:
                    tensors.save(given, {"prompt": ("I32", [len(prompt)], prompt)})
                    harness.tool(tool, target, "--inputs", given, "--outputs", got, "--set", f"max_tokens={wanted}")
                    found = tensors.load(got)
                    where = f"{tool} {os.path.basename(target)} {prompt[:6]}"
                    expect(found["ids"][2] == ids, f"{where}: expects {ids}, but found {found['ids'][2]}")
                    expect(found["accepted"][2] == accepted, f"{where}: expects steps of {accepted}, but found {found['accepted'][2]}")
                    expect(found["tree_logits"][1] == [len(scores), len(scores[0])], f"{where}: found scores of shape {found['tree_logits'][1]}")
                    worst = max(abs(a - b) for a, b in zip(flat, found["tree_logits"][2]))
                    expect(worst < tolerance, f"{where}: scores are off by {worst:.1e}")
            expect(compared >= 2, f"expects 2 runs that are clear, but found {compared}")
            return f"{compared} runs, up to {longest} tokens a step"
    return test


def rows_that_run():
    """With states kept a step runs, of the text, what the one before accepted; without, all of it. Threads and company change nothing."""
    with harness.scratch() as top:
        system = System(top, SHAPES[0], 1)
        out = os.path.join(top, "out")
        harness.tool("quoin-compile", system.folder, "-o", out, "--weights", "f32")
        requests = [dict(ids=[t % 23 for t in p], stop=[], max_tokens=n) for p, n in PROMPTS]
        alone = [harness.answers("quoin-run", out, [q], "--threads", "1")[0] for q in requests]
        together = harness.answers("quoin-run", out, requests, "--batch", "3", "--threads", "2")
        for q, a, b in zip(requests, alone, together):
            expect(a["ids"] == b["ids"], f"expects {a['ids']}, but found {b['ids']}")
            steps = a["evaluations"]
            expect(a["draft_evaluations"] == 4 * steps, f"expects {4 * steps} evaluations of the draft, but found {a['draft_evaluations']}")
            # Trees of 11 nodes, grown level by level (2, 5, 8 of them again), and the text once in each model but the last tokens of a step.
            text = len(q["ids"]) + len(a["ids"])
            most = 2 * text + steps * (2 + 5 + 8 + 11 + 6)
            expect(a["rows"] <= most, f"{len(q['ids'])} tokens, {steps} steps: expects at most {most} rows, but found {a['rows']}")


def refused(change, *words):
    def test():
        with harness.scratch() as top:
            system = System(top, SHAPES[1], 1)
            path = os.path.join(system.folder, "config.json")
            with open(path) as f:
                config = dict(json.load(f), **change)
            with open(path, "w") as f:
                json.dump(config, f)
            r = harness.call("quoin-import", system.folder, "-o", os.path.join(top, "m.mlir"))
            expect(r.returncode == 1, f"expects a refusal, but it ended with {r.returncode}")
            for word in words:
                expect(word in r.stderr, f"expects '{word}' in {r.stderr.strip()}")
    return test


if __name__ == "__main__":
    harness.main([(f"shape-{n}", against_the_formula(n, 3 + n)) for n in range(len(SHAPES))] + [
        ("rows-that-run", rows_that_run),
        ("too-many-numbers", refused(dict(branches=[[2], [1, 1, 1]]), "'branches' expects at most 2 numbers for level 1, which has as many nodes")),
        ("no-child", refused(dict(branches=[[2], [0, 0]]), "'branches' expects a child at least on each level")),
        ("attention-that-is-not-there", refused(dict(attn_layers=[1]), "'attn_layers' expects the layers that have attention, which 1 has not")),
        ("not-numbers", refused(dict(branches=3), "'branches' expects a list")),
    ])
