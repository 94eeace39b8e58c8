#!/usr/bin/env python3
"""What programs can say beside calls of models: ops on sequences and vectors, statistics of what a sampler leaves, scores that a
program changes, the likeliest tokens of a row, loops that end early; and programs made of them, against loops in Python.

Interpreter and machine code of both levels agree with what is written here."""
import math
import os
import random
import re

import harness
import modules
import oracle
import tensors
from checkpoint import Shape, write
from decoders import LOOPS, opens
from model import Model, causal, full, table
from sampling import best, entropy, leave, sample, softmax

SHAPE = Shape(family="sdar", layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=264, block=4, seed=91)
FORMS = ("quoin-interpret", "-O0", "-O2")
NUMBERS = "".join(f"    %c{i} = arith.constant {i} : index\n" for i in range(10)) + "    %z = arith.subi %max, %c8 : index\n"
MINUS_INFINITY = "    %none = arith.constant 0xFF800000 : f32\n"


def constant(name, type, *values):
    return (f"%{name}s = arith.constant dense<[{', '.join(map(str, values))}]> : tensor<{len(values)}x{type}>\n"
            f"%{name} = tensor.cast %{name}s : tensor<{len(values)}x{type}> to tensor<?x{type}>\n")


def as_ids(name, type="index"):
    """Appends a vector of numbers to the prompt and returns it."""
    turn = f"%ids = arith.index_cast %{name} : tensor<?xindex> to tensor<?xi32>\n" if type == "index" else ""
    turn = f"%ids = arith.extui %{name} : tensor<?xi1> to tensor<?xi32>\n" if type == "i1" else turn
    ids = "ids" if turn else name
    return turn + f"%y = quoin.append %x, %{ids}\n%n = quoin.length %y\nquoin.return %y[%c3 to %n]\n"


def number(name):
    return f"%single = tensor.splat %{name}[%c1] : tensor<?xindex>\n" + as_ids("single")


def real(name):
    """A real number, in quarters."""
    return ("%four = arith.constant 4.0 : f32\n" + f"%scaled = arith.mulf %{name}, %four : f32\n"
            "%whole = arith.fptosi %scaled : f32 to i64\n%number = arith.index_cast %whole : i64 to index\n" + number("number"))


def all_of(name="y"):
    return f"%n = quoin.length %{name}\nquoin.return %{name}[%c0 to %n]\n"


FLAGS = constant("f", "i1", "true", "false", "true", "true", "false")
REALS = constant("v", "f32", 2.5, -1.0, 7.25, 0.5, 3.0)
INDICES = constant("v", "index", 4, 9, 2, 9, 7)
MATRIX = constant("w", "f32", *map(float, range(1, 13))) + "%m = tensor.expand_shape %w [[0, 1]] output_shape [%c4, 3] : tensor<?xf32> into tensor<?x3xf32>\n"
THREE = constant("i", "index", 3, 0, 3)
LABELLED = "%a = quoin.extend %x by %c2 label %c5\n" + constant("t", "i32", 50, 60) + "%b = quoin.append %a, %t label %c7\n%all = quoin.span %c0 to %c7\n"
# Three tokens, 11 12 13, and eight asked for.
CASES = [
    ("which", FLAGS + "%p = quoin.which %f\n" + as_ids("p"), [0, 2, 3]),
    ("which-none", FLAGS + "%e = tensor.extract_slice %f[%z] [%z] [1] : tensor<?xi1> to tensor<?xi1>\n%p = quoin.which %e\n" + as_ids("p"), []),
    ("gather", REALS + THREE + "%g = quoin.gather %v at %i : tensor<?xf32> -> tensor<?xf32>\n%s = quoin.reduce sum %g : tensor<?xf32> -> f32\n" + real("s"), [14]),
    ("gather-i32", constant("t", "i32", 50, 60, 70, 80) + THREE + "%g = quoin.gather %t at %i : tensor<?xi32> -> tensor<?xi32>\n" + as_ids("g", "i32"), [80, 50, 80]),
    ("gather-flags", FLAGS + THREE + "%g = quoin.gather %f at %i : tensor<?xi1> -> tensor<?xi1>\n" + as_ids("g", "i1"), [1, 1, 1]),
    ("gather-rows", MATRIX + THREE + "%g = quoin.gather %m at %i : tensor<?x3xf32> -> tensor<?x3xf32>\n%r = quoin.reduce sum %g : tensor<?x3xf32> -> tensor<1x3xf32>\n"
     "%s = tensor.extract %r[%c0, %c2] : tensor<1x3xf32>\n" + real("s"), [4 * (12 + 3 + 12)]),
    ("sum", REALS + "%s = quoin.reduce sum %v : tensor<?xf32> -> f32\n" + real("s"), [49]),
    ("sum-some", REALS + FLAGS + "%s = quoin.reduce sum %v where %f : tensor<?xf32> -> f32\n" + real("s"), [41]),
    ("sum-index", INDICES + "%s = quoin.reduce sum %v : tensor<?xindex> -> index\n" + number("s"), [31]),
    ("maximum", REALS + "%s = quoin.reduce maximum %v : tensor<?xf32> -> f32\n" + real("s"), [29]),
    ("minimum", INDICES + FLAGS + "%s = quoin.reduce minimum %v where %f : tensor<?xindex> -> index\n" + number("s"), [2]),
    ("minimum-rows", MATRIX + "%r = quoin.reduce minimum %m : tensor<?x3xf32> -> tensor<1x3xf32>\n%s = tensor.extract %r[%c0, %c1] : tensor<1x3xf32>\n" + real("s"), [8]),
    ("maximum-nothing", REALS + "%e = tensor.extract_slice %v[%z] [%z] [1] : tensor<?xf32> to tensor<?xf32>\n%s = quoin.reduce maximum %e : tensor<?xf32> -> f32\n"
     "%low = arith.constant -3.0e38 : f32\n%is = arith.cmpf olt, %s, %low : f32\n%k = arith.select %is, %c4, %c9 : index\n" + number("k"), [4]),
    ("maximum-nan", REALS + "%s = quoin.reduce maximum %v : tensor<?xf32> -> f32\n%o = arith.subf %s, %s : f32\n%q = arith.divf %o, %o : f32\n"
     "%five = tensor.splat %q[%c5] : tensor<?xf32>\n%w = tensor.concat dim(0) %five, %v : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>\n"
     "%h = quoin.reduce minimum %w : tensor<?xf32> -> f32\n%is = arith.cmpf uno, %h, %h : f32\n%k = arith.select %is, %c4, %c9 : index\n" + number("k"), [4]),
    ("among", INDICES + constant("l", "index", 9, 4) + "%a = quoin.among %v, %l : tensor<?xindex>, tensor<?xindex>\n" + as_ids("a", "i1"), [1, 1, 0, 1, 0]),
    ("among-tokens", "%r = quoin.span %c0 to %c3\n%t = quoin.tokens %x at %r\n%l = arith.constant dense<[13, 11, 200]> : tensor<3xi32>\n"
     "%a = quoin.among %t, %l : tensor<?xi32>, tensor<3xi32>\n" + as_ids("a", "i1"), [1, 0, 1]),
    ("append-label", LABELLED + "%l = quoin.labels %b at %all\n" + as_ids("l"), [0, 0, 0, 5, 5, 7, 7]),
    ("relabel", LABELLED + constant("p", "index", 4, 1) + constant("q", "index", 8, 9) + "%c = quoin.relabel %b at %p with %q\n%l = quoin.labels %c at %all\n" + as_ids("l"),
     [0, 9, 0, 5, 8, 7, 7]),
    ("relabel-some", LABELLED + constant("p", "index", 4, 1) + constant("q", "index", 8, 9) + constant("s", "i1", "false", "true") +
     "%c = quoin.relabel %b at %p with %q where %s\n%l = quoin.labels %c at %all\n" + as_ids("l"), [0, 9, 0, 5, 5, 7, 7]),
    ("insert", constant("t", "i32", 50, 60) + "%y = quoin.insert %x at %c1, %t\n" + all_of(), [11, 50, 60, 12, 13]),
    ("insert-end", constant("t", "i32", 50) + "%w = quoin.commit %x to %c3\n%y = quoin.insert %w at %c3, %t\n" + all_of(), [11, 12, 13, 50]),
    ("insert-label", LABELLED + "%c = quoin.insert %b at %c4, %t label %c8\n%every = quoin.span %c0 to %c9\n%l = quoin.labels %c at %every\n" + as_ids("l"),
     [0, 0, 0, 5, 8, 8, 5, 7, 7]),
    ("insert-open", "%a = quoin.extend %x by %c2\n" + constant("t", "i32", 50) + "%b = quoin.insert %a at %c4, %t\n%o = quoin.open %b[%c0 to %c6]\n" + as_ids("o"), [3, 5]),
    ("truncate", "%y = quoin.truncate %x to %c2\n" + all_of(), [11, 12]),
    ("truncate-nothing", "%w = quoin.commit %x to %c3\n%y = quoin.truncate %w to %c3\n" + all_of(), [11, 12, 13]),
    ("truncate-and-on", constant("t", "i32", 50, 60) + "%w = quoin.truncate %x to %c1\n%y = quoin.append %w, %t\n" + all_of(), [11, 50, 60]),
    ("until", "%a = quoin.extend %x by %c5\n" + constant("t", "i32", 50) + "%done, %s = quoin.denoise %a[%c0 to %c8] carry %c0 : index -> index {\n"
     "^bb0(%b: !quoin.sequence, %r: tensor<?xindex>, %i: index):\n  %p = tensor.extract_slice %r[0] [%c1] [1] : tensor<?xindex> to tensor<?xindex>\n"
     "  %d = quoin.fill %b at %p with %t\n  %j = arith.addi %i, %c1 : index\n  %last = arith.cmpi eq, %j, %c2 : index\n"
     "  quoin.yield %d until %last, %j : index\n}\n%o = quoin.open %done[%c0 to %c8]\n" + as_ids("o"), [5, 6, 7]),
    ("until-at-once", "%a = quoin.extend %x by %c2\n%true = arith.constant true\n%done = quoin.denoise %a[%c0 to %c5] {\n^bb0(%b: !quoin.sequence, %r: tensor<?xindex>):\n"
     "  quoin.yield %b until %true\n}\n%o = quoin.open %done[%c0 to %c5]\n" + as_ids("o"), [3, 4]),
    ("until-never", "%a = quoin.extend %x by %c2\n%false = arith.cmpi ne, %z, %z : index\n" + constant("t", "i32", 50, 60) + "%y = quoin.denoise %a[%c0 to %c5] {\n"
     "^bb0(%b: !quoin.sequence, %r: tensor<?xindex>):\n  %d = quoin.fill %b at %r with %t\n  quoin.yield %d until %false\n}\n" + all_of(), [11, 12, 13, 50, 60]),
]


class Checkpoint:
    """A checkpoint with decoders of the test's own: interpreted, and compiled at both levels."""

    def __init__(self, folder, decoders, change=lambda hf, text: text):
        self.folder, self.hf = folder, write(os.path.join(folder, "hf"), SHAPE)
        self.source = os.path.join(folder, "model.mlir")
        harness.tool("quoin-import", self.hf, "-o", self.source)
        text = change(self.hf, modules.with_decoders(open(self.source).read(), decoders))
        with open(self.source, "w") as f:
            f.write(text)
        for level in FORMS[1:]:
            harness.tool("quoin-compile", self.source, "-o", os.path.join(folder, "out" + level), level, "--weights", "f32")

    def model(self):
        return Model(self.hf, os.path.join(harness.BIN, "quoin-oracle-forward"))

    def target(self, form):
        return ("quoin-interpret", self.source) if form == FORMS[0] else ("quoin-run", os.path.join(self.folder, "out" + form))

    def answers(self, form, queries):
        more = [] if form == FORMS[0] else ["--batch", "5", "--threads", "2"]
        return harness.answers(*self.target(form), queries, *more)

    def outputs(self, form, query):
        path = os.path.join(self.folder, "outputs.safetensors")
        flags = [f"--{name.replace('_', '-')}={query['settings'][name]}" for name in ("temperature", "top_k", "top_p")]
        harness.tool(*self.target(form), "--decoder", query["decoder"], "--prompt-ids", ",".join(map(str, query["ids"])), "--outputs", path, "--json", *flags)
        return {name: values for name, (_, _, values) in tensors.load(path).items()}


def ops():
    with harness.scratch() as folder:
        texts = "".join(f'  quoin.decoder @"{name}"(%x, %max) settings {{}} {{\n{NUMBERS}{body}  }}\n' for name, body, _ in CASES)
        c = Checkpoint(folder, texts)
        queries = [dict(decoder=name, ids=[11, 12, 13], max_tokens=8, stop=[]) for name, _, _ in CASES]
        for form in FORMS:
            for (name, _, want), got in zip(CASES, c.answers(form, queries)):
                harness.expect(got["ids"] == want, f"{form}, {name}: expects {want}, but found {got['ids']}")
        return f"{len(CASES)} programs"


RAW = ("confidence", "entropy", "margin", "probability", "log_confidence", "mass")
FILTERED = ("filtered_best", "filtered_entropy", "filtered_margin", "filtered_mass")
# Of samplers, as `sampling.py` writes them.
SAMPLERS = {"drawn": ("temperature, top_k, top_p", "Tkp"), "nucleus": ("without_fill, top_p_below, temperature", "fnT"), "surest": ("top_p, greedy", "pg")}
FORBIDDEN, LIKED = [7, 120, 33], [200, 5, 5]


def scored(name, logits, sampler):
    """Scores of %{logits} and their outputs, named behind `name`."""
    text = (f"    %{name}t, %{name}c = quoin.score %{logits} [token, confidence] by #quoin.sampler<{SAMPLERS[sampler][0]}> at %rows, %e : tensor<?xi32>, tensor<?xf32>\n"
            f"    %{name}r:5 = quoin.score %{logits} [entropy, margin, probability, log_confidence, mass] of %old : {', '.join(['tensor<?xf32>'] * 5)}\n"
            f"    %{name}f:4 = quoin.score %{logits} [{', '.join(FILTERED)}] by #quoin.sampler<{SAMPLERS[sampler][0]}> at %rows, %e : {', '.join(['tensor<?xf32>'] * 4)}\n"
            f"    quoin.output @{name}_token %{name}t : tensor<?xi32>\n    quoin.output @{name}_confidence %{name}c : tensor<?xf32>\n")
    for i, what in enumerate(RAW[1:]):
        text += f"    quoin.output @{name}_{what} %{name}r#{i} : tensor<?xf32>\n"
    for i, what in enumerate(FILTERED):
        text += f"    quoin.output @{name}_{what} %{name}f#{i} : tensor<?xf32>\n"
    return text


def facts(sampler):
    return f"""
  quoin.decoder @{sampler}(%x, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = quoin.length %x
    %rows = quoin.span %c0 to %n
    %e = quoin.evaluation
    %l = quoin.forward @model of %x[to %n] read %rows mask #quoin.mask<causal>
    %c2 = arith.constant 2 : index
    %old = quoin.tokens %x at %rows
{constant("bad", "i32", *FORBIDDEN)}{constant("lost", "f32", *["0xFF800000"] * len(FORBIDDEN))}
{constant("liked", "i32", *LIKED)}{constant("more", "f32", 1.5, 0.25, 0.5)}{constant("where", "index", 0, 1, 1)}
    %a = quoin.adjust %l at %bad by %lost
    %b = quoin.adjust %l at %liked by %more of %where
    %half = arith.subi %n, %c1 : index
    %part = quoin.rows %b[%c1 for %half]
    %twos = tensor.splat %c2[%half] : tensor<?xindex>
    %likeliest, %share = quoin.likeliest %part for %twos
    %scores = quoin.materialize %b : tensor<?x{SHAPE.vocabulary}xf32>
    %given = quoin.as_logits %scores : tensor<?x{SHAPE.vocabulary}xf32>
    %again = quoin.adjust %given at %bad by %lost
    %both = quoin.score %again [mass] : tensor<?xf32>
    quoin.output @likeliest %likeliest : tensor<?xi32>
    quoin.output @share %share : tensor<?xf32>
    quoin.output @scores %scores : tensor<?x{SHAPE.vocabulary}xf32>
    quoin.output @both_mass %both : tensor<?xf32>
{scored("plain", "l", sampler)}{scored("without", "a", sampler)}{scored("raised", "b", sampler)}
    quoin.return %x[%n to %n]
  }}
"""


def log_mass(scores):
    top = max(scores)
    return top + math.log(sum(math.exp(s - top) for s in scores))


def two(mass, fill):
    """The two highest of token -> probability."""
    first, second, *_ = sorted((p for v, p in mass.items() if v != fill), reverse=True) + [0, 0]
    return first, second


def facts_of(name, rows, order, fill, q):
    """The outputs of `scored`."""
    out = {}
    settings = dict(q["settings"], seed=0)
    for i, scores in enumerate(rows):
        p = softmax(scores)
        token, confidence = sample(scores, order, fill, settings, 0, i)
        first, second = two(dict(enumerate(p)), fill)
        kept, z = leave(scores, order, fill, settings)
        left = [z[v] for v in kept]
        high, next = two(dict(zip(kept, softmax(left))), fill)
        plain = best(scores, range(len(scores)), fill)
        row = dict(token=token, confidence=confidence, entropy=entropy(scores), margin=first - second, probability=p[q["ids"][i]], log_confidence=math.log(p[plain]),
                   mass=log_mass(scores), filtered_best=high, filtered_entropy=entropy(left), filtered_margin=high - next, filtered_mass=log_mass(left))
        for key, value in row.items():
            out.setdefault(f"{name}_{key}", []).append(value)
    return out


def likeliest(scores, n, fill):
    return sorted((v for v in range(len(scores)) if v != fill), key=lambda v: (-scores[v], v))[:n]


def statistics():
    with harness.scratch() as folder:
        c, rnd, numbers = Checkpoint(folder, "".join(map(facts, SAMPLERS))), random.Random(4), 0
        model = c.model()
        for sampler, (_, order) in SAMPLERS.items():
            for temperature in (0, 0.7):
                q = dict(decoder=sampler, ids=[rnd.choice([3, 200, *range(250)]) for _ in range(4)], settings=dict(temperature=temperature, top_k=rnd.choice([0, 9]), top_p=0.6))
                rows = model(q["ids"], range(4), causal(4))
                without = [[-math.inf if v in FORBIDDEN else s for v, s in enumerate(scores)] for scores in rows]
                raised = [list(scores) for scores in rows]
                for row, token, more in zip((0, 1, 1), LIKED, (1.5, 0.25, 0.5)):
                    raised[row][token] += more
                want = {}
                for name, scores in (("plain", rows), ("without", without), ("raised", raised)):
                    want.update(facts_of(name, scores, order, model.fill, q))
                want["likeliest"] = [v for scores in raised[1:] for v in likeliest(scores, 2, model.fill)]
                want["share"] = [p[v] for scores in raised[1:] for p in [softmax(scores)] for v in likeliest(scores, 2, model.fill)]
                want["scores"] = [s for scores in raised for s in scores]
                want["both_mass"] = [log_mass([s for v, s in enumerate(scores) if v not in FORBIDDEN]) for scores in raised]
                for form in FORMS:
                    got = c.outputs(form, q)
                    for key, values in want.items():
                        harness.expect(len(got[key]) == len(values) and all(abs(a - b) <= 2e-4 * (1 + abs(b)) for a, b in zip(got[key], values)),
                                       f"{form}, {q}: expects {key} {values}, but found {got[key]}")
                        numbers += len(values)
        model.close()
        return f"{numbers} numbers"


# A guess of the next tokens is appended, read with the text by one call, and what is wrong of it cut off again. One inserts the
# likeliest token of the row with the most mass behind that row. One fills a canvas whose filled tokens do not see later ones.
PROGRAMS = """
  quoin.decoder @guessed(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %all = scf.while (%y = %x) : (!quoin.sequence) -> !quoin.sequence {
      %n = quoin.length %y
      %more = arith.cmpi ult, %n, %end : index
      scf.condition(%more) %y : !quoin.sequence
    } do {
    ^bb0(%y: !quoin.sequence):
      %n = quoin.length %y
      %some = arith.minui %n, %c3 : index
      %from = arith.subi %n, %some : index
      %before = quoin.span %from to %n
      %guess = quoin.tokens %y at %before
      %z = quoin.append %y, %guess
      %m = quoin.length %z
      %last = arith.subi %n, %c1 : index
      %rows = quoin.span %last to %m
      %l = quoin.forward @model of %z[to %m] read %rows mask #quoin.mask<causal>
      %t = quoin.score %l [token] : tensor<?xi32>
      %own = tensor.extract_slice %t[0] [%some] [1] : tensor<?xi32> to tensor<?xi32>
      %same = arith.cmpi eq, %own, %guess : tensor<?xi32>
      %run = quoin.leading %same
      %keep = arith.addi %n, %run : index
      %right = quoin.truncate %z to %keep
      %next = tensor.extract_slice %t[%run] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %w = quoin.append %right, %next
      scf.yield %w : !quoin.sequence
    }
    quoin.return %all[%P to %end]
  }
  quoin.decoder @inserted(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %none = arith.constant 0xFF800000 : f32
    %fill = quoin.setting @fill : i32
    %bad = tensor.splat %fill[%c1] : tensor<?xi32>
    %lost = tensor.splat %none[%c1] : tensor<?xf32>
    %all = scf.for %i = %c0 to %max step %c1 iter_args(%y = %x) -> (!quoin.sequence) {
      %n = quoin.length %y
      %rows = quoin.span %c0 to %n
      %l = quoin.forward @model of %y[to %n] read %rows mask #quoin.mask<full>
      %a = quoin.adjust %l at %bad by %lost
      %t, %mass = quoin.score %a [token, mass] : tensor<?xi32>, tensor<?xf32>
      %one = quoin.top %mass, %c1
      %at = quoin.which %one
      %p = tensor.extract %at[%c0] : tensor<?xindex>
      %behind = arith.addi %p, %c1 : index
      %token = quoin.gather %t at %at : tensor<?xi32> -> tensor<?xi32>
      %z = quoin.insert %y at %behind, %token
      scf.yield %z : !quoin.sequence
    }
    %n = quoin.length %all
    quoin.return %all[%c0 to %n]
  }
  quoin.decoder @ordered(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %far = arith.constant 1000 : index
    %P = quoin.length %x
    %end = arith.addi %P, %max : index
    %canvas = quoin.extend %x by %max label %far
    %ids = arith.constant dense<[ENDS]> : tensor<COUNTxi32>
    %full, %steps = quoin.denoise %canvas[%P to %end] carry %c1 : index -> index {
    ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
      %e = quoin.evaluation
      %l = quoin.forward @model of %y[to %end] read %rows mask #quoin.mask<(q, k) : label(k) le label(q)>
      %t, %sure = quoin.score %l [token, filtered_margin] by #quoin.sampler<top_p, greedy> at %rows, %e : tensor<?xi32>, tensor<?xf32>
      %one = quoin.top %sure, %c1
      %z = quoin.fill %y at %rows with %t where %one
      %n = tensor.dim %rows, %c0 : tensor<?xindex>
      %label = tensor.splat %s[%n] : tensor<?xindex>
      %w = quoin.relabel %z at %rows with %label where %one
      %ends = quoin.among %t, %ids : tensor<?xi32>, tensor<COUNTxi32>
      %now = arith.andi %ends, %one : tensor<?xi1>
      %many = quoin.count %now
      %last = arith.cmpi ne, %many, %c0 : index
      %next = arith.addi %s, %c1 : index
      quoin.yield %w until %last, %next : index
    }
    %open = quoin.open %full[%P to %end]
    %left = tensor.dim %open, %c0 : tensor<?xindex>
    %answer = arith.subi %end, %left : index
    quoin.return %full[%P to %end]
  }
  // Two branches of one text, at the same positions and hidden from each other: both go on in each call.
  quoin.decoder @branched(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %P = quoin.length %x
    %first = arith.constant dense<[5, 9]> : tensor<2xi32>
    %start = tensor.cast %first : tensor<2xi32> to tensor<?xi32>
    %all, %t = scf.for %i = %c0 to %max step %c1 iter_args(%y = %x, %next = %start) -> (!quoin.sequence, tensor<?xi32>) {
      %p = arith.addi %P, %i : index
      %at = tensor.splat %p[%c1] : tensor<?xindex>
      %one = tensor.extract_slice %next[0] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %other = tensor.extract_slice %next[1] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %z = quoin.append %y, %one at %at label %c1
      %w = quoin.append %z, %other at %at label %c2
      %n = quoin.length %w
      %from = arith.subi %n, %c2 : index
      %rows = quoin.span %from to %n
      %l = quoin.forward @model of %w[to %n] read %rows mask #quoin.mask<(q, k) : slot(k) le slot(q) and (label(k) eq 0 or label(k) eq label(q))>
      %own = quoin.score %l [token] : tensor<?xi32>
      scf.yield %w, %own : !quoin.sequence, tensor<?xi32>
    }
    %n = quoin.length %all
    quoin.return %all[%P to %n]
  }
  // Positions in no order: tokens see those at positions up to theirs, wherever their places are. Every other token is put in behind the
  // prompt, and what stands at its place moves with it.
  quoin.decoder @scattered(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c7 = arith.constant 7 : index
    %c11 = arith.constant 11 : index
    %P = quoin.length %x
    %all = scf.for %i = %c0 to %max step %c1 iter_args(%y = %x) -> (!quoin.sequence) {
      %n = quoin.length %y
      %last = arith.subi %n, %c1 : index
      %rows = quoin.span %last to %n
      %l = quoin.forward @model of %y[to %n] read %rows mask #quoin.mask<causal>
      %t = quoin.score %l [token] : tensor<?xi32>
      %odd = arith.remui %i, %c2 : index
      %inside = arith.cmpi eq, %odd, %c1 : index
      %z = scf.if %inside -> (!quoin.sequence) {
        %w = quoin.insert %y at %P, %t
        scf.yield %w : !quoin.sequence
      } else {
        %far = arith.muli %i, %c7 : index
        %p = arith.remui %far, %c11 : index
        %at = tensor.splat %p[%c1] : tensor<?xindex>
        %w = quoin.append %y, %t at %at
        scf.yield %w : !quoin.sequence
      }
      scf.yield %z : !quoin.sequence
    }
    %n = quoin.length %all
    quoin.return %all[%c0 to %n]
  }
"""
ENDS = [*range(3, 40)]


def guessed(r):
    x = list(r.prompt)
    while len(x) < len(r.prompt) + r.max:
        n, guess = len(x), x[-3:]
        rows = r.read(x + guess, range(n - 1, n + len(guess)), causal(n + len(guess)))
        own = [best(s, range(len(s)), r.fill) for s in rows]
        run = next((i for i, (a, b) in enumerate(zip(own, guess)) if a != b), len(guess))
        x += own[:run + 1]
    return x[len(r.prompt):len(r.prompt) + r.max]


def inserted(r):
    x = list(r.prompt)
    for _ in range(r.max):
        rows = r.read(x, range(len(x)), full(len(x)))
        rows = [[-math.inf if v == r.fill else s for v, s in enumerate(scores)] for scores in rows]
        at = max(range(len(x)), key=lambda i: (log_mass(rows[i]), -i))
        x.insert(at + 1, best(rows[at], range(len(rows[at])), r.fill))
    return x


def ordered(r):
    p = len(r.prompt)
    x, labels, step = list(r.prompt) + [None] * r.max, [0] * p + [1000] * r.max, 1
    while masked := opens(x, p, len(x)):
        sees = [bytes(int(k <= q) for k in labels) for q in labels]
        sure = {}
        for i, scores in zip(masked, r.read(x, masked, sees)):
            kept, z = leave(scores, "p", r.fill, r.settings)
            first, second = two(dict(zip(kept, softmax([z[v] for v in kept]))), r.fill)
            sure[i] = (first - second, best(scores, range(len(scores)), r.fill))
        i = min(masked, key=lambda i: (-sure[i][0], i))
        x[i], labels[i] = sure[i][1], step
        step += 1
        if x[i] in ENDS:
            break
    return [r.fill if t is None else t for t in x[p:]]


def branched(r):
    p = len(r.prompt)
    x, at, labels, next = list(r.prompt), list(range(p)), [0] * p, [5, 9]
    for i in range(r.max):
        x, at, labels = x + next, at + [p + i] * 2, labels + [1, 2]
        sees = [bytes(int(k <= q and labels[k] in (0, labels[q])) for k in range(len(x))) for q in range(len(x))]
        next = [best(scores, range(len(scores)), r.fill) for scores in r.read(x, [len(x) - 2, len(x) - 1], sees, at)]
    return x[p:]


def scattered(r):
    x = [[t, None] for t in r.prompt]
    for i in range(r.max):
        at = [place if own is None else own for place, (_, own) in enumerate(x)]
        [scores] = r.read([t for t, _ in x], [len(x) - 1], [bytes(int(k <= q) for k in at) for q in at], at)
        token = best(scores, range(len(scores)), r.fill)
        if i % 2:
            x.insert(len(r.prompt), [token, None])
        else:
            x.append([token, i * 7 % 11])
    return [t for t, _ in x]


def programs():
    """Tokens and evaluations after each pass and compiled; forwards no more than without passes."""
    names = dict(guessed=guessed, inserted=inserted, ordered=ordered, branched=branched, scattered=scattered)
    LOOPS.update(names)
    with harness.scratch() as folder:
        c = Checkpoint(folder, PROGRAMS.replace("ENDS", ", ".join(map(str, ENDS))).replace("COUNT", str(len(ENDS))))
        model, rnd, queries, wants = c.model(), random.Random(17), [], []
        for name in names:
            for _ in range(6):
                q = dict(decoder=name, ids=[rnd.randrange(250) for _ in range(rnd.randrange(1, 9))], max_tokens=rnd.randrange(1, 12), stop=[], settings=dict(top_p=0.7))
                want = oracle.expected(model, q, {})
                if oracle.steady(model, q, {}, want):
                    queries.append(q)
                    wants.append(want)
        model.close()
        oracle.compare("interpreted", queries, wants, harness.answers("quoin-interpret", c.source, queries), True)
        passed = os.path.join(folder, "passed.mlir")
        for n in harness.after_each_pass(c.source, passed):
            oracle.compare(f"interpreted after {harness.PASSES[n - 1][2:]}", queries, wants, harness.answers("quoin-interpret", passed, queries), True)
        for level in FORMS[1:]:
            answers = c.answers(level, queries)
            oracle.compare(f"compiled {level}", queries, wants, answers, level == "-O0")
            for q, got in zip(queries, answers):
                # Of branches each token runs once: none sees a later one, wherever they stand.
                rows = len(q["ids"]) + 2 * q["max_tokens"] - got["shared_tokens"]
                harness.expect(q["decoder"] != "branched" or got["rows"] == rows, f"{level}, {q}: expects {rows} rows, but found {got['rows']}")
        return f"{len(queries)} requests, {sum(len(w['ids']) for w in wants)} tokens"


# LLM2Vec: every row sees every other one, and a text is the mean of its hidden rows, those of the instruction before it left out.
EMBEDDING = """
  quoin.input @instruction : index
  quoin.decoder @embedding(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %n = quoin.length %x
    %rows = quoin.span %c0 to %n
    %skip = quoin.input_value @instruction : index
    %skips = tensor.splat %skip[%n] : tensor<?xindex>
    %text = arith.cmpi uge, %rows, %skips : tensor<?xindex>
    %l, %h = quoin.forward @model of %x[to %n] read %rows mask #quoin.mask<full> -> !quoin.logits, tensor<?xWIDTHxf32>
    %sum = quoin.reduce sum %h where %text : tensor<?xWIDTHxf32> -> tensor<1xWIDTHxf32>
    %many = quoin.count %text
    %many64 = arith.index_cast %many : index to i64
    %real = arith.sitofp %many64 : i64 to f32
    %each = tensor.splat %real : tensor<1xWIDTHxf32>
    %mean = arith.divf %sum, %each : tensor<1xWIDTHxf32>
    quoin.output @embedding %mean : tensor<1xWIDTHxf32>
    quoin.return %x[%n to %n]
  }
"""


def embeddings():
    """The head is the identity, so that the oracle's scores are the hidden rows."""
    with harness.scratch() as folder:
        c = Checkpoint(folder, EMBEDDING.replace("WIDTH", str(SHAPE.hidden)), change=give_hidden_rows)
        model, rnd = c.model(), random.Random(5)
        for skip, size in ((0, 1), (0, 7), (3, 9)):
            ids = [rnd.randrange(250) for _ in range(size)]
            rows = [row[:SHAPE.hidden] for row in model(ids, range(size), full(size))][skip:]
            want = [sum(column) / len(rows) for column in zip(*rows)]
            given, got = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
            tensors.save(given, dict(prompt=("I32", [size], ids), instruction=("I64", [1], [skip])))
            for form in FORMS:
                harness.tool(*c.target(form), "--inputs", given, "--outputs", got, "--json")
                found = tensors.load(got)["embedding"][2]
                harness.expect(len(found) == len(want) and all(abs(a - b) < 2e-4 * (1 + abs(b)) for a, b in zip(found, want)),
                               f"{form}, {ids} behind {skip}: expects {want}, but found {found}")
        model.close()


def give_hidden_rows(hf, text):
    """Makes the head the identity, and has the model give its hidden rows, too."""
    path = os.path.join(hf, "model.safetensors")
    all = tensors.load(path)
    dtype, (rows, width), _ = all["lm_head.weight"]
    all["lm_head.weight"] = (dtype, [rows, width], [float(i % width == i // width) for i in range(rows * width)])
    tensors.save(path, all)
    return re.sub(r"quoin\.hidden (%\w+) : (tensor<\S+>)", r"quoin.hidden \1 results \1 : \2, \2", text)


if __name__ == "__main__":
    harness.main([("embeddings", embeddings), ("ops", ops), ("programs", programs), ("statistics", statistics)])
