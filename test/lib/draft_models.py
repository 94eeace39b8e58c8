"""Random checkpoints of the families that draft their tokens by parts of their own (clover, hidden-transfer, knows-the-future, joint-sampling), and what their
layers compute, in float64: plain lists, no reuse of anything of ours."""
import json
import math
import os
import random
import struct

from checkpoint import pack, save
from transformer import attended, dot, silu, turned

EPSILON, THETA = 1e-5, 10000.0
SHAPE = dict(hidden_size=12, num_attention_heads=2, num_key_value_heads=1, head_dim=6, intermediate_size=14, num_hidden_layers=2, vocab_size=13, max_position_embeddings=64,
             rms_norm_eps=EPSILON, rope_theta=THETA, tie_word_embeddings=False, hidden_act="silu", eos_token_id=1)
FAMILIES = {"clover": dict(draft_top_k=[3, 2, 1]), "hidden-transfer": dict(transfer_layer=1, draft_top_k=[3, 2]), "knows-the-future": dict(mask_token_id=12, rank=3),
            "joint-sampling": dict(mask_token_id=12)}
# What silu makes 1.
OPEN = 1.2784645427610738


def add(a, b):
    return [x + y for x, y in zip(a, b)]


class Model:
    def __init__(self, family, seed=0, **shape):
        c = self.config = {**SHAPE, **FAMILIES[family], **shape, "model_type": family}
        self.rank = c.pop("rank", 0)
        self.family, self.rnd, self.weights = family, random.Random(f"{family} {seed}"), {}
        self.fill, self.head_dim = c.get("mask_token_id"), c["head_dim"]
        d, v = c["hidden_size"], c["vocab_size"]
        self.make("model.embed_tokens.weight", v, d, spread=1.0)
        self.make("model.norm.weight", d)
        if not c["tie_word_embeddings"]:
            self.make("lm_head.weight", v, d, spread=1.0)
        for i in range(c["num_hidden_layers"]):
            self.make_layer(f"model.layers.{i}.")
        for i in range(c["num_hidden_layers"] if self.rank else 0):
            self.make(f"layers.{i}.lora_a", self.rank, d)
            self.make(f"layers.{i}.lora_b", self.heads(), self.rank)
        if self.rank:
            self.weights["gate"] = [v, self.rank], [OPEN if t == self.fill else 0.0 for t in range(v) for _ in range(self.rank)]
        getattr(self, "make_" + family.replace("-", "_"))(d)

    def heads(self, kv=False):
        return self.config["num_key_value_heads" if kv else "num_attention_heads"] * self.head_dim

    def make(self, name, *shape, spread=None):
        """Matrices keep the size of a row; vectors are scales about 1."""
        centre, spread = (1.0, 0.1) if len(shape) == 1 else (0.0, spread or 1.3 / math.sqrt(shape[-1]))
        self.weights[name] = list(shape), list(struct.unpack(f"<{math.prod(shape)}f", struct.pack(f"<{math.prod(shape)}f", *[self.rnd.gauss(centre, spread) for _ in range(math.prod(shape))])))

    def make_layer(self, prefix, norms=("input_layernorm",)):
        d, inner = self.config["hidden_size"], self.config["intermediate_size"]
        for name in (*norms, "post_attention_layernorm"):
            self.make(prefix + name + ".weight", d)
        for name, rows, columns in (("self_attn.q_proj", self.heads(), d), ("self_attn.k_proj", self.heads(True), d), ("self_attn.v_proj", self.heads(True), d),
                                    ("self_attn.o_proj", d, self.heads()), ("mlp.gate_proj", inner, d), ("mlp.up_proj", inner, d), ("mlp.down_proj", d, inner)):
            self.make(prefix + name + ".weight", rows, columns)

    def make_clover(self, d):
        for i in range(len(self.config["draft_top_k"])):
            self.make_layer(f"clover.{i}.", ("hidden_norm", "token_norm", "norm"))

    def make_hidden_transfer(self, d):
        for i in range(len(self.config["draft_top_k"])):
            self.make(f"transfer.{i}.weight", d, d)

    def make_knows_the_future(self, d):
        for i, inputs in enumerate((2 * d, d)):
            self.make(f"sampler.{i}.proj.weight", d, inputs)
            for name in ("proj.bias", "norm.weight", "norm.bias"):
                self.make(f"sampler.{i}.{name}", d)

    def make_joint_sampling(self, d):
        self.make_layer(f"model.layers.{self.config['num_hidden_layers']}.")
        self.make("sampler.norm.weight", d)

    def write(self, folder):
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as f:
            json.dump(self.config, f)
        save(os.path.join(folder, "model.safetensors"), [(n, "F32", s, pack(v, "F32")) for n, (s, v) in self.weights.items()])
        return folder

    # ---- What they compute

    def product(self, name, row):
        (n, k), v = self.weights[name + ".weight"] if name + ".weight" in self.weights else self.weights[name]
        return [dot(v[i * k:(i + 1) * k], row) for i in range(n)]

    def embedding(self, token):
        d = self.config["hidden_size"]
        return self.weights["model.embed_tokens.weight"][1][token * d:(token + 1) * d]

    def norm(self, name, row):
        scale = 1 / math.sqrt(dot(row, row) / len(row) + EPSILON)
        return [x * scale * w for x, w in zip(row, self.weights[name + ".weight"][1])]

    def scores(self, row):
        return self.product("model.embed_tokens" if self.config["tie_word_embeddings"] else "lm_head", row)

    def attention(self, prefix, queries, others, positions, sees):
        """Of rows that ask and rows that answer, one for each slot; `sees` has the slots that each looks at. What is added to the queries."""
        size, shared = self.head_dim, self.config["num_attention_heads"] // self.config["num_key_value_heads"]
        q = [turned(r, p, THETA, size) for r, p in zip(queries, positions)]
        k = [turned(self.product(prefix + "self_attn.k_proj", r), p, THETA, size) for r, p in zip(others, positions)]
        v = [self.product(prefix + "self_attn.v_proj", r) for r in others]
        out = []
        for row, seen in zip(q, sees):
            mixed = attended(row, [k[j] for j in seen], [v[j] for j in seen], size, shared=shared)
            out.append(self.product(prefix + "self_attn.o_proj", mixed))
        return out

    def fed(self, prefix, row):
        m = self.norm(prefix + "post_attention_layernorm", row)
        act = [silu(g) * u for g, u in zip(self.product(prefix + "mlp.gate_proj", m), self.product(prefix + "mlp.up_proj", m))]
        return add(row, self.product(prefix + "mlp.down_proj", act))

    def layer(self, prefix, x, positions, sees, adapter=None):
        """`adapter`, a layer's number and who has it."""
        n = [self.norm(prefix + "input_layernorm", r) for r in x]
        q = [self.product(prefix + "self_attn.q_proj", r) for r in n]
        if adapter:
            i, where = adapter
            q = [add(r, self.product(f"layers.{i}.lora_b", self.product(f"layers.{i}.lora_a", s))) if at else r for r, s, at in zip(q, n, where)]
        return [self.fed(prefix, add(r, a)) for r, a in zip(x, self.attention(prefix, q, n, positions, sees))]

    def layers(self, x, positions, sees, begin=0, end=None, adapted=None):
        for i in range(begin, self.config["num_hidden_layers"] if end is None else end):
            x = self.layer(f"model.layers.{i}.", x, positions, sees, (i, adapted) if adapted else None)
        return x

    def hidden(self, ids, positions, sees):
        """Last rows, behind the norm; an open position is None."""
        ids = [self.fill if t is None else t for t in ids]
        x = self.layers([self.embedding(t) for t in ids], positions, sees, adapted=[t == self.fill for t in ids] if self.rank else None)
        return [self.norm("model.norm", r) for r in x]

    def clover_head(self, i, above, path, start):
        """What head i makes of the row above the last token of a path that begins at position `start`."""
        t, n, last = f"clover.{i}.", [self.norm(f"clover.{i}.token_norm", self.embedding(t)) for t in path], len(path) - 1
        query = self.product(t + "self_attn.q_proj", self.norm(t + "hidden_norm", above))
        positions = range(start, start + len(path))
        a = self.attention(t, [query] * len(path), n, positions, [[0]] * last + [range(len(path))])[last]
        return self.norm(t + "norm", self.fed(t, add(above, a)))

    def sampler_head(self, token, row):
        h = self.embedding(token) + row
        for i in range(2):
            bias, scale, shift = (self.weights[f"sampler.{i}.{n}"][1] for n in ("proj.bias", "norm.weight", "norm.bias"))
            h = [silu(x) for x in add(self.product(f"sampler.{i}.proj", h), bias)]
            mean = sum(h) / len(h)
            root = math.sqrt(sum((x - mean) ** 2 for x in h) / len(h) + EPSILON)
            h = [(x - mean) / root * w + b for x, w, b in zip(h, scale, shift)]
        return self.scores(h)

    def sampler_layer(self, rows, chosen):
        """Scores of all rows of a canvas, of which some were given tokens since they were made."""
        n = len(rows)
        x = [r if t is None else add(r, self.embedding(t)) for r, t in zip(rows, chosen)]
        return [self.scores(self.norm("sampler.norm", r)) for r in self.layers(x, range(n), [range(n)] * n, self.config["num_hidden_layers"], self.config["num_hidden_layers"] + 1)]
