"""VAR (Tian et al., 2024) in float64: scale after scale of a picture's codes, and the latent that they add up to.

Written from the paper and the published code's behaviour: adaptive layer norms, queries and keys of length 1, bicubic and area resampling, residual convolutions,
guidance that grows with the scale. `weights` gives a shape and numbers for each tensor, of both files.
"""
import json
import math
import os
import random
import struct

from checkpoint import save
from sampling import sample
from transformer import gelu


def product(rows, weight, bias=None):
    (n, k), v = weight
    matrix = [v[i * k:(i + 1) * k] for i in range(n)]
    bias = bias[1] if bias else [0.0] * n
    return [[b + sum(map(lambda x, y: x * y, w, row)) for w, b in zip(matrix, bias)] for row in rows]


def silu(row):
    return [x / (1 + math.exp(-x)) for x in row]


def even(row, epsilon):
    mean = sum(row) / len(row)
    root = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + epsilon)
    return [(x - mean) / root for x in row]


def modulated(row, scale, shift):
    return [x * (1 + a) + b for x, a, b in zip(row, scale, shift)]


def bicubic(n, m):
    near = lambda t: 1.25 * t ** 3 - 2.25 * t ** 2 + 1
    far = lambda t: -0.75 * t ** 3 + 3.75 * t ** 2 - 6 * t + 3
    out = [[0.0] * n for _ in range(m)]
    for i in range(m):
        x = (i + 0.5) * n / m - 0.5
        t = x - math.floor(x)
        for k, w in enumerate((far(1 + t), near(t), near(1 - t), far(2 - t))):
            out[i][min(max(math.floor(x) - 1 + k, 0), n - 1)] += w
    return out


def area(m, n):
    out = [[0.0] * m for _ in range(n)]
    for i in range(n):
        cells = range(i * m // n, -(-(i + 1) * m // n))
        for j in cells:
            out[i][j] = 1 / len(cells)
    return out


def resampled(x, grid, matrix):
    """Cells line by line, the same matrix along both sides."""
    half = [[[sum(row[k] * x[k * grid + j][c] for k in range(grid)) for c in range(len(x[0]))] for j in range(grid)] for row in matrix]
    return [[sum(row[k] * line[k][c] for k in range(grid)) for c in range(len(x[0]))] for line in half for row in matrix]


def convolved(x, grid, weight, bias):
    (out, c, _, _), w = weight
    y = []
    for i in range(grid):
        for j in range(grid):
            cell = list(bias[1])
            for a in range(3):
                for b in range(3):
                    if 0 <= i + a - 1 < grid and 0 <= j + b - 1 < grid:
                        near = x[(i + a - 1) * grid + j + b - 1]
                        for o in range(out):
                            cell[o] += sum(w[((o * c + f) * 3 + a) * 3 + b] * near[f] for f in range(c))
            y.append(cell)
    return y


class Var:
    def __init__(self, config, weights):
        self.c, self.w = config, weights
        self.grids = config["patch_nums"]
        self.begins = [0]
        for n in self.grids:
            self.begins.append(self.begins[-1] + n * n)

    def filter(self, s):
        """The names of the scale's convolution."""
        shared, S = self.c["share_quant_resi"], len(self.grids)
        if shared == 1:
            return "quantize.quant_resi.qresi"
        count = shared or S
        # In the order of operations of numpy's linspace: where two are equally near, rounding says which is nearer.
        start = 1 / 3 / count if count == 4 else 1 / 2 / count
        stop = 1 - start
        step = (stop - start) / max(count - 1, 1)
        ticks = [k * step + start for k in range(count - 1)] + [stop if count > 1 else start]
        at = s / max(S - 1, 1)
        k = min(range(count), key=lambda i: (abs(ticks[i] - at), i))
        return f"quantize.quant_resi.qresi_ls.{k}" if shared else f"quantize.quant_resi.{k}"

    def modulation(self, i, level):
        d = self.c["embed_dim"]
        if self.c["shared_aln"]:
            all = product([level], self.w["shared_ada_lin.1.weight"], self.w["shared_ada_lin.1.bias"])[0]
            all = [a + b for a, b in zip(all, self.w[f"blocks.{i}.ada_gss"][1])]
        else:
            all = product([level], self.w[f"blocks.{i}.ada_lin.1.weight"], self.w[f"blocks.{i}.ada_lin.1.bias"])[0]
        return [all[j * d:(j + 1) * d] for j in range(6)]

    def logits(self, label, rows, scales):
        """Scores of the last scale of those given; `rows` are what all scales but the first start from."""
        c, w, d, heads = self.c, self.w, self.c["embed_dim"], self.c["num_heads"]
        h, epsilon = d // heads, c["norm_eps"]
        condition = w["class_emb.weight"][1][label * d:(label + 1) * d]
        first = self.begins[1]
        x = [[a + b for a, b in zip(condition, w["pos_start"][1][p * d:(p + 1) * d])] for p in range(first)]
        x += product(rows, w["word_embed.weight"], w["word_embed.bias"])
        scale_of = [s for s in range(scales) for _ in range(self.grids[s] ** 2)]
        x = [[a + b + e for a, b, e in zip(row, w["pos_1LC"][1][p * d:], w["lvl_embed.weight"][1][s * d:(s + 1) * d])] for p, (row, s) in enumerate(zip(x, scale_of))]
        level = silu(condition)
        for i in range(c["depth"]):
            b = f"blocks.{i}."
            gate1, gate2, scale1, scale2, shift1, shift2 = self.modulation(i, level)
            n = [modulated(even(row, epsilon), scale1, shift1) for row in x]
            qkv = product(n, w[b + "attn.mat_qkv.weight"], (None, list(w[b + "attn.q_bias"][1]) + [0.0] * d + list(w[b + "attn.v_bias"][1])))
            mixed = [[] for _ in x]
            for head in range(heads):
                q, k, v = ([row[j * d + head * h:j * d + (head + 1) * h] for row in qkv] for j in range(3))
                times = 0.25 / math.sqrt(h)
                if c["attn_l2_norm"]:
                    unit = lambda row: [f / max(math.sqrt(sum(g * g for g in row)), 1e-12) for f in row]
                    q, k = map(unit, q), [unit(row) for row in k]
                    times = math.exp(min(w[b + "attn.scale_mul_1H11"][1][head], math.log(100)))
                for p, row in enumerate(q):
                    seen = [o for o in range(len(x)) if scale_of[o] <= scale_of[p]]
                    z = [times * sum(map(lambda a, e: a * e, row, k[o])) for o in seen]
                    power = [math.exp(s - max(z)) for s in z]
                    mixed[p] += [sum(e * v[o][f] for e, o in zip(power, seen)) / sum(power) for f in range(h)]
            o = product(mixed, w[b + "attn.proj.weight"], w[b + "attn.proj.bias"])
            x = [[f + g * e for f, g, e in zip(row, gate1, more)] for row, more in zip(x, o)]
            n = [modulated(even(row, epsilon), scale2, shift2) for row in x]
            m = [[gelu(f) for f in row] for row in product(n, w[b + "ffn.fc1.weight"], w[b + "ffn.fc1.bias"])]
            o = product(m, w[b + "ffn.fc2.weight"], w[b + "ffn.fc2.bias"])
            x = [[f + g * e for f, g, e in zip(row, gate2, more)] for row, more in zip(x, o)]
        last = x[self.begins[scales - 1]:]
        all = product([level], w["head_nm.ada_lin.1.weight"], w["head_nm.ada_lin.1.bias"])[0]
        return product([modulated(even(row, epsilon), all[:d], all[d:]) for row in last], w["head.weight"], w["head.bias"])

    def generate(self, label, settings, noise=lambda: 0):
        """Ids, the latent `[features, m, m]`, guided scores of each scale and how often the model was called. `noise` is added to each score of each call: where it changes no id,
        arithmetic of float32 does not."""
        c, S, m = self.c, len(self.grids), self.grids[-1]
        r = abs(c["quant_resi"])
        latent = [[0.0] * c["Cvae"] for _ in range(m * m)]
        ids, rows, all, calls = [], [], [], 0
        call = lambda label, scales: [[z + noise() for z in row] for row in self.logits(label, rows, scales)]
        for s, n in enumerate(self.grids):
            scores, evaluation = call(label, s + 1), calls
            calls += 1
            if settings["guidance"] != 0:
                other = call(c["num_classes"], s + 1)
                calls += 1
                factor = 1 + settings["guidance"] * s / max(S - 1, 1)
                scores = [[u + factor * (z - u) for z, u in zip(a, b)] for a, b in zip(scores, other)]
            all.append([z for row in scores for z in row])
            order = "Tk" + ("p" if settings["top_p"] > 0 else "")
            tokens = [sample(row, order, None, settings, evaluation, self.begins[s] + i)[0] for i, row in enumerate(scores)]
            ids += tokens
            codes = [self.w["quantize.embedding.weight"][1][t * c["Cvae"]:(t + 1) * c["Cvae"]] for t in tokens]
            up = resampled(codes, n, bicubic(n, m)) if s < S - 1 else codes
            name = self.filter(s)
            more = convolved(up, m, self.w[name + ".weight"], self.w[name + ".bias"])
            latent = [[f + (1 - r) * u + r * v for f, u, v in zip(*cells)] for cells in zip(latent, up, more)]
            if s < S - 1:
                rows = rows + resampled(latent, m, area(m, self.grids[s + 1]))
        planes = [latent[cell][f] for f in range(c["Cvae"]) for cell in range(m * m)]
        return ids, planes, all, calls


def write(folder, config, seed):
    """Makes a checkpoint of random weights, the quantizer's in its own file as published; gives all of them."""
    rnd, d, c = random.Random(seed), config["embed_dim"], config["Cvae"]
    model, quantizer = {}, {}

    def make(into, name, *shape, spread=0.3, centre=0.0):
        values = [rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
        into[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

    def linear(name, n, k, spread=1.0):
        make(model, name + ".weight", n, k, spread=spread / k ** 0.5)
        make(model, name + ".bias", n)
    inner, grids = int(d * config["mlp_ratio"]), config["patch_nums"]
    linear("word_embed", d, c)
    make(model, "class_emb.weight", config["num_classes"] + 1, d, spread=1.0)
    make(model, "pos_start", 1, grids[0] ** 2, d)
    make(model, "pos_1LC", 1, sum(n * n for n in grids), d)
    make(model, "lvl_embed.weight", len(grids), d)
    if config["shared_aln"]:
        linear("shared_ada_lin.1", 6 * d, d)
    for i in range(config["depth"]):
        b = f"blocks.{i}."
        if config["shared_aln"]:
            make(model, b + "ada_gss", 1, 1, 6, d)
        else:
            linear(b + "ada_lin.1", 6 * d, d)
        make(model, b + "attn.mat_qkv.weight", 3 * d, d, spread=1.5 / d ** 0.5)
        for n in ("q_bias", "v_bias"):
            make(model, b + "attn." + n, d)
        make(model, b + "attn.zero_k_bias", d, spread=0.0)
        if config["attn_l2_norm"]:
            make(model, b + "attn.scale_mul_1H11", 1, config["num_heads"], 1, 1, spread=2.0, centre=2.0)
        linear(b + "attn.proj", d, d)
        linear(b + "ffn.fc1", inner, d)
        linear(b + "ffn.fc2", d, inner)
    linear("head_nm.ada_lin.1", 2 * d, d)
    linear("head", config["vocab_size"], d, spread=3.0)
    make(quantizer, "quantize.embedding.weight", config["vocab_size"], c, spread=1.0)
    shared = config["share_quant_resi"]
    for k in range(shared or len(grids)):
        name = "quantize.quant_resi." + ("qresi" if shared == 1 else f"qresi_ls.{k}" if shared else str(k))
        make(quantizer, name + ".weight", c, c, 3, 3, spread=1 / (9 * c) ** 0.5)
        make(quantizer, name + ".bias", c)
    # What is not generation's: buffers, and the picture's own networks.
    make(model, "lvl_1L", 1, sum(n * n for n in grids))
    make(quantizer, "post_quant_conv.weight", c, c, 3, 3)
    make(quantizer, "decoder.conv_in.bias", 7)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(dict(config, model_type="var"), f)
    for name, tensors in ("model", model), ("vae", quantizer):
        save(os.path.join(folder, name + ".safetensors"), [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in tensors.items()])
    return {**model, **quantizer}
