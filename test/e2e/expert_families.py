#!/usr/bin/env python3
"""Published layouts with experts, from a checkpoint to scores, beside the formulas in Python.

Random checkpoints of SDAR-MoE (a dense layer between), Qwen3-MoE, RND1, LLaDA-MoE and LLaDA2, in one file and in shards with experts of a layer in
several; interpreted under two masks, and compiled.
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

D, HEADS, KV, H, V = 24, 4, 2, 8, 50
IDS = [5, 17, 2, 40, 40, 8, 33, 1, 48]
COMMON = dict(hidden_size=D, num_attention_heads=HEADS, num_key_value_heads=KV, head_dim=H, vocab_size=V, max_position_embeddings=64, rms_norm_eps=1e-5,
              rope_theta=1e4, tie_word_embeddings=False, hidden_act="silu", eos_token_id=48)
QWEN = dict(**COMMON, attention_bias=False, intermediate_size=20, moe_intermediate_size=10, num_experts=6, num_experts_per_tok=2, norm_topk_prob=True,
            decoder_sparse_step=1, mlp_only_layers=[], use_sliding_window=False, sliding_window=None, rope_scaling=None)
FAMILIES = {
    "sdar-moe": dict(**QWEN, model_type="sdar_moe", num_hidden_layers=3, block_size=4, mask_token_id=49) | dict(mlp_only_layers=[1]),
    "qwen3-moe": dict(**QWEN, model_type="qwen3_moe", num_hidden_layers=2) | dict(norm_topk_prob=False, decoder_sparse_step=2),
    "rnd1": dict(**QWEN, model_type="rnd1", num_hidden_layers=1, mask_token_id=49) | dict(rope_scaling=False, sliding_window=False, num_experts_per_tok=3),
    "llada-moe": dict(**COMMON, model_type="llada", num_hidden_layers=2, attention_bias=False, dense_intermediate_size=22, expert_intermediate_size=10, num_experts=6,
                      num_experts_per_tok=2, moe_layer_freq=[0, 1], qk_layernorm=True, shared_expert_intermediate_size=14, norm_topk_prob=None,
                      moe_router_score_function="softmax", mask_token_id=49),
    "llada2-moe": dict(**COMMON, model_type="llada2_moe", num_hidden_layers=2, intermediate_size=20, moe_intermediate_size=10, num_experts=8, num_experts_per_tok=3,
                       n_group=4, topk_group=2, routed_scaling_factor=2.5, first_k_dense_replace=1, num_shared_experts=2, partial_rotary_factor=0.5, rotary_dim=4,
                       score_function="sigmoid", norm_topk_prob=True, mask_token_id=49)}


class Model:
    """Weights of a family, drawn, and what they say."""

    def __init__(self, name):
        self.name, self.c, self.weights, self.rnd = name, FAMILIES[name], {}, random.Random(name)
        c, llada2 = self.c, name == "llada2-moe"
        self.part = "attention" if llada2 else "self_attn"
        self.inner = c.get("moe_intermediate_size") or c["expert_intermediate_size"]
        dense = c.get("dense_intermediate_size") or c["intermediate_size"]
        self.make("model.word_embeddings.weight" if llada2 else "model.embed_tokens.weight", V, D, spread=0.8)
        for i in range(c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            self.norm(p + "input_layernorm", D)
            self.norm(p + "post_attention_layernorm", D)
            if llada2:
                self.linear(p + "attention.query_key_value", (HEADS + 2 * KV) * H, D)
                self.linear(p + "attention.dense", D, HEADS * H)
            else:
                for q, n in (("q", HEADS), ("k", KV), ("v", KV)):
                    self.linear(p + f"self_attn.{q}_proj", n * H, D)
                self.linear(p + "self_attn.o_proj", D, HEADS * H)
            for q in ("query_layernorm", "key_layernorm") if llada2 else ("q_norm", "k_norm"):
                self.norm(p + f"{self.part}.{q}", H)
            if not self.sparse(i):
                self.swiglu(p + "mlp.", dense)
                continue
            self.linear(p + "mlp.gate", c["num_experts"], D)
            if llada2:
                self.make(p + "mlp.gate.expert_bias", c["num_experts"], spread=0.2)
            for e in range(c["num_experts"]):
                self.swiglu(p + f"mlp.experts.{e}.", self.inner)
            if self.shared():
                self.swiglu(p + self.shared()[0], self.shared()[1])
        self.norm("model.norm", D)
        self.linear("lm_head", V, D)

    def shared(self):
        """Where shared experts lie, and their features."""
        if self.c.get("num_shared_experts"):
            return "mlp.shared_experts.", self.c["num_shared_experts"] * self.inner
        return ("shared_expert.", self.c["shared_expert_intermediate_size"]) if self.c.get("shared_expert_intermediate_size") else None

    def sparse(self, i):
        c = self.c
        if "moe_layer_freq" in c:
            return bool(c["moe_layer_freq"][i])
        if "first_k_dense_replace" in c:
            return i >= c["first_k_dense_replace"]
        return i not in c["mlp_only_layers"] and (i + 1) % c["decoder_sparse_step"] == 0

    def make(self, name, *shape, spread=0.3, centre=0.0):
        values = [self.rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
        self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

    def linear(self, name, n, k):
        self.make(name + ".weight", n, k, spread=1.5 / k ** 0.5)

    def norm(self, name, n):
        self.make(name + ".weight", n, centre=1.0)

    def swiglu(self, p, inner):
        for q, n, k in (("gate", inner, D), ("up", inner, D), ("down", D, inner)):
            self.linear(f"{p}{q}_proj", n, k)

    def write(self, folder, shards):
        os.mkdir(folder)
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(self.c, f)
        entries = [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()]
        if shards == 1:
            return checkpoint.save(os.path.join(folder, "model.safetensors"), entries)
        names = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
        for i, file in enumerate(names):
            checkpoint.save(os.path.join(folder, file), entries[i::shards])
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
            json.dump(dict(metadata={}, weight_map={e[0]: names[i % shards] for i, e in enumerate(entries)}), f)

    # ---- The formulas

    def times(self, name, row):
        (n, k), v = self.weights[name + ".weight"]
        return [sum(v[i * k + j] * row[j] for j in range(k)) for i in range(n)]

    def normed(self, name, row):
        root = math.sqrt(sum(x * x for x in row) / len(row) + self.c["rms_norm_eps"])
        return [x / root * w for x, w in zip(row, self.weights[name + ".weight"][1])]

    def head(self, name, row, position):
        """A norm, then the turn of the features that turn."""
        row = self.normed(name, row)
        out, turned = list(row), int(H * self.c.get("partial_rotary_factor", 1))
        for i in range(turned // 2):
            angle = position * self.c["rope_theta"] ** (-2 * i / turned)
            a, b = row[i], row[i + turned // 2]
            out[i], out[i + turned // 2] = a * math.cos(angle) - b * math.sin(angle), b * math.cos(angle) + a * math.sin(angle)
        return out

    def feed(self, p, row):
        gate, up = self.times(p + "gate_proj", row), self.times(p + "up_proj", row)
        return self.times(p + "down_proj", [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)])

    def routed(self, p, row):
        c, logits = self.c, self.times(p + "mlp.gate", row)
        if self.name == "llada2-moe":
            scores = [1 / (1 + math.exp(-x)) for x in logits]
            by = [s + b for s, b in zip(scores, self.weights[p + "mlp.gate.expert_bias"][1])]
            each = len(by) // c["n_group"]
            total = [sum(sorted(by[g * each:(g + 1) * each])[-2:]) for g in range(c["n_group"])]
            kept = sorted(range(len(total)), key=lambda g: -total[g])[:c["topk_group"]]
            by = [b if e // each in kept else -math.inf for e, b in enumerate(by)]
        else:
            power = [math.exp(x - max(logits)) for x in logits]
            by = scores = [x / sum(power) for x in power]
        chosen = sorted(range(len(by)), key=lambda e: -by[e])[:c["num_experts_per_tok"]]
        total = sum(scores[e] for e in chosen) if c["norm_topk_prob"] else 1.0
        out = [0.0] * D
        for e in chosen:
            share = scores[e] / total * c.get("routed_scaling_factor", 1.0)
            out = [o + share * x for o, x in zip(out, self.feed(f"{p}mlp.experts.{e}.", row))]
        if self.shared():
            out = [o + x for o, x in zip(out, self.feed(p + self.shared()[0], row))]
        return out

    def scores(self, sees):
        llada2 = self.name == "llada2-moe"
        table = self.weights["model.word_embeddings.weight" if llada2 else "model.embed_tokens.weight"][1]
        rows = [list(table[t * D:(t + 1) * D]) for t in IDS]
        for i in range(self.c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            q, k, v = [], [], []
            for at, row in enumerate(rows):
                n = self.normed(p + "input_layernorm", row)
                all = self.times(p + "attention.query_key_value", n) if llada2 else sum((self.times(p + f"self_attn.{x}_proj", n) for x in "qkv"), [])
                heads = [all[h * H:(h + 1) * H] for h in range(HEADS + 2 * KV)]
                names = (f"{p}attention.query_layernorm", f"{p}attention.key_layernorm") if llada2 else (f"{p}self_attn.q_norm", f"{p}self_attn.k_norm")
                q.append([self.head(names[0], h, at) for h in heads[:HEADS]])
                k.append([self.head(names[1], h, at) for h in heads[HEADS:HEADS + KV]])
                v.append(heads[HEADS + KV:])
            for r, row in enumerate(rows):
                mixed = []
                for h in range(HEADS):
                    seen = [j for j in range(len(rows)) if sees(r, j)]
                    power = [math.exp(sum(a * b for a, b in zip(q[r][h], k[j][h * KV // HEADS])) / math.sqrt(H)) for j in seen]
                    mixed += [sum(x * v[j][h * KV // HEADS][f] for x, j in zip(power, seen)) / sum(power) for f in range(H)]
                rows[r] = [x + o for x, o in zip(row, self.times(p + ("attention.dense" if llada2 else "self_attn.o_proj"), mixed))]
            for r, row in enumerate(rows):
                n = self.normed(p + "post_attention_layernorm", row)
                rows[r] = [x + o for x, o in zip(row, self.routed(p, n) if self.sparse(i) else self.feed(p + "mlp.", n))]
        return [self.times("lm_head", self.normed("model.norm", row)) for row in rows]


def read_logits(path):
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:8 + size])["logits"]
    begin, end = (8 + size + o for o in entry["data_offsets"])
    return struct.unpack(f"<{len(IDS) * V}d", data[begin:end])


def check(name):
    def test():
        model, top, worst = Model(name), tempfile.mkdtemp(), 0.0
        decoder = ["--decoder", "llada"] if name == "rnd1" else []
        try:
            for shards in (1, 3):
                hf, text, out = (os.path.join(top, f"{x}{shards}") for x in ("hf", "m.mlir", "out"))
                model.write(hf, shards)
                harness.tool("quoin-import", hf, "-o", text, *decoder)
                for mask, sees in (("causal", lambda q, k: k <= q), ("block_causal<4>", lambda q, k: k // 4 <= q // 4)) if shards == 1 else (("full", lambda q, k: True),):
                    rows = os.path.join(top, "rows")
                    harness.tool("quoin-interpret", text, "--logits", rows, "--ids", ",".join(map(str, IDS)), "--mask", mask)
                    for a, b in zip(read_logits(rows), sum(model.scores(sees), [])):
                        worst = max(worst, abs(a - b))
                harness.tool("quoin-compile", hf, "-o", out, *decoder)
                requests = [dict(ids=IDS[:n], max_tokens=6, stop=[]) for n in (2, 5, 9)]
                want, got = harness.traced("quoin-interpret", text, requests), harness.traced("quoin-run", out, requests)
                for a, b in zip(want[0], got[0]):
                    expect(a["ids"] == b["ids"], f"expects ids {a['ids']} compiled, but found {b['ids']}")
                for a, b in zip((e for t in want[1] for e in t), (e for t in got[1] for e in t)):
                    for (_, _, x), (_, _, y) in zip(a["filled"], b["filled"]):
                        expect(x is None or abs(x - y) < 1e-4, f"expects a confidence of {x}, but found {y}")
            expect(worst < 1e-5, f"expects the formula's scores, but found {worst:.2g} from them")
            return f"scores within {worst:.1g}"
        finally:
            shutil.rmtree(top, ignore_errors=True)
    return test


if __name__ == "__main__":
    harness.main([(name, check(name)) for name in FAMILIES])
