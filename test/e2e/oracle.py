#!/usr/bin/env python3
"""Every decoder against an oracle that knows nothing of the dialect (test/oracle), in every form that a program takes.

The oracle's tokens and evaluations must be those of the imported program, of the program after each pass that changes it, and of
artefacts at -O0 and at -O1 or -O2; its count of forwards that of the published engine at -O0, and at least that above. A request is left
out if noise on the scores changes what the oracle gives, since then float32 arithmetic may differ too.
QUOIN_ORACLE_REQUESTS sets how many requests a decoder gets over all its shapes (default 24).
"""
import json
import os
import random
import re
import shutil
import sys
import tempfile

import harness
from checkpoint import Shape, write

sys.path.insert(0, os.path.join(harness.ROOT, "test", "oracle"))
import decoders
import more_decoders
from model import Model

REQUESTS = int(os.environ.get("QUOIN_ORACLE_REQUESTS", "24"))
NOISE = 1e-3
SDAR = ("sdar-dynamic", "sdar-static", "sdar-sequential")
BLOCKS = (*SDAR, "s2d2", "llada2", "llada2.0", "bd3lm", "nbdiff", "d2f")
FAST = ("fast-dllm-v2", "fast-dllm-v2-sub-block-cache")
SDLM = ("sdlm", "sdlm-entropy", "sdlm-self")
WEDLM = ("wedlm", "wedlm-blocks")
# Decoders of which a few requests do, over all their shapes.
FEW = dict.fromkeys(more_decoders.LOOPS, 8)
# A token of the prompt that means something to the decoder.
MARKS = {"forced-aligner": 7, "set-prompting": 7}


# What the model of "own-canvases" often predicts.
DELIMITERS = [83, 4]


def shape(family, seed, **more):
    return Shape(**{**dict(family=family, seed=seed, layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264), **more})


# Shape, decoders over it, settings given when it is compiled: one for all, or one for each, which then stand in one module.
CASES = {
    "two-steps": (shape("sdar", 1), BLOCKS, dict(block=4, steps=2, sub_block=2, least=2, max_post_steps=1, min_span=1)),
    "uneven-steps": (shape("sdar", 2, layers=1, heads=3, kv_heads=3, head_dim=8, hidden=24), BLOCKS,
                     dict(block=8, steps=3, sub_block=4, score=-2.0, cost=1.0, causal_cache=True, causal_draft=True, add=0.5,
                          complete=0.5)),
    "odd-block": (shape("sdar", 3, heads=4, kv_heads=2, head_dim=10, tied=True), (*BLOCKS, "llada", *WEDLM),
                  dict(block=5, sub_block=1, least=1, causal_draft=True, add=0.1, complete=0.9, window=3)),
    "sub-blocks": (shape("fast-dllm-v2", 4), (*FAST, "nbdiff", "s2d2"),
                   dict(block=8, sub_block=4, steps=2, causal_cache=True, score=1.2, cost=1.0)),
    "thirds": (shape("fast-dllm-v2", 5, layers=1, heads=4, kv_heads=4, head_dim=8), (*FAST, *SDLM, "autoregressive"),
               dict(block=6, sub_block=2, window=5)),
    "windows": (shape("sdlm", 6), (*SDLM, "d2f"), dict(window=4, block=3)),
    "reordered": (shape("wedlm", 7), (*WEDLM, "autoregressive"), dict(window=6, block=4)),
    "wide-window": (shape("wedlm", 8, layers=1, heads=3, kv_heads=1, head_dim=12, hidden=36), (*WEDLM, *SDLM), dict(window=16, block=7)),
    "rules-of-llada": (shape("llada", 25, heads=4, kv_heads=4, head_dim=8), ("llada", "llada", "ilm"),
                       [dict(block=5, threshold=0.3), dict(block=4, factor=3.6), dict(rank="joint")]),
    "own-blocks": (shape("sdar", 30), ("blockgen", "ctrldiff", "efficient-dlm", "softmol", "tccf", "tdar"),
                   dict(block=4, steps=4, warmup=1, every=2, largest=6, first=3, grow=0.02, rank="nucleus", answer=3, lower=0.02,
                        upper=0.1)),
    "own-odd-blocks": (shape("sdar", 31, layers=1, heads=3, kv_heads=3, head_dim=8, hidden=24),
                       ("blockgen", "blockgen-uniform", "softmol", "tdar"),
                       dict(block=5, steps=3, warmup=0, every=1, others=200, lower=0.6, upper=0.9)),
    "own-masks": (shape("sdar", 52, layers=1, hidden=16, heads=1), ("knows-the-future", "stamp", "tree"), dict(masks=2, slots=3)),
    "own-canvases": (shape("llada", 33), ("adablock", "gidd", "hex", "ilm"),
                     dict(block=4, delimiter=DELIMITERS, delimiter_threshold=0.0, steps=4, uniform=0.2, smallest=2, answer=1,
                          vocabulary=264)),
    # Few ids and a guide that is all but the model: they agree on some.
    "own-guide": (shape("llada", 35, layers=2, vocabulary=264), ("guided-diffusion",), dict(block=4, guide_layers=1)),
    "own-better-guide": (shape("sdar", 36, layers=1, hidden=16, heads=1), ("guided-diffusion",), dict(block=3, guide_layers=1)),
    "own-texts": (shape("qwen3", 34), ("cntp", "forced-aligner", "set-prompting"),
                  dict(low=1.0, high=5.6, trials=3, longest=3, comma=[11, 60, 200], period=13, slot=7, separator=7)),
    # Forks of a text in one call.
    "own-trials": (shape("qwen3", 37), ("cntp",), dict(low=1.0, high=5.4, trials=5, longest=4, comma=[11, 60, *range(100, 140)], period=13, together=True)),
    "own-schedules": (shape("llada", 38), ("hex",), dict(smallest=2, answer=1, together=True)),
    "guided": (shape("llada", 9), ("llada", "llada2", "d2f"), dict(block=4, steps=12, max_post_steps=0, edit_threshold=0.3)),
    "long-guided": (shape("llada", 10, layers=1, heads=4, kv_heads=4, head_dim=8), ("llada", "nbdiff"), dict(block=2, sub_block=2)),
    "dream": (shape("sdar", 13), ("dream", "rnd1"), dict(steps=5)),
    "dream-token-each": (shape("llada", 14, layers=1, heads=4, kv_heads=4, head_dim=8), ("dream", "rnd1"), {}),
    "rules-of-dream": (shape("sdar", 16, tied=True), ("dream",) * 4,
                       [dict(alg="maskgit_plus", steps=7), dict(alg="origin", steps=6), dict(alg="entropy", alg_temp=0.3, steps=6),
                        dict(alg="topk_margin", steps=12, eps=0.3)]),
    "no-fill": (shape("qwen3", 11, tied=True), ("autoregressive",) * 2, [{}, dict(attention_window=5)]),
    "nemotron": (shape("sdar", 18), ("nemotron-diffusion", "nemotron-linear-spec"), dict(block=4)),
    "nemotron-wide": (shape("fast-dllm-v2", 19, layers=1, heads=4, kv_heads=2, head_dim=8), ("nemotron-diffusion", "nemotron-linear-spec"),
                      dict(block=7)),
    "biased": (shape("qwen2", 12, layers=1, heads=2, kv_heads=2), ("autoregressive",), {}),
}
SHARES = {d: sum(case[1].count(d) for case in CASES.values()) for d in (*decoders.LOOPS, *more_decoders.LOOPS)}

# Defaults where neither the case nor the request gives a setting.
DEFAULTS = {d: dict(threshold=0.85) for d in (*SDAR, "s2d2")}
DEFAULTS.update({d: dict(threshold=0.5) for d in SDLM}, **{d: dict(threshold=0.9) for d in (*FAST, "nbdiff", "wedlm-blocks")})
DEFAULTS.update({"llada2.0": dict(threshold=0.95), "llada2": dict(threshold=0.95, edit_threshold=0.9, least=1, max_post_steps=16), "bd3lm": dict(top_p=0.9),
                 "wedlm": dict(entropy=0.4, distance_penalty=0.02), "d2f": dict(threshold=0.9, add=0.1, complete=0.9),
                 "nemotron-diffusion": dict(threshold=2), "nemotron-linear-spec": dict(threshold=0)})
DEFAULTS.update({d: dict(threshold=0.9) for d in ("adablock", "efficient-dlm", "tccf")}, ctrldiff=dict(threshold=0.85),
                softmol=dict(top_p=0.95))
# What a request may give.
THRESHOLDS = [0.02, 0.1, 0.3, 0.6, 0.9]
RUN_TIME = {d: dict(threshold=THRESHOLDS) for d in ("sdar-dynamic", "s2d2", "llada2.0", "sdlm", *FAST, "nbdiff", "d2f", "nemotron-diffusion", "nemotron-linear-spec")}
RUN_TIME.update({"bd3lm": dict(top_p=[0.3, 0.9, 1.0]), "llada": dict(guidance=[0, 0, 1.5]),
                 "llada2": dict(threshold=THRESHOLDS, edit_threshold=[0.1, 0.4, 0.9]), "wedlm-blocks": dict(threshold=[0, *THRESHOLDS]),
                 "wedlm": dict(entropy=[0.4, 1.5, 3.0, 4.5], distance_penalty=[0, 0.02, 0.2]), "sdlm-entropy": dict(threshold=[0.1, 0.3, 0.5])})
RUN_TIME.update({d: dict(threshold=THRESHOLDS) for d in ("adablock", "efficient-dlm", "tccf", "ctrldiff")},
                softmol=dict(top_p=[0.3, 0.9, 1.0]))
# Systems that draw tokens; the others have no temperature (S2D2, self-speculative SDLM) or always draw (BD3-LM).
FILTERS = {d: ("top_k", "top_p") for d in (*SDAR, "autoregressive", "sdlm", "sdlm-entropy", "llada2", "llada2.0", "wedlm", "nbdiff", "d2f")}
FILTERS.update({"llada": (), "wedlm-blocks": (), "nemotron-diffusion": ()}, **{d: ("top_p",) for d in FAST})

FILTERS.update({d: () for d in ("adablock", "blockgen", "blockgen-uniform", "efficient-dlm", "gidd", "hex", "ilm")})
FILTERS.update({d: ("top_k", "top_p") for d in ("cntp", "ctrldiff", "dream", "stamp", "tccf", "tdar")})


def cut(folder, layers):
    """The checkpoint with its first layers alone."""
    other = shutil.copytree(folder, folder + "-cut")
    path = os.path.join(other, "config.json")
    config = json.load(open(path))
    config["n_layers" if "n_layers" in config else "num_hidden_layers"] = layers
    json.dump(config, open(path, "w"))
    return other


def request(rnd, decoder, fill, settings):
    block = settings.get("block", settings.get("window", 4))
    length = rnd.choice([1, 2, 3, block - 1, block, block + 1, 2 * block, 2 * block + 3, rnd.randrange(1, 24)])
    length = 1 if decoder == "bd3lm" else length
    most = rnd.choice([1, block - 1, block, 2 * block, rnd.randrange(1, 20)])
    if decoder == "llada":
        most = rnd.choice([1, 2, 3, 4]) * block if "steps" in settings else rnd.choice([1, block, 2 * block, 3 * block])
    ids = [rnd.randrange(264) for _ in range(max(1, length))]
    if fill and len(ids) > 1 and rnd.random() < 0.2:  # a prompt of nothing else makes all rows equal
        ids[rnd.randrange(len(ids))] = fill
    if decoder in MARKS:
        ids = [MARKS[decoder] if rnd.random() < 0.25 else v for v in ids[:-1]] + ids[-1:]
    stop = rnd.sample(range(264), rnd.choice([0, 0, 4, 40]))
    given = {k: rnd.choice(v) for k, v in RUN_TIME.get(decoder, {}).items() if rnd.random() < 0.9}
    if decoder in FILTERS and rnd.random() < 0.4:
        given["temperature"] = rnd.choice([0.4, 1.0])
        for name in FILTERS[decoder]:
            if rnd.random() < 0.5:
                given[name] = rnd.choice([1, 3, 20]) if name == "top_k" else rnd.choice([0.5, 0.9])
    return dict(decoder=decoder, ids=ids, max_tokens=max(1, most), stop=stop, seed=rnd.randrange(1 << 50), settings=given)


def flags(names, settings):
    """What makes an artefact of these decoders and settings."""
    return ["--decoder", ",".join(names)] + [f for k, v in settings.items() for f in ("--set", f"{k}={json.dumps(v)}")]


def filled_in(decoder, settings):
    """The settings, with the defaults of those that are not given."""
    steps = {} if decoder in ("llada", "dream", "rnd1") or "block" not in settings else dict(steps=settings["block"])
    return {**DEFAULTS.get(decoder, {}), **steps, **settings}


def expected(model, q, settings, noise=0):
    model.noise = noise
    if hasattr(model, "guide"):
        model.guide.noise = noise
    return decoders.decode(model, q["decoder"], q, settings, more_decoders.LOOPS.get(q["decoder"]))


def steady(model, q, settings, want):
    """Noise on the scores changes nothing."""
    for _ in range(2):
        if expected(model, q, settings, NOISE) != want:
            return False
    return True


# What decoders call.
FUNCTION = re.compile(r"  func\.func .*?\n  }\n", re.DOTALL)


def side_by_side(folder, hf, names, settings):
    """A module of decoders that may be the same one with other settings, each imported by itself; named "<number>-<name>"."""
    decoders, functions, text = [], {}, ""
    for i, (name, own) in enumerate(zip(names, settings)):
        path = os.path.join(folder, f"imported{i}.mlir")
        harness.tool("quoin-import", hf, "-o", path, *flags([name], own))
        text = harness.tool("quoin-opt", path)  # written without names of masks
        functions.update(dict.fromkeys(FUNCTION.findall(text)))
        first = text.index("  quoin.decoder @")
        decoders.append(re.sub(r"quoin\.decoder @\S+?\(", f'quoin.decoder @"{i}-{name}"(', text[first:text.index("\n  }\n", first) + 5], count=1))
    text = FUNCTION.sub("", text)
    end = text.index("\n  }\n", text.index("  quoin.decoder @")) + 5
    source = os.path.join(folder, "model.mlir")
    with open(source, "w") as f:
        f.write(text[:text.index("  quoin.decoder @")] + "".join([*functions, *decoders]) + text[end:])
    return source


def compare(form, queries, wants, got, exact_forwards):
    for i, (q, w, g) in enumerate(zip(queries, wants, got)):
        where = f"{form}, {q['decoder']}, request {i} {q}"
        for key in ("ids", "evaluations"):
            harness.expect(g[key] == w[key], f"{where}: expects {key} {w[key]}, but found {g[key]}")
        if w["forwards"] is not None:
            good = g["forwards"] == w["forwards"] if exact_forwards else g["forwards"] <= w["forwards"]
            most = "" if exact_forwards else "at most "
            harness.expect(good, f"{where}: expects {most}{w['forwards']} forwards, but found {g['forwards']}")


def check(name):
    s, names, settings = CASES[name]
    many, folder = isinstance(settings, list), tempfile.mkdtemp()
    variants = settings if many else [settings] * len(names)
    guide_layers = variants[0].get("guide_layers")
    rnd, queries, wants, close = random.Random(s.seed), [], [], 0
    try:
        hf = write(os.path.join(folder, "hf"), s)
        model = Model(hf, os.path.join(harness.BIN, "quoin-oracle-forward"))
        if guide_layers:
            model.guide = Model(cut(hf, guide_layers), os.path.join(harness.BIN, "quoin-oracle-forward"))
        for i, (decoder, given) in enumerate(zip(names, variants)):
            own, wanted = filled_in(decoder, given), -(-min(REQUESTS, FEW.get(decoder, REQUESTS)) // SHARES[decoder])
            while wanted:
                q = request(rnd, decoder, model.fill, given)
                want = expected(model, q, own)
                if not steady(model, q, own, want):
                    close += 1
                    continue
                queries.append({**q, "decoder": f"{i}-{decoder}"} if many else q)
                wants.append(want)
                wanted -= 1
        model.close()
        if guide_layers:
            model.guide.close()
        source, passed = os.path.join(folder, "model.mlir"), os.path.join(folder, "passed.mlir")
        if many:
            side_by_side(folder, hf, names, variants)
            program = [source]
        else:
            harness.tool("quoin-import", hf, "-o", source, *flags(names, settings))
            program = [hf, *flags(names, settings)]
        compare("interpreted", queries, wants, harness.answers("quoin-interpret", source, queries), True)
        for n in harness.after_each_pass(source, passed):
            compare(f"interpreted after {harness.PASSES[n - 1][2:]}", queries, wants, harness.answers("quoin-interpret", passed, queries), n < 3)
        before = None
        # Code is made in haste for two of three cases: what LLVM does with it, others' tests are about.
        best = "-O2" if s.seed % 3 == 0 else "-O1"
        for level, more in (("-O0", []), (best, ["--threads", "2", "--batch", "6"])):
            out = os.path.join(folder, "out" + level)
            harness.tool("quoin-compile", *program, "-o", out, level, "--weights", "f32")
            got = harness.answers("quoin-run", out, queries, *more)
            compare(f"compiled {level}", queries, wants, got, level == "-O0")
            for i, (a, b) in enumerate(zip(before or [], got)):
                more_calls = f"{queries[i]}: expects at most {a['forwards']} forwards, but found {b['forwards']}"
                harness.expect(b["forwards"] <= a["forwards"], more_calls)
            before = got
        return f"{len(queries)} requests over {len(names)} decoders, {close} close ones left out"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    harness.main([("oracle-" + n, lambda n=n: check(n)) for n in CASES])
