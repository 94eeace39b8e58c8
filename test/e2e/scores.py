#!/usr/bin/env python3
"""Scores as values of a program: rows of them as outputs and as operands of a model on rows, guided and some rows alone, and the likeliest tokens
of each row. Compared with float64 through the interpreter, after each pass, as stages and machine code of both levels.
"""
import math
import os
import random
import shutil
import struct
import tempfile

import harness
import tensors
from checkpoint import save
from harness import expect

FILL, TOKENS, WIDTH, GUIDANCE = 4, 21, 12, 0.75
rnd = random.Random(5)


def matrix(rows, columns):
    return [[struct.unpack("f", struct.pack("f", rnd.gauss(0, 1)))[0] for _ in range(columns)] for _ in range(rows)]


WEIGHTS = {"word": matrix(TOKENS, WIDTH), "place": matrix(32, WIDTH), "head": matrix(TOKENS, WIDTH), "bias": matrix(1, TOKENS)}
D, S = f"tensor<?x{WIDTH}xf32>", f"tensor<?x{TOKENS}xf32>"


def program(width=TOKENS):
    W = f"tensor<?x{width}xf32>"
    return f"""module attributes {{quoin.source = ".", quoin.vocabulary = {TOKENS} : index, quoin.fill = {FILL} : i32, quoin.capacity = 128 : index}} {{
  quoin.weight @word : tensor<{TOKENS}x{WIDTH}xf32> from "w.safetensors" tensor "word"
  quoin.weight @place : tensor<32x{WIDTH}xf32> from "w.safetensors" tensor "place"
  quoin.weight @head : tensor<{TOKENS}x{WIDTH}xf32> from "w.safetensors" tensor "head"
  quoin.weight @bias : tensor<{TOKENS}xf32> from "w.safetensors" tensor "bias"
  quoin.input @counts : tensor<?xindex>
  quoin.model @m head @head bias @bias {{
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %word = quoin.embed %ids by @word : {D}
    %place = quoin.embed %positions by @place : tensor<?xindex> -> {D}
    %x = arith.addf %word, %place : {D}
    quoin.hidden %x : {D}
  }}
  // How far each score is from the highest of its row.
  quoin.model @below {{
  ^bb0(%s: {S}):
    %y = quoin.each_row %s : ({S}) -> {S} {{
    ^bb0(%row: tensor<{TOKENS}xf32>):
      %least = arith.constant dense<0xFF800000> : tensor<f32>
      %most = linalg.reduce {{ arith.maximumf }} ins(%row : tensor<{TOKENS}xf32>) outs(%least : tensor<f32>) dimensions = [0]
      %top = tensor.extract %most[] : tensor<f32>
      %tops = tensor.splat %top : tensor<{TOKENS}xf32>
      %less = arith.subf %row, %tops : tensor<{TOKENS}xf32>
      quoin.row %less : tensor<{TOKENS}xf32>
    }}
    quoin.results %y : {S}
  }}
  quoin.decoder @scores(%x, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = quoin.length %x
    %rows = quoin.span %c0 to %n
    %counts = quoin.input_value @counts : tensor<?xindex>
    %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
    %seven = arith.constant 7 : i32
    %sevens = tensor.splat %seven[%n] : tensor<?xi32>
    %other = quoin.edit %x at %rows with %sevens
    %u = quoin.forward @m of %other[to %n] read %rows mask #quoin.mask<causal>
    %g = arith.constant {GUIDANCE} : f32
    %guided = quoin.guide %l over %u by %g
    %some = quoin.rows %guided[%c1 for %c1]
    %plain = quoin.materialize %l : {W}
    %one = quoin.materialize %some : {W}
    %tokens, %share = quoin.likeliest %l for %counts
    %best = quoin.score %l [token] : tensor<?xi32>
    quoin.output @plain %plain : {W}
    quoin.output @one %one : {W}
    quoin.output @tokens %tokens : tensor<?xi32>
    quoin.output @best %best : tensor<?xi32>
    {f"%below = quoin.apply @below(%plain) : {S} -> {S}" if width == TOKENS else ""}
    {f"quoin.output @below %below : {S}" if width == TOKENS else ""}
    // Nobody reads these.
    %unread:2 = quoin.likeliest %u for %rows
    quoin.return %x[%c0 to %n]
  }}
}}
"""


def scores(ids):
    def row(i, t):
        x = [a + b for a, b in zip(WEIGHTS["word"][t], WEIGHTS["place"][i])]
        return [b + sum(p * q for p, q in zip(x, h)) for h, b in zip(WEIGHTS["head"], WEIGHTS["bias"][0])]
    return [row(i, t) for i, t in enumerate(ids)]


class Folder:
    def __init__(self, text, weights=WEIGHTS):
        self.text, self.weights = text, weights

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        save(os.path.join(self.top, "w.safetensors"), [(k, "F32", [len(m[0])] if len(m) == 1 else [len(m), len(m[0])],
                                                        struct.pack(f"<{len(m) * len(m[0])}f", *[v for r in m for v in r])) for k, m in self.weights.items()])
        self.file = os.path.join(self.top, "m.mlir")
        with open(self.file, "w") as f:
            f.write(self.text)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def compiled(self, *flags):
        out = os.path.join(self.top, "out" + "".join(flags))
        harness.tool("quoin-compile", self.file, "-o", out, "--weights", "f32", *flags)
        return out

    def run(self, tool, target, ids, counts, *flags):
        given, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "o.safetensors")
        tensors.save(given, {"prompt": ("I32", [len(ids)], ids), "counts": ("I64", [len(counts)], counts)})
        r = harness.call(tool, target, "--inputs", given, "--outputs", got, *flags)
        return r, tensors.load(got) if r.returncode == 0 else None


def numbers():
    with Folder(program()) as f:
        places = [("quoin-interpret", f.file, 1e-5)]
        for n in harness.after_each_pass(f.file, os.path.join(f.top, "passed.mlir")):
            places.append(("quoin-interpret", os.path.join(f.top, f"after{n}.mlir"), 1e-5))
            shutil.copy(os.path.join(f.top, "passed.mlir"), places[-1][1])
        stages = os.path.join(f.top, "stages.mlir")
        harness.tool("quoin-compile", f.file, "-o", stages, "--compile-to=stages", "--weights", "f32")
        places += [("quoin-interpret", stages, 1e-5), ("quoin-run", f.compiled("-O0"), 1e-4), ("quoin-run", f.compiled("-O1"), 1e-4)]
        for ids, counts in (([5, 2], [0, 20]), ([1, 3, 17, 2, 20, 9, 9], [3, 1, 0, 7, 2, 2, 0]), ([8] * 3, [0, 0, 0])):
            plain = scores(ids)
            one = [u + (GUIDANCE + 1) * (c - u) for c, u in zip(plain[1], scores([7] * len(ids))[1])]
            order = [sorted((t for t in range(TOKENS) if t != FILL), key=lambda t, r=r: -r[t]) for r in plain]
            wanted = {"plain": plain, "one": [one], "below": [[v - max(r) for v in r] for r in plain]}
            for tool, target, tolerance in places:
                r, got = f.run(tool, target, ids, counts)
                expect(r.returncode == 0, f"{tool} {target}: {r.stderr.strip()}")
                for name, rows in wanted.items():
                    flat = [v for row in rows for v in row]
                    expect(got[name][1] == [len(rows), TOKENS], f"{tool} {target}: found {name} of shape {got[name][1]}")
                    worst = max(abs(a - b) for a, b in zip(flat, got[name][2]))
                    expect(worst < tolerance, f"{tool} {target}: {name} is off by {worst:.1e}")
                tokens = [t for o, n in zip(order, counts) for t in o[:n]]
                expect(list(got["tokens"][2]) == tokens, f"{tool} {target}: expects tokens {tokens}, but found {got['tokens'][2]}")
                expect(list(got["best"][2]) == [o[0] for o in order], f"{tool} {target}: found {got['best'][2]}")
    return f"{len(places)} ways"


def ties():
    """Equal scores: the lowest id first."""
    with Folder(program(), WEIGHTS | {"head": [[0.0] * WIDTH] * TOKENS, "bias": [[0.0] * TOKENS]}) as f:
        for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled("-O1"))):
            _, got = f.run(tool, target, [1, 2], [6, 1])
            expect(list(got["tokens"][2]) == [0, 1, 2, 3, 5, 6, 0], f"{tool}: found {got['tokens'][2]}")


def fails(counts, *words, width=TOKENS):
    def test():
        with Folder(program(width)) as f:
            for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled("-O0")), ("quoin-run", f.compiled("-O1"))):
                r, _ = f.run(tool, target, [5, 2], counts)
                expect(r.returncode == 1, f"{tool}: expects an error, but it ended with {r.returncode}")
                for word in words:
                    expect(word in r.stderr, f"{tool}: expects '{word}' in {r.stderr.strip()}")
    return test


if __name__ == "__main__":
    harness.main([
        ("numbers", numbers),
        ("ties", ties),
        ("too-many", fails([1, 21], "expects numbers of tokens in [0, 20], but found 21")),
        ("negative", fails([-1, 1], "expects numbers of tokens in [0, 20], but found -1")),
        ("not-one-a-row", fails([1], "expects 2 numbers of tokens, one a row, but found 1")),
        ("another-width", fails([1, 1], "expects rows of 21 scores, but found 20", width=20)),
    ])
