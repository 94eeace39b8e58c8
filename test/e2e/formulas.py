#!/usr/bin/env python3
"""A thousand random mask formulas, compiled and run at several lengths, against attention by brute force in float64.

Formulas nest three deep and use every operator, positions, slots, open bits, labels and a symbol. Compiling is what takes time, so a
function holds many of them and a symbol chooses one: `which eq 0 and (..) or which eq 1 and (..) or ..`. Rows that see nothing
are among them; their log-sum-exp is minus infinity. QUOIN_FORMULAS sets how many (1000), QUOIN_SEED from which seed.
"""
import array
import os
import random
import re
import struct

import attention
from attention import Folder, check, inputs, predicate, program
from harness import main

COUNT = int(os.environ.get("QUOIN_FORMULAS", "300"))
SEED = int(os.environ.get("QUOIN_SEED", "7"))
TOGETHER = 40
LENGTHS = [1, 3, 16, 31, 63, 64, 65, 100, 128, 129, 130]
SHAPES = [(1, 1, 8), (2, 1, 16), (4, 2, 8)]
WORDS = list(attention.WORDS)[:6]


def term(rnd, depth):
    if depth == 0:
        return rnd.choice(["q", "k", "q", "k", "slot(q)", "slot(k)", "label(q)", "label(k)", "open(k)", "open(q)", "m", str(rnd.randrange(70)),
                           f"-{rnd.randrange(1, 20)}"])
    a = term(rnd, depth - 1)
    return rnd.choice([a, f"({a} + {term(rnd, depth - 1)})", f"({a} - {term(rnd, depth - 1)})", f"({a} * {rnd.choice([-3, -1, 2, 5])})",
                       f"({a} floordiv {rnd.choice([2, 3, 4, 7, 16, 24])})", f"({a} mod {rnd.choice([2, 5, 8, 20, 64])})"])


def formula(rnd, depth=3):
    if depth == 0:
        return f"{term(rnd, 2)} {rnd.choice(WORDS)} {term(rnd, 2)}"
    return rnd.choice([f"({formula(rnd, depth - 1)} and {formula(rnd, depth - 1)})",
                       f"({formula(rnd, depth - 1)} or {formula(rnd, depth - 1)})", f"not ({formula(rnd, depth - 1)})"])


def batch(number):
    rnd = random.Random(f"{SEED}/{number}")
    count = min(TOGETHER, COUNT - number * TOGETHER)
    formulas, shape = [formula(rnd) for _ in range(count)], rnd.choice(SHAPES)
    text = " or ".join(f"which eq {i} and {f}" for i, f in enumerate(formulas))
    integer = lambda x: ("I64", [], struct.pack("<q", x))
    with Folder() as folder:
        folder.compile(program(f"(q, k)[which, m] : {text}", shape, True,
                               ", %which: index, %m: index, %a: tensor<?xi32>, %b: tensor<?xi32>",
                               "labels(%a : tensor<?xi32>, %b : tensor<?xi32>)", "[%which, %m]"))
        for i, f in enumerate(formulas):
            see = predicate(re.sub(r"open\(.\)", "0", f), "m", "label_q", "label_k")
            for nq, nk in ((rnd.choice(LENGTHS),) * 2, (rnd.choice(LENGTHS), rnd.choice(LENGTHS))):
                m, every = rnd.randrange(-5, 80), rnd.choice([1, 9, 40])
                ql, kl = (array.array("i", [j // every % 7 for j in range(n)]) for n in (nq, nk))
                data, tensors = inputs(shape, nq, nk)
                tensors.update(which=integer(i), m=integer(m), query_labels=("I32", [nq], ql.tobytes()), key_labels=("I32", [nk], kl.tobytes()))
                got = folder.run(tensors)
                check(lambda q, k: see(q, k, m, ql.__getitem__, kl.__getitem__), shape, nq, nk, data, got["out"], f"{f}: {nq} x {nk}, m {m}",
                      got["lse"])
    return f"{count} formulas, heads {shape[0]}/{shape[1]}x{shape[2]}"


if __name__ == "__main__":
    main([(f"formulas-{i}", lambda i=i: batch(i)) for i in range(-(-COUNT // TOGETHER))])
