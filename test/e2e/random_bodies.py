#!/usr/bin/env python3
"""Random bodies: models of random formulas, norms, activations, experts, recurrences, scores and masks, with random decoders, in every form.

A layer takes its norms, gates and activations from the spellings, from row programs that nobody wrote a kernel for, and from formulas on elements that
end products; attention takes a random formula on its scores, is under a random mask and may be in parts; a decoder of blocks or of single tokens runs it. Interpreted as written,
after each pass, as stages after each pass, and compiled at -O0 and -O2, all give the same tokens and confidences, and a request alone the bits that it
has among others. QUOIN_RANDOM_BODIES sets how many models are tried; without it as many as QUOIN_RANDOM_BODIES_SECONDS (default 15) allow.
"""
import os
import random
import shutil
import struct
import time

import experts
import harness
import checkpoint
import model_bodies
import modules
from model_bodies import D, HIDDEN, K, KEYS, M, INNER, Op, add, attention, hidden, linear, rotary
from row_programs import RowProgram

MODELS = int(os.environ.get("QUOIN_RANDOM_BODIES", "0"))
SECONDS = float(os.environ.get("QUOIN_RANDOM_BODIES_SECONDS", "15"))
PARTS = 2
WIDTHS = {D: HIDDEN, K: KEYS, M: INNER}


# ---- Formulas on elements


class Formula:
    """Lines on numbers, or on tensors element by element, that keep what they make small."""

    def __init__(self, rnd, type, names):
        self.rnd, self.type, self.values, self.lines, self.fresh = rnd, type, list(names), [], 0

    def let(self, text):
        self.fresh += 1
        name = f"f{self.fresh}"
        self.lines.append(f"%{name} = {text}")
        return name

    def constant(self, number):
        return self.let(f"arith.constant {number:.9e} : f32" if self.type == "f32" else f"arith.constant dense<{number:.9e}> : {self.type}")

    def of(self, op, *operands):
        return self.let(f"{op} {', '.join('%' + o for o in operands)} : {self.type}")

    def sigmoid(self, x):
        one = self.constant(1.0)
        return self.of("arith.divf", one, self.of("arith.addf", one, self.of("math.exp", self.of("arith.negf", x))))

    def unary(self, x):
        kind = self.rnd.choice(["tanh", "erf", "sin", "cos", "sigmoid", "gauss", "root", "softplus", "abs", "relu", "silu"])
        if kind in ("tanh", "erf", "sin", "cos"):
            return self.of(f"math.{kind}", x)
        if kind == "abs":
            return self.of("math.absf", x)
        if kind == "relu":
            return self.of("arith.maximumf", x, self.constant(0.0))
        if kind == "sigmoid":
            return self.sigmoid(x)
        if kind == "silu":
            return self.of("arith.mulf", x, self.sigmoid(x))
        square = self.of("arith.mulf", x, x)
        if kind == "gauss":
            return self.of("math.exp", self.of("arith.negf", square))
        above = self.of("arith.addf", square, self.constant(1.0))
        return self.of("math.log" if kind == "softplus" else "math.sqrt", above)

    def binary(self, x, y):
        kind = self.rnd.choice(["arith.addf", "arith.subf", "arith.mulf", "arith.maximumf", "arith.minimumf", "modulate", "fma", "select"])
        if kind == "modulate":
            return self.of("arith.addf", x, self.of("arith.mulf", x, self.of("math.tanh", y)))
        if kind == "fma":
            return self.of("math.fma", x, self.of("math.tanh", y), y)
        if kind == "select":
            flag = self.let(f"arith.cmpf olt, %{x}, %{y} : {self.type}")
            flags = "i1" if self.type == "f32" else self.type.replace("xf32", "xi1")
            return self.let(f"arith.select %{flag}, %{x}, %{y} : {flags}, {self.type}" if flags != "i1" else f"arith.select %{flag}, %{x}, %{y} : f32")
        return self.of(kind, x, y)

    def grow(self, steps):
        """All of the names take part; then what there is, some more times."""
        left = self.values[0]
        for other in self.values[1:]:
            left = self.binary(self.unary(left) if self.rnd.random() < 0.7 else left, other)
        self.values.append(left)
        for _ in range(steps):
            x, y = self.rnd.choice(self.values[-3:]), self.rnd.choice(self.values)
            self.values.append(self.unary(x) if self.rnd.random() < 0.5 else self.binary(x, y))
        # A product of products would grow from layer to layer.
        return self.of("arith.mulf", self.of("math.tanh", self.of("arith.mulf", self.values[-1], self.constant(0.5))), self.constant(2.0))


def score(rnd):
    """A region on scores: a soft cap, slopes by distance, a bias by positions, or anything small."""
    f = Formula(rnd, "f32", ["s"])
    kind = rnd.choice(["cap", "slope", "bias", "any"])
    if kind == "cap":
        cap = f.constant(rnd.choice([2.0, 5.0]))
        made = f.of("arith.mulf", f.of("math.tanh", f.of("arith.divf", "s", cap)), cap)
    else:
        far = f.let(f"arith.sitofp %{f.let('arith.subi %from, %to : i32')} : i32 to f32")
        number = f.let("arith.sitofp %head : i32 to f32")
        slope = f.of("math.exp2", f.of("arith.negf", f.of("arith.addf", number, f.constant(1.0))))
        if kind == "slope":
            made = f.of("arith.subf", "s", f.of("arith.mulf", slope, f.of("math.absf", far)))
        elif kind == "bias":
            place = f.let("arith.sitofp %to : i32 to f32")
            made = f.of("arith.addf", "s", f.of("math.sin", f.of("arith.mulf", place, slope)))
        else:
            f.values += [f.of("arith.mulf", far, f.constant(0.1)), slope]
            made = f.of("arith.addf", "s", f.grow(rnd.randint(1, 5)))
    body = "".join(f"      {line}\n" for line in f.lines)
    return f" score {{\n    ^bb0(%s: f32, %head: i32, %from: i32, %to: i32):\n{body}      quoin.number %{made}\n    }}"


# ---- Models


class Body(experts.Model):
    """A model whose parts are spelled, written as row programs, or formulas on elements."""

    def escape(self, text):
        return text.replace("{", "{{").replace("}", "}}")

    def elements(self, type, *operands):
        """A formula on elements; of products it is their end."""
        row = type.replace("?x", "")
        f = Formula(self.rnd, row, [f"in{i}" for i in range(len(operands))])
        made = f.grow(self.rnd.randint(0, 6))
        body = "".join(f"      {line}\n" for line in f.lines)
        arguments = ", ".join(f"%in{i}: {row}" for i in range(len(operands)))
        text = ("quoin.each_row " + ", ".join(f"{{{i}}}" for i in range(len(operands))) + f" : ({', '.join([type] * len(operands))}) -> {type} " +
                self.escape(f"{{\n    ^bb0({arguments}):\n{body}      quoin.row %{made} : {row}\n    }}"))
        return self.op(type, text, *operands)

    def program(self, x):
        """A row program that reduces, slices and reshapes as it likes. It is added to what it is made of: the norm of a row of equal numbers is their rounding,
        magnified."""
        made = self.op(D, "quoin.each_row {0}, {1} " + self.escape(RowProgram(self.rnd).text(1)), x, "positions")
        return super().norm(self.op(D, f"arith.addf {{0}}, {{1}} : {D}", x, made))

    def norm(self, x):
        return self.program(x) if self.rnd.random() < 0.3 else super().norm(x)

    def activation(self, x, type):
        return self.elements(type, x) if self.rnd.random() < 0.5 else super().activation(x, type)

    def gated(self, gate, up, type):
        return self.elements(type, gate, up) if self.rnd.random() < 0.6 else super().gated(gate, up, type)

    def plus(self, x, y):
        kind = self.rnd.random()
        if kind < 0.5:
            return self.op(D, f"arith.addf {{0}}, {{1}} : {D}", x, y)
        if kind < 0.75:
            return self.op(D, f"arith.addf {{0}}, {{1}} : {D}", x, self.elements(D, y))
        return self.op(D, f"arith.addf {{0}}, {{1}} : {D}", x, self.elements(D, y, x))

    def recurrence(self, x):
        """States that fade as formulas of the row say, along the slots or along what rows see under the mask, whatever it is."""
        rnd = self.rnd
        heads = rnd.choice([h for h in (1, 2, 3, 4, 6) if HIDDEN % h == 0])
        row = f"tensor<{HIDDEN // heads}xf32>"
        gate, into = Formula(rnd, row, ["in0"]), Formula(rnd, row, ["in0"])
        gate.fresh, into.fresh = 100, 200
        fade, new = gate.sigmoid(gate.grow(rnd.randint(0, 2))), into.grow(rnd.randint(0, 3))
        out = Formula(rnd, row, ["new", "in0"])
        out.fresh = 300
        made = out.grow(rnd.randint(0, 3))
        lines = gate.lines + [f"%old = arith.mulf %state, %{fade} : {row}"] + into.lines + [f"%new = arith.addf %old, %{new} : {row}"] + out.lines
        body = "".join(f"      {line}\n" for line in lines)
        text = f"quoin.scan {{0}}{rnd.choice([' seen', ''])} heads {heads} : ({D}) -> {D} " + self.escape(
            f"{{\n    ^bb0(%state: {row}, %in0: {row}):\n{body}      quoin.row %new, %{made} : {row}, {row}\n    }}")
        return self.op(D, text, x)

    def layer(self, x, i):
        rnd, name = self.rnd, lambda s: f"{s}_{i}"
        n = self.norm(x)
        if rnd.random() < 0.4:
            n = self.recurrence(n)
        self.ops += [linear(name("q"), "q", n, D, bias=rnd.choice(["", " bias @q_bias"])), linear(name("k"), "k", n, K), linear(name("v"), "v", n, K)]
        q, k = name("q"), name("k")
        if rnd.random() < 0.6:
            q, k = self.heads(q, D, "six"), self.heads(k, K, "three")
        # One of the two says where a row stands.
        self.ops += [rotary(name("qr"), q, D), rotary(name("kr"), k, K)]
        if rnd.random() < 0.4:
            k = self.elements(K, name("kr"))
        else:
            k = name("kr")
        bend = self.escape(score(rnd)) if rnd.random() < 0.6 else ""
        if rnd.random() < 0.7:
            parts = [attention(name("a"), name("qr"), k, name("v"))]
        else:
            # Over keys of their own, of which a row may see none of one part.
            sums = "tensor<?x6xf32>"
            parts = [attention(f"{name(p)}, %{name(p)}_sum", name("qr"), k, name("v"), within=f" within #quoin.mask<(q, k) : {formula}>")
                     for p, formula in (("one", "k mod 3 eq 1"), ("two", "k mod 3 ne 1"))]
            bend = f" lse {sums}{bend}"
        for part in parts:
            part.text += bend
        if len(parts) > 1:
            parts.append(Op(f"{name('a')}, %{name('a')}_sum", D, f"quoin.merge_attention {{0}}, {{1}} with {{2}}, {{3}} : {D}, {sums}",
                            name("one"), name("one") + "_sum", name("two"), name("two") + "_sum"))
        self.ops += [*parts, linear(name("o"), "o", name("a"), D)]
        h = self.plus(x, name("o"))
        m = self.norm(h)
        kind = rnd.random()
        if kind < 0.4:
            y = self.experts(m)
        elif kind < 0.8:
            y = self.dense(m)
        else:
            y = self.op(D, f"quoin.linear {{0}} by @down : {M} -> {D}", self.activation(self.op(M, f"quoin.linear {{0}} by @up : {D} -> {M}", m), M))
        return self.plus(h, y)

    def text(self, kind):
        self.ops.append(Op("x", D, f"quoin.embed {{0}} by @embed : {D}", "ids"))
        x = "x"
        for i in range(self.rnd.choice([1, 2])):
            x = self.layer(x, i)
        # The embedding, turned by its position, goes past formulas: rows that one made alike would leave the choice of a position to the last bit.
        self.ops += [rotary("xr", "x", D), add("last", "xr", x)]
        self.ops.append(hidden(experts.Model.norm(self, "last")))
        text = model_bodies.program(self.ops, False)
        body = text[text.index("  quoin.model @m"):text.rindex("}")] + experts.declarations(kind) + "}\n"
        return decoder(self.rnd) + body


# ---- Masks and decoders


def mask(rnd, block):
    """Each row sees itself, so that none is blind."""
    kind = rnd.choice(["block", "block", "causal", "window", "random", "random"])
    if kind == "block":
        return f"block_causal<{block}>", True
    if kind == "causal":
        return "causal", True
    if kind == "window":
        return f"(q, k) : k floordiv {block} le q floordiv {block} and q - k lt {rnd.choice([5, 9])} or k lt 2 and k le q", False
    return f"(q, k) : k eq q or {condition(rnd, rnd.choice([1, 2, 3]))}", False


def condition(rnd, depth):
    """Of positions, slots and open bits."""
    if depth == 0:
        return f"{term(rnd)} {rnd.choice(['lt', 'le', 'gt', 'ge', 'eq', 'ne'])} {term(rnd)}"
    return rnd.choice([f"({condition(rnd, depth - 1)} and {condition(rnd, depth - 1)})", f"({condition(rnd, depth - 1)} or {condition(rnd, depth - 1)})",
                       f"not ({condition(rnd, depth - 1)})"])


def term(rnd):
    a = rnd.choice(["q", "k", "q", "k", "slot(q)", "slot(k)", "open(k)", "open(q)", str(rnd.randrange(20))])
    return rnd.choice([a, a, f"({a} + {rnd.randrange(1, 9)})", f"({a} floordiv {rnd.choice([2, 3, 4])})", f"({a} mod {rnd.choice([2, 5])})"])


def decoder(rnd):
    block = rnd.choice([2, 3, 4, 5])
    form, commits = mask(rnd, block)
    head = f"""
#seen = #quoin.mask<{form}>
module attributes {{quoin.fill = 40 : i32, quoin.vocabulary = 41 : index, quoin.capacity = 48 : index, quoin.source = "."}} {{
"""
    if rnd.random() < 0.25:
        return head + AUTOREGRESSIVE
    measure = rnd.choice(["confidence", "confidence", "margin", "entropy"])
    step = f"""
        %l = quoin.forward @m of %y[to %hi] read %rows mask #seen
        %token, %confidence = quoin.score %l [token, {measure}] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %some
        %z = quoin.fill %y at %rows with %token where %best"""
    before = f"    %some = arith.constant {rnd.choice([1, 2, 3])} : index"
    return head + modules.blockwise("d", step, block=block, before=before, commit="#seen" if commits and rnd.random() < 0.7 else None, model="m")


AUTOREGRESSIVE = """
  quoin.decoder @d(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %P = quoin.length %prompt
    %end = arith.addi %P, %max : index
    %xe = scf.for %n = %P to %end step %c1 iter_args(%x = %prompt) -> (!quoin.sequence) {
      %last = arith.subi %n, %c1 : index
      %n1 = arith.addi %n, %c1 : index
      %row = quoin.span %last to %n
      %l = quoin.forward @m of %x[to %n] read %row mask #seen
      %token = quoin.score %l [token] : tensor<?xi32>
      %y = quoin.append %x, %token
      %z = quoin.commit %y to %n1
      scf.yield %z : !quoin.sequence
    }
    quoin.return %xe[%P to %end]
  }
"""

REQUESTS = model_bodies.REQUESTS[:2]


def last_bits(file, folder, want):
    """How much the interpreter's confidences change if each number of f32 in the weights changes by a unit of its last place."""
    rnd = random.Random(5)
    with harness.scratch() as near:
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.endswith(".safetensors"):
                entries = []
                for tensor, dtype, shape, data in checkpoint.load(path):
                    if dtype == "F32":
                        numbers = struct.unpack(f"<{len(data) // 4}f", data)
                        data = struct.pack(f"<{len(numbers)}f", *(x * (1 + rnd.choice([-1, 1]) * 2.0 ** -23) for x in numbers))
                    entries.append((tensor, dtype, shape, data))
                checkpoint.save(os.path.join(near, name), entries)
            elif name.endswith(".json"):
                shutil.copy(path, near)
        moved = shutil.copy(file, near)
        return model_bodies.compare(want, harness.traced("quoin-interpret", moved, REQUESTS), "with other last bits", float("inf"))


def check(seed, folder, kind):
    name = f"body-{seed}"
    file, out = (os.path.join(folder, name + end) for end in (".mlir", ".out"))
    with open(file, "w") as f:
        f.write(Body(seed).text(kind))
    want = harness.traced("quoin-interpret", file, REQUESTS)
    passes = harness.PASSES[:-2] + ["--quoin-expand-spellings"] + harness.PASSES[-2:] + harness.STAGE_PASSES
    for passed, after in harness.forms(file, passes):
        model_bodies.compare(want, harness.traced("quoin-interpret", after, REQUESTS), f"after {passed}")
    for level in ("-O0", "-O2"):
        harness.tool("quoin-compile", file, "-o", out, level)
        got = harness.traced("quoin-run", out, REQUESTS, "--threads", "2")
        try:
            model_bodies.compare(want, got, f"compiled {level}")
        except harness.Failure:
            # A formula that magnifies roundings may: by no more than a few times what the weights' own last bits change.
            model_bodies.compare(want, got, f"compiled {level}", 4 * last_bits(file, folder, want))
    experts.same_bits(out, REQUESTS)


def random_bodies(part):
    def test():
        kind = ("F32", "BF16")[part % 2]
        end, done = time.monotonic() + SECONDS, 0
        with harness.scratch() as folder:
            experts.write_weights(folder, kind)

            def one(seed):
                nonlocal done
                if MODELS or done < 2 or time.monotonic() < end:
                    check(seed, folder, kind)
                    done += 1
            harness.each_seed(range(part, MODELS or 500, PARTS), "body", one)
        return f"{done} models, experts of {kind}"
    return test


if __name__ == "__main__":
    harness.main([(f"bodies-{i + 1}-of-{PARTS}", random_bodies(i)) for i in range(PARTS)])
