#!/usr/bin/env python3
"""Models of tokens that take more than tokens, and give more than logits: rows of features and numbers beside ids, a vector for all slots of a
call, rows as results.

A program makes a sequence's rows by itself: those of a step are made of what the model gave for the rows before. So the rows of a slot are final
before its token is, and a cache may keep them; another program changes rows that were made long ago, and no cache may. What comes
out is computed here in float64, too.
"""
import math
import os
import random
import re
import shutil
import struct
import tempfile

import harness
import tensors
from checkpoint import save
from harness import expect

CODES, WIDTH, IN, COND, HEADS, TOKENS, STEPS = 4, 16, 5, 3, 2, 9, 4
HEAD = WIDTH // HEADS
rnd = random.Random(11)


def matrix(rows, columns):
    return [[struct.unpack("f", struct.pack("f", rnd.gauss(0, 1) / math.sqrt(columns)))[0] for _ in range(columns)] for _ in range(rows)]


SHAPES = {"word": (TOKENS + 1, WIDTH), "place": (12, WIDTH), "code": (CODES, WIDTH), "in": (WIDTH, IN), "mod": (WIDTH, COND), "q": (WIDTH, WIDTH),
          "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "o": (WIDTH, WIDTH), "out": (IN, WIDTH), "head": (TOKENS, WIDTH), "bias": (1, TOKENS)}
WEIGHTS = {name: matrix(*shape) for name, shape in SHAPES.items()}

D, A, C = f"tensor<?x{WIDTH}xf32>", f"tensor<?x{IN}xf32>", f"tensor<?x{COND}xf32>"

BODY = f"""
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: {A}, %code: tensor<?x1xi32>, %c: {C}, %label: tensor<?x1xi32>):
    %place = quoin.embed %positions by @place : tensor<?xindex> -> {D}
    %kind = quoin.embed %code by @code : tensor<?x1xi32> -> {D}
    %in = quoin.linear %a by @in : {A} -> {D}
    %x0 = arith.addf %place, %kind : {D}
    %x1 = arith.addf %x0, %in : {D}
    // WORD
    // A number for all slots, as a class is.
    %class = quoin.embed %label by @code : tensor<?x1xi32> -> {D}
    %m = quoin.linear %c by @mod : {C} -> {D}
    %s = quoin.silu %m : {D}
    %y0 = quoin.modulate %x1, %s, %m : {D}
    %y = arith.addf %y0, %class : {D}
    %q = quoin.linear %y by @q : {D} -> {D}
    %k = quoin.linear %y by @k : {D} -> {D}
    %v = quoin.linear %y by @v : {D} -> {D}
    %t = quoin.attention %q, %k, %v heads {HEADS} kv_heads {HEADS} head_dim {HEAD} scale {1 / math.sqrt(HEAD)} : {D}, {D}, {D}
    %o = quoin.linear %t by @o : {D} -> {D}
    %h = arith.addf %y, %o : {D}
    // The vector once more, behind the rows that are read.
    %z = arith.addf %h, %m : {D}
    %next = quoin.linear %z by @out : {D} -> {A}
"""

MODELS = f"""
  quoin.model @scored head @head bias @bias each_sequence [4, 5] {{{BODY}
    quoin.hidden %z results %next : {D}, {A}
  }}
  quoin.model @plain each_sequence [4, 5] {{{BODY}
    quoin.results %next, %h : {A}, {D}
  }}
"""
WORD = f"""%word = quoin.embed %ids by @word : {D}
    %x1 = arith.addf %x0, %word : {D}"""


def weights():
    text = ""
    for name, (rows, columns) in SHAPES.items():
        shape = f"{columns}" if rows == 1 else f"{rows}x{columns}"
        text += f'  quoin.weight @{name} : tensor<{shape}xf32> from "w.safetensors" tensor "{name}"\n'
    return text


def program(model, change="", scale="0.5"):
    """A decoder over either model. `change`: what becomes of all rows after each step."""
    head = model == "scored"
    call = lambda vector: f"""quoin.forward @{model} of %x[to %to] with (%r, %kinds, %{vector}, %label : {A}, tensor<?x1xi32>, {C}, tensor<?x1xi32>) read %at
          mask #quoin.mask<causal> -> {"!quoin.logits, " + A if head else A + ", " + D}"""
    score = f"""
      %g = arith.constant 1.5 : f32
      %l = quoin.guide %one over %two by %g
      %token, %sure = quoin.score %l [token, log_confidence] : tensor<?xi32>, tensor<?xf32>
      quoin.output @sure %sure : tensor<?xf32>
      %w = quoin.fill %x at %at with %token""" if head else """
      %w = quoin.fill %x at %at with %tens"""
    return f"""
  quoin.decoder @by_{model}(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant {IN} : index
    %c4 = arith.constant {CODES + 1} : index
    %steps = arith.constant {STEPS} : index
    %P = quoin.length %prompt
    %all = quoin.span %c0 to %P
    // The first rows are made of the prompt, and so are the vectors.
    %words = quoin.tokens %prompt at %all
    %reals = arith.sitofp %words : tensor<?xi32> to tensor<?xf32>
    %tenth = arith.constant 0.1 : f32
    %P5 = arith.muli %P, %c5 : index
    %numbers = quoin.span %c0 to %P5
    %n32 = arith.index_cast %numbers : tensor<?xindex> to tensor<?xi32>
    %nf = arith.sitofp %n32 : tensor<?xi32> to tensor<?xf32>
    %waves = math.sin %nf : tensor<?xf32>
    %r0 = tensor.expand_shape %waves [[0, 1]] output_shape [%P, {IN}] : tensor<?xf32> into {A}
    %f = tensor.extract %reals[%c0] : tensor<?xf32>
    %f1 = arith.mulf %f, %tenth : f32
    %f2 = arith.subf %tenth, %f1 : f32
    %v1 = tensor.splat %f1[%c1] : tensor<?xf32>
    %v2 = tensor.splat %f2[%c1] : tensor<?xf32>
    %three = tensor.concat dim(0) %v1, %v2, %v1 : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    %first = tensor.expand_shape %three [[0, 1]] output_shape [%c1, {COND}] : tensor<?xf32> into {C}
    %other = tensor.concat dim(0) %v2, %v2, %v1 : (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    %second = tensor.expand_shape %other [[0, 1]] output_shape [%c1, {COND}] : tensor<?xf32> into {C}
    %five = arith.constant {CODES + 1} : index
    %number = arith.remui %P, %five : index
    %number32 = arith.index_cast %number : index to i32
    %one32 = tensor.splat %number32[%c1] : tensor<?xi32>
    %label = tensor.expand_shape %one32 [[0, 1]] output_shape [%c1, 1] : tensor<?xi32> into tensor<?x1xi32>
    %x0 = quoin.extend %prompt by %steps
    %end = quoin.length %x0
    %xe, %re = scf.for %i = %P to %end step %c1 iter_args(%x = %x0, %r = %r0) -> (!quoin.sequence, {A}) {{
      %to = arith.addi %i, %c0 : index
      %last = arith.subi %i, %c1 : index
      // Row i - 1 gives token i - 1: its columns are there before it is.
      %at = quoin.span %last to %to
      %slots = quoin.span %c0 to %to
      %fives = tensor.splat %c4[%to] : tensor<?xindex>
      %mod = arith.remui %slots, %fives : tensor<?xindex>
      %mod32 = arith.index_cast %mod : tensor<?xindex> to tensor<?xi32>
      %kinds = tensor.expand_shape %mod32 [[0, 1]] output_shape [%to, 1] : tensor<?xi32> into tensor<?x1xi32>
      %one, %a = {call("first")}
      %two, %b = {call("second")}
      %ten = arith.constant 3 : i32
      %tens = tensor.splat %ten[%c1] : tensor<?xi32>{score}
      {"%new0 = arith.addf %a, %b : " + A if head else "%new0 = arith.subf %one, %two : " + A}
      %half = arith.constant {scale} : f32
      %halves = tensor.splat %half[%c1] : {A}
      %new = arith.mulf %new0, %halves : {A}
      %rows = tensor.concat dim(0) %r, %new : ({A}, {A}) -> {A}
      {change or "%changed = tensor.cast %rows : " + A + " to " + A}
      scf.yield %w, %changed : !quoin.sequence, {A}
    }}
    quoin.output @latent %re : {A}
    quoin.return %xe[%P to %end]
  }}
"""


CHANGE = f"""%n = tensor.dim %rows, %c0 : {A}
      %less = arith.constant 0.875 : f32
      %lesses = tensor.splat %less[%n] : {A}
      %changed = arith.mulf %rows, %lesses : {A}"""

REQUESTS = [dict(ids=[5, 2], stop=[], max_tokens=4), dict(ids=[1, 3, 4, 2, 7], stop=[], max_tokens=4), dict(ids=[8] * 6, stop=[], max_tokens=4)]


# ---- In Python


def product(rows, name):
    return [[sum(a * b for a, b in zip(r, w)) for w in WEIGHTS[name]] for r in rows]


def of_kind(number):
    """The table has a row for each but the last."""
    number %= CODES + 1
    return WEIGHTS["code"][number] if number < CODES else [0] * WIDTH


def silu(x):
    return x / (1 + math.exp(-x))


def forward(rows, vector, words, label):
    """Hidden rows of all slots, before and behind the vector's second use."""
    m = product([vector], "mod")[0]
    y = []
    for i, a in enumerate(product(rows, "in")):
        place = WEIGHTS["place"][i] if i < SHAPES["place"][0] else [0] * WIDTH
        kind = of_kind(i)
        word = WEIGHTS["word"][words[i]] if words else [0] * WIDTH
        y.append([(p + k + v + w) * (1 + silu(n)) + n + c for p, k, v, w, n, c in zip(place, kind, a, word, m, of_kind(label))])
    q, k, v = product(y, "q"), product(y, "k"), product(y, "v")
    out = []
    for i in range(len(y)):
        row = []
        for h in range(HEADS):
            part = slice(h * HEAD, (h + 1) * HEAD)
            s = [sum(a * b for a, b in zip(q[i][part], k[j][part])) / math.sqrt(HEAD) for j in range(i + 1)]
            e = [math.exp(x - max(s)) for x in s]
            row += [sum(x * v[j][part][d] for j, x in enumerate(e)) / sum(e) for d in range(HEAD)]
        out.append(row)
    h = [[a + b for a, b in zip(r, o)] for r, o in zip(y, product(out, "o"))]
    return h, [[a + b for a, b in zip(r, m)] for r in h]


def run(ids, head, words, change):
    n = len(ids)
    rows = [[math.sin(IN * i + j) for j in range(IN)] for i in range(n)]
    f1 = ids[0] * 0.1
    first, second = [f1, 0.1 - f1, f1], [0.1 - f1, 0.1 - f1, f1]
    tokens = list(ids)
    sure = 0
    for i in range(n, n + STEPS):
        seen = [tokens[j] if j < n or j < i - 1 else TOKENS for j in range(i)] if words else None
        results = [forward(rows, v, seen, n) for v in (first, second)]
        ends = [product([z[-1]], "out")[0] for _, z in results]
        if head:
            logits = [[s + b for s, b in zip(product([z[-1]], "head")[0], WEIGHTS["bias"][0])] for _, z in results]
            guided = [u + 2.5 * (c - u) for c, u in zip(*logits)]
            best = max(range(TOKENS), key=lambda t: guided[t])
            sure = guided[best] - max(guided) - math.log(sum(math.exp(x - max(guided)) for x in guided))
            new = [(a + b) * 0.5 for a, b in zip(*ends)]
        else:
            best = 3
            new = [(a - b) * 0.5 for a, b in zip(*ends)]
        if i - 1 >= n:
            tokens[i - 1] = best
        tokens.append(None)
        rows = rows + [new]
        if change:
            rows = [[v * 0.875 for v in r] for r in rows]
    return rows, tokens[n:-1], sure


# ---- Tests


class Folder:
    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        save(os.path.join(self.top, "w.safetensors"), [(k, "F32", [len(m[0])] if len(m) == 1 else [len(m), len(m[0])],
                                                        struct.pack(f"<{len(m) * len(m[0])}f", *[v for r in m for v in r])) for k, m in WEIGHTS.items()])
        self.file = os.path.join(self.top, "m.mlir")
        self.put(self.text)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def put(self, text):
        with open(self.file, "w") as f:
            f.write(text)

    def compiled(self, *flags):
        out = os.path.join(self.top, "out" + "".join(flags).replace("=", ""))
        harness.tool("quoin-compile", self.file, "-o", out, "--weights", "f32", *flags)
        return out

    def outputs(self, tool, target, ids, *flags):
        given, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "o.safetensors")
        tensors.save(given, {"prompt": ("I32", [len(ids)], ids)})
        harness.tool(tool, target, "--inputs", given, "--outputs", got, *flags)
        return tensors.load(got)


def module(*decoders, words=False):
    models = MODELS.replace("// WORD", "%word = quoin.embed %ids by @word : " + D) if words else MODELS
    if words:
        models = models.replace("quoin.modulate %x1,", "quoin.modulate %x2,").replace("%m = quoin.linear %c", f"%x2 = arith.addf %x1, %word : {D}\n    %m = quoin.linear %c")
    attributes = f'quoin.source = ".", quoin.vocabulary = {TOKENS + 1} : index, quoin.fill = {TOKENS} : i32, quoin.capacity = 128 : index'
    return f"module attributes {{{attributes}}} {{\n" + "".join(decoders) + models + weights() + "}\n"


def numbers(model, words=False, change=""):
    """The interpreter, as stages, and machine code of both levels give what Python computes."""
    def test():
        with Folder(module(program(model, change), words=words)) as f:
            stages = os.path.join(f.top, "stages.mlir")
            harness.tool("quoin-compile", f.file, "-o", stages, "--compile-to=stages", "--weights", "f32")
            places = [("quoin-interpret", f.file, 1e-5), ("quoin-interpret", stages, 1e-5), ("quoin-run", f.compiled("-O0"), 1e-4),
                      ("quoin-run", f.compiled("-O2"), 1e-4)]
            for request in REQUESTS:
                latent, tokens, sure = run(request["ids"], model == "scored", words, bool(change))
                flat = [v for r in latent for v in r]
                for tool, target, tolerance in places:
                    got = f.outputs(tool, target, request["ids"])
                    expect(got["latent"][1] == [len(latent), IN], f"{tool} {target}: found latent of shape {got['latent'][1]}")
                    worst = max(abs(a - b) for a, b in zip(flat, got["latent"][2]))
                    expect(worst < tolerance, f"{tool} {target}: latent is off by {worst:.1e}")
                    if model == "scored":
                        expect(got["ids"][2][:-1] == tokens, f"{tool} {target}: expects tokens {tokens}, but found {got['ids'][2]}")
                        expect(abs(got["sure"][2][0] - sure) < tolerance, f"{tool} {target}: expects {sure}, but found {got['sure'][2]}")
    return test


def rows_that_run():
    """What stays as it was runs once, for each of the two vectors; what changes runs again."""
    for change, model in (("", "plain"), (CHANGE, "plain"), ("", "scored")):
        with Folder(module(program(model, change))) as f:
            for level in ("-O0", "-O2"):
                for request, got in zip(REQUESTS, harness.answers("quoin-run", f.compiled(level), REQUESTS)):
                    n = len(request["ids"])
                    every = 2 * sum(range(n, n + STEPS))
                    wanted = every if change else 2 * (n + STEPS - 1)
                    expect(got["rows"] == wanted, f"{model} {level}: expects {wanted} rows, but found {got['rows']}")


def in_company():
    """Sessions that share a step, each with vectors of its own, give the bits that they give alone."""
    for words in (False, True):
        with Folder(module(program("scored"), program("plain"), words=words)) as f:
            out = f.compiled("-O2")
            requests = [dict(r, decoder="by_" + d) for r in REQUESTS for d in ("scored", "plain")]
            alone = [harness.traced("quoin-run", out, [q], "--threads", "1") for q in requests]
            for batch, threads in (("6", "2"), ("4", "1")):
                got, sessions = harness.traced("quoin-run", out, requests, "--batch", batch, "--threads", threads)
                for i, (result, trace) in enumerate(alone):
                    expect(got[i]["ids"] == result[0]["ids"] and sessions[i] == trace[0], f"batch {batch}: request {i} differs from itself alone")


def fails(changes, *words):
    """A program whose columns do not fit ends with the same words in both."""
    def test():
        text = module(program("plain"))
        for change in changes:
            expect(change[0] in text, "expects a change")
            text = text.replace(*change)
        with Folder(text) as f:
            for tool, target in (("quoin-interpret", f.file), ("quoin-run", f.compiled("-O0")), ("quoin-run", f.compiled("-O2"))):
                process = harness.call(tool, target, "--prompt-ids", "5,2", "--json")
                said = process.stdout + process.stderr
                expect(process.returncode == 1, f"{tool}: expects an error, but it ended with {process.returncode}")
                for word in words:
                    expect(word in said, f"{tool}: expects '{word}' in {said.strip()}")
    return test


def refused(change, *words):
    def test():
        text = module(program("plain"))
        expect(change[0] in text, "expects a change")
        with Folder(text.replace(*change)) as f:
            harness.expect_refused(harness.call("quoin-compile", f.file, "-o", os.path.join(f.top, "no")), *words)
    return test


def stages_that_changed():
    """Where models are steps a text may say anything: calls that do not fit them are refused by both."""
    with Folder(module(program("plain"))) as f:
        stages = os.path.join(f.top, "stages.mlir")
        harness.tool("quoin-compile", f.file, "-o", stages, "--compile-to=stages", "--weights", "f32")
        text = open(stages).read()
        calls = re.compile(r"with\((%\w+), (%\w+), [^:]+ : ([^,]+), ([^,]+), [^)]+\)")
        columns = ": !stage.buffer<sequence, "
        for changed, words in ((calls.sub(r"with(\1, \2 : \3, \4)", text), "expects columns of @plain"),
                               (text.replace(columns + str(COND), columns + str(COND + 1)), None),
                               (re.sub(r"stage\.results (%\w+), (%\w+) : ([^,]+, [^,]+), (.*)", r"stage.results \2, \1 : \4, \3", text), "expects results of @plain")):
            expect(changed != text, f"expects a change, '{words}'")
            with open(stages, "w") as file:
                file.write(changed)
            for call in (("quoin-interpret", stages, "--prompt-ids", "5,2"), ("quoin-compile", stages, "-o", os.path.join(f.top, "no"), "--compile-from=stages")):
                process = harness.call(*call)
                expect(process.returncode == 1 and (words or "expects") in process.stderr, f"{call[0]}: expects '{words}' in {process.stderr.strip()}")


if __name__ == "__main__":
    harness.main([
        ("logits-and-rows", numbers("scored")),
        ("rows-alone", numbers("plain")),
        ("ids-too", numbers("scored", words=True)),
        ("rows-that-change", numbers("scored", change=CHANGE)),
        ("rows-that-run", rows_that_run),
        ("in-company", in_company),
        ("another-number-of-rows", fails([("tensor.concat dim(0) %r, %new", "tensor.concat dim(0) %new, %new")], "expects 3 rows of column 0, but found 2")),
        ("two-vectors", fails([("%x0 = quoin.extend %prompt by %steps", f"%pair = tensor.concat dim(0) %first, %second : ({C}, {C}) -> {C}\n    %x0 = quoin.extend %prompt by %steps"),
                               ("%kinds, %first, ", "%kinds, %pair, ")], "expects 1 rows of column 2, but found 2")),
        ("stages-that-changed", stages_that_changed),
        ("no-columns", refused((f"with (%r, %kinds, %first, %label : {A}, tensor<?x1xi32>, {C}, tensor<?x1xi32>)", ""), "expects columns of @plain", "but found none")),
        ("other-results", refused((f"%next, %h : {A}, {D}", f"%h, %next : {D}, {A}"), "expects results of @plain")),
        ("no-such-column", refused(("@plain each_sequence [4, 5]", "@plain each_sequence [4, 6]"), "expects 'each_sequence' to number columns from 2 to 5, but found 6")),
        ("rows-of-sequences", refused(("quoin.results %next, %h", "quoin.results %next, %m"), "expects rows of the call", "but found rows of sequences")),
    ])
