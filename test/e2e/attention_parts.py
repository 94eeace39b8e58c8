#!/usr/bin/env python3
"""Attention in parts: sums of exponentials beside its output, parts of one attention put together, and how much of it goes where.

A program runs a causal model row by row over a cache; its attention is whole, and in three parts over keys of their own, of which a row sees none
at first. Interpreted, as stages, and as machine code, the parts together are the whole, and all are what Python computes of the weights. Numbers that
are none are given to the op by itself.
"""
import math
import os
import random
import struct

import harness
import tensors
from checkpoint import save
from harness import expect
from tolerances import TOLERANCES

TOKENS, WIDTH, HEADS, KV, SIZE, GROUPS = 13, 20, 4, 2, 6, 8
Q, K, D, L, G = (f"tensor<?x{w}xf32>" for w in (HEADS * SIZE, KV * SIZE, WIDTH, HEADS, GROUPS))
NUMBER = "tensor<?x1xi32>"
SCALE = 0.7
SHAPES = dict(word=(TOKENS + 1, WIDTH), place=(128, WIDTH), q=(HEADS * SIZE, WIDTH), k=(KV * SIZE, WIDTH), v=(KV * SIZE, WIDTH))
rnd = random.Random(23)
WEIGHTS = {n: [[struct.unpack("f", struct.pack("f", rnd.gauss(0, 1.5 / math.sqrt(WIDTH) if n in "qkv" else 1)))[0] for _ in range(c)] for _ in range(r)]
           for n, (r, c) in SHAPES.items()}
NEAR = "q - k lt 5"


def attention(result, within="", lse="", score=False):
    bend = """ score {
    ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
      %distance = arith.subi %query, %key : i32
      %far = arith.sitofp %distance : i32 to f32
      %tenth = arith.constant -0.125 : f32
      %less = arith.mulf %far, %tenth : f32
      %y = arith.addf %s, %less : f32
      quoin.number %y
    }""" if score else ""
    formula = f" within #quoin.mask<(q, k) : {within}>" if within else ""
    return (f"    %{result}{f', %{lse}' if lse else ''} = quoin.attention %q, %k, %v heads {HEADS} kv_heads {KV} head_dim {SIZE}{formula} scale {SCALE} : "
            f"{Q}, {K}, {K}{f' lse {L}' if lse else ''}{bend}\n")


MODEL = f"""
  quoin.model @m {{
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %group: {NUMBER}):
    %word = quoin.embed %ids by @word : {D}
    %place = quoin.embed %positions by @place : tensor<?xindex> -> {D}
    %x = arith.addf %word, %place : {D}
    %q = quoin.linear %x by @q : {D} -> {Q}
    %k = quoin.linear %x by @k : {D} -> {K}
    %v = quoin.linear %x by @v : {D} -> {K}
{attention("whole", lse="sum")}{attention("bent", lse="bent_sum", score=True)}{attention("a", "k mod 3 eq 0", "a_sum")}{attention("b", "k mod 3 eq 1", "b_sum")}{attention("c", "k mod 3 eq 2", "c_sum")}
    %ab, %ab_sum = quoin.merge_attention %a, %a_sum with %b, %b_sum : {Q}, {L}
    %all, %all_sum = quoin.merge_attention %c, %c_sum with %ab, %ab_sum : {Q}, {L}
    %mass = quoin.attention_mass %q, %k to %group heads {HEADS} kv_heads {KV} head_dim {SIZE} scale {SCALE} : {Q}, {K}, {NUMBER} -> {G}
    %near = quoin.attention_mass %q, %k to %group heads {HEADS} kv_heads {KV} head_dim {SIZE} within #quoin.mask<(q, k) : {NEAR}> scale {SCALE}
        : {Q}, {K}, {NUMBER} -> {G}
    quoin.results %whole, %sum, %all, %all_sum, %c_sum, %bent, %bent_sum, %mass, %near : {Q}, {L}, {Q}, {L}, {L}, {Q}, {L}, {G}, {G}
  }}
"""
RESULTS = dict(whole=Q, sum=L, all=Q, all_sum=L, c_sum=L, bent=Q, bent_sum=L, mass=G, near=G)


def concat(name, type):
    return f"      %{name}1 = tensor.concat dim(0) %{name}, %{name}0 : ({type}, {type}) -> {type}\n"


ALL = ", ".join("%" + n for n in RESULTS)
TYPES = ", ".join(RESULTS.values())
PROGRAM = f"""
  quoin.input @group : {NUMBER}
  quoin.decoder @rows(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %P = quoin.length %prompt
    %P1 = arith.addi %P, %c1 : index
    %group = quoin.input_value @group : {NUMBER}
{"".join(f"    %e{n} = tensor.empty(%c0) : {t}" + chr(10) for n, t in RESULTS.items())}
    %r:{len(RESULTS)} = scf.for %i = %c1 to %P1 step %c1 iter_args({", ".join(f"%{n} = %e{n}" for n in RESULTS)}) -> ({TYPES}) {{
      %last = arith.subi %i, %c1 : index
      %at = quoin.span %last to %i
      %own = tensor.extract_slice %group[0, 0] [%i, 1] [1, 1] : {NUMBER} to {NUMBER}
      {", ".join(f"%{n}0" for n in RESULTS)} = quoin.forward @m of %prompt[to %i] with (%own : {NUMBER}) read %at mask #quoin.mask<causal> -> {TYPES}
{"".join(concat(n, t) for n, t in RESULTS.items())}      scf.yield {", ".join(f"%{n}1" for n in RESULTS)} : {TYPES}
    }}
{"".join(f"    quoin.output @{n} %r#{i} : {t}" + chr(10) for i, (n, t) in enumerate(RESULTS.items()))}
    quoin.return %prompt[%P to %P]
  }}
"""


def module(*parts, weights=SHAPES):
    text = "".join(f'  quoin.weight @{n} : tensor<{r}x{c}xf32> from "w.safetensors" tensor "{n}"\n' for n, (r, c) in weights.items())
    return (f'module attributes {{quoin.source = ".", quoin.vocabulary = {TOKENS + 1} : index, quoin.fill = {TOKENS} : i32, quoin.capacity = 256 : index}} {{\n'
            + "".join(parts) + text + "}\n")


# ---- In Python


def product(rows, name):
    return [[sum(a * b for a, b in zip(r, w)) for w in WEIGHTS[name]] for r in rows]


def expected(ids, group):
    x = [[a + b for a, b in zip(WEIGHTS["word"][t], WEIGHTS["place"][i])] for i, t in enumerate(ids)]
    q, k, v = (product(x, n) for n in "qkv")
    out = {n: [] for n in RESULTS}

    def softmax(i, keys, bent=False):
        """Output, sums and probabilities of each head."""
        rows, sums, shares = [], [], []
        for h in range(HEADS):
            part, other = slice(h * SIZE, (h + 1) * SIZE), slice(h // (HEADS // KV) * SIZE, (h // (HEADS // KV) + 1) * SIZE)
            s = [SCALE * sum(a * b for a, b in zip(q[i][part], k[j][other])) - (0.125 * (i - j) if bent else 0) for j in keys]
            total = math.fsum(math.exp(f) for f in s)
            p = [math.exp(f) / total for f in s]
            rows += [math.fsum(w * v[j][other][d] for w, j in zip(p, keys)) for d in range(SIZE)]
            sums.append(math.log(total) if keys else -math.inf)
            shares.append(p)
        return rows, sums, shares

    def mass(keys, shares):
        return [math.fsum(w for p in shares for w, j in zip(p, keys) if group[j] == g) / HEADS for g in range(GROUPS)]

    for i in range(len(ids)):
        keys = list(range(i + 1))
        near = [j for j in keys if i - j < 5]
        rows, sums, shares = softmax(i, keys)
        bent = softmax(i, keys, True)
        values = dict(whole=rows, sum=sums, all=rows, all_sum=sums, c_sum=softmax(i, [j for j in keys if j % 3 == 2])[1], bent=bent[0], bent_sum=bent[1],
                      mass=mass(keys, shares), near=mass(near, softmax(i, near)[2]))
        for n, row in values.items():
            out[n] += row
    return out


def same(a, b, tolerance):
    return math.isnan(a) and math.isnan(b) or a == b or abs(a - b) <= tolerance * max(1, abs(a))


def forms(folder, text, weights):
    """The program in each form, and how far its numbers may be off."""
    save(os.path.join(folder, "w.safetensors"), [(n, "F32", [len(m), len(m[0])], struct.pack(f"<{len(m) * len(m[0])}f", *[f for r in m for f in r]))
                                                 for n, m in weights.items()])
    source, passed, stages = (os.path.join(folder, n + ".mlir") for n in ("m", "passed", "stages"))
    with open(source, "w") as f:
        f.write(text)
    yield "quoin-interpret", source, 1e-6
    harness.tool("quoin-opt", source, *harness.PASSES, "-o", passed)
    yield "quoin-interpret", passed, 1e-6
    harness.tool("quoin-compile", source, "-o", stages, "--compile-to=stages", "--weights", "f32")
    yield "quoin-interpret", stages, 1e-6
    for level in ("-O0", "-O2"):
        out = os.path.join(folder, "out" + level)
        harness.tool("quoin-compile", source, "-o", out, level, "--weights", "f32")
        yield "quoin-run", out, 2 * TOLERANCES["attention"]


def parts():
    prompts = [[rnd.randrange(TOKENS) for _ in range(n)] for n in (1, 5, 66)]
    groups = [[rnd.choice([0, 1, 2, 5, 7, 7, -1, 8, 100]) for _ in p] for p in prompts]
    wanted = [expected(p, g) for p, g in zip(prompts, groups)]
    with harness.scratch() as folder:
        given, got = (os.path.join(folder, n + ".safetensors") for n in ("in", "out"))
        for program, target, tolerance in forms(folder, module(MODEL, PROGRAM), WEIGHTS):
            for ids, group, want in zip(prompts, groups, wanted):
                tensors.save(given, {"prompt": ("I32", [len(ids)], ids), "group": ("I32", [len(ids), 1], group)})
                harness.tool(program, target, "--inputs", given, "--outputs", got)
                found = tensors.load(got)
                for name, row in want.items():
                    off = [i for i, (a, b) in enumerate(zip(row, found[name][2])) if not same(a, b, tolerance)]
                    expect(len(row) == len(found[name][2]) and not off,
                           f"{program} {target}: '{name}' expects {row[off[0]] if off else len(row)}, but found {found[name][2][off[0]] if off else len(found[name][2])} at {off[:1]}")
    return f"{len(prompts)} prompts"


MERGE = f"""
  quoin.model @merge {{
  ^bb0(%a: {Q}, %s: {L}, %b: {Q}, %t: {L}):
    %o, %l = quoin.merge_attention %a, %s with %b, %t : {Q}, {L}
    quoin.results %o, %l : {Q}, {L}
  }}
  quoin.input @a : {Q}
  quoin.input @s : {L}
  quoin.input @b : {Q}
  quoin.input @t : {L}
  quoin.decoder @once(%prompt, %max) settings {{}} {{
    %a = quoin.input_value @a : {Q}
    %s = quoin.input_value @s : {L}
    %b = quoin.input_value @b : {Q}
    %t = quoin.input_value @t : {L}
    %o, %l = quoin.apply @merge(%a, %s, %b, %t) : {Q}, {L}, {Q}, {L} -> {Q}, {L}
    quoin.output @o %o : {Q}
    quoin.output @l %l : {L}
    %c0 = quoin.length %prompt
    quoin.return %prompt[%c0 to %c0]
  }}
"""
INF, NAN = math.inf, math.nan
# Logarithms of both parts, what each weighs, and the logarithm of both together; none: the part does not count.
CASES = [(0.0, 0.0, 0.5, 0.5, math.log(2)), (-INF, -INF, None, None, -INF), (-INF, 3.5, None, 1, 3.5), (-4e30, -INF, 1, None, -4e30), (NAN, 1.0, NAN, NAN, NAN),
         (-INF, NAN, None, NAN, NAN), (NAN, -INF, NAN, None, NAN), (3e38, -3e38, 1, 0, 3e38), (-3e38, 3e38, 0, 1, 3e38), (1000.0, 999.0, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1)), 1000 + math.log1p(math.exp(-1))),
         (-1000.0, -999.0, 1 / (1 + math.exp(1)), 1 / (1 + math.exp(-1)), -999 + math.log1p(math.exp(-1))), (2.0, -80.0, 1, math.exp(-82), 2.0)]


def numbers_that_are_none():
    """What a part that saw nothing has for an output does not count; otherwise infinities and NaN go through as in one attention."""
    pairs = [(1.5, -2.25), (INF, 1.0), (1.0, -INF), (NAN, 1.0), (2.0, NAN), (0.0, 0.0)]
    a, b, s, t, o, l = [], [], [], [], [], []
    for first, second, w, u, log in CASES:
        for x, y in pairs:
            a, b, s, t = a + [x] * SIZE, b + [y] * SIZE, s + [first], t + [second]
            o += [(0 if w is None else w * x) + (0 if u is None else u * y)] * SIZE
            l.append(log)
    rows = len(s) // HEADS
    with harness.scratch() as folder:
        given, got = (os.path.join(folder, n + ".safetensors") for n in ("in", "out"))
        save_row = lambda values, width: ("F32", [rows, width], values)
        tensors.save(given, {"a": save_row(a, HEADS * SIZE), "b": save_row(b, HEADS * SIZE), "s": save_row(s, HEADS), "t": save_row(t, HEADS)})
        for program, target, _ in forms(folder, module(MERGE, weights={}), {"unread": [[0.0]]}):
            harness.tool(program, target, "--prompt-ids", "1", "--inputs", given, "--outputs", got)
            found = tensors.load(got)
            for name, want in (("o", o), ("l", l)):
                off = [i for i, (x, y) in enumerate(zip(want, found[name][2])) if not same(x, y, 1e-6)]
                expect(not off, f"{program} {target}: '{name}' expects {[want[i] for i in off[:4]]}, but found {[found[name][2][i] for i in off[:4]]} at {off[:4]}")
    return f"{len(l)} heads"


if __name__ == "__main__":
    harness.main([("attention-in-parts", parts), ("merge-numbers-that-are-none", numbers_that_are_none)])
