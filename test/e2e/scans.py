#!/usr/bin/env python3
"""Recurrences: linear attention with a decay (Yang et al., 2023) on rows of tensors, compared with float64 computed here, and in a model of tokens
with attention beside it, decoded by the interpreter, as stages and by compiled programs."""
import os
import random
import struct

import harness
import modules
import tensors
from checkpoint import Shape, pack, save, write
from harness import expect


def linear(heads, keys, values, q="q", k="k", v="v", a="a", flat=True, seen=False):
    """S' = diag(a) S + k v^T, y = S'^T q; rows of one size, heads outermost, or of two, heads innermost."""
    def rows(width):
        return f"tensor<?x{heads * width}xf32>" if flat else f"tensor<?x{width}x{heads}xf32>"
    K, V, S = f"tensor<{keys}xf32>", f"tensor<{values}xf32>", f"tensor<{keys}x{values}xf32>"
    along = "" if flat else " along [1, 1, 1, 1, 1]"
    return f"""    %y = quoin.scan %{q}, %{k}, %{v}, %{a}{" seen" if seen else ""} heads {heads}{along} : ({rows(keys)}, {rows(keys)}, {rows(values)}, {rows(keys)}) -> {rows(values)} {{
    ^bb0(%s: {S}, %qr: {K}, %kr: {K}, %vr: {V}, %ar: {K}):
      %to = tensor.empty() : {S}
      %as = linalg.broadcast ins(%ar : {K}) outs(%to : {S}) dimensions = [1]
      %ks = linalg.broadcast ins(%kr : {K}) outs(%to : {S}) dimensions = [1]
      %vs = linalg.broadcast ins(%vr : {V}) outs(%to : {S}) dimensions = [0]
      %qs = linalg.broadcast ins(%qr : {K}) outs(%to : {S}) dimensions = [1]
      %old = arith.mulf %as, %s : {S}
      %new = arith.mulf %ks, %vs : {S}
      %s1 = arith.addf %old, %new : {S}
      %p = arith.mulf %s1, %qs : {S}
      %none = arith.constant dense<0.0> : {V}
      %y = linalg.reduce {{ arith.addf }} ins(%p : {S}) outs(%none : {V}) dimensions = [0]
      quoin.row %s1, %y : {S}, {V}
    }}
"""


def split(name, width, heads):
    """A row program that cuts a row so that heads are innermost."""
    row, cut = f"tensor<{width * heads}xf32>", f"tensor<{width}x{heads}xf32>"
    return f"""    %{name} = quoin.each_row %{name}_flat : (tensor<?x{width * heads}xf32>) -> tensor<?x{width}x{heads}xf32> {{
    ^bb0(%row: {row}):
      %cut = tensor.expand_shape %row [[0, 1]] output_shape [{width}, {heads}] : {row} into {cut}
      quoin.row %cut : {cut}
    }}
"""


def single(x):
    return struct.unpack("f", struct.pack("f", x))[0]


class Rows:
    """A program that applies a recurrence to what a request gives."""

    def __init__(self, folder, seed):
        rnd = self.rnd = random.Random(seed)
        self.heads, self.keys, self.values, self.flat = rnd.choice((1, 2, 3, 5)), rnd.choice((1, 4, 16, 19)), rnd.choice((2, 7, 16, 40)), rnd.random() < 0.5
        H, K, V = self.heads, self.keys, self.values
        widths = dict(q=K, k=K, v=V, a=K)
        model = write(os.path.join(folder, "hf"), Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=264, block=4, seed=seed))
        self.file = os.path.join(folder, "m.mlir")
        harness.tool("quoin-import", model, "-o", self.file, "--decoder", "sdar-dynamic")
        inputs = "".join(f"  quoin.input @{n} : tensor<?x{H * w}xf32>\n" for n, w in widths.items())
        values = "".join(f"    %{n} = quoin.input_value @{n} : tensor<?x{H * w}xf32>\n" for n, w in widths.items())
        types = ", ".join(f"tensor<?x{H * w}xf32>" for w in widths.values())
        decoder = f"""{inputs}
  quoin.decoder @scans(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
{values}    %y = quoin.apply @linear(%q, %k, %v, %a) : {types} -> tensor<?x{H * V}xf32>
    quoin.output @y %y : tensor<?x{H * V}xf32>
    quoin.return %prompt[%c0 to %c0]
  }}
"""
        names = ", ".join(f"%{n}{'' if self.flat else '_flat'}: tensor<?x{H * w}xf32>" for n, w in widths.items())
        body = linear(H, K, V, flat=self.flat)
        if not self.flat:
            body = "".join(split(n, w, H) for n, w in widths.items()) + body + f"""    %out = quoin.each_row %y : (tensor<?x{V}x{H}xf32>) -> tensor<?x{H * V}xf32> {{
    ^bb0(%row: tensor<{V}x{H}xf32>):
      %flat = tensor.collapse_shape %row [[0, 1]] : tensor<{V}x{H}xf32> into tensor<{H * V}xf32>
      quoin.row %flat : tensor<{H * V}xf32>
    }}
"""
        model = f"  quoin.model @linear {{\n  ^bb0({names}):\n{body}    quoin.results %{'y' if self.flat else 'out'} : tensor<?x{H * V}xf32>\n  }}\n"
        text = modules.with_decoders(open(self.file).read(), decoder).rstrip()[:-1] + model + "}\n"
        open(self.file, "w").write(text)

    def draw(self, count):
        low = dict(q=-1, k=-1, v=-1, a=0)
        return {n: [[single(self.rnd.uniform(low[n], 1)) for _ in range(self.heads * (self.values if n == "v" else self.keys))] for _ in range(count)] for n in low}

    def expected(self, given):
        H, K, V = self.heads, self.keys, self.values
        at = (lambda h, i, w: h * w + i) if self.flat else (lambda h, i, w: i * H + h)
        states = [[[0.0] * V for _ in range(K)] for _ in range(H)]
        out = []
        for q, k, v, a in zip(given["q"], given["k"], given["v"], given["a"]):
            y = [0.0] * (H * V)
            for h in range(H):
                for i in range(K):
                    for j in range(V):
                        states[h][i][j] = a[at(h, i, K)] * states[h][i][j] + k[at(h, i, K)] * v[at(h, j, V)]
                        y[at(h, j, V)] += states[h][i][j] * q[at(h, i, K)]
            out.append(y)
        return out

    def run(self, folder, tool, target, given, *flags):
        inside, outside = os.path.join(folder, "in.safetensors"), os.path.join(folder, "o.safetensors")
        named = {n: ("F32", [len(m), self.heads * (self.values if n == "v" else self.keys)], [x for r in m for x in r]) for n, m in given.items()}
        tensors.save(inside, {"prompt": ("I32", [1], [4])} | named)
        harness.tool(tool, target, "--inputs", inside, "--outputs", outside, *flags)
        return tensors.load(outside)["y"]


def of_rows(seed):
    with harness.scratch() as folder:
        program = Rows(folder, seed)
        stages, out = os.path.join(folder, "stages.mlir"), os.path.join(folder, "out")
        harness.tool("quoin-compile", program.file, "-o", stages, "--compile-to=stages", "--weights", "f32")
        harness.tool("quoin-compile", program.file, "-o", out, "--weights", "f32")
        for count in (1, 9, 70):
            given = program.draw(count)
            wanted = [x for row in program.expected(given) for x in row]
            reference = program.run(folder, "quoin-interpret", program.file, given)
            expect(program.run(folder, "quoin-interpret", stages, given) == reference, "expects the stages to give the same numbers")
            compiled = program.run(folder, "quoin-run", out, given, "--threads", "2")
            for name, got, tolerance in (("interpreter", reference, 1e-6), ("compiled", compiled, 2e-5)):
                worst = max(abs(x - y) for x, y in zip(wanted, got[2]))
                expect(got[1] == [count, program.heads * program.values] and worst < tolerance * (1 + max(map(abs, wanted))), f"{name}: off by {worst:.1e}, shape {got[1]}")
            expect(program.run(folder, "quoin-run", out, given, "--threads", "1") == compiled, "expects the bits of one thread to be those of two")
            # A sequence's rows do not know how many come behind them.
            half = {n: m[:(count + 1) // 2] for n, m in given.items()}
            expect(program.run(folder, "quoin-run", out, half)[2] == compiled[2][:(count + 1) // 2 * program.heads * program.values], "expects the bits of a shorter call")


VOCABULARY, HIDDEN, HEADS = 41, 24, 3
D = f"tensor<?x{HIDDEN}xf32>"
HEAD = """
#block = #quoin.mask<block_causal<4>>
module attributes {quoin.fill = 40 : i32, quoin.vocabulary = 41 : index, quoin.capacity = 160 : index, quoin.source = "."} {
"""
STEP = """
        %l = quoin.forward @m of %y[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %two
        %z = quoin.fill %y at %rows with %token where %best"""


# One token a call, and three behind it that are guessed and only looked at: what they leave must not stay.
GUESSES = """
  quoin.decoder @guesses(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %P = quoin.length %prompt
    %end = arith.addi %P, %max : index
    %word = arith.constant 7 : i32
    %guess = tensor.splat %word[%c3] : tensor<?xi32>
    %xe = scf.for %n = %P to %end step %c1 iter_args(%x = %prompt) -> (!quoin.sequence) {
      %last = arith.subi %n, %c1 : index
      %n3 = arith.addi %n, %c3 : index
      %behind = quoin.span %n to %n3
      %rows = quoin.span %last to %n3
      %l = quoin.forward @m of %x[to %n] then %guess at %behind read %rows mask #quoin.mask<causal>
      %tokens = quoin.score %l [token] : tensor<?xi32>
      %next = tensor.extract_slice %tokens[0] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %y = quoin.append %x, %next
      scf.yield %y : !quoin.sequence
    }
    quoin.return %xe[%P to %end]
  }
"""


# A tree behind the text: two nodes, two of the first, one of the second; each goes on from the node above it.
TREE = """
  quoin.decoder @tree(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c5 = arith.constant 5 : index
    %P = quoin.length %prompt
    %end = arith.addi %P, %max : index
    %word = arith.constant 7 : i32
    %guess = tensor.splat %word[%c5] : tensor<?xi32>
    %one = tensor.splat %c0[%c1] : tensor<?xindex>
    %two = tensor.splat %c0[%c2] : tensor<?xindex>
    %other = tensor.splat %c1[%c1] : tensor<?xindex>
    // A node's label: which of the two it is, or is below.
    %labels = tensor.concat dim(0) %one, %other, %two, %other : (tensor<?xindex>, tensor<?xindex>, tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
    %xe = scf.for %n = %P to %end step %c1 iter_args(%x = %prompt) -> (!quoin.sequence) {
      %last = arith.subi %n, %c1 : index
      %n1 = arith.addi %n, %c1 : index
      %n5 = arith.addi %n, %c5 : index
      %first = tensor.splat %n[%c2] : tensor<?xindex>
      %second = tensor.splat %n1[%c3] : tensor<?xindex>
      %at = tensor.concat dim(0) %first, %second : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %rows = quoin.span %last to %n5
      %l = quoin.forward @m of %x[to %n] then %guess at %at label %labels read %rows
          mask #quoin.mask<(q, k)[n] : slot(k) eq slot(q) or (k lt n and k le q) or (k lt q and label(k) eq label(q))>[%n]
      %tokens, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
      // The likeliest of all rows' answers.
      %best = quoin.top %confidence, %c1
      %true = arith.constant true
      %c6 = arith.constant 6 : index
      %trues = tensor.splat %true[%c6] : tensor<?xi1>
      %no = arith.xori %best, %trues : tensor<?xi1>
      %i = quoin.leading %no
      %next = tensor.extract_slice %tokens[%i] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %y = quoin.append %x, %next
      scf.yield %y : !quoin.sequence
    }
    quoin.return %xe[%P to %end]
  }
"""


def token_model(path, seed, decoder):
    """Two layers: a recurrence whose decay is learned from the row, then attention over what it gives."""
    rnd = random.Random(seed)
    shapes = dict(embed=(VOCABULARY, HIDDEN), head=(VOCABULARY, HIDDEN), norm=(HIDDEN,), **{n: (HIDDEN, HIDDEN) for n in ("q", "k", "v", "a", "o", "p")})
    entries, weights = [], ""
    for name, shape in shapes.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        numbers = [rnd.gauss(1, 0.2) if len(shape) == 1 else rnd.gauss(0, 1.3 / HIDDEN ** 0.5) for _ in range(count)]
        entries.append((name, "F32", list(shape), pack(numbers, "F32")))
        weights += f'  quoin.weight @{name} : tensor<{"x".join(map(str, shape))}xf32> from "w.safetensors" tensor "{name}"\n'
    save(os.path.join(os.path.dirname(path), "w.safetensors"), entries)
    products = "".join(f"    %{n} = quoin.linear %n by @{n} : {D} -> {D}\n" for n in ("q", "k", "v", "g"))
    model = f"""  quoin.model @m head @head {{
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : {D}
    %n = quoin.rms_norm %x by @norm epsilon 1.0e-6 : {D}
{products.replace("@g", "@a")}    %a = quoin.each_row %g : ({D}) -> {D} {{
    ^bb0(%row: tensor<{HIDDEN}xf32>):
      %one = arith.constant dense<1.0> : tensor<{HIDDEN}xf32>
      %minus = arith.negf %row : tensor<{HIDDEN}xf32>
      %power = math.exp %minus : tensor<{HIDDEN}xf32>
      %sum = arith.addf %power, %one : tensor<{HIDDEN}xf32>
      %gate = arith.divf %one, %sum : tensor<{HIDDEN}xf32>
      quoin.row %gate : tensor<{HIDDEN}xf32>
    }}
{linear(HEADS, HIDDEN // HEADS, HIDDEN // HEADS, seen=decoder is TREE)}    %o = quoin.linear %y by @o : {D} -> {D}
    %h = arith.addf %x, %o : {D}
    %m = quoin.rms_norm %h by @norm epsilon 1.0e-6 : {D}
    %t = quoin.attention %m, %h, %m heads 3 kv_heads 3 head_dim 8 scale 0.35 : {D}, {D}, {D}
    %u = quoin.linear %t by @p : {D} -> {D}
    %z = arith.addf %h, %u : {D}
    quoin.hidden %z : {D}
  }}
"""
    open(path, "w").write(HEAD + decoder + model + weights + "}\n")


BLOCKS = modules.blockwise("d", STEP, before="    %two = arith.constant 2 : index", commit="#block", model="m")


def of_tokens(seed, decoder):
    rnd = random.Random(seed)
    requests = [{"ids": [rnd.randrange(40) for _ in range(count)], "max_tokens": 8} for count in (1, 5, 13, 70)]
    with harness.scratch() as folder:
        path = os.path.join(folder, "m.mlir")
        token_model(path, seed, decoder)
        wanted = harness.answers("quoin-interpret", path, requests)
        stages = os.path.join(folder, "stages.mlir")
        harness.tool("quoin-compile", path, "-o", stages, "--compile-to=stages", "--weights", "f32")
        expect([a["ids"] for a in harness.answers("quoin-interpret", stages, requests)] == [a["ids"] for a in wanted], "expects the stages' tokens")
        for level in ("-O0", "-O2"):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", path, "-o", out, "--weights", "f32", level)
            for flags in (("--threads", "1"), ("--threads", "2", "--batch", "4")):
                got = harness.answers("quoin-run", out, requests, *flags)
                expect([a["ids"] for a in got] == [a["ids"] for a in wanted], f"{level} {flags}: expects {[a['ids'] for a in wanted]}, but found {[a['ids'] for a in got]}")
                # States are kept: a call of the guesses runs one new row and those of the guesses, the first one the prompt, too.
                if decoder is GUESSES:
                    rows = [len(q["ids"]) + 3 + 7 * 4 for q in requests]
                    expect([a["rows"] for a in got] == rows, f"{level}: expects {rows} rows, but found {[a['rows'] for a in got]}")


if __name__ == "__main__":
    harness.main([(f"of-rows-{seed}", lambda s=seed: of_rows(s)) for seed in range(5)] +
                 [(f"{name}-{seed}", lambda s=seed, d=decoder: of_tokens(s, d)) for seed in range(2) for name, decoder in (("blocks", BLOCKS), ("guesses", GUESSES), ("tree", TREE))])
