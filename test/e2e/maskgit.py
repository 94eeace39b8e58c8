#!/usr/bin/env python3
"""MaskGIT from a checkpoint's folder to tokens, compared with its description in float64 (`test/oracle/maskgit.py`): other shapes, schedules and
temperatures than any fixture has, through the interpreter and machine code of both levels. Its family is a text that brings its own decoder, so what
holds of such families is here, too: requests without a prompt, settings that are words.
"""
import json
import os
import random
import sys

import harness
import tensors
from family_folder import FamilyFolder
from harness import expect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "oracle"))
import maskgit  # noqa: E402

SHAPES = [dict(codebook_size=37, num_classes=3, hidden_size=24, num_layers=2, num_heads=3, intermediate_size=40, latent_size=3),
          dict(codebook_size=70, num_classes=1, hidden_size=20, num_layers=1, num_heads=1, intermediate_size=17, latent_size=4)]
SCHEDULES = ["cosine", "uniform", "log", "exp", "pow2.5", "pow1", "pow0.25"]
DEFAULTS = dict(steps=8, schedule="cosine", temperature=1.0, choice_temperature=4.5)


def made(folder, shape, seed):
    return maskgit.Model(shape, maskgit.write(folder, shape, seed))


class Folder(FamilyFolder):
    def __init__(self, *args, **k):
        super().__init__(made, *args, **k)

    def call(self, tool, target, label, grid, settings, *flags):
        return super().call(tool, target, settings, *flags, given={"class": ("I32", [1], [label]), "grid": ("I32", [len(grid)], grid)})


def cases(shape, seed):
    rnd = random.Random(seed)
    cells = shape["latent_size"] ** 2
    for schedule in SCHEDULES:
        for warm in (0.0, 1.0):
            grid = [rnd.randrange(shape["codebook_size"]) if rnd.random() < 0.3 else -1 for _ in range(cells)]
            yield rnd.randrange(shape["num_classes"]), grid, dict(
                steps=rnd.choice([1, 3, 5]), schedule=schedule, temperature=warm, choice_temperature=rnd.choice([0.0, 1.0, 4.5]), seed=rnd.getrandbits(40))
    # Everything is there already; one cell is not.
    yield 0, [1] * cells, dict(DEFAULTS, steps=2, seed=3)
    yield 0, [1] * (cells - 1) + [-1], dict(DEFAULTS, steps=2, schedule="log", seed=4)


def against_the_oracle():
    compared = 0
    for n, shape in enumerate(SHAPES):
        with Folder(shape, seed=n + 1) as f:
            program = f.program()
            places = [("quoin-interpret", program), ("quoin-run", f.compiled("-O0")), ("quoin-run", f.compiled("-O2"))]
            for label, grid, settings in cases(shape, 7 + n):
                ids, steps, nearest = maskgit.run(f.oracle, label, grid, **settings)
                if nearest < 1e-4:
                    continue
                compared += 1
                for tool, target in places:
                    r, got = f.call(tool, target, label, grid, settings)
                    expect(r.returncode == 0, f"{tool}: {r.stderr.strip()}")
                    expect(got["ids"][2] == ids, f"{tool} {settings}: expects ids {ids}, but found {got['ids'][2]}")
                    expect(got["steps"][1] == [len(steps), len(grid)] and got["steps"][2] == [t for s in steps for t in s],
                           f"{tool} {settings}: expects steps {steps}, but found {got['steps'][2]}")
    expect(compared >= 25, f"expects 25 runs that are clear, but found {compared}")
    return f"{compared} runs"


def bits():
    """Of bf16 weights as of f32 ones: threads change nothing."""
    with Folder(SHAPES[0]) as f:
        for weights in ("f32", "bf16"):
            out = f.compiled(weights=weights)
            grid = [-1] * 9
            _, one = f.call("quoin-run", out, 1, grid, DEFAULTS, "--threads", "1")
            _, two = f.call("quoin-run", out, 1, grid, DEFAULTS, "--threads", "2")
            expect(one == two and one["ids"][1] == [9], f"{weights}: expects {one}, but found {two}")


def defaults():
    """Settings that are given when a program is made are its defaults; a request that gives the same gets the same."""
    with Folder(SHAPES[0]) as f:
        plain, made = f.compiled(), f.compiled("--set", "steps=3", "--set", "schedule=pow2.5", "--set", "choice_temperature=1")
        grid, settings = [-1] * 9, dict(steps=3, schedule="pow2.5", choice_temperature=1, seed=5)
        _, asked = f.call("quoin-run", plain, 2, grid, settings)
        _, own = f.call("quoin-run", made, 2, grid, dict(seed=5))
        expect(asked == own and own["steps"][1] == [3, 9], f"expects {asked}, but found {own}")
        with open(os.path.join(made, "model.json")) as meta:
            decoder = json.load(meta)["decoders"][0]
        expect(decoder["settings"]["schedule"] == dict(value="pow2.5", words=["cosine", "uniform", "log", "exp", "pow*"], run_time=True),
               f"found {decoder['settings']}")
        # A setting may come as a tensor of one element; a class by --set.
        given, got = os.path.join(f.top, "in.safetensors"), os.path.join(f.top, "o.safetensors")
        tensors.save(given, {"grid": ("I32", [9], grid), "steps": ("I32", [1], [3]), "choice_temperature": ("F32", [], [1.0])})
        program = f.program()
        for tool, target in (("quoin-run", plain), ("quoin-interpret", program)):
            harness.tool(tool, target, "--inputs", given, "--outputs", got, "--seed", 5, "--set", "class=2", "--set", "schedule=pow2.5")
            expect(tensors.load(got)["ids"] == own["ids"], f"{tool}: expects {own['ids']}, but found {tensors.load(got)['ids']}")


def refused(settings, *words, label=0, grid=None, interpreted=True):
    """Both tools say it alike."""
    def test():
        with Folder(SHAPES[0]) as f:
            program = f.program()
            for tool, target in (("quoin-interpret", program), ("quoin-run", f.compiled())):
                r, got = f.call(tool, target, label, grid or [-1] * 9, settings)
                expect(r.returncode == 1 and got is None, f"{tool}: expects a refusal, but it ended with {r.returncode}: {r.stderr}")
                for word in words:
                    expect(word in r.stderr, f"{tool}: expects '{word}' in {r.stderr.strip()}")
    return test


def not_made(flags, *words, change=None):
    def test():
        with Folder(SHAPES[0], change=change) as f:
            r = harness.call("quoin-compile", f.model, "-o", os.path.join(f.top, "no"), *flags)
            expect(r.returncode == 1, f"expects a refusal, but it ended with {r.returncode}")
            for word in words:
                expect(word in r.stderr, f"expects '{word}' in {r.stderr.strip()}")
    return test


if __name__ == "__main__":
    harness.main([
        ("against-the-oracle", against_the_oracle),
        ("bits", bits),
        ("defaults", defaults),
        ("unknown-word", refused(dict(schedule="square"), "expects the setting 'schedule' to be one of cosine, uniform, log, exp, pow*, but it is 'square'")),
        ("word-without-its-number", refused(dict(schedule="pow"), "to be one of cosine, uniform, log, exp, pow*, but it is 'pow'")),
        ("number-for-a-word", refused(dict(schedule=2), "to be one of cosine, uniform, log, exp, pow*, but it is '2'")),
        ("word-for-a-number", refused(dict(steps="many"), "expects the setting 'steps' to be a number, but it is 'many'")),
        ("unknown-setting", refused(dict(speed=1), "the decoder 'maskgit' has no setting 'speed'; it has choice_temperature, logits, schedule, steps, temperature")),
        ("unknown-setting-word", refused(dict(speed="fast"), "the decoder 'maskgit' has no setting 'speed'")),
        ("no-steps", refused(dict(steps=0), "the setting 'steps' is at least 1")),
        ("no-such-class", refused({}, "the input 'class' is below 3", label=3)),
        ("no-such-code", refused({}, "the input 'grid' has codes below 37", grid=[37] + [-1] * 8)),
        ("another-grid", refused({}, "the input 'grid' has 9 cells", grid=[-1] * 8)),
        ("made-with-an-unknown-word", not_made(["--set", "schedule=square"], "setting 'schedule' expects one of cosine, uniform, log, exp, pow*, but found 'square'")),
        ("made-with-no-steps", not_made(["--set", "steps=0"], "setting 'steps' expects an integer from 1 to 65536, but found 0")),
        ("made-with-an-unknown-setting", not_made(["--set", "speed=1"], "expects a setting of the decoder (steps, schedule, temperature, choice_temperature, logits)", "'speed'")),
        ("another-decoder", not_made(["--decoder", "llada"], "'--decoder' expects 'maskgit', which family 'maskgit' comes with, but found 'llada'")),
        ("a-tensor-too-many-heads", not_made([], "query.kernel", "expects", change=dict(num_heads=4))),
        ("missing-key", not_made([], "config.json", "latent_size", change=dict(latent_size=None))),
    ])
