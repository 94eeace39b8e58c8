#!/usr/bin/env python3
"""Row programs that nobody wrote a kernel for: random formulas, and those of published models, from text to machine code.

A random program joins rows, positions and a vector by element-wise functions, reductions, broadcasts, reshapes, slices and
concatenations. Models of such programs give the same tokens and confidences interpreted, as stages, and compiled at -O0 and -O2. What a user
would add to a model as text alone (a gated GELU, a layer norm with modulation, a soft cap, a router of experts' shares) is compared with
its formula in Python. QUOIN_ROW_PROGRAMS sets how many random programs are tried (default 16).
"""
import json
import math
import os
import random
import struct
import tempfile

import harness
import model_bodies
from harness import expect
from model_bodies import D, HIDDEN, Op, add, attention, hidden, linear, norm, rotary

PROGRAMS = int(os.environ.get("QUOIN_ROW_PROGRAMS", "16"))


# ---- Random programs


def tensor(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, (*shape, element)))}>" if shape else element


class RowProgram:
    """The body of a `quoin.each_row` over a row of features, the position and a vector, line by line."""

    def __init__(self, rnd):
        self.rnd, self.lines, self.values, self.fresh = rnd, [], [("row", (HIDDEN,)), ("w", (HIDDEN,))], 0
        self.let("arith.index_cast %position : index to i32", name="place")
        self.let("arith.sitofp %place : i32 to f32", name="p")
        at = self.let("arith.mulf %p, %{c} : f32".format(c=self.constant((), 0.05)))
        # As many numbers as rows have, so that it meets them.
        self.value((HIDDEN,), f"tensor.splat %{self.value((), f'math.sin %{at} : f32')} : {tensor((HIDDEN,))}")
        for _ in range(rnd.randint(4, 14)):
            rnd.choice([self.unary, self.unary, self.binary, self.binary, self.reduce, self.reshape, self.slice, self.concat, self.choose])()

    def let(self, text, name=None):
        if name is None:
            self.fresh += 1
            name = f"v{self.fresh}"
        self.lines.append(f"%{name} = {text}")
        return name

    def value(self, shape, text):
        name = self.let(text)
        self.values.append((name, tuple(shape)))
        return name

    def constant(self, shape, number):
        text = f"arith.constant {number:.17e} : f32" if not shape else f"arith.constant dense<{number:.17e}> : {tensor(shape)}"
        return self.let(text)

    def pick(self, fits=lambda shape: True):
        """Late values are likelier, so that programs are deep."""
        good = [v for v in self.values if v[1] and fits(v[1])]
        return self.rnd.choice(good[-4:] + good[-4:] + good) if good else None

    # Functions that keep numbers small: what is large differs by its rounding alone.
    def unary(self):
        v, shape = self.pick()
        kind, type = self.rnd.choice(["tanh", "sin", "cos", "erf", "gauss", "log", "sigmoid", "root", "floor"]), tensor(shape)
        if kind in ("tanh", "sin", "cos", "erf"):
            return self.value(shape, f"math.{kind} %{v} : {type}")
        if kind == "floor":
            # Of what is far from a step; the rest would be a coin.
            zero = self.let(f"arith.mulf %{v}, %{self.constant(shape, 0.0)} : {type}")
            return self.value(shape, f"math.floor %{self.let(f'arith.addf %{zero}, %{self.constant(shape, 2.5)} : {type}')} : {type}")
        square = self.let(f"arith.mulf %{v}, %{v} : {type}")
        one = self.constant(shape, 1.0)
        if kind == "gauss":
            return self.value(shape, f"math.exp %{self.let(f'arith.negf %{square} : {type}')} : {type}")
        if kind == "sigmoid":
            power = self.let(f"math.exp %{self.let(f'arith.negf %{v} : {type}')} : {type}")
            return self.value(shape, f"arith.divf %{one}, %{self.let(f'arith.addf %{power}, %{one} : {type}')} : {type}")
        above = self.let(f"arith.addf %{square}, %{one} : {type}")
        return self.value(shape, f"math.{'log' if kind == 'log' else 'sqrt'} %{above} : {type}")

    def binary(self):
        a, shape = self.pick()
        b, _ = self.pick(lambda s: s == shape)
        kind, type = self.rnd.choice(["addf", "subf", "mulf", "maximumf", "minimumf", "mean"]), tensor(shape)
        if kind == "mean":
            kind = "mulf"
            b = self.let(f"math.tanh %{b} : {type}")
            a = self.let(f"arith.addf %{a}, %{b} : {type}")
        return self.value(shape, f"arith.{kind} %{a}, %{b} : {type}")

    def choose(self):
        a, shape = self.pick()
        b, _ = self.pick(lambda s: s == shape)
        type = tensor(shape)
        # Continuous where the two meet.
        flag = self.let(f"arith.cmpf {self.rnd.choice(['olt', 'oge'])}, %{a}, %{b} : {type}")
        return self.value(shape, f"arith.select %{flag}, %{a}, %{b} : {tensor(shape, 'i1')}, {type}")

    def reduce(self):
        """Over some dimensions; then spread to the shape again, so that others meet it."""
        v, shape = self.pick()
        dims = sorted(self.rnd.sample(range(len(shape)), self.rnd.randint(1, len(shape))))
        left = tuple(s for d, s in enumerate(shape) if d not in dims)
        kind, start = self.rnd.choice([("addf", 0.0), ("maximumf", -1e30), ("minimumf", 1e30)])
        sign = tensor(left) if left else "tensor<f32>"
        none = self.let(f"arith.constant dense<{start:.17e}> : {sign}")
        total = self.let(f"linalg.reduce {{ arith.{kind} }} ins(%{v} : {tensor(shape)}) outs(%{none} : {sign}) dimensions = {dims}")
        if kind == "addf":
            count = math.prod(shape[d] for d in dims)
            share = self.let(f"arith.constant dense<{1.0 / count:.17e}> : {sign}")
            total = self.let(f"arith.mulf %{total}, %{share} : {sign}")
        if left:
            self.values.append((total, left))
        to = self.let(f"tensor.empty() : {tensor(shape)}")
        self.value(shape, f"linalg.broadcast ins(%{total} : {sign}) outs(%{to} : {tensor(shape)}) dimensions = {dims}")

    def reshape(self):
        v, shape = self.pick()
        if len(shape) > 1:
            group = "[[" + ", ".join(map(str, range(len(shape)))) + "]]"
            return self.value((math.prod(shape),), f"tensor.collapse_shape %{v} {group} : {tensor(shape)} into {tensor((math.prod(shape),))}")
        parts = self.rnd.choice([d for d in range(1, shape[0] + 1) if shape[0] % d == 0])
        to = (parts, shape[0] // parts)
        return self.value(to, f"tensor.expand_shape %{v} [[0, 1]] output_shape [{to[0]}, {to[1]}] : {tensor(shape)} into {tensor(to)}")

    def slice(self):
        v, shape = self.pick()
        offsets, sizes, strides = [], [], []
        for s in shape:
            stride = self.rnd.choice([1, 1, 1, 2, 3])
            offset = self.rnd.randrange(s)
            offsets.append(offset)
            sizes.append(self.rnd.randint(1, (s - offset - 1) // stride + 1))
            strides.append(stride)
        return self.value(sizes, f"tensor.extract_slice %{v}{offsets} {sizes} {strides} : {tensor(shape)} to {tensor(sizes)}")

    def concat(self):
        a, shape = self.pick()
        dim = self.rnd.randrange(len(shape))
        b, other = self.pick(lambda s: len(s) == len(shape) and all(x == y for d, (x, y) in enumerate(zip(s, shape)) if d != dim))
        to = [s + o if d == dim else s for d, (s, o) in enumerate(zip(shape, other))]
        if math.prod(to) <= 4 * HIDDEN:
            self.value(to, f"tensor.concat dim({dim}) %{a}, %{b} : ({tensor(shape)}, {tensor(other)}) -> {tensor(to)}")

    def text(self, outputs):
        """Results of the hidden width: what was made last of any shape is brought to it."""
        given = []
        for _ in range(outputs):
            v, shape = self.pick()
            if len(shape) > 1:
                group = "[[" + ", ".join(map(str, range(len(shape)))) + "]]"
                v, shape = self.let(f"tensor.collapse_shape %{v} {group} : {tensor(shape)} into {tensor((math.prod(shape),))}"), (math.prod(shape),)
            while shape[0] < HIDDEN:
                twice = (2 * shape[0],)
                v, shape = self.let(f"tensor.concat dim(0) %{v}, %{v} : ({tensor(shape)}, {tensor(shape)}) -> {tensor(twice)}"), twice
            if shape[0] > HIDDEN:
                v = self.let(f"tensor.extract_slice %{v}[{self.rnd.randint(0, shape[0] - HIDDEN)}] [{HIDDEN}] [1] : {tensor(shape)} to {tensor((HIDDEN,))}")
            given.append(v)
        row = tensor((HIDDEN,))
        body = "".join(f"      {line}\n" for line in self.lines)
        return (f"by [@norm] : ({D}, tensor<?xindex>) -> ({', '.join([D] * outputs)}) {{\n    ^bb0(%row: {row}, %position: index, %w: {row}):\n{body}"
                f"      quoin.row {', '.join('%' + v for v in given)} : {', '.join([row] * outputs)}\n    }}")


def random_model(seed):
    """A layer whose formulas are random, in front of attention and behind it. The embedding, turned by its position, goes past them: rows that
    a formula made alike would leave the choice between positions to the last bit."""
    rnd = random.Random(seed)
    ops = [Op("x", D, f"quoin.embed {{0}} by @embed : {D}", "ids")]

    def each_row(name, operand, outputs=1):
        program = RowProgram(rnd).text(outputs)
        names = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        text = "quoin.each_row {0}, {1} " + program.replace("{", "{{").replace("}", "}}")
        op = Op(name, D, text, operand, "positions")
        if outputs > 1:
            op.result = ", %".join(names)
        ops.append(op)
        return names

    n, residual = each_row("n", "x", 2)
    ops.extend([norm("nn", n), linear("q", "q", "nn", D, bias=" bias @q_bias"), rotary("qr", "q", D), linear("k", "k", "nn", model_bodies.K),
                linear("v", "v", "nn", model_bodies.K), attention("a", "qr", "k", "v"), linear("o", "o", "a", D), rotary("xr", "x", D), add("r", "xr", residual), add("h", "r", "o")])
    last, = each_row("m", "h")
    ops.extend([add("y", "h", last), norm("f", "y"), hidden("f")])
    return model_bodies.program(ops, False)


def compare_as_stages(text, folder, name):
    """A step of stages is interpreted as its model is."""
    file = os.path.join(folder, name + ".mlir")
    want = harness.traced("quoin-interpret", file, model_bodies.REQUESTS)
    stages = os.path.join(folder, name + ".stages.mlir")
    harness.tool("quoin-opt", file, *harness.STAGE_PASSES, "-o", stages)
    model_bodies.compare(want, harness.traced("quoin-interpret", stages, model_bodies.REQUESTS), "as stages")


def random_programs(part, parts):
    def test():
        with harness.scratch() as folder:
            model_bodies.write_weights(os.path.join(folder, "w.safetensors"))

            def check(seed):
                model_bodies.compare_forms(random_model(seed), folder, f"model-{seed}")
                if seed % 4 == 0:
                    compare_as_stages(random_model(seed), folder, f"model-{seed}")
            seeds = range(part, PROGRAMS, parts)
            harness.each_seed(seeds, "program", check)
            return f"{len(seeds)} models"
    return test


# ---- Formulas of published models, beside Python


W = 6  # features: not a multiple of anything


def formula_model(text):
    """Rows of @x (by id) through the text, which makes %y of %x; scores are %y itself."""
    eye = f"tensor<{W}x{W}xf32>"
    weights = "".join(f'quoin.weight @{n} : {t} from "w.safetensors" tensor "{n}"\n'
                      for n, t in (("x", eye), ("eye", eye), ("a", f"tensor<{W}xf32>"), ("b", f"tensor<{W}xf32>"), ("pair", "tensor<2xf32>"), ("units", f"tensor<{W}x{W}x1xf32>")))
    return (f"{weights}quoin.model @m head @eye {{\n^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):\n"
            f"  %x = quoin.embed %ids by @x : tensor<?x{W}xf32>\n{text}  quoin.hidden %y : tensor<?x{W}xf32>\n}}\n")


def each_row(body, vectors=""):
    arguments = "".join(f", %{v}: tensor<{W}xf32>" for v in vectors)
    by = f" by [{', '.join('@' + v for v in vectors)}]" if vectors else ""
    lines = "".join(f"    {line.strip()}\n" for line in body.replace("T", f"tensor<{W}xf32>").strip().splitlines())
    return f"  %y = quoin.each_row %x{by} : (tensor<?x{W}xf32>) -> tensor<?x{W}xf32> {{\n  ^bb0(%row: tensor<{W}xf32>{arguments}):\n{lines}  }}\n"


def mean(name, of):
    """Lines that make %name the mean of %of, at every feature."""
    return f"""%{name}0 = arith.constant dense<0.0> : tensor<f32>
    %{name}1 = linalg.reduce {{ arith.addf }} ins(%{of} : T) outs(%{name}0 : tensor<f32>) dimensions = [0]
    %{name}2 = tensor.empty() : T
    %{name}3 = linalg.broadcast ins(%{name}1 : tensor<f32>) outs(%{name}2 : T) dimensions = [0]
    %{name}4 = arith.constant dense<{W}.0> : T
    %{name} = arith.divf %{name}3, %{name}4 : T"""


LAYER_NORM = f"""{mean("mean", "row")}
    %d = arith.subf %row, %mean : T
    %square = arith.mulf %d, %d : T
    {mean("variance", "square")}
    %epsilon = arith.constant dense<1.0e-5> : T
    %above = arith.addf %variance, %epsilon : T
    %root = math.rsqrt %above : T
    %even = arith.mulf %d, %root : T
    %one = arith.constant dense<1.0> : T
    %more = arith.addf %a, %one : T
    %scaled = arith.mulf %even, %more : T
    %y = arith.addf %scaled, %b : T
    quoin.row %y : T"""

GELU = """%c = arith.constant dense<0.044715> : T
    %r = arith.constant dense<0.7978845608> : T
    %one = arith.constant dense<1.0> : T
    %half = arith.constant dense<0.5> : T
    %x2 = arith.mulf %row, %row : T
    %x3 = arith.mulf %x2, %row : T
    %cx = arith.mulf %c, %x3 : T
    %in = arith.addf %row, %cx : T
    %arg = arith.mulf %in, %r : T
    %t = math.tanh %arg : T
    %t1 = arith.addf %t, %one : T
    %hx = arith.mulf %row, %half : T
    %g = arith.mulf %t1, %hx : T
    %y = arith.mulf %g, %a : T
    quoin.row %y : T"""

SOFT_CAP = """%cap = arith.constant dense<1.5> : T
    %in = arith.divf %row, %cap : T
    %t = math.tanh %in : T
    %y = arith.mulf %t, %cap : T
    quoin.row %y : T"""

ERF_GELU = """%r = arith.constant dense<0.70710678118654752> : T
    %one = arith.constant dense<1.0> : T
    %half = arith.constant dense<0.5> : T
    %in = arith.mulf %row, %r : T
    %e = math.erf %in : T
    %e1 = arith.addf %e, %one : T
    %hx = arith.mulf %row, %half : T
    %y = arith.mulf %e1, %hx : T
    quoin.row %y : T"""


def layer_norm(x, a, b):
    m = sum(x) / W
    v = sum((f - m) ** 2 for f in x) / W
    return [(f - m) / math.sqrt(v + 1e-5) * (1 + s) + t for f, s, t in zip(x, a, b)]


def gelu(x, tanh):
    return 0.5 * x * (1 + (math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)) if tanh else math.erf(x / math.sqrt(2))))


def norm_of(x, epsilon=1e-5):
    m = sum(x) / len(x)
    deviation = math.sqrt(sum((f - m) ** 2 for f in x) / len(x) + epsilon)
    return [(f - m) / deviation for f in x]


def route(x, top, by=lambda s: s, normalise=False, scale=1.0, scores=None, eligible=range(W)):
    """Rows of the shares at their experts' places."""
    s = scores(x)
    chosen = sorted(eligible, key=lambda e: (-by(s)[e], e))[:top]
    total = sum(s[e] for e in chosen) + 1e-20 if normalise else 1.0
    return [s[e] / total * scale if e in chosen else 0.0 for e in range(W)]


def softmax(x):
    power = [math.exp(f - max(x)) for f in x]
    return [f / sum(power) for f in power]


def sigmoid(x):
    return [1 / (1 + math.exp(-f)) for f in x]


def best_groups(x, a):
    """Experts of the two best of three groups of two, by the sums of both."""
    by = [f + c for f, c in zip(sigmoid(x), a)]
    order = sorted(range(3), key=lambda g: (-by[2 * g] - by[2 * g + 1], g))[:2]
    return [e for e in range(W) if e // 2 in order]


def spelled(text):
    return f"  %y = quoin.{text} : tensor<?x{W}xf32>\n"


def routed(text, top):
    """The shares at the places of their experts: each expert's matrix is a column of the identity, so that its row is the share."""
    c, s, e = f"tensor<?x{top}xi32>", f"tensor<?x{top}xf32>", f"tensor<?x{top}x{W}xf32>"
    ones = f"""  %ones = quoin.each_row %x : (tensor<?x{W}xf32>) -> tensor<?x1xf32> {{
  ^bb0(%row: tensor<{W}xf32>):
    %one = arith.constant dense<1.0> : tensor<1xf32>
    quoin.row %one : tensor<1xf32>
  }}
"""
    return (ones + f"  %c, %s = quoin.route %x {text} : tensor<?x{W}xf32> -> {c}, {s}\n"
            f"  %e = quoin.expert_linear %ones to %c by @units : tensor<?x1xf32>, {c} -> {e}\n  %y = quoin.mix %e, %s : {e}, {s} -> tensor<?x{W}xf32>\n")


SPELLED = {
    "silu": (spelled("silu %x"), lambda x, a, b: [f / (1 + math.exp(-f)) for f in x]),
    "relu2": (spelled("relu2 %x"), lambda x, a, b: [max(f, 0) ** 2 for f in x]),
    "gelu-exact": (spelled("gelu %x exact"), lambda x, a, b: [gelu(f, False) for f in x]),
    "gelu-tanh-spelled": (spelled("gelu %x tanh"), lambda x, a, b: [gelu(f, True) for f in x]),
    "geglu-exact": (spelled("geglu %x, %x exact"), lambda x, a, b: [gelu(f, False) * f for f in x]),
    "geglu-tanh": (spelled("geglu %x, %x tanh"), lambda x, a, b: [gelu(f, True) * f for f in x]),
    "modulate": (spelled("modulate %x, %x, %x"), lambda x, a, b: [f * (1 + f) + f for f in x]),
    "layer-norm": (spelled("layer_norm %x epsilon 1.0e-5"), lambda x, a, b: norm_of(x)),
    "layer-norm-by": (spelled("layer_norm %x by @a bias @b epsilon 1.0e-5"), lambda x, a, b: [f * s + t for f, s, t in zip(norm_of(x), a, b)]),
    "layer-norm-groups": (spelled("layer_norm %x by @pair epsilon 1.0e-5"),
                          lambda x, a, b: [f * s for g in range(0, W, 2) for f, s in zip(norm_of(x[g:g + 2]), a)]),
    "spread": ("  %s = quoin.spread @a over %x : tensor<?x6xf32> -> tensor<?x6xf32>\n  %p = quoin.spread @b over %positions : tensor<?xindex> -> tensor<?x6xf32>\n"
               "  %g = quoin.swiglu %p, %s : tensor<?x6xf32>\n  %y = arith.addf %x, %g : tensor<?x6xf32>\n",
               lambda x, a, b: [f + t / (1 + math.exp(-t)) * s for f, s, t in zip(x, a, b)]),
    "unit-norm": (spelled("unit_norm %x head_dim 3 times @pair"), lambda x, a, b: [f / math.hypot(*x[g:g + 3]) * a[g // 3] for g in (0, 3) for f in x[g:g + 3]]),
    "route-softmax": (routed("scores softmax top 2 normalise true", 2), lambda x, a, b: route(x, 2, normalise=True, scores=softmax)),
    "route-all": (routed("scores softmax top 6 normalise false", 6), lambda x, a, b: softmax(x)),
    "route-given": (routed("scores given top 3 normalise false scale -2.0", 3), lambda x, a, b: route(x, 3, scale=-2.0, scores=list)),
    "route-corrected": (routed("scores sigmoid correction @a top 2 normalise true scale 2.5", 2),
                        lambda x, a, b: route(x, 2, lambda s: [f + c for f, c in zip(s, a)], True, 2.5, sigmoid)),
    "route-groups": (routed("scores sigmoid correction @a groups 3 best 2 top 2 normalise true", 2),
                     lambda x, a, b: route(x, 2, lambda s: [f + c for f, c in zip(s, a)], True, 1.0, sigmoid, best_groups(x, a))),
}

FORMULAS = {
    **SPELLED,
    "gelu-tanh": (each_row(GELU, "a"), lambda x, a, b: [0.5 * f * (1 + math.tanh(0.7978845608 * (f + 0.044715 * f ** 3))) * g for f, g in zip(x, a)]),
    "gelu-erf": (each_row(ERF_GELU), lambda x, a, b: [0.5 * f * (1 + math.erf(f * 0.70710678118654752)) for f in x]),
    "soft-cap": (each_row(SOFT_CAP), lambda x, a, b: [1.5 * math.tanh(f / 1.5) for f in x]),
    "layer-norm-modulated": (each_row(LAYER_NORM, "ab"), layer_norm),
}


def logits(file, folder):
    rows = os.path.join(folder, "rows")
    harness.tool("quoin-interpret", file, "--logits", rows, "--ids", ",".join(map(str, range(W))))
    raw = open(rows, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    entry = next(e for e in json.loads(raw[8:8 + size]).values() if e.get("shape") == [W, W])
    start, end = (8 + size + offset for offset in entry["data_offsets"])
    return struct.unpack(f"<{W * W}{'d' if entry['dtype'] == 'F64' else 'f'}", raw[start:end])


def formula(name):
    """As it is written; a spelling also as what it expands to, and as stages."""
    def test():
        text, want = FORMULAS[name]
        rnd = random.Random(name)
        draw = lambda n: [struct.unpack("<f", struct.pack("<f", rnd.gauss(0, 1.5)))[0] for _ in range(n)]
        x, a, b = draw(W * W), draw(W), draw(W)
        eye = [float(i == j) for i in range(W) for j in range(W)]
        worst = 0.0
        with tempfile.TemporaryDirectory() as folder:
            model_bodies.save(os.path.join(folder, "w.safetensors"),
                              [(n, "F32", s, model_bodies.pack(v, "F32")) for n, s, v in
                               (("x", [W, W], x), ("eye", [W, W], eye), ("a", [W], a), ("b", [W], b), ("pair", [2], a[:2]), ("units", [W, W, 1], eye))])
            files = [os.path.join(folder, "m.mlir")]
            open(files[0], "w").write(formula_model(text))
            for passes in (["--quoin-expand-spellings"], ["--quoin-pipeline=from=scheduled"]) if name in SPELLED else ():
                files.append(os.path.join(folder, f"m{len(files)}.mlir"))
                harness.tool("quoin-opt", files[0], *passes, "-o", files[-1])
            for file in files:
                found = logits(file, folder)
                for r in range(W):
                    for f, w in zip(found[r * W:(r + 1) * W], want(x[r * W:(r + 1) * W], a, b)):
                        worst = max(worst, abs(f - w))
        expect(worst <= 1e-6, f"expects the formula's numbers, but found {worst:.2g} from them")
        return f"within {worst:.1g}"
    return test


if __name__ == "__main__":
    parts = 4
    harness.main([(f"random-{i + 1}-of-{parts}", random_programs(i, parts)) for i in range(parts)] + [(n, formula(n)) for n in FORMULAS])
