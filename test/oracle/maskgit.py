"""MaskGIT from its description, in float64: a model of random weights under flax's names, and its loop.

`run` also says how near a decision came to another one, so that arithmetic of float32 is only held to those that are clear.
"""
import json
import math
import os
import random
import struct

from checkpoint import save
from sampling import uniform
from transformer import gelu

CHOICE_STREAM = 4


def shapes(c):
    """Names and sizes of a checkpoint's tensors."""
    C, I, H = c["hidden_size"], c["intermediate_size"], c["num_heads"]
    d, tokens, cells = C // H, c["codebook_size"] + c["num_classes"] + 1, c["latent_size"] ** 2
    all = {"Embed_0.word_embeddings.embedding": [tokens, C], "Embed_0.position_embeddings.embedding": [cells + 1, C]}

    def norm(name):
        all[name + ".scale"], all[name + ".bias"] = [C], [C]
    norm("Embed_0.embeddings_ln")
    for i in range(c["num_layers"]):
        t = f"TransformerLayer_{i}."
        for p in "query", "key", "value":
            all[f"{t}Attention_0.self_attention.{p}.kernel"], all[f"{t}Attention_0.self_attention.{p}.bias"] = [C, H, d], [H, d]
        all[t + "Attention_0.self_attention.out.kernel"], all[t + "Attention_0.self_attention.out.bias"] = [H, d, C], [C]
        norm(t + "Attention_0.attention_output_ln")
        all[t + "Mlp_0.intermediate_output.kernel"], all[t + "Mlp_0.intermediate_output.bias"] = [C, I], [I]
        all[t + "Mlp_0.layer_output.kernel"], all[t + "Mlp_0.layer_output.bias"] = [I, C], [C]
        norm(t + "Mlp_0.layer_output_ln")
    all["MlmLayer_0.mlm_dense.kernel"], all["MlmLayer_0.mlm_dense.bias"] = [C, C], [C]
    norm("MlmLayer_0.mlm_ln")
    all["MlmLayer_0.mlm_bias.bias"] = [tokens]
    return all


def write(folder, c, seed):
    """Makes a checkpoint; gives its weights as flat lists."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(dict(c, model_type="maskgit"), f)
    rnd, weights = random.Random(seed), {}
    for name, shape in shapes(c).items():
        size = math.prod(shape)
        middle, spread = (1, 0.2) if name.endswith("scale") else (0, 0.6 if "embedding" in name else 1.5 / math.sqrt(shape[0]) if len(shape) > 1 else 0.2)
        numbers = [rnd.gauss(middle, spread) for _ in range(size)]
        weights[name] = list(struct.unpack(f"<{size}f", struct.pack(f"<{size}f", *numbers)))
    save(os.path.join(folder, "model.safetensors"), [(k, "F32", shapes(c)[k], struct.pack(f"<{len(v)}f", *v)) for k, v in weights.items()])
    return weights


class Model:
    def __init__(self, config, weights):
        self.c, self.w = config, weights

    def dense(self, rows, name, outputs):
        """Kernels are stored with the inputs first, whatever further sizes they have."""
        kernel, bias = self.w[name + ".kernel"], self.w[name + ".bias"]
        return [[b + sum(x * kernel[i * outputs + o] for i, x in enumerate(row)) for o, b in enumerate(bias)] for row in rows]

    def norm(self, rows, name):
        out = []
        for row in rows:
            mean = sum(row) / len(row)
            variance = sum((x - mean) ** 2 for x in row) / len(row)
            out.append([(x - mean) / math.sqrt(variance + 1e-12) * s + b for x, s, b in zip(row, self.w[name + ".scale"], self.w[name + ".bias"])])
        return out

    def logits(self, ids):
        c, C, H = self.c, self.c["hidden_size"], self.c["num_heads"]
        d = C // H
        word, place = self.w["Embed_0.word_embeddings.embedding"], self.w["Embed_0.position_embeddings.embedding"]
        x = self.norm([[word[t * C + i] + place[p * C + i] for i in range(C)] for p, t in enumerate(ids)], "Embed_0.embeddings_ln")
        for layer in range(c["num_layers"]):
            t = f"TransformerLayer_{layer}."
            q, k, v = (self.dense(x, f"{t}Attention_0.self_attention.{p}", C) for p in ("query", "key", "value"))
            mixed = []
            for row in q:
                out = []
                for h in range(H):
                    at = range(h * d, (h + 1) * d)
                    scores = [sum(row[i] * other[i] for i in at) / math.sqrt(d) for other in k]
                    e = [math.exp(s - max(scores)) for s in scores]
                    out += [sum(weight * other[i] for weight, other in zip(e, v)) / sum(e) for i in at]
                mixed.append(out)
            o = self.dense(mixed, t + "Attention_0.self_attention.out", C)
            x = self.norm([[a + b for a, b in zip(r, s)] for r, s in zip(o, x)], t + "Attention_0.attention_output_ln")
            m = [[gelu(a) for a in r] for r in self.dense(x, t + "Mlp_0.intermediate_output", c["intermediate_size"])]
            y = self.dense(m, t + "Mlp_0.layer_output", C)
            x = self.norm([[a + b for a, b in zip(r, s)] for r, s in zip(y, x)], t + "Mlp_0.layer_output_ln")
        h = self.norm([[gelu(a) for a in r] for r in self.dense(x, "MlmLayer_0.mlm_dense", C)], "MlmLayer_0.mlm_ln")
        bias = self.w["MlmLayer_0.mlm_bias.bias"]
        return [[sum(a * word[t * C + i] for i, a in enumerate(r)) + bias[t] for t in range(c["codebook_size"])] for r in h]


def rate(schedule, ratio, cells):
    if schedule == "cosine":
        r = math.cos(math.pi / 2 * ratio)
    elif schedule == "uniform":
        r = 1 - ratio
    elif schedule.startswith("pow"):
        r = 1 - ratio ** float(schedule[3:])
    elif cells < 2:
        r = 0
    elif schedule == "log":
        r = -math.log2(ratio) / math.log2(cells)
    else:
        r = 1 - 2 ** (-math.log2(cells) * (1 - ratio))
    return min(max(r, 1e-6), 1)


def gumbel(seed, evaluation, position, stream, lane):
    return -math.log(-math.log(uniform(seed, evaluation, position, stream, lane)))


def run(model, label, grid, steps, schedule, temperature, choice_temperature, seed):
    """The answer, the grid as each step leaves it, and how near the nearest other decision was."""
    codes, fill = model.c["codebook_size"], model.c["codebook_size"] + model.c["num_classes"]
    x = [codes + label] + [fill if g < 0 else g for g in grid]
    cells, trace, nearest, last = sum(g < 0 for g in grid), [], math.inf, None
    for i in range(steps):
        scores, masked = model.logits(x), [p for p, t in enumerate(x) if t == fill]
        ratio, drawn, sure = (i + 1) / steps, {}, {}
        for p in masked:
            top = max(scores[p])
            logs = [s - top - math.log(sum(math.exp(s - top) for s in scores[p])) for s in scores[p]]
            worth = [v / temperature + gumbel(seed, i, p, 0, t) for t, v in enumerate(logs)] if temperature else logs
            order = sorted(range(codes), key=lambda t: -worth[t])
            nearest = min(nearest, worth[order[0]] - worth[order[1]])
            drawn[p] = order[0]
            sure[p] = logs[order[0]] + choice_temperature * (1 - ratio) * gumbel(seed, i, p, CHOICE_STREAM, 0)
        last = [drawn.get(p, t) for p, t in enumerate(x)]
        trace.append(last[1:])
        again = max(1, min(len(masked) - 1, math.floor(cells * rate(schedule, ratio, cells) + 1e-6))) if cells else 0
        order = sorted(masked, key=lambda p: sure[p])
        if again < len(order):
            nearest = min(nearest, sure[order[again]] - sure[order[again - 1]])
        x = [fill if p in order[:again] else t for p, t in enumerate(last)]
    return last[1:], trace, nearest
