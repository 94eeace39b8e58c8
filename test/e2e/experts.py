#!/usr/bin/env python3
"""Models with experts, and formulas by their short names, from text to machine code.

A random model draws its norms, activations, modulations, routers and experts from all spellings. Interpreted as written, after each pass, and as
stages, and compiled at -O0 and -O2, it gives the same tokens and confidences; a request alone, among others, and with more threads gives the same
bits. The tensors of experts lie in two files behind an index, and are gathered by one weight each. QUOIN_EXPERTS sets how many models are
tried (default 8).
"""
import json
import os
import random

import harness
import model_bodies
from checkpoint import pack, save
from harness import expect
from model_bodies import D, HIDDEN, K, KEYS, Op, add, attention, hidden, linear, rotary

MODELS = int(os.environ.get("QUOIN_EXPERTS", "8"))
EXPERTS, INNER = 12, 21  # an inner width that is no multiple of anything
SHAPES = {"gate": (INNER, HIDDEN), "up": (INNER, HIDDEN), "down": (HIDDEN, INNER)}
VECTORS = {"shift": HIDDEN, "four": 4, "four_b": 4, "six": 6, "three": 3, "correction": EXPERTS}
INDEX = "w.safetensors.index.json"


def rows(*shape, element="f32"):
    return "tensor<" + "x".join(["?", *map(str, shape), element]) + ">"


def write_weights(folder, kind):
    """As `model_bodies` has them, and those of experts as `kind`, every other one in a second file."""
    model_bodies.write_weights(os.path.join(folder, "w.safetensors"))
    rnd, files, where = random.Random(11), {"a.safetensors": [], "b.safetensors": []}, {}

    def put(name, shape, numbers, stored, file):
        files[file].append((name, stored, list(shape), pack(numbers, stored)))
        where[name] = file

    for name, (out, depth) in SHAPES.items():
        for e in range(EXPERTS):
            put(f"experts.{e}.{name}.weight", (out, depth), [rnd.gauss(0, 1.2 / depth ** 0.5) for _ in range(out * depth)], kind,
                ("a.safetensors", "b.safetensors")[e % 2])
    put("router", (EXPERTS, HIDDEN), [rnd.gauss(0, 1.5 / HIDDEN ** 0.5) for _ in range(EXPERTS * HIDDEN)], "F32", "a.safetensors")
    stacked = [rnd.gauss(0, 1.2 / HIDDEN ** 0.5) for _ in range(EXPERTS * INNER * HIDDEN)]
    put("stacked", (EXPERTS, INNER, HIDDEN), stacked, kind, "b.safetensors")
    for name, length in VECTORS.items():
        put(name, (length,), [rnd.gauss(0.8, 0.3) for _ in range(length)], "F32", "b.safetensors")
    for file, entries in files.items():
        save(os.path.join(folder, file), entries)
    with open(os.path.join(folder, INDEX), "w") as f:
        json.dump(dict(metadata={}, weight_map=where), f)


def declarations(kind):
    element = dict(F32="f32", BF16="bf16", F16="f16")[kind]
    text = "".join(f'  quoin.weight @{n} : tensor<{EXPERTS}x{o}x{i}x{element}> from "{INDEX}" tensor "experts.*.{n}.weight"\n'.replace(f"@{n} ", f"@expert_{n} ")
                   for n, (o, i) in SHAPES.items())
    text += f'  quoin.weight @router : tensor<{EXPERTS}x{HIDDEN}xf32> from "{INDEX}" tensor "router"\n'
    text += f'  quoin.weight @stacked : tensor<{EXPERTS}x{INNER}x{HIDDEN}x{element}> from "b.safetensors" tensor "stacked"\n'
    return text + "".join(f'  quoin.weight @{n} : tensor<{length}xf32> from "b.safetensors" tensor "{n}"\n' for n, length in VECTORS.items())


class Model:
    def __init__(self, seed):
        self.rnd, self.ops, self.fresh = random.Random(9000 + seed), [], 0

    def op(self, type, text, *operands, results=1):
        self.fresh += 1
        names = [f"e{self.fresh}"] if results == 1 else [f"e{self.fresh}_{i}" for i in range(results)]
        made = Op(", %".join(names), type, text, *operands)
        self.ops.append(made)
        return names[0] if results == 1 else names

    def norm(self, x):
        y = self.plain_norm(x)
        if self.rnd.random() < 0.7:
            return y
        # Modulated by what no call changes.
        level = self.activation(self.op(D, f"quoin.spread @shift over {{0}} : {D} -> {D}", x), D)
        return self.op(D, f"quoin.modulate {{0}}, {{1}}, {{1}} : {D}", y, level)

    def plain_norm(self, x):
        return self.rnd.choice([
            lambda: self.op(D, f"quoin.rms_norm {{0}} by @norm epsilon 1.0e-6 : {D}", x),
            lambda: self.op(D, f"quoin.layer_norm {{0}} epsilon 1.0e-5 : {D}", x),
            lambda: self.op(D, f"quoin.layer_norm {{0}} by @norm bias @shift epsilon 1.0e-5 : {D}", x),
            lambda: self.op(D, f"quoin.layer_norm {{0}} by @four bias @four_b epsilon 1.0e-4 : {D}", x),
            lambda: self.op(D, f"quoin.layer_norm {{0}} bias @shift epsilon 1.0e-5 : {D}", x)])()

    def heads(self, x, type, weight):
        return self.rnd.choice([
            lambda: self.op(type, f"quoin.rms_norm {{0}} by @head_norm epsilon 1.0e-6 : {type}", x),
            lambda: self.op(type, f"quoin.unit_norm {{0}} head_dim 4 : {type}", x),
            lambda: self.op(type, f"quoin.unit_norm {{0}} head_dim 4 times @{weight} : {type}", x)])()

    def activation(self, x, type):
        kind = self.rnd.choice(["silu {0}", "relu2 {0}", "gelu {0} exact", "gelu {0} tanh"])
        return self.op(type, f"quoin.{kind} : {type}", x)

    def gated(self, gate, up, type):
        kind = self.rnd.choice(["swiglu {0}, {1}", "swiglu {0}, {1}", "geglu {0}, {1} exact", "geglu {0}, {1} tanh", None])
        if kind:
            return self.op(type, f"quoin.{kind} : {type}", gate, up)
        return self.op(type, f"quoin.modulate {{0}}, {{1}}, {{0}} : {type}", self.activation(gate, type), up)

    def route(self, m):
        experts = self.op(rows(EXPERTS), f"quoin.linear {{0}} by @router : {D} -> {rows(EXPERTS)}", m)
        top = self.rnd.choice([1, 2, 2, 3, 4])
        text = f"scores {self.rnd.choice(['softmax', 'softmax', 'sigmoid', 'given'])}"
        if self.rnd.random() < 0.4:
            text += " correction @correction"
        if self.rnd.random() < 0.4:
            groups, best = self.rnd.choice([(3, 1), (3, 2), (6, 2), (4, 2), (12, 5), (6, 6)])
            text += f" groups {groups} best {best}"
        normalise = "given" not in text and self.rnd.random() < 0.7
        text += f" top {top} normalise {str(normalise).lower()}" + self.rnd.choice(["", " scale 1.5"])
        choice, share = self.op(None, f"quoin.route {{0}} {text} : {rows(EXPERTS)} -> {rows(top, element='i32')}, {rows(top)}", experts, results=2)
        return top, choice, share

    def experts(self, m):
        top, choice, share = self.route(m)
        C, E, H = rows(top, element="i32"), rows(top, INNER), rows(top, HIDDEN)
        to = lambda x, weight, of, type: self.op(type, f"quoin.expert_linear {{0}} to {{1}} by @{weight} : {of}, {C} -> {type}", x, choice)
        gate = to(m, self.rnd.choice(["expert_gate", "stacked"]), D, E)
        act = self.gated(gate, to(m, "expert_up", D, E), E) if self.rnd.random() < 0.8 else self.activation(gate, E)
        each = to(act, "expert_down", E, H)
        return self.op(D, f"quoin.mix {{0}}, {{1}} : {H}, {rows(top)} -> {D}", each, share)

    def dense(self, m):
        M = model_bodies.M
        gate, up = (self.op(M, f"quoin.linear {{0}} by @{w} : {D} -> {M}", m) for w in ("gate", "up"))
        return self.op(D, f"quoin.linear {{0}} by @down : {M} -> {D}", self.gated(gate, up, M))

    def layer(self, x, i):
        n = self.norm(x)
        name = lambda s: f"{s}{i}"
        self.ops += [linear(name("q"), "q", n, D), linear(name("k"), "k", n, K), linear(name("v"), "v", n, K)]
        q, k = self.heads(name("q"), D, "six"), self.heads(name("k"), K, "three")
        self.ops += [rotary(name("qr"), q, D), rotary(name("kr"), k, K), attention(name("a"), name("qr"), name("kr"), name("v")),
                     linear(name("o"), "o", name("a"), D), add(name("h"), x, name("o"))]
        m = self.norm(name("h"))
        y = self.experts(m) if self.rnd.random() < 0.8 else self.dense(m)
        if self.rnd.random() < 0.3:  # a shared expert
            y = self.op(D, f"arith.addf {{0}}, {{1}} : {D}", y, self.dense(m))
        return self.op(D, f"arith.addf {{0}}, {{1}} : {D}", name("h"), y)

    def text(self, kind):
        self.ops.append(Op("x", D, f"quoin.embed {{0}} by @embed : {D}", "ids"))
        x = "x"
        for i in range(self.rnd.choice([1, 2])):
            x = self.layer(x, i)
        self.ops.append(hidden(self.norm(x)))
        text = model_bodies.program(self.ops, False)
        return text[:text.rindex("}")] + declarations(kind) + "}\n"


def same_bits(out, requests):
    alone = [harness.traced("quoin-run", out, [q], "--threads", "1")[1][0] for q in requests]
    for flags in (("--threads", "1"), ("--threads", "2"), ("--threads", "3", "--batch", "2")):
        together = harness.traced("quoin-run", out, requests, *flags)[1]
        for i, (a, b) in enumerate(zip(alone, together)):
            expect(a == b, f"{' '.join(flags)}: expects the bits of request {i} alone, but found others")


def check(seed, folder, kind):
    name = f"model-{seed}"
    file, out = os.path.join(folder, name + ".mlir"), os.path.join(folder, name + ".out")
    with open(file, "w") as f:
        f.write(Model(seed).text(kind))
    want = harness.traced("quoin-interpret", file, model_bodies.REQUESTS)
    # Passes that look at decoders are the other tests' affair.
    compared = 0
    for passed, after in harness.forms(file, harness.PASSES + harness.STAGE_PASSES,
                                       lambda passed: passed.endswith(("spellings", "weights", "rows", "barriers"))):
        model_bodies.compare(want, harness.traced("quoin-interpret", after, model_bodies.REQUESTS), f"after {passed}")
        compared += 1
    expect(compared >= 3, f"expects three forms to compare, but found {compared}")
    for level in ("-O0", "-O2"):
        harness.tool("quoin-compile", file, "-o", out, level)
        model_bodies.compare(want, harness.traced("quoin-run", out, model_bodies.REQUESTS, "--threads", "2"), f"compiled {level}")
    same_bits(out, model_bodies.REQUESTS)


def random_models(part, parts):
    def test():
        kind = ("F32", "BF16", "F16")[part % 3]
        with harness.scratch() as folder:
            write_weights(folder, kind)
            seeds = range(part, MODELS, parts)
            harness.each_seed(seeds, "model", lambda seed: check(seed, folder, kind))
            return f"{len(seeds)} models, experts of {kind}"
    return test


if __name__ == "__main__":
    harness.main([(f"random-{i + 1}-of-4", random_models(i, 4)) for i in range(4)])
