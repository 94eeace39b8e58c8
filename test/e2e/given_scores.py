#!/usr/bin/env python3
"""Scores that a program has as numbers, `quoin.as_logits`: tokens, draws and statistics are those of the formulas, whoever scores them.

Rows come with the request, so that they may be anything: guided, some of them, ties, infinities, no numbers at all.
"""
import math
import os
import random
import struct
import sys

import harness
import tensors
from harness import expect

sys.path.insert(0, os.path.join(harness.ROOT, "test", "oracle"))
import sampling  # noqa: E402

V, FILL = 37, 4
S = f"tensor<?x{V}xf32>"
# Name, transforms, the oracle's order, whose softmax the confidence is of.
SAMPLERS = [("plain", None, "", {}), ("warm", "temperature", "T", {}), ("kept", "temperature, top_k, top_p", "Tkp", {}),
            ("raw", "temperature, raw_confidence", "T", dict(raw=True)), ("always", "raw_confidence", " ", dict(raw=True)),
            ("sure", "without_fill, top_p_below, greedy, filtered_confidence", "fng", dict(filtered=True))]
NAMES = ["token", "confidence", "entropy", "normalized_entropy", "margin", "probability", "log_confidence"]


def program():
    body = ""
    for logits in ("l", "g"):
        for name, transforms, _, _ in SAMPLERS:
            by = f" by #quoin.sampler<{transforms}> at %at, %e" if transforms else ""
            values = ", ".join(f"%{logits}_{name}_{i}" for i in range(len(NAMES)))
            body += f"    {values} = quoin.score %{logits} [{', '.join(NAMES)}] of %of{by} : tensor<?xi32>{', tensor<?xf32>' * 6}\n"
            for i, n in enumerate(NAMES):
                body += f"    quoin.output @{logits}_{name}_{n} %{logits}_{name}_{i} : tensor<?x{'i32' if i == 0 else 'f32'}>\n"
    return f"""module attributes {{quoin.vocabulary = {V} : index, quoin.fill = {FILL} : i32, quoin.capacity = 256 : index}} {{
  quoin.input @scores : {S}
  quoin.input @others : {S}
  quoin.input @asked : tensor<?xi32>
  quoin.decoder @given(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %half = arith.constant 1.5 : f32
    %s = quoin.input_value @scores : {S}
    %o = quoin.input_value @others : {S}
    %of = quoin.input_value @asked : tensor<?xi32>
    %n = tensor.dim %s, %c0 : {S}
    %at = quoin.span %c0 to %n
    %e = quoin.evaluation
    %l = quoin.as_logits %s : {S}
    %u = quoin.as_logits %o : {S}
    %g = quoin.guide %l over %u by %half
{body}
    %some = quoin.rows %g[%c1 for %c2]
    %some_token = quoin.score %some [token] : tensor<?xi32>
    quoin.output @some %some_token : tensor<?xi32>
    %rest = quoin.draw_residual %l minus %u at %at, %e
    quoin.output @rest %rest : tensor<?xi32>
    %numbers = quoin.materialize %g : {S}
    quoin.output @numbers %numbers : {S}
    %twos = tensor.splat %c2[%n] : tensor<?xindex>
    %best, %share = quoin.likeliest %g for %twos
    quoin.output @best %best : tensor<?xi32>
    quoin.return %prompt[%c0 to %c0]
  }}
  // There is always a model; nobody calls it.
  quoin.model @nobody {{
  ^bb0(%row: tensor<?x1xf32>):
    %y = quoin.silu %row : tensor<?x1xf32>
    quoin.results %y : tensor<?x1xf32>
  }}
}}
"""


def rows(count, seed):
    rnd = random.Random(seed)
    made = [[struct.unpack("f", struct.pack("f", rnd.gauss(0, 3)))[0] for _ in range(V)] for _ in range(count)]
    made[1] = [float(round(x)) for x in made[1]]  # ties
    made[2][FILL] = 30.0  # what is never chosen has all of it
    made[3] = [x if i % 3 else -math.inf for i, x in enumerate(made[3])]
    return made


class Folder:
    def __init__(self, top):
        self.top, self.file = top, os.path.join(top, "m.mlir")
        with open(self.file, "w") as f:
            f.write(program())
        self.places = [("quoin-interpret", self.file, 1e-6)]
        for level in ("-O0", "-O1"):
            out = os.path.join(top, "out" + level)
            harness.tool("quoin-compile", self.file, "-o", out, level)
            self.places.append(("quoin-run", out, 2e-5))

    def outputs(self, tool, target, scores, others, asked, settings):
        given, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "o.safetensors")
        tensors.save(given, {"prompt": ("I32", [1], [1]), "scores": ("F32", [len(scores), V], sum(scores, [])),
                             "others": ("F32", [len(others), V], sum(others, [])), "asked": ("I32", [len(asked)], asked)})
        flags = [f for k, v in settings.items() if k != "seed" for f in ("--set", f"{k}={v}")]
        harness.tool(tool, target, "--inputs", given, "--outputs", got, "--seed", str(settings.get("seed", 0)), *flags)
        return {name: values for name, (_, _, values) in tensors.load(got).items()}


def statistics(row, order, settings, position, asked, kinds):
    token, confidence = sampling.sample(row, order.strip() or ("x" if order else ""), FILL, settings, 0, position, **kinds)
    shares = sampling.softmax(row)
    best = sorted((p for v, p in enumerate(shares) if v != FILL), reverse=True)
    entropy = sampling.entropy(row)
    return [token, confidence, entropy, entropy / math.log(V), best[0] - best[1], shares[asked], math.log(confidence) if confidence else -math.inf]


def numbers():
    with harness.scratch() as top:
        folder, scores, others = Folder(top), rows(6, 1), rows(6, 2)
        asked = [0, 5, FILL, 7, V - 1, 9]
        others[3] = [0.5] * V  # infinities would make no number of a difference
        guided = [[u + 2.5 * (c - u) for c, u in zip(*pair)] for pair in zip(scores, others)]
        count = 0
        for settings in (dict(seed=7), dict(seed=11, temperature=0.7), dict(seed=2**40 + 3, temperature=1.3, top_k=5, top_p=0.8), dict(top_p=0.4)):
            want = {}
            for logits, given in (("l", scores), ("g", guided)):
                for name, transforms, order, kinds in SAMPLERS:
                    if logits == "g" and order in ("T", "Tkp", " "):
                        continue  # a draw's distance from the next one would have to be looked at
                    values = [statistics(row, order, settings, r, asked[r], kinds) for r, row in enumerate(given)]
                    for i, n in enumerate(NAMES):
                        want[f"{logits}_{name}_{n}"] = [v[i] for v in values]
            want["some"] = [max((v for v in range(V) if v != FILL), key=lambda v: (row[v], -v)) for row in guided[1:3]]
            want["numbers"] = sum(guided, [])
            want["best"] = [v for row in guided for v in sorted((v for v in range(V) if v != FILL), key=lambda v: (-row[v], v))[:2]]
            for tool, target, tolerance in folder.places:
                got = folder.outputs(tool, target, scores, others, asked, settings)
                for key, values in want.items():
                    for r, (a, b) in enumerate(zip(values, got[key])):
                        count += 1
                        same = a == b or abs(a - b) < tolerance * max(1, abs(a))
                        expect(same, f"{target} {settings} {key} of row {r}: expects {a}, but found {b}")
            first, *others_got = (folder.outputs(tool, target, scores, others, asked, settings)["rest"] for tool, target, _ in folder.places)
            expect(all(g == first for g in others_got), f"{settings}: expects residuals {first}, but found {others_got}")
        return f"{count} numbers"


def no_numbers():
    """A row without a softmax: the arg max, for which NaN counts as plus infinity, and no numbers."""
    with harness.scratch() as top:
        folder = Folder(top)
        bad = [[0.0] * V for _ in range(4)]
        bad[0][9], bad[0][3] = math.nan, 50.0
        bad[1][12] = math.inf
        bad[2] = [-math.inf] * V
        bad[3][FILL], bad[3][8] = math.nan, 1.0
        plain = [[0.0] * V for _ in bad]
        for settings in (dict(), dict(temperature=0.9)):
            for tool, target, _ in folder.places:
                got = folder.outputs(tool, target, bad, plain, [1] * 4, settings)
                for name in ("plain", "warm", "kept", "raw"):
                    expect(got[f"l_{name}_token"] == [9, 12, 0, 8], f"{target} {settings} {name}: found tokens {got[f'l_{name}_token']}")
                    for n in NAMES[1:]:
                        expect(all(math.isnan(x) for x in got[f"l_{name}_{n}"]), f"{target} {settings} {name}: expects no {n}, but found {got[f'l_{name}_{n}']}")


def refusals():
    with harness.scratch() as top:
        file = os.path.join(top, "m.mlir")
        for change, words in (((f"quoin.vocabulary = {V}", f"quoin.vocabulary = {V + 1}"), f"expects rows of a score for each of {V + 1} tokens, but found {V}"),):
            with open(file, "w") as f:
                f.write(program().replace(*change))
            r = harness.call("quoin-compile", file, "-o", os.path.join(top, "no"))
            expect(r.returncode == 1 and words in r.stderr, f"expects {words}, but found {r.stderr}")


if __name__ == "__main__":
    harness.main([("numbers", numbers), ("no-numbers", no_numbers), ("refusals", refusals)])
