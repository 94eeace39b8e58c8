#!/usr/bin/env python3
"""Checkpoints that say the same in other ways, family by family, beside the formula in Python: heads tied or not, or in the file although tied; head sizes that are no share of
the width; one key head or one for each; odd vocabularies; bf16, f16 and shards; biases; rotary embeddings scaled, in each of the places where configs have them; keys
that are null, or not there at all.

    QUOIN_VARIATIONS=30 QUOIN_SEED=7 test/e2e/variations.py llama
"""
import array
import json
import math
import os
import random
import struct

import harness
import checkpoint
from harness import expect

COUNT, SEED = int(os.environ.get("QUOIN_VARIATIONS", "3")), int(os.environ.get("QUOIN_SEED", "1"))
CAPACITY = 96


def frequencies(rope, size, capacity):
    """What the pairs of a head turn by a position, and what sines and cosines are multiplied by."""
    kind, theta = rope.get("kind"), rope["theta"]
    plain = [theta ** (-2 * i / size) for i in range(size // 2)]
    factor = rope.get("factor", 1.0)
    if kind == "linear":
        return [f / factor for f in plain], 1.0
    if kind == "llama3":
        low, high, old = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
        out = []
        for f in plain:
            wave = 2 * math.pi / f
            s = (old / wave - low) / (high - low)
            out.append(f if wave < old / high else f / factor if wave > old / low else (1 - s) * f / factor + s * f)
        return out, 1.0
    if kind == "yarn":
        old = rope.get("original_max_position_embeddings") or capacity
        factor = rope.get("factor") or capacity / old
        at = lambda n: size * math.log(old / (2 * math.pi * n)) / (2 * math.log(theta))
        low, high = at(rope.get("beta_fast") or 32), at(rope.get("beta_slow") or 1)
        if rope.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, size - 1)
        high += 0.001 if high == low else 0
        ramp = [min(max((i - low) / (high - low), 0), 1) for i in range(size // 2)]
        grown = lambda k: 1.0 if factor <= 1 else 0.1 * k * math.log(factor) + 1
        m, a = rope.get("mscale"), rope.get("mscale_all_dim")
        magnitude = rope.get("attention_factor") or (grown(m) / grown(a) if m and a else grown(1))
        return [f * (1 - r) + f / factor * r for f, r in zip(plain, ramp)], magnitude
    return plain, 1.0


class Variation:
    """A config, its tensors, and what they compute."""

    def __init__(self, family, seed):
        r = self.rnd = random.Random(f"{family} {seed}")
        self.family = family
        self.llada = family in ("llada", "mmada")
        self.heads = r.choice([1, 2, 3, 4])
        self.kv = r.choice([k for k in (1, 2, self.heads) if self.heads % k == 0])
        self.size = r.choice([2, 4, 6, 8, 16])
        explicit = r.random() < 0.6
        self.hidden = r.choice([7, 12, 20, 33]) if explicit else self.heads * self.size
        self.layers, self.inner, self.vocabulary = r.choice([1, 2, 3]), r.choice([5, 13, 24]), r.choice([29, 37, 64])
        self.epsilon = r.choice([1e-6, 1e-5, 1e-3])
        self.tied = r.random() < 0.5 if family != "nemotron_labs_diffusion" else False
        self.norms = family in ("qwen3", "sdar", "sdar_moe", "qwen3_moe", "a2d-qwen3", "rnd1")
        self.rope = dict(theta=r.choice([100.0, 5e3, 1e6]))
        self.experts, self.bias, self.out_bias, self.mlp_bias, self.beta = set(), False, False, False, 0.0
        self.scaled = family in ("llama", "mistral", "ministral3", "qwen2", "qwen3", "nemotron_labs_diffusion", "a2d-qwen3", "a2d-llama", "qwen3_moe", "sdar_moe", "rnd1")
        self.config = self.keys(explicit)
        self.weights = {}
        self.tensors()

    # ---- config.json

    def keys(self, explicit):
        r, names = self.rnd, {}
        special = dict(bos_token_id=r.choice([None, 3]), eos_token_id=r.choice([5, [5, 6], None]), pad_token_id=None)
        if self.llada:
            c = dict(model_type=self.family, d_model=self.hidden, n_heads=self.heads, n_layers=self.layers, mlp_hidden_size=self.inner, vocab_size=self.vocabulary,
                     max_sequence_length=128, rms_norm_eps=self.epsilon, weight_tying=self.tied, rope_theta=self.rope["theta"], mask_token_id=self.vocabulary - 1, **special)
            if explicit:
                c["head_dim"] = self.size
            self.optional(c, "n_kv_heads", self.kv, self.heads)
            self.optional(c, "multi_query_attention", self.kv == 1, self.kv == 1)
            self.optional(c, "embedding_size", self.vocabulary, self.vocabulary)
            self.bias = self.out_bias = self.mlp_bias = self.flag(c, "include_bias")
            if not self.bias:
                self.bias = self.flag(c, "include_qkv_bias")
            for key, value in (("rope", True), ("alibi", False), ("block_type", "llama"), ("activation_type", "silu"), ("layer_norm_type", "rms"), ("scale_logits", False)):
                self.optional(c, key, value, value)
            return c
        c = dict(model_type=self.family, hidden_size=self.hidden, num_attention_heads=self.heads, num_hidden_layers=self.layers, intermediate_size=self.inner,
                 vocab_size=self.vocabulary, max_position_embeddings=CAPACITY, rms_norm_eps=self.epsilon, **special)
        if explicit:
            c["head_dim"] = self.size
        elif r.random() < 0.3:
            c["head_dim"] = None
        self.optional(c, "num_key_value_heads", self.kv, self.heads)
        self.optional(c, "tie_word_embeddings", self.tied, False)
        self.optional(c, "hidden_act", "silu", "silu")
        for key, value in (("use_sliding_window", False), ("sliding_window", None), ("use_cache", True), ("torch_dtype", "bfloat16"), ("attention_dropout", 0.0)):
            self.optional(c, key, value, value)
        if self.family in ("mistral", "ministral3"):
            c.update(sliding_window=r.choice([None, CAPACITY, 4096]))
        if self.family == "rnd1":
            c.update(sliding_window=r.choice([None, False]))
        if self.family == "Fast_dLLM_Qwen":
            c.update(bd_size=4)
        if self.family == "Dream" and r.random() < 0.5:
            c.update(use_mrope=False)
        # Biases of queries, keys and values: Qwen2's layouts have them and no key; others say so.
        if self.family in ("qwen2", "Dream", "Fast_dLLM_Qwen"):
            self.bias = True
            if r.random() < 0.3:
                c["attention_bias"] = True
        elif self.family == "PanguEmbedded":
            self.bias = self.out_bias = self.flag(c, "bias")
        elif self.family in ("llama", "qwen3", "sdar", "a2d-llama"):
            self.bias = self.flag(c, "attention_bias")
            self.out_bias = self.bias and r.random() < 0.7
        if self.family in ("llama", "nemotron_labs_diffusion"):
            self.mlp_bias = self.flag(c, "mlp_bias")
        if self.family in ("sdar_moe", "qwen3_moe", "rnd1"):
            count, self.chosen, self.small = r.choice([2, 5]), r.choice([1, 2]), r.choice([3, 8])
            self.normalise = r.random() < 0.7
            c.update(num_experts=count, num_experts_per_tok=self.chosen, moe_intermediate_size=self.small, norm_topk_prob=self.normalise)
            step, only = r.choice([1, 1, 2]), r.choice([[], [0]])
            self.optional(c, "decoder_sparse_step", step, 1)
            self.optional(c, "mlp_only_layers", only, [])
            self.experts = {i for i in range(self.layers) if i not in only and (i + 1) % step == 0}
        if self.family in ("llama", "sdar", "mistral", "illada", "PanguEmbedded", "nemotron_labs_diffusion", "a2d-llama", "wedlm", "sdar_moe", "rnd1", "a2d-qwen3", "Dream",
                           "Fast_dLLM_Qwen", "LLaDA-V"):
            c["mask_token_id"] = self.vocabulary - 1
        if self.family == "LLaDA-V":
            c["model_type"] = "llada"
        self.rotary(c)
        return c

    def optional(self, c, key, value, default):
        """A key whose default is what it would say may be null, or not there."""
        how = self.rnd.choice(["said", "null", "absent"]) if value == default else "said"
        if how != "absent":
            c[key] = value if how == "said" else None

    def flag(self, c, key):
        value = self.rnd.random() < 0.5
        self.optional(c, key, value, False)
        # Without a word a bias in the file counts; the tensors are as the flag says.
        if not value and c.get(key) is None:
            c[key] = False
        return value

    def rotary(self, c):
        """The base, and a scaling, in one of the places where they may be."""
        r, kinds = self.rnd, ["none"]
        if self.scaled:
            kinds += ["linear", "llama3", "yarn"]
        kind = r.choice(kinds)
        if kind == "linear":
            self.rope.update(kind=kind, factor=r.choice([2.0, 4]))
        elif kind == "llama3":
            self.rope.update(kind=kind, factor=8.0, low_freq_factor=1.0, high_freq_factor=r.choice([2.0, 4.0]), original_max_position_embeddings=r.choice([16, 48]))
        elif kind == "yarn":
            self.rope.update(kind=kind, factor=r.choice([None, 4.0]), original_max_position_embeddings=r.choice([12, 32]))
            for key, values in (("beta_fast", [None, 0, 4.0]), ("beta_slow", [None, 0, 0.5]), ("attention_factor", [None, 0.8]), ("mscale", [None, 0.7]),
                                ("mscale_all_dim", [None, 1.3]), ("truncate", [True, False])):
                if r.random() < 0.5:
                    self.rope[key] = r.choice(values)
            if self.family in ("nemotron_labs_diffusion", "ministral3", "mistral") and r.random() < 0.6:
                self.beta = self.rope["llama_4_scaling_beta"] = 0.25
        block = {k: v for k, v in self.rope.items() if k not in ("kind", "theta")}
        if kind != "none":
            block["rope_type" if r.random() < 0.6 else "type"] = kind
        place = r.choice(["scaling", "parameters"])
        if place == "parameters":
            c["rope_parameters"] = dict(block, rope_theta=self.rope["theta"])
            if kind == "none":
                c["rope_parameters"]["rope_type"] = "default"
        else:
            c["rope_theta"] = self.rope["theta"]
            if kind != "none":
                c["rope_scaling"] = block
            elif r.random() < 0.6:
                c["rope_scaling"] = r.choice([None, {"rope_type": "default"}] + ([{}, False] if self.scaled else []))

    # ---- Tensors

    def tensors(self):
        d, q, kv = self.hidden, self.heads * self.size, self.kv * self.size
        root = "encoder" if self.family == "nemotron_labs_diffusion" else "model"
        if self.llada:
            self.embed, self.norm, self.head = "model.transformer.wte", "model.transformer.ln_f", "model.transformer.ff_out"
            self.layer = "model.transformer.blocks.{}."
            self.parts = ["attn_norm", "q_proj", "k_proj", "v_proj", "attn_out", "ff_norm", "ff_proj", "up_proj", "ff_out"]
        else:
            self.embed, self.norm, self.head = f"{root}.embed_tokens", f"{root}.norm", "diffusion_head" if root == "encoder" else "lm_head"
            self.layer = root + ".layers.{}."
            self.parts = ["input_layernorm", *(f"self_attn.{x}_proj" for x in "qkvo"), "post_attention_layernorm", *(f"mlp.{x}_proj" for x in ("gate", "up", "down"))]
        self.make(self.embed, self.vocabulary, d, spread=0.8)
        for i in range(self.layers):
            p, names = self.layer.format(i), self.parts
            self.make(p + names[0], d, about=1)
            self.make(p + names[5], d, about=1)
            for name, out, into, bias in ((names[1], q, d, self.bias), (names[2], kv, d, self.bias), (names[3], kv, d, self.bias), (names[4], d, q, self.out_bias)):
                self.make(p + name, out, into, bias=bias)
            if self.norms:
                self.make(p + "self_attn.q_norm", self.size, about=1)
                self.make(p + "self_attn.k_norm", self.size, about=1)
            if i not in self.experts:
                for name, out, into in ((names[6], self.inner, d), (names[7], self.inner, d), (names[8], d, self.inner)):
                    self.make(p + name, out, into, bias=self.mlp_bias)
                continue
            self.make(p + "mlp.gate", self.config["num_experts"], d, spread=1.0)
            for e in range(self.config["num_experts"]):
                for name, out, into in (("gate", self.small, d), ("up", self.small, d), ("down", d, self.small)):
                    self.make(f"{p}mlp.experts.{e}.{name}_proj", out, into)
        self.make(self.norm, d, about=1)
        if not self.tied:
            self.make(self.head, self.vocabulary, d, spread=0.6)
        elif self.rnd.random() < 0.4:
            # It is in the file, too, and the same.
            self.weights[self.head + ".weight"] = self.weights[self.embed + ".weight"]

    def make(self, name, *shape, spread=None, about=0.0, bias=False):
        dtype = self.rnd.choice(["F32", "BF16", "F16"]) if ".experts." not in name else "BF16"  # those of a layer are one tensor
        spread = spread or (0.2 if len(shape) == 1 else 1.3 / math.sqrt(shape[-1]))

        def put(name, shape):
            data = checkpoint.pack([self.rnd.gauss(about, spread) for _ in range(math.prod(shape))], dtype)
            if dtype == "F32":
                values = array.array("f", data)
            elif dtype == "F16":
                values = struct.unpack(f"<{len(data) // 2}e", data)
            else:
                values = array.array("f", b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2)))
            self.weights[name] = (dtype, list(shape), data, values)
        put(name + ".weight", shape)
        if bias:
            put(name + ".bias", shape[:1])

    def write(self, folder):
        os.makedirs(folder)
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(self.config, f)
        entries = [(n, dtype, shape, data) for n, (dtype, shape, data, _) in self.weights.items()]
        self.rnd.shuffle(entries)
        shards = self.rnd.choice([1, 1, 2, 3])
        if shards == 1:
            checkpoint.save(os.path.join(folder, "model.safetensors"), entries)
            return folder
        names = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
        for i, name in enumerate(names):
            checkpoint.save(os.path.join(folder, name), entries[i::shards])
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
            json.dump(dict(metadata=dict(total_size=sum(len(e[3]) for e in entries)), weight_map={e[0]: names[i % shards] for i, e in enumerate(entries)}), f)
        return folder

    # ---- The formula

    def times(self, name, row):
        _, (n, k), _, v = self.weights[name + ".weight"]
        bias = self.weights.get(name + ".bias")
        return [sum(v[i * k + j] * row[j] for j in range(k)) + (bias[3][i] if bias else 0) for i in range(n)]

    def normed(self, name, row):
        root = math.sqrt(sum(x * x for x in row) / len(row) + self.epsilon)
        return [x / root * w for x, w in zip(row, self.weights[name + ".weight"][3])]

    def swiglu(self, gate, up, down, row):
        return self.times(down, [g / (1 + math.exp(-g)) * u for g, u in zip(self.times(gate, row), self.times(up, row))])

    def feed(self, i, row):
        p = self.layer.format(i)
        if i not in self.experts:
            return self.swiglu(*(p + n for n in self.parts[6:]), row)
        scores = self.times(p + "mlp.gate", row)
        power = [math.exp(s - max(scores)) for s in scores]
        shares = [x / sum(power) for x in power]
        best = sorted(range(len(shares)), key=lambda e: (-shares[e], e))[:self.chosen]
        total = sum(shares[e] for e in best) if self.normalise else 1.0
        made = [self.swiglu(*(f"{p}mlp.experts.{e}.{n}_proj" for n in ("gate", "up", "down")), row) for e in best]
        return [sum(shares[e] / total * m[f] for e, m in zip(best, made)) for f in range(self.hidden)]

    def scores(self, ids, sees):
        turn, magnitude = frequencies(self.rope, self.size, CAPACITY)
        old = self.rope.get("original_max_position_embeddings") or CAPACITY

        def turned(head, at):
            out, half = list(head), self.size // 2
            for j, f in enumerate(turn):
                c, s = math.cos(at * f) * magnitude, math.sin(at * f) * magnitude
                out[j], out[j + half] = head[j] * c - head[j + half] * s, head[j + half] * c + head[j] * s
            return out
        table = self.weights[self.embed + ".weight"][3]
        rows = [list(table[t * self.hidden:(t + 1) * self.hidden]) for t in ids]
        for i in range(self.layers):
            p, all = self.layer.format(i), []
            for at, row in enumerate(rows):
                n = self.normed(p + self.parts[0], row)
                cut = [[y[h:h + self.size] for h in range(0, len(y), self.size)] for y in (self.times(p + name, n) for name in self.parts[1:4])]
                if self.norms:
                    cut[:2] = [[self.normed(f"{p}self_attn.{x}_norm", h) for h in some] for x, some in zip("qk", cut)]
                q, k = ([turned(h, at) for h in some] for some in cut[:2])
                grown = 1 + self.beta * math.log(1 + at // old)
                all.append(([[x * grown for x in h] for h in q], k, cut[2]))
            for r, row in enumerate(rows):
                mixed = []
                for h in range(self.heads):
                    g = h * self.kv // self.heads
                    seen = [j for j in range(len(rows)) if sees(r, j)]
                    s = [sum(a * b for a, b in zip(all[r][0][h], all[j][1][g])) / math.sqrt(self.size) for j in seen]
                    power = [math.exp(x - max(s)) for x in s]
                    mixed += [sum(x * all[j][2][g][f] for x, j in zip(power, seen)) / sum(power) for f in range(self.size)]
                rows[r] = [a + b for a, b in zip(row, self.times(p + self.parts[4], mixed))]
            rows = [[a + b for a, b in zip(row, self.feed(i, self.normed(p + self.parts[5], row)))] for row in rows]
        head = self.embed if self.tied else self.head
        return [self.times(head, self.normed(self.norm, row)) for row in rows]


FAMILIES = ["llama", "mistral", "ministral3", "qwen2", "qwen3", "sdar", "Dream", "Fast_dLLM_Qwen", "wedlm", "illada", "LLaDA-V", "PanguEmbedded", "nemotron_labs_diffusion",
            "a2d-qwen3", "a2d-llama", "llada", "mmada", "sdar_moe", "qwen3_moe", "rnd1"]
MASKS = {"causal": lambda q, k: k <= q, "full": lambda q, k: True, "block_causal<4>": lambda q, k: k // 4 <= q // 4}


def check(family):
    def one(seed):
        v = Variation(family, seed)
        said = json.dumps(v.config)
        ids = [v.rnd.randrange(v.vocabulary) for _ in range(11)]
        with harness.scratch() as top:
            hf, text, got = (os.path.join(top, x) for x in ("hf", "m.mlir", "rows"))
            # Each says which decoder it has; whoever does not say is plain.
            asked = [] if "mask_token_id" in v.config and family != "mistral" else ["--decoder", "autoregressive"]
            asked += ["--set", "block=128"] if family == "mmada" else []
            r = harness.call("quoin-import", v.write(hf), "-o", text, *asked)
            expect(r.returncode == 0 and not r.stderr, f"expects no word about {said}, but found {r.stderr}")
            for mask, sees in MASKS.items():
                harness.tool("quoin-interpret", text, "--logits", got, "--ids", ",".join(map(str, ids)), "--mask", mask)
                found = next(struct.unpack(f"<{len(data) // 8}d", data) for n, _, _, data in checkpoint.load(got) if n == "logits")
                want = sum(v.scores(ids, sees), [])
                worst = max(abs(a - b) for a, b in zip(want, found))
                expect(len(found) == len(want) and worst < 1e-6 * max(1, *map(abs, want)), f"{mask} of {said}: expects the formula's scores, but found {worst:.2g} from them")

    def test():
        harness.each_seed(range(SEED * 1000, SEED * 1000 + COUNT), f"{family} of seed", one)
        return f"{COUNT} checkpoints"
    return test


def image_codes():
    """Ids of MMaDA's image codes, those behind its tokenizer's or from `llm_vocab_size` on, are no answers, however likely they are."""
    shape = checkpoint.Shape(family="llada", layers=1, hidden=16, heads=2, kv_heads=2, head_dim=8, mlp=24, vocabulary=270, seed=5)
    head, codes = "model.transformer.ff_out.weight", 12
    with harness.scratch() as top:
        folder = checkpoint.write(os.path.join(top, "hf"), shape)
        path = os.path.join(folder, "model.safetensors")
        weights = [(n, dtype, dims, data) for n, dtype, dims, data in checkpoint.load(path)]
        for i, (name, dtype, dims, data) in enumerate(weights):
            if name == head:  # each code's row is a text token's, and louder
                row = len(data) // dims[0]
                loud = b"".join(struct.pack(f"<{row // 4}f", *(9 * v for v in struct.unpack(f"<{row // 4}f", data[j * row:(j + 1) * row]))) for j in range(codes))
                weights[i] = (name, dtype, dims, data[:-codes * row] + loud)
        checkpoint.save(path, weights)
        config = json.load(open(os.path.join(folder, "config.json")))
        tokenizer = json.load(open(os.path.join(folder, "tokenizer.json")))
        requests = [dict(ids=[i, i + 1, 7], max_tokens=8, stop=[]) for i in range(20, 100, 9)]
        for model, keys, ids in (("llada", {}, 270), ("mmada", dict(new_vocab_size=270), 258), ("mmada", dict(new_vocab_size=270, llm_vocab_size=258), 270),
                                 ("mmada", dict(new_vocab_size=270, llm_vocab_size=262), 258)):
            with open(os.path.join(folder, "config.json"), "w") as f:
                json.dump(dict(config, model_type=model, mask_token_id=256, weight_tying=False, **keys), f)
            cut = {k: v for k, v in tokenizer["model"]["vocab"].items() if v < ids}
            with open(os.path.join(folder, "tokenizer.json"), "w") as f:
                json.dump(dict(tokenizer, model=dict(tokenizer["model"], vocab=cut), added_tokens=[t for t in tokenizer["added_tokens"] if t["id"] < ids]), f)
            source, out = os.path.join(top, "m.mlir"), os.path.join(top, "out")
            flags = ("--set", "block=8")
            harness.tool("quoin-import", folder, "-o", source, *flags)
            harness.tool("quoin-compile", folder, "-o", out, "-O0", *flags)
            for tool, program in (("quoin-interpret", source), ("quoin-run", out)):
                found = [v for a in harness.answers(tool, program, requests) for v in a["ids"]]
                loud = sum(v >= 258 for v in found)
                expect(len(found) == 8 * len(requests), f"found {len(found)} tokens")
                expect(loud == 0 if model == "mmada" else loud > len(found) // 4, f"{tool}, {model} with {keys} and {ids} ids: found {loud} codes in {found}")
        return f"{len(requests)} requests"


if __name__ == "__main__":
    harness.main([(family, check(family)) for family in FAMILIES] + [("image-codes", image_codes)])
