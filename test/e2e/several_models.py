#!/usr/bin/env python3
"""Programs of several models: a draft beside the model that reads it, with widths, heads, weights and caches of their own.

The interpreter on the program as written gives the tokens; -O0 and -O1 give the same ones, and sessions that wait for different
models in one step give the same bits as alone.
"""
import json
import os
import re
import shutil
import tempfile

import harness
import modules
from checkpoint import Shape, write
from harness import expect

LARGE = Shape(family="sdar", layers=3, hidden=72, heads=6, kv_heads=2, head_dim=24, mlp=130, vocabulary=333, block=4, seed=15)
SMALL = Shape(family="sdar", layers=1, hidden=40, heads=2, kv_heads=1, head_dim=16, mlp=64, vocabulary=333, block=4, seed=16)

MASKS = "#blocks = #quoin.mask<block_causal<4>>\n#causal = #quoin.mask<causal>\n"

# One call drafts a block; of its tokens those stay on which the other model agrees, one at least.
GUIDED = """
        %k = tensor.dim %rows, %c0 : tensor<?xindex>
        %l = quoin.forward @model of %y[to %hi] read %rows mask #blocks
        %draft = quoin.score %l [token] : tensor<?xi32>
        %drafted = quoin.fill %y at %rows with %draft
        %ones = tensor.splat %c1[%k] : tensor<?xindex>
        %before = arith.subi %rows, %ones : tensor<?xindex>
        %g = quoin.forward @draft of %drafted[to %hi] read %before mask #causal
        %guess = quoin.score %g [token] : tensor<?xi32>
        %same = arith.cmpi eq, %draft, %guess : tensor<?xi32>
        %run = quoin.leading %same
        %take = arith.maxui %run, %c1 : index
        %iota = quoin.span %c0 to %k
        %takes = tensor.splat %take[%k] : tensor<?xindex>
        %pick = arith.cmpi ult, %iota, %takes : tensor<?xindex>
        %z = quoin.fill %y at %rows with %draft where %pick
"""

# Draws from what one model has more than the other, so that a step of the head holds rows of both.
RESIDUAL = """
        %p = quoin.forward @draft of %y[to %hi] read %rows mask #blocks
        %e = quoin.evaluation
        %q = quoin.forward @model of %y[to %hi] read %rows mask #blocks
        %t = quoin.draw_residual %q minus %p at %rows, %e
        %sure, %c = quoin.score %p [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %c, %c1
        %z = quoin.fill %y at %rows with %t where %best
"""

# The other model alone.
SINGLE = """
        %l = quoin.forward @draft of %y[to %hi] read %rows mask #blocks
        %t, %c = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %c, %c1
        %z = quoin.fill %y at %rows with %t where %best
"""


def second(text, file):
    """The model of an imported module as `@draft`, with symbols that the first one has not and weights from `file`."""
    body = modules.parts(text)[2].rstrip()[:-1]
    body = re.sub(r"@(\w)", r"@draft.\1", body).replace("@draft.model ", "@draft ", 1)
    return body.replace('"model.safetensors"', json.dumps(file)) + "}\n"


class Pair:
    """A module of both models with the three decoders, and the large model's own one."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        texts = []
        for name, shape in (("large", LARGE), ("small", SMALL)):
            folder = write(os.path.join(self.top, name), shape)
            file = os.path.join(self.top, name + ".mlir")
            harness.tool("quoin-import", folder, "-o", file, "--decoder", "sdar-dynamic")
            texts.append(open(file).read())
        before, own, model = modules.parts(texts[0])
        decoders = own + "".join([modules.blockwise("guided", GUIDED), modules.blockwise("residual", RESIDUAL),
                                  modules.blockwise("single", SINGLE, commit="#blocks", model="draft")])
        first = model.rstrip()[:-1]
        other = second(texts[1], "../small/model.safetensors")
        self.file = os.path.join(self.top, "pair.mlir")
        self.text = MASKS + before + decoders + first + other
        open(self.file, "w").write(self.text)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def compiled(self, *flags):
        out = os.path.join(self.top, "out" + "".join(flags).replace("=", ""))
        harness.tool("quoin-compile", self.file, "-o", out, "--weights", "f32", *flags)
        return out


DECODERS = ("guided", "residual", "single", "sdar-dynamic")


def guides_of_import():
    """guided-diffusion with another checkpoint, as imported: one model file more, the same tokens interpreted and compiled; what cannot be is said."""
    with tempfile.TemporaryDirectory() as top:
        first, guide = (write(os.path.join(top, n), s) for n, s in (("first", LARGE), ("guide", SMALL)))
        other = write(os.path.join(top, "other"), Shape(family="qwen3", layers=1, vocabulary=280))
        text, out = os.path.join(top, "m.mlir"), os.path.join(top, "out")
        flags = ["--decoder", "guided-diffusion", "--guide", guide]
        asked = [dict(ids=list(range(1, n + 1)), max_tokens=8, stop=[]) for n in (1, 5)]
        harness.tool("quoin-import", first, "-o", text, *flags)
        want = [w["ids"] for w in harness.answers("quoin-interpret", text, asked)]
        harness.tool("quoin-compile", first, "-o", out, "--weights", "f32", *flags)
        expect([g["ids"] for g in harness.answers("quoin-run", out, asked)] == want, "expects the interpreter's tokens")
        # Settings of a program.
        harness.tool("quoin-compile", text, "-o", out, "--weights", "f32", "--set", "block=2")
        expect(json.load(open(os.path.join(out, "model.json")))["settings"]["block"]["value"] == 2, "expects the setting that was given")
        for source, more, words in ((first, ["--guide", guide], "'--guide' expects a decoder of two models, but found 'sdar-dynamic'"),
                                    (first, ["--decoder", "guided-diffusion", "--guide", other], "a guide expects the model's 333 ids, but found 280"),
                                    (first, ["--decoder", "guided-diffusion", "--set", "guide_layers=9"], "'guide_layers' expects at most the model's 3 layers"),
                                    (text, ["--set", "block=0.5"], "expects an integer from 0 to 2147483647, but found 0.5"),
                                    (text, ["--set", "blok=4"], "expects a setting of the program's decoders (block, guide_layers), but found 'blok'"),
                                    (text, ["--set", "guide_layers=2"], "expects to be given when its program is made")):
            r = harness.call("quoin-compile", source, "-o", os.path.join(top, "no"), "--quiet", *more)
            expect(r.returncode == 1 and words in r.stderr and not os.path.exists(os.path.join(top, "no")), f"{more}: expects {words}, but found {r.stderr}")


def requests():
    return [dict(ids=[(7 * i + 3 * j) % 300 + 1 for j in range(n)], max_tokens=9, seed=i, decoder=d, stop=[])
            for i, (d, n) in enumerate((d, n) for n in (1, 6, 65) for d in DECODERS)]


def same_tokens():
    with Pair() as p:
        wanted = harness.answers("quoin-interpret", p.file, requests())
        for flags in (["-O0"], ["-O1"]):
            out = p.compiled(*flags)
            got = harness.answers("quoin-run", out, requests(), "--batch", 12, "--threads", 2)
            for i, (w, g) in enumerate(zip(wanted, got)):
                for key in ("ids", "evaluations"):
                    expect(w[key] == g[key], f"{flags}, request {i}: expects {key} {w[key]}, but found {g[key]}")
        meta = json.load(open(os.path.join(out, "model.json")))
        expect([m["name"] for m in meta["models"]] == ["model", "draft"], f"expects both models in model.json: {meta.get('models')}")
        expect([m["layers"] for m in meta["models"]] == [3, 1], "expects the layers of each")
        return f"{len(wanted)} requests"


def same_bits():
    with Pair() as p:
        out = p.compiled()
        alone = [harness.traced("quoin-run", out, [q], "--threads", "1") for q in requests()]
        for batch, threads in (("12", "2"), ("5", "1")):
            got, sessions = harness.traced("quoin-run", out, requests(), "--batch", batch, "--threads", threads)
            for i, (result, trace) in enumerate(alone):
                expect(got[i]["ids"] == result[0]["ids"] and sessions[i] == trace[0], f"batch {batch}: request {i} differs from itself alone")


def shared_weights():
    """Two models over the same weights have them once in the file."""
    with Pair() as p:
        one = p.text.index("  // Hidden rows")
        first, weights = p.text[one:].split("  quoin.weight", 1)
        twin = first.split("  // Hidden rows")[1].replace("quoin.model @model", "quoin.model @draft", 1)
        head = p.text[:one]
        large_alone = head + p.text[one:p.text.index("  // Hidden rows", one + 5)]
        own = "  quoin.weight" + weights.split("  // Hidden rows")[0]
        open(p.file, "w").write(head + first + "  // Hidden rows" + twin + own + "}\n")
        out = p.compiled()
        size = os.path.getsize(os.path.join(out, "model.qw"))
        only = head[:head.index('  quoin.decoder @"guided"')] + large_alone[len(head):] + "}\n"
        open(p.file, "w").write(only)
        expected = os.path.getsize(os.path.join(p.compiled("-O0"), "model.qw"))
        # Angles reach as far as programs do, and those of the blocks beyond the capacity may differ.
        expect(abs(size - expected) < expected // 10, f"expects about {expected} bytes of weights, but found {size}")


def refused(change, *words):
    def test():
        with Pair() as p:
            open(p.file, "w").write(change(p.text))
            for tool, flags in (("quoin-compile", ["-o", os.path.join(p.top, "no")]),
                                ("quoin-interpret", ["--prompt-ids", "1,2,3", "--decoder", "guided", "--json"])):
                process = harness.call(tool, p.file, *flags)
                expect(process.returncode == 1, f"{tool}: expects a refusal, but it ended with {process.returncode}")
                for word in words:
                    expect(word in process.stderr, f"{tool}: expects '{word}' in {process.stderr.strip()}")
    return test


def guided_across_models():
    """Scores of two models cannot be mixed: each head has its own weights."""
    with Pair() as p:
        mixed = p.text.replace("%t = quoin.draw_residual %q minus %p at %rows, %e",
                               "%f = arith.constant 1.0 : f32\n        %m = quoin.guide %q over %p by %f\n        %t = quoin.score %m [token] : tensor<?xi32>")
        open(p.file, "w").write(mixed)
        out = p.compiled()
        for tool, target in (("quoin-run", out), ("quoin-interpret", p.file)):
            process = harness.call(tool, target, "--prompt-ids", "1,2", "--decoder", "residual", "--json")
            said = process.stdout + process.stderr
            expect(process.returncode == 1 and "expects logits of one model, but found those of models 0 and 1" in said, f"{tool}: {said}")


if __name__ == "__main__":
    harness.main([
        ("same-tokens", same_tokens),
        ("same-bits-in-company", same_bits),
        ("shared-weights", shared_weights),
        ("guided-across-models", guided_across_models),
        ("guides-of-import", guides_of_import),
        ("unknown-model", refused(lambda t: t.replace("forward @draft of %drafted", "forward @nobody of %drafted"), "expects a quoin.model, but found @nobody")),
        ("another-vocabulary", refused(lambda t: re.sub(r"quoin.weight @draft.(head|embed) : tensor<333x", r"quoin.weight @draft.\1 : tensor<332x", t),
                                       "expects a head of as many tokens as that of '@model', 333, but found 332")),
    ])
