#!/usr/bin/env python3
"""Rows that are grids: resampling by weights that are formulas, and convolutions, beside the same in Python.

Bicubic and area taps, as image models between their scales use them, are computed by formulas of weights; filters of a checkpoint are put in order by
one. Grids are small, oblong, one cell, and larger than what one op of products takes; each is interpreted, interpreted with its spellings written out,
and compiled at -O0 and -O2.
"""
import math
import os
import random
import struct

import harness
import modules
import tensors
from checkpoint import Shape, save, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=300, block=4, seed=31)
# Lines and columns, those it becomes, features, features of the filter's result, taps.
GRIDS = [(1, 1, 4, 4, 3, 2, 3, 3), (2, 3, 5, 4, 8, 8, 3, 3), (5, 4, 3, 3, 17, 5, 1, 3), (6, 6, 4, 4, 4, 33, 5, 3), (17, 17, 6, 5, 3, 4, 3, 3)]


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def near(t):
    return 1.25 * t ** 3 - 2.25 * t ** 2 + 1


def far(t):
    return -0.75 * t ** 3 + 3.75 * t ** 2 - 6 * t + 3


def bicubic(n, m):
    """What m cells take of n: four taps each, clamped to the border."""
    out = [[0.0] * n for _ in range(m)]
    for i in range(m):
        x = (i + 0.5) * n / m - 0.5
        first, t = math.floor(x), x - math.floor(x)
        for k, w in enumerate((far(1 + t), near(t), near(1 - t), far(2 - t))):
            out[i][min(max(first - 1 + k, 0), n - 1)] += w
    return [[f32(w) for w in row] for row in out]


def area(m, n):
    """What n cells take of m: the mean of those that they cover."""
    out = [[0.0] * m for _ in range(n)]
    for i in range(n):
        cells = range(i * m // n, -(-(i + 1) * m // n))
        for j in cells:
            out[i][j] = f32(1 / len(cells))
    return out


BICUBIC = """  quoin.weight @{name} : tensor<{size}xf32> {{
  ^bb0(%p: index):
    %n = arith.constant {n} : index
    %n1 = arith.constant {last} : index
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %i = arith.divui %p, %n : index
    %j = arith.remui %p, %n : index
    %zero = arith.constant 0.0 : f64
    %one = arith.constant 1.0 : f64
    %half = arith.constant 0.5 : f64
    %ratio = arith.constant {ratio:.17e} : f64
    %i_i = arith.index_cast %i : index to i64
    %i_f = arith.sitofp %i_i : i64 to f64
    %middle = arith.addf %i_f, %half : f64
    %there = arith.mulf %middle, %ratio : f64
    %x = arith.subf %there, %half : f64
    %below = math.floor %x : f64
    %t = arith.subf %x, %below : f64
    %below_i = arith.fptosi %below : f64 to i64
    %first = arith.index_cast %below_i : i64 to index
    %total = scf.for %k = %c0 to %c4 step %c1 iter_args(%sum = %zero) -> f64 {{
      // The cell of tap k, and how far it is: 1 + t, t, 1 - t, 2 - t.
      %at0 = arith.addi %first, %k : index
      %at1 = arith.subi %at0, %c1 : index
      %at2 = arith.maxsi %at1, %c0 : index
      %at = arith.minsi %at2, %n1 : index
      %k_i = arith.index_cast %k : index to i64
      %k_f = arith.sitofp %k_i : i64 to f64
      %k1 = arith.subf %k_f, %one : f64
      %apart = arith.subf %t, %k1 : f64
      %d = math.absf %apart : f64
      %d2 = arith.mulf %d, %d : f64
      %d3 = arith.mulf %d2, %d : f64
      %a3 = arith.constant 1.25 : f64
      %a2 = arith.constant -2.25 : f64
      %near = math.fma %a2, %d2, %one : f64
      %near1 = math.fma %a3, %d3, %near : f64
      %b3 = arith.constant -0.75 : f64
      %b2 = arith.constant 3.75 : f64
      %b1 = arith.constant -6.0 : f64
      %b0 = arith.constant 3.0 : f64
      %far = math.fma %b1, %d, %b0 : f64
      %far1 = math.fma %b2, %d2, %far : f64
      %far2 = math.fma %b3, %d3, %far1 : f64
      %isNear = arith.cmpf ole, %d, %one : f64
      %w = arith.select %isNear, %near1, %far2 : f64
      %same = arith.cmpi eq, %at, %j : index
      %mine = arith.select %same, %w, %zero : f64
      %next = arith.addf %sum, %mine : f64
      scf.yield %next : f64
    }}
    quoin.element %total
  }}
"""

AREA = """  quoin.weight @{name} : tensor<{size}xf32> {{
  ^bb0(%p: index):
    %m = arith.constant {m} : index
    %n = arith.constant {n} : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f64
    %one = arith.constant 1.0 : f64
    %i = arith.divui %p, %m : index
    %j = arith.remui %p, %m : index
    %i1 = arith.addi %i, %c1 : index
    %im = arith.muli %i, %m : index
    %im1 = arith.muli %i1, %m : index
    %from = arith.divui %im, %n : index
    %to = arith.ceildivui %im1, %n : index
    %cells = arith.subi %to, %from : index
    %cells_i = arith.index_cast %cells : index to i64
    %cells_f = arith.uitofp %cells_i : i64 to f64
    %w = arith.divf %one, %cells_f : f64
    %behind = arith.cmpi uge, %j, %from : index
    %before = arith.cmpi ult, %j, %to : index
    %inside = arith.andi %behind, %before : i1
    %y = arith.select %inside, %w, %zero : f64
    quoin.element %y
  }}
"""


def taps(name, n, m):
    """The text of a weight, and its numbers: bicubic where a grid grows, area where it shrinks."""
    if m >= n:
        return BICUBIC.format(name=name, size=n * m, n=n, last=n - 1, ratio=n / m), bicubic(n, m)
    return AREA.format(name=name, size=n * m, m=n, n=m), area(n, m)


def model(number, h, w, to_h, to_w, c, out, kh, kw):
    """The text, what it does in Python, and the weights of its file."""
    rnd = random.Random(number)
    lines, a = taps(f"lines{number}", h, to_h)
    columns, b = taps(f"columns{number}", w, to_w)
    filters = [f32(rnd.gauss(0, 1) / math.sqrt(c * kh * kw)) for _ in range(out * c * kh * kw)]
    bias = [f32(rnd.gauss(0, 0.3)) for _ in range(out)]
    cells, made = h * w, to_h * to_w
    text = lines + columns + f"""  quoin.weight @filter{number} : tensor<2x{out}x{kh * kw * c}xf32> by [@raw{number}] {{
  ^bb0(%f: index, %o: index, %i: index, %raw: tensor<{out}x{c}x{kh}x{kw}xf64>):
    %c = arith.constant {c} : index
    %kw = arith.constant {kw} : index
    %channel = arith.remui %i, %c : index
    %tap = arith.divui %i, %c : index
    %a = arith.divui %tap, %kw : index
    %b = arith.remui %tap, %kw : index
    %x = tensor.extract %raw[%o, %channel, %a, %b] : tensor<{out}x{c}x{kh}x{kw}xf64>
    %minus = arith.negf %x : f64
    %zero = arith.constant 0 : index
    %first = arith.cmpi eq, %f, %zero : index
    %y = arith.select %first, %minus, %x : f64
    quoin.element %y
  }}
  quoin.weight @raw{number} : tensor<{out}x{c}x{kh}x{kw}xf32> from "grid.safetensors" tensor "raw{number}"
  quoin.weight @bias{number} : tensor<{out}xf32> from "grid.safetensors" tensor "bias{number}"
  quoin.model @grid{number} {{
  ^bb0(%flat: tensor<?x{cells * c}xf32>):
    %x = quoin.each_row %flat : (tensor<?x{cells * c}xf32>) -> tensor<?x{cells}x{c}xf32> {{
    ^bb0(%row: tensor<{cells * c}xf32>):
      %y = tensor.expand_shape %row [[0, 1]] output_shape [{cells}, {c}] : tensor<{cells * c}xf32> into tensor<{cells}x{c}xf32>
      quoin.row %y : tensor<{cells}x{c}xf32>
    }}
    %r = quoin.resample %x grid [{h}, {w}] to [{to_h}, {to_w}] by @lines{number}, @columns{number} : tensor<?x{cells}x{c}xf32> -> tensor<?x{made}x{c}xf32>
    %v = quoin.conv %x grid [{h}, {w}] taps [{kh}, {kw}] by @filter{number} filter 1 bias @bias{number} : tensor<?x{cells}x{c}xf32> -> tensor<?x{cells}x{out}xf32>
    %u = quoin.conv %x grid [{h}, {w}] taps [{kh}, {kw}] by @filter{number} filter 0 : tensor<?x{cells}x{c}xf32> -> tensor<?x{cells}x{out}xf32>
    %flat_r = quoin.each_row %r : (tensor<?x{made}x{c}xf32>) -> tensor<?x{made * c}xf32> {{
    ^bb0(%row: tensor<{made}x{c}xf32>):
      %y = tensor.collapse_shape %row [[0, 1]] : tensor<{made}x{c}xf32> into tensor<{made * c}xf32>
      quoin.row %y : tensor<{made * c}xf32>
    }}
    %flat_v, %flat_u = quoin.each_row %v, %u : (tensor<?x{cells}x{out}xf32>, tensor<?x{cells}x{out}xf32>) -> (tensor<?x{cells * out}xf32>, tensor<?x{cells * out}xf32>) {{
    ^bb0(%row: tensor<{cells}x{out}xf32>, %other: tensor<{cells}x{out}xf32>):
      %y = tensor.collapse_shape %row [[0, 1]] : tensor<{cells}x{out}xf32> into tensor<{cells * out}xf32>
      %z = tensor.collapse_shape %other [[0, 1]] : tensor<{cells}x{out}xf32> into tensor<{cells * out}xf32>
      quoin.row %y, %z : tensor<{cells * out}xf32>, tensor<{cells * out}xf32>
    }}
    quoin.results %flat_r, %flat_v, %flat_u : tensor<?x{made * c}xf32>, tensor<?x{cells * out}xf32>, tensor<?x{cells * out}xf32>
  }}
"""
    def resampled(x):
        half = [[sum(a[i][k] * x[(k * w + j) * c + f] for k in range(h)) for j in range(w) for f in range(c)] for i in range(to_h)]
        return [sum(b[j][k] * half[i][k * c + f] for k in range(w)) for i in range(to_h) for j in range(to_w) for f in range(c)]

    def convolved(x, sign, add):
        y = []
        for i in range(h):
            for j in range(w):
                for o in range(out):
                    total = add[o]
                    for p in range(kh):
                        for q in range(kw):
                            r, s = i + p - (kh - 1) // 2, j + q - (kw - 1) // 2
                            if 0 <= r < h and 0 <= s < w:
                                total += sum(sign * filters[((o * c + f) * kh + p) * kw + q] * x[(r * w + s) * c + f] for f in range(c))
                    y.append(total)
        return y
    files = [(f"raw{number}", "F32", [out, c, kh, kw], struct.pack(f"<{len(filters)}f", *filters)), (f"bias{number}", "F32", [out], struct.pack(f"<{out}f", *bias))]
    widths = (cells * c, made * c, cells * out, cells * out)
    return text, lambda x: (resampled(x), convolved(x, 1, bias), convolved(x, -1, [0.0] * out)), files, widths


MODELS = [model(i, *g) for i, g in enumerate(GRIDS)]


def decoder():
    inputs = "".join(f"  quoin.input @x{i} : tensor<?x{m[3][0]}xf32>\n" for i, m in enumerate(MODELS))
    steps = ""
    for i, (_, _, _, (of, *to)) in enumerate(MODELS):
        types = [f"tensor<?x{n}xf32>" for n in to]
        steps += (f"    %x{i} = quoin.input_value @x{i} : tensor<?x{of}xf32>\n"
                  f"    %r{i}, %v{i}, %u{i} = quoin.apply @grid{i}(%x{i}) : tensor<?x{of}xf32> -> {', '.join(types)}\n"
                  + "".join(f"    quoin.output @{n}{i} %{n}{i} : {t}\n" for n, t in zip("rvu", types)))
    return f"{inputs}  quoin.decoder @grids(%prompt, %max) settings {{}} {{\n    %c0 = arith.constant 0 : index\n{steps}    %P = quoin.length %prompt\n    quoin.return %prompt[%c0 to %P]\n  }}\n"


def same_numbers():
    rnd = random.Random(2)
    with harness.scratch() as top:
        source = write(os.path.join(top, "hf"), SHAPE)
        save(os.path.join(source, "grid.safetensors"), [f for m in MODELS for f in m[2]])
        file = os.path.join(top, "m.mlir")
        harness.tool("quoin-import", source, "-o", file, "--decoder", "sdar-dynamic")
        text = modules.with_decoders(open(file).read(), decoder()).rstrip()[:-1] + "".join(m[0] for m in MODELS) + "}\n"
        with open(file, "w") as f:
            f.write(text)
        rows = 3
        given = {"prompt": ("I32", [1], [4])}
        wanted = {}
        for i, (_, formula, _, (width, *_)) in enumerate(MODELS):
            x = [[f32(rnd.gauss(0, 1)) for _ in range(width)] for _ in range(rows)]
            given[f"x{i}"] = ("F32", [rows, width], [v for r in x for v in r])
            for n, made in zip("rvu", zip(*map(formula, x))):
                wanted[f"{n}{i}"] = [v for r in made for v in r]
        tensors.save(os.path.join(top, "in.safetensors"), given)

        def check(where, tolerance, tool, target, *flags):
            out = os.path.join(top, "o.safetensors")
            harness.tool(tool, target, "--inputs", os.path.join(top, "in.safetensors"), "--outputs", out, *flags)
            got = tensors.load(out)
            for name, numbers in wanted.items():
                expect(len(got[name][2]) == len(numbers), f"{where}: {name} has {len(got[name][2])} numbers")
                worst = max(abs(a - b) for a, b in zip(got[name][2], numbers))
                expect(worst < tolerance, f"{where}: {name} of grid {GRIDS[int(name[1:])]} is off by {worst:.1e}")
            return got
        check("interpreter", 1e-6, "quoin-interpret", file)
        expanded, stages = os.path.join(top, "expanded.mlir"), os.path.join(top, "stages.mlir")
        harness.tool("quoin-opt", file, "--quoin-expand-spellings", "-o", expanded)
        check("spellings written out", 1e-6, "quoin-interpret", expanded)
        harness.tool("quoin-compile", file, "-o", stages, "--compile-to=stages", "--weights", "f32")
        check("stages", 1e-6, "quoin-interpret", stages)
        for level in ("-O0", "-O2"):
            out = os.path.join(top, "out" + level)
            harness.tool("quoin-compile", file, "-o", out, "--weights", "f32", level)
            one = check(level, 2e-5, "quoin-run", out, "--threads", "1")
            expect(check(level, 2e-5, "quoin-run", out) == one, f"{level}: expects the bits of one thread to be those of two")


if __name__ == "__main__":
    harness.main([("same-numbers", same_numbers)])
