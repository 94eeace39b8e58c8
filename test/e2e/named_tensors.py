#!/usr/bin/env python3
"""Inputs and outputs of programs: numbers, vectors and matrices by name, through the interpreter and compiled code.

One program reads all kinds, carries a matrix through its calls, takes it apart and gives the pieces; the values are computed here.
"""
import json
import os
import shutil
import struct
import tempfile

import harness
import modules
import tensors
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=300, block=4, seed=21)

PROGRAM = """
  quoin.input @class : index
  quoin.input @scale : f32
  quoin.input @rows : tensor<?x4xf32>
  quoin.input @more optional : tensor<?xi32>
  quoin.input @bias optional : index

  quoin.decoder @named(%prompt, %max) settings {threshold = 0.5 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %class = quoin.input_value @class : index
    %bias = quoin.input_value @bias : index
    %scale = quoin.input_value @scale : f32
    %rows = quoin.input_value @rows : tensor<?x4xf32>
    %more = quoin.input_value @more : tensor<?xi32>
    // The class stands behind the prompt, and what comes with it.
    %word = arith.index_cast %class : index to i32
    %one = tensor.splat %word[%c1] : tensor<?xi32>
    %x0 = quoin.append %prompt, %one
    %x1 = quoin.append %x0, %more
    %P = quoin.length %x1
    %x2 = quoin.extend %x1 by %c3
    %end = quoin.length %x2
    // A matrix that is made anew around each call: it lives across the suspensions.
    %xe, %m = scf.for %i = %P to %end step %c1 iter_args(%x = %x2, %a = %rows) -> (!quoin.sequence, tensor<?x4xf32>) {
      %i1 = arith.addi %i, %c1 : index
      %at = quoin.span %i to %i1
      %l = quoin.forward @model of %x[to %i1] read %at mask #quoin.mask<causal>
      %t, %c = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
      %y = quoin.fill %x at %at with %t
      %n = tensor.dim %a, %c0 : tensor<?x4xf32>
      %s = tensor.splat %scale[%n] : tensor<?x4xf32>
      %b = arith.mulf %a, %s : tensor<?x4xf32>
      quoin.output @confidence %c : tensor<?xf32>
      quoin.output @last %i : index
      scf.yield %y, %b : !quoin.sequence, tensor<?x4xf32>
    }
    %n = tensor.dim %m, %c0 : tensor<?x4xf32>
    %two = tensor.concat dim(0) %m, %rows : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
    quoin.output @two %two : tensor<?x4xf32>
    quoin.output @cube %two as [-1, 2, 2] : tensor<?x4xf32>
    %columns = tensor.extract_slice %two[%c1, 1] [%n, 2] [1, 1] : tensor<?x4xf32> to tensor<?x2xf32>
    quoin.output @columns %columns : tensor<?x2xf32>
    %first = tensor.extract_slice %two[0, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
    quoin.output @square %first as [2, 2] : tensor<4xf32>
    %flat = tensor.collapse_shape %rows [[0, 1]] : tensor<?x4xf32> into tensor<?xf32>
    quoin.output @flat %flat : tensor<?xf32>
    %size = tensor.dim %flat, %c0 : tensor<?xf32>
    %c2 = arith.constant 2 : index
    %half = arith.divui %size, %c2 : index
    %pairs = tensor.expand_shape %flat [[0, 1]] output_shape [%half, 2] : tensor<?xf32> into tensor<?x2xf32>
    quoin.output @pairs %pairs : tensor<?x2xf32>
    %corner = tensor.extract %two[%c1, %c3] : tensor<?x4xf32>
    quoin.output @corner %corner : f32
    %width = tensor.dim %two, %c1 : tensor<?x4xf32>
    %sum = arith.addi %width, %bias : index
    quoin.output @width %sum : index
    quoin.output @more %more : tensor<?xi32>
    quoin.return %xe[%P to %end]
  }
"""


def f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


class Folder:
    def __enter__(self):
        self.top = tempfile.mkdtemp()
        model = write(os.path.join(self.top, "hf"), SHAPE)
        self.file = os.path.join(self.top, "m.mlir")
        harness.tool("quoin-import", model, "-o", self.file, "--decoder", "sdar-dynamic")
        self.text = open(self.file).read()
        self.put(PROGRAM)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def put(self, program):
        open(self.file, "w").write(modules.with_decoders(self.text, program))

    def compiled(self, level="-O2"):
        out = os.path.join(self.top, "out" + level)
        harness.tool("quoin-compile", self.file, "-o", out, "--weights", "f32", level)
        return out

    def call(self, tool, target, inputs, *flags):
        given, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "out.safetensors")
        if os.path.exists(got):
            os.unlink(got)
        tensors.save(given, inputs)
        r = harness.call(tool, target, "--inputs", given, "--outputs", got, *flags)
        return r, tensors.load(got) if os.path.exists(got) else None


MATRIX = [0.5, -1.25, 3.0, 4.0, 5.0, 6.5, -7.0, 8.0, 9.0, 10.0, 11.0, 12.0]
INPUTS = {"prompt": ("I32", [2], [5, 6]), "class": ("I32", [1], [9]), "scale": ("F64", [], [1.5]), "rows": ("F32", [3, 2, 2], MATRIX),
          "more": ("I64", [2], [11, 12])}


def expected():
    m = MATRIX
    for _ in range(3):
        m = [f32(v * f32(1.5)) for v in m]
    two = m + MATRIX
    rows = [two[i:i + 4] for i in range(0, len(two), 4)]
    return {"two": ("F32", [6, 4], two), "cube": ("F32", [6, 2, 2], two), "columns": ("F32", [3, 2], [v for r in rows[1:4] for v in r[1:3]]),
            "square": ("F32", [2, 2], two[:4]), "flat": ("F32", [12], MATRIX), "pairs": ("F32", [6, 2], MATRIX), "corner": ("F32", [], [rows[1][3]]),
            "width": ("I64", [], [4]), "more": ("I32", [2], [11, 12]), "last": ("I64", [], [7])}


def all_kinds():
    with Folder() as f:
        r, reference = f.call("quoin-interpret", f.file, INPUTS)
        expect(r.returncode == 0, r.stderr)
        f.compiled()
        with open(os.path.join(f.top, "out-O2", "model.json")) as meta:
            decoder = json.load(meta)["decoders"][0]
        expect(decoder["inputs"][2] == {"name": "rows", "type": "f32", "shape": [-1, 4]} and decoder["inputs"][3]["optional"],
               f"found {decoder['inputs']}")
        expect({"name": "cube", "type": "f32", "shape": [-1, 2, 2]} in decoder["outputs"], f"found {decoder['outputs']}")
        for where, got in [("interpreter", reference)] + [(level, f.call("quoin-run", f.compiled(level), INPUTS)[1]) for level in ("-O0", "-O2")]:
            expect(got is not None, f"{where}: expects outputs")
            for name, want in expected().items():
                expect(got.get(name) == want, f"{where}: expects {name} {want}, but found {got.get(name)}")
            expect(got["ids"] == reference["ids"] and got["ids"][1] == [3], f"{where}: expects ids {reference['ids']}, but found {got['ids']}")
            found, wanted = got["confidence"], reference["confidence"]
            expect(found[:2] == wanted[:2] and abs(found[2][0] - wanted[2][0]) < 1e-5, f"{where}: expects confidence {wanted}, but found {found}")


def numbers_by_settings():
    """Scalars may come by --set, beside settings and max_tokens; what is optional may be left out, and so may the prompt."""
    with Folder() as f:
        inputs = {"rows": ("F32", [1, 4], MATRIX[:4])}
        flags = ["--set", "class=9", "--set", "scale=2", "--set", "max_tokens=5", "--set", "threshold=0.25", "--set", "bias=3"]
        for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled())):
            r, got = f.call(tool, target, inputs, *flags)
            expect(r.returncode == 0, r.stderr)
            expect(got["flat"][2] == MATRIX[:4] and got["two"][2][:4] == [8 * v for v in MATRIX[:4]], f"{tool}: found {got['two']}")
            expect(got["more"] == ("I32", [0], []) and got["last"][2] == [3] and got["width"][2] == [7], f"{tool}: found {got['more']} {got['last']}")


def refused(inputs, *words, flags=()):
    """Both tools say it alike."""
    def test():
        with Folder() as f:
            changed = {k: v for k, v in (INPUTS | inputs).items() if v}
            for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled())):
                r, got = f.call(tool, target, changed, *flags)
                expect(r.returncode == 1 and got is None, f"{tool}: expects a refusal, but it ended with {r.returncode}")
                for word in words:
                    expect(word in r.stderr, f"{tool}: expects '{word}' in {r.stderr.strip()}")
    return test


def fails(change, *words):
    """A program whose tensor does not fit ends with the same words in both."""
    def test():
        with Folder() as f:
            program = PROGRAM.replace(*change)
            expect(program != PROGRAM, "expects a change")
            f.put(program)
            for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled())):
                r, got = f.call(tool, target, INPUTS)
                expect(r.returncode == 1 and got is None, f"{tool}: expects an error, but it ended with {r.returncode}")
                for word in words:
                    expect(word in r.stderr, f"{tool}: expects '{word}' in {r.stderr.strip()}")
    return test


CORNER = "tensor.extract %two[%c1, %c3]"

if __name__ == "__main__":
    harness.main([
        ("all-kinds", all_kinds),
        ("numbers-by-settings", numbers_by_settings),
        ("missing", refused({"class": None}, "expects input 'class', but the request does not give it")),
        ("unknown", refused({"weight": ("F32", [1], [1.0])}, "the program has no input 'weight'; it has class, scale, rows, more, bias")),
        ("integers-for-reals", refused({"scale": ("I32", [1], [2])}, "expects input 'scale' of reals, but found integers")),
        ("reals-for-integers", refused({"class": ("F32", [1], [2.0])}, "expects input 'class' of integers, but found reals")),
        ("wide-integers", refused({"more": ("I64", [1], [1 << 40])}, "expects input 'more' of numbers of 32 bits, but found 1099511627776")),
        ("another-width", refused({"rows": ("F32", [4, 3], MATRIX)}, "expects input 'rows' of shape [?, 4], but found [4, 3]")),
        ("vector-for-matrix", refused({"rows": ("F32", [12], MATRIX)}, "expects input 'rows' of shape [?, 4], but found [12]")),
        ("two-numbers", refused({"class": ("I32", [2], [2, 3])}, "expects input 'class' of shape [], but found [2]")),
        ("matrix-for-vector", refused({"more": ("I32", [1, 2], [2, 3])}, "expects input 'more' of shape [?], but found [1, 2]")),
        ("number-for-tensor", refused({}, "expects input 'rows' as a tensor, but found a number", flags=["--set", "rows=1"])),
        ("half-a-number", refused({}, "expects input 'bias' of integers, but found 0.5", flags=["--set", "bias=0.5"])),
        ("prompt-of-reals", refused({"prompt": ("F32", [1], [1.0])}, "expects ids in 'prompt'")),
        ("row-outside", fails((CORNER, "tensor.extract %two[%end, %c3]"), "tensor.extract", "expects an index in [0, 6), but found 8")),
        ("column-outside", fails((CORNER, "tensor.extract %two[%c1, %P]"), "tensor.extract", "expects an index in [0, 4), but found 5")),
        ("slice-outside", fails(("%two[%c1, 1] [%n, 2]", "%two[%P, 1] [%n, 2]"), "tensor.extract_slice", "expects a size in [0, 1], but found 3")),
        ("odd-pairs", fails(("output_shape [%half, 2]", "output_shape [%size, 2]"), "tensor.expand_shape", "expects 24 elements, but found 12")),
    ])
