#!/usr/bin/env python3
"""The four cells of FlashRNN (Poeppel et al., 2024), imported from folders of random weights and compared with float64 computed here: of several
shapes, with states that are given and without, by the interpreter and by compiled programs."""
import json
import math
import os
import random
import struct

import harness
import tensors
from checkpoint import pack, save
from harness import expect

CELLS = dict(lstm=(4, 4, 4, 2), slstm=(4, 4, 4, 4), gru=(3, 3, 4, 1), elman=(1, 1, 1, 1))  # gates, matrices, biases, states


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def log_sigmoid(x):
    return min(x, 0) - math.log1p(math.exp(-abs(x)))


class System:
    def __init__(self, folder, seed, cells=tuple(CELLS)):
        self.rnd = random.Random(seed)
        self.folder, self.cells = os.path.join(folder, "hf"), cells
        self.heads, self.dim = self.rnd.choice((1, 2, 3)), self.rnd.choice((1, 5, 16, 20))
        os.makedirs(self.folder)
        with open(os.path.join(self.folder, "config.json"), "w") as f:
            json.dump(dict(model_type="flashrnn", cells=list(cells), num_heads=self.heads, head_dim=self.dim), f)
        self.weights, entries = {}, []
        for cell in cells:
            _, matrices, biases, _ = CELLS[cell]
            for name, shape in (("R", [matrices, self.heads, self.dim, self.dim]), ("b", [biases, self.heads, self.dim])):
                values = [single(self.rnd.gauss(0, 1 / math.sqrt(self.dim))) for _ in range(math.prod(shape))]
                self.weights[f"{cell}.{name}"] = values
                entries.append((f"{cell}.{name}", "F32", shape, pack(values, "F32")))
        save(os.path.join(self.folder, "model.safetensors"), entries)

    def request(self, cell, rows, states):
        gates, _, _, kept = CELLS[cell]
        draw = lambda count: [single(self.rnd.gauss(0, 1)) for _ in range(count)]
        given = {"input": ("F32", [rows, gates, self.heads, self.dim], draw(rows * gates * self.heads * self.dim))}
        if states:
            before = draw(kept * self.heads * self.dim)
            if cell == "slstm":  # what the gates are divided by is positive
                size = self.heads * self.dim
                before[2 * size:3 * size] = [single(abs(x) + 1) for x in before[2 * size:3 * size]]
            given["states"] = ("F32", [kept, self.heads, self.dim], before)
        return given

    def expected(self, cell, given):
        gates, _, _, kept = CELLS[cell]
        H, D = self.heads, self.dim
        R, b = self.weights[cell + ".R"], self.weights[cell + ".b"]
        rows, x = given["input"][1][0], given["input"][2]
        before = given["states"][2] if "states" in given else [0.0] * (kept * H * D)
        states = [[before[(s * H + h) * D:(s * H + h + 1) * D] for h in range(H)] for s in range(kept)]
        out = []
        for t in range(rows):
            for h in range(H):
                old = [states[s][h] for s in range(kept)]
                wx = lambda g, d: x[((t * gates + g) * H + h) * D + d]
                ry = lambda g, d: sum(R[((g * H + h) * D + d) * D + p] * old[0][p] for p in range(D))
                bias = lambda g, d: b[(g * H + h) * D + d]
                new = [[0.0] * D for _ in range(kept)]
                for d in range(D):
                    for s, value in enumerate(self.step(cell, [o[d] for o in old], lambda g: wx(g, d), lambda g: ry(g, d), lambda g: bias(g, d))):
                        new[s][d] = value
                for s in range(kept):
                    states[s][h] = new[s]
            out += [v for s in range(kept) for h in range(H) for v in states[s][h]]
        return [rows, kept, H, D], out

    @staticmethod
    def step(cell, old, wx, ry, b):
        if cell == "gru":
            r, z = sigmoid(wx(0) + ry(1) + b(1)), sigmoid(wx(1) + ry(2) + b(2))
            return [z * old[0] + (1 - z) * math.tanh(wx(2) + b(3) + r * (ry(0) + b(0)))]
        gate = [wx(g) + ry(g) + b(g) for g in range(CELLS[cell][0])]
        if cell == "elman":
            return [math.tanh(gate[0])]
        i, f, z, o = gate
        if cell == "lstm":
            c = sigmoid(f) * old[1] + sigmoid(i) * math.tanh(z)
            return [sigmoid(o) * math.tanh(c), c]
        _, c, n, m = old
        log = log_sigmoid(f) + m
        m1 = i if n == 0 else max(i, log)
        gi, gf = math.exp(i - m1), math.exp(log - m1)
        c1, n1 = gf * c + gi * math.tanh(z), max(gf * n + gi, 1)
        return [sigmoid(o) * c1 / n1, c1, n1, m1]

    def run(self, tool, target, given, *flags):
        inside, outside = os.path.join(self.folder, "in.safetensors"), os.path.join(self.folder, "o.safetensors")
        tensors.save(inside, given)
        harness.tool(tool, target, "--inputs", inside, "--outputs", outside, *flags)
        return tensors.load(outside)["all_states"]

    def refused(self, target, given, kind, *words):
        inside = os.path.join(self.folder, "in.safetensors")
        tensors.save(inside, given)
        process = harness.call("quoin-run", target, "--inputs", inside, "--outputs", os.devnull, "--set", "kind=" + kind)
        expect(process.returncode == 1 and all(w in process.stderr for w in words), f"expects {words}, but found {process.returncode}: {process.stderr.strip()}")


def cells(seed):
    with harness.scratch() as folder:
        system = System(folder, seed)
        out, text = os.path.join(folder, "out"), os.path.join(folder, "m.mlir")
        harness.tool("quoin-compile", system.folder, "-o", out, "--weights", "f32")
        harness.tool("quoin-import", system.folder, "-o", text)
        for cell in CELLS:
            for rows, states in ((1, True), (7, False), (23, True)):
                given = system.request(cell, rows, states)
                shape, wanted = system.expected(cell, given)
                for tool, target, tolerance in (("quoin-interpret", text, 1e-6), ("quoin-run", out, 2e-5)):
                    got = system.run(tool, target, given, "--set", "kind=" + cell)
                    worst = max(abs(x - y) for x, y in zip(wanted, got[2]))
                    expect(got[1] == shape and worst < tolerance, f"{tool} {cell}: off by {worst:.1e}, shape {got[1]}, not {shape}")


def refusals():
    with harness.scratch() as folder:
        system = System(folder, 7, ("gru", "elman"))
        out = os.path.join(folder, "out")
        harness.tool("quoin-compile", system.folder, "-o", out)
        given = system.request("gru", 5, True)
        system.refused(out, system.request("elman", 5, True), "gru", "the input 'input' has 3 gates")
        system.refused(out, given, "lstm", "the setting 'kind' is one of the model's cells, which 'lstm' is not")
        system.refused(out, given, "rnn", "kind")
        system.refused(out, {"input": given["input"], "states": ("F32", [2, system.heads, system.dim], given["states"][2] * 2)}, "gru", "the input 'states' has 1 states")
        system.refused(out, {"input": ("F32", [2, 3, 1, 3], [0.0] * 18)}, "gru", "expects input 'input' of shape [?,")
        system.refused(out, {"states": given["states"]}, "gru", "expects input 'input'")


if __name__ == "__main__":
    harness.main([(f"cells-{seed}", lambda s=seed: cells(s)) for seed in range(4)] + [("refusals", refusals)])
