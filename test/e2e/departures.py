#!/usr/bin/env python3
"""Where a published loop is broken we promise something else, and keep it: one test for each promise.

All decoders lie in one artefact over a small model. Unless a test says otherwise its requests give the same in the artefact, in the
interpreter and in the oracle, which has the promises written into its loops.
"""
import collections
import functools
import json
import os
import random
import shutil
import struct
import tempfile
import threading

import harness
import oracle
from checkpoint import Shape, write
from decoders import LOOPS
from harness import expect
from model import Model, causal
from sampling import best

BLOCK = 4
SETTINGS = dict(block=BLOCK, steps=2, sub_block=2, window=4)
SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=64, seed=55)
FILL, PAD = SHAPE.vocabulary - 1, SHAPE.vocabulary - 4
LEADING = [d for d in LOOPS if d != "bd3lm"]  # those that take a prompt of any length
FOLDER, LOCK = tempfile.mkdtemp(), threading.Lock()


def favour(folder, model):
    """Makes the fill token the likeliest wherever the commonest answer was, and the pad token the next."""
    rnd = random.Random(1)
    rows = [model(prompt(rnd, 9) + [None] * 2, [10], causal(11))[0] for _ in range(60)]
    common = collections.Counter(best(row, range(len(row)), None) for row in rows).most_common(1)[0][0]
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as f:
        data = bytearray(f.read())
    size = struct.unpack("<Q", data[:8])[0]
    begin = 8 + size + json.loads(data[8:8 + size])["lm_head.weight"]["data_offsets"][0]
    width = 4 * SHAPE.hidden
    row = struct.unpack_from(f"<{SHAPE.hidden}f", data, begin + common * width)
    for token, factor in ((FILL, 1.5), (PAD, 1.3)):
        struct.pack_into(f"<{SHAPE.hidden}f", data, begin + token * width, *(factor * x for x in row))
    with open(path, "wb") as f:
        f.write(data)


@functools.lru_cache(None)
def made(favoured):
    """Checkpoint folder, program and artefact."""
    top = os.path.join(FOLDER, "favoured" if favoured else "plain")
    hf, source, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "model.mlir"), os.path.join(top, "out")
    if favoured:
        model = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward"))
        favour(hf, model)
        model.close()
    flags = oracle.flags(LOOPS, SETTINGS)
    harness.tool("quoin-import", hf, "-o", source, *flags)
    harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", *flags)
    return hf, source, out


def artefact(favoured=False):
    with LOCK:
        return made(favoured)


def run(queries, favoured=False):
    """The requests that are not close calls, and their results, equal in all three."""
    hf, source, out = artefact(favoured)
    model, kept, wants = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), [], []
    for q in queries:
        q = dict(dict(max_tokens=8, stop=[], settings={}, seed=len(kept)), **q)
        own = oracle.filled_in(q["decoder"], SETTINGS)
        want = oracle.expected(model, q, own)
        if oracle.steady(model, q, own, want):
            kept.append(q)
            wants.append(want)
    model.close()
    expect(2 * len(kept) > len(queries), f"expects most requests to be clear, but found {len(kept)} of {len(queries)}")
    oracle.compare("interpreted", kept, wants, harness.answers("quoin-interpret", source, kept), True)
    with tempfile.NamedTemporaryFile("r") as trace:
        got = harness.answers("quoin-run", out, kept, "--trace", trace.name)
        events = [json.loads(line) for line in trace]
    oracle.compare("compiled", kept, wants, got, False)
    for e in events:
        kept[e["session"]].setdefault("trace", []).append(e)
    return list(zip(kept, got))


def prompt(rnd, n):
    return [rnd.randrange(250) for _ in range(n)]


def quota_above_masks_left():
    """Published: the highest of the rest are taken, which overwrites known tokens. Here only open ones are filled."""
    rnd, left = random.Random(2), 0
    queries = [dict(decoder=d, ids=prompt(rnd, n), settings=dict(threshold=1.0) if d == "sdar-dynamic" else {})
               for d in ("sdar-static", "sdar-dynamic") for n in (3, 7, 11, 15) for _ in range(3)]
    for q, _ in run(queries):
        first = q["trace"][0]["filled"]
        alone = [f[0] for f in first] == [len(q["ids"])]
        expect(alone, f"{q['decoder']}: expects position {len(q['ids'])} filled alone, but found {first}")
        left += 1
    return f"{left} first blocks with one mask and a share of two"


def fill_is_no_answer():
    """Published: a predicted mask token is written, and loops run past their tables or for ever. Here it is left out of the choice."""
    rnd, queries = random.Random(3), []
    for d in LOOPS:
        for settings in ({}, dict(temperature=1.0, top_k=1), dict(temperature=0.7, top_p=0.5)):
            if not settings or d in oracle.FILTERS:
                given = {k: v for k, v in settings.items() if k == "temperature" or k in oracle.FILTERS[d]}
                queries += [dict(decoder=d, ids=prompt(rnd, 1 if d == "bd3lm" else 5), settings=given)
                            for _ in range(3 if d in oracle.FILTERS else 12)]
    favoured = collections.Counter()
    for q, g in run(queries, favoured=True):
        expect(FILL not in g["ids"], f"{q['decoder']}: expects no fill token, but found {g['ids']}")
        favoured[q["decoder"]] += g["ids"].count(PAD)
    expect(all(favoured[d] for d in LOOPS), f"expects rows that favour the fill token in every decoder, but found {dict(favoured)}")
    return f"{len(queries)} requests, {sum(favoured.values())} answers where it was the likeliest"


def fill_in_the_prompt():
    """Published: a prompt token equal to the mask token counts as open. Here prompt tokens are known."""
    rnd, queries = random.Random(4), []
    for d in LEADING:
        for n in (4, 5, 7, 10):
            ids = prompt(rnd, n)
            ids[-1] = FILL
            queries += [dict(decoder=d, ids=ids), dict(decoder=d, ids=[FILL] + ids[:-2] + [FILL])]
    for q, _ in run(queries):
        for e in q["trace"]:
            at = [f[0] for f in e["filled"] + e["edited"]]
            expect(all(i >= len(q["ids"]) for i in at), f"{q['decoder']}: expects positions from {len(q['ids'])} on, but found {at}")


def filled_once():
    """A position is filled once, and rewritten only by rules that edit (published: NBDiff rewrites the first of a finished sub-block)."""
    rnd = random.Random(5)
    queries = [dict(decoder=d, ids=prompt(rnd, 1 if d == "bd3lm" else n), max_tokens=8) for d in LOOPS for n in (2, 4, 9)]
    for q, _ in run(queries):
        seen = [f[0] for e in q["trace"] for f in e["filled"]]
        if q["decoder"] == "nemotron-linear-spec":
            continue  # drafts that are not taken are drafted again
        expect(len(seen) == len(set(seen)), f"{q['decoder']}: expects each position once, but found {seen}")
        edits = [e["edited"] for e in q["trace"] if e["edited"]]
        expect(not edits or q["decoder"] == "llada2", f"{q['decoder']}: expects no edits, but found {edits}")


def prompt_of_one_block():
    """Published Fast-dLLM v2 ignores a prompt as long as a block. Here it is prefilled like any other."""
    rnd = random.Random(6)
    hf = artefact()[0]
    model, firsts = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward")), set()
    for q, g in run([dict(decoder=d, ids=prompt(rnd, BLOCK)) for d in oracle.FAST for _ in range(8)]):
        row = model(q["ids"], [BLOCK - 1], [b"\1" * BLOCK] * BLOCK)[0]
        want = best(row, range(len(row)), FILL)
        expect(g["ids"][0] == want, f"{q}: expects {want} first, but found {g['ids']}")
        firsts.add(tuple(g["ids"]))
    model.close()
    expect(len(firsts) > 4, f"expects answers to depend on the prompt, but found {firsts}")


def stop_in_the_prompt():
    """Stop ids inside the prompt never stop."""
    rnd = random.Random(7)
    free = run([dict(decoder=d, ids=prompt(rnd, 1 if d == "bd3lm" else n)) for d in LOOPS for n in (3, 4, 9)])
    again = []
    for q, g in free:
        stop = [t for t in q["ids"] if t not in g["ids"]]
        if stop:
            again.append((dict(decoder=q["decoder"], ids=q["ids"], stop=stop, seed=q["seed"], max_tokens=q["max_tokens"]), g))
    got = harness.answers("quoin-run", artefact()[2], [q for q, _ in again])
    for (q, want), g in zip(again, got):
        for key in ("ids", "evaluations", "forwards", "stop"):
            expect(g[key] == want[key], f"{q}: expects {key} {want[key]}, but found {g[key]}")
    expect({q["decoder"] for q, _ in again} == set(LOOPS), "expects every decoder to be tried")


def generated_pads_are_visible():
    """Published SDLM derives its attention mask from token equality, so that a generated pad token gets hidden. Here it is text."""
    rnd, again, pads = random.Random(8), [], 0
    queries = [dict(decoder=d, ids=prompt(rnd, n), max_tokens=12) for d in oracle.SDLM for n in (2, 5, 9, 12)]
    # One token a call, so that a run cut behind a pad goes on as it did: what follows a pad is what follows it in a prompt.
    one = dict(threshold=1.0)
    queries += [dict(decoder="sdlm", ids=prompt(rnd, rnd.randrange(2, 12)), max_tokens=12, settings=one) for _ in range(40)]
    for q, g in run(queries, favoured=True):
        pads += g["ids"].count(PAD)
        if PAD in g["ids"][:-1] and q["settings"]:
            i = g["ids"].index(PAD) + 1
            again.append((dict(decoder="sdlm", ids=q["ids"] + g["ids"][:i], max_tokens=12 - i, stop=[], settings=one), g["ids"][i:]))
    expect(len(again) > 4, f"expects pads among the answers, but found {pads} in {len(again)} requests")
    for (q, want), g in zip(again, harness.answers("quoin-run", artefact(True)[2], [q for q, _ in again])):
        expect(g["ids"] == want, f"{q['ids']}: expects {want} after a pad, but found {g['ids']}")
    return f"{pads} generated pads, {len(again)} runs cut behind one"


def fewer_tokens_than_a_block():
    """Published: Fast-dLLM v2 generates nothing. Here a block is generated; `ids` is what the loop returns, `text` is cut."""
    rnd = random.Random(9)
    whole = {d: lambda p: BLOCK - p % BLOCK for d in (*oracle.SDAR, "bd3lm", "s2d2")}
    whole.update({d: lambda p: BLOCK - p % BLOCK + 1 for d in oracle.FAST}, **{d: lambda p: BLOCK for d in ("llada", "nbdiff", "d2f", "nemotron-diffusion")})
    whole.update({d: lambda p: 1 for d in ("llada2", "llada2.0", "autoregressive", "dream", "rnd1", "nemotron-linear-spec", *oracle.WEDLM)})
    queries = [dict(decoder=d, ids=prompt(rnd, 1 if d == "bd3lm" else n), max_tokens=1) for d in LOOPS for n in (3, 4, 5, 6)]
    for q, g in run(queries):
        p, n = len(q["ids"]), len(g["ids"])
        if q["decoder"] in whole:
            want = whole[q["decoder"]](p)
            expect(n == want, f"{q['decoder']}, prompt of {p}: expects {want} tokens, but found {n}")
        expect(1 <= n <= BLOCK + 1, f"{q['decoder']}: expects 1 to {BLOCK + 1} tokens, but found {n}")
        expect(len(g["text"]) == 1, f"{q['decoder']}: expects a text of one token, but found {g['text']!r}")


def prompt_past_capacity():
    """An error that names both numbers, from the artefact and the interpreter, for every decoder; nothing is printed before it."""
    _, source, out = artefact()
    for d in LOOPS:
        for program, target in (("quoin-run", out), ("quoin-interpret", source)):
            r = harness.call(program, target, "--decoder", d, "--prompt-ids", ",".join(["7"] * 65), "--max-tokens", "4", "--json")
            expect(r.returncode == 1 and not r.stdout, f"{program}, {d}: expects exit 1 alone, but found {r.returncode}: {r.stdout[:80]}")
            expect("64" in r.stderr and "65" in r.stderr, f"{program}, {d}: expects both numbers, but found: {r.stderr.strip()}")


TESTS = [quota_above_masks_left, fill_is_no_answer, fill_in_the_prompt, filled_once, prompt_of_one_block, stop_in_the_prompt,
         generated_pads_are_visible, fewer_tokens_than_a_block, prompt_past_capacity]

if __name__ == "__main__":
    try:
        harness.main([("departures-" + t.__name__.replace("_", "-"), t) for t in TESTS])
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
