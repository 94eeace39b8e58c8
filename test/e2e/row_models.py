#!/usr/bin/env python3
"""Models without a head, applied to rows of tensors: by the interpreter, as stages, and as machine code with other sessions beside.

The program is a small flow: steps of an MLP on rows of noise and a time, in between a forward of a model of tokens; what comes out is computed here
in float64, too.
"""
import math
import os
import random
import shutil
import struct
import tempfile

import harness
import modules
import tensors
from checkpoint import Shape, save, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=300, block=4, seed=31)
IN, HIDDEN, OUT, STEPS, KINDS = 5, 19, 3, 3, 4

MODEL = f"""
  quoin.model @flow {{
  ^bb0(%x: tensor<?x{IN}xf32>, %t: tensor<?x1xf32>, %kind: tensor<?x1xi32>):
    %h0 = quoin.linear %x by @flow.in bias @flow.bias : tensor<?x{IN}xf32> -> tensor<?x{HIDDEN}xf32>
    %k = quoin.embed %kind by @flow.kind : tensor<?x1xi32> -> tensor<?x{HIDDEN}xf32>
    %h = arith.addf %h0, %k : tensor<?x{HIDDEN}xf32>
    %a = quoin.each_row %h, %t by [@flow.time] : (tensor<?x{HIDDEN}xf32>, tensor<?x1xf32>) -> tensor<?x{HIDDEN}xf32> {{
    ^bb0(%row: tensor<{HIDDEN}xf32>, %time: tensor<1xf32>, %w: tensor<{HIDDEN}xf32>):
      %zero = arith.constant 0 : index
      %s = tensor.extract %time[%zero] : tensor<1xf32>
      %all = tensor.splat %s : tensor<{HIDDEN}xf32>
      %scaled = arith.mulf %all, %w : tensor<{HIDDEN}xf32>
      %sum = arith.addf %row, %scaled : tensor<{HIDDEN}xf32>
      %y = math.tanh %sum : tensor<{HIDDEN}xf32>
      quoin.row %y : tensor<{HIDDEN}xf32>
    }}
    %d = quoin.linear %a by @flow.out : tensor<?x{HIDDEN}xf32> -> tensor<?x{IN}xf32>
    %y = arith.addf %x, %d : tensor<?x{IN}xf32>
    %z = quoin.linear %a by @flow.side : tensor<?x{HIDDEN}xf32> -> tensor<?x{OUT}xf32>
    quoin.results %y, %z : tensor<?x{IN}xf32>, tensor<?x{OUT}xf32>
  }}
  quoin.weight @flow.in : tensor<{HIDDEN}x{IN}xf32> from "flow.safetensors" tensor "in"
  quoin.weight @flow.bias : tensor<{HIDDEN}xf32> from "flow.safetensors" tensor "bias"
  quoin.weight @flow.time : tensor<{HIDDEN}xf32> from "flow.safetensors" tensor "time"
  quoin.weight @flow.kind : tensor<{KINDS}x{HIDDEN}xf32> from "flow.safetensors" tensor "kind"
  quoin.weight @flow.out : tensor<{IN}x{HIDDEN}xf32> from "flow.safetensors" tensor "out"
  quoin.weight @flow.side : tensor<{OUT}x{HIDDEN}xf32> from "flow.safetensors" tensor "side"
"""

DECODER = f"""
  quoin.input @rows optional : tensor<?x{IN}xf32>
  quoin.decoder @flows(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %steps = arith.constant {STEPS} : index
    %rows = quoin.input_value @rows : tensor<?x{IN}xf32>
    %n = tensor.dim %rows, %c0 : tensor<?x{IN}xf32>
    %P = quoin.length %prompt
    %x0 = quoin.extend %prompt by %steps
    %end = quoin.length %x0
    %zero = arith.constant 0.0 : f32
    %z0 = tensor.splat %zero[%n] : tensor<?x{OUT}xf32>
    // Each fifth row is of no kind: the table has no row for it.
    %every = quoin.span %c0 to %n
    %five = arith.constant {KINDS + 1} : index
    %fives = tensor.splat %five[%n] : tensor<?xindex>
    %number = arith.remui %every, %fives : tensor<?xindex>
    %number32 = arith.index_cast %number : tensor<?xindex> to tensor<?xi32>
    %kind = tensor.expand_shape %number32 [[0, 1]] output_shape [%n, 1] : tensor<?xi32> into tensor<?x1xi32>
    %xe, %a, %z = scf.for %i = %c0 to %steps step %c1 iter_args(%x = %x0, %v = %rows, %last = %z0)
        -> (!quoin.sequence, tensor<?x{IN}xf32>, tensor<?x{OUT}xf32>) {{
      %i32 = arith.index_cast %i : index to i32
      %time = arith.sitofp %i32 : i32 to f32
      %t = tensor.splat %time[%n] : tensor<?x1xf32>
      %y, %s = quoin.apply @flow(%v, %t, %kind) : tensor<?x{IN}xf32>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x{IN}xf32>, tensor<?x{OUT}xf32>
      %at = arith.addi %P, %i : index
      %to = arith.addi %at, %c1 : index
      %place = quoin.span %at to %to
      %l = quoin.forward @model of %x[to %to] read %place mask #quoin.mask<causal>
      %token = quoin.score %l [token] : tensor<?xi32>
      %w = quoin.fill %x at %place with %token
      scf.yield %w, %y, %s : !quoin.sequence, tensor<?x{IN}xf32>, tensor<?x{OUT}xf32>
    }}
    quoin.output @moved %a : tensor<?x{IN}xf32>
    quoin.output @side %z : tensor<?x{OUT}xf32>
    quoin.return %xe[%P to %end]
  }}
"""

rnd = random.Random(5)


def matrix(rows, columns):
    return [[struct.unpack("f", struct.pack("f", rnd.gauss(0, 1) / math.sqrt(columns)))[0] for _ in range(columns)] for _ in range(rows)]


WEIGHTS = {"in": matrix(HIDDEN, IN), "bias": matrix(1, HIDDEN), "time": matrix(1, HIDDEN), "kind": matrix(KINDS, HIDDEN), "out": matrix(IN, HIDDEN), "side": matrix(OUT, HIDDEN)}


def product(rows, weight):
    return [[sum(a * b for a, b in zip(r, w)) for w in weight] for r in rows]


def flow(rows):
    side = None
    for step in range(STEPS):
        kinds = [WEIGHTS["kind"][i % (KINDS + 1)] if i % (KINDS + 1) < KINDS else [0] * HIDDEN for i in range(len(rows))]
        h = [[math.tanh(v + k + b + step * t) for v, k, b, t in zip(r, kind, WEIGHTS["bias"][0], WEIGHTS["time"][0])]
             for r, kind in zip(product(rows, WEIGHTS["in"]), kinds)]
        rows, side = [[a + b for a, b in zip(r, d)] for r, d in zip(rows, product(h, WEIGHTS["out"]))], product(h, WEIGHTS["side"])
    return rows, side


class Folder:
    def __enter__(self):
        self.top = tempfile.mkdtemp()
        model = write(os.path.join(self.top, "hf"), SHAPE)
        flat = {k: [v for r in m for v in r] for k, m in WEIGHTS.items()}
        save(os.path.join(model, "flow.safetensors"), [(k, "F32", [len(v)] if len(WEIGHTS[k]) == 1 else [len(WEIGHTS[k]), len(WEIGHTS[k][0])],
                                                        struct.pack(f"<{len(v)}f", *v)) for k, v in flat.items()])
        self.file = os.path.join(self.top, "m.mlir")
        harness.tool("quoin-import", model, "-o", self.file, "--decoder", "sdar-dynamic")
        text = open(self.file).read()
        self.text = modules.with_decoders(text, DECODER).rstrip()[:-1] + MODEL + "}\n"
        self.put(self.text)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def put(self, text):
        open(self.file, "w").write(text)

    def run(self, tool, target, rows, *flags):
        given, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "o.safetensors")
        tensors.save(given, {"prompt": ("I32", [2], [4, 5]), "rows": ("F32", [len(rows), IN], [v for r in rows for v in r])})
        harness.tool(tool, target, "--inputs", given, "--outputs", got, *flags)
        return tensors.load(got)


def compared(got, rows, where, tolerance):
    moved, side = flow(rows)
    for name, wanted in (("moved", moved), ("side", side)):
        expect(got[name][1] == [len(rows), len(wanted[0]) if wanted else got[name][1][1]], f"{where}: found {name} of shape {got[name][1]}")
        worst = max((abs(a - b) for a, b in zip((v for r in wanted for v in r), got[name][2])), default=0)
        expect(worst < tolerance, f"{where}: {name} is off by {worst:.1e}")


def same_numbers():
    with Folder() as f:
        stages = os.path.join(f.top, "stages.mlir")
        harness.tool("quoin-compile", f.file, "-o", stages, "--compile-to=stages", "--weights", "f32")
        outs = {level: os.path.join(f.top, "out" + level) for level in ("-O0", "-O1")}
        for level, out in outs.items():
            harness.tool("quoin-compile", f.file, "-o", out, "--weights", "f32", level)
        for count in (1, 4, 67):
            rows = matrix(count, IN)
            reference = f.run("quoin-interpret", f.file, rows)
            compared(reference, rows, "interpreter", 1e-6)
            staged = f.run("quoin-interpret", stages, rows)
            expect(staged == reference, "expects the stages to give the same numbers")
            for level, out in outs.items():
                got = f.run("quoin-run", out, rows)
                compared(got, rows, level, 1e-5)
                expect(got["ids"] == reference["ids"], f"{level}: expects ids {reference['ids']}, but found {got['ids']}")
                again = f.run("quoin-run", out, rows, "--threads", "1")
                expect(again == got, f"{level}: expects the bits of one thread to be those of two")
        # No rows: no call, and nothing comes back.
        for tool, target in (("quoin-interpret", f.file), ("quoin-run", outs["-O1"])):
            got = f.run(tool, target, [])
            expect(got["moved"][1] == [0, IN] and got["side"][2] == [], f"{tool}: found {got['moved']}")


def refused(change, *words):
    def test():
        with Folder() as f:
            text = f.text.replace(*change)
            expect(text != f.text, "expects a change")
            f.put(text)
            harness.expect_refused(harness.call("quoin-compile", f.file, "-o", os.path.join(f.top, "no")), *words)
    return test


def other_counts():
    """Operands of different numbers of rows: the same words from both."""
    with Folder() as f:
        f.put(f.text.replace("tensor.splat %time[%n]", "tensor.splat %time[%steps]"))
        out = os.path.join(f.top, "out")
        harness.tool("quoin-compile", f.file, "-o", out)
        for tool, target in (("quoin-interpret", f.file), ("quoin-run", out)):
            try:
                f.run(tool, target, matrix(2, IN))
            except harness.Failure as e:
                expect("quoin.apply" in str(e) and "expects 2 rows, but found 3" in str(e), f"{tool}: {e}")
            else:
                expect(False, f"{tool}: expects an error")


if __name__ == "__main__":
    harness.main([
        ("same-numbers", same_numbers),
        ("other-counts", other_counts),
        ("forward-without-head", refused(("forward @model of", "forward @flow of"), "expects a model of tokens, but @flow takes none")),
        ("apply-of-tokens", refused(("apply @flow(", "apply @model("), "expects a model that is a function of rows, but @model takes tokens")),
        ("another-width", refused((f"@flow(%v, %t, %kind) : tensor<?x{IN}xf32>, tensor<?x1xf32>", f"@flow(%v, %v, %kind) : tensor<?x{IN}xf32>, tensor<?x{IN}xf32>"),
                                  "expects operands", "of @flow")),
    ])
