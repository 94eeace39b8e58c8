"""Small transformers written twice, as the text of a model's body and in float64, over weights that are the same f32 numbers in both."""
import math
import random
import struct

from checkpoint import save
from transformer import attended, dot, silu, turned

EPSILON, THETA = 1e-6, 10000.0


def type_of(width):
    return f"tensor<?x{width}xf32>"


class Weights:
    """Random matrices and vectors by name."""

    def __init__(self, seed):
        self.rnd, self.all = random.Random(seed), {}

    def vector(self, name, size, centre=0.0, spread=1.0):
        data = struct.pack(f"<{size}f", *(self.rnd.gauss(centre, spread) for _ in range(size)))
        self.all[name] = list(struct.unpack(f"<{size}f", data))

    def matrix(self, name, rows, columns, spread=1.0):
        self.vector(name, rows * columns, 0.0, spread / math.sqrt(columns))
        flat = self.all[name]
        self.all[name] = [flat[i:i + columns] for i in range(0, rows * columns, columns)]

    def __getitem__(self, name):
        return self.all[name]

    def product(self, name, row):
        return [dot(row, w) for w in self.all[name]]

    def shape(self, name):
        value = self.all[name]
        return [len(value), len(value[0])] if isinstance(value[0], list) else [len(value)]

    def text(self):
        return "".join(f'  quoin.weight @{n} : tensor<{"x".join(map(str, self.shape(n)))}xf32> from "w.safetensors" tensor "{n}"\n' for n in self.all)

    def save(self, path):
        entries = []
        for name, value in self.all.items():
            flat = [v for row in value for v in row] if isinstance(value[0], list) else value
            entries.append((name, "F32", self.shape(name), struct.pack(f"<{len(flat)}f", *flat)))
        save(path, entries)


class Stack:
    """Layers with norms in front, rotary embeddings and gated products, and a norm behind them."""

    def __init__(self, weights, name, layers=1, width=16, heads=2, mlp=24):
        self.w, self.name, self.layers, self.width, self.heads, self.mlp = weights, name, layers, width, heads, mlp
        for i in range(layers):
            for n in ("norm1", "norm2"):
                weights.vector(f"{name}.{i}.{n}", width, 1.0, 0.1)
            for n in "qkvo":
                weights.matrix(f"{name}.{i}.{n}", width, width, 1.5)
            for n, rows, columns in (("gate", mlp, width), ("up", mlp, width), ("down", width, mlp)):
                weights.matrix(f"{name}.{i}.{n}", rows, columns, 1.5)
        weights.vector(f"{name}.norm", width, 1.0, 0.1)

    def text(self, given, gives):
        """Lines that make %gives of %given, at %positions."""
        D, M, size, lines, x = type_of(self.width), type_of(self.mlp), self.width // self.heads, [], given
        for i in range(self.layers):
            p, v = f"@{self.name}.{i}.", f"%{gives}.{i}."
            lines.append(f"{v}n = quoin.rms_norm %{x} by {p}norm1 epsilon {EPSILON:.1e} : {D}")
            lines += [f"{v}{n} = quoin.linear {v}n by {p}{n} : {D} -> {D}" for n in "qkv"]
            lines += [f"{v}{n}r = quoin.rotary {v}{n} at %positions theta {THETA} head_dim {size} : {D}" for n in "qk"]
            lines.append(f"{v}a = quoin.attention {v}qr, {v}kr, {v}v heads {self.heads} kv_heads {self.heads} head_dim {size} scale {1 / math.sqrt(size)} : {D}, {D}, {D}")
            lines.append(f"{v}o = quoin.linear {v}a by {p}o : {D} -> {D}")
            lines.append(f"{v}y = arith.addf %{x}, {v}o : {D}")
            lines.append(f"{v}m = quoin.rms_norm {v}y by {p}norm2 epsilon {EPSILON:.1e} : {D}")
            lines += [f"{v}{n} = quoin.linear {v}m by {p}{n} : {D} -> {M}" for n in ("gate", "up")]
            lines.append(f"{v}act = quoin.swiglu {v}gate, {v}up : {M}")
            lines.append(f"{v}down = quoin.linear {v}act by {p}down : {M} -> {D}")
            x = f"{gives}.{i}.x"
            lines.append(f"%{x} = arith.addf {v}y, {v}down : {D}")
        lines.append(f"%{gives} = quoin.rms_norm %{x} by @{self.name}.norm epsilon {EPSILON:.1e} : {D}")
        return "".join(f"    {line}\n" for line in lines)

    def normed(self, row, name):
        scale = 1 / math.sqrt(sum(v * v for v in row) / len(row) + EPSILON)
        return [v * scale * g for v, g in zip(row, self.w[name])]

    def rows(self, x, sees, positions=None):
        """All rows, of which row q sees row k iff sees(q, k)."""
        size, places = self.width // self.heads, positions or range(len(x))
        for i in range(self.layers):
            p = f"{self.name}.{i}."
            n = [self.normed(row, p + "norm1") for row in x]
            q, k, v = ([self.w.product(p + name, row) for row in n] for name in "qkv")
            q, k = ([turned(row, at, THETA, size) for row, at in zip(rows, places)] for rows in (q, k))
            for j in range(len(x)):
                seen = [s for s in range(len(x)) if sees(j, s)]
                mixed = self.w.product(p + "o", attended(q[j], [k[s] for s in seen], [v[s] for s in seen], size))
                y = [a + b for a, b in zip(x[j], mixed)]
                m = self.normed(y, p + "norm2")
                gated = [silu(g) * u for g, u in zip(self.w.product(p + "gate", m), self.w.product(p + "up", m))]
                x = x[:j] + [[a + b for a, b in zip(y, self.w.product(p + "down", gated))]] + x[j + 1:]
        return [self.normed(row, self.name + ".norm") for row in x]


def causal(q, k):
    return k <= q


def all_of_them(q, k):
    return True
