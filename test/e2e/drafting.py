#!/usr/bin/env python3
"""Families that draft by parts of their own: Clover's chain of heads, Hidden Transfer's rows, the sampler head of "Your LLM knows the future", and the sampler of approximate
joint sampling, over random checkpoints.

Answers, guesses, what each step accepted and evaluations are those of loops in Python (test/oracle/drafts.py): interpreted, after each pass, and compiled, alone and in company. Rows that run say what was kept.
"""
import os
import random
import sys

import harness
import tensors
from draft_models import Model
from harness import expect

sys.path.insert(0, os.path.join(harness.ROOT, "test", "oracle"))
from drafts import Run  # noqa: E402

# Family, seed, shape, settings.
CASES = {
    "clover": ("clover", 3, {}, {}),
    "clover-chain": ("clover", 4, dict(draft_top_k=[1, 1, 1, 1], num_hidden_layers=1, num_key_value_heads=2, tie_word_embeddings=True, vocab_size=7), {}),
    "hidden-transfer": ("hidden-transfer", 5, {}, {}),
    "hidden-transfer-deep": ("hidden-transfer", 6, dict(draft_top_k=[2, 2, 1], num_hidden_layers=3, transfer_layer=2, tie_word_embeddings=True, vocab_size=9), {}),
    "knows-the-future": ("knows-the-future", 47, dict(vocab_size=8, mask_token_id=7), {}),
    "knows-the-future-long": ("knows-the-future", 25, dict(rank=0, tie_word_embeddings=True, num_hidden_layers=1, vocab_size=6, mask_token_id=5), dict(masks=5)),
    "joint-sampling": ("joint-sampling", 9, {}, {}),
    "joint-sampling-tied": ("joint-sampling", 10, dict(tie_word_embeddings=True, num_key_value_heads=2, num_hidden_layers=1, vocab_size=9, mask_token_id=0), dict(tokens=3)),
}
ASKED = 6
# The most rows that a text of so many tokens and so many steps take. The text runs once in each model of it. A step of Clover's runs 15 guesses in the model, and 1, 4 and 10 of them and the
# root in its heads; one of Hidden Transfer's 9 guesses in each of two models and 20 rows that it makes in one; one with three masks three guesses, 12 masks and three rows of the head.
MOST = {"clover": lambda text, steps: text + steps * 30, "hidden-transfer": lambda text, steps: 2 * text + steps * 38, "knows-the-future": lambda text, steps: text + steps * 18}


def requests(model, settings, seed):
    """Requests whose decisions are clear, and what the oracle makes of them."""
    rnd, made = random.Random(seed), []
    tokens = [t for t in range(model.config["vocab_size"]) if t != model.fill]
    while len(made) < ASKED:
        ids = [rnd.choice(tokens) for _ in range(rnd.choice([1, 2, 5, 9]))]
        q = dict(ids=ids, max_tokens=rnd.randrange(4, 10), stop=rnd.sample(tokens, 1) if len(made) % 3 == 2 else [], seed=len(made), settings=dict(settings))
        if model.family == "joint-sampling" and len(made) % 2:
            q["temperature"] = 0.8
        run = Run(model, ids, q["max_tokens"], q["stop"], dict(settings, seed=q["seed"], temperature=q.get("temperature", 0)))
        if run.near > 1e-3:
            made.append((q, run))
    return made


def told(tool, target, folder, q, run):
    """What a step guessed and accepted are outputs."""
    given, got = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
    tensors.save(given, {"prompt": ("I32", [len(q["ids"])], q["ids"])})
    flags = [f for k, v in q["settings"].items() for f in ("--set", f"{k}={v}")]
    harness.tool(tool, target, "--inputs", given, "--outputs", got, "--max-tokens", q["max_tokens"], "--stop", ",".join(map(str, q["stop"])), *flags)
    found = {name: values for name, (_, _, values) in tensors.load(got).items()}
    for name, want in (("drafted", run.drafted), ("accepted", run.accepted)):
        expect(found[name] == want, f"{tool} {target} {q}: expects {name} {want}, but found {found[name]}")


def compare(form, asked, got):
    for (q, run), g in zip(asked, got):
        expect(g["ids"] == run.ids, f"{form} {q}: expects {run.ids}, but found {g['ids']}")
        expect(g["evaluations"] == run.evaluations, f"{form} {q}: expects {run.evaluations} evaluations, but found {g['evaluations']}")


def rows_that_run(family, out):
    got, = harness.answers("quoin-run", out, [dict(ids=[i % 5 + 2 for i in range(40)], max_tokens=14, stop=[])])
    most = MOST[family](40 + len(got["ids"]), got["evaluations"])
    expect(got["rows"] <= most, f"{got['evaluations']} steps: expects at most {most} rows, but found {got['rows']}")


def against_the_oracle(name):
    def test():
        family, seed, shape, settings = CASES[name]
        model = Model(family, seed, **shape)
        asked = requests(model, settings, seed)
        queries = [q for q, _ in asked]
        with harness.scratch() as top:
            hf, text = model.write(os.path.join(top, "hf")), os.path.join(top, "m.mlir")
            said = harness.call("quoin-import", hf, "-o", text)
            expect(said.returncode == 0 and not said.stderr, f"expects no word, but found {said.stderr}")
            compare("interpreted", asked, harness.answers("quoin-interpret", text, queries))
            for passed, after in harness.forms(text, harness.PASSES) if name == family else ():
                compare(f"interpreted after {passed}", asked, harness.answers("quoin-interpret", after, queries))
            places = [("quoin-interpret", text)]
            for level in ("-O0", "-O1") if name == family else ("-O1",):
                out = os.path.join(top, "out" + level)
                harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", "--without-tokenizer", level)
                places.append(("quoin-run", out))
                for flags in (["--threads", "1"], ["--batch", "4", "--threads", "2"]):
                    compare(f"{level} {flags}", asked, harness.answers("quoin-run", out, queries, *flags))
            if family != "joint-sampling":
                for tool, target in places:
                    told(tool, target, top, *asked[0])
                if name == family:
                    rows_that_run(family, out)
            gained = sum(sum(run.accepted) for _, run in asked)
            steps = sum(len(run.accepted) for _, run in asked) or sum(run.evaluations for _, run in asked)
            expect(not gained or gained > steps, f"expects a guess that holds, but found {gained} tokens in {steps} steps")
            return f"{gained or sum(len(run.ids) for _, run in asked)} tokens in {steps} steps"
    return test


def refusals():
    """What a config has wrong is said of its key."""
    for family, change, words in (("clover", dict(draft_top_k=[]), "'draft_top_k' expects 1 to 16 numbers"),
                                  ("clover", dict(draft_top_k=[3, 13]), "'draft_top_k' expects numbers from 1 to 12"),
                                  ("clover", dict(draft_top_k=[8] * 5), "'draft_top_k' expects at most 512 guesses a level"),
                                  ("hidden-transfer", dict(draft_top_k=[12] + [1] * 9), "'draft_top_k' expects fewer guesses"),
                                  ("hidden-transfer", dict(transfer_layer=2), "'transfer_layer' expects less than 'num_hidden_layers' 2"),
                                  ("knows-the-future", dict(mask_token_id=None), "'mask_token_id' expects an integer from 0 to 12")):
        with harness.scratch() as top:
            model = Model(family)
            model.config.update(change)
            harness.expect_refused(harness.call("quoin-import", model.write(os.path.join(top, "hf")), "-o", "-"), words)


if __name__ == "__main__":
    harness.main([(name, against_the_oracle(name)) for name in CASES] + [("refusals", refusals)])
