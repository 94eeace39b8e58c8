"""BlockRank from its description, in float64: a random checkpoint of Llama's layout, and what a prompt's documents have of its last tokens' attention."""
import json
import math
import os
import random
import struct

from checkpoint import save
from transformer import attended, turned


def shapes(c):
    D, H, KV, d, I = (c[k] for k in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size"))
    all = {"model.embed_tokens.weight": [c["vocab_size"], D], "model.norm.weight": [D], "lm_head.weight": [c["vocab_size"], D]}
    for i in range(c["num_hidden_layers"]):
        t = f"model.layers.{i}."
        all.update({t + "input_layernorm.weight": [D], t + "post_attention_layernorm.weight": [D], t + "self_attn.q_proj.weight": [H * d, D],
                    t + "self_attn.k_proj.weight": [KV * d, D], t + "self_attn.v_proj.weight": [KV * d, D], t + "self_attn.o_proj.weight": [D, H * d],
                    t + "mlp.gate_proj.weight": [I, D], t + "mlp.up_proj.weight": [I, D], t + "mlp.down_proj.weight": [D, I]})
        if c["model_type"] == "qwen3":
            all.update({t + "self_attn.q_norm.weight": [d], t + "self_attn.k_norm.weight": [d]})
    return all


def write(folder, c, seed):
    """Makes a checkpoint; gives its weights as lists of rows."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(c, f)
    rnd, weights, entries = random.Random(seed), {}, []
    for name, shape in shapes(c).items():
        numbers = [rnd.gauss(0, 1.5 / math.sqrt(shape[1])) if len(shape) == 2 else rnd.gauss(1, 0.2) for _ in range(math.prod(shape))]
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        numbers = struct.unpack(f"<{len(numbers)}f", packed)
        weights[name] = numbers if len(shape) == 1 else [numbers[i * shape[1]:(i + 1) * shape[1]] for i in range(shape[0])]
        entries.append((name, "F32", shape, packed))
    save(os.path.join(folder, "model.safetensors"), entries)
    return weights


class Model:
    def __init__(self, c, weights):
        self.c, self.w = c, weights

    def product(self, rows, name):
        return [[sum(a * b for a, b in zip(r, w)) for w in self.w[name + ".weight"]] for r in rows]

    def norm(self, row, name):
        scale, size = self.w[name + ".weight"], len(self.w[name + ".weight"])
        out = []
        for at in range(0, len(row), size):
            part = row[at:at + size]
            by = 1 / math.sqrt(sum(x * x for x in part) / size + self.c["rms_norm_eps"])
            out += [x * by * s for x, s in zip(part, scale)]
        return out

    def projected(self, n, t, part, positions):
        rows = self.product(n, t + f"self_attn.{part}_proj")
        if part != "v":
            if t + f"self_attn.{part}_norm.weight" in self.w:
                rows = [self.norm(r, t + f"self_attn.{part}_norm") for r in rows]
            rows = [turned(r, p, self.c["rope_theta"], self.c["head_dim"]) for r, p in zip(rows, positions)]
        return rows

    def relevance(self, prompt, separator, queries):
        """Of each document: the attention that the query's last tokens have for it, and the same of a softmax over documents alone."""
        blocks = [[]]
        for token in prompt:
            if token == separator:
                blocks.append([])
            else:
                blocks[-1].append(token)
        last, start = len(blocks) - 1, len(blocks[0])
        tokens, labels, positions = [], [], []
        for b, block in enumerate(blocks):
            tokens += block
            labels += [b] * len(block)
            positions += [i + (0 if b == 0 else self.c["blockrank_position"] if b == last else start) for i in range(len(block))]
        seen = [[j for j in range(i + 1) if labels[j] in (0, labels[i]) or labels[i] == last] for i in range(len(tokens))]
        c, x = self.c, [list(self.w["model.embed_tokens.weight"][t]) for t in tokens]
        size, share = c["head_dim"], c["num_attention_heads"] // c["num_key_value_heads"]
        wide = lambda rows: [[f for h in range(c["num_attention_heads"]) for f in r[h // share * size:(h // share + 1) * size]] for r in rows]
        for i in range(c["blockrank_layer"] + 1):
            t = f"model.layers.{i}."
            n = [self.norm(r, t + "input_layernorm") for r in x]
            q, k, v = (self.projected(n, t, p, positions) for p in "qkv")
            k, v = wide(k), wide(v)
            if i == c["blockrank_layer"]:
                break
            mixed = [attended(q[r], [k[j] for j in seen[r]], [v[j] for j in seen[r]], size) for r in range(len(tokens))]
            x = [[a + b for a, b in zip(r, o)] for r, o in zip(x, self.product(mixed, t + "self_attn.o_proj"))]
            m = [self.norm(r, t + "post_attention_layernorm") for r in x]
            gate, up = self.product(m, t + "mlp.gate_proj"), self.product(m, t + "mlp.up_proj")
            inner = [[g / (1 + math.exp(-g)) * u for g, u in zip(a, b)] for a, b in zip(gate, up)]
            x = [[a + b for a, b in zip(r, o)] for r, o in zip(x, self.product(inner, t + "mlp.down_proj"))]
        rows = range(len(tokens) - min(queries, len(blocks[-1])), len(tokens))
        plain, among = [0.0] * (last - 1), [0.0] * (last - 1)
        for r in rows:
            for h in range(c["num_attention_heads"]):
                part = slice(h * size, (h + 1) * size)
                power = {j: math.exp(sum(a * b for a, b in zip(q[r][part], k[j][part])) / math.sqrt(size)) for j in seen[r]}
                documents = {j: p for j, p in power.items() if 0 < labels[j] < last}
                for j, p in documents.items():
                    plain[labels[j] - 1] += p / sum(power.values()) / len(rows) / c["num_attention_heads"]
                    among[labels[j] - 1] += p / sum(documents.values()) / len(rows) / c["num_attention_heads"]
        return plain, among
